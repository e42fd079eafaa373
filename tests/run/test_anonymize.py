"""Facts about stand-ins: nothing of somebody's audience stays, and whatever was equal or different is so still."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.contract import schemas
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer, Kept

if TYPE_CHECKING:
    from collections.abc import Iterable

ID = "5f0e6d7c8b9a0f1e2d3c4b5a"
PATH = f"/v2/audiences/{ID}"
AUDIENCE_OF_SOMEBODY = {"id": ID, "name": "Anna's guests", "description": "ask Anna", "source_lists": [8822, 4711]}


def kept(answer: Any, case: str = "untouched", sent: Any = None) -> Kept:
    return Kept(case, PATH, b"" if sent is None else json.dumps(sent).encode(), json.dumps(answer).encode())


def made(*entries: Kept, audience_id: str = ID) -> Anonymizer:
    return Anonymizer(audience_id, entries)


def answered(answer: Any, entries: Iterable[Kept] = ()) -> Any:
    """Return an answer as it is recorded, learned from itself and from other entries."""
    return json.loads(made(*entries, kept(answer)).answered(json.dumps(answer).encode()))


def test_the_id_is_replaced_in_paths_and_answers() -> None:
    assert made().path(f"{PATH}/size") == f"/v2/audiences/{AUDIENCE}/size"
    assert answered({"id": ID, "audience_id": ID}) == {"id": AUDIENCE, "audience_id": AUDIENCE}


def test_another_id_in_a_path_stays() -> None:
    assert made().path("/v2/audiences/ffffffffffffffffffffffff") == "/v2/audiences/ffffffffffffffffffffffff"


def test_the_id_is_replaced_inside_the_text_of_an_error() -> None:
    assert ID not in json.dumps(answered({"error": f"no audience {ID} here", "code": "not_found"}))


def test_a_short_id_is_replaced_only_where_it_is_the_whole_value() -> None:
    found = made(audience_id="a1").answered(b'{"id": "a1", "error": "a1 is none of a100"}')
    assert json.loads(found) == {"id": AUDIENCE, "error": "a1 is none of a100"}


def test_name_and_description_keep_their_shape_and_nothing_else() -> None:
    shown = answered(AUDIENCE_OF_SOMEBODY)
    assert (shown["name"], shown["description"]) == ("xxxx'x xxxxxx", "xxx xxxx")


def test_the_own_content_that_is_sent_back_is_replaced_alike() -> None:
    anonymizer = made(kept(AUDIENCE_OF_SOMEBODY))
    sent = json.loads(anonymizer.sent(json.dumps(AUDIENCE_OF_SOMEBODY).encode()))
    shown = json.loads(anonymizer.answered(json.dumps(AUDIENCE_OF_SOMEBODY).encode()))
    assert {**sent, "id": AUDIENCE} == shown


def test_two_texts_of_one_shape_get_two_stand_ins() -> None:
    shown = answered({**AUDIENCE_OF_SOMEBODY, "name": "ask Anna", "description": "let Berta"})
    other = answered({**AUDIENCE_OF_SOMEBODY, "name": "ask Anna", "description": "ask Emma"})
    assert other["name"] != other["description"]
    assert shown["name"] == other["name"]


def test_a_text_that_a_server_changed_while_it_was_sent_back_is_another_one() -> None:
    entries = [kept({"name": "Anna"}), kept({"name": "ANNA"}, "rehearsal", {"name": "Anna"})]
    anonymizer = made(*entries)
    assert anonymizer.answered(b'{"name": "Anna"}') != anonymizer.answered(b'{"name": "ANNA"}')
    assert b"ANNA" not in anonymizer.answered(b'{"name": "ANNA"}')


def test_what_the_suite_sends_itself_is_never_replaced() -> None:
    entries = [kept({"name": "Redescribed"}), kept({}, "retold", {"name": "Redescribed"})]
    assert made(*entries).answered(b'{"name": "Redescribed"}') == b'{"name": "Redescribed"}'


def test_what_a_server_makes_of_our_texts_stays_as_evidence() -> None:
    entries = [kept({"name": "Anna"}), kept({"name": "Redesc"}, "retold", {"name": "Redescribed"})]
    assert made(*entries).answered(b'{"name": "Redesc"}') == b'{"name": "Redesc"}'


@pytest.mark.parametrize(
    "name", ["", "  ", "Anna ", " Anna", "é" * 200, "日本" * 50, "a\nb", "nul\0", "\ud83d", "x" * 256, "📱" * 70, "a_1"]
)
def test_a_stand_in_is_accepted_refused_or_open_as_the_name_was(name: str) -> None:
    shown = answered({"name": name})["name"]
    assert decided(shown) == decided(name)
    assert (len(shown), len(encoded(shown))) == (len(name), len(encoded(name)))


def decided(name: str) -> list[str]:
    """Return the codes and questions that the documentation has for a name."""
    decision = schemas().decide({"name": name})
    return [failure.stands_for for failure in (*decision.faults, *decision.questions)]


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def test_lists_are_replaced_in_answers_requests_and_filters_but_not_the_documented_ones() -> None:
    answer = {"source_lists": [8822, 101, 4711], "filter": {"conditions": [{"listId": 4711}]}}
    anonymizer = made(kept(answer))
    shown = json.loads(anonymizer.answered(json.dumps(answer).encode()))
    assert shown == {"source_lists": [1001, 101, 1002], "filter": {"conditions": [{"listId": 1002}]}}
    assert anonymizer.sent(b'{"source_lists": [4711, 2147483647]}') == b'{"source_lists":[1002,2147483647]}'


def test_a_number_that_is_no_list_is_not_replaced() -> None:
    answer = {"source_lists": [5], "filter": {"conditions": [{"value": 5}]}, "cached_size": 0}
    assert answered(answer) == {**answer, "source_lists": [1001]}


def test_times_keep_order_zone_and_form() -> None:
    answer = {
        "created_at": "2026-10-01T14:22:00.123+02:00",
        "cached_size_updated_at": "2026-11-15T08:30:00Z",
        "updated_at": "2026-10-01T14:22:00",
    }
    assert answered(answer) == {
        "created_at": "2000-01-01T00:00:00.000+02:00",
        "cached_size_updated_at": "2000-01-01T00:01:00Z",
        "updated_at": "2000-01-01T00:00:00",
    }


@pytest.mark.parametrize("stamp", ["2026-02-30T10:00:00", "2026-10-01", "yesterday", 1790000000, "2026-10-01 10:00:00"])
def test_what_is_no_time_keeps_its_fault(stamp: Any) -> None:
    assert answered({"created_at": stamp}) == {"created_at": stamp}


def test_sizes_are_replaced_but_nobody_stays_nobody() -> None:
    entries = [kept({"cached_size": 0}), kept({"size": 7})]
    assert answered({"cached_size": 98765, "size": 0}, entries) == {"cached_size": 2000, "size": 0}


def test_values_and_custom_fields_of_the_own_filter_are_replaced_and_its_tokens_stay() -> None:
    conditions = [
        {"conditionType": "custom_field", "field": "pet", "operator": "in", "value": ["cat", "dog"]},
        {"conditionType": "time", "field": "signup_date", "operator": "within", "value": 30, "unit": "days"},
    ]
    shown = answered({"filter": {"operator": "AND", "conditions": conditions}})["filter"]["conditions"]
    assert shown[0]["field"] not in ("pet", "cat", "dog")
    assert len({shown[0]["field"], *shown[0]["value"]}) == 3
    assert (shown[0]["operator"], shown[1]) == ("in", conditions[1])


def test_own_texts_are_found_inside_messages_but_never_inside_codes() -> None:
    entries = [kept({"name": "name_too_long"})]
    shown = answered({"error": "name_too_long is no name", "code": "name_too_long"}, entries)
    assert shown == {"error": "xxxxxxxxxxxxx is no name", "code": "name_too_long"}


def test_what_is_no_json_is_cleared_of_the_id_and_of_own_texts() -> None:
    found = made(kept(AUDIENCE_OF_SOMEBODY)).answered(f"<h1>Anna's guests ({ID})</h1>".encode())
    assert found == f"<h1>xxxx'x xxxxxx ({AUDIENCE})</h1>".encode()


def test_a_body_without_anything_to_replace_keeps_its_bytes() -> None:
    body = b'{ "code" : "not_found",\n "error": "Z\\u00eb" }'
    assert made().answered(body) == body


def test_no_body_stays_none() -> None:
    assert (made().sent(b""), made().answered(b"")) == (b"", b"")
