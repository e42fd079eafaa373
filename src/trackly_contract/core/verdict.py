"""Verdicts of a rule and of a run, and how a run ends.

A parent can only get worse: broken outweighs noted, noted outweighs held.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    """How a run or a command ends; any other code is pytest's own."""

    CONFORMS = 0
    DRIFT = 1
    STOPPED = 2  # of a command also: a usage error
    SUITE_FAILED = 3
    CANNOT_BEGIN = 4
    INCONCLUSIVE = 10


@dataclass
class Ending:
    """What decides, beside the verdict, how a run or a judgement of traffic ends.

    `stopped`: what stopped it, in order. `suite_failures`: bugs of ours, or recordings that do not fit. `left`: what of
    the audience is not as it was, "" if it is. `unwritten`: files that were asked for and cannot be written.
    """

    stopped: list[str] = field(default_factory=list)
    suite_failures: list[str] = field(default_factory=list)
    left: str = ""
    unwritten: list[str] = field(default_factory=list)

    @contextmanager
    def survived(self) -> Iterator[None]:
        """Keep what fails inside: out of a hook of pytest it would end the process with 1, which means drift."""
        try:
            yield
        except KeyboardInterrupt as stop:
            self.stopped.append(str(stop) or "SIGINT")
        except OSError as error:
            self.unwritten.append(f"a file at the end of the run: {error}")
        except Exception as error:  # noqa: BLE001
            self.suite_failures.append(f"the end of the run ({error!r})")

    def exit_code(self, verdict: RunVerdict, other: int = 0) -> int:
        """Return the exit code; `other` is that of pytest where it ended for a reason of its own, 0 elsewhere."""
        if self.stopped:
            return ExitCode.STOPPED
        if self.suite_failures:
            return ExitCode.SUITE_FAILED
        if other:
            return other
        if verdict is RunVerdict.CONFORMS and (self.left or self.unwritten):
            return ExitCode.INCONCLUSIVE
        return ExitCode[verdict.name]


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
