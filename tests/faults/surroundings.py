"""What may be broken around a run: a terminal, a disk, HOME; tests/doors/test_surroundings.py runs each."""

import os
from dataclasses import dataclass, field

from trackly_contract.core import ExitCode

FULL, CLOSED = "/dev/full", os.devnull
"""Where a stream leads (tests/support/warm.py)."""

CANNOT = "standard output cannot be written (No space left on device)"

EVERY_DISK_IS_FULL = """
import resource

def pytest_sessionstart():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
"""
"""No file grows beyond 1,500 bytes; those of the state folder are smaller."""

LOGS = """
import logging

def pytest_runtest_logreport():
    logging.getLogger().warning("something")
"""


@dataclass(frozen=True)
class Case:
    """What is broken about a run, and what it says of it somewhere; `code`: how it ends where the API conforms."""

    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    says: str = "verdict    "
    code: int = ExitCode.CONFORMS
    plugin: str = ""


BROKEN = {
    "standard output is full": Case((), {"STDOUT": FULL}, CANNOT),
    "standard output is full at the first line": Case(("-vv",), {"STDOUT": FULL}, CANNOT),
    "standard output is closed": Case(
        (), {"STDOUT": CLOSED}, "standard output cannot be written (Bad file descriptor)"
    ),
    "standard error is full": Case((), {"STDERR": FULL}),
    "standard error is closed": Case((), {"STDERR": CLOSED}),
    "both are full": Case((), {"STDOUT": FULL, "STDERR": FULL}, ""),
    "both are closed": Case((), {"STDOUT": CLOSED, "STDERR": CLOSED}, ""),
    "every disk is full": Case(("-vv",), says="", code=10, plugin=EVERY_DISK_IS_FULL),
    "there is no HOME": Case((), {"HOME": ""}),
    "HOME is none": Case((), {"HOME": "/dev/null/home"}),
    "the JUnit file is full": Case(("--junitxml=/dev/full",), says="unwritten  ", code=10),
    "the log file is full": Case(("--log-file=/dev/full",), says="unwritten  ", code=10, plugin=LOGS),
    "the report cannot be written": Case(("--trackly-report=/dev/null/x",), says="/report.html", code=10),
}
