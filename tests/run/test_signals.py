"""Facts about interrupts: the first stops, those during the restore are acknowledged, the third stops that as well."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from trackly_contract.run import Stopped
from trackly_contract.run.live import CAUGHT, PATIENCE, Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are raised as on POSIX")


@pytest.fixture(params=CAUGHT, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """One signal after the other, with a handler as a fresh Python has it."""
    which: signal.Signals = request.param
    before = signal.signal(which, signal.default_int_handler if which is signal.SIGINT else signal.SIG_DFL)
    yield which
    signal.signal(which, before)


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    interrupts = Interrupts()
    with interrupts.caught():
        yield interrupts


def test_the_first_signal_stops_as_ctrl_c_does_and_is_named(number: signal.Signals) -> None:
    with Interrupts().caught():
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(number)
        assert (caught.type, str(caught.value)) == (Stopped, number.name)


@pytest.mark.parametrize("stopped", [False, True])
def test_handlers_are_as_before_afterwards(number: signal.Signals, stopped: bool) -> None:
    before = signal.getsignal(number)
    with Interrupts().caught():
        assert signal.getsignal(number) != before
        if stopped:
            with pytest.raises(Stopped):
                signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)  # as nohup does
    with Interrupts().caught():
        signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_IGN


def test_a_held_signal_does_not_stop_and_is_acknowledged_at_once(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held():
        signal.raise_signal(number)
        said = capfd.readouterr().err
    assert interrupts.seen == [number.name]
    assert f"trackly-contract: {number.name}: the run stops once the audience is put back as it was" in said
    assert "send 2 more" in said


def test_what_is_said_reaches_the_terminal_that_pytest_has_covered(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        kept, covered = os.dup(2), os.open(os.devnull, os.O_WRONLY)
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


def test_after_the_first_stop_the_second_signal_is_only_acknowledged(interrupts: Interrupts) -> None:
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert interrupts.seen == ["SIGTERM", "SIGTERM"]


def test_a_signal_that_was_held_stops_when_asked_once_nothing_holds_it(interrupts: Interrupts) -> None:
    interrupts.stop_if_asked()
    with interrupts.held():
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
        interrupts.stop_if_asked()
    with pytest.raises(Stopped, match="SIGTERM"):
        interrupts.stop_if_asked()
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


def test_a_terminal_that_has_gone_stops_nobody(interrupts: Interrupts) -> None:
    assert interrupts._terminal is not None
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, interrupts._terminal)
    os.close(writing)
    with interrupts.held():
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.seen == ["SIGTERM"]
