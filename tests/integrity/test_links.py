"""Facts about the links of the project's own Markdown: each leads to a file that is there, and to a heading in it."""

import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from trackly_contract.core.files import data_root

ROOT = data_root()
FOLDERS = ("docs", "examples", ".github", "contracts", "schemas", "cassettes", "src", "tests")
NOT_OURS = frozenset({"node_modules", "docs_pages"})
"""Folders of other people's Markdown."""

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md") if not NOT_OURS & {*path.parts}),
    ]
)
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    kept = (char for char in text if char in " -_" or unicodedata.category(char)[0] in "LNM")
    return "".join(kept).replace(" ", "-")


def links(text: str) -> list[str]:
    """Return the targets of the links of a page that lead to something of the project; code has none."""
    found = _LINK.findall(_CODE.sub("", _FENCE.sub("", text)))
    targets = (inline or reference for inline, reference in found)
    return [target for target in targets if not _ELSEWHERE.match(target)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page; of headings that read the same, the later ones are numbered."""
    found, times = set[str](), Counter[str]()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text("utf-8"))):
        name = anchor(heading)
        found.add(f"{name}-{times[name]}" if times[name] else name)
        times[name] += 1
    return frozenset(found)


def dead(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for target in links(text):
        file, _, fragment = unquote(target).partition("#")
        path = (page.parent / file).resolve() if file else page
        leads = path.exists() and path.is_relative_to(ROOT.resolve())
        if not leads or (fragment and path.suffix == ".md" and fragment not in anchors(path)):
            found.append(target)
    return found


def test_there_are_pages() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "guide.md"} <= {*PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text", ["[a](gone.md)", "[a](docs/guide.md#gone)", "[a](#gone)", "[a]: gone.md", "[a](../elsewhere)"]
)
def test_a_dead_link_is_found(text: str) -> None:
    assert len(dead(ROOT / "README.md", text)) == 1


@pytest.mark.parametrize("text", ["`[a](gone.md)`", "```\n[a](gone.md)\n```", "[a](https://example.com/x)"])
def test_code_and_other_sites_are_not_looked_at(text: str) -> None:
    assert dead(ROOT / "README.md", text) == []
