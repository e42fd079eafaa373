"""Compares a saved documentation page with the contract: what only one of them states, and what differs.

Recognises a page by what it states, never by the name of its file. Does not compare what is no page of the two
operations, or a page that breaks off. Prints nothing that looks like a key.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import document
from trackly_contract.core import ABSENT, NotJSONError, differences, one_line, parse, short, show
from trackly_contract.pages.expected import expected_pages, same_path
from trackly_contract.pages.facts import BODY, ERRORS, FIELDS, REQUEST, Facts, marks, type_name, url_facts
from trackly_contract.pages.page import SAVE, NotAPageError, read_page, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from trackly_contract.core import JSON
    from trackly_contract.pages.expected import ExpectedPage, ExpectedRow
    from trackly_contract.pages.facts import Command, Row

MOST_LINES = 500
"""Differences of a page that are printed for people."""

LEAST = 0.25
"""Share of the expected rows that a page of an operation has at least."""

ALIKE = 0.6
"""Share of the expected rows that makes a page one of an operation although its method or path differs."""

MOST_OPERATIONS = 3
"""Operations that a page may name: its own, and one as its examples write it."""

RESPONSE_EXAMPLE = "example answer"
"""Where an example of a response is, as the sources of the rules name it."""


class Change(StrEnum):
    """How page and contract differ."""

    DIFFERS = "differs"
    NEW = "new"
    GONE = "gone"
    WORDS = "words"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that page and contract do not share. A side that states nothing is empty."""

    place: str
    about: str
    change: Change
    page: str
    contract: str
    rules: tuple[str, ...]

    def line(self) -> str:
        """Return it in one line for people."""
        where = f"{self.place}{': ' if self.about else ''}{self.about}"
        page, contract = short(self.page, 160), short(self.contract, 160)
        instead = f"the page states {page!r}" if page else "which are gone from the page"
        text = {
            Change.DIFFERS: f"the page states {page or 'nothing'}, the contract {contract or 'nothing'}",
            Change.NEW: f"new on the page: {page}; the contract holds none",
            Change.GONE: f"gone from the page; the contract holds {contract}",
            Change.WORDS: f"worded otherwise: the rule was read from the words {contract!r}, {instead}",
            Change.UNREADABLE: f"cannot be read: {page}",
        }[self.change]
        return f"{short(where, 160)}: {text} [{', '.join(self.rules) or 'no rule'}]"


