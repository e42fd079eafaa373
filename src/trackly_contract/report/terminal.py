"""What a conformance run says in the terminal: its plan before the first write, its verdict at the end."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from trackly_contract.core import one_line, redacted
from trackly_contract.report.files import github_lines
from trackly_contract.report.report import Report
from trackly_contract.report.summary import left_lines, lines, wrapped


class _Outlet:
    """Standard output that may be closed at the other end: pytest would end with 1 then, which means drift."""

    def __init__(self, file: Any, closed: Callable[[], None]) -> None:
        self._file = file
        self._closed = closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> None:
        self._unless_closed(self._file.write, text)

    def flush(self) -> None:
        self._unless_closed(self._file.flush)

    def _unless_closed(self, do: Callable[..., object], *arguments: str) -> None:
        try:
            do(*arguments)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())  # what is still buffered goes there too, at the very end
            os.close(nowhere)
            self._closed()


def ignore_broken_pipe(config: pytest.Config, closed: Callable[[], None]) -> None:
    """Go on when nobody reads standard output any more; `closed` is called then."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        writer: Any = config.get_terminal_writer()
        writer._file = _Outlet(writer._file, closed)  # noqa: SLF001  # pytest offers no other way to see it


def _width(reporter: Any) -> int | None:
    """Return the columns of the terminal, None where the output is none: there a fact stays in one line."""
    return reporter.config.get_terminal_writer().fullwidth if getattr(reporter, "isatty", False) else None


def show_plan(config: pytest.Config, plan: str, key: str) -> bool:
    """Show the plan of a run, and return whether it may go on: where somebody can answer, that is asked.

    Nobody is asked after `--trackly-yes`, or where standard input is no terminal.
    """
    capturing: Any = config.pluginmanager.getplugin("capturemanager")
    with ExitStack() as afterwards:
        if capturing is not None:
            capturing.suspend(in_=True)
            afterwards.callback(capturing.resume)
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        write, width = (print, None) if reporter is None else (reporter.write_line, _width(reporter))
        write("")  # the dots of the tests that passed stand before it
        for line in plan.splitlines():
            for part in wrapped(redacted(one_line(line), key), width, 4):
                write(part)
        if config.option.trackly_yes or not os.isatty(0):
            return True
        try:
            return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False


def summarize(terminalreporter: Any, report: Report, folder: str | None, *, misfit: bool = False) -> None:
    """Say the verdict in a few lines; `folder` is where the report was written, None if it was not.

    `misfit`: the recordings do not fit the suite. An audience that is not as it was stands last, in red.
    """
    width = _width(terminalreporter)
    terminalreporter.write_sep("=", "trackly-contract")
    for line in lines(report, folder, width, misfit=misfit):
        terminalreporter.write_line(line)
    for line in left_lines(report, width):
        terminalreporter.write_line(line, red=True, bold=True)
    for line in github_lines(report):
        terminalreporter.write_line(line)
