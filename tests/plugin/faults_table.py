"""The faults that a way can have, one by one: what happens, when, and what a run should make of it.

Promises: each entry is run over real sockets (test_faults.py) and stands in docs/faults.md (faults_document.py).
Refuses: to hold an answer that the API itself must be asked about: that is drift or not, and no fault of the way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from tests.plugin.certificates import certificate
from tests.plugin.faulty_way import (
    after_a_hint,
    answering,
    changed,
    closed,
    dripping,
    endless,
    framed,
    head,
    reset_after,
    reset_applied,
    reset_before,
    restarting,
    saying,
    silence,
    twice,
)
from tests.plugin.warm import AS_IT_WAS
from trackly_contract.exchange import Response
from trackly_contract.reference import ReferenceServer, Store, documented_store
from trackly_contract.verdict import ExitCode, RunVerdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.plugin.faulty_way import Strike, Way


class Does(Enum):
    """What the suite does about a fault."""

    NOTHING = "takes the answer"
    ASKS_AGAIN = "asks again, and gets its answer"
    LEAVES_OUT = "asks again, and leaves it out with what builds on it: a control succeeds"
    INSISTS = "asks again, waits, and insists until all is put back"
    COMES_BACK = "gives up what it asks meanwhile, waits, and goes on once a control succeeds"
    GIVES_UP = "asks again, waits for a control that succeeds, and gives up"
    JUDGES = "asks again, and judges what stays: a control succeeds"

    @property
    def verdict(self) -> RunVerdict:
        """What the run says."""
        return {
            Does.NOTHING: RunVerdict.CONFORMS,
            Does.ASKS_AGAIN: RunVerdict.CONFORMS,
            Does.INSISTS: RunVerdict.CONFORMS,
            Does.JUDGES: RunVerdict.DRIFT,
        }.get(self, RunVerdict.INCONCLUSIVE)


class Audience(Enum):
    """What the audience is when the run has ended."""

    UNTOUCHED = "never changed"
    AS_IT_WAS = "as it was"
    LEFT = "changed, and said loudly; `restore`, or the next run, puts it back"


@dataclass(frozen=True)
class When:
    """At which requests a fault strikes; `said` is for people."""

    said: str
    holds: Callable[[Way], bool]


@dataclass(frozen=True)
class Fault:
    """One fault.

    `what` is a clause for the document; `says` is part of what the run prints, `broken` the rules that it names;
    `patience` is how many seconds an answer may take; `tls` names a throwaway certificate, whose authority is
    `trusted` or not; `base_url` is asked in place of the way, which is `down` or not; `waits` are those that the fault
    asks for; `server` makes what is asked.
    """

    id: str
    what: str
    when: When
    strike: Strike
    does: Does
    audience: Audience = Audience.AS_IT_WAS
    says: str = ""
    broken: frozenset[str] = frozenset()
    patience: float = 5.0
    tls: str = ""
    trusted: bool = False
    base_url: str = ""
    down: bool = False
    waits: tuple[float, ...] = ()
    server: Callable[[], ReferenceServer] = ReferenceServer

    @property
    def verdict(self) -> RunVerdict:
        """What the run says."""
        return self.does.verdict

    @property
    def code(self) -> ExitCode:
        """What the run ends with."""
        return ExitCode[self.verdict.name]

    def certificate(self) -> Path | None:
        """Return what the way proves itself with, None for plain HTTP."""
        return certificate(self.tls) if self.tls else None

    def struck(self, way: Way) -> Strike | None:
        """Return what to do in place of the answer to the request that has just come."""
        return self.strike if self.when.holds(way) else None


# When ----------------------------------------------------------------------------------------------

ONE = 15
"""Number of a request that changes the audience, after others did."""

MIDDLE = 33
"""Number of a request that is refused, while all that was put in place of the audience's own stands."""

GIVING_BACK = json.dumps({"source_lists": AS_IT_WAS["source_lists"]}, separators=(",", ":")).encode()
"""The update with which putting back begins."""


def _lasting(way: Way, start: int, seconds: float) -> bool:
    return len(way.asked) >= start and way.clock < way.times[start - 1] + seconds


def _while_giving_back(way: Way, seconds: float) -> bool:
    bodies = [request.body for request in way.asked]
    return GIVING_BACK in bodies and way.clock < way.times[bodies.index(GIVING_BACK)] + seconds


