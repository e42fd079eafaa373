"""What docs/gate.md says and shows is so: its code runs, its commands are answered, its tables are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import CHECKOUT, SECONDS, environment
from tests.support.programs import program
from trackly_contract import cli, gate_plugin
from trackly_contract.gate import Control, Gate, network_faults, possible_responses, running
from trackly_contract.gate.command import variables
from trackly_contract.gate.control import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trackly_contract.gate import Scenario

PAGE = CHECKOUT / "docs" / "gate.md"
TEXT = PAGE.read_text("utf-8")
CLIENT = CHECKOUT / "examples" / "httpx_client" / "audiences.py"


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


class Ran:
    """A pytest of its own in a folder that holds the example's client, and perhaps a changed one."""

    def __init__(self, folder: Path, tests: str, ini: str = "[pytest]\n", *, client: str | None = None) -> None:
        (folder / "audiences.py").write_text(client or CLIENT.read_text("utf-8"), "utf-8")
        (folder / "test_it.py").write_text(tests, "utf-8")
        (folder / "pytest.ini").write_text(f"{ini}pythonpath = .\n", "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--strict-config", "--strict-markers", "-p", "no:cacheprovider"],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        self.code, self.output = done.returncode, done.stdout + done.stderr


def test_five_lines_are_enough_for_an_httpx_client(tmp_path: Path) -> None:
    lines = blocks("python")[0]
    ran = Ran(tmp_path, lines)
    assert ran.code == 0, ran.output
    assert len([line for line in lines.splitlines() if line]) == 5


def test_the_five_lines_fail_with_the_text_that_is_shown(tmp_path: Path) -> None:
    client = CLIENT.read_text("utf-8").replace('{"name": name}', '{"id": audience_id, "name": name}')
    ran = Ran(tmp_path, blocks("python")[0], client=client)
    assert ran.code == 1
    assert blocks("text")[0] in ran.output


def test_all_python_of_the_page_runs_as_one_file_and_covers_what_is_shown(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "\n".join(blocks("python")))
    assert ran.code == 0, ran.output
    assert blocks("text")[1] in ran.output


def test_the_settings_are_known_and_the_share_is_required(tmp_path: Path) -> None:
    ran = Ran(tmp_path, blocks("python")[0], blocks("ini")[0])
    assert ran.code == 1
    assert "is below the required 90 %" in ran.output
    assert "1 passed" in ran.output


def rows(scenarios: Iterable[Scenario], ends_at: int) -> list[str]:
    return [
        f"| `{scenario.name.split('-', ends_at)[ends_at]}` | {scenario.status or ''} | {scenario.description} |"
        for scenario in scenarios
        if scenario.operation == "read"
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(rows([each for each in possible_responses().values() if each.success], 2), id="successes"),
        pytest.param(rows(network_faults().values(), 1), id="network faults"),
        pytest.param([f"| `{name}` | {does} |" for name, does in ENDPOINTS.items()], id="endpoints"),
    ],
)
def test_a_table_is_complete(wanted: list[str]) -> None:
    shown = TEXT.replace("\\|", "|").splitlines()
    assert [row for row in wanted if row not in shown] == []


def test_the_numbers_of_scenarios_are_those_of_today() -> None:
    responses, faults = len(possible_responses()), len(network_faults())
    assert f"each of {responses} responses" in TEXT
    assert f"for {faults} network faults" in TEXT
    assert f"lists all {responses + faults}." in TEXT


CURLS = [line for block in blocks("sh", section("The control interface")) for line in block.splitlines()]


def test_every_endpoint_is_shown_with_a_curl() -> None:
    asked = set()
    for line in CURLS:
        method = re.search(r"-X (\w+)", line)
        path = line.partition("$TRACKLY_CONTROL_URL")[2].partition(" ")[0]
        path = re.sub(r"^/audiences/.+", "/audiences/ID", path)
        asked.add(f"{method[1] if method else 'GET'} /control{path}")
    assert asked == set(ENDPOINTS)


def test_every_curl_is_answered_as_the_page_says() -> None:
    program("sh")
    program("curl")
    asking = 'curl() { command curl -sS --max-time 20 -o /dev/null -w "%{http_code}\\n" "$@"; }\n'
    gate = Gate()
    with running(Control(gate)):
        done = subprocess.run(
            ["sh", "-eu", "-c", asking + "\n".join(CURLS)],
            env=environment(**variables(gate)),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.stderr == ""
    told = [re.search(r"# (\d+)", line) for line in CURLS]
    assert done.stdout.split() == [match[1] if match else "200" for match in told]


class Parser:
    """Takes down what a pytest plugin adds to the command line and to the settings."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def getgroup(self, *_: Any) -> Parser:
        return self

    def addoption(self, name: str, **_: Any) -> None:
        self.names.append(name)

    addini = addinivalue_line = lambda self, name, *_, **__: self.names.append(name)


def options() -> list[str]:
    parser: Any = Parser()
    gate_plugin.pytest_addoption(parser)
    given = [option for parameter in cli.serve.params for option in parameter.opts if option.startswith("--")]
    return [*parser.names, *given]


@pytest.mark.parametrize("name", [*options(), "trackly_operation", *variables(Gate())])
def test_every_option_setting_and_variable_is_on_the_page(name: str) -> None:
    assert re.search(rf"`[^`\n]*{name}\b", TEXT) or any(name in block for block in blocks("sh"))


def test_every_fixture_is_on_the_page() -> None:
    fixtures = re.findall(r"@pytest\.fixture\ndef (\w+)", (CHECKOUT / gate_plugin.__file__).read_text("utf-8"))
    assert len(fixtures) == 5
    assert [name for name in fixtures if f"`{name}`" not in TEXT] == []


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
