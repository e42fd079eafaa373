"""One record of recorded traffic as a value: an exchange with the audiences API, or why it is not judged.

What a recording left out is named and never taken for empty. Does not know a file format; does not judge.
"""

import base64
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from trackly_contract.core import ABSENT, Exchange, Headers, NotJSONError, Request, Response, encode, shortened

LONGEST = 64 * 1024 * 1024  # bytes of one record, and of one body once it is unpacked; what is longer is skipped

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

    @property
    def key(self) -> tuple[str, str]:
        """Address and id of the audience."""
        return self.address, self.exchange.request.path.split("/")[3]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record, or the rest of a file, that cannot be read; the reason is for people."""

    where: str
    reason: str


Item: TypeAlias = Recorded | Unreadable | None
"""None is a request to another host or operation: it is counted and not judged."""


class RecordError(ValueError):
    """A record does not have the form of its file format; the text says what is wrong with it."""


Raw: TypeAlias = dict[str, Any]
"""What a file says of one exchange, unchecked, by the names that docs/traffic.md gives to the fields of a line.

More than a line can say: `request_size` and `response_size`, bytes of the bodies; `ended` in place of `started`; and in
`note` why there is no response, or why it is not the API's own.
"""


def item(read: Callable[[Any], Raw], value: Any, where: str) -> Item:
    """Return what a record is; `read` turns its value into Raw, or raises RecordError or NotJSONError."""
    try:
        return _item(read(value), where)
    except (RecordError, NotJSONError) as error:
        return Unreadable(where, str(error))


def _item(raw: Raw, where: str) -> Recorded | None:
    method, address, status, note = raw.get("method"), raw.get("url"), raw.get("status"), raw.get("note", "")
    method = method.upper() if isinstance(method, str) else ""
    if not isinstance(address, str) or not re.fullmatch("[A-Z]{1,20}", method):
        raise RecordError("no request: method or url is missing, or not a string")
    try:
        url = urlsplit(address)
    except ValueError:
        raise RecordError("the url cannot be read") from None
    host = url.netloc.rpartition("@")[2].lower()
    ours = _OURS.fullmatch(url.path)
    if ours is None or method == "OPTIONS":
        return None
    if not isinstance(status, int) or not 100 <= status <= 999:
        said = f"status {status}" if isinstance(status, int) else "no status"
        raise RecordError(f"no response was recorded: {note or said}")
    request = Request(method, ours["path"], _headers(raw.get("request_headers")))
    response = Response(status, _headers(raw.get("response_headers")))
    sent, received, size = raw.get("request_body"), raw.get("response_body"), raw.get("response_size")
    if sent is None and not (number(raw.get("request_size")) or number(request.header("content-length"))):
        sent = b""
    if received is None and (size == 0 or method == "HEAD" or status in (204, 304)):
        received = b""
    sent, no_request = _decoded("request", sent, request)
    received, no_response = _decoded("response", received, response, size)
    began, ended, seconds = _moment(raw.get("started")), _moment(raw.get("ended")), number(raw.get("seconds"), 86_400)
    if ended is not None:
        began = ended - (seconds or 0)
    return Recorded(
        Exchange(replace(request, body=sent), replace(response, body=received)),
        where,
        f"{url.scheme}://{host}{ours['before']}" if host else ours["before"],
        url.query,
        began,
        ended=began + seconds if began is not None and seconds is not None else None,
        missing="; ".join(filter(None, (note, no_request, no_response))),
        request_whole=not no_request,
    )


def _decoded(whose: str, value: Any, message: Request | Response, size: Any = None) -> tuple[bytes, str]:
    """Return a body, and why it cannot be had, or not as many bytes of it as `size` says."""
    body = _body(value)
    if body is None:
        return b"", f"the body of the {whose} was not recorded"
    try:
        body = _unpacked(body, (message.header("content-encoding") or "").strip().lower())
    except RecordError as error:
        return b"", f"the body of the {whose}: {error}"
    cut = isinstance(size, int) and len(body) < size and Response(0, (), body).json.value is ABSENT
    return body, f"{len(body)} of {size} bytes of the {whose} were recorded" if cut else ""


def _unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body without the compression that the recorder did not undo. Raises RecordError if that fails."""
    if body.startswith(b"\x1f\x8b") or (encoding in ("deflate", "gzip") and body.startswith(b"\x78")):
        unpacker = zlib.decompressobj(wbits=47)
        try:
            body = unpacker.decompress(body, LONGEST + 1)
        except zlib.error as error:
            raise RecordError(f"compressed, and cannot be unpacked: {error}") from None
        if len(body) > LONGEST or not unpacker.eof:
            raise RecordError(f"compressed, and cut off or longer than {LONGEST:,} bytes")
    elif encoding not in ("", "identity", "gzip", "deflate") and body.decode("utf-8", "ignore").encode() != body:
        raise RecordError(f"compressed as {shortened(encoding, 40)}, which cannot be unpacked here")
    return body


def _body(value: Any) -> bytes | None:
    """Return a body from a text (a lone surrogate stays one), bytes, `{"base64": text}`, or any other JSON value."""
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


def _headers(value: Any) -> Headers:
    """Return headers from a list of `{name, value}`, or from an object of texts, or lists of them, where null is none.

    Pseudo-headers of HTTP/2 are left out. Raises RecordError if it is neither.
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


def number(value: Any, limit: float = math.inf) -> float | None:
    """Return a number, which may be a text, that is at least 0 and below the limit; None for anything else."""
    try:
        found = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found is not None and 0 <= found < limit else None


def _moment(value: Any) -> float | None:
    """Return a moment as seconds since 1970: from a number, or an ISO 8601 date and time (UTC without a zone)."""
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return number(value, 1e11)
