"""Pages laid out like the vendor's, in words of our own; where the vendor's words count, the quotations stand in.

`{{section}}` in a file is filled with what the rules quote from that section of that page.
"""

from __future__ import annotations

import re
from pathlib import Path

from trackly_contract.contract import contract

FOLDER = Path(__file__).parent
NAMES = ("get.txt", "get.html", "update.md", "update.html")
PAGE = {"get.txt": "get-audience", "get.html": "get-audience", "update.md": "update-audience"}


def quotations(page: str, section: str) -> str:
    """What the rules quote from a section of a page, each quotation once."""
    sources = (source for rule in contract().rules.values() for source in rule.sources)
    return " ".join(dict.fromkeys(s.quote for s in sources if (s.page, s.section) == (page, section)))


def filled(name: str) -> str:
    """The text of one page, its quotations filled in."""
    page = PAGE.get(name, "update-audience")
    text = (FOLDER / name).read_text("utf-8")
    return re.sub(r"\{\{([^{}]+)\}\}", lambda found: quotations(page, found[1]), text)
