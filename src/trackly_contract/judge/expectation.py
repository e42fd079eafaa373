"""What must come back for a request, and the one judgement of a response by it.

The suite makes an expectation from a vector, recorded traffic from what the schemas say of a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trackly_contract.contract import contract, parts_of
from trackly_contract.core import JSON, Exchange
from trackly_contract.judge.findings import WRONGLY_REJECTED, Look, Rejection, Success, Whole, as_findings, rule_of
from trackly_contract.judge.requests import RequestFault, Severity
from trackly_contract.judge.responses import is_of, look_at_audience, look_at_error, look_at_rejection
from trackly_contract.judge.state import Judged, Kind

MOST_PARTS = 13
"""Conditions and groups of a filter, and lists, that no limit which a page leaves open can be about."""

LARGEST_NUMBER = 1_000
LONGEST_NAME = 255

LIMIT = ", which may be a limit that no page states"
WINDOW = ", which may be about a window of a hundred years (open: value-range)"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is accepted, and each of `rules` holds then.

    A rejection breaks each of them; with `by_code` it breaks the one that its code is about, else the success of the
    operation. `limited`: the body is larger than those of the documentation, so a code of no table may be a limit.
    `open_at` are positions in the stored audience of which nobody says how they look.
    """

    rules: tuple[str, ...] = ()
    by_code: bool = False
    limited: bool = False
    open_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The request is rejected for one of `errors`: rules with the rejection of each.

    A `remark` says what the body holds besides of which nobody knows whether it is allowed. With `certain` False a
    difference says nothing: something else in the request may be rejected first.
    """

    errors: tuple[tuple[str, Rejection], ...]
    remark: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Open:
    """The documentation does not say what comes back."""


Expectation: TypeAlias = Accepted | Rejected | Open


def judge(exchange: Exchange, expectation: Expectation, audience_id: str, case: str = "") -> Judged:
    """Judge the response to a GET or PUT of an audience by what must come back."""
    reads, succeeded = exchange.request.method == "GET", exchange.response.succeeded
    kind: Kind | None = None if reads else "adopted" if succeeded else "rejected"
    audience: JSON = None
    open_at: tuple[str, ...] = ()
    if isinstance(expectation, Rejected) or not succeeded:
        looks = _looks_at_rejection(exchange, expectation, audience_id)
        audience = exchange.response.json.strict if succeeded else None
    else:
        looks, audience = look_at_audience(exchange, audience_id)
        if reads:
            kind = "read" if audience is not None else None
        elif isinstance(expectation, Accepted):
            looks += [(rule, None) for rule in expectation.rules]
            kind = "updated" if audience is not None else "adopted"
            open_at = expectation.open_at
    return Judged(exchange, case, kind, as_findings(looks, exchange, case), audience, open_at)


def _looks_at_rejection(exchange: Exchange, expectation: Expectation, audience_id: str) -> list[Look]:
    """Look at a response that is a rejection, or had to be one."""
    response, reads = exchange.response, exchange.request.method == "GET"
    match expectation:
        case Open():
            return look_at_error(response)
        case Rejected(errors, remark, certain):
            asked = exchange.request.path.rpartition("/")[2]
            another = reads and asked != audience_id and is_of(response.json.fields, asked)
            actual = Whole(", somebody's audience of that id" if another else "")
            looks: list[Look] = [(rule, ("", rejection, actual, not another)) for rule, rejection in errors]
            if not response.succeeded:
                rule, rejection = next((e for e in errors if e[1].code == response.code), errors[0])
                looks = look_at_rejection(response, rule, rejection, remark)
            unsure = () if certain else {rule for rule, _ in errors}
            return [(rule, difference) for rule, difference in looks if rule not in unsure or difference is None]
        case Accepted(rules, by_code=False):
            return [(rule, WRONGLY_REJECTED) for rule in rules]
        case Accepted(rules, _, limited):
            about = rule_of(response.code or "")
            success = "read.success" if reads else "update.success"
            rule = next((rule for rule in rules if _opposite(rule, about)), success)
            limit = limited and not about
            return [(rule, ("", Success(), Whole(LIMIT if limit else ""), not limit)), *look_at_error(response)]


def _opposite(accepting: str, rejecting: str) -> bool:
    """Whether a rule says what is accepted where another rejects: `filter.time.known` and `filter.time.unit`."""
    if (accepting, rejecting) == ("filter.nested", "filter.empty"):
        return True
    area = accepting.rpartition(".")[0]
    return "." in area and contract().rules[accepting].accepts and f"{rejecting}.".startswith(f"{area}.")


# From recorded traffic -----------------------------------------------------------------------------


def expectation_of(
    violations: Sequence[RequestFault], body: JSON, open_violations: Sequence[RequestFault]
) -> Expectation:
    """Return what must come back for a request of recorded traffic.

    `violations` are those of the request, `open_violations` those of them that a target may see otherwise; `body` is
    its JSON (None for a GET).
    """
    of_body = [v for v in violations if v.status not in (401, 404) and v.name != "id-form"]
    errors = [v for v in of_body if v.severity is Severity.REFUSED]
    places = {v.place for v in errors}
    asked = [v for v in of_body if v.severity is not Severity.REFUSED and v.place not in places]
    if errors and not any(v in open_violations for v in asked):
        rejections = {v.name: (v.name, Rejection(v.status or 400, v.code or "")) for v in errors}
        return Rejected(tuple(rejections.values()), "" if modest(body, counts=False) else WINDOW)
    if errors or asked or (body is not None and not isinstance(body, dict)):
        return Open()
    rules = tuple(sorted(shown(body))) if body else ()
    return Accepted(rules, by_code=True, limited=bool(body) and not modest(body))


def shown(body: dict[str, JSON]) -> set[str]:
    """Return the rules about what is accepted that an accepted update shows to hold."""
    found = {"update.optional"} if len(body) == 1 else set[str]()
    if isinstance(body.get("name"), str) and len(body["name"]) == LONGEST_NAME:
        found.add("update.name.longest")
    for part in parts_of(body.get("filter")):
        found.add("filter.operator.known")
        if part.fields.get("groups"):
            found.add("filter.nested")
        found.add(f"filter.{part.fields.get('condition_type')}.known")
    return found & contract().rules.keys()


def modest(body: JSON, *, counts: bool = True) -> bool:
    """Whether a body is as small as those of the documentation: no limit that nobody states can be about it.

    The pages leave open how many conditions, how large a number, how long a description may be. Without `counts` only
    the numbers of time conditions are looked at: how far back a window may reach is a question of its own.
    """
    if not isinstance(body, dict) or len(str(body.get("description") or "")) > LONGEST_NAME:
        return False
    lists = body.get("source_lists")
    parts = [part.fields for part in parts_of(body.get("filter"))]
    if max(len(parts), len(lists) if isinstance(lists, list) else 0) > MOST_PARTS:
        return False
    numbered = [part for part in parts if counts or part.get("condition_type") == "time"]
    values = (value for part in numbered for value in part.values() if isinstance(value, int | float))
    return all(abs(value) <= LARGEST_NUMBER for value in values)
