"""Faults of connections, servers and clocks, and those that strike at a bad moment or one request alone.

Promises: each is run over real sockets (test_faults.py) and stands in docs/faults.md.
Refuses: to hold an answer that the API itself must be asked about: that is drift or not, and no fault of the way.
"""

from __future__ import annotations

from tests.faults.fault import Audience, Does, Fault
from tests.faults.strikes import (
    ALWAYS,
    AT_A_NAME,
    AT_THE_FIRST_UPDATE,
    AT_THE_MIDDLE,
    AT_THE_SIZE,
    AT_WEEKS,
    BACK_FOR_EVER,
    BACK_FOR_TEN_SECONDS,
    BACK_ONCE,
    BACK_THIS_BODY,
    EVERY_THIRD,
    FROM_THE_MIDDLE,
    GATEWAY_STRIKES,
    JSON,
    NEVER,
    ONCE,
    body_starts,
    error,
    in_body,
    in_head,
    of_another_time,
    page,
    set_back,
)
from tests.faults.way import (
    answering,
    closed,
    dripping,
    endless,
    reset_after,
    reset_applied,
    reset_before,
    restarting,
    silence,
)

CONNECTIONS = (
    Fault("reset-before", "a reset before the answer", ONCE, reset_before, Does.ASKS_AGAIN),
    Fault("reset-head", "a reset in the head of the answer", ONCE, reset_after(in_head), Does.ASKS_AGAIN),
    Fault("reset-body", "a reset in the body of the answer", ONCE, reset_after(in_body), Does.ASKS_AGAIN),
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
    Fault("drip-body", "the body of the answer drips", ONCE, dripping(body_starts), Does.ASKS_AGAIN, patience=0.5),
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
        dripping(body_starts),
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
    Fault("back-503", "503", BACK_ONCE, GATEWAY_STRIKES[503], Does.ASKS_AGAIN),
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
        GATEWAY_STRIKES[500],
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
        server=of_another_time,
    ),
    Fault(
        "clock-set-back",
        "the clock of the server is set back time and again",
        NEVER,
        closed,
        Does.NOTHING,
        server=set_back,
    ),
)
