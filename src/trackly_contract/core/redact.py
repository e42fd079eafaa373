"""Takes keys and other secrets out of bytes as they enter a run, so that nothing has to be searched when it leaves.

A run of RUN characters of a secret is found in any letter case, with hyphens, blanks or line ends in between, escaped
(URL, JSON, Python, HTML, one inside another), in hex, in base64 at any offset, in UTF-16 and UTF-32. Does not find what
was encrypted, packed or reversed, nor a secret that holds `%`, `&` or a backslash where that is escaped once more.
"""

import base64
import html
import logging
import re
import string
import sys
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from html.entities import html5
from itertools import compress, product
from typing import Any, NamedTuple, TypeVar

from trackly_contract.core.http import Headers, Request, Response
from trackly_contract.core.json import ABSENT, JSON, encode, read_json
from trackly_contract.core.verdict import InconclusiveError

MARK = "[key]"
"""What stands in the place of a secret."""

RUN = 12
"""Characters in a row that are taken for a piece of a secret."""

LEAST_SECRET = 8
"""Characters of a secret that is looked for: as a whole, if it has fewer than RUN. What is shorter opens nothing."""

LONGEST_KEY = 200
"""Characters of a key. A longer token is looked for in fewer spellings: not in hex or base64 of another letter case."""

LEAST_DIFFERENT = 4
"""Different characters of a piece: twelve zeros in a number are no piece of a key."""

MOST_DECODED = 4
"""Escapes inside one another that are undone."""

_TOKENS = frozenset({"authorization", "proxy-authorization", "x-api-key", "x-auth-token"})

# What may stand between two characters of a secret: blanks, hyphens, NULs (UTF-16), what the two alphabets of base64
# do not share. Nothing that separates values of JSON.
_GAPS = bytes([*range(33), *b"-_+/=:", *range(127, 256)])
_IS_KEPT = bytes(byte not in _GAPS for byte in range(256))
_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())

# A NUL is what decoding left in the other places of an escape.
_HEX = rb"\0*[0-9a-fA-F]"
_ESCAPES = re.compile(
    rb"(%%(?:\0*u\0*0\0*0)?(?:%(hex)b){2}"
    rb"|&\0*(?:\#(?:\0*[xX](?:%(hex)b){1,6}|(?:\0*[0-9]){1,7})|[a-zA-Z](?:\0*[a-zA-Z0-9]){1,16})\0*;"
    rb"|\\\0*(?:u(?:%(hex)b){4}|x(?:%(hex)b){2}|[bfnrt]|[!-/:-@\[-`{-~]))" % {b"hex": _HEX}
)

# A text, or a number or word outside of texts.
_VALUES = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[-+.\w]++', re.DOTALL)

# Characters that are compared at once as one number, and the run that surely holds so many from a multiple of them on.
_AT_ONCE = 8
_SURE = 2 * _AT_ONCE - 1


class _Form(NamedTuple):
    """One way to spell a secret, squeezed.

    `least` of its characters in a row are a piece of the secret, but for a piece of the first `public` ones alone.
    """

    text: bytes
    least: int
    public: int = 0


