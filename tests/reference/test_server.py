"""Facts about the reference server: the documented examples, refusals, partial updates, the cache."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import __version__
from trackly_contract.core import Request, Response
from trackly_contract.core import json as jsonvalue
from trackly_contract.reference import (
    AUDIENCE_ID,
    REFERENCE_KEY,
    Choices,
    ReferenceServer,
    documented_audience,
    documented_store,
)
from trackly_contract.reference.server import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.core import JSON

PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = (("X-Api-Key", REFERENCE_KEY),)

READ = """{"id": "664f1a2b3c4d5e6f7a8b9c0d", "name": "High-Value Clickers",
"description": "Contacts who clicked at least 3 times in the last 30 days", "source_lists": [101, 102],
"filter": {"operator": "AND", "conditions": [
{"conditionType": "time", "field": "last_clicked_at", "operator": "within", "value": 30, "unit": "days"},
{"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}], "groups": []},
"cached_size": 12480, "cached_size_updated_at": "2025-11-15T08:30:00", "status": "active",
"created_at": "2025-10-01T14:22:00"}"""

UPDATE = b"""{"name": "High-Value Clickers (Updated)", "filter": {"operator": "AND", "conditions": [
{"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 14, "unit": "days"},
{"condition_type": "count", "field": "click_count", "operator": "gte", "value": 5}]}}"""

UPDATED = """{"id": "664f1a2b3c4d5e6f7a8b9c0d", "name": "High-Value Clickers (Updated)",
"description": "Contacts who clicked at least 3 times in the last 30 days", "source_lists": [101, 102],
"filter": {"operator": "AND", "conditions": [
{"conditionType": "time", "field": "last_clicked_at", "operator": "within", "value": 14, "unit": "days"},
{"conditionType": "count", "field": "click_count", "operator": "gte", "value": 5}], "groups": []},
"cached_size": null, "cached_size_updated_at": null, "status": "active",
"created_at": "2025-10-01T14:22:00"}"""

NEW_FILTER = {
    "operator": "OR",
    "conditions": [{"condition_type": "carrier", "operator": "eq", "value": "Verizon"}],
}
STORED_FILTER: dict[str, Any] = {
    "operator": "AND",
    "conditions": [
        {
            "condition_type": "time",
            "field": "last_clicked_at",
            "operator": "within",
            "value": 30,
            "unit": "days",
        },
        {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3},
    ],
}
CHANGES: dict[str, Any] = {"name": "N", "description": "D", "source_lists": [103], "filter": NEW_FILTER}


def pairs(text: str | bytes) -> Any:
    """Read JSON so that equality minds the order of keys."""
    return json.loads(text, object_pairs_hook=lambda found: ("object", found))


def get(server: ReferenceServer, path: str = PATH) -> Response:
    return server.answer(Request("GET", path, KEY))


def put(server: ReferenceServer, body: JSON, path: str = PATH) -> Response:
    return server.answer(Request("PUT", path, KEY, body if isinstance(body, bytes) else jsonvalue.encode(body)))


def refused(response: Response) -> tuple[int, str]:
    error = json.loads(response.body)
    assert list(error) == ["error", "code"]
    assert error["error"]
    if error["code"] == "undocumented":
        assert "the documentation is silent" in error["error"]
    return response.status, error["code"]


def put_is_refused(body: JSON, server: ReferenceServer | None = None) -> str:
    """Return the code of a 400, having made sure that nothing changed."""
    server = server or ReferenceServer()
    before = get(server)
    status, code = refused(put(server, body))
    assert status == 400
    assert get(server) == before
    return code


def test_the_documented_read_is_answered_to_the_letter() -> None:
    response = get(ReferenceServer())
    assert response.status == 200
    assert pairs(response.body) == pairs(READ)


def test_the_documented_update_is_answered_to_the_letter_and_stored() -> None:
    server = ReferenceServer()
    response = put(server, UPDATE)
    assert response.status == 200
    assert pairs(response.body) == pairs(UPDATED)
    assert pairs(get(server).body) == pairs(UPDATED)


def test_size_counts_remembers_and_ticks() -> None:
    server = ReferenceServer(choices=Choices(counted=7))
    put(server, UPDATE)
    first, second = get(server, f"{PATH}/size"), get(server, f"{PATH}/size")
    assert pairs(first.body) == pairs(
        f'{{"audience_id": "{AUDIENCE_ID}", "size": 7, "calculated_at": "2025-11-20T10:30:45"}}'
    )
    assert json.loads(second.body)["calculated_at"] == "2025-11-20T10:30:46"
    audience = json.loads(get(server).body)
    assert audience["cached_size"] == 7
    assert audience["cached_size_updated_at"] == "2025-11-20T10:30:46"


REQUESTS = [
    Request("GET", PATH, KEY),
    Request("GET", PATH),
    Request("GET", "/v2/audiences/none", KEY),
    Request("GET", f"{PATH}/size", KEY),
    Request("HEAD", PATH, KEY),
    Request("PUT", PATH, KEY, UPDATE),
    Request("PUT", PATH, KEY, b"?"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda sent: f"{sent.method} {sent.path}")
def test_every_answer_is_json_and_stamped_and_repeatable(request_: Request) -> None:
    response = ReferenceServer().answer(request_)
    assert response.header("Content-Type") == "application/json"
    assert response.header("X-Trackly-Contract-Reference") == __version__
    json.loads(response.body)
    assert ReferenceServer().answer(request_) == response


def test_servers_share_nothing() -> None:
    one, other = ReferenceServer(), ReferenceServer()
    put(one, CHANGES)
    assert pairs(get(other).body) == pairs(READ)
    assert documented_store() is not documented_store()
    assert documented_audience() == json.loads(READ)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("X-Api-Key", ""),),
        (("X-Api-Key", "trk_" + "1" * 32),),
        (("X-Api-Key", REFERENCE_KEY + " "),),
        (("Authorization", f"Bearer {REFERENCE_KEY}"),),
    ],
    ids=["none", "empty", "wrong", "padded", "elsewhere"],
)
@pytest.mark.parametrize("path", [PATH, "/v2/audiences/none", "/nowhere", ""])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_key_comes_first(headers: tuple[tuple[str, str], ...], path: str, method: str) -> None:
    response = ReferenceServer().answer(Request(method, path, headers, b"not JSON"))
    assert refused(response) == (401, "unauthorized")
    assert REFERENCE_KEY not in response.body.decode()


def test_header_names_have_no_case() -> None:
    request = Request("GET", PATH, (("x-api-KEY", REFERENCE_KEY),))
    assert ReferenceServer().answer(request).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0e",
        f"/v2/audiences/{AUDIENCE_ID.upper()}",
        "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0%64",
        "/v2/audiences/\ud800",
        "/v2/audiences/",
        "/v2/audiences",
        f"{PATH}/",
        f"/{PATH}",
        f"{PATH}/sizes",
        "/v2/audiences//size",
        "/v1/audiences/x",
        "",
        "*",
    ],
)
def test_an_unknown_id_or_path_is_not_found_whatever_the_body(method: str, path: str) -> None:
    response = ReferenceServer().answer(Request(method, path, KEY, b"\xff"))
    assert refused(response) == (404, "not_found")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "get", "", "\ud800"])
def test_other_methods_are_refused_with_those_allowed(method: str) -> None:
    response = ReferenceServer().answer(Request(method, PATH, KEY))
    assert refused(response) == (405, "undocumented")
    assert response.header("Allow") == "GET, PUT"
    response = ReferenceServer().answer(Request("PUT", f"{PATH}/size", KEY, UPDATE))
    assert refused(response) == (405, "undocumented")
    assert response.header("Allow") == "GET"


@pytest.mark.parametrize("path", ["/v2/audiences/", "/v2/audiences//size", "/v2/audiences"])
def test_a_path_without_id_is_unknown_to_every_method(path: str) -> None:
    assert refused(ReferenceServer().answer(Request("DELETE", path, KEY))) == (404, "not_found")


SUBSETS = [set(keys) for size in range(5) for keys in combinations(CHANGES, size)]


@pytest.mark.parametrize("keys", SUBSETS, ids=lambda keys: ",".join(sorted(keys)) or "none")
def test_only_what_is_sent_changes(keys: set[str]) -> None:
    server = ReferenceServer()
    expected = json.loads(READ) | {key: CHANGES[key] for key in keys}
    if "filter" in keys:
        expected |= {
            "cached_size": None,
            "cached_size_updated_at": None,
            "filter": {
                "operator": "OR",
                "conditions": [{"conditionType": "carrier", "operator": "eq", "value": "Verizon"}],
                "groups": [],
            },
        }
    response = put(server, {key: CHANGES[key] for key in keys})
    assert response.status == 200
    assert jsonvalue.same(json.loads(response.body), expected)
    assert get(server).body == response.body


def test_read_only_and_unknown_keys_of_the_body_are_passed_over() -> None:
    body = {"id": "x", "cached_size": 1, "cached_size_updated_at": None, "status": "archived", "zz": [1]}
    server = ReferenceServer()
    assert pairs(put(server, body | {"created_at": 5}).body) == pairs(READ)


def cache_after(server: ReferenceServer, body: JSON) -> JSON:
    audience = json.loads(put(server, body).body)
    assert (audience["cached_size"] is None) == (audience["cached_size_updated_at"] is None)
    return audience["cached_size"]


def swapped() -> JSON:
    return STORED_FILTER | {"conditions": [*reversed(STORED_FILTER["conditions"])]}


def with_value(value: JSON) -> JSON:
    time, count = STORED_FILTER["conditions"]
    return STORED_FILTER | {"conditions": [time, count | {"value": value}]}


@pytest.mark.parametrize(
    "changed",
    [
        NEW_FILTER,
        STORED_FILTER | {"operator": "OR"},
        swapped(),
        with_value(3.0),
        with_value("3"),
        with_value(4),
    ],
)
def test_a_changed_filter_clears_the_cache(changed: JSON) -> None:
    assert cache_after(ReferenceServer(), {"filter": changed}) is None


@pytest.mark.parametrize("same", [STORED_FILTER, STORED_FILTER | {"groups": []}, with_value(3)])
def test_the_same_filter_keeps_the_cache_unless_chosen_otherwise(same: JSON) -> None:
    assert cache_after(ReferenceServer(), {"filter": same, "name": "N"}) == 12480
    clearing = ReferenceServer(choices=Choices(identical_filter_keeps_cache=False))
    assert cache_after(clearing, {"name": "N", "description": "", "source_lists": []}) == 12480
    assert cache_after(clearing, {"filter": same}) is None


def test_other_members_keep_the_cache_unless_chosen_otherwise() -> None:
    assert cache_after(ReferenceServer(), {"source_lists": [], "name": "", "description": ""}) == 12480
    clearing = ReferenceServer(choices=Choices(source_lists_keep_cache=False))
    assert cache_after(clearing, {"source_lists": [101, 102], "name": "N"}) == 12480
    assert cache_after(clearing, {"source_lists": [102, 101]}) is None


@pytest.mark.parametrize("letter", ["n", "é", "☃", "😀", "\ud800"])
def test_a_name_has_at_most_255_code_points(letter: str) -> None:
    server = ReferenceServer()
    assert json.loads(put(server, {"name": letter * 255}).body)["name"] == letter * 255
    assert put_is_refused({"name": letter * 256}) == "name_too_long"


WRONG_TYPES: dict[str, list[JSON]] = {
    "name": [None, 0, 1.5, True, [], ["N"], {}],
    "description": [None, 0, 1.5, True, [], ["D"], {}],
    "source_lists": [None, 0, 101, True, "", "101", {}, {"101": 101}],
    "filter": [None, 0, 1.5, True, "", "AND", [], [NEW_FILTER]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG_TYPES.items() for value in values])
def test_a_member_of_another_type_is_refused(key: str, value: JSON) -> None:
    assert put_is_refused({key: value}) == "undocumented"


@pytest.mark.parametrize("item", [True, False, None, "101", 101.5, [101], {}], ids=repr)
def test_a_list_id_that_is_no_integer_is_refused(item: JSON) -> None:
    assert put_is_refused({"source_lists": [101, item]}) == "undocumented"


@pytest.mark.parametrize("item", [0, -1, 104, 10**30, 1e300, 104.0], ids=repr)
def test_an_unknown_list_is_refused(item: JSON) -> None:
    assert put_is_refused({"source_lists": [101, item, 102]}) == "source_list_not_found"


@pytest.mark.parametrize("ids", [[], [103], [102, 101], [101, 101, 101]], ids=repr)
def test_known_lists_are_stored_as_sent(ids: list[int]) -> None:
    assert json.loads(put(ReferenceServer(), {"source_lists": ids}).body)["source_lists"] == ids


def test_a_whole_float_is_a_list_id_unless_chosen_otherwise() -> None:
    stored = json.loads(put(ReferenceServer(), b'{"source_lists": [101.0, 1.02e2]}').body)["source_lists"]
    assert jsonvalue.same(stored, [101, 102])
    strict = ReferenceServer(choices=Choices(whole_floats_are_ids=False))
    assert put_is_refused({"source_lists": [101.0]}, strict) == "undocumented"


def test_a_fault_is_answered_in_the_order_name_description_lists_filter_and_stores_nothing() -> None:
    faulty: list[tuple[str, JSON, str]] = [
        ("name", "n" * 256, "name_too_long"),
        ("description", 5, "undocumented"),
        ("source_lists", [9], "source_list_not_found"),
        ("filter", {"operator": "AND"}, "empty_filter_group"),
    ]
    for first, (_, _, code) in enumerate(faulty):
        body = CHANGES | {key: value for key, value, _ in faulty[first:]}
        assert put_is_refused(dict(reversed(body.items()))) == code


def test_a_refused_filter_says_where() -> None:
    body = {"filter": {"operator": "AND", "groups": [{"operator": "OR", "conditions": [5]}]}}
    assert "/filter/groups/0/conditions/0" in json.loads(put(ReferenceServer(), body).body)["error"]


def test_an_own_store_is_served() -> None:
    audience = documented_audience() | {"id": "a b", "status": "archived"}
    server = ReferenceServer(Store({"a b": audience}, {1}, {"k"}, lambda: "now"))
    key = (("X-Api-Key", "k"),)
    assert json.loads(server.answer(Request("GET", "/v2/audiences/a b", key)).body) == audience
    sized = server.answer(Request("GET", "/v2/audiences/a b/size", key))
    assert json.loads(sized.body)["calculated_at"] == "now"


OVERRIDES: list[tuple[str, Callable[..., Any]]] = [
    ("authorise", lambda _self, _request: None),
    ("faults", lambda _self, _body: iter(())),
    ("render", lambda _self, audience: {"audience": audience}),
    ("apply", lambda _self, audience, _body: audience),
    ("error", lambda _self, status, _code, _text: Response(status, (), b"{}")),
    ("outdates_size", lambda _self, _before, _after, _body: False),
]


@pytest.mark.parametrize(("name", "method"), OVERRIDES, ids=[name for name, _ in OVERRIDES])
def test_one_step_can_be_overridden_alone(name: str, method: Callable[..., Any]) -> None:
    other = type("Other", (ReferenceServer,), {name: method})
    requests = [
        Request("GET", PATH),
        Request("DELETE", PATH, KEY),
        Request("PUT", PATH, KEY, UPDATE),
        Request("PUT", PATH, KEY, jsonvalue.encode({"name": "n" * 256})),
    ]
    sound, changed = ReferenceServer(), other()
    assert [sound.answer(sent) for sent in requests] != [changed.answer(sent) for sent in requests]
