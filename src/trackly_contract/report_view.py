"""What a page shows of a run: the report put in the order in which people read it.

Promises: every text of an answer is printable, and one line where a line is meant; a run on a stand-in says so;
differences that say the same are told once, with all the places where they were seen.
Refuses: to judge, and to know Markdown or HTML.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from trackly_contract.cases import PLACES, Place
from trackly_contract.contract import contract
from trackly_contract.failure import one_line, path_of, printable, sent, short
from trackly_contract.jsonvalue import NotJSONError, nesting, parse
from trackly_contract.verdict import RunVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackly_contract.exchange import Exchange
    from trackly_contract.report import Report, RuleResult
    from trackly_contract.verdict import Finding

LONGEST_SHOWN = 6_000
"""Characters of one body that are shown."""

MOST_BLANKS = 1_000_000
"""Bytes times nesting of a body that is spread over lines: deep nesting makes a megabyte of blanks of a kilobyte."""

SYMBOLS = {
    Verdict.HELD: "✓",
    Verdict.NOTED: "!",
    Verdict.BROKEN: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.SKIPPED: "-",
}
RUN_SYMBOLS = {RunVerdict.CONFORMS: "✓", RunVerdict.DRIFT: "✗", RunVerdict.INCONCLUSIVE: "?"}

_GRAVEST_FIRST = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE, Verdict.HELD)
_PLACED = re.compile(r"(?P<level>top|nested)-(?P<operator>and|or)-(?P<turn>first|later)(?:-\d+)?(?:\+[a-z_]+)*")


@dataclass(frozen=True, slots=True)
class Doc:
    """One place of one documentation page."""

    title: str
    url: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class Look:
    """Where a difference was seen: the case, and the number of the exchange (0 if there is none)."""

    case: str
    exchange: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What was expected and what came, once for all looks that saw the same.

    `sent` is the first look's request, `last_live` what the last live recording says of it.
    """

    verdict: Verdict
    expected: str
    got: str
    sent: str
    looks: tuple[Look, ...]
    last_live: str


@dataclass(frozen=True, slots=True)
class Told:
    """One rule with its documentation and its differences; `waiver` is empty where there is none."""

    result: RuleResult
    docs: tuple[Doc, ...]
    reason: str
    differences: tuple[Difference, ...]
    waiver: str


@dataclass(frozen=True, slots=True)
class Area:
    """The rules whose ids begin with the same word."""

    name: str
    rules: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One error code in one place: the gravest verdict (None if it was not asked there), of how many cases."""

    verdict: Verdict | None
    cases: int
    grave: int
    exchange: int


@dataclass(frozen=True, slots=True)
class Row:
    """One error code in every place; the last cell stands for faults outside the filter."""

    code: str
    rule: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One exchange; `rules` are those that it shows not to hold, `verdict` the gravest that was found in it."""

    number: int
    method: str
    path: str
    key: str
    case: str
    status: int
    sent: str
    answer: str
    verdict: Verdict | None
    rules: tuple[str, ...]


def gravest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict to show for several, None for none."""
    seen = set(verdicts)
    return next((verdict for verdict in _GRAVEST_FIRST if verdict in seen), None)


def body_text(body: bytes) -> str:
    """Return a body for people: JSON spread over lines, anything else as it came; cut where it is long."""
    text = body.decode("utf-8", "replace")
    with suppress(NotJSONError):
        if body and len(body) * nesting(body) <= MOST_BLANKS:
            text = json.dumps(parse(body), indent=2, ensure_ascii=False)
    shown = printable(text[:LONGEST_SHOWN])
    return f"{shown}\n... ({len(text) - LONGEST_SHOWN} more characters)" if len(text) > LONGEST_SHOWN else shown


def place_of(case: str) -> Place | None:
    """Return the place in a filter that the id of a case names, None if it names none."""
    found = _PLACED.fullmatch(case.rpartition("@")[2])
    if found is None:
        return None
    level, operator, later = found["level"] == "nested", found["operator"].upper(), found["turn"] == "later"
    return next(p for p in PLACES if (p.nested, p.operator, p.later) == (level, operator, later))


def csp_hash(text: str) -> str:
    """Return how a Content-Security-Policy names an inline script or style: the page allows its own and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


