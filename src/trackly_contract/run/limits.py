"""Limits: how long, how deep, how many, found by bisection between a floor and a ceiling.

Promises: of a limit that is claimed, the size itself was accepted and the next one refused; nothing above the ceiling
is ever sent, so that nobody's server is loaded to learn it; every body would match nobody.
Refuses: to judge: apart from the 255 characters of a name no page states a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackly_contract.contract import GUARD, NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.core import JSON
    from trackly_contract.run.precedence import Ask

ACCEPTED = "accepted"
"""What an `Ask` says of an update that was accepted."""

PHONE, ACCENT = "\N{MOBILE PHONE}", "e\u0301"


@dataclass(frozen=True)
class Size:
    """Something whose size may be limited: `body` makes an update of a size; `unit` is what is counted."""

    id: str
    asks: str
    unit: str
    floor: int
    ceiling: int
    body: Callable[[int], dict[str, JSON]]


@dataclass(frozen=True)
class Limit:
    """What was found of a size: the `largest` that was accepted, None if not even the floor was.

    `refused_with` is what was said of the next larger one; empty if the ceiling itself was accepted.
    """

    size: Size
    largest: int | None
    refused_with: str
    requests: int

    @property
    def said(self) -> str:
        """The limit in words."""
        unit = self.size.unit
        if self.largest is None:
            return f"{self.size.floor} {unit} were not accepted: {self.refused_with}"
        if not self.refused_with:
            return f"{self.largest} {unit} are accepted, and more were not asked for"
        return f"{self.largest} {unit} are accepted, {self.largest + 1} are not: {self.refused_with}"


def find_limit(size: Size, ask: Ask) -> Limit:
    """Find the largest size that is accepted: the ceiling is asked first, then the floor, then what lies between."""
    answers: dict[int, str] = {}

    def accepted(number: int) -> bool:
        answers[number] = ask(size.body(number))
        return answers[number] == ACCEPTED

    if accepted(size.ceiling):
        return Limit(size, size.ceiling, "", len(answers))
    if not accepted(size.floor):
        return Limit(size, None, answers[size.floor], len(answers))
    largest, refused = size.floor, size.ceiling
    while refused - largest > 1:
        middle = (largest + refused) // 2
        if accepted(middle):
            largest = middle
        else:
            refused = middle
    return Limit(size, largest, answers[refused], len(answers))


def sizes() -> list[Size]:
    """Return all sizes that are asked about."""
    return [
        Size("name", "How long may a name be?", "plain letters", 1, 300, lambda n: {"name": "x" * n}),
        Size(
            "name of pictures",
            "How many characters of two UTF-16 units and four bytes may a name have?",
            "pictures (each 1 code point, 2 UTF-16 units, 4 bytes)",
            1,
            300,
            lambda n: {"name": PHONE * n},
        ),
        Size(
            "name of accents",
            "How many letters of two code points may a name have?",
            "letters with a combining accent (each 1 grapheme, 2 code points)",
            1,
            300,
            lambda n: {"name": ACCENT * n},
        ),
        Size(
            "description",
            "How long may a description be?",
            "plain letters",
            1,
            20_000,
            lambda n: {"description": "x" * n},
        ),
        Size("depth", "How deep may groups nest?", "groups inside one another", 1, 100, lambda n: {"filter": _deep(n)}),
        Size(
            "conditions",
            "How many conditions may a group hold?",
            "conditions",
            1,
            1000,
            lambda n: {"filter": {"operator": "AND", "conditions": [GUARD] * n}},
        ),
        Size(
            "groups",
            "How many nested groups may a group hold?",
            "nested groups",
            1,
            500,
            lambda n: {"filter": {**NOBODY, "groups": [NOBODY] * n}},
        ),
    ]


def _deep(levels: int) -> dict[str, JSON]:
    found = dict(NOBODY)
    for _ in range(levels - 1):
        found = {**NOBODY, "groups": [found]}
    return found


def counted_in(letters: Limit, pictures: Limit, accents: Limit) -> str:
    """Return what the characters of a name are counted in, from the limits of three kinds of names.

    Empty where they do not agree with one unit, or no limit was found.
    """
    found = [limit.largest if limit.refused_with else None for limit in (letters, pictures, accents)]
    longest, drawn, accented = found
    if longest is None or drawn is None or accented is None:
        return ""
    units = {
        (longest, longest): "graphemes",
        (longest, longest // 2): "code points",
        (longest // 2, longest // 2): "UTF-16 units",
        (longest // 4, longest // 3): "bytes of UTF-8",
    }
    return units.get((drawn, accented), "")
