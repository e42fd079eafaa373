"""Facts about the contract's side: it is put together from rules, schemas and vectors, and follows them."""

import copy
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from tests.pages.docs_pages import compared, filled
from trackly_contract.contract import contract, document
from trackly_contract.pages import expected as expected_module
from trackly_contract.pages.expected import ExpectedPage, expected_pages


@pytest.mark.parametrize("page", expected_pages(), ids=lambda page: page.operation)
def test_all_that_the_contract_quotes_from_a_page_is_looked_for_there(page: ExpectedPage) -> None:
    rules = [(rule, s) for rule in contract().rules.values() for s in rule.sources if s.page == page.page]
    areas = ("body", "response", page.method.casefold())
    own = {rule.id for rule, _ in rules if rule.code or (rule.field and rule.field.partition(".")[0] in areas)}
    assert own <= {rule for row in page.rows.values() for rule in row.rules}
    assert all(row.rules for row in page.rows.values())
    looked_for = {quote for row in page.rows.values() for quote, _ in row.quotes} | {
        quote for _, quote, _ in page.quotes
    }
    assert looked_for == {source.quote for _, source in rules if not source.section.startswith("example")}
    for entry in (entry for entry in contract().mentioned if entry.page == page.page):
        row = page.rows.get(entry.section)
        assert entry.word in ({word for _, word in row.expected} if row else page.command.values())


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The schemas, to be changed: what the contract holds is put together anew from them."""
    names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json", "openapi.json", "error.json")
    changed = {name: copy.deepcopy(document(name)) for name in names}
    monkeypatch.setattr(expected_module, "document", changed.__getitem__)
    expected_pages.cache_clear()
    yield changed
    expected_pages.cache_clear()


LIMITS = [f"{place}: limit or number: 255 / 300" for place in ("Body Parameters, name", "Error Codes, name_too_long")]
OTHER_TYPE = "Response Fields, cached_size: type: integer / string"
OTHER_STATUS = "Response Fields, status: listed values: active, archived / active, paused"
HOST = "example request: host: https://app.tracklysms.com/api"


@pytest.mark.parametrize(
    ("name", "pointer", "value", "said"),
    [
        ("update.md", "update.json properties name maxLength", 300, LIMITS),
        ("get.html", "audience.json properties cached_size type", ["string"], [OTHER_TYPE]),
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
    _, update = expected_pages()
    assert set(update.of_member("example request", pointer)) == rules
