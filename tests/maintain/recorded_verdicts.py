"""What the last live recording says of each rule: the suite, run on `cassettes/live`.

Promises: nothing but answers of a live API; a verdict stands with the day it was recorded on.
Refuses: a recording of a stand-in, a damaged one, and one that today's suite does not fit; to say where it was asked,
for a recording does not keep that.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from trackly_contract.core import short
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import read_manifest
from trackly_contract.run.live_history import RecordingError, Recordings
from trackly_contract.run.targets import replay_target
from trackly_contract.suite import run_suite

if TYPE_CHECKING:
    from trackly_contract.core import Verdict
    from trackly_contract.report.report import RuleResult


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a live API did about one rule, and the day; `said` is what came, or why it was not found out."""

    verdict: Verdict
    said: str
    date: str


def verdicts() -> dict[str, Recorded]:
    """Return the verdicts of the newest live recording by rule, none where there is no recording.

    Raises RecordingError if there is one that says nothing of the API, or cannot be used.
    """
    folder = cassettes.cassette_folder("live")
    if not (folder / "manifest.json").is_file():
        return {}
    Recordings(folder)
    manifest = read_manifest(folder)
    # Of several that were recorded on one day the one with the fewest requests: each asks every rule.
    effort = max(
        (effort for effort in EFFORTS if effort in manifest.efforts),
        key=lambda effort: (manifest.day(effort), -EFFORTS.index(effort)),
    )
    with redirect_stdout(StringIO()):
        _, report = run_suite(replay_target(effort), effort, ("-q", "--no-summary", "--tb=no"))
    if report is None or report.suite_failures:
        raise RecordingError(f"{folder}: today's suite asks something else; record again (make record)")
    return {
        result.rule.id: Recorded(result.verdict, _said(result), manifest.day(effort))
        for result in report.results
        if result.rule.untested is None
    }


def _said(result: RuleResult) -> str:
    worst = next((found.got for found in result.differences if found.verdict is result.verdict), result.reason)
    return short(worst, 160)
