"""What a conformance run says in the terminal: its plan before the first write, its verdict at the end.

Promises: whatever an answer holds stands in printable lines of one fact, wrapped at the width of a terminal and whole
in a log; the verdict stands last, with all that is said of it on one screen; the key shows nowhere; the plan is shown
even where pytest captures all output; a reader that goes away (`pytest | head`) is no drift.
Refuses: to decide anything, but whether somebody agreed to the plan.
"""

import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.core import Verdict, one_line, redacted, short
from trackly_contract.report import github
from trackly_contract.report.report import Report

SCREEN = 24
"""Lines of a small terminal: with pytest's own last line, the end of a run fits one."""

NOTES = 4
"""Lines that are left to notes where rules would take them all."""

FACT = 11
"""Columns before what is said of a fact; a rule has four more."""


@contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    """Give standard input and output back to the terminal for a while."""
    capturing: Any = config.pluginmanager.getplugin("capturemanager")
    if capturing is None:
        yield
        return
    capturing.suspend(in_=True)
    try:
        yield
    finally:
        capturing.resume()


class _Outlet:
    """Standard output that may be closed at the other end: pytest would end with 1 then, which means drift."""

    def __init__(self, file: Any, closed: Callable[[], None]) -> None:
        self._file = file
        self._closed = closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> None:
        with self._open():
            self._file.write(text)

    def flush(self) -> None:
        with self._open():
            self._file.flush()

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())  # what is still buffered goes there too, at the very end
            os.close(nowhere)
            self._closed()


def ignore_broken_pipe(config: pytest.Config, closed: Callable[[], None]) -> None:
    """Go on when nobody reads standard output any more; `closed` is called then."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        writer: Any = config.get_terminal_writer()
        writer._file = _Outlet(writer._file, closed)  # noqa: SLF001  # pytest offers no other way to see it


def _width(reporter: Any) -> int | None:
    """Return the columns of the terminal, None where the output is none: there a fact stays in one line."""
    return reporter.config.get_terminal_writer().fullwidth if getattr(reporter, "isatty", False) else None


def _wrapped(text: str, width: int | None, indent: int) -> list[str]:
    """Return a printable text in lines of at most `width` columns, all but the first indented."""
    if width is None:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)


def show_plan(config: pytest.Config, plan: str, key: str) -> bool:
    """Show the plan of a run, and return whether it may go on: where somebody can answer, that is asked.

    Nobody is asked after `--trackly-yes`, or where standard input is no terminal.
    """
    lines = [redacted(one_line(line), key) for line in plan.splitlines()]
    with _uncaptured(config):
        try:
            somebody = not config.option.trackly_yes and os.isatty(0)
        except OSError:
            somebody = False
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        write, width = (print, None) if reporter is None else (reporter.write_line, _width(reporter))
        write("")  # the dots of the tests that passed stand before it
        for line in lines:
            for part in _wrapped(line, width, 4):
                write(part)
        if not somebody:
            return True
        try:
            return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False


def _fitting(facts: Sequence[list[str]], room: int) -> int:
    """Return how many of the facts fit into `room` lines, one of which tells of the others where there are any."""
    ends = list(accumulate(map(len, facts)))
    return len(facts) if not ends or ends[-1] <= room else sum(end < room for end in ends)


def _body(rules: Sequence[tuple[int, list[str]]], notes: Sequence[list[str]], room: int, where: str) -> list[str]:
    """Return what is said of rules (of so many, in these lines) and the notes, as far as there is room.

    `where` says where the others are told.
    """
    lines = [told for _, told in rules]
    shown = _fitting(lines, room - min(NOTES, sum(map(len, notes))))
    body = [line for told in lines[:shown] for line in told]
    if shown < len(rules):
        body.append(f"  and {sum(number for number, _ in rules[shown:])} more rules: {where}")
    shown = _fitting(notes, room - len(body))
    body += [line for told in notes[:shown] for line in told]
    if shown < len(notes):
        body.append(f"{' ' * FACT}and {len(notes) - shown} more notes: {where}")
    return body


def summarize(terminalreporter: Any, report: Report, folder: str | None, *, misfit: bool = False) -> None:
    """Say the verdict in a few lines; `folder` is where the report was written, None if it was not.

    `misfit`: the recordings do not fit the suite.
    """
    session = report.session
    width = _width(terminalreporter)

    def said(text: str, indent: int = FACT) -> list[str]:
        return _wrapped(redacted(one_line(text), session.target.key), width, indent)

    def of_rules(verdict: Verdict, told: str) -> list[str]:
        # Two lines of a terminal, less the indent of both and what wrapping leaves empty.
        return said(f"  {verdict.value:<12} {told if width is None else short(told, 2 * width - 50)}", FACT + 4)

    stand_in = session.stamped and "stand-in" not in session.target.evidence
    head = [
        *said(f"verdict    {report.verdict.value}: {report.headline()}"),
        *said(f"evidence   {session.target.evidence}{', a stand-in: this says nothing of the API itself' * stand_in}"),
        *said(f"rules      {len(report.results)}: {report.counted}"),
        *said(f"requests   {session.requests}, of which accepted writes {session.writes} (effort {session.effort})"),
    ]
    tail = []
    if report.suite_failures:
        why = "the recordings do not fit the suite, which is no drift" if misfit else "a bug here, not drift"
        tail += said(f"suite      failed in {', '.join(report.suite_failures[:3])}: {why}")
    if folder:
        tail += said(f"report     {Path(folder) / 'report.html'}")
    left = said(report.left, 0) if report.left else []
    grave = (Verdict.BROKEN, Verdict.INCONCLUSIVE, Verdict.NOTED)
    rules = [(count, of_rules(verdict, told)) for verdict in grave for count, told in report.alike(verdict)]
    notes = [said(f"note       {note}") for note in dict.fromkeys(report.notes) if note != report.left]
    room = SCREEN - 2 - len(head) - len(tail) - len(left)  # less the line above, and pytest's own below
    if width is None:
        room = len(rules) + len(notes)  # a log is searched and not looked at: nothing is left out
    body = _body(rules, notes, room, "the report names them" if folder else "--trackly-report=DIR names them")
    terminalreporter.write_sep("=", "trackly-contract")
    for line in (*head, *body, *tail):
        terminalreporter.write_line(line)
    for line in left:
        terminalreporter.write_line(line, red=True, bold=True)
    for line in github.github_lines(report):
        terminalreporter.write_line(line)
