"""Variants in what happens beside the responses: counting in the background, network faults, HTTP itself.

A server over sockets answers what the reference server answers, only carried otherwise.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from tests.integrity.seams import Body
from tests.integrity.variants import Variant
from tests.integrity.variants_tokens import chosen
from tests.support.way import Strike, Wire, changed, framed, head, pass_on, reset_applied, reset_before, way
from trackly_contract.core import STAMP, Request, Response, encode, parse
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

JSON_TYPE = ("Content-Type", "application/json")


class Recounts(ReferenceServer):
    """Counts again by itself, some reads after the cache was cleared; its stamps are as fine as `cut` leaves them."""

    reads, wait, cut = 0, 2, 19

    def render(self, audience: Body) -> Body:
        if audience["cached_size_updated_at"] is not None:
            stamp = audience["cached_size_updated_at"][: self.cut] + "2025-11-20T00:00:00"[self.cut :]
            audience = {**audience, "cached_size_updated_at": stamp}
        return super().render(audience)

    def read(self, audience: Body) -> Response:
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

    def size(self, audience: Body) -> Response:
        time.sleep(0.2)
        counted = parse(super().size(audience).body)
        return self.respond(202, {**counted, "success": True, "took_ms": 200})


class NoSize(ReferenceServer):
    """Has nothing at /size: the two pages do not describe it."""

    def size(self, audience: Body) -> Response:
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


# Network faults ----------------------------------------------------------------------------------------

BUSY = Response(429, (JSON_TYPE, ("Retry-After", "0")), encode({"error": "slow down", "code": "rate_limited"}))
DOWN = Response(503, (("Content-Type", "text/html"),), b"<h1>503 Service Unavailable</h1>")
AWAY = Response(502, (JSON_TYPE,), b"{}")
LATE = Response(504)

FAULTS = {
    "429": BUSY,
    "503": DOWN,
    "502": AWAY,
    "504 without a body": LATE,
    "500": Response(500, (JSON_TYPE,), encode({"error": "Internal error", "code": "internal_error"})),
    "302": Response(302, (("Location", "https://example.invalid/login"),)),
    "403": Response(403, (JSON_TYPE,), encode({"error": "Account is suspended"})),
    "401": Response(401, (JSON_TYPE,), encode({"error": "Invalid API key", "code": "unauthorized"})),
    "200 without a body": Response(200, (JSON_TYPE,)),
    "200 cut short": Response(200, (JSON_TYPE,), b'{"id": "664f1a2b3c4d5e6f7a8b9c0d", "name": "High-Va'),
    "200 with HTML": Response(200, (("Content-Type", "text/html"),), b"<html><body>Just a moment...</body></html>"),
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
    """Loses the first response to each request, though it did what was asked."""

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
    passes, stays = "fault: it passes", "fault: it stays"
    for name, fault in FAULTS.items():
        yield Variant(f"{name} now and then", passes, faulty(fault, lambda n, _: n in (1, 6, 7, 12)))
        yield Variant(f"{name} for ever", stays, faulty(fault, lambda *_: True), expects="inconclusive")
    mostly = faulty(DOWN, lambda n, _: n % 3 != 0)
    yield Variant("two of three requests 503", "fault: more tries than were announced", mostly, expects="inconclusive")
    # An update whose response was lost may still arrive, and what is lost again cannot be found out.
    yield Variant("each answer lost once, its update applied", passes, OnceEach, expects="inconclusive")
    writes = faulty(LATE, lambda n, r: r.method == "PUT" and n % 2 == 1, applied=True)
    yield Variant("answers to some updates lost, applied", passes, writes, expects="inconclusive")
    left = frozenset({"name", "description", "source_lists", "filter"})
    some = faulty(DOWN, lambda n, _: n >= 12)
    yield Variant("away from the updates on", stays, some, expects="inconclusive", left=left)
    read_only = faulty(DOWN, lambda _, r: r.method == "PUT")
    yield Variant("updates in maintenance", "fault: of PUT alone", read_only, expects="inconclusive")
    counting = faulty(LATE, lambda _, r: r.path.endswith("/size"))
    yield Variant("counting takes too long", "silent: a slow count", counting, expects="inconclusive")
    rare = faulty(LATE, lambda n, r: r.path.endswith("/size") and n % 2 == 1)
    yield Variant("counting takes too long now and then", passes, rare)


# HTTP --------------------------------------------------------------------------------------------------


def _sent(frame: Callable[[Request, Response], bytes]) -> Strike:
    """Send what `frame` makes of a request and its response."""
    return lambda wire: wire.send(frame(wire.request, wire.answer()))


def _headers(*more: tuple[str, str]) -> Strike:
    return _sent(lambda _, r: framed(r, None, *more))


def _named(case: Callable[[str], str]) -> Strike:
    """Write the names of headers otherwise."""
    return _sent(lambda _, r: framed(replace(r, headers=tuple((case(name), value) for name, value in r.headers))))


def _typed(value: str, *, errors: bool = False) -> Strike:
    def typed(_: Request, response: Response) -> bytes:
        others = tuple(header for header in response.headers if header[0] != "Content-Type")
        known = errors and response.succeeded
        return framed(response if known else replace(response, headers=(("Content-Type", value), *others)))

    return _sent(typed)


def _written(write: Callable[[Any], str]) -> Strike:
    return _sent(lambda _, r: framed(replace(r, body=write(json.loads(r.body)).encode())))


def _chunked(_: Request, response: Response) -> bytes:
    body = response.body
    parts = (body[:1], body[1:7], body[7:], b"")
    lines = (f"{name}: {value}" for name, value in response.headers)
    return head(response.status, *lines, "Transfer-Encoding: chunked") + b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in parts
    )


def _zipped(request: Request, response: Response) -> bytes:
    if "gzip" not in (request.header("Accept-Encoding") or ""):
        return framed(response)
    zipped = replace(response, body=gzip.compress(response.body))
    return framed(zipped, None, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))


def _at(strike: Strike, *numbers: int) -> Strike:
    """Strike at some requests, numbered from 1, alone."""
    return lambda wire: (strike if len(wire.way.asked) in numbers else pass_on)(wire)


def _instead(fault: Response) -> Strike:
    """Something in between answers, though the server did what it was asked."""
    return _sent(lambda *_: framed(fault))


def _late(wire: Wire) -> None:
    time.sleep(0.05)
    pass_on(wire)


def _in_pieces(wire: Wire) -> None:
    whole = framed(wire.answer())
    wire.send(whole[:40])
    time.sleep(0.005)
    wire.send(whole[40:])


MORE_HEADERS = (
    ("X-Request-Id", "0123"),
    ("X-RateLimit-Remaining", "0"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("ETag", 'W/"1"'),
)
COOKIES = (("Set-Cookie", "session=abc; Path=/; HttpOnly"), ("Set-Cookie", "b=c"))
SLOWER = {"answers in pieces": _in_pieces, "50 ms later": _late}

CARRIED: dict[str, Strike] = {
    "chunks": _sent(_chunked),
    "gzip": _sent(_zipped),
    "charset": _typed("application/json; charset=utf-8"),
    "problem+json for errors": _typed("application/problem+json", errors=True),
    "more headers": _headers(*MORE_HEADERS),
    "cookies": _headers(*COOKIES),
    "Retry-After on success": _headers(("Retry-After", "120")),
    "no stamp": _sent(lambda _, r: framed(replace(r, headers=tuple(h for h in r.headers if h[0] != STAMP)))),
    "pretty JSON": _written(lambda found: json.dumps(found, indent=4) + "\r\n"),
    "UTF-8 without escapes": _written(lambda found: json.dumps(found, ensure_ascii=False)),
    "escaped slashes": _written(lambda found: json.dumps(found).replace("/", "\\/")),
    "a 503 at first": _at(_instead(DOWN), 1),
    "a 429 with Retry-After: 0": _at(_instead(BUSY), 1, 7),
    "a 502 now and then": _at(_instead(AWAY), *range(3, 90, 7)),
    "Connection: close": changed(lambda r: framed(r, None, ("Connection", "close"))),
    "HTTP/1.0": changed(lambda r: head(r.status, *map(": ".join, r.headers), version="1.0") + r.body),
    "headers in lower case": _named(str.lower),
    "headers in capitals": _named(str.upper),
    "no header but the length": _sent(lambda _, r: framed(replace(r, headers=()))),
    **SLOWER,
    "a reset at first": _at(reset_before, 1),
    "resets after the work is done": _at(reset_applied, 7, 14, 15, 30),
}


def carried(strike: Strike) -> Callable[[Any], AbstractContextManager[str]]:
    """Serve a reference server over sockets, each response carried by `strike`."""

    @contextmanager
    def over_http(server: ReferenceServer) -> Iterator[str]:
        with way(server, stamped=True) as over:
            over.strike = lambda _way: strike
            yield over.base_url

    return over_http


def of_http() -> Iterator[Variant]:
    """Yield servers over real sockets that carry the same responses otherwise."""
    for name, strike in CARRIED.items():
        because = "HTTP: only slower" if name in SLOWER else "HTTP"
        yield Variant(f"HTTP: {name}", because, ReferenceServer, carried(strike))
