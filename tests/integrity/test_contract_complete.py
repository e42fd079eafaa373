"""The contract is whole: what a rule lacks is said in one sentence with the file, the entry and what to add.

What the pages list is typed once more in documented.py, so that a row that is lost in contracts/ is missed here.
"""

import os
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from operator import attrgetter
from typing import Any

import msgspec
import pytest

from tests.contract.test_decide import marked
from tests.integrity.documented import AUDIENCE_ID, DOCUMENTED_TOKENS, PAGES, RESPONSE, ROWS, SAYS
from tests.integrity.mutants import mutants
from trackly_contract.contract import KINDS, Contract, RequestVector, contract, missing_vectors
from trackly_contract.contract.model import AnswerVector
from trackly_contract.core import ABSENT, Exchange, ExitCode, Request, Response, differences, encode, parse, same, show
from trackly_contract.core.files import data_root, suite_folder
from trackly_contract.judge import Accepted, Expectation, Rejected, Rejection, judge
from trackly_contract.reference import DEFAULT_CHOICES, ReferenceServer
from trackly_contract.reference import filter as reference_filter
from trackly_contract.suite import run_suite


def each(entries: Iterable[Any]) -> list[Any]:
    return [pytest.param(entry, id=entry.id) for entry in entries]


ANSWERS = contract().answers.values()

# What is missing ---------------------------------------------------------------------------------------


def missing(source: Contract) -> Iterator[str]:
    """Yield one sentence for each thing that a rule of the contract still needs, here or elsewhere."""
    yield from missing_vectors(source)
    in_schemas = marked("x-error")
    broken_by_mutants = {rule for mutant in mutants() for rule in mutant.rules}
    for rule in source.rules.values():
        here = f"{rule.file}: rule {rule.id}"
        if rule.code and not any(rule.code in found.section or rule.code in found.quote for found in rule.sources):
            yield f"{here}: name the code in the section of a source, as 'Error Codes, {rule.code}'"
        if rule.status == 400 and not rule.needs_state and rule.code not in in_schemas:
            yield (
                f"schemas/update.json or filter.json: rule {rule.id}: add x-error {rule.code} to the keyword that "
                f"rejects it, or needs_state = true in {rule.file}"
            )
        if rule.breakable and not (rule.code or rule.accepts or rule.impact):
            yield f"{here}: add a field impact: which clients break, or accepts = true if it is about accepted bodies"
        if rule.breakable and not (rule.untested or rule.contested or rule.id in broken_by_mutants):
            yield f"tests/integrity/mutants.py: rule {rule.id}: add a mutant that breaks it"
    for vector in source.requests.values():
        status, body = asked(ReferenceServer(), vector)
        code = body.get("code") if isinstance(body, dict) else None
        if (status, code) != (vector.status, vector.code):
            yield (
                f"src/trackly_contract/reference/: vector {vector.id}: make the reference server respond with "
                f"{vector.status} {vector.code or ''} in place of {status} {code or ''}"
            )


def unknown(source: Contract) -> Iterator[str]:
    """Yield one sentence for each entry that refers to a page, a rule or a twin that is not there."""
    requests, answers, questions = source.requests.values(), source.answers.values(), source.questions.values()
    needing_twins = [vector for vector in requests if vector.refused], [v for v in answers if v.verdict == "broken"]
    for entries, names, known in (
        (source.rules.values(), lambda rule: [found.page for found in rule.sources], source.pages),
        ([*questions, *source.mentioned, *source.vocabulary.tokens], lambda entry: [entry.page], source.pages),
        ([*questions, *source.assumptions], attrgetter("rules"), source.rules),
        ([*requests, *answers], lambda vector: [vector.rule], source.rules),
        (needing_twins[0], lambda vector: [vector.twin], source.requests),
        (needing_twins[1], lambda vector: [vector.twin], source.answers),
    ):
        yield from (f"{entry}: there is no {name}" for entry in entries for name in names(entry) if name not in known)


def unfit(source: Contract) -> dict[str, list[Any]]:
    """Return the entries whose fields do not go together, by what to do."""
    rules, requests, questions = source.rules.values(), source.requests.values(), source.questions.values()
    guides = {page.id for page in source.pages.values() if page.kind == "guide"}
    return {
        "move it to the file that its id begins with": [
            rule.id for rule in rules if f'id = "{rule.id}"' not in (data_root() / rule.file).read_text("utf-8")
        ],
        "a guide alone makes no rule stated or shown": [
            rule.id for rule in rules if rule.breakable and {found.page for found in rule.sources} <= guides
        ],
        "add status or code": [rule.id for rule in rules if (rule.status is None) != (rule.code is None)],
        "say what the API does": [r.id for r in rules if re.search("should|test that|must be", r.statement)],
        "an accepted vector has no twin": [vector.id for vector in requests if vector.twin and not vector.refused],
        "a rejected vector has no echo": [vector.id for vector in requests if vector.echo and vector.refused],
        "give it another id": [*(source.requests.keys() & source.answers.keys())],
        "give either probe or cannot": [found.id for found in questions if bool(found.probes) == bool(found.cannot)],
        "add find or of": [p.says for found in questions for p in found.probes if bool(p.find) != bool(p.of)],
    }


