"""Runs the conformance suite from a program: for the command line, for recordings, and for tests of the suite.

It is the same as typing `pytest`, without the caller's own settings of pytest.
"""

import os
from collections.abc import Sequence

import pytest

from trackly_contract import plugin
from trackly_contract.core import data_root, suite_folder
from trackly_contract.generate import Effort
from trackly_contract.report import Report
from trackly_contract.run import Target


def run_suite(
    target: Target | None = None, effort: Effort | None = None, arguments: Sequence[str] = ()
) -> tuple[int, Report | None]:
    """Run the suite and return its exit code and report (None if it did not get that far).

    `target` stands in for `--trackly-target`; `arguments` are pytest's own.
    """
    given = plugin.Given(target)
    options = ["-c", os.devnull, f"--rootdir={data_root()}", "--strict-markers", "--import-mode=importlib"]
    options += ["-p", "trackly-contract", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    if effort is not None:
        options.append(f"--trackly-effort={effort}")
    chosen = any(not argument.startswith("-") and "::" in argument for argument in arguments)
    where = [] if chosen else [str(suite_folder())]
    code = pytest.main([*options, *arguments, *where], plugins=[given])
    return int(code), given.run.report if given.run is not None else None
