"""How fast recorded traffic is judged, against what jsonschema alone takes to validate the same bodies.

One process judges bodies that differ from one another. The bare validation reads the same JSON and reports nothing.
No test depends on a time.
"""

import base64
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.support.recordings import JSON_KEY, KEY, PATH, asked, har, har_entry, line, lines, watched
from trackly_contract.contract import contract, document
from trackly_contract.contract.vocabulary import SCHEMA_ID
from trackly_contract.core import Exchange, Request, Verdict, encode
from trackly_contract.judge import read_traffic

EXCHANGES = 3_000
ROUNDS = 3


def exchanges(count: int) -> list[Exchange]:
    """Return what a client and the reference server say to one another: an update, then a read, and so on."""
    bodies = [vector.body for vector in contract().requests.values() if vector.method == "PUT" and not vector.situation]
    bodies = [body for body in bodies if isinstance(body, dict)]
    updates = [{"name": f"audience {2 * turn}", **bodies[turn % len(bodies)]} for turn in range((count + 1) // 2)]
    pairs = [(Request("PUT", PATH, JSON_KEY, encode(body)), Request("GET", PATH, KEY)) for body in updates]
    return asked(*(request for pair in pairs for request in pair))[:count]


def write_har(path: Path, some: Sequence[Exchange]) -> int:
    """Write a HAR as browsers do; return its length in bytes."""
    started = [divmod(exchange.number, 60) for exchange in some]
    times = [f"2026-01-01T00:{minute % 60:02}:{second:02}.000Z" for minute, second in started]
    entries = (har_entry(one, startedDateTime=at, time=12.5) for one, at in zip(some, times, strict=True))
    return path.write_bytes(har(entries))


def write_lines(path: Path, some: Sequence[Exchange]) -> int:
    """Write JSON lines by our own fields, with bodies in base64; return their length in bytes."""
    bodies = ({"base64": base64.b64encode(exchange.response.body).decode()} for exchange in some)
    return path.write_bytes(lines(line(one, response_body=body) for one, body in zip(some, bodies, strict=True)))


def judged(path: Path) -> None:
    """Judge a file."""
    with path.open("rb") as stream:
        traffic = watched(read_traffic(stream, path.name))
    assert not traffic.unreadable
    assert all(not counts[Verdict.BROKEN] for counts in traffic.findings.tally.values())


def validated(some: Sequence[Exchange]) -> None:
    """Validate every body with jsonschema alone: no rules, no state, no report."""
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json")
    resources = [(found["$id"], DRAFT202012.create_resource(found)) for found in map(document, names)]
    resources.append((SCHEMA_ID, DRAFT202012.create_resource(contract().vocabulary.schema())))
    registry: Registry[Any] = Registry().with_resources(resources)
    update, audience = (Draft202012Validator(document(name), registry=registry) for name in (names[0], names[2]))
    for exchange in some:
        if exchange.request.body:
            list(update.iter_errors(json.loads(exchange.request.body)))
        if exchange.response.succeeded:
            list(audience.iter_errors(json.loads(exchange.response.body)))


def throughput(count: int = EXCHANGES) -> list[str]:
    """Return how fast files are judged by one process, as a ratio to the bare validation in the same run.

    What is compared runs in turn, so that a busy machine is busy for both; the shortest of the rounds counts.
    """
    some = exchanges(count)
    with tempfile.TemporaryDirectory() as folder:
        in_har, in_lines = Path(folder, "har"), Path(folder, "json lines")
        sizes = {in_har: write_har(in_har, some), in_lines: write_lines(in_lines, some)}
        calls: list[Callable[[], object]] = [partial(validated, some), *(partial(judged, path) for path in sizes)]
        rounds = [[elapsed(call) for call in calls] for _ in range(ROUNDS)]
    bare, *seconds = (min(times) for times in zip(*rounds, strict=True))
    rows = [f"traffic        MB/s  exchanges/s   against jsonschema alone ({count:,} exchanges)"]
    for (path, size), taken in zip(sizes.items(), seconds, strict=True):
        rows.append(f"{path.name:<10} {size / taken / 1e6:>8.1f} {count / taken:>12.0f} {taken / bare:>10.2f}x")
    rows.append(f"bare       {'':>8} {count / bare:>12.0f}       1.00x")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024 * 1024)
    rows.append(f"highest memory of this process so far: {peak} MB")
    return rows


def elapsed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
