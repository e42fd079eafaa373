"""Faults of networks and gateways: which answers may be one, how often to try again, how long to wait.

Promises: bounded tries and waits; `Retry-After` is honoured up to a minute.
Refuses: to say what an API does: an answer that stays is judged like any other (session.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackly_contract.jsonvalue import NotJSONError, parse

if TYPE_CHECKING:
    from trackly_contract.exchange import Exchange, Response

TRIES = 3
"""How often a request is sent before a suspicious answer counts."""

HABIT = 3
"""How often a refusal without JSON must have stayed before it counts at once."""

LONGEST_WAIT = 60.0
"""Seconds that a Retry-After is honoured for at most."""


def suspicious(response: Response, *, good_key: bool) -> bool:
    """Whether an answer may come from something in between.

    No JSON object, 3xx, 429, 5xx, and 401 or 403 with a good key.
    """
    status = response.status
    if status == 429 or status >= 500 or 300 <= status < 400 or (good_key and status in (401, 403)):
        return True
    try:
        return not isinstance(parse(response.body, duplicate_keys=True), dict)
    except NotJSONError:
        return True


def no_outage(response: Response) -> bool:
    """Whether an answer, suspicious or not, refuses this request alone: a 4xx that is not about the key or the pace."""
    return 400 <= response.status < 500 and response.status not in (401, 403, 408, 429)


def pause(last: Exchange | None, attempt: int) -> float:
    """Return the seconds to wait before try number `attempt` (from 1), after the `last` exchange, if there was one."""
    asked = last.response.header("retry-after") if last is not None else None
    if asked is not None and re.fullmatch("[0-9]{1,9}", asked):
        return min(float(asked), LONGEST_WAIT)
    return 0.5 * 2.0 ** (attempt - 1)
