"""JSON lines and cassettes: what their records say, those that vcrpy and Schemathesis write today, hostile ones."""

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml

from tests.support.recordings import (
    CONVERSATION,
    PATH,
    asked,
    bodies,
    broken,
    har,
    har_entry,
    line,
    lines,
    put,
    read,
    recorded,
    watched,
)
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.judge.recorded import files
from trackly_contract.judge.recorded.record import Recorded, Unreadable
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

EXCHANGES = asked(*CONVERSATION)
LINES = [line(exchange) for exchange in EXCHANGES]


def one(**changes: Any) -> Any:
    return read(lines([{**LINES[1], **changes}]))[0]


@pytest.mark.parametrize("as_line", [line, har_entry])
def test_a_line_is_an_exchange_by_our_own_fields_or_as_in_a_har(as_line: Any) -> None:
    assert bodies(recorded(read(lines(map(as_line, EXCHANGES))))) == bodies(EXCHANGES)


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ("text", b"text"),
        ({"base64": base64.b64encode(b"\xff").decode()}, b"\xff"),
        ({"id": 1.0}, b'{"id":1.0}'),
        ({"string": "a"}, b'{"string":"a"}'),
        (0, b"0"),
        ("\ud800", b"\xed\xa0\x80"),
    ],
)
def test_a_body_is_a_text_base64_or_a_value(body: Any, read_as: bytes) -> None:
    found = one(response_body=body, request_body=body)
    assert (found.exchange.request.body, found.exchange.response.body) == (read_as, read_as)


@pytest.mark.parametrize(("length", "missing"), [("0", ""), ("12", "the body of the request was not recorded; ")])
def test_a_body_that_is_absent_was_not_recorded_unless_a_request_had_none(length: str, missing: str) -> None:
    found = one(request_body=None, response_body=None, request_headers={"Content-Length": length})
    assert (found.exchange.request.body, found.missing) == (
        b"",
        f"{missing}the body of the response was not recorded",
    )


@pytest.mark.parametrize("given", [{"X-Api-Key": ["k"], "a": None}, [{"name": "X-Api-Key", "value": "k"}]])
def test_headers_are_an_object_or_a_list(given: Any) -> None:
    assert one(request_headers=given).exchange.request.headers == (("X-Api-Key", "k"),)


@pytest.mark.parametrize(
    ("started", "began"),
    [
        (1767225600.5, 1767225600.5),
        ("2026-01-01T00:00:00.500Z", 1767225600.5),
        ("2026-01-01T00:00:00.500", 1767225600.5),
        ("yesterday", None),
        (True, None),
        (1e300, None),
    ],
)
def test_a_start_is_a_number_or_a_date_and_time(started: Any, began: float | None) -> None:
    found = one(started=started, seconds=0.5)
    assert (found.began, found.ended) == (began, began and began + 0.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{\n", "Expecting property name enclosed in double quotes at column 2"),
        (b"[]\n", "a line must be an object with method, url, status ..."),
        (b'{"a": ' + b"[" * 9_999 + b"\n", "arrays and objects nest deeper than 300"),
        (b'{"method": "GET"}\n', "no request: method or url is missing, or not a string"),
        (b'{"filler": "' + b"x" * 100_000 + b'"}\n', "longer than 50,000 bytes"),
    ],
)
def test_a_broken_line_is_named_and_costs_no_other(text: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST", 50_000)
    first, broken, last = read(lines([LINES[0], text, LINES[1]]))
    assert broken == Unreadable("x line 2", reason)
    assert [type(first), type(last)] == [Recorded, Recorded]


def test_empty_lines_count_and_the_last_line_needs_no_end() -> None:
    assert [getattr(item, "where", "") for item in read(b"\n\r\n" + lines(LINES[:2])[:-1])] == ["x line 3", "x line 4"]


def test_other_events_of_schemathesis_hold_no_exchange() -> None:
    assert read(lines([{"Initialize": {}}, {"ScenarioFinished": {"recorder": None}}])) == []


def test_a_stream_is_read_as_it_comes() -> None:
    text = json.dumps(LINES[0]).encode() + b"\n"
    ours, theirs = os.pipe()
    with open(ours, "rb") as stream, open(theirs, "wb", buffering=0) as writer:  # noqa: PTH123  # they have no path
        writer.write(text + text[:9])
        assert isinstance(next(files.read_traffic(stream, "x")), Recorded)


def cassette(*responses: Any) -> bytes:
    """A cassette as vcrpy lays it out, an interaction for each response."""
    request = {"method": "GET", "uri": f"https://api.invalid/api{PATH}", "headers": {"Accept": ["*/*"]}, "body": None}
    interactions = [{"request": request, "response": response} for response in responses]
    return yaml.safe_dump({"interactions": interactions, "version": 1}).encode()


def response(body: Any, **more: Any) -> dict[str, Any]:
    return {"status": {"code": 200, "message": "OK"}, "headers": {"X": ["y"]}, "body": body, **more}


def sent(base_url: str, method: str, body: bytes | None = None) -> None:
    headers = {"X-Api-Key": REFERENCE_KEY, "Content-Type": "application/json", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"{base_url}{PATH}", data=body, headers=headers, method=method)  # noqa: S310
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10) as answered:  # noqa: S310
        answered.read()


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_cassette_that_vcrpy_writes_is_read_and_judged(tmp_path: Path, serializer: str) -> None:
    path = tmp_path / f"cassette.{serializer}"
    with running(ReferenceServer()) as base_url, vcr.VCR(serializer=serializer).use_cassette(str(path)):
        sent(base_url, "GET")
        sent(base_url, "PUT", put({"name": "Zoë"}).body)
        sent(base_url, "GET")
        sent(base_url, "PUT", put({"filter": {"operator": "AND"}}).body)
    traffic = watched(read(path.read_bytes()))
    assert (traffic.judged, traffic.stamped, traffic.not_judged, traffic.unreadable) == (4, True, {}, {})
    assert broken(traffic) == set()
    assert {"update.name", "update.stored", "filter.empty"} <= set(traffic.findings.tally)
    assert [found.fault.name for found in traffic.faults.values()] == ["filter.empty"]