class Compared:
    """One page, and how it differs from the contract."""

    def __init__(self, file: str, facts: Facts, expected: ExpectedPage) -> None:
        self.file, self.expected = file, expected
        self._found: dict[Difference, None] = {}
        self.compared = 0
        """How many facts of the contract were looked for."""
        for position, text in facts.unreadable:
            self._add(position, "", Change.UNREADABLE, text, "", expected.at(position.partition(", head")[0]))
        for method, stated in facts.request_lines:
            parts = url_facts(stated)
            host = parts["host"] if "//" in stated else expected.command["host"]
            for about, page, contract in (
                ("method", method, expected.method), ("path", parts["path"], expected.path), ("host", host, expected.command["host"])
            ):
                self._check("request line", about, page, contract, expected.of_request)
        self._rows(facts)
        if not facts.commands:
            self._add(REQUEST, "", Change.GONE, "", f"{expected.operation} as a command", expected.of_request)
        for sent in facts.commands:
            self._command(sent)
        self._payloads(facts.payloads)
        self._quotes(facts)
        self.differences = tuple(self._found)

    def described(self) -> dict[str, Any]:
        """Return it for machines."""
        found = [asdict(difference) for difference in self.differences]
        page, operation = self.expected.page, self.expected.operation
        return {"file": self.file, "page": page, "operation": operation, "facts": self.compared, "differences": found}

    def lines(self) -> Iterator[str]:
        """Yield it for people, a line for each difference."""
        file, page, count = one_line(self.file), self.expected.page, len(self.differences)
        for difference in self.differences[:MOST_LINES]:
            yield f"{file}: {page}, {difference.line()}"
        if count > MOST_LINES:
            yield f"{file}: {count - MOST_LINES} more; --json tells them all"
        total = "no difference" if not count else f"{count} difference{'s' * (count > 1)}"
        yield f"{file}: {page} ({self.expected.operation}), {self.compared} facts compared: {total}"

    def _add(self, place: str, about: str, change: Change, page: str, contract: str, rules: Iterable[str]) -> None:
        page = re.sub(r"trk_[0-9A-Za-z]{16,}", "trk_(a key)", page)  # of somebody who was logged in
        self._found[Difference(place, about, change, page, contract, tuple(rules))] = None

    def _check(self, place: str, about: str, page: str, contract: str, rules: Iterable[str]) -> None:
        self.compared += 1
        if page != contract:
            self._add(place, about, Change.DIFFERS, page, contract, rules)

    def _rows(self, facts: Facts) -> None:
        present = {row.position for row in facts.rows}
        self.compared += len(self.expected.rows)
        for position, expected in self.expected.rows.items():
            if position not in present:
                self._add(position, "", Change.GONE, "", _summary(expected.stated), expected.rules)
        for row in facts.rows:
            if found := self.expected.rows.get(row.position):
                self._row(row, found)
            else:
                self._add(row.position, "", Change.NEW, _summary(row.stated), "", ())

    def _row(self, row: Row, expected: ExpectedRow) -> None:
        before = len(self._found)
        for about, value in row.stated.items():
            if about not in expected.stated and not (about == "required" and row.section != BODY):
                self._add(row.position, about, Change.NEW, value, "", expected.rules)
        for about, value in expected.stated.items():
            page = row.stated.get(about, "")
            self._check(row.position, about, type_name(page) if about == "type" else page, value, expected.rules)
        members = document("filter.json")["$defs"]["condition"]["properties"]
        stated = marks(row.description, members if row.position.startswith(f"{ERRORS}, missing_") else ())
        self.compared += len(expected.expected)
        for kind, about in _ABOUT.items():
            page, needed, allowed = (
                sorted(word for name, word in found if name == kind)
                for found in (stated, expected.expected, expected.allowed)
            )
            if not set(needed) <= set(page) <= set(allowed):
                self._add(row.position, about, Change.DIFFERS, ", ".join(page), ", ".join(needed or allowed), expected.rules)
        text = _even(" ".join([*row.stated.values(), row.description]))
        for quote, rule in expected.quotes:
            self.compared += 1
            if len(self._found) == before and quote not in text:
                self._add(row.position, "", Change.WORDS, row.description, quote, [rule])

    def _command(self, sent: Command) -> None:
        expected = self.expected.command
        for about in expected | sent.stated:
            self.compared += about in expected
            page, contract = sent.stated.get(about, ""), expected.get(about, "")
            if page != contract:
                change = Change.DIFFERS if page and contract else Change.GONE if contract else Change.NEW
                rules = self.expected.of_key if about.startswith("header") else self.expected.of_request
                self._add(REQUEST, about, change, page, contract, rules)
        if self.expected.request is ABSENT and sent.body is None:
            return
        try:
            body = ABSENT if sent.body is None else parse(sent.body.encode("utf-8", "replace"))
        except NotJSONError as error:
            self._add(REQUEST, "body", Change.UNREADABLE, f"{error}: {sent.body}", "", self.expected.of_request)
        else:
            self._values(REQUEST, body, self.expected.request)

    def _payloads(self, payloads: list[str]) -> None:
        """Compare the examples that are JSON with that of the request or the response it is most like."""
        responses = 0
        for text in payloads:
            try:
                value = parse(text.encode("utf-8", "replace"))
            except NotJSONError as error:
                self._add("example", "", Change.UNREADABLE, f"{error}: {text}", "", self.expected.of_request)
                continue
            if isinstance(value, dict) and len(value) <= 6 and {"code", "error"} & set(value) and "id" not in value:
                self._error(value)
                continue
            examples = {RESPONSE_EXAMPLE: self.expected.response, REQUEST: self.expected.request}
            known = {place: example for place, example in examples.items() if example is not ABSENT}
            place = min(known, key=lambda place: sum(1 for _ in differences(value, known[place])))
            responses += place == RESPONSE_EXAMPLE
            self._values(place, value, known[place])
        if not responses:
            self._add(RESPONSE_EXAMPLE, "", Change.GONE, "", show(self.expected.response), self.expected.of_request)

    def _values(self, place: str, value: JSON, example: JSON) -> None:
        leaves = _leaves(example)
        self.compared += leaves
        found = list(differences(value, example))
        if len(found) > max(8, leaves // 2):
            self._add(place, "", Change.DIFFERS, show(value), show(example), self.expected.of_request)
            return
        for pointer, page, contract in found:
            change = Change.GONE if page is ABSENT else Change.NEW if contract is ABSENT else Change.DIFFERS
            sides = ["" if side is ABSENT else show(side) for side in (page, contract)]
            self._add(place, pointer or "the whole", change, *sides, self.expected.of_member(place, pointer))

    def _error(self, value: dict[str, JSON]) -> None:
        """Compare the example of an error: its members with those of the schema, its code with those of the page."""
        place, known = "example of a refusal", document("error.json")["properties"]
        for name in [*known, *value]:
            said = value.get(name, ABSENT)
            if name not in known:
                self._add(place, f"/{name}", Change.NEW, show(said), "", ["error.code"])
            elif not isinstance(said, str):
                self._add(place, f"/{name}", Change.DIFFERS, show(said), "a string", ["error.code"])
        code = value.get("code")
        if isinstance(code, str) and f"{ERRORS}, {code}" not in self.expected.rows:
            self._add(place, "/code", Change.NEW, code, "", ["error.code"])

    def _quotes(self, facts: Facts) -> None:
        texts = {section: _even(" ".join(found)) for section, found in facts.texts.items()}
        whole = " ".join([*texts.values(), *texts])
        for section, quote, rule in self.expected.quotes:
            self.compared += 1
            of_section = section in (*FIELDS, ERRORS) and quote != section
            if quote not in (texts.get(section, "") if of_section else whole):
                self._add(section, "", Change.WORDS, "", quote, [rule])


_ABOUT = {
    "number": "limit or number",
    "null": "null",
    "name": "names that it mentions",
    "listed": "listed values",
    "binding": "words that bind",
    "member": "missing members",
}


def _even(text: str) -> str:
    """Return a text in single spaces, with plain quotation marks."""
    return tidy(text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}))


