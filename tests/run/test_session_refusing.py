"""Facts about a session's refusals: acceptances are settled, and what a refused update changed is found."""

import json
from typing import Any

import pytest

from tests.run.hooked import Server, broken, session
from trackly_contract.contract import NOBODY, contract
from trackly_contract.core import Request, Response, Verdict
from trackly_contract.generate import RejectionCase, rejection_cases
from trackly_contract.judge import BrokenError
from trackly_contract.reference import REFERENCE_KEY

CASE = next(case for case in rejection_cases("quick") if case.vector.code == "invalid_time_unit")
NAME_CASE = next(case for case in rejection_cases("quick") if case.vector.code == "name_too_long")
UNCHANGED = "update.refused.unchanged"


def test_a_fault_that_is_refused_holds() -> None:
    asked = session(Server())
    found = asked.reject(CASE)
    assert {finding.verdict for finding in found} == {Verdict.HELD}
    asked.require(CASE.vector.rule, CASE.id)


class Lenient(Server):
    """Takes every update as it is."""

    def faults(self, body: Any) -> Any:
        return iter(())


def test_an_unexpected_acceptance_is_answered_by_a_filter_that_matches_nobody() -> None:
    server = Lenient()
    asked = session(server)
    asked.reject(CASE)
    assert server.bodies()[1:] == [{"filter": NOBODY}]
    assert broken(asked) == {CASE.vector.rule}


def test_an_unexpected_acceptance_is_raised_with_its_case() -> None:
    asked = session(Lenient())
    asked.reject(CASE)
    with pytest.raises(BrokenError) as caught:
        asked.require(CASE.vector.rule, CASE.id)
    assert str(caught.value) == CASE.id


def test_an_unexpected_acceptance_is_no_change_by_a_refused_update() -> None:
    asked = session(Lenient())
    asked.read()
    asked.reject(CASE)
    asked.confirm_unchanged()
    assert broken(asked) == {CASE.vector.rule}


class Half(Server):
    """Refuses a faulty filter, but keeps the name or the description that came with it."""

    def rejection(self, fault: Any) -> Response:
        body = json.loads(self.asked[-1].body)
        if "filter" in body:
            self.audience.update({key: body[key] for key in ("name", "description") if key in body})
        return super().rejection(fault)


def with_companion() -> RejectionCase:
    return next(case for case in rejection_cases("quick") if case.position and case.companion == "name")


def test_a_refused_update_that_half_applies_is_found_and_named() -> None:
    asked = session(Half())
    culprit = with_companion()
    asked.read()
    asked.reject(NAME_CASE)
    asked.reject(culprit)
    asked.confirm_unchanged()
    assert {f.case for f in asked.of(UNCHANGED) if f.verdict is Verdict.BROKEN} == {culprit.id}


def test_what_every_refused_update_does_is_found_in_few_requests() -> None:
    asked = session(Half())
    asked.read()
    for case in rejection_cases("standard"):
        asked.reject(case)
    before = asked.requests
    asked.confirm_unchanged()
    assert asked.requests - before < before / 3
    assert UNCHANGED in broken(asked)


def test_what_the_first_of_many_refused_updates_does_is_found_too() -> None:
    asked = session(Half())
    culprit = with_companion()
    asked.read()
    asked.reject(culprit)
    for _ in range(40):
        asked.reject(NAME_CASE)
    before = asked.requests
    asked.confirm_unchanged()
    assert {f.case for f in asked.of(UNCHANGED) if f.verdict is Verdict.BROKEN} == {culprit.id}
    assert asked.requests - before < 3 * 41


def test_refused_updates_that_changed_nothing_are_read_once() -> None:
    server = Server()
    asked = session(server)
    asked.read()
    asked.reject(NAME_CASE)
    asked.confirm_unchanged()
    assert [request.method for request in server.asked] == ["GET", "PUT", "GET"]
    asked.require(UNCHANGED)


def test_looking_for_a_culprit_sends_no_denied_body_with_the_good_key() -> None:
    server = Half()
    asked = session(server)
    asked.read()
    denied = contract().requests["update.key/key-wrong"]
    asked.deny(denied)
    asked.reject(with_companion())
    asked.confirm_unchanged()
    sent = [r for r in server.asked if r.method == "PUT" and json.loads(r.body) == denied.body]
    assert REFERENCE_KEY not in {request.header("X-Api-Key") for request in sent}


class Careless(Server):
    """Takes an update with a wrong key over, and refuses it."""

    def authorise(self, request: Request) -> Response | None:
        refused = super().authorise(request)
        if refused is not None and request.method == "PUT":
            self.audience.update(json.loads(request.body))
        return refused


def test_a_denied_update_that_applies_is_found_and_named() -> None:
    asked = session(Careless())
    asked.read()
    denied = contract().requests["update.key/key-wrong"]
    asked.deny(denied)
    asked.reject(NAME_CASE)
    asked.confirm_unchanged()
    assert {f.case for f in asked.of(UNCHANGED) if f.verdict is Verdict.BROKEN} == {denied.id}


def test_where_a_token_may_be_rejected_first_a_difference_says_nothing() -> None:
    asked = session(Lenient())
    assert asked.reject(CASE, certain=False) == []
    assert broken(asked) == set()
    held = session(Server()).reject(CASE, certain=False)
    assert {finding.verdict for finding in held if finding.rule == CASE.vector.rule} == {Verdict.HELD}
