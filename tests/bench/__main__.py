"""Benchmarks: `make bench`. Requests and writes of a run against their ceilings, and times as ratios in one run.

Every figure is measured in this run; times are medians, and only their ratios are worth quoting. No test needs one.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from tests.bench.report import redaction, reports
from tests.bench.start import starts
from tests.bench.traffic import elapsed, throughput
from tests.support.runs import run_server
from trackly_contract.contract import GUARD, NOBODY, schemas
from trackly_contract.core import JSON, encode, parse
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.reference import ReferenceServer
from trackly_contract.run.sandbox import CEILINGS


def _median(call: Callable[[], object], rounds: int) -> float:
    return statistics.median(elapsed(call) for _ in range(rounds))


def _nested(depth: int) -> dict[str, JSON]:
    found: JSON = NOBODY
    for _ in range(depth - 1):
        found = {"operator": "AND", "conditions": [GUARD], "groups": [found]}
    return {"filter": found}


def _judged(server: ReferenceServer, body: dict[str, JSON]) -> None:
    list(server.faults(body))


def runs() -> list[str]:
    """Return what a run of each effort sends, against its ceiling, and how long it takes."""
    lines = ["effort     requests  ceiling   writes  ceiling   seconds   against quick"]
    first = 0.0
    for effort in EFFORTS:
        seconds = []
        for _ in range(3):
            server = ReferenceServer()
            started = time.perf_counter()
            _, report = run_server(server, effort)
            seconds.append(time.perf_counter() - started)
        requests, writes = report.session.requests, report.session.writes
        median = statistics.median(seconds)
        first = first or median
        most = CEILINGS[effort]
        figures = f"{requests:>8} {most[0]:>8} {writes:>8} {most[1]:>8} {median:>9.2f} {median / first:>10.1f}x"
        lines.append(f"{effort:<10} {figures}")
    return lines


def judgements() -> list[str]:
    """Return how long one judgement takes by schema and by the reference server, against reading the JSON."""
    lines = ["filter     parse ms   schema ms   against parse   server ms   against parse"]
    server = ReferenceServer()
    for depth in (1, 15, 100):
        body = _nested(depth)
        text = encode(body)
        read = _median(partial(parse, text), 50)
        schema = _median(partial(schemas().decide, body), 20)
        judged = _median(partial(_judged, server, body), 20)
        figures = f"{read * 1e3:>8.3f} {schema * 1e3:>11.3f} {schema / read:>14.0f}x"
        lines.append(f"depth {depth:<4} {figures} {judged * 1e3:>11.3f} {judged / read:>14.1f}x")
    return lines


if __name__ == "__main__":
    for table in (runs(), reports(), redaction(), judgements(), starts(), throughput()):
        sys.stdout.write("\n".join(table) + "\n\n")
