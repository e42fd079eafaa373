"""Files: where the project's data stands, and writing so that no crash loses anything.

A checkout's own files win over copies in an installed package. A file is written whole or stays as it was; a folder is
replaced so that the old or the new one is always whole.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from trackly_contract.core.text import one_line

_HERE = Path(__file__).resolve().parent.parent


def data_root(package: Path = _HERE) -> Path:
    """Return the folder that holds schemas/, contracts/, cassettes/ and tests/conformance/.

    `package` is the folder of the installed package. Its checkout wins over its own `data` folder.
    Raises FileNotFoundError where neither is there.
    """
    checkout = package.parent.parent
    if package.parent.name == "src" and (checkout / "contracts" / "sources.toml").is_file():
        return checkout
    packaged = package / "data"
    if (packaged / "contracts" / "sources.toml").is_file():
        return packaged
    where = f"neither {checkout / 'contracts'} nor {packaged / 'contracts'} is there"
    raise FileNotFoundError(f"{where}: the installation is incomplete; install trackly-contract again")


def suite_folder() -> Path:
    """Return the folder of the conformance tests."""
    return data_root() / "tests" / "conformance"


def replace_folder(new: Path, folder: Path) -> None:
    """Put a copy of the files in `new` in the place of `folder`, which keeps its old content until the last moment.

    Raises OSError if the disk does not allow it; `recover_folder` then makes the best of what is there.
    """
    recover_folder(folder)
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in sorted(new.iterdir()):
        shutil.copyfile(path, part / path.name)
    if folder.exists():
        folder.rename(_old(folder))
    part.rename(folder)
    recover_folder(folder)


def recover_folder(folder: Path) -> Path:
    """Undo a replacement of `folder` that was cut off, or remove what it left; return `folder`.

    Raises OSError if the disk does not allow it.
    """
    if _old(folder).is_dir() and not folder.exists():
        _old(folder).rename(folder)
    shutil.rmtree(_old(folder), ignore_errors=True)
    return folder


def _old(folder: Path) -> Path:
    return folder.with_name(f".old-{folder.name}")


class UnwritableError(ValueError):
    """A file cannot be written; the text names it and says why."""


def toml_entries(header: str, table: str, entries: Iterable[Mapping[str, str | date]], remark: str = "") -> str:
    """Return entries of one table as TOML, under a header of comments that may carry one remark more."""
    parts = [header + (f"# Beware: {one_line(remark)}.\n" if remark else "")]
    for entry in entries:
        # Without unseen characters and halves of characters, a string of JSON is one of TOML too.
        texts = {
            name: value.isoformat() if isinstance(value, date) else json.dumps(one_line(value), ensure_ascii=False)
            for name, value in entry.items()
        }
        parts.append(f"[[{table}]]\n" + "".join(f"{name} = {text}\n" for name, text in texts.items()))
    return "\n".join(parts)


def write_file(path: Path, text: str) -> None:
    """Put a text in the place of a file in a folder that is there, whole and on the disk when this returns.

    Raises UnwritableError: the file is then the old one or the new one, never half of either.
    """
    if not path.parent.is_dir():
        raise UnwritableError(f"{path}: cannot be written (there is no such folder)")
    write_files(path.parent, {path.name: text})


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Put texts by name in the place of files of a folder: none of them before all are on the disk.

    The folder is made where it is missing. Raises UnwritableError: each file is then the old one or the new one, never
    half of either.
    """
    temporary = {name: folder / f".{name}.new" for name in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with temporary[name].open("wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
        for name in texts:
            temporary[name].replace(folder / name)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            opened = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
    except OSError as error:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise UnwritableError(f"{folder / next(iter(texts))}: cannot be written ({error.strerror})") from None
