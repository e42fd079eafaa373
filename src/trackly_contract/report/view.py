"""What a page shows of a run: differences that say the same once, what is known of a rule, its request as programs.

Does not judge, and does not know Markdown or HTML: the templates do.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from trackly_contract.contract import Rule, contract
from trackly_contract.core import ABSENT, Exchange, Request, Response, Verdict, laid_out, one_line, printable, short
from trackly_contract.judge import Baseline, Finding, actual_text, expected_text
from trackly_contract.report import observations
from trackly_contract.report.diff import Line, readable, then_and_now
from trackly_contract.report.report import Report, RuleResult
from trackly_contract.report.snippets import snippets

LONGEST_SHOWN = 6_000
"""Characters of one body that are shown."""

LONG = 2_000
"""Bytes of a request that is shown under one rule only; other rules that it shows link there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Findings that say the same of one rule: what was expected, what came, what the last live recording has."""

    findings: tuple[Finding, ...]
    before: Baseline

    @property
    def first(self) -> Finding:
        """The finding that is shown of them."""
        return self.findings[0]


def body_text(message: Request | Response) -> str:
    """Return a body for people: JSON spread over lines, anything else as it came; cut where it is long."""
    value = readable(message, len(message.body))
    text = message.body.decode("utf-8", "replace") if value is ABSENT else laid_out(value)
    shown = printable(text[:LONGEST_SHOWN])
    return f"{shown}\n... ({len(text) - LONGEST_SHOWN} more characters)" if len(text) > LONGEST_SHOWN else shown


class View:
    """One report, as pages need it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.session = report.session
        self.counts = report.counts()
        self.day = report.started_at[:10]
        self.reference = report.from_reference
        self.differences = {result.rule.id: self._differences(result) for result in report.results}
        """By rule, the gravest first."""
        self.found: dict[int, list[Finding]] = defaultdict(list)
        """By number of exchange."""
        self.areas: dict[str, list[RuleResult]] = defaultdict(list)
        """The rules by the first word of their ids."""
        for result in report.results:
            self.areas[result.rule.id.partition(".")[0]].append(result)
            for finding in result.findings:
                self.found[finding.exchange.number].append(finding)
        self._shown_under: dict[int, str] = {}

    def _differences(self, result: RuleResult) -> tuple[Difference, ...]:
        alike: dict[tuple[Verdict, str, str, str], list[Finding]] = {}
        for finding in result.differences:
            told = (expected_text(finding), actual_text(finding), self.report.before(finding).text)
            alike.setdefault((finding.verdict, *told), []).append(finding)
        found = [Difference(tuple(findings), self.report.before(findings[0])) for findings in alike.values()]
        return tuple(sorted(found, key=lambda difference: difference.findings[0].verdict is not Verdict.BROKEN))

    @property
    def where(self) -> str:
        """Where and when the responses of this run were given."""
        if self.session.target.name == "live":
            return f"at {one_line(self.session.target.base_url)} on {self.day}"
        return one_line(self.session.target.evidence)

    @property
    def base_url(self) -> str:
        """The base URL for a program that sends what this run sent."""
        base_url = one_line(self.session.target.base_url).partition(", ")[0]
        return base_url if base_url.startswith(("http://", "https://")) else "http://127.0.0.1:8377/api"

    def example(self, result: RuleResult) -> Exchange | None:
        """Return the exchange that shows a rule best: a difference, or else the shortest request; None if none does."""
        differences = [each.first.exchange for each in self.differences[result.rule.id]]
        if differences:
            return differences[0]
        exchanges = [finding.exchange for finding in result.findings]
        return min(exchanges, key=lambda exchange: len(exchange.request.body), default=None)

    def shown_under(self, rule: Rule, exchange: Exchange) -> str:
        """Return the rule under which an exchange is shown: this one, unless it is long and stands under another."""
        if len(exchange.request.body) <= LONG:
            return rule.id
        return self._shown_under.setdefault(exchange.number, rule.id)

    def programs(self, exchange: Exchange) -> dict[str, str]:
        """Return a request as programs, by language."""
        return snippets(exchange.request, self.session.target.audience_id or exchange.request.path.split("/")[3])

    def beside(self, rule: Rule) -> list[tuple[str, str, list[str]]]:
        """Return what is known of a rule beside its own basis: how (observed, ...), what about, and the facts."""
        asked, silent = contract().open_questions(rule.id), "where the documentation is silent"
        guesses = [entry.text for entry in contract().assumptions if rule.id in entry.rules]
        said = [f"{question.asks} {text}" for question in asked for text in self.answered.get(question.id, ())]
        return [
            ("unknown", "pages disagree", [one_line(rule.contested)] if rule.contested else []),
            ("assumed", f"by the reference server, {silent}", guesses),
            ("observed", f"on the API, {silent}", said),
            ("unknown", "open questions", [question.asks for question in asked if question.id not in self.answered]),
        ]

    @cached_property
    def answered(self) -> dict[str, list[str]]:
        """What the API said to open questions, in this run or before; nothing of the reference server."""
        found: dict[str, list[str]] = defaultdict(list)
        for kept in observations.kept_answers():
            found[kept.question].append(one_line(f"{kept.probe}: {kept.said} (at {kept.base_url} on {kept.date})"))
        for answer in () if self.reference else self.session.answers:
            if answer.said:
                found[answer.question].append(short(f"{answer.probe}: {answer.said} ({self.where})"))
        return found

    def then_and_now(self, finding: Finding) -> tuple[Line, ...]:
        """Return a response beside the last live recording of it; empty if there is none, or it is the same."""
        if self.report.last_live is None or self.reference:
            return ()
        then = self.report.last_live.recorded(finding.exchange)
        return () if then is None else then_and_now(then[0].response, finding.exchange.response, finding.at)
