"""A documentation page beside the contract: what either states and the other does not.

Promises: a page is recognised by what it states, never by its file's name; every row, example, limit, token and type
that only one side has, or that differs, is named with its place and its rules, in one line.
Refuses: to say that nothing differs of what is no page of the two operations, or of one that breaks off; to print what
looks like somebody's key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import document
from trackly_contract.core import ABSENT, NotJSONError, differences, one_line, parse, short, show
from trackly_contract.pages.facts import ANSWER, BODY, ERRORS, FIELDS, REQUEST, facts_of, marks
from trackly_contract.pages.file import NotAPageError, content_of, page_of
from trackly_contract.pages.identify import recognised
from trackly_contract.pages.page import tidy
from trackly_contract.pages.request import url_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from trackly_contract.core import JSON
    from trackly_contract.pages.expected import Held, HeldRow
    from trackly_contract.pages.facts import Facts, Mark, Row
    from trackly_contract.pages.request import Command

_KEY = re.compile(r"trk_[0-9A-Za-z]{16,}")
"""What looks like somebody's key: a page that was saved while logged in may show one."""

MOST_LINES = 500
"""Differences of a page that are told to people."""


class Change(StrEnum):
    """How page and contract differ."""

    DIFFERS = "differs"
    NEW = "new on the page"
    GONE = "gone from the page"
    WORDS = "worded otherwise"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that page and contract do not share; a side that states nothing is empty."""

    place: str
    about: str
    change: Change
    page: str
    contract: str
    rules: tuple[str, ...]

    def line(self) -> str:
        """Return it in one line for people."""
        where = f"{self.place}{': ' if self.about else ''}{self.about}"
        page, held = short(self.page, 160), short(self.contract, 160)
        instead = f"the page states {page!r}" if page else "which are gone from the page"
        told = {
            Change.DIFFERS: f"the page states {page or 'nothing'}, the contract {held or 'nothing'}",
            Change.NEW: f"new on the page: {page}; the contract holds none",
            Change.GONE: f"gone from the page; the contract holds {held}",
            Change.WORDS: f"worded otherwise: the rule was read from the words {held!r}, {instead}",
            Change.UNREADABLE: f"cannot be read: {page}",
        }[self.change]
        return f"{short(where, 160)}: {told} [{', '.join(self.rules) or 'no rule'}]"


@dataclass(frozen=True)
class Compared:
    """One page and how it differs from the contract."""

    file: str
    held: Held
    differences: tuple[Difference, ...]
    facts: int
    """How many facts of the contract were looked for."""

    def described(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "file": self.file,
            "page": self.held.page,
            "operation": self.held.operation,
            "facts": self.facts,
            "differences": [
                {
                    "place": d.place,
                    "about": d.about,
                    "change": d.change.name.lower(),
                    "page": d.page,
                    "contract": d.contract,
                    "rules": list(d.rules),
                }
                for d in self.differences
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield it for people, a line a difference."""
        for difference in self.differences[:MOST_LINES]:
            yield f"{one_line(self.file)}: {self.held.page}, {difference.line()}"
        count = len(self.differences)
        if count > MOST_LINES:
            yield f"{one_line(self.file)}: {count - MOST_LINES} more; --json tells them all"
        told = "no difference" if not count else f"{count} difference{'s' * (count > 1)}"
        yield f"{one_line(self.file)}: {self.held.page} ({self.held.operation}), {self.facts} facts compared: {told}"


# Comparison --------------------------------------------------------------------------------------------

_ABOUT = {
    "number": "limit or number",
    "null": "null",
    "name": "names that it mentions",
    "listed": "listed values",
    "binding": "words that bind",
    "member": "missing members",
}


