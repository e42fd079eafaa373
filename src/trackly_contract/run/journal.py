"""What stands on disk for one audience: its backup until it is restored, and the lock that one run at a time holds.

The operating system holds the lock, so it ends with its process, however that ends; a file beside it names the owner.
What a run on another host left is not taken over: not every network file system carries locks from host to host.
"""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from trackly_contract.core import JSON, UnwritableError, write_file


class LockedError(Exception):
    """The lock cannot be had; the text says who holds it, where that is written, and what to do."""


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
        """Return the audience as it was, None if nothing has to be restored; ValueError if it cannot be read."""
        try:
            return msgspec.convert(json.loads(self.path.read_text("utf-8"))["audience"], dict[str, JSON])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: the journal cannot be read ({error}); look at it by hand") from None

    def write(self, base_url: str, audience: dict[str, JSON]) -> None:
        """Write the audience to disk, synced; FileExistsError if an earlier run left its backup: it stays."""
        if self.path.exists():
            raise FileExistsError(f"{self.path}: an earlier run was not put back; run `trackly-contract restore`")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(self.path, json.dumps({"base_url": base_url, "audience": audience}) + "\n")

    def remove(self) -> None:
        """Remove the backup: the audience is as it was."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock: what is run, by which process of which host, since when (ISO 8601, UTC)."""

    what: str
    pid: int
    host: str
    started: str

    def __str__(self) -> str:
        return f"{self.what}: process {self.pid} on {self.host}, since {self.started}"


@contextmanager
def locked(journal: Journal, what: str) -> Iterator[str]:
    """Hold the lock of the journal's audience inside; LockedError if another run may hold it, or the disk fails.

    Yields a note on the killed run whose lock was taken over, "" if there was none. `what` tells others what is run.
    """
    name = journal.path.name.partition(".")[0]
    path = journal.path.with_name(f"{name}.owner.json")
    host = socket.gethostname()
    mine = Owner(what, os.getpid(), host, datetime.now(UTC).isoformat(timespec="seconds"))
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Without the locks of the system, filelock would fall back on a file that outlives a killed run.
            stack.enter_context(FileLock(path.with_name(f"{name}.lock"), timeout=0, fallback_to_soft=False))
            before = _owner(path)
            if before is not None and before.host != host:
                raise _perhaps(path, f"{before}; whether it still runs cannot be seen from {host}")
            write_file(path, json.dumps(asdict(mine), indent=2) + "\n")
        except Timeout:
            owner = _owner(path) or "it has just begun"
            raise LockedError(
                f"{path}: another run is using this audience ({owner}), so nothing was sent. Wait until it has ended, "
                "or stop it with Ctrl-C: it then restores the audience first"
            ) from None
        except (OSError, UnwritableError) as error:
            raise LockedError(
                f"the lock of this audience cannot be written ({error}), so nothing was sent; "
                "set TRACKLY_STATE_DIR to a folder of your own on a local disk"
            ) from None
        try:
            yield f"the lock of a run that was cut off was taken over ({before})" if before else ""
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _owner(path: Path) -> Owner | None:
    """Return the owner that a file names, None without a file. Raises LockedError if it cannot be read."""
    try:
        return Owner(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise _perhaps(path, f"its owner file cannot be read: {error}") from None


def _perhaps(path: Path, why: str) -> LockedError:
    return LockedError(
        f"{path}: another run may be using this audience ({why}), so nothing was sent. When it is sure to be over, "
        "remove the file and run `trackly-contract restore`"
    )
