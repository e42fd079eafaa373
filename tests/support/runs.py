"""Whole runs of the suite in this process, as quick as they can be: on a server, by its effort."""

import contextlib
import io
from dataclasses import replace
from typing import Any

from trackly_contract.core import Verdict
from trackly_contract.generate import Effort
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.report import Report
from trackly_contract.run import Target
from trackly_contract.run.client import Client, checked_base_url
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

WITHOUT = ("logging", "unraisableexception", "threadexception", "faulthandler", "doctest", "unittest")
QUIET = ("-q", "--no-summary", "--tb=no", "--assert=plain", *(f"-pno:{name}" for name in WITHOUT))
"""Arguments of pytest for a run whose report is all that counts: what only tells people more is left out."""


def served_target(base_url: str, audience_id: str = AUDIENCE_ID, key: str = REFERENCE_KEY) -> Target:
    """Return a reference server that is reached over real HTTP on loopback."""
    target = embedded_target(audience_id=audience_id, key=key)
    return replace(target, client=Client(checked_base_url(base_url)), base_url=base_url)


def run_target(target: Target | None, effort: Effort, *more: str) -> tuple[int, Report]:
    """Run the suite on a target, None is the reference server, and print nothing; return exit code and report."""
    with contextlib.redirect_stdout(io.StringIO()):
        code, report = run_suite(target, effort, [*QUIET, *more])
    assert report is not None
    return code, report


def run_server(
    server: Any, effort: Effort = "quick", audience: str = AUDIENCE_ID, over: Any = None
) -> tuple[int, Report]:
    """Run the suite on a server, in this process or as `over` serves it."""
    if over is None:
        return run_target(embedded_target(server.answer, audience, REFERENCE_KEY), effort)
    with over(server) as base_url:
        return run_target(served_target(base_url, audience, REFERENCE_KEY), effort)


def broken_rules(report: Report) -> list[str]:
    """Return the rules that a report calls broken, in its order."""
    return [result.rule.id for result in report.results if result.verdict is Verdict.BROKEN]
