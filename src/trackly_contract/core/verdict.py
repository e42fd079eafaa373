"""Verdicts of a rule and of a run, and how a run ends.

A parent can only get worse: broken outweighs noted, noted outweighs held.
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


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


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict of several looks at one rule; None if nobody looked."""
    seen = set(verdicts)
    by_weight = (Verdict.BROKEN, Verdict.NOTED, Verdict.HELD, Verdict.INCONCLUSIVE)
    return next((verdict for verdict in by_weight if verdict in seen), None)


def run_verdict(verdicts: Iterable[Verdict]) -> RunVerdict:
    """Return the verdict of a run from those of its rules: one broken rule is drift, no rule judged says nothing."""
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return RunVerdict.DRIFT
    if Verdict.INCONCLUSIVE in seen or not seen & {Verdict.HELD, Verdict.NOTED}:
        return RunVerdict.INCONCLUSIVE
    return RunVerdict.CONFORMS


class InconclusiveError(Exception):
    """It could not be found out whether a rule holds; the text says why and what to do."""


class SkippedError(Exception):
    """What a test asks for is not part of this run; the text says why."""
