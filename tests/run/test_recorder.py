"""Facts about recording: what replaces old recordings, what stays beside them, and what leaves all as it was."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.run.taped import (
    CASE,
    FILE,
    LEDGER,
    NOWHERE,
    PATH,
    PLAYING,
    ask,
    asking,
    content,
    playing,
    taped,
)
from trackly_contract.core import Request, Response
from trackly_contract.gate.http import running
from trackly_contract.reference import ReferenceServer
from trackly_contract.run import CassetteError, blocked, recorder
from trackly_contract.run.cassettes import Player
from trackly_contract.run.client import LARGEST_ANSWER, NoAnswerError
from trackly_contract.run.recorder import Recorder, merge

if TYPE_CHECKING:
    from pathlib import Path


# Replacing -----------------------------------------------------------------------------------------


def test_a_case_recorded_twice_in_one_run_is_told(folder: Path) -> None:
    tape = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client:
        with tape.recording(CASE, client):
            ask(client)
        with pytest.raises(CassetteError, match="recorded twice in one run"), tape.recording(CASE, client):
            ask(client)
    tape.abandon()


def test_a_case_that_sends_nothing_is_told_as_well_when_recorded_twice(folder: Path) -> None:
    tape = Recorder(folder)
    with tape.recording(CASE):
        pass
    with pytest.raises(CassetteError, match="twice"), tape.recording(CASE):
        pass
    tape.abandon()


def test_an_unfinished_recording_leaves_the_old_ones(folder: Path) -> None:
    taped(folder)
    before = content(folder)
    tape = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client, tape.recording("another", client):
        ask(client)
    assert content(folder) == before
    tape.abandon()
    assert content(folder) == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_finished_recording_replaces_all_old_ones(folder: Path) -> None:
    taped(folder, case="old")
    taped(folder, case="new")
    assert set(content(folder)) == {"new.yaml", "manifest.json"}


def test_nothing_is_left_beside_a_finished_recording(folder: Path) -> None:
    taped(folder)
    taped(folder)
    assert list(folder.parent.iterdir()) == [folder]


def test_merging_two_runs_keeps_the_cases_of_both(folder: Path, tmp_path: Path) -> None:
    taped(folder, case="one")
    taped(tmp_path / "two", case="two")
    merge(folder, tmp_path / "all")
    merge(tmp_path / "two", tmp_path / "all")
    assert set(content(tmp_path / "all")) == {"one.yaml", "two.yaml", "manifest.json"}


def test_merging_a_case_that_was_recorded_differently_is_told(folder: Path, tmp_path: Path) -> None:
    taped(folder)
    taped(tmp_path / "two", b'{"name": "x"}')
    merge(folder, tmp_path / "all")
    with pytest.raises(CassetteError, match="recorded differently"):
        merge(tmp_path / "two", tmp_path / "all")


def test_merged_runs_are_played_under_one_ledger(folder: Path, tmp_path: Path) -> None:
    taped(folder, case="one")
    taped(tmp_path / "two", case="two", effort="standard")
    merge(folder, tmp_path / "all")
    merge(tmp_path / "two", tmp_path / "all")
    manifest = Player(tmp_path / "all").manifest
    assert (manifest.efforts, manifest.of("quick"), manifest.of("standard")) == (
        ("quick", "standard"),
        {"one.yaml"},
        {"two.yaml"},
    )


def test_another_effort_that_agrees_stays_beside_the_new_one(folder: Path) -> None:
    taped(folder, effort="standard")
    told = taped(folder, effort="quick")[1]
    assert Player(folder).manifest.efforts == ("quick", "standard")
    assert any("standard of 2026-11-21 agree and stay" in line for line in told)


def test_another_effort_that_was_answered_otherwise_goes_and_is_told(folder: Path) -> None:
    taped(folder, b'{"name": "x"}', effort="standard")
    told = taped(folder, effort="quick")[1]
    assert Player(folder).manifest.efforts == ("quick",)
    assert any("standard of 2026-11-21 were answered otherwise and are gone" in line for line in told)


def test_what_changed_beside_the_old_recordings_is_told_in_a_line(folder: Path) -> None:
    taped(folder)
    told = taped(folder, b'{"name": "x"}')[1]
    assert told[1] == f"beside the recordings of 2026-11-21: 0 the same, 1 changed ({CASE})"


def test_old_recordings_that_cannot_be_read_are_replaced_and_told(folder: Path) -> None:
    taped(folder)
    (folder / FILE).write_bytes(b"")
    told = taped(folder)[1]
    assert Player(folder).manifest.efforts == ("quick",)
    assert f"{folder / FILE}: empty" in told[1]


def test_a_folder_that_cannot_be_replaced_loses_neither_recordings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taped(folder)
    before = content(folder)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(recorder, "replace_folder", full)
    with pytest.raises(CassetteError, match=r"no space left.*nothing is lost") as caught:
        taped(folder, b'{"name": "x"}')
    kept = next(path for path in folder.parent.iterdir() if path.name.startswith(".recording-"))
    assert content(folder) == before
    assert str(kept) in str(caught.value)
    assert Player(kept).manifest.efforts == ("quick",)


def test_nothing_that_was_not_finished_is_on_disk_in_the_open(folder: Path) -> None:
    tape = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client, tape.recording(CASE, client):
        ask(client)
    written = [path for path in folder.parent.rglob("*") if path.is_file()]
    tape.abandon()
    assert written == []


def test_where_nothing_can_be_written_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "cassettes").write_bytes(b"")
    with pytest.raises(CassetteError, match="nothing can be recorded here"):
        Recorder(tmp_path / "cassettes" / "live")


# What was not answered -----------------------------------------------------------------------------


def unanswered(folder: Path, *turns: str) -> list[str]:
    """Return the cases that cannot be played, after requests of which some (`-`) go nowhere."""
    tape = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client, asking(NOWHERE) as nobody:
        with tape.recording(CASE, client, nobody):
            for turn in turns:
                with suppress(NoAnswerError):
                    ask(nobody if turn.startswith("-") else client, b'{"name": "x"}' if "put" in turn else b"")
        tape.abandon()
    return tape.unanswered


def test_a_request_that_got_no_answer_makes_its_case_unplayable(folder: Path) -> None:
    assert unanswered(folder, "get", "-put", "-put", "-put", "get") == [CASE]


def test_so_does_one_at_the_end(folder: Path) -> None:
    assert unanswered(folder, "get", "-put") == [CASE]


def test_a_request_that_was_answered_when_sent_again_can_be_played(folder: Path) -> None:
    assert unanswered(folder, "-get", "-get", "get", "-put", "put") == []


def test_an_answer_that_is_too_long_to_be_read_is_not_recorded_either(folder: Path) -> None:
    class Long(ReferenceServer):
        def answer(self, request: Request) -> Response:
            return Response(200, (("Content-Type", "application/json"),), b" " * (LARGEST_ANSWER + 1))

    tape = Recorder(folder)
    with running(Long()) as base, asking(base) as client, tape.recording(CASE, client), suppress(NoAnswerError):
        ask(client)
    tape.abandon()
    assert tape.unanswered == [CASE]


def test_a_recording_that_cannot_be_played_is_not_finished(folder: Path) -> None:
    taped(folder)
    before = content(folder)
    tape = Recorder(folder)
    with asking(NOWHERE) as nobody, tape.recording(CASE, nobody), suppress(NoAnswerError):
        ask(nobody)
    with pytest.raises(CassetteError, match="got no answer"):
        tape.finish(LEDGER)
    tape.abandon()
    assert content(folder) == before


# Steps of a run ------------------------------------------------------------------------------------


def test_a_restore_may_come_twice_and_is_played_twice(folder: Path) -> None:
    tape = Recorder(folder)
    with running(ReferenceServer()) as base, asking(base) as client:
        for name in (b'{"name": "One"}', b'{"name": "Two"}'):
            with tape.recording("restore-quick", client):
                ask(client, name)
    tape.finish(LEDGER)
    tape.abandon()
    player = Player(folder)
    with blocked(), asking(PLAYING) as client:
        for name in (b'{"name": "One"}', b'{"name": "Two"}'):
            with player.playing("restore-quick"):
                assert ask(client, name).status == 200
    assert player.unused("quick") == []


def test_what_puts_back_an_earlier_run_is_not_recorded(folder: Path) -> None:
    taped(folder, case="recover")
    assert set(content(folder)) == {"manifest.json"}


def test_recordings_that_no_case_asks_for_are_known(folder: Path) -> None:
    taped(folder)
    player = Player(folder)
    assert player.unused("quick") == [FILE]
    assert player.unused("standard") == []
    with blocked(), asking(PLAYING) as client, player.playing(CASE):
        ask(client)
    assert player.unused("quick") == []


def test_a_base_url_with_another_path_is_recorded_as_any(folder: Path) -> None:
    class Proxied(ReferenceServer):
        def answer(self, request: Request) -> Response:
            return super().answer(Request(request.method, PATH, request.headers, request.body))

    tape = Recorder(folder)
    with running(Proxied()) as base, asking(f"{base}/proxy/v2") as client, tape.recording(CASE, client):
        ask(client)
    tape.finish(LEDGER)
    tape.abandon()
    with playing(folder) as client:
        assert ask(client).status == 200
