"""What GitHub shows of a run: annotations beside a check, and the summary of a job's step.

Promises: nothing at all outside of a job of GitHub; what an answer says stays inside its annotation and its cell; the
key shows in neither.
Refuses: to fail a run over a summary that cannot be written.
"""

import html
import os
from collections.abc import Iterator
from pathlib import Path

from trackly_contract.core import RunVerdict, Verdict, one_line, short
from trackly_contract.judge import expected_text
from trackly_contract.report.report import Report

MOST = 10
"""Annotations of one kind that GitHub shows of a step."""

SIGNS = {RunVerdict.CONFORMS: "✓", RunVerdict.DRIFT: "✗", RunVerdict.INCONCLUSIVE: "?"}


def in_a_job() -> bool:
    """Whether this run is a step of a job of GitHub."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _data(text: str) -> str:
    """Return text as the message of a workflow command (actions/toolkit, command.ts: escapeData)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def commands(report: Report) -> Iterator[str]:
    """Yield workflow commands: an error for each broken rule, at most MOST; a warning for an inconclusive run."""
    broken = [result for result in report.results if result.verdict is Verdict.BROKEN]
    for result in broken[:MOST]:
        worst = result.gravest
        text = f"{result.rule.statement}: {report.in_short(result)}"
        if worst is not None:
            text = f"{result.rule.statement}: expected {short(expected_text(worst))}, got {report.in_short(result)}"
        yield f"::error title={_property(result.rule.id)}::{_data(report.redacted(one_line(text)))}"
    if report.verdict is RunVerdict.INCONCLUSIVE:
        why = report.left or next((r.reason for r in report.results if r.verdict is Verdict.INCONCLUSIVE), "")
        text = f"{report.headline()}{f': {why}' if why else ''}"
        yield f"::warning title=trackly-contract::{_data(report.redacted(one_line(text)))}"


def _cell(text: str, report: Report) -> str:
    """Return text as code in a cell of a table: no character of it means anything to Markdown or HTML."""
    shown = html.escape(report.redacted(short(text, 300)))
    for char in "|`*_[]\\~":
        shown = shown.replace(char, f"&#{ord(char)};")
    return f"<code>{shown}</code>" if shown else ""


def summary(report: Report) -> str:
    """Return the summary of a step, as Markdown: the verdict, then a row for each rule that needs to be looked at."""
    session = report.session
    lines = [
        f"### {SIGNS[report.verdict]} {report.verdict.value}",
        "",
        f"{html.escape(report.redacted(one_line(report.headline())))} {len(report.results)} rules: {report.counted}.",
        "",
        f"Asked: {_cell(session.target.evidence, report)} (effort {session.effort}, {session.requests} requests)",
    ]
    rows = [r for verdict in (Verdict.BROKEN, Verdict.INCONCLUSIVE) for r in report.results if r.verdict is verdict]
    if rows:
        lines += ["", "| rule | | says | expected | got |", "| --- | --- | --- | --- | --- |"]
    for result in rows[: 3 * MOST]:
        worst = result.gravest
        cells = (
            f"`{result.rule.id}`",
            result.verdict.value,
            html.escape(result.rule.statement).replace("|", "&#124;"),
            _cell(expected_text(worst) if worst is not None else "", report),
            _cell(report.in_short(result), report),
        )
        lines.append(f"| {' | '.join(cells)} |")
    if len(rows) > 3 * MOST:
        lines += ["", f"and {len(rows) - 3 * MOST} more"]
    return "\n".join([*lines, "", ""])


def github_lines(report: Report) -> Iterator[str]:
    """Write the summary of the step where GitHub wants it, and yield the lines to print; nothing outside of a job."""
    if not in_a_job():
        return
    yield from commands(report)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(summary(report))
        except OSError as error:
            yield f"the summary of this step cannot be written ({error.strerror})"
