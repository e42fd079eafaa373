"""The planner: each error stands where its id says, and no rule, position or token is left out."""

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.maintain import plan
from tests.maintain.plan import POSITIONS, Case, Position, rejected
from tests.support.drawing import drawn
from tests.support.population import CONTACTS, anybody, matched
from trackly_contract.contract import GUARD, Contract, RequestVector, contract, schemas
from trackly_contract.core import same
from trackly_contract.generate import POSITIONS as NAMES
from trackly_contract.generate import candidate_types, cases, rejected_bodies, rejection_codes, strategies
from trackly_contract.generate.cases import EFFORTS, Effort

AT = {effort: rejected(effort) for effort in EFFORTS}
CASES = {case.id: case for cases in AT.values() for case in cases}
PLACED = {name: case for name, case in CASES.items() if case.position is not None}
SIGNED_UP = [contact for contact in CONTACTS if contact["signup_date"] is not None]
CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}


def each(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def filter_of_twin(case: Case) -> dict[str, Any]:
    """Put the accepted twin where the case has the error."""
    return case.filter_with(case.as_sent(case.edit.right))


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


def test_the_positions_are_those_that_the_report_names() -> None:
    assert [position.id for position in POSITIONS] == [*NAMES]


@each(PLACED)
def test_the_twin_at_the_same_position_is_accepted(case: Case) -> None:
    found = schemas().decide({"filter": filter_of_twin(case)})
    assert found.accepted or ([q.stands_for for q in found.questions] == ["value-range"] and case.too_wide)


@each(PLACED)
def test_the_error_stands_where_the_id_says(case: Case) -> None:
    assert case.position is not None
    ((level, operator, index, length),) = holders(case.body()["filter"], case.wrong)
    assert case.position == Position(level > 1, operator, index > 0)
    fillers = 2 if case.edit.inside == "groups" else max(index, 1)
    guards = 2 if case.edit.inside == "conditions" and case.position == Position(False, "AND", index > 0) else 0
    assert (level, index, length) == (case.depth, case.index, fillers + guards + 1)
    words = "".join(f"+{token}" for token in case.words.values())
    assert case.id == f"{case.edit.vector.id}@{case.position.id}{f'-{level}' if level > 1 else ''}{words}"
    assert case.words.items() <= case.wrong.items()


def test_standard_has_each_code_of_a_filter_at_every_position_where_it_does_no_harm() -> None:
    asked: dict[str | None, set[Position]] = {}
    for case in AT["standard"]:
        if case.position is not None:
            asked.setdefault(case.edit.vector.code, set()).add(case.position)
    guarded = frozenset(position for position in POSITIONS if position.guarded)
    assert set(map(frozenset, asked.values())) == {frozenset(POSITIONS), guarded}


@pytest.mark.parametrize("key", ["field", "operator"])
def test_standard_meets_each_rule_on_a_condition_with_every_token_that_thorough_does(key: str) -> None:
    met: dict[str, set[tuple[str, str]]] = {}
    for effort in ("standard", "thorough"):
        on_conditions = [case for case in AT[effort] if case.edit.inside == "conditions" and key in case.wrong]
        met[effort] = {(case.edit.vector.rule, case.wrong[key]) for case in on_conditions}
    assert met["standard"] >= {(rule, token) for rule, token in met["thorough"] if not token.startswith("zz_")}


def test_thorough_has_every_documented_field_with_every_operator_about_the_unit() -> None:
    parts = [case.wrong for case in AT["thorough"] if case.edit.vector.code == "invalid_time_unit"]
    fields, operators = ("last_clicked_at", "last_sent_at", "signup_date"), ("within", "not_within", "before", "after")
    assert {(part["field"], part["operator"]) for part in parts} == {(f, o) for f in fields for o in operators}


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_effort_meets_every_position_and_depth(effort: Effort) -> None:
    assert {case.position for case in AT[effort]} - {None} == set(POSITIONS)
    depths = {case.depth for case in AT[effort] if case.position and case.position.nested}
    assert depths == ({2, 3} if effort == "quick" else {2, 3, 4, 5, 6})


def test_a_window_is_too_wide_where_nothing_else_guards_it_and_then_matches_nobody() -> None:
    wide = [case for case in CASES.values() if case.too_wide]
    assert {case.position for case in wide} == {position for position in POSITIONS if not position.guarded}
    assert not any(matched(contact, filter_of_twin(case)) for case in wide for contact in SIGNED_UP)


def test_no_negation_of_an_impossible_condition_stands_directly_under_or() -> None:
    filters = [case.body()["filter"] for case in PLACED.values()]
    under_or = [nested for group in filters if group["operator"] == "OR" for nested in group.get("groups", [])]
    assert {group["operator"] for group in under_or} == {"AND", "XOR", "zz_no_such_operator"}


def test_at_quick_the_twin_of_a_documented_type_matches_nobody() -> None:
    documented = [case for case in AT["quick"] if case.position and case.edit.condition_type not in candidate_types()]
    twins = [filter_of_twin(case) for case in documented]
    assert len(twins) == 10
    assert not any(map(anybody, twins))


# A new rule -------------------------------------------------------------------------------------------


def known_to_all(monkeypatch: pytest.MonkeyPatch, extended: Contract) -> None:
    for module in (plan, cases, strategies):
        monkeypatch.setattr(module, "contract", lambda: extended)


NEW_RULES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "zz_description": ({"description": "d" * 1001}, {"description": "d" * 1000}, "d" * 1001),
    "invalid_count_value": (
        {"filter": {"operator": "AND", "conditions": [{**GUARD, "value": "many"}]}},
        {"filter": {"operator": "AND", "conditions": [GUARD]}},
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
    known_to_all(monkeypatch, extended)
    planned = {effort: [case for case in rejected(effort) if case.edit.vector == vector] for effort in EFFORTS}
    assert (len(planned["quick"]), len(planned["standard"])) == (1, 4 if code == "zz_description" else 6)
    assert all(set(body) <= set(case.body()) for of_effort in planned.values() for case in of_effort)
    assert rejection_codes()[-1] == code
    for found in drawn(rejected_bodies(code), 10):
        assert found.code == code
        assert (wrong in str(found.body), wrong in str(found.twin)) == (True, False)


def test_types_whose_tokens_are_documented_have_cases_too(monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    tokens = tuple(msgspec.structs.replace(token, basis="stated") for token in known.vocabulary.tokens)
    vocabulary = msgspec.structs.replace(known.vocabulary, tokens=tokens)
    known_to_all(monkeypatch, dataclasses.replace(known, vocabulary=vocabulary))
    assert candidate_types() == []
    for effort in EFFORTS:
        assert {case.edit.vector.code for case in rejected(effort)} == CODES


def test_a_rule_without_a_rejected_vector_has_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    known = contract()
    rule = msgspec.structs.replace(next(iter(known.rules.values())), id="new.rule", status=400, code="new")
    known_to_all(monkeypatch, dataclasses.replace(known, rules={**known.rules, rule.id: rule}))
    assert [case.id for case in rejected("standard")] == [case.id for case in AT["standard"]]
