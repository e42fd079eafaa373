"""Facts about JSON on the wire: strict reading, typed equality, differences by place, short texts."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.core import ABSENT, NotJSONError, differences, encode, escape, nesting, parse, same, show
from trackly_contract.core.json import MAX_NESTING

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None))
)
KEYS = st.text(st.characters(codec=None), max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def at(value: Any, place: str) -> Any:
    """Follow a JSON Pointer, ABSENT where it leads to nothing."""
    for step in place.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else ABSENT
        elif isinstance(value, dict):
            value = value.get(key, ABSENT)
        else:
            value = ABSENT
    return value


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (1.0, True), (0, False), (None, 0), ("1", 1), ([], {}), ("", None), ([1], [True])],
)
def test_values_of_two_types_are_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


@pytest.mark.parametrize("value", [1, 1.5, True, None, "é", [], {}, {"a": [1, {"b": None}]}])
def test_a_value_is_the_same_as_itself_read_again(value: Any) -> None:
    assert same(value, json.loads(json.dumps(value)))


def test_the_order_of_keys_is_no_difference() -> None:
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_the_order_of_items_is_a_difference() -> None:
    assert list(differences([1, 2], [2, 1])) == [("/0", 1, 2), ("/1", 2, 1)]


def test_a_difference_is_named_by_its_json_pointer() -> None:
    assert list(differences({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}})) == [("/a/b/1", 2, 3)]


def test_a_difference_of_the_whole_has_the_empty_pointer() -> None:
    assert list(differences(1, True)) == [("", 1, True)]


def test_tilde_and_slash_in_a_key_are_escaped() -> None:
    assert [place for place, _, _ in differences({"a/b~c": 1}, {"a/b~c": 2})] == ["/a~1b~0c"]


def test_a_member_on_one_side_only_is_absent_on_the_other() -> None:
    assert list(differences({"a": None}, {})) == [("/a", None, ABSENT)]


def test_an_item_on_one_side_only_is_absent_on_the_other() -> None:
    assert list(differences([], [None])) == [("/0", ABSENT, None)]


def test_absent_is_not_null() -> None:
    assert not same(None, ABSENT)


def test_escaping_writes_the_tilde_first() -> None:
    assert escape("~1/") == "~01~1"


@given(VALUES, VALUES)
def test_every_difference_leads_to_the_two_values_it_names(one: Any, other: Any) -> None:
    for place, left, right in differences(one, other):
        assert show(at(one, place)) == show(left)
        assert show(at(other, place)) == show(right)


@given(VALUES, VALUES)
def test_values_are_the_same_exactly_when_their_texts_are(one: Any, other: Any) -> None:
    texts = [json.dumps(value, sort_keys=True).replace("-0.0", "0.0") for value in (one, other)]
    assert same(one, other) == (texts[0] == texts[1])


@given(VALUES)
def test_what_is_encoded_is_read_back_the_same(value: Any) -> None:
    assert same(parse(encode(value)), value)


def test_a_lone_surrogate_is_encoded_as_an_escape() -> None:
    assert encode("\ud83d") == b'"\\ud83d"'


def test_a_lone_surrogate_survives_reading_and_writing() -> None:
    assert parse(encode({"\udc00": "\ud83d"})) == {"\udc00": "\ud83d"}


def test_encoding_keeps_the_order_of_keys_and_adds_no_blanks() -> None:
    assert encode({"b": 1, "a": [1, 2]}) == b'{"b":1,"a":[1,2]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_json_number_is_not_encoded(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(value)


def test_a_key_that_appears_twice_is_named() -> None:
    with pytest.raises(NotJSONError, match="the key 'a' appears twice"):
        parse(b'{"x": {"a": 1, "b": 2, "a": 1}}')


def test_a_key_written_in_two_ways_appears_twice() -> None:
    with pytest.raises(NotJSONError, match="twice"):
        parse(b'{"a": 1, "\\u0061": 1}')


def test_the_last_of_equal_keys_wins_where_they_are_allowed() -> None:
    assert parse(b'{"a": 1, "a": 2}', duplicate_keys=True) == {"a": 2}


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_named(name: str) -> None:
    with pytest.raises(NotJSONError, match=f"^{name} is not a JSON value"):
        parse(f'{{"a": [{name}]}}'.encode())


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1" * 400 + ".0"])
def test_a_number_beyond_a_double_is_told(text: str) -> None:
    with pytest.raises(NotJSONError, match="too large for a double"):
        parse(text.encode())


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_ten_thousand_digits_is_told(sign: str) -> None:
    with pytest.raises(NotJSONError, match="digits is more than can be read"):
        parse((sign + "9" * 10_000).encode())


def test_an_integer_of_four_thousand_digits_is_read() -> None:
    assert parse(b"9" * 4000) == 10**4000 - 1


def test_a_tiny_number_is_read_as_zero() -> None:
    assert same(parse(b"1e-400"), 0.0)


def test_a_byte_that_is_not_utf8_is_named_by_its_place() -> None:
    with pytest.raises(NotJSONError, match="byte 1 is not UTF-8"):
        parse(b'"\xff"')


def test_an_encoded_surrogate_is_not_utf8() -> None:
    with pytest.raises(NotJSONError, match="not UTF-8"):
        parse(b'"\xed\xa0\x80"')


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_not_read(encoding: str) -> None:
    with pytest.raises(NotJSONError):
        parse('{"a": 1}'.encode(encoding))


def test_a_byte_order_mark_is_not_json() -> None:
    with pytest.raises(NotJSONError, match="BOM"):
        parse(b"\xef\xbb\xbf{}")


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"[1,]", b"'a'", b'"\n"', b"01", b"{}x", b"[]]", b"\x00"])
def test_what_is_not_json_is_told_with_its_place(body: bytes) -> None:
    with pytest.raises(NotJSONError, match="line 1, column"):
        parse(body) if b"\n" not in body else parse(body.replace(b"\n", b"\t"))


def test_ten_thousand_brackets_are_told_and_do_not_overflow() -> None:
    with pytest.raises(NotJSONError, match=f"nest deeper than {MAX_NESTING}"):
        parse(b"[" * 10_000 + b"]" * 10_000)


def test_ten_thousand_objects_are_told_and_do_not_overflow() -> None:
    with pytest.raises(NotJSONError, match="nest deeper"):
        parse(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)


@pytest.mark.parametrize("before", [b"]", b"}", b'"]}" ', b"]" * 20_000, b'\\"', b"{} "])
def test_rubbish_before_ten_thousand_brackets_does_not_overflow(before: bytes) -> None:
    with pytest.raises(NotJSONError):
        parse(before + b"[" * 10_000)


def test_the_deepest_nesting_is_read() -> None:
    assert nesting(encode(parse(b"[" * MAX_NESTING + b"]" * MAX_NESTING))) == MAX_NESTING


def test_one_level_more_is_not_read() -> None:
    with pytest.raises(NotJSONError, match="nest deeper"):
        parse(b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1))


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


def test_a_short_value_is_shown_whole() -> None:
    assert show({"a": [1, "é"]}) == '{"a": [1, "é"]}'


def test_a_long_value_is_cut_in_the_middle() -> None:
    assert show("a" * 200 + "z" * 200, 30) == '"' + "a" * 19 + " ... " + "z" * 9 + '"'


def test_a_value_of_just_the_limit_is_not_cut() -> None:
    assert show("a" * 28, 30) == '"' + "a" * 28 + '"'


def test_absent_is_shown_in_words() -> None:
    assert show(ABSENT) == "(absent)"


@given(VALUES, st.integers(20, 400))
def test_what_is_shown_is_one_short_line_that_can_be_printed(value: Any, limit: int) -> None:
    shown = show(value, limit)
    assert len(shown) <= limit + 5
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
