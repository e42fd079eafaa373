"""HAR files: how one is cut into entries, what an entry says, what it leaves out."""

import base64
import gzip
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recordings import CONVERSATION, asked, bodies, har, har_entry, put, read, recorded
from trackly_contract.judge.recorded import har as traffic_har
from trackly_contract.judge.recorded.record import LONGEST, Recorded, Unreadable

EXCHANGES = asked(*CONVERSATION)
ENTRIES = [har_entry(exchange) for exchange in EXCHANGES]
PLAIN = EXCHANGES[0].response.body
PACKED = gzip.compress(PLAIN)

values = st.recursive(
    st.none() | st.integers() | st.text('ab"\\{}[],: \n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\{[ab', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def one(**changes: Any) -> Any:
    """What is read from one entry with some of its parts replaced."""
    entry = json.loads(json.dumps(ENTRIES[0]))
    for name, value in changes.items():
        part, _, field = name.partition("__")
        entry[part] = {**entry[part], field: value} if field else value
    return read(har([entry]))[0]


def in_base64(body: bytes) -> dict[str, Any]:
    return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def test_every_exchange_of_a_har_is_read() -> None:
    assert bodies(recorded(read(har(ENTRIES)))) == bodies(EXCHANGES)


@given(entries=st.lists(values, max_size=4), chunk=st.integers(9, 40))
def test_entries_are_those_that_json_has_wherever_the_chunks_end(entries: list[Any], chunk: int) -> None:
    marked = [{"audiences": entry} for entry in entries]
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic_har, "CHUNK", chunk)
        patch.setattr(traffic_har, "item", lambda _read, text, where: found.append((where, json.loads(text))))
        content = {"log": {"pages": [{"entries": [{}]}], "entries": [None, *marked], "comment": "]}"}}
        read(json.dumps(content).encode())
    assert found == [(f"x entry {number}", entry) for number, entry in enumerate(marked, 1)]


@pytest.mark.parametrize(
    "filler", ["[" * 2_000_000, '\\"{' * 300_000, [[0]] * 20_000], ids=["text", "escapes", "lists"]
)
def test_an_entry_that_is_too_long_is_skipped_and_not_held(filler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_har, "CHUNK", 1_000)
    monkeypatch.setattr(traffic_har, "LONGEST", 10_000)
    stream = io.BytesIO(har([ENTRIES[0], har_entry(EXCHANGES[0], filler=filler), ENTRIES[0]]))
    tracemalloc.start()
    first, long, last = traffic_har.read(stream, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert long == Unreadable("x entry 2", "longer than 10,000 bytes")
    assert ([type(first), type(last)], peak < 90_000) == ([Recorded, Recorded], True)


@pytest.mark.parametrize("content", [{"log": {"p": {"entries": [{}]}}}, {"log": {"p": [{}]}}])
def test_a_list_elsewhere_is_not_the_list_of_entries(content: Any) -> None:
    found = list(traffic_har.read(io.BytesIO(json.dumps(content).encode()), "x"))
    assert found == [Unreadable("x entry 1", "the file has no log.entries")]


HAR = har(ENTRIES[:2])
CUT, UNPAIRED = "the file is cut off here", "brackets do not match: the rest of the file cannot be read"


@pytest.mark.parametrize(
    ("text", "whole", "reason"),
    [
        (HAR[: HAR.rindex(b'"request"') + 40], 1, CUT),
        (HAR[:-3], 2, CUT),
        (HAR.replace(b"]}}", b"}}}"), 2, UNPAIRED),
        (HAR + b"}", 2, UNPAIRED),
    ],
    ids=["cut off in an entry", "cut off between entries", "the list ends in another bracket", "a bracket too many"],
)
def test_what_stands_before_a_break_is_read_and_the_break_is_named(text: bytes, whole: int, reason: str) -> None:
    *found, last = read(text)
    assert last == Unreadable(f"x entry {whole + 1}", reason)
    assert [type(item) for item in found] == [Recorded] * whole


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"bodySize": 0', b'"bodySize": NaN', "NaN is not a JSON value"),
        (b'"GET"', b'"G\xff"', "is not UTF-8"),
        (b'"bodySize": 0', b'"bodySize": 0, "bodySize": 0', "the key 'bodySize' appears twice in one object"),
        (b'"bodySize": 0', b'"bodySize": ' + b"[" * 400 + b"]" * 400, "nest deeper than 300"),
        (b'"request": {', b'"zz": {', "no request: method or url is missing"),
        (b"https://api.invalid", b"https://[api.invalid", "the url cannot be read"),
        (b'"headers": [{"name"', b'"headers": [{"nam"', "the name or the value of a header is not a string"),
        (b'"text": "', b'"encoding": "base64", "text": "aGk=%%", "x": "', "a body is marked as base64 and is not"),
        (b'"status": 200', b'"status": 0, "_error": "net::ERR_ABORTED"', "no response was recorded: net::ERR_ABORTED"),
        (b'"status": 200', b'"status": -1', "no response was recorded: status -1"),
        (b'"status": 200', b'"status": "200"', "no response was recorded: no status"),
    ],
)
def test_a_broken_entry_is_named_and_costs_no_other(old: bytes, new: bytes, reason: str) -> None:
    first, *others = read(har([*ENTRIES[:2], ENTRIES[1]]).replace(old, new, 1))
    assert isinstance(first, Unreadable)
    assert reason in first.reason
    assert [type(item) for item in others] == [Recorded, Recorded]


