"""Facts about a conversation that goes badly: a target that is gone, and requests that were not allowed."""

from contextlib import nullcontext

import pytest

from tests.run.hooked import Server, new_session, open_up, session
from trackly_contract.contract import NOBODY
from trackly_contract.core import InconclusiveError, Response
from trackly_contract.generate import rejection_cases
from trackly_contract.reference import documented_audience
from trackly_contract.run import Session
from trackly_contract.run.conversation import LOST, TRIES
from trackly_contract.run.sandbox import REHEARSING, RESTORING, NotAskedError, Stage

DOWN = Response(503, (), b"{}")


def down_from(first: int, until: int = 10**6) -> Session:
    return session(Server(lambda _server, _request, number: DOWN if first <= number < until else None))


def fail(asked: Session, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(InconclusiveError):
            asked.read()


# A target that is gone -------------------------------------------------------------------------------


def test_a_target_that_is_gone_is_held_against_one_control_a_request_and_then_asked_nothing_more() -> None:
    asked = down_from(1)
    pauses: list[float] = []
    asked.target.wait = pauses.append
    fail(asked)
    assert asked.outages == ["the audience cannot be read: 503 {}, 3 times"]
    before = asked.requests
    fail(asked, LOST - 1)
    assert asked.requests == before + LOST - 1
    with pytest.raises(NotAskedError, match=r"503.*4 controls in a row failed"):
        asked.read()
    assert asked.requests == before + LOST - 1
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_target_that_came_back_is_asked_as_before() -> None:
    asked = down_from(1, TRIES + 2)
    fail(asked, 2)
    assert asked.read() == documented_audience()
    before = asked.requests
    asked.read()
    assert asked.requests == before + 1


def test_an_answer_that_stays_while_the_control_succeeds_is_no_outage() -> None:
    asked = session(Server(lambda _server, request, _number: DOWN if request.method == "PUT" else None))
    asked.update({"name": "x"}, "")
    assert asked.outages == []


def test_a_target_that_is_gone_is_asked_again_in_full_to_give_back() -> None:
    gone = False
    asked = new_session(Server(lambda *_: DOWN if gone else None))
    open_up(asked)
    asked.settle()
    gone = True
    fail(asked, LOST + 1)
    gone = False
    assert asked.restore() == []


# Requests that were not allowed --------------------------------------------------------------------


def limited(most: int, server: Server | None = None) -> Session:
    return new_session(server or Server(), most)


def test_no_more_is_sent_than_was_allowed_and_retries_count() -> None:
    asked = limited(TRIES - 1, Server(lambda *_: DOWN))
    with pytest.raises(NotAskedError, match=r"2 requests were allowed$"):
        asked.read()
    assert asked.requests == TRIES - 1


def test_what_giving_back_takes_is_kept_aside() -> None:
    asked = open_up(limited(16))
    while asked.requests < 16 - RESTORING:
        asked.update({"name": "x"}, "")
    with pytest.raises(NotAskedError, match="6 of them to put the audience back"):
        asked.update({"name": "x"}, "")
    assert asked.restore() == []
    assert asked.requests <= 16


@pytest.mark.parametrize("enough", [0, 1])
def test_an_audience_is_changed_only_where_the_requests_suffice_to_put_it_back(enough: int) -> None:
    asked = limited(1 + enough + REHEARSING + RESTORING)
    audience = asked.read()
    with nullcontext() if enough else pytest.raises(InconclusiveError, match="13 requests do not suffice"):
        asked.back_up(audience)
    assert (asked.sandbox.backup is not None) == bool(enough)


def test_a_filter_that_matches_nobody_is_sent_beyond_the_limit_of_asking() -> None:
    server = Server()
    asked = limited(1 + RESTORING, server)
    asked.read()
    asked.sandbox.stage, asked.sandbox.budget.kept = Stage.OPEN, RESTORING
    with pytest.raises(NotAskedError):
        asked.read()
    asked.settle()
    assert server.bodies()[-1] == {"filter": NOBODY}


def test_what_was_not_sent_is_not_settled() -> None:
    server, case = Server(), rejection_cases("quick")[0]
    asked = limited(1, server)
    asked.read()
    with pytest.raises(NotAskedError):
        asked.reject(case.vector, case.body(), case.id)
    assert len(server.asked) == 1
