"""HTTP on loopback, over real sockets: a reference server, and a gate with the network faults of its scenarios."""

import gc
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any
from unittest import mock
from wsgiref.validate import validator

import httpx
import pytest

from tests.gate.requests import KEY, asking
from trackly_contract import __version__
from trackly_contract.core import Request, Response
from trackly_contract.gate import Control, Gate, http, network_faults
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

AUDIENCE = f"/v2/audiences/{AUDIENCE_ID}"


class Listening(ReferenceServer):
    """Remembers what it was asked, and responds as always."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.heard.append(request)
        return super().answer(request)


@pytest.fixture(scope="module")
def server() -> Listening:
    return Listening()


@pytest.fixture(scope="module")
def base(server: Listening) -> Iterator[str]:
    with running(server) as url:
        yield url


@pytest.fixture
def client(base: str) -> Iterator[httpx.Client]:
    with asking(base) as opened:
        yield opened


def raw(base: str, sent: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes."""
    url = httpx.URL(base)
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Fail if there are more threads after the test; a thread that was told to end takes a moment."""
    known = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while not set(threading.enumerate()) <= known and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= known


def test_it_is_on_loopback_alone(base: str) -> None:
    url = httpx.URL(base)
    assert (url.scheme, url.host, url.path) == ("http", "127.0.0.1", "/api")
    other = socket.gethostbyname(socket.gethostname())
    address = ("127.0.0.2" if other.startswith("127.") else other, url.port or 0)
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
        socket.create_connection(address, 2).close()


def test_requests_get_the_same_responses_as_without_sockets(client: httpx.Client) -> None:
    twin = ReferenceServer()
    for method, path, chunks in [
        ("GET", AUDIENCE, []),
        ("PUT", AUDIENCE, ['{"name": "Ünï 😀", "filter": {"operator": "XOR"}}'.encode()]),
        ("PUT", AUDIENCE, [b'{"na', b'me": "in', b' pieces"}']),
        ("PUT", AUDIENCE, [b"[" * 10_000]),
        ("PUT", AUDIENCE, [b'{"description": "%s"}' % (b"d" * 4_900_000)]),
        ("PUT", AUDIENCE, [b" " * 6_000_000]),
        ("PUT", AUDIENCE, [b" " * 2_000_000] * 3),
        ("HEAD", AUDIENCE, []),
        ("GET", f"{AUDIENCE}/size", []),
        ("GET", AUDIENCE, []),
        ("GET", "/v2/audiences/none", []),
        ("DELETE", AUDIENCE, []),
    ]:
        expected = twin.answer(Request(method, path, (KEY,), b"".join(chunks)))
        response = client.request(method, path, content=iter(chunks) if len(chunks) > 1 else b"".join(chunks))
        body = b"" if method == "HEAD" else expected.body
        assert (response.status_code, response.content) == (expected.status, body)
        headers = (*expected.headers, ("Content-Length", str(len(expected.body))))
        assert all(response.headers[name] == value for name, value in headers)
    assert response.headers["X-Trackly-Contract-Reference"] == __version__


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (f"/api{AUDIENCE}", AUDIENCE),
        (f"/api{AUDIENCE}?x=/y#z", AUDIENCE),
        ("/api/v2/audiences/a%2Fsize?", "/v2/audiences/a%2Fsize"),
        ("/api/v2/audiences/%36%00%", "/v2/audiences/%36%00%"),
        ("/api/v2/audiences/../x", "/v2/audiences/../x"),
        ("/api//v2/audiences/x", "//v2/audiences/x"),
        (f"http://example.com/api{AUDIENCE}", AUDIENCE),
        *(
            (path, f"HOST{path}")
            for path in ("/%61pi/v2/audiences/x", AUDIENCE, "/apiv2/x", f"//api{AUDIENCE}", "/api")
        ),
        ("/", "HOST/"),
        ("*", "HOST/"),
    ],
)
def test_path_and_headers_arrive_as_they_were_sent(base: str, server: Listening, target: str, path: str) -> None:
    headers = {"X-Api-Key": REFERENCE_KEY, "Content-Type": "text/x", "X-Other": "1", "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    received = raw(base, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
    heard = server.heard[-1]
    assert heard.path == path.replace("HOST", base.removesuffix("/api"))
    assert {name: heard.header(name) for name in headers} == headers
    assert received.startswith(b"HTTP/1.1 200 OK" if path == AUDIENCE else b"HTTP/1.1 404 Not Found")
    assert b"X-Trackly-Contract-Reference: " in received


def test_what_is_no_http_is_rejected_and_the_server_lives_on(base: str, client: httpx.Client) -> None:
    assert raw(base, b"\x00\xff nonsense\r\n\r\n").startswith(b"HTTP/1.0 400")
    assert client.get(AUDIENCE).status_code == 200


def test_requests_at_once_are_answered_one_at_a_time() -> None:
    class Watched(ReferenceServer):
        inside, most = 0, 0

        def answer(self, request: Request) -> Response:
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.002)
            response = super().answer(request)
            self.inside -= 1
            return response

    watched = Watched()
    with running(watched) as base, asking(base) as client, ThreadPoolExecutor(4) as pool:
        counted = pool.map(lambda _: client.get(f"{AUDIENCE}/size").json()["calculated_at"], range(40))
    assert len(set(counted)) == 40
    assert watched.most == 1


def test_what_an_overridden_method_raises_is_a_500_without_stamp(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(ReferenceServer):
        def read(self, audience: dict[str, object]) -> Response:
            raise ValueError(audience["id"])

    with running(Failing()) as base, asking(base) as client:
        response = client.get(AUDIENCE)
    assert response.status_code == 500
    assert "X-Trackly-Contract-Reference" not in response.headers
    assert "ValueError" in caplog.text


@pytest.mark.usefixtures("no_thread_is_left")
def test_nothing_is_left_behind_even_with_requests_half_sent_and_an_exception() -> None:
    with warnings.catch_warnings(), ExitStack() as opened:
        warnings.simplefilter("error")
        with suppress(ZeroDivisionError), running(ReferenceServer()) as base, asking(base) as client:
            url = httpx.URL(base)
            address = (url.host, url.port or 0)
            _, half = (opened.enter_context(socket.create_connection(address)) for _ in range(2))
            head = f"PUT /api{AUDIENCE} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
            half.sendall(head.encode() + b" " * 2_000_000)
            assert client.get(AUDIENCE).status_code == 200
            raise ZeroDivisionError
        gc.collect()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5).close()


@pytest.mark.usefixtures("no_thread_is_left")
def test_a_port_can_be_chosen_again_and_a_taken_one_is_an_error() -> None:
    with running(ReferenceServer()) as first:
        port = httpx.URL(first).port or 0
        with pytest.raises(OSError, match="in use"), running(ReferenceServer(), port):
            pass
    with running(ReferenceServer(), port) as second, asking(second) as client:
        assert second == first
        assert client.get(AUDIENCE).status_code == 200


def test_the_application_keeps_to_wsgi() -> None:
    plain: Any = http.wsgi_app
    with (
        mock.patch.object(http, "wsgi_app", lambda served: validator(plain(served))),
        running(Control(Gate())) as base,
        asking(base) as client,
    ):
        assert client.get(AUDIENCE).json()["cached_size"] == 12480
        assert client.put(AUDIENCE, content=b'{"name": 5}').status_code == 400
        assert client.head(AUDIENCE).status_code == 405
        controlled = client.get(base.removesuffix("/api") + "/control/lists")
    assert controlled.json() == [101, 102, 103]
    assert "X-Trackly-Contract-Reference" not in controlled.headers


# A gate -----------------------------------------------------------------------------------------------


def test_a_gate_knows_its_address_and_what_it_is_sent(gated: httpx.Client, gate: Gate) -> None:
    assert gated.get(AUDIENCE, params={"expand": "1"}).json()["name"] == "High-Value Clickers"
    assert str(gated.base_url) == f"{gate.base_url}/"
    assert [violation.got for violation in gate.last.violations] == ["?expand=..."]


@pytest.mark.parametrize("size", [200, 6_000_000])
def test_a_body_that_is_too_long_is_judged_whole(gated: httpx.Client, gate: Gate, size: int) -> None:
    gate.choose(largest_body=min(size - 50, gate.server.choices.largest_body))
    body = b'{"description": "n"' + b" " * size + b"}"
    assert gated.put(AUDIENCE, content=body, headers={"Content-Type": "application/json"}).status_code == 413
    assert not gate.failures


def test_a_path_outside_the_base_url_is_reported_as_it_was_sent(gated: httpx.Client, gate: Gate) -> None:
    url = gate.base_url.removesuffix("/api")
    assert gated.get(f"{url}{AUDIENCE}").status_code == 404
    assert [violation.got for violation in gate.last.failures] == [f"GET {url}{AUDIENCE}"]


@pytest.mark.parametrize(
    "name", [name for name, fault in network_faults().items() if name.startswith("read") and fault.status >= 400]
)
def test_the_response_of_a_gateway_arrives_as_it_is(gated: httpx.Client, gate: Gate, name: str) -> None:
    fault = network_faults()[name]
    gate.force(name)
    response = gated.get(AUDIENCE)
    assert gate.last.response is not None
    assert (response.status_code, response.content) == (fault.status, gate.last.response.body)
    assert response.headers.get("Retry-After") == fault.headers.get("Retry-After")


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("disconnected", httpx.RemoteProtocolError, "without sending a response"),
        ("truncated", httpx.RemoteProtocolError, "without sending complete message body"),
        ("timeout", httpx.ReadTimeout, "timed out"),
    ],
)
def test_a_connection_breaks_as_it_is_forced_to_and_logs_nothing(
    gated: httpx.Client, gate: Gate, name: str, error: type[Exception], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    gate.force(name, operation="read")
    with pytest.raises(error, match=text):
        gated.get(AUDIENCE, timeout=0.2 if name == "timeout" else 30)
    assert gated.get(AUDIENCE).status_code == 200
    assert [record for record in caplog.records if record.name.startswith("waitress")] == []


def test_a_response_that_never_comes_keeps_neither_others_nor_the_server_from_ending(gate: Gate) -> None:
    gate.force("timeout", operation="update")

    def wait(url: str) -> None:
        with pytest.raises(httpx.HTTPError):
            httpx.put(f"{url}{AUDIENCE}", timeout=60, trust_env=False)

    with running(Control(gate)) as url, asking(url) as client:
        thread = threading.Thread(target=wait, args=(url,), daemon=True)
        thread.start()
        while not gate.requests:
            time.sleep(0.01)
        assert [client.get(AUDIENCE).status_code for _ in range(3)] == [200, 200, 200]
        began = time.monotonic()
    assert time.monotonic() - began < 10
    thread.join(10)
    assert not thread.is_alive()
