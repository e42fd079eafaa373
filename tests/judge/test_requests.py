"""Facts about the judgement of a client's requests: what is refused, what is unknown, what is open."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.support.recordings import COUNT, JSON_KEY, KEY, PATH, TIME, filtered, get, put
from trackly_contract.contract import as_answered, contract
from trackly_contract.core import ABSENT, Request
from trackly_contract.generate import update_bodies
from trackly_contract.judge import (
    BESIDE_THE_QUESTIONS,
    Accepted,
    RequestFault,
    Severity,
    fails,
    judge_request,
    request_text,
)
from trackly_contract.judge.expectation import expectation_of
from trackly_contract.judge.finding_text import about
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY


def named(request: Request, **known: Any) -> set[tuple[str, str]]:
    return {(fault.name, fault.place) for fault in judge_request(request, **known)}


VECTORS = [vector for vector in contract().requests.values() if vector.method == "PUT" and not vector.situation]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_the_vectors_are_judged_as_the_documentation_answers_them(vector: Any) -> None:
    faults = judge_request(put(b"" if vector.body is ABSENT else vector.body), lists={101, 102, 103})
    refused = {fault.code for fault in faults if fault.severity is Severity.REFUSED}
    assert refused == ({vector.code} if vector.code else set())


@given(body=update_bodies(vocabulary=contract().vocabulary.documented(), max_depth=5))
def test_an_update_of_documented_words_has_no_fault_that_fails(body: Any) -> None:
    assert fails(judge_request(put(body))) == []


@pytest.mark.parametrize("suffix", ["", "/size"])
def test_a_documented_read_or_count_has_no_fault(suffix: str) -> None:
    assert judge_request(get(suffix), keys={REFERENCE_KEY}, ids={AUDIENCE_ID}) == []


def test_a_fault_names_place_value_and_what_to_send_instead() -> None:
    (fault,) = judge_request(put(filtered(COUNT, {**TIME, "unit": "weeks"})))
    position, instead = "/filter/conditions/1/unit", "one of days, hours, minutes"
    refused = (Severity.REFUSED, position, '"weeks"', instead, 400, "invalid_time_unit")
    assert fault == RequestFault("filter.time.unit", *refused)


@pytest.mark.parametrize(
    ("body", "name", "place"),
    [
        (filtered({**TIME, "operator": "between"}), "token-unlisted", "/filter/conditions/0/operator"),
        ({"filter": {"operator": "and", "conditions": [COUNT]}}, "token-case", "/filter/operator"),
        ({"filter": {"conditions": [COUNT]}}, "operator-missing", "/filter/operator"),
        (filtered({"field": "click_count"}), "condition-type-missing", "/filter/conditions/0/condition_type"),
        (filtered({**COUNT, "list_id": 101}), "unknown-key", "/filter/conditions/0/list_id"),
        ({"sourceLists": [101]}, "camel-case", "/sourceLists"),
        ({"name": "x", "color": "red"}, "unknown-key", "/color"),
        ({"name": "x", "id": AUDIENCE_ID}, "read-only-member", "/id"),
        ({"status": "archived"}, "status-change", "/status"),
        ({"name": None}, "name-shape", "/name"),
        ({"description": 7}, "description-shape", "/description"),
        ({"filter": None}, "filter-shape", "/filter"),
        ({"filter": {"operator": "AND", "conditions": COUNT}}, "filter-shape", "/filter/conditions"),
        ({"source_lists": 101}, "list-shape", "/source_lists"),
        ({"source_lists": ["101"]}, "list-shape", "/source_lists/0"),
        ({"source_lists": [True]}, "list-shape", "/source_lists/0"),
        ([1], "body-shape", ""),
        (b"", "body-shape", "body"),
        (b"{'name': 'x'}", "body-shape", "body"),
        (b'{"name": "x", "name": "y"}', "json-dialect", "body"),
    ],
)
def test_what_no_page_knows_fails_and_is_named_once(body: Any, name: str, place: str) -> None:
    assert [(fault.name, fault.place) for fault in fails(judge_request(put(body)))] == [(name, place)]


def test_camel_case_is_told_once_where_it_leaves_the_type_missing() -> None:
    answered = as_answered(filtered(TIME)["filter"])
    found = judge_request(put({"filter": answered}))
    assert [(fault.name, fault.place, fault.instead) for fault in found] == [
        ("camel-case", "/filter/conditions/0/conditionType", "condition_type")
    ]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"name": ""}, "name-shape"),
        ({"description": ""}, "description-shape"),
        ({}, "empty-update"),
        ({"source_lists": [101, 101]}, "list-shape"),
        ({"source_lists": [0]}, "list-shape"),
        (filtered({**COUNT, "value": 0}), "value-range"),
        (filtered({**COUNT, "unit": "days"}), "unit-elsewhere"),
    ],
)
def test_what_the_documentation_leaves_open_is_told_and_fails_nothing(body: Any, name: str) -> None:
    found = judge_request(put(body))
    assert [fault.name for fault in found] == [name]
    assert fails(found) == []


def test_a_candidate_is_undocumented_and_its_page_is_named() -> None:
    found = judge_request(put(filtered({"condition_type": "carrier", "operator": "zz_is", "value": "x"})))
    carrier = next(fault for fault in found if fault.word == "carrier")
    assert carrier.severity is Severity.UNDOCUMENTED
    assert "carrier is a candidate of update-audience" in carrier.instead
    assert carrier.names == {"token-unlisted", "token-unlisted:carrier"}


@pytest.mark.parametrize(
    ("header", "got"),
    [
        ((), "no such header"),
        ((("X-Api-Key", " "),), "an empty key"),
        ((("X-Api-Key", "another"),), "a key that is not accepted"),
        ((("Authorization", f"Bearer {REFERENCE_KEY}"),), "no such header"),
    ],
)
def test_a_request_without_the_accepted_key_is_refused(header: Any, got: str) -> None:
    (fault,) = judge_request(Request("GET", PATH, header), keys={REFERENCE_KEY})
    assert (fault.name, fault.status, fault.code, fault.got) == ("read.key", 401, "unauthorized", got)


@pytest.mark.parametrize(
    ("request_sent", "existing", "name", "place"),
    [
        (Request("GET", PATH, (("X-Api-Key", "(removed)"),)), {"keys": {"a"}}, "read.key", "header X-Api-Key"),
        (put({"name": "x"}), {"ids": {"another"}}, "update.unknown_id", "path"),
        (put({"source_lists": [101, 999]}), {"lists": {101}}, "update.source_lists.unknown", "/source_lists/1"),
    ],
)
def test_what_does_not_exist_is_refused_only_where_that_is_known(
    request_sent: Request, existing: Any, name: str, place: str
) -> None:
    assert named(request_sent, **existing) == {(name, place)}
    assert named(request_sent) == set()


@pytest.mark.parametrize(
    ("media_type", "fine"),
    [
        *((name, True) for name in ("application/json", "application/json; charset=utf-8", "Application/JSON")),
        *((name, False) for name in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx")),
    ],
)
def test_another_media_type_than_that_of_json_is_undocumented(media_type: str | None, fine: bool) -> None:
    headers = (*KEY, ("content-type", media_type)) if media_type else KEY
    found = named(Request("PUT", PATH, headers, b'{"name": "x"}'))
    assert found == (set() if fine else {("content-type", "header Content-Type")})


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "name"),
    [
        ("PATCH", PATH, b"", "", "method"),
        ("PUT", f"{PATH}/size", b"", "", "method"),
        ("GET", "/v2/audiences", b"", "", "operation"),
        ("GET", f"{PATH}/", b"", "", "operation"),
        ("GET", f"/v1/audiences/{AUDIENCE_ID}", b"", "", "operation"),
        ("GET", PATH, b"", "expand=filter", "query"),
        ("GET", PATH, b"{}", "", "body-of-a-read"),
    ],
)
def test_what_no_page_has_of_these_operations_is_named(
    method: str, path: str, body: bytes, query: str, name: str
) -> None:
    found = judge_request(Request(method, path, JSON_KEY, body), query=query)
    assert [(fault.name, fault.severity) for fault in found] == [(name, Severity.UNDOCUMENTED)]


def test_an_odd_id_is_open_and_leaves_the_body_to_be_judged() -> None:
    violations = judge_request(Request("PUT", "/v2/audiences/x", JSON_KEY, b'{"name": "x"}'))
    assert [violation.name for violation in violations] == ["id-form"]
    assert expectation_of(violations, {"name": "x"}, violations) == Accepted(("update.optional",), by_code=True)


def test_of_a_query_no_value_shows() -> None:
    (fault,) = judge_request(get(), query="a=secret&b&c=&d=x=y")
    assert fault.got == "?a=...&b&c=&d=..."


def test_the_gravest_fault_comes_first() -> None:
    body = {"name": "", "colour": 1, **filtered({**TIME, "unit": "weeks"})}
    assert [fault.severity for fault in judge_request(put(body))] == list(Severity)


def test_a_filter_of_a_thousand_groups_is_judged() -> None:
    group = json.dumps(filtered(COUNT)["filter"])
    nested = '{"operator": "AND", "groups": [' * 1000 + group + "]}" * 1000
    assert named(put(f'{{"filter": {nested}}}'.encode())) == {("body-shape", "body")}


@pytest.mark.parametrize("name", [*BESIDE_THE_QUESTIONS, "camel-case", "filter.time.unit", "content-type"])
def test_every_name_is_explained(name: str) -> None:
    statement, docs = about(name)
    assert statement
    assert docs


def test_the_text_of_a_refused_request() -> None:
    request = put({"filter": {"operator": "NOT", "conditions": [COUNT]}})
    (fault,) = judge_request(request)
    assert (
        request_text(fault, request)
        == """\
filter.operator                     refused · 400 invalid_group_operator
  a group operator other than AND and OR is refused
  docs       update-audience, Error Codes, invalid_group_operator
  sent       PUT /v2/audiences/{id}  {"filter": {"operator": "NOT", "conditions": [\
{"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}]}}
  at         /filter/operator
  got        "NOT"
  instead    one of AND, OR"""
    )


def test_the_text_of_an_open_question_asks_it_once() -> None:
    request = put({"name": ""})
    (fault,) = judge_request(request)
    assert fault.severity is Severity.OPEN
    assert request_text(fault, request).count(fault.instead) == 1