class _Comparison:
    """Compares the facts of a page with what the contract holds of it."""

    def __init__(self, facts: Facts, held: Held) -> None:
        self.facts, self.held = facts, held
        self.found: dict[Difference, None] = {}
        self.looked = 0

    def differences(self) -> tuple[Difference, ...]:
        for place, text in self.facts.odd:
            self._tell(place, "", Change.UNREADABLE, text, "", self.held.at(place.partition(", head")[0]))
        self._request_lines()
        self._rows()
        self._commands()
        self._payloads()
        self._quotes()
        return tuple(self.found)

    def _tell(self, place: str, about: str, change: Change, page: str, held: str, rules: Iterable[str]) -> None:
        self.found[Difference(place, about, change, _KEY.sub("trk_(a key)", page), held, tuple(rules))] = None

    def _request_lines(self) -> None:
        for method, stated in self.facts.request_lines:
            parts = url_facts(stated)
            for about, value, ours in (
                ("method", method, self.held.method),
                ("path", parts["path"], self.held.path),
                ("host", parts["host"] if "//" in stated else self.held.command["host"], self.held.command["host"]),
            ):
                self.looked += 1
                if value != ours:
                    self._tell("request line", about, Change.DIFFERS, value, ours, self.held.of_request)

    # Rows ----------------------------------------------------------------------------------------------

    def _rows(self) -> None:
        present = {row.place for row in self.facts.rows}
        for place, held in self.held.rows.items():
            self.looked += 1
            if place not in present:
                self._tell(place, "", Change.GONE, "", _summary(held.stated), held.rules)
        for row in self.facts.rows:
            ours = self.held.rows.get(row.place)
            if ours is None:
                self._tell(row.place, "", Change.NEW, _summary(row.stated), "", ())
            else:
                self._row(row, ours)

    def _row(self, row: Row, held: HeldRow) -> None:
        before = len(self.found)
        for about, value in row.stated.items():
            if about not in held.stated and not (about == "required" and row.section != BODY):
                self._tell(row.place, about, Change.NEW, value, "", held.rules)
        for about, value in held.stated.items():
            self.looked += 1
            if row.stated.get(about, "") != value:
                self._tell(row.place, about, Change.DIFFERS, row.stated.get(about, ""), value, held.rules)
        self._marks(row, held)
        for quote, rule in held.quotes:
            self.looked += 1
            if len(self.found) == before and quote not in _even(row.text):
                self._tell(row.place, "", Change.WORDS, row.says, quote, [rule])

    def _marks(self, row: Row, held: HeldRow) -> None:
        stated = marks(row.says, self.held.members if _lacks(row) else ())
        self.looked += len(held.expected)
        for kind, about in _ABOUT.items():
            page, expected = _words(stated, kind), _words(held.expected, kind)
            if not set(page) - set(_words(held.allowed, kind)) and set(expected) <= set(page):
                continue
            ours = expected or _words(held.allowed, kind)
            self._tell(row.place, about, Change.DIFFERS, ", ".join(page), ", ".join(ours), held.rules)

    # Examples ------------------------------------------------------------------------------------------

    def _commands(self) -> None:
        if not self.facts.commands:
            told = f"{self.held.operation} as a command"
            self._tell(REQUEST, "", Change.GONE, "", told, self.held.of_request)
        for sent in self.facts.commands:
            self._command(sent)

    def _command(self, sent: Command) -> None:
        ours = self.held.command
        for about in [*ours, *(name for name in sent.stated if name not in ours)]:
            self.looked += about in ours
            page, held = sent.stated.get(about, ""), ours.get(about, "")
            if page != held:
                change = Change.DIFFERS if page and held else Change.GONE if held else Change.NEW
                rules = self.held.of_key if about.startswith("header") else self.held.of_request
                self._tell(REQUEST, about, change, page, held, rules)
        if self.held.request is ABSENT and sent.body is None:
            return
        try:
            body = ABSENT if sent.body is None else parse(sent.body.encode("utf-8", "replace"))
        except NotJSONError as error:
            self._tell(REQUEST, "body", Change.UNREADABLE, f"{error}: {sent.body}", "", self.held.of_request)
            return
        self._values(REQUEST, body, self.held.request)

    def _payloads(self) -> None:
        answers = 0
        for text in self.facts.payloads:
            try:
                value = parse(text.encode("utf-8", "replace"))
            except NotJSONError as error:
                self._tell("example", "", Change.UNREADABLE, f"{error}: {text}", "", self.held.of_request)
                continue
            if _is_refusal(value):
                self._refusal(value)
                continue
            ways = [(ANSWER, self.held.answer)]
            ways += [] if self.held.request is ABSENT else [(REQUEST, self.held.request)]
            place, ours = min(ways, key=lambda way: sum(1 for _ in differences(value, way[1])))
            answers += place == ANSWER
            self._values(place, value, ours)
        if not answers:
            held = show(self.held.answer)
            self._tell(ANSWER, "", Change.GONE, "", held, self.held.of_request)

    def _values(self, place: str, value: JSON, ours: JSON) -> None:
        self.looked += _leaves(ours)
        found = list(differences(value, ours))
        if len(found) > max(8, _leaves(ours) // 2):
            rules = self.held.of_request
            self._tell(place, "", Change.DIFFERS, show(value), show(ours), rules)
            return
        for pointer, page, held in found:
            change = Change.GONE if page is ABSENT else Change.NEW if held is ABSENT else Change.DIFFERS
            told = ["" if side is ABSENT else show(side) for side in (page, held)]
            rules = self.held.of_member(place, pointer)
            self._tell(place, pointer or "the whole", change, told[0], told[1], rules)

    def _refusal(self, value: dict[str, JSON]) -> None:
        """Compare the example of a refusal: its members with the schema's, its code with the page's own."""
        place, known = "example of a refusal", document("error.json")["properties"]
        rules = ("error.code",)
        for name, said in value.items():
            if name not in known:
                self._tell(place, f"/{name}", Change.NEW, show(said), "", rules)
        for name in known:
            if not isinstance(value.get(name), str):
                self._tell(place, f"/{name}", Change.DIFFERS, show(value.get(name, ABSENT)), "a string", rules)
        code = value.get("code")
        if isinstance(code, str) and code not in self.held.codes:
            self._tell(place, "/code", Change.NEW, code, "", rules)

    # Quotations ----------------------------------------------------------------------------------------

    def _quotes(self) -> None:
        texts = {name: _even(text) for name, text in self.facts.texts.items()}
        whole = " ".join([*texts.values(), *texts])
        for section, quote, rule in self.held.quotes:
            self.looked += 1
            of_section = section in (*FIELDS, ERRORS) and quote != section
            if quote not in (texts.get(section, "") if of_section else whole):
                self._tell(section, "", Change.WORDS, "", quote, [rule])


def _even(text: str) -> str:
    """Return a text in single spaces, with plain quotation marks."""
    return tidy(text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}))


