"""A run that is stopped by a signal, or cannot reach the API at its end: put back if it can be, told if it cannot."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, SECONDS, environment
from tests.support.warm import AS_IT_WAS, Ended, Stand
from trackly_contract.core import Request, Response

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks are POSIX")

SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]
LOUD = "THE AUDIENCE IS NOT AS IT WAS"


def _gives_back(request: Request) -> bool:
    """Whether a request is the first of those that put the audience back."""
    return request.method == "PUT" and json.loads(request.body) == {"source_lists": [101, 102]}


def _strike_at(stand: Stand, which: signal.Signals, *numbers: int) -> None:
    def after(number: int, _request: Request) -> None:
        if number in numbers:
            stand.strike(which)

    stand.server.after = after


def _strike_while_giving_back(stand: Stand, *struck: signal.Signals) -> None:
    """Strike at the first request that gives the audience back, and at those after it."""
    signals = list(struck)
    begun = False

    def after(_number: int, request: Request) -> None:
        nonlocal begun
        begun = begun or _gives_back(request)
        if begun and signals:
            stand.strike(signals.pop(0))

    stand.server.after = after


@pytest.mark.parametrize("which", SIGNALS, ids=lambda which: which.name)
@pytest.mark.parametrize("number", [1, 3, 20, 40])
def test_a_signal_in_mid_run_has_the_audience_put_back(stand: Stand, which: signal.Signals, number: int) -> None:
    _strike_at(stand, which, number)
    ended = stand.run()
    assert stand.server.content == AS_IT_WAS
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, []), ended.text
    assert f"Stopped: {which.name}" in ended.text


def test_a_run_stops_at_the_request_at_which_it_is_asked_to(stand: Stand) -> None:
    _strike_at(stand, signal.SIGTERM, 20)
    stand.run()
    assert stand.server.number <= 20 + 4  # lists, the rest, the size, a last look


@pytest.mark.parametrize("which", SIGNALS, ids=lambda which: which.name)
def test_a_signal_while_the_audience_is_put_back_waits_and_is_told(stand: Stand, which: signal.Signals) -> None:
    _strike_while_giving_back(stand, which)
    ended = stand.run()
    assert stand.server.content == AS_IT_WAS
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, []), ended.text
    assert f"{which.name}: the run stops once the audience is put back" in ended.text


def test_a_run_whose_signal_had_to_wait_stops_after_that_test(stand: Stand) -> None:
    _strike_while_giving_back(stand, signal.SIGTERM)
    assert "stopped by SIGTERM" in stand.run().text


def test_a_second_signal_does_not_stop_the_putting_back(stand: Stand) -> None:
    _strike_at(stand, signal.SIGINT, 20, 21)
    ended = stand.run()
    assert stand.server.content == AS_IT_WAS
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, []), ended.text
    assert "send 1 more" in ended.text


def test_a_third_signal_stops_the_putting_back_and_that_is_told_loudly(stand: Stand) -> None:
    _strike_at(stand, signal.SIGTERM, 20, 21, 22)
    ended = stand.run()
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, ["journal.json"]), ended.text
    assert f"{LOUD}: it was stopped halfway" in ended.text
    assert str(stand.journal.path) in ended.text
    assert "Traceback" not in ended.text


def test_what_a_third_signal_left_is_put_back_by_restore(stand: Stand) -> None:
    _strike_at(stand, signal.SIGTERM, 20, 21, 22)
    stand.run()
    assert stand.restore().code == 0
    assert (stand.server.content, stand.left()) == (AS_IT_WAS, [])


def test_a_signal_does_not_stop_restore_halfway(stand: Stand) -> None:
    _strike_at(stand, signal.SIGKILL, 30)
    stand.run()
    _strike_while_giving_back(stand, signal.SIGINT, signal.SIGTERM)
    ended = stand.restore()
    assert (ended.code, stand.server.content, stand.left()) == (0, AS_IT_WAS, []), ended.text


def test_a_third_signal_stops_restore_and_the_journal_stays(stand: Stand) -> None:
    _strike_at(stand, signal.SIGKILL, 30)
    stand.run()
    _strike_while_giving_back(stand, signal.SIGINT, signal.SIGINT, signal.SIGINT)
    ended = stand.restore()
    assert (ended.code, stand.left()) == (10, ["journal.json"]), ended.text
    assert "the journal stays" in ended.text


PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
PYTEST += ["--trackly-target=live", "--trackly-effort=quick", "--trackly-yes"]

WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the terminal whose closing sends SIGHUP, then becomes the command."""


