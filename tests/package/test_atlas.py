"""Facts about docs/edge-cases.md: it is fresh, and tells what is observed from what is assumed."""

from __future__ import annotations

from datetime import date

import pytest

from trackly_contract import answers, atlas
from trackly_contract.answers import Given
from trackly_contract.contract import contract
from trackly_contract.rule import Probe

URL = "https://app.tracklysms.com/api"
GIVEN = (
    Given("key-form", "a key of three letters", "401 invalid_api_key", URL, date(2026, 11, 21)),
    Given("token-unlisted", "the condition type on_dnc", "400 invalid_condition_type", URL, date(2026, 11, 21)),
)


@pytest.fixture(scope="module")
def unasked() -> str:
    return atlas.document()


@pytest.fixture(scope="module")
def asked() -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "standing", lambda: GIVEN)
        return atlas.document()


def test_the_document_is_fresh(unasked: str) -> None:
    assert atlas.path().read_text("utf-8") == unasked


def test_every_question_is_in_it_with_its_page_and_why(unasked: str) -> None:
    for question in contract().questions.values():
        section = unasked.partition(f"\n### {question.id}\n")[2].partition("\n### ")[0]
        assert question.asks in section
        assert question.why in section
        assert contract().pages[question.page].url in section
        assert question.cannot in section


def test_where_nobody_asked_nothing_is_observed(unasked: str) -> None:
    body = unasked.partition("## Contradictions")[2]
    assert "◉" not in body
    assert "**No live API was asked yet**" in unasked


def test_an_observed_answer_stands_with_its_address_and_day(asked: str) -> None:
    assert f"| ◉ 401 invalid_api_key (at {URL} on 2026-11-21) | ≈ 401 unauthorized |" in asked
    assert "No live API was asked yet" not in asked


def test_what_was_not_asked_stays_unknown_beside_it(asked: str) -> None:
    section = asked.partition("\n### empty-update\n")[2].partition("\n### ")[0]
    assert "| ? | ≈ 200, nothing changed |" in section


def test_the_side_that_an_api_took_is_told(asked: str) -> None:
    line = next(line for line in asked.splitlines() if line.startswith("| the code of a refused key"))
    assert line.endswith(f"| ◉ missing_api_key and invalid_api_key (401 invalid_api_key) at {URL} on 2026-11-21 |")


def test_an_answer_that_is_neither_side_is_told_as_neither() -> None:
    found = next(entry for entry in atlas.contradictions() if entry.id == "code-of-401")
    given = Given("key-form", "a key of three letters", "403 forbidden", URL, date(2026, 11, 21))
    assert found.taken([given]) == f"neither (403 forbidden) at {URL} on 2026-11-21"


@pytest.mark.parametrize("entry", atlas.contradictions(), ids=lambda entry: entry.id)
def test_what_shows_a_contradiction_is_there(entry: atlas.Contradiction) -> None:
    if "rule" in entry.shown_by:
        assert entry.shown_by["rule"] in contract().rules
    elif entry.shown_by:
        question = contract().questions[entry.shown_by["question"]]
        assert entry.shown_by["probe"] in [probe.says for probe in question.probes]
        assert entry.shown_by["one_is"] != entry.shown_by["other_is"]


def test_no_table_is_torn(unasked: str) -> None:
    for line in unasked.splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|") - 1
            assert cells in (3, 5), line


@pytest.mark.parametrize(
    ("probe", "line"),
    [
        (Probe("x"), "GET /v2/audiences/{id}"),
        (Probe("x", id="abc"), "GET /v2/audiences/abc"),
        (Probe("x", id="@ID"), "GET /v2/audiences/{ID}"),
        (Probe("x", key="", raw="{"), "PUT /v2/audiences/{id}  no X-Api-Key  {"),
        (Probe("x", body="{}", headers={"Content-Type": ""}), "PUT /v2/audiences/{id}  no Content-Type  {}"),
        (
            Probe("x", condition="null"),
            'PUT /v2/audiences/{id}  {"filter": {"operator": "AND", "conditions": [GUARD, null]}}',
        ),
        (Probe("x", method="PATCH", body="{}"), "PATCH /v2/audiences/{id}  {}"),
    ],
)
def test_a_request_is_shown_on_one_line(probe: Probe, line: str) -> None:
    assert atlas.asked(probe) == line
