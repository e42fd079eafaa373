"""Opens recorded traffic, finds out by its content what it is, and reads it record by record.

HAR files are read in har.py, JSON lines and cassettes here. The name of a file says nothing, and standard input may
have any of the formats. Does not unpack archives; does not execute what stands in a cassette.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from trackly_contract.core import NotJSONError, parse
from trackly_contract.judge.recorded import har
from trackly_contract.judge.recorded.record import LONGEST, Item, Raw, RecordError, Unreadable, at, item

STANDARD_INPUT = "-"

LARGEST = 32 * 1024 * 1024
"""Bytes of a cassette: YAML is read whole, and held in memory several times over."""

DEEPEST = 50
"""Nesting of a cassette; those that vcrpy writes nest six deep. libyaml's recursion ends a process far beyond."""

LISTS = ("interactions", "http_interactions")
"""Where vcrpy and Schemathesis keep their exchanges."""

_REQUEST = ("method", "url", "request_headers", "request_body", "started")
_FIELDS = (*_REQUEST, "status", "response_headers", "response_body", "seconds")
"""The fields of our own form of a line, as in Raw; docs/traffic.md says what each holds."""

_BOM = b"\xef\xbb\xbf"
_ARCHIVES = {b"\x1f\x8b": "gzip -dc", b"PK\x03\x04": "unzip -p"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BROKEN = (yaml.YAMLError, ValueError, OverflowError)


class NotTrafficError(ValueError):
    """A file has none of the formats that are read, or cannot be opened; the text names it and says why."""


@contextmanager
def open_traffic(path: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`. Raises NotTrafficError if it cannot be opened."""
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    if Path(path).is_dir():
        raise NotTrafficError(f"{path}: a folder; name the files in it")
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise NotTrafficError(f"{path}: cannot be read ({error.strerror})") from None


def read_traffic(stream: Any, name: str) -> Iterator[Item]:
    """Yield what a binary stream holds; `name` is that of its file.

    The first bytes that are there tell the format: a stream may still be growing. Raises NotTrafficError for none.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    if buffered.peek().startswith(_BOM):
        buffered.read(len(_BOM))
    head = buffered.peek()
    for magic, program in _ARCHIVES.items():
        if head.startswith(magic):
            raise NotTrafficError(f"{name}: compressed; unpack it first: {program} FILE | trackly-contract judge -")
    for pattern, read in _FORMATS:
        if re.search(pattern, head):
            return read(buffered, name)
    raise NotTrafficError(f"{name}: neither a HAR file, nor a cassette, nor JSON lines")


def _read_lines(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield every exchange of every line, as soon as the line has ended."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        where = f"{name} line {number}"
        if len(line) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST)
            yield Unreadable(where, f"longer than {LONGEST:,} bytes")
        elif line.strip():
            yield from _read_line(line.strip(), where)


def _read_line(line: bytes, where: str) -> Iterator[Item]:
    try:
        value = parse(line)
    except NotJSONError as error:
        yield Unreadable(where, str(error).replace(" at line 1, column", " at column"))
        return
    if not isinstance(value, dict) or len(value) != 1 or not next(iter(value))[:1].isupper():
        yield item(_exchange, value, where)
        return
    cases = at(value, "ScenarioFinished", "recorder", "interactions")  # other events of Schemathesis hold no exchange
    for name, case in cases.items() if isinstance(cases, dict) else ():
        yield item(_interaction, case, f"{where}, case {name}")


def _exchange(value: Any) -> Raw:
    if not isinstance(value, dict):
        raise RecordError("a line must be an object with method, url, status ...")
    if isinstance(value.get("request"), dict):
        return har.entry(value)
    return Raw(**{name: value[name] for name in _FIELDS if name in value})


def _read_cassette(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield every interaction; where YAML breaks off, those before."""
    content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        reason = f"a cassette longer than {LARGEST:,} bytes: split it, or record HAR or JSON lines"
        yield Unreadable(name, reason)
        return
    found, broken = _loaded(content, name)
    interactions = next((found[key] for key in LISTS if isinstance(found, dict) and key in found), None)
    if isinstance(interactions, list):
        for number, value in enumerate(interactions, 1):
            yield item(_interaction, value, f"{name} interaction {number}")
    elif broken is None:
        broken = Unreadable(name, "the cassette has no list of interactions")
    if broken is not None:
        yield broken


def _loaded(content: bytes, name: str) -> tuple[Any, Unreadable | None]:
    """Return what a cassette holds, up to where it breaks; and where and why it does."""
    in_json = content.lstrip().startswith(b"{")
    try:
        return parse(content) if in_json else _load_yaml(content), None
    except _BROKEN as error:
        if in_json:
            return None, Unreadable(name, str(error))
        mark, offset = getattr(error, "problem_mark", None), getattr(error, "position", len(content))
        line = mark.line + 1 if mark is not None else content[:offset].count(b"\n") + 1
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
    broken = Unreadable(f"{name} line {line}", f"not YAML of a cassette: {reason}; the rest of the file is not read")
    lines = content.splitlines(keepends=True)[:line]
    while lines and not lines.pop().startswith(b"- "):
        pass
    try:
        return _load_yaml(b"".join(lines)), broken
    except _BROKEN:
        return None, broken


def _load_yaml(content: bytes) -> Any:
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RecordError(f"nested deeper than {DEEPEST}")
    return yaml.load(content, Loader=_Loader)  # noqa: S506  # it is the safe one, in C where there is one


def _interaction(value: Any) -> Raw:
    """Return what an interaction of a cassette, or a case of Schemathesis's NDJSON, says of its exchange."""
    request, response = at(value, "request"), at(value, "response")
    status = at(response, "status", "code") or at(response, "status_code")
    received = at(response, "body")
    return Raw(
        method=at(request, "method"),
        url=at(request, "uri"),
        status=int(status) if isinstance(status, str) and re.fullmatch("[0-9]{3}", status) else status,
        request_headers=at(request, "headers"),
        request_body=_body(at(request, "body")),
        response_headers=at(response, "headers"),
        response_body=_body(at(response, "content") if received is None else received),
        started=at(value, "recorded_at") or at(value, "timestamp"),
        seconds=at(response, "elapsed"),
        written_at_end=True,
    )


def _body(value: Any) -> Any:
    """Return the body that stands in `{string: ...}` or `{base64_string: ...}`; any other is one by itself."""
    if isinstance(value, dict) and "base64_string" in value:
        return {"base64": value["base64_string"]}
    if isinstance(value, dict) and "string" in value:
        return b"" if value["string"] is None else value["string"]
    return value


_FORMATS: tuple[tuple[bytes, Callable[[BinaryIO, str], Iterator[Item]]], ...] = (
    (rb'\A\s*\{\s*"log"\s*:', har.read),
    (rb'\A\s*\{\s*(?:"version"[^\[{]*)?"(?:http_)?interactions"\s*:', _read_cassette),
    (rb"\A\s*\{", _read_lines),
    (rb"(?m)^(?:http_)?interactions:", _read_cassette),
    (rb"\n\{|\A\s*\Z", _read_lines),
)
"""How a file begins, and what reads it: the first that matches."""
