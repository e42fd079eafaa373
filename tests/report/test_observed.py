"""Facts about the file of what live runs found out of tokens: what is written, what is merged, what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.integrity.variants_tokens import judging
from trackly_contract.cli import main
from trackly_contract.contract import Observed, Outcome, read_observed
from trackly_contract.core import Response
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.reference.filter import JUDGES, Fault
from trackly_contract.report import observed
from trackly_contract.report.observed import as_toml, merged
from trackly_contract.run.targets import served_target
from trackly_contract.suite import run_suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from trackly_contract.core import JSON
    from trackly_contract.reference import Choices

API, OTHER = "https://a.example/api", "https://b.example/api"
DAY = date(2026, 11, 22)
EQ = Observed("carrier.operator", "eq", Outcome.REFUSED, "400 invalid_carrier_operator", API, DAY, "quick")


def of(token: str, **members: Any) -> Observed:
    """Return the entry of `eq`, of another token."""
    return replace(EQ, **{"token": token, **members})


NE = of("ne", outcome=Outcome.ACCEPTED, said="200")


class Unstamped(ReferenceServer):
    """Answers like an API: without the stamp. Of carrier it knows `ne`, of timezone nothing, and says so with a key."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = {**JUDGES, "carrier": judging("carrier", ("ne",)), "timezone": self._telling}

    def _telling(self, _condition: dict[str, JSON], _choices: Choices) -> Iterator[Fault]:
        yield Fault(f"no {REFERENCE_KEY}", "/")

    def respond(self, status: int, value: JSON) -> Response:
        answer = super().respond(status, value)
        return Response(answer.status, (("Content-Type", "application/json"),), answer.body)


def asked_over_http(server: ReferenceServer, folder: Path, *arguments: str) -> Path:
    """Ask a server over real sockets as if it were live, and return the report.json."""
    with running(server) as url:
        served = served_target(url, AUDIENCE_ID, REFERENCE_KEY)
        target = dataclasses.replace(served, name="live", evidence=f"asked at {url}")
        run_suite(target, "quick", ["-q", "--no-summary", "--tb=no", f"--trackly-report={folder}", *arguments])
    return folder / "report.json"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report.json of a run on an API without stamp, as text."""
    return asked_over_http(Unstamped(), tmp_path_factory.mktemp("live")).read_text("utf-8")


@pytest.fixture
def report(live: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(live, "utf-8")
    return path


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is written where nothing else is said; not the checkout's own."""
    path = tmp_path / "observed.toml"
    monkeypatch.setattr(observed, "tokens_file", lambda: path)
    return path


def ran(report: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["vocabulary", str(report), *arguments])


def changed(report: Path, **members: Any) -> Path:
    path = report.with_name("changed.json")
    path.write_text(json.dumps({**json.loads(report.read_text("utf-8")), **members}), "utf-8")
    return path


