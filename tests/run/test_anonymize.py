"""Facts about anonymizing: nothing of somebody's audience stays, and what was equal or different is so still."""

import json
from typing import Any

import pytest

from trackly_contract.contract import schemas
from trackly_contract.core import Exchange, Request, Response, encode
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer

ID = "5f0e6d7c8b9a0f1e2d3c4b5a"
PATH = f"/v2/audiences/{ID}"
SOMEBODYS = {"id": ID, "name": "Anna's guests", "description": "ask Anna", "source_lists": [8822, 4711]}

Recorded = tuple[str, Exchange]


def kept(response: Any, case: str = "untouched", sent: Any = None) -> Recorded:
    request = Request("GET", PATH) if sent is None else Request("PUT", PATH, body=encode(sent))
    return case, Exchange(request, Response(200, body=encode(response)))


def anonymized(body: Any, *entries: Recorded, audience_id: str = ID) -> Any:
    """Return a body as it is recorded, learned from these entries."""
    return json.loads(Anonymizer(audience_id, entries).body(kept(body)[1].response))


def recorded(response: Any, *entries: Recorded) -> Any:
    """Return a response as it is recorded, learned from itself and from other entries."""
    return anonymized(response, *entries, kept(response))


# The id --------------------------------------------------------------------------------------------


def test_the_id_is_replaced_in_paths_and_another_one_stays() -> None:
    anonymizer = Anonymizer(ID, [])
    assert anonymizer.path(f"{PATH}/size") == f"/v2/audiences/{AUDIENCE}/size"
    assert anonymizer.path("/v2/audiences/ffffffffffffffffffffffff") == "/v2/audiences/ffffffffffffffffffffffff"


@pytest.mark.parametrize(
    ("audience_id", "response", "expected"),
    [
        (ID, {"id": ID, "audience_id": ID}, {"id": AUDIENCE, "audience_id": AUDIENCE}),
        (
            ID,
            {"error": f"no {ID} here", "code": f"no_{ID}"},
            {"error": f"no {AUDIENCE} here", "code": f"no_{AUDIENCE}"},
        ),
        ("a1", {"id": "a1", "error": "a1 is none of a100"}, {"id": AUDIENCE, "error": "a1 is none of a100"}),
    ],
    ids=["whole", "inside a text", "too short to be found inside"],
)
def test_the_id_is_replaced_in_responses(audience_id: str, response: Any, expected: Any) -> None:
    assert anonymized(response, audience_id=audience_id) == expected


# Texts ---------------------------------------------------------------------------------------------


def test_name_and_description_keep_their_shape_and_nothing_else_and_are_sent_back_alike() -> None:
    shown = recorded(SOMEBODYS)
    assert (shown["name"], shown["description"]) == ("xxxx'x xxxxxx", "xxx xxxx")
    sent = Request("PUT", PATH, body=encode(SOMEBODYS))
    assert json.loads(Anonymizer(ID, [kept(SOMEBODYS)]).body(sent)) == shown


def test_two_texts_of_one_shape_are_replaced_by_two_and_equal_ones_by_one() -> None:
    shown = recorded({"name": "ask Anna", "description": "let Berta"})
    other = recorded({"name": "ask Anna", "description": "ask Emma"})
    assert other["name"] != other["description"]
    assert shown["name"] == other["name"]


def test_a_text_that_a_server_changed_while_it_was_sent_back_is_another_one() -> None:
    entries = (kept({"name": "Anna"}), kept({"name": "ANNA"}, "rehearsal", {"name": "Anna"}))
    shown = [anonymized({"name": name}, *entries)["name"] for name in ("Anna", "ANNA")]
    assert shown[0] != shown[1]
    assert "anna" not in " ".join(shown).lower()


@pytest.mark.parametrize(
    ("entries", "body"),
    [
        ([kept({"name": "Redescribed"}), kept({}, "retold", {"name": "Redescribed"})], b'{"name": "Redescribed"}'),
        ([kept({"name": "Anna"}), kept({"name": "Redesc"}, "retold", {"name": "Redescribed"})], b'{"name": "Redesc"}'),
        ([], b'{ "code" : "not_found",\n "error": "Z\\u00eb" }'),
        ([], b""),
    ],
    ids=["what the suite sends itself", "what a server makes of that", "nothing to replace", "no body"],
)
def test_what_is_nobodys_keeps_its_bytes(entries: list[Recorded], body: bytes) -> None:
    assert Anonymizer(ID, entries).body(Response(200, body=body)) == body


