"""Facts about HAR files: how one is cut into entries, what an entry holds, what is left out of it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recordings import CONVERSATION, asked, bodies, get, har, har_entry, put, read, recorded
from trackly_contract.judge.recorded import har as traffic_har
from trackly_contract.judge.recorded.record import LONGEST, Elsewhere, Recorded, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

EXCHANGES = asked(*CONVERSATION)
ENTRIES = [har_entry(exchange) for exchange in EXCHANGES]
MARK = '"started": '

values = st.recursive(
    st.none() | st.integers() | st.text('ab"\\{}[],: \n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\{[ab', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def one(**changes: Any) -> Any:
    """What becomes of one entry with some of its parts replaced."""
    entry = json.loads(json.dumps(ENTRIES[0]))
    for name, value in changes.items():
        part, _, member = name.partition("__")
        entry[part] = {**entry[part], member: value} if member else value
    return read(har([entry]))[0]


def test_every_exchange_of_a_har_is_read() -> None:
    assert bodies(recorded(read(har(ENTRIES)))) == bodies(EXCHANGES)


@given(entries=st.lists(values, max_size=4), chunk=st.integers(1, 9))
def test_entries_are_those_that_json_has_wherever_the_chunks_end(entries: list[Any], chunk: int) -> None:
    text = json.dumps({"log": {"pages": [{"entries": [{}]}], "entries": entries, "comment": "]}"}}).encode()
    objects = [entry for entry in entries if isinstance(entry, dict | list)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic_har, "CHUNK", chunk)
        found = list(traffic_har._entries(io.BytesIO(text)))
    assert [json.loads(entry) for _, entry in found] == objects
    assert [number for number, _ in found] == list(range(1, len(objects) + 1))


@pytest.mark.parametrize("where", ["entries", "log.pages.entries", "log.x"])
def test_a_list_elsewhere_is_not_the_list_of_entries(where: str) -> None:
    content: Any = [ENTRIES[0]]
    for name in reversed(where.split(".")):
        content = {name: content}
    found = list(traffic_har.read(io.BytesIO(json.dumps(content).encode()), "x"))
    assert found == [Unreadable("x entry 1", "the file has no log.entries")]


def test_what_stands_before_a_cut_is_read_and_the_cut_is_named() -> None:
    text = har(ENTRIES)
    found = read(text[: text.index(b'"request"', text.index(b'"request"', text.index(b'"request"') + 1) + 1) + 40])
    assert [type(item) for item in found] == [Recorded, Recorded, Unreadable]
    assert found[-1] == Unreadable("x entry 3", "the file is cut off here")


def test_a_cut_between_two_entries_is_named() -> None:
    text = har(ENTRIES[:1])
    assert read(text[:-3])[-1] == Unreadable("x entry 2", "the file is cut off here")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"bodySize": 0', b'"bodySize": NaN', "NaN is not a JSON value"),
        (b'"GET"', b'"G\xff"', "is not UTF-8"),
        (b'"bodySize": 0', b'"bodySize": 0, "bodySize": 0', "the key 'bodySize' appears twice in one object"),
        (b'"bodySize": 0', b'"bodySize": ' + b"[" * 400 + b"]" * 400, "nest deeper than 300"),
        (b'"request": {', b'"zz": {', "no request: method and url are missing"),
        (b'"GET"', b"7", "no request: method and url are missing"),
        (b"https://api.invalid", b"https://[api.invalid", "the url cannot be read"),
        (b'"headers": [{"name"', b'"headers": [{"nam"', "a name or value of a header is no text"),
    ],
)
def test_a_broken_entry_is_named_and_takes_no_other_with_it(old: bytes, new: bytes, reason: str) -> None:
    text = har([*ENTRIES[:2], ENTRIES[1]])
    found = read(text.replace(old, new, 1))
    assert isinstance(found[0], Unreadable)
    assert reason in found[0].reason
    assert [type(item) for item in found[1:]] == [Recorded, Recorded]


def test_brackets_that_do_not_pair_end_the_reading() -> None:
    text = har(ENTRIES[:2]).replace(b"]}}", b"}}}")
    assert [type(item) for item in read(text)] == [Recorded, Recorded, Unreadable]


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.invalid/x",
        "https://api.invalid/api/v2/audiences",
        "https://api.invalid/v2/audiences/a/b",
        "https://api.invalid/v2/contacts/1",
    ],
)
def test_a_request_to_another_address_is_passed_over(address: str) -> None:
    assert isinstance(one(request__url=address), Elsewhere)


@pytest.mark.parametrize(
    ("address", "before"),
    [
        ("https://u:p@api.invalid/v2/audiences/a", "https://api.invalid"),
        ("http://127.0.0.1:8377/api/v2/audiences/a?x=1", "http://127.0.0.1:8377/api"),
        ("https://[::1]:1/x/y/v2/audiences/a/size", "https://[::1]:1/x/y"),
    ],
)
def test_whatever_stands_before_the_path_is_the_address_without_a_password(address: str, before: str) -> None:
    found = one(request__url=address)
    assert (found.address, found.exchange.request.path[:15]) == (before, "/v2/audiences/a")


def test_a_query_stands_apart() -> None:
    assert one(request__url="https://x.invalid/v2/audiences/a?fields=id").query == "fields=id"


@pytest.mark.parametrize("status", [0, -1, None, "200", True])
def test_a_request_without_an_answer_cannot_be_read_and_says_why(status: Any) -> None:
    found = one(response__status=status, response___error="net::ERR_ABORTED")
    assert found == Unreadable("x entry 1", "no answer was recorded: net::ERR_ABORTED")


def test_an_aborted_request_to_somebody_else_is_passed_over() -> None:
    assert isinstance(one(request__url="https://x.invalid/", response__status=0), Elsewhere)


def test_pseudo_headers_of_http_2_are_left_out() -> None:
    sent = [{"name": ":method", "value": "GET"}, {"name": "x-api-key", "value": "k"}]
    assert one(request__headers=sent).exchange.request.headers == (("x-api-key", "k"),)


PLAIN = EXCHANGES[0].response.body
PACKED = gzip.compress(PLAIN)


@pytest.mark.parametrize(
    "content",
    [
        {"text": base64.b64encode(PLAIN).decode(), "encoding": "base64"},
        {"text": base64.b64encode(PACKED).decode(), "encoding": "base64"},
        {"text": PLAIN.decode(), "size": len(PLAIN)},
        {"text": PLAIN.decode(), "size": 99_999},
    ],
)
def test_a_body_is_what_was_meant_in_base64_and_packed_too(content: dict[str, Any]) -> None:
    found = one(response__content=content)
    assert (found.exchange.response.body, found.missing) == (PLAIN, "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"size": 300, "mimeType": "application/json"}, "the body of the answer was not recorded"),
        ({"size": -1}, "the body of the answer was not recorded"),
        (None, "the body of the answer was not recorded"),
        ({"_file": "a.json"}, "it stands in a file of its own"),
        ({"size": 900, "text": '{"id": "a'}, "9 of 900 bytes of the answer were recorded"),
        ({"text": base64.b64encode(PACKED[:40]).decode(), "encoding": "base64"}, ""),
    ],
)
def test_a_body_that_was_not_recorded_is_named_and_not_taken_for_empty(content: Any, reason: str) -> None:
    found = one(response__content=content)
    assert reason in found.missing
    assert found.missing or not json.loads(found.exchange.response.body or b"null")


def test_an_entry_as_mitmproxy_writes_it_is_read() -> None:
    update = asked(put({"name": "Zoë"}))[0]
    entry = har_entry(update, startedDateTime="2026-01-01T00:00:00.500000+00:00", time=12.7, cache={}, timings={})
    entry["request"] |= {"httpVersion": "HTTP/2.0", "cookies": [], "queryString": [], "headersSize": 90}
    entry["request"]["postData"]["params"] = []
    packed = gzip.compress(update.response.body)
    entry["response"]["content"] = {
        "size": len(packed),
        "compression": len(update.response.body) - len(packed),
        "mimeType": "application/json",
        "text": base64.b64encode(update.response.body).decode(),
        "encoding": "base64",
    }
    entry["response"]["headers"].append({"name": "content-encoding", "value": "gzip"})
    found = read(har([entry]))
    assert bodies(recorded(found)) == bodies([update])
    assert [item.missing for item in found if isinstance(item, Recorded)] == [""]


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * (LONGEST + 1))).decode()
    found = one(response__content={"text": bomb, "encoding": "base64"})
    assert found.missing == f"the body of the answer: compressed, and longer than {LONGEST:,} bytes"


def test_a_body_in_another_compression_is_named() -> None:
    text = base64.b64encode(b"\x8b\x01\x80\xff\xfe").decode()
    found = one(
        response__headers=[{"name": "Content-Encoding", "value": "br"}],
        response__content={"text": text, "encoding": "base64"},
    )
    assert found.missing == "the body of the answer: compressed as br, which cannot be unpacked here"


def test_no_base64_is_told() -> None:
    found = one(response__content={"text": "%%", "encoding": "base64"})
    assert found == Unreadable("x entry 1", "a body is said to be base64 and is not")


def test_an_update_whose_body_was_not_recorded_says_so() -> None:
    entry = har_entry(asked(put({"name": "a"}))[0])
    del entry["request"]["postData"]
    found = read(har([entry]))[0]
    assert isinstance(found, Recorded)
    assert (found.missing, found.request_whole) == ("the body of the request was not recorded", False)


def test_times_are_seconds_since_1970() -> None:
    found = one(startedDateTime="2026-01-01T00:00:00.500Z", time=250)
    assert (found.began, found.ended) == (1767225600.5, 1767225600.75)


def test_an_answer_of_the_browsers_cache_is_not_the_apis() -> None:
    assert "the browser's cache" in one(_fromCache="disk").missing
    assert "a route of Playwright" in one(_wasFulfilled=True).missing


GROWTH = """
import resource, sys
from pathlib import Path
from trackly_contract.judge.recorded import files as traffic_files
with traffic_files.open_traffic(sys.argv[1]) as stream:
    found = sum(1 for _ in traffic_files.read_traffic(stream, "x"))
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_ten_times_the_file_takes_no_more_memory(tmp_path: Path) -> None:
    entry = json.dumps(har_entry(asked(get())[0], filler="x" * 100_000))
    peaks = []
    for megabytes in (6, 60):
        path = tmp_path / f"{megabytes}.har"
        with path.open("w") as file:
            file.write('{"log": {"entries": [')
            file.writelines(f"{',' if number else ''}{entry}" for number in range(megabytes * 10))
            file.write("]}}")
        run = [sys.executable, "-c", GROWTH, str(path)]
        done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=True)
        count, peak = map(int, done.stdout.split())
        assert count == megabytes * 10
        peaks.append(peak)
    assert peaks[1] < peaks[0] * 1.25
