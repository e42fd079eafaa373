"""Facts about precedence: where the true order is known, that one is found, and no other is claimed."""

from __future__ import annotations

import json
import random
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import pytest

from tests.integrity.variants_tokens import of_order
from trackly_contract.contract import matches_nobody, schemas
from trackly_contract.core import Request
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run.precedence import POSITIONS, Claim, Factor, Order, factors, find_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.integrity.mutants import Answering
    from tests.integrity.variants import Variant
    from trackly_contract.reference.filter import Fault

FACTORS = {factor.id: factor for factor in factors()}


def server(key: Callable[[Fault], Any]) -> ReferenceServer:
    """Return a server that answers with the fault whose key is least."""

    class Ordered(ReferenceServer):
        def faults(self, body: Any) -> Iterator[Fault]:
            yield from sorted(super().faults(body), key=key)

    return Ordered()


def asking(one: Answering) -> Callable[[dict[str, Any]], str]:
    def ask(body: dict[str, Any]) -> str:
        headers = (("X-Api-Key", REFERENCE_KEY), ("Content-Type", "application/json"))
        answer = one.answer(Request("PUT", f"/v2/audiences/{AUDIENCE_ID}", headers, json.dumps(body).encode()))
        return str(json.loads(answer.body).get("code", answer.status))

    return ask


def found(factor: str, one: ReferenceServer | None = None) -> Order:
    return find_order(FACTORS[factor], asking(one or ReferenceServer()))


def by(parts: Sequence[str], part_of: Callable[[Fault], str]) -> Callable[[Fault], Any]:
    return lambda fault: parts.index(part_of(fault)) if part_of(fault) in parts else 99


def last_step(fault: Fault) -> str:
    return fault.path.rpartition("/")[2]


def in_group(fault: Fault) -> str:
    steps = fault.path.removeprefix("/filter/groups/0/").split("/")
    return steps[0]


# The reference server --------------------------------------------------------------------------------

TRUE = {
    "members": ("name", "source_lists", "filter"),
    "group": ("operator", "conditions", "groups"),
    "empty group": ("operator", "emptiness"),
    "time": ("field", "operator", "value", "unit"),
    "count": ("field", "operator", "value"),
    "custom_field": ("field", "operator", "value"),
    "carrier": ("operator", "value"),
    "timezone": ("operator", "value"),
    "revenue": ("field", "operator", "value"),
    "place": POSITIONS,
}


def test_there_is_a_true_order_for_each_factor() -> None:
    assert set(TRUE) == set(FACTORS)


@pytest.mark.parametrize("factor", TRUE)
def test_the_order_of_the_reference_server_is_found(factor: str) -> None:
    order = found(factor)
    assert (order.claim, order.parts, order.disagree) == (Claim.ORDER, TRUE[factor], ())
    assert order.drawn == " > ".join(TRUE[factor])


def test_few_requests_are_enough() -> None:
    assert sum(found(factor).requests for factor in FACTORS) <= 70


# Other orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [*permutations(TRUE["members"])], ids=" ".join)
def test_every_order_of_the_members_is_found(parts: tuple[str, ...]) -> None:
    assert found("members", server(by(parts, lambda fault: fault.path.split("/")[1]))).parts == parts


@pytest.mark.parametrize("parts", [*permutations(TRUE["group"])], ids=" ".join)
def test_every_order_of_the_parts_of_a_group_is_found(parts: tuple[str, ...]) -> None:
    order = found("group", server(by(parts, in_group)))
    assert (order.claim, order.parts) == (Claim.ORDER, parts)


@pytest.mark.parametrize("parts", [*permutations(TRUE["empty group"])], ids=" ".join)
def test_either_order_of_operator_and_emptiness_is_found(parts: tuple[str, ...]) -> None:
    key = by(parts, lambda fault: "operator" if fault.path.endswith("operator") else "emptiness")
    assert found("empty group", server(key)).parts == parts


TYPES = [kind for kind in TRUE if kind not in ("members", "group", "empty group", "place")]


