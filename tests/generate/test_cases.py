"""Planned cases: one error each, at the position in the id, matching nobody wherever the position allows it."""

import copy
import dataclasses
from typing import Any

import msgspec
import pytest

from tests.support.drawing import drawn
from trackly_contract.contract import UPDATE_FIELDS, RequestVector, contract, matches_nobody, schemas
from trackly_contract.core import encode, same
from trackly_contract.generate import (
    POSITIONS,
    VECTOR_LISTS,
    Effort,
    Position,
    RejectionCase,
    Tokens,
    candidate_condition,
    candidate_types,
    rejected_bodies,
    rejection_cases,
    rejection_codes,
)
from trackly_contract.generate import cases as module
from trackly_contract.generate.cases import EFFORTS

AT = {effort: rejection_cases(effort) for effort in EFFORTS}
CASES = {case.id: case for cases in AT.values() for case in cases}
PLACED = {name: case for name, case in CASES.items() if case.position is not None}
WITH_LISTS = {name: case for name, case in CASES.items() if "source_lists" in case.vector.body}

OTHERS = Tokens(
    dict.fromkeys(candidate_types(), "contains") | {"carrier": "ne", "timezone": "in", "revenue": "lt"},
    {"revenue": "avg_revenue"},
)
"""Tokens of a target that accepts none of those in the vectors."""

CLICKS = {"condition_type": "count", "field": "click_count", "operator": "gte"}


