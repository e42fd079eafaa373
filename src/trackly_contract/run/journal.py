"""The backup of an audience on disk, from before the first change of a run until the audience is restored.

Does not hold the key, and does not overwrite the backup of an earlier run.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from trackly_contract.core import JSON, write_file


def state_folder() -> Path:
    """Return the folder of backups and locks: TRACKLY_STATE_DIR, or the user's own for state."""
    given = os.environ.get("TRACKLY_STATE_DIR")
    return Path(given) if given else platformdirs.user_state_path("trackly-contract", appauthor=False)


@dataclass(frozen=True)
class Journal:
    """The backup of one audience at one base URL."""

    path: Path

    @classmethod
    def of(cls, base_url: str, audience_id: str, folder: Path | None = None) -> "Journal":
        """Return the backup of an audience; the file's name is made from both, and shows neither."""
        name = hashlib.sha256(f"{base_url} {audience_id}".encode()).hexdigest()[:16]
        return cls((folder or state_folder()) / f"{name}.journal.json")

    def read(self) -> dict[str, JSON] | None:
        """Return the audience as it was, None if nothing has to be restored.

        Raises ValueError, naming the file, if it cannot be read.
        """
        try:
            audience: JSON = json.loads(self.path.read_text("utf-8"))["audience"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: the journal cannot be read ({error}); look at it by hand") from None
        if not isinstance(audience, dict):
            raise ValueError(f"{self.path}: the journal cannot be read (it holds no audience); look at it by hand")  # noqa: TRY004
        return audience

    def write(self, base_url: str, audience: dict[str, JSON]) -> None:
        """Write the audience to disk, synced, before anything is changed.

        Raises FileExistsError if an earlier run left its backup, UnwritableError if the disk does not allow it.
        """
        if self.path.exists():
            raise FileExistsError(f"{self.path}: an earlier run was not put back; run `trackly-contract restore`")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(self.path, json.dumps({"base_url": base_url, "audience": audience}) + "\n")

    def remove(self) -> None:
        """Remove the backup: the audience is as it was."""
        self.path.unlink(missing_ok=True)
