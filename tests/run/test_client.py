"""Facts about the HTTP client over real sockets on loopback, and about the base URL that it accepts."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.core import Headers, Request, Response
from trackly_contract.run import UnusableSettingError
from trackly_contract.run.client import LARGEST_ANSWER, Client, NoAnswerError, checked_base_url

KEY = "trk_0123456789abcdef"
PATH = "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"
GET = Request("GET", PATH, (("X-Api-Key", KEY),))


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Server:
    """Answers one connection after the other with prepared bytes, drips on behind them, and keeps what it was sent."""

    def __init__(self, replies: tuple[bytes, ...], drips: bool) -> None:
        self.replies = replies
        self.drips = drips
        self.done = threading.Event()
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}/api"

    def run(self) -> None:
        with suppress(OSError):  # the listener was closed
            for answer in self.replies:
                connection, _ = self.listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(10)
                    self.heard.append(self.request(connection))
                    connection.sendall(answer)
                    while self.drips and not self.done.wait(0.02):  # so that no single read waits for long
                        connection.sendall(b"x")

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
def serving(*replies: bytes, drips: bool = False) -> Iterator[tuple[Server, Client]]:
    server = Server(replies, drips)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    client = Client(checked_base_url(server.base), longest_answer=0.4 if drips else 60)
    try:
        yield server, client
    finally:
        server.done.set()
        client.close()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(10)


def lines(heard: bytes) -> list[bytes]:
    return [line.rstrip() for line in heard.lower().split(b"\r\n\r\n")[0].split(b"\r\n")]


# Sending -------------------------------------------------------------------------------------------


def test_the_bytes_of_a_body_are_sent_as_they_are_behind_the_prefix_of_the_base_url() -> None:
    body = b'{"name": "\\ud83d", "name": NaN}\xff\x00'
    with serving(reply()) as (server, client):
        client.send(Request("PUT", PATH, (("Content-Type", "application/json"),), body))
    assert server.heard[0].startswith(f"PUT /api{PATH} HTTP/1.1\r\n".encode())
    assert server.heard[0].endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("headers", "line"),
    [((("X-Api-Key", KEY),), f"x-api-key: {KEY}"), ((("X-Api-Key", ""),), "x-api-key:"), ((), None)],
    ids=["a key", "an empty key", "no key"],
)
def test_the_key_is_sent_in_its_header_empty_or_not_at_all(headers: Headers, line: str | None) -> None:
    with serving(reply()) as (server, client):
        client.send(Request("GET", PATH, headers))
    sent = [line.decode() for line in lines(server.heard[0]) if line.startswith(b"x-api-key")]
    assert sent == ([] if line is None else [line])


def test_a_cookie_is_not_carried_to_the_next_request() -> None:
    with serving(reply(b"{}", "200 OK", "Set-Cookie: session=abc; Path=/"), reply()) as (server, client):
        client.send(GET)
        client.send(Request("GET", PATH))
    assert not any(line.startswith(b"cookie") for line in lines(server.heard[1]))


def test_plain_http_goes_to_loopback_and_never_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(reply()) as (_, client):
        assert client.send(GET).status == 200


# Responses -----------------------------------------------------------------------------------------

GZIP = "Content-Encoding: gzip"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (reply(gzip.compress(b'{"a": 1}'), "200 OK", GZIP), b'{"a": 1}'),
        (reply(zlib.compress(b'{"a": 1}'), "200 OK", "Content-Encoding: deflate"), b'{"a": 1}'),
        (reply(b"x" * LARGEST_ANSWER), b"x" * LARGEST_ANSWER),
    ],
    ids=["gzip", "deflate", "just the limit"],
)
def test_a_body_is_unpacked_and_read_up_to_the_limit(sent: bytes, expected: bytes) -> None:
    with serving(sent) as (_, client):
        assert client.send(GET).body == expected


@pytest.mark.parametrize("location", ["/elsewhere", "http://a:b/", "http://exa mple/"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_a_response_and_not_followed(status: str, location: str) -> None:
    with serving(reply(b"", status, f"Location: {location}"), reply()) as (server, client):
        response = client.send(GET)
    assert (response.status, response.header("Location")) == (int(status[:3]), location)
    assert len(server.heard) == 1


def echoing(echo: str, body: str) -> bytes:
    return reply(body.encode(), "200 OK", f"X-Echo: {echo}")


def test_a_key_is_taken_out_of_what_comes_back_which_says_so() -> None:
    with serving(echoing(KEY, "{}"), echoing("a", f'{{"name": "x {KEY.encode().hex()}"}}')) as (_, client):
        responses = [client.send(GET), client.send(GET)]
    assert [(each.header("X-Echo"), each.body, each.redacted) for each in responses] == [
        ("[key]", b"{}", True),
        ("a", b'{"name": "x [key]"}', True),
    ]


def test_a_response_without_a_key_is_as_it_was_sent() -> None:
    with serving(echoing("a", '{"name": "x"}')) as (_, client):
        response = client.send(GET)
    assert (response.header("X-Echo"), response.body, response.redacted) == ("a", b'{"name": "x"}', False)


def test_a_key_is_not_forgotten_where_the_next_request_has_none_or_another() -> None:
    wrong = Request("GET", PATH, (("X-Api-Key", "not-the-key-of-this-test"),))
    with serving(reply(), echoing("a", KEY), echoing("a", KEY)) as (_, client):
        responses = [client.send(request) for request in (GET, Request("GET", PATH), wrong)]
    assert [response.body for response in responses] == [b"{}", b"[key]", b"[key]"]


# No response ---------------------------------------------------------------------------------------


def test_a_connection_that_is_refused_is_no_response() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/api")
    with pytest.raises(NoAnswerError, match="ConnectError"):
        client.send(GET)
    client.close()


NONE: dict[str, tuple[bytes, str]] = {
    "too long": (reply(b"x" * (LARGEST_ANSWER + 1)), f"{LARGEST_ANSWER:,}"),
    "too long once unpacked": (reply(gzip.compress(b"\0" * (LARGEST_ANSWER * 3)), "200 OK", GZIP), "longer than"),
    "gzip that is cut short": (reply(gzip.compress(b'{"a": 1}' * 100)[:-9], "200 OK", GZIP), "before its end"),
    "no gzip": (reply(b"xx", "200 OK", GZIP), "cannot be unpacked"),
    "gzip twice": (reply(b"xx", "200 OK", f"{GZIP}, gzip"), "nobody asked for"),
    "br": (reply(b"xx", "200 OK", "Content-Encoding: br"), "nobody asked for"),
    "zstd": (reply(b"xx", "200 OK", "Content-Encoding: zstd"), "nobody asked for"),
    "nothing": (b"", "RemoteProtocolError"),
    "no http": (b"SSH-2.0-OpenSSH\r\n\r\n", "RemoteProtocolError"),
    "cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "RemoteProtocolError"),
    "a bad chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "RemoteProtocolError"),
    "the key in a header": (f"HTTP/1.1 200 OK\r\nbad header {KEY}\r\n\r\n".encode(), "RemoteProtocolError"),
    "the key as an encoding": (reply(b"xx", "200 OK", f"Content-Encoding: {KEY}"), "nobody asked for"),
    "the key as a status": (f"HTTP/1.1 {KEY}\r\n\r\n".encode(), "RemoteProtocolError"),
}


@pytest.mark.parametrize(("sent", "said"), NONE.values(), ids=NONE.keys())
def test_what_is_broken_or_too_long_is_no_response_and_why_is_said_without_the_key(sent: bytes, said: str) -> None:
    with serving(sent) as (_, client), pytest.raises(NoAnswerError, match=said) as caught:
        client.send(GET)
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__


DRIPS = {
    "its head": b"HTTP/1.1 200 OK\r\nX-",
    "a body of known length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "a body without length": b"HTTP/1.1 200 OK\r\n\r\n",
    "a body in pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
}


@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS.keys())
def test_a_response_that_drips_is_cut_off(head: bytes) -> None:
    with serving(head, drips=True) as (_, client), pytest.raises(NoAnswerError, match=r"longer than 0\.4 seconds"):
        client.send(GET)


def test_a_server_in_this_process_answers_without_a_network() -> None:
    request = Request("PUT", PATH, (("X-Api-Key", KEY),), b"[]")
    answer = {b"[]": Response(200, (("X-A", "b"),), b"{}"), b"": Response(200, (), b"x" * (LARGEST_ANSWER + 1))}
    client = Client("http://reference.invalid/api", lambda request: answer[request.body])
    got = client.send(request)
    with pytest.raises(NoAnswerError, match="longer than"):
        client.send(GET)
    assert (got.status, got.header("x-a"), got.body) == (200, "b", b"{}")


# The base URL --------------------------------------------------------------------------------------


def rejected(url: str) -> str:
    with pytest.raises(UnusableSettingError, match="TRACKLY_BASE_URL") as caught:
        checked_base_url(url)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.tracklysms.com/api",
        "https://app.tracklysms.com:8443/api",
        "http://127.0.0.1:8080/api",
        "http://localhost/api",
        "http://[::1]:80",
    ],
)
def test_a_base_url_that_can_be_used_is_returned_without_a_slash_at_the_end(url: str) -> None:
    assert [checked_base_url(url), checked_base_url(f"{url}/")] == [url, url]


@pytest.mark.parametrize(
    "url",
    [
        "http://app.tracklysms.com/api",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://192.168.0.1",
    ],
)
def test_plain_http_is_for_loopback_only_and_why_is_said(url: str) -> None:
    assert "would send the key in the open; use https" in rejected(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.tracklysms.com/api",
        "ftp://app.tracklysms.com",
        "https://",
        "https:///api",
        "https://x.example/api?a=1",
        "https://x.example/api#a",
        "http://[::1",
        "https://[x]/",
        "https://x.example:port/api",
        "https://x.example:99999/api",
        "https://x.example:0/api",
        "https://1.2.3.999/api",
        "https://x.example/a b",
        "https://x.example/api\n",
        "https://x.exa\tmple/api",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_base_url_is_reported_with_an_example(url: str) -> None:
    assert "it must look like https://app.tracklysms.com/api" in rejected(url)


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
@pytest.mark.parametrize("end", ["@app.tracklysms.com/api", "@app.tracklysms.com/api?a=1", "@localhost/"])
def test_a_password_or_key_in_a_base_url_is_rejected_and_not_shown(scheme: str, end: str) -> None:
    assert "s3cret" not in rejected(f"{scheme}://user:s3cret{end}")
    assert KEY not in rejected(f"{scheme}://app.tracklysms.com/api?key={KEY}")


@given(st.text(max_size=30) | st.text(max_size=12).map("http://127.0.0.1{}".format))
def test_any_base_url_is_used_or_reported(url: str) -> None:
    try:
        checked_base_url(url)
    except UnusableSettingError:
        return
    Client(checked_base_url(url)).close()
