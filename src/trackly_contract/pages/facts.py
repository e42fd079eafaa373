"""The facts that a documentation page states: its request line, the rows of its tables, and its examples.

Keeps what it cannot read as unreadable. Does not know the contract.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trackly_contract.pages.page import COMMAND, text_parts, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackly_contract.pages.page import Part

PATH, BODY, RESPONSE, ERRORS, EXAMPLES = (
    "Path Parameters",
    "Body Parameters",
    "Response Fields",
    "Error Codes",
    "Examples",
)
FIELDS = (PATH, "Query Parameters", "Header Parameters", BODY, RESPONSE)
REQUEST = "example request"
"""Sections and positions, as the sources of the rules name them."""

_SECTIONS = {
    "example": EXAMPLES,
    "error": ERRORS,
    "response": RESPONSE,
    "path param": PATH,
    "query": "Query Parameters",
    "header": "Header Parameters",
    "body": BODY,
    "request param": BODY,
}
"""What a heading contains, and the section that it begins."""

Mark = tuple[str, str]
"""What counts in a description: its kind (`number`, `null`, `name`, `listed`, `binding`, `member`) and the word."""


@dataclass
class Row:
    """One row of a table: what its columns state, and its description."""

    section: str
    name: str
    stated: dict[str, str]
    lines: list[str] = field(default_factory=list)

    @property
    def description(self) -> str:
        """What it says apart from its name and what its columns state."""
        return " ".join(self.lines)

    @property
    def position(self) -> str:
        """Where it is, as the sources of the rules write it."""
        return f"{self.section}, {self.name}"


@dataclass
class Command:
    """What a curl command sends: its body, and the rest by what it is about (`method`, `host`, `header X`)."""

    stated: dict[str, str]
    body: str | None = None


# Words that count --------------------------------------------------------------------------------------

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS = {word: str(number) for number, word in enumerate(_DIGITS) if number > 1}
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])")
_NAME = re.compile(r"\b(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+[0-9]*[A-Z][A-Za-z0-9]*)\b")
_LIST = re.compile(r"(?:must be|one of|either|:|either of)\s+((?:\w+,\s+){0,40}\w+),?\s+(?:or|and)\s+(\w+)")
_BINDING = re.compile(
    r"\b(must|cannot|unique|required|deprecated|defaults?|maximum|minimum|max|min|only|always|never|ignored|immutable"
    r"|removed|experimental|beta)\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\b(AND|OR|XOR|NOT|NOR|NAND)\b")


def marks(text: str, members: Iterable[str] = ()) -> set[Mark]:
    """Return the words that count in a description.

    `members` are names that count where the text says that they are missing.
    """
    found = {("number", number.replace(",", "")) for number in _NUMBER.findall(text)}
    found |= {("number", _COUNTS[word]) for word in re.findall(r"[a-z]+", text.casefold()) if word in _COUNTS}
    found |= {("null", word) for word in re.findall(r"\bnull\b", text)}
    found |= {("name", word) for word in _NAME.findall(text)}
    found |= {("listed", word) for first, last in _LIST.findall(text) for word in [*re.findall(r"\w+", first), last]}
    found |= {("listed", word) for word in _JOINED.findall(text)}
    found |= {("binding", word.casefold()) for word in _BINDING.findall(text)}
    missing = set(re.findall(r"\w+", text.partition("missing")[2]))
    return found | {("member", name) for name in members if name in missing}


# A page ------------------------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z_](?:[\w.\[\]-]*[\w\]])?")
_FLAG = re.compile(r"required|optional|deprecated|read-only", re.IGNORECASE)
_TYPE = re.compile(rf"(?!(?:{_FLAG.pattern})$)([a-z][\w ,|<>\[\]()/-]{{0,60}}?)(required|optional)?")
_ERROR = re.compile(
    r"(\d{3})\s*([a-z][a-z0-9]*(?:[_.-][a-z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=[A-Z][a-z]|\s|$))\s*(.*)"
)
"""A row of an error table, its cells saved with nothing between them."""
_LIKE_AN_ERROR = re.compile(r"\d{1,4}(?:\s|[A-Za-z]|$)|[A-Za-z]+_\w+")
_COLUMNS = {
    "status": ("status", "http"),
    "code": ("error code", "code"),
    "name": ("name", "field", "parameter", "property", "key"),
    "type": ("type",),
    "required": ("required", "optional"),
}
"""What a column is about, and the words of its head that say so, the best one first."""


class Facts:
    """What a page states."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.rows: list[Row] = []
        self.commands: list[Command] = []
        self.payloads: list[str] = []
        self.unreadable: list[tuple[str, str]] = []
        """Positions with something that cannot be read, and what is there."""
        self.texts: dict[str, list[str]] = {}
        """The texts of each section, without its heading."""
        self.section = self._heading = ""
        self._head: Sequence[str] = ()
        self._columns: dict[str, int] = {}
        self._field: Row | None = None
        for part in parts:
            if part.kind == "heading":
                self.section = _section_of(part.text, part.text)
                self._heading, self._head, self._columns, self._field = part.text, (), {}, None
            elif part.kind == "code":
                self._read_code(part.text)
            else:
                self.texts.setdefault(self.section, []).append(part.text)
                self._read_text(part)
        lines = (part.text if part.kind in ("heading", "line") else "" for part in parts)
        self.request_lines = request_lines("\n".join(lines))
        self.continues = bool(parts) and parts[-1].kind == "line" and self.section not in (*FIELDS, ERRORS, EXAMPLES)
        """Whether text follows the last table and the last example."""

    def _read_code(self, code: str) -> None:
        """Read each command and each JSON value of a block of code."""
        for text in (part.text for part in text_parts(code) if part.kind == "code"):
            sent = command(text) if COMMAND.match(text) else None
            if sent:
                self.commands.append(sent)
            elif COMMAND.match(text):
                self.unreadable.append((REQUEST, text))
            else:
                self.payloads.append(text)

    def _read_text(self, part: Part) -> None:
        text, is_error = part.text, self.section == ERRORS
        if part.kind == "row":
            self._read_row(part.cells)
        elif part.kind == "head" or (is_error and not _LIKE_AN_ERROR.match(text) and len(self._columns) < 2):
            self._head, self._columns = part.cells, _columns(part.cells)
        elif is_error and (row := _ERROR.fullmatch(text)):
            self._read_row(row.groups())
        elif is_error and _LIKE_AN_ERROR.match(text):
            self.unreadable.append((ERRORS, text))
        elif _PART_OF_COMMAND.match(text):
            self.unreadable.append((REQUEST, text))
        elif self.section in FIELDS:
            self._read_field_line(text)

    def _read_row(self, cells: Sequence[str]) -> None:
        section = _section_of(self._head[0] if self._head else "", self.section)
        is_error = section == ERRORS or {"status", "code"} <= self._columns.keys()
        if not is_error and section not in FIELDS:
            self.unreadable.append((self._heading or "before any heading", f"table row: {' | '.join(cells)}"))
            return
        wanted = ["status", "code"] if is_error else ["name", "type"]
        if not set(wanted) <= self._columns.keys():
            self.unreadable.append((f"{section}, head", " | ".join(self._head) or "(none)"))
            self._columns = {about: at for at, about in enumerate(wanted)}
        cell = {about: cells[at] if at < len(cells) else "" for about, at in self._columns.items()}
        used = {self._columns.get(about) for about in [*wanted, "required"]}
        lines = [text for at, text in enumerate(cells) if text and at not in used]
        if not is_error:
            required = cell.get("required", "").casefold() in ("yes", "true", "required", "\u2713", "\u2705")
            stated = {"type": cell["type"], "required": yes(required)}
            self.rows.append(Row(section, cell["name"], stated, lines))
        elif cell["status"] and cell["code"]:
            stated = {"status": re.sub(r"^(\d{3})\s+[A-Z].*", r"\1", cell["status"])}
            self.rows.append(Row(ERRORS, cell["code"], stated, lines))
        else:
            self.unreadable.append((ERRORS, " | ".join(cells)))

    def _read_field_line(self, line: str) -> None:
        """Read a line of a list of fields: a name, the type below it, a flag, or a description."""
        row, kind = self._field, _TYPE.fullmatch(line)
        if row and kind and not row.lines and "type" not in row.stated and len(line.split()) <= 6:
            row.stated["type"] = kind[1]
            if kind[2]:
                row.stated["required"] = yes(kind[2] == "required")
        elif row and line.casefold() in ("required", "optional"):
            row.stated["required"] = yes(line.casefold() == "required")
        elif row and _FLAG.fullmatch(line):
            row.stated[line.casefold()] = "yes"
        elif _IDENTIFIER.fullmatch(line):
            self._field = Row(self.section, line, {"required": "no"})
            self.rows.append(self._field)
        elif row:
            row.lines.append(line)


