"""The gate for clients that use httpx: respx routes their requests to it, sync and async, without a change to them.

Promises: both hosts of the API, and any base URL that is named, reach the gate; other hosts pass through; a client that
escapes (a transport of its own, another library) is stopped at the name of the host, before anything is sent.
Refuses: to stand in for operations that the gate does not know; they are answered 404 and told as a fault.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit

import httpx
import respx
from respx.mocks import HTTPCoreMocker

from trackly_contract.core import Request
from trackly_contract.gate.scenarios import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trackly_contract.gate.gate import Gate

HOSTS = ("https://app.tracklysms.com/api", "https://api.tracklysms.com/api")
"""Base URLs that pages of the documentation print: the reference pages the first, newer copies the second."""


class EscapedError(OSError):
    """A request was on its way to the real API, past the gate."""


class Gateway:
    """Hands requests of httpx to a gate; `base_urls` are where the API is said to be.

    Raises ValueError for a base URL that is none.
    """

    def __init__(self, gate: Gate, base_urls: Iterable[str]) -> None:
        self.gate = gate
        self.base_urls = [_normal(url) for url in base_urls]
        self.hosts = {urlsplit(url).hostname for url in self.base_urls}
        self.escaped: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, read already; raises what httpx raises where the connection is forced to break."""
        raw_path, _, query = request.url.raw_path.decode("ascii", "replace").partition("?")
        address = f"{request.url.scheme}://{request.url.netloc.decode('ascii', 'replace')}{raw_path}"
        base = next((url for url in self.base_urls if address.startswith(f"{url}/")), None)
        path = address.removeprefix(base or "")  # below no base URL it is no path of the API, and told in full
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        sent = self.gate.answer(Request(request.method, path, headers, request.content), query)
        if sent.connection is Connection.TIMEOUT:
            raise httpx.ReadTimeout("forced by the test: no answer came in time", request=request)
        if sent.connection is Connection.DISCONNECTED:
            text = "Server disconnected without sending a response (forced by the test)."
            raise httpx.RemoteProtocolError(text, request=request)
        if sent.connection is Connection.TRUNCATED:
            text = "peer closed connection without sending complete message body (forced by the test)"
            raise httpx.RemoteProtocolError(text, request=request)
        assert sent.response is not None
        return httpx.Response(sent.response.status, headers=list(sent.response.headers), content=sent.response.body)

    @property
    def transport(self) -> httpx.MockTransport:
        """A transport, for sync and async clients, that reaches the gate without respx."""
        return httpx.MockTransport(self)

    @contextmanager
    def no_way_past(self) -> Iterator[None]:
        """Refuse to look up the hosts of the API inside, and to reach them by a proxy: that goes past the gate."""
        look_up, tunnel = socket.getaddrinfo, HTTPConnection.set_tunnel

        def looked_up(host: Any, *arguments: Any, **options: Any) -> Any:
            self.stop(host)
            return look_up(host, *arguments, **options)

        def tunnelled(connection: HTTPConnection, host: Any, *arguments: Any, **options: Any) -> None:
            self.stop(host)
            tunnel(connection, host, *arguments, **options)

        with (
            mock.patch.object(socket, "getaddrinfo", looked_up),
            mock.patch.object(HTTPConnection, "set_tunnel", tunnelled),
        ):
            yield

    def stop(self, host: Any) -> None:
        """Raise EscapedError, and keep that it was, if that is a host of the API."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and name.lower().rstrip(".").partition(":")[0] in self.hosts:
            self.escaped.append(name)
            raise EscapedError(escape_text(name))

    def elsewhere(self, request: httpx.Request) -> httpx.Request | None:
        """Leave a request to another host to the routes of the test's own respx, or, where it has none, to the network.

        Raises httpx.ConnectError for one to a host of the API, as over plain http: a proxy would look that up.
        """
        try:
            self.stop(request.url.host)
        except EscapedError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return None if len(HTTPCoreMocker.routers) > 1 else request


def escape_text(host: str) -> str:
    """Return what to do about a client that goes past the gate to `host`."""
    return (
        f"a request to {host} went past trackly_api and was stopped: it routes https and httpx clients with httpx's "
        "own transport. Has the client a transport of its own? Give it trackly_api.transport. Is it no httpx client? "
        "Use the fixture trackly_server, with its base_url. Is its base URL plain http? It shows the key to anybody"
    )


@contextmanager
def routed(gate: Gate, base_urls: Iterable[str] = HOSTS) -> Iterator[Gateway]:
    """Route every request of httpx clients to the hosts of `base_urls` to `gate`, inside; yields the way there."""
    gateway = Gateway(gate, base_urls)
    with gateway.no_way_past(), respx.mock(assert_all_called=False) as router:
        for origin in {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in gateway.base_urls}:
            router.route(url__startswith=f"{origin}/").mock(side_effect=gateway)
        router.route().mock(side_effect=gateway.elsewhere)
        yield gateway


def _normal(base_url: str) -> str:
    """Return a base URL as httpx writes one. Raises ValueError for what is none."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{base_url!r} is no base URL: write it like {HOSTS[0]}")
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}".rstrip("/")