def asked(server: ReferenceServer, vector: RequestVector, path: str = "") -> tuple[int, Any]:
    """Return status and body of the response to a vector, or in its situation to a GET of `path`."""
    key = {"key_missing": None, "key_empty": "", "key_wrong": "trk_" + "z" * 32}.get(
        vector.situation or "", next(iter(server.store.keys))
    )
    headers = (("Content-Type", "application/json"), *([] if key is None else [("X-Api-Key", key)]))
    audience = "f" * 24 if vector.situation == "id_unknown" else AUDIENCE_ID
    body = b"" if path or vector.body is ABSENT else encode(vector.body)
    method = "GET" if path else vector.method
    response = server.answer(Request(method, path or f"/v2/audiences/{audience}", headers, body))
    return response.status, parse(response.body)


def test_nothing_is_missing_and_everything_fits() -> None:
    assert [*missing(contract()), *unknown(contract())] == []
    assert {what: found for what, found in unfit(contract()).items() if found} == {}


def test_what_a_new_rule_needs_is_named() -> None:
    known = contract().rules["update.name.too_long"]
    rejecting = msgspec.structs.replace(known, id="update.zz", code="zz_code")
    accepting = msgspec.structs.replace(known, id="filter.zz", code=None, status=None)
    twin = next(vector for vector in contract().of_rule(known.id) if vector.refused)
    vectors = {"update.zz/one": msgspec.structs.replace(twin, id="update.zz/one", code="zz_code")}
    rules = {rule.id: rule for rule in (rejecting, accepting)}
    told = list(missing(replace(contract(), rules=rules, requests=vectors)))
    assert [sentence.partition(": ")[0] for sentence in told] == [
        "contracts/rules/filter.toml",
        "contracts/rules/update.toml",
        "schemas/update.json or filter.json",
        "tests/integrity/mutants.py",
        "contracts/rules/filter.toml",
        "tests/integrity/mutants.py",
        "src/trackly_contract/reference/",
    ]
    assert all("rule update.zz" in sentence or "rule filter.zz" in sentence for sentence in told[:-1])
    assert told[-1].endswith("respond with 400 zz_code in place of 400 name_too_long")