@pytest.mark.parametrize(
    ("kind", "parts"), [(kind, parts) for kind in TYPES for parts in permutations(TRUE[kind])], ids=str
)
def test_every_order_of_the_parts_of_a_condition_is_found(kind: str, parts: tuple[str, ...]) -> None:
    order = found(kind, server(by(parts, last_step)))
    assert (order.claim, order.parts) == (Claim.ORDER, parts)


def at(fault: Fault) -> str:
    place = fault.path
    ends = {
        "/groups/0/groups/0/": POSITIONS[3],
        "/groups/0/": POSITIONS[2],
        "/groups/1/": POSITIONS[4],
        "/conditions/1/": POSITIONS[0],
    }
    return next((name for part, name in ends.items() if part in place), POSITIONS[1])


@pytest.mark.parametrize("seed", range(40))
def test_any_order_of_the_places_is_found(seed: int) -> None:
    parts = tuple(random.Random(seed).sample(POSITIONS, len(POSITIONS)))
    order = found("place", server(by(parts, at)))
    assert (order.claim, order.parts) == (Claim.ORDER, parts)


VARIANTS = {variant.id: variant for variant in of_order()}


@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_a_claimed_order_foretells_every_combination_of_faults(variant: Variant, factor: Factor) -> None:
    ask = asking(variant.make())
    order = find_order(factor, ask)
    assert order.claim is not Claim.UNKNOWN
    assert (order.claim is Claim.ORDER) is not bool(order.disagree)
    if order.claim is Claim.ORDER:
        for size in range(2, len(order.parts) + 1):
            for parts in combinations(order.parts, size):
                said = ask(factor.body({part: factor.codes[part] for part in parts}))
                assert said == factor.codes[parts[0]]


# No order --------------------------------------------------------------------------------------------


def test_where_the_code_decides_no_order_of_places_is_claimed() -> None:
    order = found("place", server(lambda fault: fault.code))
    assert order.claim is Claim.CODE
    assert order.drawn.startswith("the code decides, wherever the faults stand (")


class Circle(ReferenceServer):
    """Of three parts of a group each wins against the next, and the last against the first."""

    def faults(self, body: Any) -> Iterator[Fault]:
        faults = list(super().faults(body))
        codes = {fault.code for fault in faults}
        if codes == {"invalid_group_operator", "invalid_time_unit"}:
            faults.reverse()
        yield from faults


def test_where_pairs_go_round_in_a_circle_no_order_is_claimed_and_the_pair_is_told() -> None:
    order = found("group", Circle())
    assert order.claim is Claim.NONE
    assert [(pair.one, pair.other) for pair in order.disagree] == [("operator", "groups")]
    assert "operator with groups: invalid_time_unit" in order.drawn


@pytest.mark.parametrize("seed", range(10))
def test_of_answers_by_chance_no_order_of_places_is_claimed(seed: int) -> None:
    chance = random.Random(seed)
    assert found("place", server(lambda _fault: chance.random())).claim is Claim.NONE


class Silent(ReferenceServer):
    """Refuses everything with one code."""

    def error(self, status: int, code: str, text: str) -> Any:
        return super().error(status, "invalid_request" if code else code, text)


@pytest.mark.parametrize("factor", FACTORS)
def test_where_nothing_tells_the_parts_apart_that_is_said(factor: str) -> None:
    assert found(factor, Silent()).claim is Claim.UNKNOWN


class Takes(ReferenceServer):
    """Accepts whatever is sent."""

    def faults(self, body: Any) -> Iterator[Fault]:
        yield from ()


def test_a_server_that_accepts_faults_has_no_order_of_them() -> None:
    assert found("time", Takes()).claim is Claim.UNKNOWN


# Bodies ----------------------------------------------------------------------------------------------


def bodies(factor: Factor) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    def ask(body: dict[str, Any]) -> str:
        sent.append(body)
        return asking(ReferenceServer())(body)

    find_order(factor, ask)
    return sent


@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
def test_every_body_would_match_nobody(factor: Factor) -> None:
    for body in bodies(factor):
        assert matches_nobody(body["filter"])


@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
def test_every_fault_of_a_body_is_documented(factor: Factor) -> None:
    for part, code in factor.codes.items():
        decision = schemas().decide(factor.body({part: code}))
        if code != "source_list_not_found":  # only a server knows its lists
            assert {fault.stands_for for fault in decision.faults} == {code}, part
