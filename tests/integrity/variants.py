"""Servers that answer otherwise than the reference server, but only where the documentation leaves it open.

Everything but that one thing is as the reference server answers it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tests.integrity.seams import (
    Body,
    Edit,
    audiences,
    behind,
    camel,
    each_time,
    errors,
    field,
    in_filter,
    in_groups,
    throughout,
    with_status,
)
from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_audience
from trackly_contract.reference.filter import JUDGES, Judge
from trackly_contract.reference.server import Store

Expects: TypeAlias = Literal["conforms", "inconclusive"]
"""What a run says of a server that is legal."""


@dataclass(frozen=True)
class Variant:
    """One legal server: `make` gives a fresh one, `over_http` serves that one over sockets and gives its base URL.

    `because` says what makes it legal: an open question of contracts/questions.toml (`open: <id>`), a contested
    point, a difference that is noted at most (`allowed`), a candidate token, a property of the store, of HTTP, or a
    network fault. `expects`: what the run must say; `audience`: the id it is pointed at; `left`: fields that no
    documented update can restore.
    """

    id: str
    because: str
    make: Callable[[], ReferenceServer]
    over_http: Callable[[Any], AbstractContextManager[str]] | None = None
    expects: Expects = "conforms"
    audience: str = AUDIENCE_ID
    left: frozenset[str] = frozenset()


def stocked(server: type[ReferenceServer] = ReferenceServer, lists: set[int] | None = None, **fields: Any) -> Any:
    """Make a server of an audience that is the documented one but for `fields`."""

    def make() -> ReferenceServer:
        audience = {**documented_audience(), **fields}
        return server(Store(audiences={audience["id"]: audience}, lists=lists or {101, 102, 103}))

    return make


# Errors ------------------------------------------------------------------------------------------------

TEXTS = {
    "long": "nothing to see here " * 1000,
    "empty": "",
    "Swedish": "Något är fel: försök igen på måndag",
    "Arabic": "حدث خطأ غير متوقع",
    "HTML": "<h1>Bad Request</h1><script>alert('trk_' + \"x\")</script>",
    "several lines": "line one\nline two\r\n\tline three\u2028line four",
    "terminal controls": "\u001b[31mred\u001b[0m\u0007\u0000",
    "braces": '{"error": "nested", "code": "not_me"} %s {0} {{x}}',
}

MORE_IN_ERRORS: dict[str, Body] = {
    "message": {"message": "something for people"},
    "message null": {"message": None},
    "success false": {"success": False},
    "request_id": {"request_id": "req_0123456789"},
    "path": {"path": "/filter/conditions/0/field"},
    "details": {"details": [{"index": 0, "reason": "no"}], "errors": ["no"]},
    "status": {"status": 400, "timestamp": "2025-11-20T10:30:45.123Z", "documentation_url": None},
}

MISSING, INVALID, STATED = "missing_api_key", "invalid_api_key", "unauthorized"

CODES_OF_A_401 = (
    (MISSING, MISSING, INVALID),
    (MISSING, INVALID, INVALID),
    (INVALID, INVALID, INVALID),
    (MISSING, MISSING, MISSING),
    (MISSING, STATED, STATED),
    (STATED, STATED, INVALID),
)
"""For a missing, an empty and a wrong key."""


def _with(more: Body) -> Edit:
    return lambda found: {**found, **more}


def of_errors() -> Iterator[Variant]:
    """Yield servers with other error texts and further keys in errors, and the contested codes of a 401."""
    because = "allowed: another error text"
    for name, text in TEXTS.items():
        yield Variant(f"error text {name}", because, errors(_with({"error": text})))
    yield Variant("error text is the code", because, errors(lambda error: {**error, "error": error["code"]}))
    for name, more in MORE_IN_ERRORS.items():
        yield Variant(f"errors carry {name}", "allowed: a new key in an error", errors(_with(more)))
    turned = errors(lambda error: dict(reversed(error.items())))
    yield Variant("code before error", "allowed: order of keys", turned)
    because = "contested: 401 code"
    for codes in CODES_OF_A_401:
        yield Variant(f"401 {' '.join(codes)}", because, denying(*codes))
    yield Variant("401 of PUT otherwise than of GET", because, denying(MISSING, MISSING, INVALID, "PUT"))


def denying(missing: str, empty: str, wrong: str, methods: str = "GET PUT") -> type[ReferenceServer]:
    """Make a server with a code of its own for a missing, an empty and a wrong key."""

    def changed(request: Request, response: Response) -> Response:
        if response.status != 401:
            return response
        code = {None: missing, "": empty}.get(request.header("X-Api-Key"), wrong)
        return ReferenceServer().error(401, code, "Invalid API key" if code == wrong else "API key required")

    return behind(changed, methods)


# Audiences ---------------------------------------------------------------------------------------------

MORE_IN_AUDIENCES: dict[str, Body] = {
    "success": {"success": True},
    "success and message": {"success": True, "message": "Audience updated"},
    "updated_at": {"updated_at": "2025-11-20T10:30:45"},
    "account_id and type": {"account_id": 7, "type": "dynamic"},
    "links": {"_links": {"self": {"href": "/v2/audiences"}}},
    "an audience of another kind": {"parent": {"id": "x", "name": "y", "status": "active"}, "tags": []},
}


def _without_empty(*keys: str) -> Edit:
    return field("filter", in_groups(lambda group, _: {k: v for k, v in group.items() if k not in keys or v != []}))


def _with_unused(condition: Body) -> Body:
    return {"conditionType": None, "field": None, "operator": None, "value": None, "unit": None, **condition}


def _floats(condition: Body) -> Body:
    return {key: float(value) if type(value) is int else value for key, value in condition.items()}


def of_answers() -> Iterator[Variant]:
    """Yield servers that print more, less or otherwise, where the documentation lets them."""
    for name, more in MORE_IN_AUDIENCES.items():
        edit: Edit = lambda audience, more=more: {**more, **audience}  # type: ignore[misc]  # noqa: E731
        yield Variant(f"audience carries {name}", "allowed: a new key in an answer", audiences(edit))
    nested: Body = {"operator": "AND", "conditions": [], "groups": [documented_audience()["filter"]]}
    labelled = in_filter(lambda entry: {"id": 7, **entry, "listId": None, "label": "7 clicks"})
    numbered = field("filter", in_groups(lambda group, _: {"id": "g1", **group, "sort_order": 1}))
    for methods, where in (("GET PUT", ""), ("GET", " in GET only"), ("PUT", " in PUT only")):
        absent = "contested: groups absent"
        yield Variant(f"empty groups left out{where}", absent, audiences(_without_empty("groups"), methods))
        server = stocked(audiences(_without_empty("conditions"), methods), filter=nested)
        yield Variant(f"empty conditions left out{where}", "open: filter-shape, conditions absent where empty", server)
        server = stocked(audiences(_without_empty("groups", "conditions"), methods), filter=nested)
        yield Variant(f"both left out where empty{where}", absent, server)
        unknown = "open: unknown-key"
        # What a GET shows of a filter that no page says how to send might be lost, so nothing is written.
        told: Expects = "inconclusive" if "GET" in methods else "conforms"
        yield Variant(
            f"conditions carry id, listId and label{where}", unknown, audiences(labelled, methods), expects=told
        )
        yield Variant(f"groups carry id{where}", unknown, audiences(numbered, methods), expects=told)
        unused = audiences(in_filter(_with_unused), methods)
        yield Variant(f"unused value and unit null{where}", "open: member-not-needed", unused)
    for methods, where in (("GET PUT", ""), ("PUT", " in PUT only")):
        floats = audiences(in_filter(_floats), methods)
        yield Variant(f"numbers of conditions as floats{where}", "open: value-shape, 3.0", floats)
    in_order = audiences(lambda found: json.loads(json.dumps(found, sort_keys=True)))
    yield Variant("keys sorted", "allowed: order of keys", in_order)
    yield Variant(
        "keys reversed", "allowed: order of keys", audiences(throughout(lambda found: dict(reversed(found.items()))))
    )
    for name, key in (("new ids at each answer", "id"), ("an estimate that moves", "estimate")):
        moving = of_the_moment(key)
        yield Variant(f"conditions carry {name}", "open: unknown-key", moving, expects="inconclusive")
    for status in (201, 202):
        yield Variant(f"updates answered {status}", "allowed: another 2xx", with_status(status, "PUT"))
    yield Variant("reads answered 203", "allowed: another 2xx", with_status(203, "GET"))


def of_the_moment(key: str) -> type[ReferenceServer]:
    """Make a server whose conditions carry a number that is another one in each response."""
    return each_time(lambda audience, now: in_filter(lambda entry: {**entry, key: now})(audience))


STAMPS = ("Z", "+00:00", "+0000", ".000", ".123456", ".5Z", ".123+02:00")
BOTH_STAMPS = ("created_at", "cached_size_updated_at")


def _stamped(suffix: str, *fields: str) -> Edit:
    return lambda found: {**found, **{name: found[name] + suffix for name in fields if found[name] is not None}}


def of_stamps() -> Iterator[Variant]:
    """Yield servers that print a zone or a fraction in their datetimes."""
    because = "contested: zone or fraction in a datetime"
    for suffix in STAMPS:
        yield Variant(f"datetimes end in {suffix}", because, audiences(_stamped(suffix, *BOTH_STAMPS)))
    for name in BOTH_STAMPS:
        yield Variant(f"{name} alone ends in Z", because, audiences(_stamped("Z", name)))
        for method in ("GET", "PUT"):
            server = audiences(_stamped(".000Z", name), method)
            yield Variant(f"{name} ends in .000Z in {method} only", because, server)


# Stores ------------------------------------------------------------------------------------------------


class KnowsMore(ReferenceServer):
    """Has a seventh condition type, and keeps every key of a condition, in camelCase."""

    judges: Mapping[str, Judge] = {**JUDGES, "on_dnc": lambda _condition, _choices: iter(())}

    def apply(self, audience: Body, body: Body) -> Body:
        changed = super().apply(audience, body)
        if "filter" in body:
            changed["filter"] = in_groups(_kept)(body["filter"])
        return changed


def _kept(group: Body, _: int) -> Body:
    conditions = [{camel(key): value for key, value in entry.items()} for entry in group.get("conditions", [])]
    return {**group, "conditions": conditions, "groups": group.get("groups", [])}


def _all(*conditions: Body) -> Body:
    return {"operator": "AND", "conditions": list(conditions), "groups": []}


def _deep(levels: int) -> Body:
    inner: Body = documented_audience()["filter"]
    for _ in range(levels - 1):
        inner = {"operator": "OR", "conditions": [], "groups": [inner]}
    return inner


CLICKED: Body = {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}
DNC: Body = {"conditionType": "on_dnc", "operator": "eq", "value": False}
VALUES: Body = {
    "conditionType": "custom_field",
    "field": "a.b",
    "operator": "in",
    "value": ["x", 1, {"fromDate": None}],
}


def of_stores() -> Iterator[Variant]:
    """Yield servers that know another audience, some of which cannot be sent back as it is."""
    yield Variant("no sending lists", "store: [] means all lists", stocked(source_lists=[]), expects="inconclusive")
    large = [2**53 + 1, 2**40]
    for name, server in {
        "one sending list": stocked(source_lists=[103]),
        "lists 5 and 6": stocked(lists={5, 6, 7}, source_lists=[5, 6]),
        "list ids beyond 32 bits": stocked(lists={*large}, source_lists=large),
        "lists in falling order": stocked(source_lists=[103, 102, 101]),
        "never counted": stocked(cached_size=None, cached_size_updated_at=None),
        "nobody in it": stocked(cached_size=0),
        "very many in it": stocked(cached_size=10**12),
        "archived": stocked(status="archived"),
    }.items():
        yield Variant(name, "store", server)
    yield Variant("empty description", "open: description-shape", stocked(description=""))
    never = frozenset({"description"})
    because = "open: description-shape, null where never given"
    yield Variant("no description", because, stocked(description=None), left=never)
    null_when_read = audiences(field("description", lambda text: text or None), "GET")
    turned = stocked(null_when_read, description="")
    yield Variant("no description, in PUT an empty one", because, turned, left=never)
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    yield Variant("ids are UUIDs", "store: the form of an id is only shown", stocked(id=uuid), audience=uuid)
    yield Variant("name of odd characters", "store", stocked(name=' "Zoë" \\ <b>\n\u200f📱 '))
    scoped = _all({**CLICKED, "listId": 101})
    named = "store: listId is named"
    yield Variant("own condition with listId", named, stocked(KnowsMore, filter=scoped), expects="inconclusive")
    kept = frozenset({"filter"})
    lost = "open: unknown-key, how a request spells listId"
    yield Variant("own listId lost when sent back", lost, stocked(filter=scoped), expects="inconclusive", left=kept)
    because, unnamed = "open: token-unlisted", _all(CLICKED, DNC)
    known = stocked(KnowsMore, filter=unnamed)
    yield Variant("own condition of a type no page names", because, known, expects="inconclusive")
    yield Variant("own condition type not sent back", because, stocked(filter=unnamed), expects="inconclusive")
    yield Variant("own condition with a list of values", "open: value-shape", stocked(filter=_all(VALUES)))
    yield Variant("own filter nested five deep", "store", stocked(filter=_deep(5)))
    yield Variant("own filter nested thirty deep", "open: depth", stocked(filter=_deep(30)))
    yield Variant("own filter of 500 conditions", "store", stocked(filter=_all(*[CLICKED] * 500)))
    unheld = "store: what was legal once cannot be sent back"
    yield Variant("own filter without conditions", unheld, stocked(filter=_all()), expects="inconclusive")
    yield Variant("own list deleted", unheld, stocked(lists={101}), expects="inconclusive")
    yield Variant("own name of 300 characters", unheld, stocked(name="n" * 300), expects="inconclusive")
    nobody: Callable[[], ReferenceServer] = lambda: ReferenceServer(Store({}))  # noqa: E731
    yield Variant("no such audience", "store: the id is wrong", nobody, expects="inconclusive")


def variants() -> list[Variant]:
    """Return every variant, ids unique."""
    from tests.integrity import variants_http as http
    from tests.integrity import variants_tokens as tokens

    families = [of_errors, of_answers, of_stamps, of_stores, tokens.of_requests, tokens.of_order]
    families += [http.of_cache, tokens.of_tokens, http.of_faults, http.of_http]
    return [variant for family in families for variant in family()]
