"""What may be taken for the original of an audience: what can be written back, and no run left behind."""

from trackly_contract.contract import GUARD, UPDATE_FIELDS, Part, contract, parts_of, snake_case
from trackly_contract.core import JSON, same, show

SENT_FIRST = ("update.description/unicode", "update.name.longest/255", "update.cache.kept/name-and-description")
"""The vectors that are sent while the audience's own filter stands: by their texts an interrupted run is recognized."""

_CONDITION = frozenset({"conditionType", "condition_type", "field", "operator", "value", "unit"})
_GROUP = frozenset({"operator", "conditions", "groups"})


def unfit(audience: dict[str, JSON]) -> list[str]:
    """Return why an audience may not survive being written back, in words; empty if it does.

    A description that is null was never given; "" takes its place, which the documentation does not tell apart.
    """
    reasons = [f"it shows no {name}" for name in UPDATE_FIELDS if name not in audience]
    nulls = [name for name in UPDATE_FIELDS if audience.get(name, "") is None and name != "description"]
    reasons += [f"its {name} is null, and no page says how to send that" for name in nulls]
    documented = contract().vocabulary.words("condition_type")
    for part in parts_of(audience.get("filter")):
        known = _GROUP if part.is_group else _CONDITION
        strange = sorted(name for name, value in part.fields.items() if name not in known and value is not None)
        reasons += [f"/filter{part.path} has {', '.join(strange)}, which no page says how to send"] if strange else []
        if isinstance(part.fields.get("value"), dict):
            reasons.append(f"/filter{part.path}/value is an object, and no page says how to send that")
        kind = part.fields.get("conditionType", part.fields.get("condition_type"))
        if not part.is_group and kind not in documented:
            reasons.append(f"/filter{part.path} is of the type {show(kind, 60)}, which no page lists")
    return reasons


def is_leftover(audience: dict[str, JSON]) -> bool:
    """Whether an audience is what an interrupted run left: it bears the suite's own filter, or texts."""
    bodies = [contract().requests[name].body for name in SENT_FIRST]
    texts = [(name, value) for body in bodies for name, value in body.items()]
    named = any(audience.get(name) == value for name, value in texts)
    return named or any(map(_is_guard, parts_of(audience.get("filter"))))


def _is_guard(part: Part) -> bool:
    return not part.is_group and same({snake_case(name): value for name, value in part.fields.items()}, GUARD)
