"""Servers that answer otherwise than the reference server, but only where the documentation leaves it open.

Promises: `because` says what makes a variant legal: an open question of contracts/questions.toml (`open: <id>`),
a contested point, a difference that is noted at most (`allowed`), a candidate token, a property of the store, of
HTTP, or a fault of the way there; everything else is as the reference server answers it.
Refuses: to touch the reference server itself: it has no hooks for this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from trackly_contract.core import encode, parse
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_audience
from trackly_contract.reference.filter import JUDGES
from trackly_contract.reference.server import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from tests.integrity.mutants import Answering
    from trackly_contract.core import Request, Response
    from trackly_contract.reference.filter import Judge

Object = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One legal server: `make` gives a fresh one, `over_http` serves that one over sockets and gives its base URL.

    `expects`: what the run must say; `audience`: the id it is pointed at; `left`: members that no documented update
    can put back.
    """

    id: str
    because: str
    make: Callable[[], Answering]
    over_http: Callable[[Any], AbstractContextManager[str]] | None = None
    expects: Literal["conforms", "inconclusive"] = "conforms"
    audience: str = AUDIENCE_ID
    left: frozenset[str] = frozenset()


def printing(change: Callable[[Object], Object], method: str = "", *, errors: bool = False) -> type[ReferenceServer]:
    """Make a server whose answers print audiences otherwise (`errors`: refusals); `method` narrows it to one."""

    class Printing(ReferenceServer):
        def answer(self, request: Request) -> Response:
            response = super().answer(request)
            meant = errors is not response.succeeded and not request.path.endswith("/size")
            if not meant or method not in ("", request.method):
                return response
            return replace(response, body=encode(change(parse(response.body))))

    return Printing


def sequenced(
    change: Callable[[Object], Object], groups: Callable[[Object], Object] = dict
) -> Callable[[Object], Object]:
    """Make a change of every condition, and of every group, in an audience's filter."""

    def group(found: Object) -> Object:
        printed = dict(found)
        if "conditions" in found:
            printed["conditions"] = [change(entry) for entry in found["conditions"]]
        if "groups" in found:
            printed["groups"] = [group(entry) for entry in found["groups"]]
        return groups(printed)

    return lambda audience: {**audience, "filter": group(audience["filter"])}


def stocked(server: type[ReferenceServer] = ReferenceServer, lists: set[int] | None = None, **members: Any) -> Any:
    """Make a server of an audience that is the documented one but for `members`."""

    def make() -> ReferenceServer:
        audience = {**documented_audience(), **members}
        return server(Store(audiences={audience["id"]: audience}, lists=lists or {101, 102, 103}))

    return make


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

MORE_IN_ERRORS: dict[str, Object] = {
    "message": {"message": "something for people"},
    "message null": {"message": None},
    "success false": {"success": False},
    "request_id": {"request_id": "req_0123456789"},
    "path": {"path": "/filter/conditions/0/field"},
    "details": {"details": [{"index": 0, "reason": "no"}], "errors": ["no"]},
    "status": {"status": 400, "timestamp": "2025-11-20T10:30:45.123Z", "documentation_url": None},
}


def of_errors() -> Iterator[Variant]:
    """Yield servers with other error texts and further keys in errors, and the contested codes of a 401."""
    for name, text in TEXTS.items():
        changed = printing(lambda error, text=text: {**error, "error": text}, errors=True)  # type: ignore[misc]
        yield Variant(f"error text {name}", "allowed: another error text", changed)
    same = printing(lambda error: {**error, "error": error["code"]}, errors=True)
    yield Variant("error text is the code", "allowed: another error text", same)
    for name, more in MORE_IN_ERRORS.items():
        changed = printing(lambda error, more=more: {**error, **more}, errors=True)  # type: ignore[misc]
        yield Variant(f"errors carry {name}", "allowed: a new key in an error", changed)
    turned = printing(lambda error: dict(reversed(error.items())), errors=True)
    yield Variant("code before error", "allowed: order of keys", turned)
    missing, invalid, stated = "missing_api_key", "invalid_api_key", "unauthorized"
    for codes in (
        (missing, missing, invalid),
        (missing, invalid, invalid),
        (invalid, invalid, invalid),
        (missing, missing, missing),
        (missing, stated, stated),
        (stated, stated, invalid),
    ):
        yield Variant(f"401 {' '.join(codes)}", "contested: 401 code", denying(*codes))
    yield Variant("401 of PUT otherwise than of GET", "contested: 401 code", denying(missing, missing, invalid, "PUT"))


