"""A served audience at the far end of a way that misbehaves: real sockets on loopback, and what goes wrong on them.

Promises: whole requests reach a reference server, one at a time, whose answers bear no stamp; a strike decides what
goes over the wire; time passes when the run says that it waits, and not otherwise; nothing is left open at the end.
Refuses: to know when which fault strikes, and what a run should say of it (table.py).
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import responses
from math import inf
from typing import IO, TYPE_CHECKING, Any

from tests.support.warm import CONTENT
from trackly_contract.core import Request, Response
from trackly_contract.core.http import STAMP
from trackly_contract.gate.http import HOST, PREFIX
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 10
"""Seconds after which a thread of the way that has not ended is a bug."""


class Way:
    """A served audience, and all that was asked of it.

    `strike` is called for each request in turn, and returns what to do in place of an answer, if anything.
    """

    def __init__(self, server: ReferenceServer | None = None, tls: Path | None = None) -> None:
        self.server = server or ReferenceServer()
        self.strike: Callable[[Way], Strike | None] = lambda _way: None
        self.asked: list[Request] = []
        self.times: list[float] = []
        self.clock = 0.0
        self.waits: list[float] = []
        self._tls = _context(tls) if tls is not None else None
        self._back_at = inf
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = _bound(0)
        self.base_url = f"http{'s' if tls else ''}://{HOST}:{self._listener.getsockname()[1]}{PREFIX}"

    @property
    def content(self) -> dict[str, Any]:
        """What the audience is: the members that a body may carry."""
        return {name: self.server.store.audiences[AUDIENCE_ID][name] for name in CONTENT}

    def answer(self, request: Request) -> Response:
        """Return what the server answers, without its stamp: as a live API would."""
        with self._lock:
            answer = self.server.answer(request)
        return Response(answer.status, tuple(h for h in answer.headers if h[0] != STAMP), answer.body)

    def wait(self, seconds: float) -> None:
        """Let that much time pass at once; a server that is down may come back meanwhile."""
        self.waits.append(seconds)
        self.clock += seconds
        if self.clock >= self._back_at:
            self.up()

    def up(self) -> None:
        """Let connections be made."""
        self._back_at = inf
        self._listener.listen()
        self._start(self._accept, self._listener)

    def down(self, seconds: float = inf) -> None:
        """Drop all connections, and refuse new ones until that many seconds have been waited."""
        self._back_at = self.clock + seconds
        port = self._listener.getsockname()[1]
        _end(self._listener)
        for connection in list(self._connections):
            _end(connection)
        self._listener = _bound(port)

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.strike = lambda _way: None
        if self._back_at < inf or not _listens(self._listener):
            self.up()

    def close(self) -> None:
        """End everything; raises AssertionError if something does not end."""
        self.strike = lambda _way: None
        self.down()
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def _start(self, target: Callable[[socket.socket], None], over: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(over,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._start(self._talk, connection)

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):  # whatever ends a connection ends the talk
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._connections.add(connection)
            with connection, connection.makefile("rb") as reader:
                while (request := _read(reader)) is not None:
                    self.asked.append(request)
                    self.times.append(self.clock)
                    wire = Wire(self, request, connection, reader)
                    (self.strike(self) or pass_on)(wire)
                    if not wire.open:
                        break
        self._connections.discard(connection)


@dataclass
class Wire:
    """One request that came whole, and the connection that waits for its answer."""

    way: Way
    request: Request
    connection: socket.socket
    reader: IO[bytes]
    open: bool = True

    def answer(self) -> Response:
        """Have the server do what it was asked; return its answer."""
        return self.way.answer(self.request)

    def send(self, data: bytes) -> None:
        """Put bytes on the wire."""
        self.connection.sendall(data)

    def end(self) -> None:
        """End the connection in good order."""
        self.open = False

    def reset(self) -> None:
        """Break the connection off: the other side is told "connection reset by peer"."""
        self.open = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reader.close()
        self.connection.close()

    def hang(self) -> None:
        """Hold the connection until the other side gives up."""
        self.open = False
        self.reader.read(1)


if TYPE_CHECKING:
    from collections.abc import Callable

    Strike = Callable[[Wire], None]


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _bound(port: int) -> socket.socket:
    """Return a socket that holds a port and refuses connections until it listens."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def _listens(bound: socket.socket) -> bool:
    return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _end(one: socket.socket) -> None:
    """Wake whoever waits on a socket, and close it."""
    with suppress(OSError):  # ended already, or never connected
        socket.socket.shutdown(one, socket.SHUT_RDWR)  # of a TLS socket too, which another thread may be reading
    one.close()


