"""A small made population, and an evaluator of filters over it: who would get a message.

Reads generously, so that a filter that matches nobody here matches nobody by any reading of its tokens. Does not say
what the API does with times that never happened: either reading counts as a match.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from trackly_contract.contract import IMPOSSIBLE_COUNT, parts_of

YEAR = 525_600
CONTACTS: list[dict[str, Any]] = [
    {"click_count": clicks, "send_count": sends, "last_clicked_at": seen, "last_sent_at": sent, "signup_date": signup}
    for clicks, sends in ((0, 0), (1, 60), (10**6, 10**9), (IMPOSSIBLE_COUNT - 1, IMPOSSIBLE_COUNT - 1))
    for seen, sent in ((None, None), (None, 1), (0, 99 * YEAR), (60, 30 * 1440))
    for signup in (0, 1440, 99 * YEAR, None)
]
"""People with extreme histories; times are minutes ago, None is never."""

MINUTES = {"minutes": 1, "hours": 60, "days": 1440}

Misread = tuple[str, str]
"""A key of conditions and a word: each condition with that word counts as met by everybody."""

AS_IT_IS: Misread = ("", "")


def _timed(age: int | None, operator: str, span: int) -> bool:
    """Whether a time is met; of somebody to whom it never happened, whatever is the more generous reading."""
    if age is None:
        return operator in ("not_within", "before", "not_exists")
    return {
        "within": age <= span,
        "not_within": age > span,
        "before": age >= span,
        "after": age <= span,
        "exists": True,
    }.get(operator, False)


def meets(contact: dict[str, Any], condition: dict[str, Any]) -> bool:
    """Whether a contact meets a condition, read generously: whatever is not understood is met."""
    field, operator, value = (condition.get(key) for key in ("field", "operator", "value"))
    named = isinstance(field, str) and field in contact and isinstance(operator, str)
    understood = named and (value is None or type(value) is int)
    if condition.get("condition_type") == "time" and understood:
        unit = condition.get("unit")
        if operator in ("exists", "not_exists"):
            return _timed(contact[str(field)], operator, 0)
        if value is None or not isinstance(unit, str) or unit not in MINUTES:
            return True
        return _timed(contact[str(field)], str(operator), value * MINUTES[unit])
    if condition.get("condition_type") == "count" and understood and value is not None:
        count = contact[str(field)]
        signs = {"gte": count >= value, "gt": count > value, "eq": count == value, "ne": count != value}
        return bool(signs.get(str(operator), True))
    return True


def _entries(group: dict[str, Any], name: str) -> list[Any]:
    found = group.get(name)
    return found if isinstance(found, list) else []


def matched(contact: dict[str, Any], group: Any, misread: Misread = AS_IT_IS) -> bool:
    """Whether a contact is in an audience with this filter, as a request spells it.

    What is no group matches everybody, and so does a group that negates or has nothing in it.
    """
    if not isinstance(group, dict) or group.get("operator") in ("NOT", "NAND", "NOR", "NONE"):
        return True
    (key, word), conditions, groups = misread, _entries(group, "conditions"), _entries(group, "groups")
    if not conditions and not groups:
        return True
    parts = itertools.chain(
        (not isinstance(one, dict) or one.get(key, 0) == word or meets(contact, one) for one in conditions),
        (matched(contact, nested, misread) for nested in groups),
    )
    return all(parts) if group.get("operator") == "AND" else any(parts)


def anybody(group: Any, misread: Misread = AS_IT_IS) -> bool:
    """Whether a filter matches anyone of the population."""
    return any(matched(contact, group, misread) for contact in CONTACTS)


def losses(group: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the filter without each of its conditions and groups, at any depth, with what is lost.

    Of entries of one list that are alike one is left out.
    """
    for name in ("conditions", "groups"):
        entries = _entries(group, name)
        texts = [json.dumps(entry) for entry in entries]
        for index, text in enumerate(texts):
            if texts.index(text) == index:
                yield text, {**group, name: [*entries[:index], *entries[index + 1 :]]}
    groups = _entries(group, "groups")
    for index, nested in enumerate(groups):
        for text, lost in losses(nested) if isinstance(nested, dict) else ():
            yield text, {**group, "groups": [*groups[:index], lost, *groups[index + 1 :]]}


def misreadings(group: dict[str, Any]) -> set[Misread]:
    """Return each condition type, field and operator of the conditions of a filter."""
    conditions = [part.fields for part in parts_of(group) if not part.is_group]
    return {
        (key, condition[key])
        for condition in conditions
        for key in ("condition_type", "field", "operator")
        if isinstance(condition.get(key), str)
    }


def harm(group: Any) -> str:
    """Say what makes a filter match somebody, "" if nothing does: itself, one part lost, or one word misread."""
    if anybody(group):
        return "as it is"
    lost = (f"without {text}" for text, rest in losses(group) if anybody(rest))
    read = (
        f"where {key} {word} means everybody" for key, word in sorted(misreadings(group)) if anybody(group, (key, word))
    )
    return next(lost, "") or next(read, "")
