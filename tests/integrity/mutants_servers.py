"""Servers that went wrong as real ones do: after a rewrite, behind a gateway, on another framework or database.

Promises: a mutant's id says what is wrong, its family what made it so, and `rules` what that breaks.
Refuses: to break anything that the documentation leaves open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

from tests.integrity.mutants import CODES, Answering
from tests.integrity.mutants_needles import Where, blind, in_conditions, in_groups, refusing, spots
from trackly_contract.core import JSON, Request, Response, encode, parse
from trackly_contract.reference import AUDIENCE_KEYS, ReferenceServer
from trackly_contract.reference.filter import Fault

Body: TypeAlias = dict[str, JSON]
Change: TypeAlias = Callable[[Request, Response], Response]

REFUSALS = tuple(CODES.values())
KEYS = ("read.key", "update.key")
UNKNOWN = ("read.unknown_id", "update.unknown_id")
ERRORS = (*REFUSALS, *UNKNOWN)
READ = ("read.success", "read.flat")
UPDATED = ("update.success", "update.flat")
ALL_FIELDS = tuple(f"audience.{key}" for key in AUDIENCE_KEYS)
TEXT = (("Content-Type", "text/plain"),)
PAGE = (("Content-Type", "text/html"),)
CRASH = Response(500, TEXT, b"Internal Server Error")


def behind(change: Change, *, put: bool = True, get: bool = True) -> Callable[[], Answering]:
    """Make servers whose answers to PUT, to GET or to both pass through `change`."""

    class Behind(ReferenceServer):
        def answer(self, request: Request) -> Response:
            response = super().answer(request)
            wanted = put if request.method == "PUT" else get
            return change(request, response) if wanted else response

    return Behind


def _resent(response: Response, value: JSON) -> Response:
    return Response(response.status, response.headers, encode(value))


def changing_errors(change: Callable[[Response, Body], Response], *statuses: int) -> Change:
    """Change errors, of the given statuses only if there are any; `change` gets the body read too."""

    def changed(_: Request, response: Response) -> Response:
        wanted = response.status in statuses if statuses else not response.succeeded
        return change(response, parse(response.body)) if wanted else response

    return changed


def _coded(name: Callable[[str], Any]) -> Change:
    """Call the codes of all errors but 401, whose codes are contested, by another name."""
    return changing_errors(lambda response, body: _resent(response, {**body, "code": name(body["code"])}), 400, 404)


def changing_audiences(change: Callable[[Body], Any]) -> Change:
    """Change audiences in answers; what counting answers stays as it is."""

    def changed(request: Request, response: Response) -> Response:
        size = request.path.endswith("/size")
        return response if size or not response.succeeded else _resent(response, change(parse(response.body)))

    return changed


def _member(key: str, change: Callable[[Any], Any]) -> Callable[[Body], Body]:
    return lambda audience: {**audience, key: change(audience[key])}


def _renamed(key: str) -> Callable[[Body], Body]:
    return _member("filter", in_conditions(lambda c: {key if k == "conditionType" else k: v for k, v in c.items()}))


def _keyed(value: JSON, name: Callable[[str], str]) -> JSON:
    """Rename the keys of all objects within."""
    if isinstance(value, dict):
        return {name(key): _keyed(member, name) for key, member in value.items()}
    return [_keyed(entry, name) for entry in value] if isinstance(value, list) else value


def _as_text(value: JSON) -> JSON:
    """Make texts of all numbers within."""
    if isinstance(value, dict):
        return {key: _as_text(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_text(entry) for entry in value]
    return str(value) if type(value) in {int, float} else value


def _camel(text: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), text)


def _dates(change: Callable[[datetime], Any]) -> Callable[[Body], Body]:
    """Write the two timestamps of an audience in another way."""
    stamps = ("cached_size_updated_at", "created_at")
    return lambda a: a | {key: change(datetime.fromisoformat(a[key])) for key in stamps if a[key] is not None}


def fixed(status: int, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Callable[..., Response]:
    return lambda *_: Response(status, headers, body)


def _judging(change: Callable[[Body, list[Fault]], list[Fault]]) -> type[ReferenceServer]:
    """Find other faults in a body than there are."""

    class Judging(ReferenceServer):
        def faults(self, body: Body) -> Iterator[Fault]:
            return iter(change(body, list(super().faults(body))))

    return Judging


Made: TypeAlias = tuple[tuple[str, ...], Callable[[], Answering]]
TIME, COUNT = "filter.time.known", "filter.count.known"


def _missed(code: str, where: Where) -> Made:
    return (CODES[code],), blind(code, where)


def _refused(rule: str, code: str, where: Where) -> Made:
    return (rule,), refusing(code, where)


def _formed(key: str) -> Where:
    """Look at the form of a token instead of at the list of those that exist."""
    return lambda s: bool(re.fullmatch("[a-z_]+", str((s.condition or {}).get(key))))


def _recoded(pattern: str, other: str) -> Made:
    """Replace what matches in the codes of refusals."""
    rules = tuple(rule for code, rule in CODES.items() if re.sub(pattern, other, code) != code)
    return rules, behind(_coded(lambda code: re.sub(pattern, other, code)))


def _replaced(code: str, where: str, other: str) -> Made:
    """Answer another code where the place of the fault matches."""
    return (CODES[code],), _judging(
        lambda _, found: [
            Fault(other, fault.path) if fault.code == code and re.search(where, fault.path) else fault
            for fault in found
        ]
    )


def rewritten() -> dict[str, Made]:
    """Return servers whose validator was rewritten."""
    return {
        "codes in camelCase": (ERRORS, behind(_coded(_camel))),
        "codes in capitals": (ERRORS, behind(_coded(str.upper))),
        "codes with a prefix": (ERRORS, behind(_coded(lambda code: f"audience.{code}"))),
        "codes with hyphens": (ERRORS, behind(_coded(lambda code: code.replace("_", "-")))),
        "codes as numbers": ((*ERRORS, "error.code"), behind(_coded(lambda code: 1000 + len(code)))),
        "codes as lists": ((*ERRORS, "error.code"), behind(_coded(lambda code: [code]))),
        "invalid operators share a code": _recoded(r"invalid_(?!group)\w+_operator", "invalid_operator"),
        "missing values share a code": _recoded(r"missing_\w+_value", "missing_value"),
        "invalid fields share a code": _recoded(r"invalid_\w+_field$", "invalid_field"),
        "carrier answered with codes of timezone": _recoded("carrier", "timezone"),
        "revenue answered with codes of count": _recoded("revenue", "count"),
        "missing unit answered invalid_time_unit": _replaced("missing_time_value", "/unit$", "invalid_time_unit"),
        "missing value answered invalid_time_value": _replaced("missing_time_value", "/value$", "invalid_time_value"),
        "nested empty group answered empty_group": _replaced("empty_filter_group", "/groups/", "empty_group"),
        "nested operator answered invalid_operator": _replaced(
            "invalid_group_operator", "/groups/", "invalid_operator"
        ),
        "second condition answered invalid_filter": _replaced("missing_count_value", "/conditions/1", "invalid_filter"),
        "longest name 100": _refused(
            "update.name.longest", "name_too_long", lambda s: len(s.body.get("name", "")) > 100
        ),
        "longest name 500": _missed("name_too_long", lambda s: len(s.body["name"]) <= 500),
        "empty source_lists refused": _refused(
            "update.source_lists", "source_list_not_found", lambda s: s.body.get("source_lists") == []
        ),
        "empty group accepted at the top alone": _missed("empty_filter_group", lambda s: s.depth == 1),
        "exists without value refused": _refused(
            TIME, "missing_time_value", lambda s: s.has(operator="exists") and not s.with_number
        ),
        "time value of whole numbers refused": _refused(
            TIME, "missing_time_value", lambda s: s.has(condition_type="time") and s.with_number
        ),
        "count without unit refused": _refused(
            COUNT, "missing_count_value", lambda s: s.has(condition_type="count", unit=None)
        ),
        "minutes refused": _refused(TIME, "invalid_time_unit", lambda s: s.has(unit="minutes")),
        "last_sent_at refused": _refused(TIME, "invalid_time_field", lambda s: s.has(field="last_sent_at")),
        "time field judged by its form": _missed("invalid_time_field", _formed("field")),
        "count operator judged by its form": _missed("invalid_count_operator", _formed("operator")),
        "carrier operator judged by its form": _missed("invalid_carrier_operator", _formed("operator")),
        "revenue field judged by its form": _missed("invalid_revenue_field", _formed("field")),
        "condition type judged by its form": _missed("invalid_condition_type", _formed("condition_type")),
    }


def serialized() -> dict[str, Made]:
    """Return servers that write their answers with another serializer."""
    sizes, stamps = (
        ("audience.cached_size", "audience.cached_size_updated_at"),
        ("audience.created_at", "audience.cached_size_updated_at"),
    )
    lists, filters = ("audience.source_lists",), ("audience.filter", "update.filter")

    def nulls_omitted(audience: Body) -> Body:
        return {key: value for key, value in audience.items() if value is not None}

    def mojibake(audience: Body) -> Body:
        return audience | {
            key: audience[key].encode(errors="replace").decode("latin-1") for key in ("name", "description")
        }

    written: dict[str, tuple[tuple[str, ...], Callable[[Body], Any]]] = {
        "keys in camelCase": ((*lists, *sizes, "audience.created_at"), lambda a: _keyed(a, _camel)),
        "keys with hyphens": (
            (*lists, *sizes, "audience.created_at"),
            lambda a: _keyed(a, lambda key: key.replace("_", "-")),
        ),
        "keys in capitals": ((*ALL_FIELDS, "audience.filter.keys"), lambda a: _keyed(a, str.upper)),
        "ConditionType in answers": (("audience.filter.keys", "update.filter"), _renamed("ConditionType")),
        "type in answers for conditionType": (("audience.filter.keys", "update.filter"), _renamed("type")),
        "nulls omitted": ((*sizes, "update.cache.cleared"), nulls_omitted),
        "numbers as texts": ((*lists, sizes[0], "update.filter"), _as_text),
        "dates as seconds": (stamps, _dates(lambda date: int(date.timestamp()))),
        "dates as milliseconds in text": (stamps, _dates(lambda date: str(int(date.timestamp()) * 1000))),
        "dates as RFC 1123": (stamps, _dates(lambda date: f"{date:%a, %d %b %Y %H:%M:%S} GMT")),
        "dates month first": (stamps, _dates(lambda date: f"{date:%m/%d/%Y %I:%M %p}")),
        "dates without time": (stamps, _dates(lambda date: f"{date:%Y-%m-%d}")),
        "dates on the 30th of February": (stamps, _dates(lambda date: f"{date:%Y-02-30T%H:%M:%S}")),
        "id as a number": (("audience.id",), _member("id", lambda value: int(value, 16))),
        "id as an object": (("audience.id",), _member("id", lambda value: {"$oid": value})),
        "id in capitals": (("audience.id",), _member("id", str.upper)),
        "empty source_lists omitted": (
            (*lists, "update.source_lists"),
            lambda a: {k: v for k, v in a.items() if k != "source_lists" or v},
        ),
        "empty source_lists null": (
            (*lists, "update.source_lists"),
            _member("source_lists", lambda value: value or None),
        ),
        "source_lists joined": (lists, _member("source_lists", lambda value: ",".join(map(str, value)))),
        "source_lists as objects": (lists, _member("source_lists", lambda value: [{"id": entry} for entry in value])),
        "filter as text": (filters, _member("filter", json.dumps)),
        "filter as its conditions": (filters, _member("filter", lambda value: value["conditions"])),
        "conditions numbered": (
            filters,
            _member(
                "filter", in_groups(lambda g, _: g | {"conditions": {str(i): c for i, c in enumerate(g["conditions"])}})
            ),
        ),
        "operators in small letters": (
            filters,
            _member("filter", in_groups(lambda g, _: g | {"operator": g["operator"].lower()})),
        ),
        "status in capitals": (("audience.status",), _member("status", str.upper)),
        "status as a number": (("audience.status",), _member("status", lambda value: int(value == "active"))),
        "cached_size with separators": (sizes[:1], _member("cached_size", lambda value: value and f"{value:,}")),
        "time of counting empty for null": (stamps[1:], _member("cached_size_updated_at", lambda value: value or "")),
        "texts decoded twice": (("update.name", "update.description"), mojibake),
    }
    snake, keys = changing_audiences(_renamed("condition_type")), ("audience.filter.keys", "update.stored")
    return {name: (rules, behind(changing_audiences(change))) for name, (rules, change) in written.items()} | {
        "condition_type in answers of GET alone": (keys, behind(snake, put=False)),
        "condition_type in answers of PUT alone": ((*keys, "update.filter"), behind(snake, get=False)),
    }


def _crashing(where: Where) -> type[ReferenceServer]:
    """Answer 500 to an accepted update with such a spot in it, and store nothing."""

    class Crashing(ReferenceServer):
        def update(self, audience: Body, body: bytes) -> Response:
            response = super().update(audience, body)
            if not response.succeeded or not any(where(spot) for spot in spots(parse(body, duplicate_keys=True))):
                return response
            self.store.audiences[audience["id"]] = audience
            return CRASH

    return Crashing


def _crashing_on(codes: str) -> Made:
    """Answer 500 in place of the refusals whose code matches."""
    change = changing_errors(lambda response, body: CRASH if re.fullmatch(codes, body["code"]) else response)
    return tuple(rule for code, rule in CODES.items() if re.fullmatch(codes, code)), behind(change)


def _body(status: int | None, change: Callable[[Body], Any], *statuses: int) -> Callable[[], Answering]:
    """Make servers with another body, and perhaps status, of errors."""

    def changed(response: Response, body: Body) -> Response:
        return Response(status or response.status, response.headers, encode(change(body)))

    return behind(changing_errors(changed, *statuses))


def framed() -> dict[str, Made]:
    """Return servers on a framework that answers errors in its own way."""
    coded = (*REFUSALS, "error.code", "error.text")
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400}
    return {
        "422 for every 400": (REFUSALS, _body(422, dict, 400)),
        "422 with details": (coded, _body(422, lambda e: {"detail": [{"loc": ["body"], "msg": e["error"]}]}, 400)),
        "details in place of errors": ((*coded, *UNKNOWN), _body(None, lambda e: {"detail": e["error"]}, 400, 404)),
        "400 in plain text": (coded, behind(changing_errors(fixed(400, TEXT, b"Bad Request"), 400))),
        "400 as a problem without code": (coded, _body(None, lambda _: problem, 400)),
        "errors by member": (coded, _body(None, lambda e: {"errors": {"filter": [e["error"]]}}, 400)),
        "404 as message alone": ((*UNKNOWN, "error.code"), _body(None, lambda _: {"message": "Not Found"}, 404)),
        "message in place of error": (
            ("error.text",),
            _body(None, lambda e: {"message": e["error"], "code": e["code"]}),
        ),
        "error text null": (("error.text",), _body(None, lambda e: {**e, "error": None})),
        "error text as an object": (("error.text",), _body(None, lambda e: {**e, "error": {"text": e["error"]}})),
        "405 for PUT": (
            (*UPDATED, "update.optional", "error.code"),
            behind(fixed(405, (("Allow", "GET, PATCH"),), b'{"error":"Method Not Allowed"}'), get=False),
        ),
        "500 on depth 3": (("filter.nested",), _crashing(lambda s: s.depth == 3)),
        "500 on not_exists": ((TIME,), _crashing(lambda s: s.has(operator="not_exists"))),
        "500 on empty source_lists": (("update.source_lists",), _crashing(lambda s: s.body.get("source_lists") == [])),
        "500 on an accent in a name": (("update.name",), _crashing(lambda s: not s.body.get("name", "").isascii())),
        "500 on a missing value": _crashing_on(r"missing_\w+_value"),
        "500 on an unknown list": _crashing_on("source_list_not_found"),
        "500 on an unknown condition type": _crashing_on("invalid_condition_type"),
        "500 on a long name": _crashing_on("name_too_long"),
        "500 on an unknown id": (UNKNOWN, behind(changing_errors(lambda *_: CRASH, 404))),
        "500 on a wrong key": (KEYS, behind(changing_errors(lambda *_: CRASH, 401))),
    }


def _sent_alone(request: Request, response: Response) -> Response:
    """Answer an update with the members that were sent."""
    if not response.succeeded:
        return response
    sent = parse(request.body, duplicate_keys=True)
    return _resent(response, {key: value for key, value in parse(response.body).items() if key in sent})


def gated() -> dict[str, Made]:
    """Return servers behind a gateway that changes answers."""
    html, coded = b"<html><body><h1>Error</h1></body></html>", (*REFUSALS, "error.code", "error.text")
    moved = fixed(302, (("Location", "/login"),))
    wraps: dict[str, Callable[[Body], Any]] = {
        "data": lambda a: {"data": a},
        "success and audience": lambda a: {"success": True, "audience": a},
        "a list": lambda a: [a],
    }
    found: dict[str, Made] = {}
    for name, wrap in wraps.items():
        found[f"GET wrapped in {name}"] = (READ, behind(changing_audiences(wrap), put=False))
        found[f"PUT wrapped in {name}"] = (UPDATED, behind(changing_audiences(wrap), get=False))
    return found | {
        "404 as a page": ((*UNKNOWN, "error.code", "error.text"), behind(changing_errors(fixed(404, PAGE, html), 404))),
        "400 as a page": (coded, behind(changing_errors(fixed(400, PAGE, html), 400))),
        "400 without a body": (coded, behind(changing_errors(fixed(400), 400))),
        "200 for every error": ((*ERRORS, *KEYS), _body(200, dict)),
        "200 for every 400": (REFUSALS, _body(200, dict, 400)),
        "200 with success false for 404": (UNKNOWN, _body(200, lambda e: {"success": False, **e}, 404)),
        "302 to a login without a key": (KEYS, behind(changing_errors(moved, 401))),
        "302 for an unknown id": (UNKNOWN, behind(changing_errors(moved, 404))),
        "PUT answers what was sent": ((*UPDATED, *ALL_FIELDS), behind(_sent_alone, get=False)),
        "PUT answers the id alone": (
            (*UPDATED, *ALL_FIELDS),
            behind(changing_audiences(lambda a: {"id": a["id"]}), get=False),
        ),
        "code nested under details": ((*coded, *UNKNOWN), _body(None, lambda e: {"error": e["error"], "details": e})),
        "code named error_code": (
            (*coded, *UNKNOWN),
            _body(None, lambda e: {"error": e["error"], "error_code": e["code"]}),
        ),
        "a quote in a text blocked": (
            ("update.name", "update.description"),
            refusing("forbidden", lambda s: "'" in s.body.get("name", "") + s.body.get("description", "")),
        ),
    }
