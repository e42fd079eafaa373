"""Programs that some tests need: found by name; a test that lacks one is skipped by that name, or fails.

With TRACKLY_REQUIRE_PROGRAMS set, as CI does, a missing program is a failure.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRED = "TRACKLY_REQUIRE_PROGRAMS"
TOOLS = Path(__file__).parents[1] / "tools"
"""Where `npm ci --ignore-scripts` installs what its package.json names."""


def program(*names: str) -> str:
    """Return the path of the first of these programs that is there; skip the test, or fail it, if there is none."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        missing(names[0])
    return found


def tool(name: str) -> str:
    """Return the path of a program of tests/tools; skip the test, or fail it, if it is not installed there."""
    found = TOOLS / "node_modules" / ".bin" / name
    if not found.exists():
        missing(f"{name} (npm ci --ignore-scripts --prefix tests/tools)")
    program("node")
    return str(found)


def missing(name: str) -> NoReturn:
    """Skip the test, or fail it where programs are required."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{name} is not installed, and {REQUIRED} says that it must be")
    pytest.skip(f"needs {name}, which is not installed")
