"""A run that is stopped by a signal, or cannot reach the API at its end: put back if it can be, told if it cannot."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

import pytest

from tests.support.processes import CHECKOUT, PYTEST, SECONDS, Ran, environment, reported
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, Strike, Way, Wire, answering, pass_on, puts_back, undisturbed

SIGNALS = pytest.mark.parametrize("which", [SIGINT, SIGTERM, SIGHUP], ids=lambda which: which.name)
STOPPED = pytest.ExitCode.INTERRUPTED
LOUD = "THE AUDIENCE IS NOT AS IT WAS"
JOURNAL = ["journal.jsonl"]

Hook = Callable[[Way], Strike | None]


def _signal_at(stand: Stand, which: Signals, *numbers: int) -> Hook:
    return lambda way: stand.signalling(which) if len(way.asked) in numbers else None


def _signal_while_giving_back(stand: Stand, *which: Signals) -> Hook:
    """Send signals at the first request that restores the audience, and at those after it."""
    signals = list(which)

    def hook(way: Way) -> Strike | None:
        begun = any(map(puts_back, way.asked))
        return stand.signalling(signals.pop(0)) if begun and signals else None

    return hook


def _out_of_order_from_the_end(way: Way) -> Strike | None:
    """Let the API be out of order from the first request on that restores the audience."""
    return answering(503) if any(map(puts_back, way.asked)) else None


# Signals ----------------------------------------------------------------------------------------


@SIGNALS
@pytest.mark.parametrize("number", [1, 3, 20, 40])
def test_a_signal_in_mid_run_has_the_audience_put_back(stand: Stand, which: Signals, number: int) -> None:
    stand.strike = _signal_at(stand, which, number)
    ended = stand.run()
    assert (ended.code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, []), ended.text
    assert f"Stopped: {which.name}" in ended.text
    assert len(stand.asked) <= number + 5  # a look, lists, the rest, the size, a last look


@SIGNALS
def test_a_signal_while_the_audience_is_put_back_waits_and_is_told(stand: Stand, which: Signals) -> None:
    stand.strike = _signal_while_giving_back(stand, which)
    ended = stand.run()
    assert (ended.code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, []), ended.text
    assert f"{which.name}: the run stops once the audience is put back" in ended.text
    assert f"stopped by {which.name}" in ended.text


def test_a_second_signal_does_not_stop_the_putting_back(stand: Stand) -> None:
    stand.strike = _signal_at(stand, SIGINT, 20, 21)
    ended = stand.run()
    assert (ended.code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, []), ended.text
    assert "send 1 more" in ended.text


def test_a_third_signal_stops_the_putting_back_which_is_told_loudly_and_restore_does_the_rest(stand: Stand) -> None:
    stand.strike = _signal_at(stand, SIGTERM, 20, 21, 22)
    ended = stand.run()
    assert (ended.code, stand.left()) == (STOPPED, JOURNAL), ended.text
    assert f"{LOUD}: it was stopped halfway" in ended.text
    assert str(stand.journal.path) in ended.text
    assert "Traceback" not in ended.text
    assert stand.restore().code == 0
    assert (stand.content, stand.left()) == (AS_IT_WAS, [])


def test_two_signals_do_not_stop_restore_halfway_and_three_do(stand: Stand) -> None:
    stand.strike = _signal_at(stand, SIGKILL, 30)
    stand.run()
    stand.forget()
    stand.strike = _signal_while_giving_back(stand, SIGINT, SIGINT, SIGINT)
    ended = stand.restore()
    assert (ended.code, stand.left()) == (10, JOURNAL), ended.text
    assert "the backup stays" in ended.text
    stand.forget()
    stand.strike = _signal_while_giving_back(stand, SIGINT, SIGTERM)
    ended = stand.restore()
    assert (ended.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ended.text


IN_THE_SUMMARY = """
import os, signal

