"""The journal: what an audience was before a run first changed it, on disk until it is put back.

Promises: written whole and synced before the first change, removed only after the audience was found as it was.
Refuses: to hold the key; to overwrite the journal of an earlier run that was never put back.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackly_contract.core import JSON


def state_folder() -> Path:
    """Return the folder of journals: TRACKLY_STATE_DIR, or a fixed one of the user's."""
    given = os.environ.get("TRACKLY_STATE_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "trackly-contract"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "trackly-contract"


@dataclass(frozen=True)
class Journal:
    """The journal of one audience at one base URL."""

    path: Path

    @classmethod
    def of(cls, base_url: str, audience_id: str, folder: Path | None = None) -> Journal:
        """Return the journal of an audience; the file's name is made from both, and shows neither."""
        name = hashlib.sha256(f"{base_url} {audience_id}".encode()).hexdigest()[:16]
        return cls((folder or state_folder()) / f"{name}.journal.json")

    def read(self) -> dict[str, JSON] | None:
        """Return the audience as it was, None if nothing is to be put back.

        Raises ValueError, naming the file, if the journal cannot be read.
        """
        try:
            entry = json.loads(self.path.read_text("utf-8"))
            audience: dict[str, JSON] = entry["audience"]
            if not isinstance(audience, dict):
                raise TypeError("it holds no audience")  # noqa: TRY301  # told like any other
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: the journal cannot be read ({error}); look at it by hand") from None
        return audience

    def write(self, base_url: str, audience: dict[str, JSON]) -> None:
        """Write the audience to disk, synced, before anything is changed.

        Raises FileExistsError if an earlier run left its journal.
        """
        if self.path.exists():
            raise FileExistsError(f"{self.path}: an earlier run was not put back; run `trackly-contract restore`")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self.path.with_suffix(".tmp")
        text = json.dumps({"base_url": base_url, "audience": audience}) + "\n"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        if os.name == "posix":
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def remove(self) -> None:
        """Remove the journal: the audience is as it was."""
        self.path.unlink(missing_ok=True)
