"""The strategies: both judges agree with them, they reach every token and depth, and they shrink to the plainest."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given

from tests.support.drawing import (
    DOCUMENTED,
    EVERYTHING,
    SHALLOW,
    assert_accepted,
    assert_rejected,
    conditions_of,
    drawn,
    searching,
    smallest,
    some,
    tokens_of,
)
from tests.support.population import CONTACTS, anybody, harm, matched
from trackly_contract.contract import (
    DEEPEST,
    GUARD,
    KINDS,
    NOBODY,
    UPDATE_FIELDS,
    Vocabulary,
    contract,
    depth,
    matches_nobody,
)
from trackly_contract.core import JSON, encode
from trackly_contract.generate import (
    EmptyVocabularyError,
    RejectedBody,
    conditions,
    filters,
    rejected_bodies,
    rejection_codes,
    update_bodies,
)

TYPES = EVERYTHING.words("condition_type")
CODES = rejection_codes()

# Accepted ------------------------------------------------------------------------------------------


@some
@given(update_bodies(max_depth=SHALLOW))
def test_every_body_is_accepted_by_both_judges(body: dict[str, JSON]) -> None:
    assert set(body) <= set(UPDATE_FIELDS)
    assert body
    assert_accepted(body)


@pytest.mark.parametrize("kind", TYPES)
def test_conditions_of_a_type_are_accepted_and_reach_every_token_of_it(kind: str) -> None:
    found = {"operator": "AND", "conditions": drawn(conditions(kind), 400)}
    assert_accepted({"filter": found})
    wanted = {(token.kind, token.token) for token in EVERYTHING.tokens if token.kind.partition(".")[0] == kind}
    assert set(tokens_of(found)) == wanted | {("condition_type", kind), ("group.operator", "AND")}


def test_filters_reach_every_type_and_group_operator() -> None:
    found = {token for made in drawn(filters(max_depth=2), 150) for token in tokens_of(made)}
    assert found >= {("condition_type", kind) for kind in TYPES} | {("group.operator", "AND"), ("group.operator", "OR")}


def test_only_tokens_of_the_vocabulary_are_drawn() -> None:
    found = {
        token for made in drawn(filters(vocabulary=DOCUMENTED, max_depth=SHALLOW), 60) for token in tokens_of(made)
    }
    assert found <= {(token.kind, token.token) for token in DOCUMENTED.tokens}


@pytest.mark.parametrize("lists", [(), (7,), (101, 102, 103)])
def test_source_lists_are_existing_ones_and_none_at_all(lists: tuple[int, ...]) -> None:
    found = [body["source_lists"] for body in drawn(update_bodies(lists=lists, fields=["source_lists"]), 60)]
    assert {entry for ids in found for entry in ids} == set(lists)
    assert {(), lists} <= {tuple(sorted(ids)) for ids in found}


def test_every_subset_of_the_fields_is_drawn_and_one_can_be_asked_for() -> None:
    assert len({frozenset(body) for body in drawn(update_bodies(max_depth=1), 400)}) == 15
    for fields in ({"name"}, {"description", "filter"}, set(UPDATE_FIELDS)):
        assert all(set(body) == fields for body in drawn(update_bodies(max_depth=1, fields=fields), 10))


CHARACTERS: dict[str, Callable[[str], bool]] = {
    "accent": lambda char: unicodedata.decomposition(char)[:1].isalnum() and char.isalpha(),
    "combining mark": lambda char: unicodedata.category(char) in ("Mn", "Mc"),
    "emoji": lambda char: "\U0001f300" <= char <= "\U0001faff",
    "right to left": lambda char: unicodedata.bidirectional(char) in ("R", "AL"),
}


@pytest.mark.parametrize("kind", CHARACTERS)
def test_every_kind_of_character_is_drawn_in_every_text(kind: str) -> None:
    bodies = drawn(update_bodies(fields=["name", "description"]), 200)
    custom = drawn(conditions("custom_field"), 200)
    for found, key in ((bodies, "name"), (bodies, "description"), (custom, "field"), (custom, "value")):
        assert any(CHARACTERS[kind](char) for one in found for char in "".join(one.get(key, "")))


@some
@given(update_bodies(fields=["name", "description"]))
def test_texts_are_never_blank_nor_too_long_however_they_are_counted(body: dict[str, str]) -> None:
    name, description = body["name"], body["description"]
    assert name.strip() == name != ""
    assert max(len(name), len(name.encode("utf-16-le")) // 2, len(name.encode())) <= 255
    assert description.strip() == description != ""


@pytest.mark.parametrize("nobody", [False, True])
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("levels", [range(10, DEEPEST), range(DEEPEST, DEEPEST + 1)])
def test_great_depths_are_reached_and_accepted_by_both_judges(levels: range, *, nobody: bool) -> None:
    found = find(filters(nobody=nobody), lambda made: depth(made) in levels, settings=searching)
    assert_accepted({"filter": found})


@pytest.mark.parametrize("nobody", [False, True])
@pytest.mark.parametrize("max_depth", [1, 2, 3])
def test_the_depth_that_is_asked_for_is_reached_and_not_exceeded(max_depth: int, *, nobody: bool) -> None:
    found = drawn(filters(max_depth=max_depth, nobody=nobody), 150)
    assert {depth(made) for made in found} == set(range(1, max_depth + 1))
    # An OR group cannot hold the guards, only groups that do.
    assert {made["operator"] for made in found} == ({"AND"} if nobody and max_depth == 1 else {"AND", "OR"})


# Nobody --------------------------------------------------------------------------------------------


def test_the_population_tells_filters_apart() -> None:
    old = {"condition_type": "time", "field": "signup_date", "operator": "before", "value": 99 * 365, "unit": "days"}
    many = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 10**6}
    for condition in (old, many):
        found = sum(matched(contact, {"operator": "AND", "conditions": [condition]}) for contact in CONTACTS)
        assert 0 < found < len(CONTACTS)
    assert sum(map(anybody, drawn(filters(max_depth=2), 100))) > 50


@some
@given(update_bodies(nobody=True, max_depth=SHALLOW))
def test_nobody_means_accepted_and_nobody(body: dict[str, JSON]) -> None:
    assert_accepted(body)
    if "filter" in body:
        assert matches_nobody(body["filter"])
        assert harm(body["filter"]) == ""


# Rejected ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_drawn_alone_beside_other_fields_and_its_twin(code: str) -> None:
    fields: set[str] = set()
    for number, found in enumerate(drawn(rejected_bodies(code, max_depth=SHALLOW), 80)):
        if number < 20:
            assert_rejected(found)
        fields |= set(found.body)
    assert fields >= {"name", "description", "source_lists"}


@pytest.mark.parametrize("code", ["invalid_group_operator", "empty_filter_group", "invalid_time_unit"])
def test_an_error_in_a_filter_is_drawn_at_every_position(code: str) -> None:
    found = [rejected.path.split("/")[1:] for rejected in drawn(rejected_bodies(code, max_depth=SHALLOW), 250)]
    assert {path.count("groups") + 1 for path in found} == set(range(1, SHALLOW + 1))
    assert {int(step) for path in found for step in path if step.isdigit()} >= {0, 1}


def test_an_unknown_list_is_drawn_at_every_position() -> None:
    found = drawn(rejected_bodies("source_list_not_found", lists=(7, 8)), 150)
    assert {rejected.path for rejected in found} == {f"/source_lists/{index}" for index in range(3)}


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_an_error_is_drawn_a_hundred_groups_deep() -> None:
    def deep(found: RejectedBody) -> bool:
        return depth(found.body["filter"]) == DEEPEST == found.path.count("/groups/") + 1

    assert_rejected(find(rejected_bodies("invalid_time_unit"), deep, settings=searching))


def test_the_codes_are_those_of_the_error_table_in_the_order_of_the_rules() -> None:
    assert [rule.code for rule in contract().rules.values() if rule.status == 400] == CODES


def test_examples_can_be_changed_without_changing_the_vectors() -> None:
    vectors = [vector for vector in contract().requests.values() if vector.status in (200, 400) and vector.body]
    before = [encode(vector.body) for vector in vectors if isinstance(vector.body, dict)]
    for code in CODES:
        for found in drawn(rejected_bodies(code, max_depth=1), 5):
            for value in (*found.body.values(), *found.twin.values()):
                if not isinstance(value, str):
                    value.clear()
    assert [encode(vector.body) for vector in vectors if isinstance(vector.body, dict)] == before


# Shrunk --------------------------------------------------------------------------------------------

TIME = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 1, "unit": "days"}
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1}
CUSTOM = {"condition_type": "custom_field", "field": "a", "operator": "eq", "value": "a"}
CARRIER = {"condition_type": "carrier", "operator": "eq", "value": "a"}
REVENUE = {"condition_type": "revenue", "field": "revenue_total", "operator": "gte", "value": 1}


@pytest.mark.parametrize("plainest", [TIME, COUNT, CUSTOM, CARRIER], ids=lambda made: made["condition_type"])
def test_conditions_shrink_to_the_plainest(plainest: dict[str, JSON]) -> None:
    found = find(conditions(plainest["condition_type"]), lambda made: "value" in made, settings=smallest)
    assert found == plainest


def test_filters_and_bodies_shrink_to_the_plainest() -> None:
    plainest = {"operator": "AND", "conditions": [TIME]}
    assert find(filters(), lambda made: any("unit" in c for c in conditions_of(made)), settings=smallest) == plainest
    assert find(update_bodies(), lambda body: "name" in body, settings=smallest) == {"name": "a"}
    assert find(filters(nobody=True), lambda made: GUARD in conditions_of(made), settings=smallest) == NOBODY


def test_nesting_shrinks_to_no_more_than_is_needed() -> None:
    found = find(filters(max_depth=6), lambda made: depth(made) == 3, settings=smallest)
    assert len(conditions_of(found)) <= 2


UNKNOWN = "zz_no_such_token"
SMALLEST: dict[str, dict[str, JSON]] = {
    "invalid_group_operator": {"operator": UNKNOWN, "conditions": [TIME]},
    "empty_filter_group": {"operator": "AND", "conditions": []},
    "invalid_condition_type": {**COUNT, "condition_type": UNKNOWN},
    "invalid_time_field": {**TIME, "field": UNKNOWN},
    "invalid_time_unit": {**TIME, "unit": UNKNOWN},
    "missing_time_value": {key: TIME[key] for key in TIME if key != "value"},
    "missing_custom_field_name": {key: CUSTOM[key] for key in CUSTOM if key != "field"},
    "invalid_revenue_field": {**REVENUE, "field": UNKNOWN},
}


@pytest.mark.parametrize("code", SMALLEST)
def test_a_rejected_body_shrinks_to_the_smallest(code: str) -> None:
    wrong = SMALLEST[code]
    wanted = {"operator": "AND", "conditions": [wrong]} if "condition_type" in wrong else wrong

    def plain(found: RejectedBody) -> bool:
        # A condition without value has fewer keys, but is not plainer.
        return [set(c) for c in conditions_of(found.body["filter"])] == [set(c) for c in conditions_of(wanted)]

    assert find(rejected_bodies(code, max_depth=3), plain, settings=smallest).body == {"filter": wanted}


# Errors of the caller ------------------------------------------------------------------------------


def without(kind: str) -> Vocabulary:
    return EVERYTHING.without((kind, word) for word in EVERYTHING.words(kind))


def only(kind: str, *words: str) -> Vocabulary:
    return EVERYTHING.without((kind, word) for word in EVERYTHING.words(kind) if word not in words)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "group.operator"])
def test_a_vocabulary_without_a_needed_token_raises_at_once(kind: str) -> None:
    code = "invalid_group_operator" if kind == "condition_type" else f"invalid_{kind.replace('.', '_')}"
    for make in (conditions, filters, update_bodies, lambda **named: rejected_bodies(code, **named)):
        with pytest.raises(EmptyVocabularyError, match=kind):
            make(vocabulary=without(kind))


@pytest.mark.parametrize(
    ("code", "vocabulary", "kind"),
    [
        ("missing_time_value", only("time.operator", "exists"), "time.operator"),
        ("invalid_time_operator", only("time.operator", "exists"), "time.operator"),
        ("invalid_carrier_operator", only("carrier.operator", "in", "not_in"), "carrier.operator"),
        ("invalid_revenue_field", only("revenue.field", "has_revenue"), "revenue.field"),
        ("invalid_carrier_operator", only("condition_type", "time"), "condition_type carrier"),
    ],
)
def test_a_vocabulary_without_a_token_that_the_error_needs_raises_at_once(
    code: str, vocabulary: Vocabulary, kind: str
) -> None:
    with pytest.raises(EmptyVocabularyError, match=kind):
        rejected_bodies(code, vocabulary=vocabulary)


def test_a_narrow_vocabulary_is_enough_where_it_has_what_is_needed() -> None:
    narrow = only("condition_type", "time").documented()
    for found in drawn(rejected_bodies("invalid_time_unit", vocabulary=narrow, max_depth=2), 20):
        assert_rejected(found)


def test_the_guards_are_held_whatever_the_vocabulary() -> None:
    no_clicks = EVERYTHING.without([("count.field", "click_count")])
    assert all(map(matches_nobody, drawn(filters(vocabulary=no_clicks, nobody=True, max_depth=1), 30)))


def test_a_type_that_the_vocabulary_lacks_is_left_out() -> None:
    less = EVERYTHING.without([("condition_type", "carrier")])
    assert {found["condition_type"] for found in drawn(conditions(vocabulary=less), 200)} == set(TYPES) - {"carrier"}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: conditions("color"), "no condition_type color, only time, count"),
        (lambda: filters(max_depth=0), "max_depth is 0: filters are decided from 1 to 100 groups deep"),
        (lambda: update_bodies(max_depth=DEEPEST + 1), "max_depth is 101"),
        (lambda: rejected_bodies("invalid_time_unit", max_depth=-1), "max_depth is -1"),
        (lambda: update_bodies(fields=["status"]), "name one or more of name, description, source_lists, filter"),
        (lambda: rejected_bodies("unauthorized"), "'unauthorized' is no code that a body is rejected with; there are "),
        (lambda: filters(nobody=True, vocabulary=without("count.operator")), "count.operator"),
    ],
)
def test_what_cannot_be_made_raises_at_once(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
