"""A difference as lines: the answer beside what was expected, and beside the last live recording.

Promises: short, whatever an answer holds; every line is printable; what only says that the audience has other content
than the recorded one is not shown as a difference.
Refuses: to judge, and to make up what nobody promised: where the documentation names a kind of value, the expected side
says the kind.
"""

import copy
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trackly_contract.core import ABSENT, JSON, Response, laid_out, nesting, one_line, short, value_at
from trackly_contract.judge import Cache, Finding, Rejection, Success, Value, actual_text, expected_text

LARGEST = 20_000
"""Bytes of a body that is held beside another line by line."""

MOST_LINES = 400
"""Lines of one side that are compared; finding the fewest differences takes time in the square of them."""

MOST_SHOWN = 40
"""Lines of one difference that are shown."""

MOST_RUN = 12
"""Lines in a row of one side alone that are shown."""

AROUND = 2
"""Lines that both sides have in common, shown before and after a difference."""

DEEPEST = 60

Kind = Literal["same", "gone", "came", "left out"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: on both sides, on the first alone (gone), on the second alone (came), or a mark for lines left out."""

    kind: Kind
    text: str

    @property
    def mark(self) -> str:
        """What stands before the line, so that no colour is needed."""
        return {"same": " ", "gone": "-", "came": "+", "left out": " "}[self.kind]


class _Said:
    """A kind of value, in words, where the documentation promises no more."""

    def __init__(self, text: str) -> None:
        self.text = text


def expected_and_actual(finding: Finding) -> tuple[Line, ...]:
    """Return the response beside what was expected of it, as lines."""
    if finding.exchange is None:
        return _words(finding)
    response = finding.exchange.response
    answer = _json(response)
    match finding.expected:
        case Success():
            return _lines(["HTTP 2xx", "(the updated audience)"], _spread(response))
        case Rejection(status, code):
            text = answer.get("error") if isinstance(answer, dict) and not response.succeeded else None
            promised = {"error": text if isinstance(text, str) else _Said("a text for people"), "code": code}
            if isinstance(answer, dict) and list(answer)[:1] == ["code"]:
                promised = dict(reversed(promised.items()))
            return _lines([f"HTTP {status}", *_pretty(promised)], _spread(response))
    wanted = _wanted(finding, answer)
    return _words(finding) if wanted is ABSENT else _lines(_pretty(wanted), _pretty(answer))


def then_and_now(then: Response, now: Response, at: str = "") -> tuple[Line, ...]:
    """Return a response beside the recorded one, as lines; of values that differ in content alone only that at `at`.

    Empty if nothing else differs, or if one of them cannot be shown so.
    """
    old, new = _json(then), _json(now)
    if old is ABSENT or new is ABSENT:
        return _lines(_spread(then), _spread(now))
    if then.succeeded and now.succeeded:
        old = _aligned(old, new, at)
    before, after = [f"HTTP {then.status}", *_pretty(old)], [f"HTTP {now.status}", *_pretty(new)]
    return _lines(before, after) if before != after else ()


# What was expected ---------------------------------------------------------------------------------


def _wanted(finding: Finding, answer: JSON) -> JSON:
    """Return the response as it should have been, ABSENT if that cannot be told field by field."""
    if not isinstance(answer, dict):
        return ABSENT
    wanted = copy.deepcopy(answer)
    expected = finding.expected
    if isinstance(finding.actual, Cache):
        said = _Said(expected_text(finding))
        size, updated_at = (expected.size, expected.updated_at) if isinstance(expected, Cache) else (said, said)
        wanted |= {"cached_size": size, "cached_size_updated_at": updated_at}
        return wanted if any(name in answer for name in ("cached_size", "cached_size_updated_at")) else ABSENT
    if not finding.at:
        return ABSENT
    promised = expected.json if isinstance(expected, Value) else _Said(expected_text(finding))
    return wanted if _put(wanted, finding.at, promised) else ABSENT


def _put(value: Any, pointer: str, promised: Any) -> bool:
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


# What was recorded ---------------------------------------------------------------------------------


def _aligned(then: JSON, now: JSON, place: str) -> JSON:
    """Return the recorded value with what only differs in content as it is now: a recording keeps stand-ins of it."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {name: _aligned(value, now.get(name, ABSENT), _below(place, name)) for name, value in then.items()}
    if isinstance(then, list) and isinstance(now, list) and place:
        both = min(len(then), len(now))
        return [_aligned(then[i], now[i], _below(place, str(i))) for i in range(both)] + now[both:]
    if place == "/" or type(then) is not type(now):
        return then
    return now


def _below(place: str, name: str) -> str:
    """Return what is left of a place after one step: "/" if it ends there, "" if it leads elsewhere."""
    first, _, rest = place.removeprefix("/").partition("/")
    if not place or first.replace("~1", "/").replace("~0", "~") != name:
        return ""
    return f"/{rest}"


# Lines ---------------------------------------------------------------------------------------------


def _json(response: Response) -> JSON:
    body = response.body
    if not body or len(body) > LARGEST or nesting(body) > DEEPEST:
        return ABSENT
    return response.json.strict


def _pretty(value: JSON) -> list[str]:
    said: list[str] = []

    def word(value: object) -> str:
        said.append(value.text if isinstance(value, _Said) else repr(value))
        return f"\u0000{len(said) - 1}\u0000"

    text = laid_out(value, default=word, width=80)
    for number, words in enumerate(said):
        text = text.replace(f'"\\u0000{number}\\u0000"', f"({one_line(words)})")
    return text.split("\n")


def _spread(response: Response) -> list[str]:
    """Return an answer as lines: its status, and its body."""
    answer = _json(response)
    if answer is not ABSENT:
        return [f"HTTP {response.status}", *_pretty(answer)]
    body = response.body[:LARGEST].decode("utf-8", "replace")
    return [f"HTTP {response.status}", *(body.split("\n")[:MOST_SHOWN] if body else ["(no body)"])]


def _one_side(kind: Kind, lines: Sequence[str]) -> list[Line]:
    if len(lines) <= MOST_RUN:
        return [Line(kind, line) for line in lines]
    more = Line("left out", f"... ({len(lines) - MOST_RUN + 1} more lines)")
    return [*(Line(kind, line) for line in lines[: MOST_RUN - 1]), more]


def _words(finding: Finding) -> tuple[Line, ...]:
    return Line("gone", short(expected_text(finding))), Line("came", short(actual_text(finding)))


def _comparable(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Return both sides without the commas at line ends: they come and go with the member that follows."""
    bare = [[line.removesuffix(",") for line in side] for side in (before, after)]
    return (bare[0], bare[1]) if bare[0] != bare[1] else (before, after)


def _lines(before: Sequence[str], after: Sequence[str]) -> tuple[Line, ...]:
    """Return two texts as one: what both have, what only one has; long stretches and long lines cut."""
    before, after = ([short(line, 240) for line in side[:MOST_LINES]] for side in (before, after))
    found: list[Line] = []
    matcher = difflib.SequenceMatcher(None, *_comparable(before, after), autojunk=True)
    for group in matcher.get_grouped_opcodes(AROUND):
        if found or group[0][1] > 0:
            found.append(Line("left out", "..."))
        for tag, one, two, three, four in group:
            if tag == "equal":
                found += [Line("same", line) for line in after[three:four]]
                continue
            found += [*_one_side("gone", before[one:two]), *_one_side("came", after[three:four])]
        if group[-1][2] < len(before):
            found.append(Line("left out", "..."))
    found = [line for at, line in enumerate(found) if not (at and line.kind == found[at - 1].kind == "left out")]
    if len(found) > MOST_SHOWN:
        return *found[:MOST_SHOWN], Line("left out", f"... ({len(found) - MOST_SHOWN} more lines)")
    return tuple(found)
