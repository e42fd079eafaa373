"""The facts that a documentation page states: its request line, the rows of its tables, and its examples."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from trackly_contract.pages.page import COMMAND, Part, text_parts

PATH, BODY, RESPONSE, ERRORS = "Path Parameters", "Body Parameters", "Response Fields", "Error Codes"
FIELDS = (PATH, "Query Parameters", "Header Parameters", BODY, RESPONSE)
REQUEST = "example request"
"""Sections and positions, as the sources of the rules name them."""

_SECTIONS = {"example": "Examples", "error": ERRORS, "response": RESPONSE, "path param": PATH, "request param": BODY}
_SECTIONS |= {"query": "Query Parameters", "header": "Header Parameters", "body": BODY}
"""What a heading contains, and the section that it begins."""

Rules = tuple[str, ...]  # ids
Mark = tuple[str, str]  # what it is, and a word that counts in a description


@dataclass
class Row:
    """One row of a table: where it is (as the sources of the rules write it), and what it states."""

    position: str
    stated: dict[str, str]
    lines: list[str] = field(default_factory=list)
    """The lines of its description."""


# Words that count --------------------------------------------------------------------------------------

MARKS = ("limit or number", "null", "names that it mentions", "listed values", "words that bind", "missing members")
NUMBER, NULL, NAMED, LISTED, BINDING, MEMBER = MARKS
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS = {word: str(number) for number, word in enumerate(_DIGITS) if number > 1}
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])")
_NAME = re.compile(r"\b(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+[0-9]*[A-Z][A-Za-z0-9]*)\b")
_LIST = re.compile(r"(?:must be|one of|either|:|either of)\s+((?:\w+,\s+){0,40}\w+),?\s+(?:or|and)\s+(\w+)")
_BINDING = re.compile(
    r"\b(?:must|cannot|unique|required|deprecated|defaults?|maximum|minimum|max|min|only|always|never|ignored|immutable"
    r"|removed|experimental|beta)\b",
    re.IGNORECASE,
)


def marks(text: str, members: Iterable[str] = ()) -> set[Mark]:
    """Return the words that count in a description; names of `members` do where it says that they are missing."""
    found = {(NUMBER, number.replace(",", "")) for number in _NUMBER.findall(text)}
    found |= {(NUMBER, _COUNTS[word]) for word in re.findall(r"[a-z]+", text.casefold()) if word in _COUNTS}
    found |= {(NULL, word) for word in re.findall(r"\bnull\b", text)}
    found |= {(NAMED, word) for word in _NAME.findall(text)}
    found |= {(LISTED, word) for first, last in _LIST.findall(text) for word in [*re.findall(r"\w+", first), last]}
    found |= {(LISTED, word) for word in re.findall(r"\b(?:AND|OR|XOR|NOT|NOR|NAND)\b", text)}
    found |= {(BINDING, word.casefold()) for word in _BINDING.findall(text)}
    missing = re.findall(r"\w+", text.partition("missing")[2])
    return found | {(MEMBER, name) for name in members if name in missing}


# A page ------------------------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z_](?:[\w.\[\]-]*[\w\]])?")
_FLAG = re.compile(r"required|optional|deprecated|read-only", re.IGNORECASE)
_TYPE = re.compile(rf"(?!(?:{_FLAG.pattern})$)([a-z][\w ,|<>\[\]()/-]{{0,60}}?)(required|optional)?")
_ERROR = re.compile(
    r"(\d{3})\s*([a-z][a-z0-9]*(?:[_.-][a-z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=[A-Z][a-z]|\s|$))\s*(.*)"
)
"""A row of an error table that was saved with nothing between its cells."""
_LIKE_AN_ERROR = re.compile(r"\d{1,4}(?:\s|[A-Za-z]|$)|[A-Za-z]+_\w+")
_PATH = r"(?:\n?/\n?[\w{}.:~-]*){0,40}(?:\?\S*)?"
_REQUEST = re.compile(
    r"^(?:((?i:GET|PUT|POST|PATCH|DELETE|DEL|HEAD|OPTIONS))[ \t]*\n?"
    rf"((?:https?://[^\s/]+)?(?=/|v\d)(?:/?\n?v\d+)?{_PATH})"
    rf"|(?:([A-Za-z]{{2,8}})\n)?((?:https?://[^\s/]+)?/?\n?v\d+{_PATH}))$",
    re.MULTILINE,
)
"""A method with its path, or a path that has a version, in one line or with each segment in a line of its own."""
_PART_OF_COMMAND = re.compile(r"""(?:\S+ )?-(?:[XHd]|-request|-header|-data)\s+["'A-Z{]""")


