"""What writing the report adds to a run, and what taking out the key costs.

Runs with and without a report take turns, so that a busy machine is busy for both. Garbage is collected before each:
which of the two would else collect that of the other is chance.
"""

import gc
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

from tests.support.runs import run_target
from trackly_contract.core import encode, redacted_message
from trackly_contract.core.http import Response
from trackly_contract.generate import Effort
from trackly_contract.reference import documented_audience

ROUNDS = 9
MOST = 0.3
"""What a report may add to a run."""

MEGABYTE = 1_000_000
KEY = f"trk_{hashlib.sha256(b'a key').hexdigest()[:32]}"

_ESCAPED: tuple[Callable[[str], str], ...] = (
    str,
    lambda char: f"%{ord(char):02x}",
    lambda char: f"\\u{ord(char):04x}",
    lambda char: f"&#{ord(char)};",
    lambda char: f"%25{ord(char):02x}",
)


def _seconds(call: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    call()
    return time.process_time() - started


def reports() -> list[str]:
    """Return how long a run of each effort takes in this process, without and with a report, and the ratio."""
    lines = ["run          without ms   with a report ms   ratio"]
    efforts: tuple[Effort, ...] = ("quick", "standard")
    with tempfile.TemporaryDirectory() as folder:
        for effort in efforts:
            written = partial(run_target, None, effort, f"--trackly-report={folder}")
            written()  # compiles the templates
            pairs = [(_seconds(partial(run_target, None, effort)), _seconds(written)) for _ in range(ROUNDS)]
            without, added = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
            ratio = statistics.median(both / alone for alone, both in pairs)
            too_much = "" if ratio <= 1 + MOST else f"   more than {1 + MOST}"
            lines.append(f"{effort:<10} {without:>12.0f} {added:>18.0f} {ratio:>7.2f}x{too_much}")
    return lines


def redaction() -> list[str]:
    """Return how long it takes to take a key out of a megabyte of each kind, and of one audience."""
    audience = encode(documented_audience())
    mixed = "".join(way(char) for way, char in islice(zip(cycle(_ESCAPED), cycle(KEY[::-1])), MEGABYTE // 4))
    kinds = {
        "an audience": audience,
        "audiences": audience * (MEGABYTE // len(audience)),
        "JSON in JSON": json.dumps(json.dumps([documented_audience()] * 1_500)).encode(),
        "mixed escapes": mixed.encode(),
        "keys": f"{KEY} ".encode() * (MEGABYTE // 37),
    }
    lines = ["redaction              bytes         ms"]
    for name, body in kinds.items():
        rounds = 3 if len(body) > len(audience) else 1_000
        call = partial(redacted_message, Response(200, (), body), KEY)
        seconds = min(_seconds(lambda: [call() for _ in range(rounds)]) for _ in range(3)) / rounds  # noqa: B023
        lines.append(f"{name:<14} {len(body):>13,} {seconds * 1e3:>10.3f}")
    return lines
