"""Facts about a live session: it waits for its responses, restores at last, and says what is not as it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.run.hooked import Server
from tests.run.test_session_restore import Stubborn
from trackly_contract.contract import NOBODY
from trackly_contract.core import InconclusiveError, Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, documented_audience
from trackly_contract.run import LiveSession, Stopped, opened
from trackly_contract.run.journal import Journal
from trackly_contract.run.targets import embedded_target


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
        audience = session.read()
        assert isinstance(audience, dict)
        session.back_up(audience)
        session.update({"filter": NOBODY, "name": "Renamed"}, "")
        yield session


# Signals -------------------------------------------------------------------------------------------


def test_a_signal_lets_the_request_under_way_be_answered(server: Server, tmp_path: Path) -> None:
    server.hook = lambda _server, request, _number: signal.raise_signal(signal.SIGTERM) if request.body else None
    with opening(server, tmp_path) as session:
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


def test_nothing_is_left_behind_after_a_restore(server: Server, tmp_path: Path) -> None:
    with changed(server, tmp_path) as session:
        session.restore()
        assert (session.left_behind(), session.trouble) == ("", "")


def test_what_nobody_tried_to_restore_is_restored_at_last(server: Server, tmp_path: Path) -> None:
    with changed(server, tmp_path) as session:
        session.restore_at_last()
        assert (session.left_behind(), server.audience["name"]) == ("", documented_audience()["name"])


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


def test_what_an_earlier_run_left_is_said_though_this_one_changed_nothing(server: Server, tmp_path: Path) -> None:
    Journal.of("x", AUDIENCE_ID, tmp_path).write("x", documented_audience())
    with opening(server, tmp_path) as session:
        assert session.left_behind().startswith("THE AUDIENCE IS NOT AS IT WAS. What it was is kept in")
