"""Facts about cassettes: played without a network, and never silently wrong."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.run.taped import CASE, FILE, MANIFEST, RENAMED, ask, content, exchanges, playing, record, taped
from trackly_contract.core import Request, Response
from trackly_contract.run import CassetteError, cassettes
from trackly_contract.run.cassettes import Player, Run, read_manifest, write_manifest

WIDE = b'{"name": "Zo\\u00eb \\ud83d", "filter": {"operator": "AND", "conditions": [{"value": 1}]}}'


def problem(folder: Path, *bodies: bytes, case: str = CASE) -> str:
    """Return what playing a case says that asks for the audience and then puts these bodies."""
    with pytest.raises(CassetteError) as caught, playing(folder, case) as client:  # noqa: PT012  # which one is no matter
        ask(client)
        for body in bodies:
            ask(client, body)
    return str(caught.value)


# Playing -------------------------------------------------------------------------------------------


def test_a_recording_is_played_as_it_was_again_and_again_and_stays_as_it_is(folder: Path) -> None:
    def stripped(response: Response) -> tuple[int, dict[str, Any]]:
        """Return a response without what is anonymized."""
        found = json.loads(response.body).items()
        return response.status, {k: v for k, v in found if k not in ("id", "cached_size") and "_at" not in k}

    recorded = exchanges(RENAMED, WIDE)
    record(folder, (CASE, recorded))
    before = content(folder)
    for _ in range(2):
        with playing(folder) as client:
            played = [ask(client), ask(client, RENAMED), ask(client, WIDE)]
        assert [stripped(response) for response in played] == [stripped(exchange.response) for exchange in recorded]
    assert content(folder) == before


def test_the_same_requests_are_answered_in_the_order_of_the_recording(folder: Path) -> None:
    bodies = (b'{"name": "One"}', b"", b'{"name": "Two"}', b"")
    taped(folder, *bodies)
    with playing(folder) as client:
        names = [json.loads(ask(client, body).body)["name"] for body in (b"", *bodies)]
    assert names[1:] == ["One", "One", "Two", "Two"]


def test_a_case_that_sends_nothing_is_played(folder: Path) -> None:
    record(folder, ("nothing", []))
    with playing(folder, "nothing"):
        pass


def test_recordings_that_no_case_asks_for_are_known(folder: Path) -> None:
    taped(folder)
    player = Player(folder)
    assert player.unused("quick") == f"no case asked for {folder / FILE}, so record again (make cassettes)"
    with playing(folder, player=player) as client:
        ask(client)
    assert (player.unused("quick"), player.unused("standard")) == ("", "")


# What does not fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "recorded", "said"),
    [
        (b"", b"", ""),
        (b"[", b"[", ""),
        (b"\xff", b"\xff", ""),
        (b'{"a": "\\ud83d"}', b'{"a": "\\ud83d"}', ""),
        (b'{ "b":1,"a":2}', b'{"a": 2, "b": 1}', ""),
        (b'{"a": [{"b": 14}]}', b'{"a": [{"b": 30}]}', "body: /a/0/b: sent 14, recorded 30"),
        (b'{"a": true}', b'{"a": 1}', "body: /a: sent true, recorded 1"),
        (b'{"a": 1.0}', b'{"a": 1}', "body: /a: sent 1.0, recorded 1"),
        (b"{}", b'{"a": null}', "body: /a: sent (absent), recorded null"),
        (b'{"a": [2, 1]}', b'{"a": [1, 2]}', "body: /a/0: sent 2, recorded 1; /a/1: sent 1, recorded 2"),
        (b'{"a": 1}', b'{"a": 1, "a": 1}', "body: differs as bytes (8 sent, 16 recorded)"),
        (b"", b"null", "body: differs as bytes (0 sent, 4 recorded)"),
        (b"[[", b"[", "body: differs as bytes (2 sent, 1 recorded)"),
    ],
)
def test_bodies_are_compared_as_typed_json(sent: bytes, recorded: bytes, said: str) -> None:
    assert cassettes._difference(Request("PUT", "/x", body=sent), Request("PUT", "/x", body=recorded)) == said


@pytest.mark.parametrize("other", [Request("GET", "/y"), Request("PUT", "/x")])
def test_another_path_or_method_is_another_request(other: Request) -> None:
    assert cassettes._difference(Request("GET", "/x"), other) == f"recorded: {other.method} {other.path}"


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ((b'{"name": "y"}',), '  body: /name: sent "y", recorded "Renamed"\n'),
        ((RENAMED, RENAMED), ".yaml: no recording of PUT /v2/audiences/aaaaaaaaaaaaaaaaaaaaaaaa is left\n"),
        ((), "recorded but never asked for: PUT /v2/audiences/"),
    ],
    ids=["another body", "once more", "less"],
)
def test_what_does_not_fit_is_reported_with_its_file_and_the_next_step(
    folder: Path, bodies: tuple[bytes, ...], said: str
) -> None:
    taped(folder, RENAMED)
    text = problem(folder, *bodies)
    assert text.startswith(f"{folder / FILE}: ")
    assert said in text
    assert "record again (make cassettes)" in text


def test_an_error_of_the_case_itself_is_not_covered_by_what_is_left_over(folder: Path) -> None:
    taped(folder, RENAMED)
    with pytest.raises(KeyError), playing(folder):
        raise KeyError


def test_a_case_that_was_not_recorded_is_reported(folder: Path) -> None:
    taped(folder)
    text = problem(folder, case="filter.time.unit/months")
    assert "filter.time.unit--months.yaml: no recording of filter.time.unit/months" in text


FOREIGN = {
    "empty": b"",
    "broken": b"interactions: [",
    "a list": b"- 1\n- 2\n",
    "other keys": b"services:\n  web:\n    image: nginx\n",
    "no responses": b"interactions:\n- request: {}\nversion: 1\n",
    "not utf-8": b"\xff\xfe\x00",
    "numbers": b"interactions: 7\nversion: 1\n",
    "code": b"interactions: !!python/object/apply:os.mkdir ['MADE']\nversion: 1\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_cassette_is_reported_even_if_the_manifest_vouches_for_it_and_is_not_run(
    folder: Path, tmp_path: Path, content: bytes
) -> None:
    taped(folder)
    made = tmp_path / "made"
    (folder / FILE).write_bytes(content.replace(b"MADE", str(made).encode()))
    write_manifest(folder, MANIFEST)
    text = problem(folder)
    assert text.startswith(f"{folder / FILE}: not a cassette that can be played")
    assert "record again" in text
    assert not made.exists()


# The manifest --------------------------------------------------------------------------------------

DAY = date(2026, 11, 21)
LIVE = replace(MANIFEST, target="live")


def made(folder: Path, *names: str) -> Path:
    """Return a folder with these cassettes and their manifest."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.yaml").write_text(name)
    write_manifest(folder, LIVE)
    return folder


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return made(tmp_path / "live", "one", "two")