def _summary(stated: dict[str, str]) -> str:
    words = [value for about, value in stated.items() if about in ("status", "type")]
    words += ["required"] if stated.get("required") == "yes" else []
    return ", ".join(filter(None, words)) or "a row"


def _leaves(value: JSON) -> int:
    if isinstance(value, dict | list):
        return sum(map(_leaves, value.values() if isinstance(value, dict) else value)) or 1
    return 1


def compare(file: Path) -> Compared:
    """Compare a saved page with the contract.

    Raises NotAPageError, with the name of the file, if it is no whole page of one of the two operations.
    """
    try:
        facts = Facts(read_page(file))
        return Compared(str(file), facts, recognised(facts))
    except NotAPageError as error:
        raise NotAPageError(f"{one_line(str(file))}: {one_line(str(error))}") from None


def recognised(facts: Facts) -> ExpectedPage:
    """Return which page the facts are from.

    Raises NotAPageError, without the name of the file, if it is none, states hardly anything, or breaks off.
    """
    pages = expected_pages()
    wanted = "name a saved page of " + " or ".join(f"{page.operation} ({page.title})" for page in pages)
    stated = [(method, url_facts(path)["path"]) for method, path in facts.request_lines]
    stated += [(sent.stated["method"], sent.stated.get("path", "")) for sent in facts.commands]
    several = ", ".join(dict.fromkeys(f"{method} {path}" for method, path in stated))
    if len(set(stated)) > MOST_OPERATIONS:
        raise NotAPageError(f"a page of several operations ({short(several, 120)}); {wanted}")
    votes = Counter(page.page for page in pages for m, p in stated if m == page.method and same_path(p, page.path))
    present = {row.position for row in facts.rows}
    shares = {page.page: len(present & set(page.rows)) / len(page.rows) for page in pages}
    # Of two that are alike, the one with more rows: all rows of one page may be on the other too.
    best = max(pages, key=lambda page: (votes[page.page], shares[page.page], len(page.rows)))
    # Another version or another method of the same page still ends in one audience.
    single = all(path.rstrip("/").rpartition("/")[2][:1] in "{:0123456789" for _, path in stated)
    if not votes and (not single or shares[best.page] < ALIKE):
        what = f"a page of another operation ({short(several, 120)})" if several else "no page of an operation"
        raise NotAPageError(f"{what}; {wanted}")
    gone = [position for position in best.rows if position not in present]
    if shares[best.page] < LEAST:
        rows = f"{len(best.rows) - len(gone)} of the {len(best.rows)} rows of its tables"
        raise NotAPageError(f"names {best.operation} but has {rows}: no page of it, or cut off; {SAVE}, whole")
    last = max(best.rows, key=lambda position: best.rows[position].stated.get("status", ""))
    if last in gone and not facts.continues:
        raise NotAPageError(
            f"the page of {best.operation} breaks off after its last table or example, {len(gone)} rows of its tables "
            f"are missing ({gone[0]} ... {gone[-1]}); {SAVE}, whole"
        )
    return best


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
    """Return what `compare_pages` found, for machines."""
    pages, no_pages = [page.described() for page in compared], list(refused)
    code = 2 if no_pages else 1 if any(page["differences"] for page in pages) else 0
    return {"schema_version": "1.0", "exit_code": code, "pages": pages, "refused": no_pages}
