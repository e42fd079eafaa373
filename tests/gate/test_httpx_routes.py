"""How httpx clients reach the gate: no change to them, no way past it, no other host touched."""

import asyncio
import socket
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import respx
from respx.models import AllMockedAssertionError

from tests.gate.requests import PATH
from trackly_contract.gate import HOSTS, Gate, routed
from trackly_contract.gate.http import running
from trackly_contract.gate.httpx_routes import EscapedError
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

KEY = {"X-Api-Key": REFERENCE_KEY}
PAST = "went past trackly_api"


@pytest.fixture
def gateway(gate: Gate) -> Iterator[None]:
    with routed(gate):
        yield


def get(base_url: str, path: str = PATH) -> httpx.Response:
    return httpx.get(base_url + path, headers=KEY, trust_env=False)


def async_update(options: dict[str, Any]) -> int:
    """Update the name to "in pieces" with an async client, the body in pieces; return the status."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"name":'
        yield b' "in pieces"}'

    async def update() -> int:
        async with httpx.AsyncClient(base_url=HOSTS[0], headers=KEY, trust_env=False, **options) as client:
            response = await client.put(PATH, content=pieces(), headers={"Content-Type": "application/json"})
            return response.status_code

    return asyncio.run(update())


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.usefixtures("gateway")
def test_both_hosts_reach_the_gate(gate: Gate, host: str) -> None:
    assert get(host).json()["id"] == gate.audience_id
    assert gate.last.request.path == PATH


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("option", ["none", "transport", "proxy"])
def test_sync_and_async_clients_reach_it(gate: Gate, option: str) -> None:
    options: dict[str, Any] = {"transport": gate.transport, "proxy": "http://127.0.0.1:9"}
    options = {name: value for name, value in options.items() if name == option}
    with httpx.Client(base_url=HOSTS[0], headers=KEY, **options) as client:
        assert client.get(PATH).status_code == 200
    assert async_update(options) == 200
    assert (gate.after["name"], gate.requests) == ("in pieces", 2)


@pytest.mark.parametrize(
    "spelling", ["https://sandbox.example/trackly/api", "https://Sandbox.example:443/trackly/api/"]
)
def test_another_base_url_is_routed_where_it_is_named(gate: Gate, spelling: str) -> None:
    with routed(gate, [spelling, *HOSTS]):
        assert get("https://sandbox.example/trackly/api").status_code == 200
        assert get(HOSTS[0]).status_code == 200


def test_other_hosts_pass_through_and_afterwards_everything_is_as_it_was(gate: Gate) -> None:
    before = socket.getaddrinfo
    with routed(gate), running(ReferenceServer()) as base:
        assert socket.getaddrinfo is not before
        assert get(base).status_code == 200
    assert socket.getaddrinfo is before


@pytest.mark.parametrize("first", ["respx_mock", "gateway"])
def test_routes_of_the_tests_own_serve_other_hosts(request: pytest.FixtureRequest, gate: Gate, first: str) -> None:
    for name in (first, "gateway", "respx_mock"):
        request.getfixturevalue(name)
    own: respx.MockRouter = request.getfixturevalue("respx_mock")
    own.get("https://other.example/v1").respond(204)
    assert httpx.get("https://other.example/v1").status_code == 204
    assert get(HOSTS[0]).status_code == 200
    assert gate.requests == 1
    with pytest.raises(AllMockedAssertionError):
        httpx.get("https://nobody.example/")


@pytest.mark.parametrize(
    ("base_url", "path", "status", "violation"),
    [
        ("https://app.tracklysms.com", PATH, 404, ("operation", f"GET https://app.tracklysms.com{PATH}")),
        (HOSTS[0], f"{PATH}?expand=1", 200, ("query", "?expand=...")),
    ],
)
@pytest.mark.usefixtures("gateway")
def test_a_path_elsewhere_and_a_query_are_violations(
    gate: Gate, base_url: str, path: str, status: int, violation: tuple[str, str]
) -> None:
    assert get(base_url, path).status_code == status
    assert [(found.name, found.got) for found in gate.last.failures] == [violation]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("timeout", httpx.ReadTimeout),
        ("disconnected", httpx.RemoteProtocolError),
        ("truncated", httpx.RemoteProtocolError),
    ],
)
@pytest.mark.usefixtures("gateway")
def test_a_connection_that_breaks_raises_what_httpx_raises(gate: Gate, name: str, error: type[Exception]) -> None:
    gate.force(name)
    with pytest.raises(error, match="forced by the test"):
        get(HOSTS[0])


class OwnTransport(httpx.BaseTransport):
    """Opens its connection by itself, as no patch of httpx can see."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.create_connection((request.url.host, 443), timeout=5):
            return httpx.Response(200)


@pytest.mark.usefixtures("gateway")
def test_a_client_that_goes_past_the_gate_is_stopped_and_reported(gate: Gate) -> None:
    with (
        httpx.Client(transport=OwnTransport()) as client,
        pytest.raises(EscapedError, match=rf"app\.tracklysms\.com {PAST} .* Give it trackly_api\.transport") as raised,
    ):
        client.get(HOSTS[0] + PATH)
    assert (gate.escaped, gate.requests) == ([str(raised.value)], 0)


@pytest.mark.parametrize("host", ["API.TracklySMS.com", "app.tracklysms.com.", b"app.tracklysms.com"])
@pytest.mark.usefixtures("gateway")
def test_no_spelling_of_a_host_of_the_api_can_be_looked_up(host: str | bytes) -> None:
    with pytest.raises(EscapedError):
        socket.getaddrinfo(host, 443)


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that keeps the first bytes of each connection, and closes it; its URL and what it kept."""
    kept: list[bytes] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    kept.append(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", kept
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.usefixtures("gateway")
def test_no_proxy_leads_another_library_or_plain_http_past_the_gate(gate: Gate, proxy: tuple[str, list[bytes]]) -> None:
    url, kept = proxy
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": url}))
    with pytest.raises(OSError, match=PAST):
        opener.open(HOSTS[0] + PATH, timeout=5)
    with pytest.raises(httpx.ConnectError, match=PAST):
        get("http://app.tracklysms.com/api")
    with httpx.Client(proxy=url) as client, pytest.raises(httpx.ConnectError, match=PAST):
        client.get("http://app.tracklysms.com/api" + PATH)
    assert (len(gate.escaped), kept) == (3, [])
