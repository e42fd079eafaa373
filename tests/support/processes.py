"""Processes of their own: where they run, what they see of the environment, and what one leaves when it ends."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackly_contract.core.files import data_root

CHECKOUT = data_root()
SECONDS = 180
"""How long a process may take."""

COMMAND = (sys.executable, "-m", "trackly_contract.cli")
PYTEST = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
    *("--disable-plugin-autoload", "-p", "trackly_contract.plugin"),
)
"""A pytest that loads no plugin but ours, which takes seconds less."""


@dataclass(frozen=True)
class Ran:
    """A process that ended: exit code (-9 if it was killed), what it printed, and report.json, if any."""

    code: int
    text: str
    report: Any = None


def environment(**added: str) -> dict[str, str]:
    """Return this process's environment and what is added, without what would change what is tested.

    That is any TRACKLY_, PYTEST_ or GITHUB_ variable, and what leads Python elsewhere or keeps it from keeping what it
    compiled.
    """
    prefixes = ("TRACKLY_", "PYTEST_", "GITHUB_")
    names = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes) and name not in names}
    return {**kept, "COLUMNS": "120", **added}


def finished(*command: str, cwd: Path | str = CHECKOUT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with nothing to read and with these variables."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def reported(folder: Path) -> Any:
    """Return the report.json of a folder, None if there is none."""
    path = folder / "report.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def script(path: Path, line: str) -> None:
    """Write a program of one line of shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    path.chmod(0o755)
