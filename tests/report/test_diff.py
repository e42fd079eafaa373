"""Facts about differences as lines, and about JSON over lines."""

import json
import time
from typing import Any

import pytest

from trackly_contract.core import ABSENT, Exchange, Request, Response, Verdict, encode, laid_out, same
from trackly_contract.judge import Finding
from trackly_contract.judge.findings import Actual, Cache, Expected, Rejection, Value, Whole, Words
from trackly_contract.report.diff import LARGEST, MOST_SHOWN, Line, expected_and_actual, then_and_now

AUDIENCE = {"id": "a", "name": "n", "source_lists": [1, 2], "cached_size": 5, "cached_size_updated_at": "t"}


def answer(status: int, value: Any) -> Response:
    return Response(status, (), value if isinstance(value, bytes) else encode(value))


UNIT = Rejection(400, "invalid_time_unit")


def shown(expected: Expected, status: int, value: Any, at: str = "", actual: Actual | None = None) -> list[str]:
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), answer(status, value), 1)
    return texts(expected_and_actual(Finding("update.name", Verdict.BROKEN, exchange, expected, actual or Whole(), at)))


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [f"{line.mark} {line.text.strip()}" for line in lines]


def test_another_code_is_one_line_beside_another() -> None:
    error = {"error": "no", "code": "invalid_request"}
    assert shown(UNIT, 400, error) == [
        "  ...",
        "  {",
        '  "error": "no",',
        '- "code": "invalid_time_unit"',
        '+ "code": "invalid_request"',
        "  }",
    ]


def test_a_field_of_another_type_stands_beside_what_is_promised_of_it() -> None:
    wrong = {**AUDIENCE, "cached_size": "5"}
    found = shown(Words("an integer, or null"), 200, wrong, "/cached_size")
    assert found[1:] == [
        '  "name": "n",',
        '  "source_lists": [1, 2],',
        '- "cached_size": (an integer, or null),',
        '+ "cached_size": "5",',
        '  "cached_size_updated_at": "t"',
        "  }",
    ]


@pytest.mark.parametrize(
    ("expected", "value", "at", "lines"),
    [
        (UNIT, AUDIENCE, "", ["- HTTP 400", "+ HTTP 200", '- "code": "invalid_time_unit"', '+ "name": "n",']),
        (Value("m"), AUDIENCE, "/name", ['- "name": "m",', '+ "name": "n",']),
        (Value(3), AUDIENCE, "/source_lists/2", ['- "source_lists": [1, 2, 3],']),
        (Words("name is a string"), {"id": "a"}, "/name", ['- "name": (name is a string)']),
    ],
    ids=["accepted", "stored otherwise", "lost from a list", "missing"],
)
def test_the_expected_side_shows_what_was_promised(expected: Expected, value: Any, at: str, lines: list[str]) -> None:
    assert set(lines) <= set(shown(expected, 200, value, at))


def test_a_cache_that_was_kept_stands_beside_two_nulls() -> None:
    found = shown(Cache(None, None), 200, AUDIENCE, actual=Cache(5, "t"))
    assert [line for line in found if line[0] == "-"] == ['- "cached_size": null,', '- "cached_size_updated_at": null']


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a":', b"[" * 5000, b'{"a": "' + b"x" * LARGEST + b'"}', b"[1]", b"7"]
)
def test_what_cannot_be_held_beside_anything_is_told_in_words(body: bytes) -> None:
    found = shown(Words("name is a string"), 200, body, "/name", Value(ABSENT, "name is missing"))
    assert found == ["- name is a string", "+ /name: name is missing"]


def test_a_difference_is_short_and_quick_whatever_the_answer() -> None:
    start = time.monotonic()
    for value in ([0] * 9000, {str(i): i for i in range(1500)}, [[[[i]]] for i in range(2000)], "\x1b" * 4000):
        found = shown(UNIT, 200, value)
        assert len(found) <= MOST_SHOWN + 1
        assert all(line.isprintable() and len(line) < 300 for line in found)
    assert time.monotonic() - start < 60


# Then and now --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "at", "lines"),
    [
        ({"id": "b", "name": "other", "source_lists": [7]}, "", []),
        ({"cached_size": "5", "extra": 1}, "", ['- "cached_size": 5,', '+ "cached_size": "5",', '+ "extra": 1']),
        ({"cached_size": 6, "name": "other"}, "/cached_size", ['- "cached_size": 5,', '+ "cached_size": 6,']),
        ({"source_lists": [1]}, "/source_lists/1", ['- "source_lists": [1, 2],', '+ "source_lists": [1],']),
    ],
    ids=["content alone", "types and fields", "what it is about", "what it is about, in a list"],
)
def test_beside_the_recording_only_types_fields_and_what_it_is_about_differ(
    now: dict[str, Any], at: str, lines: list[str]
) -> None:
    found = texts(then_and_now(answer(200, AUDIENCE), answer(200, {**AUDIENCE, **now}), at))
    assert [line for line in found if line[0] in "+-"] == lines
    assert bool(found) == bool(lines)


def test_a_comma_that_comes_with_the_next_member_is_no_difference() -> None:
    found = shown(Words("name is a string"), 200, {"id": "a", "owner": None}, "/name")
    assert [line for line in found if line[0] in "+-"] == ['- "name": (name is a string)']


def test_an_acceptance_stands_beside_the_refusal_that_was_recorded() -> None:
    then = answer(400, {"error": "e", "code": "invalid_time_unit"})
    found = texts(then_and_now(then, answer(200, AUDIENCE)))
    assert found[:2] == ["- HTTP 400", "+ HTTP 200"]
    assert '- "code": "invalid_time_unit"' in found


def test_the_same_answer_is_no_difference() -> None:
    error = {"error": "e", "code": "c"}
    assert then_and_now(answer(400, error), answer(400, error)) == ()
    assert then_and_now(answer(502, b"<html>"), answer(502, b"<html>")) == ()


# Over lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [{}, [], 1, "x", None, {"a": []}, {"a": {"b": [1, {"c": "é\ud800"}] * 20}}, [[["x" * 200]]], {'"': {"\n": [True]}}],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_over_lines_reads_back_as_the_same(value: Any, ascii_only: bool) -> None:
    assert same(json.loads(laid_out(value, ascii_only=ascii_only)), value)


def test_what_fits_stays_on_a_line_and_the_outermost_is_broken_up() -> None:
    assert laid_out({"a": 1}) == '{\n  "a": 1\n}'
    assert laid_out({"a": {"b": [1, 2]}, "c": ["x" * 50, "y" * 50]}) == (
        f'{{\n  "a": {{"b": [1, 2]}},\n  "c": [\n    "{"x" * 50}",\n    "{"y" * 50}"\n  ]\n}}'
    )


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(TypeError, match="set is not JSON"):
        laid_out({"a": {1}})
