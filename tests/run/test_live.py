"""Facts about a live session: what a signal stops, what is restored at last, and what is said of the rest."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.run.hooked import Server, open_up
from tests.run.test_session_restore import Stubborn
from trackly_contract.contract import NOBODY
from trackly_contract.core import InconclusiveError, Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, documented_audience
from trackly_contract.run import LiveSession, Stopped, opened
from trackly_contract.run.journal import Backup, Journal
from trackly_contract.run.live import CAUGHT, PATIENCE, Interrupts
from trackly_contract.run.sandbox import Stage
from trackly_contract.run.targets import embedded_target

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are raised as on POSIX")


@pytest.fixture
def server() -> Server:
    return Server()


@contextmanager
def opening(server: Server, folder: Path) -> Iterator[LiveSession]:
    target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    target.journal = Journal.of("x", AUDIENCE_ID, folder)
    with opened(target, "quick", "check, quick") as session:
        yield session


@contextmanager
def changed(server: Server, folder: Path) -> Iterator[LiveSession]:
    """Open a session that has backed the audience up, and changed it."""
    with opening(server, folder) as session:
        open_up(session)
        session.update({"filter": NOBODY, "name": "Renamed"}, "")
        yield session


# Requests under way --------------------------------------------------------------------------------


def test_a_signal_lets_the_request_under_way_be_answered(server: Server, tmp_path: Path) -> None:
    server.hook = lambda _server, request, _number: signal.raise_signal(signal.SIGTERM) if request.body else None
    with opening(server, tmp_path) as session:
        session.sandbox.stage = Stage.OPEN
        with pytest.raises(Stopped):
            session.update({"name": "Renamed"}, "")
        assert (len(session.exchanges), server.audience["name"]) == (1, "Renamed")


def test_a_signal_stops_the_tries_of_a_request(server: Server, tmp_path: Path) -> None:
    def hook(server: Server, _request: Request, number: int) -> Response | None:
        if number == 1:
            signal.raise_signal(signal.SIGTERM)
        return server.undocumented(503, "out of order")

    server.hook = hook
    with opening(server, tmp_path) as session:
        with pytest.raises(Stopped):
            session.read()
        assert len(session.exchanges) == 1


# What is left behind -------------------------------------------------------------------------------


def test_nothing_is_left_behind_where_nothing_was_changed_and_nothing_is_sent(server: Server, tmp_path: Path) -> None:
    with opening(server, tmp_path) as session:
        session.restore_at_last()
        assert (session.left_behind(), server.asked) == ("", [])


def test_what_nobody_tried_to_restore_is_restored_at_last(server: Server, tmp_path: Path) -> None:
    with changed(server, tmp_path) as session:
        session.restore_at_last()
        assert (session.left_behind(), session.trouble) == ("", "")
        assert server.audience["name"] == documented_audience()["name"]


def test_what_the_api_kept_is_said_with_the_request_that_restores_it(tmp_path: Path) -> None:
    with changed(Stubborn(), tmp_path) as session:
        session.restore()
        left = session.left_behind()
    assert left.startswith("THE AUDIENCE IS NOT AS IT WAS: name: the API kept ")
    assert f'send PUT /v2/audiences/{AUDIENCE_ID} {{"name":"High-Value Clickers"}}' in left


def test_an_outage_is_said_with_the_backup_and_the_next_step_and_not_tried_again(
    server: Server, tmp_path: Path
) -> None:
    with changed(server, tmp_path) as session:
        server.hook = lambda server, *_: server.undocumented(503, "out of order")
        with pytest.raises(InconclusiveError):
            session.restore()
        left, sent = session.left_behind(), session.requests
        session.restore_at_last()
        assert session.requests == sent
    assert "503" in left
    assert f"kept in {Journal.of('x', AUDIENCE_ID, tmp_path).path}. Run `trackly-contract restore`" in left
    assert f". By hand: PUT {session.target.base_url}/v2/audiences/{AUDIENCE_ID} {{" in left


def test_what_an_earlier_run_left_is_said_though_this_one_changed_nothing(server: Server, tmp_path: Path) -> None:
    Journal.of("x", AUDIENCE_ID, tmp_path).write(Backup("x", AUDIENCE_ID, documented_audience()))
    with opening(server, tmp_path) as session:
        assert session.left_behind().startswith("THE AUDIENCE IS NOT AS IT WAS. What it was is kept in")


# Interrupts ----------------------------------------------------------------------------------------


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


def test_the_first_signal_stops_as_ctrl_c_does_and_is_named_and_handlers_are_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts().caught():
        assert signal.getsignal(number) != before
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(number)
        assert (caught.type, str(caught.value)) == (Stopped, number.name)
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
    os.dup2(writing, interrupts._terminal.fileno())
    os.close(writing)
    with interrupts.held():
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.seen == ["SIGTERM"]
