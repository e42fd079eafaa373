"""What the end of a run makes of its recordings: new ones are put in their place, old ones told when they do not fit.

Promises: recordings are replaced by a whole run of an API alone; every other end leaves them as they are, and says why.
Refuses: to know pytest (plugin.py), files and formats (cassettes.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackly_contract import __version__
from trackly_contract.run import manifest
from trackly_contract.run.cassettes import CassetteError
from trackly_contract.run.manifest import Manifest

if TYPE_CHECKING:
    from trackly_contract.run.session import Session


def tell_age(session: Session) -> None:
    """Say in the evidence how old a recording is, and in a note where it is too old to say much."""
    if session.target.player is None:
        return
    found = session.target.player.manifest
    days = manifest.days_old(found, session.effort, manifest.today())
    session.target.evidence += f"; {days} day{'' if days == 1 else 's'} old"
    if days >= manifest.OLD:
        session.notes.append(f"the recordings are {days} days old, the API may have moved since: {found.again}")


def tell_unused(session: Session) -> str:
    """Note the recordings that a whole replay did not ask for; return what to call that, empty if there are none."""
    player = session.target.player
    unused = player.unused(session.effort) if player is not None else []
    if player is None or not unused:
        return ""
    more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
    session.notes.append(f"{player.folder / unused[0]}{more}: recorded but never asked for; {player.manifest.again}")
    return f"{len(unused)} recordings that no case asked for"


def finish_recording(session: Session, missing: str) -> str:
    """Put what was recorded in its place and note what is new in it; return what failed, empty if nothing did.

    `missing` says why the run is no whole one, empty if it is: then, and where the answers are stamped or missing,
    the recordings that were there stay as they are.
    """
    recorder, notes = session.target.recorder, session.notes
    if recorder is None:
        return ""
    if session.target.name == "live" and session.stamped:
        missing = "the answers bear the reference server's stamp"
    elif not missing and recorder.unanswered:
        missing = f"a request of {recorder.unanswered[0]} got no answer, so that case could not be played"
    if missing:
        notes.append(f"nothing recorded: {missing}; recordings that were there before are as they were")
        return ""
    origin = "live" if session.target.name == "live" else "reference"
    day = manifest.today().isoformat()
    try:
        told = recorder.finish(Manifest(origin, day, __version__, session.target.audience_id, (session.effort,)))
    except (CassetteError, OSError) as error:
        notes.append(f"nothing recorded: {error}")
        return "writing the recordings"
    notes.extend(told)
    return ""
