"""The HTTP client: the one module that knows httpx.

Promises: sends the bytes it is given, follows no redirect; an answer is bounded in bytes, unpacked ones included, and
in time, from the first byte of its head on; the key never shows in an exception.
Refuses: a key that could break a header, and plain http to anything but loopback.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from trackly_contract.core import Request, Response, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LARGEST_ANSWER = 1_000_000
"""Bytes of an answer that are read; an audience needs a hundredth of that."""

LONGEST_ANSWER = 60.0
"""Seconds that one answer may take in all."""


class NoAnswerError(Exception):
    """No response came: refused, reset, timed out, too long. The text says which, without any secret."""


ALL_HEADERS = "trackly_contract.headers"
"""Where all headers of an answer are kept, also those that were taken away from httpx."""


class UnusableSettingError(ValueError):
    """A base URL, key or id that cannot be used; the text says what to set instead."""


def checked_base_url(base_url: str) -> str:
    """Return the base URL without a trailing slash.

    Raises UnusableSettingError unless it is https, or http on loopback.
    """
    shown = re.sub(r"//[^/]*@", "//...@", re.split(r"[?#]", base_url)[0])
    example = f"TRACKLY_BASE_URL is {shown!r}: it must look like https://app.tracklysms.com/api"
    try:
        parts = urlsplit(base_url)
        port = parts.port
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):
        raise UnusableSettingError(example) from None
    if not re.fullmatch(r"https?://[!-~]+", base_url) or not parts.hostname or port == 0 or set("?#") & set(base_url):
        raise UnusableSettingError(example)
    if parts.username is not None or parts.password is not None:
        raise UnusableSettingError("TRACKLY_BASE_URL carries a user name: take it out")
    try:
        loopback = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = False
    if parts.scheme == "http" and not loopback:
        raise UnusableSettingError(
            f"TRACKLY_BASE_URL is {shown!r}: plain http would send the key in the open; "
            "use https (http is for loopback only)"
        )
    return base_url.rstrip("/")


def checked_key(key: str) -> str:
    """Return the key. Raises UnusableSettingError, without showing it, for what no header can carry."""
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        raise UnusableSettingError(
            "TRACKLY_API_KEY holds a blank, a line break or a character outside ASCII: "
            "copy the key again, without quotes or spaces"
        )
    return key


def checked_audience_id(audience_id: str) -> str:
    """Return the audience id. Raises UnusableSettingError for what would not stay one step of a path."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", audience_id):
        raise UnusableSettingError(
            "TRACKLY_AUDIENCE_ID is no id: an id has letters and digits only, like 664f1a2b3c4d5e6f7a8b9c0d"
        )
    return audience_id


class _Connection:
    """The connection that is in use, so that an answer that drips can be cut off.

    The timeouts of httpx are for one read each: a server that sends a byte now and then meets them for hours.
    """

    def __init__(self) -> None:
        self._stream: Any = None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep the stream of a connection that was made; an `extensions={"trace": ...}` of httpx."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    @contextmanager
    def cut_after(self, seconds: float) -> Iterator[threading.Event]:
        """Shut the connection after `seconds`; the event that is yielded says whether that was done."""
        cut = threading.Event()

        def shut() -> None:
            cut.set()
            with suppress(OSError, AttributeError):  # closed already, or never made
                # Past the TLS layer, which another thread is reading from.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

        timer = threading.Timer(seconds, shut)
        timer.daemon = True
        timer.start()
        try:
            yield cut
        finally:
            timer.cancel()


def _keep_where_to(answer: httpx.Response) -> None:
    """Take the Location out before httpx reads it: it fails at what is no URL, though nobody follows it."""
    answer.extensions[ALL_HEADERS] = tuple(answer.headers.multi_items())
    answer.headers.pop("location", None)