class Facts:
    """What a page states."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.rows: list[Row] = []
        self.commands: list[dict[str, str]] = []
        self.payloads: list[str] = []
        self.unreadable: list[tuple[str, str]] = []
        """Positions with something that cannot be read, and what is there."""
        self.texts: dict[str, list[str]] = {}
        """The texts of each section, without its heading."""
        self.section = self._heading = ""
        self._head: Sequence[str] = ()
        self._field: Row | None = None
        for part in parts:
            if part.kind == "heading":
                self.section = _section_of(part.text, part.text)
                self._heading, self._head, self._field = part.text, (), None
            elif part.kind == "code":
                self._read_code(part.text)
            else:
                self.texts.setdefault(self.section, []).append(part.text)
                self._read_text(part)
        lines = "\n".join(part.text if part.kind in ("heading", "line") else "" for part in parts)
        found = _REQUEST.findall(lines)
        self.request_lines = [(m.upper() or word, (p or q).replace("\n", "")) for m, p, word, q in found]
        """Each method with a path that lines show. The method is empty for a path without one."""
        self.continues = parts[-1:] and parts[-1].kind == "line" and self.section not in (*FIELDS, ERRORS, "Examples")
        """Whether text follows the last table and the last example."""

    def _read_code(self, code: str) -> None:
        """Read each command and each JSON value of a block of code."""
        for text in (part.text for part in text_parts(code) if part.kind == "code"):
            if not COMMAND.match(text):
                self.payloads.append(text)
            elif sent := command(text):
                self.commands.append(sent)
            else:
                self.unreadable.append((REQUEST, text))

    def _read_text(self, part: Part) -> None:
        text, is_error = part.text, self.section == ERRORS
        if part.kind == "row":
            self._read_row(part.cells)
        elif part.kind == "head" or (is_error and not _LIKE_AN_ERROR.match(text) and not _is_of_errors(self._head)):
            self._head = part.cells
        elif is_error and (row := _ERROR.fullmatch(text)):
            self._read_row(row.groups())
        elif is_error and _LIKE_AN_ERROR.match(text):
            self.unreadable.append((ERRORS, text))
        elif _PART_OF_COMMAND.match(text):
            self.unreadable.append((REQUEST, text))
        elif self.section in FIELDS:
            self._read_field_line(text)

    def _read_row(self, cells: Sequence[str]) -> None:
        """Read a row by the head of its table, which may name another section than the heading above it."""
        head = " | ".join(self._head)
        section = ERRORS if _is_of_errors(self._head) else _section_of("".join(self._head[:1]), self.section)
        if section not in (*FIELDS, ERRORS):
            self.unreadable.append((self._heading or "before any heading", f"table row: {' | '.join(cells)}"))
            return
        if not _is_of_errors(self._head) and (section == ERRORS or "type" not in head.casefold()):
            self.unreadable.append((f"{section}, head", head or "(none)"))
        name, about, *others = [*cells, "", ""]
        if section == ERRORS:
            about, name = sorted((name, about), key=lambda cell: not cell[:1].isdigit())
            stated = {"status": re.sub(r"^(\d{3})\s+[A-Z].*", r"\1", about)}
        else:
            required = others.pop(0) if re.search("required|optional", head.casefold()) else ""
            stated = {"type": about, "required": yes(re.match("(?i)yes|true|required|\u2713|\u2705", required))}
        if section == ERRORS and not (about and name):
            self.unreadable.append((ERRORS, " | ".join(cells)))
        else:
            self.rows.append(Row(f"{section}, {name}", stated, [text for text in others if text]))

    def _read_field_line(self, line: str) -> None:
        """Read a line of a list of fields: a name, the type below it, a flag, or a description."""
        row, kind = self._field, _TYPE.fullmatch(line)
        if row and kind and not row.lines and "type" not in row.stated and len(line.split()) <= 6:
            row.stated["type"] = kind[1]
            row.stated["required"] = yes(kind[2] == "required")
        elif row and line.casefold() in ("required", "optional"):
            row.stated["required"] = yes(line.casefold() == "required")
        elif row and _FLAG.fullmatch(line):
            row.stated[line.casefold()] = "yes"
        elif _IDENTIFIER.fullmatch(line):
            self._field = Row(f"{self.section}, {line}", {"required": "no"})
            self.rows.append(self._field)
        elif row:
            row.lines.append(line)


def _section_of(text: str, otherwise: str) -> str:
    return next((section for word, section in _SECTIONS.items() if word in text.casefold()), otherwise)


def _is_of_errors(head: Sequence[str]) -> bool:
    return {"status", "code"} <= set(re.findall("status|code", " ".join(head).casefold()))


def type_name(text: str) -> str:
    """Return a type in one spelling: `integer[]` and `array<integer>` are `array of integers`."""
    inner = re.fullmatch(r"(\w+)\[\]|array\s?[<\[(](\w+)[>\])]|list of (\w+?)s?", text.casefold())
    return f"array of {next(filter(None, inner.groups()))}s" if inner else text.casefold()


def yes(value: object) -> str:
    """Return a truth as the word of a column."""
    return "yes" if value else "no"


# What is sent ------------------------------------------------------------------------------------------

_OPTIONS = {"-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url"}
_OPTIONS |= dict.fromkeys(("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"), "body")
_OPTIONS |= dict.fromkeys(("-s", "--silent", "-i", "--include", "-v", "--verbose", "-L", "--location", "-S"), "")
_OPTIONS |= dict.fromkeys(("-f", "--fail"), "")
"""Options of curl and what they are about. Those about nothing change nothing that is sent."""


def command(text: str) -> dict[str, str] | None:
    """Return what a curl command sends (`method`, `host`, `header X`, `body`); None if no shell could read it."""
    try:
        words = iter(shlex.split(text.replace("\\\n", " ").strip().removeprefix("$ "))[1:])
    except ValueError:
        return None
    sent: dict[str, str] = {}
    for word in words:
        if not word.startswith("-"):
            sent |= url_facts(word) if "/" in word and "path" not in sent else {"argument": word}
            continue
        option, _, value = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
        about = _OPTIONS.get(option)
        if about:
            value = value or next(words, "")
        if about == "url":
            sent |= url_facts(value)
        elif about == "header":
            name, _, value = value.partition(":")
            sent[f"header {name.strip()}"] = value.strip()
        elif about is None:
            sent[f"option {option}"] = value or "yes"
        elif about:
            sent[about] = value
    return {"method": "POST" if "body" in sent else "GET"} | sent


def url_facts(url: str) -> dict[str, str]:
    """Return the parts of a URL by what they are about: `host` (with what is before the version), `path`, `query`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {"host": url, "path": ""}
    found = re.match(r"(.*?)(/v\d+(?:/.*|$))", parts.path)
    before, path = found.groups() if found else ("", parts.path)
    host = f"{parts.scheme}://{parts.netloc}{before}" if parts.netloc else before
    stated = {"host": host, "path": path, "query": parts.query}
    return {about: value for about, value in stated.items() if value or about == "path"}
