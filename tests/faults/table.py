"""The network faults, one by one, in the order of docs/faults.md; tests/doors/test_faults.py runs each.

Holds no response that the API itself must be asked about: that is drift or not, and no network fault.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from tests.faults import strikes as at
from tests.faults.fault import Audience, Does, Fault, When
from tests.faults.strikes import (
    GATEWAY,
    JSON,
    ONCE,
    PAGES,
    Lagging,
    body_starts,
    busy,
    editing,
    error,
    page,
    shown_as,
)
from tests.support.way import (
    Strike,
    Wire,
    answering,
    changed,
    closed,
    dripping,
    endless,
    framed,
    head,
    pass_on,
    reset_after,
    reset_applied,
    reset_before,
    restarting,
    saying,
    silence,
)


def nothing(name: str, what: str, strike: Strike = closed, when: When = at.NEVER, **more: Any) -> Fault:
    """A fault that changes nothing about the run."""
    return Fault(name, what, when, strike, Does.NOTHING, **more)


def again(name: str, what: str, strike: Strike, when: When = ONCE, **more: Any) -> Fault:
    """A fault after which the same request, sent again, gets its response."""
    return Fault(name, what, when, strike, Does.ASKS_AGAIN, **more)


def late(name: str, what: str, strike: Strike, when: When = ONCE, **more: Any) -> Fault:
    """A fault of an update that gets its response when it is sent again, while the first may still arrive."""
    return Fault(name, what, when, strike, Does.ASKS_AGAIN, Audience.MAY_CHANGE, **more)


def back(name: str, what: str, strike: Strike, says: str, when: When = at.FOR_TEN_SECONDS) -> Fault:
    """An outage that ends before the run does."""
    return Fault(name, what, when, strike, Does.COMES_BACK, says=says)


def insists(name: str, what: str, strike: Strike, when: When) -> Fault:
    """An outage that delays the restore."""
    return Fault(name, what, when, strike, Does.INSISTS)


def away(name: str, what: str, strike: Strike, says: str, when: When = at.ALWAYS, **more: Any) -> Fault:
    """A fault in whose way no run can begin."""
    return Fault(name, what, when, strike, Does.GIVES_UP, Audience.UNTOUCHED, says, **more)


def left(name: str, what: str, strike: Strike, says: str, when: When = at.FROM_THE_MIDDLE) -> Fault:
    """An outage that outlasts the run."""
    return Fault(name, what, when, strike, Does.GIVES_UP, Audience.LEFT, says)


def leaves_out(name: str, what: str, strike: Strike, says: str, when: When, **more: Any) -> Fault:
    """A fault of one request that gets no response."""
    return Fault(name, what, when, strike, Does.LEAVES_OUT, says=says, **more)


def warned(name: str, what: str, strike: Strike, says: str, when: When = at.AT_A_WRONG_KEY) -> Fault:
    """A response to a wrong key that keeps the suite from trying another."""
    return Fault(name, what, when, strike, Does.HEEDS, says=says)


def theirs(name: str, what: str, edits: dict[str, Any]) -> Fault:
    """Somebody else changes the audience."""
    strike, says = editing(**edits), "somebody else"
    return Fault(name, what, at.AT_THE_MIDDLE, strike, Does.STOPS, Audience.THEIRS, says, edits=edits)


def judged(name: str, what: str, strike: Strike, says: str, when: When, *broken: str) -> Fault:
    """A fault of one request that gets the same response again and again."""
    return Fault(name, what, when, strike, Does.JUDGES, says=says, broken=frozenset(broken))


NOW, SEVEN_LATER = ("Date", "Sun, 22 Nov 2026 08:00:00 GMT"), "Sun, 22 Nov 2026 08:00:07 GMT"
SKEWED, SEVEN_LATER_SKEWED = ("Date", "Thu, 01 Jan 2099 08:00:00 GMT"), "Thu, 01 Jan 2099 08:00:07 GMT"

AS_DATE = "429 with a `Retry-After` that is a date, seven seconds ahead"
AHEAD = "the same from a server whose clock is 72 years ahead"
PACE = (
    again("429-seconds", "429 with `Retry-After: 7`", busy("7"), waits=(7.0,)),
    again("429-date", AS_DATE, busy(SEVEN_LATER, NOW), waits=(7.0,)),
    again("429-date-skewed", AHEAD, busy(SEVEN_LATER_SKEWED, SKEWED), waits=(7.0,)),
    again("429-nonsense", "429 with `Retry-After: soon`", busy("soon"), waits=(0.5,)),
    again("429-two-hours", "429 with `Retry-After: 7200`", busy("7200"), waits=(60.0,)),
    warned("429-half", "429 with `Retry-After: 1`", busy("1"), "429", at.EVERY_SECOND),
    away("429-for-ever", "429 with `Retry-After: 7200`", busy("7200"), "429"),
    left(
        "429-writes",
        "429 with `Retry-After: 60`, while reading goes well",
        busy("60"),
        "429",
        at.WRITES_FROM_THE_MIDDLE,
    ),
)

NO_ROUTE = "404 in JSON of a gateway that knows no such route"
UNROUTED = error(404, "no Route matched with those values")

GATEWAYS = (
    *((late if s == 504 else again)(f"{s}-once", PAGES[s], GATEWAY[s]) for s in PAGES),
    *(again(f"{s}-a-second", PAGES[s], GATEWAY[s], at.FOR_A_SECOND) for s in (500, 503)),
    *(back(f"{s}-ten-seconds", PAGES[s], GATEWAY[s], str(s)) for s in (502, 503)),
    *(left(f"{s}-for-ever", PAGES[s], GATEWAY[s], str(s)) for s in (503, 504)),
    again("502-half", "502 of one of two servers behind a gateway", GATEWAY[502], at.EVERY_SECOND),
    left(
        "503-writes", "503, while reading goes well: closed for writing", GATEWAY[503], "503", at.WRITES_FROM_THE_MIDDLE
    ),
    again("404-gateway", NO_ROUTE, UNROUTED),
    back("404-gateway-ten-seconds", NO_ROUTE, UNROUTED, "404"),
    back(
        "404-default-backend",
        "404 in plain text of a gateway that knows no such route",
        answering(404, b"default backend - 404"),
        "default backend",
    ),
    again("408-once", "408 in JSON", error(408, "Request Timeout")),
)

PORTAL, NO_JSON = "a captive portal: 200 and HTML, whatever is asked", "not JSON: '<!doctype html>"
WELCOME = page(200, "Welcome to our WLAN")
LOGIN = answering(302, b"", ("Location", "https://login.invalid/"))
DENIED = answering(401, b'{"error":"Unauthorized","code":"unauthorized"}', JSON)
GOOD_KEY = "401 in JSON, though the key is good"

OTHERS = (
    away("portal", PORTAL, WELCOME, NO_JSON),
    left("portal-later", PORTAL, WELCOME, NO_JSON),
    away("portal-511", "a captive portal: 511 and HTML", page(511, "Sign in"), "511"),
    away("login", "a redirect to a login page", LOGIN, "302"),
    back("login-later", "a redirect to a login page", LOGIN, "302"),
    again("401-good-key", GOOD_KEY, DENIED, at.FOR_A_SECOND),
    back("401-good-key-ten-seconds", GOOD_KEY, DENIED, "401"),
    back("403-good-key", "403 in JSON, though the key is good", error(403, "Forbidden"), "403"),
    warned("403-wrong-key", "403 and HTML of a firewall", page(403, "Request blocked"), "403"),
    warned("429-wrong-key", "429 with `Retry-After: 7`", busy("7"), "429"),
    again("html-200", "200 and HTML", page(200, "Loading")),
    again("empty-200", "200 without a body", answering(200)),
    again("array-200", "200 with a JSON array", answering(200, b"[]", JSON)),
    again("object-200", "200 with a JSON object that is no audience", answering(200, b'{"status":"starting"}', JSON)),
)

CONNECTIONS = (
    late("reset-before", "a reset before the answer", reset_before),
    again("reset-head", "a reset in the head of the answer", reset_after(slice(20))),
    again("reset-body", "a reset in the body of the answer", reset_after(slice(-20))),
    again("lost", "an update is applied, its answer lost in a reset", reset_applied),
    late("lost-third", "applied, its answer lost in a reset", reset_applied, at.EVERY_THIRD),
    late("closed", "the connection is closed without an answer", closed),
    left("reset-for-ever", "a reset before the answer", reset_before, "reset"),
    away("refused", "connections are refused", reset_before, "refused", at.NEVER, down=True),
    away(
        "dns",
        "the host name cannot be resolved",
        reset_before,
        "the audience cannot be read",
        at.NEVER,
        base_url="https://does-not-exist.invalid/api",
    ),
    nothing("tls", "TLS with a certificate that is trusted", tls="local", trusted=True),
    *(
        away(f"tls-{name}", what, closed, says, at.NEVER, tls=tls, trusted=name != "untrusted")
        for name, tls, what, says in (
            ("untrusted", "local", "a certificate that nobody vouches for", "unable to get local issuer certificate"),
            ("elsewhere", "elsewhere", "the certificate of another host", "certificate is not valid for"),
            ("expired", "expired", "a certificate that has expired", "certificate has expired"),
        )
    ),
)

BLANKS = endless(b" " * 65536)
TOO_SLOW, TOO_LONG = "longer than 0.3 seconds", "longer than 1,000,000 bytes"

SLOW = (
    late("silent", "no answer comes", silence, patience=0.5),
    again("drip-head", "the head of the answer drips", dripping(lambda _: 9), patience=0.5),
    again("drip-body", "the body of the answer drips", dripping(body_starts), patience=0.5),
    again("endless", "a body without an end", BLANKS),
    again(
        "endless-chunks",
        "a chunked body without an end",
        endless(b"10000\r\n" + b" " * 65536 + b"\r\n", "Transfer-Encoding: chunked"),
    ),
    away("silent-always", "no answer comes", silence, TOO_SLOW, patience=0.3),
    away("drip-always", "the body of the answer drips", dripping(body_starts), TOO_SLOW, patience=0.3),
    away("endless-always", "a body without an end", BLANKS, TOO_LONG),
)


def after_a_hint(wire: Wire) -> None:
    """Send an interim response, and then the server's."""
    wire.send(head(103, "Link: </style.css>; rel=preload") + framed(wire.answer()))


