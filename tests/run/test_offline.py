"""Facts about the network block: no socket connects, no name is looked up, and afterwards all is as before."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from trackly_contract.run import blocked
from trackly_contract.run.offline import NetworkBlockedError

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = ("127.0.0.1", 9)


def with_socket(kind: socket.SocketKind, act: Callable[[socket.socket], object]) -> Callable[[], object]:
    def made() -> object:
        with socket.socket(socket.AF_INET, kind) as opened:
            return act(opened)

    return made


WAYS: dict[str, Callable[[], object]] = {
    "connect": with_socket(socket.SOCK_STREAM, lambda s: s.connect(LOOPBACK)),
    "connect_ex": with_socket(socket.SOCK_STREAM, lambda s: s.connect_ex(LOOPBACK)),
    "sendto": with_socket(socket.SOCK_DGRAM, lambda s: s.sendto(b"x", LOOPBACK)),
    "sendmsg": with_socket(socket.SOCK_DGRAM, lambda s: s.sendmsg([b"x"], [], 0, LOOPBACK)),
    "create_connection": lambda: socket.create_connection(LOOPBACK),
    "getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "gethostbyname": lambda: socket.gethostbyname("localhost"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("localhost"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
    "getnameinfo": lambda: socket.getnameinfo(LOOPBACK, 0),
    "httpx": lambda: httpx.get("http://127.0.0.1:9/", trust_env=False),
    "httpx by name": lambda: httpx.get("https://app.tracklysms.com/", trust_env=False),
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_nothing_leaves_while_blocked(way: Callable[[], object]) -> None:
    with blocked(), pytest.raises(NetworkBlockedError, match="this run is offline"):
        way()


def test_an_event_loop_cannot_connect_while_blocked() -> None:
    async def go() -> None:
        await asyncio.open_connection(*LOOPBACK)

    with blocked(), pytest.raises(NetworkBlockedError):
        asyncio.run(go())


def test_where_it_was_going_is_said() -> None:
    with blocked(), pytest.raises(NetworkBlockedError, match=r"127\.0\.0\.1"), socket.socket() as opened:
        opened.connect(LOOPBACK)


def test_a_local_socket_is_blocked_too() -> None:
    with blocked(), socket.socket(socket.AF_UNIX) as opened, pytest.raises(NetworkBlockedError):
        opened.connect("/run/none")


def names() -> list[Any]:
    taken = ("connect", "connect_ex", "sendto", "sendmsg")
    functions = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
    return [getattr(socket.socket, name) for name in taken] + [getattr(socket, name) for name in functions]


def test_afterwards_everything_is_as_before() -> None:
    before = names()
    with blocked():
        assert names() != before
    assert names() == before


def test_after_an_error_everything_is_as_before() -> None:
    before = names()
    with pytest.raises(KeyError), blocked():
        raise KeyError
    assert names() == before


def test_a_block_inside_a_block_ends_with_the_outer_one() -> None:
    with blocked():
        with blocked():
            pass
        with pytest.raises(NetworkBlockedError):
            socket.getaddrinfo("localhost", 80)


def test_a_pair_of_sockets_in_one_process_works_while_blocked() -> None:
    with blocked():
        left, right = socket.socketpair()
        with left, right:
            left.sendall(b"x")
            assert right.recv(1) == b"x"
