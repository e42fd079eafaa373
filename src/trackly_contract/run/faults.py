"""Faults of networks and gateways: which answers may be one, how often to try again, how long to wait.

Promises: bounded tries and waits; `Retry-After` is honoured up to a minute, in seconds or as a date, which is read
by the server's own clock.
Refuses: to say what an API does: an answer that stays is judged like any other (session.py).
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from trackly_contract.core import Exchange, Response

TRIES = 3
"""How often a request is sent before a suspicious answer counts."""

HABIT = 3
"""How often a refusal without JSON must have stayed before it counts at once."""

LONGEST_WAIT = 60.0
"""Seconds that a Retry-After is honoured for at most."""

PERSISTENCE = 6
"""Controls that may fail before putting the audience back is given up: two minutes."""

LOST = 4
"""Controls in a row that fail until nothing more is asked: the longer it lasts, the longer is waited before each."""


def pause(last: Exchange | None, attempt: int) -> float:
    """Return the seconds to wait before try number `attempt` (from 1), after the `last` exchange, if there was one."""
    asked = _asked_to_wait(last.response) if last is not None else None
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    return 0.5 * 2.0 ** (attempt - 1)


def _asked_to_wait(response: Response) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110, section 10.2.3), None if it cannot be read."""
    asked = response.header("retry-after")
    if asked is None:
        return None
    if re.fullmatch("[0-9]{1,9}", asked):
        return float(asked)
    until, now = _moment(asked), _moment(response.header("date") or "") or datetime.now(UTC)
    return None if until is None else max((until - now).total_seconds(), 0.0)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def pause_when_lost(controls: int) -> float:
    """Return the seconds to wait before asking again after that many controls failed in a row."""
    return min(2.0**controls, LONGEST_WAIT)
