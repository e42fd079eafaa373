"""What a client's tests covered: the answers that it met, of those it may meet, and the kinds of requests it sent.

Promises: a share of each, and the names of what is missing; sums up over tests and processes.
Refuses: to count an answer that was forced and never given, and a request that had a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import contract
from trackly_contract.core import JSON, NotJSONError, parse
from trackly_contract.gate.gate import Gate, Sent, met
from trackly_contract.gate.scenarios import possible_answers
from trackly_contract.judge import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SHARES = ("answers", "requests")

MOST_NAMED = 4
"""Missing answers and requests that the lines for people name."""

_BODY = ("name", "description", "source_lists", "filter")


def required(text: str) -> tuple[str, float]:
    """Read what is required: `90` of both shares, `answers:90`, `requests:40`. Raises ValueError for anything else."""
    share, _, number = text.rpartition(":")
    try:
        percent = float(number)
    except ValueError:
        percent = -1
    if share not in ("", *SHARES) or not 0 <= percent <= 100:
        raise ValueError(f"{text!r} is no share: give a percentage, as 90, answers:90 or requests:40")
    return share, percent


@cache
def possible_requests() -> tuple[str, ...]:
    """Return the kinds of requests that the documentation has: operations, members, groups, tokens."""
    vocabulary = contract().vocabulary.documented()
    kinds = ["read", *(f"update {member}" for member in _BODY), "filter nested"]
    for kind in ("group.operator", "condition_type"):
        kinds += [f"{kind.replace('.', ' ')} {word}" for word in vocabulary.words(kind)]
    for kind in ("time.field", "time.operator", "time.unit", "count.field", "count.operator"):
        kinds += [f"{kind.replace('.', ' ')} {word}" for word in vocabulary.words(kind)]
    return tuple(kinds)


def kinds_of(sent: Sent) -> Iterator[str]:
    """Yield the kinds of one request, without regard to whether they are possible; none of one that is refused."""
    if sent.failures or any(fault.severity is Severity.REFUSED for fault in sent.faults):
        return
    if sent.operation == "read":
        yield "read"
    if sent.operation != "update":
        return
    try:
        body = parse(sent.request.body, duplicate_keys=True)
    except NotJSONError:
        return
    if isinstance(body, dict):
        yield from (f"update {member}" for member in body)
        yield from _of_group(body.get("filter"))


def _of_group(group: JSON) -> Iterator[str]:
    pending = [group]
    while pending:
        found = pending.pop()
        if not isinstance(found, dict):
            continue
        yield f"group operator {found.get('operator')}"
        inner = found.get("groups")
        if isinstance(inner, list) and inner:
            yield "filter nested"
            pending.extend(inner)
        conditions = found.get("conditions")
        for condition in conditions if isinstance(conditions, list) else ():
            if isinstance(condition, dict):
                kind = condition.get("condition_type")
                yield f"condition_type {kind}"
                yield from (
                    f"{kind} {key} {condition[key]}" for key in ("field", "operator", "unit") if key in condition
                )


@dataclass(frozen=True)
class Coverage:
    """Names of answers that were met, and of kinds of requests that were sent."""

    answers: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()

    def of(self, gate: Gate) -> Coverage:
        """Return this with what a gate saw."""
        kept = list(gate.sent)  # threads of a client may still be sending
        answers = {met(sent) for sent in kept if not sent.failures}.intersection(_possible("answers"))
        # The words of a client are not kept: half a character among them is more than pytest-xdist can carry.
        requests = {kind for sent in kept for kind in kinds_of(sent)}.intersection(_possible("requests"))
        return self | Coverage(frozenset(answers), frozenset(requests))

    def __or__(self, other: Coverage) -> Coverage:
        return Coverage(self.answers | other.answers, self.requests | other.requests)

    def missing(self, share: str) -> list[str]:
        """Return what was not met (`answers`) or not sent (`requests`)."""
        return [name for name in _possible(share) if name not in getattr(self, share)]

    def percent(self, share: str) -> float:
        """Return the share that was met or sent, from 0 to 100."""
        possible = _possible(share)
        return 100 * (len(possible) - len(self.missing(share))) / len(possible)

    def described(self) -> dict[str, Any]:
        """Return it as JSON: met of possible, and what is missing."""
        return {
            share: {
                "met": len(_possible(share)) - len(self.missing(share)),
                "of": len(_possible(share)),
                "percent": round(self.percent(share), 1),
                "missing": self.missing(share),
            }
            for share in SHARES
        }

    def lines(self) -> list[str]:
        """Return what was met and sent, and the first names of what is missing, for people."""
        lines = []
        for share, told in self.described().items():
            what = "answers met" if share == "answers" else "requests sent"
            lines.append(f"{what:<13}  {told['met']} of {told['of']} ({told['percent']} %)")
            missing = told["missing"]
            if missing and told["met"]:
                more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
                lines.append(f"  missing      {', '.join(missing[:MOST_NAMED])}{more}")
        return lines

    def below(self, wanted: Iterable[tuple[str, float]]) -> list[str]:
        """Return what is said of each share that is less than `wanted`: a share ("": both) and a percentage."""
        return [
            f"FAILED {share}: {self.percent(share):.1f} % is below the {percent:g} % that is required"
            for name, percent in wanted
            for share in ([name] if name else SHARES)
            if self.percent(share) < percent
        ]

    def to_json(self) -> dict[str, list[str]]:
        """Return it so that another process can take it in."""
        return {share: sorted(getattr(self, share)) for share in SHARES}

    @classmethod
    def from_json(cls, kept: Mapping[str, Iterable[str]]) -> Coverage:
        """Return what `to_json` kept."""
        return cls(*(frozenset(kept[share]) for share in SHARES))


def _possible(share: str) -> tuple[str, ...]:
    return tuple(possible_answers()) if share == "answers" else possible_requests()
