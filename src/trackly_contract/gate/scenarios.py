"""Every answer that a client of the two operations has to survive, and faults of the way that it may meet.

Promises: each documented refusal, and each shape that a success may legally take, once for each operation that may
answer it; a shape is told in one sentence, with the rule or question it stands on.
Refuses: to answer (gate.py); to make up an answer that the documentation calls broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from trackly_contract.contract import as_answered, contract
from trackly_contract.core import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Operation: TypeAlias = Literal["read", "update"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)

Audience: TypeAlias = dict[str, JSON]


class Connection(StrEnum):
    """What becomes of an answer on its way."""

    WHOLE = "whole"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Answer:
    """One answer to one operation.

    `stands_on` is the id of a rule or of a question, "" for a fault of the way. For a success, `arranged` returns
    members the audience has before the request, and `shaped` what the answer prints of the audience. For a refusal or
    a fault, `code` or `body` and `headers` are what it carries; `more` are further members of an error.
    """

    name: str
    operation: Operation
    status: int
    says: str
    stands_on: str
    code: str = ""
    more: tuple[tuple[str, JSON], ...] = ()
    arranged: Callable[[], Audience] = dict
    shaped: Callable[[Audience], Audience] = dict
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    connection: Connection = Connection.WHOLE

    @property
    def success(self) -> bool:
        """Whether it answers the request itself: the audience, in some shape."""
        return not self.code and self.body is None and self.connection is Connection.WHOLE

    @property
    def fault(self) -> bool:
        """Whether it is no answer of the API: a gateway, a limit, a broken connection."""
        return not self.stands_on

    @property
    def members(self) -> frozenset[str]:
        """The members of the audience that make it what it is."""
        return frozenset(self.arranged())


_COUNT: Audience = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}


def _time(operator: str, **more: JSON) -> Audience:
    return {"condition_type": "time", "field": "last_clicked_at", "operator": operator, **more}


def _group(operator: str, *conditions: Audience, groups: tuple[Audience, ...] = ()) -> Audience:
    return {"operator": operator, "conditions": list(conditions), "groups": list(groups)}


def _nested() -> Audience:
    inner = _group("OR", _time("exists"), _time("within", value=12, unit="hours"))
    for _ in range(3):
        inner = _group("AND", _COUNT, groups=(inner, _group("OR", _COUNT)))
    return {"filter": as_answered(inner)}


def _groups_alone() -> Audience:
    return {"filter": as_answered(_group("OR", groups=(_group("AND", _COUNT), _group("AND", _time("exists")))))}


def _every_time() -> Audience:
    units = ("days", "hours", "minutes")
    conditions = [_time(operator, value=7, unit=unit) for operator in ("within", "not_within") for unit in units]
    return {"filter": as_answered(_group("AND", *conditions, _time("exists"), _time("not_exists")))}


def _other_types() -> Audience:
    """Return a filter of the four types that only the error codes name: what a builder of audiences may have saved."""
    kinds: list[Audience] = [
        {"condition_type": "custom_field", "field": "favourite_color", "operator": "eq", "value": "red"},
        {"condition_type": "carrier", "operator": "eq", "value": "Telia"},
        {"condition_type": "timezone", "operator": "eq", "value": "Europe/Stockholm"},
        {"condition_type": "revenue", "field": "total_revenue", "operator": "gte", "value": 99.5},
    ]
    return {"filter": as_answered(_group("AND", *kinds))}


def _list_id() -> Audience:
    found = as_answered(_group("AND", _COUNT))
    found["conditions"][0]["listId"] = 101
    return {"filter": found}


def _without_groups(audience: Audience) -> Audience:
    def less(group: Audience) -> Audience:
        return {
            key: [less(inner) for inner in value] if key == "groups" else value
            for key, value in group.items()
            if not (key == "groups" and not value)
        }

    return audience | ({"filter": less(audience["filter"])} if isinstance(audience["filter"], dict) else {})


def _with_more(audience: Audience) -> Audience:
    more = {"success": True, "message": "ok", "updated_at": "2025-11-20T10:30:45", "labels": ["a"], "owner": None}
    return audience | more


def _with_more_in_the_filter(audience: Audience) -> Audience:
    found = audience["filter"]
    if isinstance(found, dict) and found.get("conditions"):
        first = {**found["conditions"][0], "label": "Clicked", "position": 1}
        found = {**found, "conditions": [first, *found["conditions"][1:]]}
    return audience | {"filter": found}


def _stamped(ending: str) -> Callable[[Audience], Audience]:
    def shaped(audience: Audience) -> Audience:
        stamps = ("cached_size_updated_at", "created_at")
        return audience | {name: f"{audience[name]}{ending}" for name in stamps if audience[name] is not None}

    return shaped


def _reversed(audience: Audience) -> Audience:
    return dict(reversed(audience.items()))


def _members(**members: JSON) -> Callable[[], Audience]:
    return lambda: members


_NULL_CACHE = _members(cached_size=None, cached_size_updated_at=None)

Shape: TypeAlias = tuple[str, str, str, "Callable[[], Audience]", "Callable[[Audience], Audience]"]

_SHAPES: tuple[Shape, ...] = (
    ("as-documented", "the audience as the example prints it", "{}.success", dict, dict),
    ("null-cache", "never counted, or its filter changed: both members of the cache are null",
     "audience.cached_size", _NULL_CACHE, dict),
    ("zero-size", "counted, and nobody matches", "audience.cached_size", _members(cached_size=0), dict),
    ("archived", "the audience is archived", "audience.status", _members(status="archived"), dict),
    ("all-lists", "source_lists is empty: all lists", "audience.source_lists.empty", _members(source_lists=[]), dict),
    ("empty-description", "the description is an empty text", "description-shape", _members(description=""), dict),
    ("null-description", "the description is null: it never had one", "description-shape",
     _members(description=None), dict),
    ("longest-name", "a name of 255 characters, not all of them ASCII", "update.name.longest",
     _members(name="Åäö 漢字 😀 ".ljust(255, "n")), dict),
    ("groups-absent", "groups without nested groups print no groups", "audience.filter.groups", dict, _without_groups),
    ("groups-alone", "the filter holds nested groups and no condition of its own", "filter.nested",
     _groups_alone, dict),
    ("nested-filter", "groups nest, beside conditions", "filter.nested", _nested, dict),
    ("every-time-condition", "conditions with value and unit, and conditions without", "filter.time.known",
     _every_time, dict),
    ("other-condition-types", "conditions on custom fields, carrier, time zone and revenue", "filter.condition_type",
     _other_types, dict),
    ("list-id", "a condition carries listId, which the page names and nothing explains", "audience.filter.keys",
     _list_id, dict),
    ("time-zone", "timestamps end in Z", "audience.timestamps", dict, _stamped("Z")),
    ("time-fraction", "timestamps have a fraction and a zone", "audience.timestamps", dict, _stamped(".123456+00:00")),
    ("more-members", "the answer has members that no page names", "{}.success", dict, _with_more),
    ("more-members-in-filter", "a condition has members that no page names", "audience.filter", dict,
     _with_more_in_the_filter),
    ("reversed", "the members stand in another order", "{}.success", dict, _reversed),
)  # fmt: skip
"""Name, what it is in one sentence, what it stands on, the audience it needs, and what is printed of it."""

_CONTESTED_401 = ("missing_api_key", "invalid_api_key")
_MORE = (("success", False), ("message", "there is no such audience"), ("details", {"id": None}))

_HTML = b"<!doctype html><html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
_AS_HTML = (("Content-Type", "text/html"),)
_AS_JSON = (("Content-Type", "application/json"),)
_LIMIT = b'{"error": "Too many requests", "code": "rate_limit_exceeded"}'

_FAULTS: tuple[tuple[str, int, str, bytes | None, tuple[tuple[str, str], ...], Connection], ...] = (
    ("rate-limited", 429, "a limit was met: Retry-After says one second", _LIMIT, (*_AS_JSON, ("Retry-After", "1")),
     Connection.WHOLE),
    ("server-error", 500, "the API failed, with a JSON body of its own", b'{"error": "Internal error"}', _AS_JSON,
     Connection.WHOLE),
    ("bad-gateway", 502, "a gateway answers HTML", _HTML, _AS_HTML, Connection.WHOLE),
    ("unavailable", 503, "maintenance: no body, Retry-After says one second", b"", (("Retry-After", "1"),),
     Connection.WHOLE),
    ("gateway-timeout", 504, "a gateway gave up waiting, and answers HTML", _HTML, _AS_HTML, Connection.WHOLE),
    ("not-json", 200, "something on the way answers HTML with 200: a login page, a captive portal", _HTML, _AS_HTML,
     Connection.WHOLE),
    ("empty", 200, "200 without a body", b"", _AS_JSON, Connection.WHOLE),
    ("truncated", 200, "the connection breaks in the middle of the body", None, (), Connection.TRUNCATED),
    ("disconnected", 0, "the connection is closed without an answer", None, (), Connection.DISCONNECTED),
    ("timeout", 0, "no answer comes in the time the client allows", None, (), Connection.TIMEOUT),
)  # fmt: skip


def _of(operation: Operation) -> Iterator[Answer]:
    for name, says, stands_on, arranged, shaped in _SHAPES:
        basis = stands_on.format(operation)
        yield Answer(f"{operation}-200-{name}", operation, 200, says, basis, arranged=arranged, shaped=shaped)
    says = "a success with another status than 200, and the whole audience"
    yield Answer(f"{operation}-202-another-success", operation, 202, says, f"{operation}.success")
    for rule in contract().rules.values():
        if rule.status is None or rule.code is None:
            continue
        if rule.status != 400 and not rule.id.startswith(f"{operation}."):
            continue
        if rule.status == 400 and operation == "read":
            continue
        name = f"{operation}-{rule.status}-{rule.code}"
        yield Answer(name, operation, rule.status, rule.statement, rule.id, rule.code)
    for code in _CONTESTED_401:
        says = f"the key is refused with {code}, a code of other pages"
        yield Answer(f"{operation}-401-{code}", operation, 401, says, f"{operation}.key", code)
    says = "an error has members that no page names"
    name = f"{operation}-404-more-members"
    yield Answer(name, operation, 404, says, f"{operation}.unknown_id", "not_found", more=_MORE)


@cache
def possible_answers() -> dict[str, Answer]:
    """Return every answer that the API may give to the two operations, by name, such as `read-200-null-cache`."""
    return {answer.name: answer for operation in OPERATIONS for answer in _of(operation)}


@cache
def possible_faults() -> dict[str, Answer]:
    """Return the faults of the way, by name, such as `update-timeout`."""
    return {
        f"{operation}-{name}": Answer(
            f"{operation}-{name}", operation, status, says, "", body=body, headers=headers, connection=connection
        )
        for operation in OPERATIONS
        for name, status, says, body, headers, connection in _FAULTS
    }


def named(name: str, operation: Operation | None = None) -> list[Answer]:
    """Return the answers that a name means: the whole name, or what it has after its operation, or a code.

    `invalid_time_unit`, `429`, `rate-limited`, `null-cache`, `read-200-null-cache` are names; of a short name the
    answers of both operations are meant, unless `operation` says which. Raises LookupError, with names that are near,
    where there is none.
    """
    everything = {**possible_answers(), **possible_faults()}
    found = [
        answer
        for answer in everything.values()
        if name in (answer.name, answer.code, str(answer.status), answer.name.removeprefix(f"{answer.operation}-"))
        or (answer.success and answer.name.endswith(f"-{answer.status}-{name}"))
    ]
    found = [answer for answer in found if operation in (None, answer.operation)]
    if not found:
        import difflib  # noqa: PLC0415

        short = {answer.name.removeprefix(f"{answer.operation}-") for answer in everything.values()}
        short |= {answer.code for answer in everything.values() if answer.code}
        near = ", ".join(difflib.get_close_matches(name, [*everything, *sorted(short)])) or "read-200-null-cache, ..."
        raise LookupError(f"there is no answer {name!r}; names are like {near}: docs/gate.md has them all")
    first = {answer.operation: answer for answer in reversed(found)}
    return [first[each] for each in OPERATIONS if each in first]
