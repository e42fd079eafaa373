"""The saved copies of the two pages themselves; skipped where they do not lie beside the checkout.

Every row is taken out, and every word of every table's facts and of every example is altered, one at a time.
"""

import re
from pathlib import Path

import pytest

from tests.pages.docs_pages import saved, told
from trackly_contract.core import data_root
from trackly_contract.pages import compare_pages
from trackly_contract.pages.expected import expected_pages


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


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_page_agrees_with_the_contract_and_every_row_taken_out_of_it_is_named(tmp_path: Path, method: str) -> None:
    text = seed(method)
    assert told(tmp_path, text) == []
    for position in next(page for page in expected_pages() if page.method == method).rows:
        section, _, row = position.partition(", ")
        pattern = rf"\n{row}\n[a-z ]+\n(?:required\n)?[A-Z].*(?=\n)|\n\d{{3}}{row}[A-Z].*(?=\n)"
        found = re.compile(pattern).search(text, text.index(f"\n{section}\n"))
        assert found, position
        lines = told(tmp_path, text[: found.start()] + text[found.end() :])
        assert [line.startswith(f"{position}: gone from the page") for line in lines] == [True]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    ("within", "what", "least"),
    [
        pytest.param(r"^(?:curl .*|\{)(?:\n[ }].*)*", r"\w+", 150, id="words of examples"),
        pytest.param(r"^\d{3}[a-z_]+(?=[A-Z])", r"\d+|[a-z_]+", 3, id="statuses and codes"),
        pytest.param(r"^[a-z_]+\n[a-z ]+\n(?:required)?", r"[a-z_][a-z_ ]*", 20, id="names, types and flags"),
        pytest.param(
            r".+", r"\b(?:255|six|AND|OR|null|(?:days|hours|minutes)(?!\")|active(?= or))\b", 3, id="limits and values"
        ),
        pytest.param(r"^(?:[ \d{}].*|[a-z_]+|array of integers|curl.*)\n", r"(?s).+", 80, id="whole lines"),
    ],
)
def test_every_fact_of_the_page_that_is_altered_or_taken_out_is_noticed(
    tmp_path: Path, method: str, within: str, what: str, least: int
) -> None:
    text, count, missed = seed(method), 0, []
    for block in re.finditer(within, text, re.MULTILINE):
        for word in re.finditer(what, block[0]):
            new = "" if word[0].endswith("\n") else altered(word[0])
            begin, end = block.start() + word.start(), block.start() + word.end()
            compared, refused = compare_pages([saved(tmp_path, text[:begin] + new + text[end:])])
            count += 1
            if refused or not compared[0].differences:
                missed.append(f"{word[0]!r} -> {new!r} at {begin}: {refused}")
    assert missed == []
    assert count >= least
