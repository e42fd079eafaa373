"""Facts about cases: one fault each, in the place its id names, matching nobody where the place allows it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from trackly_contract.contract import GUARD, RequestVector, contract, depth, matches_nobody, schemas
from trackly_contract.core import encode, same
from trackly_contract.generate import (
    CANDIDATE_TYPES,
    PLACES,
    VECTOR_LISTS,
    Place,
    RefusalCase,
    Tokens,
    accepted_filters,
    alone,
    candidate_condition,
    refusal_cases,
    together,
)
from trackly_contract.generate.cases import EFFORTS, fragment_of, guarded, placed

CASES = {case.id: case for effort in EFFORTS for case in refusal_cases(effort)}
PLACED = {name: case for name, case in CASES.items() if case.place is not None}

OTHERS = Tokens(
    dict.fromkeys(CANDIDATE_TYPES, "contains") | {"carrier": "ne", "timezone": "in", "revenue": "lt"},
    {"revenue": "avg_revenue"},
)
"""Tokens of a target that accepts none of those the vectors are written with."""


def each(cases: dict[str, RefusalCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def placed_twin(case: RefusalCase) -> dict[str, Any]:
    """Put the accepted twin of a case where the case puts the fault."""
    assert case.place is not None
    _, kind = fragment_of(case.vector)
    return placed(case.twin, kind, case.place, case.depth, case.index, case.beside)


def open_in(case: RefusalCase) -> set[str]:
    """Return the questions that a case may touch: how wide a window may be, where it is wide enough for nobody."""
    return {"value-range"} if case.too_wide else set()


def holders(group: dict[str, Any], fault: Any, level: int = 1) -> list[tuple[int, str, int, int]]:
    """Return depth, operator, index and length of the list for each place where `fault` stands in a filter."""
    found = []
    for kind in ("conditions", "groups"):
        entries = group.get(kind, [])
        found += [
            (level, group["operator"], index, len(entries)) for index, entry in enumerate(entries) if same(entry, fault)
        ]
    for nested in group.get("groups", []):
        if not same(nested, fault):
            found += holders(nested, fault, level + 1)
    return found


# One fault -----------------------------------------------------------------------------------------


@each(CASES)
def test_a_case_carries_exactly_one_fault(case: RefusalCase) -> None:
    found = schemas().decide(case.body())
    assert {question.stands_for for question in found.questions} <= open_in(case)
    if case.vector.code == "source_list_not_found":
        assert not found.faults
    else:
        assert [fault.stands_for for fault in found.faults] == [case.vector.code]


@each({name: case for name, case in PLACED.items() if case.condition_type})
def test_a_case_with_the_tokens_of_another_target_carries_the_same_fault(case: RefusalCase) -> None:
    found = schemas().decide(case.body(OTHERS))
    assert [fault.stands_for for fault in found.faults] == [case.vector.code]


@each(PLACED)
def test_the_twin_in_the_same_place_is_accepted(case: RefusalCase) -> None:
    found = schemas().decide({"filter": placed_twin(case)})
    assert not found.faults
    assert {question.stands_for for question in found.questions} <= open_in(case)


def test_a_window_is_too_wide_only_where_nothing_else_shields_it() -> None:
    wide = [case for case in CASES.values() if case.too_wide]
    assert {case.place.id for case in wide if case.place} == {"top-or-first", "top-or-later"}
    assert all(matches_nobody({"operator": "OR", "conditions": [case.twin]}) for case in wide)


def test_the_twin_of_a_fault_outside_the_filter_is_accepted() -> None:
    twins = [contract().requests[str(case.vector.twin)] for case in CASES.values() if case.place is None]
    assert all(schemas().decide(twin.body).accepted for twin in twins)


@each(CASES)
def test_the_companion_of_a_case_is_no_fault(case: RefusalCase) -> None:
    body = case.body()
    if case.companion is not None:
        assert schemas().decide({case.companion: body[case.companion]}).accepted


@each(CASES)
def test_a_companion_takes_nothing_from_the_vector(case: RefusalCase) -> None:
    body = case.body()
    assert {name: body[name] for name in case.vector.body if name != "filter"} == {
        name: value for name, value in case.vector.body.items() if name != "filter"
    }


# Places --------------------------------------------------------------------------------------------


@each(PLACED)
def test_the_fault_stands_where_the_id_says(case: RefusalCase) -> None:
    assert case.place is not None
    found = holders(case.body()["filter"], case.fragment)
    assert len(found) == 1
    level, operator, index, length = found[0]
    assert (level > 1, operator, index > 0) == (case.place.nested, case.place.operator, case.place.later)
    assert (level, index, length) == (case.depth, case.index, max(index, 1) + 1)
    where = case.id.partition("@")[2].partition("+")[0]
    assert where == case.place.id + (f"-{level}" if level > 1 else "")


@each(PLACED)
def test_other_words_are_in_the_fault_and_in_its_name(case: RefusalCase) -> None:
    assert all(case.fragment[member] == token for member, token in case.words)
    assert all(f"+{token}" in case.id for _, token in case.words)


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_place_is_visited(effort: Any) -> None:
    assert {case.place for case in refusal_cases(effort)} - {None} == set(PLACES)


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_documented_code_has_a_case(effort: Any) -> None:
    codes = {rule.code for rule in contract().rules.values() if rule.status == 400}
    assert {case.vector.code for case in refusal_cases(effort)} == codes


def test_quick_asks_each_code_once() -> None:
    codes = [case.vector.code for case in refusal_cases("quick")]
    assert len(codes) == len(set(codes))


def test_standard_asks_each_code_of_a_filter_in_every_place_that_bears_it() -> None:
    asked: dict[str | None, set[Place | None]] = {}
    for case in refusal_cases("standard"):
        if case.place is not None:
            asked.setdefault(case.vector.code, set()).add(case.place)
    shielded = frozenset(place for place in PLACES if guarded(place))
    assert set(map(frozenset, asked.values())) == {frozenset(PLACES), shielded}


def test_thorough_asks_every_refused_vector() -> None:
    with_rule = {v.id for v in contract().refused() if v.status == 400 and contract().rules[v.rule].status == 400}
    assert {case.vector.id for case in refusal_cases("thorough")} == with_rule


@pytest.mark.parametrize("effort", EFFORTS)
def test_no_case_is_asked_twice(effort: Any) -> None:
    names = [case.id for case in refusal_cases(effort)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_effort_gives_the_same_cases_again(effort: Any) -> None:
    assert [(c.id, encode(c.body())) for c in refusal_cases(effort)] == [
        (c.id, encode(c.body())) for c in refusal_cases(effort)
    ]


def test_a_case_is_the_same_body_at_every_effort() -> None:
    bodies: dict[str, set[bytes]] = {}
    for effort in EFFORTS:
        for case in refusal_cases(effort):
            bodies.setdefault(case.id, set()).add(encode(case.body()))
    assert [name for name, found in bodies.items() if len(found) > 1] == []


@pytest.mark.parametrize("member", ["field", "operator"])
def test_standard_meets_each_rule_on_a_condition_with_every_token_that_thorough_does(member: str) -> None:
    met: dict[str, set[tuple[str, str]]] = {}
    for effort in ("standard", "thorough"):
        cases = [case for case in refusal_cases(effort) if case.place and fragment_of(case.vector)[1] == "conditions"]
        met[effort] = {(case.vector.rule, case.fragment[member]) for case in cases if member in case.fragment}
    assert met["standard"] >= {(rule, token) for rule, token in met["thorough"] if not str(token).startswith("zz_")}


def test_at_quick_nested_faults_stand_at_two_depths() -> None:
    assert {case.depth for case in refusal_cases("quick") if case.place and case.place.nested} == {2, 3}


def test_more_effort_goes_deeper() -> None:
    assert {case.depth for case in refusal_cases("standard")} == {1, 2, 3, 4, 5, 6}
    assert {case.depth for case in refusal_cases("thorough")} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("code", ["invalid_group_operator", "empty_filter_group"])
def test_beyond_quick_the_filter_itself_is_a_faulty_group_too(code: str) -> None:
    alone = [case for case in refusal_cases("standard") if case.vector.code == code and case.place is None]
    assert [case.body() for case in alone] == [alone[0].vector.body]


@pytest.mark.parametrize("code", ["name_too_long", "source_list_not_found"])
def test_beyond_quick_a_fault_outside_the_filter_stands_beside_every_other_member(code: str) -> None:
    cases = [case for case in refusal_cases("standard") if case.vector.code == code]
    beside = {member for case in cases for member in case.body()} - set(cases[0].vector.body)
    assert beside == {"name", "description", "source_lists", "filter"} - set(cases[0].vector.body)


def test_thorough_asks_every_documented_field_with_every_operator_about_the_unit() -> None:
    asked = {
        (case.fragment["field"], case.fragment["operator"])
        for case in refusal_cases("thorough")
        if case.vector.code == "invalid_time_unit"
    }
    fields = ("last_clicked_at", "last_sent_at", "signup_date")
    assert asked == {(field, operator) for field in fields for operator in ("within", "not_within", "before", "after")}


# Nobody is matched ---------------------------------------------------------------------------------


@each({name: case for name, case in PLACED.items() if case.place and (case.depth > 1 or case.place.operator == "AND")})
def test_a_fault_that_is_nested_or_under_and_would_match_nobody(case: RefusalCase) -> None:
    assert matches_nobody(case.body()["filter"])


def negated(case: RefusalCase) -> bool:
    """Whether an operator like NOT, if it were accepted, would make a filter match everybody."""
    group = case.body()["filter"]
    return group["operator"] == "OR" and any(g["operator"] in ("NOT", "NAND") for g in group.get("groups", []))


def test_no_negation_of_an_impossible_condition_stands_alone_under_or() -> None:
    assert [case.id for case in PLACED.values() if negated(case)] == []


QUICK = [case for case in refusal_cases("quick") if case.place is not None]


@each({case.id: case for case in QUICK if case.condition_type is None})
def test_at_quick_the_twin_of_a_documented_type_matches_nobody(case: RefusalCase) -> None:
    assert matches_nobody(placed_twin(case))


def test_all_accepted_filters_together_match_nobody() -> None:
    assert matches_nobody(together(accepted_filters()))


def test_all_accepted_filters_together_are_accepted() -> None:
    assert schemas().decide({"filter": together(accepted_filters())}).accepted


@pytest.mark.parametrize("vector", accepted_filters(), ids=lambda vector: vector.id)
def test_an_accepted_filter_alone_matches_nobody(vector: RequestVector) -> None:
    assert matches_nobody(alone(vector))


@pytest.mark.parametrize("vector", accepted_filters(), ids=lambda vector: vector.id)
def test_an_accepted_filter_alone_is_no_deeper_than_its_vector(vector: RequestVector) -> None:
    assert depth(alone(vector)) == depth(vector.body["filter"])


def test_an_or_group_that_could_match_someone_is_not_sent_alone() -> None:
    likely = {"operator": "OR", "conditions": [{**GUARD, "value": 1}]}
    vector = RequestVector("filter.operator.known/likely", "PUT", 200, {"filter": likely})
    with pytest.raises(ValueError, match=r"filter\.operator\.known/likely"):
        alone(vector)


def test_every_documented_token_is_in_the_accepted_filters() -> None:
    written = str([vector.body for vector in accepted_filters()])
    kinds = ("group.operator", "time.field", "time.operator", "time.unit", "count.field", "count.operator")
    documented = [t.token for t in contract().vocabulary.tokens if t.kind in kinds and not t.candidate]
    assert [token for token in documented if f"'{token}'" not in written] == []


# Tokens and lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CANDIDATE_TYPES)
def test_candidates_are_replaced_by_what_the_target_accepts(kind: str) -> None:
    adapted = OTHERS.adapt(candidate_condition(kind))
    assert adapted["operator"] == OTHERS.operators[kind]


def test_the_field_of_revenue_is_replaced_too() -> None:
    assert OTHERS.adapt(candidate_condition("revenue"))["field"] == "avg_revenue"


@each({name: case for name, case in PLACED.items() if "no-such" in name})
def test_a_token_that_no_api_has_is_never_replaced(case: RefusalCase) -> None:
    fault, kind = fragment_of(case.vector)
    if kind == "conditions":
        before = {key: value for key, value in fault.items() if str(value).startswith("zz_")}
        after = OTHERS.adapt(fault)
        assert {key: after[key] for key in before} == before


def test_documented_types_are_not_adapted() -> None:
    assert OTHERS.adapt(GUARD) == GUARD


def test_a_type_without_a_token_keeps_the_vectors_own() -> None:
    condition = candidate_condition("carrier")
    assert Tokens({}, {}).adapt(condition) == condition


@pytest.mark.parametrize("kind", CANDIDATE_TYPES)
def test_adapting_changes_nothing_of_what_it_is_given(kind: str) -> None:
    condition = candidate_condition(kind)
    before = copy.deepcopy(condition)
    OTHERS.adapt(condition)["value"] = "changed"
    assert condition == before


WITH_LISTS = {name: case for name, case in CASES.items() if "source_lists" in case.vector.body}


@each(WITH_LISTS)
def test_known_lists_are_those_of_the_target(case: RefusalCase) -> None:
    sent = case.body(None, [7, 8])["source_lists"]
    assert not set(sent) & set(VECTOR_LISTS)
    assert len(set(sent) & {7, 8}) == case.known_lists()


@each(WITH_LISTS)
def test_the_unknown_list_stays(case: RefusalCase) -> None:
    assert 2147483647 in case.body(None, [7, 8])["source_lists"]


@each(CASES)
def test_a_body_can_be_changed_without_changing_its_vector(case: RefusalCase) -> None:
    before = encode(case.vector.body)
    body = case.body(OTHERS, [7, 8])
    body.clear()
    if case.place is not None:
        case.body()["filter"].clear()
    assert encode(case.vector.body) == before


def test_a_body_can_be_changed_without_changing_the_next() -> None:
    case = next(case for case in PLACED.values() if fragment_of(case.vector)[1] == "conditions")
    before = encode(case.body())
    for entry in case.body()["filter"]["conditions"]:
        entry["value"] = "changed"
    assert encode(case.body()) == before