class View:
    """One report, as pages need it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.session = report.session
        self.counts = report.counts()
        self.symbols = SYMBOLS
        self.symbol = RUN_SYMBOLS[report.verdict]
        self.places = PLACES
        self.csp_hash = csp_hash
        self.graver = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE)

    @property
    def headline(self) -> str:
        """The verdict as a sentence."""
        text = one_line(self.report.headline())
        return f"{text[0].upper()}{text[1:]}."

    @property
    def stand_in(self) -> bool:
        """Whether the answers came from the reference server, whatever the target was called."""
        target = self.session.target
        return self.session.stamped or target.name == "reference" or "stand-in" in target.evidence

    @property
    def evidence(self) -> str:
        """What the answers are worth, as a sentence."""
        text = one_line(self.session.target.evidence)
        if self.session.stamped and "stand-in" not in text:
            text += (
                "; the answers bear the reference server's stamp: it is a stand-in, and says nothing of the API itself"
            )
        return f"{text[0].upper()}{text[1:]}."

    @property
    def counted(self) -> str:
        """How many rules have each verdict, in words."""
        return ", ".join(f"{self.counts[verdict]} {verdict}" for verdict in Verdict if self.counts[verdict])

    @property
    def notes(self) -> list[str]:
        """The notes of the run."""
        return [one_line(note) for note in self.report.notes]

    @cached_property
    def rules(self) -> list[Told]:
        """Every rule, in the order of the contract."""
        return [_told(self.report, result) for result in self.report.results]

    @property
    def waived(self) -> bool:
        """Whether a broken rule stands among the noted ones because it is waived."""
        return any(told.waiver for told in self.rules)

    def of(self, verdict: Verdict) -> list[Told]:
        """Return the rules of one verdict."""
        return [told for told in self.rules if told.result.verdict is verdict]

    @property
    def areas(self) -> list[Area]:
        """The rules by the first word of their ids."""
        names = dict.fromkeys(told.result.rule.id.partition(".")[0] for told in self.rules)
        return [
            Area(name, tuple(told for told in self.rules if told.result.rule.id.partition(".")[0] == name))
            for name in names
        ]

    @property
    def matrix(self) -> list[Row]:
        """Each error code of a refused body, by the place where its fault stood."""
        asked: dict[str, dict[str, int]] = {}
        for finding in self.session.findings:
            owner, _, vector = finding.case.partition("/")
            number = finding.exchange.number if finding.exchange else 0
            if vector:
                asked.setdefault(owner, {}).setdefault(finding.case, number)
        return [
            Row(rule.code, rule.id, tuple(_cell(told.result, asked.get(rule.id, {}), p) for p in (*PLACES, None)))
            for told in self.rules
            if (rule := told.result.rule).status == 400 and rule.code is not None
        ]

    @property
    def exchanges(self) -> list[Shown]:
        """Every exchange with what was found in it."""
        found: dict[int, list[Finding]] = {}
        for result in self.report.results:
            for finding in result.findings:
                if finding.exchange is not None:
                    found.setdefault(finding.exchange.number, []).append(finding)
        return [_shown(exchange, found.get(exchange.number, [])) for exchange in self.session.exchanges]


def _told(report: Report, result: RuleResult) -> Told:
    pages = contract().pages
    docs = tuple(Doc(pages[s.page].title, pages[s.page].url, s.section, s.quote) for s in result.rule.sources)
    alike: dict[tuple[Verdict, str, str, str], list[Finding]] = {}
    for finding in result.differences:
        before = report.before(finding).text
        alike.setdefault((finding.verdict, finding.expected, finding.got, before), []).append(finding)
    differences = [_difference(*said, findings) for said, findings in alike.items()]
    differences.sort(key=lambda difference: _GRAVEST_FIRST.index(difference.verdict))
    waiver = one_line(result.waiver.text) if result.waiver is not None else ""
    return Told(result, docs, short(result.reason), tuple(differences), waiver)


def _difference(verdict: Verdict, expected: str, got: str, before: str, findings: list[Finding]) -> Difference:
    first = next((f.exchange for f in findings if f.exchange is not None), None)
    looks = [Look(one_line(f.case), f.exchange.number if f.exchange else 0) for f in findings]
    request = one_line(sent(first)) if first is not None else ""
    return Difference(verdict, short(expected), short(got), request, tuple(dict.fromkeys(looks)), short(before))


def _cell(result: RuleResult, asked: dict[str, int], place: Place | None) -> Cell:
    here = [case for case in asked if place_of(case) == place]
    if not here:
        return Cell(None, 0, 0, 0)
    said = {
        case: gravest(f.verdict for f in result.findings if f.case == case) or Verdict.INCONCLUSIVE for case in here
    }
    verdict = gravest(said.values())
    grave = [case for case in here if said[case] is verdict]
    return Cell(verdict, len(here), len(grave), asked[grave[0]])


def _shown(exchange: Exchange, findings: list[Finding]) -> Shown:
    request = exchange.request
    key = request.header("x-api-key")
    cases = Counter(one_line(finding.case) for finding in findings if finding.case)
    differing = [f.rule for f in findings if f.verdict in (Verdict.BROKEN, Verdict.NOTED)]
    return Shown(
        exchange.number,
        request.method,
        one_line(path_of(request)),
        "no key" if key is None else "empty key" if not key else "",
        next(iter(cases), ""),
        exchange.response.status,
        body_text(request.body),
        body_text(exchange.response.body),
        gravest(finding.verdict for finding in findings),
        tuple(dict.fromkeys(differing)),
    )