def _read(reader: IO[bytes]) -> Request | None:
    """Return the next whole request, None at the end of the connection."""
    line = reader.readline()
    if not line.endswith(b"\r\n"):
        return None
    method, target, _ = line.decode("latin-1").split(" ")
    headers = []
    while (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = reader.read(length)
    return Request(method, target.removeprefix(PREFIX), tuple(headers), body) if len(body) == length else None


def head(status: int, *lines: str) -> bytes:
    """Return the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}", *lines, "", ""]).encode("latin-1")


def framed(answer: Response, length: int | None = None) -> bytes:
    """Return an answer as it goes over the wire; `length` is what it claims to be long, in place of the truth."""
    lines = [f"{name}: {value}" for name, value in answer.headers]
    return (
        head(answer.status, *lines, f"Content-Length: {len(answer.body) if length is None else length}") + answer.body
    )


# Strikes: what is done in place of the server's answer ------------------------------------------------


def pass_on(wire: Wire) -> None:
    """Nothing is wrong."""
    wire.send(framed(wire.answer()))


def answering(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Strike:
    """Something in between answers, and the server never hears of the request."""
    return lambda wire: wire.send(framed(Response(status, headers, body)))


def saying(data: bytes) -> Strike:
    """Send these bytes and end the connection."""

    def strike(wire: Wire) -> None:
        wire.send(data)
        wire.end()

    return strike


def changed(change: Callable[[Response], bytes]) -> Strike:
    """Have the server answer, send what `change` makes of it, and end the connection."""

    def strike(wire: Wire) -> None:
        wire.send(change(wire.answer()))
        wire.end()

    return strike


def reset_before(wire: Wire) -> None:
    """Break off before the server hears of the request."""
    wire.reset()


def reset_applied(wire: Wire) -> None:
    """Break off after the server did what it was asked: its answer is lost."""
    wire.answer()
    wire.reset()


def reset_after(part: Callable[[bytes], bytes]) -> Strike:
    """Break off after a part of the answer."""

    def strike(wire: Wire) -> None:
        wire.send(part(framed(wire.answer())))
        time.sleep(0.02)  # what is on the wire would be lost with the connection
        wire.reset()

    return strike


def closed(wire: Wire) -> None:
    """Close the connection without a byte."""
    wire.end()


def silence(wire: Wire) -> None:
    """Take the request, and never answer."""
    wire.hang()


def dripping(start: Callable[[bytes], int]) -> Strike:
    """Send the answer up to a place at once, and from there on byte by byte."""

    def strike(wire: Wire) -> None:
        data = framed(wire.answer())
        wire.send(data[: start(data)])
        for byte in data[start(data) :]:
            wire.send(bytes([byte]))
            time.sleep(0.02)

    return strike


def after_a_hint(wire: Wire) -> None:
    """Send an interim answer, and then the server's."""
    wire.send(head(103, "Link: </style.css>; rel=preload") + framed(wire.answer()))


def twice(wire: Wire) -> None:
    """Send the server's answer two times over."""
    wire.send(2 * framed(wire.answer()))


def endless(chunk: bytes, *lines: str) -> Strike:
    """Answer 200 with a body that never ends."""

    def strike(wire: Wire) -> None:
        wire.send(head(200, *lines))
        while True:
            wire.send(chunk)

    return strike


def restarting(seconds: float, *, applied: bool = False) -> Strike:
    """Have the server go down in the middle of a request, for that many seconds of waiting."""

    def strike(wire: Wire) -> None:
        if applied:
            wire.answer()
        wire.way.down(seconds)
        wire.end()

    return strike


@contextmanager
def way(server: ReferenceServer | None = None, tls: Path | None = None) -> Iterator[Way]:
    """Yield a way on which nothing is wrong yet."""
    made = Way(server, tls)
    made.up()
    try:
        yield made
    finally:
        made.close()
