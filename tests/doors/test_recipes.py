"""The recipes of docs/ci, run as they stand: nights in a row against one server, and a gate around a command."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.run.test_live_history import TakesAnyUnit
from tests.support.processes import CHECKOUT, COMMAND, finished, script
from tests.support.way import Way, way
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

RECIPES = CHECKOUT / "docs" / "ci"
RULE = "filter.time.unit"


@dataclass(frozen=True)
class Night:
    """What was left after one night."""

    code: int
    text: str
    issues: list[dict[str, Any]]


class House:
    """A folder with the programs that a recipe calls, the tracker's issues, and what stays from night to night."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tracker = folder / "issues.json"
        self.keep = folder / "keep"
        self.tracker.write_text("[]")
        self.program("trackly-contract", f'exec "{sys.executable}" -m trackly_contract.cli "$@"')
        self.program("gh", f'exec "{sys.executable}" "{CHECKOUT}/tests/doors/fake_gh.py" "{self.tracker}" "$@"')

    def program(self, name: str, line: str) -> None:
        """Put a program on the path of the recipes."""
        script(self.folder / "bin" / name, line)

    def run(self, recipe: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a recipe to its end."""
        variables |= {"TRACKLY_KEEP": str(self.keep), "TRACKLY_STATE_DIR": str(self.folder / "state")}
        variables["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return finished("sh", str(RECIPES / recipe), *arguments, cwd=self.folder, **variables)

    def night(self, api: Way) -> Night:
        """Run the nightly recipe against a server."""
        done = self.run("nightly.sh", "--effort", "quick", **api.variables)
        return Night(done.returncode, done.stdout + done.stderr, json.loads(self.tracker.read_text()))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Night]:
    """Four nights: the rule is broken, is still broken, holds, and is broken again."""
    house = House(tmp_path_factory.mktemp("nights"))
    told = []
    with way(stamped=True) as api:
        for broken in (True, True, False, True):
            api.server = TakesAnyUnit() if broken else ReferenceServer()
            told.append(house.night(api))
    return told


def states(night: Night) -> list[tuple[str, str]]:
    return [(issue["title"].split()[1].rstrip(":"), issue["state"]) for issue in night.issues]


def test_a_night_of_drift_opens_one_issue_and_is_no_failure(nights: Sequence[Night]) -> None:
    assert (nights[0].code, states(nights[0])) == (0, [(RULE, "OPEN")]), nights[0].text


def test_the_issue_says_what_was_asked_and_what_came(nights: Sequence[Night]) -> None:
    body = nights[0].issues[0]["body"]
    assert '"unit": "weeks"' in body
    assert "expected   400 invalid_time_unit\ngot        200" in body
    assert REFERENCE_KEY not in body


def test_the_same_drift_the_next_night_opens_nothing_more(nights: Sequence[Night]) -> None:
    assert (nights[1].code, nights[1].issues) == (0, nights[0].issues), nights[1].text


def test_a_rule_that_holds_again_closes_its_issue_with_a_comment(nights: Sequence[Night]) -> None:
    assert (nights[2].code, states(nights[2])) == (0, [(RULE, "CLOSED")]), nights[2].text
    assert nights[2].issues[0]["comments"][0].startswith(f"The rule `{RULE}` is held, asked at")


def test_a_rule_that_breaks_again_opens_an_issue_of_its_own(nights: Sequence[Night]) -> None:
    assert states(nights[3]) == [(RULE, "CLOSED"), (RULE, "OPEN")], nights[3].text


def test_from_the_second_night_on_the_change_is_told(nights: Sequence[Night]) -> None:
    assert ["No longer broken (1):" in night.text for night in nights] == [False, False, True, False]
    assert "Broken now (1):" in nights[3].text


@pytest.fixture
def api(serve: Callable[..., Way]) -> Way:
    return serve()


def test_a_night_without_an_answer_opens_nothing_and_is_no_failure(house: House, api: Way) -> None:
    api.down()
    night = house.night(api)
    assert (night.code, night.issues) == (0, []), night.text
    assert "nightly: inconclusive" in night.text


@pytest.mark.parametrize("code", [2, 3, 4])
def test_a_suite_that_failed_fails_the_night_and_touches_no_issue(house: House, api: Way, code: int) -> None:
    house.program("trackly-contract", f"exit {code}")
    house.program("gh", "echo gh was called; exit 1")
    night = house.night(api)
    assert (night.code, "gh was called" in night.text) == (code, False), night.text


def test_a_tracker_that_fails_fails_the_night_which_then_does_not_count_as_the_last(house: House, api: Way) -> None:
    house.program("gh", "exit 4")
    api.server = TakesAnyUnit()
    night = house.night(api)
    assert night.code == 4, night.text
    assert not (house.keep / "last.json").exists()


# The gate --------------------------------------------------------------------------------------------------

READS = """
import os, sys, urllib.request
url = f"{os.environ['TRACKLY_BASE_URL']}/v2/audiences/{os.environ['TRACKLY_AUDIENCE_ID']}"
asked = urllib.request.Request(url, headers={"X-Api-Key": os.environ["TRACKLY_API_KEY"]})
print(url, urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10).status)
sys.exit(7)
"""


def test_a_gate_gives_its_command_a_mock_api_and_ends_as_it_did(house: House) -> None:
    done = house.run("gate.sh", sys.executable, "-c", READS)
    assert (done.returncode, done.stdout.split()[-1:]) == (7, ["200"]), done.stderr
    port = int(done.stdout.split("127.0.0.1:")[1].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_gate_without_a_command_says_how_it_is_used(house: House) -> None:
    done = house.run("gate.sh")
    assert (done.returncode, done.stderr) == (2, "usage: gate.sh COMMAND [ARGUMENT...]\n")


@pytest.mark.parametrize(
    ("script", "variables", "says"),
    [
        (READS.replace("X-Api-Key", "Authorization"), {}, "  instead    the API key in X-Api-Key\n"),
        (READS, {"TRACKLY_FAIL_UNDER": "responses:50"}, "is below the required 50 %"),
        ("", {}, "FAILED no request arrived"),
    ],
    ids=["violation", "little coverage", "nothing sent"],
)
def test_a_gate_fails_where_the_client_does(house: House, script: str, variables: dict[str, str], says: str) -> None:
    done = house.run("gate.sh", sys.executable, "-c", script.replace("7", "0"), **variables)
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr


# Both ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.sh")), ids=lambda path: path.name)
def test_the_command_line_prints_a_recipe_as_it_stands(path: Path) -> None:
    assert finished(*COMMAND, "recipe", path.name).stdout == path.read_text("utf-8")
