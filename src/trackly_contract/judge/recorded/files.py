"""Opens recorded traffic: finds out by content what a file is, and reads it as a stream.

Promises: the name of a file says nothing; standard input may be any of the formats; a stream that is still being
written is read line by line.
Refuses: to unpack archives, and to read a file whole (a cassette excepted).
"""

from __future__ import annotations

import io
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from trackly_contract.judge.recorded import cassette as traffic_cassette
from trackly_contract.judge.recorded import har as traffic_har
from trackly_contract.judge.recorded import lines as traffic_lines
from trackly_contract.judge.recorded.record import NotTrafficError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackly_contract.judge.recorded.record import Item

Format = Literal["har", "lines", "cassette"]

READERS: dict[Format, Callable[[BinaryIO, str], Iterator[Item]]] = {
    "har": traffic_har.read,
    "lines": traffic_lines.read,
    "cassette": traffic_cassette.read,
}

STANDARD_INPUT = "-"
HEAD = 1 << 16
"""Bytes of a file that tell what it is, at most."""

_BOM = b"\xef\xbb\xbf"
_FIRST_MEMBER = re.compile(rb'\{\s*"([^"\\]*)"\s*:')
_CASSETTE = re.compile(rb"^(http_)?interactions:", re.MULTILINE)
_ARCHIVES = {b"\x1f\x8b": "gzip -dc", b"PK\x03\x04": "unzip -p"}


class _Joined(io.RawIOBase):
    """A stream with what was read of it already put back to its beginning."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # io calls it with nothing but buffers
        piece = self._head[: len(view)] or _some(self._rest, len(view))
        self._head = self._head[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


def _some(stream: BinaryIO, size: int) -> bytes:
    """Return what a stream has now, at most `size` bytes; empty at its end alone."""
    read = getattr(stream, "read1", stream.read)
    found: bytes = read(size)
    return found


@contextmanager
def open_traffic(path: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`. Raises NotTrafficError if it cannot be opened."""
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        file = Path(path)
        if file.is_dir():
            raise NotTrafficError(f"{path}: a folder; name the files in it")
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise NotTrafficError(f"{path}: cannot be read ({error.strerror})") from None


def read_traffic(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield what a file holds; `name` is that of the file. Raises NotTrafficError if it is none of the formats."""
    head = b""
    found: Format | None = None
    while found is None:
        piece = _some(stream, HEAD)
        head += piece
        found = _format(head, name, at_end=not piece or len(head) >= HEAD)
    joined = io.BufferedReader(_Joined(head.removeprefix(_BOM), stream), HEAD)
    return READERS[found](joined, name)


def _format(head: bytes, name: str, *, at_end: bool) -> Format | None:
    """Return what a file is by its first bytes; None if more of them are needed."""
    for magic, program in _ARCHIVES.items():
        if head.startswith(magic):
            raise NotTrafficError(f"{name}: compressed; unpack it first: {program} FILE | trackly-contract judge -")
    text = head.removeprefix(_BOM).lstrip()
    if text.startswith(b"{"):
        return _format_of_json(text, at_end=at_end)
    if _CASSETTE.search(text):
        return "cassette"
    if b"\n{" in text or (at_end and not text):
        return "lines"
    if at_end:
        raise NotTrafficError(f"{name}: neither a HAR file, nor a cassette, nor JSON lines")
    return None


def _format_of_json(text: bytes, *, at_end: bool) -> Format | None:
    """Return what a file is whose first value is an object, by the name of its first member."""
    first = _FIRST_MEMBER.match(text)
    if first is None:
        return "lines" if at_end or b"\n" in text.partition(b"}")[2] else None
    if first[1] == b"log":
        return "har"
    cassette = first[1].decode("ascii", "replace") in traffic_cassette.LISTS
    return "cassette" if cassette or (first[1] == b"version" and b'"interactions"' in text) else "lines"
