"""The HTTP client: the one module that knows httpx.

Sends the bytes it is given, over https or to loopback. Takes the keys that it sent out of what comes back, before
anybody sees it. Does not follow a redirect, keep a cookie, or read a response past its bounds: in bytes, unpacked ones
included, and in time, from the first byte of its head on. Reads the variables about proxies and certificates for https
alone.
"""

import os
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from trackly_contract.core import Headers, Request, Response, redacted, redacted_message, secrets_in

LARGEST_ANSWER = 1_000_000
"""Bytes of a response that are read; an audience needs a hundredth of that."""

LONGEST_ANSWER = 60.0
"""Seconds that one response may take in all."""


LOOPBACK = r"localhost|127(\.[0-9]{1,3}){3}|::1"
"""Names of this machine."""


class NoAnswerError(Exception):
    """No response came: connection refused, reset, timed out, too long. The text says which, without the key.

    `begun`: its head came, so the request has arrived.
    """

    def __init__(self, text: str, *, begun: bool = False) -> None:
        super().__init__(text)
        self.begun = begun


class UnusableSettingError(ValueError):
    """A variable that cannot be used; the text names it and says what to set instead."""


def checked_base_url(base_url: str) -> str:
    """Return it without a slash too many. Raises UnusableSettingError unless it is https, or http on loopback."""
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
    if parts.scheme == "http" and not re.fullmatch(LOOPBACK, parts.hostname):
        raise UnusableSettingError(f"TRACKLY_BASE_URL is {shown!r}: http would send the key in the open; use https")
    return f"{parts.scheme}://{parts.netloc}{re.sub('/+', '/', parts.path).rstrip('/')}"


def normal_address(base_url: str) -> str:
    """Return one spelling of a checked base URL for all that name the same API: its host in one way, and its port."""
    parts = urlsplit(base_url)
    host = "localhost" if re.fullmatch(LOOPBACK, parts.hostname or "") else parts.hostname
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


def _proxy(base_url: str) -> httpx.Proxy | None:
    """Return the proxy for an https URL, None for none.

    Raises UnusableSettingError for a variable that names none, without its value, which may hold a password.
    """
    named, to = getproxies(), urlsplit(base_url)
    scheme = next((scheme for scheme in ("https", "all") if named.get(scheme)), None)
    if scheme is None:
        return None
    for name in named.get("no", "").split(","):
        if not re.fullmatch(r"[\w.*:/%[\]-]*", name.strip()) or "//" in name:
            form = "hosts with commas between them, such as localhost,.example.com"
            raise UnusableSettingError(f"{_variable('no')} must name {form}: correct it, or unset it")
    if any(proxy_bypass(host) for host in (to.hostname or "", to.netloc)):
        return None
    try:
        proxy = httpx.Proxy(named[scheme] if "://" in named[scheme] else f"http://{named[scheme]}")
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or not proxy.url.host:
        form = "a proxy, such as http://proxy.example:3128"
        raise UnusableSettingError(f"{_variable(scheme)} must name {form}: correct it, or unset it")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        ways = "install httpx[socks], or set HTTPS_PROXY to a proxy that begins with http://, or unset both"
        raise UnusableSettingError(f"{_variable(scheme)} names a SOCKS proxy, which needs the package socksio: {ways}")
    return proxy


def _variable(scheme: str) -> str:
    """Return the variable that names the proxy of a scheme, as it is spelled; Windows and macOS have settings too."""
    names = [name for name in os.environ if name.lower() == f"{scheme}_proxy" and os.environ[name]]
    return min(names, key=str.isupper, default=f"the {scheme}_proxy of the system")  # the lower-case one counts


def _certificates() -> ssl.SSLContext:
    """Return what certificates are checked against. Raises UnusableSettingError for a variable that names none."""
    with _path_in("SSLKEYLOGFILE", "a file that can be written") as path:
        if path:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = path
    with _path_in("SSL_CERT_FILE", "a file of certificates in PEM") as path:
        if path:
            return ssl.create_default_context(cafile=path)
    with _path_in("SSL_CERT_DIR", "a folder of certificates that `openssl rehash` has named") as path:
        if path:
            names = [file.name for folder in path.split(os.pathsep) for file in Path(folder).iterdir()]
            if not any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name) for name in names):
                raise ssl.SSLError
            return ssl.create_default_context(capath=path)
    return httpx.create_ssl_context(trust_env=False)


