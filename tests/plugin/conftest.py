"""Runs pytest and the command line as a user would: in a process of their own, over real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import data
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.serve import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHECKOUT = data.root()
SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """A finished process: exit code, everything it printed, and the report it wrote (None if it wrote none)."""

    code: int
    text: str
    report: dict[str, Any] | None


def environment(**added: str) -> dict[str, str]:
    """Return this process's environment without any TRACKLY_ or PYTEST_ variable, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKLY_", "PYTEST_"))}
    return {**kept, "COLUMNS": "120", **added}


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., Ran]:
    """Run `pytest --trackly-report=... *arguments` in the checkout."""

    def run(*arguments: str, **variables: str) -> Ran:
        folder = tmp_path / "report"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--trackly-report={folder}", *arguments]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment(TRACKLY_STATE_DIR=str(tmp_path / "state"), **variables),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        written = folder / "report.json"
        report = json.loads(written.read_text("utf-8")) if written.exists() else None
        return Ran(done.returncode, done.stdout + done.stderr, report)

    return run


@dataclass(frozen=True)
class Served:
    """A server over real HTTP, and the variables that point a live run at it."""

    server: ReferenceServer
    variables: dict[str, str]


@pytest.fixture
def serve() -> Iterator[Callable[[ReferenceServer], Served]]:
    """Serve a server on loopback until the test ends."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(server: ReferenceServer) -> Served:
            base_url = stack.enter_context(running(server))
            return Served(
                server,
                {
                    "TRACKLY_BASE_URL": base_url,
                    "TRACKLY_API_KEY": REFERENCE_KEY,
                    "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
                },
            )

        yield start