def pytest_terminal_summary():
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_signal_while_the_summary_is_written_does_not_change_how_a_run_ends(stand: Stand) -> None:
    (stand.folder / "late.py").write_text(IN_THE_SUMMARY, "utf-8")
    ended = stand.run("-p", "late")
    assert (ended.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ended.text
    assert "verdict    conforms" in ended.text


def test_a_third_signal_in_the_end_is_no_drift(stand: Stand) -> None:
    thrice = "def pytest_sessionfinish():\n" + 3 * "    os.kill(os.getpid(), signal.SIGINT)\n"
    (stand.folder / "late.py").write_text(f"import os, signal\n{thrice}", "utf-8")
    ended = stand.run("-p", "late")
    assert (ended.code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, []), ended.text
    assert "Traceback" not in ended.text


# Processes that are started by hand -------------------------------------------------------------

QUICK = [*PYTEST, "--trackly-target=live", "--trackly-effort=quick", "--trackly-yes"]

WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the terminal whose closing sends SIGHUP, then becomes the command."""


def _started(stand: Stand, command: list[str], write: int, at_20: Callable[[int], object]) -> int:
    """Run a command that writes into a pipe, which holds all that comes before request 20, or into a terminal."""
    process: subprocess.Popen[bytes]

    def strike(wire: Wire) -> None:
        at_20(process.pid)
        pass_on(wire)

    stand.strike = lambda way: strike if len(way.asked) == 20 else None
    stdin = write if os.isatty(write) else subprocess.DEVNULL
    variables = environment(**stand.variables)
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=variables, stdin=stdin, stdout=write, stderr=write, start_new_session=True
    ) as process:
        os.close(write)
        return process.wait(SECONDS)


def test_a_process_started_by_hand_is_stopped_the_same_way(stand: Stand) -> None:
    ours, theirs = os.pipe()
    code = _started(stand, [*QUICK, "-q"], theirs, lambda pid: os.kill(pid, SIGTERM))
    os.close(ours)
    assert (code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, [])


@pytest.mark.parametrize(
    ("opened", "command"),
    [(os.openpty, [sys.executable, "-c", WITH_TERMINAL, *QUICK]), (os.pipe, [*QUICK, "-v"])],
    ids=["terminal", "reader"],
)
def test_a_terminal_or_reader_that_goes_away_in_mid_run_has_the_audience_put_back(
    stand: Stand, opened: Callable[[], tuple[int, int]], command: list[str]
) -> None:
    ours, theirs = opened()
    _started(stand, command, theirs, lambda _pid: os.close(ours))
    assert (stand.content, stand.left()) == (AS_IT_WAS, [])
    assert len(stand.asked) < 30


# The API does not answer at the end -------------------------------------------------------------


def test_an_outage_at_the_end_is_told_loudly_with_the_journal_and_the_next_step(stand: Stand, tmp_path: Path) -> None:
    stand.strike = _out_of_order_from_the_end
    ended = stand.run(f"--trackly-report={tmp_path}")
    assert (ended.code, stand.left()) == (10, JOURNAL), ended.text
    last = ended.text.partition("= trackly-contract =")[2]
    assert [line for line in last.splitlines() if line.startswith(LOUD)] != []
    assert f"kept in {stand.journal.path}. Run `trackly-contract restore`" in last
    notes = reported(tmp_path)["notes"]
    assert [note for note in notes if note.startswith(f"{LOUD}: ") and "503" in note and "restore" in note] != []
    stand.strike = undisturbed
    assert stand.restore().code == 0
    assert (stand.content, stand.left()) == (AS_IT_WAS, [])


def test_a_narrowed_run_that_ends_in_an_outage_does_not_exit_0(stand: Stand) -> None:
    stand.strike = _out_of_order_from_the_end
    ended = stand.run("-k", "filter.time.unit")
    assert (ended.code, stand.left(), LOUD in ended.text) == (10, JOURNAL, True), ended.text


def test_a_signal_and_then_an_outage_are_both_told(stand: Stand) -> None:
    signal = _signal_at(stand, SIGTERM, 40)
    stand.strike = lambda way: signal(way) or _out_of_order_from_the_end(way)
    ended = stand.run()
    assert (ended.code, stand.left(), LOUD in ended.text) == (STOPPED, JOURNAL, True), ended.text
    assert "Traceback" not in ended.text


def test_nothing_is_said_of_an_audience_that_was_put_back(stand: Stand) -> None:
    ended = stand.run()
    assert (ended.code, LOUD in ended.text) == (0, False), ended.text


# The suite itself fails -------------------------------------------------------------------------

IN_A_TEST = """
def pytest_runtest_logreport(report):
    if "weeks" in report.nodeid:
        raise KeyError("a bug")
"""
AT_THE_END = """
def pytest_sessionfinish():
    raise KeyError("a bug")
"""
PUTTING_BACK = """
from trackly_contract.run import Session

def restore(self, now=None):
    raise KeyError("a bug")

Session.restore = restore
"""
SIGNAL_AT_THE_END = """
import os, signal

def pytest_sessionfinish():
    os.kill(os.getpid(), signal.SIGTERM)
"""
BUG = "failed in the end of the run (KeyError('a bug')): a bug here, not drift"


def _with(stand: Stand, plugin: str) -> Ran:
    (stand.folder / "with_a_bug.py").write_text(plugin, "utf-8")
    return stand.run("-p", "with_a_bug")


@pytest.mark.parametrize("bug", [IN_A_TEST, PUTTING_BACK], ids=["in a test", "putting back"])
def test_a_bug_that_keeps_the_audience_from_being_put_back_is_told_as_loudly(stand: Stand, bug: str) -> None:
    stand.strike = _out_of_order_from_the_end
    ended = _with(stand, bug)
    assert (ended.code, stand.left(), LOUD in ended.text) == (3, JOURNAL, True), ended.text


@pytest.mark.parametrize("bug", [IN_A_TEST, AT_THE_END], ids=["in a test", "at the end"])
def test_a_bug_elsewhere_does_not_keep_the_audience_from_being_put_back(stand: Stand, bug: str) -> None:
    ended = _with(stand, bug)
    assert (ended.code, stand.content, stand.left()) == (3, AS_IT_WAS, []), ended.text


@pytest.mark.parametrize(
    ("bug", "left"), [(AT_THE_END, []), (PUTTING_BACK, JOURNAL)], ids=["at the end", "putting back"]
)
def test_a_signal_and_then_a_bug_are_both_told(stand: Stand, bug: str, left: list[str]) -> None:
    stand.strike = _signal_at(stand, SIGTERM, 20)
    ended = _with(stand, bug)
    assert (ended.code, stand.left(), BUG in ended.text) == (STOPPED, left, True), ended.text
    assert (stand.content == AS_IT_WAS, LOUD in ended.text) == (not left, bool(left))


def test_a_signal_when_all_is_torn_down_waits_and_is_told(stand: Stand) -> None:
    ended = _with(stand, SIGNAL_AT_THE_END)
    assert (ended.code, stand.content, stand.left()) == (STOPPED, AS_IT_WAS, []), ended.text
    assert "SIGTERM: the run stops once the audience is put back" in ended.text