def told(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    return {(entry.kind, entry.token): (entry.outcome.value, entry.said) for entry in read_observed(path)}


# What is written ----------------------------------------------------------------------------------------


def test_what_a_live_run_found_out_is_written_with_place_day_and_effort(report: Path, kept: Path) -> None:
    assert ran(report).exit_code == 0
    described = json.loads(report.read_text("utf-8"))
    assert told(kept)["carrier.operator", "eq"] == ("refused", "400 invalid_carrier_operator")
    assert told(kept)["carrier.operator", "ne"] == ("accepted", "200")
    assert told(kept)["condition_type", "revenue"] == ("accepted", "200")
    assert told(kept)["timezone.operator", "eq"][0] == "undecided"
    day = date.fromisoformat(described["started_at"][:10])
    assert {(e.base_url, e.date, e.effort) for e in read_observed(kept)} == {(described["base_url"], day, "quick")}


def test_every_trial_of_the_report_is_written(report: Path, kept: Path) -> None:
    ran(report)
    trials = json.loads(report.read_text("utf-8"))["vocabulary"]
    assert len(trials) > 9
    assert told(kept) == {(t["kind"], t["token"]): (t["outcome"], t["said"]) for t in trials}


def test_the_key_is_not_in_the_file(report: Path, kept: Path) -> None:
    ran(report)
    text = kept.read_text("utf-8")
    assert "[key]" in text
    assert REFERENCE_KEY not in text


def test_the_same_report_again_gives_the_same_bytes(report: Path, kept: Path) -> None:
    ran(report)
    before = kept.read_bytes()
    again = ran(report)
    assert kept.read_bytes() == before
    assert again.output == f"{kept}: {len(told(kept))} tokens, as before; review and commit it\n"


def test_the_file_does_not_depend_on_the_order_in_which_it_came_about() -> None:
    other = replace(EQ, base_url=OTHER)
    assert as_toml(merged([EQ], [NE, other]).entries) == as_toml(merged([other, NE], [EQ]).entries)


def test_entries_stand_by_address_then_list_then_token() -> None:
    field = of("a", kind="revenue.field")
    kind = of("z", kind="condition_type")
    other = replace(EQ, base_url=OTHER)
    assert merged([other, field], [NE, EQ, kind]).entries == (kind, EQ, NE, field, other)


HOSTILE = ['a"b', "a\\b", "[[observed]]", '"""', "a#b", "\U0001f4f1 Zoë", "a'b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_read_back_as_it_was_written(text: str, tmp_path: Path) -> None:
    path = tmp_path / "observed.toml"
    entry = of(text, said=text)
    path.write_text(as_toml([entry, NE]), "utf-8")
    assert read_observed(path) == [entry, NE]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[2J", "a\x7fb", "a\u2028b", "\ud800", "a\tb"])
def test_what_is_not_seen_is_written_spelt_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "observed.toml"
    path.write_text(as_toml([replace(EQ, said=text)], remark=f"x{text}"), "utf-8")
    said = read_observed(path)[0].said
    assert said.isprintable()
    assert "\\" in said
    path.write_text(as_toml([replace(EQ, said=said)]), "utf-8")
    assert read_observed(path)[0].said == said


# What is merged -----------------------------------------------------------------------------------------


def test_a_later_day_takes_the_place_and_a_change_is_told() -> None:
    later = replace(EQ, outcome=Outcome.ACCEPTED, said="200", date=date(2026, 12, 1))
    now = merged([EQ, NE], [later])
    assert now.entries == (later, NE)
    was = "refused (400 invalid_carrier_operator) on 2026-11-22"
    assert now.changes == (f"changed: carrier.operator eq was {was}, is accepted (200) on 2026-12-01",)


def test_of_the_same_day_the_report_that_is_given_counts() -> None:
    again = replace(EQ, outcome=Outcome.ACCEPTED, said="200")
    assert merged([EQ], [again]).entries == (again,)


def test_the_same_outcome_on_a_later_day_is_no_change() -> None:
    later = replace(EQ, date=date(2026, 12, 1))
    now = merged([EQ], [later])
    assert (now.entries, now.changes) == ((later,), ())


def test_an_earlier_day_leaves_what_stands_there_and_says_so() -> None:
    earlier = replace(EQ, outcome=Outcome.ACCEPTED, said="200", date=date(2026, 11, 1))
    now = merged([EQ], [earlier])
    assert now.entries == (EQ,)
    assert now.changes == ("left: carrier.operator eq refused on 2026-11-22, which is after 2026-11-01",)


def test_a_token_of_another_address_is_another_entry() -> None:
    other = replace(EQ, base_url=OTHER, outcome=Outcome.ACCEPTED)
    now = merged([EQ], [other])
    assert now.entries == (EQ, other)
    assert now.changes == ("new: carrier.operator eq accepted (400 invalid_carrier_operator)",)


def test_the_command_tells_what_is_new_and_what_changed(report: Path, kept: Path) -> None:
    first = ran(report)
    assert "  new: carrier.operator eq refused (400 invalid_carrier_operator)\n" in first.output
    day = json.loads(report.read_text("utf-8"))["started_at"][:10]
    kept.write_text(kept.read_text("utf-8").replace('"refused"', '"accepted"', 1), "utf-8")
    again = ran(report)
    assert "changed: carrier.operator eq was accepted (400 invalid_carrier_operator) on " in again.output
    assert f"is refused (400 invalid_carrier_operator) on {day}" in again.output


def test_another_order_of_trying_asks_for_new_recordings(report: Path, kept: Path) -> None:
    assert "record again (make cassettes, make record)" in ran(report).output
    assert "record again" not in ran(report).output
    elsewhere = kept.with_name("elsewhere.toml")
    assert "record again" not in ran(report, "--output", str(elsewhere)).output


def test_what_is_tried_first_anyway_changes_no_order() -> None:
    assert not merged([], [of("eq", outcome=Outcome.ACCEPTED)]).reordered
    assert merged([], [NE]).reordered


# What is refused ----------------------------------------------------------------------------------------

NOT_LIVE = {
    "stamped": ({"stamped": True}, "the answers bear the reference server's stamp"),
    "reference": ({"target": "reference", "evidence": "a stand-in\n[x]"}, "a stand-in\\n[x]"),
    "replay": ({"target": "replay", "evidence": "recorded from the live API"}, "recorded from the live API"),
}


@pytest.mark.parametrize(("members", "why"), NOT_LIVE.values(), ids=NOT_LIVE.keys())
def test_a_run_that_did_not_ask_a_live_api_is_not_kept(
    report: Path, kept: Path, members: dict[str, Any], why: str
) -> None:
    done = ran(changed(report, **members))
    assert done.exit_code == 2
    assert f"this run did not ask a live API ({why})" in " ".join(done.output.split())
    assert not kept.exists()


@pytest.mark.parametrize(("members", "why"), NOT_LIVE.values(), ids=NOT_LIVE.keys())
def test_a_run_that_did_not_ask_a_live_api_is_printed_with_that_comment(
    report: Path, kept: Path, tmp_path: Path, members: dict[str, Any], why: str
) -> None:
    done = ran(changed(report, **members), "--output", "-")
    assert done.exit_code == 0
    assert f"\n# Beware: this run did not ask a live API ({why})" in done.output
    assert not kept.exists()
    printed = tmp_path / "printed.toml"
    printed.write_text(done.output, "utf-8")
    assert told(printed)["carrier.operator", "ne"] == ("accepted", "200")


def test_a_live_run_is_printed_without_a_comment_of_that_kind_and_alone(report: Path, kept: Path) -> None:
    kept.write_text(as_toml([replace(EQ, base_url=OTHER)]), "utf-8")
    done = ran(report, "--output", "-")
    assert "Beware" not in done.output
    assert OTHER not in done.output


def test_a_report_in_which_no_token_was_tried_is_refused(report: Path, kept: Path) -> None:
    for arguments in ((), ("--output", "-")):
        done = ran(changed(report, vocabulary=[]), *arguments)
        assert done.exit_code == 2
        assert "no token was tried in this run" in done.output
    assert not kept.exists()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "no report", '{"schema_version": "1.0"}'])
def test_a_file_that_is_no_report_is_refused(kept: Path, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "given.json"
    if content is not None:
        path.write_text(content, "utf-8")
    done = ran(path)
    assert done.exit_code == 2
    assert f"{path}: " in done.output.replace("\n", " ")
    assert not kept.exists()


FOREIGN = {
    "not TOML": b"# mine\n[[",
    "not text": b"\xff\x00",
    "empty": b"",
    "of another kind": b'[[waiver]]\nrule = "x"\n',
    "a member less": b'[[observed]]\nkind = "carrier.operator"\ntoken = "eq"\n',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_of_another_kind_stays_as_it_is(report: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    done = ran(report, "--output", str(path))
    assert done.exit_code == 2
    assert f"{path}: " in done.output.replace("\n", " ")
    assert path.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == sorted([path, report])


def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(
    report: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write_text(as_toml([EQ]), "utf-8")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = ran(report)
    assert done.exit_code == 2
    assert "cannot be written (No space left on device)" in " ".join(done.output.split())
    assert read_observed(kept) == [EQ]
    assert sorted(kept.parent.iterdir()) == sorted([kept, report])


def test_a_folder_that_is_not_there_is_told(report: Path, tmp_path: Path) -> None:
    done = ran(report, "--output", str(tmp_path / "no" / "observed.toml"))
    assert done.exit_code == 2
    assert "cannot be written (No such file or directory)" in " ".join(done.output.split())


# Where it stands ----------------------------------------------------------------------------------------


def test_in_a_checkout_it_stands_beside_the_vocabulary() -> None:
    assert observed.tokens_file() == data_root() / "contracts" / "observed.toml"
    assert (data_root() / "contracts" / "vocabulary.toml").is_file()


def test_without_a_checkout_a_file_has_to_be_named(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = data_root()
    monkeypatch.setattr(observed, "data_root", lambda: tmp_path)
    assert observed.tokens_file() is None
    monkeypatch.setattr(observed, "data_root", lambda: root)
    monkeypatch.setattr(observed, "tokens_file", lambda: None)
    done = ran(report)
    assert done.exit_code == 2
    assert "name the file with --output FILE" in " ".join(done.output.split())
