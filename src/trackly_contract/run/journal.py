"""What stands on disk for one audience: its backup until it is restored, and the lock that one run at a time holds.

The operating system holds the lock, so it ends with its process, however that ends; a file beside it names the owner.
What a run on another host left is not taken over: not every network file system carries locks from host to host.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from trackly_contract.contract import UPDATE_FIELDS
from trackly_contract.core import JSON, UnwritableError, encode, is_redacted, parse, same, show, write_file
from trackly_contract.judge import FIELDS, differs
from trackly_contract.run.client import normal_address

ARRIVING = 600.0
"""Seconds in which an update without a response may still arrive."""

LARGEST_JOURNAL = 100_000_000
"""Bytes of a journal that are read; a thorough run writes a hundredth of that."""


class LockedError(Exception):
    """The lock cannot be had; the text says who holds it, where that is written, and what to do."""


def state_folder() -> Path:
    """Return the folder of backups and locks: TRACKLY_STATE_DIR, or the user's own for state."""
    given = os.environ.get("TRACKLY_STATE_DIR")
    return Path(given) if given else platformdirs.user_state_path("trackly-contract", appauthor=False)


class JournalError(ValueError):
    """A journal cannot be read or written; the text names the file and says why."""


@dataclass
class Backup:
    """The audience as it was before the first change, and what is known of every value that it had since.

    The run knows by field the values that it sent, or was shown in the response to an update; `theirs` are those that
    somebody else put there, which are put back in place of the original's; `unanswered` bodies may still arrive;
    `last` is what the run put there last, field by field.
    """

    base_url: str
    audience_id: str
    audience: dict[str, JSON]
    theirs: dict[str, JSON] = field(default_factory=dict)
    unanswered: list[dict[str, JSON]] = field(default_factory=list)
    last: dict[str, JSON] = field(default_factory=dict)
    _known: dict[str, dict[bytes, JSON]] = field(default_factory=dict)

    @property
    def wanted(self) -> dict[str, JSON]:
        """The audience as it is put back: as it was, but for what somebody else changed."""
        return {**self.audience, **self.theirs}

    def entries(self) -> Iterator[dict[str, JSON]]:
        """Yield what a journal holds of it, line by line."""
        yield {"base_url": self.base_url, "audience_id": self.audience_id, "audience": self.audience}
        for name, values in self._known.items():
            yield from ({"ours": {name: value}} for value in values.values())
        if self.theirs:
            yield {"theirs": self.theirs}

    def know(self, body: JSON) -> dict[str, JSON]:
        """Remember the fields of a body as values that the run may have put there; return those that are new."""
        fields = body if isinstance(body, dict) else {}
        new = dict[str, JSON]()
        for name in UPDATE_FIELDS:
            if name in fields:
                known, spelt = self._known.setdefault(name, {}), encode(fields[name])
                new |= {} if spelt in known else {name: fields[name]}
                known.pop(spelt, None)
                known[spelt] = fields[name]
        return new

    def sorted(self, now: dict[str, JSON]) -> tuple[list[str], dict[str, JSON]]:
        """Return the fields in which the audience is not as it is wanted: those of the run, and those of others.

        `now` is the audience as a response shows it. A field that it lacks is the run's.
        """
        wanted = self.wanted
        other = [name for name in UPDATE_FIELDS if name not in now or differs(name, wanted.get(name), now[name])]
        mine = [name for name in other if name not in now or self._knows(name, now[name])]
        return mine, {name: now[name] for name in other if name not in mine}

    @property
    def touched(self) -> list[str]:
        """The fields in which the last value that the run may have put there is not the wanted one."""
        return [name for name, value in self.last.items() if differs(name, value, self.wanted.get(name))]

    def lost(self, now: dict[str, JSON]) -> list[str]:
        """Return a line for each member that no update carries and that is not as it was.

        What no page mentions may be another after each update, such as a time stamp: it is lost if it is empty now.
        """
        sent = (*UPDATE_FIELDS, "cached_size", "cached_size_updated_at")
        pairs = {name: (was, now.get(name)) for name, was in self.audience.items() if name not in sent}
        return [
            f"its {name} was {show(was, 200)}, is {show(value, 200)}, and no update carries it"
            for name, (was, value) in pairs.items()
            if not same(was, value) and (name in FIELDS or not (value or is_redacted(name)))
        ]

    def _knows(self, name: str, value: JSON) -> bool:
        """Whether the run may have put a value there; what it put there last is looked at first."""
        return any(not differs(name, known, value) for known in reversed(self._known.get(name, {}).values()))

    def differences(self, now: dict[str, JSON]) -> list[str]:
        """Return a line for each field that is not as it was, and whose doing that is."""
        mine, others = self.sorted(now)
        told = dict.fromkeys(self.touched, "sent again all the same, for one look may be stale")
        told |= dict.fromkeys(mine, "changed by this suite")
        told |= dict.fromkeys((*self.theirs, *others), "changed by somebody else")
        return [
            f"{name}: was {show(self.audience.get(name), 300)}, is {show(now.get(name), 300)}, {told[name]}"
            for name in UPDATE_FIELDS
            if name in told
        ]


