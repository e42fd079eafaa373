"""What tests of processes share: where they run, what they see of the environment, and what one leaves when it ends."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackly_contract.core.files import data_root
from trackly_contract.reference import ReferenceServer

CHECKOUT = data_root()
SECONDS = 120
"""How long a process may take."""


@dataclass(frozen=True)
class Ran:
    """A finished process: exit code, everything it printed, and the report it wrote (None if it wrote none)."""

    code: int
    text: str
    report: dict[str, Any] | None


@dataclass(frozen=True)
class Served:
    """A server over real HTTP, and the variables that point a live run at it."""

    server: ReferenceServer
    variables: dict[str, str]


def environment(**added: str) -> dict[str, str]:
    """Return this process's environment without any TRACKLY_, PYTEST_ or GITHUB_ variable, and with those given."""
    ours = ("TRACKLY_", "PYTEST_", "GITHUB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "COLUMNS": "120", **added}


def written(report: Path) -> dict[str, Any] | None:
    """Return the report.json of a folder, None if there is none."""
    path = report / "report.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None
