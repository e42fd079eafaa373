"""A difference as lines: a response beside what was expected, and beside the last live recording.

Short and printable, whatever a response holds. Where the documentation names a kind of value, the expected side does.
"""

import copy
import difflib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from trackly_contract.core import (
    ABSENT,
    JSON,
    Request,
    Response,
    differences,
    laid_out,
    nesting,
    one_line,
    short,
    value_at,
)
from trackly_contract.judge import Cache, Finding, Rejection, Success, Value, Words, actual_text, expected_text

LARGEST = 20_000
"""Bytes of a body that is spread over lines."""

MOST_BLANKS = 1_000_000
"""Bytes times nesting of such a body: deep nesting makes a megabyte of blanks of a kilobyte."""

MOST_LINES = 400
"""Lines of one side that are compared; finding the fewest differences takes time in the square of them."""

MOST_SHOWN = 40
"""Lines of one difference that are shown."""

MOST_RUN = 12
"""Lines in a row of one side alone that are shown."""

AROUND = 2
"""Lines that both sides have in common, shown before and after a difference."""


class Line(NamedTuple):
    """One line: on both sides, on the first alone (-), or on the second alone (+)."""

    mark: Literal[" ", "-", "+"]
    text: str


def expected_and_actual(finding: Finding) -> tuple[Line, ...]:
    """Return the response beside what was expected of it; in words where that cannot be shown field by field."""
    response = finding.exchange.response
    value = readable(response)
    match finding.expected:
        case Success():
            return _lines(["HTTP 2xx", "(the audience)"], _spread(response))
        case Rejection(status, code):
            text = value.get("error") if isinstance(value, dict) and not response.succeeded else None
            promised = {"error": text if isinstance(text, str) else Words("a text for people"), "code": code}
            if isinstance(value, dict) and list(value)[:1] == ["code"]:
                promised = dict(reversed(promised.items()))
            return _lines([f"HTTP {status}", *_pretty(promised)], _spread(response))
    wanted = copy.deepcopy(value)
    if isinstance(wanted, dict) and _expect(wanted, finding):
        return _lines(_pretty(wanted), _pretty(value))
    return Line("-", short(expected_text(finding))), Line("+", short(actual_text(finding)))


def _expect(wanted: dict[str, JSON], finding: Finding) -> bool:
    """Put what was expected into a copy of the response; return whether it has a field there."""
    expected, words = finding.expected, Words(expected_text(finding))
    if isinstance(finding.actual, Cache):
        known = "cached_size" in wanted or "cached_size_updated_at" in wanted
        size, updated_at = (expected.size, expected.updated_at) if isinstance(expected, Cache) else (words, words)
        wanted |= {"cached_size": size, "cached_size_updated_at": updated_at}
        return known
    return bool(finding.at) and _put(wanted, finding.at, expected.json if isinstance(expected, Value) else words)


def then_and_now(then: Response, now: Response, at: str = "") -> tuple[Line, ...]:
    """Return a response beside the recorded one; of values that differ in content alone only what stands at `at`."""
    old, new = readable(then), readable(now)
    if old is ABSENT or new is ABSENT:
        return _lines(_spread(then), _spread(now))
    if then.succeeded and now.succeeded:
        recorded, old = old, copy.deepcopy(new)
        for place, before, after in differences(recorded, new):
            in_a_list = any(name.isdecimal() for name in place.split("/"))
            if (at and f"{place}/".startswith(f"{at}/")) or (type(before) is not type(after) and not in_a_list):
                _put(old, place, before)
    return _lines([f"HTTP {then.status}", *_pretty(old)], [f"HTTP {now.status}", *_pretty(new)])


def _put(value: JSON, pointer: str, promised: object) -> bool:
    """Put a value at a JSON Pointer, or take it away if it is ABSENT; return whether that was possible."""
    head, _, last = pointer.rpartition("/")
    name = last.replace("~1", "/").replace("~0", "~")
    holder = value_at(value, head)
    if isinstance(holder, dict):
        holder[name] = promised
        if promised is ABSENT:
            del holder[name]
    elif isinstance(holder, list) and name.isdecimal():
        holder[int(name) : int(name) + 1] = [] if promised is ABSENT else [promised]
    else:
        return False
    return True


def readable(message: Request | Response, most: int = LARGEST) -> JSON:
    """Return the JSON of a body; ABSENT for anything else, and for what is longer than `most` or too deep."""
    size = len(message.body)
    return ABSENT if size > most or size * nesting(message.body) > MOST_BLANKS else message.json.strict


def _pretty(value: JSON) -> list[str]:
    """Return a value as lines; words in it stand in parentheses, and not in quotes like a string of a response."""
    said: list[str] = []

    def word(value: object) -> str:
        said.append(one_line(value.text if isinstance(value, Words) else repr(value)))
        return f"\0{len(said) - 1}\0"

    text = laid_out(value, default=word, width=80)
    for number, words in enumerate(said):
        text = text.replace(f'"\\u0000{number}\\u0000"', f"({words})")
    return text.split("\n")


def _spread(response: Response) -> list[str]:
    """Return a response as lines: its status, and its body."""
    value = readable(response)
    if value is not ABSENT:
        return [f"HTTP {response.status}", *_pretty(value)]
    body = response.body[:LARGEST].decode("utf-8", "replace")
    return [f"HTTP {response.status}", *(body.split("\n")[:MOST_SHOWN] if body else ["(no body)"])]


def _lines(before: Sequence[str], after: Sequence[str]) -> tuple[Line, ...]:
    """Return two texts as one, empty if they are the same; long stretches and long lines are cut."""
    before, after = ([short(line, 240) for line in side[:MOST_LINES]] for side in (before, after))
    bare, other = (
        [line.removesuffix(",") for line in side] for side in (before, after)
    )  # a comma comes with the next field
    groups = list(difflib.SequenceMatcher(None, bare, other).get_grouped_opcodes(AROUND))
    left_out, found = Line(" ", "..."), list[Line]()
    for group in groups:
        found += [left_out] if group[0][1] else []
        for tag, one, two, three, four in group:
            if tag == "equal":
                found += [Line(" ", line) for line in after[three:four]]
            else:
                found += _cut([Line("-", line) for line in before[one:two]], MOST_RUN)
                found += _cut([Line("+", line) for line in after[three:four]], MOST_RUN)
    found += [left_out] if groups and groups[-1][-1][2] < len(before) else []
    return tuple(_cut(found, MOST_SHOWN))


def _cut(lines: list[Line], most: int) -> list[Line]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], Line(" ", f"... ({len(lines) - most + 1} more lines)")]
