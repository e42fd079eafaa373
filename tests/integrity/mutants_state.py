"""Mutants whose fault is in what they store, remember or show to whom.

Does not break anything that the documentation leaves open.
"""

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from html import escape
from typing import TypeAlias

from tests.integrity.mutants_servers import KEYS, TEXT, UNKNOWN, instead
from tests.integrity.seams import (
    CODES,
    Body,
    Edit,
    Made,
    Step,
    behind,
    changing_errors,
    in_conditions,
    in_groups,
    storing,
    storing_field,
    taking_keys,
    without,
)
from trackly_contract.core import JSON, Request, Response, encode, parse, same
from trackly_contract.reference import AUDIENCE_ID, AUDIENCE_KEYS, ReferenceServer
from trackly_contract.reference.filter import as_answered

When: TypeAlias = Callable[[Body, Body, Body], bool]
"""Whether a step goes wrong."""

Memory: TypeAlias = Callable[["Remembering"], Body]
"""Makes the fields that are otherwise from what a server remembers."""

NOW = "2025-11-20T10:30:45"
STORED = "update.stored"
CACHE = ("cached_size", "cached_size_updated_at")


def part(sent: Body, *members: str) -> Body:
    return {key: sent[key] for key in members if key in sent}


# What one update stores ----------------------------------------------------------------------------------


def keeping(when: When) -> type[ReferenceServer]:
    """Keep the cache where the filter changed, at times."""
    return storing(lambda b, a, s: a | part(b, *CACHE) if when(b, a, s) else a)


def _clearing(when: Callable[[Body], bool], **members: JSON) -> type[ReferenceServer]:
    """Clear the cache, or set fields of it, where the filter was not sent, at times."""
    members = members or dict.fromkeys(CACHE)
    return storing(lambda _, a, s: a | members if "filter" not in s and when(s) else a)


class Renewing(ReferenceServer):
    """Renews the time of the count with every name, from a clock of its own."""

    def apply(self, audience: Body, body: Body) -> Body:
        changed = super().apply(audience, body)
        if "name" in body and "filter" not in body and changed["cached_size_updated_at"] is not None:
            changed["cached_size_updated_at"] = self.store.clock()
        return changed


def _same_but(change: Edit) -> When:
    """Whether filters are the same once `change` has taken a part out of both."""
    return lambda b, a, _: same(change(b["filter"]), change(a["filter"]))


def _same_but_for(key: str) -> When:
    return _same_but(in_conditions(without(key)))


def half(change: Callable[[Body, str], Body]) -> type[ReferenceServer]:
    """Store something of an update that is rejected; `change` gets what was sent and the code."""

    class Half(ReferenceServer):
        def update(self, audience: Body, body: bytes) -> Response:
            response = super().update(audience, body)
            code = None if response.succeeded else parse(response.body)["code"]
            if code in CODES:
                with suppress(AttributeError, TypeError):
                    kept = change(parse(body, duplicate_keys=True), code)
                    self.store.audiences[audience["id"]] = {**audience, **kept}
            return response

    return Half


def _sets(member: str, **members: JSON) -> Step:
    """Set fields that were not sent whenever `member` was."""
    return lambda _, a, s: a | {key: value for key, value in members.items() if key not in s} if member in s else a


def _also(**members: JSON) -> Step:
    """Set fields where the filter changed, in place of null."""
    return lambda _, a, s: a | members if "filter" in s and a["cached_size"] is None else a


def _joined(before: Body, after: Body) -> Body:
    return {**after["filter"], "conditions": before["filter"]["conditions"][:1] + after["filter"]["conditions"]}


def _relisted(change: Callable[[list[int], list[int]], list[int]]) -> Step:
    lists = "source_lists"
    return lambda b, a, s: a | {lists: change(b[lists], a[lists])} if lists in s else a


