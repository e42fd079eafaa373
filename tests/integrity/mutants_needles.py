"""Servers that break one documented rule in one place only: at one depth, for one operator, beside one other member.

Promises: a mutant's id says where it goes wrong; elsewhere it answers as the reference server does.
Refuses: to break anything that the documentation leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.integrity.mutants import CODES, Mutant
from trackly_contract.core import JSON, same
from trackly_contract.reference import ReferenceServer
from trackly_contract.reference.filter import Fault

Body: TypeAlias = dict[str, JSON]


@dataclass(frozen=True)
class Spot:
    """A place in a body: the groups from the top down to it, and the condition or list id, if it is in one.

    `nth` counts the group among its siblings, `index` the condition among its; -1 for the group itself.
    """

    body: Body
    path: tuple[Body, ...] = ()
    nth: int = 0
    index: int = -1
    condition: Body | None = None
    place: str = ""

    @property
    def depth(self) -> int:
        return len(self.path)

    @property
    def group(self) -> Body:
        return self.path[-1] if self.path else {}

    @property
    def nested(self) -> list[Body]:
        return self.group.get("groups") or []

    @property
    def count(self) -> int:
        return len(self.group.get("conditions") or [])

    @property
    def with_number(self) -> bool:
        return type((self.condition or {}).get("value")) is int

    @property
    def lists(self) -> list[JSON]:
        return self.body.get("source_lists") or []

    @property
    def siblings(self) -> int:
        return len(self.path[-2].get("groups") or []) if self.depth > 1 else 0

    def has(self, **members: JSON) -> bool:
        """Whether the condition has these members with these values."""
        return all((self.condition or {}).get(key) == value for key, value in members.items())

    def under(self, operator: str) -> bool:
        return self.group.get("operator") == operator


Where: TypeAlias = Callable[[Spot], bool]


def spot_at(body: Body, place: str) -> Spot:
    first, *rest = place.split("/")[1:]
    if first != "filter":
        return Spot(body, index=int(rest[0]) if rest else -1, place=place)
    path, nth = [body["filter"]], 0
    while rest[:1] == ["groups"] and len(rest) > 1:
        nth = int(rest[1])
        path.append(path[-1]["groups"][nth])
        rest = rest[2:]
    if rest[:1] == ["conditions"] and len(rest) > 1:
        index = int(rest[1])
        return Spot(body, tuple(path), nth, index, path[-1]["conditions"][index], place)
    return Spot(body, tuple(path), nth, place=place)


def spots(body: Body) -> Iterator[Spot]:
    """Yield the body, then every group and every condition of its accepted filter."""
    yield Spot(body)
    waiting: list[tuple[tuple[Body, ...], int]] = [((body["filter"],), 0)] if "filter" in body else []
    while waiting:
        path, nth = waiting.pop()
        yield Spot(body, path, nth)
        for index, condition in enumerate(path[-1].get("conditions") or []):
            yield Spot(body, path, nth, index, condition)
        waiting += [((*path, group), index) for index, group in enumerate(path[-1].get("groups") or [])]


def blind(code: str, where: Where) -> type[ReferenceServer]:
    """Accept the fault where it stands at such a spot."""

    class Blind(ReferenceServer):
        def faults(self, body: Body) -> Iterator[Fault]:
            return (
                fault for fault in super().faults(body) if fault.code != code or not where(spot_at(body, fault.path))
            )

    return Blind


def refusing(code: str, where: Where) -> type[ReferenceServer]:
    """Refuse what is right where there is such a spot in it."""

    class Refusing(ReferenceServer):
        def faults(self, body: Body) -> Iterator[Fault]:
            found = list(super().faults(body))
            if not found and any(where(spot) for spot in spots(body)):
                found = [Fault(code, "/filter")]
            return iter(found)

    return Refusing


UNSEEN: dict[str, dict[str, Where]] = {
    "invalid_time_unit": {
        "unit unchecked in the second condition": lambda s: s.index == 1,
        "unit unchecked at depth 3": lambda s: s.depth == 3,
        "unit unchecked for after on signup_date": lambda s: s.has(operator="after", field="signup_date"),
        "unit unchecked for not_within": lambda s: s.has(operator="not_within"),
        "unit unchecked on last_sent_at": lambda s: s.has(field="last_sent_at"),
        "unit weeks accepted": lambda s: s.has(unit="weeks"),
        "unit months accepted": lambda s: s.has(unit="months"),
        "unit seconds accepted": lambda s: s.has(unit="seconds"),
        "unit day accepted": lambda s: s.has(unit="day"),
    },
    "missing_time_value": {
        "missing unit unnoticed": lambda s: s.place.endswith("/unit"),
        "missing time value unnoticed where there is a unit": lambda s: s.place.endswith("/value"),
        "missing time value unnoticed for not_within": lambda s: s.has(operator="not_within"),
        "missing unit unnoticed for before": lambda s: s.has(operator="before") and s.place.endswith("/unit"),
        "missing time value unnoticed on signup_date": lambda s: s.has(field="signup_date"),
        "missing time value unnoticed under OR": lambda s: s.under("OR"),
    },
    "invalid_time_field": {
        "time field unchecked at depth 2": lambda s: s.depth == 2,
        "time field unchecked for exists": lambda s: s.has(operator="exists"),
        "time field unchecked for not_exists": lambda s: s.has(operator="not_exists"),
        "time field unchecked for before": lambda s: s.has(operator="before"),
    },
    "invalid_time_operator": {
        "time operator unchecked in the third condition": lambda s: s.index == 2,
        "time operator unchecked on signup_date": lambda s: s.has(field="signup_date"),
        "time operator unchecked beside a description": lambda s: "description" in s.body,
    },
    "invalid_count_field": {
        "count field unchecked in the last of several conditions": lambda s: 0 < s.index == s.count - 1,
        "count field unchecked in a nested OR": lambda s: s.depth > 1 and s.under("OR"),
        "count field unchecked beside a name": lambda s: "name" in s.body,
    },
    "invalid_count_operator": {
        "count operator unchecked deeper than 3": lambda s: s.depth > 3,
        "count operator unchecked on send_count": lambda s: s.has(field="send_count"),
    },
    "missing_count_value": {
        "count value looked for in the first condition alone": lambda s: s.index > 0,
        "missing count value unnoticed on send_count": lambda s: s.has(field="send_count"),
    },
    "invalid_condition_type": {
        "condition type unchecked in the second condition": lambda s: s.index == 1,
        "condition type unchecked deeper than 3": lambda s: s.depth > 3,
        "condition type unchecked in a nested AND": lambda s: s.depth > 1 and s.under("AND"),
    },
    "missing_custom_field_name": {
        "custom field name looked for in the first condition alone": lambda s: s.index > 0,
    },
    "invalid_custom_field_operator": {
        "custom field operator unchecked beside nested groups": lambda s: bool(s.nested),
    },
    "missing_custom_field_value": {"missing custom field value unnoticed at depth 2": lambda s: s.depth == 2},
    "invalid_carrier_operator": {"carrier operator unchecked under OR": lambda s: s.under("OR")},
    "missing_carrier_value": {"missing carrier value unnoticed beside nested groups": lambda s: bool(s.nested)},
    "invalid_timezone_operator": {"timezone operator unchecked at depth 3": lambda s: s.depth == 3},
    "missing_timezone_value": {"missing timezone value unnoticed under AND": lambda s: s.under("AND")},
    "invalid_revenue_field": {
        "revenue field unchecked in nested groups": lambda s: s.depth > 1,
        "revenue field unchecked beside source_lists": lambda s: "source_lists" in s.body,
    },
    "invalid_revenue_operator": {"revenue operator unchecked in the second nested group": lambda s: s.nth == 1},
    "missing_revenue_value": {"missing revenue value unnoticed under OR": lambda s: s.under("OR")},
    "invalid_group_operator": {
        "group operator unchecked at depth 2": lambda s: s.depth == 2,
        "group operator unchecked deeper than 3": lambda s: s.depth > 3,
        "group operator unchecked in the second nested group": lambda s: s.nth == 1,
        "group operator unchecked in a group of groups alone": lambda s: s.count == 0,
        "group operator unchecked in a group of several conditions": lambda s: s.count > 1,
        "group operator XOR accepted": lambda s: s.under("XOR"),
        "group operator NOT accepted": lambda s: s.under("NOT"),
    },
    "empty_filter_group": {
        "empty group unnoticed without the key conditions": lambda s: "conditions" not in s.group,
        "empty group unnoticed with the key groups": lambda s: "groups" in s.group,
        "empty group unnoticed with neither key": lambda s: not {"conditions", "groups"} & set(s.group),
        "empty group unnoticed at depth 3": lambda s: s.depth == 3,
        "empty group unnoticed deeper than 3": lambda s: s.depth > 3,
        "empty group unnoticed as the second nested group": lambda s: s.nth == 1,
        "empty group unnoticed beside other groups": lambda s: s.siblings > 1,
        "empty group unnoticed under its operator OR": lambda s: s.under("OR"),
    },
    "source_list_not_found": {
        "only the first list id checked": lambda s: s.index > 0,
        "only the last list id checked": lambda s: s.index < len(s.lists) - 1,
        "list ids unchecked where there is one": lambda s: len(s.lists) == 1,
        "list ids unchecked beside a filter": lambda s: "filter" in s.body,
        "list ids above a billion unchecked": lambda s: s.lists[s.index] > 10**9,
    },
    "name_too_long": {
        "256 characters accepted where not all ASCII": lambda s: not s.body["name"].isascii(),
        "blanks within a name not counted": lambda s: len(s.body["name"].replace(" ", "")) <= 255,
        "names of up to 1000 characters accepted": lambda s: len(s.body["name"]) <= 1000,
        "256 characters accepted but no more": lambda s: len(s.body["name"]) == 256,
        "name length unchecked beside a filter": lambda s: "filter" in s.body,
        "name length unchecked beside a description": lambda s: "description" in s.body,
    },
}

REFUSED: dict[tuple[str, str], dict[str, Where]] = {
    ("filter.time.known", "invalid_time_unit"): {
        "not_within in minutes refused": lambda s: s.has(operator="not_within", unit="minutes"),
        "hours on signup_date refused": lambda s: s.has(field="signup_date", unit="hours"),
    },
    ("filter.time.known", "invalid_time_operator"): {
        "exists on last_sent_at refused": lambda s: s.has(field="last_sent_at", operator="exists"),
        "time conditions in a third place refused": lambda s: s.index == 2 and s.has(condition_type="time"),
    },
    ("filter.count.known", "invalid_count_field"): {
        "send_count in nested groups refused": lambda s: s.depth > 1 and s.has(field="send_count"),
        "gte on send_count refused": lambda s: s.has(field="send_count", operator="gte"),
    },
    ("filter.nested", "invalid_group_operator"): {
        "depth 3 refused": lambda s: s.depth == 3,
        "depth 4 and more refused": lambda s: s.depth > 3,
        "nested groups beside conditions refused": lambda s: bool(s.nested) and s.count > 0,
    },
    ("filter.nested", "empty_filter_group"): {
        "nested groups without conditions refused": lambda s: s.depth > 0 and s.count == 0,
        "second nested group refused": lambda s: s.nth == 1,
    },
    ("filter.operator.known", "invalid_group_operator"): {
        "OR in nested groups refused": lambda s: s.depth > 1 and s.under("OR"),
        "AND within OR refused": lambda s: s.depth > 1 and s.under("AND") and s.path[-2]["operator"] == "OR",
    },
    ("update.name.longest", "name_too_long"): {
        "255 characters beside a filter refused": lambda s: len(s.body.get("name", "")) == 255 and "filter" in s.body,
    },
    ("update.optional", "name_too_long"): {"description alone refused": lambda s: set(s.body) == {"description"}},
    ("update.optional", "source_list_not_found"): {
        "source_lists alone refused": lambda s: set(s.body) == {"source_lists"},
    },
}


def of_faults() -> Iterator[Mutant]:
    """Yield servers that miss a fault, or see one, in one place only."""
    for code, places in UNSEEN.items():
        for name, where in places.items():
            yield Mutant(name, (CODES[code],), blind(code, where), "needle")
    for (rule, code), places in REFUSED.items():
        for name, where in places.items():
            yield Mutant(name, (rule,), refusing(code, where), "needle")


def storing(member: str, change: Callable[[Any], Any]) -> type[ReferenceServer]:
    """Store what `change` makes of a member that was sent."""

    class Storing(ReferenceServer):
        def apply(self, audience: Body, body: Body) -> Body:
            changed = super().apply(audience, body)
            return {**changed, member: change(changed[member])} if member in body else changed

    return Storing


def in_groups(change: Callable[[Body, int], Body]) -> Callable[[Body], Body]:
    """Change every group of a stored filter, the innermost first; `change` gets the depth too, 1 at the top."""

    def walk(group: Body, depth: int) -> Body:
        return change({**group, "groups": [walk(nested, depth + 1) for nested in group["groups"]]}, depth)

    return lambda definition: walk(definition, 1)


def in_conditions(change: Callable[[Body], Body]) -> Callable[[Body], Body]:
    return in_groups(lambda group, _: {**group, "conditions": [change(entry) for entry in group["conditions"]]})


def _ordered(change: Callable[[list[Body]], list[Body]]) -> Callable[[Body], Body]:
    return in_groups(lambda group, _: {**group, "conditions": change(group["conditions"])})


def _value(change: Callable[[int], Any]) -> Callable[[Body], Body]:
    """Change whole numbers that stand as values."""
    return in_conditions(lambda c: {**c, "value": change(c["value"])} if type(c.get("value")) is int else c)


def _retold(key: str, old: str, new: str) -> Callable[[Body], Body]:
    return in_conditions(lambda c: {**c, key: new} if c.get(key) == old else c)


def _unwrapped(group: Body, _: int) -> Body:
    lone: list[Body] = group["groups"] if not group["conditions"] and len(group["groups"]) == 1 else [group]
    return lone[0]


def _flattened(group: Body, _: int) -> Body:
    """Move the condition of a nested group with one condition into the group around it."""
    small = [nested for nested in group["groups"] if len(nested["conditions"]) == 1 and not nested["groups"]]
    moved = [condition for nested in small for condition in nested["conditions"]]
    kept = [nested for nested in group["groups"] if nested not in small]
    return {**group, "conditions": group["conditions"] + moved, "groups": kept}


def _unique(entries: list[Body]) -> list[Body]:
    return [entry for index, entry in enumerate(entries) if not any(same(entry, one) for one in entries[:index])]


def _without(condition: Body, key: str) -> Body:
    return {name: value for name, value in condition.items() if name != key}


def _snake(where: Where) -> Callable[[Body], Body]:
    def spelt(group: Body, depth: int) -> Body:
        entries = [
            {"condition_type" if key == "conditionType" and where(spot) else key: value for key, value in entry.items()}
            for index, entry in enumerate(group["conditions"])
            for spot in [Spot({}, (group,) * depth, 0, index, entry)]
        ]
        return {**group, "conditions": entries}

    return in_groups(spelt)


FILTERS: dict[str, Callable[[Body], Body]] = {
    "values clipped at 1000000000": _value(lambda value: min(value, 10**9)),
    "values clipped at 32767": _value(lambda value: min(value, 2**15 - 1)),
    "values from 100000 stored as texts": _value(lambda value: str(value) if value >= 10**5 else value),
    "unit lost where it is hours": in_conditions(lambda c: _without(c, "unit") if c.get("unit") == "hours" else c),
    "unit lost in nested groups": in_groups(
        lambda g, depth: {**g, "conditions": [_without(c, "unit") if depth > 1 else c for c in g["conditions"]]}
    ),
    "field lost where the operator is not_exists": in_conditions(
        lambda c: _without(c, "field") if c.get("operator") == "not_exists" else c
    ),
    "order changed from three conditions on": _ordered(lambda e: [*e[1:], e[0]] if len(e) > 2 else e),
    "conditions sorted by type": _ordered(lambda e: sorted(e, key=lambda c: str(c["conditionType"]))),
    "equal conditions merged": _ordered(_unique),
    "nested groups in reverse": in_groups(lambda g, _: {**g, "groups": g["groups"][::-1]}),
    "nested groups lost at depth 3": in_groups(lambda g, depth: {**g, "groups": g["groups"] if depth < 2 else []}),
    "nested groups lost deeper than 3": in_groups(lambda g, depth: {**g, "groups": g["groups"] if depth < 3 else []}),
    "second nested group lost": in_groups(lambda g, _: {**g, "groups": g["groups"][:1] + g["groups"][2:]}),
    "conditions beside nested groups lost": in_groups(lambda g, _: {**g, "conditions": []} if g["groups"] else g),
    "group of one group unwrapped": in_groups(_unwrapped),
    "nested group of one condition flattened": in_groups(_flattened),
    "nested OR stored as AND": in_groups(lambda g, depth: {**g, "operator": "AND"} if depth > 1 else g),
    "OR of one condition stored as AND": in_groups(
        lambda g, _: {**g, "operator": "AND"} if len(g["conditions"]) == 1 else g
    ),
    "after stored as within": _retold("operator", "after", "within"),
    "before stored as not_within": _retold("operator", "before", "not_within"),
    "not_exists stored as exists": _retold("operator", "not_exists", "exists"),
    "signup_date stored as created_at": _retold("field", "signup_date", "created_at"),
    "minutes stored as hours": _retold("unit", "minutes", "hours"),
}

CASES: dict[str, Where] = {
    "condition_type answered in nested groups": lambda s: s.depth > 1,
    "condition_type answered deeper than 2": lambda s: s.depth > 2,
    "condition_type answered in the second condition": lambda s: s.index == 1,
    "condition_type answered under OR": lambda s: s.under("OR"),
    "condition_type answered for count": lambda s: s.has(conditionType="count"),
}


def of_storing() -> Iterator[Mutant]:
    """Yield servers that store something else than what was sent, but only for some contents."""
    for name, change in FILTERS.items():
        yield Mutant(name, ("update.filter",), storing("filter", change), "needle")
    for name, where in CASES.items():
        yield Mutant(name, ("audience.filter.keys", "update.filter"), storing("filter", _snake(where)), "needle")


def needles() -> list[Mutant]:
    """Return every mutant of this module."""
    return [*of_faults(), *of_storing()]
