"""Judges one response by itself: the audience in a success, the body and code of a rejection, and whose response it is.

Says of every rule that a response bears on whether it held, is broken, or differs within what the documentation
allows. A wrapped audience is judged inside its wrapping, so that one slip is named once. Does not compare with earlier
responses (state.py).
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from trackly_contract.contract import LONGEST_TEXT, MOST_FAILURES, UPDATE_FIELDS, Failure, contract, parts_of, schemas
from trackly_contract.core import ABSENT, JSON, Exchange, Response, shortened, show, value_at
from trackly_contract.judge.findings import Finding, Rejection, Value, Whole, Words, differs, held, rule_of

FIELDS = ("id", *UPDATE_FIELDS, "cached_size", "cached_size_updated_at", "status", "created_at")
"""The nine fields of an audience (get-audience, Response Fields)."""

CONTESTED_401 = frozenset({"missing_api_key", "invalid_api_key"})
"""Codes that other reference pages print where these two print unauthorized (error-codes, 401)."""

NOT_ABOUT_THE_REQUEST = frozenset({403, 408, 421, 425, 429})
"""Rejections that are about who asks, the pace or the connection, and not about what was asked."""

AUDIENCE = Words("2xx and the audience object")

_STAMPS = ("cached_size_updated_at", "created_at")
_SHOWN_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_KNOWN_CONDITION_KEYS = frozenset({"conditionType", "field", "operator", "value", "unit", "listId"})


def _unwrapped(answer: JSON) -> tuple[str | None, JSON]:
    """Return the key an audience is wrapped in, and the audience; no key if it stands flat."""
    if not isinstance(answer, dict):
        return None, {}
    parts = [(None, answer), *answer.items()]
    return next((part for part in parts if isinstance(part[1], dict) and len(part[1].keys() & FIELDS) >= 5), parts[0])


def judge_audience(exchange: Exchange, asked_id: str, case: str = "") -> tuple[list[Finding], JSON]:
    """Judge the response to a GET or PUT that the documentation says succeeds; return the audience too, None for none.

    `asked_id` is the id in the path. Rules: audience.*, read.* or update.* (success, flat).
    """
    operation = "read" if exchange.request.method == "GET" else "update"
    response = exchange.response
    success, flat = f"{operation}.success", f"{operation}.flat"
    answer = response.json.strict
    wrapping, audience = _unwrapped(answer)
    if not response.succeeded or not audience.keys() & FIELDS:
        actual: Whole | Value = Whole()
        if response.succeeded:
            shown = f", no JSON: {response.json.error}" if answer is ABSENT else f" {show(answer, 120)}"
            actual = Value(answer, f"{response.status}{shown}")
        return [differs(success, exchange, AUDIENCE, actual, case=case)], None
    found = [held(flat, exchange, case)]
    if wrapping is not None:
        under = Words(f"under {shortened(repr(wrapping), 200)}")
        found = [differs(flat, exchange, Words("the fields of the audience at the top"), under, case=case)]
    extra = sorted(audience.keys() - FIELDS)
    if response.status != 200:
        expected, status = Words("200"), Value(response.status)
        found.append(differs(success, exchange, expected, status, case=case, grave=False))
    elif extra:
        expected = Words("the nine documented fields")
        found.append(differs(success, exchange, expected, _also(extra), case=case, grave=False))
    else:
        found.append(held(success, exchange, case))
    return [*found, *_fields(exchange, audience, asked_id, case)], audience


def _fields(exchange: Exchange, audience: dict[str, JSON], asked_id: str, case: str) -> list[Finding]:
    failures = schemas().audience_failures(audience)
    found = _failed(failures, audience, exchange, case)
    broken = {finding.rule for finding in found}
    if "audience.id" not in broken and audience["id"] != asked_id:
        expected, actual = Words("the id that was asked for"), Value(audience["id"])
        found.append(differs("audience.id", exchange, expected, actual, at="/id", case=case))
    for field in _STAMPS:
        rule, stamp = f"audience.{field}", audience.get(field)
        if rule not in broken and isinstance(stamp, str) and not _is_a_day(stamp[:10]):
            actual = Value(stamp, f"no such day: {shortened(stamp, 200)}")
            found.append(differs(rule, exchange, _stated(rule), actual, at=f"/{field}", case=case))
    contested = [
        differs(rule, exchange, Words(documented), shown, at=at, case=case, grave=False)
        for rule, documented, shown, at in islice(_contested(audience), MOST_FAILURES)
    ]
    found += contested
    if MOST_FAILURES in (len(failures), len(contested)):
        return found  # what comes after the last that is reported may be about any of the others
    every = {f"audience.{field}" for field in (*FIELDS, "filter.keys", "filter.groups", "timestamps")}
    return found + _held(every, found, exchange, case)


def _failed(failures: Iterable[Failure], answer: JSON, exchange: Exchange, case: str) -> list[Finding]:
    """Return what a schema says of a body as findings."""
    found = ((f.stands_for, Value(value_at(answer, f.place), f.text), f.place) for f in failures)
    return [differs(rule, exchange, _stated(rule), actual, at=at, case=case) for rule, actual, at in found]


def _held(rules: set[str], found: Iterable[Finding], exchange: Exchange, case: str) -> list[Finding]:
    """Return that those of the rules held which nothing was found about."""
    return [held(rule, exchange, case) for rule in sorted(rules - {finding.rule for finding in found})]


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


def _contested(audience: dict[str, JSON]) -> Iterator[tuple[str, str, Value | Words, str]]:
    """Yield `(rule, expected, actual, position)` for what pages contradict one another about, or leave open."""
    if "description" in audience and audience["description"] is None:
        yield "audience.description", "a string", Value(None), "/description"
    for field in _STAMPS:
        stamp = audience.get(field)
        if isinstance(stamp, str) and not _SHOWN_TIMESTAMP.fullmatch(stamp):
            yield "audience.timestamps", "YYYY-MM-DDThh:mm:ss", Value(stamp), f"/{field}"
    for part in parts_of(audience.get("filter")):
        if part.is_group and "groups" not in part.fields:
            yield "audience.filter.groups", "groups, [] where there are none", Words("no groups"), f"/filter{part.path}"
        extra = sorted(part.fields.keys() - _KNOWN_CONDITION_KEYS)
        if not part.is_group and extra and "condition_type" not in extra:
            yield "audience.filter", "the documented keys", _also(extra), f"/filter{part.path}"


def judge_rejection(
    exchange: Exchange, rule: str, expected: Rejection, case: str = "", remark: str = ""
) -> list[Finding]:
    """Judge the response to a request that the documentation says is rejected, by `rule`, with status and code.

    Without a code in the response it cannot be told which error was meant: then error.code is broken, and nothing is
    said of `rule` unless the status is wrong too. With a `remark` the body holds something of which nobody says
    whether it is allowed: a 400 with a code of no table may be about that, and is noted.
    """
    response = exchange.response
    broken = differs(rule, exchange, expected, Whole(), case=case)
    if response.succeeded:
        return [broken]
    found = error_body(exchange, case)
    right_status = response.status == expected.status
    given = response.code if not response.json.error else None
    if given is None:
        return found if right_status else [broken, *found]
    if right_status and given == expected.code:
        return [*found, held(rule, exchange, case)]
    contested = right_status and response.status == 401 and given in CONTESTED_401
    about_the_rest = bool(remark) and response.status == 400 and not rule_of(given)
    if contested or about_the_rest:
        actual = Whole(remark if about_the_rest else "")
        return [*found, differs(rule, exchange, expected, actual, case=case, grave=False)]
    return [broken, *found]


def error_body(exchange: Exchange, case: str = "") -> list[Finding]:
    """Judge what the body of a rejection shows by itself, whatever was rejected."""
    json = exchange.response.json
    if json.error:
        actual = Value(ABSENT, f"{exchange.response.status}, no JSON: {json.error}")
        return [differs("error.code", exchange, Words("a JSON object with error and code"), actual, case=case)]
    found = _failed(schemas().error_failures(json.value), json.value, exchange, case)
    extra = sorted(json.fields.keys() - {"error", "code"})
    if extra and all(finding.rule != "error.text" for finding in found):
        found.append(differs("error.text", exchange, Words("error and code"), _also(extra), case=case, grave=False))
    return found + _held({"error.code", "error.text"}, found, exchange, case)


# Whose response it is --------------------------------------------------------------------------------


def maybe_gateway(response: Response, *, good_key: bool) -> bool:
    """Whether a response may come from something in between.

    No JSON object, 3xx, 403, 408, 421, 425, 429, 5xx, and 401 with a good key.
    """
    status = response.status
    if status in NOT_ABOUT_THE_REQUEST or status >= 500 or 300 <= status < 400 or (good_key and status == 401):
        return True
    return not isinstance(response.json.value, dict)


def unlike_api(response: Response) -> bool:
    """Whether a body is nothing that these operations respond with: a rejection without a code, a 2xx without an id.

    It may come from something in between, or the API has drifted: if it stays, it is judged.
    """
    if not response.succeeded:
        return response.code is None
    answer = response.json.fields
    return not any({"id", "audience_id"} & set(part) for part in (answer, *answer.values()) if isinstance(part, dict))


def about_request(response: Response) -> bool:
    """Whether a response, suspicious or not, is about the request: not about a key, the pace, a server that fails."""
    return response.status // 100 in (2, 4) and response.status not in {401, *NOT_ABOUT_THE_REQUEST}
