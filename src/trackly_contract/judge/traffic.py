"""Judges recorded traffic: the API's answers by schemas and followed state, the client's requests by themselves.

Promises: an answer is judged only by what the recording shows; what a fault of the way, a missing body or another
writer may explain is no drift; bounded memory, however long the recording.
Refuses: to ask a server, ours or any other; to say whether a list, a key or an audience exists.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.contract import contract
from trackly_contract.core import JSON, STAMP, Exchange, Finding, NotJSONError, Verdict, parse, redacted
from trackly_contract.judge.audiences import Audiences, Step
from trackly_contract.judge.gateway import maybe_gateway, unlike_api
from trackly_contract.judge.recorded.record import Elsewhere, Recorded, Unreadable
from trackly_contract.judge.requests import RequestFault, Severity, judge_request
from trackly_contract.judge.responses import describe, judge_audience, judge_refusal
from trackly_contract.judge.traffic_body import modest, shown, word_at, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackly_contract.judge.recorded.record import Item
    from trackly_contract.judge.traffic_body import Word

MOST_ALIKE = 3
"""Findings and faults that say the same and are kept with their exchanges; all are counted."""

MOST_OF_A_RULE = 20
"""Findings of one rule and verdict that are kept."""

MOST_KINDS = 200
"""Kinds of faults, of reasons, and of addresses that are kept apart."""

MOST_WORDS = 1_000
"""Words of accepted filters that are remembered."""

LISTS_UNKNOWN = "update.source_lists.unknown"
NO_FAULT_OF_THE_BODY = frozenset({"id-form", "key-form", "key-blanks"})
"""Open questions that leave open what is answered to nobody but who asks with such an id or key."""

UNSEEN = {
    LISTS_UNKNOWN: "recorded traffic does not show which lists exist",
    "read.key": "recorded traffic does not show which keys are good",
    "update.key": "recorded traffic does not show which keys are good",
}
"""What an answer of that rule leaves unsaid, by rule."""

_KNOWN = (
    ("filter.time.", "filter.time.known"),
    ("filter.count.", "filter.count.known"),
    ("filter.operator", "filter.operator.known"),
    ("filter.empty", "filter.nested"),
    ("update.name.", "update.name.longest"),
)
"""What else a wrong refusal breaks, by the rule of the code that it came with."""


@dataclass
class Findings:
    """Findings of any number of answers: all counted, those kept that say something new."""

    tally: dict[str, Counter[Verdict]] = field(default_factory=dict)
    kept: list[Finding] = field(default_factory=list)
    _alike: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    _of_rule: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, found: Iterable[Finding]) -> None:
        """Count findings, and keep the first few of each kind."""
        for finding in found:
            self.tally.setdefault(finding.rule, Counter())[finding.verdict] += 1
            of_rule = (finding.rule, finding.verdict.value)
            held = finding.verdict is Verdict.HELD
            if self._of_rule[of_rule] >= (1 if held else MOST_OF_A_RULE):
                continue
            alike = (*of_rule, finding.expected, finding.got)
            if self._alike[alike] < MOST_ALIKE:
                self._alike[alike] += 1
                self._of_rule[of_rule] += 1
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
        self.audiences = Audiences(self.findings.add, shared=self.shared)

    @property
    def records(self) -> int:
        """How many records were seen, those that could not be read included."""
        return self.exchanges + self.elsewhere + sum(times for times, _ in self.unreadable.values())

    def watch(self, item: Item) -> None:
        """Judge the next record."""
        if isinstance(item, Elsewhere):
            self.elsewhere += 1
        elif isinstance(item, Unreadable):
            _count(self.unreadable, item.reason, item.where)
        else:
            self._exchange(item)

    def finish(self) -> None:
        """Judge what still waited for the next exchange with the same audience."""
        self.audiences.finish()

    def _exchange(self, recorded: Recorded) -> None:
        self.exchanges += 1
        exchange = Exchange(recorded.exchange.request, recorded.exchange.response, self.exchanges)
        request, response = exchange.request, exchange.response
        self.stamped = self.stamped or response.header(STAMP) is not None
        self.writes += request.method == "PUT" and response.succeeded
        if len(self.addresses) < MOST_KINDS or recorded.address in self.addresses:
            self.addresses[recorded.address] += 1
            if response.succeeded:
                self._answering.add(recorded.address)
        faults = judge_request(request, query=recorded.query) if recorded.request_whole else []
        self._client(faults, exchange, recorded.where)
        step = _Answer(self, recorded, exchange, faults).step()
        if step is not None:
            self.audiences.follow((recorded.address, request.path.split("/")[3]), step)

    def _client(self, faults: list[RequestFault], exchange: Exchange, where: str) -> None:
        for fault in faults:
            # Recorders take keys out: a key that is missing in the file was missing if the API says so too.
            if fault.status == 401 and exchange.response.status != 401:
                continue
            if fault.name == "method" and exchange.request.method == "DELETE":
                continue  # a page of its own documents it
            kind = (fault.name, fault.word, "".join("#" if char.isdigit() else char for char in fault.place), fault.got)
            known = self.faults.get(kind)
            if known is not None:
                known.times += 1
            elif len(self.faults) < MOST_KINDS:
                self.faults[kind] = ClientFault(fault, exchange, where)
            else:
                others = (fault.name, "", "", "")
                known = self.faults.setdefault(others, ClientFault(fault, exchange, where, 0))
                known.times += 1

    def leave(self, reason: str, where: str) -> None:
        """Remember that an exchange could not be judged."""
        _count(self.not_judged, reason, where)

    def answers_from(self, address: str) -> bool:
        """Whether an address has answered with success before."""
        return address in self._answering


def _count(reasons: dict[str, tuple[int, str]], reason: str, where: str) -> None:
    if reason not in reasons and len(reasons) >= MOST_KINDS:
        reason = "other reasons"
    times, first = reasons.get(reason, (0, where))
    reasons[reason] = (times + 1, first)


class _Answer:
    """One exchange as it is judged: what the request deserved, and what came."""

    def __init__(self, traffic: Traffic, recorded: Recorded, exchange: Exchange, faults: list[RequestFault]) -> None:
        self.traffic = traffic
        self.recorded = recorded
        self.exchange = exchange
        self.where = recorded.where
        self.request, self.response = exchange.request, exchange.response
        self.operation = "read" if self.request.method == "GET" else "update"
        body = [f for f in faults if f.status not in (401, 404) and f.name not in NO_FAULT_OF_THE_BODY]
        self.refused = [fault for fault in body if fault.severity is Severity.REFUSED]
        places = {fault.place for fault in self.refused}
        asked = [fault for fault in body if fault.severity is not Severity.REFUSED and fault.place not in places]
        self.open = bool(asked)
        self.body = self._body()
        # A word that no page states and that was accepted before is no reason to leave another fault alone.
        self.doubtful = any(not self._spoken(fault) for fault in asked)

    def _say(self, found: Iterable[Finding]) -> None:
        self.traffic.findings.add(found)

    def _step(self, kind: str, body: JSON = None, audience: dict[str, JSON] | None = None) -> Step:
        began, ended = self.recorded.began, self.recorded.ended
        sent = body if isinstance(body, dict) else {}
        return Step(kind, self.exchange, self.where, sent, audience, began, ended)

    def step(self) -> Step | None:
        """Judge the answer by itself, and return what it means for the state of its audience; None for nothing."""
        method, path = self.request.method, self.request.path
        changes = method not in ("GET", "HEAD")
        if method not in ("GET", "PUT") or len(path.split("/")) != 4:
            self.traffic.judged += 1
            counted = method == "GET" and path.endswith("/size") and self.response.succeeded
            return self._step("counted") if counted else self._step("unknown") if changes else None
        if self.recorded.missing:
            return self._left(self.recorded.missing)
        way = maybe_gateway(self.response, good_key=False)
        lost = self.response.status == 404 and unlike_api(self.response)
        if way or (lost and not self.traffic.answers_from(self.recorded.address)):
            return self._left(f"answered {describe(self.response)}, which may come from something in between")
        self.traffic.judged += 1
        if self.response.succeeded:
            return self._succeeded()
        if self.response.status == 401:
            self._unauthorized()
        elif self.response.status == 404:
            self._not_found()
        else:
            self._refused()
        return self._step("refused", self.body) if self.operation == "update" else None

    def _left(self, reason: str) -> Step | None:
        self.traffic.leave(redacted(reason, self.request.header("x-api-key") or ""), self.where)
        return self._step("unknown") if self.operation == "update" else None

    def _spoken(self, fault: RequestFault) -> bool:
        word = word_at(self.body, fault.place) if fault.name == "token-unlisted" else None
        return word is not None and word in self.traffic.accepted_words

    def _body(self) -> JSON:
        if self.operation != "update":
            return None
        try:
            return parse(self.request.body)
        except NotJSONError:
            return None

    def _succeeded(self) -> Step:
        for fault in {fault.name: fault for fault in self.refused}.values() if not self.doubtful else ():
            self._say(judge_refusal(self.exchange, fault.name, fault.status or 400, fault.code or "", self.where))
        judged = judge_audience(self.exchange, self.request.path.split("/")[3], self.where)
        self._say(judged.findings)
        audience = judged.well_formed() if judged.audience is not None else None
        if self.operation == "read":
            return self._step("read", None, audience) if audience is not None else self._step("unknown")
        body = self.body
        if not self.refused and len(self.traffic.accepted_words) < MOST_WORDS:
            self.traffic.accepted_words.update(words(body))
        if audience is None or self.open or self.refused or not isinstance(body, dict):
            return self._step("adopted", None, audience)
        self._say(Finding(rule, Verdict.HELD, self.exchange, case=self.where) for rule in shown(body))
        return self._step("updated", body, audience)

    def _error(self) -> list[Finding]:
        """Return what the body of a refusal shows by itself, whatever was refused."""
        found = judge_refusal(self.exchange, "", self.response.status, "", self.where)
        return [finding for finding in found if finding.rule]

    def _unauthorized(self) -> None:
        rule = f"{self.operation}.key"
        found = judge_refusal(self.exchange, rule, 401, "unauthorized", self.where)
        if (self.request.header("x-api-key") or "").strip():
            self.traffic.unseen[rule] = UNSEEN[rule]
            found = [finding for finding in found if finding.rule != rule or finding.verdict is not Verdict.HELD]
        self._say(found)

    def _not_found(self) -> None:
        rule = f"{self.operation}.unknown_id"
        found = judge_refusal(self.exchange, rule, 404, "not_found", self.where)
        if self.traffic.audiences.knows((self.recorded.address, self.request.path.split("/")[3])):
            found = [finding for finding in found if finding.rule != rule or finding.verdict is not Verdict.HELD]
            expected, got = "2xx, for it was there before", f"{describe(self.response)}; it may have been deleted since"
            found.append(Finding(f"{self.operation}.success", Verdict.NOTED, self.exchange, expected, got, self.where))
        self._say(found)

    def _refused(self) -> None:
        code, body = _code(self.exchange), self.body
        lists = body.get("source_lists") if isinstance(body, dict) else None
        if self.response.status == 400 and code == "source_list_not_found" and lists:
            self.traffic.unseen[LISTS_UNKNOWN] = UNSEEN[LISTS_UNKNOWN]
            self._say(self._error())
        elif self.doubtful or (self.open and not self.refused):
            self._say(self._error())
        elif self.refused:
            fault = next((fault for fault in self.refused if fault.code == code), self.refused[0])
            due, wide = (fault.status or 400, fault.code or ""), not modest(body, counts=False)
            self._say(judge_refusal(self.exchange, fault.name, *due, self.where, too_wide=wide))
        else:
            rule, got, severity = f"{self.operation}.success", describe(self.response), Verdict.BROKEN
            if isinstance(body, dict):
                meant = _rule_of(code)
                known = next((known for start, known in _KNOWN if meant.startswith(start)), "")
                rule = known if known in shown(body) else rule
                if not meant and not modest(body):
                    severity, got = Verdict.NOTED, f"{got}, which may be a limit that no page states"
            self._say([Finding(rule, severity, self.exchange, "2xx", got, self.where)])
            self._say(self._error())


def _code(exchange: Exchange) -> str:
    try:
        answer = parse(exchange.response.body, duplicate_keys=True)
    except NotJSONError:
        return ""
    code = answer.get("code") if isinstance(answer, dict) else None
    return code if isinstance(code, str) else ""


def _rule_of(code: str) -> str:
    return next((rule.id for rule in contract().rules.values() if code and rule.code == code), "")
