"""The saved copies of the two pages themselves; skipped where they do not lie beside the checkout.

Every row is taken out, and every word of every table's facts and of every example is altered, one at a time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.pages.docs_pages import saved, told
from trackly_contract.core import data_root
from trackly_contract.pages import compare_pages
from trackly_contract.pages.expected import expected_pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHODS = ("GET", "PUT")


def seed(method: str) -> str:
    """The copy of the page of a method."""
    folder = data_root().parent / "shared" / "seeds"
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        text = path.read_text("utf-8")
        if text.splitlines()[1] == method:
            return text
    pytest.skip("the copies of the two documentation pages (../shared/seeds) are not here")


def altered(word: str) -> str:
    return str(int(word) + 1) if word.isdigit() else word[:-1] + ("y" if word[-1] == "x" else "x")


def unnoticed(folder: Path, text: str, edits: Iterator[tuple[int, int, str]]) -> tuple[int, list[str]]:
    """How many edits there were, and those after which the page was said not to differ."""
    count, missed = 0, []
    for begin, end, new in edits:
        count += 1
        found, refused = compare_pages([saved(folder, text[:begin] + new + text[end:])])
        if refused or not found[0].differences:
            missed.append(f"{text[begin:end]!r} -> {new!r} at {begin}: {refused}")
    return count, missed


@pytest.mark.parametrize("method", METHODS)
def test_the_page_states_what_the_contract_holds(tmp_path: Path, method: str) -> None:
    assert told(tmp_path, seed(method)) == []


@pytest.mark.parametrize("method", METHODS)
def test_every_row_that_is_taken_out_is_named(tmp_path: Path, method: str) -> None:
    text = seed(method)
    held = next(page for page in expected_pages() if page.method == method)
    for place in held.rows:
        section, _, row = place.partition(", ")
        begin = text.index(f"\n{section}\n")
        pattern = rf"\n{row}\n[a-z ]+\n(?:required\n)?[A-Z].*(?=\n)|\n\d{{3}}{row}[A-Z].*(?=\n)"
        found = re.compile(pattern).search(text, begin)
        assert found, place
        lines = told(tmp_path, text[: found.start()] + text[found.end() :])
        assert [line for line in lines if line.startswith(f"{place}: gone from the page")] == lines


@pytest.mark.parametrize("method", METHODS)
def test_every_altered_word_of_an_example_is_noticed(tmp_path: Path, method: str) -> None:
    text = seed(method)

    def edits() -> Iterator[tuple[int, int, str]]:
        for block in re.finditer(r"^(?:curl .*|\{)(?:\n[ }].*)*", text, re.MULTILINE):
            for word in re.finditer(r"\w+", block[0]):
                begin = block.start() + word.start()
                yield begin, begin + len(word[0]), altered(word[0])

    count, missed = unnoticed(tmp_path, text, edits())
    assert missed == []
    assert count > 150


@pytest.mark.parametrize("method", METHODS)
def test_every_altered_name_type_status_and_code_is_noticed(tmp_path: Path, method: str) -> None:
    text = seed(method)

    def edits() -> Iterator[tuple[int, int, str]]:
        for row in re.finditer(r"^(\d{3})([a-z_]+)(?=[A-Z])|^([a-z_]+)\n([a-z ]+)\n(required)?", text, re.MULTILINE):
            for number in range(1, 6):
                if row[number]:
                    yield row.start(number), row.end(number), altered(row[number])
        for word in re.finditer(
            r"\b255\b|\bsix\b|\bAND\b|\bOR\b|\b(?:days|hours|minutes)\b(?!\")|\bactive or|\bnull\b", text
        ):
            yield word.start(), word.end(), "2555" if word[0] == "255" else f"other {word[0][:-1]}"

    count, missed = unnoticed(tmp_path, text, edits())
    assert missed == []
    assert count > 25


@pytest.mark.parametrize("method", METHODS)
def test_every_line_of_a_table_or_an_example_that_is_taken_out_is_noticed(tmp_path: Path, method: str) -> None:
    text = seed(method)

    def edits() -> Iterator[tuple[int, int, str]]:
        for line in re.finditer(r"^(?:[ \d{}].*|[a-z_]+|array of integers|curl.*)\n", text, re.MULTILINE):
            yield line.start(), line.end(), ""

    count, missed = unnoticed(tmp_path, text, edits())
    assert missed == []
    assert count > 80
