"""A session: network faults are tried again, acceptances are settled, and what a rejected update changed is found."""

import json
from typing import Any

import pytest

from tests.run.hooked import Server, broken, new_session, open_up, session
from trackly_contract.contract import NOBODY, as_answered, as_request, contract
from trackly_contract.core import InconclusiveError, Request, Response, Verdict, encode
from trackly_contract.generate import RejectionCase, rejection_cases
from trackly_contract.judge import BrokenError, Finding
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run import Session
from trackly_contract.run.conversation import TRIES

HTML = Response(502, (("Content-Type", "text/html"),), b"<html>Bad Gateway</html>")
OOPS = Response(500, (), b'{"error": "x", "code": "internal"}')
ACCEPTED = contract().requests["update.name/ascii"].body
WRONG_KEY = contract().requests["update.key/key-wrong"]
CASE = next(case for case in rejection_cases("quick") if case.vector.code == "invalid_time_unit")
NAME_CASE = next(case for case in rejection_cases("quick") if case.vector.code == "name_too_long")
WITH_NAME = next(case for case in rejection_cases("quick") if "@" in case.id and "name" in case.body())
UNCHANGED = "update.refused.unchanged"


def always(answer: Response, method: str) -> Session:
    return session(Server(lambda _server, request, _n: answer if request.method == method else None))


def reject(asked: Session, case: RejectionCase, *, certain: bool = True) -> list[Finding]:
    before = len(asked.findings)
    asked.reject(case.vector, case.body(), case.id, certain=certain)
    return asked.findings[before:]


def deny(asked: Session, name: str) -> None:
    vector = contract().requests[name]
    asked.reject(vector, vector.body, vector.id)


def failing(answer: Response, times: int) -> Session:
    return session(Server(lambda _server, _request, number: answer if number <= times else None))


# Network faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        *((fault, 1) for fault in (HTML, Response(429), Response(302), Response(401, (), b"{}"), Response(200))),
        (OOPS, TRIES - 1),
    ],
)
def test_a_fault_that_goes_away_is_tried_again_after_growing_pauses(fault: Response, times: int) -> None:
    asked = failing(fault, times)
    pauses: list[float] = []
    asked.target.wait = pauses.append
    asked.read()
    assert broken(asked) == set()
    assert asked.requests == times + 1
    assert pauses == [0.5, 1.0][:times]


def test_a_pause_is_as_long_as_the_response_asks_for() -> None:
    asked = failing(Response(429, (("Retry-After", "7"),), b"{}"), 1)
    pauses: list[float] = []
    asked.target.wait = pauses.append
    asked.read()
    assert pauses == [7.0]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (OOPS, "500"),
        (HTML, "502, not JSON: '<html>Bad Gateway</html>'"),
        (Response(403, (), b"{}"), "403"),
        (Response(200, (), b"[]"), "200"),
    ],
)
def test_a_read_that_always_fails_is_inconclusive_and_says_what_came(fault: Response, text: str) -> None:
    asked = always(fault, "GET")
    with pytest.raises(InconclusiveError, match=f"cannot be read: {text}.*, {TRIES} times"):
        asked.read()
    assert broken(asked) == set()


@pytest.mark.parametrize("fault", [OOPS, HTML, Response(401, (), b'{"error": "x", "code": "unauthorized"}')])
def test_an_update_that_always_fails_while_reading_works_is_judged(fault: Response) -> None:
    asked = always(fault, "PUT")
    asked.update(ACCEPTED, "the case", ("update.optional",))
    reject(asked, CASE)
    assert broken(asked) - {"error.code"} == {"update.optional", CASE.vector.rule}


@pytest.mark.parametrize("fault", [OOPS, HTML])
def test_an_update_that_fails_like_reading_is_inconclusive(fault: Response) -> None:
    asked = session(Server(lambda *_: fault))
    with pytest.raises(InconclusiveError, match="then the control GET was answered"):
        asked.update(ACCEPTED, "the case", ("update.optional",))
    assert broken(asked) == set()


