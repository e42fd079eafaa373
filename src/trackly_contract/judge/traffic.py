"""Judges recorded traffic in bounded memory: responses by schemas and followed state, requests by themselves.

A response is judged only by what the recording shows: what a gateway, a missing body or another writer may explain
is no drift. Does not ask a server, and does not say whether a list, a key or an audience exists.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from trackly_contract.contract import parts_of
from trackly_contract.core import JSON, STAMP, Exchange, Verdict
from trackly_contract.judge.expectation import Open, Rejected, expectation_of, judge
from trackly_contract.judge.finding_text import actual_text, describe, expected_text
from trackly_contract.judge.findings import Finding, Rejection, Whole, Words, as_findings
from trackly_contract.judge.recorded.record import Item, Recorded, Unreadable
from trackly_contract.judge.requests import RequestFault, Severity, judge_request
from trackly_contract.judge.responses import maybe_gateway, unlike_api
from trackly_contract.judge.state import Audiences, Judged

Word = tuple[str, str, str]
"""A word of the filter language in its place: condition type, field, word."""

MOST_ALIKE = 3  # findings and faults that say the same and are kept with their exchanges; all are counted
MOST_OF_A_RULE = 20  # findings of one rule and verdict that are kept
MOST_KINDS = 200  # kinds of faults, of reasons, and of addresses that are kept apart
MOST_WORDS = 1_000  # words of accepted filters that are remembered


@dataclass
class Findings:
    """Findings of any number of answers: all counted, those kept that say something new."""

    tally: dict[str, Counter[Verdict]] = field(default_factory=dict)
    kept: list[Finding] = field(default_factory=list)
    _kept: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, found: Iterable[Finding]) -> None:
        """Count findings, and keep the first few of each kind."""
        for finding in found:
            self.tally.setdefault(finding.rule, Counter())[finding.verdict] += 1
            of_rule = (finding.rule, finding.verdict.value)
            if self._kept[of_rule] >= (1 if finding.verdict is Verdict.HELD else MOST_OF_A_RULE):
                continue
            alike = (*of_rule, expected_text(finding), actual_text(finding))
            if self._kept[alike] < MOST_ALIKE:
                self._kept.update((of_rule, alike))
                self.kept.append(finding)


@dataclass
class ClientFault:
    """One kind of fault in a client's requests: how often, and where first."""

    fault: RequestFault
    exchange: Exchange
    where: str
    times: int = 1


