"""What the body of a recorded update shows: the rules it is about, its words, and whether it is of ordinary size.

Promises: says nothing of what an API makes of it.
Refuses: to read JSON, and to judge a body (judge_request.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.core import JSON

Word = tuple[str, str, str]
"""A word of the filter language in its place: condition type, member, word."""

MOST_PARTS = 10
"""Conditions and groups of a filter, and lists, that no limit which a page leaves open can be about."""

LARGEST_NUMBER = 1_000
LONGEST_NAME = 255


def shown(body: dict[str, JSON]) -> set[str]:
    """Return the rules about what is accepted that an accepted update shows to hold."""
    found = {"update.optional"} if len(body) == 1 else set[str]()
    if isinstance(body.get("name"), str) and len(body["name"]) == LONGEST_NAME:
        found.add("update.name.longest")
    for part in _parts(body):
        found.add("filter.operator.known")
        if part.get("groups"):
            found.add("filter.nested")
        kind = part.get("condition_type")
        found |= {f"filter.{kind}.known"} if kind in ("time", "count") else set()
    return found


def words(body: JSON) -> Iterator[Word]:
    """Yield every word of every condition, with its place in the language."""
    for part in _parts(body):
        kind = part.get("condition_type")
        if isinstance(kind, str):
            yield from ((kind, name, word) for name, word in part.items() if isinstance(word, str))


def word_at(body: JSON, place: str) -> Word | None:
    """Return the word at a JSON Pointer into the body, None if no condition has one there."""
    *steps, name = place.split("/")[1:] or [""]
    for step in steps:
        if isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        elif isinstance(body, dict) and step in body:
            body = body[step]
        else:
            return None
    kind, word = (body.get("condition_type"), body.get(name)) if isinstance(body, dict) else (None, None)
    return (kind, name, word) if isinstance(kind, str) and isinstance(word, str) else None


def modest(body: JSON, *, counts: bool = True) -> bool:
    """Whether a body is as small as those of the documentation: no limit that nobody states can be about it.

    The pages leave open how many conditions, how large a number, how long a description may be. Without `counts`
    only the numbers of time conditions are looked at: how far back a window may reach is a question of its own.
    """
    if not isinstance(body, dict) or len(str(body.get("description") or "")) > LONGEST_NAME:
        return False
    lists = body.get("source_lists")
    parts = list(_parts(body))
    numbered = [part for part in parts if counts or part.get("condition_type") == "time"]
    numbers = (value for part in numbered for value in part.values() if isinstance(value, int | float))
    many = max(len(parts), len(lists) if isinstance(lists, list) else 0)
    return many <= MOST_PARTS and all(abs(number) <= LARGEST_NUMBER for number in numbers)


def _parts(body: JSON) -> Iterator[dict[str, JSON]]:
    """Yield every group and condition of the filter. Without recursion."""
    pending = [body.get("filter")] if isinstance(body, dict) else []
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            for members in (part.get("groups"), part.get("conditions")):
                pending.extend(members if isinstance(members, list) else ())
