"""The strategies keep what they promise: accepted by both judges, every token and depth reached, nobody matched."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import find, given, settings

from tests.support.drawing import (
    DOCUMENTED,
    EVERYTHING,
    SHALLOW,
    assert_accepted,
    conditions_of,
    drawn,
    searching,
    smallest,
    some,
    tokens_of,
)
from trackly_contract.contract import DEEPEST, GUARD, KINDS, NOBODY, Vocabulary, depth, matches_nobody, schemas
from trackly_contract.core import Request, encode, parse
from trackly_contract.generate.valid import (
    MEMBERS,
    TYPES,
    EmptyVocabularyError,
    conditions,
    filters,
    names,
    texts,
    update_bodies,
)
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.core import JSON

# Accepted ------------------------------------------------------------------------------------------


@some
@given(update_bodies(deepest=SHALLOW))
def test_every_body_is_accepted_by_both_judges(body: dict[str, JSON]) -> None:
    assert set(body) <= set(MEMBERS)
    assert body
    assert_accepted(body)


@some
@given(filters(deepest=SHALLOW))
def test_every_filter_is_accepted_by_both_judges_and_no_deeper_than_asked(found: dict[str, JSON]) -> None:
    assert_accepted({"filter": found})
    assert depth(found) <= SHALLOW


@pytest.mark.parametrize("kind", TYPES)
def test_every_condition_is_accepted_by_both_judges_and_of_the_type_asked_for(kind: str) -> None:
    for condition in drawn(conditions(kind), 50):
        assert condition["condition_type"] == kind
        assert_accepted({"filter": {"operator": "AND", "conditions": [condition]}})


def test_a_vocabulary_is_kept_to() -> None:
    for found in drawn(filters(vocabulary=DOCUMENTED, deepest=SHALLOW), 60):
        assert set(tokens_of(found)) <= {(token.kind, token.token) for token in DOCUMENTED.tokens}
        assert schemas().decide({"filter": found}).accepted


@pytest.mark.parametrize("lists", [(), (7,), (101, 102, 103)])
def test_only_lists_that_exist_are_named_and_none_at_all_too(lists: tuple[int, ...]) -> None:
    found = [body["source_lists"] for body in drawn(update_bodies(lists=lists, members=["source_lists"]), 60)]
    assert {entry for ids in found for entry in ids} == set(lists)
    assert [] in found
    assert sorted(lists) in [sorted(ids) for ids in found]


def test_every_subset_of_the_members_is_drawn_and_one_can_be_asked_for() -> None:
    subsets = {tuple(body) for body in drawn(update_bodies(deepest=1), 300)}
    assert len(subsets) == 15
    for members in ({"name"}, {"description", "filter"}, set(MEMBERS)):
        assert all(set(body) == members for body in drawn(update_bodies(deepest=1, members=members), 10))


@some
@given(names(), texts(), texts(3))
def test_names_and_texts_are_never_blank_nor_too_long_however_they_are_counted(
    name: str, text: str, short: str
) -> None:
    assert name.strip() == name != ""
    assert max(len(name), len(name.encode("utf-16-le")) // 2, len(name.encode())) <= 255
    assert text.strip() == text != ""
    assert (len(text) <= 40, len(short) <= 3) == (True, True)


# Reached -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_every_token_of_the_vocabulary_is_drawn(kind: str) -> None:
    drawn_together = {"operator": "AND", "conditions": drawn(conditions(kind), 400)}
    wanted = {(token.kind, token.token) for token in EVERYTHING.tokens if token.kind.partition(".")[0] == kind}
    assert set(tokens_of(drawn_together)) == wanted | {("condition_type", kind), ("group.operator", "AND")}


def test_every_type_and_group_operator_is_drawn_in_filters() -> None:
    found = {token for made in drawn(filters(deepest=2), 150) for token in tokens_of(made)}
    wanted = {("condition_type", kind) for kind in TYPES} | {("group.operator", word) for word in ("AND", "OR")}
    assert wanted <= found


def _has(*categories: str) -> Callable[[str], bool]:
    return lambda text: any(unicodedata.category(char) in categories for char in text)


UNICODE: dict[str, Callable[[str], bool]] = {
    "accents": lambda text: any(unicodedata.decomposition(char)[:1].isalnum() and char.isalpha() for char in text),
    "combining marks": _has("Mn", "Mc"),
    "emoji": lambda text: any("\U0001f300" <= char <= "\U0001faff" for char in text),
    "right to left": lambda text: any(unicodedata.bidirectional(char) in ("R", "AL") for char in text),
}


@pytest.fixture(scope="module")
def bodies() -> list[dict[str, JSON]]:
    return drawn(update_bodies(deepest=2), 500)


@pytest.mark.parametrize("kind", UNICODE)
@pytest.mark.parametrize("place", ["name", "description", "custom field name", "custom field value"])
def test_every_kind_of_text_is_drawn_everywhere(bodies: list[dict[str, JSON]], kind: str, place: str) -> None:
    found: list[str] = []
    for body in bodies:
        found.extend(body[place] for _ in (1,) if place in body)
        for condition in conditions_of(body["filter"]) if "filter" in body else ():
            if condition["condition_type"] == "custom_field":
                value = condition["field" if place.endswith("name") else "value"] if "value" in condition else ""
                found.extend([value] if isinstance(value, str) else value)
    assert any(map(UNICODE[kind], found))


@pytest.mark.parametrize("nobody", [False, True])
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("levels", [range(1, 2), range(2, 3), range(3, 4), range(10, DEEPEST), range(DEEPEST, 101)])
def test_every_depth_is_reached_and_accepted_by_both_judges(levels: range, *, nobody: bool) -> None:
    found = find(filters(nobody=nobody), lambda made: depth(made) in levels, settings=searching)
    assert_accepted({"filter": found})
    assert matches_nobody(found) or not nobody


@pytest.mark.parametrize("nobody", [False, True])
@pytest.mark.parametrize("deepest", [1, 2, 3])
def test_the_deepest_that_is_asked_for_is_reached_and_not_exceeded(deepest: int, *, nobody: bool) -> None:
    found = drawn(filters(deepest=deepest, nobody=nobody), 150)
    assert {depth(made) for made in found} == set(range(1, deepest + 1))
    assert {made["operator"] for made in found} == {"AND", "OR"}


def test_no_health_check_fails_with_default_settings() -> None:
    for strategy in (filters(), filters(nobody=True), filters(open=True), update_bodies(), conditions(), names()):
        given(strategy)(settings(deadline=None, max_examples=20)(lambda _: None))()


# Open ----------------------------------------------------------------------------------------------


@some
@given(update_bodies(open=True, deepest=SHALLOW))
def test_an_open_body_is_never_refused_by_the_documents_and_always_answered(body: dict[str, JSON]) -> None:
    decision = schemas().decide(body)
    assert decision.open or decision.accepted
    request = Request("PUT", f"/v2/audiences/{AUDIENCE_ID}", (("X-Api-Key", REFERENCE_KEY),), encode(body))
    response = ReferenceServer().answer(request)
    assert response.status in (200, 400)
    assert isinstance(parse(response.body), dict)


def test_every_kind_of_open_body_is_drawn() -> None:
    found = drawn(update_bodies(open=True, deepest=1), 200)
    for kind in TYPES:
        opened = drawn(conditions(kind, open=True), 100)
        found += [{"filter": {"operator": "AND", "conditions": [condition]}} for condition in opened]
    questions = {question.stands_for for body in found for question in schemas().decide(body).questions}
    assert {
        "characters",
        "value-range",
        "value-empty",
        "value-shape",
        "unknown-key",
        "token-shape",
        "token-unlisted",
        "member-not-needed",
        "field-elsewhere",
        "unit-elsewhere",
        "name-shape",
        "description-shape",
        "list-shape",
        "filter-shape",
    } <= questions
    written = b"".join(map(encode, found))
    for odd in (b"\\u0000", b"\\ud800", b'"value":0}', b'"value":null', b'"value":""', b'"name":""'):
        assert odd in written


# Shrunk --------------------------------------------------------------------------------------------

SMALLEST: dict[str, dict[str, JSON]] = {
    "time": {
        "condition_type": "time",
        "field": "last_clicked_at",
        "operator": "within",
        "value": 1,
        "unit": "days",
    },
    "count": {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1},
    "custom_field": {"condition_type": "custom_field", "field": "a", "operator": "eq", "value": "a"},
    "carrier": {"condition_type": "carrier", "operator": "eq", "value": "a"},
    "timezone": {"condition_type": "timezone", "operator": "eq", "value": "a"},
    "revenue": {"condition_type": "revenue", "field": "has_revenue", "operator": "gte", "value": False},
}


@pytest.mark.parametrize("kind", TYPES)
def test_conditions_shrink_to_the_plainest(kind: str) -> None:
    assert find(conditions(kind), lambda made: "value" in made, settings=smallest) == SMALLEST[kind]


def test_filters_and_bodies_shrink_to_the_plainest() -> None:
    plainest = {"operator": "AND", "conditions": [SMALLEST["time"]]}

    def has_unit(made: JSON) -> bool:
        return any("unit" in condition for condition in conditions_of(made))

    assert find(filters(), has_unit, settings=smallest) == plainest
    body = find(update_bodies(), lambda body: has_unit(body.get("filter", {})), settings=smallest)
    assert body == {"filter": plainest}
    assert find(update_bodies(), lambda body: "name" in body, settings=smallest) == {"name": "a"}


def test_a_filter_that_matches_nobody_shrinks_to_the_guard_alone() -> None:
    assert find(filters(nobody=True), lambda made: GUARD in conditions_of(made), settings=smallest) == NOBODY


def test_nesting_shrinks_to_no_more_than_is_needed() -> None:
    found = find(filters(deepest=6), lambda made: depth(made) == 3, settings=smallest)
    assert depth(found) == 3
    assert len(list(conditions_of(found))) <= 2


# Refused to make -----------------------------------------------------------------------------------


def without(kind: str) -> Vocabulary:
    return EVERYTHING.without((kind, word) for word in EVERYTHING.words(kind))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "group.operator"])
def test_a_vocabulary_without_a_needed_token_raises_at_once(kind: str) -> None:
    for make in (conditions, filters, update_bodies):
        with pytest.raises(EmptyVocabularyError, match=kind):
            make(vocabulary=without(kind))


def test_a_type_that_the_vocabulary_lacks_is_left_out_or_refused() -> None:
    less = EVERYTHING.without([("condition_type", "carrier")])
    assert {found["condition_type"] for found in drawn(conditions(vocabulary=less), 200)} == set(TYPES) - {"carrier"}
    with pytest.raises(EmptyVocabularyError, match="condition_type carrier"):
        conditions("carrier", vocabulary=less)


def test_nobody_needs_one_impossible_condition_alone() -> None:
    no_clicks = EVERYTHING.without([("count.field", "click_count")])
    assert {found["field"] for found in drawn(conditions(vocabulary=no_clicks, nobody=True), 30)} == {"send_count"}
    for less in (
        EVERYTHING.without([("count.operator", "gte")]),
        no_clicks.without([("count.field", "send_count")]),
        Vocabulary((), frozenset()),
    ):
        with pytest.raises(EmptyVocabularyError, match="matches nobody"):
            conditions(vocabulary=less, nobody=True)


def test_what_cannot_be_made_raises() -> None:
    with pytest.raises(ValueError, match="'color' is no condition type; there are time, count"):
        conditions("color")
    with pytest.raises(ValueError, match="no decided condition of type carrier matches nobody for certain"):
        conditions("carrier", nobody=True)
    for deepest in (0, -1, DEEPEST + 1):
        with pytest.raises(ValueError, match=f"deepest is {deepest}"):
            filters(deepest=deepest)
    for members in ([], ["status"]):
        with pytest.raises(ValueError, match="name one or more of name, description, source_lists, filter"):
            update_bodies(members=members)