class Client:
    """Sends requests to one base URL, each over a connection of its own."""

    def __init__(
        self, base_url: str, transport: httpx.BaseTransport | None = None, *, longest_answer: float = LONGEST_ANSWER
    ) -> None:
        """Take a checked base URL; `transport` replaces the network (an embedded server, a test).

        `longest_answer` is in seconds, and what any single read may take with it.
        """
        self.base_url = base_url
        self.listener: Callable[[Request, Response | None], None] | None = None
        self._longest = longest_answer
        self._connection = _Connection()
        self._embedded = transport is not None
        self._http = httpx.Client(
            transport=transport,
            follow_redirects=False,
            event_hooks={"response": [_keep_where_to]},
            limits=httpx.Limits(max_keepalive_connections=0),  # what one answer left behind is not the next one
            trust_env=base_url.startswith("https:"),  # a proxy would see what plain http sends to loopback
            timeout=httpx.Timeout(min(30.0, longest_answer), connect=min(10.0, longest_answer)),
        )

    def send(self, request: Request) -> Response:
        """Send one request and return its response, decoded.

        Raises NoAnswerError if none came whole and in time. The `listener` hears of both.
        """
        response: Response | None = None
        try:
            response = self._sent(request) if self._embedded else self._sent_in_time(request)
            return response
        finally:
            if self.listener is not None:
                self.listener(request, response)

    def _sent_in_time(self, request: Request) -> Response:
        with self._connection.cut_after(self._longest) as cut:
            try:
                response = self._sent(request)
            except NoAnswerError:
                if not cut.is_set():
                    raise
        if cut.is_set():  # a body without a length ends where the connection does, whoever ended it
            raise NoAnswerError(f"the answer took longer than {self._longest:g} seconds")
        return response

    def _sent(self, request: Request) -> Response:
        # One encoding that can be unpacked in pieces; what httpx would offer and unpack grows without bounds.
        headers = [("Accept", "application/json"), ("Accept-Encoding", "gzip"), *request.headers]
        try:
            with self._http.stream(
                request.method,
                self.base_url + request.path,
                headers=headers,
                content=request.body or None,
                extensions={"trace": self._connection.trace},
            ) as answer:
                body = unpacked(answer.iter_raw(), answer.headers.get("content-encoding", ""))
                return Response(answer.status_code, answer.extensions[ALL_HEADERS], body)
        except (httpx.HTTPError, NoAnswerError) as error:
            text = str(error) if isinstance(error, NoAnswerError) else f"{type(error).__name__}: {error}"
            raise NoAnswerError(redacted(text, request.header("X-Api-Key") or "")) from None
        finally:
            self._http.cookies.clear()  # a session of the good key must not open the door for a wrong one

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def unpacked(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Return a body of at most LARGEST_ANSWER bytes, unpacked if `encoding`, a Content-Encoding, says so.

    Raises NoAnswerError for a longer one, and for one that cannot be unpacked.
    """
    coded = encoding.strip().lower() not in ("", "identity")
    if coded and encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise NoAnswerError(f"the answer is encoded as {encoding[:40]!r}, which nobody asked for")
    unpacking = zlib.decompressobj(32 + zlib.MAX_WBITS)  # told by its first bytes whether gzip or zlib
    body, packed = bytearray(), 0
    try:
        for chunk in chunks:
            packed += len(chunk)
            body += unpacking.decompress(chunk, LARGEST_ANSWER + 1 - len(body)) if coded else chunk
            if max(len(body), packed) > LARGEST_ANSWER:
                raise NoAnswerError(f"the answer is longer than {LARGEST_ANSWER:,} bytes")
    except zlib.error as error:
        raise NoAnswerError(f"the answer cannot be unpacked: {error}") from None
    if coded and packed and not unpacking.eof:
        raise NoAnswerError("the packed answer ends before its end")
    return bytes(body)


def embedded(answer: Callable[[Request], Response], prefix: str) -> httpx.BaseTransport:
    """Return a transport that hands each request to `answer`, its path less `prefix`, without any network."""

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(prefix)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        response = answer(Request(request.method, path, headers, request.read()))
        return httpx.Response(response.status, headers=list(response.headers), stream=httpx.ByteStream(response.body))

    return httpx.MockTransport(handle)
