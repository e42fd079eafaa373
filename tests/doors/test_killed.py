"""A run that is killed at any request at all: what it left behind is put back by `restore`, or by the next run."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.warm import AS_IT_WAS, Stand
from trackly_contract.contract import as_request, matches_nobody
from trackly_contract.core import Request, Response

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks are POSIX")

KILLED = -9
MOST = 100
"""More requests than a quick run, or a restore, sends."""


def _kill_at(stand: Stand, number: int, *, applied: bool) -> None:
    """Kill the asking process when a request arrives: after it was applied, or in its place."""

    def before(now: int, _request: Request) -> Response | None:
        if applied or now != number:
            return None
        stand.strike(signal.SIGKILL)
        return stand.server.unavailable()

    def after(now: int, _request: Request) -> None:
        if applied and now == number:
            stand.strike(signal.SIGKILL)

    stand.server.before, stand.server.after = before, after


def _let_live(stand: Stand) -> None:
    _kill_at(stand, 0, applied=True)


def _is_safe(stand: Stand) -> bool:
    """Whether what a killed run left behind reaches nobody whom the audience did not reach before."""
    content = stand.server.content
    if matches_nobody(as_request(content["filter"])):
        return True
    return {name: content[name] for name in ("filter", "source_lists")} == {
        name: AS_IT_WAS[name] for name in ("filter", "source_lists")
    }


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
        changed += stand.server.content != AS_IT_WAS
        safe = _is_safe(stand)
        _let_live(stand)
        restored = stand.restore()
        if (restored.code, stand.server.content, stand.left(), safe) != (0, AS_IT_WAS, [], True):
            wrong.append(f"killed at {number}: safe {safe}, left {stand.left()}, {restored}")
    assert wrong == []
    assert (ended.code, number > 50, changed > 30 / step) == (0, True, True)


def test_a_run_killed_anywhere_is_put_back_by_the_next_run(stand: Stand) -> None:
    wrong = []
    for number in (1, 4, 5, 20, 40, 49, 50, 51, 52):
        stand.fresh()
        _kill_at(stand, number, applied=True)
        assert stand.run().code == KILLED
        _let_live(stand)
        ended = stand.run()
        if (ended.code, stand.server.content, stand.left()) != (0, AS_IT_WAS, []):
            wrong.append(f"killed at {number}: left {stand.left()}, {ended}")
    assert wrong == []


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
def test_a_restore_killed_at_any_request_is_finished_by_the_next(stand: Stand, applied: bool) -> None:
    wrong = []
    for number in range(1, MOST):
        stand.fresh()
        _kill_at(stand, 40, applied=True)
        assert stand.run().code == KILLED
        stand.server.number = 0
        _kill_at(stand, number, applied=applied)
        ended = stand.restore()
        if ended.code != KILLED:
            break  # a restore has fewer requests
        _let_live(stand)
        restored = stand.restore()
        if (restored.code, stand.server.content, stand.left()) != (0, AS_IT_WAS, []):
            wrong.append(f"killed at {number}: left {stand.left()}, {restored}")
    assert wrong == []
    assert (ended.code, number) == (0, 5)


def test_the_lock_of_a_killed_run_is_taken_over_and_that_is_noted(stand: Stand, tmp_path: Path) -> None:
    _kill_at(stand, 20, applied=True)
    stand.run()
    assert stand.left() == ["journal.json", "owner.json"]
    _let_live(stand)
    report = tmp_path / "report"
    stand.run(f"--trackly-report={report}")
    notes = json.loads((report / "report.json").read_text("utf-8"))["notes"]
    assert [note for note in notes if "the lock of a run that was cut off was taken over (check, quick: " in note] != []
