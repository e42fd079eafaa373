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
from trackly_contract.core import JSON, STAMP, Request, Response, RunVerdict, Verdict, encode
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, Audience, ReferenceServer
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import CassetteError, read_manifest, write_manifest
from trackly_contract.run.live_history import LastLive, key_of, live_recordings
from trackly_contract.run.targets import recorded
from trackly_contract.suite import run_suite

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

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), "zz_new": 1}


def asked(server: ReferenceServer, folder: Path, *, record: bool = False) -> Report:
    """Run the quick suite on a server over loopback, as if it were the API, with `folder` for its report."""
    with running(server) as base_url:
        target = served_target(base_url)
        target.name, target.evidence, target.of_reference = "live", f"asked at {base_url}", False
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
    return str(read_manifest(folder).recorded)


def sealed(folder: Path, **changes: Any) -> None:
    """Write the manifest anew, as if the cassettes had been recorded as they are now."""
    write_manifest(folder, msgspec.structs.replace(read_manifest(folder), files={}, runs={}, **changes))


def evidence(folder: Path, rule: str) -> dict[str, Any]:
    """Return the first evidence of a rule in a report."""
    described = json.loads((folder / "report.json").read_text("utf-8"))
    found: dict[str, Any] = next(entry["evidence"][0] for entry in described["rules"] if entry["id"] == rule)
    return found


def test_an_api_that_answers_as_recorded_holds_every_rule_and_every_request_is_found_in_its_turn(
    recordings: Path, tmp_path: Path
) -> None:
    report = asked(Api(), tmp_path / "report")
    assert recordings.is_dir()
    assert (set(report.counts()), report.notes) == ({Verdict.HELD, Verdict.SKIPPED}, ())
    assert isinstance(report.last_live, LastLive)
    sizes = []
    for case, exchanges in report.last_live.session.cases:
        for exchange in exchanges:
            then = report.last_live.recorded(exchange)
            # These send the audience's own content, which is recorded anonymized.
            assert then is not None or case in ("rehearsal", "restore-quick")
            request = exchange.request
            if then is not None and (case, request.method, request.path) == ("candidates", "GET", PATH):
                sizes.append([seen.response.json.fields["cached_size"] for seen in (exchange, then[0])])
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
    assert evidence(tmp_path / "report", "filter.time.unit")["reading"] == "new"
    assert f"last live {said}\n" in (tmp_path / "report" / "report.md").read_text("utf-8")
    assert f"<code>{said.replace('>', '&gt;')}</code>" in (tmp_path / "report" / "report.html").read_text("utf-8")


def test_what_was_accepted_already_is_known_and_broken_all_the_same(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: made["TakesAnyUnit"] / name)
    report = asked(TakesAnyUnit(), tmp_path)
    assert report.verdict is RunVerdict.DRIFT
    told = evidence(tmp_path, "filter.time.unit")
    assert (told["verdict"], told["reading"]) == ("broken", "known")
    assert told["last_live"] == f"200 on {day(made['TakesAnyUnit'] / 'live')}"


def test_another_error_text_and_a_new_member_are_noted_and_conform(recordings: Path, tmp_path: Path) -> None:
    report = asked(Moved(), tmp_path / "report")
    assert report.verdict is RunVerdict.CONFORMS
    assert {r.rule.id for r in report.results if r.verdict is Verdict.NOTED} >= {"error.text", "read.success"}
    told = evidence(tmp_path / "report", "error.text")
    assert told["reading"] == "moved"
    assert told["expected"].startswith(f"as on {day(recordings)}: error ")
    told = evidence(tmp_path / "report", "read.success")
    assert (told["verdict"], told["got"], told["reading"]) == ("noted", "also zz_new", "new")


def test_without_recordings_a_difference_was_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / name)
    asked(TakesAnyUnit(), tmp_path / "report")
    assert "  last live  never asked\n" in capsys.readouterr().out
    told = evidence(tmp_path / "report", "filter.time.unit")
    assert (told["last_live"], told["reading"]) == ("never asked", "new")


def test_a_request_that_the_recording_lacks_was_never_asked(recordings: Path, tmp_path: Path) -> None:
    for path in recordings.glob("filter.time.unit--*.yaml"):
        path.unlink()
    sealed(recordings)
    asked(TakesAnyUnit(), tmp_path / "report")
    told = evidence(tmp_path / "report", "filter.time.unit")
    assert told["last_live"] == "never asked"


def test_of_the_reference_server_nothing_is_said_to_have_changed(recordings: Path, tmp_path: Path) -> None:
    class Stamped(TakesAnyUnit):
        respond = ReferenceServer.respond

    asked(Stamped(), tmp_path / "report")
    told = evidence(tmp_path / "report", "filter.time.unit")
    assert told["last_live"] == f"400 invalid_time_unit on {day(recordings)}"
    assert "reading" not in told


def test_an_edited_recording_is_not_used_and_stops_nothing(recordings: Path, tmp_path: Path) -> None:
    path = next(recordings.glob("filter.time.unit--*.yaml"))
    path.write_text(path.read_text("utf-8").replace("invalid_time_unit", "invalid_unit"), "utf-8")
    report = asked(TakesAnyUnit(), tmp_path / "report")
    assert any("the last live recording is not used" in note and path.name in note for note in report.notes)
    told = evidence(tmp_path / "report", "filter.time.unit")
    assert told["last_live"].startswith("not known")
    assert "reading" not in told


@pytest.mark.parametrize(
    ("target", "content", "said"),
    [
        ("live", "interactions: [{}]\n", "untouched.yaml: not a cassette that can be played"),
        ("live", None, "yaml: recorded from the reference server, which is not the live API"),
        ("reference", None, "yaml: recorded from the reference server, which is not the live API"),
    ],
)
def test_what_is_no_live_recording_is_named(recordings: Path, target: str, content: str | None, said: str) -> None:
    path = recordings / "untouched.yaml"
    stamped = path.read_text("utf-8").replace("    headers:\n", f"    headers:\n      {STAMP}: ['0.1.0']\n")
    path.write_text(content or stamped, "utf-8")
    sealed(recordings, target=target)
    with pytest.raises(CassetteError, match=said):
        live_recordings(recordings)


def key(body: JSON, path: str = PATH, method: str = "PUT") -> object:
    return key_of(Request(method, path, (), body if isinstance(body, bytes) else encode(body)))


def test_requests_are_the_same_whatever_the_audience_its_lists_and_the_order_of_keys() -> None:
    assert key({"a": 1, "b": [2]}) == key({"b": [2], "a": 1}, "/v2/audiences/aaaaaaaaaaaaaaaaaaaaaaaa")
    assert key({"source_lists": [101, 102]}) == key({"source_lists": [1001, 7]})
    assert key({"source_lists": [101, 102]}) != key({"source_lists": [101]})


@pytest.mark.parametrize("other", [{"a": 1.0}, {"a": True}, {"a": "1"}, {}, b"{", b""])
def test_requests_differ_by_type(other: JSON) -> None:
    assert key({"a": 1}) != key(other)