def _sends(way: Way, name: str, value: object) -> bool:
    """Whether the request that has just come sends just this one member."""
    body = way.asked[-1].body
    return bool(body) and json.loads(body) == {name: value}


NEVER = When("", lambda _way: False)
ALWAYS = When("always", lambda _way: True)
ONCE = When("once", lambda way: len(way.asked) == ONE)
EVERY_SECOND = When("at every second request", lambda way: len(way.asked) % 2 == 0)
EVERY_THIRD = When("at every third request", lambda way: len(way.asked) % 3 == 0)
FOR_A_SECOND = When("for a second, in mid-run", lambda way: _lasting(way, MIDDLE, 1))
FOR_TEN_SECONDS = When("for ten seconds, in mid-run", lambda way: _lasting(way, MIDDLE, 10))
FOR_TEN_MINUTES = When("for ten minutes, from mid-run on", lambda way: _lasting(way, MIDDLE, 600))
FROM_THE_MIDDLE = When("from mid-run on", lambda way: _lasting(way, MIDDLE, inf))
AT_A_WRONG_KEY = When("once, at a request with a wrong key", lambda way: len(way.asked) == 3)
WRITES_FROM_THE_MIDDLE = When(
    "to every update from mid-run on", lambda way: way.asked[-1].method == "PUT" and _lasting(way, MIDDLE, inf)
)
AT_THE_MIDDLE = When("in mid-run", lambda way: len(way.asked) == MIDDLE)
AT_THE_FIRST_UPDATE = When(
    "to the first update, each time", lambda way: b'"source_lists":[101,102],"filter"' in way.asked[-1].body
)
AT_THE_SIZE = When("to the size, each time", lambda way: way.asked[-1].path.endswith("/size"))
AT_A_NAME = When("to one accepted update, each time", lambda way: _sends(way, "name", "trackly-contract " + "x" * 238))
AT_WEEKS = When("to one refused update, each time", lambda way: b'"weeks"' in way.asked[-1].body)
BACK_ONCE = When(
    "once, while all is put back",
    lambda way: way.asked[-1].body == GIVING_BACK and [r.body for r in way.asked].count(GIVING_BACK) == 1,
)
BACK_FOR_TEN_SECONDS = When("for ten seconds, while all is put back", lambda way: _while_giving_back(way, 10))
BACK_FOR_EVER = When("from the moment on when all is put back", lambda way: _while_giving_back(way, inf))
BACK_THIS_BODY = When("each time to an update that puts back", lambda way: way.asked[-1].body == GIVING_BACK)

# What ----------------------------------------------------------------------------------------------

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html")
NOW = ("Date", "Sun, 22 Nov 2026 08:00:00 GMT")
SEVEN_LATER = ("Retry-After", "Sun, 22 Nov 2026 08:00:07 GMT")
SKEWED = ("Date", "Thu, 01 Jan 2099 08:00:00 GMT")
SEVEN_LATER_SKEWED = ("Retry-After", "Thu, 01 Jan 2099 08:00:07 GMT")


def page(status: int, title: str, *headers: tuple[str, str]) -> Strike:
    """Something in between answers with a page for people."""
    return answering(status, f"<!doctype html><title>{title}</title>".encode(), HTML, *headers)


def error(status: int, text: str, *headers: tuple[str, str]) -> Strike:
    """Something in between answers with JSON that bears no code."""
    return answering(status, json.dumps({"message": text}).encode(), JSON, *headers)


def busy(*headers: tuple[str, str]) -> Strike:
    """It was too much: 429."""
    return error(429, "Too Many Requests", *headers)


def _in_head(data: bytes) -> bytes:
    return data[:20]


def _in_body(data: bytes) -> bytes:
    return data[:-20]


def _body_starts(data: bytes) -> int:
    return data.index(b"\r\n\r\n") + 5


def _with(answer: Response, body: bytes, *headers: tuple[str, str]) -> bytes:
    return framed(Response(answer.status, (*answer.headers, *headers), body))


def _of_another_time() -> ReferenceServer:
    """A server whose clock runs seventy years ahead."""
    store = documented_store()
    for audience in store.audiences.values():
        audience |= {"created_at": "2097-01-01T00:00:00", "cached_size_updated_at": "2097-01-02T00:00:00"}
    stamps = iter(f"2099-01-01T00:{minute:02}:00" for minute in range(60))
    store.clock = lambda: next(stamps)
    return ReferenceServer(store)


