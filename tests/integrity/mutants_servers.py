"""Mutants that went wrong as real servers do: after a rewrite, behind a gateway, with another serializer or framework.

Does not break anything that the documentation leaves open.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.integrity.seams import (
    CODES,
    Body,
    Edit,
    Made,
    Where,
    audiences,
    behind,
    blind,
    camel,
    changing_errors,
    errors,
    field,
    finding,
    in_filter,
    in_groups,
    in_order,
    rejecting,
    spots,
    throughout,
    without,
)
from trackly_contract.core import JSON, Request, Response, encode, parse
from trackly_contract.reference import AUDIENCE_KEYS, ReferenceServer
from trackly_contract.reference.filter import Fault

REJECTIONS = " ".join(CODES.values())
KEYS = "read.key update.key"
UNKNOWN = "read.unknown_id update.unknown_id"
ERRORS = f"{REJECTIONS} {UNKNOWN}"
SILENT = "error.code error.text"
READ, UPDATED = "read.success read.flat", "update.success update.flat"
ALL_FIELDS = " ".join(f"audience.{key}" for key in AUDIENCE_KEYS)
TIME, COUNT = "filter.time.known", "filter.count.known"
TEXT, PAGE = (("Content-Type", "text/plain"),), (("Content-Type", "text/html"),)
CRASH = Response(500, TEXT, b"Internal Server Error")


def instead(response: Response, *statuses: int) -> type[ReferenceServer]:
    """Give another response in place of errors of these statuses."""
    return behind(changing_errors(lambda *_: response, *statuses))


# A validator that was rewritten ------------------------------------------------------------------------


def _coded(name: Callable[[str], Any]) -> type[ReferenceServer]:
    """Call the codes of all errors but 401, whose codes are contested, by another name."""
    return errors(lambda e: {**e, "code": name(e["code"])}, 400, 404)


def _recoded(pattern: str, other: str) -> Made:
    """Replace what matches in the codes of rejections."""
    rules = (rule for code, rule in CODES.items() if re.sub(pattern, other, code) != code)
    return " ".join(rules), _coded(lambda code: re.sub(pattern, other, code))


def _replaced(code: str, where: str, other: str) -> Made:
    """Answer another code where the position of the fault matches."""
    return CODES[code], finding(
        lambda _, found: [Fault(other, f.path) if f.code == code and re.search(where, f.path) else f for f in found]
    )


def _missed(code: str, where: Where) -> Made:
    return CODES[code], blind(code, where)


def _by_form(code: str, key: str) -> Made:
    """Look at the form of a token instead of at the list of those that exist."""
    return _missed(code, lambda s: bool(re.fullmatch("[a-z_]+", str((s.condition or {}).get(key)))))


def _rejected(rule: str, code: str, where: Where) -> Made:
    return rule, rejecting(code, where)


REWRITTEN: dict[str, Made] = {
    "codes in camelCase": (ERRORS, _coded(camel)),
    "codes in capitals": (ERRORS, _coded(str.upper)),
    "codes with a prefix": (ERRORS, _coded(lambda code: f"audience.{code}")),
    "codes with hyphens": (ERRORS, _coded(lambda code: code.replace("_", "-"))),
    "codes as numbers": (f"{ERRORS} error.code", _coded(lambda code: 1000 + len(code))),
    "codes as lists": (f"{ERRORS} error.code", _coded(lambda code: [code])),
    "invalid operators share a code": _recoded(r"invalid_(?!group)\w+_operator", "invalid_operator"),
    "missing values share a code": _recoded(r"missing_\w+_value", "missing_value"),
    "invalid fields share a code": _recoded(r"invalid_\w+_field$", "invalid_field"),
    "carrier answered with codes of timezone": _recoded("carrier", "timezone"),
    "revenue answered with codes of count": _recoded("revenue", "count"),
    "missing unit answered invalid_time_unit": _replaced("missing_time_value", "/unit$", "invalid_time_unit"),
    "missing value answered invalid_time_value": _replaced("missing_time_value", "/value$", "invalid_time_value"),
    "nested empty group answered empty_group": _replaced("empty_filter_group", "/groups/", "empty_group"),
    "nested operator answered invalid_operator": _replaced("invalid_group_operator", "/groups/", "invalid_operator"),
    "second condition answered invalid_filter": _replaced("missing_count_value", "/conditions/1", "invalid_filter"),
    "longest name 100": _rejected("update.name.longest", "name_too_long", lambda s: len(s.body.get("name", "")) > 100),
    "longest name 500": _missed("name_too_long", lambda s: len(s.body["name"]) <= 500),
    "empty source_lists refused": _rejected(
        "update.source_lists", "source_list_not_found", lambda s: s.body.get("source_lists") == []
    ),
    "empty group accepted at the top alone": _missed("empty_filter_group", lambda s: s.depth == 1),
    "exists without value refused": _rejected(
        TIME, "missing_time_value", lambda s: s.has(operator="exists") and not s.with_number
    ),
    "time value of whole numbers refused": _rejected(
        TIME, "missing_time_value", lambda s: s.has(condition_type="time") and s.with_number
    ),
    "count without unit refused": _rejected(
        COUNT, "missing_count_value", lambda s: s.has(condition_type="count", unit=None)
    ),
    "minutes refused": _rejected(TIME, "invalid_time_unit", lambda s: s.has(unit="minutes")),
    "last_sent_at refused": _rejected(TIME, "invalid_time_field", lambda s: s.has(field="last_sent_at")),
    "time field judged by its form": _by_form("invalid_time_field", "field"),
    "count operator judged by its form": _by_form("invalid_count_operator", "operator"),
    "carrier operator judged by its form": _by_form("invalid_carrier_operator", "operator"),
    "revenue field judged by its form": _by_form("invalid_revenue_field", "field"),
    "condition type judged by its form": _by_form("invalid_condition_type", "condition_type"),
}

# Another serializer ------------------------------------------------------------------------------------


def renamed(key: str) -> Edit:
    """Call `conditionType` by another name."""
    return in_filter(lambda c: {key if k == "conditionType" else k: v for k, v in c.items()})


def _keyed(name: Callable[[str], str]) -> Callable[[JSON], JSON]:
    """Rename the keys of all objects within."""
    return throughout(lambda found: {name(key): member for key, member in found.items()})


def _as_text(value: JSON) -> JSON:
    return str(value) if type(value) in {int, float} else value


def _dates(change: Callable[[datetime], Any]) -> Edit:
    """Write the two timestamps of an audience in another way."""
    stamps = ("cached_size_updated_at", "created_at")
    return lambda a: a | {key: change(datetime.fromisoformat(a[key])) for key in stamps if a[key] is not None}


def _mojibake(audience: Body) -> Body:
    twice = {key: audience[key].encode(errors="replace").decode("latin-1") for key in ("name", "description")}
    return audience | twice


LISTS, SIZE, COUNTED = "audience.source_lists", "audience.cached_size", "audience.cached_size_updated_at"
STAMPS = f"audience.created_at {COUNTED}"
SPELT = f"{LISTS} {SIZE} {COUNTED} audience.created_at"
FILTER = "audience.filter update.filter"
TYPES = "audience.filter.keys update.filter"

WRITTEN: dict[str, tuple[str, Edit]] = {
    "keys in camelCase": (SPELT, _keyed(camel)),
    "keys with hyphens": (SPELT, _keyed(lambda key: key.replace("_", "-"))),
    "keys in capitals": (f"{ALL_FIELDS} audience.filter.keys", _keyed(str.upper)),
    "ConditionType in answers": (TYPES, renamed("ConditionType")),
    "type in answers for conditionType": (TYPES, renamed("type")),
    "nulls omitted": (
        f"{SIZE} {COUNTED} update.cache.cleared",
        lambda a: {key: value for key, value in a.items() if value is not None},
    ),
    "numbers as texts": (f"{LISTS} {SIZE} update.filter", throughout(others=_as_text)),
    "dates as seconds": (STAMPS, _dates(lambda date: int(date.timestamp()))),
    "dates as milliseconds in text": (STAMPS, _dates(lambda date: str(int(date.timestamp()) * 1000))),
    "dates as RFC 1123": (STAMPS, _dates(lambda date: f"{date:%a, %d %b %Y %H:%M:%S} GMT")),
    "dates month first": (STAMPS, _dates(lambda date: f"{date:%m/%d/%Y %I:%M %p}")),
    "dates without time": (STAMPS, _dates(lambda date: f"{date:%Y-%m-%d}")),
    "dates on the 30th of February": (STAMPS, _dates(lambda date: f"{date:%Y-02-30T%H:%M:%S}")),
    "id as a number": ("audience.id", field("id", lambda value: int(value, 16))),
    "id as an object": ("audience.id", field("id", lambda value: {"$oid": value})),
    "id in capitals": ("audience.id", field("id", str.upper)),
    "empty source_lists omitted": (
        f"{LISTS} update.source_lists",
        lambda a: a if a["source_lists"] else without("source_lists")(a),
    ),
    "empty source_lists null": (f"{LISTS} update.source_lists", field("source_lists", lambda value: value or None)),
    "source_lists joined": (LISTS, field("source_lists", lambda value: ",".join(map(str, value)))),
    "source_lists as objects": (LISTS, field("source_lists", lambda value: [{"id": entry} for entry in value])),
    "filter as text": (FILTER, field("filter", json.dumps)),
    "filter as its conditions": (FILTER, field("filter", lambda value: value["conditions"])),
    "conditions numbered": (
        FILTER,
        field("filter", in_order(lambda conditions: {str(i): c for i, c in enumerate(conditions)})),
    ),
    "operators in small letters": (
        FILTER,
        field("filter", in_groups(lambda g, _: g | {"operator": g["operator"].lower()})),
    ),
    "status in capitals": ("audience.status", field("status", str.upper)),
    "status as a number": ("audience.status", field("status", lambda value: int(value == "active"))),
    "cached_size with separators": (SIZE, field("cached_size", lambda value: value and f"{value:,}")),
    "time of counting empty for null": (COUNTED, field("cached_size_updated_at", lambda value: value or "")),
    "texts decoded twice": ("update.name update.description", _mojibake),
}

SERIALIZED: dict[str, Made] = {
    **{name: (rules, audiences(change)) for name, (rules, change) in WRITTEN.items()},
    "condition_type in answers of GET alone": (
        "audience.filter.keys update.stored",
        audiences(renamed("condition_type"), "GET"),
    ),
    "condition_type in answers of PUT alone": (
        "audience.filter.keys update.stored update.filter",
        audiences(renamed("condition_type"), "PUT"),
    ),
}

# Another framework -------------------------------------------------------------------------------------


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
    """Answer 500 in place of the rejections whose code matches."""
    change = changing_errors(lambda response, body: CRASH if re.fullmatch(codes, body["code"]) else response)
    return " ".join(rule for code, rule in CODES.items() if re.fullmatch(codes, code)), behind(change)


CODED = f"{REJECTIONS} {SILENT}"
PROBLEM = {"type": "about:blank", "title": "Bad Request", "status": 400}
NO_PUT = Response(405, (("Allow", "GET, PATCH"),), b'{"error":"Method Not Allowed"}')

FRAMED: dict[str, Made] = {
    "422 for every 400": (REJECTIONS, errors(dict, 400, status=422)),
    "422 with details": (CODED, errors(lambda e: {"detail": [{"loc": ["body"], "msg": e["error"]}]}, 400, status=422)),
    "details in place of errors": (f"{CODED} {UNKNOWN}", errors(lambda e: {"detail": e["error"]}, 400, 404)),
    "400 in plain text": (CODED, instead(Response(400, TEXT, b"Bad Request"), 400)),
    "400 as a problem without code": (CODED, errors(lambda _: PROBLEM, 400)),
    "errors by member": (CODED, errors(lambda e: {"errors": {"filter": [e["error"]]}}, 400)),
    "404 as message alone": (f"{UNKNOWN} error.code", errors(lambda _: {"message": "Not Found"}, 404)),
    "message in place of error": ("error.text", errors(lambda e: {"message": e["error"], "code": e["code"]})),
    "error text null": ("error.text", errors(lambda e: {**e, "error": None})),
    "error text as an object": ("error.text", errors(lambda e: {**e, "error": {"text": e["error"]}})),
    "405 for PUT": (f"{UPDATED} update.optional error.code", behind(lambda *_: NO_PUT, "PUT")),
    "500 on depth 3": ("filter.nested", _crashing(lambda s: s.depth == 3)),
    "500 on not_exists": (TIME, _crashing(lambda s: s.has(operator="not_exists"))),
    "500 on empty source_lists": ("update.source_lists", _crashing(lambda s: s.body.get("source_lists") == [])),
    "500 on an accent in a name": ("update.name", _crashing(lambda s: not s.body.get("name", "").isascii())),
    "500 on a missing value": _crashing_on(r"missing_\w+_value"),
    "500 on an unknown list": _crashing_on("source_list_not_found"),
    "500 on an unknown condition type": _crashing_on("invalid_condition_type"),
    "500 on a long name": _crashing_on("name_too_long"),
    "500 on an unknown id": (UNKNOWN, instead(CRASH, 404)),
    "500 on a wrong key": (KEYS, instead(CRASH, 401)),
}

# A gateway ---------------------------------------------------------------------------------------------

HTML, LOGIN = b"<html><body><h1>Error</h1></body></html>", Response(302, (("Location", "/login"),))
EMPTIED = f"{UPDATED} {ALL_FIELDS}"


def _sent_alone(request: Request, response: Response) -> Response:
    """Answer an update with the fields that were sent."""
    if not response.succeeded:
        return response
    sent = parse(request.body, duplicate_keys=True)
    shown = {key: value for key, value in parse(response.body).items() if key in sent}
    return Response(response.status, response.headers, encode(shown))


GATED: dict[str, Made] = {
    "GET wrapped in data": (READ, audiences(lambda a: {"data": a}, "GET")),
    "PUT wrapped in data": (UPDATED, audiences(lambda a: {"data": a}, "PUT")),
    "GET wrapped in success and audience": (READ, audiences(lambda a: {"success": True, "audience": a}, "GET")),
    "PUT wrapped in success and audience": (UPDATED, audiences(lambda a: {"success": True, "audience": a}, "PUT")),
    "PUT wrapped in a list": (UPDATED, audiences(lambda a: [a], "PUT")),  # of GET, a control would fail too
    "404 as a page": (f"{UNKNOWN} {SILENT}", instead(Response(404, PAGE, HTML), 404)),
    "400 as a page": (CODED, instead(Response(400, PAGE, HTML), 400)),
    "400 without a body": (CODED, instead(Response(400), 400)),
    "200 for every error": (f"{ERRORS} {KEYS}", errors(dict, status=200)),
    "200 for every 400": (REJECTIONS, errors(dict, 400, status=200)),
    "200 with success false for 404": (UNKNOWN, errors(lambda e: {"success": False, **e}, 404, status=200)),
    "302 to a login without a key": (KEYS, instead(LOGIN, 401)),
    "302 for an unknown id": (UNKNOWN, instead(LOGIN, 404)),
    "PUT answers what was sent": (EMPTIED, behind(_sent_alone, "PUT")),
    "PUT answers the id alone": (EMPTIED, audiences(lambda a: {"id": a["id"]}, "PUT")),
    "code nested under details": (f"{CODED} {UNKNOWN}", errors(lambda e: {"error": e["error"], "details": e})),
    "code named error_code": (f"{CODED} {UNKNOWN}", errors(lambda e: {"error": e["error"], "error_code": e["code"]})),
    "a quote in a text blocked": (
        "update.name update.description",
        rejecting("forbidden", lambda s: "'" in s.body.get("name", "") + s.body.get("description", "")),
    ),
}
