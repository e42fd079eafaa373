"""Servers that break one documented rule each: here the plain ones, and the list of all."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.integrity import mutants_needles as needles
from tests.integrity import mutants_servers as servers
from tests.integrity import mutants_state as state
from tests.integrity.seams import (
    CODES,
    Body,
    Edit,
    Made,
    audiences,
    behind,
    blind,
    changing_errors,
    errors,
    field,
    finding,
    in_conditions,
    storing,
    storing_field,
    taking_keys,
    without,
)
from trackly_contract.core import Request, Response
from trackly_contract.reference import ReferenceServer
from trackly_contract.reference.filter import Fault


@dataclass(frozen=True)
class Mutant:
    """One broken server: `make` gives a fresh one; any of `rules` is the right rule to name.

    `plain` ones break their rule everywhere; the others only in one place, and take more effort to find.
    """

    id: str
    rules: tuple[str, ...]
    make: Callable[[], ReferenceServer]
    family: str = "plain"

    @property
    def plain(self) -> bool:
        """Whether the rule is broken everywhere, so that the least effort has to find it."""
        return self.family == "plain"


def _recoded(code: str, status: int, other: str) -> type[ReferenceServer]:
    """Answer one code with another status and code."""

    def changed(response: Response, body: Body) -> Response:
        return ReferenceServer().error(status, other, body["error"]) if body["code"] == code else response

    return behind(changing_errors(changed))


def _of_codes() -> Iterator[tuple[str, Made]]:
    for code, rule in CODES.items():
        yield f"{code} accepted", (rule, blind(code))
        yield f"{code} replaced by invalid_request", (rule, _recoded(code, 400, "invalid_request"))
        yield f"{code} answered 422", (rule, _recoded(code, 422, code))


OF_ANOTHER_TYPE = {
    "id": 664,
    "name": None,
    "description": 7,
    "source_lists": None,
    "filter": None,
    "cached_size": "12480",
    "cached_size_updated_at": 1763195400,
    "status": "enabled",
    "created_at": 1759328520,
}


def _of_fields() -> Iterator[tuple[str, Made]]:
    for name, wrong in OF_ANOTHER_TYPE.items():
        yield f"{name} absent", (f"audience.{name}", audiences(without(name)))
        edit: Edit = lambda found, name=name, wrong=wrong: {**found, name: wrong}  # type: ignore[misc]  # noqa: E731
        yield f"{name} answered as {json.dumps(wrong)}", (f"audience.{name}", audiences(edit))


RESPONSES: dict[str, Made] = {
    "source_lists as texts": (
        "audience.source_lists",
        audiences(field("source_lists", lambda ids: [str(entry) for entry in ids])),
    ),
    "id of another audience": ("audience.id", audiences(field("id", lambda _: "0" * 24))),
    "snake_case in answers": ("audience.filter.keys", audiences(servers.renamed("condition_type"))),
    "created_at spelt out": ("audience.created_at", audiences(field("created_at", lambda s: s.replace("T", " at ")))),
    "audience wrapped": ("read.flat update.flat", audiences(lambda found: {"audience": found})),
    "errors without code": ("error.code", errors(lambda e: {"error": e["error"]})),
    "errors without text": ("error.text", errors(lambda e: {"code": e["code"]})),
    "errors nested": ("error.code", errors(lambda e: {"error": {"code": e["code"]}})),
    "errors wrapped": ("error.code", errors(lambda e: {"errors": [e]})),
}


def _rejected(wanted: str) -> type[ReferenceServer]:
    """Reject every filter that has this text in it, which the documentation accepts."""

    def found(body: Body, known: list[Fault]) -> list[Fault]:
        return [Fault("invalid_condition_type", "/filter"), *known] if wanted in json.dumps(body["filter"]) else known

    return finding(lambda body, known: found(body, known) if "filter" in body else known)


def _name(wrong: Callable[[Body], bool]) -> type[ReferenceServer]:
    """Reject the name of some updates that the documentation accepts."""
    return finding(lambda body, known: [Fault("name_too_long", "/name"), *known] if wrong(body) else known)


def _emptied(name: str, empty: Any) -> type[ReferenceServer]:
    return storing(lambda _, after, sent: after if name in sent else after | {name: empty})


def _clearing_on(name: str) -> type[ReferenceServer]:
    return storing(lambda _, after, sent: after | dict.fromkeys(state.CACHE) if name in sent else after)


def _half_applied(sent: Body, _: str) -> Body:
    return {name: sent[name] for name in ("name", "description") if isinstance(sent.get(name), str)}


def _old_cache(remembered: state.Remembering) -> Body:
    before, after = remembered.versions[-2:]
    return state.part(before, *state.CACHE) if after["cached_size"] is None else {}


class UnknownIdAnswered(ReferenceServer):
    """Answers any id with the one audience there is."""

    def route(self, request: Request) -> Response:
        parts = request.path.split("/")
        parts[3] = next(iter(self.store.audiences))
        return super().route(Request(request.method, "/".join(parts), request.headers, request.body))


KEY, UNKNOWN_ID = servers.KEYS, "read.unknown_id"

BEHAVIOUR: dict[str, Made] = {
    "cache kept when the filter changes": ("update.cache.cleared", state.keeping(lambda *_: True)),
    "timestamp kept when the filter changes": (
        "update.cache.cleared",
        storing(lambda b, a, _: a | {state.CACHE[1]: b[state.CACHE[1]]} if a["cached_size"] is None else a),
    ),
    "cache cleared in the answer only": ("update.cache.cleared", state.after(_old_cache)),
    "cache cleared by a name": ("update.cache.kept", _clearing_on("name")),
    "cache cleared by a description": ("update.cache.kept", _clearing_on("description")),
    "size not cached": ("update.cache.recounted", state.counting(*state.CACHE)),
    "update not stored": ("update.stored", state.after(lambda m: m.versions[-2])),
    "description emptied when not sent": ("update.partial", _emptied("description", "")),
    "source_lists emptied when not sent": ("update.partial", _emptied("source_lists", [])),
    "name emptied when not sent": ("update.partial", _emptied("name", "")),
    "refused update half applied": ("update.refused.unchanged", state.half(_half_applied)),
    "name altered": ("update.name", storing_field("name", lambda text: text.strip("x"))),
    "emoji lost": (
        "update.description",
        storing_field("description", lambda text: text.encode("latin-1", "replace").decode("latin-1")),
    ),
    "empty source_lists ignored": ("update.source_lists", storing_field("source_lists", lambda ids: ids or [101])),
    "nested groups lost": ("update.filter", storing_field("filter", lambda found: {**found, "groups": []})),
    "numbers stored as texts": (
        "update.filter",
        storing_field("filter", in_conditions(lambda c: c | {"value": str(c["value"])} if "value" in c else c)),
    ),
    "conditions stored in another order": ("update.filter", storing_field("filter", needles.REVERSED)),
    "255 characters refused": ("update.name.longest", _name(lambda body: len(body.get("name", "")) == 255)),
    "name required": ("update.optional", _name(lambda body: "name" not in body)),
    "update answered success alone": ("update.success", audiences(lambda _: {"success": True}, "PUT")),
    "update answered 204": ("update.success", behind(lambda _, r: Response(204) if r.succeeded else r, "PUT")),
    "read answered without an audience": ("read.success", audiences(lambda found: {"audience": found["id"]}, "GET")),
    "groups refused": ("filter.nested", _rejected('"groups": [{')),
    "signup_date refused": ("filter.time.known", _rejected("signup_date")),
    "not_exists refused": ("filter.time.known", _rejected('"not_exists"')),
    "send_count refused": ("filter.count.known", _rejected("send_count")),
    "OR refused": ("filter.operator.known", _rejected('"OR"')),
    "missing key accepted": (KEY, taking_keys("GET PUT", lambda key: key is None)),
    "empty key accepted": (KEY, taking_keys("GET PUT", lambda key: key == "")),
    "wrong key accepted": (KEY, taking_keys("GET PUT", bool)),
    "key of PUT not checked": ("update.key", taking_keys("PUT", lambda _: True)),
    "unknown id answered": (f"{UNKNOWN_ID} update.unknown_id", UnknownIdAnswered),
    "401 with another code": (KEY, _recoded("unauthorized", 401, "forbidden")),
    "403 for 401": (KEY, _recoded("unauthorized", 403, "unauthorized")),
    "404 with another code": (UNKNOWN_ID, _recoded("not_found", 404, "audience_not_found")),
    "400 for 404": (UNKNOWN_ID, _recoded("not_found", 400, "not_found")),
}
"""Servers that break what an update changes, keeps or stores, and who may ask."""

RIGHT_TOO = {
    # A part that is rejected in nested groups alone is a nested group that is rejected.
    "time conditions in a third place refused": "filter.nested",
    "send_count in nested groups refused": "filter.nested",
    "OR in nested groups refused": "filter.nested",
    "AND within OR refused": "filter.nested",
    # The audience's own content is rejected, so nothing further can be asked.
    "time value of whole numbers refused": "update.success",
    "count without unit refused": "update.success",
    "keys in capitals": "read.success",
    "cached_size -1 after a filter": "audience.cached_size",
    "second GET after an update stale": "update.partial",
}
"""Rules that name a mutant as well as those its author thought of."""


def mutants() -> list[Mutant]:
    """Return the plain mutants."""
    found: list[tuple[str, Made]] = [*_of_codes(), *_of_fields(), *RESPONSES.items(), *BEHAVIOUR.items()]
    return [Mutant(name, tuple(rules.split()), make) for name, (rules, make) in found]


def all_mutants() -> list[Mutant]:
    """Return every mutant, ids unique."""
    families: dict[str, dict[str, Made]] = {
        "needle": needles.NEEDLES | state.OVER_TIME,
        "rewrite": servers.REWRITTEN,
        "serializer": servers.SERIALIZED,
        "framework": servers.FRAMED,
        "gateway": servers.GATED,
        "database": state.DATABASES,
        "cache": state.CACHED,
        "access": state.ACCESSED,
    }
    found = [
        Mutant(name, (*rules.split(), *RIGHT_TOO.get(name, "").split()), make, family)
        for family, servers_ in families.items()
        for name, (rules, make) in servers_.items()
    ]
    return [*mutants(), *found]
