"""The digest of what a proof was made from, so that `make check` can say when docs/proof.md is of other inputs.

Promises: it changes with whatever a verdict depends on, on every Python the same.
Refuses: to change with comments and docstrings.
"""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING

from trackly_contract import data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNRELATED = frozenset(
    {
        *("cli", "plugin", "options", "terminal", "secrets", "journal", "lock", "interrupts", "live", "offline"),
        *("cassettes", "recorder", "ledger", "standins", "swap", "recording", "record_reference"),
        *("last_live", "second_reading", "waivers", "compare", "observed", "tomlfile"),
        *("layout", "snippets", "report_advice", "report_assumed", "report_diff", "report_known", "report_matrix"),
        *("generated", "report", "report_files", "report_view", "failure"),
        *("questions", "precedence", "limits", "answers", "atlas", "contradictions", "mentioned"),
        *("recorded_verdicts", "report_members", "markdown"),
        *("docs_page", "docs_html", "docs_request", "docs_facts", "docs_file", "docs_held", "docs_which", "docs_drift"),
        *("mentioned", "github", "issues", "judge_request", "request_text"),
        *("possible_answers", "gate", "gate_coverage", "gate_httpx", "gate_control", "gate_server", "gate_run"),
        *("survival", "gate_plugin"),
        *("traffic", "traffic_har", "traffic_lines", "traffic_cassette", "traffic_files", "traffic_state"),
        *("traffic_body", "traffic_judge", "traffic_report", "traffic_run"),
    }
)
"""Stems of files that decide of no answer what it says: how a run is started, kept, told and put back."""

PATTERNS = (
    "contracts/**/*.json",
    "contracts/**/*.toml",
    "schemas/*.json",
    "src/trackly_contract/*.py",
    "tests/conformance/*.py",
    "tests/integrity/mutants*.py",
    "tests/integrity/variants*.py",
    "tests/proof/measure.py",
    "tests/proof/schemathesis_runs.py",
)


def code_of(source: str) -> str:
    """Return the lines of a Python module that are neither comment nor docstring."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (int(node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line for line in lines if line.strip() and not line.strip().startswith("#"))


def files() -> Iterator[Path]:
    """Yield the files that a verdict depends on, in a fixed order."""
    root = data.root()
    found = {path for pattern in PATTERNS for path in root.glob(pattern)}
    yield from sorted(path for path in found if path.stem not in UNRELATED)


def digest() -> str:
    """Return the SHA-256 of names and contents of the files, as hexadecimal digits."""
    found = hashlib.sha256()
    for path in files():
        text = path.read_text("utf-8")
        content = code_of(text) if path.suffix == ".py" else text
        found.update(f"{path.relative_to(data.root()).as_posix()}\0{content}\0".encode())
    return found.hexdigest()
