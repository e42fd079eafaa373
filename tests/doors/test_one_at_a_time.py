"""Runs on one audience refuse each other, and a run of a live API refuses to be spread over processes."""

import json
import os
from collections.abc import Callable

import pytest

from tests.support.processes import Ran
from tests.support.warm import AS_IT_WAS, Stand
from trackly_contract.core import Request
from trackly_contract.core.files import suite_folder
from trackly_contract.run.journal import locked

REFUSED = "step by step, so on a live API it runs in one process: run it without -n and --tx"

forks = pytest.mark.skipif(os.name != "posix", reason="forks are POSIX")


@forks
def test_a_second_run_is_refused_names_the_first_and_sends_nothing(stand: Stand) -> None:
    with locked(stand.journal, "check, standard"):
        ended = stand.run()
    assert (ended.code, stand.server.number) == (pytest.ExitCode.USAGE_ERROR, 0), ended.text
    assert f"another run is using this audience (check, standard: process {os.getpid()} on " in ended.text
    assert "Traceback" not in ended.text


@forks
def test_restore_is_refused_while_a_run_goes_and_sends_nothing(stand: Stand) -> None:
    with locked(stand.journal, "check, standard"):
        ended = stand.restore()
    assert (ended.code, stand.server.number) == (10, 0), ended.text
    assert "not put back: " in ended.text
    assert "check, standard" in ended.text


@forks
def test_a_run_is_refused_while_restore_goes(stand: Stand) -> None:
    with locked(stand.journal, "restore"):
        ended = stand.run()
    assert (ended.code, stand.server.number) == (pytest.ExitCode.USAGE_ERROR, 0), ended.text
    assert "(restore: process " in ended.text


@forks
def test_a_run_that_only_reads_is_not_refused(stand: Stand) -> None:
    with locked(stand.journal, "check, standard"):
        ended = stand.run("--trackly-read-only")
    assert ended.code == 0, ended.text


@forks
def test_the_lock_is_held_from_the_first_request_to_the_last(stand: Stand) -> None:
    held: list[bool] = []

    def after(_number: int, _request: Request) -> None:
        held.append("owner.json" in stand.left())

    stand.server.after = after
    assert stand.run().code == 0
    assert held == [True] * stand.server.number
    assert stand.left() == []


@forks
def test_the_lock_names_the_run_that_holds_it(stand: Stand) -> None:
    found = {}

    def after(number: int, _request: Request) -> None:
        if number == 1:
            found.update(json.loads(next(stand.state.glob("*.owner.json")).read_text("utf-8")))

    stand.server.after = after
    stand.run()
    assert found["what"] == "check, quick"


@forks
def test_a_lock_that_cannot_be_read_refuses_a_run(stand: Stand) -> None:
    stand.state.mkdir(exist_ok=True)
    owner = stand.journal.path.with_name(stand.journal.path.name.replace(".journal.json", ".owner.json"))
    owner.write_text("{", "utf-8")
    ended = stand.run()
    assert (ended.code, stand.server.number) == (pytest.ExitCode.USAGE_ERROR, 0), ended.text
    assert f"{owner}: the owner of the lock of this audience cannot be read" in ended.text


@forks
def test_a_run_on_another_audience_is_not_refused(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "e" * 24
    stand.server.store.audiences[other] = {**next(iter(stand.server.store.audiences.values())), "id": other}
    monkeypatch.setitem(stand.variables, "TRACKLY_AUDIENCE_ID", other)
    with locked(stand.journal, "check, standard"):
        ended = stand.run()
    assert (ended.code, stand.server.content) == (0, AS_IT_WAS), ended.text


@pytest.mark.parametrize("spread", [("-n", "2"), ("-n", "auto"), ("--dist", "load", "--tx", "2*popen")], ids=" ".join)
@pytest.mark.parametrize("named", [False, True], ids=["bare", "named"])
def test_a_spread_run_of_a_live_api_is_refused_and_says_how_to_run_it(
    run_pytest: Callable[..., Ran], spread: tuple[str, ...], named: bool
) -> None:
    ran = run_pytest("--trackly-target=live", *spread, *([str(suite_folder())] if named else []))
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert REFUSED in ran.text


def test_check_with_processes_is_refused_too(capsys: pytest.CaptureFixture[str]) -> None:
    from trackly_contract.suite import run_suite

    assert run_suite(None, "quick", ["--trackly-target=live", "-n", "2"])[0] == pytest.ExitCode.USAGE_ERROR
    assert REFUSED in capsys.readouterr().err
