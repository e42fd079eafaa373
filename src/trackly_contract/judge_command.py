"""The command `trackly-contract judge`: judges recorded traffic and returns an exit code. Opens no connection."""

import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click

from trackly_contract import contract, judge
from trackly_contract import report as reporting
from trackly_contract.core import ExitCode
from trackly_contract.report import Side


def _records(paths: Iterable[str], read: list[str], unread: list[str]) -> Iterator[judge.Item]:
    """Yield the records of files, one file after the other; add each file to one of the lists."""
    for path in paths:
        name = "standard input" if path == judge.STANDARD_INPUT else path
        try:
            with judge.open_traffic(path) as stream:
                yield from judge.read_traffic(stream, name)
            read.append(name)
        except judge.NotTrafficError as error:
            unread.append(str(error))


def _watch(paths: Iterable[str], traffic: judge.Traffic) -> list[str]:
    """Judge files one after the other, and return the names of those that were read; the others are unreadable."""
    read, unread = list[str](), list[str]()
    items = _records(paths, read, unread)
    bar = click.progressbar(items, label="judging", show_pos=True, file=sys.stderr, update_min_steps=100)
    with bar if sys.stderr.isatty() else nullcontext(items) as shown:
        for item in shown:
            traffic.watch(item)
    traffic.finish()
    if not read:
        raise judge.NotTrafficError("\n".join(unread))
    traffic.unreadable.update({why: (1, why.partition(":")[0]) for why in unread})
    return read


def run(
    paths: Sequence[str],
    *,
    side: Side = "both",
    allow: Sequence[str] = (),
    shared: bool = False,
    report_folder: str | None = None,
    waiver_file: str | None = None,
) -> int:
    """Judge files, print what was found, and return the exit code.

    Raises NotTrafficError if no file can be read, WaiverError if the waivers cannot be used.
    """
    now = datetime.now(UTC)
    waived = reporting.load_waivers(Path(waiver_file), contract.contract().rules, now.date()) if waiver_file else {}
    traffic = judge.Traffic(shared=shared)
    try:
        read, started = _watch(paths, traffic), now.isoformat(timespec="seconds")
        report = reporting.fold(traffic, read, started_at=started, side=side, allow=allow, waivers=waived)
        if report_folder is not None:
            reporting.write_report(report, Path(report_folder))
        text = "\n".join((*reporting.lines(report, report_folder), *reporting.github_lines(report)))
        code = reporting.exit_code(report)
    except judge.NotTrafficError:
        raise
    except Exception as error:  # noqa: BLE001  # a bug of ours is never drift, and its text may hold what was recorded
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
        text, code = f"trackly-contract itself failed, which is no drift: {place}", ExitCode.SUITE_FAILED
    try:
        click.echo(text)
    except BrokenPipeError:  # who stops reading does not change the exit code
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return int(code)
