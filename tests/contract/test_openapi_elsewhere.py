"""Redocly and Schemathesis, which know nothing of this project, find no fault with the OpenAPI documents.

Two checks of Schemathesis are left out. `negative_data_rejection`: the schema also fails what the documentation leaves
open (`x-open`), and a server may accept that. `positive_data_acceptance`: which sending lists there are is no matter of
a schema, and an update that names another is refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import environment
from tests.support.programs import TOOLS, tool
from trackly_contract.contract import document
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from pathlib import Path

    from trackly_contract.core import Request, Response

BUNDLE = data_root() / "schemas" / "openapi.bundled.json"
LEFT_OUT = "negative_data_rejection,positive_data_acceptance"
SECONDS = 180

# Redocly ---------------------------------------------------------------------------------------------------


def problems(what: str) -> list[str]:
    """What Redocly finds in a file, or in what its configuration names so."""
    ran = subprocess.run(
        [tool("redocly"), "lint", what, f"--config={TOOLS / 'redocly.yaml'}", "--format=json"],
        cwd=data_root(),
        env=environment(REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true"),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.stdout, ran.stderr
    return [f"{problem['ruleId']}: {problem['message']}" for problem in json.loads(ran.stdout)["problems"]]


@pytest.mark.parametrize("name", ["bundled", "split"])
def test_redocly_finds_nothing(name: str) -> None:
    assert problems(name) == []


def slipped(where: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The bundle with one value changed."""
    whole = document(BUNDLE.name)
    node = whole
    for step in where[:-1]:
        node = node[step]
    node[where[-1]] = value
    return whole


@pytest.mark.parametrize(
    ("where", "value", "rule"),
    [
        (
            ("components", "schemas", "Audience", "properties", "id", "type"),
            "integer",
            "no-invalid-media-type-examples",
        ),
        (("paths", "/v2/audiences/{id}", "get", "operationId"), "updateAudience", "operation-operationId-unique"),
        (("paths", "/v2/audiences/{id}", "get", "responses", "404", "$ref"), "#/none", "no-unresolved-refs"),
    ],
)
def test_redocly_finds_a_slip(tmp_path: Path, where: tuple[str, ...], value: Any, rule: str) -> None:
    path = tmp_path / "slipped.json"
    path.write_text(json.dumps(slipped(where, value)))
    assert rule in {problem.partition(":")[0] for problem in problems(str(path))}


# Schemathesis ----------------------------------------------------------------------------------------------


class Unknown(ReferenceServer):
    """Answers what it should refuse with a status that the document lacks."""

    def answer(self, request: Request) -> Response:
        """Answer, with 402 in the place of 400."""
        right = super().answer(request)
        return type(right)(402, right.headers, right.body) if right.status == 400 else right


def checked(server: ReferenceServer, folder: Path) -> tuple[int, str]:
    """Run Schemathesis from its command line, with all its checks but two."""
    with running(server) as base_url:
        ran = subprocess.run(
            [
                *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
                *("run", str(BUNDLE), f"--url={base_url}", f"--header=X-Api-Key: {REFERENCE_KEY}", "--no-color"),
                *("--checks=all", f"--exclude-checks={LEFT_OUT}", "--max-examples=10", "--seed=1", "--no-shrink"),
            ],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    return ran.returncode, ran.stdout + ran.stderr


def test_schemathesis_finds_nothing_in_the_reference_server(tmp_path: Path) -> None:
    code, text = checked(ReferenceServer(), tmp_path)
    assert code == 0, text
    assert "No issues found" in text


def test_schemathesis_finds_a_status_that_the_document_lacks(tmp_path: Path) -> None:
    code, text = checked(Unknown(), tmp_path)
    assert (code, "Undocumented status code" in text) == (1, True), text