def denying(missing: str, empty: str, wrong: str, method: str = "") -> type[ReferenceServer]:
    """Make a server with a code of its own for a missing, an empty and a wrong key."""

    class Denying(ReferenceServer):
        def authorise(self, request: Request) -> Response | None:
            refused = super().authorise(request)
            if refused is None or method not in ("", request.method):
                return refused
            code = {None: missing, "": empty}.get(request.header("X-Api-Key"), wrong)
            return self.error(401, code, "Invalid API key" if code == wrong else "API key required")

    return Denying


MORE_IN_AUDIENCES: dict[str, Object] = {
    "success": {"success": True},
    "success and message": {"success": True, "message": "Audience updated"},
    "updated_at": {"updated_at": "2025-11-20T10:30:45"},
    "account_id and type": {"account_id": 7, "type": "dynamic"},
    "links": {"_links": {"self": {"href": "/v2/audiences"}}},
    "an audience of another kind": {"parent": {"id": "x", "name": "y", "status": "active"}, "tags": []},
}


def _without_empty(*keys: str) -> Callable[[Object], Object]:
    return lambda group: {key: value for key, value in group.items() if key not in keys or value != []}


def _with_unused(condition: Object) -> Object:
    return {"conditionType": None, "field": None, "operator": None, "value": None, "unit": None, **condition}


def _floats(condition: Object) -> Object:
    return {key: float(value) if type(value) is int else value for key, value in condition.items()}


def _sorted(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(member) for key, member in reversed(value.items())}
    return [_reversed(entry) for entry in value] if isinstance(value, list) else value


def of_answers() -> Iterator[Variant]:
    """Yield servers that print more, less or otherwise, where the documentation lets them."""
    for name, more in MORE_IN_AUDIENCES.items():
        changed = printing(lambda audience, more=more: {**more, **audience})  # type: ignore[misc]
        yield Variant(f"audience carries {name}", "allowed: a new key in an answer", changed)
    for method in ("", "GET", "PUT"):
        where = f" in {method} only" if method else ""
        groups = printing(sequenced(dict, _without_empty("groups")), method)
        yield Variant(f"empty groups left out{where}", "contested: groups absent", groups)
        conditions = sequenced(dict, _without_empty("conditions"))
        nested: Object = {"operator": "AND", "conditions": [], "groups": [documented_audience()["filter"]]}
        because = "open: filter-shape, conditions absent where empty"
        yield Variant(
            f"empty conditions left out{where}", because, stocked(printing(conditions, method), filter=nested)
        )
        both = printing(sequenced(dict, _without_empty("groups", "conditions")), method)
        yield Variant(f"both left out where empty{where}", "contested: groups absent", stocked(both, filter=nested))
        extra = sequenced(lambda entry: {"id": 7, **entry, "listId": None, "label": "7 clicks"})
        yield Variant(f"conditions carry id, listId and label{where}", "open: unknown-key", printing(extra, method))
        extra = sequenced(dict, lambda group: {"id": "g1", **group, "sort_order": 1})
        yield Variant(f"groups carry id{where}", "open: unknown-key", printing(extra, method))
        unused = printing(sequenced(_with_unused), method)
        yield Variant(f"unused value and unit null{where}", "open: member-not-needed", unused)
    for method in ("", "PUT"):
        floats = printing(sequenced(_floats), method)
        yield Variant(f"numbers of conditions as floats{method and ' in PUT only'}", "open: value-shape, 3.0", floats)
    yield Variant("keys sorted", "allowed: order of keys", printing(_sorted))
    yield Variant("keys reversed", "allowed: order of keys", printing(_reversed))
    yield Variant("conditions carry new ids at each answer", "open: unknown-key", of_the_moment("id"))
    yield Variant("conditions carry an estimate that moves", "open: unknown-key", of_the_moment("estimate"))
    for status in (201, 202):
        yield Variant(f"updates answered {status}", "allowed: another 2xx", statused(status, "PUT"))
    yield Variant("reads answered 203", "allowed: another 2xx", statused(203, "GET"))


