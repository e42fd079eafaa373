"""The reference's judgement of filters: codes, paths, order, open choices, and that any JSON is judged."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawing import any_json
from trackly_contract.core import JSON
from trackly_contract.reference import DEFAULT_CHOICES, Choices
from trackly_contract.reference.filter import JUDGES, Fault, as_answered, condition_faults, filter_faults

Condition = dict[str, Any]

TIME = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 14, "unit": "days"}
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 5}
CUSTOM = {"condition_type": "custom_field", "field": "state", "operator": "eq", "value": "CA"}
CARRIER = {"condition_type": "carrier", "operator": "eq", "value": "Verizon"}
TIMEZONE = {"condition_type": "timezone", "operator": "in", "value": ["America/New_York"]}
REVENUE = {"condition_type": "revenue", "field": "revenue_total", "operator": "gt", "value": 99.5}
SOUND: dict[str, Condition] = {
    str(one["condition_type"]): one for one in (TIME, COUNT, CUSTOM, CARRIER, TIMEZONE, REVENUE)
}

KEYS = ["operator", "conditions", "groups", "condition_type", "field", "value", "unit", "x"]
ANYTHING = any_json(st.sampled_from(KEYS), ["AND", "time", "custom_field", "exists", "days", "eq", "last_clicked_at"])


def group(*conditions: JSON, groups: JSON = (), operator: JSON = "AND") -> dict[str, JSON]:
    return {"operator": operator, "conditions": list(conditions), "groups": list(groups)}


def without(condition: Condition, *keys: str) -> Condition:
    return {key: value for key, value in condition.items() if key not in keys}


def faults(condition: JSON, choices: Choices = DEFAULT_CHOICES) -> list[Fault]:
    return list(condition_faults(condition, choices))


# Tokens --------------------------------------------------------------------------------------------

TOKENS = [
    ("time", "field", "last_clicked_at last_sent_at signup_date"),
    ("time", "operator", "within not_within before after exists not_exists"),
    ("time", "unit", "days hours minutes"),
    ("count", "field", "click_count send_count conversion_count"),
    ("count", "operator", "gte gt eq lt lte ne"),
    ("custom_field", "operator", "eq ne in not_in contains gt gte lt lte exists not_exists"),
    ("carrier", "operator", "eq ne in not_in"),
    ("timezone", "operator", "eq ne in not_in"),
    ("revenue", "field", "has_revenue revenue_total avg_revenue revenue_average conversion_count last_revenue_at"),
    ("revenue", "operator", "eq ne gt gte lt lte"),
]
UNHEARD_OF = ["zz_no_such", "", "AND", " eq", "DAYS", "Within", 0, 1, 1.5, True, [], ["eq"], {}, {"eq": 1}]


def test_there_are_six_condition_types() -> None:
    assert sorted(JUDGES) == sorted(SOUND)


@pytest.mark.parametrize(("kind", "key", "words"), TOKENS)
def test_every_token_is_accepted(kind: str, key: str, words: str) -> None:
    assert {token: faults(SOUND[kind] | {key: token}) for token in words.split()} == {t: [] for t in words.split()}


@pytest.mark.parametrize("name", ["state", "custom_fields.state", "0", "☃"])
def test_any_text_is_the_name_of_a_custom_field(name: str) -> None:
    assert faults(CUSTOM | {"field": name}) == []


@pytest.mark.parametrize("token", UNHEARD_OF, ids=repr)
@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, key, _ in TOKENS])
def test_any_other_token_of_any_type_gets_the_one_code(kind: str, key: str, token: JSON) -> None:
    assert faults(SOUND[kind] | {key: token}) == [Fault(f"invalid_{kind}_{key}", f"/{key}")]


@pytest.mark.parametrize("token", [*UNHEARD_OF, "conversion", "Time"], ids=repr)
def test_any_other_condition_type_gets_the_one_code(token: JSON) -> None:
    assert faults(TIME | {"condition_type": token}) == [Fault("invalid_condition_type", "/condition_type")]


@pytest.mark.parametrize("token", ["XOR", "and", "Or", "", "NOT", 0, True, ["AND"], {"AND": "OR"}], ids=repr)
def test_any_other_group_operator_gets_the_one_code(token: JSON) -> None:
    assert list(filter_faults(group(COUNT, operator=token))) == [Fault("invalid_group_operator", "/filter/operator")]


def code_of_missing(kind: str, key: str) -> str:
    if key in ("value", "unit"):
        return f"missing_{kind}_value"
    own = {"condition_type": "invalid_condition_type", "custom_field field": "missing_custom_field_name"}
    return own.get(key) or own.get(f"{kind} {key}") or f"invalid_{kind}_{key}"


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, sound in SOUND.items() for key in sound])
def test_a_missing_key_has_a_code_and_null_counts_as_missing(kind: str, key: str) -> None:
    expected = [Fault(code_of_missing(kind, key), f"/{key}")]
    assert faults(without(SOUND[kind], key)) == faults(SOUND[kind] | {key: None}) == expected


@pytest.mark.parametrize("name", ["", 0, 1, True, [], {}, ["state"]], ids=repr)
def test_a_custom_field_name_that_is_no_text_is_missing(name: JSON) -> None:
    assert faults(CUSTOM | {"field": name}) == [Fault("missing_custom_field_name", "/field")]


@pytest.mark.parametrize("operator", ["exists", "not_exists"])
@pytest.mark.parametrize("kind", SOUND)
def test_existence_is_an_operator_of_two_types_and_needs_neither_value_nor_unit(kind: str, operator: str) -> None:
    asked = SOUND[kind] | {"operator": operator}
    if kind in ("time", "custom_field"):
        assert faults(without(asked, "value", "unit")) == faults(asked | {"unit": "weeks"}) == []
        assert as_answered(group(asked))["conditions"][0]["value"] == asked["value"]
    else:
        assert faults(asked) == [Fault(f"invalid_{kind}_operator", "/operator")]


@pytest.mark.parametrize("value", [0, -1, 1.5, 1e300, False, True, "", "x", "14", [], [1, "a"], {}, "\ud800"], ids=repr)
@pytest.mark.parametrize("kind", SOUND)
def test_a_value_may_be_anything_but_null(kind: str, value: JSON) -> None:
    assert faults(SOUND[kind] | {"value": value}) == []


# Groups --------------------------------------------------------------------------------------------


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
def test_a_group_without_conditions_and_groups_is_empty(empty: dict[str, JSON]) -> None:
    assert list(filter_faults(empty)) == [Fault("empty_filter_group", "/filter")]
    nested = group(COUNT, groups=[group(TIME), empty])
    assert list(filter_faults(nested)) == [Fault("empty_filter_group", "/filter/groups/1")]


SHAPES: list[tuple[JSON, str]] = [
    *((group(COUNT) | {"conditions": odd}, "/conditions") for odd in (0, "", "AND", True, {}, {"0": COUNT})),
    *((group(COUNT) | {"groups": odd}, "/groups") for odd in (0, "", "AND", True, {}, {"0": COUNT})),
    *((group(COUNT, odd), "/conditions/1") for odd in (None, 0, "", "time", True, [], [COUNT])),
    *((group(groups=[group(COUNT), odd]), "/groups/1") for odd in (None, 0, "", "time", True, [], [COUNT])),
    *((odd, "") for odd in (None, 0, "AND", True, [], [COUNT])),
]


@pytest.mark.parametrize(("definition", "path"), SHAPES, ids=repr)
def test_a_part_of_another_json_type_is_an_undocumented_fault(definition: JSON, path: str) -> None:
    assert list(filter_faults(definition)) == [Fault("undocumented", f"/filter{path}")]


def test_faults_come_in_reading_order_with_their_paths() -> None:
    bad_time = TIME | {"unit": "weeks"}
    nested = [group(groups=[group(COUNT, bad_time)]), group(operator="AND"), group(CARRIER, operator="or")]
    definition = group(COUNT | {"value": None}, bad_time, operator="XOR", groups=nested)
    assert list(filter_faults(definition)) == [
        Fault("invalid_group_operator", "/filter/operator"),
        Fault("missing_count_value", "/filter/conditions/0/value"),
        Fault("invalid_time_unit", "/filter/conditions/1/unit"),
        Fault("invalid_time_unit", "/filter/groups/0/groups/0/conditions/1/unit"),
        Fault("empty_filter_group", "/filter/groups/1"),
        Fault("invalid_group_operator", "/filter/groups/2/operator"),
    ]
    codes = ["invalid_time_field", "invalid_time_operator", "missing_time_value", "invalid_time_unit"]
    assert [f.code for f in faults(TIME | {"field": "x", "operator": "x", "unit": "x", "value": None})] == codes
    both = [Fault("missing_time_value", "/value"), Fault("missing_time_value", "/unit")]
    assert faults(without(TIME, "value", "unit")) == both


def test_depth_costs_no_stack() -> None:
    definition = group(COUNT | {"value": None})
    for _ in range(20_000):
        definition = {"operator": "AND", "groups": [definition]}
    paths = [fault.path for fault in filter_faults(definition)]
    assert paths == ["/filter" + "/groups/0" * 20_000 + "/conditions/0/value"]
    answered = as_answered(definition)
    for _ in range(20_000):
        answered = answered["groups"][0]
    assert answered["groups"] == []


# As responses print it -----------------------------------------------------------------------------


def test_a_printed_filter_has_camel_case_types_and_both_lists_in_a_fixed_order() -> None:
    sent = {"groups": [{"conditions": [COUNT], "operator": "OR"}], "operator": "AND"}
    before = copy.deepcopy(sent)
    condition = {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 5}
    inner = {"operator": "OR", "conditions": [condition], "groups": []}
    assert str(as_answered(sent)) == str({"operator": "AND", "conditions": [], "groups": [inner]})
    assert sent == before


SURPLUS = CARRIER | {"unit": "days", "field": None, "listId": 3, "conditionType": "time"}


@pytest.mark.parametrize(("keeps", "more"), [(False, {}), (True, {"listId": 3})])
def test_surplus_keys_are_printed_if_known_or_chosen_and_nulls_never(*, keeps: bool, more: dict[str, JSON]) -> None:
    printed = {"conditionType": "carrier", "operator": "eq", "value": "Verizon", "unit": "days"} | more
    found = as_answered(group(SURPLUS) | {"note": 1}, Choices(keeps_unknown_keys=keeps))
    assert found == group(printed) | ({"note": 1} if keeps else {})


# Choices -------------------------------------------------------------------------------------------


def test_choice_null_may_be_a_value_and_a_wrong_token() -> None:
    choices = Choices(null_is_missing=False)
    assert faults(COUNT | {"value": None}, choices) == []
    assert faults(COUNT | {"field": None}, choices) == [Fault("invalid_count_field", "/field")]
    assert list(filter_faults(group(COUNT) | {"groups": None}, choices)) == [Fault("undocumented", "/filter/groups")]
    assert as_answered(group(COUNT | {"value": None}), choices)["conditions"][0]["value"] is None


OWN_CODES = Choices(
    missing_group_operator="a", missing_condition_type="b", missing_field_or_operator="c", undocumented="d"
)
DOCUMENTED = "invalid_group_operator invalid_condition_type invalid_time_field invalid_carrier_operator undocumented"


@pytest.mark.parametrize(("choices", "codes"), [(OWN_CODES, "a b c c d"), (DEFAULT_CHOICES, DOCUMENTED)])
def test_choice_codes_of_what_is_missing(choices: Choices, codes: str) -> None:
    definition = {"conditions": [{}, without(TIME, "field"), without(CARRIER, "operator"), 5]}
    assert [fault.code for fault in filter_faults(definition, choices)] == codes.split()


def test_choice_camel_case_in_a_request_is_not_understood_unless_chosen() -> None:
    camel = {"conditionType": "carrier"} | without(CARRIER, "condition_type")
    assert faults(camel) == [Fault("invalid_condition_type", "/condition_type")]
    understood = Choices(understands_camel_case=True)
    assert faults(camel, understood) == []
    assert as_answered(group(camel), understood)["conditions"] == [camel]
    assert faults(camel | {"condition_type": "x"}, understood) != []


# Any JSON ------------------------------------------------------------------------------------------


@given(ANYTHING)
def test_any_json_as_a_filter_is_judged_and_what_is_accepted_is_printed(definition: JSON) -> None:
    before = copy.deepcopy(definition)
    found = list(filter_faults(definition))
    assert all(fault.path.startswith("/filter") for fault in found)
    if not found:
        assert list(as_answered(definition)) == ["operator", "conditions", "groups"]
    assert definition == before


@given(st.sampled_from(sorted(SOUND)), st.dictionaries(st.sampled_from(KEYS[3:]), ANYTHING, max_size=3))
def test_any_json_anywhere_in_a_condition_is_judged(kind: str, change: dict[str, JSON]) -> None:
    for fault in faults(SOUND[kind] | change):
        assert fault.code.startswith(("invalid_", "missing_"))
        assert fault.path.startswith("/")
