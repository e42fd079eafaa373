"""PUT /v2/audiences/{id}: what is denied, and what is accepted, together where it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import InconclusiveError

if TYPE_CHECKING:
    from trackly_contract.contract import RequestVector
    from trackly_contract.run import Session

DENIED = [
    pytest.param(vector, id=vector.id, marks=pytest.mark.trackly_rule(vector.rule))
    for vector in contract().refused()
    if vector.method == "PUT" and vector.situation is not None
]

ACCEPTED = [
    pytest.param(rule, id=rule, marks=pytest.mark.trackly_rule(rule))
    for rule in ("filter.operator.known", "filter.nested", "filter.time.known", "filter.count.known")
]


@pytest.mark.usefixtures("rehearsed")
@pytest.mark.parametrize("vector", DENIED)
def test_updating_is_denied(api: Session, vector: RequestVector) -> None:
    with api.step(vector.id):
        api.deny(vector)
    api.require(vector.rule, vector.id)


@pytest.mark.usefixtures("filtered")
@pytest.mark.parametrize("rule", ACCEPTED)
def test_a_documented_filter_is_accepted(api: Session, rule: str) -> None:
    api.require(rule)


@pytest.mark.trackly_rule("update.cache.recounted")
def test_the_size_endpoint_fills_the_cache_again(api: Session, recounted: bool) -> None:
    if not recounted:
        raise InconclusiveError("the size endpoint (page get-audience-size) does not answer here")
    api.require("update.cache.recounted")


@pytest.mark.trackly_rule("update.optional")
@pytest.mark.usefixtures("filtered", "renamed", "described", "listed")
def test_each_member_may_be_sent_alone(api: Session) -> None:
    api.require("update.optional")