@pytest.mark.parametrize(
    "name", ["", "  ", "Anna ", " Anna", "é" * 200, "日本" * 50, "a\nb", "nul\0", "\ud83d", "x" * 256, "📱" * 70, "a_1"]
)
def test_a_masked_name_is_accepted_rejected_or_open_as_the_name_was(name: str) -> None:
    def decided(name: str) -> list[str]:
        decision = schemas().decide({"name": name})
        return [failure.stands_for for failure in (*decision.faults, *decision.questions)]

    shown = recorded({"name": name})["name"]
    assert decided(shown) == decided(name)
    assert len(shown) == len(name)
    assert len(shown.encode("utf-8", "surrogatepass")) == len(name.encode("utf-8", "surrogatepass"))


def test_values_and_custom_fields_of_the_own_filter_are_replaced_and_its_tokens_stay() -> None:
    conditions = [
        {"conditionType": "custom_field", "field": "pet", "operator": "in", "value": ["cat", "dog"]},
        {"conditionType": "time", "field": "signup_date", "operator": "within", "value": 30, "unit": "days"},
        {"conditionType": ["no", "type"], "value": "cat"},
    ]
    shown = recorded({"filter": {"operator": "AND", "conditions": conditions}})["filter"]["conditions"]
    assert len({"pet", "cat", "dog", shown[0]["field"], *shown[0]["value"]}) == 6
    assert (shown[0]["operator"], shown[1], shown[2]["value"]) == ("in", conditions[1], shown[0]["value"][0])


def test_own_texts_are_found_inside_messages_unless_they_are_short_but_never_inside_codes() -> None:
    response = {"error": "name_too_long is no name", "code": "name_too_long"}
    expected = {"error": "xxxxxxxxxxxxx is no name", "code": "name_too_long"}
    assert recorded(response, kept({"name": "name_too_long", "description": "is no"})) == expected


def test_what_is_no_json_is_cleared_of_the_id_and_of_own_texts_however_they_are_spelled() -> None:
    body = f"<h1>Zoë's guests, Zo\\u00eb's guests ({ID})</h1>".encode()
    masked = "xx\u03b1'x xxxxxx"
    shown = Anonymizer(ID, [kept({"name": "Zoë's guests"})]).body(Response(502, body=body))
    assert shown == f"<h1>{masked}, {json.dumps(masked)[1:-1]} ({AUDIENCE})</h1>".encode()


# Lists, sizes and times ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            {"source_lists": [8822, 101, 4711], "filter": {"conditions": [{"listId": 4711}]}},
            {"source_lists": [1001, 101, 1002], "filter": {"conditions": [{"listId": 1002}]}},
        ),
        (
            {"source_lists": [5], "filter": {"conditions": [{"value": 5}]}, "cached_size": 0},
            {"source_lists": [1001], "filter": {"conditions": [{"value": 5}]}, "cached_size": 0},
        ),
        ({"cached_size": 98765, "size": 0}, {"cached_size": 2000, "size": 0}),
        (
            {
                "created_at": "2026-10-01T14:22:00.123+02:00",
                "cached_size_updated_at": "2026-11-15T08:30:00Z",
                "updated_at": "2026-10-01T14:22:00",
            },
            {
                "created_at": "2000-01-01T00:00:00.000+02:00",
                "cached_size_updated_at": "2000-01-01T00:01:00Z",
                "updated_at": "2000-01-01T00:00:00",
            },
        ),
    ],
    ids=["lists but the documented ones", "no list", "sizes but zero", "times keep order, zone and form"],
)
def test_numbers_and_times_of_somebody_are_replaced(response: Any, expected: Any) -> None:
    assert recorded(response, kept({"cached_size": 0}), kept({"size": 7})) == expected


@pytest.mark.parametrize("stamp", ["2026-02-30T10:00:00", "2026-10-01", "yesterday", 1790000000, "2026-10-01 10:00:00"])
def test_what_is_no_time_stays_as_it_is(stamp: Any) -> None:
    assert recorded({"created_at": stamp}) == {"created_at": stamp}
