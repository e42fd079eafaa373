"""Compares a saved page with the contract. It is known by what it states; one that breaks off is not compared."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trackly_contract.contract import document
from trackly_contract.core import ABSENT, JSON, NotJSONError, differences, one_line, parse, short, show
from trackly_contract.pages.expected import ExpectedPage, ExpectedRow, expected_pages
from trackly_contract.pages.facts import ERRORS, FIELDS, MARKS, REQUEST, Facts, Row, Rules, marks, type_name, url_facts
from trackly_contract.pages.page import SAVE, NotAPageError, read_page, tidy

Texts = dict[str, str]  # by what they are about

RESPONSE, ERROR = "example answer", "example of a refusal"
"""Positions of examples, as the sources of the rules name them."""

LEAST, ALIKE = 0.25, 0.6
"""Shares of the expected rows that a page must have: at least, and if its method or path is another."""

MOST_OPERATIONS = 3
"""Operations that a page may name: its own, and one as its examples write it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that page and contract do not share. A side that states nothing is empty."""

    place: str
    about: str
    change: str
    """`differs`, `new` on the page, `gone` from it, `words` (a quotation is not on the page), or `unreadable`."""
    page: str
    contract: str
    rules: Rules

    def line(self) -> str:
        """Return it in one line for people."""
        where = f"{self.place}{': ' if self.about else ''}{self.about}"
        page, contract = short(self.page, 160), short(self.contract, 160)
        instead = f"the page states {page!r}" if page else "which are gone from the page"
        text = {
            "differs": f"the page states {page or 'nothing'}, the contract {contract or 'nothing'}",
            "new": f"new on the page: {page}; the contract holds none",
            "gone": f"gone from the page; the contract holds {contract}",
            "words": f"worded otherwise: the rule was read from the words {contract!r}, {instead}",
            "unreadable": f"cannot be read: {page}",
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
            self._add(position, "", "unreadable", text, "", expected.at(position.partition(", head")[0]))
        for method, url in facts.request_lines:
            contract = {"method": expected.method, "path": expected.path, "host": expected.command["host"]}
            page = contract | {"method": method} | url_facts(url)
            self.compared += len(contract)
            self._compare("request line", page, contract, expected.of_option)
        self._compare_rows(facts.rows)
        for sent in facts.commands:
            self._compare_command(sent)
        if not facts.commands:
            self._add(REQUEST, "", "gone", "", f"{expected.operation} as a command", expected.of_request)
        examples = {RESPONSE: expected.response, REQUEST: expected.request}
        examples = {place: example for place, example in examples.items() if example is not ABSENT}
        alike = [self._compare_example("example", "", text, examples) for text in facts.payloads]
        if RESPONSE not in alike:
            self._add(RESPONSE, "", "gone", "", show(expected.response), expected.of_request)
        self._compare_quotes(facts.texts)
        self.differences = tuple(self._found)

    def lines(self) -> Iterator[str]:
        """Yield it for people, a line for each difference."""
        file, page, count = one_line(self.file), self.expected.page, len(self.differences)
        for difference in self.differences:
            yield f"{file}: {page}, {difference.line()}"
        total = f"{count} difference{'s' * (count > 1)}" if count else "no difference"
        yield f"{file}: {page} ({self.expected.operation}), {self.compared} facts compared: {total}"

    def _add(self, place: str, about: str, change: str, page: str, contract: str, rules: Rules) -> None:
        page = re.sub(r"trk_[0-9A-Za-z]{16,}", "trk_(a key)", page)  # the page of somebody who was logged in
        self._found[Difference(place, about, change, page, contract, rules)] = None

    def _compare(self, place: str, page: Texts, contract: Texts, rules: Callable[[str], Rules]) -> None:
        """Compare what page and contract state, by what it is about."""
        for about in page | contract:
            if page.get(about) != contract.get(about):
                change = "gone" if about not in page else "new" if about not in contract else "differs"
                self._add(place, about, change, page.get(about, ""), contract.get(about, ""), rules(about))

    def _compare_rows(self, rows: list[Row]) -> None:
        present = {row.position for row in rows}
        self.compared += len(self.expected.rows)
        for position, expected in self.expected.rows.items():
            if position not in present:
                self._add(position, "", "gone", "", _summary(expected.stated), expected.rules)
        for row in rows:
            if row.position in self.expected.rows:
                self._compare_row(row, self.expected.rows[row.position])
            else:
                self._add(row.position, "", "new", _summary(row.stated), "", ())

    def _compare_row(self, row: Row, expected: ExpectedRow) -> None:
        before = len(self._found)
        page = dict.fromkeys(expected.stated, "") | row.stated
        if "type" in page:
            page["type"] = type_name(page["type"])
        if "required" not in expected.stated:
            page.pop("required", None)
        self.compared += len(expected.stated) + len(expected.expected) + len(expected.quotes)
        self._compare(row.position, page, expected.stated, lambda _: expected.rules)
        members = document("filter.json")["$defs"]["condition"]["properties"]
        found = marks(" ".join(row.lines), members if row.position.startswith(f"{ERRORS}, missing_") else ())
        for about in MARKS:
            sets = (found, expected.expected, expected.allowed)
            stated, needed, allowed = ({word for kind, word in some if kind == about} for some in sets)
            if not needed <= stated <= allowed:
                sides = ", ".join(sorted(stated)), ", ".join(sorted(needed or allowed))
                self._add(row.position, about, "differs", *sides, expected.rules)
        text = tidy(" ".join([*page.values(), *row.stated.values(), *row.lines]))
        for quote, rule in expected.quotes:
            if len(self._found) == before and quote not in text:
                self._add(row.position, "", "words", " ".join(row.lines), quote, (rule,))

    def _compare_command(self, sent: dict[str, str]) -> None:
        expected, page = self.expected, {about: value for about, value in sent.items() if about != "body"}
        self.compared += len(expected.command)
        self._compare(REQUEST, page, expected.command, expected.of_option)
        if "body" in sent:
            self._compare_example(REQUEST, "body", sent["body"], {REQUEST: expected.request})
        elif expected.request is not ABSENT:
            self._compare_values(REQUEST, ABSENT, expected.request)

    def _compare_example(self, place: str, about: str, text: str, examples: dict[str, JSON]) -> str:
        """Compare JSON with the example that it is most like. Return the position of that example."""
        try:
            value = parse(text.encode("utf-8", "replace"))
        except NotJSONError as error:
            self._add(place, about, "unreadable", f"{error}: {text}", "", self.expected.of_request)
            return place
        if isinstance(value, dict) and len(value) <= 6 and {"code", "error"} & set(value) and "id" not in value:
            examples = {ERROR: self._error_like(value)}
        counts = {name: sum(1 for _ in differences(value, example)) for name, example in examples.items()}
        place = min(counts, key=counts.__getitem__)
        self._compare_values(place, value, examples[place])
        return place

    def _error_like(self, value: dict[str, JSON]) -> dict[str, JSON]:
        """Return an error with the texts of another one, without its code if that is not one of the page."""
        names = list(document("error.json")["properties"])
        example = {name: value[name] if isinstance(value.get(name), str) else "a string" for name in names}
        if example["code"] == value.get("code") and f"{ERRORS}, {value['code']}" not in self.expected.rows:
            del example["code"]
        return example

    def _compare_values(self, place: str, value: JSON, example: JSON) -> None:
        leaves = _leaves(example)
        self.compared += leaves
        found = list(differences(value, example))
        if len(found) > max(8, leaves // 2):
            self._add(place, "", "differs", show(value), show(example), self.expected.of_request)
            return
        page, contract = (
            {pointer or "the whole": show(sides[side]) for pointer, *sides in found if sides[side] is not ABSENT}
            for side in (0, 1)
        )
        rules = partial(self.expected.of_member, place) if place != ERROR else lambda _: ("error.code",)
        self._compare(place, page, contract, rules)

    def _compare_quotes(self, texts: dict[str, list[str]]) -> None:
        joined = {section: tidy(" ".join(found)) for section, found in texts.items()}
        whole = " ".join([*joined.values(), *joined])
        self.compared += len(self.expected.quotes)
        for section, quote, rule in self.expected.quotes:
            in_section = section in (*FIELDS, ERRORS) and quote != section
            if quote not in (joined.get(section, "") if in_section else whole):
                self._add(section, "", "words", "", quote, (rule,))


def _summary(stated: dict[str, str]) -> str:
    required = "required" if stated.get("required") == "yes" else ""
    return ", ".join(filter(None, [stated.get("status"), type_name(stated.get("type", "")), required])) or "a row"


def _leaves(value: JSON) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_leaves, items)) or 1


def recognised(facts: Facts) -> ExpectedPage:
    """Return which page the facts are from; raises NotAPageError if it is none, nearly empty or breaks off."""
    pages = expected_pages()
    wanted = "name a saved page of " + " or ".join(f"{page.operation} ({page.title})" for page in pages)
    stated = [(method, url_facts(path)["path"]) for method, path in facts.request_lines]
    stated += [(sent["method"], sent.get("path", "")) for sent in facts.commands]
    several = ", ".join(dict.fromkeys(f"{method} {path}" for method, path in stated))
    present = {row.position for row in facts.rows}
    votes = {page: sum(page.names(*operation) for operation in stated) for page in pages}
    shares = {page: len(present & set(page.rows)) / len(page.rows) for page in pages}
    # Of two that are alike, the one with more rows: all rows of one page may be on the other too.
    best = max(pages, key=lambda page: (votes[page], shares[page], len(page.rows)))
    # Another version or another method of the same page still ends in one audience.
    of_one = all(path.rstrip("/").rpartition("/")[2][:1] in "{:0123456789" for _, path in stated)
    another = not any(votes.values()) and (not of_one or shares[best] < ALIKE)
    if another or len(set(stated)) > MOST_OPERATIONS:
        named = f" (but of {short(several, 120)})" if several else ""
        raise NotAPageError(f"no page of one of the two operations{named}; {wanted}")
    gone = [position for position in best.rows if position not in present]
    last = max(best.rows, key=lambda position: best.rows[position].stated.get("status", ""))
    if shares[best] < LEAST or (last in gone and not facts.continues):
        rows = f"{len(best.rows) - len(gone)} of the {len(best.rows)} rows of its tables, and not {gone[0]}"
        raise NotAPageError(f"names {best.operation} but has {rows}: no page of it, or it breaks off; {SAVE}, whole")
    return best


def compare_pages(files: Iterable[Path]) -> tuple[list[Compared], list[str]]:
    """Return saved pages beside the contract, and a sentence for each file that is no whole page of an operation."""
    compared, refused = [], []
    for file in files:
        try:
            facts = Facts(read_page(file))
            compared.append(Compared(str(file), facts, recognised(facts)))
        except NotAPageError as error:
            refused.append(f"{one_line(str(file))}: {one_line(str(error))}")
    return compared, refused


def described_pages(compared: Iterable[Compared], refused: Sequence[str]) -> dict[str, Any]:
    """Return what `compare_pages` found, for machines."""
    pages = [
        {"file": page.file, "page": page.expected.page, "operation": page.expected.operation, "facts": page.compared}
        | {"differences": [asdict(difference) for difference in page.differences]}
        for page in compared
    ]
    code = 2 if refused else 1 if any(page["differences"] for page in pages) else 0
    return {"schema_version": "1.0", "exit_code": code, "pages": pages, "refused": refused}
