"""Faults that answer: too many requests, gateways, somebody else, what is no answer.

Promises: each is run over real sockets (test_faults.py) and stands in docs/faults.md.
Refuses: to hold an answer that the API itself must be asked about: that is drift or not, and no fault of the way.
"""

from __future__ import annotations

from tests.faults.fault import Audience, Does, Fault
from tests.faults.strikes import (
    ALWAYS,
    AT_A_WRONG_KEY,
    EVERY_SECOND,
    FOR_A_SECOND,
    FOR_TEN_SECONDS,
    FROM_THE_MIDDLE,
    GATEWAY_PAGES,
    GATEWAY_STRIKES,
    JSON,
    NOW,
    ONCE,
    SEVEN_LATER,
    SEVEN_LATER_SKEWED,
    SKEWED,
    WRITES_FROM_THE_MIDDLE,
    busy,
    error,
    page,
    with_answer,
)
from tests.faults.way import (
    after_a_hint,
    answering,
    changed,
    framed,
    head,
    saying,
    twice,
)

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

GATEWAYS = (
    *(Fault(f"{s}-once", what, ONCE, GATEWAY_STRIKES[s], Does.ASKS_AGAIN) for s, what in GATEWAY_PAGES.items()),
    *(Fault(f"{s}-a-second", GATEWAY_PAGES[s], FOR_A_SECOND, GATEWAY_STRIKES[s], Does.ASKS_AGAIN) for s in (500, 503)),
    *(
        Fault(f"{s}-ten-seconds", GATEWAY_PAGES[s], FOR_TEN_SECONDS, GATEWAY_STRIKES[s], Does.COMES_BACK, says=str(s))
        for s in (502, 503)
    ),
    *(
        Fault(
            f"{s}-for-ever",
            GATEWAY_PAGES[s],
            FROM_THE_MIDDLE,
            GATEWAY_STRIKES[s],
            Does.GIVES_UP,
            Audience.LEFT,
            says=str(s),
        )
        for s in (503, 504)
    ),
    Fault(
        "502-half", "502 of one of two servers behind a gateway", EVERY_SECOND, GATEWAY_STRIKES[502], Does.ASKS_AGAIN
    ),
    Fault(
        "503-writes",
        "503, while reading goes well: closed for writing",
        WRITES_FROM_THE_MIDDLE,
        GATEWAY_STRIKES[503],
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
        changed(lambda answer: with_answer(answer, answer.body[: len(answer.body) // 2])),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "not-utf-8",
        "a body that is not UTF-8",
        ONCE,
        changed(lambda answer: with_answer(answer, b'{"name":"caf\xe9"}')),
        Does.ASKS_AGAIN,
    ),
    Fault(
        "gzip",
        "a body that claims to be packed",
        ONCE,
        changed(lambda answer: with_answer(answer, answer.body, ("Content-Encoding", "gzip"))),
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
        changed(lambda answer: with_answer(answer, answer.body, ("X-Trace", "x" * 200_000))),
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
