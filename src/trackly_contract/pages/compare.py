"""Compares a saved documentation page with the contract: what only one of them states, and what differs.

Recognises a page by what it states, never by the name of its file. Does not compare what is no page of the two
operations, or a page that breaks off. Prints nothing that looks like a key.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import document
from trackly_contract.core import ABSENT, NotJSONError, differences, one_line, parse, short, show
from trackly_contract.pages.expected import expected_pages
from trackly_contract.pages.facts import BODY, ERRORS, FIELDS, MARKS, REQUEST, Facts, marks, type_name, url_facts
from trackly_contract.pages.page import SAVE, NotAPageError, read_page, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from trackly_contract.core import JSON
    from trackly_contract.pages.expected import ExpectedPage, ExpectedRow
    from trackly_contract.pages.facts import Row

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
        self.compared = 0
        """How many facts of the contract were looked for."""
        self._found: dict[Difference, None] = {}
        for position, text in facts.unreadable:
            self._add(position, "", Change.UNREADABLE, expected.at(position.partition(", head")[0]), page=text)
        for method, stated in facts.request_lines:
            parts, host = url_facts(stated), expected.command["host"]
            self._check("request line", "method", method, expected.method, expected.of_request)
            self._check("request line", "path", parts["path"], expected.path, expected.of_request)
            self._check("request line", "host", parts["host"] if "//" in stated else host, host, expected.of_request)
        present = {row.position for row in facts.rows}
        for position, row in expected.rows.items():
            self.compared += 1
            if position not in present:
                self._add(position, "", Change.GONE, row.rules, contract=_summary(row.stated))
        for found in facts.rows:
            if found.position in expected.rows:
                self._compare_row(found, expected.rows[found.position])
            else:
                self._add(found.position, "", Change.NEW, (), page=_summary(found.stated))
        if not facts.commands:
            self._add(REQUEST, "", Change.GONE, expected.of_request, contract=f"{expected.operation} as a command")
        for sent in facts.commands:
            self._compare_command(sent)
        self._compare_examples(facts.payloads)
        texts = {section: tidy(" ".join(lines)) for section, lines in facts.texts.items()}
        whole = " ".join([*texts.values(), *texts])
        for section, quote, rule in expected.quotes:
            self.compared += 1
            in_section = section in (*FIELDS, ERRORS) and quote != section
            if quote not in (texts.get(section, "") if in_section else whole):
                self._add(section, "", Change.WORDS, [rule], contract=quote)
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
        total = f"{count} difference{'s' * (count > 1)}" if count else "no difference"
        yield f"{file}: {page} ({self.expected.operation}), {self.compared} facts compared: {total}"

    def _add(
        self, place: str, about: str, change: Change, rules: Iterable[str], *, page: str = "", contract: str = ""
    ) -> None:
        page = re.sub(r"trk_[0-9A-Za-z]{16,}", "trk_(a key)", page)  # the page of somebody who was logged in
        self._found[Difference(place, about, change, page, contract, tuple(rules))] = None

    def _check(self, place: str, about: str, page: str, contract: str, rules: Iterable[str]) -> None:
        self.compared += 1
        if page != contract:
            self._add(place, about, Change.DIFFERS, rules, page=page, contract=contract)

    def _compare_row(self, row: Row, expected: ExpectedRow) -> None:
        before = len(self._found)
        for about in row.stated.keys() - expected.stated.keys():
            if about != "required" or row.section == BODY:
                self._add(row.position, about, Change.NEW, expected.rules, page=row.stated[about])
        for about, value in expected.stated.items():
            page = row.stated.get(about, "")
            self._check(row.position, about, type_name(page) if about == "type" else page, value, expected.rules)
        members = document("filter.json")["$defs"]["condition"]["properties"]
        stated = marks(row.description, members if row.position.startswith(f"{ERRORS}, missing_") else ())
        self.compared += len(expected.expected)
        for about in MARKS:
            on_page, needed, allowed = (
                {word for kind, word in found if kind == about}
                for found in (stated, expected.expected, expected.allowed)
            )
            if not needed <= on_page <= allowed:
                sides = ", ".join(sorted(on_page)), ", ".join(sorted(needed or allowed))
                self._add(row.position, about, Change.DIFFERS, expected.rules, page=sides[0], contract=sides[1])
        text = tidy(" ".join([*row.stated.values(), row.description]))
        for quote, rule in expected.quotes:
            self.compared += 1
            if len(self._found) == before and quote not in text:
                self._add(row.position, "", Change.WORDS, [rule], page=row.description, contract=quote)

    def _compare_command(self, sent: dict[str, str]) -> None:
        expected, body = self.expected.command, sent.get("body")
        for about in expected | sent:
            if about == "body":
                continue
            self.compared += about in expected
            page, contract = sent.get(about, ""), expected.get(about, "")
            if page != contract:
                change = Change.DIFFERS if page and contract else Change.GONE if contract else Change.NEW
                rules = self.expected.of_key if about.startswith("header") else self.expected.of_request
                self._add(REQUEST, about, change, rules, page=page, contract=contract)
        if body is not None or self.expected.request is not ABSENT:
            try:
                value = ABSENT if body is None else parse(body.encode("utf-8", "replace"))
            except NotJSONError as error:
                self._add(REQUEST, "body", Change.UNREADABLE, self.expected.of_request, page=f"{error}: {body}")
            else:
                self._compare_values(REQUEST, value, self.expected.request)

    def _compare_examples(self, payloads: list[str]) -> None:
        """Compare each example that is JSON with that of the request or the response, whichever is more alike."""
        examples = {RESPONSE_EXAMPLE: self.expected.response, REQUEST: self.expected.request}
        examples = {place: example for place, example in examples.items() if example is not ABSENT}
        is_gone = True
        for text in payloads:
            try:
                value = parse(text.encode("utf-8", "replace"))
            except NotJSONError as error:
                self._add("example", "", Change.UNREADABLE, self.expected.of_request, page=f"{error}: {text}")
                continue
            if isinstance(value, dict) and len(value) <= 6 and {"code", "error"} & set(value) and "id" not in value:
                self._compare_error(value)
                continue
            counts = {place: sum(1 for _ in differences(value, example)) for place, example in examples.items()}
            place = min(counts, key=counts.__getitem__)
            is_gone = is_gone and place != RESPONSE_EXAMPLE
            self._compare_values(place, value, examples[place])
        if is_gone:
            self._add(
                RESPONSE_EXAMPLE, "", Change.GONE, self.expected.of_request, contract=show(self.expected.response)
            )

    def _compare_values(self, place: str, value: JSON, example: JSON) -> None:
        leaves = _leaves(example)
        self.compared += leaves
        found = list(differences(value, example))
        if len(found) > max(8, leaves // 2):
            self._add(place, "", Change.DIFFERS, self.expected.of_request, page=show(value), contract=show(example))
            return
        for pointer, *sides in found:
            change = Change.GONE if sides[0] is ABSENT else Change.NEW if sides[1] is ABSENT else Change.DIFFERS
            page, contract = ("" if side is ABSENT else show(side) for side in sides)
            rules = self.expected.of_member(place, pointer)
            self._add(place, pointer or "the whole", change, rules, page=page, contract=contract)

    def _compare_error(self, value: dict[str, JSON]) -> None:
        """Compare the example of an error: its members with those of the schema, its code with those of the page."""
        place, known, code = "example of a refusal", document("error.json")["properties"], value.get("code")
        for name in [*value, *(name for name in known if name not in value)]:
            said = value.get(name, ABSENT)
            if name not in known:
                self._add(place, f"/{name}", Change.NEW, ["error.code"], page=show(said))
            elif not isinstance(said, str):
                self._add(place, f"/{name}", Change.DIFFERS, ["error.code"], page=show(said), contract="a string")
        if isinstance(code, str) and f"{ERRORS}, {code}" not in self.expected.rows:
            self._add(place, "/code", Change.NEW, ["error.code"], page=code)


def _summary(stated: dict[str, str]) -> str:
    words = [
        stated.get("status", ""),
        type_name(stated.get("type", "")),
        "required" * (stated.get("required") == "yes"),
    ]
    return ", ".join(filter(None, words)) or "a row"


def _leaves(value: JSON) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_leaves, items)) or 1


def recognised(facts: Facts) -> ExpectedPage:
    """Return which page the facts are from.

    Raises NotAPageError, without the name of the file, if it is none, states hardly anything, or breaks off.
    """
    pages = expected_pages()
    wanted = "name a saved page of " + " or ".join(f"{page.operation} ({page.title})" for page in pages)
    stated = [(method, url_facts(path)["path"]) for method, path in facts.request_lines]
    stated += [(sent["method"], sent.get("path", "")) for sent in facts.commands]
    several = ", ".join(dict.fromkeys(f"{method} {path}" for method, path in stated))
    if len(set(stated)) > MOST_OPERATIONS:
        raise NotAPageError(f"a page of several operations ({short(several, 120)}); {wanted}")
    present = {row.position for row in facts.rows}
    votes = {page: sum(page.names(*operation) for operation in stated) for page in pages}
    shares = {page: len(present & set(page.rows)) / len(page.rows) for page in pages}
    # Of two that are alike, the one with more rows: all rows of one page may be on the other too.
    best = max(pages, key=lambda page: (votes[page], shares[page], len(page.rows)))
    # Another version or another method of the same page still ends in one audience.
    of_one = all(path.rstrip("/").rpartition("/")[2][:1] in "{:0123456789" for _, path in stated)
    if not any(votes.values()) and (not of_one or shares[best] < ALIKE):
        what = f"a page of another operation ({short(several, 120)})" if several else "no page of an operation"
        raise NotAPageError(f"{what}; {wanted}")
    gone = [position for position in best.rows if position not in present]
    if shares[best] < LEAST:
        rows = f"{len(best.rows) - len(gone)} of the {len(best.rows)} rows of its tables"
        raise NotAPageError(f"names {best.operation} but has {rows}: no page of it, or cut off; {SAVE}, whole")
    last = max(best.rows, key=lambda position: best.rows[position].stated.get("status", ""))
    if last in gone and not facts.continues:
        rows = f"{len(gone)} rows of its tables are missing ({gone[0]} ... {gone[-1]})"
        raise NotAPageError(
            f"the page of {best.operation} breaks off after its last table or example, {rows}; {SAVE}, whole"
        )
    return best


def compare_pages(files: Iterable[Path]) -> tuple[list[Compared], list[str]]:
    """Compare saved pages with the contract.

    Returns what was compared, and a sentence for each file that is no whole page of one of the two operations.
    """
    compared, refused = [], []
    for file in files:
        try:
            facts = Facts(read_page(file))
            compared.append(Compared(str(file), facts, recognised(facts)))
        except NotAPageError as error:
            refused.append(f"{one_line(str(file))}: {one_line(str(error))}")
    return compared, refused


def described_pages(compared: Iterable[Compared], refused: Iterable[str]) -> dict[str, Any]:
    """Return what `compare_pages` found, for machines."""
    pages, no_pages = [page.described() for page in compared], list(refused)
    code = 2 if no_pages else 1 if any(page["differences"] for page in pages) else 0
    return {"schema_version": "1.0", "exit_code": code, "pages": pages, "refused": no_pages}
