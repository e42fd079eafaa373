"""The neutral structure of a documentation page, and its making from plain text or Markdown.

Promises: text that a browser saved and the Markdown that documentation hosts serve give the same blocks in the page's
order: headings, tables, code, lines of text; every line is looked at once, so time grows with the length alone.
Refuses: to know what a page is about, and to mend a block that does not end: `cut` says where the text stopped.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator


MOST_LINES = 50_000
"""Lines that a page may have; a real one has a few thousand."""


class TooMuchError(ValueError):
    """A text is more than a page: it has too many lines, or takes too long."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, whatever its level."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Text outside tables and code, a line each, without markup."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the cells of its head (none where it has no head) and of its rows, without markup."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code as it stands on the page."""

    text: str


Block: TypeAlias = Heading | Lines | Table | Code


@dataclass(frozen=True, slots=True)
class Page:
    """A page in its neutral form; `cut` says where the text breaks off, and is empty where it does not."""

    form: str
    blocks: tuple[Block, ...]
    cut: str = ""


_LINK = re.compile(r"!?\[([^\[\]]{0,500})\]\([^()\s]{0,1000}\)")
_TAG = re.compile(
    r"</?(?:[A-Z][A-Za-z]*|a|b|br|code|div|em|h[1-6]|i|img|li|ol|p|span|strong|sub|sup|ul)(?:[\s/][^<>]{0,1000})?>"
)
"""Tags and components; what else stands in angle brackets may be a type, as in `array<integer>`."""
_UNSEEN = re.compile("[\u200b-\u200d\u2060\ufeff]")
_ESCAPED = re.compile(r"\\([_*`|<>\[\]{}#~-])")


def plain(text: str) -> str:
    """Return a line of text without the marks of Markdown, in single spaces."""
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = _ESCAPED.sub(r"\1", text.replace("**", "").replace("`", ""))
    return tidy(html.unescape(text))


def tidy(text: str) -> str:
    """Return the text in single spaces and without characters that take no room."""
    return " ".join(_UNSEEN.sub("", text).split())


# Lines that begin something ----------------------------------------------------------------------------

_FENCE = re.compile(r"\s{0,12}(`{3,}|~{3,})")
_HASHES = re.compile(r"\s{0,3}#{1,6}\s+(\S.*)")
_RULER = re.compile(r"[\s|:-]*-[\s|:-]*")
_COMMAND = re.compile(r"\s*(?:\$ )?curl\s")
_JSON = re.compile(r"""\s*(?:\{\s*(?:["}]|$)|\[\s*(?:[\]{"]|$))""")
_FIELD = re.compile(r"\s*<(ParamField|ResponseField)\b([^<>]*)(/?)>?(.*)")
_ATTRIBUTE = re.compile(r"""([A-Za-z]+)(?:=(?:"([^"]*)"|'([^']*)'|\{([^{}]*)\}))?""")
_FIELD_HEAD = ("Name", "Type", "Required", "Description")


def _starts_block(line: str) -> bool:
    return any(pattern.match(line) for pattern in (_FENCE, _HASHES, _COMMAND, _FIELD, _JSON))


def cells(line: str) -> tuple[str, ...]:
    """Return the cells of one row of a Markdown table."""
    parts = re.split(r"(?<!\\)\|", line.strip())
    if parts and not parts[0].strip():
        parts = parts[1:]
    if parts and not parts[-1].strip():
        parts = parts[:-1]
    return tuple(plain(part) for part in parts)


def _quoted(line: str, quote: str) -> str:
    """Return which quotation mark of the shell is open after `line`, if `quote` was before it."""
    escaped = False
    for char in line:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
    return quote


