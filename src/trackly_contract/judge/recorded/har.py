"""HAR files (HTTP Archive 1.2), read entry by entry: of browsers, Playwright, mitmproxy, Schemathesis.

Promises: bounded memory, whatever the length of the file; an entry that is broken takes no other with it; where a
file is cut off, what stands before the cut is read, and the cut is named.
Refuses: to hold an entry longer than LONGEST; to look for bodies in other files than this one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from trackly_contract.core import JSON, NotJSONError, parse
from trackly_contract.judge.recorded.record import (
    LONGEST,
    Elsewhere,
    Raw,
    RecordError,
    Unreadable,
    encoded,
    from_base64,
    headers,
    item,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.judge.recorded.record import Item

_SOMEWHERE_IN_OURS, _ESCAPED = b"audiences", b"\\u00"
"""An entry with neither cannot have a path of ours, however it is written: it need not be read."""

CHUNK = 1 << 18
"""Bytes that are read at a time."""

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_PLAIN = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
_RUN = re.compile(rb"(?:" + _PLAIN + rb"[\[{]" + _PLAIN + rb"[\]}])*+" + _PLAIN, re.DOTALL)
"""What can be passed over at once: texts, and brackets that hold no others."""

_SHALLOW_RUN = re.compile(_PLAIN, re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_QUOTE, _OPENING, _CLOSING = ord('"'), b"[{", b"]}"
_IN_THE_LIST = 3
"""Brackets that are open where an entry begins: the file, its log, the list of entries."""


def read(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield every entry of `log.entries`; `name` is that of the file."""
    for number, text in entries(stream):
        where = f"{name} entry {number}"
        if isinstance(text, str):
            yield Unreadable(where, text)
            continue
        if _SOMEWHERE_IN_OURS not in text and _ESCAPED not in text:
            yield Elsewhere(where)
            continue
        try:
            yield item(entry(parse(text)), where)
        except (NotJSONError, RecordError) as error:
            yield Unreadable(where, str(error))


def entry(value: JSON) -> Raw:
    """Return one entry of a HAR. Raises RecordError if it is none."""
    request, response = (value.get(name) if isinstance(value, dict) else None for name in ("request", "response"))
    if not isinstance(request, dict):
        raise RecordError("the entry has no request")
    response = response if isinstance(response, dict) else {}
    seconds = value.get("time")
    raw = Raw(
        method=request.get("method"),
        url=request.get("url"),
        status=response.get("status"),
        request_headers=headers(request.get("headers")),
        response_headers=headers(response.get("headers")),
        started=value.get("startedDateTime"),
        seconds=seconds / 1000 if isinstance(seconds, int | float) else None,
    )
    error = response.get("_error") or value.get("_error") or request.get("_failureText")
    raw.note = error if isinstance(error, str) else ""
    if value.get("_fromCache") or response.get("_fromCache"):
        raw.note = "answered by the browser's cache, and not by the API"
    elif value.get("_wasFulfilled"):
        raw.note = "made up by a route of Playwright, and not answered by the API"
    raw.request_body = _sent(request)
    raw.response_body = _answered(response.get("content"), raw)
    return raw


def _sent(request: dict[str, Any]) -> bytes | None:
    """Return the body of a request, None where there was one that is not written down."""
    post = request.get("postData")
    text = post.get("text") if isinstance(post, dict) else None
    if isinstance(post, dict) and isinstance(text, str):
        return from_base64(text) if post.get("encoding") == "base64" else encoded(text)
    size = request.get("bodySize")
    told = next((text for name, text in headers(request.get("headers")) if name.lower() == "content-length"), "0")
    return None if (isinstance(size, int) and size > 0) or told.strip() not in ("", "0") else b""


def _answered(content: Any, raw: Raw) -> bytes | None:
    """Return the body of an answer, None where it is not written down, or not to its end."""
    if not isinstance(content, dict):
        return None
    text, size = content.get("text"), content.get("size")
    if not isinstance(text, str):
        if isinstance(content.get("_file"), str):
            raw.notes.append("it stands in a file of its own: record with the content embedded")
        return b"" if size == 0 else None
    body = from_base64(text) if content.get("encoding") == "base64" else encoded(text)
    if isinstance(size, int) and len(body) < size and not _whole(body):
        raw.notes.append(f"{len(body)} of {size} bytes of the answer were recorded")
    return body