@dataclass
class Traffic:
    """What was seen of recorded traffic, fed one record at a time.

    `not_judged` counts the reasons for which records of ours could not be judged, `unreadable` those that could not
    be read; both remember where first. `shared`: others change the audiences too.
    """

    shared: bool = False
    findings: Findings = field(default_factory=Findings)
    faults: dict[tuple[str, str, str, str], ClientFault] = field(default_factory=dict)
    exchanges: int = 0
    judged: int = 0
    elsewhere: int = 0
    writes: int = 0
    stamped: bool = False
    addresses: Counter[str] = field(default_factory=Counter)
    not_judged: dict[str, tuple[int, str]] = field(default_factory=dict)
    unreadable: dict[str, tuple[int, str]] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    accepted_words: set[Word] = field(default_factory=set)
    audiences: Audiences = field(init=False)
    _answering: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.audiences = Audiences(self.shared)

    @property
    def records(self) -> int:
        """How many records were seen, those that could not be read included."""
        return self.exchanges + self.elsewhere + sum(times for times, _ in self.unreadable.values())

    def watch(self, recorded: Item) -> None:
        """Judge the next record."""
        if recorded is None:
            self.elsewhere += 1
            return
        if isinstance(recorded, Unreadable):
            _count(self.unreadable, recorded.reason, recorded.where)
            return
        self.exchanges += 1
        recorded = replace(recorded, exchange=replace(recorded.exchange, number=self.exchanges))
        request, response = recorded.exchange.request, recorded.exchange.response
        self.stamped = self.stamped or response.header(STAMP) is not None
        self.writes += request.method == "PUT" and response.succeeded
        if len(self.addresses) < MOST_KINDS or recorded.address in self.addresses:
            self.addresses[recorded.address] += 1
            if response.succeeded:
                self._answering.add(recorded.address)
        violations = judge_request(request, query=recorded.query) if recorded.request_whole else []
        self._client(violations, recorded)
        judged = self._judged(recorded, violations)
        if judged.kind is not None:
            self.findings.add(self.audiences.follow(recorded.key, judged, recorded.began, recorded.ended))

    def finish(self) -> None:
        """Judge what still waited for the next exchange with the same audience."""
        self.findings.add(self.audiences.finish())

    def _judged(self, recorded: Recorded, violations: list[RequestFault]) -> Judged:
        """Judge a response by itself, and return what it means for its audience."""
        exchange, request, response = recorded.exchange, recorded.exchange.request, recorded.exchange.response
        changes = request.method not in ("GET", "HEAD")
        lost_sight = Judged(exchange, recorded.where, "adopted")
        blind = lost_sight if changes else Judged(exchange, recorded.where, None)
        if request.method not in ("GET", "PUT") or len(request.path.split("/")) != 4:
            self.judged += 1
            counted = request.method == "GET" and request.path.endswith("/size") and response.succeeded
            return Judged(exchange, recorded.where, "counted") if counted else blind
        lost = response.status == 404 and unlike_api(response) and recorded.address not in self._answering
        reason = recorded.missing
        if not reason and (lost or maybe_gateway(response, good_key=False)):
            reason = f"answered {describe(response)}, which may come from something in between"
        if reason:
            _count(self.not_judged, reason, recorded.where)
            return blind
        self.judged += 1
        if response.status in (401, 404):
            self.findings.add(self._denied(recorded))
            return Judged(exchange, recorded.where, "rejected" if changes else None)
        body = request.json.strict if changes else None
        spoken = _words(body)
        # A word that no page states and that was accepted before is no reason to ignore another error.
        unheard = [
            v for v in violations if v.name != "token-unlisted" or spoken.get(v.place) not in self.accepted_words
        ]
        expectation = expectation_of(violations, body, unheard)
        of_lists = response.status == 400 and response.code == "source_list_not_found"
        if of_lists and request.json.fields.get("source_lists"):
            self.unseen["update.source_lists.unknown"] = "recorded traffic does not show which lists exist"
            expectation = Open()
        judged = judge(exchange, expectation, recorded.key[1], recorded.where)
        self.findings.add(judged.findings)
        wrong = any(v.severity is Severity.REFUSED and v.status not in (401, 404) for v in violations)
        if response.succeeded and not wrong and len(self.accepted_words) < MOST_WORDS:
            self.accepted_words.update(spoken.values())
        return lost_sight if judged.kind is None and response.succeeded else judged

    def _denied(self, recorded: Recorded) -> list[Finding]:
        """Judge a 401 or 404, as far as a recording shows which keys and audiences there are."""
        request, response = recorded.exchange.request, recorded.exchange.response
        operation = "read" if request.method == "GET" else "update"
        name, code = ("key", "unauthorized") if response.status == 401 else ("unknown_id", "not_found")
        rule = f"{operation}.{name}"
        expectation = Rejected(((rule, Rejection(response.status, code)),))
        found = [*judge(recorded.exchange, expectation, recorded.key[1], recorded.where).findings]
        with_key = response.status == 401 and (request.header("x-api-key") or "").strip()
        known = response.status == 404 and self.audiences.knows(recorded.key)
        if with_key:
            self.unseen[rule] = "recorded traffic does not show which keys are good"
        if with_key or known:
            found = [finding for finding in found if finding.rule != rule or finding.verdict is not Verdict.HELD]
        if known:
            difference = ("", Words("2xx, for it was there before"), Whole("; it may have been deleted since"), False)
            found += as_findings([(f"{operation}.success", difference)], recorded.exchange, recorded.where)
        return found

    def _client(self, faults: list[RequestFault], recorded: Recorded) -> None:
        for fault in faults:
            # Recorders take keys out: a key that is missing in the file was missing if the API says so too.
            if fault.status == 401 and recorded.exchange.response.status != 401:
                continue
            if fault.name == "method" and recorded.exchange.request.method == "DELETE":
                continue  # a page of its own documents it
            kind = (fault.name, fault.word, re.sub(r"\d", "#", fault.place), fault.got)
            if kind not in self.faults and len(self.faults) >= MOST_KINDS:
                kind = (fault.name, "", "", "")
            self.faults.setdefault(kind, ClientFault(fault, recorded.exchange, recorded.where, 0)).times += 1


def _count(reasons: dict[str, tuple[int, str]], reason: str, where: str) -> None:
    if reason not in reasons and len(reasons) >= MOST_KINDS:
        reason = "other reasons"
    times, first = reasons.get(reason, (0, where))
    reasons[reason] = (times + 1, first)


def _words(body: JSON) -> dict[str, Word]:
    """Return the texts of all conditions, each with its place in the language, by JSON Pointer."""
    found: dict[str, Word] = {}
    for part in parts_of(body.get("filter") if isinstance(body, dict) else None):
        kind = part.fields.get("condition_type")
        for name, text in part.fields.items():
            if isinstance(kind, str) and isinstance(text, str):
                found[f"/filter{part.path}/{name}"] = (kind, name, text)
    return found
