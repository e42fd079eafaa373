"""What a conformance run says in the terminal: its plan before the first write, its verdict at the end."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.core import one_line, output_failure
from trackly_contract.report.files import github_lines
from trackly_contract.report.report import Report
from trackly_contract.report.summary import left_lines, lines, wrapped


def _width(reporter: Any) -> int | None:
    """Return the columns of the terminal, None where the output is none: there a fact stays in one line."""
    return reporter.config.get_terminal_writer().fullwidth if getattr(reporter, "isatty", False) else None


def show_plan(config: pytest.Config, plan: str) -> bool:
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
            for part in wrapped(one_line(line), width, 4):
                write(part)
        if config.option.trackly_yes or not os.isatty(0):
            return True
        try:
            return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False


def summarize(terminalreporter: Any, report: Report, folder: Path | None, *, misfit: bool = False) -> None:
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


def repeat(report: Report, folder: Path | None, *, told: bool, misfit: bool = False) -> None:
    """Say the verdict on standard error, unless it was `told` on standard output, and that could be written."""
    failure = output_failure()
    if isinstance(failure, BrokenPipeError) and not report.left:
        failure = None  # whoever stops reading wants to read no more
    if told and failure is None:
        return
    why = [f"standard output cannot be written ({failure.strerror})"] if failure is not None else []
    said = [*why, *lines(report, folder, misfit=misfit), *left_lines(report, None)]
    sys.stderr.write("".join(f"{line}\n" for line in said))
    sys.stderr.flush()
