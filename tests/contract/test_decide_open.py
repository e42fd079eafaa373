"""Facts about bodies and answers that no vector has: refused, accepted or open by the schemas alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.contract import DEEPEST, GUARD, contract, schemas
from trackly_contract.core import ABSENT

if TYPE_CHECKING:
    from trackly_contract.contract.decide import Decision

AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}


def decided(body: Any) -> Decision:
    return schemas().decide(body)


def with_condition(**members: Any) -> dict[str, Any]:
    condition = {**GUARD, **members}
    return {"filter": {"operator": "AND", "conditions": [{k: v for k, v in condition.items() if v is not ABSENT}]}}


def with_time(**members: Any) -> dict[str, Any]:
    time = {"condition_type": "time", "field": "signup_date", "operator": "before", "value": 30, "unit": "days"}
    return with_condition(**(time | members))


def nested(groups: int, inner: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = inner or {"operator": "AND", "conditions": [GUARD]}
    for _ in range(groups - 1):
        made = {"operator": "AND", "groups": [made]}
    return {"filter": made}


# Refused and open ----------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["weeks", "months", "years", "day", "seconds", "zz_no_such_unit"])
def test_a_unit_beyond_the_three_is_refused(unit: str) -> None:
    found = decided(with_time(unit=unit))
    assert found.codes == {"invalid_time_unit"}
    assert not found.open


TOKENS = [
    pytest.param(with_time(unit="{}"), "days", id="unit"),
    pytest.param({"filter": {"operator": "{}", "conditions": [GUARD]}}, "and", id="group operator"),
    pytest.param(with_time(condition_type="{}"), "time", id="condition type"),
    pytest.param(with_time(field="{}"), "signup_date", id="time field"),
    pytest.param(with_time(operator="{}"), "before", id="time operator"),
    pytest.param(with_condition(operator="{}"), "gte", id="count operator"),
]


def put(value: Any, word: str) -> Any:
    if isinstance(value, dict):
        return {key: put(member, word) for key, member in value.items()}
    if isinstance(value, list):
        return [put(entry, word) for entry in value]
    return word if value == "{}" else value


@pytest.mark.parametrize(("body", "word"), TOKENS)
@pytest.mark.parametrize("spelling", ["capital", "title", "padded", "tab", "line"])
def test_another_spelling_of_a_documented_token_is_open(body: Any, word: str, spelling: str) -> None:
    other = {
        "capital": word.upper() if word != "and" else "And",
        "title": word.title() if word != "and" else "aNd",
        "padded": f" {word} ",
        "tab": f"{word}\t",
        "line": f"{word}\n",
    }[spelling]
    assert decided(put(body, other)).open


OPEN: dict[str, Any] = {
    "nothing": {},
    "no object": [],
    "null": None,
    "an unknown key": {"name": "x", "nmae": "y"},
    "a read-only key": {"id": AUDIENCE_ID},
    "an empty name": {"name": ""},
    "a name of blanks": {"name": " "},
    "a padded name": {"name": " x"},
    "a name that ends in a blank": {"name": "x "},
    "a name that ends in a line": {"name": "x\n"},
    "a name that is null": {"name": None},
    "a name that is a number": {"name": 7},
    "a name with NUL": {"name": "a\0b"},
    "a name with a lone surrogate": {"name": "a\ud83d"},
    "a name of 255 characters and more bytes": {"name": "é" * 255},
    "a description with NUL": {"description": "\0"},
    "an empty description": {"description": ""},
    "a description that is null": {"description": None},
    "lists that are null": {"source_lists": None},
    "a list twice": {"source_lists": [101, 101]},
    "a list as text": {"source_lists": ["101"]},
    "a list with a fraction": {"source_lists": [101.0]},
    "a list that is true": {"source_lists": [True]},
    "a list of id zero": {"source_lists": [0]},
    "a filter that is null": {"filter": None},
    "a filter without anything": {"filter": {}},
    "a filter that is an array": {"filter": []},
    "conditions that are null": {"filter": {"operator": "AND", "conditions": None}},
    "conditions that are an object": {"filter": {"operator": "AND", "conditions": {}}},
    "groups that are null": {"filter": {"operator": "AND", "conditions": [GUARD], "groups": None}},
    "a condition that is null": {"filter": {"operator": "AND", "conditions": [None]}},
    "a group without operator": {"filter": {"conditions": [GUARD]}},
    "an operator that is null": {"filter": {"operator": None, "conditions": [GUARD]}},
    "an unknown key of a group": {"filter": {"operator": "AND", "conditions": [GUARD], "not": True}},
    "an unknown key of a condition": with_condition(list_id=101),
    "a key in camelCase": with_condition(conditionType="count"),
    "a condition without type": with_condition(condition_type=ABSENT),
    "a condition without field": with_condition(field=ABSENT),
    "a condition without operator": with_condition(operator=ABSENT),
    "a type that is null": with_condition(condition_type=None),
    "a seventh type": with_condition(condition_type="geo"),
    "an operator of another type": with_condition(operator="between"),
    "a field of another type": with_condition(field="last_clicked_at"),
    "an operator that is an array": with_condition(operator=["gte"]),
    "5.0": with_condition(value=5.0),
    "5.5": with_condition(value=5.5),
    "true": with_condition(value=True),
    "false": with_condition(value=False),
    "a value that is null": with_condition(value=None),
    "zero": with_condition(value=0),
    "a negative value": with_condition(value=-1),
    "a value beyond 32 bits": with_condition(value=2**31),
    "a value as text": with_condition(value="5"),
    "a value that is an array": with_condition(value=[5]),
    "a unit of a count": with_condition(unit="days"),
    "time 5.0": with_time(value=5.0),
    "time null": with_time(value=None),
    "time zero": with_time(value=0),
    "a unit that is null": with_time(unit=None),
    "a unit that is true": with_time(unit=True),
    "a value that exists does not need": with_time(operator="exists", unit=ABSENT),
    "a token with NUL": with_time(unit="days\0"),
    "a key with a lone surrogate": {"name": "x", "\udc00": 1},
}


@pytest.mark.parametrize("body", OPEN.values(), ids=OPEN.keys())
def test_what_no_page_says_is_open(body: Any) -> None:
    assert decided(body).open


@pytest.mark.parametrize("body", OPEN.values(), ids=OPEN.keys())
def test_every_open_point_of_a_body_is_a_question(body: Any) -> None:
    assert {failure.stands_for for failure in decided(body).questions} <= set(contract().questions)


ACCEPTED: dict[str, Any] = {
    "a name": {"name": "x"},
    "a name of 255 characters": {"name": "x" * 255},
    "a name with a blank inside": {"name": "a b"},
    "all lists": {"source_lists": []},
    "exists": with_time(operator="exists", value=ABSENT, unit=ABSENT),
    "the largest value": with_condition(value=2**31 - 1),
    "groups alone": nested(2),
    "conditions empty beside groups": {
        "filter": {"operator": "OR", "conditions": [], "groups": [{"operator": "AND", "conditions": [GUARD]}]}
    },
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_the_pages_say_is_accepted(body: Any) -> None:
    assert decided(body).accepted


@pytest.mark.parametrize("kind", ["count", "time"])
def test_both_missing_of_value_and_unit_is_one_code(kind: str) -> None:
    body = with_condition(value=ABSENT) if kind == "count" else with_time(value=ABSENT, unit=ABSENT)
    assert decided(body).codes == {f"missing_{kind}_value"}


def test_a_group_of_depth_100_is_accepted() -> None:
    assert decided(nested(DEEPEST)).accepted


def test_a_fault_at_depth_100_is_refused_with_its_place() -> None:
    found = decided(nested(DEEPEST, {"operator": "XOR", "conditions": [GUARD]}))
    assert [(fault.place, fault.stands_for) for fault in found.faults] == [
        ("/filter" + "/groups/0" * 99 + "/operator", "invalid_group_operator")
    ]


@pytest.mark.parametrize("groups", [101, 150, 5000])
def test_a_group_beyond_depth_100_is_open(groups: int) -> None:
    assert {failure.stands_for for failure in decided(nested(groups)).questions} == {"depth"}


def test_an_empty_group_of_depth_100_is_refused() -> None:
    assert decided(nested(DEEPEST, {"operator": "AND"})).codes == {"empty_filter_group"}


@pytest.mark.parametrize("name", ["a/b", "a~b"])
def test_the_place_of_an_odd_key_is_a_json_pointer(name: str) -> None:
    found = decided({"name": "x", name: "\0"})
    assert f"/{name.replace('~', '~0').replace('/', '~1')}" in {failure.place for failure in found.questions}


def test_the_place_of_a_missing_member_is_the_member() -> None:
    assert [f.place for f in decided(with_condition(value=ABSENT)).faults] == ["/filter/conditions/0/value"]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.sampled_from(["AND", "OR", "time", "count", "carrier", "gte", "before", "days", "click_count", "zz_x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "filter", "operator", "conditions", "groups", "condition_type", "field", "value", "unit", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON_VALUES | JSON_VALUES.map(lambda value: {"filter": value}))
def test_every_body_is_decided(body: Any) -> None:
    before = copy.deepcopy(body)
    found = decided(body)
    assert found.codes <= CODES
    assert {failure.stands_for for failure in found.questions} <= set(contract().questions)
    assert body == before


TEN_YEARS = {"days": 3_650, "hours": 87_600, "minutes": 5_256_000}


@pytest.mark.parametrize(("unit", "most"), TEN_YEARS.items())
@given(data=st.data())
def test_a_window_of_up_to_ten_years_is_accepted(unit: str, most: int, data: st.DataObject) -> None:
    assert decided(with_time(unit=unit, value=data.draw(st.integers(1, most)))).accepted


@pytest.mark.parametrize(("unit", "most"), TEN_YEARS.items())
def test_how_far_back_a_window_may_reach_beyond_that_is_open(unit: str, most: int) -> None:
    found = decided(with_time(unit=unit, value=most + 1))
    assert {failure.stands_for for failure in found.questions} == {"value-range"}
    assert not found.faults


EXAMPLE: dict[str, Any] = contract().answers["audience.created_at/documented-example"].answer


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-10-01T14:22:00\n",
        "٢٠٢٥-10-01T14:22:00",
        "2025-13-01T14:22:00",
        "2025-10-32T14:22:00",
        "2025-10-01T24:22:00",
        "2025-10-01 14:22:00",
        "2025-10-01T14:22",
        "2025-10-01",
        "",
    ],
)
def test_what_is_no_date_and_time_breaks_its_rule(stamp: str) -> None:
    failures = schemas().audience_failures({**EXAMPLE, "created_at": stamp})
    assert [failure.stands_for for failure in failures] == ["audience.created_at"]


@pytest.mark.parametrize("stamp", ["2025-10-01T14:22:00Z", "2025-10-01T14:22:00.123+02:00", "2025-10-01T14:22:00-0500"])
def test_a_zone_or_a_fraction_breaks_nothing(stamp: str) -> None:
    assert schemas().audience_failures({**EXAMPLE, "created_at": stamp}) == []


@pytest.mark.parametrize("key", ["condition_type", "Field", "field\n", "list-id", "_x"])
def test_a_key_of_a_condition_that_is_no_camel_case_breaks_its_rule(key: str) -> None:
    group = {"operator": "AND", "conditions": [{"conditionType": "time", key: 1}], "groups": []}
    failures = schemas().audience_failures({**EXAMPLE, "filter": group})
    assert [failure.stands_for for failure in failures] == ["audience.filter.keys"]


def test_a_key_that_no_page_names_is_legal_in_an_answer() -> None:
    assert schemas().audience_failures({**EXAMPLE, "tags": []}) == []
