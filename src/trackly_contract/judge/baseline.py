"""The baseline: a response compared with what a live recording shows of the same request.

A difference is called known only where the recording shows the same, and new only where it shows something else; where
the audience's own content may explain it, neither is said. Does not judge by the documentation, and does not find the
recorded response (run/live_history.py).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trackly_contract.contract import Rule
from trackly_contract.core import ABSENT, JSON, Exchange, Response, same, show, value_at
from trackly_contract.judge.finding_text import describe
from trackly_contract.judge.findings import Cache, Finding, Value, Whole

NEVER = "never asked"


class Reading(StrEnum):
    """What the last live recording makes of a difference."""

    KNOWN = "known"
    NEW = "new"
    MOVED = "moved"


_ARROWS = {
    Reading.KNOWN: "known: the API did so then too",
    Reading.NEW: "the API changed",
    Reading.MOVED: "inside the contract, but something moved",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is told of the last live recording beside one difference.

    `said` is what was answered then and when; `reading` is None where nothing can be concluded from it.
    """

    said: str = NEVER
    reading: Reading | None = None
    recorded: bool = False

    @property
    def text(self) -> str:
        """The words of a failure text; the arrow needs a recording, for nobody can tell what was never asked."""
        if not self.recorded or self.reading is None:
            return self.said
        return f"{self.said}        -> {_ARROWS[self.reading]}"


@dataclass(frozen=True, slots=True)
class Move:
    """What an answer says otherwise than the recording, though both keep the promise."""

    rule: str
    then: str
    now: str


class LiveRecording(Protocol):
    """The last live recording beside a run (run/live_history.py)."""

    def before(self, finding: Finding) -> Baseline:
        """Return what it says of a difference."""

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day."""

    def moves(self, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[list[Finding], list[str]]:
        """Return what changed since the recording though a rule held, as noted findings; and notes."""


_NULLABLE = ("cached_size", "cached_size_updated_at", "description")
_STAMPS = ("cached_size_updated_at", "created_at")
_VOLATILE = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[0-9:.]+Z?")
"""What an error text may say anew each time: ids of requests and audiences, times."""


def _said(response: Response) -> tuple[int, JSON]:
    """Reduce a response to its status and, of a rejection, its code."""
    return response.status, None if response.succeeded else response.json.fields.get("code")


def before(finding: Finding, then: Exchange, date: str) -> Baseline:
    """Return what a difference is worth beside the recorded response `then` to the same request, given on `date`."""
    said = describe(then.response)
    if then.response.succeeded and finding.at:
        said += f", {finding.at}: {show(value_at(then.response.json.value, finding.at), 120)}"
    elif then.response.succeeded and isinstance(finding.actual, Cache):
        said += f", cached_size {show(then.response.json.fields.get('cached_size', ABSENT))}"
    return Baseline(f"{said} on {date}", reading(finding, then), recorded=True)


def reading(finding: Finding, then: Exchange) -> Reading | None:
    """Return whether the recorded response shows the same difference, or another thing; None if it shows neither.

    The finding must have an exchange.
    """
    assert finding.exchange is not None
    now = finding.exchange
    one, other = now.response.json.value, then.response.json.value
    if _said(now.response) != _said(then.response) or type(one) is not type(other):
        return Reading.NEW
    if not isinstance(one, dict):
        return Reading.KNOWN
    if isinstance(finding.actual, Cache):
        return _cache_reading(finding.rule, one, other)
    if finding.at:
        return _field_reading(finding, now, then)
    # The status and code are the whole of it, or it is the fields: one too many, or a wrapping.
    return _known(isinstance(finding.actual, Whole) or set(one) == set(other))


def _known(alike: bool) -> Reading:
    return Reading.KNOWN if alike else Reading.NEW


def _cache_reading(rule: str, now: JSON, then: JSON) -> Reading | None:
    filled = now.get("cached_size") is not None
    if filled != (then.get("cached_size") is not None):
        return Reading.NEW
    # Both filled: that says it was not cleared; whether it was kept, or counted anew, two sizes do not say.
    return Reading.KNOWN if not filled or rule == "update.cache.cleared" else None


def _field_reading(finding: Finding, now: Exchange, then: Exchange) -> Reading | None:
    name = finding.at.split("/")[1]
    one, other = (value_at(exchange.response.json.value, finding.at) for exchange in (now, then))
    if name == "id":
        # Each is compared with the id that was asked for, the third step of the path: /v2/audiences/ID.
        kept = [value == exchange.request.path.split("/")[3] for value, exchange in ((one, now), (other, then))]
        return _known(kept[0] == kept[1] and type(one) is type(other))
    if name in _STAMPS and isinstance(one, str) and isinstance(other, str):
        return _known(re.sub(r"\d", "0", one) == re.sub(r"\d", "0", other))
    if same(one, other):
        return Reading.KNOWN
    if name in _NULLABLE and (one is None or other is None):
        return None  # whether there is one depends on what happened to the audience before
    # Another value is the API's doing where the suite sent it, or where it was then as it should be.
    promised = isinstance(finding.expected, Value) and same(finding.expected.json, other)
    new = type(one) is not type(other) or promised or name in now.request.json.fields
    return Reading.NEW if new else None


def move(now: Exchange, then: Exchange, refusal: str | None = None) -> Move | None:
    """Return what moved between two answers to one request: status, code, members, error text; never values.

    A move names the rule that it is told under; `refusal` is the rule whose refusal the answer is, if any.
    """
    success = "read.success" if now.request.method == "GET" else "update.success"
    if _said(now.response) != _said(then.response):
        rule = success if now.response.succeeded else refusal or "error.code"
        return Move(rule, describe(then.response), describe(now.response))
    one, other = now.response.json.value, then.response.json.value
    if not isinstance(one, dict) or not isinstance(other, dict):
        return None
    moved = [(_fields(other, one), _fields(one, other))] if set(one) != set(other) else []
    if not now.response.succeeded and _text(one) != _text(other):
        moved.append((f"error {show(other.get('error'), 120)}", f"error {show(one.get('error'), 120)}"))
    if not moved:
        return None
    before, after = zip(*moved, strict=True)
    return Move(success if now.response.succeeded else "error.text", "; ".join(before), "; ".join(after))


def _fields(answer: dict[str, JSON], beside: dict[str, JSON]) -> str:
    """Return which fields an answer has and another has not, or else which it lacks."""
    extra = sorted(set(answer) - set(beside))
    return f"also {', '.join(extra)}" if extra else f"no {', '.join(sorted(set(beside) - set(answer)))}"


def _text(answer: dict[str, JSON]) -> str:
    return _VOLATILE.sub("*", show(answer.get("error", ABSENT), 10_000))