def _summary(stated: dict[str, str]) -> str:
    words = [value for about, value in stated.items() if about in ("status", "type")]
    words += ["required"] if stated.get("required") == "yes" else []
    return ", ".join(filter(None, words)) or "a row"


def _lacks(row: Row) -> bool:
    return row.section == ERRORS and row.name.startswith("missing_")


def _words(found: Iterable[Mark], kind: str) -> list[str]:
    return sorted(word for name, word in found if name == kind)


def _leaves(value: JSON) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values())) or 1
    if isinstance(value, list):
        return sum(map(_leaves, value)) or 1
    return 1


def _is_refusal(value: JSON) -> bool:
    return isinstance(value, dict) and len(value) <= 6 and bool({"code", "error"} & set(value)) and "id" not in value


def compare(file: Path) -> Compared:
    """Compare a saved page with the contract.

    Raises NotAPageError, with the file's name, if it is no whole page of one of the two operations.
    """
    try:
        page = page_of(content_of(file))
        facts = facts_of(page)
        held = recognised(page, facts)
    except NotAPageError as error:
        raise NotAPageError(f"{one_line(str(file))}: {one_line(str(error))}") from None
    comparison = _Comparison(facts, held)
    found = comparison.differences()
    return Compared(str(file), held, found, comparison.looked)


def compare_pages(files: Iterable[Path]) -> tuple[list[Compared], list[str]]:
    """Compare saved pages with the contract; return what was compared, and a sentence for each that is no page."""
    compared, refused = [], []
    for file in files:
        try:
            compared.append(compare(file))
        except NotAPageError as error:
            refused.append(str(error))
    return compared, refused


def described_pages(compared: Iterable[Compared], refused: Iterable[str]) -> dict[str, Any]:
    """Return what `compare_all` found, for machines."""
    pages, no_pages = [page.described() for page in compared], list(refused)
    code = 2 if no_pages else 1 if any(page["differences"] for page in pages) else 0
    return {"schema_version": "1.0", "exit_code": code, "pages": pages, "refused": no_pages}
