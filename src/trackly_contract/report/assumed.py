"""Of each rule: what the reference server assumes where the documentation is silent, and what nobody knows yet.

Promises: an assumption that is a field of `reference_choices.Choices` names it with its default, and a test holds the
two together; every open question of the contract is named under some rule.
Refuses: to say that the API does any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TOKENS = (
    *("condition_type", "time.field", "time.operator", "time.unit", "count.field", "count.operator"),
    *("custom_field.operator", "carrier.operator", "timezone.operator", "revenue.field", "revenue.operator"),
)
_TOKEN_RULES = ("filter.operator", *(f"filter.{name}" for name in _TOKENS))
_FIELDS_AND_OPERATORS = tuple(f"filter.{name}" for name in _TOKENS if name.endswith((".field", ".operator")))
_VALUES = tuple(f"filter.{kind}.value" for kind in ("time", "count", "custom_field", "carrier", "timezone", "revenue"))
_UPDATES = ("update.success", "update.optional")
_FILTER = ("update.filter", "filter.operator", "filter.empty")


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the reference server does under some rules; `choice` is the field of Choices and `value` its default."""

    rules: tuple[str, ...]
    text: str
    choice: str = ""
    value: Any = None


ASSUMPTIONS = (
    Assumption(
        ("filter.operator",),
        "a group without operator is answered invalid_group_operator",
        "missing_group_operator",
        "invalid_group_operator",
    ),
    Assumption(
        ("filter.condition_type",),
        "a condition without condition_type is answered invalid_condition_type",
        "missing_condition_type",
        "invalid_condition_type",
    ),
    Assumption(
        _FIELDS_AND_OPERATORS,
        "a condition that lacks its field or operator is answered like one with an unknown one",
        "missing_field_or_operator",
        None,
    ),
    Assumption(
        _VALUES,
        "a null in a condition counts as if the member had not been sent, and is not echoed",
        "null_is_missing",
        True,
    ),
    Assumption(
        ("filter.condition_type", "audience.filter.keys", "update.filter"),
        "conditionType in a request is not understood",
        "understands_camel_case",
        False,
    ),
    Assumption(
        ("update.filter",), "unknown keys of groups and conditions are dropped, not stored", "keeps_unknown_keys", False
    ),
    Assumption(
        ("update.source_lists", "update.source_lists.unknown"),
        "101.0 names the sending list 101",
        "whole_floats_are_ids",
        True,
    ),
    Assumption(
        ("update.cache.cleared", "update.cache.kept"),
        "the filter that is stored already, sent again, keeps the cached size",
        "identical_filter_keeps_cache",
        True,
    ),
    Assumption(
        ("update.cache.kept",), "source_lists that change keep the cached size", "source_lists_keep_cache", True
    ),
    Assumption(
        ("error.code",), "a refusal that no table has a code for carries undocumented", "undocumented", "undocumented"
    ),
    Assumption(_UPDATES, "a body of more than 5,000,000 bytes is refused", "largest_body", 5_000_000),
    Assumption(
        ("update.cache.recounted", "audience.cached_size"),
        "counting gives 12480 where somebody may match: there are no contacts to count",
        "counted",
        12480,
    ),
    Assumption(_VALUES, "a value may be of any JSON type: 0, false, an empty text and [] are values"),
    Assumption(("filter.time.value", "filter.custom_field.value"), "exists and not_exists need no value"),
    Assumption(
        ("filter.count.operator", "filter.revenue.operator"), "the operators are eq, ne, gt, gte, lt, lte, and no other"
    ),
    Assumption(
        ("filter.custom_field.operator",),
        "the operators are eq, ne, in, not_in, contains, gt, gte, lt, lte, exists, not_exists, and no other",
    ),
    Assumption(
        ("filter.carrier.operator", "filter.timezone.operator"),
        "the operators are eq, ne, in, not_in, and no other; no field is needed",
    ),
    Assumption(("filter.count.field",), "the fields are click_count, send_count, conversion_count, and no other"),
    Assumption(
        ("filter.revenue.field",),
        "the fields are has_revenue, revenue_total, avg_revenue, revenue_average, conversion_count, last_revenue_at, "
        "and no other",
    ),
    Assumption(("filter.custom_field.field",), "any name is taken; an empty one, or one that is no text, is missing"),
    Assumption(_TOKEN_RULES, "letter case counts"),
    Assumption(("update.name", "update.name.longest", "update.name.too_long"), "characters are code points"),
    Assumption(("update.name",), "an empty name is taken"),
    Assumption(
        ("read.key", "update.key", "read.unknown_id", "update.unknown_id"),
        "the key is looked at before path, method, id and body",
    ),
    Assumption(_FILTER, "of several faults the first is answered: name, description, source_lists, then the filter"),
)

OPEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("key-blanks", "key-form", "key-order"), ("read.key", "update.key")),
    "id-form": ("read.unknown_id", "update.unknown_id"),
    "id-and-body": ("update.unknown_id",),
    "method": ("read.success", "update.success"),
    **dict.fromkeys(("content-type", "body-shape", "json-dialect"), ("update.success",)),
    "empty-update": ("update.optional",),
    "unknown-key": ("update.success", "update.filter"),
    "camel-case": ("audience.filter.keys", "update.filter"),
    "read-only-member": ("update.partial",),
    "status-change": ("audience.status",),
    "name-shape": ("update.name",),
    "name-unit": ("update.name.longest", "update.name.too_long"),
    "description-shape": ("update.description", "audience.description"),
    "description-length": ("update.description",),
    **dict.fromkeys(("list-shape", "lists-null"), ("update.source_lists", "update.source_lists.unknown")),
    "lists-and-cache": ("update.cache.kept",),
    "same-filter-and-cache": ("update.cache.cleared", "update.cache.kept"),
    **dict.fromkeys(("filter-shape", "filter-null"), ("update.filter", "filter.empty")),
    "operator-missing": ("filter.operator",),
    **dict.fromkeys(("depth", "group-size"), ("filter.nested",)),
    "condition-type-missing": ("filter.condition_type",),
    "token-missing": _FIELDS_AND_OPERATORS,
    **dict.fromkeys(("token-shape", "token-case"), _TOKEN_RULES),
    "token-unlisted": ("filter.condition_type", *_FIELDS_AND_OPERATORS),
    "member-not-needed": ("filter.time.known", "filter.time.value", "filter.custom_field.value"),
    "unit-elsewhere": ("filter.count.value", "filter.custom_field.value", "filter.revenue.value"),
    "field-elsewhere": ("filter.carrier.operator", "filter.timezone.operator"),
    **dict.fromkeys(("value-shape", "value-range"), _VALUES),
    "value-empty": (*_VALUES, "filter.custom_field.field"),
    "number-form": ("update.filter",),
    "characters": ("update.name", "update.description"),
    "order-of-members": ("update.name.too_long", "update.source_lists.unknown"),
    "order-in-a-group": ("filter.operator", "filter.empty"),
    "order-in-a-condition": (*_FIELDS_AND_OPERATORS, *_VALUES),
    "order-of-places": ("filter.nested", "filter.empty"),
}
"""By open question, the rules beside which it stands."""


def assumed(rule: str) -> tuple[str, ...]:
    """Return what the reference server assumes beside a rule, in words."""
    return tuple(assumption.text for assumption in ASSUMPTIONS if rule in assumption.rules)


def open_questions(rule: str) -> tuple[str, ...]:
    """Return the ids of the questions that the documentation leaves open beside a rule."""
    return tuple(question for question, rules in OPEN.items() if rule in rules)
