"""Runs Schemathesis on a server of the proof, through our OpenAPI document, as well as it can be run there.

It has every check, every phase, inferred links and the known id, and raises no alarm on the reference server. Its exit
code is its verdict. Two documents, since a keyword can be open: from one it makes bodies that must be taken (existing
sending lists alone), from the other bodies that must be refused (what is open counts as fine there).
"""

import copy
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from trackly_contract.core.files import data_root
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, documented_audience

CASES = 20
"""Generated cases per operation and run: of 31 mutants, 100 cases caught none of the 16 that 20 cases had missed."""

TAKEN = ("--mode", "all", "--checks", "all", "--exclude-checks", "negative_data_rejection")
REFUSED = (
    *("--mode", "negative", "--phases", "examples,coverage,fuzzing", "--checks"),
    "negative_data_rejection,not_a_server_error,status_code_conformance,response_schema_conformance",
)
ALWAYS = ("--suppress-health-check", "all", "--generation-database", "none", "--seed", "1", "--no-shrink")


def _with_known_lists(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with sending lists that exist: that an id is unknown no schema can say."""
    known: dict[str, Any] = copy.deepcopy(document)
    members = known["components"]["schemas"]["Update"]["properties"]
    members["source_lists"]["items"] = {"enum": documented_audience()["source_lists"]}
    return known


def _without_open(schema: Any) -> Any:
    """Return a schema in which only what the error table refuses fails: an open keyword goes, a type may be null."""
    if isinstance(schema, list):
        return [_without_open(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    gone = set(schema.get("x-open", ())) - set(schema.get("x-error", ()))
    found = {key: _without_open(value) for key, value in schema.items() if key not in gone}
    if "type" in gone:
        named = schema["type"]
        found["type"] = [*(named if isinstance(named, list) else [named]), "null"]
    return found


@contextmanager
def _prepared() -> Iterator[list[tuple[Path, tuple[str, ...]]]]:
    """Write documents and settings to a folder of their own, go there, and yield what to run."""
    document = _with_known_lists(json.loads((data_root() / "schemas" / "openapi.bundled.json").read_text("utf-8")))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schemathesis.toml").write_text(f'[parameters]\nid = "{AUDIENCE_ID}"\n', "utf-8")
        (folder / "taken.json").write_text(json.dumps(document), "utf-8")
        (folder / "refused.json").write_text(json.dumps(_without_open(document)), "utf-8")
        os.chdir(folder)
        try:
            yield [(folder / "taken.json", TAKEN), (folder / "refused.json", REFUSED)]
        finally:
            os.chdir(before)


def schemathesis_says(base_url: str, cases: int = CASES) -> int:
    """Run Schemathesis on what is served at `base_url`; return its worst exit code: 0 is no alarm, 1 an alarm.

    Raises RuntimeError for any other exit code: then it could not run at all.
    """
    from schemathesis.cli import schemathesis

    worst = 0
    with _prepared() as runs:
        for document, options in runs:
            given = ["--url", base_url, "--header", f"X-Api-Key: {REFERENCE_KEY}", "--max-examples", str(cases)]
            result = CliRunner().invoke(
                schemathesis, ["--config-file", "schemathesis.toml", "run", str(document), *given, *ALWAYS, *options]
            )
            if result.exit_code not in (0, 1):
                raise RuntimeError(f"Schemathesis on {document.name}: exit code {result.exit_code}\n{result.output}")
            worst = max(worst, result.exit_code)
    return worst
