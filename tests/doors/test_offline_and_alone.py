"""Offline runs open no connection; other people's pytest runs are left alone; replay needs no server."""

import json
import shutil
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, PYTEST, Ran, finished
from tests.support.programs import program

CONNECTS = """
import socket
from trackly_contract.run import Session

original = Session.read

def read(self, case=""):
    socket.create_connection(("127.0.0.1", 9))

Session.read = read
"""

REPLAY = ("--trackly-target=replay", "-q", "-p", "tests.doors.elsewhere")


@pytest.fixture
def reference_alone(tmp_path: Path) -> str:
    """Return a folder in which the recordings of the reference server stand, and none of the API, whoever made some."""
    folder = tmp_path / "cassettes"
    shutil.copytree(CHECKOUT / "cassettes" / "reference", folder / "reference")
    return str(folder)


@pytest.mark.parametrize("target", [("--trackly-target=reference", "-q"), REPLAY], ids=["reference", "replay"])
def test_an_offline_run_cannot_connect_even_to_loopback(
    run_pytest: Callable[..., Ran], tmp_path: Path, reference_alone: str, target: tuple[str, ...]
) -> None:
    (tmp_path / "connects.py").write_text(CONNECTS)
    variables = {"PYTHONPATH": str(tmp_path), "CASSETTES": reference_alone}
    ran = run_pytest(*target, "--trackly-effort=quick", "-p", "connects", **variables)
    assert ran.code == 3
    assert "this run is offline" in ran.text


@pytest.mark.parametrize("effort", ["quick", "standard"])
def test_replay_conforms_and_says_what_it_was_recorded_from(
    run_pytest: Callable[..., Ran], reference_alone: str, effort: str
) -> None:
    ran = run_pytest(*REPLAY, f"--trackly-effort={effort}", CASSETTES=reference_alone)
    assert ran.code == 0, ran.text
    assert ran.report["stamped"] is True
    assert "from the reference server" in ran.report["evidence"]
    assert "the API conforms" not in ran.text


def test_an_effort_that_was_not_recorded_is_a_usage_error_with_a_way_out(
    run_pytest: Callable[..., Ran], reference_alone: str
) -> None:
    ran = run_pytest(*REPLAY, "--trackly-effort=thorough", CASSETTES=reference_alone)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "--trackly-effort=standard" in ran.text


def test_bare_pytest_collects_the_conformance_suite_alone(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--collect-only", "-q")
    collected = [line for line in ran.text.splitlines() if "::" in line]
    assert len(collected) > 150
    assert all(line.startswith("tests/conformance/") for line in collected)


def test_junit_names_the_rule_of_every_test(run_pytest: Callable[..., Ran], tmp_path: Path) -> None:
    run_pytest("--trackly-effort=quick", "-q", f"--junitxml={tmp_path / 'junit.xml'}")
    cases = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")  # noqa: S314  # our own file
    named = [[p.get("value") for p in case.iter("property") if p.get("name") == "trackly_rule"] for case in cases]
    assert sum(bool(rules) for rules in named) >= len(named) - 2
    assert ["filter.time.unit"] in named


def test_another_pytest_run_keeps_its_network_its_output_and_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        textwrap.dedent(
            """
            import socket, sys

            def test_output(capsys):
                with capsys.disabled():
                    assert sys.stdout is sys.__stdout__

            def test_network():
                with socket.create_server(("127.0.0.1", 0)) as server:
                    socket.create_connection(server.getsockname()).close()

            def test_failing():
                assert False
            """
        )
    )
    done = finished(*PYTEST, "-q", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert "trackly" not in done.stdout


@pytest.mark.parametrize("effort", ["quick", "standard"])
def test_the_same_run_twice_sends_the_same_requests_and_says_the_same(
    run_pytest: Callable[..., Ran], start_pytest: Callable[..., Ran], effort: str
) -> None:
    said = []
    for run in (start_pytest, run_pytest):  # Pythons with hash seeds of their own, one of them started by hand
        report = run(f"--trackly-effort={effort}", "-q").report
        sent = [(e["method"], e["path"], e["sent"]) for e in report["exchanges"]]
        said.append(json.dumps([sent, [(rule["id"], rule["verdict"]) for rule in report["rules"]]]))
    assert said[0] == said[1]


def test_a_run_leaves_the_checkout_as_it_is(start_pytest: Callable[..., Ran]) -> None:
    status = program("git"), "status", "--porcelain"
    before = finished(*status).stdout
    start_pytest("--trackly-effort=quick", "-q")
    assert finished(*status).stdout == before
