"""Facts about what GitHub is told: one command a broken rule, a summary, and nothing that an answer could command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_html import Page
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, ReferenceServer, documented_store
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report, github
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite


class TakesWeeks(ReferenceServer):
    def faults(self, body: Any) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")


HOSTILE = "x\n::error::y\r##[error]z | `a` <script>alert(1)</script> %0A [b](https://evil.example)"


class Talks(ReferenceServer):
    """Shows a hostile text in place of a size, so that it stands in a difference."""

    def render(self, audience: Audience) -> dict[str, Any]:
        return {**super().render(audience), "cached_size": HOSTILE}


def asked(server: ReferenceServer) -> Report:
    _, report = run_suite(embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY), "quick", ["-q"])
    assert report is not None
    return report


@pytest.fixture(scope="module")
def drifted() -> Report:
    return asked(TakesWeeks())


@pytest.fixture(scope="module")
def hostile() -> Report:
    return asked(Talks())


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A step of a job, and where its summary goes."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_outside_of_a_job_nothing_is_told(drifted: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert list(github.github_lines(drifted)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_broken_rule_is_an_error(drifted: Report, job: Path) -> None:
    (line,) = github.github_lines(drifted)
    assert line == (
        "::error title=filter.time.unit::a time unit other than days, hours, minutes is refused: "
        "expected 400 invalid_time_unit, got 200"
    )
    assert job.is_file()


def test_a_run_that_conforms_annotates_nothing(job: Path) -> None:
    assert list(github.github_lines(asked(ReferenceServer()))) == []
    assert "### ✓ conforms" in job.read_text("utf-8")


def test_an_inconclusive_run_is_a_warning(job: Path) -> None:
    store = documented_store()
    store.keys = {"another"}
    lines = list(github.github_lines(asked(ReferenceServer(store))))
    assert [line.partition("::")[2].partition(" ")[0] for line in lines] == ["warning"]
    assert "### ? inconclusive" in job.read_text("utf-8")


def test_the_summary_names_rule_expected_and_got(drifted: Report, job: Path) -> None:
    list(github.github_lines(drifted))
    text = job.read_text("utf-8")
    assert text.startswith("### ✗ drift\n")
    row = next(line for line in text.splitlines() if line.startswith("| `filter.time.unit`"))
    assert "<code>400 invalid&#95;time&#95;unit</code>" in row
    assert "<code>200</code>" in row


def test_summaries_of_several_runs_stand_one_after_the_other(drifted: Report, job: Path) -> None:
    list(github.github_lines(drifted))
    list(github.github_lines(drifted))
    assert job.read_text("utf-8").count("### ✗ drift") == 2


def test_what_an_answer_says_commands_nothing(hostile: Report, job: Path) -> None:
    lines = list(github.github_lines(hostile))
    assert any("audience.cached_size" in line for line in lines)
    for line in lines:
        assert "\n" not in line
        assert "\r" not in line
        assert line.startswith(("::error title=", "::warning title="))
    assert "##[" not in "".join(lines)
    assert job.is_file()


def test_what_an_answer_says_is_inert_in_the_summary(hostile: Report, job: Path) -> None:
    list(github.github_lines(hostile))
    text = job.read_text("utf-8")
    assert "<script" not in text
    assert "](https://evil" not in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows
    assert {line.count("|") for line in rows} == {6}
    for row in rows:
        Page(f"<p>{row}</p>")  # fails where something is closed that was not opened


def test_the_key_shows_in_neither(job: Path) -> None:
    class Echo(ReferenceServer):
        def render(self, audience: Audience) -> dict[str, Any]:
            return {**super().render(audience), "cached_size": f"use {REFERENCE_KEY}"}

    told = "\n".join(github.github_lines(asked(Echo()))) + job.read_text("utf-8")
    assert "[key]" in told or "&#91;key&#93;" in told
    assert REFERENCE_KEY not in told


def test_no_more_are_told_than_github_shows(job: Path) -> None:
    class Empty(ReferenceServer):
        def render(self, audience: Audience) -> dict[str, Any]:
            return {name: [] for name in super().render(audience)}

    report = asked(Empty())
    lines = list(github.github_lines(report))
    assert len([line for line in lines if line.startswith("::error")]) <= github.MOST
    assert len(job.read_text("utf-8")) < 1_000_000


def test_a_summary_that_cannot_be_written_is_told(drifted: Report, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job.parent / "nowhere" / "summary.md"))
    assert "the summary of this step cannot be written" in list(github.github_lines(drifted))[-1]


def test_the_run_itself_tells_it(job: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked(TakesWeeks())
    printed = capfd.readouterr().out.splitlines()
    assert [line for line in printed if line.startswith("::error title=filter.time.unit::")] != []
    assert "filter.time.unit" in json.dumps(job.read_text("utf-8"))
