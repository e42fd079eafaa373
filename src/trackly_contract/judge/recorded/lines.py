"""JSON lines: one exchange a line, by our own member names, as an entry of a HAR, or as Schemathesis writes them.

Promises: a line at a time, so that a stream of any length is judged as it comes; a broken line takes no other with it.
Refuses: to hold a line longer than LONGEST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from trackly_contract.core import JSON, NotJSONError, encode, parse
from trackly_contract.judge.recorded import har as traffic_har
from trackly_contract.judge.recorded.record import (
    LONGEST,
    Raw,
    RecordError,
    Unreadable,
    encoded,
    from_base64,
    headers,
    item,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.judge.recorded.record import Item

MEMBERS = (
    "method",
    "url",
    "request_headers",
    "request_body",
    "status",
    "response_headers",
    "response_body",
    "started",
    "seconds",
)
"""The members of our own form; `docs/traffic.md` says what each holds."""

_EVENT = "ScenarioFinished"
_PART = 1 << 16


def read(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield every exchange of every line; `name` is that of the file."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        where = f"{name} line {number}"
        if len(line) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = stream.readline(_PART)
            yield Unreadable(where, f"longer than {LONGEST:,} bytes")
        elif line.strip():
            yield from _read_line(line, where)


def _read_line(line: bytes, where: str) -> Iterator[Item]:
    try:
        value = parse(line.strip())
    except NotJSONError as error:
        yield Unreadable(where, str(error).replace(" at line 1, column", " at column"))
        return
    if isinstance(value, dict) and len(value) == 1 and next(iter(value))[:1].isupper():
        yield from _of_schemathesis(value.get(_EVENT), where)
        return
    try:
        yield item(_exchange(value), where)
    except RecordError as error:
        yield Unreadable(where, str(error))


def _exchange(value: JSON) -> Raw:
    if not isinstance(value, dict):
        raise RecordError("a line is an object with method, url, status ...")
    if isinstance(value.get("request"), dict):
        return traffic_har.entry(value)
    sent = value.get("request_body")
    return Raw(
        method=value.get("method"),
        url=value.get("url"),
        status=value.get("status"),
        request_headers=headers(value.get("request_headers")),
        request_body=b"" if sent is None else _body(sent),
        response_headers=headers(value.get("response_headers")),
        response_body=_body(value.get("response_body")),
        started=value.get("started"),
        seconds=value.get("seconds"),
    )


def _body(value: JSON) -> bytes | None:
    """Return a body from a text, from `{"base64": ...}`, or from any other JSON value; None for null."""
    if value is None:
        return None
    if isinstance(value, str):
        return encoded(value)
    for mark in ("base64", "$base64"):
        if isinstance(value, dict) and set(value) == {mark}:
            return from_base64(value[mark])
    return encode(value)


def _of_schemathesis(event: Any, where: str) -> Iterator[Item]:
    """Yield the exchanges of an event of Schemathesis's NDJSON report; other events than one hold none."""
    recorder = event.get("recorder") if isinstance(event, dict) else None
    interactions = recorder.get("interactions") if isinstance(recorder, dict) else None
    for name, found in interactions.items() if isinstance(interactions, dict) else ():
        try:
            yield item(_interaction(found), f"{where}, case {name}")
        except RecordError as error:
            yield Unreadable(f"{where}, case {name}", str(error))


def _interaction(found: Any) -> Raw:
    request, response = (found.get(part) if isinstance(found, dict) else None for part in ("request", "response"))
    if not isinstance(request, dict):
        raise RecordError("the case has no request")
    response = response if isinstance(response, dict) else {}
    return Raw(
        method=request.get("method"),
        url=request.get("uri"),
        status=response.get("status_code"),
        request_headers=headers(request.get("headers")),
        request_body=_body(request.get("body")) or b"",
        response_headers=headers(response.get("headers")),
        response_body=_body(response.get("content")) if "content" in response else None,
        started=found.get("timestamp"),
        seconds=response.get("elapsed"),
        written_at_end=True,
    )
