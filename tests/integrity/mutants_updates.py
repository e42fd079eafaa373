"""Servers that break what an update changes, keeps or stores, one respect each.

Promises: each class overrides what its fault needs and nothing else.
Refuses: to say which rule is broken: mutants.py does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackly_contract.core import parse
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackly_contract.core import JSON, Response
    from trackly_contract.reference.filter import Fault

Audience = dict[str, "JSON"]


def in_conditions(change: Callable[[Audience], Audience]) -> Callable[[Audience], Audience]:
    """Make a change of every condition of an audience's filter."""

    def group(found: Any) -> Any:
        return {
            **found,
            "conditions": [change(entry) for entry in found["conditions"]],
            "groups": [group(entry) for entry in found["groups"]],
        }

    return lambda audience: {**audience, "filter": group(audience["filter"])}


class KeepsCache(ReferenceServer):
    """Does not clear the cache when the filter changes."""

    def outdates_size(self, before: Audience, after: Audience, body: Audience) -> bool:
        return False


class ClearsSizeOnly(ReferenceServer):
    """Clears cached_size but not its timestamp."""

    def apply(self, audience: Audience, body: Audience) -> Audience:
        changed = super().apply(audience, body)
        if changed["cached_size"] is None:
            changed["cached_size_updated_at"] = audience["cached_size_updated_at"]
        return changed


class ClearsCacheOn(ReferenceServer):
    """Clears the cache also when one other member is sent."""

    member = "name"

    def outdates_size(self, before: Audience, after: Audience, body: Audience) -> bool:
        return self.member in body or super().outdates_size(before, after, body)


class ClearsCacheOnDescription(ClearsCacheOn):
    """Clears the cache when the description changes."""

    member = "description"


class SaysClearedOnly(ReferenceServer):
    """Answers null after a filter change, but stores the old size."""

    def update(self, audience: Audience, body: bytes) -> Response:
        response = super().update(audience, body)
        stored = self.store.audiences[audience["id"]]
        if stored["cached_size"] is None:
            kept = {name: audience[name] for name in ("cached_size", "cached_size_updated_at")}
            self.store.audiences[audience["id"]] = {**stored, **kept}
        return response


class NeverCounts(ReferenceServer):
    """Answers a size, but does not fill the cache with it."""

    def size(self, audience: Audience) -> Response:
        response = super().size(audience)
        self.store.audiences[audience["id"]] = audience
        return response


class Forgets(ReferenceServer):
    """Answers an update with what it should be, and stores nothing."""

    def update(self, audience: Audience, body: bytes) -> Response:
        response = super().update(audience, body)
        self.store.audiences[audience["id"]] = audience
        return response


class Replaces(ReferenceServer):
    """Takes PUT literally: what is not sent is emptied."""

    member = "description"
    empty: Any = ""

    def apply(self, audience: Audience, body: Audience) -> Audience:
        changed = super().apply(audience, body)
        if self.member not in body:
            changed[self.member] = list(self.empty) if self.member == "source_lists" else self.empty
        return changed


class ReplacesLists(Replaces):
    """Empties source_lists where they are not sent."""

    member = "source_lists"
    empty: Any = ()


class ReplacesName(Replaces):
    """Empties the name where it is not sent."""

    member = "name"


class HalfApplies(ReferenceServer):
    """Stores name and description of an update that it refuses for its filter."""

    def update(self, audience: Audience, body: bytes) -> Response:
        response = super().update(audience, body)
        if response.status == 400:
            sent = parse(body, duplicate_keys=True)
            kept = {name: sent[name] for name in ("name", "description") if isinstance(sent.get(name), str)}
            self.store.audiences[audience["id"]] = {**audience, **kept}
        return response


class Applies(ReferenceServer):
    """Changes what it stores of one member."""

    member = "name"

    def change(self, value: Any) -> Any:
        return value.strip("x")

    def apply(self, audience: Audience, body: Audience) -> Audience:
        changed = super().apply(audience, body)
        if self.member in body:
            changed[self.member] = self.change(changed[self.member])
        return changed


class LosesEmoji(Applies):
    """Stores descriptions in a character set without emoji."""

    member = "description"

    def change(self, value: Any) -> Any:
        return value.encode("latin-1", "replace").decode("latin-1")


class IgnoresLists(Applies):
    """Takes empty source_lists for none sent."""

    member = "source_lists"

    def change(self, value: Any) -> Any:
        return value or [101]


class LosesGroups(Applies):
    """Stores a filter without its nested groups."""

    member = "filter"

    def change(self, value: Any) -> Any:
        return {**value, "groups": []}


class NumbersToText(Applies):
    """Stores the values of conditions as texts."""

    member = "filter"

    def change(self, value: Any) -> Any:
        return in_conditions(
            lambda entry: {k: str(v) if k == "value" else v for k, v in entry.items()},
        )({"filter": value})["filter"]


class ReversesConditions(Applies):
    """Stores the conditions of every group in another order."""

    member = "filter"

    def change(self, value: Any) -> Any:
        return {
            **value,
            "conditions": value["conditions"][::-1],
            "groups": [self.change(entry) for entry in value["groups"]],
        }


class ShortNames(ReferenceServer):
    """Takes 254 characters for the longest name."""

    def faults(self, body: Audience) -> Iterator[Fault]:
        from trackly_contract.reference.filter import Fault

        if len(body.get("name", "")) == 255:
            yield Fault("name_too_long", "/name")
        yield from super().faults(body)


class NeedsName(ReferenceServer):
    """Refuses an update without a name."""

    def faults(self, body: Audience) -> Iterator[Fault]:
        from trackly_contract.reference.filter import Fault

        if "name" not in body:
            yield Fault("name_too_long", "/name")
        yield from super().faults(body)
