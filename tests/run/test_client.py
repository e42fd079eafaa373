"""Facts about the HTTP client over real sockets on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.core import Request, Response
from trackly_contract.run.client import LARGEST_ANSWER, Client, NoAnswerError, checked_base_url, embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "trk_0123456789abcdef"
PATH = "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"
GET = Request("GET", PATH, (("X-Api-Key", KEY),))


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Server:
    """Answers one connection after the other with prepared bytes, and keeps what it was sent."""

    def __init__(self, replies: list[bytes]) -> None:
        self.replies = replies
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}/api"

    def run(self) -> None:
        for answer in self.replies:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self.heard.append(self.request(connection))
                try:
                    connection.sendall(answer)
                except OSError:
                    return

    def request(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(n[15:]) for n in head.lower().split(b"\r\n") if n.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@contextmanager
def serving(*replies: bytes) -> Iterator[tuple[Server, Client]]:
    server = Server(list(replies))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    client = Client(checked_base_url(server.base))
    try:
        yield server, client
    finally:
        client.close()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(10)


def lines(heard: bytes) -> list[bytes]:
    return heard.lower().split(b"\r\n\r\n")[0].split(b"\r\n")


# Sending -------------------------------------------------------------------------------------------


def test_the_bytes_of_a_body_are_sent_as_they_are() -> None:
    body = b'{"name": "\\ud83d", "name": NaN}\xff\x00'
    with serving(reply()) as (server, client):
        client.send(Request("PUT", PATH, (("Content-Type", "application/json"),), body))
    assert server.heard[0].endswith(b"\r\n\r\n" + body)


def test_method_and_path_are_sent_behind_the_prefix() -> None:
    with serving(reply()) as (server, client):
        client.send(Request("PUT", PATH))
    assert server.heard[0].startswith(f"PUT /api{PATH} HTTP/1.1\r\n".encode())


def test_the_key_is_sent_in_its_header() -> None:
    with serving(reply()) as (server, client):
        client.send(GET)
    assert f"x-api-key: {KEY}".encode() in lines(server.heard[0])


def test_an_empty_key_is_sent_as_an_empty_header() -> None:
    with serving(reply()) as (server, client):
        client.send(Request("GET", PATH, (("X-Api-Key", ""),)))
    assert any(line.rstrip() == b"x-api-key:" for line in lines(server.heard[0]))


def test_no_key_is_sent_where_there_is_none() -> None:
    with serving(reply()) as (server, client):
        client.send(Request("GET", PATH))
    assert not any(line.startswith(b"x-api-key") for line in lines(server.heard[0]))


def test_a_cookie_is_not_carried_to_the_next_request() -> None:
    with serving(reply(b"{}", "200 OK", "Set-Cookie: session=abc; Path=/"), reply()) as (server, client):
        client.send(GET)
        client.send(Request("GET", PATH))
    assert not any(line.startswith(b"cookie") for line in lines(server.heard[1]))


def test_plain_http_goes_to_loopback_and_never_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(reply()) as (_, client):
        assert client.send(GET).status == 200


def test_a_response_has_status_headers_and_body() -> None:
    with serving(reply(b'{"a": 1}', "418 Teapot", "Retry-After: 7")) as (_, client):
        answer = client.send(GET)
    assert (answer.status, answer.header("retry-after"), answer.body) == (418, "7", b'{"a": 1}')


def test_a_compressed_body_is_decoded() -> None:
    packed = gzip.compress(b'{"a": 1}')
    with serving(reply(packed, "200 OK", "Content-Encoding: gzip")) as (_, client):
        assert client.send(GET).body == b'{"a": 1}'


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with serving(reply(b"", status, "Location: /elsewhere"), reply()) as (server, client):
        assert client.send(GET).status == int(status[:3])
    assert len(server.heard) == 1


# No answer -----------------------------------------------------------------------------------------


def test_a_refused_connection_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/api")
    with pytest.raises(NoAnswerError, match="ConnectError"):
        client.send(GET)
    client.close()


def test_a_body_over_the_limit_is_no_answer() -> None:
    with (
        serving(reply(b"x" * (LARGEST_ANSWER + 1))) as (_, client),
        pytest.raises(NoAnswerError, match=f"{LARGEST_ANSWER:,}"),
    ):
        client.send(GET)


def test_a_body_of_just_the_limit_is_an_answer() -> None:
    with serving(reply(b"x" * LARGEST_ANSWER)) as (_, client):
        assert len(client.send(GET).body) == LARGEST_ANSWER


def test_a_small_body_that_unpacks_to_a_large_one_is_no_answer() -> None:
    packed = gzip.compress(b"\0" * (LARGEST_ANSWER * 3))
    with (
        serving(reply(packed, "200 OK", "Content-Encoding: gzip")) as (_, client),
        pytest.raises(NoAnswerError, match="longer than"),
    ):
        client.send(GET)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
def test_an_encoding_that_was_not_asked_for_is_no_answer(encoding: str) -> None:
    with (
        serving(reply(b"xx", "200 OK", f"Content-Encoding: {encoding}")) as (_, client),
        pytest.raises(NoAnswerError, match="nobody asked for"),
    ):
        client.send(GET)


def test_a_packed_body_that_is_cut_short_is_no_answer() -> None:
    packed = gzip.compress(b'{"a": 1}' * 100)[:-9]
    with (
        serving(reply(packed, "200 OK", "Content-Encoding: gzip")) as (_, client),
        pytest.raises(NoAnswerError, match="before its end"),
    ):
        client.send(GET)


DRIPS = {
    "its head": b"HTTP/1.1 200 OK\r\nX-",
    "a body of known length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "a body without length": b"HTTP/1.1 200 OK\r\n\r\n",
    "a body in pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
}


@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS.keys())
def test_an_answer_that_drips_is_cut_off(head: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(head)
                while not done.wait(0.02):  # so that no single read waits for long
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/api", longest_answer=0.4)
        try:
            with pytest.raises(NoAnswerError, match=r"longer than 0\.4 seconds"):
                client.send(GET)
        finally:
            done.set()
            client.close()
            thread.join(10)


BROKEN = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
    "bad gzip": reply(b"xx", "200 OK", "Content-Encoding: gzip"),
    "a header that echoes the key": f"HTTP/1.1 200 OK\r\nbad header {KEY}\r\n\r\n".encode(),
    "a status that echoes the key": f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_no_answer(answer: bytes) -> None:
    with serving(answer) as (_, client), pytest.raises(NoAnswerError):
        client.send(GET)


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_the_key_is_in_no_exception(answer: bytes) -> None:
    with serving(answer) as (_, client), pytest.raises(NoAnswerError) as caught:
        client.send(GET)
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("location", ["http://[", "http://exa mple/"])
def test_a_redirect_to_nowhere_is_a_response(location: str) -> None:
    with serving(reply(b"", "302 Found", f"Location: {location}")) as (_, client):
        assert client.send(GET).status == 302


# An embedded server --------------------------------------------------------------------------------


def test_an_embedded_server_is_asked_without_the_prefix() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(200, (("X-A", "b"),), b"{}")

    client = Client("http://reference.invalid/api", embedded(answer, "/api"))
    got = client.send(Request("PUT", PATH, (("X-Api-Key", "k"),), b"[]"))
    assert (seen[0].method, seen[0].path, seen[0].header("x-api-key"), seen[0].body) == ("PUT", PATH, "k", b"[]")
    assert (got.status, got.header("x-a"), got.body) == (200, "b", b"{}")


def test_a_client_says_where_it_sends_to() -> None:
    client: Any = Client("https://app.tracklysms.com/api")
    client.close()
    assert client.base_url == "https://app.tracklysms.com/api"
