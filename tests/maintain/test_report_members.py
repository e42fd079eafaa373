"""docs/report.md: every field is described, its examples run, its exit codes are the plugin's."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.maintain import report_members
from tests.report.test_summary import BREAKABLE, broken
from trackly_contract.contract import contract, document
from trackly_contract.core import ExitCode
from trackly_contract.core.files import data_root
from trackly_contract.report import files as report_files
from trackly_contract.report import report

TEXT = (data_root() / "docs" / "report.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def objects(node: Any) -> list[dict[str, Any]]:
    """Return every object of the schema that has fields."""
    if isinstance(node, list):
        return [found for entry in node for found in objects(entry)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "object" else []
    return own + [found for value in node.values() for found in objects(value)]


def test_every_field_of_the_schema_is_in_the_document() -> None:
    found = objects(document("report.json"))
    assert len(found) == 3 + len(report_members.PARTS)  # the report itself, its traffic, and a waiver within a rule
    for part in found:
        assert set(part["required"]) <= set(part["properties"])
        for name, field in part["properties"].items():
            says = re.escape(field["description"])
            assert re.search(rf"^\| `(waiver\.|traffic\.)?{name}` \| .+ \| .*{says} \|$", TEXT, re.MULTILINE)


def test_only_what_may_be_absent_is_said_to_be() -> None:
    absent = {"`waiver`", "`last_live`", "`reading`", "`traffic`", "`client`"}
    assert set(re.findall(r"^\| (\S+) \| .* \| may be absent; ", TEXT, re.MULTILINE)) == absent


def test_a_field_without_a_description_is_an_error() -> None:
    part = {"required": ["a"], "properties": {"a": {"type": "string"}}}
    with pytest.raises(LookupError, match=r"schemas/report\.json: a has no description"):
        [*report_members.rows(part)]


def test_every_exit_code_of_a_run_is_in_the_document() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \| ", TEXT, re.MULTILINE)}
    pytests_own = {int(pytest.ExitCode.INTERRUPTED), int(pytest.ExitCode.USAGE_ERROR)}
    assert codes == {*map(int, ExitCode), *pytests_own}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report of a run in which two rules are broken."""
    asked = broken(2)
    asked.exchanges.append(asked.findings[0].exchange)
    seen = report.build_report(
        asked, started_at="2026-11-22T00:00:00+00:00", looked_for=frozenset(contract().rules), reasons={}
    )
    folder = tmp_path_factory.mktemp("examples")
    report_files.write_report(seen, folder / "report")
    return folder


def printed(example: str, folder: Path) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) == 3


def test_the_first_example_names_what_is_broken(folder: Path) -> None:
    lines = printed(EXAMPLES[0], folder)
    assert [line.split()[0] for line in lines] == BREAKABLE[:2]
    assert "expected what is documented got /0: xxx" in lines[0]


def test_the_second_example_does_not_take_the_reference_server_for_the_api(folder: Path) -> None:
    assert printed(EXAMPLES[1], folder) == ["False"]


def test_the_third_example_shows_the_exchange(folder: Path) -> None:
    assert printed(EXAMPLES[2], folder) == [f"{rule} PUT /v2/audiences/{{id}} None 200" for rule in BREAKABLE[:2]]