def twice(wire: Wire) -> None:
    """Send the server's response two times over."""
    wire.send(2 * framed(wire.answer()))


def resized(more: int) -> Strike:
    """Claim another length than the body has."""
    return changed(lambda response: framed(response, len(response.body) + more))


SHORT = "the body ends before the length that the head gives"
INCOMPLETE = "closed connection without sending complete message body"
GARBAGE = saying(bytes(range(256)))

BROKEN = (
    again("truncated", SHORT, resized(50)),
    left("truncated-for-ever", SHORT, resized(50), INCOMPLETE),
    again("overlong", "the body goes on beyond the length that the head gives", resized(-20)),
    again(
        "cut-json",
        "half of the JSON, with the right length",
        changed(lambda r: framed(replace(r, body=r.body[: len(r.body) // 2]))),
    ),
    again("not-utf-8", "a body that is not UTF-8", changed(lambda r: framed(replace(r, body=b'{"name":"caf\xe9"}')))),
    again("gzip", "a body that claims to be packed", changed(lambda r: framed(r, None, ("Content-Encoding", "gzip")))),
    late("garbage", "bytes that are no HTTP", GARBAGE),
    away("garbage-always", "bytes that are no HTTP", GARBAGE, "illegal"),
    again(
        "garbage-chunk",
        "a chunk whose length is no number",
        saying(head(200, "Transfer-Encoding: chunked") + b"many\r\n{}\r\n"),
    ),
    again("headless", "a body without a head", changed(lambda r: r.body)),
    again("huge-head", "a head of 200,000 bytes", changed(lambda r: framed(r, None, ("X-Trace", "x" * 200_000)))),
    nothing("interim", "an interim answer (103) before the answer", after_a_hint, at.ALWAYS),
    nothing("twice", "each answer comes twice over one connection", twice, at.ALWAYS),
)

AT_ONCE = "the server restarts within a second: connections are dropped, then refused"
RESTARTS = (
    again("restart", AT_ONCE, restarting(1), at.AT_THE_MIDDLE),
    late("restart-lost", "the same, after an update was applied and before its answer", restarting(1, applied=True)),
    *(
        outage(
            f"restart-{time.replace(' ', '-')}",
            f"the server restarts, and takes {time}",
            restarting(seconds),
            "refused",
            at.AT_THE_MIDDLE,
        )
        for outage, time, seconds in ((back, "ten seconds", 10), (back, "a minute", 60), (left, "ten minutes", 600))
    ),
)

PUTTING_BACK = (
    again("back-503", "503", GATEWAY[503], at.BACK_ONCE),
    again("back-lost", "an update that puts back is applied, its answer lost", reset_applied, at.BACK_ONCE),
    insists("back-every-answer-lost", "applied, its answer lost", reset_applied, at.BACK_THIS_BODY),
    insists("back-503-ten-seconds", "503", error(503, "Unavailable"), at.BACK_FOR_TEN_SECONDS),
    insists("back-restart", "the server restarts, and takes ten seconds", restarting(10), at.BACK_ONCE),
    left("back-503-for-ever", "503", error(503, "Unavailable"), "503", at.BACK_FOR_EVER),
    left("back-portal", PORTAL, WELCOME, NO_JSON, at.BACK_FOR_EVER),
    left("back-reset", "a reset before the answer", reset_before, "reset", at.BACK_FOR_EVER),
)

CRASHED = answering(500, b'{"error":"Internal server error","code":"internal_error"}', JSON)
TOO_LARGE = page(413, "Request Entity Too Large")
NAMED = ("update.name.longest", "update.optional")

ONE_REQUEST = (
    judged("one-500", "500 in JSON", GATEWAY[500], "500", at.AT_A_NAME, *NAMED),
    judged("one-413", "413 and HTML of a gateway", TOO_LARGE, "413", at.AT_A_NAME, *NAMED),
    judged("one-refused-500", "500 in JSON", CRASHED, "500", at.AT_WEEKS, "filter.time.unit"),
    leaves_out("one-reset", "a reset before the answer", reset_before, "reset", at.AT_WEEKS),
    leaves_out("one-lost", "applied, its answer lost", reset_applied, "reset", at.AT_A_NAME),
    leaves_out("one-silent", "no answer comes", silence, "0.5 seconds", at.AT_WEEKS, patience=0.5),
    leaves_out(
        "first-reset",
        "a reset before the answer",
        reset_before,
        "reset",
        at.AT_THE_FIRST_UPDATE,
        audience=Audience.UNTOUCHED,
    ),
    leaves_out("size-503", "503", error(503, "Unavailable"), "update.cache.recounted", at.AT_THE_SIZE),
    leaves_out("size-reset", "a reset before the answer", reset_before, "reset", at.AT_THE_SIZE),
)

CLOCKS = (
    nothing("clock-ahead", "the clock of the server is seventy years ahead", server=at.of_another_time),
    nothing("clock-set-back", "the clock of the server is set back time and again", server=at.set_back),
)

SEVEN = {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 7}
THEIRS: dict[str, Any] = {
    "name": "Spring campaign",
    "description": "Everybody who clicked in spring",
    "source_lists": [102],
    "filter": {"operator": "AND", "conditions": [SEVEN], "groups": []},
}
SOMEBODY = (
    *(theirs(f"edits-{name}", f"somebody edits the {name}", {name: value}) for name, value in THEIRS.items()),
    theirs("edits-all", "somebody edits everything", THEIRS),
    theirs("archives", "somebody archives the audience", {"status": "archived"}),
    again("another", "a cache shows another audience", shown_as(id="664f1a2b3c4d5e6f7a8b9c0e"), at.THE_FIRST),
)
REPLICAS = tuple(
    again(f"lag-{number}", f"a replica is behind for {gets}", pass_on, at.ALWAYS, server=partial(Lagging, number))
    for number, gets in ((1, "one GET"), (2, "two GETs"))
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
    "Somebody else": SOMEBODY,
    "Replicas": REPLICAS,
}


def every_fault() -> list[Fault]:
    """Return all faults, in the order of the document."""
    return [fault for faults in FAULTS.values() for fault in faults]
