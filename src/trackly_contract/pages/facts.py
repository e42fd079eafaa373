"""The facts of a documentation page: its request line, the rows of its tables, its examples, its words of note.

Promises: what stands where a fact should stand and cannot be read is kept as such (`odd`), never dropped; a page is
read the same whether its rows are tables, components, or lines of saved text.
Refuses: to know what the contract holds; every word of note counts, known or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.pages.page import Code, Heading, Table, pieces, tidy
from trackly_contract.pages.request import OF_A_COMMAND, command, request_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackly_contract.pages.page import Page
    from trackly_contract.pages.request import Command

PATH, QUERY, HEADER = "Path Parameters", "Query Parameters", "Header Parameters"
BODY, RESPONSE, ERRORS = "Body Parameters", "Response Fields", "Error Codes"
EXAMPLES = "Examples"
"""Sections as the sources of the rules name them."""

REQUEST, ANSWER = "example request", "example answer"
"""Places of examples, as the sources of the rules write them."""

FIELDS = (PATH, QUERY, HEADER, BODY, RESPONSE)

Mark = tuple[str, str]
"""A word of note of a description: its kind (`number`, `null`, `name`, `listed`, `binding`, `member`) and the word."""


@dataclass
class Row:
    """One row of a documentation table: `stated` by column, its description, and everything it says as one text."""

    section: str
    name: str
    stated: dict[str, str] = field(default_factory=dict)
    says: str = ""
    text: str = ""

    @property
    def place(self) -> str:
        """Where it stands, as the sources of the rules write it."""
        return f"{self.section}, {self.name}"


@dataclass
class Facts:
    """What a page states."""

    request_lines: list[tuple[str, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    payloads: list[str] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)
    """Places with something that cannot be read, and what stands there."""
    texts: dict[str, str] = field(default_factory=dict)
    """The text of each section, without its heading; what stands before the first heading has none."""
    after: bool = False
    """Whether anything follows the last table or example of the page."""


# Words of note -----------------------------------------------------------------------------------------

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
    """Return the words of note of a description.

    `members` are names that count where the text says that they are missing.
    """
    found = {("number", number.replace(",", "")) for number in _NUMBER.findall(text)}
    found |= {("number", _COUNTS[word]) for word in re.findall(r"[a-z]+", text.casefold()) if word in _COUNTS}
    found |= {("null", "null")} if re.search(r"\bnull\b", text) else set()
    found |= {("name", name) for name in _NAME.findall(text)}
    for first, last in _LIST.findall(text):
        found |= {("listed", word) for word in [*re.findall(r"\w+", first), last]}
    found |= {("listed", word) for word in _JOINED.findall(text)}
    found |= {("binding", word.casefold()) for word in _BINDING.findall(text)}
    lacking = set(re.findall(r"\w+", text.partition("missing")[2]))
    return found | {("member", name) for name in members if name in lacking}


# Rows --------------------------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z_](?:[\w.\[\]-]*[\w\]])?")
_TYPE = re.compile(r"[a-z][\w ,|<>\[\]()/-]{0,60}")
_FLAG = re.compile(r"(required|optional|deprecated|read-only)", re.IGNORECASE)
_GLUED_FLAG = re.compile(r"([a-z][\w ,|<>\[\]()/-]{0,60}?)(required|optional)")
_GLUED = re.compile(
    r"(\d{3})\s*([a-z][a-z0-9]*(?:[_.-][a-z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=[A-Z][a-z]|\s|$))\s*(.*)"
)
_LIKE_A_ROW = re.compile(r"\d{1,4}(?:\s|[A-Za-z]|$)|[A-Za-z]+_\w+")


def _type_name(text: str) -> str:
    """Return a type in one spelling: `integer[]` and `array<integer>` are `array of integers`."""
    found = tidy(text).casefold()
    inner = re.fullmatch(r"(\w+)\[\]|array\s?[<\[(](\w+)[>\])]|list of (\w+?)s?", found)
    return f"array of {next(filter(None, inner.groups()))}s" if inner else found


def field_rows(section: str, lines: Sequence[str]) -> list[Row]:
    """Return the rows of a list of fields that was saved as lines: name, type, whether required, description."""
    rows: list[Row] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if not _IDENTIFIER.fullmatch(line) or (rows and _FLAG.fullmatch(line)):
            if rows:
                _further(rows[-1], line)
            at += 1
            continue
        row = Row(section, line, {"type": "", "required": "no"}, text=line)
        at += 1
        if _TYPE.fullmatch(following) and not _FLAG.fullmatch(following) and len(following.split()) <= 6:
            row.text += f" {following}"
            glued = _GLUED_FLAG.fullmatch(following)
            row.stated["type"] = _type_name(glued[1] if glued else following)
            row.stated["required"] = "yes" if glued and glued[2] == "required" else "no"
            at += 1
        rows.append(row)
    return rows


def _further(row: Row, line: str) -> None:
    """Add a line to a row: a flag, or a line of its description."""
    row.text += f" {line}"
    if not _FLAG.fullmatch(line):
        row.says = tidy(f"{row.says} {line}")
    elif line.casefold() in ("required", "optional"):
        row.stated["required"] = "yes" if line.casefold() == "required" else "no"
    else:
        row.stated[line.casefold()] = "yes"


def _error_rows(lines: Sequence[str], facts: Facts) -> None:
    """Read the rows of an error table that was saved as lines, its cells glued or apart."""
    head: str | None = ""
    for line in lines:
        like = _GLUED.fullmatch(line) or _LIKE_A_ROW.match(line)
        if like and head is not None:
            if not {"status", "code"} <= set(re.findall("status|code", head.casefold())):
                facts.odd.append((f"{ERRORS}, head", head or "(none)"))
            head = None
        if found := _GLUED.fullmatch(line):
            text = tidy(f"{found[1]} {found[2]} {found[3]}")
            facts.rows.append(Row(ERRORS, found[2], {"status": found[1]}, found[3], text))
        elif like:
            facts.odd.append((ERRORS, line))
        elif head is not None:
            head = line


def _column(head: Sequence[str], *words: str, taken: Iterable[int] = ()) -> int | None:
    """Return the number of the first column that a word names, None if there is none."""
    lowered = [cell.casefold() for cell in head]
    return next((n for word in words for n, cell in enumerate(lowered) if word in cell and n not in taken), None)


def _table(section: str, table: Table, heading: str, facts: Facts) -> None:
    status = _column(table.head, "status", "http")
    code = _column(table.head, "error code", "code", taken=() if status is None else (status,))
    name = _column(table.head, "name", "field", "parameter", "property", "key")
    kind = _column(table.head, "type")
    if status is not None and code is not None:
        _coded(table, status, code, facts)
    elif section == ERRORS:
        facts.odd.append((f"{ERRORS}, head", " | ".join(table.head) or "(none)"))
        width = max(map(len, table.rows), default=0)
        full = [row for row in table.rows if len(row) == width]
        status = next((n for n in range(width) if full and all(re.match(r"\d{3}\b", row[n]) for row in full)), 0)
        _coded(table, status, 1 if status == 0 else 0, facts)
    elif section in FIELDS and name is not None and kind is not None:
        required = _column(table.head, "required", "optional")
        for row in table.rows:
            facts.rows.append(_named(section, row, name, kind, required))
    elif section in FIELDS:
        facts.odd.append((f"{section}, head", " | ".join(table.head) or "(none)"))
        facts.rows += [_named(section, row, 0, 1, None) for row in table.rows]
    else:
        facts.odd += [(heading or "before any heading", f"table row: {' | '.join(row)}") for row in table.rows]


def _coded(table: Table, status: int, code: int, facts: Facts) -> None:
    for row in table.rows:
        if len(row) <= max(status, code) or not row[code]:
            facts.odd.append((ERRORS, " | ".join(row)))
        else:
            found = re.match(r"\d{3}(?=\s+[A-Z]|$)", row[status])
            stated = {"status": found[0] if found else row[status]}
            says = " ".join(cell for n, cell in enumerate(row) if n not in (status, code))
            facts.rows.append(Row(ERRORS, row[code], stated, says, " ".join(row)))


def _named(section: str, row: Sequence[str], name: int, kind: int, required: int | None) -> Row:
    cell = dict(enumerate(row))
    word = cell.get(required, "").casefold() if required is not None else ""
    stated = {
        "type": _type_name(cell.get(kind, "")),
        "required": "yes" if word in ("yes", "true", "required", "✓", "✅") else "no",
    }
    says = " ".join(text for n, text in cell.items() if n not in (name, kind, required))
    return Row(section, cell.get(name, ""), stated, says, " ".join(row))


# A page ------------------------------------------------------------------------------------------------


def section_of(heading: str) -> str:
    """Return the section that a heading begins, the heading itself for one that is none of ours."""
    words = heading.casefold()
    kinds = (
        ("example", EXAMPLES),
        ("error", ERRORS),
        ("response", RESPONSE),
        ("path param", PATH),
        ("query", QUERY),
        ("header", HEADER),
        ("body", BODY),
        ("request param", BODY),
    )
    return next((section for word, section in kinds if word in words), heading)


def facts_of(page: Page) -> Facts:
    """Return what a page states."""
    facts = Facts()
    section, heading = "", ""
    texts: dict[str, list[str]] = {}
    waiting: dict[str, list[str]] = {}
    for block in page.blocks:
        facts.after = not isinstance(block, Table | Code) and section not in (*FIELDS, ERRORS, EXAMPLES)
        if isinstance(block, Heading):
            section, heading = section_of(block.text), block.text
            facts.request_lines += request_lines([block.text])
            facts.after = section not in (*FIELDS, ERRORS, EXAMPLES)
        elif isinstance(block, Code):
            _code(block, facts)
        elif isinstance(block, Table):
            _table(section, block, heading, facts)
            texts.setdefault(section, []).extend(cell for row in (block.head, *block.rows) for cell in row)
        else:
            facts.request_lines += request_lines(block.lines)
            facts.odd += [(REQUEST, line) for line in block.lines if OF_A_COMMAND.match(line)]
            texts.setdefault(section, []).extend(block.lines)
            waiting.setdefault(section, []).extend(block.lines)
    for name, lines in waiting.items():
        if name in FIELDS:
            facts.rows += field_rows(name, lines)
        elif name == ERRORS:
            _error_rows(lines, facts)
    facts.texts = {name: " ".join(lines) for name, lines in texts.items()}
    return facts


def _code(block: Code, facts: Facts) -> None:
    for text in pieces(block):
        if re.match(r"\s*(?:\$ )?curl\s", text):
            sent = command(text)
            if sent is None:
                facts.odd.append((REQUEST, text))
            else:
                facts.commands.append(sent)
        else:
            facts.payloads.append(text)
