"""Facts about the last live recording beside a run: recorded over loopback into a folder of its own, then asked again.

The servers here bear no stamp, so that they stand for an API; no recording of them is ever kept.
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.runs import served_target
from trackly_contract.core import JSON, Request, Response, RunVerdict, Verdict, encode
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, Audience, ReferenceServer
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import CassetteError, read_manifest, write_manifest
from trackly_contract.run.live_history import LastLive, Recordings, key_of
from trackly_contract.run.targets import recorded
from trackly_contract.suite import run_suite

FILES = ("report.json", "report.md", "report.html")
PATH = f"/v2/audiences/{AUDIENCE_ID}"


class Api(ReferenceServer):
    """Answers like an API: without the stamp."""

    def respond(self, status: int, value: JSON) -> Response:
        return dataclasses.replace(super().respond(status, value), headers=(("Content-Type", "application/json"),))


class TakesAnyUnit(Api):
    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")


class Moved(Api):
    """Another text in each error, and one more member of an audience; all inside the contract."""

    def error(self, status: int, code: str, text: str) -> Response:
        return super().error(status, code, f"{text}!")


class Grown(Api):
    """Counts with one member more than the size endpoint had, and shows one more of an audience."""

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), "zz_new": 1}


def asked(server: ReferenceServer, folder: Path, *, record: bool = False) -> Report:
    """Run the quick suite on a server over loopback, as if it were the API, with `folder` for its report."""
    with running(server) as base_url:
        target = served_target(base_url)
        target.name, target.evidence = "live", f"asked at {base_url}"
        if record:
            recorded(target, cassettes.cassette_folder("live"))
        _, report = run_suite(target, "quick", ["-q", f"--trackly-report={folder}"])
    assert report is not None
    return report


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Live recordings of a conforming API and of one that takes any unit of time."""
    folders = {}
    with pytest.MonkeyPatch.context() as patch:
        for server in (Api(), TakesAnyUnit()):
            root = tmp_path_factory.mktemp(type(server).__name__)
            patch.setattr(cassettes, "cassette_folder", lambda name, root=root: root / name)
            asked(server, root / "report", record=True)
            folders[type(server).__name__] = root
    return folders


