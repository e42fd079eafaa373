"""Runs the suite, and Schemathesis beside it, on mutants and variants, in parallel, and keeps what was said of each.

Each run has a fresh server, and is judged by its exit code and report alone, as a user would.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tests.integrity.mutants import all_mutants
from tests.integrity.variants import Variant, variants
from tests.proof.schemathesis_runs import schemathesis_says
from tests.support.runs import broken_rules, run_server
from trackly_contract.core import Request, Response
from trackly_contract.gate import http as serve
from trackly_contract.generate import Effort
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.reference import ReferenceServer

Kind = Literal["reference", "mutant", "variant"]
CONFORMING = "the reference server"

RUNS_A_PROCESS = 25
"""Runs until a process is replaced: Schemathesis grows slower and larger in one."""

EVERY = 4
"""Schemathesis is run on one variant in so many; on all mutants."""


@dataclass(frozen=True)
class Job:
    """One run to make: of the suite at an effort, or of Schemathesis (None)."""

    kind: Kind
    id: str
    effort: Effort | None


@dataclass(frozen=True)
class Outcome:
    """What one run said: `broken` are the rules it named, in its order."""

    job: Job
    code: int
    verdict: str
    broken: tuple[str, ...]
    requests: int
    seconds: float

    @property
    def drift(self) -> bool:
        """Whether the run raised an alarm."""
        return self.code == 1


def jobs() -> list[Job]:
    """Return every run of a proof, the quickest first."""
    found: list[Job] = []
    for effort in (*EFFORTS, None):
        found.append(Job("reference", CONFORMING, effort))
        found += [Job("mutant", mutant.id, effort) for mutant in all_mutants()]
        found += [Job("variant", variant.id, effort) for variant in variants()[:: EVERY if effort is None else 1]]
    return found


@cache
def _servers() -> dict[tuple[Kind, str], Variant]:
    """Return every server by kind and id; to measure, all are what a variant is: a maker, and a way to serve it."""
    found: dict[tuple[Kind, str], Variant] = {
        ("reference", CONFORMING): Variant(CONFORMING, "store", ReferenceServer),
        **{("variant", variant.id): variant for variant in variants()},
    }
    return found | {("mutant", mutant.id): Variant(mutant.id, "", mutant.make) for mutant in all_mutants()}


class _Counting(ReferenceServer):
    """Hands requests on and counts them."""

    def __init__(self, server: Any) -> None:
        super().__init__()
        self.server, self.counted = server, 0

    def answer(self, request: Request) -> Response:
        self.counted += 1
        answer: Response = self.server.answer(request)
        return answer


def run(job: Job) -> Outcome:
    """Make one run, in this process."""
    server = _servers()[job.kind, job.id]
    answering: Any = server.make()
    if job.effort is None:
        return _beside(job, server, _Counting(answering))
    started = time.perf_counter()
    code, report = run_server(answering, job.effort, server.audience, server.over_http)
    seconds = time.perf_counter() - started
    broken = tuple(broken_rules(report))
    return Outcome(job, code, report.verdict.value, broken, report.session.requests, seconds)


def _beside(job: Job, server: Variant, counting: _Counting) -> Outcome:
    with (server.over_http or serve.running)(counting) as base_url:
        started = time.perf_counter()
        code = schemathesis_says(base_url)
        seconds = time.perf_counter() - started
    return Outcome(job, code, "alarm" if code else "no alarm", (), counting.counted, seconds)


def run_all(wanted: Iterable[Job], tell: Callable[[], None]) -> list[Outcome]:
    """Make every run on the cores there are; `tell` is called after each."""
    todo = list(wanted)
    done: dict[Job, Outcome] = {}
    # Not concurrent.futures: with tasks limited a process, its pool of Python 3.11 comes to a standstill.
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=RUNS_A_PROCESS) as pool:
        for outcome in pool.imap_unordered(run, todo):
            done[outcome.job] = outcome
            tell()
    return [done[job] for job in todo]
