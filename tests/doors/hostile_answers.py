"""Answers that are made to harm whoever reads them, and runs that ask a server that gives them.

Except where an answer is planted, the server answers as the reference server does, without its stamp. Each run is a
process of its own, whose peak memory is measured. What a run should say of an answer is in test_hostile.py.
"""

import json
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from tests.support.warm import Stand
from tests.support.way import Wire, framed, head
from trackly_contract.core import JSON, Request, Response
from trackly_contract.reference import AUDIENCE_ID, Audience, ReferenceServer

Change = Callable[[Response], Iterable[bytes]]
"""From an honest answer to the bytes that are sent in its place."""

GB = 1 << 30
DEEP = 100_000
BLOCK = b"x" * 65536
CHUNKED = head(200, "Transfer-Encoding: chunked")

# Pieces of answers ---------------------------------------------------------------------------------


def told(body: bytes, *headers: str, status: int = 200, kind: str = "application/json") -> bytes:
    """Return a whole answer."""
    return head(status, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers) + body


def with_body(
    change: Callable[[bytes], bytes], *headers: str, status: int | None = None, kind: str = "application/json"
) -> Change:
    """Return the honest answer, its body changed, headers added, and perhaps another status."""
    return lambda honest: [told(change(honest.body), *headers, status=status or honest.status, kind=kind)]


def instead(body: bytes, *headers: str) -> Change:
    """Return a body that is always the same, with the honest status."""
    return with_body(lambda _: body, *headers)


def member(name: str, text: bytes | str) -> Change:
    """Return the honest answer, with `text` as it is in the place of one member's value."""
    spelt = text.encode() if isinstance(text, str) else text

    def change(body: bytes) -> bytes:
        value = {**json.loads(body), name: "(here)"}
        return json.dumps(value).encode().replace(b'"(here)"', spelt)

    return with_body(change)


def twice(name: str, text: str | None = None) -> Change:
    """Return the honest answer with one member twice; the second time with another value if `text` is given."""

    def change(body: bytes) -> bytes:
        again = json.dumps(json.loads(body).get(name)) if text is None else text
        return body[:-1] + f',"{name}":{again}}}'.encode()

    return with_body(change)


def nested(opening: str, innermost: str, closing_: str, depth: int = DEEP) -> bytes:
    return (opening * depth + innermost + closing_ * depth).encode()


def long(start: bytes, piece: bytes, size: int = GB, end: bytes = b"") -> Change:
    """Return so many bytes of the same piece, again and again."""
    return lambda _honest: chain([start], repeat(piece, size // len(piece)), [end])


def bomb(window: int) -> Change:
    """Return a gigabyte of zeros, packed a thousandfold: one block, and the same block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    zeros = bytes(1 << 20)
    first, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    body = first + again * (GB // len(zeros) - 1) + packer.flush()
    name = "gzip" if window > zlib.MAX_WBITS else "deflate"
    return instead(body, f"Content-Encoding: {name}")


def many(count: int, text: str) -> str:
    """Return `text` that often, with commas between; a `#` in it is the number of each."""
    return ",".join(text.replace("#", str(index)) for index in range(count))


# The server ----------------------------------------------------------------------------------------


class Talkative(ReferenceServer):
    """The reference server, which says a text wherever it can: in name, description, error, code, and names of keys."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.store.audiences[AUDIENCE_ID] |= {"name": text, "description": text}

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), self.text: [self.text]}

    def error(self, status: int, code: str, text: str) -> Response:
        told_code = self.text if code == "invalid_time_unit" else code
        return self.respond(status, {"error": self.text, "code": told_code, self.text: {self.text: self.text}})


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
REFUSED = Position("a refused PUT", lambda _number, _request, honest: b'"code":"invalid_time_unit"' in honest.body)
MID_RUN = Position("mid-run", lambda number, _request, _honest: 24 <= number < 30)


# Runs ----------------------------------------------------------------------------------------------

PLUGIN = """
import os, resource
from pathlib import Path
from trackly_contract.run import client

client.Client.__init__.__defaults__ = (None, float(os.environ["LONGEST_ANSWER"]))

def pytest_unconfigure():
    Path(os.environ["PEAK"]).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""
"""A plugin that sets how long an answer may take, and tells the peak of memory."""


@dataclass(frozen=True)
class Ended:
    """A run that ended: what it ended with, what it took, what it left."""

    code: int
    folder: Path
    seconds: float
    peak: int
    more_memory: int
    planted: int
    before: dict[str, Any]
    after: dict[str, Any]
    left: list[str]

    def beside(self, ordinary: "Ended") -> "Ended":
        """Return the run with what it needed at its peak beyond an ordinary one."""
        return replace(self, more_memory=self.peak - ordinary.peak)

    @property
    def terminal(self) -> str:
        return self.file("terminal.txt")

    def file(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode("utf-8")


def perform(
    stand: Stand,
    folder: Path,
    position: Position | None = None,
    change: Change = lambda _honest: (),
    server: ReferenceServer | None = None,
    longest_answer: float = 60.0,
) -> Ended:
    """Run the suite at quick on the live target, to its end, and leave everything in a folder."""
    planted = 0

    def strike(wire: Wire) -> None:
        nonlocal planted
        honest = wire.answer()
        if position is not None and position.here(len(wire.way.asked), wire.request, honest):
            planted += 1
            for piece in change(honest):
                wire.send(piece)
            wire.end()
        else:
            wire.send(framed(honest))

    stand.fresh()
    stand.stamped, stand.server, stand.strike = False, server or ReferenceServer(), lambda _way: strike
    (stand.folder / "bounded_and_measured.py").write_text(PLUGIN)
    before = stand.content
    start = time.monotonic()
    ran = stand.run(
        *("-p", "bounded_and_measured", f"--trackly-report={folder}", f"--junitxml={folder}/junit.xml"),
        LONGEST_ANSWER=str(longest_answer),
        PEAK=str(folder / "peak.txt"),
    )
    seconds = time.monotonic() - start
    (folder / "terminal.txt").write_bytes(ran.text.encode())
    peak = int((folder / "peak.txt").read_text()) * 1024
    return Ended(ran.code, folder, seconds, peak, 0, planted, before, stand.content, stand.left())
