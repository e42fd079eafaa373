"""Searches: a limit and an order are found where they are known, and nothing is claimed that was not sent."""

import dataclasses
import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integrity.variants import Variant
from tests.integrity.variants_tokens import of_order
from tests.run.test_questions import TOKENS
from tests.support.drawing import some
from trackly_contract.contract import depth, matches_nobody, schemas
from trackly_contract.core import Request
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.reference.filter import Fault
from trackly_contract.run import searches
from trackly_contract.run.searches import ACCEPTED, POSITIONS, SIZES, Ask, Factor, find_limit, find_order

# Limits ------------------------------------------------------------------------------------------------


def limited(measure: Callable[[dict[str, Any]], int], most: int) -> Ask:
    return lambda body: ACCEPTED if measure(body) <= most else "too_much"


def number(ceiling: int) -> searches.Size:
    return searches.Size("things", ceiling, lambda n: {"n": n})


@some
@given(st.integers(2, 1000), st.integers(0, 1100))
def test_a_limit_is_found_wherever_it_is(ceiling: int, most: int) -> None:
    asked: list[int] = []

    def ask(body: dict[str, Any]) -> str:
        asked.append(body["n"])
        return ACCEPTED if body["n"] <= most else "too_much"

    _, largest = find_limit(number(ceiling), ask)
    assert largest == (most if most < ceiling else 0)
    assert {most, most + 1} & {*range(1, ceiling + 1)} <= {*asked}
    assert max(asked) == ceiling
    assert len(asked) <= (1 if most >= ceiling else 12)


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (0, "1 things were not accepted: too_much"),
        (7, "7 things are accepted, 8 are not: too_much"),
        (2000, "1000 things are accepted, and more were not asked for"),
    ],
)
def test_a_limit_is_said_in_words(most: int, said: str) -> None:
    assert find_limit(number(1000), limited(lambda body: body["n"], most))[0] == said


NAMES = ("name", "name of pictures", "name of accents")
UNITS: dict[str, Callable[[str], int]] = {
    "code points": len,
    "UTF-16 units": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes of UTF-8": lambda text: len(text.encode()),
    "graphemes": lambda text: sum(not unicodedata.combining(char) for char in text),
}


@pytest.mark.parametrize("most", [64, 255, 256])
@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_a_name_is_found(unit: str, most: int) -> None:
    ask = limited(lambda body: UNITS[unit](body["name"]), most)
    assert searches.counted_in(*(find_limit(SIZES[name], ask)[1] for name in NAMES)) == unit


@pytest.mark.parametrize("limits", [(255, 200, 100), (0, 0, 0)], ids=["that fit no unit", "none"])
def test_no_unit_is_claimed_that_was_not_found(limits: tuple[int, int, int]) -> None:
    assert searches.counted_in(*limits) == ""


MEASURES: dict[str, Callable[[Any], int]] = {
    "name": lambda body: len(body["name"]),
    "description": lambda body: len(body["description"]),
    "depth": lambda body: depth(body["filter"]),
    "conditions": lambda body: len(body["filter"]["conditions"]),
    "groups": lambda body: len(body["filter"]["groups"]),
}


def test_nothing_below_the_least_is_asked() -> None:
    asked: list[int] = []

    def ask(body: dict[str, Any]) -> str:
        asked.append(body["n"])
        return "too_much"

    said, largest = find_limit(dataclasses.replace(number(10), least=3), ask)
    assert (said, largest, asked) == ("3 things were not accepted: too_much", 0, [10, 3])


@pytest.mark.parametrize("name", SIZES)
def test_an_update_of_a_size_has_it_matches_nobody_and_is_far_below_the_limit_of_bodies(name: str) -> None:
    size = SIZES[name]
    for of in (size.least, size.least + 1, 99, size.ceiling):
        body = size.body(of)
        assert name not in MEASURES or MEASURES[name](body) == of
        assert "filter" not in body or matches_nobody(body["filter"])
        assert len(json.dumps(body)) < 200_000


# Orders ------------------------------------------------------------------------------------------------

FACTORS = searches.factors(TOKENS)


def asking(one: ReferenceServer) -> Ask:
    def ask(body: dict[str, Any]) -> str:
        headers = (("X-Api-Key", REFERENCE_KEY), ("Content-Type", "application/json"))
        answer = one.answer(Request("PUT", f"/v2/audiences/{AUDIENCE_ID}", headers, json.dumps(body).encode()))
        return str(json.loads(answer.body).get("code", answer.status))

    return ask


