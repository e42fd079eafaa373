"""The contract is whole and agrees with what it was read from, with the schemas and with the reference server.

What the pages list is typed once more in documented.py, so that a row that is lost in contracts/ is missed here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.integrity.documented import (
    AUDIENCE_ID,
    CODES,
    DECIDED_IN_CODE,
    DOCUMENTED_TOKENS,
    PAGES,
    RESPONSE,
    ROWS,
    SAYS,
)
from trackly_contract.contract import KINDS, contract, document
from trackly_contract.core import ABSENT, Exchange, Request, Response, differences, encode, parse, same, show
from trackly_contract.core.files import data_root, suite_folder
from trackly_contract.judge import judge_audience, judge_rejection
from trackly_contract.judge.findings import Rejection
from trackly_contract.reference import DEFAULT_CHOICES, ReferenceServer
from trackly_contract.reference import filter as reference_filter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trackly_contract.contract import RequestVector, Rule
    from trackly_contract.contract.model import AnswerVector
    from trackly_contract.core import JSON

RULES = [pytest.param(rule, id=rule.id) for rule in contract().rules.values()]
REQUESTS = [pytest.param(vector, id=vector.id) for vector in contract().requests.values()]
REFUSED = [pytest.param(vector, id=vector.id) for vector in contract().refused()]
ANSWERS = [pytest.param(vector, id=vector.id) for vector in contract().answers.values()]
BROKEN = [pytest.param(vector, id=vector.id) for vector in contract().answers.values() if vector.verdict == "broken"]


# Rules, codes, fields ----------------------------------------------------------------------------------


def every_vector() -> list[RequestVector | AnswerVector]:
    return [*contract().requests.values(), *contract().answers.values()]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_vectors_or_a_reason_to_have_none(rule: Rule) -> None:
    found = [vector.id for vector in every_vector() if vector.rule == rule.id]
    assert bool(found) != bool(rule.untested), f"vectors: {found}; untested: {rule.untested}"
    refused = [vector for vector in contract().of_rule(rule.id) if vector.code == rule.code]
    assert rule.code is None or refused, f"no vector of the rule is refused with {rule.code}"


def test_a_vector_has_a_rule() -> None:
    assert {vector.rule for vector in every_vector()} <= set(contract().rules)


@pytest.mark.parametrize(
    ("page", "code", "status"),
    [(page, code, status) for page, codes in PAGES.items() for code, status in codes.items()],
)
def test_a_documented_code_has_a_rule(page: str, code: str, status: int) -> None:
    place = (page, f"Error Codes, {code}")
    rules = [
        r for r in contract().rules.values() if place in {(s.page, s.section) for s in r.sources} and r.code == code
    ]
    assert [(rule.status, rule.basis) for rule in rules] == [(status, "stated")]


def test_no_rule_has_another_code() -> None:
    found = {(rule.code, rule.status) for rule in contract().rules.values() if rule.code is not None}
    assert found == set(CODES.items())


@pytest.mark.parametrize(("page", "field", "section"), ROWS)
def test_a_documented_field_has_a_rule(page: str, field: str, section: str | None) -> None:
    rules = [rule for rule in contract().rules.values() if rule.field == field]
    assert len(rules) == 1
    assert any(source.page == page and section in (None, source.section) for source in rules[0].sources)
    assert field.endswith("path.id") or re.search(rf"\b{field.partition('.')[2]}\b", rules[0].statement)


@pytest.mark.parametrize("rule", SAYS)
def test_a_statement_says_the_documented_words(rule: str) -> None:
    statement = contract().rules[rule].statement
    missing = [word for word in SAYS[rule].split() if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", statement)]
    assert missing == [], statement


@pytest.mark.parametrize("rule", RULES)
def test_a_quotation_has_eight_words_at_most(rule: Rule) -> None:
    for source in rule.sources:
        assert 0 < len(source.quote.split()) <= 8


# Vectors and their twins -------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", REFUSED)
def test_a_refused_vector_is_one_edit_away_from_an_accepted_one(vector: RequestVector) -> None:
    twin = contract().requests[str(vector.twin)]
    assert not twin.refused
    assert (twin.status, twin.method, twin.situation) == (200, vector.method, None)
    edits = list(differences(twin.body, vector.body))
    assert len(edits) + (vector.situation is not None) == 1, edits


@pytest.mark.parametrize("vector", BROKEN)
def test_a_broken_answer_is_one_edit_away_from_one_that_holds(vector: AnswerVector) -> None:
    twin = contract().answers[str(vector.twin)]
    assert (twin.verdict, twin.status, twin.method) == ("held", vector.status, vector.method)
    wrapped = isinstance(vector.answer, dict) and any(same(vector.answer, {key: twin.answer}) for key in vector.answer)
    assert wrapped or len(list(differences(twin.answer, vector.answer))) == 1


@pytest.mark.parametrize("vector", REQUESTS)
def test_the_reference_server_answers_a_vector_as_it_says(vector: RequestVector) -> None:
    server = ReferenceServer()
    before = deepcopy(server.store.audiences)
    key = {"key_missing": None, "key_empty": "", "key_wrong": "trk_" + "z" * 32}.get(
        vector.situation or "", next(iter(server.store.keys))
    )
    headers = (("Content-Type", "application/json"), *([] if key is None else [("X-Api-Key", key)]))
    audience = "f" * 24 if vector.situation == "id_unknown" else AUDIENCE_ID
    path = f"/v2/audiences/{audience}"

    def ask(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        response = server.answer(Request(method, path, headers, body))
        return response.status, parse(response.body)

    status, answer = ask(vector.method, path, b"" if vector.body is ABSENT else encode(vector.body))
    assert (status, answer.get("code")) == (vector.status, vector.code)
    if vector.refused:
        assert same(server.store.audiences, before)
        assert answer.keys() == {"error", "code"}
    if vector.then is not None:
        status, answer = ask("GET", path if vector.then == "read" else f"{path}/size")
        assert status == 200
    if vector.refused and vector.then == "read":
        assert same(answer, before[AUDIENCE_ID])
    echo = vector.echo or {}
    assert [name for name in echo if not same(answer.get(name, ABSENT), echo[name])] == [], show(answer)
    if vector.id.endswith(".success/documented-example"):
        assert list(answer) == list(echo) == RESPONSE


@pytest.mark.parametrize("vector", ANSWERS)
def test_an_answer_is_judged_as_its_vector_says(vector: AnswerVector) -> None:
    exchange = Exchange(Request(vector.method, ""), Response(vector.status, (), encode(vector.answer)))
    if vector.status < 300:
        findings = list(judge_audience(exchange, AUDIENCE_ID).findings)
    else:
        code = contract().answers[vector.twin or vector.id].answer["code"]
        rule = next(rule for rule in contract().rules.values() if rule.code == code)
        findings = judge_rejection(exchange, rule.id, Rejection(vector.status, code))
    assert {finding.verdict for finding in findings if finding.rule == vector.rule} == {vector.verdict}
    others = {finding.rule for finding in findings if finding.verdict == "broken"} - {vector.rule}
    assert others == set(), "one edit breaks one rule"


# Schemas and vocabulary --------------------------------------------------------------------------------


def subschemas(node: JSON, place: str) -> Iterator[tuple[str, dict[str, JSON]]]:
    if isinstance(node, dict):
        yield place, node
        for key, member in node.items():
            yield from subschemas(member, f"{place}/{key}")
    elif isinstance(node, list):
        for index, member in enumerate(node):
            yield from subschemas(member, f"{place}/{index}")


def marked(mark: str) -> Iterator[tuple[str, dict[str, JSON], JSON]]:
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json", "error.json", "vocabulary.json")
    for name in names:
        for place, schema in subschemas(document(name), name):
            if mark in schema:
                yield place, schema, schema[mark]


@pytest.mark.parametrize("mark", ["x-error", "x-open"])
def test_a_mark_in_a_schema_stands_for_something_known(mark: str) -> None:
    known = [code for code, status in CODES.items() if status == 400] if mark == "x-error" else contract().questions
    found = [
        (place, keyword, name)
        for place, schema, marks in marked(mark)
        for keyword, name in marks.items()
        if keyword not in schema or name not in known
    ]
    assert found == []


def test_every_400_is_found_by_a_schema_or_left_to_the_server() -> None:
    reached = {code for _, _, marks in marked("x-error") for code in marks.values()}
    assert {code for code, status in CODES.items() if status == 400} - reached == {"source_list_not_found"}


NOT_SEEN_IN_A_BODY = {
    *("key-blanks", "key-form", "key-order", "id-form", "id-and-body", "method", "content-type", "json-dialect"),
    *("status-change", "description-length", "lists-and-cache", "same-filter-and-cache", "group-size"),
    *("order-of-members", "order-in-a-group", "order-in-a-condition", "order-of-places"),
}
"""Questions that no body alone touches: of requests, of sequences, of two faults at once, of sizes."""

PARTS = {
    "unknown-key": {"camel-case", "read-only-member"},
    "list-shape": {"lists-null"},
    "filter-shape": {"filter-null"},
    "value-shape": {"number-form"},
}
"""Questions whose bodies are open by another question, which is wider."""


def test_a_question_is_open_in_the_schemas_or_beside_them() -> None:
    asked = {name for _, _, marks in marked("x-open") for name in marks.values()}
    parts = {name for wider, names in PARTS.items() for name in names if wider in asked}
    assert asked | DECIDED_IN_CODE | NOT_SEEN_IN_A_BODY | parts == set(contract().questions)


def test_a_rule_named_in_a_schema_exists() -> None:
    assert [(place, rule) for place, _, rule in marked("x-rule") if rule not in contract().rules] == []


def typed_by_hand() -> dict[str, frozenset[str]]:
    server = reference_filter
    return {
        "group.operator": server.GROUP_OPERATORS,
        "condition_type": frozenset(server.JUDGES),
        "time.field": server.TIME_FIELDS,
        "time.operator": server.TIME_OPERATORS,
        "time.unit": server.TIME_UNITS,
        "count.field": server.COUNT_FIELDS,
        "count.operator": server.COUNT_OPERATORS,
        "custom_field.operator": server.CUSTOM_FIELD_OPERATORS,
        "carrier.operator": server.CARRIER_OPERATORS,
        "timezone.operator": server.TIMEZONE_OPERATORS,
        "revenue.field": server.REVENUE_FIELDS,
        "revenue.operator": server.REVENUE_OPERATORS,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_server_knows_the_same_tokens(kind: str) -> None:
    words = contract().vocabulary.words(kind)
    assert len(words) == len(set(words))
    assert set(words) == typed_by_hand()[kind]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith(".operator") and kind != "group.operator"])
def test_an_operator_needs_the_same_on_the_reference_server(kind: str) -> None:
    judged, _, _ = kind.partition(".")
    field = next(iter(contract().vocabulary.words(f"{judged}.field")), "any_field")
    for token in contract().vocabulary.of(kind):
        condition = {"condition_type": judged, "field": field, "operator": token.token}
        missing = reference_filter.condition_faults(condition, DEFAULT_CHOICES)
        assert [fault.path[1:] for fault in missing] == list(token.needs), token.token


def test_documented_tokens_are_no_candidates() -> None:
    for kind, words in DOCUMENTED_TOKENS.items():
        assert set(words) <= {token.token for token in contract().vocabulary.of(kind) if not token.candidate}, kind
    assert contract().vocabulary.full == {"group.operator", "time.unit"}
    for kind in contract().vocabulary.full:
        assert contract().vocabulary.words(kind) == DOCUMENTED_TOKENS[kind]


# The suite ---------------------------------------------------------------------------------------------

COLLECT = """
import json, pathlib, sys
import pytest

class Marks:
    def pytest_collection_finish(self, session):
        found = {item.nodeid: [m.args[0] for m in item.iter_markers("trackly_rule")] for item in session.items}
        pathlib.Path(sys.argv[1]).write_text(json.dumps(found), "utf-8")

sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[2:]], plugins=[Marks()]))
"""


@pytest.mark.parametrize("effort", ["quick", "standard", "thorough"])
def test_every_rule_is_tested_by_the_suite(effort: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks.json"
    arguments = [str(marks), f"--trackly-effort={effort}", str(suite_folder())]
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, *arguments], cwd=data_root(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    marked = {rule for rules in json.loads(marks.read_text("utf-8")).values() for rule in rules}
    assert marked == {rule.id for rule in contract().rules.values() if rule.untested is None}
