"""GET /v2/audiences/{id}: harmless, and first, so that the untouched audience and its cache are seen."""

import pytest

from trackly_contract.contract import RequestVector, contract
from trackly_contract.run import Script, Session

DENIED = [
    pytest.param(vector, id=vector.id, marks=pytest.mark.trackly_rule(vector.rule))
    for vector in contract().requests.values()
    if vector.refused and vector.method == "GET"
]


@pytest.mark.trackly_rule("read.success")
def test_the_audience_is_read(script: Script, api: Session) -> None:
    script.reach("untouched")
    api.require("read.success")


@pytest.mark.parametrize("vector", DENIED)
def test_reading_is_denied(script: Script, api: Session, vector: RequestVector) -> None:
    script.reach("untouched")
    with api.step(vector.id):
        api.reject(vector, vector.body, vector.id)
    api.require(vector.rule, vector.id)
