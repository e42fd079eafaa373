"""Every refusal is found by its strategy: exactly its code by both judges, anywhere, beside an accepted twin."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, Verbosity, find, settings

from tests.support.drawing import EVERYTHING, SHALLOW, drawn, smallest
from trackly_contract.contract import DEEPEST, KINDS, Vocabulary, contract, depth, schemas
from trackly_contract.core import same
from trackly_contract.generate.invalid import CODES, FILTER_CODES, Broken, broken_bodies, broken_filters
from trackly_contract.generate.valid import EmptyVocabularyError
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from trackly_contract.core import JSON

EXAMPLES = 100


def steps_of(place: str) -> list[str]:
    return place.split("/")[1:]


def edited(body: JSON, twin: JSON, place: str) -> bool:
    """Whether one edit at `place` makes the twin from the body: a value replaced, taken out, or put in."""
    *above, last = steps_of(place)
    holder, model = body, twin
    for step in above:
        holder, model = (side[int(step)] if isinstance(side, list) else side[step] for side in (holder, model))
    key: Any = int(last) if isinstance(holder, list) else last
    outcomes: list[Any]
    if isinstance(holder, list):
        put_in = [[*holder[:key], model[key], *holder[key:]]] if key < len(model) else []
        outcomes = [[*holder[:key], *holder[key + 1 :]], *put_in]
    else:
        taken = {name: value for name, value in holder.items() if name != key}
        outcomes = [taken, *([{**taken, key: model[key]}] if key in model else [])]
    if not any(same(outcome, model) for outcome in outcomes):
        return False
    mended = copy.deepcopy(body)
    target = mended
    for step in above[:-1]:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if not above:
        mended = model
    else:
        target[int(above[-1]) if isinstance(target, list) else above[-1]] = model
    return same(mended, twin)


def assert_refused(found: Broken) -> None:
    """Both judges name the one code, at its place, and nothing else; the twin is accepted."""
    lists = found.code == "source_list_not_found"  # only a server knows its lists
    decision = schemas().decide(found.body)
    assert decision.codes == (frozenset() if lists else {found.code})
    assert decision.questions == ()
    faults = list(ReferenceServer().faults(found.body))
    assert [fault.code for fault in faults] == [found.code]
    # Of an empty group the place is where its first condition would stand.
    named = found.place.partition("/conditions")[0] if found.code == "empty_filter_group" else found.place
    expected = found.place.removesuffix("/0").removesuffix("/conditions") if found.code.startswith("empty") else named
    assert faults[0].place == expected
    assert {fault.place for fault in decision.faults} <= {expected}
    assert schemas().decide(found.twin).accepted
    assert list(ReferenceServer().faults(found.twin)) == []


@dataclass
class Visited:
    """Where the faults of one code stood."""

    depths: set[int] = field(default_factory=set)
    indices: set[int] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)

    def add(self, found: Broken) -> None:
        self.members.update(set(found.body) - {steps_of(found.place)[0]})
        steps = steps_of(found.place)
        if steps[0] != "filter":
            return
        self.depths.add(steps.count("groups") + 1)
        holder: Any = found.twin["filter"]
        for step in steps[1:]:
            if isinstance(holder, dict) and "operator" in holder and "condition_type" not in holder:
                self.operators.add(holder["operator"])
            if step.isdigit():
                self.indices.add(int(step))
            holder = holder[int(step)] if isinstance(holder, list) else holder.get(step)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_found_alone_by_both_judges_everywhere_beside_its_twin(code: str) -> None:
    visited = Visited()
    for number, found in enumerate(drawn(broken_bodies(code, deepest=SHALLOW), EXAMPLES)):
        assert found.code == code
        assert edited(found.body, found.twin, found.place)
        visited.add(found)
        if number < 20:
            assert_refused(found)
    others = {"name", "description", "source_lists"}
    assert visited.members == others - {steps_of(found.place)[0]}
    if code in FILTER_CODES:
        assert visited.depths == set(range(1, SHALLOW + 1))
        assert {0, 1} <= visited.indices
        assert visited.operators == {"AND", "OR"}


@pytest.mark.parametrize("code", FILTER_CODES)
def test_a_broken_filter_is_a_broken_body_without_the_rest(code: str) -> None:
    for found in drawn(broken_filters(code, deepest=2), 5):
        assert_refused(Broken({"filter": found.body}, code, f"/filter{found.place}", {"filter": found.twin}))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_a_fault_is_found_a_hundred_groups_deep() -> None:
    def there(found: Broken) -> bool:
        return depth(found.body["filter"]) == DEEPEST == steps_of(found.place).count("groups") + 1

    searching = settings(smallest, max_examples=500, phases=[Phase.generate], verbosity=Verbosity.quiet)
    assert_refused(find(broken_bodies("invalid_time_unit"), there, settings=searching))


def test_the_codes_are_those_of_the_error_table() -> None:
    rules = contract().rules.values()
    assert set(CODES) == {rule.code for rule in rules if rule.status == 400}
    assert (len(CODES), len(set(CODES)), len(FILTER_CODES)) == (22, 22, 20)


# Shrunk --------------------------------------------------------------------------------------------


def _one(condition: dict[str, JSON]) -> dict[str, JSON]:
    return {"filter": {"operator": "AND", "conditions": [condition]}}


UNKNOWN = "zz_no_such_token"
TIME = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 1, "unit": "days"}
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1}
CUSTOM = {"condition_type": "custom_field", "field": "a", "operator": "eq", "value": "a"}
REVENUE = {"condition_type": "revenue", "field": "revenue_total", "operator": "gte", "value": 1}

SMALLEST: dict[str, dict[str, JSON]] = {
    "name_too_long": {"name": "n" * 256},
    "source_list_not_found": {"source_lists": [2_000_000_000]},
    "invalid_group_operator": {"filter": {"operator": UNKNOWN, "conditions": [TIME]}},
    "empty_filter_group": {"filter": {"operator": "AND"}},
    "invalid_condition_type": _one({**TIME, "condition_type": UNKNOWN}),
    "invalid_time_field": _one({**TIME, "field": UNKNOWN}),
    "invalid_time_operator": _one({**TIME, "operator": UNKNOWN}),
    "invalid_time_unit": _one({**TIME, "unit": UNKNOWN}),
    "missing_time_value": _one({key: value for key, value in TIME.items() if key != "value"}),
    "invalid_count_field": _one({**COUNT, "field": UNKNOWN}),
    "invalid_count_operator": _one({**COUNT, "operator": UNKNOWN}),
    "missing_count_value": _one({"condition_type": "count", "field": "click_count", "operator": "gte"}),
    "missing_custom_field_name": _one({"condition_type": "custom_field", "operator": "eq", "value": "a"}),
    "invalid_custom_field_operator": _one({**CUSTOM, "operator": UNKNOWN}),
    "missing_custom_field_value": _one({"condition_type": "custom_field", "field": "a", "operator": "eq"}),
    "invalid_carrier_operator": _one({"condition_type": "carrier", "operator": UNKNOWN, "value": "a"}),
    "missing_carrier_value": _one({"condition_type": "carrier", "operator": "eq"}),
    "invalid_timezone_operator": _one({"condition_type": "timezone", "operator": UNKNOWN, "value": "a"}),
    "missing_timezone_value": _one({"condition_type": "timezone", "operator": "eq"}),
    "invalid_revenue_field": _one({**REVENUE, "field": UNKNOWN}),
    "invalid_revenue_operator": _one({**REVENUE, "field": "has_revenue", "operator": UNKNOWN, "value": False}),
    "missing_revenue_value": _one({"condition_type": "revenue", "field": "revenue_total", "operator": "gte"}),
}

AS_SMALL = {"invalid_revenue_operator": _one({**REVENUE, "operator": UNKNOWN})}
"""Bodies as plain as those: which of the two a search ends at depends on where it began."""


def _telling(found: Broken) -> bool:
    """Whether a body is one of the plain kind: with what its type needs, for shorter is not always plainer."""
    if "filter" not in found.body:
        return True
    wanted = SMALLEST[found.code]["filter"]
    group = found.body["filter"]
    while group.get("groups"):
        group = group["groups"][-1]
    if found.code == "empty_filter_group":
        return list(group) == ["operator"] and group["operator"] == "AND"
    keys = [set(condition) for condition in wanted["conditions"]]
    return keys[0] in [set(condition) for condition in group.get("conditions", ())]


@pytest.mark.parametrize("code", CODES)
def test_a_broken_body_shrinks_to_the_smallest(code: str) -> None:
    found = find(broken_bodies(code, deepest=3), _telling, settings=smallest)
    assert found.body in (SMALLEST[code], AS_SMALL.get(code))


# Refused to make -----------------------------------------------------------------------------------


def without(*kinds: str) -> Vocabulary:
    return EVERYTHING.without((kind, word) for kind in kinds for word in EVERYTHING.words(kind))


def only(kind: str, *words: str) -> Vocabulary:
    return EVERYTHING.without((kind, word) for word in EVERYTHING.words(kind) if word not in words)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "group.operator"])
def test_a_vocabulary_without_a_needed_token_raises_at_once(kind: str) -> None:
    code = "invalid_group_operator" if kind == "condition_type" else f"invalid_{kind.replace('.', '_')}"
    for make in (broken_filters, broken_bodies):
        with pytest.raises(EmptyVocabularyError, match=kind):
            make(code, vocabulary=without(kind))


@pytest.mark.parametrize(
    ("code", "vocabulary", "text"),
    [
        ("missing_time_value", only("time.operator", "exists"), "time.operator that needs a value"),
        ("invalid_time_operator", only("time.operator", "exists"), "time.operator that needs a value"),
        ("invalid_time_unit", only("time.operator", "exists"), "time.operator that needs a unit"),
        ("invalid_carrier_operator", only("carrier.operator", "in", "not_in"), "needs one plain value"),
        ("invalid_revenue_field", only("revenue.field", "has_revenue"), "besides has_revenue"),
        ("invalid_carrier_operator", only("condition_type", "time"), "condition_type carrier"),
    ],
)
def test_a_vocabulary_in_which_nothing_can_be_broken_so_raises_at_once(
    code: str, vocabulary: Vocabulary, text: str
) -> None:
    with pytest.raises(EmptyVocabularyError, match=text):
        broken_bodies(code, vocabulary=vocabulary)


def test_a_narrow_vocabulary_that_is_enough_is_enough() -> None:
    narrow = only("condition_type", "time")
    narrow = narrow.without((token.kind, token.token) for token in narrow.tokens if token.candidate)
    for found in drawn(broken_bodies("invalid_time_unit", vocabulary=narrow, deepest=2), 20):
        assert_refused(found)


@pytest.mark.parametrize("code", ["unauthorized", "not_found", "invalid_request", ""])
def test_codes_that_no_body_is_refused_with_raise(code: str) -> None:
    with pytest.raises(ValueError, match=f"{code!r} is no code that a body is refused with; there are name_too_long"):
        broken_bodies(code)
    with pytest.raises(ValueError, match=f"{code!r} is no code of a filter"):
        broken_filters(code)


def test_a_body_code_is_none_of_a_filter_and_depths_have_limits() -> None:
    with pytest.raises(ValueError, match="'name_too_long' is no code of a filter"):
        broken_filters("name_too_long")
    for deepest in (0, DEEPEST + 1):
        with pytest.raises(ValueError, match=f"deepest is {deepest}"):
            broken_bodies("invalid_time_unit", deepest=deepest)
