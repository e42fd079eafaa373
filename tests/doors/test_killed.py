"""A run that is killed at any request at all: what it left behind is put back by `restore`, or by the next run."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.processes import COMMAND, finished, reported
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, at_request, undisturbed
from trackly_contract.contract import as_request, matches_nobody

KILLED = -9
MOST = 100
"""More requests than a quick run, or a restore, sends."""

REACHING = ("filter", "source_lists")


def _kill_at(stand: Stand, number: int, *, applied: bool = True) -> None:
    """Kill the asking process when a request arrives: after it was applied, or in its place."""
    stand.strike = at_request(number, stand.signalling(SIGKILL, applied=applied))


def _is_safe(stand: Stand) -> bool:
    """Whether what a killed run left behind reaches nobody whom the audience did not reach before."""
    as_it_was = [stand.content[name] == AS_IT_WAS[name] for name in REACHING]
    return matches_nobody(as_request(stand.content["filter"])) or all(as_it_was)


@pytest.mark.parametrize(("applied", "step"), [(True, 1), (False, 3)], ids=["applied", "not applied"])
def test_a_run_killed_at_any_request_is_put_back_by_restore(stand: Stand, applied: bool, step: int) -> None:
    wrong = []
    changed = 0
    for number in range(1, MOST, step):
        stand.fresh()
        _kill_at(stand, number, applied=applied)
        ended = stand.run()
        if ended.code != KILLED:
            break  # the run has fewer requests
        changed += stand.content != AS_IT_WAS
        safe = _is_safe(stand)
        stand.strike = undisturbed
        restored = stand.restore()
        if (restored.code, stand.content, stand.left(), safe) != (0, AS_IT_WAS, [], True):
            wrong.append(f"killed at {number}: safe {safe}, left {stand.left()}, {restored}")
    assert wrong == []
    assert (ended.code, number > 50, changed > 30 / step) == (0, True, True)


def test_a_run_killed_anywhere_is_put_back_by_the_next_run(stand: Stand) -> None:
    wrong = []
    for number in (1, 4, 5, 20, 40, 49, 50, 51, 52):
        stand.fresh()
        _kill_at(stand, number)
        assert stand.run().code == KILLED
        stand.strike = undisturbed
        ended = stand.run()
        if (ended.code, stand.content, stand.left()) != (0, AS_IT_WAS, []):
            wrong.append(f"killed at {number}: left {stand.left()}, {ended}")
    assert wrong == []


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
def test_a_restore_killed_at_any_request_is_finished_by_the_next(stand: Stand, applied: bool) -> None:
    wrong = []
    for number in range(1, MOST):
        stand.fresh()
        _kill_at(stand, 40)
        assert stand.run().code == KILLED
        stand.forget()
        _kill_at(stand, number, applied=applied)
        ended = stand.restore()
        if ended.code != KILLED:
            break  # a restore has fewer requests
        stand.strike = undisturbed
        restored = stand.restore()
        if (restored.code, stand.content, stand.left()) != (0, AS_IT_WAS, []):
            wrong.append(f"killed at {number}: left {stand.left()}, {restored}")
    assert wrong == []
    assert (ended.code, number) == (0, 6)


def test_what_a_killed_run_left_is_put_back_first_and_that_is_said(stand: Stand, tmp_path: Path) -> None:
    _kill_at(stand, 20)
    stand.run()
    assert stand.left() == ["journal.jsonl", "owner.json"]
    stand.strike = undisturbed
    ended = stand.run(f"--trackly-report={tmp_path}")
    assert "the audience was put back first" in ended.text
    notes = "\n".join(reported(tmp_path)["notes"])
    assert "the lock of a run that was cut off was taken over (check, quick: " in notes


def test_restore_by_hand_says_what_it_did(stand: Stand) -> None:
    _kill_at(stand, 20)
    stand.run()
    stand.strike = undisturbed
    for said in ("is as it was", "nothing to put back"):
        done = finished(*COMMAND, "restore", **stand.variables)
        assert (done.returncode, said in done.stdout) == (0, True), done.stdout + done.stderr
        assert (stand.content, stand.left()) == (AS_IT_WAS, [])