def damage(folder: Path) -> str:
    with pytest.raises(CassetteError) as caught:
        Player(folder)
    return str(caught.value)


def test_a_manifest_is_read_as_it_was_written(live: Path) -> None:
    written = read_manifest(live)
    write_manifest(live, written)
    assert read_manifest(live) == written
    assert replace(written, runs={}, files={}) == LIVE
    assert written.runs == {"quick": Run(DAY, 2)}
    assert Player(live).manifest == written


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("one", None, "missing"),
        ("one", b"", "not as it was recorded"),
        ("one", b"one\r\n", "not as it was recorded"),
        ("three", b"3", "not of this recording"),
    ],
)
def test_a_damaged_folder_is_not_played_and_its_file_is_named_with_the_next_step(
    live: Path, name: str, content: bytes | None, said: str
) -> None:
    path = live / f"{name}.yaml"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert f"{path}: {said}" in damage(live)
    assert f"git restore {live}), or record again (make record)" in damage(live)


def test_of_many_damaged_cassettes_three_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    folder = made(tmp_path / "live", *"abcde")
    for path in folder.glob("*.yaml"):
        path.unlink()
    text = damage(folder)
    assert (text.count("missing"), "and 2 more files" in text) == (3, True)


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"7", b"{}", b'{"target": "live"}', b"\xff", b'{"efforts": 7}', b"<<<<<<< HEAD"]
)
def test_a_manifest_that_is_none_is_an_error_with_its_file(live: Path, content: bytes | None) -> None:
    (live / "manifest.json").unlink()
    if content is not None:
        (live / "manifest.json").write_bytes(content)
    with pytest.raises(CassetteError, match=r"live/manifest\.json: no manifest that can be read.*record again"):
        Player(live)


@pytest.mark.parametrize(
    "edit",
    [
        {"target": "somewhere"},
        {"recorded": "2026-02-30"},
        {"recorded": None},
        {"runs": {"quick": {"recorded": "2026-11-21", "cases": 7}}},
        {"runs": {"quick": {"cases": 2}}},
        {"runs": {"quick": {"recorded": "today", "cases": 2}}},
        {"files": {"one.yaml": {"efforts": ["quick"]}}},
        {"comment": "edited"},
    ],
    ids=str,
)
def test_a_manifest_that_contradicts_itself_is_an_error(live: Path, edit: dict[str, Any]) -> None:
    entry = json.loads((live / "manifest.json").read_bytes())
    (live / "manifest.json").write_text(json.dumps({**entry, **edit}))
    assert "manifest.json: " in damage(live)