def found(factor: str, key: Callable[[Fault], Any]) -> str:
    """Return the order that is found on a server that reports the error whose key is least."""

    class Ordered(ReferenceServer):
        def faults(self, body: Any) -> Iterator[Fault]:
            yield from sorted(super().faults(body), key=key)

    return find_order(FACTORS[factor], asking(Ordered()))


POSITION_AT = {
    "/groups/0/groups/0/": POSITIONS[3],
    "/groups/0/": POSITIONS[2],
    "/groups/1/": POSITIONS[4],
    "/conditions/1/": POSITIONS[0],
    "": POSITIONS[1],
}
PART_AT: dict[str, Callable[[str], str]] = {
    "body": lambda place: place.split("/")[1],
    "group": lambda place: place.removeprefix("/filter/groups/0/").split("/")[0],
    "empty group": lambda place: "operator" if place.endswith("operator") else "emptiness",
    "position": lambda place: next(name for part, name in POSITION_AT.items() if part in place),
}
SOME = [random.Random(seed).sample(POSITIONS, len(POSITIONS)) for seed in range(40)]
ORDERS = [(name, parts) for name in FACTORS if name != "position" for parts in permutations(FACTORS[name].sound)]
ORDERS += [("position", tuple(parts)) for parts in SOME]


@pytest.mark.parametrize(("factor", "parts"), ORDERS, ids=str)
def test_every_order_is_found(factor: str, parts: tuple[str, ...]) -> None:
    part_at: Callable[[str], str] = PART_AT.get(factor, lambda place: place.rpartition("/")[2])
    assert found(factor, lambda fault: [*parts, part_at(fault.path)].index(part_at(fault.path))) == " > ".join(parts)


def bodies(factor: Factor) -> list[dict[str, Any]]:
    """Return the updates that are sent to find an order."""
    sent: list[dict[str, Any]] = []
    respond = asking(ReferenceServer())

    def ask(body: dict[str, Any]) -> str:
        sent.append(body)
        return respond(body)

    find_order(factor, ask)
    return sent


def test_few_requests_are_enough() -> None:
    assert sum(len(bodies(factor)) for factor in FACTORS.values()) <= 70


VARIANTS = {variant.id: variant for variant in of_order()}


@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_a_claimed_order_foretells_every_combination_of_errors(variant: Variant, factor: Factor) -> None:
    ask = asking(variant.make())
    order = find_order(factor, ask)
    assert order.startswith((*factor.codes, searches.NO_ORDER, searches.BY_CODE))
    in_order = order.split(" > ") if order.startswith((*factor.codes,)) else []
    for size in range(2, len(in_order) + 1):
        for parts in combinations(in_order, size):
            said = ask(factor.body({part: factor.codes[part] for part in parts}))
            assert said == factor.codes[parts[0]]


def test_where_the_code_decides_no_order_of_positions_is_claimed() -> None:
    order = found("position", lambda fault: fault.code)
    assert order.startswith("the code decides, wherever the faults stand (")


class Circle(ReferenceServer):
    """Of three parts of a group each wins against the next, and the last against the first."""

    def faults(self, body: Any) -> Iterator[Fault]:
        faults = list(super().faults(body))
        codes = {fault.code for fault in faults}
        if codes == {"invalid_group_operator", "invalid_time_unit"}:
            faults.reverse()
        yield from faults


def test_where_pairs_form_a_circle_no_order_is_claimed_and_the_pair_is_named() -> None:
    order = find_order(FACTORS["group"], asking(Circle()))
    assert order == "there is no consistent order (operator with groups: invalid_time_unit)"


@pytest.mark.parametrize("seed", range(3))
def test_where_chance_decides_no_order_of_positions_is_claimed(seed: int) -> None:
    chance = random.Random(seed)
    assert found("position", lambda _fault: chance.random()).startswith(searches.NO_ORDER)


@pytest.mark.parametrize("said", ["invalid_request", ACCEPTED])
@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
def test_where_nothing_tells_the_parts_apart_that_is_said(factor: Factor, said: str) -> None:
    assert find_order(factor, lambda _body: said).startswith(searches.UNKNOWN)


@pytest.mark.parametrize("factor", FACTORS.values(), ids=list(FACTORS))
def test_every_update_has_documented_errors_and_matches_nobody(factor: Factor) -> None:
    for body in bodies(factor):
        assert matches_nobody(body["filter"])
    for part, code in factor.codes.items():
        decision = schemas().decide(factor.body({part: code}))
        if code != "source_list_not_found":  # only a server knows its lists
            assert {fault.stands_for for fault in decision.faults} == {code}, part
