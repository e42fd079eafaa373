"""The report of a run as values: a verdict for every rule, and for the run.

Promises: every rule of the contract has a verdict, or a reason why it has none; a run on the reference server or on
recordings from it never reads as if the API had been asked.
Refuses: to judge: it folds findings that others made; to write files (report_files.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.contract import contract
from trackly_contract.verdict import Finding, RunVerdict, Verdict, run_verdict, verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackly_contract.rule import Rule
    from trackly_contract.session import Session


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
