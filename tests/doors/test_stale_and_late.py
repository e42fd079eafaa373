"""The audience is not lost to caches that are behind, updates that arrive late, or side effects that no page mentions.

Each run is a process of its own, and asks a server over real sockets.
"""

from dataclasses import replace
from signal import SIGKILL

import pytest

from tests.doors.test_audience_kept import is_loud, killed, puts
from tests.faults.strikes import shown_as
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, Strike, Way, answering
from trackly_contract.core import Request, Response, encode
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer


def stale(way: Way, number: int = 1) -> Strike | None:
    """From a request on, show in each GET what the audience was before the run."""
    request = way.asked[-1]
    own = request.method == "GET" and request.path.endswith(AUDIENCE_ID) and request.header("X-Api-Key")
    return shown_as(**AS_IT_WAS) if own and len(way.asked) >= number else None


@pytest.mark.parametrize("number", [20, 40, 55])
def test_what_a_run_sent_is_put_back_though_each_look_shows_the_original(stand: Stand, number: int) -> None:
    stand.strike = lambda way: stale(way, number)
    ran = stand.run()
    assert (stand.content, stand.left()) == (AS_IT_WAS, []), ran.text


def test_restore_puts_back_though_each_look_shows_the_original(stand: Stand) -> None:
    killed(stand)
    stand.strike = stale
    ran = stand.restore()
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text
    assert "sent again all the same, for one look may be stale" in ran.text


class NotTheFilter(ReferenceServer):
    """Takes no filter, and says that it did what it was told."""

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if response.succeeded:
            self.store.audiences[AUDIENCE_ID]["filter"] = AS_IT_WAS["filter"]
        return response


def test_an_audience_whose_own_filter_stands_never_draws_on_all_lists(stand: Stand) -> None:
    stand.server = NotTheFilter()
    ran = stand.run()
    assert (ran.code, stand.content, stand.left()) == (1, AS_IT_WAS, []), ran.text
    assert not any(body.get("source_lists") == [] for body in puts(stand))


class Tagged(ReferenceServer):
    """Has tags, which no page mentions, and which each new filter clears."""

    tags: tuple[str, ...] = ("vip",)

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if not response.succeeded:
            return response
        if request.method == "PUT" and "filter" in request.json.fields:
            self.tags = ()
        return replace(response, body=encode({**response.json.fields, "tags": [*self.tags]}))


def test_what_no_update_carries_and_one_changed_is_said(stand: Stand) -> None:
    stand.server = Tagged()
    ran = stand.run()
    assert (ran.code, is_loud(ran), stand.left()) == (10, True, ["journal.jsonl"]), ran.text
    assert 'its tags was ["vip"], is [], and no update carries it' in ran.text
    own = [AS_IT_WAS[name] for name in ("name", "description", "source_lists")]
    assert [value for body in puts(stand)[:2] for value in body.values()] == own
    assert len(puts(stand)) == 3
    assert (stand.restore("--theirs").code, stand.left()) == (0, [])


def test_a_backup_that_is_removed_in_mid_run_is_there_at_the_end(stand: Stand) -> None:
    def removed(way: Way) -> Strike | None:
        if len(way.asked) == 30:
            stand.journal.path.unlink()
        return answering(503) if len(way.asked) > 30 and way.asked[-1].method == "PUT" else None

    stand.strike = removed
    ran = stand.run()
    assert (ran.code, is_loud(ran), stand.left()) == (10, True, ["journal.jsonl"]), ran.text
    assert f"By hand: PUT {stand.base_url}/v2/audiences/{AUDIENCE_ID} {{" in ran.text
    stand.heal()
    ran = stand.restore()
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "on its way"])
def test_after_a_kill_restore_tells_of_an_update_that_may_still_arrive(stand: Stand, *, arrived: bool) -> None:
    late: list[Request] = []

    def strike(way: Way) -> Strike | None:
        if way.asked[-1].json.fields.keys() == {"description"}:
            late[:] = way.asked[-1:]
            return answering(504)
        return stand.signalling(SIGKILL) if len(way.asked) >= 30 else None

    stand.strike = strike
    assert stand.run().code == -SIGKILL
    stand.heal()
    if arrived:
        stand.answer(late[0])
    ran = stand.restore()
    assert ("may still arrive" in ran.text, stand.content) == (not arrived, AS_IT_WAS), ran.text
    assert (ran.code, stand.left()) == ((0, []) if arrived else (10, ["journal.jsonl"])), ran.text
    if not arrived:
        stand.answer(late[0])
        assert (stand.restore().code, stand.content, stand.left()) == (0, AS_IT_WAS, [])
