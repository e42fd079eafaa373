"""The reference server: the documented examples, errors, partial updates, the cached size, its choices."""

import json
from itertools import combinations
from typing import Any

import pytest

from tests.reference.asking import KEY, PATH, error_of, get, put, rejection, stored
from trackly_contract import __version__
from trackly_contract.contract import contract
from trackly_contract.core import JSON, Request, encode, same
from trackly_contract.reference import (
    AUDIENCE_ID,
    REFERENCE_KEY,
    Choices,
    ReferenceServer,
    documented_audience,
)
from trackly_contract.reference.server import Store

VECTORS = contract().requests
READ = encode(VECTORS["read.success/documented-example"].echo)
UPDATE = encode(VECTORS["update.success/documented-example"].body)
UPDATED = encode(VECTORS["update.success/documented-example"].echo)

TIME = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 30, "unit": "days"}
CLICKS = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}
STORED_FILTER: dict[str, Any] = {"operator": "AND", "conditions": [TIME, CLICKS]}
CARRIER = {"operator": "eq", "value": "Verizon"}
NEW_FILTER = {"operator": "OR", "conditions": [{"condition_type": "carrier", **CARRIER}]}
CHANGES: dict[str, Any] = {"name": "N", "description": "D", "source_lists": [103], "filter": NEW_FILTER}


def test_the_documented_examples_are_printed_to_the_letter_and_stored() -> None:
    server = ReferenceServer()
    assert (get(server).status, get(server).body) == (200, READ)
    response = put(server, UPDATE)
    assert (response.status, response.body) == (200, UPDATED)
    assert get(server).body == UPDATED
    assert encode(documented_audience()) == READ


def test_size_counts_stores_and_ticks() -> None:
    server = ReferenceServer(choices=Choices(counted=7))
    put(server, UPDATE)
    sized = {"audience_id": AUDIENCE_ID, "size": 7, "calculated_at": "2025-11-20T10:30:45"}
    assert get(server, f"{PATH}/size").body == encode(sized)
    assert json.loads(get(server, f"{PATH}/size").body)["calculated_at"] == "2025-11-20T10:30:46"
    audience = stored(server)
    assert (audience["cached_size"], audience["cached_size_updated_at"]) == (7, "2025-11-20T10:30:46")


NOBODY = {**CLICKS, "value": 1_000_000_000}
SIZES = [("AND", [TIME, NOBODY], [], 0), ("OR", [NOBODY], [], 0), ("OR", [NOBODY], [STORED_FILTER], 12480)]
SIZES += [("OR", [TIME, NOBODY], [], 12480), ("AND", [{**CLICKS, "value": 999_999_999}], [], 12480)]


