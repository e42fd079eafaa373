"""Facts about a session: faults are asked again and held against a control, acceptances answered."""

import pytest

from tests.run.hooked import Server, broken, session
from trackly_contract.contract import NOBODY, contract
from trackly_contract.core import Exchange, InconclusiveError, Request, Response
from trackly_contract.generate import rejection_cases
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run.faults import HABIT, LONGEST_WAIT, TRIES, pause

HTML = Response(502, (("Content-Type", "text/html"),), b"<html>Bad Gateway</html>")
OOPS = Response(500, (), b'{"error": "x", "code": "internal"}')
ACCEPTED = contract().requests["update.name/ascii"].body
CASE = next(case for case in rejection_cases("quick") if case.vector.code == "invalid_time_unit")
NAME_CASE = next(case for case in rejection_cases("quick") if case.vector.code == "name_too_long")
UNCHANGED = "update.refused.unchanged"


def always(answer: Response, method: str) -> Server:
    return Server(lambda _server, request, _n: answer if request.method == method else None)


# Faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [OOPS, HTML, Response(429), Response(302), Response(401, (), b"{}"), Response(200)])
def test_a_fault_that_goes_away_is_no_finding(fault: Response) -> None:
    asked = session(Server(lambda _s, _r, number: fault if number == 1 else None))
    asked.read()
    assert broken(asked) == set()
    assert asked.requests == 2


def test_a_fault_twice_is_no_finding() -> None:
    asked = session(Server(lambda _s, _r, number: OOPS if number < TRIES else None))
    asked.read()
    assert broken(asked) == set()


@pytest.mark.parametrize("fault", [OOPS, HTML, Response(403, (), b"{}"), Response(200, (), b"[]")])
def test_a_read_that_always_fails_is_inconclusive(fault: Response) -> None:
    asked = session(always(fault, "GET"))
    with pytest.raises(InconclusiveError, match=f"cannot be read: .*, {TRIES} times"):
        asked.read()
    assert broken(asked) == set()


def test_what_a_gateway_said_is_in_the_text() -> None:
    with pytest.raises(InconclusiveError, match="502, not JSON: '<html>Bad Gateway</html>'"):
        session(always(HTML, "GET")).read()


@pytest.mark.parametrize("fault", [OOPS, HTML, Response(401, (), b'{"error": "x", "code": "unauthorized"}')])
def test_an_update_that_always_fails_while_reading_works_is_judged(fault: Response) -> None:
    asked = session(always(fault, "PUT"))
    asked.update(ACCEPTED, "the case", ("update.optional",))
    assert broken(asked) == {"update.optional"}


def test_a_refusal_that_is_always_a_500_is_judged_under_its_rule() -> None:
    asked = session(always(OOPS, "PUT"))
    asked.reject(CASE)
    assert broken(asked) == {CASE.vector.rule}


@pytest.mark.parametrize("fault", [OOPS, HTML])
def test_an_update_that_fails_like_reading_is_inconclusive(fault: Response) -> None:
    asked = session(Server(lambda *_: fault))
    with pytest.raises(InconclusiveError, match="then the control GET was answered"):
        asked.update(ACCEPTED, "the case", ("update.optional",))
    assert broken(asked) == set()


def in_plain_text(server: Server, request: Request, _number: int) -> Response | None:
    honest = server.honest(request)
    return Response(honest.status, (), b"no") if request.method == "PUT" and honest.status == 400 else None


def test_a_refusal_without_json_that_stayed_thrice_is_no_longer_tried_again() -> None:
    asked = session(Server(in_plain_text))
    spent = []
    for _ in range(HABIT + 2):
        before = asked.requests
        asked.reject(NAME_CASE)
        spent.append(asked.requests - before)
    assert spent == [TRIES + 1] * HABIT + [1, 1]


def test_a_502_that_stays_is_tried_again_every_time() -> None:
    asked = session(always(HTML, "PUT"))
    for _ in range(HABIT + 2):
        asked.reject(NAME_CASE)
    assert asked.requests == (HABIT + 2) * (TRIES + 1)


def test_a_bad_key_that_is_refused_is_asked_once() -> None:
    server = Server()
    session(server).deny(contract().requests["update.key/key-wrong"])
    assert len(server.asked) == 1


