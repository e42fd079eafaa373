"""The examples do what their README says: the client passes, its twin with a bug fails with the text shown there."""

import re
import shlex
import shutil
import sys
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, finished
from tests.support.programs import program

FOLDER = CHECKOUT / "examples"
EXAMPLES = {
    "httpx_client": ("audiences.py", []),
    "requests_client": ("audience_report.py", []),
    "node_fetch": ("audiences.mjs", ["node"]),
    "shell_curl": ("put_audience.sh", ["sh", "curl"]),
    "har": ("rename.html", ["chromium"]),
}
"""The client of each example, and the programs that its tests need."""

NAMES = pytest.mark.parametrize("name", EXAMPLES)


def readme(name: str) -> str:
    return (FOLDER / name / "README.md").read_text("utf-8")


def block(name: str, language: str) -> list[str]:
    """Return the lines of the first code block of a language in an example's README."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", readme(name), re.MULTILINE | re.DOTALL)
    return found[0].splitlines()


def run(line: str, name: str, into: Path) -> tuple[int, str]:
    """Run a line of a README in a copy of its folder, without a shell; return exit code and output."""
    programs = {needed: program(needed) for needed in EXAMPLES[name][1]}
    folder = shutil.copytree(FOLDER / name, into / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    output = ""
    for command in line.split(" && "):
        words = shlex.split(command)
        settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z]+=", word))
        words = words[len(settings) :]
        path = str(Path(sys.executable).parent / words[0])
        done = finished(path, *words[1:], cwd=folder, **settings, BROWSER=programs.get("chromium", ""))
        output += done.stdout + done.stderr
        if done.returncode:
            break
    return done.returncode, output


def test_every_example_is_tested() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/README.md")} == set(EXAMPLES)


@NAMES
def test_the_client_passes_and_covers_what_its_readme_says(name: str, tmp_path: Path) -> None:
    code, output = run(block(name, "sh")[0], name, tmp_path)
    (claimed,) = re.findall(r"`((?:responses received|client) .*?)`", readme(name))
    assert code == 0, output
    assert claimed in output


@NAMES
def test_the_twin_fails_with_the_text_that_its_readme_shows(name: str, tmp_path: Path) -> None:
    code, output = run(block(name, "sh")[1], name, tmp_path)
    assert code == 1, output
    assert [line for line in block(name, "text") if line not in output.splitlines()] == []


@NAMES
def test_the_twin_differs_in_one_line_and_the_readme_is_short(name: str) -> None:
    client = FOLDER / name / EXAMPLES[name][0]
    twin = client.with_stem(f"{client.stem}_with_bug")
    one, other = (path.read_text("utf-8").splitlines() for path in (client, twin))
    edits = [code for code in SequenceMatcher(None, one, other, autojunk=False).get_opcodes() if code[0] != "equal"]
    assert [(last - first, to - start <= 1) for _, first, last, start, to in edits] == [(1, True)]

    assert len(readme(name).splitlines()) <= 25
