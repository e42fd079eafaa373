"""The neutral structure of a documentation page that was saved as HTML.

Promises: no tree is built, so no nesting is too deep; the parser is fed piece by piece and never told that the text
ends, which is where `html.parser` of some Python versions turns quadratic; what takes longer than `LONGEST`, or is more
than a page, is refused.
Refuses: to run scripts or to fetch anything: what a page would only then show is not there.
"""

from __future__ import annotations

import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from trackly_contract.pages.page import MOST_LINES, Block, Code, Heading, Lines, Page, Table, TooMuchError, tidy

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 20.0
"""Seconds that a page may take; a real one takes well under one."""

PIECE = 65536
"""Characters that are fed at once."""

LARGEST_TAG = 1024 * 1024
"""Characters that a tag, a comment or a script may have."""

_SKIPPED = frozenset({"script", "style", "noscript", "svg", "template", "nav", "head", "select", "iframe"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr", "area", "base", "col", "embed"})


class _Reader(HTMLParser):
    """Collects blocks while the parser walks the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.lines: list[str] = []
        self.words: list[str] = []
        self.skipping: dict[str, int] = {}
        self.heading = False
        self.code = 0
        self.tables = 0
        self.rows: list[tuple[bool, list[str]]] = []
        self.opened = False
        self.closed = False

    # What the parser calls -----------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins."""
        self.opened = self.opened or tag == "html"
        if tag == "body":
            self.skipping.pop("head", None)  # </head> may be left out
        if tag in _SKIPPED:
            self.skipping[tag] = self.skipping.get(tag, 0) + 1
        if self.skipping:
            return
        if self.code:
            self.code += tag == "pre"
            if tag == "br":
                self.words.append("\n")
        elif tag == "pre":
            self._line()
            self.code = 1
        elif tag in ("table", "tr", "td", "th"):
            self._cell(tag)
        elif tag in _HEADINGS and not self.tables:
            self._line()
            self.heading = True
        elif tag not in _INLINE or any(name == "data-component-part" for name, _ in attrs):
            self._line()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take `<x/>` as its begin and, where x can hold something, its end."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """End what the tag ends; an end without a begin ends nothing."""
        self.closed = self.closed or tag in ("html", "body")
        if tag in _SKIPPED:
            left = self.skipping.pop(tag, 0) - 1
            if left > 0:
                self.skipping[tag] = left
            return
        if self.skipping:
            return
        if self.code:
            self.code -= tag == "pre"
            if tag in ("div", "p", "li"):
                self.words.append("\n")
            if not self.code:
                self._code()
        elif tag == "table" and self.tables:
            self.tables -= 1
            if not self.tables:
                self._table()
        elif tag in _HEADINGS or tag not in _INLINE:
            self._line()

    def handle_data(self, data: str) -> None:
        """Take the text between tags."""
        if not self.skipping:
            self.words.append(data)

    # Blocks --------------------------------------------------------------------------------------------

    def _text(self) -> str:
        found = "".join(self.words)
        self.words = []
        return found

    def _line(self) -> None:
        """End a line: of a heading, of the text; within a table it is a space."""
        if self.tables:
            self.words.append(" ")
            return
        found = tidy(self._text())
        if self.heading and found:
            self._paragraph()
            self.blocks.append(Heading(found))
        elif found:
            self.lines.append(found)
        self.heading = self.heading and not found

    def _paragraph(self) -> None:
        if self.lines:
            self.blocks.append(Lines(tuple(self.lines)))
            self.lines = []

    def _code(self) -> None:
        if self.tables:
            return  # code in a cell is its text
        self._paragraph()
        self.blocks.append(Code(self._text().strip("\n").replace("\u00a0", " ")))

    def _cell(self, tag: str) -> None:
        if tag == "table":
            if not self.tables:
                self._line()
                self._paragraph()
                self.rows = []
            self.tables += 1
        elif self.tables != 1:
            self.words.append(" ")
        elif tag == "tr":
            self._end_cell()
            self.rows.append((True, []))
        else:
            self._end_cell()
            if not self.rows:
                self.rows.append((True, []))
            head, row = self.rows[-1]
            self.rows[-1] = (head and tag == "th", row)
            row.append("")

    def _end_cell(self) -> None:
        found = tidy(self._text())
        if found and self.rows and self.rows[-1][1]:
            self.rows[-1][1][-1] = found

    def _table(self) -> None:
        self._end_cell()
        rows = [(head, tuple(row)) for head, row in self.rows if row]
        head = rows[0][1] if rows and rows[0][0] else ()
        self.blocks.append(Table(head, tuple(row for _, row in (rows[1:] if head else rows))))
        self.rows = []

    def finish(self) -> str:
        """End whatever is open, and return where the page breaks off."""
        inside = [name for name, open_now in (("a block of code", self.code), ("a table", self.tables)) if open_now]
        inside += ["a tag or a comment"] if self.rawdata.lstrip().startswith("<") else []
        if not self.skipping and not self.rawdata.startswith("<"):
            self.words.append(self.rawdata)
        if self.code:
            self._code()
        if self.tables:
            self.tables = 0
            self._table()
        self._line()
        self._paragraph()
        if inside:
            return f"inside {inside[-1]}"
        return "before its closing tags" if self.opened and not self.closed else ""


def from_html(text: str, clock: Callable[[], float] = time.monotonic) -> Page:
    """Return the structure of a page saved as HTML.

    `clock` tells the time in seconds. Raises TooMuchError for a page that takes longer than LONGEST, has more lines
    than MOST_LINES, or a tag, comment or script larger than LARGEST_TAG.
    """
    reader, until = _Reader(), clock() + LONGEST
    for start in range(0, len(text), PIECE):
        reader.feed(text[start : start + PIECE])
        if clock() > until:
            raise TooMuchError(f"it takes more than {LONGEST:.0f} seconds to read")
        if len(reader.blocks) + len(reader.lines) + len(reader.rows) > MOST_LINES:
            raise TooMuchError(f"it has more than {MOST_LINES} lines")
        if len(reader.rawdata) > LARGEST_TAG + PIECE:
            raise TooMuchError(f"a tag, a comment or a script has more than {LARGEST_TAG} characters")
    cut = reader.finish()
    return Page("HTML", tuple(reader.blocks), cut)
