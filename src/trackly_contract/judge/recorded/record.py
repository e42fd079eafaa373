"""Recorded traffic as values: an exchange with where it stands, or why it cannot be read.

Promises: bodies are the bytes that the other side meant, base64 and compression undone, within LONGEST; what the
recording left out is named, never taken for empty.
Refuses: to know a file format (traffic_har.py, traffic_lines.py, traffic_cassette.py), and to judge.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from trackly_contract.core import Exchange, Request, Response, shortened

if TYPE_CHECKING:
    from trackly_contract.core import Headers

LONGEST = 64 * 1024 * 1024
"""Bytes of one record of a file, and of one body once it is unpacked; what is longer is passed over by name."""

_OURS = re.compile(r"(?P<before>.*)(?P<path>/v2/audiences/[^/]+(?:/size)?/?)")
_METHOD = re.compile(r"[A-Za-z]{1,20}")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange with the audiences API.

    `where` names file and record for people; `address` is what stands before `/v2`, without user and password;
    `began` and `ended` are seconds since 1970, None where nobody wrote them down; `missing` says why the answer cannot
    be judged, "" if it can; `request_whole` that the request can.
    """

    exchange: Exchange
    where: str
    address: str
    query: str = ""
    began: float | None = None
    ended: float | None = None
    missing: str = ""
    request_whole: bool = True


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record, or the rest of a file, that cannot be read; the reason is for people."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A request to another address or operation: nothing of it is judged."""

    where: str


Item: TypeAlias = Recorded | Unreadable | Elsewhere


class RecordError(ValueError):
    """A record does not have the form of its file format; the text says what is wrong with it."""


class NotTrafficError(ValueError):
    """A file is none of the formats that are read, or cannot be opened; the text names it and says why."""


@dataclass(slots=True)
class Raw:
    """What a file says of one exchange, before anybody looked whether it is one of ours.

    A body of None was not recorded. `seconds` is how long it took; `started` is its end with `written_at_end`. `note`
    says why there is no answer, or why the answer is not the API's own.
    """

    method: Any
    url: Any
    status: Any
    request_headers: Headers = ()
    request_body: bytes | None = b""
    response_headers: Headers = ()
    response_body: bytes | None = None
    started: Any = None
    seconds: Any = None
    written_at_end: bool = False
    note: str = ""
    notes: list[str] = field(default_factory=list)


def item(raw: Raw, where: str) -> Item:
    """Return what a record is: an exchange of ours, one with somebody else, or nothing that can be read."""
    if not isinstance(raw.url, str) or not isinstance(raw.method, str) or not _METHOD.fullmatch(raw.method):
        return Unreadable(where, "no request: method and url are missing, or no texts")
    try:
        url = urlsplit(raw.url)
        host = url.hostname or ""
        port = f":{url.port}" if url.port is not None else ""
    except ValueError:
        return Unreadable(where, "the url cannot be read")
    ours = _OURS.fullmatch(url.path)
    if ours is None or raw.method.upper() == "OPTIONS":
        return Elsewhere(where)
    if isinstance(raw.status, bool) or not isinstance(raw.status, int) or not 100 <= raw.status <= 999:
        said = f"status {raw.status}" if isinstance(raw.status, int) else "no status"
        return Unreadable(where, f"no answer was recorded: {raw.note or said}")
    host = f"[{host}]" if ":" in host else host
    missing = [raw.note, *raw.notes]
    request_body = _body(raw.request_body, raw.request_headers, "request", missing)
    whole = request_body is not None
    bodiless = raw.method.upper() == "HEAD" or raw.status in (204, 304)
    given = b"" if bodiless and raw.response_body is None else raw.response_body
    response_body = _body(given, raw.response_headers, "answer", missing)
    seconds = raw.seconds if _duration(raw.seconds) else None
    began = _moment(raw.started)
    if began is not None and raw.written_at_end:
        began -= seconds or 0.0
    return Recorded(
        exchange=Exchange(
            Request(raw.method.upper(), ours["path"], raw.request_headers, request_body or b""),
            Response(raw.status, raw.response_headers, response_body or b""),
        ),
        where=where,
        address=f"{url.scheme}://{host}{port}{ours['before']}" if host else ours["before"],
        query=url.query,
        began=began,
        ended=began + seconds if began is not None and seconds is not None else None,
        missing="; ".join(filter(None, missing)),
        request_whole=whole,
    )


def _body(body: bytes | None, given: Headers, whose: str, missing: list[str]) -> bytes | None:
    """Return a body unpacked, or None after adding to `missing` why there is none."""
    if body is None:
        missing.append(f"the body of the {whose} was not recorded")
        return None
    try:
        return unpacked(body, given)
    except RecordError as error:
        missing.append(f"the body of the {whose}: {error}")
        return None


def _duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86_400


def _moment(value: Any) -> float | None:
    """Return a moment as seconds since 1970: from a number, or an ISO 8601 date and time (UTC without a zone)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 1e11 else None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def headers(value: Any) -> Headers:
    """Return headers from a list of `{name, value}` or an object of texts or lists; HTTP/2 pseudo-headers are left out.

    Raises RecordError if it is neither.
    """
    if value is None:
        return ()
    found: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for name, given in value.items():
            found += [(name, one) for one in (given if isinstance(given, list) else [given])]
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        found = [(entry.get("name"), entry.get("value")) for entry in value]
    else:
        raise RecordError("headers are neither an object nor a list of names and values")
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in found):
        raise RecordError("a name or value of a header is no text")
    return tuple((name, text) for name, text in found if not name.startswith(":"))


def encoded(text: str) -> bytes:
    """Return a text as UTF-8; a lone surrogate stays what it is, and so no valid UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def from_base64(text: Any) -> bytes:
    """Return the bytes that base64 stands for. Raises RecordError if it is none."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else _no_base64()
    except (binascii.Error, ValueError):
        return _no_base64()


def _no_base64() -> bytes:
    raise RecordError("a body is said to be base64 and is not")


def unpacked(body: bytes, given: Headers) -> bytes:
    """Return a body without the compression that its headers name, where the recorder did not undo it.

    Raises RecordError if it cannot be undone, or makes more than LONGEST bytes.
    """
    said = next((text.strip().lower() for name, text in given if name.lower() == "content-encoding"), "")
    if body.startswith(_GZIP) or (said in ("deflate", "gzip") and body[:1] == b"\x78"):
        try:
            plain = zlib.decompressobj(wbits=47).decompress(body, LONGEST + 1)
        except zlib.error as error:
            raise RecordError(f"compressed, and cannot be unpacked: {error}") from None
        if len(plain) > LONGEST:
            raise RecordError(f"compressed, and longer than {LONGEST:,} bytes")
        return plain
    if said not in ("", "identity", "gzip", "deflate") and body and body[:1] not in b'{["' and not _is_text(body):
        raise RecordError(f"compressed as {shortened(said, 40)}, which cannot be unpacked here")
    return body


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