@pytest.mark.parametrize("kind", ["vcr", "har", "ndjson"])
def test_what_schemathesis_writes_is_read_and_judged(tmp_path: Path, kind: str) -> None:
    document, home, reports = data_root() / "schemas" / "openapi.bundled.json", tmp_path / "home", tmp_path / "reports"
    home.mkdir()  # it keeps files of its own where it is started
    with running(ReferenceServer()) as base_url:
        run = [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", base_url, "--max-examples=1"]
        run += ["-H", f"X-Api-Key: {REFERENCE_KEY}", "--report", kind, f"--report-dir={reports}", "--phases=examples"]
        done = subprocess.run(run, capture_output=True, text=True, timeout=120, cwd=home, check=False)
    (file,) = reports.iterdir()
    traffic = watched(read(file.read_bytes()))
    assert traffic.judged >= 3, done.stdout + done.stderr
    assert (traffic.unreadable, traffic.not_judged, broken(traffic), traffic.stamped) == ({}, {}, set(), True)


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ({"string": "text"}, b"text"),
        ({"string": b"\xff\xfe"}, b"\xff\xfe"),
        ({"string": ""}, b""),
        ({"string": None}, b""),
        ("text", b"text"),
        ("", b""),
        ({"encoding": "utf-8", "base64_string": "aGk="}, b"hi"),
        ({"id": 1}, b'{"id":1}'),
        ({"string": json.dumps({"name": "NO", "phone": "+46701234567"})}, b'{"name": "NO", "phone": "+46701234567"}'),
    ],
)
def test_a_body_has_the_shapes_of_vcrpy(body: Any, read_as: bytes) -> None:
    (found,) = read(cassette(response(body)))
    assert isinstance(found, Recorded)
    assert (found.exchange.response.body, found.missing) == (read_as, "")


@pytest.mark.parametrize(
    "without", [None, {"status": None}, {"status": {"code": "x"}}, {"status": {"code": "1" * 9_999}}]
)
def test_an_interaction_without_a_response_cannot_be_read(without: Any) -> None:
    assert read(cassette(without)) == [Unreadable("x interaction 1", "no response was recorded: no status")]


def test_plain_scalars_are_texts_in_headers_and_texts_are_numbers_elsewhere() -> None:
    given = response("{}", status={"code": "200"}, headers={"Length": [72], "X": False, 1: b"\xff"}, elapsed="0.25")
    text = cassette(given).replace(b"- request", b"- recorded_at: '2026-01-01T00:00:01'\n  request")
    (found,) = read(text)
    assert isinstance(found, Recorded)
    assert found.exchange.response.headers == (("Length", "72"), ("X", "False"), ("1", "\xff"))
    assert (found.exchange.response.status, found.began, found.ended) == (200, 1767225600.75, 1767225601.0)


WHOLE = cassette(response("{}"), response("{}"), response("zz"))


HAR = har(map(har_entry, EXCHANGES))
PRETTY = b"\xef\xbb\xbf" + HAR.replace(b'{"log"', b'{\n    "log"')


class Slow(io.BytesIO):
    """A pipe that gives few bytes at a time."""

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[:3])


@pytest.mark.parametrize("text", [HAR, PRETTY, WHOLE], ids=["HAR", "lines of a HAR", "cassette"])
def test_few_bytes_at_a_time_are_read_as_what_they_are(text: bytes) -> None:
    slow: Any = Slow(text)
    assert {type(found) for found in files.read_traffic(io.BufferedReader(slow), "x")} == {Recorded}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [(b"status:", b"status: {\n", 35), (b"zz", b"\xff", 28)],
    ids=["syntax", "UTF-8"],
)
def test_what_stands_before_a_break_is_read_and_the_break_is_named(old: bytes, new: bytes, line: int) -> None:
    at = WHOLE.rindex(b"- request")
    *found, last = read(WHOLE[:at] + WHOLE[at:].replace(old, new, 1))
    assert [type(item) for item in found] == [Recorded, Recorded]
    assert isinstance(last, Unreadable)
    assert (last.where, last.reason[-34:]) == (f"x line {line}", "; the rest of the file is not read")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"interactions: " + b"[" * 100_000, "not YAML of a cassette: "),
        (b"interactions: " + b"[" * 50 + b"]" * 50, "nested deeper than 50"),
        (b"interactions: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        (b"interactions: 7", "the cassette has no list of interactions"),
        (b"interactions: &a [*a]", "no request: "),
        (b'{"interactions": [', "Expecting value"),
        (b"interactions:\n- a: 2026-99-99\n", "month must be in 1..12"),
    ],
)
def test_a_hostile_cassette_is_named(text: bytes, reason: str) -> None:
    (found,) = read(text)
    assert isinstance(found, Unreadable)
    assert reason in found.reason


def test_a_cassette_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 100)
    reason = "a cassette longer than 100 bytes: split it, or record HAR or JSON lines"
    assert read(cassette(response("{}" * 100))) == [Unreadable("x", reason)]
