"""Facts about JSON on the wire: strict reading, typed equality, differences by place, short texts."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawing import any_json
from trackly_contract.core import ABSENT, NotJSONError, differences, encode, nesting, parse, same, show, value_at
from trackly_contract.core.json import MAX_NESTING

VALUES = any_json(st.text(st.characters(codec=None), max_size=4))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (1.0, True), (0, False), (None, 0), ("1", 1), ([], {}), ("", None), ([1], [True])],
)
def test_values_of_two_types_are_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


@pytest.mark.parametrize("value", [1, 1.5, True, None, "é", [], {}, {"a": [1, {"b": None}]}])
def test_a_value_is_the_same_as_itself_read_again(value: Any) -> None:
    assert same(value, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, [], id="the order of keys is none"),
        pytest.param([1, 2], [2, 1], [("/0", 1, 2), ("/1", 2, 1)], id="the order of items"),
        pytest.param({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("/a/b/1", 2, 3)], id="a leaf"),
        pytest.param(1, True, [("", 1, True)], id="the whole"),
        pytest.param({"~1/": 1}, {"~1/": 2}, [("/~01~1", 1, 2)], id="a key that is escaped"),
        pytest.param({"a": None}, {}, [("/a", None, ABSENT)], id="a member on one side only"),
        pytest.param([], [None], [("/0", ABSENT, None)], id="an item on the other side only"),
    ],
)
def test_a_difference_is_named_by_its_json_pointer(one: Any, other: Any, found: list[tuple[str, Any, Any]]) -> None:
    assert list(differences(one, other)) == found


@given(VALUES, VALUES)
def test_every_difference_leads_to_the_two_values_it_names(one: Any, other: Any) -> None:
    for place, left, right in differences(one, other):
        assert show(value_at(one, place)) == show(left)
        assert show(value_at(other, place)) == show(right)


@given(VALUES, VALUES)
def test_values_are_the_same_exactly_when_their_texts_are(one: Any, other: Any) -> None:
    texts = [json.dumps(value, sort_keys=True).replace("-0.0", "0.0") for value in (one, other)]
    assert same(one, other) == (texts[0] == texts[1])


@given(VALUES)
def test_what_is_encoded_is_read_back_the_same(value: Any) -> None:
    assert same(parse(encode(value)), value)


def test_encoding_escapes_lone_surrogates_keeps_the_order_of_keys_and_adds_no_blanks() -> None:
    assert encode({"b": "\ud83d", "\udc00": [1, 2]}) == b'{"b":"\\ud83d","\\udc00":[1,2]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_json_number_is_not_encoded(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(value)


def test_the_last_of_equal_keys_wins_where_they_are_allowed() -> None:
    assert parse(b'{"a": 1, "a": 2}', duplicate_keys=True) == {"a": 2}


REJECTED: list[tuple[bytes, str]] = [
    (b'{"x": {"a": 1, "b": 2, "a": 1}}', "the key 'a' appears twice"),
    (b'{"a": 1, "\\u0061": 1}', "the key 'a' appears twice"),
    *((f'{{"a": [{name}]}}'.encode(), f"^{name} is not a JSON value") for name in ("NaN", "Infinity", "-Infinity")),
    *((text.encode(), "too large for a double") for text in ("1e400", "-1e400", "1" * 400 + ".0")),
    *((sign + b"9" * 10_000, "digits is more than can be read") for sign in (b"", b"-")),
    (b'"\xff"', "byte 1 is not UTF-8"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    *(('{"a": 1}'.encode(encoding), "not UTF-8") for encoding in ("utf-16", "utf-32")),
    (b"\xef\xbb\xbf{}", "BOM"),
    *((body, "line 1, column") for body in (b"", b" ", b"{", b"[1,]", b"'a'", b'"\t"', b"01", b"{}x", b"[]]", b"\x00")),
    (b"[" * 10_000 + b"]" * 10_000, f"nest deeper than {MAX_NESTING}"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nest deeper"),
    (b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), "nest deeper"),
    *(
        (before + b"[" * 10_000, "nest deeper|line 1, column")
        for before in (b"]", b"}", b'"]}" ', b"]" * 20_000, b'\\"', b"{} ")
    ),
]


@pytest.mark.parametrize(("body", "said"), REJECTED, ids=range(len(REJECTED)))
def test_what_is_not_json_or_cannot_be_held_is_told(body: bytes, said: str) -> None:
    with pytest.raises(NotJSONError, match=said):
        parse(body)


def test_an_integer_of_four_thousand_digits_is_read() -> None:
    assert parse(b"9" * 4000) == 10**4000 - 1


def test_a_tiny_number_is_read_as_zero() -> None:
    assert same(parse(b"1e-400"), 0.0)


def test_the_deepest_nesting_is_read() -> None:
    assert nesting(encode(parse(b"[" * MAX_NESTING + b"]" * MAX_NESTING))) == MAX_NESTING


@pytest.mark.parametrize(
    "text", ["[" * 1000, "{" * 1000, '\\"' + "[" * 1000, "\\\\", '\\"]}', "\\\\\\" + '"' + "[" * 1000]
)
def test_brackets_inside_strings_do_not_nest(text: str) -> None:
    assert nesting(f'["{text}"]'.encode()) == 1


def test_brackets_behind_an_escaped_backslash_and_a_quote_do_nest() -> None:
    assert nesting(b'["\\\\",[[]]]') == 3


@given(VALUES)
def test_nesting_is_what_the_value_nests(value: Any) -> None:
    def depth(part: Any) -> int:
        if isinstance(part, dict):
            part = list(part.values())
        elif not isinstance(part, list):
            return 0
        return 1 + max(map(depth, part), default=0)

    assert nesting(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == depth(value)


@given(st.binary(max_size=60) | st.text('[]{}",:\\ 1eE.-tfn\n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_told(body: bytes) -> None:
    try:
        value = parse(body)
    except NotJSONError:
        return
    assert same(parse(encode(value)), value)


@pytest.mark.parametrize(
    "unit", [b"\\", b'"', b"[", b'\\"', b'"\\', b"a", b'"a', b'{"', b"]["], ids=lambda unit: unit.decode()
)
def test_a_hostile_body_takes_time_in_proportion_to_its_length(unit: bytes) -> None:
    def seconds(size: int) -> float:
        body = b'"' + unit * (size // len(unit))
        started = time.perf_counter()
        nesting(body)
        with pytest.raises(NotJSONError):
            parse(body)
        return time.perf_counter() - started

    small, large = min(seconds(500_000) for _ in range(2)), seconds(5_000_000)
    assert large < 60 * small + 2


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        ({"a": [1, "é"]}, 300, '{"a": [1, "é"]}'),
        ("a" * 28, 30, '"' + "a" * 28 + '"'),
        ("a" * 200 + "z" * 200, 30, '"' + "a" * 15 + " ... " + "z" * 8 + '"'),
        (ABSENT, 300, "(absent)"),
    ],
)
def test_a_value_is_shown_whole_or_cut_in_the_middle(value: Any, limit: int, shown: str) -> None:
    assert show(value, limit) == shown


@given(VALUES, st.integers(20, 400))
def test_what_is_shown_is_one_short_line_that_can_be_printed(value: Any, limit: int) -> None:
    shown = show(value, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
