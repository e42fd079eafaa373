"""What a conformance run says in the terminal: its plan before the first write, its verdict at the end.

Promises: whatever an answer holds stands in one printable line; the key shows nowhere; the plan is shown even where
pytest captures all output; a reader that goes away (`pytest | head`) is no drift.
Refuses: to decide anything, but whether somebody agreed to the plan.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackly_contract import github
from trackly_contract.failure import one_line, redacted
from trackly_contract.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from trackly_contract.plugin import Run
    from trackly_contract.report import Report

MOST_ALIKE = 3
"""Rules that are named one by one where the same is said of them; the report names them all."""


@contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    """Give standard input and output back to the terminal for a while."""
    capturing: Any = config.pluginmanager.getplugin("capturemanager")
    if capturing is None:
        yield
        return
    capturing.suspend(in_=True)
    try:
        yield
    finally:
        capturing.resume()


class _Outlet:
    """Standard output that may be closed at the other end: pytest would end with 1 then, which means drift."""

    def __init__(self, file: Any, closed: Callable[[], None]) -> None:
        self._file = file
        self._closed = closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> None:
        with self._open():
            self._file.write(text)

    def flush(self) -> None:
        with self._open():
            self._file.flush()

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())  # what is still buffered goes there too, at the very end
            os.close(nowhere)
            self._closed()


def outlive_the_reader(config: pytest.Config, closed: Callable[[], None]) -> None:
    """Go on when nobody reads standard output any more; `closed` is called then."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        writer: Any = config.get_terminal_writer()
        writer._file = _Outlet(writer._file, closed)  # noqa: SLF001  # pytest offers no other way to see it


def show_plan(config: pytest.Config, plan: str, key: str) -> bool:
    """Show the plan of a run, and return whether it may go on: where somebody can answer, that is asked.

    Nobody is asked after `--trackly-yes`, or where standard input is no terminal.
    """
    lines = [redacted(one_line(line), key) for line in plan.splitlines()]
    with _uncaptured(config):
        try:
            somebody = not config.option.trackly_yes and os.isatty(0)
        except OSError:
            somebody = False
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        write = print if reporter is None else reporter.write_line
        for line in ("", *lines):  # the dots of the tests that passed stand before it
            write(line)
        if not somebody:
            return True
        try:
            return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False


def _alike(report: Report, verdict: Verdict) -> dict[str, list[str]]:
    """Return the ids of rules by what is said of them, which may be the same of them all."""
    found: dict[str, list[str]] = {}
    for result in report.results:
        if result.verdict is verdict:
            found.setdefault(report.in_short(result), []).append(result.rule.id)
    return found


def summarize(terminalreporter: Any, run: Run, report: Report, folder: str | None) -> None:
    """Say the verdict in a few lines; `folder` is where the report was written, None if it was not."""
    session = run.session
    counts = report.counts()
    key = session.target.key

    def write(line: str) -> None:
        terminalreporter.write_line(redacted(one_line(line), key))

    terminalreporter.write_sep("=", "trackly-contract")
    write(f"verdict    {report.verdict.value}: {report.headline()}")
    stand_in = session.stamped and "stand-in" not in session.target.evidence
    write(
        f"evidence   {session.target.evidence}{', a stand-in: this says nothing of the API itself' if stand_in else ''}"
    )
    told = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    write(f"rules      {len(report.results)}: {told}")
    write(f"requests   {session.requests}, of which accepted writes {session.writes} (effort {session.effort})")
    for verdict in (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE):
        for text, ids in _alike(report, verdict).items():
            many = f"{len(ids)} rules, {ids[0]} to {ids[-1]}" if len(ids) > MOST_ALIKE else ", ".join(ids)
            write(f"  {verdict.value:<12} {many}: {text}")
    for note in dict.fromkeys((*report.notes, *session.notes)):
        write(f"note       {note}")
    if run.suite_failures:
        why = "the recordings do not fit the suite, which is no drift" if run.misfit else "a bug here, not drift"
        write(f"suite      failed in {', '.join(run.suite_failures[:3])}: {why}")
    if folder:
        write(f"report     {Path(folder) / 'report.html'}")
    if run.left:
        terminalreporter.write_line(redacted(one_line(run.left), key), red=True, bold=True)
    for line in github.tell(report):
        terminalreporter.write_line(line)