class _Needles(NamedTuple):
    """What shows fast that a text may hold a secret: parts of each form, of which any piece holds one."""

    blocks: list[tuple[bytes, _Form]]
    grams: dict[int, list[_Form]]

    def met(self, squeezed: bytes) -> set[_Form]:
        """Return the forms of which a squeezed text may hold pieces."""
        found = {form for block, form in self.blocks if block in squeezed}
        chunks = memoryview(squeezed[: len(squeezed) // _AT_ONCE * _AT_ONCE]).cast("Q")
        if not self.grams.keys().isdisjoint(chunks):
            found.update(*(self.grams[chunk] for chunk in {chunk for chunk in chunks if chunk in self.grams}))
        return found


def _squeezed(data: bytes) -> bytes:
    return data.translate(_LOWER, _GAPS)


@lru_cache(maxsize=4096)
def _meaning(escape: bytes) -> bytes:
    """Return what an escape stands for, behind so many NULs that it is as long; as it is, if it stands for nothing."""
    text = escape.replace(b"\0", b"").decode("ascii")
    if text[0] == "&":
        meant = html.unescape(text) if text[1] == "#" else html5.get(text[1:], text)
    elif len(text) == 2:
        meant = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}.get(text[1], text[1])
    else:
        meant = chr(int(text.lstrip("%\\ux"), 16))
    if meant == text:
        return escape
    return (meant.encode() if len(meant) == 1 and meant.isascii() else b"").rjust(len(escape), b"\0")


def _decoded(data: bytes) -> bytes:
    """Return data with escapes undone, in the same length."""
    for _ in range(MOST_DECODED if any(mark in data for mark in (b"%", b"&", b"\\")) else 0):
        parts = _ESCAPES.split(data)
        parts[1::2] = map(_meaning, parts[1::2])
        data = b"".join(parts)
    return data


def _forms(secret: str) -> tuple[_Form, ...]:
    """Return the ways to spell a secret, none if it is too short for one."""
    data = secret.encode("utf-8", "surrogatepass")
    plain, decoded = _squeezed(data), _squeezed(_decoded(data))
    if len(plain) < LEAST_SECRET:
        return ()
    run = min(RUN, len(data))
    least = max(min(len(_squeezed(data[at : at + run])) for at in range(len(data) - run + 1)), LEAST_SECRET)
    prefix = re.match("(?:[a-z]+_)*", secret, re.IGNORECASE)
    public = len(_squeezed(prefix[0].encode())) if prefix else 0
    forms = [_Form(text, least, public) for text in (plain, decoded) if len(text) >= least]
    cases = dict.fromkeys((secret, secret.lower(), secret.upper(), secret.swapcase()))
    ways = [*product(cases, ("utf-8", "utf-16-le"))]
    for spelt, encoding in ways if len(secret) <= LONGEST_KEY else ways[:1]:
        whole = spelt.encode(encoding, "surrogatepass")
        bits = 8 * (run if encoding == "utf-8" else 2 * run - 1)
        forms.append(_Form(whole.hex().encode(), bits // 4))
        for offset in range(3):
            first, last = -(-8 * offset // 6), 8 * (offset + len(whole)) // 6  # others depend on what stands beside it
            coded = base64.b64encode(bytes(offset) + whole)[first:last]
            short = _squeezed(coded)
            forms.append(_Form(short, max((bits - 4) // 6 - len(coded) + len(short), LEAST_SECRET)))
    return tuple(dict.fromkeys(forms))


@lru_cache(maxsize=32)
def _needles(secret: str) -> _Needles | None:
    """Return what a secret is looked for by, None if it is too short for one."""
    blocks, grams = list[tuple[bytes, _Form]](), defaultdict[int, list[_Form]](list)
    for form in _forms(secret):
        if form.least < _SURE:
            blocks += [(block, form) for _, block in _blocks(form)]
            continue
        for at in range(len(form.text) - _AT_ONCE + 1):
            grams[int.from_bytes(form.text[at : at + _AT_ONCE], sys.byteorder)].append(form)
    return _Needles(blocks, dict(grams)) if blocks else None


def _blocks(form: _Form) -> Iterator[tuple[int, bytes]]:
    """Yield parts of a form with their places: any piece of the form holds one of them whole."""
    size = (form.least + 1) // 2
    for at in range(0, len(form.text) - size + 1, size):
        yield at, form.text[at : at + size]


def _in_common(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts share at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def _pieces(text: bytes, form: _Form) -> Iterator[tuple[int, int]]:
    """Yield where pieces of a form stand in a squeezed text: begin and end."""
    whole = form.text
    for at, block in _blocks(form):
        here = text.find(block)
        while here >= 0:
            begin, end = here - at, here - at + len(whole)
            if begin < 0 or text[begin:end] != whole:
                begin = here - _in_common(whole[:at][::-1], text[max(begin, 0) : here][::-1])
                end = here + _in_common(whole[at:], text[here:end])
            long = end - begin >= form.least
            if long and end - here + at > form.public and len(set(text[begin:end])) >= LEAST_DIFFERENT:
                yield begin, end
            here = text.find(block, end - len(block) + 1 if long else here + 1)


def _found(data: bytes, secrets: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return where pieces of secrets stand, in order: begin and end."""
    needles, found = [*filter(None, map(_needles, secrets))], set[tuple[int, int]]()
    for reading in dict.fromkeys((data, _decoded(data))) if needles else ():
        squeezed = _squeezed(reading)
        met = (form for needle in needles for form in needle.met(squeezed))
        pieces = [piece for form in met for piece in _pieces(squeezed, form)]
        places = array("I", compress(range(len(reading)), reading.translate(_IS_KEPT)) if pieces else ())
        for first, last in pieces:
            begin = places[first]
            while begin and not reading[begin - 1]:
                begin -= 1  # the rest of its escape
            found.add((begin, places[last - 1] + 1))
    return sorted(found)


def _redacted(data: bytes, secrets: tuple[str, ...]) -> bytes:
    kept, done = list[bytes](), 0
    for begin, end in _found(data, secrets):
        if begin >= done:
            kept += [data[done:begin], MARK.encode()]
        done = max(done, end)
    return b"".join((*kept, data[done:])) if kept else data


def redacted(text: str, *secrets: str) -> str:
    """Return a text with every piece of the secrets taken out; the same one where there is none."""
    if len(text) < LEAST_SECRET:
        return text
    data = text.encode("utf-8", "surrogatepass")
    clean = _redacted(data, secrets)
    return text if clean is data else clean.decode("utf-8", "surrogatepass")


def redacted_body(body: bytes, *secrets: str) -> bytes:
    """Return a body with every piece of the secrets taken out, the same one where there is none; JSON stays JSON."""
    clean = _redacted(body, secrets)
    if clean is body or read_json(clean).value is not ABSENT or read_json(body).value is ABSENT:
        return clean

    def value(match: re.Match[bytes]) -> bytes:
        data = match[0]
        found = _redacted(data, secrets)
        return found if found is data or found.startswith(b'"') else f'"{MARK}"'.encode()

    return _VALUES.sub(value, body)  # a number was a piece: it becomes a text


Message = TypeVar("Message", Request, Response)


def redacted_message(message: Message, *secrets: str) -> Message:
    """Return a request or response with every piece of the secrets taken out of its path, headers and body.

    The same one where there is none; of a response that was changed `redacted` is true. In a request the headers that
    are there for a secret keep it.
    """
    path = message.path if isinstance(message, Request) else ""
    own: Collection[str] = {*_TOKENS, "cookie"} if path else ()
    shown: list[str] = [path, *(text for header in message.headers if header[0].lower() not in own for text in header)]
    # All at once, for most hold none; a piece ends at a quotation mark.
    if not _found(b'"'.join((*(text.encode("utf-8", "surrogatepass") for text in shown), message.body)), secrets):
        return message
    changed: dict[str, Any] = {"path": redacted(path, *secrets)} if path else {"redacted": True}
    changed["headers"] = tuple(
        (name, value) if name.lower() in own else (redacted(name, *secrets), redacted(value, *secrets))
        for name, value in message.headers
    )
    return replace(message, **changed, body=redacted_body(message.body, *secrets))


def secrets_in(headers: Headers) -> tuple[str, ...]:
    """Return what headers hold of keys and tokens: X-Api-Key, X-Auth-Token, and Authorization, each part of it."""
    return tuple(part for name, value in headers if name.lower() in _TOKENS for part in value.split())


def is_redacted(value: JSON) -> bool:
    """Whether a value of a response may have held a secret: it shows what stands in the place of one."""
    return MARK in encode(value).decode("ascii")


def require_whole(audience: dict[str, JSON], own: Collection[str]) -> None:
    """Raise InconclusiveError if one of the `own` fields of an audience that came redacted held a secret.

    What the audience holds is then not known, so it could not be restored.
    """
    found = [name for name in own if is_redacted(audience.get(name))]
    if found:
        raise InconclusiveError(
            f"the audience's own content holds the key, or a piece of it ({', '.join(found)}): it would have to "
            "be written to the journal, so nothing is changed; take it out of the audience, and make a new key"
        )


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
