"""Facts about recording: what is written, what replaces old recordings, and what leaves all as it was."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from tests.run.taped import CASE, FILE, RENAMED, ask, content, playing, taped, taping
from trackly_contract.core import Request, Response
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer
from trackly_contract.run import CassetteError, recording
from trackly_contract.run.cassettes import Player
from trackly_contract.run.client import LARGEST_ANSWER, NoAnswerError

STAMPED = "nothing recorded: the answers bear the reference server's stamp; recordings that were there before are as"


class Talkative(ReferenceServer):
    """Tells more than it should: the key in a header and in a body, and a cookie."""

    def answer(self, request: Request) -> Response:
        body = json.dumps({"error": f"the key {REFERENCE_KEY} may not do this", "code": "forbidden"}).encode()
        return Response(403, (("Set-Cookie", "session=abc"), ("X-Key", REFERENCE_KEY), ("Allow", REFERENCE_KEY)), body)


# What is written -----------------------------------------------------------------------------------


@pytest.mark.parametrize("server", [ReferenceServer(), Talkative()], ids=["quiet", "talkative"])
def test_no_cassette_holds_the_key_a_cookie_or_the_host(folder: Path, server: ReferenceServer) -> None:
    taped(folder, b'{"name": "x"}', server=server)
    written = b"".join(content(folder).values())
    assert [word for word in (REFERENCE_KEY, "session=abc", "reference.invalid") if word.encode() in written] == []


def test_the_stamp_of_the_reference_server_is_kept(folder: Path) -> None:
    taped(folder)
    with playing(folder) as client:
        assert ask(client).header("X-Trackly-Contract-Reference")


def test_nothing_is_on_disk_before_the_recording_is_finished(folder: Path) -> None:
    with taping(folder) as (recorder, client):
        with recorder.recording(CASE):
            ask(client)
        assert [path for path in folder.parent.rglob("*") if path.is_file()] == []


def test_what_restores_an_earlier_run_is_not_recorded(folder: Path) -> None:
    taped(folder, case="recover")
    assert set(content(folder)) == {"manifest.json"}


@pytest.mark.parametrize("sends", [True, False], ids=["sends", "sends nothing"])
def test_a_case_recorded_twice_in_one_run_is_an_error(folder: Path, sends: bool) -> None:
    with taping(folder) as (recorder, client):
        with recorder.recording(CASE):
            if sends:
                ask(client)
        with pytest.raises(CassetteError, match="recorded twice in one run"), recorder.recording(CASE):
            pass


def test_a_folder_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "cassettes").write_bytes(b"")
    with (
        pytest.raises(CassetteError, match="nothing can be recorded here"),
        taping(tmp_path / "cassettes" / "live"),
    ):
        pass


# Replacing -----------------------------------------------------------------------------------------


def test_a_finished_recording_replaces_all_old_ones_and_leaves_nothing_beside(folder: Path) -> None:
    taped(folder, case="old")
    taped(folder, case="new")
    assert set(content(folder)) == {"new.yaml", "manifest.json"}
    assert list(folder.parent.iterdir()) == [folder]


def test_an_unfinished_recording_leaves_the_old_ones(folder: Path) -> None:
    taped(folder)
    before = content(folder)
    with taping(folder) as (recorder, client), recorder.recording("another"):
        ask(client)
    assert content(folder) == before
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
    folder: Path, origin: str, missing: str, stamped: bool, said: str
) -> None:
    notes: list[str] = []
    with taping(folder) as (recorder, client):
        recorder.origin = origin  # type: ignore[assignment]
        with recorder.recording(CASE):
            ask(client)
        assert recorder.finish("quick", notes, missing, stamped=stamped) == ""
    assert notes[0].startswith(said)
    assert folder.exists() == said.startswith("recorded")


@pytest.mark.parametrize(
    ("bodies", "efforts", "said"),
    [
        ((), ("quick", "standard"), "the recordings of standard of DAY agree and stay"),
        ((RENAMED,), ("quick",), "the recordings of standard of DAY were answered otherwise and are gone"),
    ],
)
def test_another_effort_stays_beside_the_new_one_while_it_agrees(
    folder: Path, bodies: tuple[bytes, ...], efforts: tuple[str, ...], said: str
) -> None:
    taped(folder, *bodies, effort="standard")
    notes = taped(folder, effort="quick")[1]
    manifest = Player(folder).manifest
    assert manifest.efforts == efforts
    assert notes[-1].startswith(said.replace("DAY", str(manifest.recorded)))


def test_what_changed_beside_the_old_recordings_is_noted_in_a_line(folder: Path) -> None:
    taped(folder)
    assert f": 0 the same, 1 changed ({CASE})" in taped(folder, RENAMED)[1][1]


def test_old_recordings_that_cannot_be_read_are_replaced_and_that_is_noted(folder: Path) -> None:
    taped(folder)
    (folder / FILE).write_bytes(b"")
    notes = taped(folder)[1]
    assert Player(folder).manifest.efforts == ("quick",)
    assert f"{folder / FILE}: not as it was recorded" in notes[1]


def test_a_folder_that_cannot_be_replaced_loses_neither_recordings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    taped(folder)
    before, notes = content(folder), list[str]()
    monkeypatch.setattr(recording, "replace_folder", full)
    with taping(folder) as (recorder, client):
        with recorder.recording(CASE):
            ask(client, RENAMED)
        assert recorder.finish("quick", notes) == "writing the recordings"
    kept = next(path for path in folder.parent.iterdir() if path.name.startswith(".recording-"))
    assert content(folder) == before
    assert "no space left on device; nothing is lost" in notes[0]
    assert str(kept) in notes[0]
    assert Player(kept).manifest.efforts == ("quick",)


# What was not answered -----------------------------------------------------------------------------


class Losing(ReferenceServer):
    """Gives no response to some requests: those of which the turn is `-`, or an endless one if it is `8`."""

    def __init__(self, turns: str) -> None:
        super().__init__()
        self.turns = iter(turns)

    def answer(self, request: Request) -> Response:
        turn = next(self.turns)
        if turn == "-":
            raise NoAnswerError("reset")
        return Response(200, (), b" " * (LARGEST_ANSWER + 1)) if turn == "8" else super().answer(request)


@pytest.mark.parametrize(
    ("turns", "sent", "playable"),
    [
        ("+---+", (b"", RENAMED, RENAMED, RENAMED, b""), False),
        ("+-", (b"", RENAMED), False),
        ("8", (b"",), False),
        ("--+-+", (b"", b"", b"", RENAMED, RENAMED), True),
    ],
    ids=["given up", "at the end", "too long", "sent again at once"],
)
def test_a_case_with_a_request_that_got_no_response_is_not_recorded(
    folder: Path, turns: str, sent: tuple[bytes, ...], playable: bool
) -> None:
    taped(folder)
    before, notes = content(folder), list[str]()
    with taping(folder, Losing(turns).answer) as (recorder, client):
        with recorder.recording(CASE):
            for body in sent:
                with suppress(NoAnswerError):
                    ask(client, body)
        assert recorder.finish("quick", notes) == ""
    assert (f"a request of {CASE} got no answer, so that case could not be played" in notes[0]) == (not playable)
    assert (content(folder) == before) == (not playable)
    if playable:
        with playing(folder) as client:
            assert [ask(client, body).status for body in (b"", RENAMED)] == [200, 200]
