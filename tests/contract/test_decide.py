"""Facts about the decision on a body or a response by the schemas alone: accepted, rejected with codes, or open."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawing import any_json
from trackly_contract.contract import (
    DEEPEST,
    GUARD,
    NOBODY,
    UPDATE_FIELDS,
    Probe,
    RequestVector,
    Schemas,
    contract,
    document,
    schemas,
)
from trackly_contract.contract.decide import Decision
from trackly_contract.core import ABSENT, NotJSONError, parse

AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}
NEEDS_STATE = {rule.code for rule in contract().rules.values() if rule.needs_state}


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


BODIES = [v for v in contract().requests.values() if v.body is not ABSENT and v.status in (200, 400)]


@pytest.mark.parametrize("vector", BODIES, ids=lambda vector: vector.id)
def test_a_request_vector_is_decided_as_it_says(vector: RequestVector) -> None:
    found = decided(vector.body)
    assert not found.questions
    assert [fault.stands_for for fault in found.faults] == sorted({vector.code or ""} - NEEDS_STATE - {""})


# Marks in the schemas ------------------------------------------------------------------------------

REQUESTS = ("update.json", "filter.json", "vocabulary.json")
RESPONSES = ("audience.json", "filter-in-answers.json", "error.json")
NEVER_FAIL = frozenset(
    {"$schema", "$id", "$ref", "$defs", "title", "description", "properties", "items", "allOf", "if", "then", "else"}
    | {"x-error", "x-open"}
)
"""Keywords that do not fail themselves: they say something, or what stands below them fails."""


def subschemas(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema that can report a failure, with its path; what is only asked by `if` cannot."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("items", "then", "else", "additionalProperties"):
        yield from subschemas(schema.get(keyword), f"{path}/{keyword}")
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            if "_needing_" not in name:  # asked by `if` alone
                yield from subschemas(part, f"{path}/{keyword}/{name}")
    for index, part in enumerate(schema.get("allOf", [])):
        yield from subschemas(part, f"{path}/allOf/{index}")


SCHEMAS = [pytest.param(schema, id=path) for name in REQUESTS for path, schema in subschemas(document(name), name)]


def marked(mark: str) -> set[str]:
    """Return what the schemas of requests name with a mark."""
    parts = [part for name in REQUESTS for _, part in subschemas(document(name), name)]
    return {value for part in parts for value in part.get(mark, {}).values()}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_keyword_that_can_fail_is_an_error_or_open(schema: dict[str, Any]) -> None:
    error, open_ = set(schema.get("x-error", {})), set(schema.get("x-open", {}))
    assert set(schema) - NEVER_FAIL == error | open_
    assert not error & open_


def test_a_mark_names_a_documented_code_a_question_or_a_rule() -> None:
    assert marked("x-error") <= CODES
    assert marked("x-open") <= set(contract().questions)
    rules = {part["x-rule"] for name in RESPONSES for _, part in subschemas(document(name), name) if "x-rule" in part}
    assert rules <= set(contract().rules)


# Rejected and open ---------------------------------------------------------------------------------


FIRST = "/filter/conditions/0"
REJECTED: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    **{unit: (with_time(unit=unit), [(f"{FIRST}/unit", "invalid_time_unit")]) for unit in ("weeks", "day", "years")},
    "count without value": (with_condition(value=ABSENT), [(f"{FIRST}/value", "missing_count_value")]),
    "time without value and unit": (
        with_time(value=ABSENT, unit=ABSENT),
        [(f"{FIRST}/unit", "missing_time_value"), (f"{FIRST}/value", "missing_time_value")],
    ),
    "a group operator at depth 100": (
        nested(DEEPEST, {"operator": "XOR", "conditions": [GUARD]}),
        [("/filter" + "/groups/0" * 99 + "/operator", "invalid_group_operator")],
    ),
    "an empty group of depth 100": (
        nested(DEEPEST, {"operator": "AND"}),
        [("/filter" + "/groups/0" * 99, "empty_filter_group")],
    ),
}


@pytest.mark.parametrize(("body", "faults"), REJECTED.values(), ids=REJECTED.keys())
def test_what_the_pages_reject_is_rejected_with_its_code_and_path(body: Any, faults: list[tuple[str, str]]) -> None:
    found = decided(body)
    assert sorted((fault.place, fault.stands_for) for fault in found.faults) == faults
    assert not found.questions


TOKENS: dict[str, Callable[[str], Any]] = {
    "days": lambda word: with_time(unit=word),
    "AND": lambda word: {"filter": {"operator": word, "conditions": [GUARD]}},
    "time": lambda word: with_time(condition_type=word),
    "signup_date": lambda word: with_time(field=word),
    "before": lambda word: with_time(operator=word),
    "gte": lambda word: with_condition(operator=word),
}


@pytest.mark.parametrize("word", TOKENS)
@pytest.mark.parametrize("spell", [str.swapcase, str.title, " {} ".format, "{}\t".format, "{}\n".format])
def test_another_spelling_of_a_documented_token_is_open(word: str, spell: Callable[[str], str]) -> None:
    assert decided(TOKENS[word](spell(word))).questions


# Beside what the questions of the contract ask about.
OPEN: dict[str, Any] = {
    "a padded name": {"name": " x"},
    "a name that ends in a blank": {"name": "x "},
    "a name that ends in a line": {"name": "x\n"},
    "a name with NUL": {"name": "a\0b"},
    "a name with a lone surrogate": {"name": "a\ud83d"},
    "a name of 255 characters and more bytes": {"name": "é" * 255},
    "a description with NUL": {"description": "\0"},
    "lists that are null": {"source_lists": None},
    "a list with a fraction": {"source_lists": [101.0]},
    "a filter that is null": {"filter": None},
    "a filter without anything": {"filter": {}},
    "a filter that is an array": {"filter": []},
    "conditions that are null": {"filter": {"operator": "AND", "conditions": None}},
    "a seventh type": with_condition(condition_type="geo"),
    "an operator of another type": with_condition(operator="between"),
    "a field of another type": with_condition(field="last_clicked_at"),
    "false": with_condition(value=False),
    "time 5.0": with_time(value=5.0),
    "time null": with_time(value=None),
    "a unit that is true": with_time(unit=True),
    "a token with NUL": with_time(unit="days\0"),
    "a key with a lone surrogate": {"name": "x", "\udc00": 1},
}


@pytest.mark.parametrize("body", OPEN.values(), ids=OPEN.keys())
def test_what_no_page_says_is_open_by_a_question(body: Any) -> None:
    asked = {failure.stands_for for failure in decided(body).questions}
    assert asked
    assert asked <= set(contract().questions)


def sent(probe: Probe) -> Any:
    """Return the body of a probe as parsed JSON, ABSENT for one without or of no JSON."""
    text = probe.raw if probe.raw is not None else probe.body
    try:
        if probe.condition is not None:
            return {"filter": {"operator": "AND", "conditions": [GUARD, parse(probe.condition.encode())]}}
        if probe.group is not None:
            return {"filter": {"operator": "AND", "conditions": [GUARD], "groups": [parse(probe.group.encode())]}}
        return ABSENT if text is None else parse(text.encode())
    except NotJSONError:
        return ABSENT


PROBES = [
    pytest.param(probe, id=f"{question.id}: {probe.says}")
    for question in contract().questions.values()
    for probe in question.probes
    if sent(probe) is not ABSENT and (probe.method, probe.key, probe.id, probe.headers) == (None, None, None, {})
    if probe.says != "day"  # rejected, not open: all units are documented
]


@pytest.mark.parametrize("probe", PROBES)
def test_a_body_that_a_question_asks_about_is_open(probe: Probe) -> None:
    assert Schemas(contract().vocabulary.documented()).decide(sent(probe)).questions


ACCEPTED: dict[str, Any] = {
    "a name": {"name": "x"},
    "a name of 255 characters": {"name": "x" * 255},
    "a name with a blank inside": {"name": "a b"},
    "all lists": {"source_lists": []},
    "exists": with_time(operator="exists", value=ABSENT, unit=ABSENT),
    "the largest value": with_condition(value=2**31 - 1),
    "groups alone": nested(2),
    "a hundred groups": nested(DEEPEST),
    "conditions empty beside groups": {
        "filter": {"operator": "OR", "conditions": [], "groups": [{"operator": "AND", "conditions": [GUARD]}]}
    },
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_the_pages_say_is_accepted(body: Any) -> None:
    assert decided(body).accepted


@pytest.mark.parametrize("groups", [101, 150, 5000])
def test_a_group_beyond_depth_100_is_open(groups: int) -> None:
    assert {failure.stands_for for failure in decided(nested(groups)).questions} == {"depth"}


@pytest.mark.parametrize("name", ["a/b", "a~b"])
def test_the_path_of_an_odd_key_is_a_json_pointer(name: str) -> None:
    found = decided({"name": "x", name: "\0"})
    assert f"/{name.replace('~', '~0').replace('/', '~1')}" in {failure.place for failure in found.questions}


WORDS = ["AND", "OR", "time", "count", "carrier", "gte", "before", "days", "click_count", "zz_x"]
JSON_VALUES = any_json(st.sampled_from([*UPDATE_FIELDS, *NOBODY, *GUARD, "groups", "unit", "x"]), WORDS)


@given(JSON_VALUES | JSON_VALUES.map(lambda value: {"filter": value}))
def test_every_body_is_decided(body: Any) -> None:
    before = copy.deepcopy(body)
    found = decided(body)
    assert {fault.stands_for for fault in found.faults} <= CODES
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
    failures = schemas().failures("audience.json", {**EXAMPLE, "created_at": stamp})
    assert [failure.stands_for for failure in failures] == ["audience.created_at"]


@pytest.mark.parametrize("stamp", ["2025-10-01T14:22:00Z", "2025-10-01T14:22:00.123+02:00", "2025-10-01T14:22:00-0500"])
def test_a_zone_or_a_fraction_breaks_nothing(stamp: str) -> None:
    assert schemas().failures("audience.json", {**EXAMPLE, "created_at": stamp}) == []


@pytest.mark.parametrize("key", ["condition_type", "Field", "field\n", "list-id", "_x"])
def test_a_key_of_a_condition_that_is_no_camel_case_breaks_its_rule(key: str) -> None:
    group = {"operator": "AND", "conditions": [{"conditionType": "time", key: 1}], "groups": []}
    failures = schemas().failures("audience.json", {**EXAMPLE, "filter": group})
    assert [failure.stands_for for failure in failures] == ["audience.filter.keys"]


def test_a_key_that_no_page_names_is_legal_in_a_response() -> None:
    assert schemas().failures("audience.json", {**EXAMPLE, "tags": []}) == []
