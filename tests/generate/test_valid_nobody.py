"""With `nobody=True` a strategy makes what matches nobody: by our own reasoning, and over a made population."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.support.drawing import SHALLOW, assert_accepted, drawn, some
from tests.support.population import CONTACTS, anybody, matched, meets
from trackly_contract.contract import depth, matches_nobody
from trackly_contract.generate.valid import conditions, filters, update_bodies

if TYPE_CHECKING:
    from trackly_contract.core import JSON


def test_the_evaluator_tells_people_apart() -> None:
    old = {"condition_type": "time", "field": "signup_date", "operator": "before", "value": 99 * 365, "unit": "days"}
    many = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 10**6}
    assert 0 < sum(matched(contact, {"operator": "AND", "conditions": [old]}) for contact in CONTACTS) < len(CONTACTS)
    assert 0 < sum(matched(contact, {"operator": "AND", "conditions": [many]}) for contact in CONTACTS) < len(CONTACTS)
    found = drawn(filters(deepest=2), 100)
    assert sum(anybody(made) for made in found) > 50


@some
@given(filters(nobody=True, deepest=SHALLOW))
def test_nobody_means_accepted_and_nobody(found: dict[str, JSON]) -> None:
    assert_accepted({"filter": found})
    assert depth(found) <= SHALLOW
    assert matches_nobody(found)
    assert not anybody(found)


@some
@given(update_bodies(nobody=True, open=True, deepest=SHALLOW))
def test_nobody_stays_nobody_with_open_parts_in_it(body: dict[str, JSON]) -> None:
    if "filter" in body:
        assert matches_nobody(body["filter"])
        assert not anybody(body["filter"])


@pytest.mark.parametrize("kind", [None, "count"])
def test_conditions_that_nobody_meets(kind: str | None) -> None:
    found = drawn(conditions(kind, nobody=True), 100)
    assert {condition["condition_type"] for condition in found} == {"count"}
    for condition in found:
        assert_accepted({"filter": {"operator": "OR", "conditions": [condition]}})
        assert not any(meets(contact, condition) for contact in CONTACTS)
