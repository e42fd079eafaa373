"""A small made population, and an evaluator of filters over it: who would get a message.

Reads generously, so that a filter that matches nobody here matches nobody by any reading of its tokens. Does not say
what the API does with times that never happened: either reading counts as a match.
"""

from typing import Any

from trackly_contract.contract import IMPOSSIBLE_COUNT

YEAR = 525_600
CONTACTS: list[dict[str, Any]] = [
    {"click_count": clicks, "send_count": sends, "last_clicked_at": seen, "last_sent_at": sent, "signup_date": signup}
    for clicks, sends in ((0, 0), (1, 60), (10**6, 10**9), (IMPOSSIBLE_COUNT - 1, IMPOSSIBLE_COUNT - 1))
    for seen, sent in ((None, None), (None, 1), (0, 99 * YEAR), (60, 30 * 1440))
    for signup in (0, 1440, 99 * YEAR)
]
"""People with extreme histories; times are minutes ago, None is never."""

MINUTES = {"minutes": 1, "hours": 60, "days": 1440}


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


def matched(contact: dict[str, Any], group: dict[str, Any]) -> bool:
    """Whether a contact is in an audience with this filter, as a request spells it."""
    parts = [meets(contact, condition) for condition in group.get("conditions", ())]
    parts += [matched(contact, nested) for nested in group.get("groups", ())]
    return all(parts) if group["operator"] == "AND" else any(parts)


def anybody(group: dict[str, Any]) -> bool:
    """Whether a filter matches anyone of the population."""
    return any(matched(contact, group) for contact in CONTACTS)
