"""Findings: one look at one rule, with what was expected and what came as values (finding_text.py has the words)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from trackly_contract.contract import Observation, Trial, contract
from trackly_contract.core import JSON, Exchange, Verdict


@dataclass(frozen=True, slots=True)
class Success:
    """Expected: the request is accepted, with any 2xx."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Expected: the request is rejected with a documented status and code."""

    status: int
    code: str


@dataclass(frozen=True, slots=True)
class Value:
    """Expected or actual: a JSON value at the position of the finding; ABSENT where there is none.

    `problem` says in words what is wrong with an actual value, where a schema says so.
    """

    json: JSON
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    """Expected or actual: the two cached fields of an audience."""

    size: JSON
    updated_at: JSON


@dataclass(frozen=True, slots=True)
class Words:
    """Expected or actual: what the documentation, or a look at a response, says only in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Then(Words):
    """Expected: what the last live recording shows, which is more than the documentation promises."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Actual: the response as a whole; `remark` says what it may be about."""

    remark: str = ""


Expected: TypeAlias = Success | Rejection | Value | Cache | Words
Actual: TypeAlias = Whole | Value | Cache | Words


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one rule.

    `expected` and `actual` are None when the rule held; `at` is the JSON Pointer into the response that they are
    about, "" for the response as a whole; `case` names the vector, and the position of its error, that brought the
    finding up; `exchange` is the evidence.
    """

    rule: str
    verdict: Verdict
    exchange: Exchange
    expected: Expected | None = None
    actual: Actual | None = None
    at: str = ""
    case: str = ""


Difference = tuple[str, Expected, Actual, bool]
"""What a response shows otherwise: where (a JSON Pointer), both sides, and whether no page leaves it open."""

WRONGLY_REJECTED: Difference = ("", Success(), Whole(), True)
"""A request that is accepted was rejected."""

Look = tuple[str, Difference | None]
"""A rule that a response bears on, and what differs from it; None where it held."""


def as_findings(looks: Iterable[Look], exchange: Exchange, case: str = "") -> list[Finding]:
    """Return looks at one exchange as findings.

    A difference breaks its rule if it is grave and a reference page makes the rule, else it is noted.
    """
    found = []
    for rule, difference in looks:
        at, expected, actual, grave = difference or ("", None, None, False)
        verdict = Verdict.HELD if difference is None else Verdict.NOTED
        if grave and contract().rules[rule].breakable:
            verdict = Verdict.BROKEN
        found.append(Finding(rule, verdict, exchange, expected, actual, at, case))
    return found


def rule_of(code: str) -> str:
    """Return the id of the first rule that a code of an error is about, "" for a code of no table."""
    return next((rule.id for rule in contract().rules.values() if rule.code == code), "")


class BrokenError(Exception):
    """A rule is broken: the API is at fault, not the suite. Carries the findings that say so."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(sorted({finding.case or finding.rule for finding in self.findings})))


@dataclass
class Source:
    """Where responses came from.

    `name` is `reference`, `replay`, `live` or `traffic`; `evidence` says what the responses are worth; `audience_id`
    and `key`, which must not show, are empty for recorded traffic; `of_reference`: the reference server gives them, or
    gave them to a recording.
    """

    name: str
    base_url: str
    evidence: str
    audience_id: str
    key: str = field(repr=False)
    of_reference: bool = field(default=False, kw_only=True)


@dataclass
class Seen:
    """A run of the suite, or recorded traffic; `stamped`: a response bears the stamp of the reference server."""

    target: Source
    effort: str = "recorded"
    read_only: bool = False
    stamped: bool = False
    requests: int = 0
    writes: int = 0
    findings: list[Finding] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    vocabulary: list[Trial] = field(default_factory=list)
    answers: list[Observation] = field(default_factory=list)