def _set_back() -> ReferenceServer:
    """A server whose clock is set back by an hour each time that it is looked at."""
    stamps = iter(f"2025-11-{20 - day:02}T{23 - hour:02}:00:00" for day in range(5) for hour in range(24))
    store: Store = documented_store()
    store.clock = lambda: next(stamps)
    return ReferenceServer(store)


PACE = (
    Fault("429-seconds", "429 with `Retry-After: 7`", ONCE, busy(("Retry-After", "7")), Does.ASKS_AGAIN, waits=(7.0,)),
    Fault(
        "429-date",
        "429 with a `Retry-After` that is a date, seven seconds ahead",
        ONCE,
        busy(NOW, SEVEN_LATER),
        Does.ASKS_AGAIN,
        waits=(7.0,),
    ),
    Fault(
        "429-date-skewed",
        "the same from a server whose clock is 72 years ahead",
        ONCE,
        busy(SKEWED, SEVEN_LATER_SKEWED),
        Does.ASKS_AGAIN,
        waits=(7.0,),
    ),
    Fault(
        "429-nonsense",
        "429 with `Retry-After: soon`",
        ONCE,
        busy(("Retry-After", "soon")),
        Does.ASKS_AGAIN,
        waits=(0.5,),
    ),
    Fault(
        "429-two-hours",
        "429 with `Retry-After: 7200`",
        ONCE,
        busy(("Retry-After", "7200")),
        Does.ASKS_AGAIN,
        waits=(60.0,),
    ),
    Fault("429-half", "429 with `Retry-After: 1`", EVERY_SECOND, busy(("Retry-After", "1")), Does.ASKS_AGAIN),
    Fault(
        "429-for-ever",
        "429 with `Retry-After: 7200`",
        ALWAYS,
        busy(("Retry-After", "7200")),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="429",
    ),
    Fault(
        "429-writes",
        "429 with `Retry-After: 60`, while reading goes well",
        WRITES_FROM_THE_MIDDLE,
        busy(("Retry-After", "60")),
        Does.GIVES_UP,
        Audience.LEFT,
        says="429",
    ),
)

_GATEWAYS = {
    500: "500 in JSON",
    501: "501 without a body",
    502: "502 with the HTML page of a gateway",
    503: "503 with a maintenance page and `Retry-After: 1`",
    504: "504 with the HTML page of a gateway",
}
_STRIKES = {
    500: error(500, "Internal server error"),
    501: answering(501),
    502: page(502, "Bad Gateway"),
    503: page(503, "Down for maintenance", ("Retry-After", "1")),
    504: page(504, "Gateway Time-out"),
}

GATEWAYS = (
    *(Fault(f"{s}-once", what, ONCE, _STRIKES[s], Does.ASKS_AGAIN) for s, what in _GATEWAYS.items()),
    *(Fault(f"{s}-a-second", _GATEWAYS[s], FOR_A_SECOND, _STRIKES[s], Does.ASKS_AGAIN) for s in (500, 503)),
    *(
        Fault(f"{s}-ten-seconds", _GATEWAYS[s], FOR_TEN_SECONDS, _STRIKES[s], Does.COMES_BACK, says=str(s))
        for s in (502, 503)
    ),
    *(
        Fault(f"{s}-for-ever", _GATEWAYS[s], FROM_THE_MIDDLE, _STRIKES[s], Does.GIVES_UP, Audience.LEFT, says=str(s))
        for s in (503, 504)
    ),
    Fault("502-half", "502 of one of two servers behind a gateway", EVERY_SECOND, _STRIKES[502], Does.ASKS_AGAIN),
    Fault(
        "503-writes",
        "503, while reading goes well: closed for writing",
        WRITES_FROM_THE_MIDDLE,
        _STRIKES[503],
        Does.GIVES_UP,
        Audience.LEFT,
        says="503",
    ),
    Fault(
        "404-gateway",
        "404 in JSON of a gateway that knows no such route",
        ONCE,
        error(404, "no Route matched with those values"),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "404-gateway-ten-seconds",
        "404 in JSON of a gateway that knows no such route",
        FOR_TEN_SECONDS,
        error(404, "no Route matched with those values"),
        Does.COMES_BACK,
        says="404",
    ),
    Fault(
        "404-default-backend",
        "404 in plain text of a gateway that knows no such route",
        FOR_TEN_SECONDS,
        answering(404, b"default backend - 404"),
        Does.COMES_BACK,
        says="default backend",
    ),
    Fault("408-once", "408 in JSON", ONCE, error(408, "Request Timeout"), Does.ASKS_AGAIN),
)

