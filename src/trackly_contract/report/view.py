"""What a page shows of a run: the report put in the order in which people read it.

Promises: every text of an answer is printable, and one line where a line is meant; a run on a stand-in says so, and
what a stand-in answered is never shown as observed; differences that say the same are told once, with all the places
where they were seen.
Refuses: to judge, and to know Markdown or HTML.
"""

import base64
import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from trackly_contract.contract import Impact, contract
from trackly_contract.core import (
    Exchange,
    NotJSONError,
    RunVerdict,
    Verdict,
    laid_out,
    nesting,
    one_line,
    parse,
    printable,
    short,
)
from trackly_contract.generate import POSITIONS
from trackly_contract.judge import Finding, actual_text, expected_text, path_of, sent
from trackly_contract.report import advice as report_advice
from trackly_contract.report import diff as report_diff
from trackly_contract.report import matrix as report_matrix
from trackly_contract.report import observations
from trackly_contract.report.advice import Since
from trackly_contract.report.knowledge import Knowledge, known_of
from trackly_contract.report.matrix import Known, Saw, gravest
from trackly_contract.report.report import Report, RuleResult
from trackly_contract.report.snippets import Snippet, snippets

LONGEST_SHOWN = 6_000
"""Characters of one body that are shown."""

MOST_BLANKS = 1_000_000
"""Bytes times nesting of a body that is spread over lines: deep nesting makes a megabyte of blanks of a kilobyte."""

LONG = 2_000
"""Bytes of a request that is told under one rule only; other rules that it shows lead there."""

MOST_TOLD = 5
"""Differences of one rule that are told in full; of more only what was expected and got."""

SYMBOLS = {
    Verdict.HELD: "✓",
    Verdict.NOTED: "!",
    Verdict.BROKEN: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.SKIPPED: "-",
}
RUN_SYMBOLS = {RunVerdict.CONFORMS: "✓", RunVerdict.DRIFT: "✗", RunVerdict.INCONCLUSIVE: "?"}

