"""Reads HAR files (HTTP Archive 1.2) as a stream, entry by entry: of browsers, Playwright, mitmproxy, Schemathesis.

Memory is bounded, whatever the length of the file. A broken entry costs no other one; where a file is cut off, the
entries before the cut are read, and the cut is named. Does not look for bodies in other files.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from trackly_contract.core import parse
from trackly_contract.judge.recorded.record import LONGEST, Item, Raw, Unreadable, at, item, number

CHUNK = 1 << 18  # bytes that are read at a time

# An entry with neither cannot have a path of ours, however it is written: it is not parsed.
_PATH_OF_OURS, _ESCAPED = b"audiences", b"\\u00"

_NO_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_OPEN_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+', re.DOTALL)
_QUOTE = ord('"')
_ENTRIES = re.compile(rb'(?<!\\)"entries"\s*:\s*\[\Z')
_IN_LIST = 3  # brackets that are open between two entries: of the file, its log, the list of entries


def read(stream: BinaryIO, name: str, head: bytes = b"") -> Iterator[Item]:
    """Yield every entry of `log.entries`; `name` is that of the file, `head` what was already read of it."""
    for index, text in _entries(chain([head], iter(lambda: stream.read(CHUNK), b""))):
        where = f"{name} entry {index}"
        if isinstance(text, str):
            yield Unreadable(where, text)
        elif _PATH_OF_OURS not in text and _ESCAPED not in text:
            yield None
        else:
            yield item(lambda text: entry(parse(text)), text, where)


def _entries(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | str]]:
    """Yield `(number, bytes)` for each entry, counted from 1, or `(number, reason)` where it cannot be read.

    No library that streams JSON continues behind a broken entry (docs/adr/0012-no-streaming-json-library.md), so the
    text is cut at its brackets here, and each entry is parsed by itself.
    """
    number = depth = 0
    found = in_list = False
    kept = bytearray()
    for piece, bracket, depth in _pieces(chunks):
        kept += piece[: LONGEST + 1 - len(kept)]
        opens, closes_list = bracket in (b"[", b"{"), in_list and depth < _IN_LIST
        if depth < 0 or (closes_list and bracket != b"]"):
            yield number + 1, "brackets do not match: the rest of the file cannot be read"
            return
        if in_list and opens and depth == _IN_LIST + 1:
            number, kept = number + 1, bytearray(bracket)
        elif in_list and bracket and depth == _IN_LIST:
            yield number, bytes(kept) if len(kept) <= LONGEST else f"longer than {LONGEST:,} bytes"
        elif closes_list or (bracket and not in_list):
            in_list = opens and depth == _IN_LIST and _ENTRIES.search(kept) is not None
            found = found or in_list
            kept.clear()
    if depth:
        in_entry = in_list and depth > _IN_LIST
        yield number + (0 if in_entry else 1), "the file is cut off here"
    elif not found:
        yield 1, "the file has no log.entries"


def _pieces(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield the text up to each bracket outside of strings, that bracket, and how many brackets are open behind it.

    The bracket is empty where a chunk ends; a string that goes on in the next one does so behind a quote of ours.
    """
    text, begin, end, depth = b"", 0, 0, 0
    for chunk in chunks:
        text += chunk
        while (end := _NO_BRACKETS.match(text, end).end()) < len(text) and text[end] != _QUOTE:  # type: ignore[union-attr]
            depth += 1 if text[end] in b"[{" else -1
            end += 1
            yield text[begin:end], text[end - 1 : end], depth
            begin = end
        string = _OPEN_STRING.match(text, end)
        cut = string.end() if string else end
        yield text[begin:cut], b"", depth
        text, begin, end = (b'"' + text[cut:], 1, 0) if string else (b"", 0, 0)


def entry(value: Any) -> Raw:
    """Return what an entry says of its exchange."""
    request, response, content = at(value, "request"), at(value, "response"), at(value, "response", "content")
    milliseconds = number(at(value, "time"))
    return {
        "method": at(request, "method"),
        "url": at(request, "url"),
        "status": at(response, "status"),
        "request_headers": at(request, "headers"),
        "request_body": _text(at(request, "postData")),
        "request_size": at(request, "bodySize"),
        "response_headers": at(response, "headers"),
        "response_body": _text(content),
        "response_size": at(content, "size"),
        "started": at(value, "startedDateTime"),
        "seconds": milliseconds and milliseconds / 1000,
        "note": _note(value),
    }


def _text(part: Any) -> Any:
    """Return the body that stands in `postData` or `content`, None if none does."""
    text = at(part, "text")
    if not isinstance(text, str):
        return None
    return {"base64": text} if at(part, "encoding") == "base64" else text


def _note(value: Any) -> str:
    """Return why there is no response, why it is not the API's own, or why it has no body; "" for none of these."""
    if at(value, "_fromCache") or at(value, "response", "_fromCache"):
        return "the response comes from the browser's cache, not from the API"
    if at(value, "_wasFulfilled"):
        return "the response comes from a route of Playwright, not from the API"
    error = at(value, "response", "_error") or at(value, "_error") or at(value, "request", "_failureText")
    if isinstance(error, str):
        return error
    content = at(value, "response", "content")
    elsewhere = isinstance(at(content, "_file"), str) and _text(content) is None
    return "the body is in another file: record with the content embedded" if elsewhere else ""
