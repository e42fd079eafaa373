"""Facts about the end of a run: it fits a small terminal and points to the rest, and on GitHub no response commands."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.report.test_html import Page
from tests.run.hooked import Server, session
from tests.support.reports import Ran, TakesAnyUnit, ran, target_of
from trackly_contract import suite
from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import Finding
from trackly_contract.judge.findings import Words
from trackly_contract.reference import Audience, ReferenceServer, Store
from trackly_contract.report import build_report, github_lines, summarize
from trackly_contract.report.files import MOST
from trackly_contract.run import Session

COLUMNS = 80
UNIT = "::error title=filter.time.unit::"
LEFT = "THE AUDIENCE IS NOT AS IT WAS: it was stopped halfway; what it was is kept in /home/somebody/journal.jsonl"
BREAKABLE = [rule.id for rule in contract().rules.values() if rule.breakable and rule.untested is None]


class Terminal:
    """Keeps what is written; `columns` is None where no terminal is at the other end."""

    def __init__(self, columns: int | None = COLUMNS) -> None:
        self.isatty = columns is not None
        self.config = SimpleNamespace(get_terminal_writer=lambda: SimpleNamespace(fullwidth=columns))
        self.lines: list[str] = []

    def write_sep(self, sep: str, title: str) -> None:
        self.lines.append(f" {title} ".center(COLUMNS, sep))

    def write_line(self, line: str, **_markup: bool) -> None:
        self.lines.append(line)


def broken(number: int) -> Session:
    """Return the session of a run in which so many rules are broken, each in another way, and the rest held."""
    found = session(Server())
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), Response(200), 1)
    for place, rule in enumerate(BREAKABLE):
        got = f"/{place}: {'x' * 300} is what came"
        verdict = Verdict.BROKEN if place < number else Verdict.HELD
        found.findings.append(Finding(rule, verdict, exchange, Words("what is documented"), Words(got), "", rule))
    return found


def told(
    asked: Session, *, columns: int | None = COLUMNS, folder: Path | None = Path("report"), left: str = ""
) -> list[str]:
    shown = Terminal(columns)
    seen = build_report(asked, started_at="", looked_for=frozenset(contract().rules), reasons={})
    summarize(shown, dataclasses.replace(seen, left=left), folder)
    return shown.lines


@pytest.mark.parametrize("number", [0, 1, 2, 40, len(BREAKABLE)])
@pytest.mark.parametrize("notes", [0, 1, 30])
@pytest.mark.parametrize("left", ["", LEFT])
def test_the_end_of_a_run_fits_a_small_terminal(number: int, notes: int, left: str) -> None:
    asked = broken(number)
    asked.notes += [f"note {place} {'which takes three lines of it ' * 5}" for place in range(notes)]
    lines = told(asked, left=left)
    assert max(map(len, lines)) <= COLUMNS
    assert len(lines) < 24  # pytest has one line more


def test_rules_that_do_not_fit_are_counted_and_the_report_is_named() -> None:
    lines = told(broken(40))
    named = sum(line.startswith("  broken ") for line in lines)
    assert 4 < named < 40
    assert f"  and {40 - named} more rules: the report names them" in lines
    assert lines[-1] == "report     report/report.html"


def test_without_a_report_the_option_that_writes_one_is_named() -> None:
    assert told(broken(40), folder=None)[-1].endswith(" more rules: --trackly-report=DIR names them")


def test_notes_keep_some_room_beside_many_rules() -> None:
    asked = broken(40)
    asked.notes += [f"note {place}" for place in range(9)]
    lines = told(asked)
    assert "note       note 2" in lines
    assert "           and 6 more notes: the report names them" in lines


def test_where_nobody_looks_each_fact_has_one_line_and_all_are_told() -> None:
    lines = told(broken(40), columns=None)
    assert sum(line.startswith("  broken ") for line in lines) == 40
    assert max(map(len, lines)) > COLUMNS


def test_rules_of_which_the_same_is_said_share_a_line() -> None:
    asked = broken(0)
    exchange = asked.findings[0].exchange
    asked.findings += [Finding(rule, Verdict.BROKEN, exchange, Words("a"), Words("b")) for rule in BREAKABLE[:9]]
    assert f"  broken       9 rules, {BREAKABLE[0]} to {BREAKABLE[8]}: b" in told(asked)


def test_an_audience_that_is_not_as_it_was_is_told_last_and_once() -> None:
    asked = broken(1)
    asked.notes.append(LEFT)
    lines = told(asked, left=LEFT)
    assert " ".join(lines[-2:]) == LEFT
    assert sum("NOT AS IT WAS" in line for line in lines) == 1


# GitHub ---------------------------------------------------------------------------------------------------


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A step of a job, and where its summary goes."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_outside_of_a_job_github_gets_nothing(drifted: Ran, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert list(github_lines(drifted.report)) == []
    assert not job.exists()


def test_a_broken_rule_is_an_error(drifted: Ran, job: Path) -> None:
    said = "a time unit other than days, hours, minutes is refused: expected 400 invalid_time_unit, got 200"
    assert f"{UNIT}{said}" in list(github_lines(drifted.report))
    assert job.is_file()


def test_a_run_that_conforms_annotates_nothing(conforming: Ran, job: Path) -> None:
    assert list(github_lines(conforming.report)) == []
    assert "### ✓ conforms" in job.read_text("utf-8")


def test_an_inconclusive_run_is_a_warning(tmp_path: Path, job: Path) -> None:
    store = Store()
    store.keys = {"another"}
    lines = list(github_lines(ran(ReferenceServer(store), tmp_path / "report").report))
    assert [line.partition("::")[2].partition(" ")[0] for line in lines] == ["warning"]
    assert "### ? inconclusive" in job.read_text("utf-8")


def test_the_summary_names_rule_expected_and_got_and_stands_below_an_earlier_one(drifted: Ran, job: Path) -> None:
    for _ in range(2):
        list(github_lines(drifted.report))
    text = job.read_text("utf-8")
    assert text.startswith("### ✗ drift\n")
    assert text.count("### ✗ drift") == 2
    row = next(line for line in text.splitlines() if line.startswith("| `filter.time.unit`"))
    assert "<code>400 invalid&#95;time&#95;unit</code>" in row
    assert "<code>200</code>" in row


def test_what_a_response_says_commands_nothing(drifted: Ran, job: Path) -> None:
    lines = list(github_lines(drifted.report))
    assert any("audience.cached_size" in line for line in lines)
    assert job.is_file()
    for line in lines:
        assert line.isprintable()
        assert line.startswith(("::error title=", "::warning title="))
        assert "##[" not in line


def test_what_a_response_says_is_inert_in_the_summary(drifted: Ran, job: Path) -> None:
    list(github_lines(drifted.report))
    text = job.read_text("utf-8")
    assert "<script" not in text
    assert "](https://evil" not in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert {line.count("|") for line in rows} == {6}
    for row in rows:
        Page(f"<p>{row}</p>")  # fails where something is closed that was not opened


def test_no_more_is_said_than_github_shows(tmp_path: Path, job: Path) -> None:
    class Empty(ReferenceServer):
        def render(self, audience: Audience) -> dict[str, Any]:
            return {name: [] for name in super().render(audience)}

    lines = list(github_lines(ran(Empty(), tmp_path / "report").report))
    assert 0 < len([line for line in lines if line.startswith("::error")]) <= MOST
    assert len(job.read_text("utf-8")) < 1_000_000


def test_a_summary_that_cannot_be_written_is_reported(drifted: Ran, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job.parent / "nowhere" / "summary.md"))
    assert "the summary of this step cannot be written" in list(github_lines(drifted.report))[-1]


def test_the_run_itself_writes_it(job: Path, capfd: pytest.CaptureFixture[str]) -> None:
    suite.run_suite(target_of(TakesAnyUnit()), "quick", ["-q"])
    assert f"\n{UNIT}" in capfd.readouterr().out
    assert "filter.time.unit" in job.read_text("utf-8")
