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


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The schemas, to be changed: what the contract holds is put together anew from them."""
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json", "openapi.json", "error.json")
    changed = {name: copy.deepcopy(document(name)) for name in names}
    monkeypatch.setattr(expected_module, "document", changed.__getitem__)
    expected_pages.cache_clear()
    yield changed
    expected_pages.cache_clear()


LONGER, FIELD = "Body Parameters, name: limit or number: 255 / 300", "Response Fields, "
OTHER_STATUS = f"{FIELD}status: listed values: active, archived / active, paused"
HOST = "example request: host: https://app.tracklysms.com/api"


@pytest.mark.parametrize(
    ("name", "pointer", "value", "said"),
    [
        (
            "update.md",
            "update.json properties name maxLength",
            300,
            [LONGER, "Error Codes, name_too_long" + LONGER[21:]],
        ),
        (
            "get.html",
            "audience.json properties cached_size type",
            ["string"],
            [f"{FIELD}cached_size: type: integer / string"],
        ),
        ("get.txt", "audience.json properties status enum", ["active", "paused"], [OTHER_STATUS]),
        ("get.txt", "openapi.json servers", [{"url": "https://b.example"}], [f"{HOST} / https://b.example"]),
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
