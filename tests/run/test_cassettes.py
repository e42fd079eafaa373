"""Facts about cassettes: recorded over real HTTP on loopback, played without a network, and never silently wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from vcr.request import Request as Recorded

from tests.run.taped import (
    CASE,
    FILE,
    LEDGER,
    PATH,
    WIDE,
    ask,
    asking,
    playing,
    taped,
)
from trackly_contract.core import Request, Response
from trackly_contract.gate.http import running
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer
from trackly_contract.run import CassetteError
from trackly_contract.run.cassettes import match_json_body, match_path
from trackly_contract.run.manifest import write_manifest
from trackly_contract.run.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path


# Record and play -----------------------------------------------------------------------------------


def test_what_was_recorded_is_played_without_a_network(folder: Path) -> None:
    recorded, _ = taped(folder, b'{"name": "Renamed"}', WIDE)
    with playing(folder) as client:
        played = [ask(client), ask(client, b'{"name": "Renamed"}'), ask(client, WIDE)]
    assert [(r.status, stripped(r)) for r in played] == [(r.status, stripped(r)) for r in recorded]


def stripped(response: Response) -> dict[str, Any]:
    """Return an answer without what has a stand-in."""
    found: dict[str, Any] = json.loads(response.body)
    return {name: value for name, value in found.items() if name not in ("id", "cached_size") and "_at" not in name}


def test_a_recording_is_played_again_and_again(folder: Path) -> None:
    taped(folder)
    for _ in range(2):
        with playing(folder) as client:
            assert ask(client).status == 200


def test_playing_changes_nothing_on_disk(folder: Path) -> None:
    taped(folder)
    before = (folder / FILE).read_bytes()
    with playing(folder) as client:
        ask(client)
    assert (folder / FILE).read_bytes() == before


def test_the_same_requests_are_answered_in_the_order_of_the_recording(folder: Path) -> None:
    recorder = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client, recorder.recording(CASE, client):
        for name in (b'{"name": "One"}', b'{"name": "Two"}'):
            ask(client, name)
            ask(client)
    recorder.finish(LEDGER)
    recorder.abandon()
    with playing(folder) as client:
        names = [
            json.loads(ask(client, body).body)["name"] for body in (b'{"name": "One"}', b"", b'{"name": "Two"}', b"")
        ]
    assert names == ["One", "One", "Two", "Two"]


def test_blanks_and_the_order_of_keys_make_no_other_body(folder: Path) -> None:
    taped(folder, b'{"name": "x", "description": "y"}')
    with playing(folder) as client:
        ask(client)
        assert ask(client, b'{ "description":"y","name":"x" }').status == 200


def test_the_stamp_of_the_reference_server_is_kept(folder: Path) -> None:
    taped(folder)
    with playing(folder) as client:
        assert ask(client).header("X-Trackly-Contract-Reference")


def test_a_case_that_sends_nothing_is_played(folder: Path) -> None:
    recorder = Recorder(folder)
    with recorder.recording("nothing"):
        pass
    recorder.finish(LEDGER)
    recorder.abandon()
    with playing(folder, "nothing"):
        pass


class Talkative(ReferenceServer):
    """Tells more than it should: the key in a header and in a body, and a cookie."""

    def answer(self, request: Request) -> Response:
        body = json.dumps({"error": f"the key {REFERENCE_KEY} may not do this", "code": "forbidden"}).encode()
        return Response(403, (("Set-Cookie", "session=abc"), ("X-Key", REFERENCE_KEY)), body)


@pytest.mark.parametrize("server", [ReferenceServer(), Talkative()], ids=["quiet", "talkative"])
def test_the_key_is_in_no_cassette(folder: Path, server: ReferenceServer) -> None:
    taped(folder, b'{"name": "x"}', server=server)
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    assert REFERENCE_KEY.encode() not in written


def test_cookies_and_hosts_are_in_no_cassette(folder: Path) -> None:
    taped(folder, server=Talkative())
    written = (folder / FILE).read_text("utf-8")
    assert "session=abc" not in written
    assert "127.0.0.1" not in written


# What does not fit ---------------------------------------------------------------------------------


def unfit(folder: Path, *bodies: bytes, case: str = CASE) -> str:
    def play() -> None:
        with playing(folder, case) as client:
            ask(client)
            for body in bodies:
                ask(client, body)

    with pytest.raises(CassetteError) as caught:
        play()
    return str(caught.value)


def test_another_body_is_told_with_file_place_and_both_values(folder: Path) -> None:
    taped(folder, b'{"filter": {"conditions": [{"value": 30}]}}')
    text = unfit(folder, b'{"filter": {"conditions": [{"value": 14}]}}')
    assert str(folder / FILE) in text
    assert "/filter/conditions/0/value: sent 14, recorded 30" in text
    assert "record again" in text


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        (b'{"a": 1}', b'{"a": true}'),
        (b'{"a": true}', b'{"a": 1}'),
        (b'{"a": 1}', b'{"a": 1.0}'),
        (b'{"a": null}', b"{}"),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}'),
        (b'{"a": 1, "a": 1}', b'{"a": 1}'),
        (b"null", b""),
        (b"", b"null"),
        (b"[", b"[["),
    ],
)
def test_bodies_of_other_types_differ(recorded: bytes, sent: bytes) -> None:
    with pytest.raises(AssertionError):
        match_json_body(Recorded("PUT", PATH, sent, {}), Recorded("PUT", PATH, recorded, {}))


@pytest.mark.parametrize("body", [b"", b"null", b'{"a": 1, "a": 2}', b"[", b"\xff", b'{"a": "\\ud83d"}'])
def test_a_body_is_the_same_as_itself(body: bytes) -> None:
    match_json_body(Recorded("PUT", PATH, body, {}), Recorded("PUT", PATH, body, {}))


def test_paths_differ_whatever_the_host() -> None:
    match_path(Recorded("GET", "https://a.example/x", b"", {}), Recorded("GET", "https://b.example/x", b"", {}))
    with pytest.raises(AssertionError, match="sent to /x, recorded at /y"):
        match_path(Recorded("GET", "https://a.example/x", b"", {}), Recorded("GET", "https://a.example/y", b"", {}))


def test_true_is_not_one_in_a_played_body(folder: Path) -> None:
    taped(folder, b'{"name": 1}')
    assert "/name: sent true, recorded 1" in unfit(folder, b'{"name": true}')


def test_a_request_that_was_played_already_is_told(folder: Path) -> None:
    taped(folder, b'{"name": "x"}')
    assert "has been played already" in unfit(folder, b'{"name": "x"}', b'{"name": "x"}')


def test_a_recording_that_is_left_over_is_told(folder: Path) -> None:
    taped(folder, b'{"name": "x"}')
    text = unfit(folder)
    assert str(folder / FILE) in text
    assert "recorded but never asked for: PUT" in text


def test_an_error_of_the_case_itself_is_not_covered_by_what_is_left_over(folder: Path) -> None:
    taped(folder, b'{"name": "x"}')
    with pytest.raises(KeyError), playing(folder):
        raise KeyError


def test_a_case_that_was_not_recorded_is_told(folder: Path) -> None:
    taped(folder)
    text = unfit(folder, case="filter.time.unit/months")
    assert "filter.time.unit--months.yaml: no recording of filter.time.unit/months" in text


FOREIGN = {
    "empty": b"",
    "blank": b"\n \n",
    "broken": b"interactions: [",
    "a list": b"- 1\n- 2\n",
    "a text": b"just words\n",
    "other keys": b"services:\n  web:\n    image: nginx\n",
    "no answers": b"interactions:\n- request: {}\nversion: 1\n",
    "not utf-8": b"\xff\xfe\x00",
    "a null": b"null\n",
    "numbers": b"interactions: 7\nversion: 1\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_cassette_is_told_with_its_file(folder: Path, content: bytes) -> None:
    taped(folder)
    (folder / FILE).write_bytes(content)
    assert str(folder / FILE) in unfit(folder)


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_cassette_is_told_even_if_the_ledger_vouches_for_it(folder: Path, content: bytes) -> None:
    taped(folder)
    (folder / FILE).write_bytes(content)
    write_manifest(folder, LEDGER)
    text = unfit(folder)
    assert str(folder / FILE) in text
    assert "record again" in text


def test_a_cassette_runs_no_code(folder: Path, tmp_path: Path) -> None:
    taped(folder)
    made = tmp_path / "made"
    code = f"interactions: !!python/object/apply:os.mkdir ['{made}']\nversion: 1\n"
    (folder / FILE).write_text(code, "utf-8")
    write_manifest(folder, LEDGER)
    assert str(folder / FILE) in unfit(folder)
    assert not made.exists()
