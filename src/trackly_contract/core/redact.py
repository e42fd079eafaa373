"""The one writer that takes the key out of whatever leaves the program.

No spelling of the key stays: in any letter case; as it is, escaped (URL, JSON, Python, HTML, one inside another, each
character its own way) or broken into lines; in base64 at any of its three offsets. Nor does a piece of LEAST_SECRET
characters that a cut left over: a beginning anywhere, an end after a cut. Does not find what was encrypted or packed.
"""

import base64
import html
import logging
import re
import string
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from html.entities import html5
from itertools import compress, product
from typing import Any

from trackly_contract.core.json import JSON, NotJSONError, encode, parse, same
from trackly_contract.core.text import CUT
from trackly_contract.core.verdict import InconclusiveError

LEAST_SECRET = 8
"""Characters of a key that are taken for a key; what is shorter opens nothing."""

LEAST_BASE64 = 10
"""Characters of base64 that LEAST_SECRET characters decide alone, whatever stands before and after them."""

MOST_READINGS = 40
"""Ways to decode one text, one decoder after the other; ordinary texts have one to five."""

_LEFT_OF_AN_ESCAPE = 16
"""Characters of an escape that a cut may leave over."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_REST = "\0"
"""Follows a decoded character in each place that its escape took beyond it: so all readings of a text are as long."""

_NO_LINE = "\1"
"""Stands in each place of line ends that were taken out."""

_IS_CHARACTER = bytes(byte not in b"\0\1" for byte in range(256))
_RESTS = re.compile(f"{_REST}*")


def _escape(form: str) -> str:
    """Return the regular expression for escapes of a form, in which a blank stands for what decoding left there."""
    return form.replace(" ", f"[{_REST}{_NO_LINE}]*")


_URL = _escape("% (?:u 0 0 )?[0-7] [0-9a-fA-F]")
_NAMES = "|".join(" ".join(name) for name in sorted(html5, reverse=True) if html5[name].isascii())
_HTML = _escape(f"& (?:# (?:[0-9](?: [0-9]){{0,9}}|[xX](?: [0-9a-fA-F]){{1,10}})(?: ;)?|{_NAMES})")
_PROGRAM = _escape(rf"\\ (?:(?:u 0 0|x) [0-7] [0-9a-fA-F]|[{re.escape(string.punctuation)}nrt])")
_LINE_ENDS = f"[\r\n][\r\n\t {_REST}{_NO_LINE}]*"

DECODERS = [re.compile(form) for form in (_URL, _HTML, _PROGRAM, f"{_URL}|{_HTML}|{_PROGRAM}", _LINE_ENDS)]
"""What each decoder undoes, in one pass: escapes in URLs, in HTML, in JSON and Python, all of them; line ends."""


def _plain(reading: str) -> str:
    return reading.replace(_REST, "").replace(_NO_LINE, "")


def _meant(match: re.Match[str]) -> str:
    """Return what stands in the place of an escape or of line ends, in the same length."""
    escape = _plain(match[0])
    if escape[0] in "\r\n":
        return _NO_LINE * len(match[0])
    if escape[0] == "&":
        meant = html.unescape(escape)
    elif len(escape) > 2:
        meant = chr(int(escape[-2:], 16))
    else:
        meant = {"n": "\n", "r": "\r", "t": "\t"}.get(escape[1], escape[1])
    return meant.ljust(len(match[0]), _REST)


def _readings(text: str) -> list[str]:
    """Return the text and what decoders make of it, those first that take the fewest."""
    readings = [text]
    for reading in readings:
        for decoder in DECODERS:
            if len(readings) == MOST_READINGS:
                return readings
            decoded = decoder.sub(_meant, reading)
            if decoded not in readings:
                readings.append(decoded)
    return readings


@lru_cache(maxsize=8)
def _base64_forms(secret: str) -> list[str]:
    """Return what base64 always holds of a text in which the secret stands: at any offset, in both alphabets."""
    forms = list[str]()
    for spelt, offset in product({secret, secret.lower(), secret.upper(), secret.swapcase()}, range(3)):
        whole = base64.b64encode(b"\0" * offset + spelt.encode("ascii", "replace")).decode("ascii")
        form = whole[-(-8 * offset // 6) : 8 * (offset + len(spelt)) // 6]
        forms += {form, form.replace("+", "-").replace("/", "_")}
    return forms


def _in_common(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def _beginnings(text: str, form: str, least: int) -> Iterator[tuple[int, int]]:
    """Yield where the form, or a beginning of it with the least length, stands in a text: begin and end."""
    begin = text.find(form[:least])
    while begin >= 0:
        yield begin, begin + _in_common(form, text[begin : begin + len(form)])
        begin = text.find(form[:least], begin + 1)


def _endings(text: str, form: str, least: int) -> Iterator[tuple[int, int]]:
    """Yield where an ending of the form follows a cut, together with what the cut left of an escape."""
    for cut in re.finditer(re.escape(CUT), text):
        piece = text[cut.end() : cut.end() + _LEFT_OF_AN_ESCAPE + len(form)]
        end = piece.find(form[-least:]) + least
        length = _in_common(form[::-1], piece[:end][::-1])
        if length >= least and end - length <= _LEFT_OF_AN_ESCAPE:
            yield cut.end(), cut.end() + end


def _found(text: str, secret: str) -> Iterator[tuple[int, int]]:
    for reading in _readings(text):
        plain = _plain(reading)
        searched = [(plain.translate(_LOWER), secret.translate(_LOWER), LEAST_SECRET)]
        searched += [(plain, form, LEAST_BASE64) for form in _base64_forms(secret)]
        found = [place for one in searched for place in _beginnings(*one)]
        if CUT in plain:
            found += [place for one in searched for place in _endings(*one)]
        places: Sequence[int] = range(len(plain))
        if found and plain != reading:
            places = [*compress(range(len(reading)), reading.encode("latin-1", "replace").translate(_IS_CHARACTER))]
        for begin, end in found:
            rest = next(_RESTS.finditer(reading, places[end - 1] + 1))
            yield places[begin], rest.end()


def redacted(text: str, secret: str) -> str:
    """Return the text with every spelling of the secret, and what a cut left over of one, taken out."""
    if min(len(secret), len(text)) < LEAST_SECRET:
        return text
    kept, done = list[str](), 0
    for begin, end in sorted(set(_found(text, secret))):
        if begin >= done:
            kept += [text[done:begin], "[key]"]
        done = max(done, end)
    return "".join((*kept, text[done:]))


def without(value: JSON, secret: str) -> JSON:
    """Return a JSON value with the secret taken out of its texts, names and numbers; such a number becomes a text."""
    if isinstance(value, dict):
        return {redacted(name, secret): without(member, secret) for name, member in value.items()}
    if isinstance(value, list):
        return [without(entry, secret) for entry in value]
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
    shown: dict[str, JSON] = without(audience, secret)
    return shown


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
