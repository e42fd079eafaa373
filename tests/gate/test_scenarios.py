"""Facts about the answers that a client has to survive: all documented ones, and none that is called broken."""

from __future__ import annotations

from collections import Counter

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Request, Verdict, parse
from trackly_contract.gate import Gate, possible_answers, possible_faults
from trackly_contract.gate.gate import met
from trackly_contract.gate.scenarios import Answer, Connection, named
from trackly_contract.judge import judge_audience, judge_rejection
from trackly_contract.judge.findings import Rejection

ANSWERS = [pytest.param(answer, id=name) for name, answer in possible_answers().items()]
FAULTS = [pytest.param(answer, id=name) for name, answer in possible_faults().items()]


def request_for(gate: Gate, answer: Answer) -> Request:
    headers = (("X-Api-Key", gate.api_key), ("Content-Type", "application/json"))
    path = f"/v2/audiences/{gate.audience_id}"
    if answer.operation == "read":
        return Request("GET", path, headers[:1])
    member = b'{"source_lists": [101]}' if "description" in answer.members else b'{"description": "x"}'
    if "source_lists" in answer.members:
        member = b'{"name": "x"}'
    return Request("PUT", path, headers, member)


def verdicts(gate: Gate, answer: Answer) -> Counter[Verdict]:
    """What our own judge says of the answer."""
    sent = gate.answer(request_for(gate, answer))
    assert sent.response is not None
    exchange = Exchange(sent.request, sent.response)
    if answer.success:
        return Counter(found.verdict for found in judge_audience(exchange, gate.audience_id).findings)
    rule = contract().rules[answer.stands_on]
    assert rule.status is not None
    assert rule.code is not None
    return Counter(found.verdict for found in judge_rejection(exchange, rule.id, Rejection(rule.status, rule.code)))


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_forced_is_given(answer: Answer) -> None:
    gate = Gate()
    gate.force(answer)
    sent = gate.answer(request_for(gate, answer))
    assert sent.answer is answer
    assert met(sent) == answer.name
    assert sent.response is not None
    assert sent.response.status == answer.status


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_is_one_that_the_judge_calls_broken(answer: Answer) -> None:
    gate = Gate()
    gate.force(answer)
    found = verdicts(gate, answer)
    assert found[Verdict.BROKEN] == 0
    assert found.total() > 0


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_stands_on_a_rule_or_a_question(answer: Answer) -> None:
    assert answer.stands_on in {*contract().rules, *contract().questions}
    assert not answer.fault


def test_every_documented_refusal_is_there_for_each_operation_that_may_give_it() -> None:
    documented = {(rule.status, rule.code) for rule in contract().rules.values() if rule.code}
    assert len(documented) == 24
    for operation, expected in (
        ("update", documented),
        ("read", {(status, code) for status, code in documented if status != 400}),
    ):
        found = {(a.status, a.code) for a in possible_answers().values() if a.code and a.operation == operation}
        assert found - {(401, "missing_api_key"), (401, "invalid_api_key")} == expected


def test_the_contested_codes_of_401_are_there() -> None:
    codes = {answer.code for answer in possible_answers().values() if answer.status == 401}
    assert codes == {"unauthorized", "missing_api_key", "invalid_api_key"}


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("null-cache", "cached_size", None),
        ("null-cache", "cached_size_updated_at", None),
        ("zero-size", "cached_size", 0),
        ("archived", "status", "archived"),
        ("all-lists", "source_lists", []),
        ("null-description", "description", None),
        ("time-zone", "created_at", "2025-10-01T14:22:00Z"),
        ("time-fraction", "created_at", "2025-10-01T14:22:00.123456+00:00"),
        ("more-members", "success", True),
    ],
)
def test_a_shape_shows_in_the_answer(name: str, member: str, value: object) -> None:
    gate = Gate()
    gate.force(name)
    response = gate.answer(request_for(gate, possible_answers()[f"read-200-{name}"])).response
    assert response is not None
    assert parse(response.body)[member] == value


def test_groups_can_be_absent_at_every_depth() -> None:
    gate = Gate()
    inner = {"operator": "AND", "conditions": [], "groups": []}
    gate.arrange(filter={"operator": "AND", "conditions": [], "groups": [inner]})
    gate.force("groups-absent", operation="read")
    response = gate.answer(request_for(gate, possible_answers()["read-200-groups-absent"])).response
    assert response is not None
    assert parse(response.body)["filter"] == {
        "operator": "AND",
        "conditions": [],
        "groups": [{"operator": "AND", "conditions": []}],
    }


def test_the_members_can_stand_in_another_order() -> None:
    gate = Gate()
    gate.force("reversed")
    response = gate.answer(request_for(gate, possible_answers()["read-200-reversed"])).response
    assert response is not None
    assert next(iter(parse(response.body))) == "created_at"


def test_the_longest_name_has_255_characters() -> None:
    assert len(possible_answers()["read-200-longest-name"].arranged()["name"]) == 255


@pytest.mark.parametrize("answer", FAULTS)
def test_a_fault_of_the_way_is_given_and_met_by_its_name(answer: Answer) -> None:
    gate = Gate()
    gate.force(answer)
    sent = gate.answer(request_for(gate, answer))
    assert answer.fault
    assert met(sent) == answer.name
    assert sent.connection is answer.connection
    assert (sent.response is None) == (answer.connection in (Connection.TIMEOUT, Connection.DISCONNECTED))


@pytest.mark.parametrize("answer", FAULTS)
def test_a_fault_of_the_way_changes_nothing_unless_the_answer_alone_was_cut(answer: Answer) -> None:
    gate = Gate()
    gate.force(answer)
    sent = gate.answer(request_for(gate, answer))
    cut = answer.connection is Connection.TRUNCATED and answer.operation == "update"
    assert (sent.before != sent.after) == cut


@pytest.mark.parametrize("answer", [*ANSWERS, *FAULTS])
def test_every_answer_carries_the_stamp(answer: Answer) -> None:
    gate = Gate()
    gate.force(answer)
    response = gate.answer(request_for(gate, answer)).response
    assert response is None or response.header("X-Trackly-Contract-Reference") is not None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("read-200-null-cache", ["read-200-null-cache"]),
        ("null-cache", ["read-200-null-cache", "update-200-null-cache"]),
        ("invalid_time_unit", ["update-400-invalid_time_unit"]),
        ("unauthorized", ["read-401-unauthorized", "update-401-unauthorized"]),
        ("404", ["read-404-not_found", "update-404-not_found"]),
        ("429", ["read-rate-limited", "update-rate-limited"]),
        ("timeout", ["read-timeout", "update-timeout"]),
        ("200", ["read-200-as-documented", "update-200-as-documented"]),
    ],
)
def test_a_short_name_means_the_answer_of_each_operation(name: str, meant: list[str]) -> None:
    assert [answer.name for answer in named(name)] == meant


def test_a_short_name_can_be_held_to_one_operation() -> None:
    assert [answer.name for answer in named("timeout", "update")] == ["update-timeout"]


def test_a_name_that_is_mistyped_is_told_what_is_near() -> None:
    with pytest.raises(LookupError, match="no answer 'invalid_time_units'; names are like invalid_time_unit"):
        named("invalid_time_units")


def test_every_short_name_is_of_one_answer_an_operation() -> None:
    for answer in {**possible_answers(), **possible_faults()}.values():
        assert named(answer.name.removeprefix(f"{answer.operation}-"), answer.operation) == [answer]
