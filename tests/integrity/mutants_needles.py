"""Mutants that break one rule in one place only: at one depth, for one operator, beside one other field.

Elsewhere they answer as the reference server does. Does not break anything that the documentation leaves open.
"""

from collections.abc import Callable
from typing import Any

from tests.integrity.seams import (
    CODES,
    Body,
    Edit,
    Made,
    Spot,
    Where,
    blind,
    in_conditions,
    in_groups,
    in_order,
    rejecting,
    storing_field,
    without,
)
from trackly_contract.core import same

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
    "missing_custom_field_name": {"custom field name looked for in the first condition alone": lambda s: s.index > 0},
    "invalid_custom_field_operator": {"custom field operator unchecked beside nested groups": lambda s: bool(s.nested)},
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
        "only the last list id checked": lambda s: s.index < len(s.body["source_lists"]) - 1,
        "list ids unchecked where there is one": lambda s: len(s.body["source_lists"]) == 1,
        "list ids unchecked beside a filter": lambda s: "filter" in s.body,
        "list ids above a billion unchecked": lambda s: s.body["source_lists"][s.index] > 10**9,
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

SEEN: dict[tuple[str, str], dict[str, Where]] = {
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
        "255 characters beside a filter refused": lambda s: len(s.body.get("name", "")) == 255 and "filter" in s.body
    },
    ("update.optional", "name_too_long"): {"description alone refused": lambda s: set(s.body) == {"description"}},
    ("update.optional", "source_list_not_found"): {
        "source_lists alone refused": lambda s: set(s.body) == {"source_lists"}
    },
}


def _value(change: Callable[[int], Any]) -> Edit:
    """Change whole numbers that stand as values."""
    return in_conditions(lambda c: {**c, "value": change(c["value"])} if type(c.get("value")) is int else c)


def _replaced(key: str, old: str, new: str) -> Edit:
    return in_conditions(lambda c: {**c, key: new} if c.get(key) == old else c)


def _lost(key: str, where: Callable[[Body, int], bool]) -> Edit:
    """Lose a key of some conditions; `where` gets the depth too."""

    def change(group: Body, depth: int) -> Body:
        kept = [without(key)(c) if where(c, depth) else c for c in group["conditions"]]
        return {**group, "conditions": kept}

    return in_groups(change)


def _groups(change: Callable[[list[Body], int], list[Body]]) -> Edit:
    """Change the nested groups of every group."""
    return in_groups(lambda g, depth: {**g, "groups": change(g["groups"], depth)})


def _made_and(where: Callable[[Body, int], bool]) -> Edit:
    return in_groups(lambda g, depth: {**g, "operator": "AND"} if where(g, depth) else g)


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


def _snake(where: Where) -> Edit:
    def spelt(group: Body, depth: int) -> Body:
        entries = [
            {"condition_type" if key == "conditionType" and where(spot) else key: value for key, value in entry.items()}
            for index, entry in enumerate(group["conditions"])
            for spot in [Spot({}, (group,) * depth, 0, index, entry)]
        ]
        return {**group, "conditions": entries}

    return in_groups(spelt)


REVERSED = in_order(lambda conditions: conditions[::-1])

FILTERS: dict[str, Edit] = {
    "values clipped at 1000000000": _value(lambda value: min(value, 10**9)),
    "values clipped at 32767": _value(lambda value: min(value, 2**15 - 1)),
    "values from 100000 stored as texts": _value(lambda value: str(value) if value >= 10**5 else value),
    "unit lost where it is hours": _lost("unit", lambda c, _: c.get("unit") == "hours"),
    "unit lost in nested groups": _lost("unit", lambda _, depth: depth > 1),
    "field lost where the operator is not_exists": _lost("field", lambda c, _: c.get("operator") == "not_exists"),
    "order changed from three conditions on": in_order(lambda e: [*e[1:], e[0]] if len(e) > 2 else e),
    "conditions sorted by type": in_order(lambda e: sorted(e, key=lambda c: str(c["conditionType"]))),
    "equal conditions merged": in_order(_unique),
    "nested groups in reverse": _groups(lambda found, _: found[::-1]),
    "nested groups lost at depth 3": _groups(lambda found, depth: found if depth < 2 else []),
    "nested groups lost deeper than 3": _groups(lambda found, depth: found if depth < 3 else []),
    "second nested group lost": _groups(lambda found, _: found[:1] + found[2:]),
    "conditions beside nested groups lost": in_groups(lambda g, _: {**g, "conditions": []} if g["groups"] else g),
    "group of one group unwrapped": in_groups(_unwrapped),
    "nested group of one condition flattened": in_groups(_flattened),
    "nested OR stored as AND": _made_and(lambda _, depth: depth > 1),
    "OR of one condition stored as AND": _made_and(lambda g, _: len(g["conditions"]) == 1),
    "after stored as within": _replaced("operator", "after", "within"),
    "before stored as not_within": _replaced("operator", "before", "not_within"),
    "not_exists stored as exists": _replaced("operator", "not_exists", "exists"),
    "signup_date stored as created_at": _replaced("field", "signup_date", "created_at"),
    "minutes stored as hours": _replaced("unit", "minutes", "hours"),
}
"""What some filters are stored as."""

CASES: dict[str, Where] = {
    "condition_type answered in nested groups": lambda s: s.depth > 1,
    "condition_type answered deeper than 2": lambda s: s.depth > 2,
    "condition_type answered in the second condition": lambda s: s.index == 1,
    "condition_type answered under OR": lambda s: s.under("OR"),
    "condition_type answered for count": lambda s: s.has(conditionType="count"),
}

NEEDLES: dict[str, Made] = {
    **{name: (CODES[code], blind(code, where)) for code, found in UNSEEN.items() for name, where in found.items()},
    **{name: (rule, rejecting(code, where)) for (rule, code), found in SEEN.items() for name, where in found.items()},
    **{name: ("update.filter", storing_field("filter", change)) for name, change in FILTERS.items()},
    **{
        name: ("audience.filter.keys update.filter", storing_field("filter", _snake(where)))
        for name, where in CASES.items()
    },
}
