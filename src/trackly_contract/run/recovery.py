"""Puts an audience back after an interrupted run: for the command `restore`."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from trackly_contract.core import ExitCode, InconclusiveError, encode, logged_without, redacted, show
from trackly_contract.run.client import UnusableSettingError, normal_address
from trackly_contract.run.following import own_content
from trackly_contract.run.journal import Backup, Journal, JournalError, LockedError, backups
from trackly_contract.run.live import LiveSession, Stopped, opened
from trackly_contract.run.sandbox import GONE
from trackly_contract.run.targets import Target, live_target


def put_back(choice: str | None, file: Path | None, tell: Callable[[str], None]) -> tuple[ExitCode, list[str]]:
    """Put back the audience that the environment names; return the exit code, and what to say in the end.

    `choice` is `ours` to put back also what somebody else changed, `theirs` to leave that and forget the backup; `file`
    is a backup that was kept elsewhere. `tell` gets what differs before anything is sent.
    """
    key = os.environ.get("TRACKLY_API_KEY", "")

    def shown(plan: str) -> bool:
        tell(redacted(plan, key))
        return True

    try:
        with closing(live_target()) as target, opened(target, "quick", "restore") as session:
            target.show_plan = shown
            with logged_without(target.key):
                code, said = _recovered(session, choice, file)
                return code, [redacted(line, key) for line in said]
    except (UnusableSettingError, JournalError) as error:
        return ExitCode.CANNOT_BEGIN, [str(error)]
    except InconclusiveError as error:
        return ExitCode.INCONCLUSIVE, [f"not put back: {error}; the backup stays"]
    except LockedError as error:
        return ExitCode.INCONCLUSIVE, [f"not put back: {error}"]
    except Stopped as error:
        return ExitCode.INCONCLUSIVE, [f"stopped by {error}; the backup stays, so run it again"]


def _recovered(session: LiveSession, choice: str | None, file: Path | None) -> tuple[ExitCode, list[str]]:
    own = session.target.journal
    if file is not None:
        backup: Backup | None = _kept(file, session.target)
    else:
        backup = own.read() if own is not None else None
    if backup is None:
        others = [str(other.path) for other in backups() if other.holds()]
        more = f"; there are backups of other audiences: {', '.join(others)}" if others else ""
        return ExitCode.CONFORMS, [f"nothing to put back: there is no backup of this audience{more}"]
    if file is not None and own is not None:
        own.write(backup)  # what is done from now on is written down beside it
    name = show(backup.audience.get("name"), 200)
    try:
        left = session.recover(backup, ours=choice == "ours")
    except InconclusiveError:
        if choice != "theirs" or session.exchanges[-1].response.status not in GONE:
            raise
        body = encode(own_content(backup.wanted)).decode("ascii")
        note = own.remove() if own is not None else ""
        return ExitCode.CONFORMS, [
            f"the audience is gone, and its backup forgotten; it was {body}",
            *filter(None, [note]),
        ]
    unsettled = session.sandbox.unsettled
    if left:
        return ExitCode.INCONCLUSIVE, [f"not put back: {line}" for line in left]
    if unsettled and choice is None:
        more = "it stays so, and the backup too: say --ours to put it back, or --theirs to leave it"
        return ExitCode.INCONCLUSIVE, [f"{line}; {more}" for line in unsettled]
    note = session.sandbox.forget()
    done = "is as others left it, and what the suite changed is put back" if unsettled else "is as it was"
    return ExitCode.CONFORMS, [f"put back: audience {name} {done}", *([note] if note else [])]


def _kept(file: Path, target: Target) -> Backup:
    """Return the backup in a file. Raises JournalError if there is none, or that of another audience."""
    backup = Journal(file).read()
    if backup is None:
        raise JournalError(f"{file}: there is no such file, or its backup was put back already")
    if backup.audience_id != target.audience_id:
        raise JournalError(f"{file}: it is the backup of another audience than TRACKLY_AUDIENCE_ID")
    if normal_address(backup.base_url) != normal_address(target.base_url):
        raise JournalError(f"{file}: it is a backup at {backup.base_url}, not at TRACKLY_BASE_URL")
    return backup
