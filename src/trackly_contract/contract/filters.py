"""What can be said of a filter without knowing any server: its two spellings, its depth, whom it matches.

Promises: `as_answered` and `as_request` undo one another for every filter with snake_case or camelCase keys;
`matches_nobody` says yes only where that is certain from documented tokens.
Refuses: to say whether an API accepts a filter (schemas.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from trackly_contract.core import ABSENT, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackly_contract.core import JSON

IMPOSSIBLE_COUNT = 2_000_000_000
"""No contact has as many clicks; still within 32 bits, so that no server overflows."""

IMPOSSIBLE_AGE = {"days": 36_500, "hours": 876_000, "minutes": 52_560_000}
"""A hundred years in each unit: nothing was clicked, sent or signed up before that."""

GUARD: dict[str, JSON] = {
    "condition_type": "count",
    "field": "click_count",
    "operator": "gte",
    "value": IMPOSSIBLE_COUNT,
}
"""A condition of documented tokens alone that no contact meets."""

NOBODY: dict[str, JSON] = {"operator": "AND", "conditions": [GUARD]}
"""The smallest filter that matches no one."""


def _camel(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda found: found.group(1).upper(), key)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[A-Za-z0-9])([A-Z])", lambda found: f"_{found.group(1).lower()}", key)


def _converted(group: JSON, convert: Callable[[str], str], *, fill: bool) -> JSON:
    if not isinstance(group, dict):
        return group
    result: dict[str, JSON] = {}
    for key, value in group.items():
        if key == "conditions" and isinstance(value, list):
            result[key] = [
                {convert(name): member for name, member in entry.items()} if isinstance(entry, dict) else entry
                for entry in value
            ]
        elif key == "groups" and isinstance(value, list):
            result[key] = [_converted(entry, convert, fill=fill) for entry in value]
        else:
            result[key] = value
    if fill:
        result.setdefault("conditions", [])
        result.setdefault("groups", [])
    return result


def as_answered(group: JSON) -> JSON:
    """Return the filter of a request as an answer shows it: camelCase keys in conditions, no list left out.

    Source: update-audience, Response Fields (filter) and the example's answer (`groups` printed, not sent).
    """
    return _converted(group, _camel, fill=True)


def as_request(group: JSON) -> JSON:
    """Return the filter of an answer as a request sends it: snake_case keys in conditions.

    Source: update-audience, example request; the rest of the filter stays as it is.
    """
    return _converted(group, _snake, fill=False)


class Part(NamedTuple):
    """A group or a condition of a filter; `path` is its JSON Pointer from the filter, "" for the filter itself."""

    path: str
    is_group: bool
    fields: dict[str, JSON]


def parts_of(filter_: JSON) -> Iterator[Part]:
    """Yield each group and each condition of a filter, as sent or as shown; a group before what is in it.

    Skips whatever is no object. Without recursion: a filter may be nested more deeply than Python calls.
    """
    pending = [Part("", True, filter_)]
    while pending:
        part = pending.pop()
        if not isinstance(part.fields, dict):
            continue
        yield part
        for key in ("groups", "conditions") if part.is_group else ():
            inner = part.fields.get(key)
            if isinstance(inner, list):
                parts = [Part(f"{part.path}/{key}/{n}", key == "groups", entry) for n, entry in enumerate(inner)]
                pending += reversed(parts)


def depth(group: JSON) -> int:
    """Return how deep groups nest: 1 for a filter without nested groups. Without recursion."""
    deepest, pending = 0, [(group, 1)]
    while pending:
        current, level = pending.pop()
        if isinstance(current, dict):
            deepest = max(deepest, level)
            nested = current.get("groups")
            if isinstance(nested, list):
                pending.extend((entry, level + 1) for entry in nested)
    return deepest


def _number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_EXPLAINED = frozenset(
    {"operator", "conditions", "groups", "conditionType", "condition_type", "field", "value", "unit"}
)
"""Keys of groups and conditions that a page explains; `listId` is only named."""


def filter_differences(expected: JSON, got: JSON) -> Iterator[tuple[str, JSON, JSON, bool]]:
    """Yield `(place, expected, got, grave)` for each difference between two filters as answered.

    Not grave, since the documentation leaves it open: a list left out for an empty one, null for a member left
    out, an integer printed with a fraction of zero, and whatever happens to a key that no page explains. Everything
    else is grave.
    """
    for place, one, other in differences(expected, got):
        key = place.rpartition("/")[2]
        if key in ("conditions", "groups") and (one, other) in (([], ABSENT), (ABSENT, [])):
            continue
        steps = place.split("/")[1:]
        unexplained = any(not step.isdigit() and step not in _EXPLAINED for step in steps)
        new_key = unexplained or (one is ABSENT and not key.isdigit())
        missing_null = one is None and other is ABSENT
        same_number = _number(one) and _number(other) and one == other
        yield place, one, other, not (new_key or missing_null or same_number)


def _impossible(condition: Any) -> bool:
    if not isinstance(condition, dict):
        return False
    kind, operator, value = (condition.get(key) for key in ("condition_type", "operator", "value"))
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    if kind == "count":
        counted = condition.get("field") in ("click_count", "send_count")
        return counted and operator == "gte" and value >= IMPOSSIBLE_COUNT
    if kind == "time":
        oldest = IMPOSSIBLE_AGE.get(str(condition.get("unit")))
        # Of the other time fields a contact may have none, and nobody documents whether that counts as before.
        known = condition.get("field") == "signup_date" and operator == "before"
        return known and oldest is not None and value >= oldest
    return False


def matches_nobody(group: JSON) -> bool:
    """Whether it is certain that a filter (as sent) matches no contact.

    An AND group matches nobody as soon as one of its parts does; an OR group when every part does. Parts that
    are not understood count as matching somebody.
    """
    if not isinstance(group, dict):
        return False
    conditions, groups = group.get("conditions") or [], group.get("groups") or []
    if not isinstance(conditions, list) or not isinstance(groups, list):
        return False
    parts = [*map(_impossible, conditions), *map(matches_nobody, groups)]
    if group.get("operator") == "AND":
        return any(parts)
    return group.get("operator") == "OR" and bool(parts) and all(parts)
