"""PUT /v2/audiences/{id}: what is denied, and what is accepted, together where it can be."""

import pytest

from trackly_contract.contract import RequestVector, contract
from trackly_contract.core import InconclusiveError
from trackly_contract.run import Script, Session

DENIED = [
    pytest.param(vector, id=vector.id, marks=pytest.mark.trackly_rule(vector.rule))
    for vector in contract().requests.values()
    if vector.refused and vector.method == "PUT" and vector.situation is not None
]

ACCEPTED = [
    pytest.param(rule.id, id=rule.id, marks=pytest.mark.trackly_rule(rule.id))
    for rule in contract().rules.values()
    if rule.accepts and rule.id.startswith("filter.")
]


@pytest.mark.parametrize("vector", DENIED)
def test_updating_is_denied(script: Script, api: Session, vector: RequestVector) -> None:
    script.reach("rehearsed")
    with api.step(vector.id):
        api.reject(vector, vector.body, vector.id)
    api.require(vector.rule, vector.id)


@pytest.mark.parametrize("rule", ACCEPTED)
def test_a_documented_filter_is_accepted(script: Script, api: Session, rule: str) -> None:
    script.reach("filtered")
    api.require(rule)


@pytest.mark.trackly_rule("update.cache.recounted")
def test_the_size_endpoint_fills_the_cache_again(script: Script, api: Session) -> None:
    script.reach("recounted")
    if not script.recounted:
        raise InconclusiveError("the size endpoint (page get-audience-size) does not answer here")
    api.require("update.cache.recounted")


@pytest.mark.trackly_rule("update.optional")
def test_each_field_may_be_sent_alone(script: Script, api: Session) -> None:
    script.reach("listed")
    api.require("update.optional")
