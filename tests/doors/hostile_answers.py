"""Answers that are made to harm whoever reads them, a server over raw sockets that gives them, and runs that ask it.

Promises: the server answers as the reference server does, without its stamp, except where an answer is planted; what
it streams is never held; each run is a process of its own, whose peak memory is measured.
Refuses: to know what a run should say of an answer (test_hostile.py).
"""

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.warm import CONTENT, Warm
from trackly_contract.core import JSON, Request, Response
from trackly_contract.core.http import STAMP
from trackly_contract.gate.http import HOST, PREFIX
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, Choices, ReferenceServer, documented_store

Wire = Callable[[Response], Iterable[bytes]]
"""From an honest answer to the bytes that are sent in its place."""

GB = 1 << 30
DEEP = 100_000

# Pieces of answers ---------------------------------------------------------------------------------


def told(body: bytes, *headers: str, status: int | str = 200, kind: str = "application/json") -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def with_body(change: Callable[[bytes], bytes], *headers: str, kind: str = "application/json") -> Wire:
    """Return the honest answer, its body changed and headers added."""
    return lambda honest: [told(change(honest.body), *headers, status=honest.status, kind=kind)]


def instead(body: bytes, *headers: str) -> Wire:
    """Return a body that is always the same, with the honest status."""
    return with_body(lambda _: body, *headers)


def member(name: str, text: bytes | str) -> Wire:
    """Return the honest answer, with `text` as it is in the place of one member's value."""
    spelt = text.encode() if isinstance(text, str) else text

    def change(body: bytes) -> bytes:
        value = {**json.loads(body), name: "(here)"}
        return json.dumps(value).encode().replace(b'"(here)"', spelt)

    return with_body(change)


def twice(name: str, text: str | None = None) -> Wire:
    """Return the honest answer with one member twice; the second time with another value if `text` is given."""

    def change(body: bytes) -> bytes:
        again = json.dumps(json.loads(body).get(name)) if text is None else text
        return body[:-1] + f',"{name}":{again}}}'.encode()

    return with_body(change)


def nested(opening: str, innermost: str, closing_: str, depth: int = DEEP) -> bytes:
    return (opening * depth + innermost + closing_ * depth).encode()


