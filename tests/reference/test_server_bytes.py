"""Facts about the reference server and whatever bytes come: it answers, and nothing makes it raise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trackly_contract.core import Request, Response
from trackly_contract.core import json as jsonvalue
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Choices, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.core import JSON

PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = (("X-Api-Key", REFERENCE_KEY),)
CARRIER = {"condition_type": "carrier", "operator": "in", "value": ["Verizon"]}
FULL: dict[str, Any] = {
    "name": "N",
    "description": "D",
    "source_lists": [101],
    "filter": {
        "operator": "AND",
        "conditions": [
            {
                "condition_type": "time",
                "field": "signup_date",
                "operator": "within",
                "value": 1,
                "unit": "days",
            },
            {"condition_type": "custom_field", "field": "state", "operator": "exists"},
        ],
        "groups": [{"operator": "OR", "conditions": [CARRIER], "groups": []}],
    },
}


def put(server: ReferenceServer, body: bytes) -> Response:
    return server.answer(Request("PUT", PATH, KEY, body))


def get(server: ReferenceServer) -> dict[str, Any]:
    audience: dict[str, Any] = json.loads(server.answer(Request("GET", PATH, KEY)).body)
    return audience


def refusal(body: bytes, server: ReferenceServer | None = None) -> tuple[int, str]:
    """Return status and code of a refusal, having made sure that nothing changed."""
    server = server or ReferenceServer()
    before = get(server)
    response = put(server, body)
    error = json.loads(response.body)
    assert list(error) == ["error", "code"]
    assert error["code"] != "undocumented" or "the documentation is silent" in error["error"]
    assert get(server) == before
    return response.status, error["code"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{'name': 'N'}",
        b'{"name": "N",}',
        b'{"name": "N"} {}',
        b'{"name": "a\nb"}',
        b'{"name": "\\x"}',
        b"{name: 1}",
        b"name=N",
        b"\xef\xbb\xbf{}",
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        '{"name": "N"}'.encode("utf-16"),
        b"\x00",
        b'{"name": "N"}\x00',
        b'{"zz": NaN}',
        b'{"zz": Infinity}',
        b'{"zz": -Infinity}',
        b'{"zz": 1e400}',
        b'{"zz": 01}',
        b'{"zz": ' + b"1" * 10_000 + b"}",
        b"[" * 10_000,
        b'{"filter": ' + b'{"groups": [' * 10_000 + b"]}" * 10_000 + b"}",
        b'{"zz": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
    ids=range(26),
)
def test_what_is_no_readable_json_is_refused(body: bytes) -> None:
    assert refusal(body) == (400, "undocumented")


@pytest.mark.parametrize("body", [b"null", b"true", b"0", b'"name"', b"[]", b'[{"name": "N"}]'])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == (400, "undocumented")


def padded(length: int) -> bytes:
    body = b'{"description": "' + b"d" * (length - 19) + b'"}'
    assert len(body) == length
    return body


def test_a_body_of_five_million_bytes_is_the_longest() -> None:
    server = ReferenceServer()
    assert put(server, padded(5_000_000)).status == 200
    assert len(get(server)["description"]) == 5_000_000 - 19
    assert refusal(padded(5_000_001)) == (413, "undocumented")
    assert refusal(b"?" * 5_000_001) == (413, "undocumented")


def test_choice_the_longest_body_may_be_another() -> None:
    choices = Choices(largest_body=19, undocumented="payload_too_large")
    assert put(ReferenceServer(choices=choices), padded(19)).status == 200
    assert refusal(padded(20), ReferenceServer(choices=choices)) == (413, "payload_too_large")


def test_of_duplicate_keys_the_last_wins() -> None:
    server = ReferenceServer()
    assert put(server, b'{"name": 5, "name": "A", "name": "B"}').status == 200
    assert get(server)["name"] == "B"
    assert refusal(b'{"name": "A", "name": 5}') == (400, "undocumented")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b"5", 5),
        (b"5.0", 5.0),
        (b"-0.0", -0.0),
        (b"1E2", 100.0),
        (b"0.1", 0.1),
        (b"12345678901234567890123456789", 12345678901234567890123456789),
        (b"9" * 4000, int("9" * 4000)),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
        (b"5e-324", 5e-324),
        (b"true", True),
        (b"0", 0),
        (b'""', ""),
        (b'"\\u0000"', "\0"),
        (b'"\\ud800"', "\ud800"),
        (b'"\\udc00\\ud800"', "\udc00\ud800"),
        ('"😀"'.encode(), "😀"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\/<\\u2028"', "/<\u2028"),
        (b'[1, 1.0, {"condition_type": null, "groups": 0}]', [1, 1.0, {"condition_type": None, "groups": 0}]),
    ],
    ids=lambda item: repr(item)[:30],
)
def test_a_value_travels_exactly(sent: bytes, stored: JSON) -> None:
    server = ReferenceServer()
    body = b'{"filter": {"operator": "OR", "conditions": [{"condition_type": "carrier", "operator": "eq", '
    response = put(server, body + b'"value": ' + sent + b"}]}}")
    assert response.status == 200
    (condition,) = jsonvalue.parse(response.body)["filter"]["conditions"]
    assert list(condition) == ["conditionType", "operator", "value"]
    assert jsonvalue.same(condition["value"], stored)
    assert repr(condition["value"]) == repr(stored)


def nest(levels: int) -> bytes:
    head, tail = b'{"operator": "OR", "groups": [', b"]}"
    inner = b'{"operator": "AND", "conditions": [{"condition_type": "carrier", "operator": "eq", "value": 1}]}'
    return b'{"filter": ' + head * (levels - 1) + inner + tail * (levels - 1) + b"}"


def at_depth(frames: int, act: Callable[[], Response]) -> Response:
    return act() if frames == 0 else at_depth(frames - 1, act)


@pytest.mark.parametrize("frames", [0, 400])
@pytest.mark.parametrize("levels", [1, 2, 100, 149])
def test_groups_nest_as_deep_as_json_is_read_even_deep_in_a_stack(levels: int, frames: int) -> None:
    server = ReferenceServer()
    body = nest(levels)
    response = at_depth(frames, lambda: put(server, body))
    assert response.status == 200
    assert at_depth(frames, lambda: put(server, body)).body == response.body
    group = get(server)["filter"]
    for _ in range(levels - 1):
        assert [group["operator"], group["conditions"], len(group["groups"])] == ["OR", [], 1]
        group = group["groups"][0]
    assert group == {
        "operator": "AND",
        "conditions": [{"conditionType": "carrier", "operator": "eq", "value": 1}],
        "groups": [],
    }
    assert refusal(nest(150)) == (400, "undocumented")


def test_a_deep_fault_is_found() -> None:
    assert refusal(nest(100).replace(b'"AND"', b'"NOT"')) == (400, "invalid_group_operator")


def test_many_conditions_are_judged() -> None:
    body = {"filter": {"operator": "OR", "conditions": [CARRIER] * 20_000}}
    server = ReferenceServer()
    assert put(server, jsonvalue.encode(body)).status == 200
    assert len(get(server)["filter"]["conditions"]) == 20_000
    body["filter"]["conditions"][-1] = {}  # type: ignore[index]
    assert refusal(jsonvalue.encode(body)) == (400, "invalid_condition_type")


def places(value: JSON, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    members: Any = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    return [here, *(place for key, inner in members for place in places(inner, (*here, key)))]


def replaced(value: JSON, place: tuple[str | int, ...], new: JSON) -> JSON:
    if not place:
        return new
    copied = value.copy()
    copied[place[0]] = replaced(value[place[0]], place[1:], new)
    return copied


WRONG: list[JSON] = [None, True, 0, -1, 2.5, "", "zz", "\ud800", [], [[]], {}, {"operator": {}}]


@pytest.mark.parametrize("place", places(FULL), ids=lambda place: "/".join(map(str, place)) or "whole")
def test_a_wrong_type_at_any_place_is_answered(place: tuple[str | int, ...]) -> None:
    for value in WRONG:
        body = jsonvalue.encode(replaced(FULL, place, value))
        assert put(ReferenceServer(), body).status in {200, 400}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["AND", "OR", "time", "carrier", "eq", "exists", "days"])
)
NAMES = st.sampled_from([*FULL, "operator", "conditions", "groups", "condition_type", "field", "value", "zz"])
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5))


@given(st.sampled_from(places(FULL)), ANYTHING)
def test_any_json_at_any_place_is_stored_and_echoed_or_refused_and_forgotten(
    place: tuple[str | int, ...], value: JSON
) -> None:
    server = ReferenceServer()
    before = get(server)
    response = put(server, jsonvalue.encode(replaced(FULL, place, value)))
    answer = jsonvalue.parse(response.body)
    if response.status == 200:
        assert jsonvalue.same(get(server), answer)
        assert list(answer) == list(before)
    else:
        assert response.status == 400
        assert list(answer) == ["error", "code"]
        assert get(server) == before


SENT = st.binary(max_size=200) | st.tuples(st.integers(0, 400), st.binary(max_size=4)).map(
    lambda cut: jsonvalue.encode(FULL)[: cut[0]] + cut[1] + jsonvalue.encode(FULL)[cut[0] + len(cut[1]) :]
)


@given(SENT)
@example(b"")
def test_any_bytes_are_answered(body: bytes) -> None:
    response = put(ReferenceServer(), body)
    assert response.status in {200, 400}
    assert isinstance(json.loads(response.body), dict)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@given(
    st.sampled_from(["GET", "PUT", "HEAD"]) | ANY_TEXT,
    st.sampled_from([PATH, f"{PATH}/size"]) | ANY_TEXT,
    st.lists(st.tuples(st.just("X-Api-Key") | ANY_TEXT, st.just(REFERENCE_KEY) | ANY_TEXT), max_size=2),
    SENT,
)
def test_any_request_is_answered(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> None:
    response = ReferenceServer().answer(Request(method, path, tuple(headers), body))
    assert response.status in {200, 400, 401, 404, 405}
    assert response.header("X-Trackly-Contract-Reference")
    assert isinstance(json.loads(response.body), dict)
