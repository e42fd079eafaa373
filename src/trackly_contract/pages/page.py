"""Reads a saved documentation page: HTML, Markdown and plain text become the same list of parts.

Does not fetch anything, and does not know what a page is about.
"""

import html
import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, cast

from lxml import etree
from markdown_it import MarkdownIt

LARGEST = 4 * 1024 * 1024
"""Bytes of a file. A documentation page with all its scripts has about one million."""

LARGEST_TEXT = 128 * 1024
"""Characters of a page without the tags of HTML. The Markdown parser needs up to four seconds for this many."""

MOST_NODES, DEEPEST = 200_000, 200
"""Tags and texts of HTML, and tags that are open at once. A real page has a few thousand, and less than 50 open."""

PIECE = 65_536
"""Characters after which these limits are checked."""

SAVE = "save the page of the operation as HTML, as text or as Markdown"

_NO_TEXT = {
    b"\x1f\x8b": "gzip (curl unpacks it with --compressed)",
    b"PK": "a ZIP archive",
    b"%PDF": "PDF",
    b"From: <Saved by": "a web archive (MHTML)",
}
_HTML = re.compile(r"(?:\s|<\?xml[^>]*>|(?><!--.*?-->))*+<(?:!(?i:doctype)|[a-z]+[1-6]?|[A-Z]+[1-6]?)[\s>]", re.DOTALL)
_MARKDOWN = re.compile(r"(?m)^[ \t]*+(?:```|~~~|#{2,6} |<(?:Param|Response)Field\b|\|?+[ \t]*+:?-+:?[ \t]*\|)")


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
    """Return the parts of a saved page; raises NotAPageError, without the name of the file, for anything else."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise NotAPageError(f"cannot be read ({error.strerror}); name a saved page") from None
    if len(content) > LARGEST:
        raise NotAPageError(f"larger than {LARGEST // 1024 // 1024} MiB, more than a page has; {SAVE} alone")
    text = re.sub("\r\n?", "\n", _decoded(content))
    if not text.strip():
        raise NotAPageError(f"empty; {SAVE}")
    parts = html_parts(text) if _HTML.match(text) else None
    if len(text) > LARGEST_TEXT and (parts is None or sum(len(part.text) for part in parts) > LARGEST_TEXT):
        raise NotAPageError(f"text of more than {LARGEST_TEXT // 1024} KiB, more than a page has; {SAVE} alone")
    return parts or (markdown_parts(text) if _MARKDOWN.search(text) else text_parts(text))


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
_WHOLE = frozenset({"pre", "tr", *(f"h{level}" for level in range(1, 7))})
"""Tags that become one part with all that is in them."""


_END = Part("end", ())
"""Ends a line of text, where a block begins or ends."""


class _Reader:
    """Folds what lxml reports, which includes the tags that a page leaves out, into texts and parts."""

    def __init__(self) -> None:
        self.open: list[tuple[str, list[str | Part]]] = [("page", [])]
        self.count = self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        is_part = "data-component-part" in attributes and tag not in _SKIPPED
        self.open.append(("div" if is_part else tag, []))
        self.count += 1
        self.depth = max(self.depth, len(self.open))

    def data(self, text: str) -> None:
        self.open[-1][1].append(text)
        self.count += 1

    def end(self, _tag: str) -> None:
        tag, found = self.open.pop()
        outer, around = self.open[-1]
        if tag in _INLINE:
            around += found
        elif tag in _SKIPPED:
            pass
        elif tag in ("td", "th") and outer == "tr":
            around.append(Part(tag, (tidy(_text(found)),)))
        elif any(each in _WHOLE for each, _ in self.open):
            around.append(f"\n{_text(found)}\n")
        elif tag not in _WHOLE:
            around += [_END, *found, _END]
        elif tag == "pre":
            code = re.sub(r"\n\s*\n", "\n", _text(found)).replace("\u00a0", " ")
            around.append(Part("code", (code.strip("\n"),)))
        elif tag != "tr":
            around.append(Part("heading", (tidy(_text(found)),)))
        else:
            cells = [each for each in found if isinstance(each, Part) and each.kind in ("td", "th")]
            kind = "head" if all(cell.kind == "th" for cell in cells) else "row"
            around.append(Part(kind, tuple(cell.text for cell in cells)))

    def close(self) -> list[str | Part]:
        while len(self.open) > 1:
            self.end("")
        return self.open[0][1]


def _text(found: list[str | Part]) -> str:
    return "".join(each if isinstance(each, str) else f"\n{each.text}\n" for each in found)


def html_parts(text: str) -> list[Part]:
    """Return the parts of HTML; raises NotAPageError if it has more tags, or deeper ones, than a page."""
    reader, parts = _Reader(), list[Part]()
    parser = etree.HTMLParser(target=cast("Any", reader), encoding="utf-8")
    for at in range(0, len(text), PIECE):
        parser.feed(text[at : at + PIECE].encode("utf-8", "replace"))
        if reader.count > MOST_NODES or reader.depth > DEEPEST:
            most = f"more than {MOST_NODES} tags and texts, or more than {DEEPEST} tags open at once"
            raise NotAPageError(f"{most}, more than a page has; {SAVE} alone")
    for is_text, group in groupby(parser.close(), lambda each: isinstance(each, str)):
        found = list(group)
        found = [Part("line", (tidy("".join(found)),))] if is_text else found
        parts += [part for part in found if part.text]
    return parts


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
    """Return the parts of Markdown or MDX; raises what `html_parts` raises."""
    text = _FRONT_MATTER.sub(lambda found: re.sub(r"(?m)^[\w-]+:[ \t]*", "\n", found[1]).replace('"', ""), text)
    return html_parts(_PARSER.render(_COMPONENT.sub(_component, text)))


# Plain text --------------------------------------------------------------------------------------------

COMMAND = re.compile(r"\s*(?:\$ )?curl\s")
_SHELL = re.compile(r"""(?:[^'"\\\n]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")*+$""", re.MULTILINE)
_JSON = re.compile(r"""[ \t]*(?=\{\s*(?:["}]|$)|\[\s*(?:[\]{"]|$))""", re.MULTILINE)
_TO_MARGIN = re.compile(r"(?:.+\n)*?[}\]]$", re.MULTILINE)


def text_parts(text: str) -> list[Part]:
    """Return the parts of plain text: code is known by how it begins, a heading stands alone and reads like a title."""
    parts: list[Part] = []
    paragraphs = re.split(r"\n{2,}", "\n".join(line.rstrip() for line in text.strip().split("\n")))
    for number, paragraph in enumerate(paragraphs, 1):
        alone = "\n" not in paragraph and number < len(paragraphs)
        at = 0
        while at < len(paragraph):
            end = _line_end(paragraph, at)
            line = tidy(paragraph[at:end])
            if COMMAND.match(line) or _JSON.match(line):
                end = _code_end(paragraph, at)
                parts.append(Part("code", (paragraph[at:end],)))
            elif line:
                title = (
                    len(line) <= 60 and line[0].isupper() and not line.isupper() and not re.search("[.:;,!?]$|/", line)
                )
                parts.append(Part("heading" if alone and title else "line", (line,)))
            at = end + 1
    return parts


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


def _code_end(paragraph: str, at: int) -> int:
    """Return where the command or the JSON at a position ends: if it is broken, at a bracket at the margin."""
    found = _SHELL.match(paragraph, at)
    if is_json := _JSON.match(paragraph, at):
        try:
            return _line_end(paragraph, json.JSONDecoder().raw_decode(paragraph, is_json.end())[1])
        except (ValueError, RecursionError):
            found = None
    found = found or _TO_MARGIN.match(paragraph, at)
    return found.end() if found else len(paragraph)