_GRAVEST_FIRST = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE, Verdict.HELD)


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

    `sent` is the first look's request, `last_live` what the last live recording says of it; `since` and `impact` say
    since when it is so, and which clients meet it; `finding` is the first look.
    """

    verdict: Verdict
    expected: str
    got: str
    sent: str
    looks: tuple[Look, ...]
    last_live: str
    since: Since
    impact: Impact
    finding: Finding


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


@dataclass(frozen=True, slots=True)
class Example:
    """The exchange that shows a rule best: its request as programs, and its answer.

    `told_under` names the rule under which a long one is told already.
    """

    shown: Shown
    programs: tuple[Snippet, ...]
    told_under: str = ""


def body_text(body: bytes) -> str:
    """Return a body for people: JSON spread over lines, anything else as it came; cut where it is long."""
    text = body.decode("utf-8", "replace")
    with suppress(NotJSONError):
        if body and len(body) * nesting(body) <= MOST_BLANKS:
            text = laid_out(parse(body))
    shown = printable(text[:LONGEST_SHOWN])
    return f"{shown}\n... ({len(text) - LONGEST_SHOWN} more characters)" if len(text) > LONGEST_SHOWN else shown


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
        self.places = POSITIONS
        self.csp_hash = csp_hash
        self.graver = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE)
        self.most_told = MOST_TOLD
        self._told_under: dict[int, str] = {}
        self.operators = report_matrix.operators()
        self.saw_symbols = report_matrix.SAW_SYMBOLS
        self.known, self.saw = Known, Saw

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
    def who(self) -> str:
        """Who answered: a recording does not show that it was the API."""
        return "the API" if self.report.recording is None else "the recorded server"

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
    def day(self) -> str:
        """The day of the run."""
        return self.report.started_at[:10]

    @property
    def where(self) -> str:
        """Where and when the answers of this run were given."""
        if self.session.target.name == "live":
            return f"at {one_line(self.session.target.base_url)} on {self.day}"
        return one_line(self.session.target.evidence).partition(": this says nothing")[0]

    @property
    def base_url(self) -> str:
        """The base URL to give to a program that asks what this run asked."""
        base_url = one_line(self.session.target.base_url).partition(", ")[0]
        return base_url if base_url.startswith(("http://", "https://")) else "http://127.0.0.1:8377/api"

    @property
    def steps(self) -> list[str]:
        """What to do now."""
        return report_advice.steps(
            self.report.verdict,
            stand_in=self.stand_in,
            suite_failed=bool(self.report.suite_failures),
            live=self.session.target.name == "live",
            left=bool(self.report.left),
            traffic=self.report.recording is not None,
            client=bool(self.report.client_faults),
        )

    @property
    def notes(self) -> list[str]:
        """The notes of the run."""
        return [one_line(note) for note in self.report.notes]

    @cached_property
    def rules(self) -> list[Told]:
        """Every rule, in the order of the contract."""
        return [self._told(result) for result in self.report.results]

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
    def matrix(self) -> list[report_matrix.Row]:
        """Each error code of a refused body, by the place where its fault stood."""
        return report_matrix.codes_by_place(self.report.results, self.session)

    @property
    def types(self) -> list[report_matrix.TypeRow]:
        """Each condition type, by the operators that any page names."""
        return report_matrix.operators_by_type(self.report.results, self.session)

    @cached_property
    def _found(self) -> dict[int, list[Finding]]:
        found: dict[int, list[Finding]] = {}
        for result in self.report.results:
            for finding in result.findings:
                if finding.exchange is not None:
                    found.setdefault(finding.exchange.number, []).append(finding)
        return found

    @property
    def exchanges(self) -> list[Shown]:
        """Every exchange with what was found in it."""
        return [_shown(exchange, self._found.get(exchange.number, [])) for exchange in self.session.exchanges]

    def example(self, told: Told) -> Example | None:
        """Return the exchange that shows a rule best, a difference before what held; None if none was sent."""
        findings = [d.finding for d in told.differences] or [*told.result.findings]
        found = [finding.exchange for finding in findings if finding.exchange is not None]
        if not found:
            return None
        exchange = found[0] if told.differences else min(found, key=lambda each: len(each.request.body))
        if len(exchange.request.body) > LONG:
            under = self._told_under.setdefault(exchange.number, told.result.rule.id)
            if under != told.result.rule.id:
                return Example(_shown(exchange, []), (), under)
        identifier = self.session.target.audience_id or exchange.request.path.split("/")[3]
        programs = snippets(exchange.request, identifier)
        return Example(_shown(exchange, self._found.get(exchange.number, [])), programs)

    def knowledge(self, told: Told) -> list[Knowledge]:
        """Return what is documented, observed, assumed and unknown of a rule."""
        return known_of(told.result, stand_in=self.stand_in, who=self.who, where=self.where, answered=self._answered)

    @cached_property
    def _answered(self) -> dict[str, list[str]]:
        """What the API said to open questions, in this run or before; nothing that a stand-in said."""
        found: dict[str, list[str]] = {}
        for entry in observations.kept_answers():
            told = f"{entry.probe}: {entry.said} (at {entry.base_url} on {entry.date})"
            found.setdefault(entry.question, []).append(told)
        if not self.stand_in:
            for answer in self.session.answers:
                if answer.said:
                    told = f"{answer.probe}: {answer.said} ({self.where})"
                    found.setdefault(answer.question, []).append(short(told))
        return found

    def expected_and_got(self, difference: Difference) -> tuple[report_diff.Line, ...]:
        """Return an answer beside what was expected of it."""
        return report_diff.expected_and_actual(difference.finding)

    def then_and_now(self, difference: Difference) -> tuple[report_diff.Line, ...]:
        """Return an answer beside the last live recording of it; empty if there is none, or it is the same."""
        finding, last_live = difference.finding, self.report.last_live
        if finding.exchange is None or last_live is None or self.stand_in:
            return ()
        then = last_live.recorded(finding.exchange)
        if then is None:
            return ()
        return report_diff.then_and_now(then[0].response, finding.exchange.response, finding.at)

    def _told(self, result: RuleResult) -> Told:
        pages = contract().pages
        docs = tuple(Doc(pages[s.page].title, pages[s.page].url, s.section, s.quote) for s in result.rule.sources)
        alike: dict[tuple[Verdict, str, str, str], list[Finding]] = {}
        for finding in result.differences:
            before = self.report.before(finding).text
            alike.setdefault((finding.verdict, expected_text(finding), actual_text(finding), before), []).append(
                finding
            )
        differences = [self._difference(result, findings) for findings in alike.values()]
        differences.sort(key=lambda difference: _GRAVEST_FIRST.index(difference.verdict))
        waiver = one_line(result.waiver.text) if result.waiver is not None else ""
        return Told(result, docs, short(result.reason), tuple(differences), waiver)

    def _difference(self, result: RuleResult, findings: list[Finding]) -> Difference:
        first = next((finding for finding in findings if finding.exchange is not None), findings[0])
        before = self.report.before(first)
        looks = [Look(one_line(f.case), f.exchange.number if f.exchange else 0) for f in findings]
        day = self.day if self.report.recording is None else "the day of the recording"
        since = report_advice.since(before, day=day, stand_in=self.stand_in)
        return Difference(
            verdict=first.verdict,
            expected=short(expected_text(first)),
            got=short(actual_text(first)),
            sent=one_line(sent(first.exchange.request)) if first.exchange is not None else "",
            looks=tuple(dict.fromkeys(looks)),
            last_live=short(before.text),
            since=report_advice.Since(since.known, short(since.text)),
            impact=report_advice.impact(first, result.rule, waived=result.waiver is not None),
            finding=first,
        )


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