def test_a_process_started_by_hand_is_stopped_the_same_way(stand: Stand) -> None:
    variables = environment(**stand.variables)
    with subprocess.Popen(
        [*PYTEST, "-q"],
        cwd=CHECKOUT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:

        def after(number: int, _request: Request) -> None:
            if number == 20:
                process.send_signal(signal.SIGTERM)

        stand.server.after = after
        text, _ = process.communicate(timeout=SECONDS)
    assert stand.server.content == AS_IT_WAS
    assert (process.returncode, stand.left()) == (pytest.ExitCode.INTERRUPTED, []), text


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_that_is_closed_in_mid_run_has_the_audience_put_back(stand: Stand) -> None:
    ours, theirs = os.openpty()
    _until_closed(stand, ours, [sys.executable, "-c", WITH_TERMINAL, *PYTEST], theirs)
    assert (stand.server.content, stand.left()) == (AS_IT_WAS, [])
    assert stand.server.number < 30


def test_a_reader_that_goes_away_in_mid_run_has_the_audience_put_back(stand: Stand) -> None:
    ours, theirs = os.pipe()
    _until_closed(stand, ours, [*PYTEST, "-v"], theirs)
    assert (stand.server.content, stand.left()) == (AS_IT_WAS, [])
    assert stand.server.number < 30


def _until_closed(stand: Stand, ours: int, command: list[str], theirs: int) -> None:
    """Run a command that writes into one end, and close the other at request 20; a pipe holds all that comes before."""

    def after(number: int, _request: Request) -> None:
        if number == 20:
            os.close(ours)

    stand.server.after = after
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment(**stand.variables),
        stdin=theirs if os.isatty(theirs) else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        process.wait(SECONDS)


# The API does not answer at the end -------------------------------------------------------------


def _out_of_order_from_the_end(stand: Stand) -> None:
    """Let the API be out of order from the first request on that gives the audience back."""
    out = False

    def before(_number: int, request: Request) -> Response | None:
        nonlocal out
        out = out or _gives_back(request)
        return stand.server.unavailable() if out else None

    stand.server.before = before


def test_an_outage_at_the_end_is_told_loudly_with_the_journal_and_the_next_step(stand: Stand) -> None:
    _out_of_order_from_the_end(stand)
    ended = stand.run()
    assert (ended.code, stand.left()) == (10, ["journal.json"]), ended.text
    last = ended.text.partition("= trackly-contract =")[2]
    assert [line for line in last.splitlines() if line.startswith(LOUD)] != []
    assert f"kept in {stand.journal.path}. Run `trackly-contract restore`" in last


def test_an_outage_at_the_end_is_noted_in_the_report(stand: Stand, tmp_path: Path) -> None:
    _out_of_order_from_the_end(stand)
    stand.run(f"--trackly-report={tmp_path}")
    notes = json.loads((tmp_path / "report.json").read_text("utf-8"))["notes"]
    assert [note for note in notes if note.startswith(f"{LOUD}: ") and "503" in note and "restore" in note] != []


def test_a_narrowed_run_that_ends_in_an_outage_does_not_exit_0(stand: Stand) -> None:
    _out_of_order_from_the_end(stand)
    ended = stand.run("-k", "filter.time.unit")
    assert (ended.code, stand.left()) == (10, ["journal.json"]), ended.text
    assert LOUD in ended.text


def test_a_signal_and_then_an_outage_are_both_told(stand: Stand) -> None:
    _out_of_order_from_the_end(stand)
    _strike_at(stand, signal.SIGTERM, 20)
    ended = stand.run()
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, ["journal.json"]), ended.text
    assert LOUD in ended.text
    assert "Traceback" not in ended.text


def test_after_the_outage_restore_puts_the_audience_back(stand: Stand) -> None:
    _out_of_order_from_the_end(stand)
    stand.run()
    stand.server.before = lambda _number, _request: None
    assert stand.restore().code == 0
    assert (stand.server.content, stand.left()) == (AS_IT_WAS, [])


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

def restore(self):
    raise KeyError("a bug")

Session.restore = restore
"""
SIGNAL_AT_THE_END = """
import os, signal

def pytest_sessionfinish():
    os.kill(os.getpid(), signal.SIGTERM)
"""


def _with(stand: Stand, plugin: str) -> Ended:
    (stand.folder / "with_a_bug.py").write_text(plugin, "utf-8")
    return stand.run("-p", "with_a_bug")


@pytest.mark.parametrize("bug", [IN_A_TEST, PUTTING_BACK], ids=["in a test", "putting back"])
def test_a_bug_that_keeps_the_audience_from_being_put_back_is_told_as_loudly(stand: Stand, bug: str) -> None:
    _out_of_order_from_the_end(stand)
    ended = _with(stand, bug)
    assert (ended.code, stand.left()) == (3, ["journal.json"]), ended.text
    assert LOUD in ended.text


@pytest.mark.parametrize("bug", [IN_A_TEST, AT_THE_END], ids=["in a test", "at the end"])
def test_a_bug_elsewhere_does_not_keep_the_audience_from_being_put_back(stand: Stand, bug: str) -> None:
    ended = _with(stand, bug)
    assert (ended.code, stand.server.content, stand.left()) == (3, AS_IT_WAS, []), ended.text


def test_a_signal_and_then_a_bug_do_not_keep_the_audience_from_being_put_back(stand: Stand) -> None:
    _strike_at(stand, signal.SIGTERM, 20)
    ended = _with(stand, AT_THE_END)
    assert (ended.code, stand.server.content, stand.left()) == (pytest.ExitCode.INTERRUPTED, AS_IT_WAS, []), ended.text
    assert "failed in the end of the run (KeyError('a bug')): a bug here, not drift" in ended.text


def test_a_signal_and_then_a_bug_in_the_putting_back_are_both_told(stand: Stand) -> None:
    _strike_at(stand, signal.SIGTERM, 20)
    ended = _with(stand, PUTTING_BACK)
    assert (ended.code, stand.left()) == (pytest.ExitCode.INTERRUPTED, ["journal.json"]), ended.text
    assert LOUD in ended.text
    assert "failed in the end of the run (KeyError('a bug')): a bug here, not drift" in ended.text


def test_a_signal_when_all_is_torn_down_waits_and_is_told(stand: Stand) -> None:
    ended = _with(stand, SIGNAL_AT_THE_END)
    assert (ended.code, stand.server.content, stand.left()) == (pytest.ExitCode.INTERRUPTED, AS_IT_WAS, []), ended.text
    assert "SIGTERM: the run stops once the audience is put back" in ended.text
