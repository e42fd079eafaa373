"""Facts about a live session: it waits for its answers, gives back at last, and says what is not as it was."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.run.hooked import Server
from tests.run.test_session_restore import Stubborn
from trackly_contract.contract import NOBODY
from trackly_contract.core import InconclusiveError
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, documented_audience
from trackly_contract.run import LiveSession, LockedError, Stopped, Target, opened
from trackly_contract.run.journal import Journal
from trackly_contract.run.targets import embedded_target

if TYPE_CHECKING:
    from pathlib import Path

    from trackly_contract.core import Request, Response


def target(server: Server, folder: Path) -> Target:
    made = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    made.journal = Journal.of("x", AUDIENCE_ID, folder)
    return made


def changed(asked: LiveSession) -> None:
    """Borrow the audience, and change it."""
    audience = asked.read()
    assert isinstance(audience, dict)
    asked.back_up(audience)
    asked.update({"filter": NOBODY, "name": "Renamed"}, "")


class OutOfOrder(Server):
    """Answers until it is out of order."""

    out = False

    def answer(self, request: Request) -> Response:
        return self.undocumented(503, "out of order") if self.out else super().answer(request)


def test_a_second_session_on_the_same_audience_is_refused(tmp_path: Path) -> None:
    with (
        opened(target(Server(), tmp_path), "quick", "check, quick"),
        pytest.raises(LockedError, match="check, quick: process"),
        opened(target(Server(), tmp_path), "quick", "restore"),
    ):
        pass


def test_a_signal_lets_the_request_under_way_be_answered(tmp_path: Path) -> None:
    def hook(_server: Server, request: Request, _number: int) -> None:
        if request.method == "PUT":
            signal.raise_signal(signal.SIGTERM)

    server = Server(hook)
    with opened(target(server, tmp_path), "quick", "") as asked:
        with pytest.raises(Stopped):
            asked.update({"name": "Renamed"}, "")
        assert (len(asked.exchanges), server.audience["name"]) == (1, "Renamed")


def test_a_signal_stops_the_tries_of_a_request(tmp_path: Path) -> None:
    def hook(server: Server, _request: Request, number: int) -> Response | None:
        if number == 1:
            signal.raise_signal(signal.SIGTERM)
        return server.undocumented(503, "out of order")

    with opened(target(Server(hook), tmp_path), "quick", "") as asked:
        with pytest.raises(Stopped):
            asked.read()
        assert len(asked.exchanges) == 1


def test_a_signal_does_not_stop_the_giving_back(tmp_path: Path) -> None:
    server = Server()
    with opened(target(server, tmp_path), "quick", "") as asked:
        changed(asked)
        server.hook = lambda *_: None if asked.interrupts.seen else signal.raise_signal(signal.SIGTERM)
        assert asked.restore() == []
    assert server.audience["name"] == documented_audience()["name"]


def test_nothing_is_left_behind_where_nothing_was_changed(tmp_path: Path) -> None:
    with opened(target(Server(), tmp_path), "quick", "") as asked:
        assert asked.left_behind() == ""


def test_nothing_is_left_behind_after_all_was_given_back(tmp_path: Path) -> None:
    with opened(target(Server(), tmp_path), "quick", "") as asked:
        changed(asked)
        asked.restore()
        assert (asked.left_behind(), asked.trouble) == ("", "")


def test_what_the_api_kept_is_said(tmp_path: Path) -> None:
    with opened(target(Stubborn(), tmp_path), "quick", "") as asked:
        changed(asked)
        asked.restore()
        assert asked.left_behind().startswith("THE AUDIENCE IS NOT AS IT WAS: name: the API kept ")
        assert f'send PUT /v2/audiences/{AUDIENCE_ID} {{"name":"High-Value Clickers"}}' in asked.left_behind()


def test_an_outage_is_said_with_the_journal_and_the_next_step(tmp_path: Path) -> None:
    server = OutOfOrder()
    with opened(target(server, tmp_path), "quick", "") as asked:
        changed(asked)
        server.out = True
        with pytest.raises(InconclusiveError):
            asked.restore()
        assert asked.target.journal is not None
        left = asked.left_behind()
    assert "503" in left
    assert f"kept in {asked.target.journal.path}. Run `trackly-contract restore`" in left


def test_what_an_earlier_run_left_is_said_though_this_one_changed_nothing(tmp_path: Path) -> None:
    Journal.of("x", AUDIENCE_ID, tmp_path).write("x", documented_audience())
    with opened(target(Server(), tmp_path), "quick", "") as asked:
        assert asked.left_behind().startswith("THE AUDIENCE IS NOT AS IT WAS. What it was is kept in")


def test_what_nobody_tried_to_give_back_is_given_back_at_last(tmp_path: Path) -> None:
    server = Server()
    with opened(target(server, tmp_path), "quick", "") as asked:
        changed(asked)
        asked.restore_at_last()
        assert (asked.left_behind(), server.audience["name"]) == ("", documented_audience()["name"])


def test_what_was_tried_in_vain_is_not_tried_at_last(tmp_path: Path) -> None:
    server = OutOfOrder()
    with opened(target(server, tmp_path), "quick", "") as asked:
        changed(asked)
        server.out = True
        with pytest.raises(InconclusiveError):
            asked.restore()
        sent = asked.requests
        asked.restore_at_last()
        assert asked.requests == sent


def test_nothing_is_sent_at_last_where_nothing_was_borrowed(tmp_path: Path) -> None:
    server = Server()
    with opened(target(server, tmp_path), "quick", "") as asked:
        asked.restore_at_last()
    assert server.asked == []