def test_a_contract_that_lacks_a_vector_is_a_failure_of_the_suite(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trackly_contract.contract.missing_vectors", lambda _: ["rule a.b: add a vector"])
    assert run_suite(None, "quick") == (ExitCode.SUITE_FAILED, None)
    assert "rule a.b: add a vector" in capsys.readouterr().out


class Marks:
    """A plugin that keeps the rules which the collected tests are marked with."""

    def __init__(self) -> None:
        self.rules: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.rules = {mark.args[0] for item in session.items for mark in item.iter_markers("trackly_rule")}


@pytest.mark.parametrize("effort", ["quick", "standard", "thorough"])
def test_every_rule_is_tested_by_the_suite(effort: str, capsys: pytest.CaptureFixture[str]) -> None:
    marks = Marks()
    options = ["-c", os.devnull, f"--rootdir={data_root()}", "--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["-p", "trackly-contract", "--collect-only", "-qq", f"--trackly-effort={effort}", str(suite_folder())]
    assert pytest.main(options, plugins=[marks]) == 0, capsys.readouterr().out
    untested = {rule.id for rule in contract().rules.values() if rule.untested is None} - marks.rules
    assert untested == set(), "tests/conformance/: mark a test with each of these rules (trackly_rule)"


# Codes, fields, statements -----------------------------------------------------------------------------


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


@pytest.mark.parametrize(("page", "field", "section"), ROWS)
def test_a_documented_field_has_a_rule(page: str, field: str, section: str | None) -> None:
    rules = [rule for rule in contract().rules.values() if rule.field == field]
    assert len(rules) == 1
    assert any(source.page == page and section in (None, source.section) for source in rules[0].sources)
    assert field.endswith("path.id") or re.search(rf"\b{field.partition('.')[2]}\b", rules[0].statement)


@pytest.mark.parametrize("rule", SAYS)
def test_a_statement_says_the_documented_words(rule: str) -> None:
    statement = contract().rules[rule].statement
    absent = [word for word in SAYS[rule].split() if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", statement)]
    assert absent == [], statement


# Vectors and their twins -------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", each(vector for vector in contract().requests.values() if vector.refused))
def test_a_rejected_vector_is_one_edit_away_from_an_accepted_one(vector: RequestVector) -> None:
    twin = contract().requests[str(vector.twin)]
    assert not twin.refused
    assert (twin.status, twin.method, twin.situation) == (200, vector.method, None)
    edits = list(differences(twin.body, vector.body))
    assert len(edits) + (vector.situation is not None) == 1, edits


@pytest.mark.parametrize("vector", each(vector for vector in ANSWERS if vector.verdict == "broken"))
def test_a_broken_response_is_one_edit_away_from_one_that_holds(vector: AnswerVector) -> None:
    twin = contract().answers[str(vector.twin)]
    assert (twin.verdict, twin.status, twin.method) == ("held", vector.status, vector.method)
    wrapped = isinstance(vector.answer, dict) and any(same(vector.answer, {key: twin.answer}) for key in vector.answer)
    assert wrapped or len(list(differences(twin.answer, vector.answer))) == 1


@pytest.mark.parametrize("vector", each(contract().requests.values()))
def test_the_reference_server_responds_to_a_vector_as_it_says(vector: RequestVector) -> None:
    server = ReferenceServer()
    before = deepcopy(server.store.audiences)
    status, answer = asked(server, vector)
    assert (status, answer.get("code")) == (vector.status, vector.code)
    if vector.refused:
        assert same(server.store.audiences, before)
        assert answer.keys() == {"error", "code"}
    if vector.then is not None:
        status, answer = asked(server, vector, f"/v2/audiences/{AUDIENCE_ID}{'/size' if vector.then == 'size' else ''}")
        assert status == 200
    if vector.refused and vector.then == "read":
        assert same(answer, before[AUDIENCE_ID])
    echo = vector.echo or {}
    assert [name for name in echo if not same(answer.get(name, ABSENT), echo[name])] == [], show(answer)
    if vector.id.endswith(".success/documented-example"):
        assert list(answer) == list(echo) == RESPONSE


@pytest.mark.parametrize("vector", each(ANSWERS))
def test_a_response_is_judged_as_its_vector_says(vector: AnswerVector) -> None:
    exchange = Exchange(Request(vector.method, ""), Response(vector.status, (), encode(vector.answer)))
    expectation: Expectation = Accepted()
    if vector.status >= 300:
        code = contract().answers[vector.twin or vector.id].answer["code"]
        rule = next(rule for rule in contract().rules.values() if rule.code == code)
        expectation = Rejected(((rule.id, Rejection(vector.status, code)),))
    findings = judge(exchange, expectation, AUDIENCE_ID).findings
    assert {finding.verdict for finding in findings if finding.rule == vector.rule} == {vector.verdict}
    others = {finding.rule for finding in findings if finding.verdict == "broken"} - {vector.rule}
    assert others == set(), "one edit breaks one rule"


# Vocabulary --------------------------------------------------------------------------------------------

BY_HAND = {
    "group.operator": reference_filter.GROUP_OPERATORS,
    "condition_type": frozenset(reference_filter.JUDGES),
    "time.field": reference_filter.TIME_FIELDS,
    "time.operator": reference_filter.TIME_OPERATORS,
    "time.unit": reference_filter.TIME_UNITS,
    "count.field": reference_filter.COUNT_FIELDS,
    "count.operator": reference_filter.COUNT_OPERATORS,
    "custom_field.operator": reference_filter.CUSTOM_FIELD_OPERATORS,
    "carrier.operator": reference_filter.CARRIER_OPERATORS,
    "timezone.operator": reference_filter.TIMEZONE_OPERATORS,
    "revenue.field": reference_filter.REVENUE_FIELDS,
    "revenue.operator": reference_filter.REVENUE_OPERATORS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_server_knows_the_same_tokens(kind: str) -> None:
    words = contract().vocabulary.words(kind)
    assert len(words) == len(set(words))
    assert set(words) == BY_HAND[kind]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith(".operator") and kind != "group.operator"])
def test_an_operator_needs_the_same_on_the_reference_server(kind: str) -> None:
    judged, _, _ = kind.partition(".")
    field = next(iter(contract().vocabulary.words(f"{judged}.field")), "any_field")
    for token in contract().vocabulary.of(kind):
        condition = {"condition_type": judged, "field": field, "operator": token.token}
        found = reference_filter.condition_faults(condition, DEFAULT_CHOICES)
        assert [fault.path[1:] for fault in found] == list(token.needs), token.token


def test_documented_tokens_are_no_candidates() -> None:
    vocabulary = contract().vocabulary
    for kind, words in DOCUMENTED_TOKENS.items():
        assert set(words) <= {token.token for token in vocabulary.of(kind) if not token.candidate}, kind
    assert vocabulary.full == {"group.operator", "time.unit"}
    assert all(vocabulary.words(kind) == DOCUMENTED_TOKENS[kind] for kind in vocabulary.full)


def test_a_token_that_is_stated_comes_from_a_reference_page() -> None:
    pages = contract().pages
    assert [t.token for t in contract().vocabulary.tokens if not t.candidate and pages[t.page].kind == "guide"] == []