@pytest.mark.parametrize(("operator", "conditions", "groups", "size"), SIZES)
def test_the_size_is_zero_where_more_is_asked_than_anybody_has(
    operator: str, conditions: list[JSON], groups: list[JSON], size: int
) -> None:
    server = ReferenceServer()
    put(server, {"filter": {"operator": operator, "conditions": conditions, "groups": groups}})
    assert json.loads(get(server, f"{PATH}/size").body)["size"] == size


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/size", "/v2/audiences/none"])
@pytest.mark.parametrize("headers", [(), KEY], ids=["no key", "key"])
@pytest.mark.parametrize("body", [UPDATE, b"?"])
def test_every_response_is_json_and_stamped_and_repeatable(
    method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    sent = Request(method, path, headers, body)
    response = ReferenceServer().answer(sent)
    assert response.header("Content-Type") == "application/json"
    assert response.header("X-Trackly-Contract-Reference") == __version__
    json.loads(response.body)
    assert ReferenceServer().answer(sent) == response


def test_servers_share_nothing() -> None:
    one, other = ReferenceServer(), ReferenceServer()
    put(one, CHANGES)
    assert get(other).body == READ


# Keys, paths, methods ------------------------------------------------------------------------------


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
def test_the_key_is_checked_first(headers: tuple[tuple[str, str], ...], path: str, method: str) -> None:
    response = ReferenceServer().answer(Request(method, path, headers, b"not JSON"))
    assert error_of(response) == (401, "unauthorized")
    assert REFERENCE_KEY not in response.body.decode()


def test_header_names_have_no_case() -> None:
    assert ReferenceServer().answer(Request("GET", PATH, (("x-api-KEY", REFERENCE_KEY),))).status == 200


UNKNOWN_IDS = [AUDIENCE_ID[:-1] + "e", AUDIENCE_ID.upper(), AUDIENCE_ID[:-1] + "%64", "\ud800"]
PATHS = f"/v2/audiences/ /v2/audiences {PATH}/ /{PATH} {PATH}/sizes /v2/audiences//size /v1/audiences/x *".split()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [*(f"/v2/audiences/{name}" for name in UNKNOWN_IDS), *PATHS, ""])
def test_an_unknown_id_or_path_is_not_found_whatever_the_body(method: str, path: str) -> None:
    documented_path = any(path.endswith(name) for name in UNKNOWN_IDS)
    response = ReferenceServer().answer(Request(method, path, KEY, b"\xff"))
    expected = (405, "undocumented") if documented_path and method == "DELETE" else (404, "not_found")
    assert error_of(response) == expected


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "get", "", "\ud800"])
def test_other_methods_are_rejected_with_those_allowed(method: str) -> None:
    for sent, path, allowed in (
        (method, PATH, "GET, PUT"),
        (method, f"{PATH}/size", "GET"),
        ("PUT", f"{PATH}/size", "GET"),
    ):
        response = ReferenceServer().answer(Request(sent, path, KEY, UPDATE))
        assert (error_of(response), response.header("Allow")) == ((405, "undocumented"), allowed)


# Updates -------------------------------------------------------------------------------------------

SUBSETS = [set(keys) for size in range(5) for keys in combinations(CHANGES, size)]


@pytest.mark.parametrize("keys", SUBSETS, ids=lambda keys: ",".join(sorted(keys)) or "none")
def test_only_what_is_sent_changes(keys: set[str]) -> None:
    server = ReferenceServer()
    expected = json.loads(READ) | {key: CHANGES[key] for key in keys}
    if "filter" in keys:
        expected |= {"cached_size": None, "cached_size_updated_at": None}
        expected["filter"] = {"operator": "OR", "conditions": [{"conditionType": "carrier", **CARRIER}], "groups": []}
    response = put(server, {key: CHANGES[key] for key in keys})
    assert response.status == 200
    assert same(json.loads(response.body), expected)
    assert get(server).body == response.body


def test_read_only_and_unknown_fields_of_the_body_are_ignored() -> None:
    body = {"id": "x", "cached_size": 1, "cached_size_updated_at": None, "status": "archived", "zz": [1]}
    assert put(ReferenceServer(), body | {"created_at": 5}).body == READ


def with_value(value: JSON) -> dict[str, JSON]:
    return STORED_FILTER | {"conditions": [TIME, CLICKS | {"value": value}]}


SWAPPED = STORED_FILTER | {"conditions": [CLICKS, TIME]}


CHANGED = [NEW_FILTER, STORED_FILTER | {"operator": "OR"}, SWAPPED, *map(with_value, (3.0, "3", 4))]
UNCHANGED = [STORED_FILTER, STORED_FILTER | {"groups": []}, with_value(3)]


@pytest.mark.parametrize(
    ("body", "choices", "size"),
    [
        *(({"filter": changed}, {}, None) for changed in CHANGED),
        *(({"filter": unchanged, "name": "N"}, {}, 12480) for unchanged in UNCHANGED),
        *(({"filter": unchanged}, {"identical_filter_keeps_cache": False}, None) for unchanged in UNCHANGED),
        ({"name": "N", "source_lists": []}, {"identical_filter_keeps_cache": False}, 12480),
        ({"source_lists": [], "name": "", "description": ""}, {}, 12480),
        ({"source_lists": [101, 102], "name": "N"}, {"source_lists_keep_cache": False}, 12480),
        ({"source_lists": [102, 101]}, {"source_lists_keep_cache": False}, None),
    ],
)
def test_a_changed_filter_alone_clears_the_cached_size_unless_chosen_otherwise(
    body: JSON, choices: dict[str, Any], size: int | None
) -> None:
    audience = json.loads(put(ReferenceServer(choices=Choices(**choices)), body).body)
    assert audience["cached_size"] == size
    assert (audience["cached_size_updated_at"] is None) == (size is None)