def _section_of(text: str, otherwise: str) -> str:
    return next((section for word, section in _SECTIONS.items() if word in text.casefold()), otherwise)


def _columns(head: Sequence[str]) -> dict[str, int]:
    """Return which column is about what. A head of one cell was saved with nothing between its cells."""
    cells = [cell.casefold() for cell in head]
    if len(cells) == 1:
        return {about: at for at, about in enumerate(("status", "code")) if about in cells[0]}
    found: dict[str, int] = {}
    for about, words in _COLUMNS.items():
        free = (at for word in words for at, cell in enumerate(cells) if word in cell and at not in found.values())
        if (at := next(free, None)) is not None:
            found[about] = at
    return found


def type_name(text: str) -> str:
    """Return a type in one spelling: `integer[]` and `array<integer>` are `array of integers`."""
    found = text.casefold()
    inner = re.fullmatch(r"(\w+)\[\]|array\s?[<\[(](\w+)[>\])]|list of (\w+?)s?", found)
    return f"array of {next(filter(None, inner.groups()))}s" if inner else found


def yes(value: object) -> str:
    """Return a truth as the word of a column."""
    return "yes" if value else "no"


# What is sent ------------------------------------------------------------------------------------------

_METHODS = "GET|PUT|POST|PATCH|DELETE|DEL|HEAD|OPTIONS"
_PATH = r"(?:\n?/\n?[\w{}.:~-]*){0,40}(?:\?\S*)?"
_REQUEST = re.compile(
    rf"^(?:((?i:{_METHODS}))[ \t]*\n?((?:https?://[^\s/]+)?(?=/|v\d)(?:/?\n?v\d+)?{_PATH})"
    rf"|(?:([A-Za-z]{{2,8}})\n)?((?:https?://[^\s/]+)?/?\n?v\d+{_PATH}))$",
    re.MULTILINE,
)
"""A method with its path, or a path that has a version, in one line or with each segment in a line of its own."""
_PART_OF_COMMAND = re.compile(r"""(?:\S+ )?-(?:[XHd]|-request|-header|-data)\s+["'A-Z{]""")
_VALUED = {"-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url"}
_VALUED |= dict.fromkeys(("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"), "body")
_SILENT = ("-s", "--silent", "-i", "--include", "-v", "--verbose", "-L", "--location", "-S", "--fail", "-f", "-sS")


