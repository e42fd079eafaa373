"""An audience served over real sockets on loopback, with a strike in place of any response.

Whole requests reach a reference server, one at a time. Time passes when the run waits, and not otherwise. Nothing is
left open at the end.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import responses
from math import inf
from pathlib import Path
from typing import IO, Any, TypeAlias

from trackly_contract.core import STAMP, Request, Response
from trackly_contract.gate.http import HOST, PREFIX
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer, documented_audience

PATIENCE = 10
"""Seconds after which a thread of the way that has not ended is a bug."""

CONTENT = ("name", "description", "source_lists", "filter")
AS_IT_WAS = {name: documented_audience()[name] for name in CONTENT}


def puts_back(request: Request) -> bool:
    """Whether this is the update with which a restore begins: the lists are the audience's own by then."""
    fields = request.json.fields
    return fields.get("name") == AS_IT_WAS["name"] and "filter" in fields


Strike: TypeAlias = Callable[["Wire"], None]
"""What is done about one request in place of sending the server's response."""


class Way:
    """A served audience, and all that was asked of it.

    `strike` is called for each request in turn, and returns what to do in place of a response, if anything. Responses
    bear no stamp, as those of a live API, unless `stamped`. `variables` point a live run at it.
    """

    def __init__(self, server: Any, tls: Path | None, *, stamped: bool) -> None:
        self.server, self.stamped = server, stamped
        self.strike: Callable[[Way], Strike | None] = undisturbed
        self.asked: list[Request] = []
        self.times: list[float] = []
        self.clock = 0.0
        self.waits: list[float] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls is not None else None
        if self._tls is not None and tls is not None:
            self._tls.load_cert_chain(tls)
        self._back_at = inf
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = _bound(0)
        self.base_url = f"http{'s' if tls else ''}://{HOST}:{self._listener.getsockname()[1]}{PREFIX}"
        self.variables = {
            "TRACKLY_BASE_URL": self.base_url,
            "TRACKLY_API_KEY": REFERENCE_KEY,
            "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
        }

    @property
    def content(self) -> dict[str, Any]:
        """What the audience is: the fields that a body may carry."""
        return {name: self.server.store.audiences[AUDIENCE_ID][name] for name in CONTENT}

    def answer(self, request: Request) -> Response:
        """Return the server's response."""
        with self._lock:
            response: Response = self.server.answer(request)
        headers = (header for header in response.headers if self.stamped or header[0] != STAMP)
        return Response(response.status, tuple(headers), response.body)

    def wait(self, seconds: float) -> None:
        """Let that much time pass at once; a server that is down may come back meanwhile."""
        self.waits.append(seconds)
        self.clock += seconds
        if self.clock >= self._back_at:
            self.up()

    def up(self) -> None:
        """Accept connections."""
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

    def forget(self) -> None:
        """Count requests anew."""
        self.asked.clear()
        self.times.clear()

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.strike = undisturbed
        if self._back_at < inf or not self._listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self.up()

    def close(self) -> None:
        """End everything; raises AssertionError if something does not end."""
        self.strike = undisturbed
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
        with suppress(OSError):  # the listener was closed
            while True:
                self._start(self._talk, listener.accept()[0])

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
    """One request that came whole, and the connection that waits for its response."""

    way: Way
    request: Request
    connection: socket.socket
    reader: IO[bytes]
    open: bool = True

    def answer(self) -> Response:
        """Have the server do what it was asked; return its response."""
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


def _bound(port: int) -> socket.socket:
    """Return a socket that holds a port and refuses connections until it listens."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


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


def head(status: int, *lines: str, words: str = "", version: str = "1.1") -> bytes:
    """Return the head of a response; `words` stand beside the status."""
    first = f"HTTP/{version} {status} {words or responses.get(status, 'Unknown')}"
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def framed(response: Response, length: int | None = None, *more: tuple[str, str], **how: str) -> bytes:
    """Return a response as it goes over the wire; `length` is what it claims to be long, in place of the truth."""
    told = len(response.body) if length is None else length
    lines = [f"{name}: {value}" for name, value in (*response.headers, *more, ("Content-Length", str(told)))]
    return head(response.status, *lines, **how) + response.body


# Strikes -----------------------------------------------------------------------------------------------


def undisturbed(_way: Way) -> Strike | None:
    """Strike at no request."""
    return None


def at_request(number: int, strike: Strike) -> Callable[[Way], Strike | None]:
    """Strike at one request alone, counted from 1."""
    return lambda way: strike if len(way.asked) == number else None


def at_body(part: bytes, strike: Strike) -> Callable[[Way], Strike | None]:
    """Strike at every request with this in its body."""
    return lambda way: strike if part in way.asked[-1].body else None


def pass_on(wire: Wire) -> None:
    """Nothing is wrong."""
    wire.send(framed(wire.answer()))


def answering(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Strike:
    """Something in between answers, and the server never hears of the request."""
    return lambda wire: wire.send(framed(Response(status, headers, body)))


def saying(data: bytes) -> Strike:
    """Send these bytes and end the connection; the server never hears of the request."""

    def strike(wire: Wire) -> None:
        wire.send(data)
        wire.end()

    return strike


def changed(change: Callable[[Response], bytes | Iterable[bytes]]) -> Strike:
    """Have the server answer, send what `change` makes of it, in one piece or several, and end the connection."""

    def strike(wire: Wire) -> None:
        pieces = change(wire.answer())
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            wire.send(piece)
        wire.end()

    return strike


def reset_before(wire: Wire) -> None:
    """Break off before the server hears of the request."""
    wire.reset()


def reset_applied(wire: Wire) -> None:
    """Break off after the server did what it was asked: its response is lost."""
    wire.answer()
    wire.reset()


def reset_after(part: slice) -> Strike:
    """Break off after a part of the response."""

    def strike(wire: Wire) -> None:
        wire.send(framed(wire.answer())[part])
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
    """Send the response up to a place at once, and from there on byte by byte."""

    def strike(wire: Wire) -> None:
        data = framed(wire.answer())
        wire.send(data[: start(data)])
        for byte in data[start(data) :]:
            wire.send(bytes([byte]))
            time.sleep(0.02)

    return strike


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
def way(server: Any = None, tls: Path | None = None, *, stamped: bool = False) -> Iterator[Way]:
    """Serve an audience, with nothing wrong yet; `tls` is a certificate with its key."""
    made = Way(server or ReferenceServer(), tls, stamped=stamped)
    made.up()
    try:
        yield made
    finally:
        made.close()