def test_the_key_of_a_denied_request_is_not_the_good_one() -> None:
    server = Server()
    asked = session(server)
    for name in ("key-missing", "key-empty", "key-wrong"):
        asked.deny(contract().requests[f"update.key/{name}"])
    assert [request.header("X-Api-Key") for request in server.asked][:2] == [None, ""]
    assert REFERENCE_KEY not in {request.header("X-Api-Key") for request in server.asked}


def test_an_unknown_id_is_asked_with_the_good_key() -> None:
    server = Server()
    asked = session(server)
    asked.deny(contract().requests["update.unknown_id/well-formed"])
    assert server.asked[0].header("X-Api-Key") == REFERENCE_KEY
    assert AUDIENCE_ID not in server.asked[0].path
    assert broken(asked) == set()


@pytest.mark.parametrize(
    ("header", "waited"),
    [("7", 7.0), ("0", 0.0), ("9999", LONGEST_WAIT), ("soon", 0.5), ("-1", 0.5), ("", 0.5)],
)
def test_a_wish_to_wait_is_honoured_within_bounds(header: str, waited: float) -> None:
    answer = Response(429, (("Retry-After", header),), b"{}")
    asked = session(Server(lambda _s, _r, number: answer if number == 1 else None))
    pauses: list[float] = []
    asked.target.wait = pauses.append
    asked.read()
    assert pauses == [waited]


def test_a_wish_to_wait_that_only_looks_like_a_number_is_no_crash() -> None:
    answer = Response(429, (("Retry-After", "\xb2"),))
    assert pause(Exchange(Request("GET", "/v2/x"), answer), 1) == 0.5


def test_pauses_grow() -> None:
    asked = session(Server(lambda _s, _r, number: OOPS if number < TRIES else None))
    pauses: list[float] = []
    asked.target.wait = pauses.append
    asked.read()
    assert pauses == [0.5, 1.0]


def test_requests_and_accepted_writes_are_counted() -> None:
    asked = session(Server(lambda _s, _r, number: OOPS if number == 1 else None))
    asked.update(ACCEPTED, "")
    asked.reject(CASE)
    asked.read()
    assert (asked.requests, asked.writes) == (4, 1)


def test_the_key_is_not_in_what_a_session_shows_of_itself() -> None:
    asked = session(Server())
    asked.read()
    assert REFERENCE_KEY not in repr(asked)


def test_a_stamp_is_seen() -> None:
    asked = session(Server())
    asked.read()
    assert asked.stamped


# Updates that got no answer ------------------------------------------------------------------------


def lossy(server: Server, request: Request, _number: int) -> Response | None:
    """Apply every PUT, and answer it like a broken gateway."""
    if request.method == "PUT":
        server.honest(request)
        return Response(504, (), b"<html>")
    return None


def deaf_then_down() -> Server:
    """Applies a PUT without an answer, and cannot be read until something else is asked."""

    def hook(server: Server, request: Request, number: int) -> Response | None:
        if request.method == "PUT" and number <= 1 + TRIES:
            server.honest(request)
            return HTML
        return HTML if number == 2 + TRIES else None

    return Server(hook)


def test_an_update_without_an_answer_is_no_reason_to_blame_a_refused_one() -> None:
    server = deaf_then_down()
    asked = session(server)
    asked.read()
    asked.state.rejected.append({"description": "x"})
    with pytest.raises(InconclusiveError):
        asked.update(ACCEPTED, "the case")
    asked.read()
    assert broken(asked) == set()


def test_a_faulty_update_without_an_answer_is_answered_by_a_filter_that_matches_nobody() -> None:
    server = deaf_then_down()
    asked = session(server)
    asked.read()
    with pytest.raises(InconclusiveError):
        asked.reject(CASE)
    assert server.bodies()[-1] == {"filter": NOBODY}


def test_a_faulty_update_that_a_gateway_swallowed_is_judged_and_settled() -> None:
    server = Server(lossy)
    asked = session(server)
    asked.reject(CASE)
    assert CASE.vector.rule in broken(asked)


# What nobody looked at -----------------------------------------------------------------------------


def test_a_rule_that_nobody_looked_at_is_inconclusive() -> None:
    with pytest.raises(InconclusiveError, match=r"whether read\.flat holds"):
        session(Server()).require("read.flat")
