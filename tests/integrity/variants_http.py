"""Variants in what happens beside the answers: counting in the background, faults of the way there, HTTP itself.

Promises: a server over sockets answers what the reference server answers, only carried otherwise; a fault that
passes leaves no trace.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from unittest import mock

from tests.integrity.variants import Object, Variant
from tests.integrity.variants_tokens import chosen
from trackly_contract.core import Request, Response, encode, parse
from trackly_contract.gate import http as serve
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

JSON_TYPE = ("Content-Type", "application/json")


class Recounts(ReferenceServer):
    """Counts again by itself, some reads after the cache was cleared; its stamps are as fine as `cut` leaves them."""

    reads, wait, cut = 0, 2, 19

    def render(self, audience: Object) -> Object:
        if audience["cached_size_updated_at"] is not None:
            stamp = audience["cached_size_updated_at"][: self.cut] + "2025-11-20T00:00:00"[self.cut :]
            audience = {**audience, "cached_size_updated_at": stamp}
        return super().render(audience)

    def read(self, audience: Object) -> Response:
        self.reads += 1
        if audience["cached_size"] is None and self.reads >= self.wait:
            self.reads = 0
            self.size(audience)
            audience = self.store.audiences[audience["id"]]
        return super().read(audience)


class RecountsByTheMinute(Recounts):
    """Finds the same size again before the next read, and stamps it with the minute."""

    wait, cut = 0, 16


class CountsSlowly(ReferenceServer):
    """Takes its time to count, and says more."""

    def size(self, audience: Object) -> Response:
        time.sleep(0.2)
        answer = parse(super().size(audience).body)
        return self.respond(202, {**answer, "success": True, "took_ms": 200})


class NoSize(ReferenceServer):
    """Has nothing at /size: the two pages do not describe it."""

    def size(self, audience: Object) -> Response:
        return self.error(404, "not_found", "nothing here")


def of_cache() -> Iterator[Variant]:
    """Yield servers that clear or fill the cache on occasions of their own."""
    cleared = "allowed: cleared by an identical filter"
    yield Variant("identical filter clears the cache", cleared, chosen(identical_filter_keeps_cache=False))
    cleared = "allowed: cleared by source_lists"
    yield Variant("source_lists clear the cache", cleared, chosen(source_lists_keep_cache=False))
    both = chosen(source_lists_keep_cache=False, identical_filter_keeps_cache=False)
    yield Variant("both clear the cache", "allowed: cleared by source_lists or an identical filter", both)
    recounted = "allowed: counted by somebody else"
    yield Variant("recounted some reads later", recounted, Recounts)
    yield Variant("recounted, the same, within the minute", recounted, RecountsByTheMinute)
    yield Variant("count is slow, answered 202", "allowed: another 2xx, new keys", CountsSlowly)
    yield Variant("count is nought", "store", chosen(counted=0))
    yield Variant("size is not served", "silent: it is on another page", NoSize, expects="inconclusive")


HTML = Response(200, (("Content-Type", "text/html"),), b"<html><body>Just a moment...</body></html>")
BUSY = Response(429, (JSON_TYPE, ("Retry-After", "0")), encode({"error": "slow down", "code": "rate_limited"}))
DOWN = Response(503, (("Content-Type", "text/html"),), b"<h1>503 Service Unavailable</h1>")
AWAY = Response(502, (JSON_TYPE,), b"{}")
LATE = Response(504)
BROKEN = Response(500, (JSON_TYPE,), encode({"error": "Internal error", "code": "internal_error"}))
MOVED = Response(302, (("Location", "https://example.invalid/login"),))
SUSPENDED = Response(403, (JSON_TYPE,), encode({"error": "Account is suspended"}))
REVOKED = Response(401, (JSON_TYPE,), encode({"error": "Invalid API key", "code": "unauthorized"}))
NOTHING = Response(200, (JSON_TYPE,))
CUT = Response(200, (JSON_TYPE,), b'{"id": "664f1a2b3c4d5e6f7a8b9c0d", "name": "High-Va')

FAULTS = {
    "429": BUSY,
    "503": DOWN,
    "502": AWAY,
    "504 without a body": LATE,
    "500": BROKEN,
    "302": MOVED,
    "403": SUSPENDED,
    "401": REVOKED,
    "200 without a body": NOTHING,
    "200 cut short": CUT,
    "200 with HTML": HTML,
}


def faulty(fault: Response, due: Callable[[int, Request], bool], *, applied: bool = False) -> type[ReferenceServer]:
    """Make a server before which something else answers when `due` (of the request's number, from 1) says so.

    Requests with another key are not counted, and pass. `applied`: the server has done what was asked all the same.
    """

    class Faulty(ReferenceServer):
        requests = 0

        def answer(self, request: Request) -> Response:
            self.requests += request.header("X-Api-Key") == REFERENCE_KEY
            if request.header("X-Api-Key") != REFERENCE_KEY or not due(self.requests, request):
                return super().answer(request)
            if applied:
                super().answer(request)
            return fault

    return Faulty


class OnceEach(ReferenceServer):
    """Loses the first answer to each request, though it did what was asked."""

    lost = 0

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[Request] = set()

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if request in self.seen:
            self.seen.clear()
            return response
        self.seen = {request}
        return LATE


def of_faults() -> Iterator[Variant]:
    """Yield servers behind something that fails: a fault that passes, and one that stays and hides the server."""
    for name, fault in FAULTS.items():
        passing = faulty(fault, lambda n, _: n in (1, 6, 7, 12))
        yield Variant(f"{name} now and then", "fault: it passes", passing)
        always = faulty(fault, lambda _n, _r: True)
        yield Variant(f"{name} for ever", "fault: it stays", always, expects="inconclusive")
    often = faulty(DOWN, lambda n, _: n % 3 != 0)
    yield Variant("two of three requests 503", "fault: it passes", often)
    yield Variant("each answer lost once, its update applied", "fault: it passes", OnceEach)
    writes = faulty(LATE, lambda n, r: r.method == "PUT" and n % 2 == 1, applied=True)
    yield Variant("answers to some updates lost, applied", "fault: it passes", writes)
    some = faulty(DOWN, lambda n, _: n >= 12)
    left = frozenset({"name", "description", "source_lists", "filter"})
    yield Variant("away from the updates on", "fault: it stays", some, expects="inconclusive", left=left)
    read_only = faulty(DOWN, lambda _, r: r.method == "PUT")
    yield Variant("updates in maintenance", "fault: of PUT alone", read_only, expects="inconclusive")
    counting = faulty(LATE, lambda _, r: r.path.endswith("/size"))
    yield Variant("counting takes too long", "silent: a slow count", counting, expects="inconclusive")
    rare = faulty(LATE, lambda n, r: r.path.endswith("/size") and n % 2 == 0)
    yield Variant("counting takes too long now and then", "fault: it passes", rare)


class Carried:
    """One answer on its way: what a wrapper may change of it."""

    def __init__(self, number: int, environ: WSGIEnvironment, status: str, headers: list[tuple[str, str]]) -> None:
        self.number, self.environ, self.status = number, environ, status
        self.headers = [(name, value) for name, value in headers if name != "Content-Length"]
        self.parts: list[bytes] = []
        self.sized = True

    def header(self, name: str, value: str) -> None:
        """Put a header in place of the one of that name, or beside the others."""
        self.headers = [entry for entry in self.headers if entry[0] != name] + [(name, value)]

    def instead(self, fault: Response) -> None:
        """Carry another answer."""
        self.status, self.headers, self.parts = f"{fault.status} Otherwise", list(fault.headers), [fault.body]


def wrapped(change: Callable[[Carried], object]) -> Callable[[Any], AbstractContextManager[str]]:
    """Serve a reference server with waitress, each answer changed on its way."""

    def wrap(inner: WSGIApplication) -> WSGIApplication:
        numbers = iter(range(1, 10_000))

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started: list[Any] = []

            def start(*given: Any) -> Callable[[bytes], object]:
                started.extend(given)
                return lambda _: None

            parts = list(inner(environ, start))
            carried = Carried(next(numbers), environ, started[0], started[1])
            carried.parts = parts
            change(carried)
            if carried.sized:
                carried.header("Content-Length", str(sum(map(len, carried.parts))))
            start_response(carried.status, carried.headers)
            return iter(carried.parts)

        return application

    @contextmanager
    def over_http(server: ReferenceServer) -> Iterator[str]:
        plain = serve.wsgi_app
        with ExitStack() as stack:
            with mock.patch.object(serve, "wsgi_app", lambda inner: wrap(plain(inner))):
                url = stack.enter_context(serve.running(server))
            yield url

    return over_http


def _chunked(carried: Carried) -> None:
    body = b"".join(carried.parts)
    carried.sized, carried.parts = False, [body[:1], body[1:7], body[7:]]


def _zipped(carried: Carried) -> None:
    if "gzip" in carried.environ.get("HTTP_ACCEPT_ENCODING", ""):
        carried.parts = [gzip.compress(b"".join(carried.parts))]
        carried.header("Content-Encoding", "gzip")
        carried.header("Vary", "Accept-Encoding")


def _type(value: str, *, errors: bool = False) -> Callable[[Carried], object]:
    def change(carried: Carried) -> None:
        if not (errors and carried.status.startswith("2")):
            carried.header("Content-Type", value)

    return change


def _headers(*headers: tuple[str, str]) -> Callable[[Carried], object]:
    return lambda carried: carried.headers.extend(headers)


def _unstamped(carried: Carried) -> None:
    carried.headers = [entry for entry in carried.headers if not entry[0].startswith("X-Trackly")]


def _instead(fault: Response, *numbers: int) -> Callable[[Carried], object]:
    return lambda carried: carried.instead(fault) if carried.number in numbers else None


def _written(write: Callable[[Any], str]) -> Callable[[Carried], object]:
    def change(carried: Carried) -> None:
        carried.parts = [write(json.loads(b"".join(carried.parts))).encode()]

    return change


MORE_HEADERS = (
    ("X-Request-Id", "0123"),
    ("X-RateLimit-Remaining", "0"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("ETag", 'W/"1"'),
)

WRAPPED: dict[str, Callable[[Carried], object]] = {
    "chunks": _chunked,
    "gzip": _zipped,
    "charset": _type("application/json; charset=utf-8"),
    "problem+json for errors": _type("application/problem+json", errors=True),
    "more headers": _headers(*MORE_HEADERS),
    "cookies": _headers(("Set-Cookie", "session=abc; Path=/; HttpOnly"), ("Set-Cookie", "b=c")),
    "Retry-After on success": _headers(("Retry-After", "120")),
    "no stamp": _unstamped,
    "pretty JSON": _written(lambda answer: json.dumps(answer, indent=4) + "\r\n"),
    "UTF-8 without escapes": _written(lambda answer: json.dumps(answer, ensure_ascii=False)),
    "escaped slashes": _written(lambda answer: json.dumps(answer).replace("/", "\\/")),
    "a 503 at first": _instead(DOWN, 1),
    "a 429 with Retry-After: 0": _instead(BUSY, 1, 7),
    "a 502 now and then": _instead(AWAY, *range(3, 90, 7)),
}


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to `server`; what is written to the socket is in the hands of a subclass."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    server_: ReferenceServer
    lock: threading.Lock
    numbers: Iterator[int]

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.removeprefix(serve.PREFIX)
        with self.lock:
            number = next(self.numbers)
            if number in self.unheard:
                return self.reset()
            response = self.server_.answer(Request(self.command, path, tuple(self.headers.items()), body))
        return self.reset() if number in self.lost else self.carry(response)

    do_PUT = do_GET  # noqa: N815  # the names that http.server calls

    unheard: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    version, more, case, bare, closes = "HTTP/1.1", (), staticmethod(str), False, False
    delay, first = 0.0, None

    def reset(self) -> None:
        """Reset the connection: what was sent is lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def carry(self, response: Response) -> None:
        """Write the answer, status, headers and body in one go, or in two."""
        time.sleep(self.delay)
        length = () if self.version == "HTTP/1.0" else (("Content-Length", str(len(response.body))),)
        headers = [*([] if self.bare else response.headers), *length, *self.more]
        lines = [f"{self.version} {response.status} Otherwise", *(f"{self.case(k)}: {v}" for k, v in headers)]
        whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body
        self.wfile.write(whole[: self.first])
        if self.first is not None:
            time.sleep(0.005)
            self.wfile.write(whole[self.first :])
        self.close_connection = self.closes


def _handler(**how: Any) -> Any:
    return type("Handler", (_Handler,), how)


HANDLERS = {
    "Connection: close": _handler(more=(("Connection", "close"),), closes=True),
    "HTTP/1.0": _handler(version="HTTP/1.0", closes=True),
    "headers in lower case": _handler(case=staticmethod(str.lower)),
    "headers in capitals": _handler(case=staticmethod(str.upper)),
    "no header but the length": _handler(bare=True),
    "answers in pieces": _handler(first=40),
    "50 ms later": _handler(delay=0.05),
    "a reset at first": _handler(unheard=(1,)),
    "resets after the work is done": _handler(lost=(7, 14, 15, 30)),
}


def handled(handler: type[_Handler]) -> Callable[[Any], AbstractContextManager[str]]:
    """Serve a reference server with http.server, for what waitress cannot do."""

    @contextmanager
    def over_http(server: ReferenceServer) -> Iterator[str]:
        mine: Object = {"server_": server, "lock": threading.Lock(), "numbers": iter(range(1, 10_000))}
        with ThreadingHTTPServer((serve.HOST, 0), type("Mine", (handler,), mine)) as listener:
            listener.daemon_threads = False
            thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield f"http://{serve.HOST}:{listener.server_port}{serve.PREFIX}"
            finally:
                listener.shutdown()
                thread.join()

    return over_http


def of_http() -> Iterator[Variant]:
    """Yield servers over real sockets that carry the same answers otherwise."""
    for name, change in WRAPPED.items():
        yield Variant(f"HTTP: {name}", "HTTP", ReferenceServer, wrapped(change))
    for name, handler in HANDLERS.items():
        because = "HTTP: only slower" if handler.delay or handler.first else "HTTP"
        yield Variant(f"HTTP: {name}", because, ReferenceServer, handled(handler))
