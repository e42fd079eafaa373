"""Pages laid out like the vendor's, in words of our own; where the vendor's words count, the quotations stand in.

`{{section}}` in a file is filled with what the rules quote from that section of that page; the line with `*` is there
once for each code of a rejected update.
"""

import re
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.contract import contract
from trackly_contract.pages import compare_pages
from trackly_contract.pages.compare import Compared

FOLDER = Path(__file__).parent
NAMES = ("get.txt", "get.html", "update.md", "update.html")


def page_of(name: str) -> str:
    """The id of the page that a file is laid out like."""
    return "get-audience" if name.startswith("get") else "update-audience"


def quotations(page: str, section: str) -> str:
    """What the rules quote from a section of a page, each quotation once."""
    sources = (source for rule in contract().rules.values() for source in rule.sources)
    return " ".join(dict.fromkeys(s.quote for s in sources if (s.page, s.section) == (page, section)))


@cache
def filled(name: str) -> str:
    """The text of one page, its quotations filled in."""
    text = (FOLDER / name).read_text("utf-8")
    row = re.search(r"^.*\{\{Error Codes, \*\}\}.*\n", text, re.MULTILINE)
    if row is not None:
        codes = dict.fromkeys(rule.code for rule in contract().rules.values() if rule.code and rule.status == 400)
        text = text.replace(row[0], "".join(row[0].replace("*", code) for code in codes))
    return re.sub(r"\{\{([^{}]+)\}\}", lambda found: quotations(page_of(name), found[1]), text)


def saved(folder: Path, text: str | bytes, name: str = "page") -> Path:
    """A file with that text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def compared(folder: Path, text: str | bytes) -> Compared:
    """A page beside the contract; it must not be refused."""
    (found,), refused = compare_pages([saved(folder, text)])
    assert refused == []
    return found


def told(folder: Path, text: str | bytes) -> list[str]:
    """Each difference of a page in its line."""
    return [difference.line() for difference in compared(folder, text).differences]


def called(*arguments: object) -> tuple[int, str]:
    """The exit code and the output of the command."""
    done = CliRunner().invoke(main, ["docs", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output
