"""The lock: one run at a time on one audience, among all that share the folder of journals.

Promises: taken whole or not at all, before anything is sent; only its owner gives it up; the lock of a process
that is no more is taken over, and that is told.
Refuses: to take the lock of another host for one that was left behind, and to take one that it cannot read.
On Windows, where a process cannot be asked after without harm, no lock is taken over.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.run.journal import Journal

ATTEMPTS = 3
"""How often to try for a lock that others take and give up meanwhile."""

NEXT_STEP = "remove the file and run `trackly-contract restore`"


class LockedError(Exception):
    """The lock cannot be had; the text says whose it is, where it is, and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock: what is run, by which process of which host, since when.

    `pids` names the set of processes that `pid` counts in, for a container has one of its own; `born` is when the
    process began, as its kernel says it. Both are empty where there is no /proc.
    """

    what: str
    pid: int
    host: str
    started: str
    pids: str
    born: str

    @classmethod
    def this_process(cls, what: str) -> Owner:
        """Return this process as an owner."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(what, os.getpid(), socket.gethostname(), started, _pids(), _born(os.getpid()) or "")

    def __str__(self) -> str:
        return f"{self.what}: process {self.pid} on {self.host}, since {self.started}"

    @property
    def here(self) -> bool:
        """Whether the owner is, or was, a process that could be seen from this one."""
        return (self.host, self.pids) == (socket.gethostname(), _pids())

    @property
    def gone(self) -> bool:
        """Whether the owner is no more, for sure."""
        if sys.platform == "win32" or not self.here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False  # a process of somebody else's is there
        born = _born(self.pid)
        return born is None or bool(born and self.born and born != self.born)


def _pids() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _born(pid: int) -> str | None:
    """Return when a process began: boot and clock ticks since; "" if that is not told, None if it has ended.

    A process that ended and was not waited for is still listed, and counts as ended.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        # After the name, which is in brackets and may hold any character: the state is first, the start 20th.
        after_name = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return None if after_name[0] in "ZX" else f"{boot} {after_name[19]}"


@contextmanager
def locked(journal: Journal, what: str) -> Iterator[str]:
    """Hold the lock of the journal's audience inside.

    Yields what there is to tell of a lock that was left behind, "" if there was none.
    Raises LockedError if another run holds it, or if it cannot be read or written.
    """
    path = journal.path.with_name(f"{journal.path.name.partition('.')[0]}.lock")
    mine = Owner.this_process(what)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(path.parent):
            told = _take(path, mine)
    except OSError as error:
        raise LockedError(
            f"{path}: the lock of this audience cannot be written ({error.strerror}), so nothing was sent; "
            "set TRACKLY_STATE_DIR to a folder of your own"
        ) from None
    try:
        yield told
    finally:
        # A lock that somebody removed by hand, or took since, is no longer ours to give up.
        with suppress(OSError, LockedError), _alone(path.parent):
            if _read(path) == mine:
                path.unlink()


def _take(path: Path, mine: Owner) -> str:
    told = ""
    for _ in range(ATTEMPTS):
        with suppress(FileExistsError):
            _put(path, mine)
            return told
        owner = _read(path)
        if owner is None:
            continue  # it was given up just now
        if not owner.gone:
            raise LockedError(_refusal(path, owner))
        told = f"the lock of a run that was cut off was taken over ({owner})"
        path.unlink(missing_ok=True)
    raise LockedError(f"{path}: other runs on this audience keep taking its lock; try again when they have ended")


def _refusal(path: Path, owner: Owner) -> str:
    if owner.here:
        sure = f"If process {owner.pid} is no run of trackly-contract, {NEXT_STEP}"
    else:
        sure = (
            f"Whether it still runs cannot be seen from {socket.gethostname()}: when it is sure to be over, {NEXT_STEP}"
        )
    return (
        f"{path}: another run is using this audience ({owner}). Two at once would each take the other's changes for "
        f"the API's, and put back what the other has set; nothing was sent. Wait until it has ended. {sure}"
    )


def _put(path: Path, owner: Owner) -> None:
    """Write the lock. Raises FileExistsError if there is one."""
    text = json.dumps(asdict(owner), indent=2) + "\n"
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f"{path.name}.") as whole:
        whole.write(text)
        whole.flush()
        try:
            os.link(whole.name, path)  # nobody ever sees half of it
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with path.open("x", encoding="utf-8") as file:
                file.write(text)


def _read(path: Path) -> Owner | None:
    """Return whose the lock is, None if there is none. Raises LockedError if it cannot be read."""
    try:
        entry = json.loads(path.read_text("utf-8"))
        owner = Owner(**entry)
        kinds = {field.name: int if field.name == "pid" else str for field in fields(Owner)}
        if any(type(getattr(owner, name)) is not kind for name, kind in kinds.items()) or owner.pid <= 0:
            raise TypeError("not what a run writes")  # noqa: TRY301  # told like any other
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise LockedError(
            f"{path}: the lock of this audience cannot be read ({error}), so whose it is cannot be told; nothing was "
            f"sent. If no run is using this audience, {NEXT_STEP}"
        ) from None
    return owner


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes of this host out meanwhile, where the system can: two must not both take one over."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415  # Windows has none

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network file system may not have it
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
