"""Finds out by its content what format recorded traffic has, and reads it record by record.

HAR files are read in har.py, JSON lines and cassettes here. The name of a file says nothing, and standard input may
have any of the formats. Does not unpack archives; does not execute what stands in a cassette.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

import yaml

from trackly_contract.core import NotJSONError, parse
from trackly_contract.judge.recorded import har
from trackly_contract.judge.recorded.record import LONGEST, Item, Raw, RecordError, Unreadable, at, item
from trackly_contract.judge.recorded.secrets import Secrets

LARGEST = 32 * 1024 * 1024  # bytes of a cassette: YAML is read whole, and held in memory several times over
DEEPEST = 50  # nesting of a cassette; vcrpy's is six deep, and libyaml's recursion ends a process far beyond
HEAD = 8_192  # bytes at the beginning of a file that tell its format
LISTS = ("interactions", "http_interactions")  # where vcrpy and Schemathesis keep their exchanges

_SENT = ("method", "url", "request_headers", "request_body", "started")
_FIELDS = (*_SENT, "status", "response_headers", "response_body", "seconds")
"""The fields of our own form of a line; docs/traffic.md says what each holds."""

_BOM = b"\xef\xbb\xbf"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BROKEN = (yaml.YAMLError, ValueError, OverflowError)


class NotTrafficError(ValueError):
    """A file has none of the formats that are read; the text names it and says why."""


def read_traffic(stream: Any, name: str) -> Iterator[Item]:
    """Yield what a binary stream holds, without the secrets of its headers; `name` is that of its file.

    Waits for no more lines than tell the format: a stream may still be growing. Raises NotTrafficError for none.
    """
    head, read = b"", None
    while read is None and len(head) < HEAD and (line := stream.readline(HEAD)):
        head = (head + line).removeprefix(_BOM)
        read = next((read for pattern, read in _FORMATS if re.search(pattern, head)), None)
    if read is None and not _MAY_BE_LINES.match(head):
        raise NotTrafficError(f"{name}: neither a HAR file, nor a cassette, nor JSON lines")
    return map(Secrets().taken_out, (read or _read_lines)(stream, name, head))


def _packed(_stream: BinaryIO, name: str, _head: bytes) -> Iterator[Item]:
    unpack = "gzip -dc FILE | trackly-contract judge - (or unzip -p FILE)"
    raise NotTrafficError(f"{name}: compressed; unpack it first: {unpack}")


def _read_lines(stream: BinaryIO, name: str, head: bytes) -> Iterator[Item]:
    """Yield every exchange of every line, as soon as the line has ended."""
    if not head.endswith(b"\n"):
        head += stream.readline(LONGEST + 1)
    following = iter(lambda: stream.readline(LONGEST + 1), b"")
    for number, line in enumerate(chain(io.BytesIO(head), following), 1):
        where = f"{name} line {number}"
        if len(line) > LONGEST:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LONGEST)
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
    return {name: value[name] for name in _FIELDS if name in value}


def _read_cassette(stream: BinaryIO, name: str, head: bytes) -> Iterator[Item]:
    """Yield every interaction; where YAML breaks off, those before."""
    content = head + stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        yield Unreadable(name, f"a cassette longer than {LARGEST:,} bytes: split it, or record HAR or JSON lines")
        return
    where, broken = name, ""
    try:
        found = parse(content) if content.lstrip().startswith(b"{") else _load_yaml(content)
    except NotJSONError as error:
        found, broken = None, str(error)
    except _BROKEN as error:
        mark, offset = getattr(error, "problem_mark", None), getattr(error, "position", len(content))
        line = mark.line + 1 if mark is not None else content[:offset].count(b"\n") + 1
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        where, broken = f"{name} line {line}", f"not YAML of a cassette: {reason}; the rest of the file is not read"
        found = _before(line, content)
    interactions = next((found[key] for key in LISTS if isinstance(found, dict) and key in found), None)
    if isinstance(interactions, list):
        for number, value in enumerate(interactions, 1):
            yield item(_interaction, value, f"{name} interaction {number}")
    elif not broken:
        broken = "the cassette has no list of interactions"
    if broken:
        yield Unreadable(where, broken)


def _before(line: int, content: bytes) -> Any:
    """Return what a cassette holds before the interaction of a line, None if that cannot be read either."""
    lines = content.splitlines(keepends=True)[:line]
    while lines and not lines.pop().startswith(b"- "):
        pass
    with suppress(*_BROKEN):
        return _load_yaml(b"".join(lines))
    return None


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
    return {
        "method": at(request, "method"),
        "url": at(request, "uri"),
        "status": int(status) if isinstance(status, str) and re.fullmatch("[0-9]{3}", status) else status,
        "request_headers": at(request, "headers"),
        "request_body": _body(at(request, "body")),
        "response_headers": at(response, "headers"),
        "response_body": _body(at(response, "content") if received is None else received),
        "ended": at(value, "recorded_at") or at(value, "timestamp"),
        "seconds": at(response, "elapsed"),
    }


def _body(value: Any) -> Any:
    """Return the body that stands in `{string: ...}` or `{base64_string: ...}`; any other is one by itself."""
    if isinstance(value, dict) and "base64_string" in value:
        return {"base64": value["base64_string"]}
    if isinstance(value, dict) and "string" in value:
        return b"" if value["string"] is None else value["string"]
    return value


_FORMATS: tuple[tuple[bytes, Callable[[BinaryIO, str, bytes], Iterator[Item]]], ...] = (
    (rb"\A(?:\x1f\x8b|PK\x03\x04)", _packed),
    (rb'\A\s*\{\s*"log"\s*:', har.read),
    (rb'\A\s*\{\s*(?:"version"[^\[{]*)?"(?:http_)?interactions"\s*:', _read_cassette),
    (rb"\A\s*\{.*\}\s*\n|\S.*\n\{", _read_lines),
    (rb"(?m)^(?:http_)?interactions:", _read_cassette),
)
"""How a file begins, and what reads it: the first that matches."""

_MAY_BE_LINES = re.compile(rb"\s*(?:\{.*\S|\Z)")
"""The beginning of JSON lines of which not one is whole; other JSON spreads its first object over lines."""
