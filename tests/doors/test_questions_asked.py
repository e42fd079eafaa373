"""Runs that ask the open questions: the audience is restored, observations are reported, changes are noted."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.run.test_live_history import Api
from tests.support.processes import Ran, reported
from tests.support.runs import served_target
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, answering
from trackly_contract.contract import contract
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.report import observations
from trackly_contract.report.observations import Answered
from trackly_contract.suite import run_suite

QUESTIONS = ("--trackly-questions", "--trackly-effort=quick")


def test_the_observations_are_in_the_report_and_the_audience_is_as_it_was(stand: Stand, tmp_path: Path) -> None:
    ended = stand.run("--trackly-questions", f"--trackly-report={tmp_path}")
    assert (ended.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ended.text
    assert "the open questions take at most 450 of each more" in ended.text
    probes = {(question.id, probe.says) for question in contract().questions.values() for probe in question.probes}
    assert {(entry["question"], entry["probe"]) for entry in reported(tmp_path)["answers"] if entry["said"]} == probes


def test_a_limit_of_requests_keeps_enough_to_put_the_audience_back(stand: Stand) -> None:
    ended = stand.run("--trackly-questions", "--trackly-max-requests=120")
    assert (stand.content, stand.left()) == (AS_IT_WAS, []), ended.text
    assert len(stand.asked) <= 120


def test_an_outage_in_the_middle_of_the_questions_is_survived(stand: Stand, tmp_path: Path) -> None:
    stand.strike = lambda way: answering(503) if 100 <= len(way.asked) < 112 else None
    ended = stand.run("--trackly-questions", f"--trackly-report={tmp_path}")
    assert (ended.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ended.text  # no rule was in need
    assert [entry for entry in reported(tmp_path)["answers"] if "503" in entry["why_not"]] != []


def test_a_changed_answer_is_noted_and_no_drift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running(Api()) as base_url:
        before = Answered("name-shape", "an empty name", "400 missing_name", base_url, date(2026, 1, 2))
        monkeypatch.setattr(observations, "kept_answers", lambda: (before,))
        target = served_target(base_url, AUDIENCE_ID, REFERENCE_KEY)
        target.name, target.evidence, target.of_reference = "live", f"asked at {base_url}", False
        code, report = run_suite(target, "quick", ["-q", "--trackly-questions", f"--trackly-report={tmp_path}"])
    assert report is not None
    assert code == 0
    noted = "name-shape, an empty name: 200, stored as sent; on 2026-01-02 it was: 400 missing_name"
    assert noted in reported(tmp_path)["notes"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--trackly-target=replay",), "recordings hold no answers"),
        (("--trackly-target=live", "--trackly-record"), "recordings hold no answers"),
        (("--trackly-target=live", "--trackly-read-only"), "changes the audience"),
    ],
)
def test_what_excludes_questions_is_rejected(run_pytest: Callable[..., Ran], options: Any, message: str) -> None:
    ran = run_pytest(*QUESTIONS, *options)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert message in ran.text


def test_without_the_option_nothing_is_asked(stand: Stand, tmp_path: Path) -> None:
    assert "the open questions" not in stand.run(f"--trackly-report={tmp_path}").text
    assert reported(tmp_path)["answers"] == []
