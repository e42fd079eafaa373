"""A server that responds as the documentation says: the reference that the suite is tested with.

Every response has the header `X-Trackly-Contract-Reference`, so that it is never taken for one of the API. The same
requests in the same order get the same responses. Does not read schemas or contract data (double entry).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeAlias

from trackly_contract import __version__
from trackly_contract.core import JSON, STAMP, NotJSONError, Request, Response, encode, parse, same
from trackly_contract.reference.choices import DEFAULT_CHOICES, Choices
from trackly_contract.reference.filter import JUDGES, Fault, Judge, as_answered, asks_too_much, filter_faults

REFERENCE_KEY = "trk_" + "0" * 32  # accepted by a new store; it has the documented form and belongs to nobody
AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"  # of the audience in the documented examples
Audience: TypeAlias = dict[str, JSON]  # as responses print it, the filter included


def documented_audience() -> Audience:
    """Return a new copy of the audience in the example response of get-audience."""
    time = {"conditionType": "time", "field": "last_clicked_at", "operator": "within", "value": 30, "unit": "days"}
    clicks = {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}
    return {
        "id": AUDIENCE_ID,
        "name": "High-Value Clickers",
        "description": "Contacts who clicked at least 3 times in the last 30 days",
        "source_lists": [101, 102],
        "filter": {"operator": "AND", "conditions": [time, clicks], "groups": []},
        "cached_size": 12480,
        "cached_size_updated_at": "2025-11-15T08:30:00",
        "status": "active",
        "created_at": "2025-10-01T14:22:00",
    }


AUDIENCE_KEYS = tuple(documented_audience())  # in the order of the documented examples (both pages)


def ticking(start: datetime = datetime(2025, 11, 20, 10, 30, 45, tzinfo=UTC)) -> Callable[[], str]:
    """Return a clock that shows `start`, then one second more at each call, without a zone."""
    seconds = count()
    return lambda: (start + timedelta(seconds=next(seconds))).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(slots=True)
class Store:
    """The state of the server; a new one has the documented audience alone."""

    audiences: dict[str, Audience] = field(default_factory=lambda: {AUDIENCE_ID: documented_audience()})
    lists: set[int] = field(default_factory=lambda: {101, 102, 103})
    keys: set[str] = field(default_factory=lambda: {REFERENCE_KEY})
    clock: Callable[[], str] = field(default_factory=ticking)  # shows when contacts were counted


class ReferenceServer:
    """Responds to requests from `store` as the documentation says, and as `choices` says where it says nothing.

    Each method is one step and can be overridden alone. Callers with threads need a lock.
    """

    judges: Mapping[str, Judge] = JUDGES  # the condition types that exist, each with the function that judges it

    def __init__(self, store: Store | None = None, choices: Choices = DEFAULT_CHOICES) -> None:
        self.store = store or Store()
        self.choices = choices

    def answer(self, request: Request) -> Response:
        """Return the response to any request. Raises nothing."""
        return self.authorise(request) or self.route(request)

    def authorise(self, request: Request) -> Response | None:
        """Return None for an accepted key, otherwise the 401 (error tables of both operations)."""
        if request.header("X-Api-Key") in self.store.keys:
            return None
        return self.error(401, "unauthorized", "X-Api-Key has to carry an accepted key")

    def route(self, request: Request) -> Response:
        """Return the response of the operation at this path and method; 404 or 405 where there is none."""
        identifier, operations = self.operations(request.path)
        if not operations:
            return self.error(404, "not_found", "nothing is served at this path")
        if request.method not in operations:
            rejection = self.undocumented(405, "this path does not take that method")
            return replace(rejection, headers=(*rejection.headers, ("Allow", ", ".join(operations))))
        audience = self.store.audiences.get(identifier)
        if audience is None:
            return self.error(404, "not_found", "there is no audience with this id")
        return operations[request.method](audience, request.body)

    def operations(self, path: str) -> tuple[str, dict[str, Callable[[Audience, bytes], Response]]]:
        """Return the id in `path` and the operations there by method; none for an unknown path."""
        match path.split("/"):
            case ["", "v2", "audiences", identifier] if identifier:
                return identifier, {"GET": lambda audience, _: self.read(audience), "PUT": self.update}
            case ["", "v2", "audiences", identifier, "size"] if identifier:
                return identifier, {"GET": lambda audience, _: self.size(audience)}
            case _:
                return "", {}

    def read(self, audience: Audience) -> Response:
        """Return 200 with the audience (get-audience)."""
        return self.respond(200, self.render(audience))

    def size(self, audience: Audience) -> Response:
        """Count the audience, store number and time, return 200 with both (get-audience-size)."""
        nobody = audience["filter"] is not None and asks_too_much(audience["filter"])
        size, now = 0 if nobody else self.choices.counted, self.store.clock()
        self.store.audiences[audience["id"]] = {**audience, "cached_size": size, "cached_size_updated_at": now}
        return self.respond(200, {"audience_id": audience["id"], "size": size, "calculated_at": now})

    def update(self, audience: Audience, body: bytes) -> Response:
        """Change the fields in `body` and return 200 with the audience, or 4xx and change nothing (update-audience)."""
        if len(body) > self.choices.largest_body:
            return self.undocumented(413, f"the body is longer than {self.choices.largest_body} bytes")
        try:
            changes = parse(body, duplicate_keys=True)
        except NotJSONError as error:
            return self.undocumented(400, f"the body cannot be read as JSON: {error}")
        if not isinstance(changes, dict):
            return self.undocumented(400, "the body is JSON but no object")
        fault = next(self.faults(changes), None)
        if fault is not None:
            return self.rejection(fault)
        changed = self.apply(audience, changes)
        response = self.respond(200, self.render(changed))
        self.store.audiences[audience["id"]] = changed
        return response

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        """Yield the faults of an update; the first decides the response (update-audience, parameters, error table)."""
        name = body.get("name", "")
        if not isinstance(name, str):
            yield Fault(self.choices.undocumented, "/name")
        elif len(name) > 255:
            yield Fault("name_too_long", "/name")
        if not isinstance(body.get("description", ""), str):
            yield Fault(self.choices.undocumented, "/description")
        ids = body.get("source_lists", [])
        if not isinstance(ids, list):
            yield Fault(self.choices.undocumented, "/source_lists")
        for index, item in enumerate(ids if isinstance(ids, list) else []):
            whole_float = isinstance(item, float) and item.is_integer() and self.choices.whole_floats_are_ids
            if type(item) is not int and not whole_float:
                yield Fault(self.choices.undocumented, f"/source_lists/{index}")
            elif item not in self.store.lists:
                yield Fault("source_list_not_found", f"/source_lists/{index}")
        if "filter" in body:
            yield from filter_faults(body["filter"], self.choices, self.judges)

    def apply(self, audience: Audience, body: dict[str, JSON]) -> Audience:
        """Return the audience after an accepted update, as a new one (update-audience)."""
        changed = audience | {key: body[key] for key in ("name", "description") if key in body}
        if "source_lists" in body:
            changed["source_lists"] = [int(item) for item in body["source_lists"]]
        if "filter" in body:
            changed["filter"] = as_answered(body["filter"], self.choices)
        # The cached size is cleared when the stored filter changes (introduction).
        keeps_cache = self.choices.identical_filter_keeps_cache if "filter" in body else True
        if not self.choices.source_lists_keep_cache:
            keeps_cache = keeps_cache and same(audience["source_lists"], changed["source_lists"])
        if not keeps_cache or not same(audience["filter"], changed["filter"]):
            changed |= {"cached_size": None, "cached_size_updated_at": None}
        return changed

    def render(self, audience: Audience) -> dict[str, JSON]:
        """Return the audience as responses print it: flat, keys in the order of the examples."""
        return {key: audience[key] for key in AUDIENCE_KEYS}

    def rejection(self, fault: Fault) -> Response:
        """Return the 400 for a fault of the body."""
        if fault.code == self.choices.undocumented:
            return self.undocumented(400, f"wrong JSON type at {fault.path}")
        return self.error(400, fault.code, f"{fault.code.replace('_', ' ')}, at {fault.path}")

    def undocumented(self, status: int, text: str) -> Response:
        """Return an error that has no code in the documentation, and say so."""
        return self.error(status, self.choices.undocumented, f"{text} (the documentation is silent on this)")

    def error(self, status: int, code: str, text: str) -> Response:
        """Return an error: `error` for people, `code` for programs (error-codes)."""
        return self.respond(status, {"error": text, "code": code})

    def respond(self, status: int, value: JSON) -> Response:
        """Return `value` as JSON in a response with the stamp of the reference server."""
        headers = (("Content-Type", "application/json"), (STAMP, __version__))
        return Response(status, headers, encode(value))
