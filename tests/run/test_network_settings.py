"""The proxy and the certificates that the environment names, over TLS on loopback."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.certificates import authority, certificate
from tests.support.programs import program
from tests.support.way import Way, way
from trackly_contract.core import Request
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run.client import Client, NoAnswerError

GET = Request("GET", f"/v2/audiences/{AUDIENCE_ID}", (("X-Api-Key", REFERENCE_KEY),))
NAMES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


class Proxy:
    """Opens tunnels as it is asked with CONNECT, or rejects each with a status line; keeps what it was asked."""

    def __init__(self, rejects: str = "") -> None:
        self.rejects = rejects
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self.listener.accept()
                with connection, suppress(OSError):
                    self.tunnel(connection)

    def tunnel(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        self.asked.append(head.decode())
        connection.sendall(f"HTTP/1.1 {self.rejects or '200 OK'}\r\n\r\n".encode())
        if self.rejects:
            return
        host, _, port = head.split(b" ")[1].decode().partition(":")
        with socket.create_connection((host, int(port)), 10) as server:
            back = threading.Thread(target=pump, args=(server, connection), daemon=True)
            back.start()
            pump(connection, server)
            back.join(10)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def proxying(rejects: str = "") -> Iterator[Proxy]:
    proxy = Proxy(rejects)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join(10)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """Serve the reference server over TLS, with certificates that are trusted and no proxy."""
    for name in NAMES:
        for spelling in (name, name.lower()):
            monkeypatch.delenv(spelling, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority()))
    with way(tls=certificate("local")) as served:
        yield served


def status(api: Way) -> int:
    with closing(Client(api.base_url, longest_answer=10)) as client:
        return client.send(GET).status


def test_a_proxy_gets_its_password_and_never_the_key(api: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"zzuser:zzpassword@{proxy.address}")  # http:// where nothing is said
        assert status(api) == 200
    (asked,) = proxy.asked
    assert asked.startswith(f"CONNECT {api.base_url.removeprefix('https://').removesuffix('/api')} HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic enp1c2VyOnp6cGFzc3dvcmQ=\r\n" in asked
    assert REFERENCE_KEY not in asked


@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({"ALL_PROXY": "PROXY"}, True),
        ({"all_proxy": "PROXY"}, True),
        ({"HTTPS_PROXY": "PROXY", "ALL_PROXY": "http://127.0.0.1:9"}, True),
        ({"https_proxy": "PROXY", "HTTPS_PROXY": "http://127.0.0.1:9"}, True),
        ({"HTTP_PROXY": "PROXY"}, False),
        ({"HTTPS_PROXY": "PROXY", "https_proxy": ""}, False),
        ({"HTTPS_PROXY": "PROXY", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "PROXY", "no_proxy": "a.example, 127.0.0.1"}, False),
        ({"HTTPS_PROXY": "PROXY", "NO_PROXY": "HOST"}, False),
        ({"HTTPS_PROXY": "PROXY", "NO_PROXY": ".example.com,*.example,[::1],::1,10.0.0.0/8,fe80::1%eth0,,h:80"}, True),
    ],
    ids=str,
)
def test_the_proxy_of_the_environment_is_used_unless_the_host_is_excepted(
    api: Way, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], used: bool
) -> None:
    host = api.base_url.removeprefix("https://").removesuffix("/api")
    with proxying() as proxy:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("PROXY", f"http://{proxy.address}").replace("HOST", host))
        assert (status(api), len(proxy.asked)) == (200, used)


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("excepted", ["::1", "[::1]", "[::1]:8443"])
def test_an_address_of_version_6_is_excepted_however_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://unusable")
    monkeypatch.setenv("NO_PROXY", excepted)
    Client("https://[::1]:8443/api").close()


def test_a_proxy_that_repeats_the_password_is_not_quoted(api: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying("407 zzuser:zzpassword") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://zzuser:zzpassword@{proxy.address}")
        with pytest.raises(NoAnswerError, match=r"^the proxy makes no connection \(407\)$"):
            status(api)


def test_without_the_authority_nothing_is_sent(api: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NoAnswerError, match="certificate verify failed"):
        status(api)
    assert api.asked == []


def test_certificates_may_be_in_one_of_several_folders(
    api: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    shutil.copy(authority(), tmp_path)
    subprocess.run([program("openssl"), "rehash", str(tmp_path)], check=True, timeout=30)
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'none'}:{tmp_path}")
    assert status(api) == 200


def test_a_log_of_tls_keys_is_written_where_it_is_asked_for(
    api: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert status(api) == 200
    assert "CLIENT_TRAFFIC_SECRET_0" in (tmp_path / "keys").read_text()