def _stripped(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


TEXTS: dict[str, dict[str, Callable[[str], str]]] = {
    "name": {
        "name cut at 254 characters": lambda text: text[:254],
        "name in NFD": lambda text: unicodedata.normalize("NFD", text),
        "name without accents": _stripped,
        "name without right-to-left marks": lambda text: text.replace("\u200f", ""),
        "name without emoji": lambda text: "".join(c for c in text if ord(c) < 0x10000),
        "name escaped for HTML": escape,
    },
    "description": {
        "description in NFD": lambda text: unicodedata.normalize("NFD", text),
        "description cut at its first emoji": lambda text: re.sub("(?s)[^\0-\uffff].*", "", text),
        "description cut at 255 bytes": lambda text: text.encode(errors="replace")[:255].decode(errors="ignore"),
        "newlines of a description turned to blanks": lambda text: text.replace("\n", " "),
        "newlines of a description doubled": lambda text: text.replace("\n", "\r\n"),
        "tabs of a description turned to blanks": lambda text: text.replace("\t", " "),
        "quotes of a description doubled": lambda text: text.replace("'", "''"),
        "backslashes of a description lost": lambda text: text.replace("\\", ""),
    },
}

STEPS: dict[str, dict[str, Step]] = {
    "update.partial": {
        "created_at moved by a name": _sets("name", created_at=NOW),
        "archived by a description": _sets("description", status="archived"),
        "description emptied by a filter": _sets("filter", description=""),
        "source_lists emptied by a filter": _sets("filter", source_lists=[]),
        "source_lists emptied by a description": _sets("description", source_lists=[]),
    },
    "update.partial audience.description": {"description null after a name": _sets("name", description=None)},
    "update.source_lists": {
        "source_lists added to those before": _relisted(lambda before, after: [*dict.fromkeys(before + after)]),
        "source_lists cut to the first": _relisted(lambda _, after: after[:1]),
        "source_lists lost beside a name": lambda b, a, s: a | part(b, "source_lists") if "name" in s else a,
    },
    "update.filter": {
        "first condition of before kept": lambda b, a, s: a | {"filter": _joined(b, a)} if "filter" in s else a
    },
    "update.cache.cleared audience.cached_size": {"cached_size empty after a filter": _also(cached_size="")},
    "update.cache.cleared": {
        "cached_size -1 after a filter": _also(cached_size=-1),
        "cached_size 0 after a filter": _also(cached_size=0),
        "cached_size_updated_at 1970 after a filter": _also(cached_size_updated_at="1970-01-01T00:00:00"),
        "cached_size_updated_at the time of the update": _also(cached_size_updated_at=NOW),
        "size alone kept when the filter changes": lambda b, a, s: a | part(b, "cached_size") if "filter" in s else a,
    },
}

KEPT: dict[str, When] = {
    "cache kept where nested groups alone change": _same_but(lambda f: {**f, "groups": []}),
    "cache kept where group operators alone change": _same_but(in_groups(lambda g, _: {**g, "operator": ""})),
    "cache kept where values alone change": _same_but_for("value"),
    "cache kept where units alone change": _same_but_for("unit"),
    "cache kept where condition operators alone change": _same_but_for("operator"),
    "cache kept where the filter becomes shorter": lambda b, a, _: len(encode(a["filter"])) < len(encode(b["filter"])),
    "cache kept where a name is sent too": lambda _b, _a, s: "name" in s,
    "cache kept where source_lists are sent too": lambda _b, _a, s: "source_lists" in s,
}

CLEARED: dict[str, type[ReferenceServer]] = {
    "cache cleared by a long name": _clearing(lambda s: len(s.get("name", "")) > 100),
    "cache cleared by a name that is not ASCII": _clearing(lambda s: not s.get("name", "").isascii()),
    "cache cleared by name and description together": _clearing(lambda s: {"name", "description"} <= set(s)),
    "timestamp alone cleared by a name": _clearing(lambda s: "name" in s, cached_size_updated_at=None),
    "timestamp renewed by a name": Renewing,
    "size alone cleared by a description": _clearing(lambda s: "description" in s, cached_size=None),
    "size 0 after a description": _clearing(lambda s: "description" in s, cached_size=0),
}

IN_FILTER = {code for code, rule in CODES.items() if rule.startswith("filter.")}


def _stored_filter(sent: Body) -> Body:
    return {"filter": as_answered(sent["filter"])} if "filter" in sent else {}


HALVES: dict[str, Callable[[Body, str], Body]] = {
    "name stored though the filter is refused": lambda s, code: part(s, "name") if code != "name_too_long" else {},
    "description stored though a member is refused": lambda s, _: part(s, "description"),
    "source_lists stored though the filter is refused": lambda s, c: part(s, "source_lists") if c in IN_FILTER else {},
    "filter stored though the name is refused": lambda s, c: _stored_filter(s) if c == "name_too_long" else {},
    "filter stored though it is refused": lambda s, c: _stored_filter(s) if c in IN_FILTER else {},
    "cache cleared by a refused filter": lambda s, _: dict.fromkeys(CACHE) if "filter" in s else {},
    "long name stored cut though refused": lambda s, c: {"name": s["name"][:255]} if c == "name_too_long" else {},
}

# What is remembered over several requests --------------------------------------------------------------------


class Remembering(ReferenceServer):
    """Knows the versions that it stored, the oldest first, what was sent, and how often it was read since."""

    def __init__(self, after: Memory = lambda _: {}, shown: Memory = lambda _: {}) -> None:
        super().__init__()
        self.after, self.shown = after, shown
        self.versions = [self.store.audiences[AUDIENCE_ID]]
        self.sent: list[Body] = []
        self.reads = 0
        self.in_a_row = self.names = self.filters = 0

    def answer(self, request: Request) -> Response:
        self.in_a_row = self.in_a_row + 1 if request.method == "PUT" else 0
        return super().answer(request)

    def update(self, audience: Body, body: bytes) -> Response:
        response = super().update(audience, body)
        if response.succeeded:
            self.sent.append(parse(body, duplicate_keys=True))
            self.versions[-1] = audience  # counting may have changed it
            self.versions.append(self.store.audiences[AUDIENCE_ID])
            self.reads = 0
            self.names += "name" in self.sent[-1]
            self.filters += "filter" in self.sent[-1]
            self.store.audiences[AUDIENCE_ID] = self.versions[-1] | self.after(self)
        return response

    def read(self, audience: Body) -> Response:
        self.reads += 1
        return super().read(audience | self.shown(self))


def after(change: Memory) -> Callable[[], ReferenceServer]:
    """Store something else than the response to an update said."""
    return lambda: Remembering(after=change)


def _shown(change: Memory) -> Callable[[], ReferenceServer]:
    """Show in GET something else than is stored."""
    return lambda: Remembering(shown=change)


def _stale(*members: str) -> Made:
    """Show in GET what fields were at first."""
    rules = " ".join((STORED, *(f"update.{key}" for key in members)))
    return rules, _shown(lambda m: part(m.versions[0], *members))


def counting(*members: str) -> type[ReferenceServer]:
    """Leave some fields of the cache as they were before counting."""

    class Counting(ReferenceServer):
        def size(self, audience: Body) -> Response:
            response = super().size(audience)
            self.store.audiences[audience["id"]] |= part(audience, *members)
            return response

    return Counting


class BeforeAnswered(ReferenceServer):
    """Answers an update with the audience as it was."""

    def render(self, audience: Body) -> Body:
        return super().render(self.store.audiences[audience["id"]])


OVER_TIME: dict[str, Made] = {
    "every second update lost": (STORED, after(lambda m: m.versions[-2] if len(m.sent) % 2 == 0 else {})),
    "second of two updates in a row lost": (STORED, after(lambda m: m.versions[-2] if m.in_a_row > 1 else {})),
    "second name empties the description": (
        f"update.partial {STORED}",
        after(lambda m: {"description": ""} if m.names > 1 and set(m.sent[-1]) == {"name"} else {}),
    ),
    "cache kept from the second filter on": (
        f"update.cache.cleared {STORED}",
        after(lambda m: part(m.versions[-2], *CACHE) if m.filters > 1 and "filter" in m.sent[-1] else {}),
    ),
    **{
        name: (f"update.{member}", storing_field(member, change))
        for member, changes in TEXTS.items()
        for name, change in changes.items()
    },
    **{name: ("update.cache.cleared", keeping(when)) for name, when in KEPT.items()},
    **{name: ("update.cache.kept", server) for name, server in CLEARED.items()},
    **{name: ("update.refused.unchanged", half(change)) for name, change in HALVES.items()},
}

DATABASES: dict[str, Made] = {
    name: (rules, storing(step)) for rules, found in STEPS.items() for name, step in found.items()
}

CACHED: dict[str, Made] = {
    "PUT answers the audience of before": (
        "update.success update.stored update.name update.description update.source_lists update.filter",
        BeforeAnswered,
    ),
    "first GET after an update stale": (STORED, _shown(lambda m: m.versions[-2] if m.sent and m.reads == 1 else {})),
    "second GET after an update stale": (STORED, _shown(lambda m: m.versions[-2] if m.sent and m.reads == 2 else {})),
    "GET stale from the second update on": (STORED, _shown(lambda m: m.versions[1] if len(m.sent) > 1 else {})),
    "name in GET stale": _stale("name"),
    "description in GET stale": _stale("description"),
    "source_lists in GET stale": _stale("source_lists"),
    "filter in GET stale": _stale("filter"),
    "size not seen by GET": ("update.cache.recounted", _shown(lambda m: part(m.versions[-1], *CACHE))),
    "time of counting not stored": ("update.cache.recounted", counting(CACHE[1])),
    "size of counting not stored": ("update.cache.recounted", counting(CACHE[0])),
}

# Who may ask, and for what -------------------------------------------------------------------------------


class AppliedWithoutKey(ReferenceServer):
    """Rejects an update without a good key, and makes it all the same."""

    def authorise(self, request: Request) -> Response | None:
        rejection = super().authorise(request)
        if rejection is not None and request.method == "PUT":
            self.route(request)
        return rejection


class Creating(ReferenceServer):
    """Makes an audience where an update names an unknown id."""

    def route(self, request: Request) -> Response:
        identifier, operations = self.operations(request.path)
        if request.method == "PUT" and "PUT" in operations and identifier not in self.store.audiences:
            self.store.audiences[identifier] = {**self.store.audiences[AUDIENCE_ID], "id": identifier}
        return super().route(request)


def _status(status: int, only: int, methods: str = "GET PUT", body: bytes = b"") -> type[ReferenceServer]:
    """Answer another status where it should be `only`, the body as it is or another one."""
    return behind(changing_errors(lambda r, _: replace(r, status=status, body=body or r.body), only), methods)


SILENT = "error.code error.text"

ACCESSED: dict[str, Made] = {
    "401 in plain text": (f"{KEYS} {SILENT}", instead(Response(401, TEXT, b"Unauthorized"), 401)),
    "401 without a body": (f"{KEYS} {SILENT}", instead(Response(401), 401)),
    "404 without a body": (f"{UNKNOWN} {SILENT}", instead(Response(404), 404)),
    "400 in place of 401": (KEYS, _status(400, 401)),
    "keys of the right form accepted": (KEYS, taking_keys("GET PUT", lambda key: str(key).startswith("trk_"))),
    "update without a key refused yet made": ("update.refused.unchanged update.key", AppliedWithoutKey),
    "update of an unknown id makes an audience": ("update.unknown_id", Creating),
}
for method, rule in (("GET", "read"), ("PUT", "update")):
    key, unknown = f"{rule}.key", f"{rule}.unknown_id"
    nulls = encode(dict.fromkeys(AUDIENCE_KEYS))
    ACCESSED |= {
        f"missing key accepted for {method}": (key, taking_keys(method, lambda key: key is None)),
        f"empty key accepted for {method}": (key, taking_keys(method, lambda key: key == "")),
        f"wrong key accepted for {method}": (key, taking_keys(method, bool)),
        f"unknown id answered with nulls by {method}": (unknown, _status(200, 404, method, nulls)),
        f"403 for an unknown id by {method}": (unknown, _status(403, 404, method)),
        f"410 for an unknown id by {method}": (unknown, _status(410, 404, method)),
    }
