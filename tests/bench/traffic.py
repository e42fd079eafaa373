"""How fast recorded traffic is judged, against what jsonschema alone takes to validate the same bodies.

Promises: bodies that differ from one another; one process; the bare validation reads the same JSON and reports
nothing.
Refuses: to judge: no test depends on a time.
"""

from __future__ import annotations

import base64
import copy
import json
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.support.recordings import JSON_KEY, KEY, PATH, har_entry, line
from trackly_contract.contract import contract, document
from trackly_contract.contract.vocabulary import SCHEMA_ID
from trackly_contract.core import Exchange, Request, Verdict, encode
from trackly_contract.judge import Traffic
from trackly_contract.judge.recorded import files as traffic_files
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


EXCHANGES = 3_000
ROUNDS = 3


def exchanges(count: int) -> Iterator[Exchange]:
    """Yield what a client and the reference server say to one another: an update, then a read, and so on."""
    server = ReferenceServer()
    bodies = [vector.body for vector in contract().requests.values() if vector.method == "PUT" and not vector.situation]
    bodies = [body for body in bodies if isinstance(body, dict)]
    for number in range(count):
        request = Request("GET", PATH, KEY)
        if number % 2 == 0:
            body = copy.deepcopy(bodies[number // 2 % len(bodies)])
            body.setdefault("name", f"audience {number}")
            request = Request("PUT", PATH, JSON_KEY, encode(body))
        yield Exchange(request, server.answer(request), number + 1)


def _timed(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as browsers write it."""
    minute, second = divmod(exchange.number, 60)
    return har_entry(exchange, startedDateTime=f"2026-01-01T00:{minute % 60:02}:{second:02}.000Z", time=12.5)


def _packed(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as a line by our own member names."""
    return line(exchange, response_body={"base64": base64.b64encode(exchange.response.body).decode()})


def write_har(path: Path, some: Sequence[Exchange], times: int = 1) -> int:
    """Write a HAR that holds exchanges several times over; return its length in bytes."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"log": {"version": "1.2", "creator": {"name": "bench", "version": "1"}, "entries": [')
        for turn in range(times):
            for number, exchange in enumerate(some):
                file.write(f"{',' if turn or number else ''}\n{json.dumps(_timed(exchange))}")
        file.write("\n]}}\n")
    return path.stat().st_size


def write_lines(path: Path, some: Sequence[Exchange]) -> int:
    """Write JSON lines; return their length in bytes."""
    path.write_text("".join(f"{json.dumps(_packed(exchange))}\n" for exchange in some), "utf-8")
    return path.stat().st_size


def judged(path: Path) -> Traffic:
    """Judge a file."""
    traffic = Traffic()
    with traffic_files.open_traffic(str(path)) as stream:
        for item in traffic_files.read_traffic(stream, path.name):
            traffic.watch(item)
    traffic.finish()
    assert not traffic.unreadable
    assert all(not counts[Verdict.BROKEN] for counts in traffic.findings.tally.values())
    return traffic


def _bare() -> tuple[Draft202012Validator, Draft202012Validator]:
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json")
    resources = [(found["$id"], DRAFT202012.create_resource(found)) for found in map(document, names)]
    resources.append((SCHEMA_ID, DRAFT202012.create_resource(contract().vocabulary.schema())))
    registry: Registry[Any] = Registry().with_resources(resources)
    update, audience = (Draft202012Validator(document(name), registry=registry) for name in (names[0], names[2]))
    return update, audience


def validated(some: Sequence[Exchange]) -> None:
    """Validate every body with jsonschema alone: no rules, no state, nothing told."""
    update, audience = _bare()
    for exchange in some:
        if exchange.request.body:
            list(update.iter_errors(json.loads(exchange.request.body)))
        if exchange.response.succeeded:
            list(audience.iter_errors(json.loads(exchange.response.body)))


def throughput(count: int = EXCHANGES) -> list[str]:
    """Return how fast files are judged by one process, as a ratio to the bare validation in the same run.

    What is compared runs in turn, so that a busy machine is busy for both; the shortest of the rounds counts.
    """
    some = list(exchanges(count))
    with tempfile.TemporaryDirectory() as folder:
        har, lines = Path(folder, "har"), Path(folder, "json lines")
        sizes = {har: write_har(har, some), lines: write_lines(lines, some)}
        calls: list[Callable[[], object]] = [partial(validated, some), partial(judged, har), partial(judged, lines)]
        rounds = [[_seconds(call) for call in calls] for _ in range(ROUNDS)]
    bare, *seconds = (min(times) for times in zip(*rounds, strict=True))
    rows = [f"traffic        MB/s  exchanges/s   against jsonschema alone ({count:,} exchanges)"]
    for (path, size), taken in zip(sizes.items(), seconds, strict=True):
        rows.append(f"{path.name:<10} {size / taken / 1e6:>8.1f} {count / taken:>12.0f} {taken / bare:>10.2f}x")
    rows.append(f"bare       {'':>8} {count / bare:>12.0f}       1.00x")
    rows.append(f"highest memory of this process so far: {memory()} MB")
    return rows


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def memory() -> int:
    """Return the most memory that this process held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 if sys.platform != "darwin" else 1024 * 1024)


if __name__ == "__main__":
    sys.stdout.write("\n".join(throughput()) + "\n")