def _blocks(size: int, block: bytes = b"x" * 65536) -> Iterator[bytes]:
    for _ in range(size // len(block)):
        yield block


def long_with_length(_honest: Response) -> Iterator[bytes]:
    yield f'HTTP/1.1 200 OK\r\nContent-Length: {GB + 10}\r\n\r\n{{"name": "'.encode()
    yield from _blocks(GB)


def long_in_chunks(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for block in _blocks(GB):
        yield b"%x\r\n%s\r\n" % (len(block), block)


def long_to_the_end(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    yield from _blocks(GB)


def many_small_chunks(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\n \r\n" * 10_000


def long_chunk_line(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    yield from _blocks(GB)


def long_trailer(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    while True:
        yield b"X-Trailer: x\r\n" * 10_000


def continued_for_ever(_honest: Response) -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 100


def long_header(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    yield from _blocks(1 << 20)
    yield b"\r\n\r\n"


def long_status_line(_honest: Response) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 "
    yield from _blocks(1 << 20)
    yield b"\r\n\r\n"


def folded_header(honest: Response) -> Iterator[bytes]:
    yield told(honest.body, "X-Folded: a\r\n b\r\n\tc", status=honest.status)


def bomb(window: int) -> Wire:
    """Return a gigabyte of zeros, packed a thousandfold: one block, and the same block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    zeros = bytes(1 << 20)
    first, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    body = first + again * (GB // len(zeros) - 1) + packer.flush()
    name = "gzip" if window > zlib.MAX_WBITS else "deflate"
    return lambda honest: [told(body, f"Content-Encoding: {name}", status=honest.status)]


def many(count: int, text: str) -> str:
    """Return `text` that often, with commas between; a `#` in it is the number of each."""
    return ",".join(text.replace("#", str(index)) for index in range(count))


def odd_status(status: int) -> Wire:
    return lambda honest: [told(honest.body, status=status)]


# The server ----------------------------------------------------------------------------------------


class Talkative(ReferenceServer):
    """The reference server, with texts of others in all places where an answer can carry one."""

    def __init__(self, error: str = "", code: str = "", key: str = "", choices: Choices | None = None) -> None:
        super().__init__(documented_store(), *([choices] if choices else []))
        self.texts = error, code, key

    def render(self, audience: Audience) -> dict[str, JSON]:
        _, _, key = self.texts
        return {**super().render(audience), **({key: [key]} if key else {})}

    def error(self, status: int, code: str, text: str) -> Response:
        error, other, key = self.texts
        told_code = other if other and code == "invalid_time_unit" else code
        return self.respond(status, {"error": error or text, "code": told_code, **({key: {key: key}} if key else {})})


@dataclass(frozen=True)
class Position:
    """Where an answer is planted: `here` is told the number of the request, the request, and its honest answer."""

    name: str
    here: Callable[[int, Request, Response], bool]


def _body(request: Request) -> Any:
    return json.loads(request.body) if request.body else None


EVERY_GET = Position("every GET", lambda _number, request, honest: request.method == "GET" and honest.succeeded)
ACCEPTED = Position(
    "an accepted PUT",
    lambda _number, request, honest: honest.succeeded and list(_body(request) or {}) == ["description"],
)
REFUSED = Position(
    "a refused PUT",
    lambda _number, _request, honest: b'"code":"invalid_time_unit"' in honest.body,
)
MID_RUN = Position("mid-run", lambda number, _request, _honest: 24 <= number < 30)
EVERYWHERE = Position("everywhere", lambda *_: True)
NOWHERE = Position("nowhere", lambda *_: False)


class HostileServer:
    """Serves an audience on loopback; `plant` says which answers are given in place of the honest ones."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.base_url = f"http://{HOST}:{self._listener.getsockname()[1]}{PREFIX}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.plant(ReferenceServer(), NOWHERE, None)
        threading.Thread(target=self._accept, daemon=True).start()

    def plant(self, server: ReferenceServer, place: Position, wire: Wire | None) -> None:
        self.server, self.place, self.wire = server, place, wire
        self.number = 0
        self.planted = 0

    @property
    def content(self) -> dict[str, Any]:
        return {name: self.server.store.audiences[AUDIENCE_ID][name] for name in CONTENT}

    def close(self) -> None:
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(20)  # a reader that neither reads nor leaves
        self._open.add(connection)
        with connection, suppress(OSError), connection.makefile("rb") as sent:
            while (request := _read(sent)) is not None and self._answered(connection, request):
                pass
        self._open.discard(connection)

    def _answered(self, connection: socket.socket, request: Request) -> bool:
        """Answer, and return whether another request may follow."""
        with self._lock:
            self.number += 1
            honest = self.server.answer(request)
            honest = replace(honest, headers=tuple(header for header in honest.headers if header[0] != STAMP))
            hostile = self.wire if self.place.here(self.number, request, honest) else None
            self.planted += hostile is not None
        if hostile is None:
            connection.sendall(told(honest.body, status=honest.status))
            return True
        for piece in hostile(honest):
            connection.sendall(piece)
        return False


def _read(sent: Any) -> Request | None:
    """Return the next request of a connection, None at its end."""
    line = sent.readline().split()
    if len(line) != 3:
        return None
    headers = []
    while (header := sent.readline().strip()) != b"":
        name, _, value = header.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    request = Request(line[0].decode(), line[1].decode().removeprefix(PREFIX), tuple(headers))
    return replace(request, body=sent.read(int(request.header("Content-Length") or 0)))


# Runs ----------------------------------------------------------------------------------------------

PLUGIN = """
import os, resource
from pathlib import Path
from trackly_contract.run import client

client.Client.__init__.__kwdefaults__["longest_answer"] = float(os.environ["LONGEST_ANSWER"])

def pytest_unconfigure():
    Path(os.environ["PEAK"]).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""
"""A plugin that sets how long an answer may take, and tells the peak of memory."""


@dataclass(frozen=True)
class Ran:
    """A run that ended: what it ended with, what it took, what it left."""

    code: int
    folder: Path
    seconds: float
    peak: int
    more_memory: int
    planted: int
    before: dict[str, Any]
    after: dict[str, Any]
    left: tuple[str, ...]

    def beside(self, ordinary: "Ran") -> "Ran":
        """Return the run with what it needed at its peak beyond an ordinary one."""
        return replace(self, more_memory=self.peak - ordinary.peak)

    @property
    def terminal(self) -> str:
        return self.file("terminal.txt")

    def file(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode("utf-8")


class Stage:
    """A hostile server, and runs that ask it."""

    def __init__(self, folder: Path, server: HostileServer, warm: Warm) -> None:
        self.folder, self.server, self._warm = folder, server, warm
        self._runs = 0
        (folder / "bounded_and_measured.py").write_text(PLUGIN)

    def run(
        self, place: Position, wire: Wire | None, server: ReferenceServer | None = None, longest_answer: float = 60.0
    ) -> Ran:
        """Run the suite at quick on the live target, to its end."""
        self._runs += 1
        folder = self.folder / str(self._runs)
        state, peak = folder / "state", folder / "peak.txt"
        folder.mkdir()
        self.server.plant(server or ReferenceServer(), place, wire)
        before = self.server.content
        start = time.monotonic()
        ended = self._warm.work(
            "suite",
            *("--trackly-target=live", "-q", "-p", "bounded_and_measured"),
            *(f"--trackly-report={folder}", f"--junitxml={folder}/junit.xml"),
            output=folder / "terminal.txt",
            PYTHONPATH=str(self.folder),
            TRACKLY_BASE_URL=self.server.base_url,
            TRACKLY_API_KEY=REFERENCE_KEY,
            TRACKLY_AUDIENCE_ID=AUDIENCE_ID,
            TRACKLY_STATE_DIR=str(state),
            LONGEST_ANSWER=str(longest_answer),
            PEAK=str(peak),
        )
        seconds = time.monotonic() - start
        left = tuple(sorted(path.name for path in state.glob("*") if path.suffix != ".lock")) if state.is_dir() else ()
        memory = int(peak.read_text()) * 1024
        planted, after = self.server.planted, self.server.content
        return Ran(ended.code, folder, seconds, memory, 0, planted, before, after, left)


@contextmanager
def staged(folder: Path, warm: Warm) -> Iterator[Stage]:
    """Serve until the end; `warm` does the runs."""
    with closing(HostileServer()) as server:
        yield Stage(folder, server, warm)
