"""JSON as it is on the wire: strict reading, typed equality, differences by position; and as people write it.

`1`, `1.0` and `true` are three values. What RFC 8259 or Python does not allow is named, never a crash or repaired.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeAlias

from trackly_contract.core.text import printable, shortened

JSON: TypeAlias = Any
"""None, bool, int, float, str, list of JSON, dict of str to JSON."""

MAX_NESTING = 300
"""Deepest nesting of arrays and objects that is read. A filter of 100 groups nests 203 deep; far beyond
that, recursive readers overflow (`json.loads` itself at about 990 on CPython 3.11)."""

LONGEST_STEP = 200
"""Characters of a key that a place shows: a place is made anew for whatever stands below it."""

_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS = bytes(set(range(256)) - set(_STEPS))


class _Absent:
    """Stands for a member or item that is not there; unlike None it is no JSON value."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()
"""The value of what is not there."""


class NotJSONError(ValueError):
    """The bytes are not JSON that can be judged; the text says why and, where it can, at which place."""


def nesting(body: bytes) -> int:
    """Return how deep arrays and objects nest in `body`, without recursion; strings are passed over."""
    outside = _STRINGS.sub("", body.decode("latin-1"))  # text, for the parts of bytes are joined at 80 bytes each
    brackets = outside.encode("latin-1").translate(None, _OTHERS)
    return max(accumulate(map(_STEPS.__getitem__, brackets), initial=0))


def _refuse_constant(name: str) -> float:
    raise NotJSONError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJSONError(f"the number {text[:40]} is too large for a double")
    return number


def _whole(text: str) -> int:
    if len(text) > 4000:
        raise NotJSONError(f"an integer of {len(text)} digits is more than can be read")
    return int(text)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body, read once. `value` is ABSENT where it is not JSON; of equal keys it has the last, as most servers do.

    `error` says why the body is not JSON, or which key stands twice in one object; it is empty otherwise.
    """

    value: JSON
    error: str = ""

    @property
    def strict(self) -> JSON:
        """The value of a body in which no key stands twice; ABSENT for any other."""
        return ABSENT if self.error else self.value

    @property
    def fields(self) -> dict[str, JSON]:
        """The fields of an object; none where the body is anything else."""
        return self.value if isinstance(self.value, dict) else {}


def read_json(body: bytes) -> Parsed:
    """Read one JSON value from UTF-8 bytes; raises nothing.

    Everything that RFC 8259 does not allow, and what is nested deeper than MAX_NESTING, is an error.
    """
    twice: list[str] = []

    def unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        found = dict(pairs)
        if len(found) != len(pairs) and not twice:
            key = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
            twice.append(f"the key {shortened(repr(key), 100)} appears twice in one object")
        return found

    if nesting(body) > MAX_NESTING:
        return Parsed(ABSENT, f"arrays and objects nest deeper than {MAX_NESTING}")
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole, object_pairs_hook=unique
        )
    except NotJSONError as error:
        return Parsed(ABSENT, str(error))
    except UnicodeDecodeError as error:
        return Parsed(ABSENT, f"byte {error.start} is not UTF-8")
    except json.JSONDecodeError as error:
        return Parsed(ABSENT, f"{error.msg} at line {error.lineno}, column {error.colno}")
    return Parsed(value, twice[0] if twice else "")


def parse(body: bytes, *, duplicate_keys: bool = False) -> JSON:
    """Return the JSON value of a body.

    `duplicate_keys=True` lets the last of equal keys win; otherwise they are an error. Raises NotJSONError for what
    `read_json` calls an error.
    """
    parsed = read_json(body)
    if parsed.error and (parsed.value is ABSENT or not duplicate_keys):
        raise NotJSONError(parsed.error)
    return parsed.value


def encode(value: JSON) -> bytes:
    """Write `value` as compact ASCII JSON, keys in their order; lone surrogates and emoji as escapes."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def same(one: JSON, other: JSON) -> bool:
    """Whether two values are the same JSON: same types, same numbers as written (1 is not 1.0, nor true)."""
    return next(differences(one, other), None) is None


def differences(one: JSON, other: JSON, place: str = "") -> Iterator[tuple[str, JSON, JSON]]:
    """Yield `(place, in one, in other)` for each differing leaf; `place` is a JSON Pointer, long keys cut.

    A member or item that only one side has is yielded with ABSENT on the other.
    """
    if type(one) is not type(other):
        yield place, one, other
    elif isinstance(one, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from differences(one.get(key, ABSENT), other.get(key, ABSENT), f"{place}/{step(key)}")
    elif isinstance(one, list):
        for index in range(max(len(one), len(other))):
            left = one[index] if index < len(one) else ABSENT
            right = other[index] if index < len(other) else ABSENT
            yield from differences(left, right, f"{place}/{index}")
    elif one != other:
        yield place, one, other


def escape(key: str) -> str:
    """Return `key` as one reference token of a JSON Pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def value_at(value: JSON, pointer: str) -> JSON:
    """Return what a JSON Pointer leads to in a value, ABSENT where it leads nowhere."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ABSENT
    return value


def step(key: str) -> str:
    """Return `key` as one step of a place that is for people: escaped, and cut where it is long."""
    return escape(key if len(key) <= LONGEST_STEP else f"{key[:LONGEST_STEP]}...")


def show(value: JSON, limit: int = 300) -> str:
    """Return `value` as one line of JSON for people, cut in the middle where it is longer than `limit`."""
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False, default=repr)
    return shortened(printable(text), limit)


def laid_out(
    value: JSON, *, ascii_only: bool = False, default: Callable[[object], object] | None = None, width: int = 96
) -> str:
    """Return `value` as JSON over lines of at most `width` characters, where its texts allow it."""
    dumped = json.JSONEncoder(ensure_ascii=ascii_only, default=default).encode

    def laid(part: JSON, indent: int, before: int) -> tuple[str, str]:
        """Return a part in one line, and as it is laid out."""
        if not isinstance(part, (dict, list)) or not part:
            line = dumped(part)
            return line, line
        begin, end = ("{", "}") if isinstance(part, dict) else ("[", "]")
        names = [f"{dumped(name)}: " for name in part] if isinstance(part, dict) else [""] * len(part)
        entries = [
            laid(entry, indent + 2, len(name))
            for name, entry in zip(names, part.values() if isinstance(part, dict) else part, strict=True)
        ]
        lines, texts = ([name + entry[side] for name, entry in zip(names, entries, strict=True)] for side in (0, 1))
        line = f"{begin}{', '.join(lines)}{end}"
        if indent and indent + before + len(line) < width:
            return line, line
        blanks = "\n" + " " * indent
        return line, f"{begin}{blanks}  {f',{blanks}  '.join(texts)}{blanks}{end}"

    return laid(value, 0, 0)[1]
