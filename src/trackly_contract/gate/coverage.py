"""What the tests of a client covered: the responses that it received, and the kinds of requests that it sent."""

import re
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from trackly_contract.contract import UPDATE_FIELDS, contract, parts_of
from trackly_contract.gate.gate import Gate, JudgedRequest
from trackly_contract.gate.scenarios import possible_responses
from trackly_contract.judge import Severity

SHARES = {"responses": "received", "requests": "sent"}
MOST_NAMED = 4  # of what is missing, in the lines for people


def required(text: str) -> tuple[str, float]:
    """Read what is required: `90` of both shares, `responses:90`, `requests:40`. Raises ArgumentTypeError otherwise."""
    found = re.fullmatch(r"(?:(responses|requests):)?(\d+(?:\.\d+)?)", text)
    if found is None or float(found[2]) > 100:
        raise ArgumentTypeError(f"{text!r} is no share: give a percentage, as 90, responses:90 or requests:40")
    return found[1] or "", float(found[2])


@cache
def possible_requests() -> tuple[str, ...]:
    """Return the kinds of requests that the documentation has: operations, fields, groups, tokens."""
    vocabulary = contract().vocabulary.documented()
    kinds = ["read", *(f"update {name}" for name in UPDATE_FIELDS), "filter nested"]
    lists = "group.operator condition_type time.field time.operator time.unit count.field count.operator"
    for kind in lists.split():
        kinds += [f"{kind.replace('.', ' ')} {word}" for word in vocabulary.words(kind)]
    return tuple(kinds)


def kinds_of(judged: JudgedRequest) -> Iterator[str]:
    """Yield the kinds of one request, possible or not; none of one that is rejected or fails a test."""
    if judged.failures or any(violation.severity is Severity.REFUSED for violation in judged.violations):
        return
    if judged.operation == "read":
        yield "read"
    # No fields of what is no JSON, or no object: a test may allow that.
    body = judged.request.json.fields if judged.operation == "update" else {}
    yield from (f"update {name}" for name in body)
    for path, fields, is_group, _ in parts_of(body.get("filter")):
        if is_group:
            yield f"group operator {fields.get('operator')}"
            if path:
                yield "filter nested"
        else:
            kind = fields.get("condition_type")
            yield f"condition_type {kind}"
            yield from (f"{kind} {key} {fields[key]}" for key in ("field", "operator", "unit") if key in fields)


class Coverage(frozenset[str]):
    """Names of the responses that were received, and of the kinds of requests that were sent; none is both."""

    def of(self, gate: Gate) -> "Coverage":
        """Return this with what a gate saw."""
        kept = list(gate.sent)  # threads of a client may still be sending
        seen = {judged.response_name for judged in kept if not judged.failures}
        seen.update(kind for judged in kept for kind in kinds_of(judged))
        # The words of a client are not kept: half a character among them is more than pytest-xdist can carry.
        return Coverage(self | seen.intersection({*possible_responses(), *possible_requests()}))

    def described(self) -> dict[str, Any]:
        """Return each share as JSON: how many of how many, in percent, and what is missing."""
        shares = {}
        for share, possible in (("responses", possible_responses()), ("requests", possible_requests())):
            missing = [name for name in possible if name not in self]
            covered, of = len(possible) - len(missing), len(possible)
            shares[share] = {"covered": covered, "of": of, "percent": round(100 * covered / of, 1), "missing": missing}
        return shares

    def lines(self) -> list[str]:
        """Return what was received and sent, and the first names of what is missing, for people."""
        lines = []
        for share, found in self.described().items():
            head, missing = f"{share} {SHARES[share]}", found["missing"]
            lines.append(f"{head:<18}  {found['covered']} of {found['of']} ({found['percent']} %)")
            if missing and found["covered"]:
                more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
                lines.append(f"  {'missing':<16}  {', '.join(missing[:MOST_NAMED])}{more}")
        return lines

    def below(self, wanted: Iterable[tuple[str, float]]) -> list[str]:
        """Return a line for each share that is less than `wanted`: a share ("": both) and a percentage."""
        percents = {share: 100 * found["covered"] / found["of"] for share, found in self.described().items()}
        return [
            f"FAILED {share}: {percents[share]:.1f} % is below the required {percent:g} %"
            for name, percent in wanted
            for share in ([name] if name else SHARES)
            if percents[share] < percent
        ]
