"""Judges files of recorded traffic from the command line: reads, shows progress, ends with an exit code.

Promises: one pass over each file; progress on standard error, and only where somebody sits at it; a bug of ours ends
with its own code and shows nothing of the traffic.
Refuses: to open a connection.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trackly_contract import contract, judge
from trackly_contract import report as reporting
from trackly_contract.core import ExitCode, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from trackly_contract.report import Side

EVERY = 0.5
"""Seconds between two lines of progress."""


class Progress:
    """Says on standard error how far a file is read, if that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = time.monotonic() + EVERY
        self._wrote = False

    def tell(self, name: str, stream: BinaryIO, traffic: judge.Traffic) -> None:
        """Say it, unless it was said just now."""
        if not self._shown or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        self._wrote = True
        sys.stderr.write(f"\r\x1b[K{one_line(name)}: {traffic.records:,} records{_part(stream)}")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._wrote:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _part(stream: BinaryIO) -> str:
    try:
        size = os.fstat(stream.fileno()).st_size
        return f", {100 * min(stream.tell(), size) // size} %" if size else ""
    except (OSError, ValueError):
        return ""


def watch(paths: Iterable[str], traffic: judge.Traffic) -> tuple[list[str], list[str]]:
    """Judge files one after the other; return the names of those that were read, and why others were not."""
    read, refused = list[str](), list[str]()
    progress = Progress()
    for path in paths:
        name = "standard input" if path == judge.STANDARD_INPUT else path
        try:
            with judge.open_traffic(path) as stream:
                for item in judge.read_traffic(stream, name):
                    traffic.watch(item)
                    progress.tell(name, stream, traffic)
        except judge.NotTrafficError as error:
            refused.append(str(error))
            continue
        read.append(name)
    progress.end()
    traffic.finish()
    return read, refused


def run(
    paths: Sequence[str],
    *,
    side: Side = "both",
    meant: Sequence[str] = (),
    shared: bool = False,
    report_folder: str | None = None,
    waiver_file: str | None = None,
) -> int:
    """Judge files, print what was found, and return the exit code.

    Raises NotTrafficError if no file can be read, waivers.WaiverError if the waivers cannot be used.
    """
    now = datetime.now(UTC)
    waived = reporting.load_waivers(Path(waiver_file), contract.contract().rules, now.date()) if waiver_file else {}
    traffic = judge.Traffic(shared=shared)
    try:
        read, refused = watch(paths, traffic)
        if read:
            for why in refused:
                traffic.unreadable[why] = (1, why.partition(":")[0])
            started = now.isoformat(timespec="seconds")
            report = reporting.fold(traffic, read, started_at=started, side=side, meant=meant, waivers=waived)
            if report_folder is not None:
                reporting.write_report(report, Path(report_folder))
            text, code = (
                "\n".join((*reporting.lines(report, report_folder), *reporting.github_lines(report))),
                reporting.exit_code(report),
            )
    except Exception as error:  # noqa: BLE001  # a bug of ours is never drift, and its text may hold what was recorded
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
        text, code = f"trackly-contract itself failed, which is no drift: {place}", ExitCode.SUITE_FAILED
        read = ["something"]
    if not read:
        raise judge.NotTrafficError("\n".join(refused))
    _print(text)
    return int(code)


def _print(text: str) -> None:
    """Print, and let nobody who stops reading change the exit code."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
