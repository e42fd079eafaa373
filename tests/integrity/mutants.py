"""Servers that break one documented rule each, made from the reference server by overriding one method.

Promises: a mutant's id says what is wrong, `rules` which rules of the contract that breaks; everything else is as
the documentation says.
Refuses: to touch the reference server itself: it has no hooks for this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tests.integrity.mutants_updates import (
    Applies,
    ClearsCacheOn,
    ClearsCacheOnDescription,
    ClearsSizeOnly,
    Forgets,
    HalfApplies,
    IgnoresLists,
    KeepsCache,
    LosesEmoji,
    LosesGroups,
    NeedsName,
    NeverCounts,
    NumbersToText,
    Replaces,
    ReplacesLists,
    ReplacesName,
    ReversesConditions,
    SaysClearedOnly,
    ShortNames,
    in_conditions,
)
from trackly_contract.core import Request, Response, encode, parse
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackly_contract.core import JSON
    from trackly_contract.reference.filter import Fault

Audience = dict[str, "JSON"]

CODES = {
    "name_too_long": "update.name.too_long",
    "source_list_not_found": "update.source_lists.unknown",
    "invalid_group_operator": "filter.operator",
    "empty_filter_group": "filter.empty",
    "invalid_condition_type": "filter.condition_type",
    "invalid_time_field": "filter.time.field",
    "invalid_time_operator": "filter.time.operator",
    "invalid_time_unit": "filter.time.unit",
    "missing_time_value": "filter.time.value",
    "invalid_count_field": "filter.count.field",
    "invalid_count_operator": "filter.count.operator",
    "missing_count_value": "filter.count.value",
    "missing_custom_field_name": "filter.custom_field.field",
    "invalid_custom_field_operator": "filter.custom_field.operator",
    "missing_custom_field_value": "filter.custom_field.value",
    "invalid_carrier_operator": "filter.carrier.operator",
    "missing_carrier_value": "filter.carrier.value",
    "invalid_timezone_operator": "filter.timezone.operator",
    "missing_timezone_value": "filter.timezone.value",
    "invalid_revenue_field": "filter.revenue.field",
    "invalid_revenue_operator": "filter.revenue.operator",
    "missing_revenue_value": "filter.revenue.value",
}


class Answering(Protocol):
    """Whatever answers requests: a reference server, or a wrapper around one."""

    def answer(self, request: Request) -> Response: ...


@dataclass(frozen=True)
class Mutant:
    """One broken server: `make` gives a fresh one; any of `rules` is the right rule to name.

    `plain` ones break their rule everywhere; the others only in one place, and take more effort to find.
    """

    id: str
    rules: tuple[str, ...]
    make: Callable[[], Answering]
    family: str = "plain"

    @property
    def plain(self) -> bool:
        """Whether the rule is broken everywhere, so that the least effort has to find it."""
        return self.family == "plain"


def _accepting(code: str) -> type[ReferenceServer]:
    class Accepting(ReferenceServer):
        def faults(self, body: Audience) -> Iterator[Fault]:
            return (fault for fault in super().faults(body) if fault.code != code)

    return Accepting


def _miscoding(code: str, status: int, other: str) -> type[ReferenceServer]:
    class Miscoding(ReferenceServer):
        def error(self, status_: int, code_: str, text: str) -> Response:
            return super().error(status, other, text) if code_ == code else super().error(status_, code_, text)

    return Miscoding


def of_codes() -> Iterator[Mutant]:
    """Yield for each 400 code: the fault accepted, another code, another status."""
    for code, rule in CODES.items():
        yield Mutant(f"{code} accepted", (rule,), _accepting(code))
        yield Mutant(f"{code} replaced by invalid_request", (rule,), _miscoding(code, 400, "invalid_request"))
        yield Mutant(f"{code} answered 422", (rule,), _miscoding(code, 422, code))


def _rendering(change: Callable[[Audience], Any]) -> type[ReferenceServer]:
    class Rendering(ReferenceServer):
        def render(self, audience: Audience) -> Any:
            return change(super().render(audience))

    return Rendering


def _without(field: str) -> Callable[[Audience], Audience]:
    return lambda audience: {key: value for key, value in audience.items() if key != field}


def _with(field: str, value: Callable[[Any], Any]) -> Callable[[Audience], Audience]:
    return lambda audience: {**audience, field: value(audience[field])}


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _snake(condition: Audience) -> Audience:
    return {"condition_type" if key == "conditionType" else key: value for key, value in condition.items()}


FIELDS = {
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


def of_answers() -> Iterator[Mutant]:
    """Yield for each member of the audience: absent, of another type; and what else an answer can get wrong."""
    for field, wrong in FIELDS.items():
        rule = (f"audience.{field}",)
        yield Mutant(f"{field} absent", rule, _rendering(_without(field)))
        yield Mutant(f"{field} answered as {json.dumps(wrong)}", rule, _rendering(_with(field, _constant(wrong))))
    as_text = _rendering(_with("source_lists", lambda ids: [str(entry) for entry in ids]))
    yield Mutant("source_lists as texts", ("audience.source_lists",), as_text)
    other_id = _rendering(_with("id", lambda _: "0" * 24))
    yield Mutant("id of another audience", ("audience.id",), other_id)
    yield Mutant("snake_case in answers", ("audience.filter.keys",), _rendering(in_conditions(_snake)))
    spelt = _rendering(_with("created_at", lambda stamp: stamp.replace("T", " at ")))
    yield Mutant("created_at spelt out", ("audience.created_at",), spelt)
    wrapped = _rendering(lambda audience: {"audience": audience})
    yield Mutant("audience wrapped", ("read.flat", "update.flat"), wrapped)
    yield Mutant("errors without code", ("error.code",), _Erring(lambda e: {"error": e["error"]}))
    yield Mutant("errors without text", ("error.text",), _Erring(lambda e: {"code": e["code"]}))
    yield Mutant("errors nested", ("error.code",), _Erring(lambda e: {"error": {"code": e["code"]}}))
    yield Mutant("errors wrapped", ("error.code",), _Erring(lambda e: {"errors": [e]}))


def _Erring(change: Callable[[Audience], Audience]) -> type[ReferenceServer]:  # noqa: N802  # makes a class
    class Erring(ReferenceServer):
        def error(self, status: int, code: str, text: str) -> Response:
            response = super().error(status, code, text)
            return Response(status, response.headers, encode(change(parse(response.body))))

    return Erring


def _refusing(wanted: Callable[[str], bool]) -> type[ReferenceServer]:
    """Refuse every filter whose text has something in it that the documentation accepts."""

    class Refusing(ReferenceServer):
        def faults(self, body: Audience) -> Iterator[Fault]:
            from trackly_contract.reference.filter import Fault

            if "filter" in body and wanted(json.dumps(body["filter"])):
                yield Fault("invalid_condition_type", "/filter")
            yield from super().faults(body)

    return Refusing


class AnswersLittle(ReferenceServer):
    """Answers an update with no more than that it went well."""

    def update(self, audience: Audience, body: bytes) -> Response:
        response = super().update(audience, body)
        return self.respond(200, {"success": True}) if response.succeeded else response


class AnswersNothing(ReferenceServer):
    """Answers an update with 204 and no body."""

    def update(self, audience: Audience, body: bytes) -> Response:
        response = super().update(audience, body)
        return Response(204) if response.succeeded else response


class ReadsLittle(ReferenceServer):
    """Answers GET with the id alone, under a key of its own."""

    def read(self, audience: Audience) -> Response:
        return self.respond(200, {"audience": audience["id"]})


class NoKeyNeeded(ReferenceServer):
    """Answers without a key."""

    situation = None

    def authorise(self, request: Request) -> Response | None:
        return None if request.header("X-Api-Key") == self.situation else super().authorise(request)


class EmptyKeyTaken(NoKeyNeeded):
    """Takes an empty key for a good one."""

    situation: Any = ""


class AnyKeyTaken(ReferenceServer):
    """Takes any key that is there."""

    def authorise(self, request: Request) -> Response | None:
        return None if request.header("X-Api-Key") else super().authorise(request)


class KeyCheckedOnReadOnly(ReferenceServer):
    """Looks at the key of GET alone."""

    def authorise(self, request: Request) -> Response | None:
        return None if request.method == "PUT" else super().authorise(request)


class UnknownIdAnswered(ReferenceServer):
    """Answers any id with the one audience there is."""

    def route(self, request: Request) -> Response:
        only = next(iter(self.store.audiences))
        parts = request.path.split("/")
        parts[3] = only
        return super().route(Request(request.method, "/".join(parts), request.headers, request.body))


def of_state() -> Iterator[Mutant]:
    """Yield servers that break what an update changes, keeps or stores, and who may ask."""
    cleared, kept = ("update.cache.cleared",), ("update.cache.kept",)
    yield Mutant("cache kept when the filter changes", cleared, KeepsCache)
    yield Mutant("timestamp kept when the filter changes", cleared, ClearsSizeOnly)
    yield Mutant("cache cleared in the answer only", cleared, SaysClearedOnly)
    yield Mutant("cache cleared by a name", kept, ClearsCacheOn)
    yield Mutant("cache cleared by a description", kept, ClearsCacheOnDescription)
    yield Mutant("size not cached", ("update.cache.recounted",), NeverCounts)
    yield Mutant("update not stored", ("update.stored",), Forgets)
    yield Mutant("description emptied when not sent", ("update.partial",), Replaces)
    yield Mutant("source_lists emptied when not sent", ("update.partial",), ReplacesLists)
    yield Mutant("name emptied when not sent", ("update.partial",), ReplacesName)
    yield Mutant("refused update half applied", ("update.refused.unchanged",), HalfApplies)
    yield Mutant("name altered", ("update.name",), Applies)
    yield Mutant("emoji lost", ("update.description",), LosesEmoji)
    yield Mutant("empty source_lists ignored", ("update.source_lists",), IgnoresLists)
    yield Mutant("nested groups lost", ("update.filter",), LosesGroups)
    yield Mutant("numbers stored as texts", ("update.filter",), NumbersToText)
    yield Mutant("conditions stored in another order", ("update.filter",), ReversesConditions)
    yield Mutant("255 characters refused", ("update.name.longest",), ShortNames)
    yield Mutant("name required", ("update.optional",), NeedsName)
    yield Mutant("update answered success alone", ("update.success",), AnswersLittle)
    yield Mutant("update answered 204", ("update.success",), AnswersNothing)
    yield Mutant("read answered without an audience", ("read.success",), ReadsLittle)
    yield Mutant("groups refused", ("filter.nested",), _refusing(lambda text: '"groups": [{' in text))
    yield Mutant("signup_date refused", ("filter.time.known",), _refusing(lambda text: "signup_date" in text))
    yield Mutant("not_exists refused", ("filter.time.known",), _refusing(lambda text: '"not_exists"' in text))
    yield Mutant("send_count refused", ("filter.count.known",), _refusing(lambda text: "send_count" in text))
    yield Mutant("OR refused", ("filter.operator.known",), _refusing(lambda text: '"OR"' in text))
    yield Mutant("missing key accepted", ("read.key", "update.key"), NoKeyNeeded)
    yield Mutant("empty key accepted", ("read.key", "update.key"), EmptyKeyTaken)
    yield Mutant("wrong key accepted", ("read.key", "update.key"), AnyKeyTaken)
    yield Mutant("key of PUT not checked", ("update.key",), KeyCheckedOnReadOnly)
    yield Mutant("unknown id answered", ("read.unknown_id", "update.unknown_id"), UnknownIdAnswered)
    yield Mutant("401 with another code", ("read.key", "update.key"), _miscoding("unauthorized", 401, "forbidden"))
    yield Mutant("403 for 401", ("read.key", "update.key"), _miscoding("unauthorized", 403, "unauthorized"))
    yield Mutant("404 with another code", ("read.unknown_id",), _miscoding("not_found", 404, "audience_not_found"))
    yield Mutant("400 for 404", ("read.unknown_id",), _miscoding("not_found", 400, "not_found"))


def mutants() -> list[Mutant]:
    """Return every mutant, ids unique."""
    found = [*of_codes(), *of_answers(), *of_state()]
    assert len({mutant.id for mutant in found}) == len(found)
    return found
