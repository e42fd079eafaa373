"""Facts about the file of answers: what is kept, what is told, and what leaves it as it is."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.contract import ContractError
from trackly_contract.contract.model import Observation as Answer
from trackly_contract.report import NothingToKeepError, answers, compare
from trackly_contract.report.answers import Given, as_toml, of_report
from trackly_contract.report.answers import keep_answers as keep
from trackly_contract.report.answers import moved_answers as moved
from trackly_contract.report.answers import read_answers as read

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

URL = "https://app.tracklysms.com/api"
GIVEN = Given("name-shape", "an empty name", "200, stored as sent", URL, date(2026, 11, 21))


def report(*told: tuple[str, str, str], day: str = "2026-11-22", **more: Any) -> dict[str, Any]:
    entries = [
        {"question": question, "probe": probe, "said": said, "why_not": "" if said else "gone"}
        for question, probe, said in told
    ]
    described = {"target": "live", "stamped": False, "evidence": "asked", "base_url": URL, "answers": entries}
    return {**described, "started_at": f"{day}T10:00:00+00:00", **more}


NAME = ("name-shape", "an empty name", "400 missing_name")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_toml([GIVEN]), "utf-8")
    assert read(path) == [GIVEN]


def test_no_file_holds_no_answers(tmp_path: Path) -> None:
    assert read(tmp_path / "answers.toml") == []


def test_the_projects_own_file_can_be_read() -> None:
    path = answers.answers_file()
    assert path is not None
    assert answers.standing() == tuple(read(path))


def test_a_new_answer_is_kept_and_told(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    assert keep(report(NAME), path) == ["new: name-shape, an empty name: 400 missing_name"]
    assert read(path) == [dataclasses.replace(GIVEN, said="400 missing_name", date=date(2026, 11, 22))]


def test_the_same_report_again_changes_no_byte_and_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    keep(report(NAME), path)
    before = path.read_bytes()
    assert keep(report(NAME), path) == []
    assert path.read_bytes() == before


def test_an_answer_that_moved_is_told_with_both_and_their_day(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_toml([GIVEN]), "utf-8")
    assert keep(report(NAME), path) == [
        "moved: name-shape, an empty name: 400 missing_name; on 2026-11-21 it was: 200, stored as sent"
    ]


def test_an_older_answer_does_not_displace_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_toml([GIVEN]), "utf-8")
    assert keep(report(NAME, day="2026-11-20"), path) == [
        "left: name-shape, an empty name: answered on 2026-11-21, which is later"
    ]
    assert read(path) == [GIVEN]


def test_another_address_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_toml([GIVEN]), "utf-8")
    keep(report(NAME, base_url="https://api.tracklysms.com/api"), path)
    assert {given.base_url for given in read(path)} == {URL, "https://api.tracklysms.com/api"}


def test_what_was_not_answered_is_not_kept() -> None:
    assert [given.said for given in of_report(report(NAME, ("depth", "How deep?", "")))] == ["400 missing_name"]


@pytest.mark.parametrize(
    ("described", "told"),
    [
        (report(), "run it with --trackly-questions"),
        (report(("depth", "How deep?", "")), "no question was answered"),
        (report(NAME, target="reference"), "did not ask a live API"),
        (report(NAME, stamped=True), "the reference server's stamp"),
    ],
)
def test_what_says_nothing_of_an_api_is_not_kept(described: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(NothingToKeepError, match=told):
        keep(described, tmp_path / "answers.toml")
    assert list(tmp_path.iterdir()) == []


BROKEN = {
    "not TOML": "[[answer",
    "there is no question zz": as_toml([GIVEN]).replace("name-shape", "zz"),
    "two answers": as_toml([GIVEN, GIVEN]),
    "there is no day": as_toml([GIVEN]).replace("2026-11-21", '"2026-02-30"'),
    "'said' is a required property": as_toml([GIVEN]).replace("said = ", "# "),
}


@pytest.mark.parametrize(("told", "text"), BROKEN.items(), ids=list(BROKEN))
def test_a_file_that_cannot_be_read_is_told_and_stays(told: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ContractError, match=told):
        keep(report(NAME), path)
    assert path.read_text("utf-8") == text


def test_a_hostile_answer_stays_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    said = '200"\n[[answer]]\nquestion = "x" \x1b[2J \u202e'
    keep(report(("name-shape", "an empty name", said)), path)
    (given,) = read(path)
    assert given.said.startswith('200"\\n[[answer]]')
    assert "\x1b" not in path.read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToKeepError, match="cannot be written"):
        keep(report(NAME), tmp_path / "nowhere" / "answers.toml")


# Moved ---------------------------------------------------------------------------------------------------


def test_an_answer_that_differs_from_the_last_is_noted() -> None:
    now = [Answer("name-shape", "an empty name", "400 missing_name")]
    assert moved(now, URL, [GIVEN]) == [
        "name-shape, an empty name: 400 missing_name; on 2026-11-21 it was: 200, stored as sent"
    ]


@pytest.mark.parametrize(
    ("now", "url"),
    [
        (Answer("name-shape", "an empty name", GIVEN.said), URL),
        (Answer("name-shape", "an empty name", "400 missing_name"), "https://other.example/api"),
        (Answer("name-shape", "null", "400 missing_name"), URL),
        (Answer("name-shape", "an empty name", "", "not asked"), URL),
    ],
    ids=["the same", "another address", "another probe", "not asked"],
)
def test_nothing_else_is_noted(now: Answer, url: str) -> None:
    assert moved([now], url, [GIVEN]) == []


# The command ---------------------------------------------------------------------------------------------


def command(described: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.setattr(compare, "load_report", lambda _path: described)
    return CliRunner().invoke(main, ["answers", "report.json", *options])


def test_the_command_merges_and_says_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.toml"
    done = command(report(NAME), monkeypatch, f"--output={path}")
    assert (done.exit_code, done.output) == (
        0,
        f"  new: name-shape, an empty name: 400 missing_name\n{path}: 1 answers; review and commit it\n",
    )
    again = command(report(NAME), monkeypatch, f"--output={path}")
    assert again.output == f"{path}: 1 answers, as before; review and commit it\n"


def test_the_command_prints_with_a_warning_where_no_api_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(report(NAME, stamped=True), monkeypatch, "--output=-")
    assert done.exit_code == 0
    assert "# Beware: this run did not ask a live API" in done.output
    assert 'said = "400 missing_name"' in done.output


def test_the_command_refuses_what_says_nothing_of_an_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(report(NAME, stamped=True), monkeypatch, f"--output={tmp_path / 'answers.toml'}")
    assert done.exit_code == 2
    assert "`--output -` prints it all the same" in done.output


def test_without_a_checkout_the_command_wants_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "answers_file", lambda: None)
    done = command(report(NAME), monkeypatch)
    assert done.exit_code == 2
    assert "name the file with --output FILE" in done.output
