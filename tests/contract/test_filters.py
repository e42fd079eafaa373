"""Facts about filters: their two spellings, their depth, what a difference weighs, whom they match."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.population import harm
from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    IMPOSSIBLE_COUNT,
    NOBODY,
    as_answered,
    as_request,
    contract,
    depth,
    filter_differences,
    guarded,
    matches_nobody,
    parts_of,
    snake_case,
)
from trackly_contract.contract.filters import camel_case
from trackly_contract.core import value_at

COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}
ANSWERED: dict[str, Any] = {
    "operator": "AND",
    "conditions": [
        {"conditionType": "time", "field": "last_clicked_at", "operator": "within", "value": 30, "unit": "days"},
        {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3},
    ],
    "groups": [],
}

SNAKE = st.from_regex(r"[a-z][a-z0-9]{0,3}(_[a-z0-9]{1,3}){0,3}", fullmatch=True)
CAMEL = st.from_regex(r"[a-z][a-z0-9]{0,3}([A-Z][a-z0-9]{0,3}){0,3}", fullmatch=True)


def filters(keys: st.SearchStrategy[str], *, filled: bool) -> st.SearchStrategy[Any]:
    condition = st.dictionaries(keys, st.integers() | st.text(max_size=3), max_size=4)
    conditions = st.lists(condition, max_size=3)
    required = {"operator": st.sampled_from(["AND", "OR"])}

    def group(nested: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = {"conditions": conditions, "groups": st.lists(nested, max_size=2)}
        if filled:
            return st.fixed_dictionaries(required | lists)
        return st.fixed_dictionaries(required, optional=lists)

    leaf = st.just({"operator": "AND", "conditions": [], "groups": []} if filled else {"operator": "AND"})
    return st.recursive(leaf, group, max_leaves=6)


def deep(groups: int) -> dict[str, Any]:
    made: dict[str, Any] = {"operator": "AND", "conditions": [COUNT]}
    for _ in range(groups - 1):
        made = {"operator": "AND", "groups": [made]}
    return made


# Spelling ------------------------------------------------------------------------------------------


def test_the_documented_request_is_answered_as_documented() -> None:
    vector = contract().requests["update.filter/documented-example"]
    assert {"filter": as_answered(vector.body["filter"])} == vector.echo


@given(filters(CAMEL, filled=True))
def test_an_answer_sent_back_is_answered_the_same(answered: Any) -> None:
    assert as_answered(as_request(answered)) == answered


@given(filters(SNAKE, filled=True))
def test_a_request_that_lists_everything_comes_back_the_same(sent: Any) -> None:
    assert as_request(as_answered(sent)) == sent


@given(filters(SNAKE, filled=False))
def test_no_list_is_left_out_of_a_response_at_any_depth(sent: Any) -> None:
    assert all({"conditions", "groups"} <= set(p.fields) for p in parts_of(as_answered(sent)) if p.is_group)


@given(filters(SNAKE, filled=False))
def test_spelling_changes_nothing_of_what_it_is_given(sent: Any) -> None:
    before = copy.deepcopy(sent)
    as_answered(sent)
    as_request(sent)
    assert sent == before


def test_values_are_not_spelt_anew() -> None:
    sent = {"operator": "AND", "conditions": [{"field": "last_clicked_at", "value": {"a_b": 1}}]}
    assert as_answered(sent)["conditions"] == sent["conditions"]


@pytest.mark.parametrize(
    ("camel", "snake"),
    [("listId", "list_id"), ("listID", "list_i_d"), ("utmSId", "utm_s_id"), ("a1B", "a1_b"), ("HTMLTag", "HTMLTag")],
)
def test_each_capital_of_a_camel_case_key_begins_a_word(camel: str, snake: str) -> None:
    assert (snake_case(camel), camel_case(snake)) == (snake, camel)


@pytest.mark.parametrize("odd", [None, [], "AND", 1, {"conditions": None}, {"groups": {}}, {"conditions": [1]}])
def test_what_is_no_filter_is_spelt_without_a_crash(odd: Any) -> None:
    as_answered(odd)
    as_request(odd)


# Parts ---------------------------------------------------------------------------------------------


def test_the_parts_of_a_filter_are_walked_from_the_outside_and_from_the_beginning() -> None:
    inner = {"operator": "OR", "conditions": [COUNT, GUARD]}
    found = list(parts_of({"operator": "AND", "groups": [{"groups": [inner]}, inner], "conditions": [GUARD, 7]}))
    assert [(part.path, part.depth, part.is_group) for part in found] == [
        ("", 1, True),
        ("/conditions/0", 1, False),
        ("/groups/0", 2, True),
        ("/groups/0/groups/0", 3, True),
        ("/groups/0/groups/0/conditions/0", 3, False),
        ("/groups/0/groups/0/conditions/1", 3, False),
        ("/groups/1", 2, True),
        ("/groups/1/conditions/0", 2, False),
        ("/groups/1/conditions/1", 2, False),
    ]


@given(filters(SNAKE, filled=False))
def test_each_part_stands_where_its_path_leads(sent: Any) -> None:
    assert all(value_at(sent, part.path) is part.fields for part in parts_of(sent))


@pytest.mark.parametrize("groups", [1, 2, 100, 101, 5_000])
def test_depth_counts_groups_without_recursion(groups: int) -> None:
    assert depth(deep(groups)) == groups


@pytest.mark.parametrize("odd", [None, [], "x", 7])
def test_what_is_no_group_has_no_part_and_no_depth(odd: Any) -> None:
    assert (list(parts_of(odd)), depth(odd)) == ([], 0)


# Differences ---------------------------------------------------------------------------------------


def changed(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ANSWERED), **members}


def with_condition(**members: Any) -> dict[str, Any]:
    found = copy.deepcopy(ANSWERED)
    found["conditions"][1].update(members)
    return found


def without(key: str, source: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name != key}


NESTED = {"operator": "OR", "conditions": [], "groups": []}


@pytest.mark.parametrize(
    ("got", "grave"),
    [
        pytest.param(without("groups", ANSWERED), False, id="an empty list left out"),
        pytest.param(without("conditions", ANSWERED), True, id="a full list left out"),
        pytest.param(changed(label="x"), False, id="a new key of a group"),
        pytest.param(with_condition(label="x"), False, id="a new key of a condition"),
        pytest.param(with_condition(unit=None), False, id="null where nothing was sent"),
        pytest.param(with_condition(value=3.0), False, id="3.0 for 3"),
        pytest.param(with_condition(value=3.5), True, id="3.5 for 3"),
        pytest.param(with_condition(value="3"), True, id="text for a number"),
        pytest.param(with_condition(value=None), True, id="null for a number"),
        pytest.param(with_condition(value=True), True, id="true for a number"),
        pytest.param(with_condition(operator="GTE"), True, id="another letter case"),
        pytest.param(changed(conditions=ANSWERED["conditions"][::-1]), True, id="order changed"),
        pytest.param(changed(conditions=ANSWERED["conditions"][:1]), True, id="a condition lost"),
        pytest.param(changed(conditions=[*ANSWERED["conditions"], {}]), True, id="a condition more"),
        pytest.param(changed(groups=[NESTED]), True, id="a group more"),
        pytest.param(changed(groups=None), True, id="null for a list"),
        pytest.param(changed(operator="OR"), True, id="another operator"),
        pytest.param(None, True, id="no filter"),
        pytest.param([], True, id="another type"),
    ],
)
def test_a_difference_weighs_what_the_documentation_says_of_it(got: Any, grave: bool) -> None:
    assert any(weight for *_, weight in filter_differences(ANSWERED, got)) is grave


@pytest.mark.parametrize(
    ("sent", "got", "grave"),
    [
        pytest.param(changed(groups=[NESTED]), ANSWERED, True, id="a group lost"),
        pytest.param(with_condition(unit=None), ANSWERED, False, id="a null left out"),
        pytest.param(ANSWERED, with_condition(value=3.0), False, id="3.0 for 3"),
        pytest.param(with_condition(value=True), with_condition(value=1), True, id="1 for true"),
    ],
)
def test_a_difference_from_another_filter_weighs_the_same(sent: Any, got: Any, grave: bool) -> None:
    assert [weight for *_, weight in filter_differences(sent, got)] == [grave]


@given(filters(CAMEL, filled=True))
def test_a_filter_differs_in_nothing_from_itself(answered: Any) -> None:
    assert list(filter_differences(answered, copy.deepcopy(answered))) == []


# Whom a filter matches -----------------------------------------------------------------------------

TIMES = st.fixed_dictionaries(
    {
        "condition_type": st.just("time"),
        "field": st.sampled_from(["last_clicked_at", "last_sent_at", "signup_date"]),
        "operator": st.sampled_from(["within", "not_within", "before", "after", "exists", "not_exists"]),
        "value": st.sampled_from([0, 1, 30, 36_500, -IMPOSSIBLE_COUNT]),
        "unit": st.sampled_from(["days", "hours", "minutes"]),
    }
)
COUNTS = st.builds(
    lambda field, value: {"condition_type": "count", "field": field, "operator": "gte", "value": value},
    st.sampled_from(["click_count", "send_count"]),
    st.sampled_from([-IMPOSSIBLE_COUNT, 0, 1, 5000, IMPOSSIBLE_COUNT - 1, IMPOSSIBLE_COUNT, IMPOSSIBLE_COUNT + 1]),
)
PLAIN = st.lists(TIMES | COUNTS | st.sampled_from([GUARD, *CONTRADICTION]), max_size=4)
SMALL = PLAIN | PLAIN.map(lambda found: guarded(*found)["conditions"])
GROUPS = st.recursive(
    st.fixed_dictionaries({"operator": st.sampled_from(["AND", "OR"]), "conditions": SMALL}) | st.just(NOBODY),
    lambda nested: st.fixed_dictionaries(
        {"operator": st.sampled_from(["AND", "OR"])},
        optional={"conditions": SMALL, "groups": st.lists(nested, max_size=3)},
    ),
    max_leaves=6,
)


@given(GROUPS)
def test_a_filter_said_to_match_nobody_matches_nobody_with_any_one_part_lost_or_misread(group: Any) -> None:
    assert not matches_nobody(group) or harm(group) == ""


@given(GROUPS, st.lists(TIMES | COUNTS, max_size=3))
def test_guards_make_any_filter_match_nobody(group: Any, conditions: Any) -> None:
    assert matches_nobody(guarded(*conditions, groups=[group]))


def test_guards_stand_first_and_last_and_there_is_no_empty_list() -> None:
    assert guarded(COUNT) == {"operator": "AND", "conditions": [GUARD, COUNT, *CONTRADICTION]}
    assert guarded(groups=[NOBODY]) == {**NOBODY, "groups": [NOBODY]}
    assert guarded(last=[COUNT]) == {"operator": "AND", "conditions": [GUARD, COUNT]}


def test_the_guards_share_no_token() -> None:
    for key in ("condition_type", "field", "operator"):
        assert GUARD[key] not in {condition[key] for condition in CONTRADICTION}


@pytest.mark.parametrize(
    "group",
    [
        {"operator": "OR", "groups": [NOBODY, NOBODY]},
        {"operator": "AND", "groups": [NOBODY, {"operator": "NOT"}, NOBODY]},
        {"operator": "AND", "conditions": [None, *reversed(NOBODY["conditions"])], "groups": [None]},
        {"operator": "AND", "conditions": [{**condition, "id": 7} for condition in NOBODY["conditions"]]},
        {"operator": "OR", "conditions": [], "groups": [NOBODY, {"operator": "OR", "groups": [NOBODY, NOBODY]}]},
    ],
)
def test_a_filter_matches_nobody_where_each_way_in_is_guarded_twice(group: Any) -> None:
    assert matches_nobody(group)


@pytest.mark.parametrize("lost", NOBODY["conditions"])
def test_with_one_guard_alone_it_is_not_certain(lost: dict[str, Any]) -> None:
    assert not matches_nobody({"operator": "AND", "conditions": [c for c in NOBODY["conditions"] if c != lost]})


@pytest.mark.parametrize(
    "other",
    [
        {"operator": "lte"},
        {"operator": "gt"},
        {"field": "conversion_count"},
        {"field": ["click_count"]},
        {"value": IMPOSSIBLE_COUNT - 1},
        {"value": str(IMPOSSIBLE_COUNT)},
        {"value": True},
        {"value": None},
        {"condition_type": "revenue"},
    ],
)
def test_a_condition_that_is_not_certain_counts_as_matching_somebody(other: dict[str, Any]) -> None:
    assert not matches_nobody({"operator": "AND", "conditions": [{**GUARD, **other}, *CONTRADICTION]})


@pytest.mark.parametrize(
    "group",
    [
        None,
        [],
        {},
        {"operator": "AND"},
        {"operator": "OR"},
        {"operator": "AND", "conditions": []},
        {"operator": "OR", "conditions": [], "groups": []},
        {"operator": "OR", "groups": [NOBODY]},
        {"operator": "AND", "groups": [NOBODY]},
        {"operator": "OR", "conditions": [GUARD], "groups": [NOBODY, NOBODY]},
        {"operator": "OR", "groups": [NOBODY, NOBODY, {"operator": "AND", "conditions": [GUARD]}]},
        {**NOBODY, "operator": "OR"},
        {**NOBODY, "operator": "NOT"},
        {**NOBODY, "operator": "and"},
        {"conditions": NOBODY["conditions"]},
        {"operator": "AND", "conditions": GUARD},
        {"operator": "AND", "conditions": [None]},
        {"operator": "AND", "groups": [None]},
    ],
)
def test_a_group_that_is_not_certain_counts_as_matching_somebody(group: Any) -> None:
    assert not matches_nobody(group)