class _Entry(msgspec.Struct):
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] | None = None
    unanswered: dict[str, Any] | None = None
    restored: bool = False


@dataclass(frozen=True)
class Journal:
    """The backup of one audience at one base URL, on disk: JSON lines, the backup first, then what was done since."""

    path: Path

    @classmethod
    def of(cls, base_url: str, audience_id: str, folder: Path | None = None) -> "Journal":
        """Return the journal of an audience; the file's name is made from both, and shows neither."""
        name = hashlib.sha256(f"{normal_address(base_url)} {audience_id}".encode()).hexdigest()[:16]
        return cls((folder or state_folder()) / f"{name}.journal.jsonl")

    def read(self) -> Backup | None:
        """Return what an interrupted run left, None if nothing has to be put back; JournalError if it cannot be read.

        The last line may be cut off: the process that wrote it was killed, and had not yet sent what it is about.
        """
        try:
            with self.path.open("rb") as file:
                first, *rest = file.read(LARGEST_JOURNAL).splitlines()
            backup = msgspec.convert(parse(first), Backup)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise JournalError(f"{self.path}: the journal cannot be read ({why}); look at it by hand") from None
        for line in rest:
            with suppress(ValueError, LookupError, TypeError):
                entry = msgspec.convert(parse(line), _Entry)
                backup.know(entry.ours)
                backup.last |= entry.ours  # whether it was accepted is not written down
                backup.theirs = entry.theirs if entry.theirs is not None else backup.theirs
                if entry.unanswered and time.time() < entry.unanswered["at"] + ARRIVING:
                    backup.unanswered.append(entry.unanswered["body"])
                if entry.restored:
                    return None
        return backup

    def holds(self) -> bool:
        """Whether something may have to be put back: a backup is there, or a file that cannot be read."""
        try:
            return self.read() is not None
        except JournalError:
            return True

    def write(self, backup: Backup) -> None:
        """Write a backup to disk, synced. Raises JournalError; an earlier one that is there stays."""
        try:
            if self.read() is not None:
                raise JournalError(f"{self.path}: an earlier run was not put back; run `trackly-contract restore`")
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(self.path, "".join(json.dumps(entry) + "\n" for entry in backup.entries()))
        except (OSError, UnwritableError) as error:
            raise JournalError(f"the backup cannot be written ({error}): nothing is changed") from None

    def add(self, **entry: JSON) -> None:
        """Add what is about to be done, synced. Raises JournalError if the disk does not take it."""
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(entry).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError) as error:
            raise JournalError(f"{self.path}: cannot be written ({error})") from None

    def remove(self) -> str:
        """Remove the backup: the audience is as it was. Return a note if the file has to stay, "" if not.

        It then says itself that nothing has to be put back.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            with suppress(JournalError):
                self.add(restored=True)
            return f"the audience is as it was, but its backup cannot be removed ({error}): remove {self.path}"
        return ""


def backups(folder: Path | None = None) -> list[Journal]:
    """Return the journals of all audiences that have to be put back."""
    return [Journal(path) for path in sorted((folder or state_folder()).glob("*.journal.jsonl"))]


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
