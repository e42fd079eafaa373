"""What docs/gate.md says and shows is so: its code runs, its commands get responses, its tables are complete."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.client_project import in_a_process
from tests.support.processes import CHECKOUT, finished
from tests.support.programs import program
from trackly_contract import cli, gate_plugin
from trackly_contract.gate import Control, Gate, Scenario, network_faults, possible_responses, running
from trackly_contract.gate.command import variables
from trackly_contract.gate.control import ENDPOINTS

PAGE = CHECKOUT / "docs" / "gate.md"
TEXT = PAGE.read_text("utf-8")
CLIENT = (CHECKOUT / "examples" / "httpx_client" / "audiences.py").read_text("utf-8")


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


FIVE_LINES = blocks("python")[0]
WRONG_CLIENT = CLIENT.replace('{"name": name}', '{"id": audience_id, "name": name}')


@pytest.mark.parametrize(
    ("client", "tests", "ini", "code", "said"),
    [
        pytest.param(CLIENT, FIVE_LINES, "", 0, "1 passed", id="the first five lines"),
        pytest.param(WRONG_CLIENT, FIVE_LINES, "", 1, blocks("text")[0], id="a failure"),
        pytest.param(CLIENT, "\n".join(blocks("python")), "", 0, blocks("text")[1], id="all Python, and its coverage"),
        pytest.param(CLIENT, FIVE_LINES, blocks("ini")[0], 1, "is below the required 90 %", id="the settings"),
    ],
)
def test_what_the_page_shows_is_so(
    pytester: pytest.Pytester, client: str, tests: str, ini: str, code: int, said: str
) -> None:
    pytester.makepyfile(audiences=client, test_it=tests)
    pytester.makeini(f"{ini or '[pytest]'}\npythonpath = .\n")
    ran = in_a_process(pytester, "--strict-config", "--strict-markers")
    assert ran.ret == code
    assert said in ran.stdout.str() + "\n"


def test_the_first_lines_are_five() -> None:
    assert len([line for line in FIVE_LINES.splitlines() if line]) == 5


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
    for text in (f"each of {responses} responses", f"for {faults} network faults", f"lists all {responses + faults}."):
        assert text in TEXT


CURLS = re.findall(r"^curl .*", TEXT, re.MULTILINE)


def test_every_endpoint_is_shown_with_a_curl() -> None:
    asked = set()
    for line in CURLS:
        method = re.search(r"-X (\w+)", line)
        path = line.partition("$TRACKLY_CONTROL_URL")[2].partition(" ")[0]
        path = re.sub(r"^/audiences/.+", "/audiences/ID", path)
        asked.add(f"{method[1] if method else 'GET'} /control{path}")
    assert asked == set(ENDPOINTS)


def test_every_curl_gets_the_status_that_the_page_says() -> None:
    program("sh")
    program("curl")
    asking = 'curl() { command curl -sS --max-time 20 -o /dev/null -w "%{http_code}\\n" "$@"; }\n'
    gate = Gate()
    with running(Control(gate)):
        done = finished("sh", "-eu", "-c", asking + "\n".join(CURLS), **variables(gate))
    assert done.stderr == ""
    told = [re.search(r"# (\d+)", line) for line in CURLS]
    assert done.stdout.split() == [match[1] if match else "200" for match in told]


def names() -> set[str]:
    """Fixtures, markers, settings and options of pytest and of `serve`, and variables."""
    source = Path(gate_plugin.__file__).read_text("utf-8")
    internal = {"trackly_contract", "trackly_coverage"}
    options = {option for parameter in cli.serve.params for option in parameter.opts if option.startswith("--")}
    return ({*re.findall(r"\btrackly_\w+|--trackly[\w-]+", source)} - internal) | options | set(variables(Gate()))


@pytest.mark.parametrize("name", sorted(names()))
def test_every_name_is_on_the_page(name: str) -> None:
    assert len(names()) >= 16
    assert re.search(rf"`[^`\n]*{name}\b", TEXT) or any(name in block for block in blocks("sh"))