# Rejected bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["n", "é", "☃", "😀", "\ud800"])
def test_a_name_has_at_most_255_code_points(letter: str) -> None:
    assert json.loads(put(ReferenceServer(), {"name": letter * 255}).body)["name"] == letter * 255
    assert rejection({"name": letter * 256}) == (400, "name_too_long")


WRONG_TYPES: dict[str, list[JSON]] = {
    "name": [None, 0, 1.5, True, [], ["N"], {}],
    "description": [None, 0, 1.5, True, [], ["D"], {}],
    "source_lists": [None, 0, 101, True, "", "101", {}, {"101": 101}],
    "filter": [None, 0, 1.5, True, "", "AND", [], [NEW_FILTER]],
}
NO_IDS: list[JSON] = [True, False, None, "101", 101.5, [101], {}]
BODIES: list[tuple[JSON, str]] = [
    *(({key: value}, "undocumented") for key, values in WRONG_TYPES.items() for value in values),
    *(({"source_lists": [101, no_id]}, "undocumented") for no_id in NO_IDS),
    *(({"source_lists": [101, item, 102]}, "source_list_not_found") for item in (0, -1, 104, 10**30, 1e300, 104.0)),
]


@pytest.mark.parametrize(("body", "code"), BODIES, ids=repr)
def test_a_field_of_another_type_and_an_unknown_list_are_rejected(body: JSON, code: str) -> None:
    assert rejection(body) == (400, code)


@pytest.mark.parametrize("ids", [[], [103], [102, 101], [101, 101, 101]], ids=repr)
def test_known_lists_are_stored_as_sent(ids: list[int]) -> None:
    assert json.loads(put(ReferenceServer(), {"source_lists": ids}).body)["source_lists"] == ids


def test_a_whole_float_is_a_list_id_unless_chosen_otherwise() -> None:
    found = json.loads(put(ReferenceServer(), b'{"source_lists": [101.0, 1.02e2]}').body)["source_lists"]
    assert same(found, [101, 102])
    strict = ReferenceServer(choices=Choices(whole_floats_are_ids=False))
    assert rejection({"source_lists": [101.0]}, strict) == (400, "undocumented")


def test_the_first_fault_in_the_order_name_description_lists_filter_decides() -> None:
    wrong: list[tuple[str, JSON, str]] = [
        ("name", "n" * 256, "name_too_long"),
        ("description", 5, "undocumented"),
        ("source_lists", [9], "source_list_not_found"),
        ("filter", {"operator": "AND"}, "empty_filter_group"),
    ]
    for first, (_, _, code) in enumerate(wrong):
        body = CHANGES | {key: value for key, value, _ in wrong[first:]}
        assert rejection(dict(reversed(body.items()))) == (400, code)


def test_the_text_of_an_error_in_a_filter_has_the_path() -> None:
    body = {"filter": {"operator": "AND", "groups": [{"operator": "OR", "conditions": [5]}]}}
    assert "/filter/groups/0/conditions/0" in json.loads(put(ReferenceServer(), body).body)["error"]
    assert "/name" in json.loads(put(ReferenceServer(), {"name": "n" * 256}).body)["error"]


def test_an_own_store_is_served() -> None:
    audience = documented_audience() | {"id": "a b", "status": "archived"}
    server = ReferenceServer(Store({"a b": audience}, {1}, {"k"}, lambda: "now"))
    key = (("X-Api-Key", "k"),)
    assert json.loads(server.answer(Request("GET", "/v2/audiences/a b", key)).body) == audience
    sized = server.answer(Request("GET", "/v2/audiences/a b/size", key))
    assert json.loads(sized.body)["calculated_at"] == "now"
