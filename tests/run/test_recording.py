"""Facts about recording: what is written, what replaces old recordings, and what leaves all as it was."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.run.taped import CASE, FILE, RENAMED, ask, content, exchanges, playing, record, taped
from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import TargetName, cassettes, recording
from trackly_contract.run.cassettes import Player

STAMPED = "nothing recorded: the answers bear the reference server's stamp; recordings that were there before are as"


class Talkative(ReferenceServer):
    """Tells more than it should: the key in a header and in a body, and a cookie."""

    def answer(self, request: Request) -> Response:
        body = json.dumps({"error": f"the key {REFERENCE_KEY} may not do this", "code": "forbidden"}).encode()
        return Response(403, (("Set-Cookie", "session=abc"), ("X-Key", REFERENCE_KEY), ("Allow", REFERENCE_KEY)), body)


# What is written -----------------------------------------------------------------------------------


@pytest.mark.parametrize("server", [ReferenceServer(), Talkative()], ids=["quiet", "talkative"])
def test_no_cassette_holds_the_key_a_cookie_or_the_id(folder: Path, server: ReferenceServer) -> None:
    record(folder, (CASE, exchanges(b'{"name": "x"}', server=server)))
    written = b"".join(content(folder).values())
    assert [word for word in (REFERENCE_KEY, "session=abc", AUDIENCE_ID) if word.encode() in written] == []


def test_the_stamp_of_the_reference_server_is_kept(folder: Path) -> None:
    taped(folder)
    with playing(folder) as client:
        assert ask(client).header("X-Trackly-Contract-Reference")


def test_what_restores_an_earlier_run_is_not_recorded(folder: Path) -> None:
    taped(folder, case="recover")
    assert set(content(folder)) == {"manifest.json"}


# Replacing -----------------------------------------------------------------------------------------


def test_a_finished_recording_replaces_all_old_ones_and_leaves_nothing_beside(folder: Path) -> None:
    taped(folder, case="old")
    taped(folder, case="new")
    assert set(content(folder)) == {"new.yaml", "manifest.json"}
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("origin", "missing", "stamped", "said"),
    [
        ("reference", "the run was not finished", False, "nothing recorded: the run was not finished; recordings that"),
        ("live", "", True, STAMPED),
        ("live", "the run was not finished", True, STAMPED),
        ("reference", "", True, "recorded 1 cases into"),
        ("live", "", False, "recorded 1 cases into"),
    ],
)
def test_a_run_that_was_not_whole_or_not_of_an_api_records_nothing(
    folder: Path, origin: TargetName, missing: str, stamped: bool, said: str
) -> None:
    notes = record(folder, (CASE, exchanges()), origin=origin, missing=missing, stamped=stamped)
    assert notes[0].startswith(said)
    assert folder.exists() == said.startswith("recorded")


@pytest.mark.parametrize(
    ("bodies", "efforts", "said"),
    [
        ((), ("quick", "standard"), "the recordings of standard of 2026-10-01 agree and stay"),
        ((RENAMED,), ("quick",), "the recordings of standard of 2026-10-01 were answered otherwise and are gone"),
    ],
)
def test_another_effort_stays_beside_the_new_one_while_it_agrees(
    folder: Path, bodies: tuple[bytes, ...], efforts: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cassettes, "today", lambda: date(2026, 10, 1))
    taped(folder, *bodies, effort="standard")
    monkeypatch.setattr(cassettes, "today", lambda: date(2026, 11, 21))
    notes = taped(folder, effort="quick")
    manifest = Player(folder).manifest
    assert (manifest.efforts, manifest.recorded) == (efforts, date(2026, 11, 21))
    assert [str(manifest.day(effort)) for effort in efforts] == ["2026-11-21", "2026-10-01"][: len(efforts)]
    assert notes[-1].startswith(said)


def test_old_recordings_that_cannot_be_read_are_replaced_and_that_is_noted(folder: Path) -> None:
    taped(folder)
    (folder / FILE).write_bytes(b"")
    notes = taped(folder)
    assert Player(folder).manifest.efforts == ("quick",)
    assert f"{folder / FILE}: not as it was recorded" in notes[1]


def test_a_folder_that_cannot_be_replaced_loses_neither_recordings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    taped(folder)
    before, kept = content(folder), tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(recording, "replace_folder", full)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(kept))
    record(
        folder,
        (CASE, exchanges(RENAMED)),
        failed=f"the recordings: no space left on device; what was recorded is in {kept}: ",
    )
    assert content(folder) == before
    assert Player(kept).manifest.efforts == ("quick",)
