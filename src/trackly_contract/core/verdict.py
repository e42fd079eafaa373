"""Values of judgement: a finding, the verdict of a rule, the verdict and exit code of a run.

Promises: a parent can only get worse: broken outweighs noted, noted outweighs held.
Refuses: to decide what a difference is worth (judge.py, followed.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackly_contract.core.http import Exchange


class Verdict(StrEnum):
    """What is said of one rule."""

    HELD = "held"
    NOTED = "noted"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class RunVerdict(StrEnum):
    """What is said of one run."""

    CONFORMS = "conforms"
    DRIFT = "drift"
    INCONCLUSIVE = "inconclusive"


class ExitCode(IntEnum):
    """How a conformance run ends; any other code is pytest's own."""

    CONFORMS = 0
    DRIFT = 1
    SUITE_FAILED = 3
    INCONCLUSIVE = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one rule.

    `expected` and `got` are short texts for people, empty when the rule held; `case` names the vector, and
    the place where it stood, that brought the finding up; `exchange` is the evidence.
    """

    rule: str
    verdict: Verdict
    exchange: Exchange | None = None
    expected: str = ""
    got: str = ""
    case: str = ""


_WEIGHT = (Verdict.BROKEN, Verdict.NOTED, Verdict.HELD, Verdict.INCONCLUSIVE)


def verdict_of(findings: Iterable[Finding]) -> Verdict | None:
    """Return the verdict of a rule from all looks at it; None if nobody looked."""
    seen = {finding.verdict for finding in findings}
    return next((verdict for verdict in _WEIGHT if verdict in seen), None)


def run_verdict(verdicts: Iterable[Verdict]) -> RunVerdict:
    """Return the verdict of a run from those of its rules: one broken rule is drift, no rule judged says nothing."""
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return RunVerdict.DRIFT
    if Verdict.INCONCLUSIVE in seen or not seen & {Verdict.HELD, Verdict.NOTED}:
        return RunVerdict.INCONCLUSIVE
    return RunVerdict.CONFORMS


class BrokenError(Exception):
    """A rule is broken: the API is at fault, not the suite. Carries the findings that say so."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(sorted({finding.case or finding.rule for finding in self.findings})))


class InconclusiveError(Exception):
    """It could not be found out whether a rule holds; the text says why and what to do."""