@contextmanager
def _path_in(variable: str, what: str) -> Iterator[str | None]:
    """Yield the value of a variable. Raises UnusableSettingError for what is wrong with it inside."""
    try:
        yield os.environ.get(variable)
    except OSError as error:
        why = "there is none" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnusableSettingError(f"{variable} must name {what} ({why}): correct it, or unset it") from None


class Client:
    """Sends requests to one base URL, each over a connection of its own, and unpacks the responses."""

    def __init__(
        self, base_url: str, answer: Callable[[Request], Response] | None = None, longest_answer: float = LONGEST_ANSWER
    ) -> None:
        """Take a checked base URL; `answer`, a server in this process, replaces the network.

        Raises UnusableSettingError for a proxy or for certificates that https cannot use.
        """
        self.base_url = base_url
        self.offline = answer is not None
        self._answer = answer
        self._longest = longest_answer
        self._stream: Any = None
        self._headers: Headers = ()
        self._keys: dict[str, None] = {}
        self._begun = False
        if answer is not None:
            return
        secure = base_url.startswith("https:")
        self._http = httpx.Client(
            verify=_certificates() if secure else False,  # without TLS there is nothing to verify
            proxy=_proxy(base_url) if secure else None,  # a proxy would see what plain http sends to loopback
            trust_env=False,  # what the environment says is checked above
            follow_redirects=False,
            event_hooks={"response": [self._keep_headers]},
            limits=httpx.Limits(max_keepalive_connections=0),  # what one response left behind is not the next one
            timeout=httpx.Timeout(30.0, connect=min(10.0, longest_answer)),
        )

    def send(self, request: Request) -> Response:
        """Send one request and return its response, unpacked, without any key that this client has sent so far.

        Raises NoAnswerError if none came whole and in time.
        """
        self._keys |= dict.fromkeys(secrets_in(request.headers))
        try:
            with self._cut_off() if self._answer is None else nullcontext():
                return redacted_message(self._received(request), *self._keys)
        except (httpx.HTTPError, NoAnswerError) as error:
            text = str(error) if isinstance(error, NoAnswerError) else f"{type(error).__name__}: {error}"
            text = re.sub(
                r"\[SSL: \w+\] | \(_ssl\.c:\d+\)", "", text
            )  # OpenSSL's own places, before and after the reason
            raise NoAnswerError(redacted(text, *self._keys), begun=self._begun) from None

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

    def _received(self, request: Request) -> Response:
        if self._answer is not None:
            given = self._answer(request)
            body = unpacked([given.body], given.header("Content-Encoding") or "")
            return Response(given.status, tuple((name.lower(), value) for name, value in given.headers), body)
        self._begun = False
        # One encoding that can be unpacked in pieces; what httpx would offer and unpack grows without bounds.
        headers = [("Accept", "application/json"), ("Accept-Encoding", "gzip"), *request.headers]
        url, content = self.base_url + request.path, request.body or None
        trace = {"trace": self._keep_stream}
        try:
            with self._http.stream(request.method, url, headers=headers, content=content, extensions=trace) as got:
                body = unpacked(got.iter_raw(), got.headers.get("content-encoding", ""))
                return Response(got.status_code, self._headers, body)
        except httpx.ProxyError as error:  # its text may repeat the password that the proxy got
            status = re.sub(r"(?s)\D.*", "", str(error)) or "no status"
            raise NoAnswerError(f"the proxy makes no connection ({status})") from None
        finally:
            self._http.cookies.clear()  # a session of the good key must not open the door for a wrong one

    def _keep_stream(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    def _keep_headers(self, response: httpx.Response) -> None:
        self._begun = True
        self._headers = tuple(response.headers.multi_items())
        # httpx fails at a Location that is no URL, though nothing follows it.
        response.headers.pop("location", None)

    def close(self) -> None:
        """Close the connections."""
        if not self.offline:
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
