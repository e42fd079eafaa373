"""Judges one response by itself: the audience in a success, the body and code of a rejection.

Says of every rule that a response bears on whether it held, is broken, or differs within what the documentation
allows. A wrapped audience is judged inside its wrapping, so that one slip is named once. Does not compare with earlier
responses (state.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from trackly_contract.contract import LONGEST_TEXT, MOST_FAILURES, Failure, contract, parts_of, schemas
from trackly_contract.core import ABSENT, JSON, Exchange, Verdict, shortened, show, value_at
from trackly_contract.judge.findings import Expected, Finding, Rejection, Value, Whole, Words, differs, held

FIELDS = (
    "id",
    "name",
    "description",
    "source_lists",
    "filter",
    "cached_size",
    "cached_size_updated_at",
    "status",
    "created_at",
)
"""The nine fields of an audience (get-audience, Response Fields)."""

CONTESTED_401 = frozenset({"missing_api_key", "invalid_api_key"})
"""Codes that other reference pages print where these two print unauthorized (error-codes, 401)."""

AUDIENCE = Words("2xx and the audience object")

_SHOWN_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_KNOWN_CONDITION_KEYS = frozenset({"conditionType", "field", "operator", "value", "unit", "listId"})


@dataclass(frozen=True, slots=True)
class AudienceJudgement:
    """The findings of one success, and the audience it carried (None if it carried none)."""

    findings: tuple[Finding, ...]
    audience: JSON

    def well_formed(self) -> dict[str, JSON]:
        """Return the audience without the fields whose shape is broken: what can be compared over time."""
        broken = {f.rule.split(".")[1] for f in self.findings if f.verdict is Verdict.BROKEN}
        return {name: value for name, value in self.audience.items() if name not in broken}


def _unwrapped(answer: dict[str, JSON]) -> tuple[str | None, JSON]:
    """Return the key an audience is wrapped in, and the audience; no key if it stands flat."""
    if sum(field in answer for field in FIELDS) >= 5:
        return None, answer
    for key, value in answer.items():
        if isinstance(value, dict) and sum(field in value for field in FIELDS) >= 5:
            return key, value
    return None, answer


def judge_audience(exchange: Exchange, asked_id: str, case: str = "") -> AudienceJudgement:
    """Judge the response to a GET or PUT that the documentation says succeeds.

    `asked_id` is the id in the path. Rules: audience.*, read.* or update.* (success, flat).
    """
    operation = "read" if exchange.request.method == "GET" else "update"
    response = exchange.response
    success, flat = f"{operation}.success", f"{operation}.flat"
    answer = response.json.strict
    wrapping, audience = _unwrapped(answer) if isinstance(answer, dict) else (None, {})
    if not response.succeeded or not any(field in audience for field in FIELDS):
        actual: Whole | Value = Whole()
        if response.succeeded and answer is ABSENT:
            actual = Value(ABSENT, f"{response.status}, no JSON: {response.json.error}")
        elif response.succeeded:
            actual = Value(answer, f"{response.status} {show(answer, 120)}")
        return AudienceJudgement((differs(success, exchange, AUDIENCE, actual, case=case),), None)
    found: list[Finding] = []
    if wrapping is None:
        found.append(held(flat, exchange, case))
    else:
        under = Words(f"under {shortened(repr(wrapping), 200)}")
        found.append(differs(flat, exchange, Words("the fields of the audience at the top"), under, case=case))
    extra = sorted(set(audience) - set(FIELDS))
    if response.status != 200:
        expected, actual = Words("200"), Value(response.status)
        found.append(differs(success, exchange, expected, actual, case=case, grave=False))
    elif extra:
        expected = Words("the nine documented fields")
        found.append(differs(success, exchange, expected, _also(extra), case=case, grave=False))
    else:
        found.append(held(success, exchange, case))
    found.extend(_fields(exchange, audience, asked_id, case))
    return AudienceJudgement(tuple(found), audience)


def _fields(exchange: Exchange, audience: dict[str, JSON], asked_id: str, case: str) -> Iterator[Finding]:
    decided: set[str] = set()

    def say(rule: str, expected: Expected, actual: Value | Words, at: str, *, grave: bool = True) -> Finding:
        decided.add(rule)
        return differs(rule, exchange, expected, actual, at=at, case=case, grave=grave)

    failures = schemas().audience_failures(audience)
    contested = list(islice(_contested(audience), MOST_FAILURES))
    for failure in failures:
        yield say(failure.stands_for, _stated(failure.stands_for), _invalid(failure, audience), failure.place)
    if "audience.id" not in decided and audience["id"] != asked_id:
        yield say("audience.id", Words("the id that was asked for"), Value(audience["id"]), "/id")
    for field in ("cached_size_updated_at", "created_at"):
        rule, stamp = f"audience.{field}", audience.get(field)
        if rule not in decided and isinstance(stamp, str) and not _is_a_day(stamp[:10]):
            yield say(rule, _stated(rule), Value(stamp, f"no such day: {shortened(stamp, 200)}"), f"/{field}")
    for rule, expected, actual, at in contested:
        yield say(rule, expected, actual, at, grave=False)
    if MOST_FAILURES in (len(failures), len(contested)):
        return  # what comes after the last that is reported may be about any of the others
    every = {f"audience.{field}" for field in FIELDS}
    every |= {"audience.filter.keys", "audience.filter.groups", "audience.timestamps"}
    for rule in sorted(every - decided):
        yield held(rule, exchange, case)


def _also(extra: list[str]) -> Words:
    return Words(shortened(f"also {', '.join(extra)}", LONGEST_TEXT))


def _is_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _stated(rule: str) -> Words:
    return Words(contract().rules[rule].statement)


def _invalid(failure: Failure, answer: JSON) -> Value:
    return Value(value_at(answer, failure.place), failure.text)


def _contested(audience: dict[str, JSON]) -> Iterator[tuple[str, Words, Value | Words, str]]:
    """Yield `(rule, expected, actual, position)` for what pages contradict one another about, or leave open."""
    if "description" in audience and audience["description"] is None:
        yield "audience.description", Words("a string"), Value(None), "/description"
    for field in ("cached_size_updated_at", "created_at"):
        stamp = audience.get(field)
        if isinstance(stamp, str) and not _SHOWN_TIMESTAMP.fullmatch(stamp):
            yield "audience.timestamps", Words("YYYY-MM-DDThh:mm:ss"), Value(stamp), f"/{field}"
    for path, fields, is_group, _ in parts_of(audience.get("filter")):
        place, extra = f"/filter{path}", [] if is_group else sorted(set(fields) - _KNOWN_CONDITION_KEYS)
        if is_group and "groups" not in fields:
            yield "audience.filter.groups", Words("groups, [] where there are none"), Words("no groups"), place
        if extra and "condition_type" not in extra:
            yield "audience.filter", Words("the documented keys"), _also(extra), place


def judge_rejection(
    exchange: Exchange, rule: str, expected: Rejection, case: str = "", remark: str = ""
) -> list[Finding]:
    """Judge the response to a request that the documentation says is rejected, by `rule`, with status and code.

    Without a code in the response it cannot be told which error was meant: then error.code is broken, and nothing is
    said of `rule` unless the status is wrong too. With a `remark` the body holds something of which nobody says
    whether it is allowed: a 400 with a code of no table may be about that, and is noted.
    """
    response = exchange.response

    def other(*, grave: bool = True, remark: str = "") -> Finding:
        return differs(rule, exchange, expected, Whole(remark), case=case, grave=grave)

    if response.succeeded:
        return [other()]
    right_status = response.status == expected.status
    found = error_body(exchange, case)
    given = response.code if not response.json.error else None
    if given is None:
        return found if right_status else [other(), *found]
    if right_status and given == expected.code:
        return [*found, held(rule, exchange, case)]
    if right_status and response.status == 401 and given in CONTESTED_401:
        return [*found, other(grave=False)]
    if remark and response.status == 400 and given not in {rule.code for rule in contract().rules.values()}:
        return [*found, other(grave=False, remark=remark)]
    return [other(), *found]


def error_body(exchange: Exchange, case: str = "") -> list[Finding]:
    """Judge what the body of a rejection shows by itself, whatever was rejected."""
    json = exchange.response.json
    if json.error:
        problem = f"{exchange.response.status}, no JSON: {json.error}"
        expected = Words("a JSON object with error and code")
        return [differs("error.code", exchange, expected, Value(ABSENT, problem), case=case)]
    found = [
        differs(
            failure.stands_for,
            exchange,
            _stated(failure.stands_for),
            _invalid(failure, json.value),
            at=failure.place,
            case=case,
        )
        for failure in schemas().error_failures(json.value)
    ]
    decided = {finding.rule for finding in found}
    extra = sorted(set(json.fields) - {"error", "code"})
    if extra and "error.text" not in decided:
        decided.add("error.text")
        found.append(differs("error.text", exchange, Words("error and code"), _also(extra), case=case, grave=False))
    return [*found, *(held(rule, exchange, case) for rule in sorted({"error.code", "error.text"} - decided))]
