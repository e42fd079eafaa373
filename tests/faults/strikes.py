"""When faults strike, and what goes over the wire in place of a response.

A moment is told by the requests that came and by the clock of the way, never by real time.
"""

import json
from math import inf
from typing import Any

from tests.faults.fault import When
from tests.support.way import AS_IT_WAS, Strike, Way, Wire, answering, framed, puts_back
from trackly_contract.core import Request, Response, encode
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer, Store

# When ----------------------------------------------------------------------------------------------

ONE = 18
"""Number of a request that changes the audience, after others did."""

MIDDLE = 33
"""Number of a request that is rejected, while all that was put in place of the audience's own stands."""

FIRST = json.dumps({"name": AS_IT_WAS["name"]}, separators=(",", ":")).encode()
"""The first update of a run: the audience's own name."""


def _lasting(way: Way, seconds: float) -> bool:
    return len(way.asked) >= MIDDLE and way.clock < way.times[MIDDLE - 1] + seconds


def _restoring(way: Way, seconds: float) -> bool:
    sent = [time for request, time in zip(way.asked, way.times, strict=True) if puts_back(request)]
    return bool(sent) and way.clock < sent[0] + seconds


def _renames(way: Way) -> bool:
    body = way.asked[-1].body
    return bool(body) and json.loads(body) == {"name": "trackly-contract " + "x" * 238}


def _wrong(request: Request) -> bool:
    return request.header("X-Api-Key") not in (None, "", REFERENCE_KEY)


NEVER = When("", lambda _way: False)
ALWAYS = When("always", lambda _way: True)
ONCE = When("once", lambda way: len(way.asked) == ONE)
EVERY_SECOND = When("at every second request", lambda way: len(way.asked) % 2 == 0)
EVERY_THIRD = When("at every third request", lambda way: len(way.asked) % 3 == 0)
FOR_A_SECOND = When("for a second, in mid-run", lambda way: _lasting(way, 1))
FOR_TEN_SECONDS = When("for ten seconds, in mid-run", lambda way: _lasting(way, 10))
FROM_THE_MIDDLE = When("from mid-run on", lambda way: _lasting(way, inf))
AT_A_WRONG_KEY = When("once, to a wrong key", lambda way: [r for r in way.asked if _wrong(r)] == way.asked[-1:])
WRITES_FROM_THE_MIDDLE = When(
    "to every update from mid-run on", lambda way: way.asked[-1].method == "PUT" and _lasting(way, inf)
)
THE_FIRST = When("once, at first", lambda way: len(way.asked) == 1)
AT_THE_MIDDLE = When("in mid-run", lambda way: len(way.asked) == MIDDLE)
AT_THE_FIRST_UPDATE = When("to the first update, each time", lambda way: way.asked[-1].body == FIRST)
AT_THE_SIZE = When("to the size, each time", lambda way: way.asked[-1].path.endswith("/size"))
AT_A_NAME = When("to one accepted update, each time", _renames)
AT_WEEKS = When("to one refused update, each time", lambda way: b'"weeks"' in way.asked[-1].body)
BACK_ONCE = When(
    "once, while all is put back",
    lambda way: puts_back(way.asked[-1]) and sum(map(puts_back, way.asked)) == 1,
)
BACK_FOR_TEN_SECONDS = When("for ten seconds, while all is put back", lambda way: _restoring(way, 10))
BACK_FOR_EVER = When("from the moment on when all is put back", lambda way: _restoring(way, inf))
BACK_THIS_BODY = When("each time to an update that puts back", lambda way: puts_back(way.asked[-1]))

# What ----------------------------------------------------------------------------------------------

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html")


def page(status: int, title: str, *headers: tuple[str, str]) -> Strike:
    """Something in between answers with a page for people."""
    return answering(status, f"<!doctype html><title>{title}</title>".encode(), HTML, *headers)


def error(status: int, text: str, *headers: tuple[str, str]) -> Strike:
    """Something in between answers with JSON that bears no code."""
    return answering(status, json.dumps({"message": text}).encode(), JSON, *headers)


def busy(retry_after: str, *headers: tuple[str, str]) -> Strike:
    """It was too much: 429."""
    return error(429, "Too Many Requests", *headers, ("Retry-After", retry_after))


def body_starts(data: bytes) -> int:
    return data.index(b"\r\n\r\n") + 5


PAGES = {
    500: "500 in JSON",
    501: "501 without a body",
    502: "502 with the HTML page of a gateway",
    503: "503 with a maintenance page and `Retry-After: 1`",
    504: "504 with the HTML page of a gateway",
}
GATEWAY = {
    500: error(500, "Internal server error"),
    501: answering(501),
    502: page(502, "Bad Gateway"),
    503: page(503, "Down for maintenance", ("Retry-After", "1")),
    504: page(504, "Gateway Time-out"),
}

# Clocks --------------------------------------------------------------------------------------------


def of_another_time() -> ReferenceServer:
    """A server whose clock runs seventy years ahead."""
    store = Store()
    for audience in store.audiences.values():
        audience |= {"created_at": "2097-01-01T00:00:00", "cached_size_updated_at": "2097-01-02T00:00:00"}
    stamps = iter(f"2099-01-01T00:{minute:02}:00" for minute in range(60))
    store.clock = lambda: next(stamps)
    return ReferenceServer(store)


def set_back() -> ReferenceServer:
    """A server whose clock is set back by an hour each time that it is looked at."""
    stamps = iter(f"2025-11-{20 - day:02}T{23 - hour:02}:00:00" for day in range(5) for hour in range(24))
    store = Store()
    store.clock = lambda: next(stamps)
    return ReferenceServer(store)


# Somebody else, and replicas -------------------------------------------------------------------------


def editing(**fields: Any) -> Strike:
    """Return a strike that lets somebody edit the audience just before a request is answered."""

    def strike(wire: Wire) -> None:
        wire.way.server.store.audiences[AUDIENCE_ID].update(fields)
        wire.send(framed(wire.answer()))

    return strike


def shown_as(**fields: Any) -> Strike:
    """Return a strike that answers with another audience: that one, with other `fields`."""

    def strike(wire: Wire) -> None:
        honest = wire.answer()
        wire.send(framed(Response(honest.status, honest.headers, encode({**honest.json.fields, **fields}))))

    return strike


class Lagging(ReferenceServer):
    """Shows what was before a change, the first times that it is read after it."""

    def __init__(self, behind: int) -> None:
        super().__init__()
        self.behind, self.left, self.old = behind, 0, b""

    def answer(self, request: Request) -> Response:
        reads = request.method == "GET" and request.path.endswith(AUDIENCE_ID)
        if not reads:
            old = super().answer(Request("GET", f"/v2/audiences/{AUDIENCE_ID}", (("X-Api-Key", REFERENCE_KEY),))).body
            response = super().answer(request)
            self.left, self.old = (
                (self.behind, self.old if self.left else old) if response.succeeded else (self.left, self.old)
            )
            return response
        response = super().answer(request)
        if response.succeeded and self.left:
            self.left -= 1
            return Response(response.status, response.headers, self.old)
        return response
