"""The HTTP client: the one module that knows httpx.

Sends the bytes it is given, over https or to loopback. Does not follow a redirect, keep a cookie, or read a response
past its bounds: in bytes, unpacked ones included, and in time, from the first byte of its head on.
"""

import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from trackly_contract.core import Headers, Request, Response, redacted

LARGEST_ANSWER = 1_000_000
"""Bytes of a response that are read; an audience needs a hundredth of that."""

LONGEST_ANSWER = 60.0
"""Seconds that one response may take in all."""


class NoAnswerError(Exception):
    """No response came: connection refused, reset, timed out, too long. The text says which, without the key."""


class UnusableSettingError(ValueError):
    """A base URL, key or id that cannot be used; the text says what to set instead."""


def checked_base_url(base_url: str) -> str:
    """Return it without a slash at the end. Raises UnusableSettingError unless it is https, or http on loopback."""
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
    if parts.scheme == "http" and not re.fullmatch(r"localhost|127(\.[0-9]{1,3}){3}|::1", parts.hostname):
        raise UnusableSettingError(f"TRACKLY_BASE_URL is {shown!r}: http would send the key in the open; use https")
    return base_url.rstrip("/")


class Client:
    """Sends requests to one base URL, each over a connection of its own, and unpacks the responses."""

    def __init__(
        self, base_url: str, answer: Callable[[Request], Response] | None = None, longest_answer: float = LONGEST_ANSWER
    ) -> None:
        """Take a checked base URL; `answer`, a server in this process, replaces the network."""
        self.base_url = base_url
        self.offline = answer is not None
        self._answer = answer
        self._longest = longest_answer
        self._stream: Any = None
        self._headers: Headers = ()
        secure = answer is None and base_url.startswith("https:")
        self._http = httpx.Client(
            verify=secure,  # without TLS there is nothing to verify, and certificates take long to load
            follow_redirects=False,
            event_hooks={"response": [self._keep_headers]},
            limits=httpx.Limits(max_keepalive_connections=0),  # what one response left behind is not the next one
            trust_env=secure,  # a proxy would see what plain http sends to loopback
            timeout=httpx.Timeout(min(30.0, longest_answer), connect=min(10.0, longest_answer)),
        )

    def send(self, request: Request) -> Response:
        """Send one request and return its response, unpacked.

        Raises NoAnswerError if none came whole and in time.
        """
        try:
            if self._answer is None:
                with self._cut_off():
                    return self._sent(request)
            given = self._answer(request)
            headers = tuple((name.lower(), value) for name, value in given.headers)
            return Response(given.status, headers, unpacked([given.body], given.header("Content-Encoding") or ""))
        except (httpx.HTTPError, NoAnswerError) as error:
            text = str(error) if isinstance(error, NoAnswerError) else f"{type(error).__name__}: {error}"
            text = re.sub(
                r"\[SSL: \w+\] | \(_ssl\.c:\d+\)", "", text
            )  # OpenSSL's own places, before and after the reason
            raise NoAnswerError(redacted(text, request.header("X-Api-Key") or "")) from None

    @contextmanager
    def _cut_off(self) -> Iterator[None]:
        """Shut the connection when the time for a response is over, and raise NoAnswerError then.

        The timeouts of httpx are for one read each: a server that sends a byte now and then meets them for hours.
        """
        cut = threading.Event()

        def shut() -> None:
            cut.set()
            with suppress(OSError, AttributeError):  # closed already, or never made
                # Past the TLS layer, which another thread is reading from.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

        timer = threading.Timer(self._longest, shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (httpx.HTTPError, NoAnswerError):
            if not cut.is_set():
                raise
        finally:
            timer.cancel()
        if cut.is_set():  # a body without a length ends where the connection does, whoever ended it
            raise NoAnswerError(f"the answer took longer than {self._longest:g} seconds")

    def _sent(self, request: Request) -> Response:
        # One encoding that can be unpacked in pieces; what httpx would offer and unpack grows without bounds.
        headers = [("Accept", "application/json"), ("Accept-Encoding", "gzip"), *request.headers]
        url, content = self.base_url + request.path, request.body or None
        trace = {"trace": self._keep_stream}
        try:
            with self._http.stream(request.method, url, headers=headers, content=content, extensions=trace) as got:
                body = unpacked(got.iter_raw(), got.headers.get("content-encoding", ""))
                return Response(got.status_code, self._headers, body)
        finally:
            self._http.cookies.clear()  # a session of the good key must not open the door for a wrong one

    def _keep_stream(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    def _keep_headers(self, response: httpx.Response) -> None:
        self._headers = tuple(response.headers.multi_items())
        # httpx fails at a Location that is no URL, though nothing follows it.
        response.headers.pop("location", None)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def unpacked(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Return a body of at most LARGEST_ANSWER bytes, unpacked if `encoding`, a Content-Encoding, says so.

    Raises NoAnswerError for a longer one, and for one that cannot be unpacked.
    """
    coding = encoding.strip().lower()
    packed = coding not in ("", "identity")
    if packed and coding not in ("gzip", "x-gzip", "deflate"):
        raise NoAnswerError(f"the answer is encoded as {encoding[:40]!r}, which nobody asked for")
    unpacking = zlib.decompressobj(32 + zlib.MAX_WBITS)  # tells gzip from zlib by the first bytes
    body, received = bytearray(), 0
    try:
        for chunk in chunks:
            received += len(chunk)
            body += unpacking.decompress(chunk, LARGEST_ANSWER + 1 - len(body)) if packed else chunk
            if max(len(body), received) > LARGEST_ANSWER:
                raise NoAnswerError(f"the answer is longer than {LARGEST_ANSWER:,} bytes")
    except zlib.error as error:
        raise NoAnswerError(f"the answer cannot be unpacked: {error}") from None
    if packed and received and not unpacking.eof:
        raise NoAnswerError("the packed answer ends before its end")
    return bytes(body)
