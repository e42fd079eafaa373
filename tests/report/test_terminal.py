"""Facts about the end of a run in a small terminal: no line is wider, it fits one screen, and it points to the rest."""

import dataclasses
from types import SimpleNamespace

import pytest

from tests.run.hooked import Server, session
from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import Finding
from trackly_contract.judge.findings import Words
from trackly_contract.report import report, terminal
from trackly_contract.run import Session

COLUMNS = 80
LEFT = "THE AUDIENCE IS NOT AS IT WAS: it was stopped halfway; what it was is kept in /home/somebody/journal.json"
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


def told(asked: Session, *, columns: int | None = COLUMNS, folder: str | None = "report", left: str = "") -> list[str]:
    shown = Terminal(columns)
    seen = report.build_report(asked.seen(), started_at="", looked_for=frozenset(contract().rules), reasons={})
    terminal.summarize(shown, dataclasses.replace(seen, left=left), folder)
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


def test_a_key_is_taken_out_before_a_line_is_broken() -> None:
    asked = broken(0)
    key = asked.target.key
    asked.notes.append(f"{'x ' * 30}{key} y")
    assert not any(key[:6] in line or key[-6:] in line for line in told(asked))
