"""The report of a run as files: JSON, Markdown and HTML. No key shows in them, however a response spelt it."""

import base64
import hashlib
import html
import json
import re
import shlex
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape
from msgspec import structs

from trackly_contract import __version__
from trackly_contract.contract import contract, summed_up
from trackly_contract.core import (
    Exchange,
    NotJSONError,
    Verdict,
    nesting,
    one_line,
    parse,
    printable,
    short,
    without,
    worst,
)
from trackly_contract.judge import NEVER, ClientFault, Finding, Success, actual_text, expected_text, path_of, sent
from trackly_contract.report import matrix
from trackly_contract.report.diff import expected_and_actual
from trackly_contract.report.report import SCHEMA_VERSION, SYMBOLS, Recording, Report, RuleResult
from trackly_contract.report.summary import cell, facts
from trackly_contract.report.view import MOST_BLANKS, View, body_text

LONGEST_BODY = 20_000
CUT = " ... (cut here)"


def _text(body: bytes) -> Any:
    if not body:
        return None
    if len(body) <= LONGEST_BODY:
        with suppress(NotJSONError):
            if len(body) * nesting(body) <= MOST_BLANKS:
                return parse(body)
    return printable(body[:LONGEST_BODY].decode("utf-8", "replace")) + (CUT if len(body) > LONGEST_BODY else "")


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "method": exchange.request.method,
        "path": path_of(exchange.request),
        "sent": _text(exchange.request.body),
        "status": exchange.response.status,
        "answer": _text(exchange.response.body),
    }


def _evidence(report: Report, finding: Finding) -> dict[str, Any]:
    told = {
        "verdict": finding.verdict.value,
        "case": finding.case,
        "expected": short(expected_text(finding)),
        "got": short(actual_text(finding)),
        "exchange": finding.exchange.number if finding.exchange else None,
    }
    if finding.verdict in (Verdict.BROKEN, Verdict.NOTED):
        before = report.before(finding)
        if before.said:
            told["last_live"] = short(before.said)
        if before.reading is not None:
            told["reading"] = before.reading.value
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
        "notes": list(report.notes),
        "exchanges": [_exchange(exchange) for exchange in session.exchanges],
        **(_recording(report.recording) if report.recording is not None else {}),
    }


def _as_text(text: str) -> Markup:
    """Return a text escaped for the inside of an element, where quotes may stay: JSON is a fifth shorter so."""
    return Markup(html.escape(text, quote=False))  # noqa: S704  # what is marked as safe was escaped on this line


def _with_days(text: str) -> Markup:
    """Return a text escaped, its days marked so that no line breaks within one."""
    return Markup(re.sub(r"\d{4}-\d\d-\d\d", r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704


def _csp_hash(text: str) -> str:
    """Return how a Content-Security-Policy names an inline script or style: the page allows its own and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


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
        "cell": cell,
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
        "Known": matrix.Known,
        "Saw": matrix.Saw,
        "codes_by_place": matrix.codes_by_place,
        "expected_and_actual": expected_and_actual,
        "facts": facts,
        "operators": matrix.operators,
        "operators_by_type": matrix.operators_by_type,
        "saw_symbols": matrix.SAW_SYMBOLS,
        "symbols": SYMBOLS,
        "verdicts": Verdict,
        "worst": worst,
    }
    return templates


def write_report(report: Report, folder: Path) -> None:
    """Write report.json, report.md and report.html into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    described = as_json(report)
    for key in report.keys:
        described = without(described, key)
    values = {"view": View(report), "described": described}
    files = {"report.json": json.dumps(described, indent=2, ensure_ascii=True) + "\n"}
    pages = templates()
    for kind in ("md", "html"):
        page = pages.get_template(f"report.{kind}.jinja").render(values)
        files[f"report.{kind}"] = report.redacted(page)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", errors="backslashreplace")
