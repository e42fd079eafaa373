"""Findings: one look at one rule, with what was expected and what came as values, never as sentences.

The text of a finding is made in finding_text.py, and nowhere else. A finding is not changed after it was made.
"""

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
    exchange: Exchange | None = None
    expected: Expected | None = None
    actual: Actual | None = None
    at: str = ""
    case: str = ""


def held(rule: str, exchange: Exchange, case: str = "") -> Finding:
    """Return the finding that an exchange shows a rule to hold."""
    return Finding(rule, Verdict.HELD, exchange, case=case)


def differs(
    rule: str,
    exchange: Exchange,
    expected: Expected,
    actual: Actual,
    *,
    at: str = "",
    case: str = "",
    grave: bool = True,
) -> Finding:
    """Return the finding that an exchange shows something else than a rule promises.

    It is broken where the difference is grave and a reference page makes the rule, else noted.
    """
    verdict = Verdict.BROKEN if grave and contract().rules[rule].breakable else Verdict.NOTED
    return Finding(rule, verdict, exchange, expected, actual, at, case)


def rule_of(code: str) -> str:
    """Return the id of the first rule that a code of an error is about, "" for a code of no table."""
    return next((rule.id for rule in contract().rules.values() if rule.code == code), "")


class BrokenError(Exception):
    """A rule is broken: the API is at fault, not the suite. Carries the findings that say so."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(sorted({finding.case or finding.rule for finding in self.findings})))


@dataclass(frozen=True)
class Source:
    """Where responses came from.

    `name` is `reference`, `replay`, `live` or `traffic`; `evidence` says what the responses are worth; `audience_id`
    and `key`, which must not show, are empty for recorded traffic; `of_reference`: the reference server gives them, or
    gave them to a recording.
    """

    name: str
    base_url: str
    evidence: str
    audience_id: str = ""
    key: str = field(default="", repr=False)
    of_reference: bool = False


@dataclass
class Seen:
    """A run of the suite, or recorded traffic; `stamped`: a response bears the stamp of the reference server."""

    target: Source
    stamped: bool
    requests: int
    writes: int
    findings: list[Finding]
    exchanges: list[Exchange]
    notes: list[str]
    effort: str = "recorded"
    read_only: bool = False
    vocabulary: list[Trial] = field(default_factory=list)
    answers: list[Observation] = field(default_factory=list)
