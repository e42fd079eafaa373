"""Recorded traffic can say no, and does not cry wolf: what the suite sends, answered by mutants and by variants."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest

from tests.integrity.mutants import Mutant, mutants
from tests.integrity.variants import Variant, variants
from tests.support.recordings import asked, broken, get, judged, put
from tests.support.runs import run_target
from trackly_contract.contract import contract
from trackly_contract.core import Request
from trackly_contract.judge import Traffic, judge_request
from trackly_contract.judge import traffic as traffic_judge
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer

COUNTED_THEN_NAMED = [
    *(get("/size"), get(), put({"name": "Clickers"})),
    *(get("/size"), get(), put({"description": "Of this month"}), get()),
]

NOT_IN_TRAFFIC = {
    "source_list_not_found accepted": "which lists exist is not seen",
    "missing key accepted": "recorders take keys out of their files",
    "empty key accepted": "the same",
    "wrong key accepted": "which keys are good is not seen",
    "key of PUT not checked": "the same",
    "403 for 401": "a 403 may come from something in between",
    "missing_time_value replaced by invalid_request": "its body looks back a century, which may be too far",
    "invalid_carrier_operator replaced by invalid_request": "the same",
    "update answered 204": "an answer without a body may come from something in between",
}
"""Mutants that no recording betrays, and why."""


@pytest.fixture(scope="module", autouse=True)
def _judged_once() -> Iterator[None]:
    """The same requests go to every server: what they deserve is found out once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic_judge, "judge_request", cache(judge_request))
        yield


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    """What a client sends that uses the API as the suite does."""
    _, report = run_target(None, "quick")
    return [*(exchange.request for exchange in report.session.exchanges), *COUNTED_THEN_NAMED]


def answered(server: Any, requests: Sequence[Request]) -> Traffic:
    return judged(asked(*requests, server=server))


def drift(traffic: Traffic) -> set[str]:
    return {rule for rule in broken(traffic) if contract().rules[rule].breakable}


def test_traffic_of_the_reference_server_breaks_nothing(requests: list[Request]) -> None:
    traffic = answered(ReferenceServer(), requests)
    assert (drift(traffic), traffic.not_judged, traffic.judged) == (set(), {}, len(requests))


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.id) for mutant in mutants()])
def test_traffic_of_a_server_that_breaks_a_rule_is_drift(mutant: Mutant, requests: list[Request]) -> None:
    assert bool(drift(answered(mutant.make(), requests))) is (mutant.id not in NOT_IN_TRAFFIC)


@pytest.mark.parametrize(
    "variant", [v for v in variants() if not v.over_http and v.audience == AUDIENCE_ID], ids=lambda variant: variant.id
)
def test_traffic_of_a_legal_server_breaks_nothing(variant: Variant, requests: list[Request]) -> None:
    assert drift(answered(variant.make(), requests)) == set()
