"""Planned cases: one error each, at the position in the id, matching nobody wherever the position allows it."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest

from trackly_contract.contract import UPDATE_FIELDS, ContractError, contract, matches_nobody, schemas
from trackly_contract.core import data_root, encode, same
from trackly_contract.generate import (
    VECTOR_LISTS,
    Effort,
    RejectionCase,
    Tokens,
    candidate_condition,
    candidate_types,
    plan,
    rejection_cases,
)
from trackly_contract.generate import cases as module
from trackly_contract.generate.cases import EFFORTS

AT = {effort: rejection_cases(effort) for effort in EFFORTS}
CASES = {case.id: case for cases in AT.values() for case in cases}
PLACED = {name: case for name, case in CASES.items() if "@" in name}
WITH_LISTS = {name: case for name, case in CASES.items() if "source_lists" in case.vector.body}

OTHERS = Tokens(
    dict.fromkeys(candidate_types(), "contains") | {"carrier": "ne", "timezone": "in", "revenue": "lt"},
    {"revenue": "avg_revenue"},
)
"""Tokens of a target that accepts none of those in the vectors."""

CLICKS = {"condition_type": "count", "field": "click_count", "operator": "gte"}


def each(cases: dict[str, RejectionCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


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


@each(CASES)
def test_a_case_keeps_every_field_of_its_vector_but_the_filter(case: RejectionCase) -> None:
    body = case.body()
    assert all(same(body[name], value) for name, value in case.vector.body.items() if name != "filter")


# Efforts -------------------------------------------------------------------------------------------

CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_effort_meets_every_code_and_no_case_twice(effort: Effort) -> None:
    assert {case.vector.code for case in AT[effort]} == CODES
    assert len({case.id for case in AT[effort]}) == len(AT[effort])


def test_a_case_is_the_same_body_at_every_effort_and_each_time() -> None:
    bodies: dict[str, set[bytes]] = {}
    for effort in EFFORTS * 2:
        for case in rejection_cases(effort):
            bodies.setdefault(case.id, set()).add(encode(case.body()))
    assert [name for name, found in bodies.items() if len(found) > 1] == []


def test_quick_has_each_code_once() -> None:
    assert len(AT["quick"]) == len(CODES)


def test_thorough_has_every_rejected_vector_of_a_rejecting_rule() -> None:
    rules = contract().rules
    rejected = {v.id for v in contract().requests.values() if v.status == 400 and rules[v.rule].status == 400}
    assert {case.vector.id for case in AT["thorough"]} == rejected


@pytest.mark.parametrize("code", ["invalid_group_operator", "empty_filter_group"])
def test_beyond_quick_the_filter_itself_is_a_wrong_group_too(code: str) -> None:
    whole = [case for case in AT["standard"] if case.vector.code == code and case.id == case.vector_id]
    (body,) = [case.body() for case in whole]
    assert {fault.place for fault in schemas().decide(body).faults} <= {"/filter", "/filter/operator"}
    assert body["filter"]["operator"] == whole[0].vector.body["filter"]["operator"]


@pytest.mark.parametrize("code", ["name_too_long", "source_list_not_found"])
def test_beyond_quick_an_error_outside_the_filter_stands_beside_every_other_field(code: str) -> None:
    cases = [case for case in AT["standard"] if case.vector.code == code]
    assert {name for case in cases for name in case.body()} == set(UPDATE_FIELDS)


# Nobody is matched ---------------------------------------------------------------------------------


@each({name: case for name, case in CASES.items() if "filter" in case.planned and "@top-or" not in name})
def test_an_error_that_is_nested_or_under_and_would_match_nobody(case: RejectionCase) -> None:
    root_is_wrong = case.id == case.vector_id
    assert case.unguarded is root_is_wrong is not matches_nobody(case.body()["filter"])


def test_directly_under_or_at_the_top_nothing_guards_the_error() -> None:
    under_or = [case for name, case in CASES.items() if "@top-or" in name]
    assert len(under_or) > 20
    assert all(case.unguarded for case in under_or)


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
    assert Tokens().adapt(condition) == condition
    assert OTHERS.adapt(CLICKS) == CLICKS


@each({name: case for name, case in PLACED.items() if "no-such" in name})
def test_a_token_that_no_api_has_is_never_replaced(case: RejectionCase) -> None:
    sent, adapted = (json.dumps(body).count('"zz_no_such_') for body in (case.body(), case.body(OTHERS)))
    assert 0 < sent == adapted


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


def test_without_lists_no_other_field_names_one() -> None:
    beside = [case for case in CASES.values() if "source_lists" in case.body() and case.id not in WITH_LISTS]
    assert beside
    assert [case.id for case in beside if "source_lists" in case.body(None, [])] == [
        case.id for case in beside if "source_lists" in case.vector.body
    ]


# The file ------------------------------------------------------------------------------------------


ANYBODY = {"filter": {"operator": "AND", "conditions": [{**CLICKS, "value": 1}]}}


@pytest.mark.parametrize(
    ("part", "key", "value", "text"),
    [
        (
            "sequence",
            "body",
            [],
            r"Expected `object`, got `array` - at `\$\.sequence\[0\]\.body`; `make docs`",
        ),
        ("sequence", "about", "", r"unknown field `about`"),
        ("sequence", "body", ANYBODY, "entry 'name.description': the filter could match somebody"),
        ("filters", "status", 201, "status"),
    ],
)
def test_a_slip_in_the_plan_is_named(tmp_path: Path, part: str, key: str, value: object, text: str) -> None:
    whole = json.loads((data_root() / "contracts" / "plan.json").read_text("utf-8"))
    whole[part][0][key] = value
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(ContractError, match=f"plan.json: .*{text}"):
        plan(path)


def test_a_plan_of_a_rejected_body_that_could_match_somebody_is_named(tmp_path: Path) -> None:
    whole = json.loads((data_root() / "contracts" / "plan.json").read_text("utf-8"))
    case = next(case for case in whole["rejected"]["quick"] if "@top-and" in case["id"])
    case["body"] = ANYBODY
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(ContractError, match=f"entry '{case['id']}': the filter could match somebody"):
        plan(path)


def test_a_vector_that_is_not_planned_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    less = dataclasses.replace(known, requests={n: v for n, v in known.requests.items() if "weeks" not in n})
    monkeypatch.setattr(module, "contract", lambda: less)
    with pytest.raises(ContractError, match=r"plan\.json: not planned from the vectors: \S*weeks; run `make docs`"):
        plan(data_root() / "contracts" / "plan.json")