def in_plain_text(server: Server, request: Request, _number: int) -> Response | None:
    honest = server.honest(request)
    return Response(honest.status, (), b"no") if request.method == "PUT" and honest.status == 400 else None


def test_a_rejection_without_json_that_stayed_thrice_is_no_longer_tried_again() -> None:
    asked = session(Server(in_plain_text))
    spent = []
    for _ in range(TRIES + 2):
        before = asked.requests
        reject(asked, NAME_CASE)
        spent.append(asked.requests - before)
    assert spent == [TRIES + 1] * TRIES + [1, 1]


def test_a_502_that_stays_is_tried_again_every_time() -> None:
    asked = always(HTML, "PUT")
    for _ in range(TRIES + 2):
        reject(asked, NAME_CASE)
    # Each may be stored all the same, so a filter that matches nobody is sent after it, and as often.
    assert asked.requests == 2 * (TRIES + 2) * (TRIES + 1)


def test_a_denied_request_is_sent_once_and_the_good_key_goes_with_an_unknown_id_alone() -> None:
    server = Server()
    asked = session(server)
    for name in ("key/key-missing", "key/key-empty", "key/key-wrong", "unknown_id/well-formed"):
        deny(asked, f"update.{name}")
    puts = [request for request in server.asked if request.method == "PUT"]
    missing, empty, wrong, good = (request.header("X-Api-Key") for request in puts)
    assert (missing, empty, wrong != REFERENCE_KEY, good) == (None, "", True, REFERENCE_KEY)
    assert AUDIENCE_ID not in server.asked[-1].path
    assert broken(asked) == set()


def test_a_bad_filter_that_is_answered_500_is_replaced_for_it_may_be_stored() -> None:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        if request.body != encode(CASE.body()):
            return None
        server.audience["filter"] = as_answered(request.json.fields["filter"])
        return server.undocumented(500, "cannot render")

    server = Server(hook)
    reject(open_up(new_session(server)), CASE)
    assert as_request(server.audience["filter"]) == NOBODY | {"groups": []}


def test_a_bad_filter_that_shows_though_it_was_rejected_is_replaced() -> None:
    asked = open_up(new_session(server := Server()))
    server.audience["filter"] = {"operator": "OR", "conditions": [], "groups": []}
    asked.read_what_is_unguarded("x")
    assert as_request(server.audience["filter"]) == NOBODY | {"groups": []}


def test_requests_and_accepted_writes_are_counted() -> None:
    asked = failing(OOPS, 1)
    asked.update(ACCEPTED, "")
    reject(asked, CASE)
    asked.read()
    assert (asked.requests, asked.writes) == (4, 1)


def test_a_session_sees_the_stamp_and_does_not_show_the_key() -> None:
    asked = session(Server())
    asked.read()
    assert asked.stamped
    assert REFERENCE_KEY not in repr(asked)


# Updates that got no response --------------------------------------------------------------------------


def deaf_then_down(server: Server, request: Request, number: int) -> Response | None:
    """Apply an update without a response, and cannot be read until something else is asked."""
    if request.method == "PUT" and number <= 1 + TRIES:
        server.honest(request)
        return HTML
    return HTML if number == 2 + TRIES else None


def test_an_update_without_a_response_is_no_reason_to_blame_a_rejected_one() -> None:
    asked = session(Server(deaf_then_down))
    asked.read()
    asked.state.rejected.append({"description": "x"})
    with pytest.raises(InconclusiveError):
        asked.update(ACCEPTED, "the case")
    asked.read()
    assert broken(asked) == set()


def test_a_wrong_update_without_a_response_is_followed_by_a_filter_that_matches_nobody() -> None:
    server = Server(deaf_then_down)
    asked = session(server)
    asked.read()
    with pytest.raises(InconclusiveError):
        reject(asked, CASE)
    assert server.bodies()[-1] == {"filter": NOBODY}


# Rejections --------------------------------------------------------------------------------------------


def test_an_error_that_is_rejected_holds() -> None:
    asked = session(Server())
    assert {finding.verdict for finding in reject(asked, CASE)} == {Verdict.HELD}
    asked.require(CASE.vector.rule, CASE.id)


