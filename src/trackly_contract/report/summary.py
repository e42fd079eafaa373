"""What is said at the end of a run, or of a judgement of traffic: facts for all forms, and lines for terminal or log.

Whatever a response holds stays in its line.
"""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from trackly_contract.core import Verdict, one_line, short
from trackly_contract.report.report import Report

SCREEN = 24
"""Lines of a small terminal: with pytest's own last line, the end of a run fits one."""

NOTES = 4
"""Lines that are left to notes where rules would take them all."""

NAME = 11
"""Columns of the name of a fact; what is said of a rule begins four columns later."""

MOST_REASONS = 5
"""Reasons of one kind why recorded exchanges could not be judged."""


def many(count: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one}{'' if count == 1 else 's'}"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the facts of a run by name, "" for what only adds to the fact before; notes and single rules come after."""
    session, recording = report.session, report.recording
    yield "verdict", f"{report.verdict}: {report.headline()}"
    yield "evidence", report.evidence
    if recording is None:
        yield "requests", f"{session.requests}, of which accepted writes {session.writes} (effort {session.effort})"
    else:
        traffic = recording.traffic
        unjudged = (traffic.not_judged, traffic.unreadable)
        left = sum(times for reasons in unjudged for times, _ in reasons.values())
        more = f"; {left} could not be judged" if left else ""
        yield "exchanges", f"judged {traffic.judged} of {traffic.records}; {traffic.elsewhere} to other addresses{more}"
        for reasons in unjudged:
            for reason, (times, where) in list(reasons.items())[:MOST_REASONS]:
                yield "", f"{times} x {where}: {short(reason, 200)}"
        passed = sum(found.times for found in recording.passed)
        more = f", {passed} more that {'fails' if passed == 1 else 'fail'} nothing" if passed else ""
        yield "client", f"{many(report.client_faults, 'fault')} in requests{more}"
    counts = report.counts()
    yield "rules", f"{len(report.results)}: {', '.join(f'{counts[each]} {each}' for each in Verdict if counts[each])}"


def wrapped(text: str, width: int | None, indent: int) -> list[str]:
    """Return a text in lines of at most `width` columns, all but the first indented; as it is where that is None."""
    if width is None:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)


def _fitting(told: Sequence[tuple[int, list[str]]], room: int, rest: str) -> list[str]:
    """Return the lines of as many facts as fit into `room`, and how many facts the others are."""
    ends = list(accumulate(len(lines) for _, lines in told))
    shown = len(told) if not ends or ends[-1] <= room else sum(end < room for end in ends)
    lines = [line for _, each in told[:shown] for line in each]
    return lines if shown == len(told) else [*lines, rest.format(sum(count for count, _ in told[shown:]))]


def left_lines(report: Report, width: int | None) -> list[str]:
    """Return what of the audience is not as it was, in lines that come last; none where it is as it was."""
    return wrapped(one_line(report.left), width, 0) if report.left else []


def lines(report: Report, folder: Path | None, width: int | None = None, *, misfit: bool = False) -> list[str]:
    """Return the summary as lines; `folder` is where the report was written, None if it was not.

    They fit one screen of a terminal of `width` columns. None is a log, which is searched and not looked at: each fact
    is one line there, and nothing is left out. `misfit`: the recordings do not fit the suite.
    """

    def said(text: str, indent: int = NAME) -> list[str]:
        return wrapped(one_line(text), width, indent)

    head = [line for name, text in facts(report) for line in said(f"{name:<{NAME}}{text}" if name else f"  {text}")]
    most = sys.maxsize if width is None else 2 * width - 50  # two lines, less both indents and what wrapping leaves
    rules = [
        (count, said(f"  {verdict:<12} {short(told, most)}", NAME + 4))
        for verdict in (Verdict.BROKEN, Verdict.INCONCLUSIVE, Verdict.NOTED)
        for count, told in report.alike(verdict)
    ]
    notes = [(1, said(f"note       {note}")) for note in dict.fromkeys(report.notes) if note != report.left]
    tail = []
    if report.suite_failures:
        why = "the recordings do not fit the suite, which is no drift" if misfit else "a bug here, not drift"
        tail += said(f"suite      failed in {', '.join(report.suite_failures[:3])}: {why}")
    tail += [line for what in report.unwritten for line in said(f"unwritten  {what}")]
    if folder:
        tail += said(f"report     {folder / 'report.html'}")
    taken = len(head) + len(tail) + len(left_lines(report, width)) + 2  # two: a title, and pytest's own last line
    room = sys.maxsize if width is None else SCREEN - taken
    where = "the report names them" if folder else "--trackly-report=DIR names them"
    body = _fitting(rules, room - min(NOTES, sum(len(note) for _, note in notes)), f"  and {{}} more rules: {where}")
    body += _fitting(notes, room - len(body), f"{' ' * NAME}and {{}} more notes: {where}")
    return [*head, *body, *tail]
