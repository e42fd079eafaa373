"""Looks at one response by itself: the audience in a success, the body and code of a rejection, whose response it is.

A wrapped audience is judged inside its wrapping, so that one slip is named once.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from trackly_contract.contract import LONGEST_TEXT, MOST_FAILURES, UPDATE_FIELDS, Failure, contract, parts_of, schemas
from trackly_contract.core import ABSENT, JSON, Exchange, Response, shortened, show, value_at
from trackly_contract.judge.findings import Difference, Look, Rejection, Value, Whole, Words, rule_of

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


def look_at_audience(exchange: Exchange, asked_id: str) -> tuple[list[Look], JSON]:
    """Look at a success of a GET or PUT; return the audience that it carries too, None for none.

    `asked_id` is the id in the path. Rules: audience.*, read.* or update.* (success, flat).
    """
    operation = "read" if exchange.request.method == "GET" else "update"
    status, json = exchange.response.status, exchange.response.json
    answer = json.strict
    wrapping, audience = _unwrapped(answer)
    if not audience.keys() & FIELDS:
        shown = f", no JSON: {json.error}" if answer is ABSENT else f" {show(answer, 120)}"
        return [(f"{operation}.success", ("", AUDIENCE, Value(answer, f"{status}{shown}"), True))], None
    success: Difference | None = None
    extra = sorted(audience.keys() - FIELDS)
    if status != 200:
        success = ("", Words("200"), Value(status), False)
    elif extra:
        success = ("", Words("the nine documented fields"), _also(extra), False)
    flat: Difference | None = None
    if wrapping is not None:
        under = Words(f"under {shortened(repr(wrapping), 200)}")
        flat = ("", Words("the fields of the audience at the top"), under, True)
    return [(f"{operation}.flat", flat), (f"{operation}.success", success), *_fields(audience, asked_id)], audience


def _fields(audience: dict[str, JSON], asked_id: str) -> list[Look]:
    failures = schemas().failures("audience.json", audience)
    looks = _failed(failures, audience)
    broken = {rule for rule, _ in looks}
    if "audience.id" not in broken and audience["id"] != asked_id:
        looks.append(("audience.id", ("/id", Words("the id that was asked for"), Value(audience["id"]), True)))
    for field in _STAMPS:
        rule, stamp = f"audience.{field}", audience.get(field)
        if rule in broken or not isinstance(stamp, str):
            continue
        try:
            date.fromisoformat(stamp[:10])
        except ValueError:
            no_day = Value(stamp, f"no such day: {shortened(stamp, 200)}")
            looks.append((rule, (f"/{field}", _stated(rule), no_day, True)))
    contested = [*islice(_contested(audience), MOST_FAILURES)]
    looks += contested
    if MOST_FAILURES in (len(failures), len(contested)):
        return looks  # what comes after the last that is reported may be about any of the others
    return looks + _held(
        {f"audience.{field}" for field in (*FIELDS, "filter.keys", "filter.groups", "timestamps")}, looks
    )


def _failed(failures: Iterable[Failure], answer: JSON) -> list[Look]:
    """Return what a schema says of a body."""
    return [
        (f.stands_for, (f.place, _stated(f.stands_for), Value(value_at(answer, f.place), f.text), True))
        for f in failures
    ]


def _held(rules: set[str], looks: Iterable[Look]) -> list[Look]:
    """Return that those of the rules held which nothing was found about."""
    return [(rule, None) for rule in sorted(rules - {rule for rule, _ in looks})]


def _also(extra: list[str]) -> Words:
    return Words(shortened(f"also {', '.join(extra)}", LONGEST_TEXT))


def _stated(rule: str) -> Words:
    return Words(contract().rules[rule].statement)


def _contested(audience: dict[str, JSON]) -> Iterator[Look]:
    """Yield what pages contradict one another about, or leave open."""
    if "description" in audience and audience["description"] is None:
        yield "audience.description", ("/description", Words("a string"), Value(None), False)
    for field in _STAMPS:
        stamp = audience.get(field)
        if isinstance(stamp, str) and not _SHOWN_TIMESTAMP.fullmatch(stamp):
            yield "audience.timestamps", (f"/{field}", Words("YYYY-MM-DDThh:mm:ss"), Value(stamp), False)
    for part in parts_of(audience.get("filter")):
        at, extra = f"/filter{part.path}", sorted(part.fields.keys() - _KNOWN_CONDITION_KEYS)
        if part.is_group and "groups" not in part.fields:
            yield "audience.filter.groups", (at, Words("groups, [] where there are none"), Words("no groups"), False)
        if not part.is_group and extra and "condition_type" not in extra:
            yield "audience.filter", (at, Words("the documented keys"), _also(extra), False)


def look_at_rejection(response: Response, rule: str, expected: Rejection, remark: str) -> list[Look]:
    """Look at a rejection that the documentation promises by `rule`, with status and code.

    Without a code in the response it cannot be told which error was meant: then error.code is broken, and nothing is
    said of `rule` unless the status is wrong too. With a `remark` the body holds something of which nobody says
    whether it is allowed: a 400 with a code of no table may be about that, and is noted.
    """
    looks = look_at_error(response)
    right_status = response.status == expected.status
    given = response.code if not response.json.error else None
    if right_status and given is None:
        return looks
    if right_status and given == expected.code:
        return [*looks, (rule, None)]
    contested = right_status and response.status == 401 and given in CONTESTED_401
    about_the_rest = bool(remark) and response.status == 400 and given is not None and not rule_of(given)
    actual = Whole(remark if about_the_rest else "")
    return [*looks, (rule, ("", expected, actual, not (contested or about_the_rest)))]


def look_at_error(response: Response) -> list[Look]:
    """Look at what the body of a rejection shows by itself, whatever was rejected."""
    json = response.json
    if json.error:
        no_json = Value(ABSENT, f"{response.status}, no JSON: {json.error}")
        return [("error.code", ("", Words("a JSON object with error and code"), no_json, True))]
    looks = _failed(schemas().failures("error.json", json.value), json.value)
    extra = sorted(json.fields.keys() - {"error", "code"})
    if extra and all(rule != "error.text" for rule, _ in looks):
        looks.append(("error.text", ("", Words("error and code"), _also(extra), False)))
    return looks + _held({"error.code", "error.text"}, looks)


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


def is_of(answer: JSON, audience_id: str) -> bool:
    """Whether a response shows the audience of this id."""
    return isinstance(answer, dict) and audience_id in {str(answer.get(name)) for name in ("id", "audience_id")}


def about_request(response: Response) -> bool:
    """Whether a response, suspicious or not, is about the request: not about a key, the pace, a server that fails."""
    return response.status // 100 in (2, 4) and response.status not in {401, *NOT_ABOUT_THE_REQUEST}
