"""Facts about the network block: no socket connects, no name is looked up, and afterwards all is as before."""

import asyncio
import socket
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from trackly_contract.run import blocked
from trackly_contract.run.targets import NetworkBlockedError

LOOPBACK = ("127.0.0.1", 9)
METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")


def with_socket(
    act: Callable[[socket.socket], object], kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET
) -> Callable[[], object]:
    def made() -> object:
        with socket.socket(family, kind) as opened:
            return act(opened)

    return made


WAYS: dict[str, Callable[[], object]] = {
    "connect": with_socket(lambda s: s.connect(LOOPBACK)),
    "connect_ex": with_socket(lambda s: s.connect_ex(LOOPBACK)),
    "sendto": with_socket(lambda s: s.sendto(b"x", LOOPBACK), socket.SOCK_DGRAM),
    "sendmsg": with_socket(lambda s: s.sendmsg([b"x"], [], 0, LOOPBACK), socket.SOCK_DGRAM),
    "a local socket": with_socket(lambda s: s.connect("/run/none"), family=socket.AF_UNIX),
    "create_connection": lambda: socket.create_connection(LOOPBACK),
    "getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "gethostbyname": lambda: socket.gethostbyname("localhost"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("localhost"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
    "getnameinfo": lambda: socket.getnameinfo(LOOPBACK, 0),
    "httpx": lambda: httpx.get("http://127.0.0.1:9/", trust_env=False),
    "httpx by name": lambda: httpx.get("https://app.tracklysms.com/", trust_env=False),
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
    "an event loop": lambda: asyncio.run(asyncio.open_connection(*LOOPBACK)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_nothing_leaves_while_blocked_and_where_it_was_going_is_said(way: Callable[[], object]) -> None:
    with blocked(), pytest.raises(NetworkBlockedError, match=r"offline, yet a connection to .*(127|local|app|/run)"):
        way()


@pytest.mark.parametrize("error", [None, KeyError])
def test_afterwards_everything_is_as_before(error: type[Exception] | None) -> None:
    def names() -> list[Any]:
        return [getattr(socket.socket, name) for name in METHODS] + [getattr(socket, name) for name in FUNCTIONS]

    before = names()
    with pytest.raises(error) if error else nullcontext(), blocked():
        assert not set(names()) & set(before)
        with blocked():
            pass
        assert not set(names()) & set(before)
        if error:
            raise error
    assert names() == before


def test_a_pair_of_sockets_in_one_process_works_while_blocked() -> None:
    with blocked():
        left, right = socket.socketpair()
        with left, right:
            left.sendall(b"x")
            assert right.recv(1) == b"x"
