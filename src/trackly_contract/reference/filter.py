"""Judges a filter by hand: one function per condition type, tokens typed from the documentation.

Takes any JSON value without raising, at any depth. Does not import schemas or contract data: it writes the same pages
down a second time (double entry).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from trackly_contract.core import ABSENT, JSON
from trackly_contract.reference.choices import DEFAULT_CHOICES, Choices

GROUP_OPERATORS = frozenset({"AND", "OR"})
TIME_FIELDS = frozenset({"last_clicked_at", "last_sent_at", "signup_date"})
TIME_OPERATORS = frozenset({"within", "not_within", "before", "after", "exists", "not_exists"})
TIME_UNITS = frozenset({"days", "hours", "minutes"})
COUNT_FIELDS = frozenset({"click_count", "send_count", "conversion_count"})
COUNT_OPERATORS = frozenset({"gte", "gt", "eq", "lt", "lte", "ne"})
CUSTOM_FIELD_OPERATORS = frozenset(
    {"eq", "ne", "in", "not_in", "contains", "gt", "gte", "lt", "lte", "exists", "not_exists"}
)
CARRIER_OPERATORS = frozenset({"eq", "ne", "in", "not_in"})
TIMEZONE_OPERATORS = frozenset({"eq", "ne", "in", "not_in"})
REVENUE_FIELDS = frozenset(
    {"has_revenue", "revenue_total", "avg_revenue", "revenue_average", "conversion_count", "last_revenue_at"}
)
REVENUE_OPERATORS = frozenset({"eq", "ne", "gt", "gte", "lt", "lte"})

BEYOND_ANYBODY = 1_000_000_000  # no contact has as many clicks or messages
WITHOUT_VALUE = ("exists", "not_exists")  # operators that need neither value nor unit


Group: TypeAlias = dict[str, JSON]
Condition: TypeAlias = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: its error code, and a JSON Pointer to it from what is judged: condition, group or body."""

    code: str
    path: str


Judge: TypeAlias = Callable[[Condition, Choices], Iterator[Fault]]


def present(holder: Group, key: str, choices: Choices) -> JSON:
    """Return the value of `key`, or ABSENT where it is missing or counts as missing."""
    value = holder.get(key, ABSENT)
    return ABSENT if value is None and choices.null_is_missing else value


def _token(
    holder: Group, key: str, tokens: frozenset[str], code: str, choices: Choices, missing: str | None = None
) -> Iterator[Fault]:
    token = present(holder, key, choices)
    if token is ABSENT:
        yield Fault(missing or choices.missing_field_or_operator or code, f"/{key}")
    elif not isinstance(token, str) or token not in tokens:
        yield Fault(code, f"/{key}")


def _needed(condition: Condition, key: str, code: str, choices: Choices) -> Iterator[Fault]:
    if present(condition, key, choices) is ABSENT:
        yield Fault(code, f"/{key}")


def time_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `time` condition (update-audience, error table; audience-filter-dsl, time)."""
    yield from _token(condition, "field", TIME_FIELDS, "invalid_time_field", choices)
    yield from _token(condition, "operator", TIME_OPERATORS, "invalid_time_operator", choices)
    if condition.get("operator") in WITHOUT_VALUE:
        return
    yield from _needed(condition, "value", "missing_time_value", choices)
    yield from _token(condition, "unit", TIME_UNITS, "invalid_time_unit", choices, missing="missing_time_value")


def count_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `count` condition (update-audience, error table; audience-filter-dsl, count)."""
    yield from _token(condition, "field", COUNT_FIELDS, "invalid_count_field", choices)
    yield from _token(condition, "operator", COUNT_OPERATORS, "invalid_count_operator", choices)
    yield from _needed(condition, "value", "missing_count_value", choices)


def custom_field_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `custom_field` condition (update-audience, error table); any name will do as field."""
    field = present(condition, "field", choices)
    if not isinstance(field, str) or not field:
        yield Fault("missing_custom_field_name", "/field")
    yield from _token(condition, "operator", CUSTOM_FIELD_OPERATORS, "invalid_custom_field_operator", choices)
    if condition.get("operator") not in WITHOUT_VALUE:
        yield from _needed(condition, "value", "missing_custom_field_value", choices)


def carrier_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `carrier` condition, which has no field (update-audience, error table)."""
    yield from _token(condition, "operator", CARRIER_OPERATORS, "invalid_carrier_operator", choices)
    yield from _needed(condition, "value", "missing_carrier_value", choices)


def timezone_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `timezone` condition, which has no field (update-audience, error table)."""
    yield from _token(condition, "operator", TIMEZONE_OPERATORS, "invalid_timezone_operator", choices)
    yield from _needed(condition, "value", "missing_timezone_value", choices)


def revenue_faults(condition: Condition, choices: Choices) -> Iterator[Fault]:
    """Yield the faults of a `revenue` condition (update-audience, error table; creating-audiences)."""
    yield from _token(condition, "field", REVENUE_FIELDS, "invalid_revenue_field", choices)
    yield from _token(condition, "operator", REVENUE_OPERATORS, "invalid_revenue_operator", choices)
    yield from _needed(condition, "value", "missing_revenue_value", choices)


JUDGES: Mapping[str, Judge] = {
    "time": time_faults,
    "count": count_faults,
    "custom_field": custom_field_faults,
    "carrier": carrier_faults,
    "timezone": timezone_faults,
    "revenue": revenue_faults,
}


def type_key(condition: Condition, choices: Choices) -> str:
    """Return the key that holds the condition's type: `condition_type`, or `conditionType` if understood."""
    camel_case = choices.understands_camel_case and "condition_type" not in condition
    return "conditionType" if camel_case else "condition_type"


