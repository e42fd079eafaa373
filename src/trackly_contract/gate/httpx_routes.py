"""Brings the requests of unmodified httpx clients to the gate, sync and async. Does not touch other hosts.

A client with another transport than httpx's own is stopped before anything is sent to the API.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from unittest.mock import patch

import httpx
import respx
from respx.mocks import HTTPCoreMocker

from trackly_contract.core import Request
from trackly_contract.gate.gate import Gate

HOSTS = ("https://app.tracklysms.com/api", "https://api.tracklysms.com/api")
"""Base URLs that pages of the documentation print: the reference pages the first, newer copies the second."""


class EscapedError(httpx.ConnectError, OSError):
    """A request was on its way to the real API, past the gate: an error for httpx, and for what opens sockets."""


class Gateway:
    """Hands requests of httpx to a gate; `base_urls` are where the API is said to be."""

    def __init__(self, gate: Gate, base_urls: Iterable[str]) -> None:
        self.gate = gate
        self.base_urls = [httpx.URL(url) for url in base_urls]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request that is read already; raises what httpx raises where the connection breaks."""
        raw_path, _, query = request.url.raw_path.decode("ascii", "replace").partition("?")
        address = f"{request.url.scheme}://{request.url.netloc.decode('ascii', 'replace')}{raw_path}"
        bases = (str(url).rstrip("/") for url in self.base_urls)
        base = next((url for url in bases if address.startswith(f"{url}/")), "")
        path = address.removeprefix(base)  # below no base URL it is no path of the API: reported in full
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        judged = self.gate.respond(Request(request.method, path, headers, request.content), query)
        response = judged.response
        if response is None or judged.connection == "truncated":
            error = httpx.ReadTimeout if judged.connection == "timeout" else httpx.RemoteProtocolError
            raise error(f"connection {judged.connection}: forced by the test", request=request)
        return httpx.Response(response.status, headers=list(response.headers), content=response.body)

    def stop(self, host: Any) -> None:
        """Raise EscapedError, and keep its text, if that is a host of the API."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        hosts = {url.host for url in self.base_urls}
        if isinstance(name, str) and name.lower().rstrip(".").partition(":")[0] in hosts:
            self.gate.escaped.append(
                f"a request to {name} went past trackly_api and was stopped: it routes https and httpx clients with "
                "httpx's own transport. Does the client have a transport of its own? Give it trackly_api.transport. "
                "Is it no httpx client? Use the fixture trackly_server, with its base_url. Is its base URL plain http? "
                "It shows the key to anybody"
            )
            raise EscapedError(self.gate.escaped[-1])

    def elsewhere(self, request: httpx.Request) -> httpx.Request | None:
        """Leave a request to another host to the test's own respx routes, or, where it has none, to the network."""
        self.stop(request.url.host)  # as over plain http: a proxy would look that up
        return None if len(HTTPCoreMocker.routers) > 1 else request


@contextmanager
def routed(gate: Gate, base_urls: Iterable[str] = HOSTS) -> Iterator[None]:
    """Route requests of httpx clients to the hosts of `base_urls` to `gate`, inside; `gate.transport` does so too.

    Whoever looks up a host of the API inside, or asks a proxy for it, would go past the gate, and is stopped.
    """
    gateway = Gateway(gate, base_urls)
    gate.transport = httpx.MockTransport(gateway)
    look_up, tunnel = socket.getaddrinfo, HTTPConnection.set_tunnel

    def looked_up(host: Any, *arguments: Any, **options: Any) -> Any:
        gateway.stop(host)
        return look_up(host, *arguments, **options)

    def tunnelled(connection: HTTPConnection, host: Any, *arguments: Any, **options: Any) -> None:
        gateway.stop(host)
        tunnel(connection, host, *arguments, **options)

    with (
        patch.object(socket, "getaddrinfo", looked_up),
        patch.object(HTTPConnection, "set_tunnel", tunnelled),
        respx.mock(assert_all_called=False) as router,
    ):
        for url in gateway.base_urls:
            router.route(url__startswith=f"{url.scheme}://{url.netloc.decode('ascii')}/").mock(side_effect=gateway)
        router.route().mock(side_effect=gateway.elsewhere)
        yield