@pytest.mark.parametrize(
    "changes",
    [
        {"request__url": "https://elsewhere.invalid/x"},
        {"request__url": "https://api.invalid/api/v2/audiences"},
        {"request__url": "https://api.invalid/v2/audiences/a/b"},
        {"request__url": "https://api.invalid/v2/contacts/1"},
        {"request__url": "https://x.invalid/", "response__status": 0},
        {"request__url": "https://x.invalid/audiences", "response__content": in_base64(b"")},
        {"request__method": "OPTIONS"},
    ],
)
def test_another_request_is_not_judged(changes: dict[str, Any]) -> None:
    assert one(**changes) is None


def test_an_entry_that_cannot_be_ours_is_not_parsed() -> None:
    other = har(ENTRIES[:1]).replace(b"audiences", b"x").replace(b'"bodySize": 0', b'"bodySize": NaN')
    escaped = har(ENTRIES[:1]).replace(b"audiences", b"\\u0061udiences")
    assert [type(item) for item in (*read(other), *read(escaped))] == [type(None), Recorded]


@pytest.mark.parametrize(
    ("url", "address", "query"),
    [
        ("https://u:p@api.invalid/v2/audiences/a", "https://api.invalid", ""),
        ("http://127.0.0.1:8377/api/v2/audiences/a?x=1", "http://127.0.0.1:8377/api", "x=1"),
        ("https://[::1]:1/x/y/v2/audiences/a/size", "https://[::1]:1/x/y", ""),
    ],
)
def test_what_stands_before_the_path_is_the_address_without_a_password(url: str, address: str, query: str) -> None:
    found = one(request__url=url)
    assert (found.address, found.query) == (address, query)


@pytest.mark.parametrize(
    ("mark", "from_where"), [("_fromCache", "the browser's cache"), ("_wasFulfilled", "a route of")]
)
def test_a_response_that_is_not_the_apis_own_is_named(mark: str, from_where: str) -> None:
    assert f"the response comes from {from_where}" in one(**{mark: True}).missing


BODY = "the body of the response"


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        ({"text": PLAIN.decode(), "size": 99_999}, ""),
        (in_base64(PLAIN), ""),
        (in_base64(PACKED), ""),
        (None, f"{BODY} was not recorded"),
        ({"size": -1}, f"{BODY} was not recorded"),
        (
            {"_file": "a.json"},
            f"the body is in another file: record with the content embedded; {BODY} was not recorded",
        ),
        ({"size": 900, "text": '{"id": "a'}, "9 of 900 bytes of the response were recorded"),
        (in_base64(PACKED[:40]), f"{BODY}: compressed, and cut off"),
        (in_base64(PACKED[:12] + PACKED), f"{BODY}: compressed, and cannot be unpacked: "),
        (
            in_base64(gzip.compress(b" " * (LONGEST + 1))),
            f"{BODY}: compressed, and cut off or longer than {LONGEST:,} bytes",
        ),
        (in_base64(b"\x8b\x01\x80\xff"), f"{BODY}: compressed as br, which cannot be unpacked here"),
    ],
)
def test_a_body_is_what_was_meant_or_named_as_missing(content: Any, missing: str) -> None:
    found = one(response__content=content, response__headers=[{"name": "Content-Encoding", "value": "br"}])
    assert (found.missing[: len(missing)], found.missing == "") == (missing, missing == "")
    assert missing or found.exchange.response.body == PLAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"response__content": {"size": 0}},
        {"response__content": None, "response__status": 204},
        {"response__content": None, "request__method": "HEAD"},
    ],
)
def test_a_response_may_have_no_body(changes: dict[str, Any]) -> None:
    found = one(**changes)
    assert (found.exchange.response.body, found.missing) == (b"", "")


@pytest.mark.parametrize("told", [{"bodySize": 12}, {"headers": [{"name": "Content-Length", "value": "12"}]}])
def test_an_update_whose_body_was_not_recorded_says_so(told: dict[str, Any]) -> None:
    entry = har_entry(asked(put({"name": "a"}))[0])
    entry["request"] = {**entry["request"], "bodySize": -1, **told}
    del entry["request"]["postData"]
    (found,) = read(har([entry]))
    assert isinstance(found, Recorded)
    assert (found.missing, found.request_whole) == ("the body of the request was not recorded", False)


def test_an_entry_as_mitmproxy_writes_it_is_read() -> None:
    entry = har_entry(EXCHANGES[1], startedDateTime="2026-01-01T00:00:00.500000+00:00", time=250, cache={})
    entry["request"] |= {"httpVersion": "HTTP/2.0", "cookies": [], "queryString": [], "headersSize": 90}
    entry["request"]["headers"].insert(0, {"name": ":method", "value": "PUT"})
    entry["response"]["content"] = {"size": 9, "compression": 9, **in_base64(EXCHANGES[1].response.body)}
    entry["response"]["headers"].append({"name": "content-encoding", "value": "gzip"})
    (found,) = read(har([entry]))
    assert isinstance(found, Recorded)
    assert (bodies([found.exchange]), found.missing) == (bodies(EXCHANGES[1:2]), "")
    assert found.exchange.request.headers == EXCHANGES[1].request.headers  # without the pseudo-headers of HTTP/2
    assert (found.began, found.ended) == (1767225600.5, 1767225600.75)


def test_ten_times_the_file_takes_no_more_memory() -> None:
    entry, peaks = har_entry(EXCHANGES[0], filler="x" * 100_000), []
    for count in (20, 200):
        stream = io.BytesIO(har([entry] * count))
        tracemalloc.start()
        assert sum(1 for _ in traffic_har.read(stream, "x")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.25