def condition_faults(
    condition: JSON, choices: Choices = DEFAULT_CHOICES, judges: Mapping[str, Judge] = JUDGES
) -> Iterator[Fault]:
    """Yield the faults of any JSON value in the position of a condition (update-audience, error table)."""
    if not isinstance(condition, dict):
        yield Fault(choices.undocumented, "")
        return
    kind = present(condition, type_key(condition, choices), choices)
    if kind is ABSENT:
        yield Fault(choices.missing_condition_type, "/condition_type")
    elif isinstance(kind, str) and kind in judges:
        yield from judges[kind](condition, choices)
    else:
        yield Fault("invalid_condition_type", "/condition_type")


def entries(group: Group, key: str, choices: Choices) -> JSON:
    """Return the value of `conditions` or `groups`: usually a list, an empty one where it is missing."""
    value = present(group, key, choices)
    return [] if value is ABSENT else value


def group_faults(group: JSON, choices: Choices, judges: Mapping[str, Judge]) -> Iterator[Fault]:
    """Yield the faults of any JSON value in the position of a group, without those of groups in it (error table)."""
    if not isinstance(group, dict):
        yield Fault(choices.undocumented, "")
        return
    missing = choices.missing_group_operator
    yield from _token(group, "operator", GROUP_OPERATORS, "invalid_group_operator", choices, missing)
    conditions, groups = (entries(group, key, choices) for key in ("conditions", "groups"))
    if not isinstance(conditions, list):
        yield Fault(choices.undocumented, "/conditions")
    if not isinstance(groups, list):
        yield Fault(choices.undocumented, "/groups")
    if conditions == [] and groups == []:
        yield Fault("empty_filter_group", "")
    for index, condition in enumerate(conditions if isinstance(conditions, list) else []):
        for fault in condition_faults(condition, choices, judges):
            yield Fault(fault.code, f"/conditions/{index}{fault.path}")


def filter_faults(
    definition: JSON, choices: Choices = DEFAULT_CHOICES, judges: Mapping[str, Judge] = JUDGES
) -> Iterator[Fault]:
    """Yield every fault of the filter of a body in reading order; a filter without faults is accepted."""
    waiting: list[tuple[JSON, str]] = [(definition, "/filter")]
    while waiting:
        group, path = waiting.pop()
        for fault in group_faults(group, choices, judges):
            yield Fault(fault.code, path + fault.path)
        groups = entries(group, "groups", choices) if isinstance(group, dict) else []
        if isinstance(groups, list):
            waiting += [(nested, f"{path}/groups/{index}") for index, nested in reversed(list(enumerate(groups)))]


def asks_too_much(definition: Group) -> bool:
    """Whether the conditions of an accepted filter's top group ask for more clicks or messages than anybody has."""
    beyond = [
        condition.get("field") in ("click_count", "send_count")
        and condition.get("operator") == "gte"
        and isinstance(condition.get("value"), int)
        and condition["value"] >= BEYOND_ANYBODY
        for condition in definition["conditions"]
    ]
    if definition.get("operator") == "AND":
        return any(beyond)
    return bool(beyond) and all(beyond) and not definition["groups"]


def condition_as_answered(condition: Condition, choices: Choices) -> Condition:
    """Return a condition as responses print it: the type's key in camelCase (update-audience, example)."""
    printed = {type_key(condition, choices): "conditionType"}
    printed |= {key: key for key in ("field", "operator", "value", "unit")}
    answered = {printed[key]: condition[key] for key in printed if present(condition, key, choices) is not ABSENT}
    if choices.keeps_unknown_keys:
        known = {*printed, "conditionType"}
        answered |= {key: value for key, value in condition.items() if key not in known}
    return answered


def as_answered(definition: Group, choices: Choices = DEFAULT_CHOICES) -> Group:
    """Return a filter without faults as responses print it: both lists at every level (update-audience, example)."""
    answered: Group = {}
    waiting: list[tuple[Group, Group]] = [(definition, answered)]
    while waiting:
        group, target = waiting.pop()
        if present(group, "operator", choices) is not ABSENT:
            target["operator"] = group["operator"]
        nested = entries(group, "groups", choices)
        conditions = entries(group, "conditions", choices)
        target["conditions"] = [condition_as_answered(condition, choices) for condition in conditions]
        target["groups"] = [{} for _ in nested]
        waiting += zip(nested, target["groups"], strict=True)
        if choices.keeps_unknown_keys:
            target |= {key: value for key, value in group.items() if key not in target and key != "operator"}
    return answered
