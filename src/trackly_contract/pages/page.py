"""Reads a saved documentation page: HTML, Markdown and plain text become the same list of parts.

Does not fetch anything, run scripts, or know what a page is about.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lxml import etree
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4 * 1024 * 1024
"""Bytes of a file. A documentation page with all its scripts has about one million."""

LARGEST_TEXT = 256 * 1024
"""Characters of Markdown or plain text. The Markdown parser needs up to seven seconds for this many."""

MOST_PARTS, DEEPEST = 50_000, 256
"""Parts of a page, and tags that are open at once. A real page has a few hundred parts and less than 50 open tags."""

SAVE = "save the page of the operation as HTML, as text or as Markdown"

_NO_TEXT = {
    b"\x1f\x8b": "gzip (curl unpacks it with --compressed)",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK": "a ZIP archive",
    b"%PDF": "PDF",
    b"From: <Saved by": "a web archive (MHTML)",
}
_HTML = re.compile(r"(?:\s|<\?xml[^>]*>|(?><!--.*?-->))*+<(?:!(?i:doctype)|[a-z]+[1-6]?|[A-Z]+[1-6]?)[\s>]", re.DOTALL)
_MARKDOWN = re.compile(r"^[ \t]*(?:```|~~~|#{2,6} |<(?:Param|Response)Field\b|\|?[ \t]*:?-+:?[ \t]*\|)", re.MULTILINE)


class NotAPageError(ValueError):
    """A file is no documentation page of the two operations. The text is one sentence."""


class Part(NamedTuple):
    """A part of a page: a `heading`, a `line` of text, a block of `code`, or the `head` or a `row` of a table."""

    kind: str
    cells: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one text."""
        return " ".join(self.cells)


def read_page(path: Path) -> list[Part]:
    """Return the parts of a saved page.

    Raises NotAPageError, without the name of the file, for what is no text or is more than a page.
    """
    try:
        if not path.is_file():
            raise NotAPageError(f"{'no file' if path.exists() else 'there is no such file'}; name a saved page")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise NotAPageError(f"cannot be read ({error.strerror}); name a saved page") from None
    if len(content) > LARGEST:
        raise NotAPageError(f"larger than {LARGEST // 1024 // 1024} MiB, more than a page has; {SAVE} alone")
    text = re.sub("\r\n?", "\n", _decoded(content))
    if not text.strip():
        raise NotAPageError(f"empty; {SAVE}")
    if _HTML.match(text):
        return html_parts(text)
    if len(text) > LARGEST_TEXT:
        raise NotAPageError(f"text of more than {LARGEST_TEXT // 1024} KiB, more than a page has; {SAVE} alone")
    return markdown_parts(text) if _MARKDOWN.search(text) else text_parts(text)


def _decoded(content: bytes) -> str:
    if found := next((name for begin, name in _NO_TEXT.items() if content.startswith(begin)), ""):
        raise NotAPageError(f"{found}, no page; {SAVE}")
    encoding = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "UTF-8"
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotAPageError(f"byte {error.start} is not {encoding}; {SAVE} in UTF-8") from None


def tidy(text: str) -> str:
    """Return the text in single spaces, without characters that have no width, and with plain quotation marks."""
    text = text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'})
    return " ".join(re.sub("[\u200b-\u200d\u2060\ufeff]", "", text).split())


# HTML --------------------------------------------------------------------------------------------------

