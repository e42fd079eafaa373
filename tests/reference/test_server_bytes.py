"""The reference server and whatever bytes come: it responds, and nothing makes it raise."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.asking import KEY, PATH, error_of, put, rejection, stored
from tests.reference.test_filter import ANYTHING
from trackly_contract.core import JSON, Request, Response, encode, parse, same
from trackly_contract.reference import REFERENCE_KEY, Choices, ReferenceServer

CARRIER = {"condition_type": "carrier", "operator": "in", "value": ["Verizon"]}
TIME = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 1, "unit": "days"}
EXISTS = {"condition_type": "custom_field", "field": "state", "operator": "exists"}
FILTER = {"operator": "AND", "conditions": [TIME, EXISTS], "groups": [{"operator": "OR", "conditions": [CARRIER]}]}
FULL: dict[str, Any] = {"name": "N", "description": "D", "source_lists": [101], "filter": FILTER}

UNREADABLE = [b"", b'{"name": "N",}', b'{"name": "N"} {}', b"{name: 1}", b"\xef\xbb\xbf{}", b'{"name": "\xff"}']
UNREADABLE += ['{"name": "N"}'.encode("utf-16"), b'{"zz": NaN}', b'{"zz": 1e400}', b'{"zz": ' + b"1" * 10_000 + b"}"]
UNREADABLE += [b'{"zz": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"]


@pytest.mark.parametrize(
    "body", [*UNREADABLE, b"null", b"true", b"0", b'"name"', b"[]"], ids=lambda body: repr(body[:20])
)
def test_what_is_no_readable_json_object_is_rejected(body: bytes) -> None:
    assert rejection(body) == (400, "undocumented")


def padded(length: int) -> bytes:
    return b'{"description": "d"' + b" " * (length - 20) + b"}"


def test_a_body_of_five_million_bytes_is_the_longest_unless_chosen_otherwise() -> None:
    assert put(ReferenceServer(), padded(5_000_000)).status == 200
    assert rejection(padded(5_000_001)) == rejection(b"?" * 5_000_001) == (413, "undocumented")
    choices = Choices(largest_body=20, undocumented="payload_too_large")
    assert put(ReferenceServer(choices=choices), padded(20)).status == 200
    assert rejection(padded(21), ReferenceServer(choices=choices)) == (413, "payload_too_large")


def test_of_duplicate_keys_the_last_wins() -> None:
    server = ReferenceServer()
    assert put(server, b'{"name": 5, "name": "A", "name": "B"}').status == 200
    assert stored(server)["name"] == "B"
    assert rejection(b'{"name": "A", "name": 5}') == (400, "undocumented")


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (b"5.0", 5.0),
        (b"-0.0", -0.0),
        (b"1E2", 100.0),
        (b"9" * 4000, int("9" * 4000)),
        (b"5e-324", 5e-324),
        (b"true", True),
        (b'"\\u0000\\udc00\\ud800"', "\0\udc00\ud800"),
        ('"😀"'.encode(), "😀"),
        (b'"\\ud83d\\ude00\\/<\\u2028"', "😀/<\u2028"),
        (b'[1, 1.0, {"condition_type": null, "groups": 0}]', [1, 1.0, {"condition_type": None, "groups": 0}]),
    ],
    ids=lambda item: repr(item)[:30],
)
def test_a_value_travels_exactly(sent: bytes, value: JSON) -> None:
    body = (
        b'{"filter": {"operator": "OR", "conditions": [{"condition_type": "carrier", "operator": "eq", "value": %s}]}}'
    )
    (condition,) = parse(put(ReferenceServer(), body % sent).body)["filter"]["conditions"]
    assert list(condition) == ["conditionType", "operator", "value"]
    assert same(condition["value"], value)
    assert repr(condition["value"]) == repr(value)


def nest(levels: int, operator: bytes = b"AND") -> bytes:
    inner = (
        b'{"operator": "%s", "conditions": [{"condition_type": "carrier", "operator": "eq", "value": 1}]}' % operator
    )
    return b'{"filter": ' + b'{"operator": "OR", "groups": [' * (levels - 1) + inner + b"]}" * (levels - 1) + b"}"


def at_depth(frames: int, act: Callable[[], Response]) -> Response:
    return act() if frames == 0 else at_depth(frames - 1, act)


@pytest.mark.parametrize("levels", [1, 2, 100, 149])
def test_groups_nest_as_deep_as_json_is_read_even_deep_in_a_stack(levels: int) -> None:
    server = ReferenceServer()
    assert at_depth(400, lambda: put(server, nest(levels))).status == 200
    group = stored(server)["filter"]
    for _ in range(levels - 1):
        assert [group["operator"], group["conditions"], len(group["groups"])] == ["OR", [], 1]
        group = group["groups"][0]
    assert (group["operator"], group["groups"]) == ("AND", [])
    assert rejection(nest(levels, b"NOT")) == (400, "invalid_group_operator")
    assert rejection(nest(150)) == (400, "undocumented")


def test_many_conditions_are_judged() -> None:
    server = ReferenceServer()
    assert put(server, {"filter": {"operator": "OR", "conditions": [CARRIER] * 20_000}}).status == 200
    assert len(stored(server)["filter"]["conditions"]) == 20_000
    body = {"filter": {"operator": "OR", "conditions": [*[CARRIER] * 20_000, {}]}}
    assert rejection(body) == (400, "invalid_condition_type")


@given(st.dictionaries(st.sampled_from([*FULL, "zz"]), ANYTHING | st.sampled_from([*FULL.values()]), max_size=5))
def test_any_json_in_any_field_is_stored_and_echoed_or_rejected_and_forgotten(body: dict[str, JSON]) -> None:
    server = ReferenceServer()
    before = stored(server)
    response = put(server, body)
    if response.status == 200:
        assert same(stored(server), parse(response.body))
        assert list(stored(server)) == list(before)
    else:
        assert error_of(response)[0] == 400
        assert stored(server) == before


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANY_HEADER = st.tuples(st.just("X-Api-Key") | ANY_TEXT, st.just(REFERENCE_KEY) | ANY_TEXT)
SENT = st.binary(max_size=200) | st.tuples(st.integers(0, 400), st.binary(max_size=4)).map(
    lambda cut: encode(FULL)[: cut[0]] + cut[1] + encode(FULL)[cut[0] + len(cut[1]) :]
)


@given(
    st.sampled_from(["GET", "PUT", "HEAD"]) | ANY_TEXT,
    st.sampled_from([PATH, f"{PATH}/size"]) | ANY_TEXT,
    st.lists(ANY_HEADER, max_size=2) | st.just([*KEY]),
    SENT,
)
def test_any_request_gets_a_response(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> None:
    response = ReferenceServer().answer(Request(method, path, tuple(headers), body))
    assert response.status in {200, 400, 401, 404, 405}
    assert response.header("X-Trackly-Contract-Reference")
    assert isinstance(parse(response.body), dict)
