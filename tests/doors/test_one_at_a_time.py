"""Runs on one audience refuse each other, and a run of a live API refuses to be spread over processes."""

import json
import os
from collections.abc import Callable

import pytest

from tests.support.processes import Ran
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, Strike, Way
from trackly_contract.core.files import suite_folder
from trackly_contract.run.journal import locked
from trackly_contract.suite import run_suite

REFUSED = "step by step, so on a live API it runs in one process: run it without -n and --tx"
USAGE = pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("holder", "work", "code", "says"),
    [
        ("check, standard", Stand.run, USAGE, "another run is using this audience"),
        ("check, standard", Stand.restore, 10, "not put back: "),
        ("restore", Stand.run, USAGE, "another run is using this audience"),
    ],
)
def test_a_second_run_is_refused_names_the_first_and_sends_nothing(
    stand: Stand, holder: str, work: Callable[[Stand], Ran], code: int, says: str
) -> None:
    with locked(stand.journal, holder):
        ended = work(stand)
    assert (ended.code, stand.asked) == (code, []), ended.text
    assert says in ended.text
    assert f"({holder}: process {os.getpid()} on " in ended.text
    assert "Traceback" not in ended.text


def test_a_run_that_only_reads_is_not_refused(stand: Stand) -> None:
    with locked(stand.journal, "check, standard"):
        ended = stand.run("--trackly-read-only")
    assert ended.code == 0, ended.text


def test_the_lock_names_its_run_from_the_first_request_to_the_last(stand: Stand) -> None:
    holders = []

    def look(_way: Way) -> Strike | None:
        owners = [json.loads(path.read_text("utf-8"))["what"] for path in stand.state.glob("*.owner.json")]
        holders.append(owners)
        return None

    stand.strike = look
    assert stand.run().code == 0
    assert holders == [["check, quick"]] * len(stand.asked)
    assert stand.left() == []


def test_a_lock_that_cannot_be_read_refuses_a_run(stand: Stand) -> None:
    stand.state.mkdir(exist_ok=True)
    owner = stand.journal.path.with_name(stand.journal.path.name.replace(".journal.jsonl", ".owner.json"))
    owner.write_text("{", "utf-8")
    ended = stand.run()
    assert (ended.code, stand.asked) == (USAGE, []), ended.text
    assert f"{owner}: another run may be using this audience (its owner file cannot be read" in ended.text


def test_a_run_on_another_audience_is_not_refused(stand: Stand) -> None:
    other = "e" * 24
    stand.server.store.audiences[other] = {**next(iter(stand.server.store.audiences.values())), "id": other}
    with locked(stand.journal, "check, standard"):
        ended = stand.run(TRACKLY_AUDIENCE_ID=other)
    assert (ended.code, stand.content) == (0, AS_IT_WAS), ended.text


@pytest.mark.parametrize("spread", [("-n", "2"), ("-n", "auto"), ("--dist", "load", "--tx", "2*popen")], ids=" ".join)
@pytest.mark.parametrize("named", [False, True], ids=["bare", "named"])
def test_a_spread_run_of_a_live_api_is_refused_and_says_how_to_run_it(
    run_pytest: Callable[..., Ran], spread: tuple[str, ...], named: bool
) -> None:
    ran = run_pytest("--trackly-target=live", *spread, *([str(suite_folder())] if named else []))
    assert ran.code == USAGE
    assert REFUSED in ran.text


def test_check_with_processes_is_refused_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_suite(None, "quick", ["--trackly-target=live", "-n", "2"])[0] == USAGE
    assert REFUSED in capsys.readouterr().err
