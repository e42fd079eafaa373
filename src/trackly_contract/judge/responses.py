"""Judges one answer by itself: the audience in a success, the body and code of a refusal.

Promises: says of every rule that an answer bears on whether it held, is broken, or moved within what the
documentation allows; a wrapped audience is judged inside its wrapping, so that one slip is named once.
Refuses: to compare with earlier answers (followed.py), to send anything, to judge what nobody documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from trackly_contract.contract import LONGEST_TEXT, MOST_FAILURES, Schemas, contract, schemas
from trackly_contract.core import JSON, Finding, NotJSONError, Verdict, parse, shortened, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.core import Exchange, Response

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
"""The nine members of an audience (get-audience, Response Fields)."""

CONTESTED_401 = frozenset({"missing_api_key", "invalid_api_key"})
"""Codes that other reference pages print where these two print unauthorized (error-codes, 401)."""

_SHOWN_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_KNOWN_CONDITION_KEYS = frozenset({"conditionType", "field", "operator", "value", "unit", "listId"})


@dataclass(frozen=True, slots=True)
class AudienceJudgement:
    """The findings of one success, and the audience it carried (None if it carried none)."""

    findings: tuple[Finding, ...]
    audience: JSON

    def well_formed(self) -> dict[str, JSON]:
        """Return the audience without the members whose shape is broken: what can be compared over time."""
        broken = {f.rule.split(".")[1] for f in self.findings if f.verdict is Verdict.BROKEN}
        return {name: value for name, value in self.audience.items() if name not in broken}


def describe(response: Response) -> str:
    """Return a response as a few words: its status, and its code or the beginning of its body."""
    try:
        answer = parse(response.body, duplicate_keys=True)
    except NotJSONError:
        text = response.body[:80].decode("utf-8", "replace")
        return f"{response.status}, not JSON: {text!r}" if text else f"{response.status}, no body"
    if isinstance(answer, dict) and isinstance(answer.get("code"), str):
        return f"{response.status} {shortened(answer['code'], 200)}"
    return f"{response.status}" if response.succeeded else f"{response.status} {show(answer, 120)}"


def _unwrapped(answer: dict[str, JSON]) -> tuple[str | None, JSON]:
    """Return the key an audience is wrapped in, and the audience; no key if it stands flat."""
    if sum(field in answer for field in FIELDS) >= 5:
        return None, answer
    for key, value in answer.items():
        if isinstance(value, dict) and sum(field in value for field in FIELDS) >= 5:
            return key, value
    return None, answer


def judge_audience(
    exchange: Exchange, asked_id: str, case: str = "", judge: Schemas | None = None
) -> AudienceJudgement:
    """Judge the answer to a GET or PUT that the documentation says succeeds.

    `asked_id` is the id in the path. Rules: audience.*, read.* or update.* (success, flat).
    """
    operation = "read" if exchange.request.method == "GET" else "update"
    found: list[Finding] = []

    def say(rule: str, verdict: Verdict, expected: str = "", got: str = "") -> None:
        found.append(Finding(rule, verdict, exchange, expected, got, case))

    response = exchange.response
    expected = "2xx and the audience object"
    if not response.succeeded:
        say(f"{operation}.success", Verdict.BROKEN, expected, describe(response))
        return AudienceJudgement(tuple(found), None)
    try:
        answer = parse(response.body)
    except NotJSONError as error:
        say(f"{operation}.success", Verdict.BROKEN, expected, f"{response.status}, no JSON: {error}")
        return AudienceJudgement(tuple(found), None)
    if not isinstance(answer, dict):
        say(f"{operation}.success", Verdict.BROKEN, expected, f"{response.status} {show(answer, 120)}")
        return AudienceJudgement(tuple(found), None)
    wrapping, audience = _unwrapped(answer)
    if not any(field in audience for field in FIELDS):
        say(f"{operation}.success", Verdict.BROKEN, expected, f"{response.status} {show(answer, 120)}")
        return AudienceJudgement(tuple(found), None)
    if wrapping is not None:
        got = f"under {shortened(repr(wrapping), 200)}"
        say(f"{operation}.flat", Verdict.BROKEN, "the members of the audience at the top", got)
    else:
        say(f"{operation}.flat", Verdict.HELD)
    extra = sorted(set(audience) - set(FIELDS))
    if response.status != 200:
        say(f"{operation}.success", Verdict.NOTED, "200", str(response.status))
    elif extra:
        say(f"{operation}.success", Verdict.NOTED, "the nine documented members", _also(extra))
    else:
        say(f"{operation}.success", Verdict.HELD)
    found.extend(_members(exchange, audience, asked_id, case, judge or schemas()))
    return AudienceJudgement(tuple(found), audience)


def _members(
    exchange: Exchange, audience: dict[str, JSON], asked_id: str, case: str, judge: Schemas
) -> Iterator[Finding]:
    broken: set[str] = set()
    failures = judge.audience_failures(audience)
    contested = list(islice(_contested(audience), MOST_FAILURES))
    for failure in failures:
        broken.add(failure.stands_for)
        got = f"{failure.place or '/'}: {failure.text}"
        yield Finding(failure.stands_for, Verdict.BROKEN, exchange, _expected(failure.stands_for), got, case)
    if "audience.id" not in broken and audience["id"] != asked_id:
        broken.add("audience.id")
        yield Finding("audience.id", Verdict.BROKEN, exchange, "the id that was asked for", show(audience["id"]), case)
    for field in ("cached_size_updated_at", "created_at"):
        rule, stamp = f"audience.{field}", audience.get(field)
        if rule not in broken and isinstance(stamp, str) and not _is_a_day(stamp[:10]):
            broken.add(rule)
            got = f"/{field}: no such day: {shortened(stamp, 200)}"
            yield Finding(rule, Verdict.BROKEN, exchange, _expected(rule), got, case)
    for rule, expected, got in contested:
        broken.add(rule)
        yield Finding(rule, Verdict.NOTED, exchange, expected, got, case)
    if MOST_FAILURES in (len(failures), len(contested)):
        return  # what comes after the last that is told may be about any of the others
    every = {f"audience.{field}" for field in FIELDS}
    every |= {"audience.filter.keys", "audience.filter.groups", "audience.timestamps"}
    for rule in sorted(every - broken):
        yield Finding(rule, Verdict.HELD, exchange, case=case)


def _also(extra: list[str]) -> str:
    return shortened(f"also {', '.join(extra)}", LONGEST_TEXT)


def _is_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _expected(rule: str) -> str:
    return contract().rules[rule].statement


def _contested(audience: dict[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Yield `(rule, expected, got)` for what pages contradict one another about, or leave open."""
    if "description" in audience and audience["description"] is None:
        yield "audience.description", "a string", "null"
    for field in ("cached_size_updated_at", "created_at"):
        stamp = audience.get(field)
        if isinstance(stamp, str) and not _SHOWN_TIMESTAMP.fullmatch(stamp):
            yield "audience.timestamps", "YYYY-MM-DDThh:mm:ss", f"/{field}: {show(stamp, 60)}"
    pending = [("/filter", audience.get("filter"))]
    while pending:
        place, group = pending.pop()
        if not isinstance(group, dict):
            continue
        groups, conditions = group.get("groups", []), group.get("conditions", [])
        if "groups" not in group:
            yield "audience.filter.groups", "groups, [] where there are none", f"{place}: no groups"
        if isinstance(groups, list):
            pending.extend((f"{place}/groups/{index}", entry) for index, entry in enumerate(groups))
        for index, condition in enumerate(conditions if isinstance(conditions, list) else []):
            extra = sorted(set(condition) - _KNOWN_CONDITION_KEYS) if isinstance(condition, dict) else []
            if extra and "condition_type" not in extra:
                got = f"{place}/conditions/{index}: {_also(extra)}"
                yield "audience.filter", "the documented keys", got


