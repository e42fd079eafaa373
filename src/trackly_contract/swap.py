"""Puts a folder in the place of another so that no crash loses either.

Promises: whenever a swap is cut off, what `settled` leaves is one of the two folders, whole: the new one as soon as
all of it was written, else the old one.
Refuses: to guess: only folders that a swap has named are touched.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{what}-{folder.name}")


def swap(new: Path, folder: Path) -> None:
    """Put a copy of the files in `new` in the place of `folder`, which keeps its old content until the last moment.

    Raises OSError if the disk does not allow it; `settled` then makes the best of what is there.
    """
    settled(folder)
    part = _beside(folder, "part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in sorted(new.iterdir()):
        shutil.copyfile(path, part / path.name)
    # From this name on it is whole: a crash before it leaves the old folder, a crash after it the new one.
    part.rename(_beside(folder, "new"))
    settled(folder)


def settled(folder: Path) -> Path:
    """Finish or undo a swap of `folder` that was cut off, and return `folder`; does nothing where none was.

    Raises OSError if the disk does not allow it.
    """
    new, old = _beside(folder, "new"), _beside(folder, "old")
    if new.is_dir():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)  # of an earlier swap, which was finished
            folder.rename(old)
        new.rename(folder)
    elif old.is_dir() and not folder.exists():
        old.rename(folder)
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    return folder
