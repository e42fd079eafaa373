"""The report of a run: rule by rule, with evidence, as JSON, Markdown and HTML.

Promises: `report.json` fits `schemas/report.json`; the key shows nowhere; a run on the reference server or on
recordings from it never reads as if the API had been asked.
Refuses: to judge: it folds findings that others made.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jinja2

from trackly_contract import __version__
from trackly_contract.contract import contract
from trackly_contract.failure import path_of, printable, redacted, short
from trackly_contract.jsonvalue import NotJSONError, parse
from trackly_contract.report_view import View
from trackly_contract.verdict import Finding, RunVerdict, Verdict, run_verdict, verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trackly_contract.exchange import Exchange
    from trackly_contract.rule import Rule
    from trackly_contract.session import Session

SCHEMA_VERSION = "1.0"
LONGEST_BODY = 20_000


@dataclass(frozen=True)
class RuleResult:
    """What one run says of one rule; `reason` says why it was skipped or could not be found out."""

    rule: Rule
    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str = ""

    @property
    def differences(self) -> list[Finding]:
        """The findings that are not simply held."""
        return [f for f in self.findings if f.verdict in (Verdict.BROKEN, Verdict.NOTED)]


@dataclass(frozen=True)
class Report:
    """One run."""

    session: Session
    results: tuple[RuleResult, ...]
    complete: bool
    started_at: str
    suite_failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> RunVerdict:
        """The verdict of the run; a suite that failed has found nothing out."""
        if self.suite_failures:
            return RunVerdict.INCONCLUSIVE
        return run_verdict(result.verdict for result in self.results)

    def counts(self) -> Counter[Verdict]:
        """Return how many rules have each verdict."""
        return Counter(result.verdict for result in self.results)

    def headline(self) -> str:
        """Return the verdict as a sentence that claims no more than was seen."""
        target = self.session.target
        who = {"live": "the API", "replay": "the recorded API"}.get(target.name, "the reference server")
        if target.name != "live" and "stand-in" in target.evidence:
            who = "the reference server"
        if self.session.stamped:
            who = "the reference server"
        said = {
            RunVerdict.CONFORMS: "conforms to",
            RunVerdict.DRIFT: "has drifted from",
            RunVerdict.INCONCLUSIVE: "could not be judged in full by",
        }[self.verdict]
        if self.suite_failures:
            return f"the suite itself failed, so nothing is said of {who}"
        part = "" if self.complete else ", as far as this run looked"
        return f"{who} {said} its documentation{part}"


def build(
    session: Session,
    *,
    started_at: str,
    looked_for: frozenset[str],
    reasons: Mapping[str, str],
    suite_failures: tuple[str, ...] = (),
) -> Report:
    """Fold a session into a report.

    `looked_for` are the rules whose tests ran to an end; `reasons` say of a rule why it was skipped or could
    not be found out.
    """
    results = []
    complete = not session.read_only
    for rule in contract().rules.values():
        findings = tuple(_capped(rule, finding) for finding in session.of(rule.id))
        verdict = verdict_of(findings)
        reason = ""
        if verdict is None and rule.untested is not None:
            verdict, reason = Verdict.SKIPPED, f"untested: {rule.untested}"
        elif verdict is None and rule.id in reasons:
            skipped = reasons[rule.id].startswith("skipped: ")
            verdict = Verdict.SKIPPED if skipped else Verdict.INCONCLUSIVE
            reason = reasons[rule.id].removeprefix("skipped: ")
        elif verdict is None and rule.id in looked_for:
            verdict, reason = Verdict.INCONCLUSIVE, "no answer of this run shows it"
        elif verdict is None:
            verdict, reason = Verdict.SKIPPED, "not part of this run"
        if rule.untested is None and rule.id not in looked_for:
            complete = False
        results.append(RuleResult(rule, verdict, findings, reason))
    return Report(session, tuple(results), complete, started_at, suite_failures, tuple(session.notes))


def _capped(rule: Rule, finding: Finding) -> Finding:
    """Return the finding, noted at most where no reference page makes the rule."""
    if finding.verdict is Verdict.BROKEN and not rule.breakable:
        return Finding(rule.id, Verdict.NOTED, finding.exchange, finding.expected, finding.got, finding.case)
    return finding


def _text(body: bytes) -> Any:
    if not body:
        return None
    if len(body) <= LONGEST_BODY:
        try:
            return parse(body)
        except NotJSONError:
            pass
    return printable(body[:LONGEST_BODY].decode("utf-8", "replace"))


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "method": exchange.request.method,
        "path": path_of(exchange.request),
        "sent": _text(exchange.request.body),
        "status": exchange.response.status,
        "answer": _text(exchange.response.body),
    }


def _evidence(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict.value,
        "case": finding.case,
        "expected": short(finding.expected),
        "got": short(finding.got),
        "exchange": finding.exchange.number if finding.exchange else None,
    }


def _rule(result: RuleResult) -> dict[str, Any]:
    told = result.differences or list(result.findings[:1])
    return {
        "id": result.rule.id,
        "verdict": result.verdict.value,
        "basis": result.rule.basis,
        "statement": result.rule.statement,
        "source": [f"{source.page}, {source.section}" for source in result.rule.sources],
        "looks": len(result.findings),
        "reason": result.reason,
        "evidence": [_evidence(finding) for finding in told],
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
        "rules": [_rule(result) for result in report.results],
        "vocabulary": session.vocabulary,
        "notes": list(report.notes),
        "exchanges": [_exchange(exchange) for exchange in session.exchanges],
    }


def _without(secret: str, value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value, secret)
    if isinstance(value, list):
        return [_without(secret, entry) for entry in value]
    if isinstance(value, dict):
        return {redacted(name, secret): _without(secret, entry) for name, entry in value.items()}
    return value


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("trackly_contract", "templates"),
        autoescape=jinja2.select_autoescape(("html.jinja",)),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def write(report: Report, folder: Path) -> None:
    """Write report.json, report.md and report.html into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = "" if report.session.target.name == "replay" else report.session.target.key
    described = _without(secret, as_json(report))
    values = {"view": View(report), "described": described}
    files = {"report.json": json.dumps(described, indent=2, ensure_ascii=True) + "\n"}
    templates = _templates()
    for kind in ("md", "html"):
        page = templates.get_template(f"report.{kind}.jinja").render(values)
        files[f"report.{kind}"] = redacted(page, secret)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", errors="backslashreplace")
