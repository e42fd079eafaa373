"""The report of a run as files: JSON, Markdown and HTML; and what GitHub shows of it."""

import base64
import hashlib
import html
import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import jinja2
from markupsafe import Markup, escape
from msgspec import structs

from trackly_contract import __version__
from trackly_contract.contract import contract, summed_up
from trackly_contract.core import (
    ABSENT,
    Exchange,
    Request,
    Response,
    RunVerdict,
    UnwritableError,
    Verdict,
    one_line,
    printable,
    short,
    worst,
    write_files,
)
from trackly_contract.judge import NEVER, ClientFault, Finding, Success, actual_text, expected_text, path_of, sent
from trackly_contract.report import matrix
from trackly_contract.report.diff import LARGEST, expected_and_actual, readable
from trackly_contract.report.report import SCHEMA_VERSION, SYMBOLS, Recording, Report, RuleResult
from trackly_contract.report.summary import facts
from trackly_contract.report.view import View, body_text

CUT = " ... (cut here)"
"""What follows the beginning of a long body."""

MOST = 10
"""Annotations of one kind that GitHub shows of a step."""


def _body(message: Request | Response) -> Any:
    body, value = message.body, readable(message)
    if value is not ABSENT or not body:
        return value if body else None
    return printable(body[:LARGEST].decode("utf-8", "replace")) + (CUT if len(body) > LARGEST else "")


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "method": exchange.request.method,
        "path": path_of(exchange.request),
        "sent": _body(exchange.request),
        "status": exchange.response.status,
        "answer": _body(exchange.response),
    }


def _evidence(report: Report, finding: Finding) -> dict[str, Any]:
    told = {
        "verdict": finding.verdict.value,
        "case": finding.case,
        "expected": short(expected_text(finding)),
        "got": short(actual_text(finding)),
        "exchange": finding.exchange.number,
    }
    if finding.verdict in (Verdict.BROKEN, Verdict.NOTED):
        before = report.before(finding)
        if before.said:
            told["last_live"] = short(before.said)
        if before.reading is not None:
            told["reading"] = before.reading
    return told


def _rule(report: Report, result: RuleResult) -> dict[str, Any]:
    told = result.differences or list(result.findings[:1])
    described: dict[str, Any] = {
        "id": result.rule.id,
        "verdict": result.verdict.value,
        "basis": result.rule.basis,
        "statement": result.rule.statement,
        "source": [f"{source.page}, {source.section}" for source in result.rule.sources],
        "looks": result.counted.total(),
        "reason": result.reason,
        "evidence": [_evidence(report, finding) for finding in told],
    }
    if result.waiver is not None:
        described["waiver"] = {"reason": result.waiver.reason, "expires": result.waiver.expires.isoformat()}
    return described


def _recording(recording: Recording) -> dict[str, Any]:
    """Return what a report of recorded traffic has beside the members of every report."""
    traffic = recording.traffic

    def reasons(found: dict[str, tuple[int, str]]) -> list[dict[str, Any]]:
        return [{"reason": short(why), "times": times, "where": short(first)} for why, (times, first) in found.items()]

    def fault(found: ClientFault, *, fails: bool) -> dict[str, Any]:
        told = found.fault
        return {
            "name": told.name,
            "worth": told.severity.value,
            "fails": fails,
            "place": short(told.place),
            "got": short(told.got),
            "instead": short(told.instead),
            "status": told.status,
            "code": told.code,
            "times": found.times,
            "where": short(found.where),
            "exchange": found.exchange.number,
        }

    return {
        "traffic": {
            "records": traffic.records,
            "judged": traffic.judged,
            "elsewhere": traffic.elsewhere,
            "side": recording.side,
            "not_judged": reasons(traffic.not_judged),
            "unreadable": reasons(traffic.unreadable),
        },
        "client": [
            *(fault(found, fails=True) for found in recording.faults),
            *(fault(found, fails=False) for found in recording.passed),
        ],
    }


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as `schemas/report.json` describes it."""
    session = report.session
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "verdict": report.verdict.value,
        "headline": report.headline(),
        "complete": report.complete,
        "target": session.target.name,
        "evidence": session.target.evidence,
        "stamped": session.stamped,
        "base_url": session.target.base_url,
        "effort": session.effort,
        "read_only": session.read_only,
        "started_at": report.started_at,
        "requests": session.requests,
        "writes": session.writes,
        "suite_failures": list(report.suite_failures),
        "rules": [_rule(report, result) for result in report.results],
        "vocabulary": [{**structs.asdict(trial), "said": short(trial.said)} for trial in summed_up(session.vocabulary)],
        "answers": [{name: short(text) for name, text in asdict(answer).items()} for answer in session.answers],
        "notes": [*report.notes, *report.unwritten],
        "exchanges": [_exchange(exchange) for exchange in session.exchanges],
        **(_recording(report.recording) if report.recording is not None else {}),
    }


def _as_text(text: str) -> Markup:
    """Return a text escaped for the inside of an element, where quotes may stay: JSON is a fifth shorter so."""
    return Markup(html.escape(text, quote=False))  # noqa: S704  # what is marked as safe was escaped on this line


def _with_days(text: str) -> Markup:
    """Return a text escaped, its days marked so that no line breaks within one."""
    return Markup(re.sub(r"\d{4}-\d\d-\d\d", r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704


def _cell(text: str) -> str:
    """Return a text as code in a cell of a table: no character of it means anything to Markdown or HTML."""
    shown = html.escape(short(text))
    for char in "|`*_[]\\~":
        shown = shown.replace(char, f"&#{ord(char)};")
    return f"<code>{shown}</code>" if shown else ""


def _csp_hash(text: str) -> str:
    """Return how a Content-Security-Policy names an inline script or style: the page allows its own and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


