"""Facts about JSON lines: our own members, entries of a HAR, broken and hostile lines."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.recordings import CONVERSATION, asked, bodies, har_entry, line, lines, read, recorded
from trackly_contract.judge.recorded import files as traffic_files
from trackly_contract.judge.recorded.record import Elsewhere, Recorded, Unreadable

EXCHANGES = asked(*CONVERSATION)
LINES = [line(exchange) for exchange in EXCHANGES]


def one(**changes: Any) -> Any:
    return read(lines([{**LINES[1], **changes}]))[0]


def test_every_line_is_an_exchange() -> None:
    assert bodies(recorded(read(lines(LINES)))) == bodies(EXCHANGES)


def test_a_line_may_be_an_entry_of_a_har() -> None:
    assert bodies(recorded(read(lines(map(har_entry, EXCHANGES))))) == bodies(EXCHANGES)


def test_the_documented_members_are_those_that_are_read() -> None:
    assert set(LINES[0]) | {"started", "seconds"} == set(traffic_files.FIELDS)


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ("text", b"text"),
        ({"base64": base64.b64encode(b"\xff").decode()}, b"\xff"),
        ({"id": 1.0}, b'{"id":1.0}'),
        ([], b"[]"),
        (0, b"0"),
        ("\ud800", b"\xed\xa0\x80"),
    ],
)
def test_a_body_is_a_text_base64_or_a_value(body: Any, read_as: bytes) -> None:
    found = one(response_body=body, request_body=body)
    assert (found.exchange.request.body, found.exchange.response.body) == (read_as, read_as)


def test_a_request_without_a_body_has_none() -> None:
    assert one(request_body=None).exchange.request.body == b""


def test_an_answer_without_a_body_was_not_recorded() -> None:
    assert one(response_body=None).missing == "the body of the answer was not recorded"


@pytest.mark.parametrize("given", [{"X-Api-Key": ["k"]}, [{"name": "X-Api-Key", "value": "k"}]])
def test_headers_are_an_object_or_a_list(given: Any) -> None:
    assert one(request_headers=given).exchange.request.headers == (("X-Api-Key", "k"),)


@pytest.mark.parametrize("started", [1767225600.5, "2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00.500"])
def test_a_start_is_a_number_or_a_date_and_time(started: Any) -> None:
    found = one(started=started, seconds=0.5)
    assert (found.began, found.ended) == (1767225600.5, 1767225601.0)


@pytest.mark.parametrize("started", ["yesterday", True, -1, 1e300, [], None])
def test_a_start_that_is_none_is_no_start(started: Any) -> None:
    assert one(started=started).began is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{\n", "Expecting property name enclosed in double quotes at column 2"),
        (b"[]\n", "a line is an object with method, url, status ..."),
        (b'{"method": "GET", "method": "PUT"}\n', "the key 'method' appears twice in one object"),
        (b'{"status": NaN}\n', "NaN is not a JSON value"),
        (b'{"url": "\xff"}\n', "byte 9 is not UTF-8"),
        (b'{"a": ' + b"[" * 9_999 + b"]" * 9_999 + b"}\n", "arrays and objects nest deeper than 300"),
        (b'{"a": ' + b"[" * 9_999 + b"\n", "arrays and objects nest deeper than 300"),
        (b'{"method": "GET"}\n', "no request: method and url are missing, or no texts"),
        (b'{"status": 1' + b"0" * 5_000 + b"}\n", "an integer of 5001 digits is more than can be read"),
    ],
)
def test_a_broken_line_is_named_and_takes_no_other_with_it(text: bytes, reason: str) -> None:
    found = read(lines([LINES[0], text, LINES[1]]))
    assert found[1] == Unreadable("x line 2", reason)
    assert [type(item) for item in found] == [Recorded, Unreadable, Recorded]


def test_a_line_that_is_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_files, "LONGEST", 4_000)
    found = read(lines([LINES[0], {"filler": "x" * 1_000_000}, LINES[1]]))
    assert found[1] == Unreadable("x line 2", "longer than 4,000 bytes")
    assert [type(item) for item in found] == [Recorded, Unreadable, Recorded]


def test_empty_lines_count_and_say_nothing() -> None:
    assert [item.where for item in read(b"\n\r\n" + lines(LINES[:1]))] == ["x line 3"]


def test_the_last_line_needs_no_end() -> None:
    assert len(recorded(read(lines(LINES[:2])[:-1]))) == 2


def test_other_events_of_schemathesis_hold_no_exchange() -> None:
    assert read(lines([{"Initialize": {}}, {"ScenarioFinished": {"recorder": None}}])) == []


def test_another_address_is_passed_over() -> None:
    assert isinstance(one(url="https://x.invalid/"), Elsewhere)


def test_a_stream_is_read_as_it_comes() -> None:
    class Live:
        """A stream that ends in an error: whoever reads further than it must meets it."""

        def __init__(self) -> None:
            self.pieces = [json.dumps(LINES[0]).encode() + b"\n"]

        def read1(self, _size: int) -> bytes:
            return self.pieces.pop()

        read = read1

    first = next(traffic_files.read_traffic(Live(), "x"))  # type: ignore[arg-type]
    assert isinstance(first, Recorded)
