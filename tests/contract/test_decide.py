"""Facts about the schemas at work: what vectors decide, and every failing keyword stands for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.contract import KINDS, code_of, contract, document, schemas
from trackly_contract.core import ABSENT, Exchange, Request, Response, Verdict, encode
from trackly_contract.judge import judge_audience, judge_rejection
from trackly_contract.judge.findings import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.contract import RequestVector
    from trackly_contract.contract.model import AnswerVector

AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"

NEVER_FAIL = frozenset(
    {"$schema", "$id", "$ref", "$defs", "title", "description", "properties", "items", "allOf", "if", "then", "else"}
    | {"x-error", "x-open"}
)
"""Keywords that do not fail themselves: they say something, or what stands below them fails."""

DECIDED_ELSEWHERE = {"source_list_not_found"}


# Vectors -------------------------------------------------------------------------------------------

BODIES = [
    vector for vector in contract().requests.values() if vector.body is not ABSENT and vector.status in (200, 400)
]


@pytest.mark.parametrize("vector", BODIES, ids=lambda vector: vector.id)
def test_a_request_vector_is_decided_as_it_says(vector: RequestVector) -> None:
    found = schemas().decide(vector.body)
    assert not found.questions
    expected = [vector.code] if vector.code and vector.code not in DECIDED_ELSEWHERE else []
    assert [fault.stands_for for fault in found.faults] == expected


def judged(vector: AnswerVector) -> dict[str, Verdict]:
    """Return the worst verdict of each rule that an answer vector bears on."""
    exchange = Exchange(
        Request(vector.method, f"/v2/audiences/{AUDIENCE_ID}"), Response(vector.status, (), encode(vector.answer))
    )
    if vector.status == 200:
        findings = list(judge_audience(exchange, AUDIENCE_ID).findings)
    else:
        code = vector.answer.get("code")
        findings = judge_rejection(
            exchange, "filter.time.unit", Rejection(vector.status, code if isinstance(code, str) else "?")
        )
    weight = [Verdict.HELD, Verdict.NOTED, Verdict.BROKEN]
    worst: dict[str, Verdict] = {}
    for finding in findings:
        worst[finding.rule] = max(worst.get(finding.rule, Verdict.HELD), finding.verdict, key=weight.index)
    return worst


@pytest.mark.parametrize("vector", contract().answers.values(), ids=lambda vector: vector.id)
def test_an_answer_vector_is_worth_what_it_says(vector: AnswerVector) -> None:
    assert judged(vector)[vector.rule] == vector.verdict


@pytest.mark.parametrize("vector", contract().answers.values(), ids=lambda vector: vector.id)
def test_an_answer_vector_breaks_no_other_rule(vector: AnswerVector) -> None:
    broken = {rule for rule, verdict in judged(vector).items() if verdict is Verdict.BROKEN}
    assert broken == ({vector.rule} if vector.verdict == "broken" else set())


# Marks ---------------------------------------------------------------------------------------------


def subschemas(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema that can report a failure, with its place; what is only asked by `if` or `anyOf` cannot."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword in ("items", "then", "else", "additionalProperties"):
        yield from subschemas(schema.get(keyword), f"{place}/{keyword}")
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            yield from subschemas(part, f"{place}/{keyword}/{name}")
    for index, part in enumerate(schema.get("allOf", [])):
        yield from subschemas(part, f"{place}/allOf/{index}")


def request_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("update.json", "filter.json"):
        yield from subschemas(document(name), name)
    vocabulary = contract().vocabulary.schema()
    for name, part in vocabulary["$defs"].items():
        if "_needing_" not in name:  # asked by `if` alone
            yield from subschemas(part, f"vocabulary.json/{name}")


def test_every_keyword_that_can_fail_says_what_it_stands_for() -> None:
    silent = [
        f"{place}: {keyword}"
        for place, schema in request_schemas()
        for keyword in set(schema) - NEVER_FAIL
        if keyword not in {**schema.get("x-error", {}), **schema.get("x-open", {})}
    ]
    assert silent == []


def test_no_mark_stands_for_a_keyword_that_is_not_there() -> None:
    idle = [
        f"{place}: {keyword}"
        for place, schema in request_schemas()
        for keyword in {**schema.get("x-error", {}), **schema.get("x-open", {})}
        if keyword not in schema
    ]
    assert idle == []


def test_no_keyword_is_an_error_and_open_at_once() -> None:
    both = [
        place for place, schema in request_schemas() if set(schema.get("x-error", {})) & set(schema.get("x-open", {}))
    ]
    assert both == []


def marked(mark: str) -> set[str]:
    return {value for _, schema in request_schemas() for value in schema.get(mark, {}).values()}


CODES = {rule.code for rule in contract().rules.values() if rule.status == 400}


def test_every_error_is_a_documented_code() -> None:
    assert marked("x-error") <= CODES


def test_every_documented_code_is_reachable_or_decided_by_the_server() -> None:
    assert CODES - marked("x-error") == DECIDED_ELSEWHERE


def test_every_open_point_is_a_question() -> None:
    assert marked("x-open") <= set(contract().questions)


def test_every_kind_of_token_has_a_documented_code() -> None:
    assert {code_of(kind) for kind in KINDS} <= CODES


def test_every_reference_leads_somewhere() -> None:
    names = set(contract().vocabulary.schema()["$defs"])
    wanted = {
        str(part["$ref"]).rpartition("/")[2]
        for _, schema in subschemas(document("filter.json"))
        for part in (schema, *schema.get("if", {}).get("properties", {}).values())
        if isinstance(part, dict) and str(part.get("$ref", "")).startswith("vocabulary.json")
    }
    assert wanted <= names
