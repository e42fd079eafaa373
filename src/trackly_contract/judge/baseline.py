"""The baseline: a response compared with what a live recording shows of the same request.

A difference is called known only where the recording shows the same, and new only where it shows something else; where
the audience's own content may explain it, neither is said. Does not find the recorded response (run/live_history.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from trackly_contract.contract import contract
from trackly_contract.core import ABSENT, JSON, Exchange, Response, Verdict, same, show, value_at
from trackly_contract.judge.finding_text import describe
from trackly_contract.judge.findings import Cache, Finding, Then, Value, Whole, Words, as_findings

NEVER = "never asked"

_NULLABLE = ("cached_size", "cached_size_updated_at", "description")
_STAMPS = ("cached_size_updated_at", "created_at")
_VOLATILE = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[0-9:.]+Z?")
"""What an error text may say anew each time: ids of requests and audiences, times."""


Reading = Literal["known", "new", "moved"]
"""What the last live recording makes of a difference."""

_ARROWS: dict[Reading, str] = {
    "known": "known: the API did so then too",
    "new": "the API changed",
    "moved": "inside the contract, but something moved",
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


class LiveRecording(Protocol):
    """The last live recording beside a run (run/live_history.py)."""

    def before(self, finding: Finding) -> Baseline:
        """Return what it says of a difference."""

    def recorded(self, exchange: Exchange) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day."""


def before(finding: Finding, then: Exchange, date: str) -> Baseline:
    """Return what a difference is worth beside the recorded response `then` to the same request, given on `date`."""
    if isinstance(finding.expected, Then):
        return Baseline(finding.expected.text, "moved", recorded=True)
    said = describe(then.response)
    if then.response.succeeded and finding.at:
        said += f", {finding.at}: {show(value_at(then.response.json.value, finding.at), 120)}"
    elif then.response.succeeded and isinstance(finding.actual, Cache):
        said += f", cached_size {show(then.response.json.fields.get('cached_size', ABSENT))}"
    alike = _alike(finding, finding.exchange, then)
    return Baseline(f"{said} on {date}", None if alike is None else "known" if alike else "new", recorded=True)


def _outcome(response: Response) -> tuple[int, JSON]:
    return response.status, None if response.succeeded else response.json.fields.get("code")


def _alike(finding: Finding, now: Exchange, then: Exchange) -> bool | None:
    """Whether a recorded response shows the same difference; None where neither that nor another can be said."""
    one, other = now.response.json.value, then.response.json.value
    if _outcome(now.response) != _outcome(then.response) or type(one) is not type(other):
        return False
    if not isinstance(one, dict):
        return True
    if isinstance(finding.actual, Cache):
        filled, filled_then = (fields.get("cached_size") is not None for fields in (one, other))
        # Both filled: it was not cleared; whether it was kept, or counted anew, two sizes do not say.
        unknown = filled and filled_then and finding.rule != "update.cache.cleared"
        return None if unknown else filled == filled_then
    if finding.at:
        return _alike_at(finding, now, then)
    # The status and code are the whole of it, or it is the fields: one too many, or a wrapping.
    return isinstance(finding.actual, Whole) or set(one) == set(other)


def _alike_at(finding: Finding, now: Exchange, then: Exchange) -> bool | None:
    name = finding.at.split("/")[1]
    one, other = (value_at(exchange.response.json.value, finding.at) for exchange in (now, then))
    if name == "id":
        # Each is compared with the id that was asked for, the third step of the path: /v2/audiences/ID.
        kept = [value == exchange.request.path.split("/")[3] for value, exchange in ((one, now), (other, then))]
        return kept[0] == kept[1] and type(one) is type(other)
    if name in _STAMPS and isinstance(one, str) and isinstance(other, str):
        return re.sub(r"\d", "0", one) == re.sub(r"\d", "0", other)
    if same(one, other):
        return True
    if name in _NULLABLE and (one is None or other is None):
        return None  # whether there is one depends on what happened to the audience before
    # Another value is the API's doing where the suite sent it, or where it was then as it should be.
    promised = isinstance(finding.expected, Value) and same(finding.expected.json, other)
    new = type(one) is not type(other) or promised or name in now.request.json.fields
    return False if new else None


def move(here: Sequence[Finding], now: Exchange, then: Exchange, date: str) -> list[Finding]:
    """Return what a response says otherwise than the recorded one though its rule held: status, code, fields, error.

    `here` are the findings about the response. Values are not compared.
    """
    answer, operation = now.response, "read" if now.request.method == "GET" else "update"
    rule = f"{operation}.success" if answer.succeeded else "error.text"
    if _outcome(answer) == _outcome(then.response):
        was, came = _beside(then.response, answer), _beside(answer, then.response)
    else:
        was, came = describe(then.response), describe(answer)
        if not answer.succeeded:
            rule = next((finding.rule for finding in here if contract().rules[finding.rule].code), "error.code")
    kept = next((finding for finding in here if finding.rule == rule and finding.verdict is Verdict.HELD), None)
    if kept is None or not was:
        return []
    difference = ("", Then(f"as on {date}: {was}"), Words(came), False)
    return as_findings([(rule, difference)], now, kept.case)


def _beside(one: Response, other: Response) -> str:
    """Return in words which fields and error text a response has otherwise than another of its status and code."""
    keys, others = set(one.json.fields), set(other.json.fields)
    told = [f"also {', '.join(sorted(keys - others))}"] if keys - others else []
    told += [f"no {', '.join(sorted(others - keys))}"] if others - keys else []
    if not one.succeeded and _error(one) != _error(other):
        told.append(f"error {show(one.json.fields.get('error'), 120)}")
    return "; ".join(told)


def _error(response: Response) -> str:
    return _VOLATILE.sub("*", show(response.json.fields.get("error", ABSENT), 10_000))