def _depth(line: str) -> int:
    """Return by how much a line of JSON nests deeper at its end, its strings passed over."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*+(?:"|$)', "", line)
    return bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")


class _Reader:
    """Walks the lines of a text once, from block to block."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.end = len(text.rstrip().split("\n"))
        self.at = 0
        self.cut = ""
        self.markdown = False
        self.heading = ""

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in their order."""
        yield from self._front_matter()
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                self.at += 1
            elif _FENCE.match(line):
                yield self._fenced()
            elif found := _HASHES.match(line):
                self.markdown = True
                self.at += 1
                yield self._headed(plain(found[1].rstrip("# ")))
            elif _COMMAND.match(line):
                yield self._command()
            elif _JSON.match(line):
                yield self._json()
            elif found := _FIELD.match(line):
                yield from self._field(found)
            elif self._is_table():
                yield self._table()
            elif "\t" in line.strip():
                yield self._tabbed()
            else:
                yield from self._text()

    def _headed(self, text: str) -> Heading:
        self.heading = text
        return Heading(text)

    def _front_matter(self) -> Iterator[Block]:
        """Yield the values of the lines between two rulers that a Markdown page may begin with."""
        if self.lines[0].strip() != "---":
            return
        end = next((n for n in range(1, min(len(self.lines), 60)) if self.lines[n].strip() == "---"), 0)
        if end:
            self.markdown, self.at = True, end + 1
            values = [line.partition(":")[2].strip().strip("\"'") for line in self.lines[1:end]]
            yield Lines(tuple(tidy(value) for value in values if value))

    def _fenced(self) -> Code:
        found = _FENCE.match(self.lines[self.at])
        assert found is not None
        self.markdown = True
        self.at += 1
        start = self.at
        while self.at < len(self.lines):
            closing = _FENCE.fullmatch(self.lines[self.at].rstrip())
            if closing and closing[1].startswith(found[1]):
                self.at += 1
                return Code("\n".join(self.lines[start : self.at - 1]))
            self.at += 1
        self.cut = "inside a block of code"
        return Code("\n".join(self.lines[start:]))

    def _command(self) -> Code:
        start, quote = self.at, ""
        while self.at < len(self.lines) and (self.lines[self.at].strip() or self.at == start):
            line = self.lines[self.at]
            quote = _quoted(line, quote)
            self.at += 1
            if not quote and not line.rstrip().endswith("\\"):
                return Code("\n".join(self.lines[start : self.at]))
        self._ended("inside a command")
        return Code("\n".join(self.lines[start : self.at]))

    def _json(self) -> Code:
        """Read JSON to the bracket that closes it, else to one that stands at the margin, else to an empty line."""
        start, depth, margin = self.at, 0, 0
        while self.at < len(self.lines) and self.lines[self.at].strip():
            line = self.lines[self.at]
            depth += _depth(line)
            self.at += 1
            margin = margin or (self.at if line.rstrip() in ("}", "]") else 0)
            if depth <= 0:
                return Code("\n".join(self.lines[start : self.at]))
        if margin:
            self.at = margin
        else:
            self._ended("inside JSON")
        return Code("\n".join(self.lines[start : self.at]))

    def _ended(self, where: str) -> None:
        if self.at >= self.end:
            self.cut = where

    def _field(self, found: re.Match[str]) -> Iterator[Block]:
        """Yield a field that is written as a component, as a table of one row."""
        self.markdown = True
        attributes = {name: a or b or c or "yes" for name, a, b, c in _ATTRIBUTE.findall(found[2])}
        tag, words = found[1], [found[4]]
        kind = next((name for name in ("path", "body", "query", "header") if name in attributes), "response")
        if kind not in self.heading.casefold() and tag == "ParamField":
            yield self._headed(f"{kind.capitalize()} Parameters")
        self.at += 1
        closing = f"</{tag}>"
        open_ended = not found[2].rstrip().endswith("/") and closing not in found[4]
        while open_ended:
            if self.at >= len(self.lines):
                self.cut = f"inside a {tag}"
                break
            line = self.lines[self.at]
            if _FIELD.match(line) or _FENCE.match(line) or _HASHES.match(line):
                break
            self.at += 1
            words.append(line)
            if closing in line:
                break
        name = attributes.get(kind if tag == "ParamField" else "name", "")
        required = "required" if attributes.get("required", "false") not in ("false", "") else ""
        row = (tidy(name), tidy(attributes.get("type", "")), required, plain(" ".join(words)))
        yield Table(_FIELD_HEAD, (row,))

    def _is_table(self) -> bool:
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        return "|" in self.lines[self.at] and "|" in following and bool(_RULER.fullmatch(following))

    def _table(self) -> Table:
        self.markdown = True
        head = cells(self.lines[self.at])
        self.at += 2
        rows = []
        while self.at < len(self.lines) and "|" in self.lines[self.at]:
            rows.append(cells(self.lines[self.at]))
            self.at += 1
        return Table(head, tuple(rows))

    def _tabbed(self) -> Table:
        rows = []
        while self.at < len(self.lines) and "\t" in self.lines[self.at].strip():
            rows.append(tuple(tidy(cell) for cell in self.lines[self.at].strip("\n").split("\t")))
            self.at += 1
        head = () if any(cell[:1].isdigit() for cell in rows[0]) else rows[0]
        return Table(head, tuple(rows[1:] if head else rows))

    def _text(self) -> Iterator[Block]:
        start = self.at
        while self.at < len(self.lines) and self.lines[self.at].strip():
            line = self.lines[self.at]
            if self.at > start and (_starts_block(line) or self._is_table() or "\t" in line.strip()):
                break
            self.at += 1
        ended = self.at >= len(self.lines) or not self.lines[self.at].strip()
        alone = self.at == start + 1 and ended and (start == 0 or not self.lines[start - 1].strip())
        lines = tuple(found for line in self.lines[start : self.at] if (found := plain(line)))
        if alone and lines and self.at < len(self.lines) and _titled(lines[0]):
            yield self._headed(lines[0])
        elif lines:
            yield Lines(lines)


def _titled(line: str) -> bool:
    """Whether a line that stands alone reads like a heading: short, a capital first, no full stop."""
    return len(line) <= 60 and line[0].isupper() and line[-1] not in ".:;,!?" and not line.isupper() and "/" not in line


def from_text(text: str) -> Page:
    """Return the structure of a page saved as plain text or as Markdown.

    Raises TooMuchError if it has more than MOST_LINES lines.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MOST_LINES:
        raise TooMuchError(f"it has more than {MOST_LINES} lines")
    reader = _Reader(text)
    blocks = tuple(reader.blocks())
    return Page("Markdown" if reader.markdown else "text", blocks, reader.cut)


def pieces(code: Code) -> list[str]:
    """Return the commands and JSON values of a block of code, each by itself."""
    return [block.text for block in from_text(code.text).blocks if isinstance(block, Code)]
