"""Facts about the contract's side: it is put together from rules, schemas and vectors, and follows them."""

from __future__ import annotations

import copy
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.docs_pages import compared, filled
from trackly_contract.contract import contract, document
from trackly_contract.pages import expected as expected_module
from trackly_contract.pages.expected import expected_pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def held(page: str) -> Any:
    return next(found for found in expected_pages() if found.page == page)


def test_there_are_two_pages() -> None:
    assert [found.operation for found in expected_pages()] == ["GET /v2/audiences/{id}", "PUT /v2/audiences/{id}"]


@pytest.mark.parametrize("page", ["get-audience", "update-audience"])
def test_every_rule_with_a_row_or_a_code_has_its_row(page: str) -> None:
    rules = [rule for rule in contract().rules.values() if any(source.page == page for source in rule.sources)]
    found = {rule for row in held(page).rows.values() for rule in row.rules}
    method = held(page).method.casefold()
    own = [r for r in rules if r.code or (r.field and r.field.partition(".")[0] in ("body", "response", method))]
    assert {rule.id for rule in own} <= found


@pytest.mark.parametrize("page", ["get-audience", "update-audience"])
def test_every_quotation_from_outside_the_examples_is_looked_for(page: str) -> None:
    sources = [s for rule in contract().rules.values() for s in rule.sources if s.page == page]
    wanted = {s.quote for s in sources if not s.section.startswith("example")}
    looked_for = {quote for row in held(page).rows.values() for quote, _ in row.quotes}
    assert wanted == looked_for | {quote for _, quote, _ in held(page).quotes}


def test_the_words_of_note_are_those_of_schemas_and_vocabulary() -> None:
    rows = held("update-audience").rows
    assert rows["Error Codes, invalid_time_unit"].expected == {
        ("listed values", w) for w in ("days", "hours", "minutes")
    } | {("words that bind", "must")}
    assert ("limit or number", "255") in rows["Body Parameters, name"].expected
    assert rows["Error Codes, missing_time_value"].expected == {
        ("missing members", "value"),
        ("missing members", "unit"),
    }
    assert ("listed values", "archived") in held("get-audience").rows["Response Fields, status"].expected


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The schemas, to be changed: what the contract holds is put together anew from them."""
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json", "openapi.json", "error.json")
    changed = {name: copy.deepcopy(document(name)) for name in names}
    monkeypatch.setattr(expected_module, "document", changed.__getitem__)
    expected_pages.cache_clear()
    yield changed
    expected_pages.cache_clear()


@pytest.mark.parametrize(
    ("name", "pointer", "value", "said"),
    [
        (
            "update.md",
            "update.json properties name maxLength",
            300,
            [
                "Body Parameters, name: limit or number: 255 / 300",
                "Error Codes, name_too_long: limit or number: 255 / 300",
            ],
        ),
        (
            "get.html",
            "audience.json properties cached_size type",
            ["string", "null"],
            ["Response Fields, cached_size: type: integer / string"],
        ),
        (
            "get.txt",
            "audience.json properties status enum",
            ["active", "paused"],
            ["Response Fields, status: listed values: active, archived / active, paused"],
        ),
        (
            "get.txt",
            "openapi.json servers",
            [{"url": "https://b.example/api"}],
            ["example request: host: https://app.tracklysms.com/api / https://b.example/api"],
        ),
        ("update.html", "update.json required", ["filter"], ["Body Parameters, filter: required: no / yes"]),
    ],
)
def test_a_schema_that_was_edited_differs_from_the_page(
    tmp_path: Path, schemas: dict[str, Any], name: str, pointer: str, value: object, said: list[str]
) -> None:
    *steps, last = pointer.split()
    reduce(dict.__getitem__, steps, schemas)[last] = value
    found = compared(tmp_path, filled(name)).differences
    assert [f"{d.place}: {d.about}: {d.page} / {d.contract}" for d in found] == said


def test_every_word_that_a_page_mentions_is_expected_there() -> None:
    for entry in contract().mentioned:
        page = held(entry.page)
        row = page.rows.get(entry.section)
        words = {word for _, word in row.expected} if row else set(page.command.values())
        assert entry.word in words


@pytest.mark.parametrize(
    ("pointer", "rules"),
    [
        ("/name", {"update.name"}),
        ("/filter/operator", {"update.filter", "filter.operator"}),
        ("/filter/conditions/0/condition_type", {"update.filter", "filter.condition_type"}),
        ("/filter/conditions/0/unit", {"update.filter", "filter.time.unit", "filter.time.value"}),
        ("/filter/conditions/1/field", {"update.filter", "filter.count.field", "filter.count.known"}),
        ("/zz", {"update.success"}),
        ("", {"update.success"}),
    ],
)
def test_a_member_of_an_example_touches_its_rules(pointer: str, rules: set[str]) -> None:
    assert set(held("update-audience").of_member("example request", pointer)) == rules


@pytest.mark.parametrize(
    ("stated", "same"),
    [
        ("/v2/audiences/{id}", True),
        ("/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d", True),
        ("/v2/audiences/{audience_id}/", True),
        ("/v2/audiences", False),
        ("/v2/audiences/{id}/size", False),
        ("/v1/audiences/{id}", False),
    ],
)
def test_a_path_is_the_same_whatever_stands_for_the_id(stated: str, same: bool) -> None:
    assert held("update-audience").names("PUT", stated) is same
    assert not held("get-audience").names("PUT", stated)
