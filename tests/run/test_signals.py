"""Facts about interrupts: the first stops, those during the putting back are told, the third stops that as well."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from trackly_contract.run import Stopped
from trackly_contract.run.signals import CAUGHT, PATIENCE, Interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are raised as on POSIX")


@pytest.fixture(params=CAUGHT)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """One signal after the other, with a handler as a fresh Python has it."""
    which: signal.Signals = getattr(signal, request.param)
    before = signal.signal(which, signal.default_int_handler if which is signal.SIGINT else signal.SIG_DFL)
    yield which
    signal.signal(which, before)


def test_the_first_signal_stops_and_is_named(number: signal.Signals) -> None:
    with Interrupts().caught(), pytest.raises(Stopped, match=number.name):
        signal.raise_signal(number)


def test_a_stop_is_a_keyboard_interrupt_to_whoever_catches_those(number: signal.Signals) -> None:
    with Interrupts().caught(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_handlers_are_as_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts().caught():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


def test_handlers_are_as_before_after_an_error(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped), Interrupts().caught():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)  # as nohup does
    with Interrupts().caught():
        signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_IGN


def test_a_held_signal_does_not_stop(number: signal.Signals) -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        signal.raise_signal(number)
    assert interrupts.seen == [number.name]


def test_a_held_signal_is_answered_in_the_terminal_at_once(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        signal.raise_signal(number)
        told = capfd.readouterr().err
    assert f"trackly-contract: {number.name}: the run stops once the audience is put back as it was" in told
    assert "send 2 more" in told


def test_what_is_said_reaches_the_terminal_that_pytest_has_covered(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        kept = os.dup(2)
        covered = os.open(os.devnull, os.O_WRONLY)
        os.dup2(covered, 2)
        interrupts.say("seen")
        os.dup2(kept, 2)
        os.close(kept)
        os.close(covered)
    assert "seen" in capfd.readouterr().err


def test_the_third_signal_stops_what_is_held(number: signal.Signals) -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        for _ in range(PATIENCE - 1):
            signal.raise_signal(number)
        with pytest.raises(Stopped, match=f"{number.name}, after {number.name}, {number.name}"):
            signal.raise_signal(number)


def test_after_the_first_stop_the_second_signal_is_told_only(number: signal.Signals) -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        with pytest.raises(Stopped):
            signal.raise_signal(number)
        signal.raise_signal(number)
    assert len(interrupts.seen) == 2


def test_a_signal_that_was_held_stops_when_asked(number: signal.Signals) -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        with interrupts.held():
            signal.raise_signal(number)
        with pytest.raises(Stopped, match=number.name):
            interrupts.stop_if_asked()


def test_nothing_stops_where_no_signal_came() -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        interrupts.stop_if_asked()


def test_a_signal_inside_two_holds_waits_for_both() -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
        interrupts.stop_if_asked()


def test_other_threads_than_the_main_one_touch_no_handler() -> None:
    before = signal.getsignal(signal.SIGTERM)
    during: list[object] = []

    def work() -> None:
        with Interrupts().caught():
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert during == [before]


def test_a_terminal_that_has_gone_stops_nobody() -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        assert interrupts._terminal is not None
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, interrupts._terminal)
        os.close(writing)
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.seen == ["SIGTERM"]
