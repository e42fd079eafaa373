"""Facts about the hand-written judgement of filters: codes, places, order, open choices, robustness."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.reference import DEFAULT_CHOICES, Choices
from trackly_contract.reference.filter import JUDGES, Fault, as_answered, condition_faults, filter_faults

if TYPE_CHECKING:
    from trackly_contract.core import JSON

TIME: dict[str, Any] = {
    "condition_type": "time",
    "field": "last_clicked_at",
    "operator": "within",
    "value": 14,
    "unit": "days",
}
COUNT: dict[str, Any] = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 5}
CUSTOM: dict[str, Any] = {"condition_type": "custom_field", "field": "state", "operator": "eq", "value": "CA"}
CARRIER: dict[str, Any] = {"condition_type": "carrier", "operator": "eq", "value": "Verizon"}
TIMEZONE: dict[str, Any] = {"condition_type": "timezone", "operator": "in", "value": ["America/New_York"]}
REVENUE: dict[str, Any] = {
    "condition_type": "revenue",
    "field": "revenue_total",
    "operator": "gt",
    "value": 99.5,
}
SOUND: dict[str, dict[str, Any]] = {
    "time": TIME,
    "count": COUNT,
    "custom_field": CUSTOM,
    "carrier": CARRIER,
    "timezone": TIMEZONE,
    "revenue": REVENUE,
}

ANYTHING: st.SearchStrategy[JSON] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.sampled_from(["AND", "time", "custom_field", "exists", "days", "eq", "last_clicked_at"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["operator", "conditions", "groups", "condition_type", "field", "value", "unit", "x"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def group(*conditions: JSON, groups: JSON = (), operator: JSON = "AND") -> dict[str, JSON]:
    return {"operator": operator, "conditions": list(conditions), "groups": list(groups)}


def without(condition: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in condition.items() if key not in keys}


def faults(condition: JSON, choices: Choices = DEFAULT_CHOICES) -> list[Fault]:
    return list(condition_faults(condition, choices))


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_condition_of_each_type_has_no_fault(kind: str) -> None:
    assert faults(SOUND[kind]) == []


def test_there_are_six_condition_types() -> None:
    assert sorted(JUDGES) == ["carrier", "count", "custom_field", "revenue", "time", "timezone"]


TOKENS = [
    ("time", "field", "last_clicked_at last_sent_at signup_date"),
    ("time", "operator", "within not_within before after exists not_exists"),
    ("time", "unit", "days hours minutes"),
    ("count", "field", "click_count send_count conversion_count"),
    ("count", "operator", "gte gt eq lt lte ne"),
    ("custom_field", "field", "state custom_fields.state 0 ☃"),
    ("custom_field", "operator", "eq ne in not_in contains gt gte lt lte exists not_exists"),
    ("carrier", "operator", "eq ne in not_in"),
    ("timezone", "operator", "eq ne in not_in"),
    (
        "revenue",
        "field",
        "has_revenue revenue_total avg_revenue revenue_average conversion_count last_revenue_at",
    ),
    ("revenue", "operator", "eq ne gt gte lt lte"),
]


@pytest.mark.parametrize(
    ("kind", "key", "token"), [(kind, key, token) for kind, key, row in TOKENS for token in row.split()]
)
def test_every_token_is_accepted(kind: str, key: str, token: str) -> None:
    assert faults(SOUND[kind] | {key: token}) == []


FREE_FIELD = {("custom_field", "field")}
UNHEARD_OF = ["zz_no_such", "", "AND", " eq", "DAYS", "Within", 0, 1, 1.5, True, [], ["eq"], {}, {"eq": 1}]


@pytest.mark.parametrize("token", UNHEARD_OF, ids=repr)
@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, key, _ in TOKENS if (kind, key) not in FREE_FIELD])
def test_any_other_token_of_any_type_gets_the_one_code(kind: str, key: str, token: JSON) -> None:
    assert faults(SOUND[kind] | {key: token}) == [Fault(f"invalid_{kind}_{key}", f"/{key}")]


@pytest.mark.parametrize("token", [*UNHEARD_OF, "conversion", "Time"], ids=repr)
def test_any_other_condition_type_gets_the_one_code(token: JSON) -> None:
    assert faults(TIME | {"condition_type": token}) == [Fault("invalid_condition_type", "/condition_type")]


@pytest.mark.parametrize("token", ["XOR", "and", "Or", "", "NOT", 0, True, ["AND"], {"AND": "OR"}], ids=repr)
def test_any_other_group_operator_gets_the_one_code(token: JSON) -> None:
    assert list(filter_faults(group(COUNT, operator=token))) == [Fault("invalid_group_operator", "/filter/operator")]


MISSING = [
    ("time", "field", "invalid_time_field"),
    ("time", "operator", "invalid_time_operator"),
    ("time", "value", "missing_time_value"),
    ("time", "unit", "missing_time_value"),
    ("count", "field", "invalid_count_field"),
    ("count", "operator", "invalid_count_operator"),
    ("count", "value", "missing_count_value"),
    ("custom_field", "field", "missing_custom_field_name"),
    ("custom_field", "operator", "invalid_custom_field_operator"),
    ("custom_field", "value", "missing_custom_field_value"),
    ("carrier", "operator", "invalid_carrier_operator"),
    ("carrier", "value", "missing_carrier_value"),
    ("timezone", "operator", "invalid_timezone_operator"),
    ("timezone", "value", "missing_timezone_value"),
    ("revenue", "field", "invalid_revenue_field"),
    ("revenue", "operator", "invalid_revenue_operator"),
    ("revenue", "value", "missing_revenue_value"),
    *((kind, "condition_type", "invalid_condition_type") for kind in SOUND),
]


@pytest.mark.parametrize(("kind", "key", "code"), MISSING)
def test_a_missing_key_has_a_code_and_null_counts_as_missing(kind: str, key: str, code: str) -> None:
    assert faults(without(SOUND[kind], key)) == [Fault(code, f"/{key}")]
    assert faults(SOUND[kind] | {key: None}) == [Fault(code, f"/{key}")]


@pytest.mark.parametrize("name", ["", 0, 1, True, [], {}, ["state"]], ids=repr)
def test_a_custom_field_name_that_is_no_text_is_missing(name: JSON) -> None:
    assert faults(CUSTOM | {"field": name}) == [Fault("missing_custom_field_name", "/field")]


@pytest.mark.parametrize("operator", ["exists", "not_exists"])
@pytest.mark.parametrize("sound", [TIME, CUSTOM], ids=["time", "custom_field"])
def test_existence_needs_neither_value_nor_unit_and_minds_neither(sound: dict[str, JSON], operator: str) -> None:
    asked = sound | {"operator": operator}
    assert faults(without(asked, "value", "unit")) == []
    assert faults(asked | {"unit": "weeks"}) == []
    assert as_answered(group(asked))["conditions"][0]["value"] == sound["value"]


@pytest.mark.parametrize("kind", ["count", "carrier", "timezone", "revenue"])
def test_existence_is_no_operator_of_the_other_types(kind: str) -> None:
    assert faults(SOUND[kind] | {"operator": "exists"}) == [Fault(f"invalid_{kind}_operator", "/operator")]


@pytest.mark.parametrize("value", [0, -1, 1.5, 1e300, False, True, "", "x", "14", [], [1, "a"], {}, "\ud800"], ids=repr)
@pytest.mark.parametrize("kind", SOUND)
def test_a_value_may_be_anything_but_null(kind: str, value: JSON) -> None:
    assert faults(SOUND[kind] | {"value": value}) == []


def test_missing_value_and_unit_are_two_places_of_one_code() -> None:
    assert faults(without(TIME, "value", "unit")) == [
        Fault("missing_time_value", "/value"),
        Fault("missing_time_value", "/unit"),
    ]


@pytest.mark.parametrize(
    "empty",
    [
        {"operator": "AND"},
        {"operator": "OR", "conditions": []},
        {"operator": "AND", "groups": []},
        {"operator": "AND", "conditions": None, "groups": None},
        group(),
    ],
)
def test_a_group_without_members_is_empty(empty: dict[str, JSON]) -> None:
    assert list(filter_faults(empty)) == [Fault("empty_filter_group", "/filter")]
    nested = group(COUNT, groups=[group(TIME), empty])
    assert list(filter_faults(nested)) == [Fault("empty_filter_group", "/filter/groups/1")]


@pytest.mark.parametrize("key", ["conditions", "groups"])
@pytest.mark.parametrize("held", [0, "", "AND", True, {}, {"0": COUNT}], ids=repr)
def test_members_that_are_no_list_are_an_undocumented_fault(key: str, held: JSON) -> None:
    assert list(filter_faults(group(COUNT) | {key: held})) == [Fault("undocumented", f"/filter/{key}")]


@pytest.mark.parametrize("key", ["conditions", "groups"])
@pytest.mark.parametrize("item", [None, 0, "", "time", True, [], [COUNT]], ids=repr)
def test_a_member_that_is_no_object_is_an_undocumented_fault(key: str, item: JSON) -> None:
    held = group(COUNT, groups=[group(COUNT)])
    held[key].append(item)
    assert list(filter_faults(held)) == [Fault("undocumented", f"/filter/{key}/1")]


@pytest.mark.parametrize("definition", [None, 0, "AND", True, [], [COUNT]], ids=repr)
def test_a_filter_that_is_no_object_is_an_undocumented_fault(definition: JSON) -> None:
    assert list(filter_faults(definition)) == [Fault("undocumented", "/filter")]


def test_faults_come_in_reading_order_with_their_places() -> None:
    bad_time = TIME | {"unit": "weeks"}
    definition = group(
        COUNT | {"value": None},
        bad_time,
        operator="XOR",
        groups=[group(groups=[group(COUNT, bad_time)]), group(operator="AND"), group(CARRIER, operator="or")],
    )
    assert list(filter_faults(definition)) == [
        Fault("invalid_group_operator", "/filter/operator"),
        Fault("missing_count_value", "/filter/conditions/0/value"),
        Fault("invalid_time_unit", "/filter/conditions/1/unit"),
        Fault("invalid_time_unit", "/filter/groups/0/groups/0/conditions/1/unit"),
        Fault("empty_filter_group", "/filter/groups/1"),
        Fault("invalid_group_operator", "/filter/groups/2/operator"),
    ]
    everything = TIME | {"field": "x", "operator": "x", "unit": "x", "value": None}
    assert [fault.code for fault in faults(everything)] == [
        "invalid_time_field",
        "invalid_time_operator",
        "missing_time_value",
        "invalid_time_unit",
    ]


def test_depth_costs_no_stack() -> None:
    definition = group(COUNT | {"value": None})
    for _ in range(20_000):
        definition = {"operator": "AND", "groups": [definition]}
    places = [fault.path for fault in filter_faults(definition)]
    assert places == ["/filter" + "/groups/0" * 20_000 + "/conditions/0/value"]
    answered = as_answered(definition)
    for _ in range(20_000):
        assert list(answered) == ["operator", "conditions", "groups"]
        assert answered["conditions"] == []
        answered = answered["groups"][0]
    assert answered["groups"] == []


def test_an_answered_filter_has_camel_case_types_and_both_lists_in_a_fixed_order() -> None:
    sent = {"groups": [{"conditions": [COUNT], "operator": "OR"}], "operator": "AND"}
    before = copy.deepcopy(sent)
    answered = as_answered(sent)
    assert list(answered) == ["operator", "conditions", "groups"]
    assert answered["conditions"] == []
    inner = answered["groups"][0]
    assert list(inner) == ["operator", "conditions", "groups"]
    assert inner["groups"] == []
    assert list(inner["conditions"][0].items()) == [
        ("conditionType", "count"),
        ("field", "click_count"),
        ("operator", "gte"),
        ("value", 5),
    ]
    assert sent == before


def test_nulls_and_unknown_keys_are_not_echoed_but_surplus_known_ones_are() -> None:
    sent = CARRIER | {"unit": "days", "field": None, "listId": 3, "conditionType": "time"}
    assert as_answered(group(sent) | {"note": 1}) == {
        "operator": "AND",
        "conditions": [{"conditionType": "carrier", "operator": "eq", "value": "Verizon", "unit": "days"}],
        "groups": [],
    }


def test_choice_unknown_keys_may_be_kept() -> None:
    choices = Choices(keeps_unknown_keys=True)
    answered = as_answered(group(CARRIER | {"listId": 3}) | {"note": 1}, choices)
    assert answered["note"] == 1
    assert answered["conditions"] == [{"conditionType": "carrier", "operator": "eq", "value": "Verizon", "listId": 3}]


def test_choice_null_may_be_a_value_and_a_wrong_token() -> None:
    choices = Choices(null_is_missing=False)
    assert faults(COUNT | {"value": None}, choices) == []
    assert faults(COUNT | {"field": None}, choices) == [Fault("invalid_count_field", "/field")]
    assert list(filter_faults(group(COUNT) | {"groups": None}, choices)) == [Fault("undocumented", "/filter/groups")]
    assert as_answered(group(COUNT | {"value": None}), choices)["conditions"][0]["value"] is None


def test_choice_codes_of_what_is_missing() -> None:
    choices = Choices(
        missing_group_operator="a",
        missing_condition_type="b",
        missing_field_or_operator="c",
        undocumented="d",
    )
    definition = {"conditions": [{}, without(TIME, "field"), without(CARRIER, "operator"), 5]}
    assert [fault.code for fault in filter_faults(definition, choices)] == ["a", "b", "c", "c", "d"]
    assert [fault.code for fault in filter_faults(definition)] == [
        "invalid_group_operator",
        "invalid_condition_type",
        "invalid_time_field",
        "invalid_carrier_operator",
        "undocumented",
    ]


def test_choice_camel_case_in_a_request_is_not_understood_unless_chosen() -> None:
    camel = {"conditionType": "carrier"} | without(CARRIER, "condition_type")
    assert faults(camel) == [Fault("invalid_condition_type", "/condition_type")]
    understood = Choices(understands_camel_case=True)
    assert faults(camel, understood) == []
    assert as_answered(group(camel), understood)["conditions"] == [camel]
    assert faults(camel | {"condition_type": "x"}, understood) != []


def test_a_judge_can_be_replaced_and_a_type_added_or_taken() -> None:
    lenient = {**JUDGES, "time": lambda _condition, _choices: iter(())}
    assert list(filter_faults(group({"condition_type": "time"}), judges=lenient)) == []
    assert list(filter_faults(group(COUNT), judges={"time": JUDGES["time"]})) == [
        Fault("invalid_condition_type", "/filter/conditions/0/condition_type")
    ]


@given(ANYTHING)
def test_any_json_as_a_filter_is_judged_and_what_is_accepted_is_answered(definition: JSON) -> None:
    before = copy.deepcopy(definition)
    found = list(filter_faults(definition))
    assert all(fault.path.startswith("/filter") for fault in found)
    if not found:
        assert list(as_answered(definition)) == ["operator", "conditions", "groups"]
    assert definition == before


@given(
    st.sampled_from(sorted(SOUND)),
    st.dictionaries(st.sampled_from(["condition_type", "field", "operator", "value", "unit"]), ANYTHING, max_size=3),
)
def test_any_json_at_any_place_of_a_condition_is_judged(kind: str, change: dict[str, JSON]) -> None:
    for fault in faults(SOUND[kind] | change):
        assert fault.code.startswith(("invalid_", "missing_"))
        assert fault.path.startswith("/")