@pytest.fixture
def recordings(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the recordings of the conforming API, which the runs of this test find."""
    shutil.copytree(made["Api"] / "live", tmp_path / "live")
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / name)
    return tmp_path / "live"


def day(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text("utf-8"))["recorded"])


def sealed(folder: Path) -> None:
    """Write the ledger anew, as if the cassettes had been recorded as they are now."""
    before = read_manifest(folder)
    write_manifest(folder, msgspec.structs.replace(before, files={}, runs={}))


def evidence(folder: Path, rule: str) -> list[dict[str, Any]]:
    described = json.loads((folder / "report.json").read_text("utf-8"))
    found: list[dict[str, Any]] = next(entry["evidence"] for entry in described["rules"] if entry["id"] == rule)
    return found


def test_an_api_that_answers_as_recorded_holds_every_rule(recordings: Path, tmp_path: Path) -> None:
    report = asked(Api(), tmp_path / "report")
    assert recordings.is_dir()
    assert set(report.counts()) == {Verdict.HELD, Verdict.SKIPPED}
    assert report.notes == ()


def test_every_request_of_the_same_effort_is_found_in_the_recording(recordings: Path, tmp_path: Path) -> None:
    assert recordings.is_dir()
    report = asked(Api(), tmp_path / "report")
    assert isinstance(report.last_live, LastLive)
    cases = report.last_live.session.cases
    lost = {step for step, asked in cases if any(report.last_live.recorded(one) is None for one in asked)}
    assert lost <= {"rehearsal", "restore-quick"}  # these send the audience's own content, of which stand-ins are kept


def test_what_a_step_asks_twice_is_held_against_its_own_turn(recordings: Path, tmp_path: Path) -> None:
    assert recordings.is_dir()
    report = asked(Api(), tmp_path / "report")
    assert isinstance(report.last_live, LastLive)
    sizes = []
    for exchange in dict(report.last_live.session.cases)["candidates"]:
        then = report.last_live.recorded(exchange)
        if exchange.request.method == "GET" and not exchange.request.path.endswith("/size"):
            assert then is not None
            sizes.append([json.loads(seen.response.body)["cached_size"] for seen in (exchange, then[0])])
    assert sizes == [[None, None], [0, 0]]  # read, counted, and read again


def test_what_was_rejected_when_it_was_recorded_is_said_to_have_changed(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = asked(TakesAnyUnit(), tmp_path / "report")
    assert report.verdict is RunVerdict.DRIFT
    said = f"400 invalid_time_unit on {day(recordings)}        -> the API changed"
    printed = capsys.readouterr().out
    assert f"  last live  {said}\n" in printed
    assert f"filter.time.unit: 200 (last live 400 invalid_time_unit on {day(recordings)}, new)" in printed
    assert {entry["reading"] for entry in evidence(tmp_path / "report", "filter.time.unit")} == {"new"}
    assert f"last live {said}\n" in (tmp_path / "report" / "report.md").read_text("utf-8")
    assert f"<code>{said.replace('>', '&gt;')}</code>" in (tmp_path / "report" / "report.html").read_text("utf-8")


def test_what_was_accepted_already_is_known_and_broken_all_the_same(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: made["TakesAnyUnit"] / name)
    report = asked(TakesAnyUnit(), tmp_path)
    assert report.verdict is RunVerdict.DRIFT
    told = evidence(tmp_path, "filter.time.unit")[0]
    assert (told["verdict"], told["reading"]) == ("broken", "known")
    assert told["last_live"] == f"200 on {day(made['TakesAnyUnit'] / 'live')}"


def test_another_error_text_is_noted_and_conforms(recordings: Path, tmp_path: Path) -> None:
    report = asked(Moved(), tmp_path / "report")
    assert report.verdict is RunVerdict.CONFORMS
    assert [r.rule.id for r in report.results if r.verdict is Verdict.NOTED] == ["error.text"]
    told = evidence(tmp_path / "report", "error.text")[0]
    assert told["reading"] == "moved"
    assert told["expected"].startswith(f"as on {day(recordings)}: error ")


def test_a_new_member_is_new_beside_the_recording(recordings: Path, tmp_path: Path) -> None:
    assert recordings.is_dir()
    asked(Grown(), tmp_path / "report")
    told = evidence(tmp_path / "report", "read.success")[0]
    assert (told["verdict"], told["got"], told["reading"]) == ("noted", "also zz_new", "new")


def test_without_recordings_a_difference_was_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / name)
    asked(TakesAnyUnit(), tmp_path / "report")
    assert "  last live  never asked\n" in capsys.readouterr().out
    told = evidence(tmp_path / "report", "filter.time.unit")[0]
    assert (told["last_live"], told["reading"]) == ("never asked", "new")


def test_a_request_that_the_recording_lacks_was_never_asked(recordings: Path, tmp_path: Path) -> None:
    for path in recordings.glob("filter.time.unit--*.yaml"):
        path.unlink()
    sealed(recordings)
    asked(TakesAnyUnit(), tmp_path / "report")
    told = evidence(tmp_path / "report", "filter.time.unit")[0]
    assert told["last_live"] == f"never asked, nor in the recording of {day(recordings)}"


def test_of_a_stand_in_nothing_is_said_to_have_changed(recordings: Path, tmp_path: Path) -> None:
    class Stamped(ReferenceServer):
        def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
            return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")

    asked(Stamped(), tmp_path / "report")
    told = evidence(tmp_path / "report", "filter.time.unit")[0]
    assert told["last_live"] == f"400 invalid_time_unit on {day(recordings)}"
    assert "reading" not in told


def test_a_stamped_recording_is_no_live_one(recordings: Path, tmp_path: Path) -> None:
    path = next(recordings.glob("filter.time.unit--*.yaml"))
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("    headers:\n", "    headers:\n      X-Trackly-Contract-Reference: ['0.1.0']\n"), "utf-8"
    )
    sealed(recordings)
    report = asked(TakesAnyUnit(), tmp_path / "report")
    assert any("stamp" in note and path.name in note for note in report.notes)
    told = evidence(tmp_path / "report", "filter.time.unit")[0]
    assert told["last_live"].startswith("not known")
    assert "reading" not in told


@pytest.mark.parametrize("content", ["interactions: [", "interactions: [{}]\n", "- 1\n", "interactions: 3\n"])
def test_a_recording_that_cannot_be_read_is_said_and_stops_nothing(
    recordings: Path, tmp_path: Path, content: str
) -> None:
    (recordings / "untouched.yaml").write_text(content, "utf-8")
    sealed(recordings)
    report = asked(Api(), tmp_path / "report")
    assert report.verdict is RunVerdict.CONFORMS
    assert any("untouched.yaml: not a cassette that can be played" in note for note in report.notes)


def test_a_recording_of_the_reference_server_is_no_live_one(recordings: Path) -> None:
    write_manifest(recordings, msgspec.structs.replace(read_manifest(recordings), target="reference"))
    with pytest.raises(CassetteError, match=r"manifest\.json: recorded from 'reference', which is not the live API"):
        Recordings(recordings)


def test_a_folder_without_a_ledger_is_no_live_recording(recordings: Path) -> None:
    (recordings / "manifest.json").unlink()
    with pytest.raises(CassetteError, match=r"manifest\.json"):
        Recordings(recordings)


def test_an_edited_recording_is_not_used(recordings: Path, tmp_path: Path) -> None:
    path = next(recordings.glob("filter.time.unit--*.yaml"))
    path.write_text(path.read_text("utf-8").replace("invalid_time_unit", "invalid_unit"), "utf-8")
    report = asked(TakesAnyUnit(), tmp_path / "report")
    assert any("the last live recording is not used" in note and path.name in note for note in report.notes)
    told = evidence(tmp_path / "report", "filter.time.unit")[0]
    assert told["last_live"].startswith("not known")
    assert "reading" not in told


def key(body: JSON, path: str = PATH, method: str = "PUT") -> object:
    return key_of(Request(method, path, (), body if isinstance(body, bytes) else encode(body)))


def test_requests_are_the_same_whatever_the_audience_and_the_order_of_keys() -> None:
    assert key({"a": 1, "b": [2]}) == key({"b": [2], "a": 1}, "/v2/audiences/aaaaaaaaaaaaaaaaaaaaaaaa")


@pytest.mark.parametrize("other", [{"a": 1.0}, {"a": True}, {"a": "1"}, {}, b"{", b""])
def test_requests_differ_by_type(other: JSON) -> None:
    assert key({"a": 1}) != key(other)


def test_requests_are_the_same_whichever_lists_the_audience_has() -> None:
    assert key({"source_lists": [101, 102]}) == key({"source_lists": [1001, 7]})
    assert key({"source_lists": [101, 102]}) != key({"source_lists": [101]})