OTHERS = (
    Fault(
        "portal",
        "a captive portal: 200 and HTML, whatever is asked",
        ALWAYS,
        page(200, "Welcome to our WLAN"),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="not JSON: '<!doctype html>",
    ),
    Fault(
        "portal-later",
        "a captive portal: 200 and HTML, whatever is asked",
        FROM_THE_MIDDLE,
        page(200, "Welcome to our WLAN"),
        Does.GIVES_UP,
        Audience.LEFT,
        says="not JSON: '<!doctype html>",
    ),
    Fault(
        "portal-511",
        "a captive portal: 511 and HTML",
        ALWAYS,
        page(511, "Sign in"),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="511",
    ),
    Fault(
        "login",
        "a redirect to a login page",
        ALWAYS,
        answering(302, b"", ("Location", "https://login.invalid/")),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="302",
    ),
    Fault(
        "login-later",
        "a redirect to a login page",
        FOR_TEN_SECONDS,
        answering(302, b"", ("Location", "https://login.invalid/")),
        Does.COMES_BACK,
        says="302",
    ),
    Fault(
        "401-good-key",
        "401 in JSON, though the key is good",
        FOR_A_SECOND,
        answering(401, b'{"error":"Unauthorized","code":"unauthorized"}', JSON),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "401-good-key-ten-seconds",
        "401 in JSON, though the key is good",
        FOR_TEN_SECONDS,
        answering(401, b'{"error":"Unauthorized","code":"unauthorized"}', JSON),
        Does.COMES_BACK,
        says="401",
    ),
    Fault(
        "403-good-key",
        "403 in JSON, though the key is good",
        FOR_TEN_SECONDS,
        error(403, "Forbidden"),
        Does.COMES_BACK,
        says="403",
    ),
    Fault(
        "403-wrong-key",
        "403 and HTML of a firewall",
        AT_A_WRONG_KEY,
        page(403, "Request blocked"),
        Does.ASKS_AGAIN,
    ),
    Fault("html-200", "200 and HTML", ONCE, page(200, "Loading"), Does.ASKS_AGAIN),
    Fault("empty-200", "200 without a body", ONCE, answering(200), Does.ASKS_AGAIN),
    Fault("array-200", "200 with a JSON array", ONCE, answering(200, b"[]", JSON), Does.ASKS_AGAIN),
    Fault(
        "object-200",
        "200 with a JSON object that is no audience",
        ONCE,
        answering(200, b'{"status":"starting"}', JSON),
        Does.ASKS_AGAIN,
    ),
)

CONNECTIONS = (
    Fault("reset-before", "a reset before the answer", ONCE, reset_before, Does.ASKS_AGAIN),
    Fault("reset-head", "a reset in the head of the answer", ONCE, reset_after(_in_head), Does.ASKS_AGAIN),
    Fault("reset-body", "a reset in the body of the answer", ONCE, reset_after(_in_body), Does.ASKS_AGAIN),
    Fault("lost", "an update is applied, its answer lost in a reset", ONCE, reset_applied, Does.ASKS_AGAIN),
    Fault("lost-third", "applied, its answer lost in a reset", EVERY_THIRD, reset_applied, Does.ASKS_AGAIN),
    Fault("closed", "the connection is closed without an answer", ONCE, closed, Does.ASKS_AGAIN),
    Fault(
        "reset-for-ever",
        "a reset before the answer",
        FROM_THE_MIDDLE,
        reset_before,
        Does.GIVES_UP,
        Audience.LEFT,
        says="reset",
    ),
    Fault(
        "refused",
        "connections are refused",
        NEVER,
        reset_before,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="refused",
        down=True,
    ),
    Fault(
        "dns",
        "the host name cannot be resolved",
        NEVER,
        reset_before,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="the audience cannot be read",
        base_url="https://does-not-exist.invalid/api",
    ),
    Fault("tls", "TLS with a certificate that is trusted", NEVER, closed, Does.NOTHING, tls="local", trusted=True),
    Fault(
        "tls-untrusted",
        "a certificate that nobody vouches for",
        NEVER,
        closed,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="unable to get local issuer certificate",
        tls="local",
    ),
    Fault(
        "tls-elsewhere",
        "the certificate of another host",
        NEVER,
        closed,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="certificate is not valid for",
        tls="elsewhere",
        trusted=True,
    ),
    Fault(
        "tls-expired",
        "a certificate that has expired",
        NEVER,
        closed,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="certificate has expired",
        tls="expired",
        trusted=True,
    ),
)