_SKIPPED = frozenset({"script", "style", "noscript", "svg", "template", "nav", "head", "select", "iframe"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_KINDS = {"pre": "code", "table": "row"} | {f"h{level}": "heading" for level in range(1, 7)}


class _Reader:
    """Collects parts while lxml reports tags, those that a page leaves out included."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.kind = "line"
        self.tags: list[str] = []
        self.skipped = 0
        self.words: list[str] = []
        self.row: list[str] = []
        self.is_head = True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin what a tag begins."""
        self.tags.append(tag)
        if len(self.tags) > DEEPEST or len(self.parts) > MOST_PARTS:
            raise NotAPageError(
                f"it has more than {MOST_PARTS} lines, or more than {DEEPEST} tags are open at once, "
                f"more than a page of the two; {SAVE}, alone"
            )
        if self.skipped or tag in _SKIPPED:
            self.skipped += 1
        elif self.kind == "row" and tag in ("tr", "td", "th") and self.tags.count("table") == 1:
            self._cell(tag)
        elif self.kind == "line" and tag in _KINDS:
            self._end_part(_KINDS[tag])
        elif tag not in _INLINE or "data-component-part" in attributes:
            self._break()

    def end(self, tag: str) -> None:
        """End what a tag ends."""
        self.tags.pop()
        if self.skipped:
            self.skipped -= 1
        elif _KINDS.get(tag) == self.kind and tag not in self.tags:
            self._end_part("line")
        elif tag not in _INLINE:
            self._break()

    def data(self, text: str) -> None:
        """Take the text between tags."""
        if not self.skipped:
            self.words.append(text)

    def close(self) -> None:
        """End the last line."""
        self._end_part("line")

    def _break(self) -> None:
        if self.kind == "line":
            self._end_part("line")
        else:
            self.words.append("\n")

    def _end_part(self, following: str) -> None:
        text = "".join(self.words)
        if self.kind == "row":
            self._cell("tr")
        elif self.kind == "code":
            self.parts.append(Part("code", (re.sub(r"\n\s*\n", "\n", text).strip("\n").replace("\u00a0", " "),)))
        elif text := tidy(text):
            self.parts.append(Part(self.kind, (text,)))
        self.kind, self.words = following, []

    def _cell(self, tag: str) -> None:
        """End a cell, and with a row the row before it."""
        if self.row:
            self.row[-1] = tidy("".join(self.words)) or self.row[-1]
        self.words = []
        if tag != "tr":
            self.row.append("")
            self.is_head = self.is_head and tag == "th"
        elif self.row:
            self.parts.append(Part("head" if self.is_head else "row", tuple(self.row)))
            self.row, self.is_head = [], True


def html_parts(text: str) -> list[Part]:
    """Return the parts of HTML.

    Raises NotAPageError if it has more parts or open tags than a page.
    """
    reader = _Reader()
    parser = etree.HTMLParser(target=cast("Any", reader), encoding="utf-8")
    etree.fromstring(text.encode("utf-8", "replace"), parser)
    return reader.parts


# Markdown ----------------------------------------------------------------------------------------------

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---$", re.MULTILINE | re.DOTALL)
_COMPONENT = re.compile(r"""^[ \t]*</?[A-Z]\w*(?:[^<>"']|"[^"]*"|'[^']*')*+>|</[A-Z]\w*>[ \t]*$""", re.MULTILINE)
_ATTRIBUTE = re.compile(r"""\b([a-z]\w*)(?:=(?:"([^"]*)"|'([^']*)'|\{([^{}]*)\}))?""")


def _component(found: re.Match[str]) -> str:
    """Return a tag of MDX with empty lines around it, for MDX reads what is inside as Markdown. A field is a table."""
    tag = found[0].strip()
    if not re.match("</?(?:Param|Response)Field", tag):
        return f"\n\n{tag}\n\n"
    if tag.startswith("</"):
        return "\n\n</table>\n\n"
    stated = {name: html.escape(a or b or c or "yes") for name, a, b, c in _ATTRIBUTE.findall(tag)}
    place = next((name for name in ("path", "query", "header", "body") if name in stated), "")
    cells = stated.get(place or "name", ""), stated.get("type", ""), stated.get("required", "no"), ""
    head = f"{place} parameter" if place else "response field", "Type", "Required", "Description"
    table = f"</table><table><tr><th>{'<th>'.join(head)}<tr><td>{'<td>'.join(cells)}"
    return f"\n\n{table}{'</table>' * tag.endswith('/>')}\n\n"


_PARSER = MarkdownIt("commonmark", {"breaks": True}).enable("table").disable("code")  # MDX has no indented code


def markdown_parts(text: str) -> list[Part]:
    """Return the parts of Markdown or MDX.

    Raises NotAPageError if it has more parts or open tags than a page.
    """
    text = _FRONT_MATTER.sub(lambda found: re.sub(r"(?m)^[\w-]+:[ \t]*", "\n", found[1]).replace('"', ""), text)
    return html_parts(_PARSER.render(_COMPONENT.sub(_component, text)))


# Plain text --------------------------------------------------------------------------------------------

COMMAND = re.compile(r"\s*(?:\$ )?curl\s")
_SHELL = re.compile(r"""(?:[^'"\\\n]|\\[\s\S]|'(?:[^'\n]|\n(?!\n))*'|"(?:[^"\\\n]|\\[\s\S]|\n(?!\n))*")*+(?=\n|\Z)""")
_JSON = re.compile(r"""[ \t]*(?=\{\s*(?:["}]|$)|\[\s*(?:[\]{"]|$))""", re.MULTILINE)
_BROKEN = re.compile(r"(?:.+\n)*?[}\]]$|(?:.+(?:\n|\Z))+", re.MULTILINE)
"""Code that does not end: up to a bracket at the margin, else up to an empty line."""


def text_parts(text: str) -> list[Part]:
    """Return the parts of plain text.

    Commands and JSON are known by how they begin. A heading stands alone and reads like a title.
    """
    text = "\n\n" + "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"
    parts, at = list[Part](), 2
    while at < len(text):
        end = text.index("\n", at)
        line = tidy(text[at:end])
        if COMMAND.match(line) or _JSON.match(line):
            end = _code_end(text, at)
            parts.append(Part("code", (text[at:end].strip("\n"),)))
        elif line:
            alone = text[at - 2 : at] == "\n\n" == text[end : end + 2] and len(line) <= 60
            is_title = line[0].isupper() and not line.isupper() and line[-1] not in ".:;,!?" and "/" not in line
            parts.append(Part("heading" if alone and is_title else "line", (line,)))
        at = end + 1
    return parts


def _code_end(text: str, at: int) -> int:
    """Return where the command or the JSON at a position ends."""
    found = _SHELL.match(text, at)
    if is_json := _JSON.match(text, at):
        try:
            return text.index("\n", json.JSONDecoder().raw_decode(text, is_json.end())[1])
        except (ValueError, RecursionError):
            found = None
    found = found or _BROKEN.match(text, at)
    return found.end() if found else at