def each(cases: dict[str, RejectionCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def filter_of_twin(case: RejectionCase) -> dict[str, Any]:
    """Put the accepted twin where the case has the error."""
    edited = dataclasses.replace(case.edit, wrong=case.edit.right)
    return case.filter_with(dataclasses.replace(case, edit=edited).wrong)


def holders(group: dict[str, Any], wrong: Any, level: int = 1) -> list[tuple[int, Any, int, int]]:
    """Return depth, operator, index and length of the list for each position of `wrong` in a filter."""
    found = []
    for kind in ("conditions", "groups"):
        entries = group.get(kind, [])
        found += [(level, group["operator"], n, len(entries)) for n, entry in enumerate(entries) if same(entry, wrong)]
    for nested in group.get("groups", []):
        if not same(nested, wrong):
            found += holders(nested, wrong, level + 1)
    return found


# One error -----------------------------------------------------------------------------------------


@each(CASES)
def test_a_case_has_exactly_one_error(case: RejectionCase) -> None:
    found = schemas().decide(case.body())
    assert {question.stands_for for question in found.questions} <= ({"value-range"} if case.too_wide else set())
    only_a_server = contract().rules[case.vector.rule].needs_state  # it alone knows its lists
    assert [fault.stands_for for fault in found.faults] == ([] if only_a_server else [case.vector.code])


@each({name: case for name, case in PLACED.items() if case.condition_type})
def test_a_case_with_the_tokens_of_another_target_has_the_same_error(case: RejectionCase) -> None:
    found = schemas().decide(case.body(OTHERS))
    assert [fault.stands_for for fault in found.faults] == [case.vector.code]


@each(PLACED)
def test_the_twin_at_the_same_position_is_accepted(case: RejectionCase) -> None:
    found = schemas().decide({"filter": filter_of_twin(case)})
    assert found.accepted or ([q.stands_for for q in found.questions] == ["value-range"] and case.too_wide)


@each(CASES)
def test_a_case_keeps_every_field_of_its_vector_but_the_filter(case: RejectionCase) -> None:
    body = case.body()
    assert all(same(body[name], value) for name, value in case.vector.body.items() if name != "filter")


# Positions -----------------------------------------------------------------------------------------


@each(PLACED)
def test_the_error_stands_where_the_id_says(case: RejectionCase) -> None:
    assert case.position is not None
    ((level, operator, index, length),) = holders(case.body()["filter"], case.wrong)
    assert case.position == Position(level > 1, operator, index > 0)
    assert (level, index, length) == (case.depth, case.index, max(index, 1) + 1)
    words = "".join(f"+{token}" for token in case.words.values())
    assert case.id == f"{case.vector.id}@{case.position.id}{f'-{level}' if level > 1 else ''}{words}"
    assert case.words.items() <= case.wrong.items()


CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_effort_meets_every_code_and_position_and_no_case_twice(effort: Effort) -> None:
    assert {case.vector.code for case in AT[effort]} == CODES
    assert {case.position for case in AT[effort]} - {None} == set(POSITIONS)
    assert len({case.id for case in AT[effort]}) == len(AT[effort])
    depths = {case.depth for case in AT[effort] if case.position and case.position.nested}
    assert depths == ({2, 3} if effort == "quick" else {2, 3, 4, 5, 6})


def test_a_case_is_the_same_body_at_every_effort_and_each_time() -> None:
    bodies: dict[str, set[bytes]] = {}
    for effort in EFFORTS * 2:
        for case in rejection_cases(effort):
            bodies.setdefault(case.id, set()).add(encode(case.body()))
    assert [name for name, found in bodies.items() if len(found) > 1] == []


def test_quick_has_each_code_once() -> None:
    assert len(AT["quick"]) == len(CODES)


def test_standard_has_each_code_of_a_filter_at_every_position_where_it_does_no_harm() -> None:
    asked: dict[str | None, set[Position]] = {}
    for case in AT["standard"]:
        if case.position is not None:
            asked.setdefault(case.vector.code, set()).add(case.position)
    guarded = frozenset(position for position in POSITIONS if position.guarded)
    assert set(map(frozenset, asked.values())) == {frozenset(POSITIONS), guarded}


def test_thorough_has_every_rejected_vector_of_a_rejecting_rule() -> None:
    rules = contract().rules
    rejected = {v.id for v in contract().requests.values() if v.status == 400 and rules[v.rule].status == 400}
    assert {case.vector.id for case in AT["thorough"]} == rejected


@pytest.mark.parametrize("key", ["field", "operator"])
def test_standard_meets_each_rule_on_a_condition_with_every_token_that_thorough_does(key: str) -> None:
    met: dict[str, set[tuple[str, str]]] = {}
    for effort in ("standard", "thorough"):
        cases = [case for case in AT[effort] if case.edit.inside == "conditions" and key in case.wrong]
        met[effort] = {(case.vector.rule, case.wrong[key]) for case in cases}
    assert met["standard"] >= {(rule, token) for rule, token in met["thorough"] if not token.startswith("zz_")}


@pytest.mark.parametrize("code", ["invalid_group_operator", "empty_filter_group"])
def test_beyond_quick_the_filter_itself_is_a_wrong_group_too(code: str) -> None:
    whole = [case for case in AT["standard"] if case.vector.code == code and case.position is None]
    assert [case.body() for case in whole] == [whole[0].vector.body]


@pytest.mark.parametrize("code", ["name_too_long", "source_list_not_found"])
def test_beyond_quick_an_error_outside_the_filter_stands_beside_every_other_field(code: str) -> None:
    cases = [case for case in AT["standard"] if case.vector.code == code]
    assert {name for case in cases for name in case.body()} == set(UPDATE_FIELDS)


def test_thorough_has_every_documented_field_with_every_operator_about_the_unit() -> None:
    parts = [case.wrong for case in AT["thorough"] if case.vector.code == "invalid_time_unit"]
    fields, operators = ("last_clicked_at", "last_sent_at", "signup_date"), ("within", "not_within", "before", "after")
    assert {(part["field"], part["operator"]) for part in parts} == {(f, o) for f in fields for o in operators}


# Nobody is matched ---------------------------------------------------------------------------------


@each({name: case for name, case in PLACED.items() if case.position and case.position.guarded})
def test_an_error_that_is_nested_or_under_and_would_match_nobody(case: RejectionCase) -> None:
    assert matches_nobody(case.body()["filter"])


def test_a_window_is_too_wide_where_nothing_else_guards_it_and_then_matches_nobody() -> None:
    wide = [case for case in CASES.values() if case.too_wide]
    assert {case.position for case in wide} == {position for position in POSITIONS if not position.guarded}
    assert all(matches_nobody(filter_of_twin(case)) for case in wide)


def test_no_negation_of_an_impossible_condition_stands_directly_under_or() -> None:
    filters = [case.body()["filter"] for case in PLACED.values()]
    under_or = [nested for group in filters if group["operator"] == "OR" for nested in group.get("groups", [])]
    assert {group["operator"] for group in under_or} == {"AND", "XOR", "zz_no_such_operator"}


def test_at_quick_the_twin_of_a_documented_type_matches_nobody() -> None:
    twins = [filter_of_twin(case) for case in AT["quick"] if case.position and case.condition_type is None]
    assert len(twins) == 10
    assert all(map(matches_nobody, twins))


# Tokens and lists ----------------------------------------------------------------------------------


def test_the_candidate_types_are_those_without_a_documented_operator() -> None:
    assert candidate_types() == ["custom_field", "carrier", "timezone", "revenue"]


@pytest.mark.parametrize("kind", candidate_types())
def test_candidate_tokens_are_replaced_by_those_that_the_target_accepts(kind: str) -> None:
    condition = candidate_condition(kind)
    before = copy.deepcopy(condition)
    adapted = OTHERS.adapt(condition)
    assert adapted["operator"] == OTHERS.operators[kind]
    assert adapted.get("field") == {"revenue": "avg_revenue"}.get(kind, condition.get("field"))
    adapted["value"] = "changed"
    assert condition == before
    assert Tokens({}, {}).adapt(condition) == condition
    assert OTHERS.adapt(CLICKS) == CLICKS


@each({name: case for name, case in PLACED.items() if "no-such" in name})
def test_a_token_that_no_api_has_is_never_replaced(case: RejectionCase) -> None:
    implausible = {key: value for key, value in case.wrong.items() if str(value).startswith("zz_")}
    assert implausible
    assert implausible.items() <= OTHERS.adapt(case.wrong).items()


@each(WITH_LISTS)
def test_known_lists_are_those_of_the_target_and_the_unknown_one_stays(case: RejectionCase) -> None:
    sent = case.body(None, [7, 8])["source_lists"]
    assert not set(sent) & set(VECTOR_LISTS)
    assert len(set(sent) & {7, 8}) == case.known_lists()
    assert 2147483647 in sent


@each(CASES)
def test_changing_a_body_changes_neither_its_vector_nor_the_next_body(case: RejectionCase) -> None:
    vector, before = encode(case.vector.body), encode(case.body())
    body = case.body(OTHERS, [7, 8])
    for value in body.values():
        if not isinstance(value, str):
            value.clear()
    assert (encode(case.vector.body), encode(case.body())) == (vector, before)


# A new rule ----------------------------------------------------------------------------------------


NEW_RULES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "description_too_long": ({"description": "d" * 1001}, {"description": "d" * 1000}, "d" * 1001),
    "invalid_count_value": (
        {"filter": {"operator": "AND", "conditions": [{**CLICKS, "value": "many"}]}},
        {"filter": {"operator": "AND", "conditions": [{**CLICKS, "value": 2_000_000_000}]}},
        "'value': 'many'",
    ),
}
"""Codes with a rejected body, its accepted twin, and what is wrong."""


@pytest.mark.parametrize("code", NEW_RULES)
def test_a_new_rule_has_cases_at_each_effort_and_a_strategy(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    rule = msgspec.structs.replace(next(iter(known.rules.values())), id=f"new.{code}", status=404, code=code)
    body, right, wrong = NEW_RULES[code]
    twin = RequestVector(f"new.{code}/twin", "PUT", 200, right)
    vector = RequestVector(f"new.{code}/wrong", "PUT", 404, body, code=code, twin=twin.id)
    extended = dataclasses.replace(
        known, rules={**known.rules, rule.id: rule}, requests={**known.requests, twin.id: twin, vector.id: vector}
    )
    monkeypatch.setattr(module, "contract", lambda: extended)
    cases = {effort: [case for case in rejection_cases(effort) if case.vector == vector] for effort in EFFORTS}
    assert (len(cases["quick"]), len(cases["standard"])) == (1, 4 if code == "description_too_long" else 6)
    assert all(set(body) <= set(case.body()) for of_effort in cases.values() for case in of_effort)
    assert rejection_codes()[-1] == code
    for found in drawn(rejected_bodies(code), 10):
        assert found.code == code
        assert (wrong in str(found.body), wrong in str(found.twin)) == (True, False)


def test_types_whose_tokens_are_documented_have_cases_too(monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    tokens = tuple(msgspec.structs.replace(token, basis="stated") for token in known.vocabulary.tokens)
    vocabulary = dataclasses.replace(known.vocabulary, tokens=tokens)
    monkeypatch.setattr(module, "contract", lambda: dataclasses.replace(known, vocabulary=vocabulary))
    assert candidate_types() == []
    for effort in EFFORTS:
        assert {case.vector.code for case in rejection_cases(effort)} == CODES


def test_a_rule_without_a_rejected_vector_has_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    rule = msgspec.structs.replace(next(iter(known.rules.values())), id="new.rule", status=400, code="new")
    monkeypatch.setattr(module, "contract", lambda: dataclasses.replace(known, rules={**known.rules, rule.id: rule}))
    assert [case.id for case in rejection_cases("standard")] == [case.id for case in AT["standard"]]