def of_the_moment(key: str) -> type[ReferenceServer]:
    """Make a server whose conditions carry a number that is another one in each answer."""

    class OfTheMoment(ReferenceServer):
        answers = 0

        def render(self, audience: Object) -> Object:
            self.answers += 1
            return sequenced(lambda entry: {**entry, key: self.answers})(super().render(audience))

    return OfTheMoment


def statused(status: int, method: str) -> type[ReferenceServer]:
    """Make a server that answers one method with another success status."""

    class Statused(ReferenceServer):
        def answer(self, request: Request) -> Response:
            response = super().answer(request)
            meant = response.succeeded and request.method == method and not request.path.endswith("/size")
            return replace(response, status=status) if meant else response

    return Statused


STAMPS = ("Z", "+00:00", "+0000", ".000", ".123456", ".5Z", ".123+02:00")
BOTH_STAMPS = ("created_at", "cached_size_updated_at")


def _stamped(suffix: str, *fields: str) -> Callable[[Object], Object]:
    return lambda found: {**found, **{name: found[name] + suffix for name in fields if found[name] is not None}}


def of_stamps() -> Iterator[Variant]:
    """Yield servers that print a zone or a fraction in their datetimes."""
    because = "contested: zone or fraction in a datetime"
    for suffix in STAMPS:
        yield Variant(f"datetimes end in {suffix}", because, printing(_stamped(suffix, *BOTH_STAMPS)))
    for field in BOTH_STAMPS:
        yield Variant(f"{field} alone ends in Z", because, printing(_stamped("Z", field)))
        for method in ("GET", "PUT"):
            yield Variant(
                f"{field} ends in .000Z in {method} only", because, printing(_stamped(".000Z", field), method)
            )


class NullWhenRead(ReferenceServer):
    """Prints the description that was never given as null in GET, and as nothing in PUT."""

    def read(self, audience: Object) -> Response:
        return self.respond(200, self.render({**audience, "description": audience["description"] or None}))


def _condition(kind: str, **members: Any) -> Object:
    return {"conditionType": kind, **members}


def _deep(levels: int) -> Object:
    inner = documented_audience()["filter"]
    for _ in range(levels - 1):
        inner = {"operator": "OR", "conditions": [], "groups": [inner]}
    found: Object = inner
    return found


CLICKED = _condition("count", field="click_count", operator="gte", value=3)
DNC = _condition("on_dnc", operator="eq", value=False)


class KnowsMore(ReferenceServer):
    """Has a seventh condition type, and keeps every key of a condition, in camelCase."""

    judges: Mapping[str, Judge] = {**JUDGES, "on_dnc": lambda _condition, _choices: iter(())}

    def apply(self, audience: Object, body: Object) -> Object:
        changed = super().apply(audience, body)
        if "filter" in body:
            changed["filter"] = _kept(body["filter"])
        return changed


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)


def _kept(group: Object) -> Object:
    conditions = [{_camel(key): value for key, value in entry.items()} for entry in group.get("conditions", [])]
    return {**group, "conditions": conditions, "groups": [_kept(entry) for entry in group.get("groups", [])]}