SLOW = (
    Fault("silent", "no answer comes", ONCE, silence, Does.ASKS_AGAIN, patience=0.5),
    Fault("drip-head", "the head of the answer drips", ONCE, dripping(lambda _: 9), Does.ASKS_AGAIN, patience=0.5),
    Fault("drip-body", "the body of the answer drips", ONCE, dripping(_body_starts), Does.ASKS_AGAIN, patience=0.5),
    Fault("endless", "a body without an end", ONCE, endless(b" " * 65536), Does.ASKS_AGAIN),
    Fault(
        "endless-chunks",
        "a chunked body without an end",
        ONCE,
        endless(b"10000\r\n" + b" " * 65536 + b"\r\n", "Transfer-Encoding: chunked"),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "silent-always",
        "no answer comes",
        ALWAYS,
        silence,
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="longer than 0.3 seconds",
        patience=0.3,
    ),
    Fault(
        "drip-always",
        "the body of the answer drips",
        ALWAYS,
        dripping(_body_starts),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="longer than 0.3 seconds",
        patience=0.3,
    ),
    Fault(
        "endless-always",
        "a body without an end",
        ALWAYS,
        endless(b" " * 65536),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="longer than 1,000,000 bytes",
    ),
)

BROKEN = (
    Fault(
        "truncated",
        "the body ends before the length that the head gives",
        ONCE,
        changed(lambda answer: framed(answer, len(answer.body) + 50)),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "truncated-for-ever",
        "the body ends before the length that the head gives",
        FROM_THE_MIDDLE,
        changed(lambda answer: framed(answer, len(answer.body) + 50)),
        Does.GIVES_UP,
        Audience.LEFT,
        says="closed connection without sending complete message body",
    ),
    Fault(
        "overlong",
        "the body goes on beyond the length that the head gives",
        ONCE,
        changed(lambda answer: framed(answer, len(answer.body) - 20)),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "cut-json",
        "half of the JSON, with the right length",
        ONCE,
        changed(lambda answer: _with(answer, answer.body[: len(answer.body) // 2])),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "not-utf-8",
        "a body that is not UTF-8",
        ONCE,
        changed(lambda answer: _with(answer, b'{"name":"caf\xe9"}')),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "gzip",
        "a body that claims to be packed",
        ONCE,
        changed(lambda answer: _with(answer, answer.body, ("Content-Encoding", "gzip"))),
        Does.ASKS_AGAIN,
    ),
    Fault("garbage", "bytes that are no HTTP", ONCE, saying(bytes(range(256))), Does.ASKS_AGAIN),
    Fault(
        "garbage-always",
        "bytes that are no HTTP",
        ALWAYS,
        saying(bytes(range(256))),
        Does.GIVES_UP,
        Audience.UNTOUCHED,
        says="illegal",
    ),
    Fault(
        "garbage-chunk",
        "a chunk whose length is no number",
        ONCE,
        saying(head(200, "Transfer-Encoding: chunked") + b"many\r\n{}\r\n"),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "headless",
        "a body without a head",
        ONCE,
        changed(lambda answer: answer.body),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "huge-head",
        "a head of 200,000 bytes",
        ONCE,
        changed(lambda answer: _with(answer, answer.body, ("X-Trace", "x" * 200_000))),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "interim",
        "an interim answer (103) before the answer",
        ALWAYS,
        after_a_hint,
        Does.NOTHING,
    ),
    Fault("twice", "each answer comes twice over one connection", ALWAYS, twice, Does.NOTHING),
)

RESTARTS = (
    Fault(
        "restart",
        "the server restarts within a second: connections are dropped, then refused",
        AT_THE_MIDDLE,
        restarting(1),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "restart-lost",
        "the same, after an update was applied and before its answer",
        ONCE,
        restarting(1, applied=True),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "restart-ten-seconds",
        "the server restarts, and takes ten seconds",
        AT_THE_MIDDLE,
        restarting(10),
        Does.COMES_BACK,
        says="refused",
    ),
    Fault(
        "restart-a-minute",
        "the server restarts, and takes a minute",
        AT_THE_MIDDLE,
        restarting(60),
        Does.COMES_BACK,
        says="refused",
    ),
    Fault(
        "restart-ten-minutes",
        "the server restarts, and takes ten minutes",
        AT_THE_MIDDLE,
        restarting(600),
        Does.GIVES_UP,
        Audience.LEFT,
        says="refused",
    ),
)

PUTTING_BACK = (
    Fault("back-503", "503", BACK_ONCE, _STRIKES[503], Does.ASKS_AGAIN),
    Fault(
        "back-lost", "an update that puts back is applied, its answer lost", BACK_ONCE, reset_applied, Does.ASKS_AGAIN
    ),
    Fault("back-every-answer-lost", "applied, its answer lost", BACK_THIS_BODY, reset_applied, Does.INSISTS),
    Fault("back-503-ten-seconds", "503", BACK_FOR_TEN_SECONDS, error(503, "Unavailable"), Does.INSISTS),
    Fault("back-restart", "the server restarts, and takes ten seconds", BACK_ONCE, restarting(10), Does.INSISTS),
    Fault(
        "back-503-for-ever",
        "503",
        BACK_FOR_EVER,
        error(503, "Unavailable"),
        Does.GIVES_UP,
        Audience.LEFT,
        says="503",
    ),
    Fault(
        "back-portal",
        "a captive portal: 200 and HTML, whatever is asked",
        BACK_FOR_EVER,
        page(200, "Welcome to our WLAN"),
        Does.GIVES_UP,
        Audience.LEFT,
        says="not JSON: '<!doctype html>",
    ),
    Fault(
        "back-reset", "a reset before the answer", BACK_FOR_EVER, reset_before, Does.GIVES_UP, Audience.LEFT, "reset"
    ),
)

ONE_REQUEST = (
    Fault(
        "one-500",
        "500 in JSON",
        AT_A_NAME,
        _STRIKES[500],
        Does.JUDGES,
        says="500",
        broken=frozenset({"update.name.longest", "update.optional"}),
    ),
    Fault(
        "one-413",
        "413 and HTML of a gateway",
        AT_A_NAME,
        page(413, "Request Entity Too Large"),
        Does.JUDGES,
        says="413",
        broken=frozenset({"update.name.longest", "update.optional"}),
    ),
    Fault(
        "one-refused-500",
        "500 in JSON",
        AT_WEEKS,
        answering(500, b'{"error":"Internal server error","code":"internal_error"}', JSON),
        Does.JUDGES,
        says="500",
        broken=frozenset({"filter.time.unit"}),
    ),
    Fault("one-reset", "a reset before the answer", AT_WEEKS, reset_before, Does.LEAVES_OUT, says="reset"),
    Fault("one-lost", "applied, its answer lost", AT_A_NAME, reset_applied, Does.LEAVES_OUT, says="reset"),
    Fault("one-silent", "no answer comes", AT_WEEKS, silence, Does.LEAVES_OUT, says="0.5 seconds", patience=0.5),
    Fault("first-reset", "a reset before the answer", AT_THE_FIRST_UPDATE, reset_before, Does.LEAVES_OUT, says="reset"),
    Fault("size-503", "503", AT_THE_SIZE, error(503, "Unavailable"), Does.LEAVES_OUT, says="update.cache.recounted"),
    Fault("size-reset", "a reset before the answer", AT_THE_SIZE, reset_before, Does.LEAVES_OUT, says="reset"),
)

CLOCKS = (
    Fault(
        "clock-ahead",
        "the clock of the server is seventy years ahead",
        NEVER,
        closed,
        Does.NOTHING,
        server=_of_another_time,
    ),
    Fault(
        "clock-set-back",
        "the clock of the server is set back time and again",
        NEVER,
        closed,
        Does.NOTHING,
        server=_set_back,
    ),
)

FAULTS: dict[str, tuple[Fault, ...]] = {
    "Too many requests": PACE,
    "Gateways": GATEWAYS,
    "Somebody else answers": OTHERS,
    "Connections": CONNECTIONS,
    "Slow and endless": SLOW,
    "Broken answers": BROKEN,
    "Restarts": RESTARTS,
    "While the audience is put back": PUTTING_BACK,
    "One request alone": ONE_REQUEST,
    "Clocks": CLOCKS,
}


def every_fault() -> list[Fault]:
    """Return all faults, in the order of the document."""
    return [fault for faults in FAULTS.values() for fault in faults]
