"""The one writer that takes the key out of whatever leaves the program.

Promises: no spelling of the key shows: in any letter case; as it is, escaped (URL, JSON, Python, HTML, one inside
another, each character its own way) or broken into lines; in base64 at any of its three offsets. Nor does a piece of
LEAST_SECRET characters that a cut left over: a beginning anywhere, an end after a cut.
Refuses: to look for less than LEAST_SECRET characters, or for what was encrypted, hashed or packed.
"""

import base64
import logging
import re
import string
from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5
from itertools import product
from typing import Any

from trackly_contract.core.json import CUT, JSON, NotJSONError, encode, parse, same
from trackly_contract.core.verdict import InconclusiveError

LEAST_SECRET = 8
"""Characters of a key that are taken for a key; what is shorter opens nothing."""

LEAST_BASE64 = 10
"""Characters of base64 that LEAST_SECRET characters decide alone, whatever stands before and after them."""

TAKEN_OUT = "[key]"

MOST_READINGS = 40
"""Ways to decode one text, one decoder after the other; ordinary texts have one to five."""

_LEFT_OF_AN_ESCAPE = 16
"""Characters of an escape that a cut may leave over."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ONE_BASE64 = str.maketrans("-_", "+/")

_NAMED = {name.removesuffix(";"): char for name, char in html5.items() if char.isascii() and len(char) == 1}
_NAMES = "|".join(sorted(_NAMED, key=len, reverse=True))
_PUNCTUATION = re.escape(string.punctuation)
_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}

_URL = r"%(?:u00)?(?P<url>[0-7][0-9a-fA-F])"
_HTML = rf"&(?:#0{{0,7}}(?P<decimal>\d{{1,3}})|#[xX]0{{0,7}}(?P<hex>[0-9a-fA-F]{{1,2}})|(?P<name>{_NAMES}));?"
_PROGRAM = rf"\\(?:u00(?P<json>[0-7][0-9a-fA-F])|x(?P<python>[0-7][0-9a-fA-F])|(?P<char>[{_PUNCTUATION}nrt]))"

DECODERS = [re.compile(form) for form in (_URL, _HTML, _PROGRAM, f"{_URL}|{_HTML}|{_PROGRAM}", r"(?:\r?\n[ \t]*)+")]
"""What each decoder undoes, in one pass: escapes in URLs, in HTML, in JSON and Python, all of them; line ends."""


def _meant(escape: re.Match[str]) -> str:
    """Return what an escape stands for: one character, none for line ends; itself where it is no ASCII character."""
    kind, text = escape.lastgroup, escape[escape.lastgroup or 0]
    if kind is None:
        return ""
    if kind == "name":
        return _NAMED[text]
    if kind == "char":
        return _BLANKS.get(text, text)
    code = int(text, 10 if kind == "decimal" else 16)
    return chr(code) if code < 128 else escape[0]


@dataclass(frozen=True)
class _Reading:
    """A text as decoders read it, and where each place of it stands in the text that was there first."""

    text: str
    decoded_from: "_Reading | None" = None
    begins: tuple[list[int], list[int]] = ([0], [0])
    ends: tuple[list[int], list[int]] = ([0], [0])

    def decoded(self, decoder: re.Pattern[str]) -> "_Reading":
        """Return what a decoder reads in this reading."""
        pieces, length, done = list[str](), 0, 0
        begins, ends = ([0], [0]), ([0], [0])
        for escape in decoder.finditer(self.text):
            meant = _meant(escape)
            pieces += [self.text[done : escape.start()], meant]
            length += escape.start() - done + len(meant)
            done = escape.end()
            begins[0].append(length)
            begins[1].append(done)
            after = 0 if meant else 1  # what ends where a line ends does not end on the next one
            ends[0].append(length + after)
            ends[1].append(done + after)
        return _Reading("".join((*pieces, self.text[done:])), self, begins, ends)

    def begin(self, place: int) -> int:
        """Return where what begins here begins in the first text."""
        index = bisect_right(self.begins[0], place) - 1
        origin = self.begins[1][index] + place - self.begins[0][index]
        return self.decoded_from.begin(origin) if self.decoded_from else origin

    def end(self, place: int) -> int:
        """Return where what ends here ends in the first text."""
        index = bisect_right(self.ends[0], place) - 1
        origin = self.ends[1][index] + place - self.ends[0][index]
        return self.decoded_from.end(origin) if self.decoded_from else origin


def _readings(text: str) -> list[_Reading]:
    """Return the text and what decoders make of it, those first that take the fewest."""
    readings, seen = [_Reading(text)], {text}
    for reading in readings:
        for decoder in DECODERS:
            if len(readings) < MOST_READINGS and decoder.search(reading.text):
                decoded = reading.decoded(decoder)
                if decoded.text not in seen:
                    seen.add(decoded.text)
                    readings.append(decoded)
    return readings


@dataclass(frozen=True)
class _Needle:
    """One form of a key to look for, in a text that is folded alike, and how many characters of it are too many."""

    text: str
    least: int
    fold: dict[int, int]

    def beginnings(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the form, or a beginning of it, stands in a folded text: begin and end."""
        begin = text.find(self.text[: self.least])
        while begin >= 0:
            length = self.least
            while length < len(self.text) and text[begin + length : begin + length + 1] == self.text[length]:
                length += 1
            yield begin, begin + length
            begin = text.find(self.text[: self.least], begin + 1)

    def endings(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where an ending of the form follows a cut, together with what the cut left of an escape."""
        last = self.text[-self.least :]
        cut = text.find(CUT)
        while cut >= 0:
            begin = cut + len(CUT)
            found = text.find(last, begin, begin + _LEFT_OF_AN_ESCAPE + len(self.text))
            if found >= 0:
                end = found + self.least
                length = self.least
                while length < min(len(self.text), end - begin) and text[end - length - 1] == self.text[-length - 1]:
                    length += 1
                if end - length - begin <= _LEFT_OF_AN_ESCAPE:
                    yield begin, end
            cut = text.find(CUT, begin)


@lru_cache(maxsize=8)
def _needles(secret: str) -> tuple[_Needle, ...]:
    needles = [_Needle(secret.translate(_LOWER), LEAST_SECRET, _LOWER)]
    for spelt, offset in product({secret, secret.lower(), secret.upper(), secret.swapcase()}, range(3)):
        whole = base64.b64encode(b"\0" * offset + spelt.encode("ascii", "replace")).decode("ascii")
        # What base64 always holds of a text where the secret stands in it, at this offset.
        always = whole[-(-8 * offset // 6) : 8 * (offset + len(spelt)) // 6]
        needles.append(_Needle(always, LEAST_BASE64, _ONE_BASE64))
    return tuple(needles)


def _found(text: str, secret: str) -> Iterator[tuple[int, int]]:
    for reading in _readings(text):
        lower, one_base64 = reading.text.translate(_LOWER), reading.text.translate(_ONE_BASE64)
        for needle in _needles(secret):
            folded = lower if needle.fold is _LOWER else one_base64
            for begin, end in (*needle.beginnings(folded), *needle.endings(folded)):
                yield reading.begin(begin), reading.end(end)


def redacted(text: str, secret: str) -> str:
    """Return the text with every spelling of the secret, and what a cut left over of one, taken out."""
    if min(len(secret), len(text)) < LEAST_SECRET:
        return text
    kept, done = list[str](), 0
    for begin, end in sorted(set(_found(text, secret))):
        if begin >= done:
            kept += [text[done:begin], TAKEN_OUT]
        done = max(done, end)
    return "".join((*kept, text[done:]))


def without(value: JSON, secret: str) -> JSON:
    """Return a JSON value with the secret taken out of its texts, names and numbers; such a number becomes a text."""
    if isinstance(value, dict):
        return {redacted(name, secret): without(member, secret) for name, member in value.items()}
    if isinstance(value, list):
        return [without(entry, secret) for entry in value]
    if isinstance(value, str):
        return redacted(value, secret)
    shown = redacted(str(value), secret)
    return value if shown == str(value) else shown


def redacted_body(body: bytes, secret: str) -> bytes:
    """Return a body with the secret taken out: its bytes as they are where there is none, JSON as JSON."""
    try:
        value = parse(body) if body else None
    except NotJSONError:
        return redacted(body.decode("latin-1"), secret).encode("latin-1")
    changed = without(value, secret)
    return body if same(value, changed) else encode(changed)


def holds(value: JSON, secret: str) -> bool:
    """Whether a JSON value holds the secret, or the beginning of it, in any spelling."""
    return not same(value, without(value, secret))


def keyless(audience: dict[str, JSON], own: Collection[str], secret: str) -> dict[str, JSON]:
    """Return what may be written down of an audience: its `own` members exactly, all others without the secret.

    Raises InconclusiveError, which does not show it, if one of its own members holds the secret.
    """
    found = [name for name in own if holds(audience.get(name), secret)]
    if found:
        raise InconclusiveError(
            f"the audience's own content holds the key, or the beginning of it ({', '.join(found)}): it would have to "
            "be written to the journal, so nothing is changed; take it out of the audience, and make a new key"
        )
    exactly = {name: member for name, member in audience.items() if name in own}
    return {name: exactly.get(name, member) for name, member in without(audience, secret).items()}


@contextmanager
def logged_without(secret: str) -> Iterator[None]:
    """Take the secret out of whatever is logged inside, by any library and for any handler."""
    before = logging.getLogRecordFactory()

    def made(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = before(*arguments, **named)
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            text = f"{record.msg} {record.args}"  # it does not fit its arguments: that is no reason to stop a run
        record.msg, record.args = redacted(text, secret), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info), secret)
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)