def _filter(*conditions: Object, operator: str = "AND") -> Object:
    return {"operator": operator, "conditions": list(conditions), "groups": []}


def of_stores() -> Iterator[Variant]:
    """Yield servers that know another audience, some of which cannot be sent back as it is."""
    yield Variant("no sending lists", "store: [] means all lists", stocked(source_lists=[]))
    yield Variant("one sending list", "store", stocked(source_lists=[103]))
    yield Variant("lists 5 and 6", "store", stocked(lists={5, 6, 7}, source_lists=[5, 6]))
    yield Variant(
        "list ids beyond 32 bits", "store", stocked(lists={2**53 + 1, 2**40}, source_lists=[2**53 + 1, 2**40])
    )
    yield Variant("lists in falling order", "store", stocked(source_lists=[103, 102, 101]))
    yield Variant("never counted", "store", stocked(cached_size=None, cached_size_updated_at=None))
    yield Variant("nobody in it", "store", stocked(cached_size=0))
    yield Variant("very many in it", "store", stocked(cached_size=10**12))
    yield Variant("archived", "store", stocked(status="archived"))
    yield Variant("empty description", "open: description-shape", stocked(description=""))
    never = frozenset({"description"})
    because = "open: description-shape, null where never given"
    yield Variant("no description", because, stocked(description=None), left=never)
    turned = stocked(NullWhenRead, description="")
    yield Variant("no description, in PUT an empty one", because, turned, left=never)
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    yield Variant("ids are UUIDs", "store: the form of an id is only shown", stocked(id=uuid), audience=uuid)
    yield Variant("name of odd characters", "store", stocked(name=' "Zoë" \\ <b>\n\u200f📱 '))
    scoped = _filter({**CLICKED, "listId": 101})
    yield Variant("own condition with listId", "store: listId is named", stocked(KnowsMore, filter=scoped))
    kept = frozenset({"filter"})
    lost = "open: unknown-key, how a request spells listId"
    yield Variant("own listId lost when sent back", lost, stocked(filter=scoped), expects="inconclusive", left=kept)
    unnamed = _filter(CLICKED, DNC)
    yield Variant("own condition of a type no page names", "open: token-unlisted", stocked(KnowsMore, filter=unnamed))
    refused = stocked(filter=unnamed)
    yield Variant("own condition type not sent back", "open: token-unlisted", refused, expects="inconclusive")
    values = _filter(_condition("custom_field", field="a.b", operator="in", value=["x", 1, {"fromDate": None}]))
    yield Variant("own condition with a list of values", "open: value-shape", stocked(filter=values))
    yield Variant("own filter nested five deep", "store", stocked(filter=_deep(5)))
    yield Variant("own filter nested thirty deep", "open: depth", stocked(filter=_deep(30)))
    many = _filter(*[CLICKED] * 500)
    yield Variant("own filter of 500 conditions", "store", stocked(filter=many))
    unheld = "store: what was legal once cannot be sent back"
    yield Variant("own filter without conditions", unheld, stocked(filter=_filter()), expects="inconclusive")
    yield Variant("own list deleted", unheld, stocked(lists={101}), expects="inconclusive")
    yield Variant("own name of 300 characters", unheld, stocked(name="n" * 300), expects="inconclusive")
    yield Variant(
        "no such audience", "store: the id is wrong", lambda: ReferenceServer(Store()), expects="inconclusive"
    )


def variants() -> list[Variant]:
    """Return every variant, ids unique."""
    from tests.integrity.variants_http import of_cache, of_faults, of_http
    from tests.integrity.variants_tokens import of_order, of_requests, of_tokens

    families = (
        of_errors,
        of_answers,
        of_stamps,
        of_stores,
        of_requests,
        of_order,
        of_cache,
        of_tokens,
        of_faults,
        of_http,
    )
    found = [variant for family in families for variant in family()]
    assert len({variant.id for variant in found}) == len(found)
    return found
