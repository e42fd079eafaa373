"""What a page shows of a run: the report in the order in which people read it.

Nothing of a run on the reference server is shown as observed. Differences that say the same are shown once, with all
the exchanges in which they were seen. Does not judge, and does not know Markdown or HTML: the templates do.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from trackly_contract.core import Exchange, NotJSONError, Verdict, laid_out, nesting, one_line, parse, printable, short
from trackly_contract.judge import Baseline, Finding, actual_text, expected_text
from trackly_contract.report import observations
from trackly_contract.report.diff import Line, then_and_now
from trackly_contract.report.knowledge import Knowledge, known_of
from trackly_contract.report.report import Report, RuleResult
from trackly_contract.report.snippets import snippets

LONGEST_SHOWN = 6_000
"""Characters of one body that are shown."""

MOST_BLANKS = 1_000_000
"""Bytes times nesting of a body that is spread over lines: deep nesting makes a megabyte of blanks of a kilobyte."""

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


@dataclass(frozen=True, slots=True)
class ShownRule:
    """One rule with its differences, the gravest first."""

    result: RuleResult
    differences: tuple[Difference, ...]


def body_text(body: bytes) -> str:
    """Return a body for people: JSON spread over lines, anything else as it came; cut where it is long."""
    text = body.decode("utf-8", "replace")
    with suppress(NotJSONError):
        if body and len(body) * nesting(body) <= MOST_BLANKS:
            text = laid_out(parse(body))
    shown = printable(text[:LONGEST_SHOWN])
    return f"{shown}\n... ({len(text) - LONGEST_SHOWN} more characters)" if len(text) > LONGEST_SHOWN else shown


class View:
    """One report, as pages need it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.session = report.session
        self.counts = report.counts()
        self.reference = report.from_reference
        self.rules = [ShownRule(result, self._differences(result)) for result in report.results]
        self.found: dict[int, list[Finding]] = {exchange.number: [] for exchange in self.session.exchanges}
        for finding in (finding for result in report.results for finding in result.findings):
            self.found.setdefault(finding.exchange.number, []).append(finding)
        self._shown_under: dict[int, str] = {}

    def _differences(self, result: RuleResult) -> tuple[Difference, ...]:
        alike: dict[tuple[Verdict, str, str, str], list[Finding]] = {}
        for finding in result.differences:
            told = (expected_text(finding), actual_text(finding), self.report.before(finding).text)
            alike.setdefault((finding.verdict, *told), []).append(finding)
        found = [Difference(tuple(findings), self.report.before(findings[0])) for findings in alike.values()]
        return tuple(sorted(found, key=lambda difference: difference.findings[0].verdict is not Verdict.BROKEN))

    @property
    def who(self) -> str:
        """Who responded: a recording does not show that it was the API."""
        return "the API" if self.report.recording is None else "the recorded server"

    @property
    def day(self) -> str:
        """The day of the run."""
        return self.report.started_at[:10]

    @property
    def where(self) -> str:
        """Where and when the responses of this run were given."""
        if self.session.target.name == "live":
            return f"at {one_line(self.session.target.base_url)} on {self.day}"
        return one_line(self.session.target.evidence).partition(": this says nothing")[0]

    @property
    def base_url(self) -> str:
        """The base URL for a program that sends what this run sent."""
        base_url = one_line(self.session.target.base_url).partition(", ")[0]
        return base_url if base_url.startswith(("http://", "https://")) else "http://127.0.0.1:8377/api"

    def of(self, verdict: Verdict) -> list[ShownRule]:
        """Return the rules of one verdict."""
        return [shown for shown in self.rules if shown.result.verdict is verdict]

    @property
    def areas(self) -> dict[str, list[ShownRule]]:
        """The rules by the first word of their ids."""
        areas: dict[str, list[ShownRule]] = {}
        for shown in self.rules:
            areas.setdefault(shown.result.rule.id.partition(".")[0], []).append(shown)
        return areas

    def example(self, shown: ShownRule) -> Exchange | None:
        """Return the exchange that shows a rule best: a difference, or else the shortest request; None if none does."""
        if shown.differences:
            return shown.differences[0].first.exchange
        exchanges = [finding.exchange for finding in shown.result.findings]
        return min(exchanges, key=lambda exchange: len(exchange.request.body), default=None)

    def shown_under(self, shown: ShownRule, exchange: Exchange) -> str:
        """Return the rule under which an exchange is shown: this one, unless it is long and stands under another."""
        if len(exchange.request.body) <= LONG:
            return shown.result.rule.id
        return self._shown_under.setdefault(exchange.number, shown.result.rule.id)

    def programs(self, exchange: Exchange) -> dict[str, str]:
        """Return a request as programs, by language."""
        return snippets(exchange.request, self.session.target.audience_id or exchange.request.path.split("/")[3])

    def knowledge(self, shown: ShownRule) -> list[Knowledge]:
        """Return what is documented, observed, assumed and unknown of a rule."""
        return known_of(shown.result, stand_in=self.reference, who=self.who, where=self.where, answered=self._answered)

    @cached_property
    def _answered(self) -> dict[str, list[str]]:
        """What the API said to open questions, in this run or before; nothing of the reference server."""
        found: dict[str, list[str]] = {}
        for entry in observations.kept_answers():
            said = f"{entry.probe}: {entry.said} (at {entry.base_url} on {entry.date})"
            found.setdefault(entry.question, []).append(said)
        if not self.reference:
            for answer in self.session.answers:
                if answer.said:
                    said = f"{answer.probe}: {answer.said} ({self.where})"
                    found.setdefault(answer.question, []).append(short(said))
        return found

    def then_and_now(self, finding: Finding) -> tuple[Line, ...]:
        """Return a response beside the last live recording of it; empty if there is none, or it is the same."""
        if self.report.last_live is None or self.reference:
            return ()
        then = self.report.last_live.recorded(finding.exchange)
        return () if then is None else then_and_now(then[0].response, finding.exchange.response, finding.at)
