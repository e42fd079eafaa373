"""Runs the suite on mutants and variants, in parallel, and keeps what was said of each.

Promises: each run has a fresh server; a run is judged by its report alone, as a user would.
Refuses: to print what the runs print; to write documents (document.py).
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.integrity.mutants_all import all_mutants
from tests.integrity.variants import variants
from trackly_contract.cases import EFFORTS, Effort
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run import run_suite
from trackly_contract.targets import Target, embedded_target, served_target
from trackly_contract.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Kind = Literal["mutant", "variant"]
QUIET = ("-q", "--no-summary", "--tb=no")


@dataclass(frozen=True)
class Job:
    """One run to make."""

    kind: Kind
    id: str
    effort: Effort


@dataclass(frozen=True)
class Outcome:
    """What one run said: `broken` are the rules it named, in its order; `digest` tells its requests apart."""

    job: Job
    code: int
    verdict: str
    broken: tuple[str, ...]
    requests: int
    writes: int
    seconds: float


def jobs(efforts: Sequence[Effort] = EFFORTS) -> list[Job]:
    """Return every mutant and every variant at every effort."""
    found = [Job("mutant", mutant.id, effort) for effort in efforts for mutant in all_mutants()]
    return found + [Job("variant", variant.id, effort) for effort in efforts for variant in variants()]


def run(job: Job) -> Outcome:
    """Make one run, in this process."""
    if job.kind == "mutant":
        server = next(mutant.make() for mutant in all_mutants() if mutant.id == job.id)
        target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
        return _outcome(job, target)
    variant = next(variant for variant in variants() if variant.id == job.id)
    answering = variant.make()
    if variant.over_http is None:
        return _outcome(job, embedded_target(answering.answer, variant.audience, REFERENCE_KEY))
    with variant.over_http(answering) as base_url:
        return _outcome(job, served_target(base_url, variant.audience, REFERENCE_KEY))


def _outcome(job: Job, target: Target) -> Outcome:
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        code, report = run_suite(target, job.effort, QUIET)
    seconds = time.perf_counter() - started
    assert report is not None
    broken = tuple(result.rule.id for result in report.results if result.verdict is Verdict.BROKEN)
    session = report.session
    return Outcome(job, code, report.verdict.value, broken, session.requests, session.writes, seconds)


def run_all(wanted: Iterable[Job], tell: Callable[[int, int], None]) -> list[Outcome]:
    """Make every run on the cores there are; `tell` is called with how many are done, of how many."""
    todo = list(wanted)
    done: list[Outcome] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for future in as_completed([pool.submit(run, job) for job in todo]):
            done.append(future.result())
            tell(len(done), len(todo))
    order = {job: index for index, job in enumerate(todo)}
    return sorted(done, key=lambda outcome: order[outcome.job])