def judge_refusal(
    exchange: Exchange, rule: str, status: int, code: str, case: str = "", *, too_wide: bool = False
) -> list[Finding]:
    """Judge the answer to a request that the documentation says is refused with `status` and `code`.

    Without a code in the answer it cannot be told which fault was meant: then error.code is broken, and
    nothing is said of `rule` unless the status is wrong too. With `too_wide` the body holds a window of which
    nobody says whether it may be that wide: a 400 with a code of no table may be about that, and is noted.
    """
    response = exchange.response
    expected = f"{status} {code}"
    if response.succeeded:
        return [Finding(rule, Verdict.BROKEN, exchange, expected, describe(response), case)]
    try:
        answer = parse(response.body)
    except NotJSONError as error:
        got = f"{response.status}, no JSON: {error}"
        broken = [Finding("error.code", Verdict.BROKEN, exchange, "a JSON object with error and code", got, case)]
        if response.status != status:
            broken.insert(0, Finding(rule, Verdict.BROKEN, exchange, expected, describe(response), case))
        return broken
    found = list(_error_body(exchange, answer, case))
    given = answer.get("code") if isinstance(answer, dict) else None
    if response.status == status and given == code:
        found.append(Finding(rule, Verdict.HELD, exchange, case=case))
    elif response.status == status == 401 and given in CONTESTED_401:
        found.append(Finding(rule, Verdict.NOTED, exchange, expected, describe(response), case))
    elif too_wide and response.status == 400 and isinstance(given, str) and given not in _codes():
        got = f"{describe(response)}, which may be about a window of a hundred years (open: value-range)"
        found.append(Finding(rule, Verdict.NOTED, exchange, expected, got, case))
    elif response.status != status or isinstance(given, str):
        found.insert(0, Finding(rule, Verdict.BROKEN, exchange, expected, describe(response), case))
    return found


def _codes() -> set[str | None]:
    return {rule.code for rule in contract().rules.values()}


def _error_body(exchange: Exchange, answer: JSON, case: str) -> Iterator[Finding]:
    broken: set[str] = set()
    for failure in schemas().error_failures(answer):
        broken.add(failure.stands_for)
        got = f"{failure.place or '/'}: {failure.text}"
        yield Finding(failure.stands_for, Verdict.BROKEN, exchange, _expected(failure.stands_for), got, case)
    extra = sorted(set(answer) - {"error", "code"}) if isinstance(answer, dict) else []
    if extra and "error.text" not in broken:
        broken.add("error.text")
        got = _also(extra)
        yield Finding("error.text", Verdict.NOTED, exchange, "error and code", got, case)
    for rule in sorted({"error.code", "error.text"} - broken):
        yield Finding(rule, Verdict.HELD, exchange, case=case)