def test_a_rule_that_no_response_is_about_is_inconclusive() -> None:
    with pytest.raises(InconclusiveError, match=r"whether read\.flat holds"):
        session(Server()).require("read.flat")


class Lenient(Server):
    """Takes every update as it is."""

    def faults(self, body: Any) -> Any:
        return iter(())


def test_an_unexpected_acceptance_is_replaced_raised_with_its_case_and_no_change_by_a_rejected_update() -> None:
    server = Lenient()
    asked = session(server)
    asked.read()
    reject(asked, CASE)
    assert server.bodies()[1:] == [{"filter": NOBODY}]
    asked.read("refused-unchanged")
    assert broken(asked) == {CASE.vector.rule}
    with pytest.raises(BrokenError) as caught:
        asked.require(CASE.vector.rule, CASE.id)
    assert str(caught.value) == CASE.id


def test_where_a_token_may_be_rejected_first_a_difference_says_nothing() -> None:
    asked = session(Lenient())
    assert reject(asked, CASE, certain=False) == []
    assert broken(asked) == set()
    held = reject(session(Server()), CASE, certain=False)
    assert {finding.verdict for finding in held if finding.rule == CASE.vector.rule} == {Verdict.HELD}


class Half(Server):
    """Rejects a wrong filter, but keeps the name or the description that came with it."""

    def rejection(self, fault: Any) -> Response:
        body = json.loads(self.asked[-1].body)
        if "filter" in body:
            self.audience.update({key: body[key] for key in ("name", "description") if key in body})
        return super().rejection(fault)


class Careless(Server):
    """Takes an update with a wrong key over, and rejects it."""

    def authorise(self, request: Request) -> Response | None:
        refused = super().authorise(request)
        if refused is not None and request.method == "PUT":
            self.audience.update(json.loads(request.body))
        return refused


def culprits(asked: Session) -> set[str]:
    asked.read("refused-unchanged")
    return {finding.case for finding in asked.of(UNCHANGED) if finding.verdict is Verdict.BROKEN}


@pytest.mark.parametrize(
    "rejected", [[NAME_CASE, WITH_NAME], [WITH_NAME, *[NAME_CASE] * 40]], ids=["last", "first of many"]
)
def test_a_rejected_update_that_half_applies_is_found_and_named(rejected: list[RejectionCase]) -> None:
    asked = session(Half(), "standard")
    asked.read()
    for case in rejected:
        reject(asked, case)
    before = asked.requests
    assert culprits(asked) == {WITH_NAME.id}
    assert asked.requests - before < 3 * 41


def test_what_every_rejected_update_does_is_found_in_few_requests() -> None:
    asked = session(Half(), "standard")
    asked.read()
    for case in rejection_cases("standard"):
        reject(asked, case)
    before = asked.requests
    assert culprits(asked)
    assert asked.requests - before < before / 3


def test_rejected_updates_that_changed_nothing_are_read_once() -> None:
    server = Server()
    asked = session(server)
    asked.read()
    reject(asked, NAME_CASE)
    assert culprits(asked) == set()
    assert [request.method for request in server.asked] == ["GET", "PUT", "GET"]
    asked.require(UNCHANGED)


def test_the_search_for_a_culprit_sends_no_denied_body_with_the_good_key() -> None:
    server = Half()
    asked = session(server)
    asked.read()
    deny(asked, WRONG_KEY.id)
    reject(asked, WITH_NAME)
    asked.read("refused-unchanged")
    sent = [r for r in server.asked if r.method == "PUT" and json.loads(r.body) == WRONG_KEY.body]
    assert REFERENCE_KEY not in {request.header("X-Api-Key") for request in sent}


def test_a_denied_update_that_applies_is_found_and_named() -> None:
    asked = session(Careless())
    asked.read()
    deny(asked, WRONG_KEY.id)
    reject(asked, NAME_CASE)
    assert culprits(asked) == {WRONG_KEY.id}
