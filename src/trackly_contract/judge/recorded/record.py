"""One record of recorded traffic as a value: an exchange with the audiences API, or why it is not judged.

What a recording left out is named and never taken for empty. Does not know a file format; does not judge.
"""

import base64
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from trackly_contract.core import ABSENT, Exchange, Headers, NotJSONError, Request, Response, encode, shortened

LONGEST = 64 * 1024 * 1024
"""Bytes of one record of a file, and of one body once it is unpacked. What is longer is skipped and named."""

_OURS = re.compile(r"(?P<before>.*)(?P<path>/v2/audiences/[^/]+(?:/size)?/?)")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange with the audiences API.

    `where` names file and record for people; `address` is what stands before `/v2`, without user and password;
    `began` and `ended` are seconds since 1970, None where they were not recorded; `missing` says why the response
    cannot be judged, "" if it can; `request_whole` says whether the request can.
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
class Unrelated:
    """A request to another host or operation: it is counted and not judged."""

    where: str


Item: TypeAlias = Recorded | Unreadable | Unrelated


class RecordError(ValueError):
    """A record does not have the form of its file format; the text says what is wrong with it."""


@dataclass(slots=True)
class Raw:
    """What a file says of one exchange, unchecked; None for what it does not say.

    Headers and bodies have any of the forms that `headers` and `_body` read; a body of None was not recorded. `size` is
    how many bytes the body of the response has. `seconds` is how long the exchange took; `started` is its end with
    `written_at_end`. `note` says why there is no response, or why it is not the API's own.
    """

    method: Any = None
    url: Any = None
    status: Any = None
    request_headers: Any = None
    request_body: Any = b""
    response_headers: Any = None
    response_body: Any = None
    size: Any = None
    started: Any = None
    seconds: Any = None
    written_at_end: bool = False
    note: str = ""


def item(read: Callable[[Any], Raw], value: Any, where: str) -> Item:
    """Return what a record is; `read` turns its value into Raw, or raises RecordError or NotJSONError."""
    try:
        raw = read(value)
        target = _target(raw)
        return Unrelated(where) if target is None else _recorded(raw, where, *target)
    except (RecordError, NotJSONError) as error:
        return Unreadable(where, str(error))


def _target(raw: Raw) -> tuple[str, str, str] | None:
    """Return what stands before the path of an audience, the path, and the query; None for any other request."""
    method = raw.method if isinstance(raw.method, str) else ""
    if not isinstance(raw.url, str) or not re.fullmatch("[A-Za-z]{1,20}", method):
        raise RecordError("no request: method or url is missing, or not a string")
    try:
        url = urlsplit(raw.url)
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        port = "" if url.port is None else f":{url.port}"
    except ValueError:
        raise RecordError("the url cannot be read") from None
    ours = _OURS.fullmatch(url.path)
    if ours is None or method.upper() == "OPTIONS":
        return None
    return f"{url.scheme}://{host}{port}{ours['before']}" if host else ours["before"], ours["path"], url.query


def _recorded(raw: Raw, where: str, address: str, path: str, query: str) -> Recorded:
    if not isinstance(raw.status, int) or not 100 <= raw.status <= 999:
        said = f"status {raw.status}" if isinstance(raw.status, int) else "no status"
        raise RecordError(f"no response was recorded: {raw.note or said}")
    method = raw.method.upper()
    if raw.response_body is None and (method == "HEAD" or raw.status in (204, 304)):
        raw.response_body = b""
    sent, request_body, no_request = _decoded("request", raw.request_headers, raw.request_body)
    received, response_body, no_response = _decoded("response", raw.response_headers, raw.response_body, raw.size)
    began, seconds = _moment(raw.started), number(raw.seconds, 86_400)
    if began is not None and raw.written_at_end:
        began -= seconds or 0
    return Recorded(
        Exchange(Request(method, path, sent, request_body), Response(raw.status, received, response_body)),
        where,
        address,
        query,
        began,
        ended=began + seconds if began is not None and seconds is not None else None,
        missing="; ".join(filter(None, (raw.note, no_request, no_response))),
        request_whole=not no_request,
    )


def _decoded(whose: str, given: Any, value: Any, size: Any = None) -> tuple[Headers, bytes, str]:
    """Return headers and body, and why the body cannot be had, or not as many bytes of it as `size` says."""
    found, body = headers(given), _body(value)
    if body is None:
        return found, b"", f"the body of the {whose} was not recorded"
    try:
        body = _unpacked(body, found)
    except RecordError as error:
        return found, b"", f"the body of the {whose}: {error}"
    cut = isinstance(size, int) and len(body) < size and Response(0, (), body).json.value is ABSENT
    return found, body, f"{len(body)} of {size} bytes of the {whose} were recorded" if cut else ""


def _unpacked(body: bytes, given: Headers) -> bytes:
    """Return a body without the compression that the recorder did not undo. Raises RecordError if that fails."""
    said = next((text.strip().lower() for name, text in given if name.lower() == "content-encoding"), "")
    if body.startswith(b"\x1f\x8b") or (said in ("deflate", "gzip") and body.startswith(b"\x78")):
        unpacker = zlib.decompressobj(wbits=47)
        try:
            body = unpacker.decompress(body, LONGEST + 1)
        except zlib.error as error:
            raise RecordError(f"compressed, and cannot be unpacked: {error}") from None
        if len(body) > LONGEST:
            raise RecordError(f"compressed, and longer than {LONGEST:,} bytes")
        if not unpacker.eof:
            raise RecordError("compressed, and cut off")
    elif said not in ("", "identity", "gzip", "deflate") and body.decode("utf-8", "ignore").encode() != body:
        raise RecordError(f"compressed as {shortened(said, 40)}, which cannot be unpacked here")
    return body


def _body(value: Any) -> bytes | None:
    """Return a body from a text, bytes, `{"base64": text}`, or any other JSON value; None for None.

    A lone surrogate in a text stays one, and so is no valid UTF-8. Raises RecordError for what is none of these.
    """
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    try:
        if isinstance(value, dict) and value.keys() in ({"base64"}, {"$base64"}):
            return base64.b64decode(next(iter(value.values())), validate=True)
    except (TypeError, ValueError):
        raise RecordError("a body is marked as base64 and is not") from None
    try:
        return encode(value)
    except (TypeError, ValueError):
        raise RecordError("a body is neither text nor bytes") from None


def headers(value: Any) -> Headers:
    """Return headers from a list of `{name, value}`, or from an object of texts, or lists of them.

    In an object, null is no header, and numbers and the like stand for their texts. Pseudo-headers of HTTP/2 are left
    out. Raises RecordError if it is neither.
    """
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        for name, given in value.items():
            texts = [text for text in (given if isinstance(given, list) else [given]) if text is not None]
            found += [(str(name), text.decode("latin-1") if isinstance(text, bytes) else str(text)) for text in texts]
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        found = [(entry.get("name"), entry.get("value")) for entry in value]
    elif value is not None:
        raise RecordError("headers are neither an object nor a list of names and values")
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in found):
        raise RecordError("the name or the value of a header is not a string")
    return tuple((name, text) for name, text in found if not name.startswith(":"))


def at(value: Any, *path: str) -> Any:
    """Return what stands at a path of fields, None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def number(value: Any, limit: float) -> float | None:
    """Return a number of JSON that is at least 0 and below the limit, None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < limit else None


def _moment(value: Any) -> float | None:
    """Return a moment as seconds since 1970: from a number, or an ISO 8601 date and time (UTC without a zone)."""
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return number(value, 1e11)
