"""The contract against the pages themselves; skipped where their copies do not lie beside the checkout."""

import json
import re
import shutil
import subprocess
from functools import cache
from itertools import pairwise

import pytest

from tests.integrity.documented import BODY, PAGES, RESPONSE
from trackly_contract.contract import contract
from trackly_contract.core import ABSENT, JSON
from trackly_contract.core.files import data_root


@cache
def pages() -> dict[str, str]:
    folder = data_root().parent / "shared" / "seeds"
    found = {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        text = path.read_text("utf-8")
        found["get-audience" if text.splitlines()[1] == "GET" else "update-audience"] = text
    if set(found) != set(PAGES):
        pytest.skip("the copies of the two documentation pages (../shared/seeds) are not here")
    return found


def payloads(text: str) -> list[JSON]:
    """The JSON of a page, in its order."""
    found, place = [], 0
    while (place := text.find("{\n", place)) >= 0:
        value, place = json.JSONDecoder().raw_decode(text, place)
        found.append(value)
    return found


def prose(text: str) -> str:
    """A page without its JSON and commands, each error code apart from its neighbours."""
    text = re.sub(r"^curl .*?(?=^\{$)", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\{$.*?^\}$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^(\d{3})([a-z_]+)(?=[A-Z])", r"\1 \2 ", text, flags=re.MULTILINE)


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9_]+", text.lower())
    return set(zip(*(words[start:] for start in range(length)), strict=False))


def test_a_quotation_stands_on_its_page() -> None:
    plain = {page: " ".join(text.split()) for page, text in pages().items()}
    missing = [
        (rule.id, source.page, source.quote)
        for rule in contract().rules.values()
        for source in rule.sources
        if source.page in plain and source.quote not in plain[source.page]
    ]
    assert missing == []


def test_the_lists_typed_from_the_pages_are_those_of_the_pages() -> None:
    for page, text in pages().items():
        rows = re.findall(r"^(\d{3})([a-z_]+)[A-Z]", text, flags=re.MULTILINE)
        assert {code: int(status) for status, code in rows} == PAGES[page]
        types = {"string", "integer", "object", "datetime", "array of integers"}
        rest = text.partition("\nResponse Fields\n")
        for part, names in ((rest[0], ["id", *BODY][: 5 if page == "update-audience" else 1]), (rest[2], RESPONSE)):
            assert [name for name, kind in pairwise(part.splitlines()) if kind in types] == names


def test_both_documented_examples_are_vectors_to_the_letter() -> None:
    def letter(value: JSON) -> str:
        return json.dumps(value, ensure_ascii=False)

    read = contract().requests["read.success/documented-example"]
    update = contract().requests["update.success/documented-example"]
    assert read.body is ABSENT
    assert [letter(value) for value in payloads(pages()["get-audience"])] == [letter(read.echo)] * 2
    assert [letter(v) for v in payloads(pages()["update-audience"])] == [letter(update.body), letter(update.echo)] * 2


def test_no_sentence_of_the_pages_is_copied() -> None:
    lines = "\n".join(prose(text) for text in pages().values()).splitlines()
    theirs = {run for line in lines for run in runs(line)}
    assert len(theirs) > 50
    git = shutil.which("git")
    listed = git and subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=data_root(),
        capture_output=True,
        text=True,
        check=False,
    )
    if not listed or listed.returncode != 0:
        pytest.skip("which files belong to the project is known to git alone, and there is none here")
    copied: list[str] = []
    for name in filter(None, listed.stdout.split("\0")):
        path = data_root() / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" in content:
            continue
        text = content.decode("utf-8", "replace")
        if name.startswith("contracts/rules/"):
            text = re.sub(r"""quote = ("[^"]*"|'[^']*')""", "", text)
        copied += [f"{name}: {' '.join(run)}" for run in sorted(runs(text) & theirs)]
    assert copied == []