def _whole(body: bytes) -> bool:
    try:
        parse(body, duplicate_keys=True)
    except NotJSONError:
        return False
    return True


def entries(stream: BinaryIO) -> Iterator[tuple[int, bytes | str]]:
    """Yield `(number, bytes)` for each entry, counted from 1, or `(number, reason)` where it cannot be had.

    No library that streams JSON gives one entry up and goes on with the next, so the text is cut at brackets here,
    and each piece is read by `jsonvalue.parse`.
    """
    cutter = Cutter()
    while chunk := stream.read(CHUNK):
        yield from cutter.feed(chunk)
        if cutter.lost:
            return
    if cutter.depth or cutter.within_text:
        yield cutter.number + (0 if cutter.begun else 1), "the file is cut off here"
    elif not cutter.found:
        yield 1, "the file has no log.entries"


class Cutter:
    """Cuts the text of a HAR into its entries as it comes in.

    `number` is that of the last entry that began, `begun` that it has not ended; `found` that there is a list of
    entries; `depth` counts the brackets that are open; `lost` says that they do not pair.
    """

    def __init__(self) -> None:
        self.number = self.depth = 0
        self.begun = self.found = self.within_text = self.lost = False
        self._in_the_list = self._too_long = False
        self._name = self._outer = b""
        self._kept = bytearray()
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | str]]:
        """Yield the entries that end in the next piece of the text."""
        text, self._rest = self._rest + chunk, b""
        if (len(text) - len(text.rstrip(b"\\"))) % 2:
            text, self._rest = text[:-1], b"\\"  # what it escapes comes with the next piece
        place = begin = 0
        if self.within_text:
            place = _REST.match(text).end() + 1  # type: ignore[union-attr]  # it matches nothing at the least
            self.within_text = place > len(text)
        while (place := self._passed_over(text, place)) < len(text):
            bracket = text[place]
            place += 1
            if bracket == _QUOTE:
                self._leave_open(text[place - 1 :])
                break
            if bracket in _OPENING:
                if self._opens_an_entry(bracket):
                    begin = place - 1
            elif self._closes_an_entry(bracket):
                self._keep(text[begin:place])
                yield self.number, f"longer than {LONGEST:,} bytes" if self._too_long else bytes(self._kept)
                self._kept, self._too_long = bytearray(), False
            if self.lost:
                yield self.number + 1, "brackets do not pair: nothing from here on can be read"
                return
        if self.begun:
            self._keep(text[begin:])

    def _leave_open(self, text: bytes) -> None:
        """Keep what is needed of a text that ends in a later piece: all of it where it may be a name."""
        if self.depth < _IN_THE_LIST and len(text) < CHUNK:
            self._rest = text + self._rest
        else:
            self.within_text = True

    def _passed_over(self, text: bytes, place: int) -> int:
        """Return where the next bracket stands that counts, or a quote that is not closed; the end if none does."""
        shallow = self.depth <= _IN_THE_LIST
        run = (_SHALLOW_RUN if shallow else _RUN).match(text, place)
        assert run is not None  # both match nothing at the least
        if self.depth < _IN_THE_LIST:
            names: list[bytes] = _STRINGS.findall(run[0])
            self._name = names[-1] if names else self._name
        return run.end()

    def _opens_an_entry(self, bracket: int) -> bool:
        self.depth += 1
        if self.depth < _IN_THE_LIST:
            self._outer = self._name
        elif self.depth == _IN_THE_LIST:
            self._in_the_list = bracket == _OPENING[0] and (self._outer, self._name) == (b'"log"', b'"entries"')
            self.found = self.found or self._in_the_list
        elif self.depth == _IN_THE_LIST + 1 and self._in_the_list:
            self.number += 1
            self.begun = True
        return self.begun and self.depth == _IN_THE_LIST + 1

    def _closes_an_entry(self, bracket: int) -> bool:
        self.depth -= 1
        self.lost = self.depth < 0 or (self._in_the_list and self.depth < _IN_THE_LIST and bracket != _CLOSING[0])
        if self.depth < _IN_THE_LIST:
            self._in_the_list = False
        ended = self.begun and self.depth == _IN_THE_LIST
        self.begun = self.begun and not ended
        return ended

    def _keep(self, piece: bytes) -> None:
        self._too_long = self._too_long or len(self._kept) + len(piece) > LONGEST
        if self._too_long:
            self._kept = bytearray()
        else:
            self._kept += piece