@cache
def templates() -> jinja2.Environment:
    """Return the templates of both pages, with what they call: filters make each text of a response short and inert."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("trackly_contract.report"),
        autoescape=jinja2.select_autoescape(("html.jinja",)),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {
        "actual": lambda finding: short(actual_text(finding)),
        "body": body_text,
        "cell": _cell,
        "csp_hash": _csp_hash,
        "days": _with_days,
        "expected": lambda finding: short(expected_text(finding)),
        "fence": lambda text: text.replace("```", "'''"),
        "one_line": one_line,
        "path": lambda request: one_line(path_of(request)),
        "quoted": shlex.quote,
        "sent": lambda request: one_line(sent(request)),
        "sentence": lambda text: f"{text[0].upper()}{text[1:]}.",
        "short": short,
        "text": _as_text,
    }
    templates.tests["success"] = lambda expected: isinstance(expected, Success)
    templates.globals |= {
        "NEVER": NEVER,
        "contract": contract(),
        "expected_and_actual": expected_and_actual,
        "facts": facts,
        "matrix": matrix,
        "symbols": SYMBOLS,
        "verdicts": Verdict,
        "worst": worst,
    }
    return templates


def _texts(report: Report) -> dict[str, str]:
    """Return the files of a report by name."""
    described = as_json(report)
    values = {"view": View(report), "described": described}
    texts = {"report.json": json.dumps(described, indent=2, ensure_ascii=True) + "\n"}
    pages = templates()
    for kind in ("md", "html"):
        texts[f"report.{kind}"] = pages.get_template(f"report.{kind}.jinja").render(values)
    return texts


def write_report(report: Report, folder: Path) -> tuple[Report, Path | None]:
    """Write report.json, report.md and report.html into `folder`, which is made where it is missing.

    They go into a new folder for temporary files where that cannot be done. Returns the folder where they are, None if
    nowhere, and the report, which says what could not be written.
    """
    try:
        write_files(folder, _texts(report))
    except UnwritableError as error:
        why = str(error)
    else:
        return report, folder
    with suppress(OSError, UnwritableError):
        other = Path(mkdtemp(prefix="trackly-contract-"))
        moved = replace(report, unwritten=(*report.unwritten, f"{why}; the report is in {other} instead"))
        write_files(other, _texts(moved))
        return moved, other
    nowhere = f"{why}, nor a file in a folder for temporary files: there is no report"
    return replace(report, unwritten=(*report.unwritten, nowhere)), None


# GitHub ---------------------------------------------------------------------------------------------------------------


def _command(kind: str, title: str, text: str) -> str:
    """Return a workflow command of GitHub (actions/toolkit, command.ts: escapeData and escapeProperty)."""
    data, name = (each.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A") for each in (text, title))
    return f"::{kind} title={name.replace(':', '%3A').replace(',', '%2C')}::{data}"


def github_lines(report: Report) -> Iterator[str]:
    """Yield the lines to print in a job of GitHub, and write the summary of the step there; nothing outside of one.

    An error for each broken rule, at most MOST, and a warning for an inconclusive run.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    broken, unsure = (
        [result for result in report.results if result.verdict is verdict]
        for verdict in (Verdict.BROKEN, Verdict.INCONCLUSIVE)
    )
    for result in broken[:MOST]:
        expected = f"expected {short(expected_text(result.gravest))}, got " if result.gravest is not None else ""
        text = f"{result.rule.statement}: {expected}{report.in_short(result)}"
        yield _command("error", result.rule.id, one_line(text))
    if report.verdict is RunVerdict.INCONCLUSIVE or report.unwritten:
        why = report.left or next(iter((*report.unwritten, *(result.reason for result in unsure))), "")
        text = f"{report.headline()}{f': {why}' if why else ''}"
        yield _command("warning", "trackly-contract", one_line(text))
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        values = {"report": report, "results": broken + unsure, "most": 3 * MOST}
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(templates().get_template("step.md.jinja").render(values))
        except OSError as error:
            yield f"the summary of this step cannot be written ({error.strerror})"