def request_lines(text: str) -> list[tuple[str, str]]:
    """Return each method with a path that the lines of a text show. The method is empty for a path without one."""
    found = _REQUEST.findall(text)
    return [(method.upper() or word, (path or other).replace("\n", "")) for method, path, word, other in found]


def command(text: str) -> Command | None:
    """Return what a curl command sends, or None if no shell could read it. Options that change nothing are left out."""
    try:
        words = shlex.split(text.replace("\\\n", " ").strip().removeprefix("$ "))
    except ValueError:
        return None
    sent, rest = Command({}), iter(words[1:])
    for word in rest:
        option, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if word[:2] in ("-X", "-H", "-d"):
            option, value = word[:2], word[2:]
        about = _VALUED.get(option, "")
        if about:
            value = value or next(rest, "")
        if about == "body":
            sent.body = value
        elif about == "header":
            name, _, content = value.partition(":")
            sent.stated[f"header {name.strip()}"] = content.strip()
        elif about == "method":
            sent.stated["method"] = value
        elif about == "url" or (not word.startswith("-") and "/" in word and "path" not in sent.stated):
            sent.stated |= url_facts(value or word)
        elif not word.startswith("-"):
            sent.stated["argument"] = f"{sent.stated.get('argument', '')} {word}".strip()
        elif option not in _SILENT:
            sent.stated[f"option {option}"] = value or "yes"
    sent.stated.setdefault("method", "GET" if sent.body is None else "POST")
    return sent


def url_facts(url: str) -> dict[str, str]:
    """Return the parts of a URL by what they are about: `host` (with what is before the version), `path`, `query`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {"host": url, "path": ""}
    found = re.match(r"(.*?)(/v\d+(?:/.*|$))", parts.path)
    before, path = found.groups() if found else ("", parts.path)
    stated = {"host": f"{parts.scheme}://{parts.netloc}{before}", "path": path}
    return stated | ({"query": parts.query} if parts.query else {})
