"""What can be said of a filter without any server: its parts, its two spellings, its depth, whom it matches.

Does not say whether an API accepts a filter (decide.py).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from trackly_contract.core import ABSENT, JSON, differences

IMPOSSIBLE_COUNT = 2_000_000_000
"""No contact has as many clicks; still within 32 bits, so that no server overflows."""

GUARD: dict[str, JSON] = {
    "condition_type": "count",
    "field": "click_count",
    "operator": "gte",
    "value": IMPOSSIBLE_COUNT,
}
"""A condition that no contact meets. It stands first in a filter that matches nobody."""

CONTRADICTION: tuple[dict[str, JSON], ...] = (
    {"condition_type": "time", "field": "signup_date", "operator": "exists"},
    {"condition_type": "time", "field": "signup_date", "operator": "not_exists"},
)
"""Conditions that no contact meets together: one says what the other denies. They stand last.

With GUARD they share no type, field or operator, and they have no value, so whatever one change of an API does to the
tokens of one, the other still matches nobody (docs/adr/0017-two-guards.md).
"""


def guarded(
    *conditions: JSON, groups: Sequence[JSON] = (), last: Sequence[dict[str, JSON]] = CONTRADICTION
) -> dict[str, JSON]:
    """Return a filter that matches nobody, whatever conditions and groups it holds between GUARD and `last`."""
    found: dict[str, JSON] = {"operator": "AND", "conditions": [GUARD, *conditions, *last]}
    return {**found, "groups": [*groups]} if groups else found


NOBODY = guarded()
"""The smallest filter that matches no one."""

_EXPLAINED = frozenset(
    {"operator", "conditions", "groups", "conditionType", "condition_type", "field", "value", "unit"}
)
"""Keys of groups and conditions that a page explains; `listId` is only named."""


class Part(NamedTuple):
    """A group or a condition of a filter, with its JSON Pointer from the filter on: "", `/groups/0/conditions/1`.

    `depth` is that of its group: 1 for the filter itself and its conditions.
    """

    path: str
    fields: dict[str, JSON]
    is_group: bool
    depth: int


def parts_of(group: JSON) -> Iterator[Part]:
    """Yield the groups and conditions of a filter: a group, its conditions, then its nested groups with theirs.

    Passes over what is no object. Without recursion, so that any depth is walked.
    """
    pending = [Part("", group, is_group=True, depth=1)]
    while pending:
        part = pending.pop()
        if not isinstance(part.fields, dict):
            continue
        yield part
        for name, depth in (("groups", part.depth + 1), ("conditions", part.depth)) if part.is_group else ():
            entries = part.fields.get(name)
            listed = entries if isinstance(entries, list) else []
            below = [Part(f"{part.path}/{name}/{i}", entry, name == "groups", depth) for i, entry in enumerate(listed)]
            pending += reversed(below)


def depth(group: JSON) -> int:
    """Return how deep groups nest: 1 for a filter without nested groups, 0 for what is no filter."""
    return max((part.depth for part in parts_of(group)), default=0)


def camel_case(key: str) -> str:
    """Return a key in snake_case as a response spells it: `list_id` as `listId`."""
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda found: found[1].upper(), key)


def snake_case(key: str) -> str:
    """Return a key in camelCase as a request spells it: `listId` as `list_id`.

    Each capital begins a word (`listID` becomes `list_i_d`), since only then `camel_case` gives the same key back. A
    key that begins with a capital is not camelCase and stays as it is.
    """
    return key if key[:1].isupper() else re.sub(r"(?<=[A-Za-z0-9])[A-Z]", lambda found: f"_{found[0].lower()}", key)


def _converted(group: JSON, convert: Callable[[str], str], *, fill: bool) -> JSON:
    if not isinstance(group, dict):
        return group
    result = dict(group)
    if isinstance(group.get("conditions"), list):
        result["conditions"] = [
            {convert(name): member for name, member in entry.items()} if isinstance(entry, dict) else entry
            for entry in group["conditions"]
        ]
    if isinstance(group.get("groups"), list):
        result["groups"] = [_converted(entry, convert, fill=fill) for entry in group["groups"]]
    return result | {name: [] for name in ("conditions", "groups") if fill and name not in result}


def as_answered(group: JSON) -> JSON:
    """Return the filter of a request as a response shows it: camelCase keys in conditions, no list left out.

    Source: update-audience, Response Fields (filter) and the example's response (`groups` printed, not sent).
    """
    return _converted(group, camel_case, fill=True)


def as_request(group: JSON) -> JSON:
    """Return the filter of a response as a request sends it: snake_case keys in conditions.

    Source: update-audience, example request; the rest of the filter stays as it is.
    """
    return _converted(group, snake_case, fill=False)


def filter_differences(expected: JSON, got: JSON) -> Iterator[tuple[str, JSON, JSON, bool]]:
    """Yield `(path, expected, actual, grave)` for each difference between two filters of responses.

    Not grave, since the documentation leaves it open: a list left out for an empty one, null for a field left out, an
    integer printed with a fraction of zero, and whatever happens to a key that no page explains. Everything else is
    grave.
    """
    for path, one, other in differences(expected, got):
        steps = path.split("/")[1:]
        key = steps[-1] if steps else ""
        if key in ("conditions", "groups") and (one, other) in (([], ABSENT), (ABSENT, [])):
            continue
        unexplained = any(not step.isdigit() and step not in _EXPLAINED for step in steps)
        new_key = unexplained or (one is ABSENT and not key.isdigit())
        missing_null = one is None and other is ABSENT
        same_number = {type(one), type(other)} <= {int, float} and one == other
        yield path, one, other, not (new_key or missing_null or same_number)


def matches_nobody(group: JSON) -> bool:
    """Whether a filter (as sent) matches no contact, even where a server loses or misreads any one part of it.

    An AND group does that holds GUARD and CONTRADICTION, or two groups that match nobody; an OR group of nothing but
    two or more groups that match nobody.
    """
    if not isinstance(group, dict):
        return False
    conditions, groups = group.get("conditions") or [], group.get("groups") or []
    if not isinstance(conditions, list) or not isinstance(groups, list):
        return False
    held = [entry.items() for entry in conditions if isinstance(entry, dict)]
    both = all(any(guard.items() <= items for items in held) for guard in (GUARD, *CONTRADICTION))
    match group.get("operator"):
        case "AND":
            return both or sum(map(matches_nobody, groups)) > 1
        case "OR":
            return not conditions and len(groups) > 1 and all(map(matches_nobody, groups))
        case _:
            return False
