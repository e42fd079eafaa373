"""Facts about limits: what is claimed was asked, on servers whose limits are known."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawing import some
from trackly_contract.contract import depth, matches_nobody
from trackly_contract.run.limits import ACCEPTED, Limit, Size, counted_in, find_limit, sizes

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = {size.id: size for size in sizes()}


def limited(measure: Callable[[dict[str, Any]], int], most: int) -> Callable[[dict[str, Any]], str]:
    return lambda body: ACCEPTED if measure(body) <= most else "too_much"


def number(floor: int = 1, ceiling: int = 1000) -> Size:
    return Size("n", "How many?", "things", floor, ceiling, lambda n: {"n": n})


@some
@given(st.integers(1, 50), st.integers(0, 1000), st.integers(0, 1100))
def test_the_limit_is_found_wherever_it_is(floor: int, more: int, most: int) -> None:
    size = number(floor, floor + 1 + more)
    limit = find_limit(size, limited(lambda body: body["n"], most))
    if most < floor:
        assert (limit.largest, limit.refused_with) == (None, "too_much")
    elif most >= size.ceiling:
        assert (limit.largest, limit.refused_with) == (size.ceiling, "")
    else:
        assert (limit.largest, limit.refused_with) == (most, "too_much")


@some
@given(st.integers(0, 1100))
def test_the_largest_was_accepted_and_the_next_refused(most: int) -> None:
    asked: dict[int, bool] = {}

    def ask(body: dict[str, Any]) -> str:
        asked[body["n"]] = body["n"] <= most
        return ACCEPTED if asked[body["n"]] else "too_much"

    limit = find_limit(number(), ask)
    if limit.largest is not None:
        assert asked[limit.largest]
        assert limit.refused_with == "" or not asked[limit.largest + 1]
    assert limit.requests == len(asked) <= 12
    assert max(asked) <= 1000


def test_one_request_is_enough_where_the_ceiling_is_accepted() -> None:
    assert find_limit(number(), lambda _body: ACCEPTED).requests == 1


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (0, "1 things were not accepted: too_much"),
        (7, "7 things are accepted, 8 are not: too_much"),
        (2000, "1000 things are accepted, and more were not asked for"),
    ],
)
def test_a_limit_is_said(most: int, said: str) -> None:
    assert find_limit(number(), limited(lambda body: body["n"], most)).said == said


# What the characters of a name are counted in ----------------------------------------------------------


def graphemes(text: str) -> int:
    return sum(not unicodedata.combining(char) for char in text)


UNITS: dict[str, Callable[[str], int]] = {
    "code points": len,
    "UTF-16 units": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes of UTF-8": lambda text: len(text.encode()),
    "graphemes": graphemes,
}


@pytest.mark.parametrize("most", [64, 255, 256])
@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_found(unit: str, most: int) -> None:
    ask = limited(lambda body: UNITS[unit](body["name"]), most)
    assert (
        counted_in(*(find_limit(SIZES[name], ask) for name in ("name", "name of pictures", "name of accents"))) == unit
    )


def test_no_unit_is_claimed_where_names_have_no_limit() -> None:
    limits = [
        find_limit(SIZES[name], lambda _body: ACCEPTED) for name in ("name", "name of pictures", "name of accents")
    ]
    assert counted_in(*limits) == ""


def test_no_unit_is_claimed_that_does_not_fit() -> None:
    assert counted_in(*(Limit(number(), largest, "x", 1) for largest in (255, 200, 100))) == ""


# Bodies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [size for size in sizes() if "filter" in size.body(1)], ids=lambda size: size.id)
@pytest.mark.parametrize("of", [1, 2, 17])
def test_every_filter_would_match_nobody(size: Size, of: int) -> None:
    assert matches_nobody(size.body(of)["filter"])


@pytest.mark.parametrize("levels", [1, 2, 5, 100])
def test_groups_nest_as_deep_as_is_said(levels: int) -> None:
    assert depth(SIZES["depth"].body(levels)["filter"]) == levels


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("conditions", lambda body: len(body["filter"]["conditions"])),
        ("groups", lambda body: len(body["filter"]["groups"])),
        ("description", lambda body: len(body["description"])),
        ("name", lambda body: len(body["name"])),
    ],
)
def test_a_body_has_the_size_that_is_said(name: str, measure: Callable[[dict[str, Any]], int]) -> None:
    assert [measure(SIZES[name].body(of)) for of in (1, 5, 99)] == [1, 5, 99]


@pytest.mark.parametrize("size", sizes(), ids=lambda size: size.id)
def test_the_largest_body_is_far_below_the_limit_of_bodies(size: Size) -> None:
    assert len(json.dumps(size.body(size.ceiling))) < 200_000
