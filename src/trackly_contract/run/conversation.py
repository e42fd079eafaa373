"""A conversation: requests to one target, counted and kept, with network faults told from responses.

Does not judge what a response says (session.py), nor send more than was allowed, nor ask for ever what is gone.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from trackly_contract.contract import Situation
from trackly_contract.core import JSON, STAMP, Exchange, InconclusiveError, Request, encode
from trackly_contract.generate import UNKNOWN_ID, WRONG_KEY, Effort
from trackly_contract.judge import AudienceState, Seen, about_request, describe, differs, maybe_gateway, unlike_api
from trackly_contract.run.client import NoAnswerError
from trackly_contract.run.sandbox import Budget, NotAskedError, NotOursError, Sandbox, audience_of
from trackly_contract.run.targets import Target

TRIES = 3
"""How often a request is sent before a suspicious answer counts, and how often that must be until it counts at once."""

LONGEST_WAIT = 60.0
"""Seconds that a Retry-After is honoured for at most."""

PERSISTENCE = 6
"""Controls that may fail before putting the audience back is given up: two minutes."""

LOST = 4
"""Controls in a row that fail until nothing more is asked: the longer it lasts, the longer is waited before each."""


@dataclass
class Conversation(Seen):
    """What is sent to a target, and what comes back.

    `sandbox` sends every request; `state` is the audience as it was last seen. `cases` has the exchanges of each step,
    in order. `most_requests` are allowed in all, None for as many as the effort takes. `outages` say why something
    could not be asked, or got no answer that counts.
    """

    target: Target
    effort: Effort
    asks_questions: bool = False
    most_requests: int | None = None
    state: AudienceState = field(default_factory=AudienceState)
    cases: list[tuple[str, list[Exchange]]] = field(default_factory=list)
    stayed: Counter[tuple[str, int]] = field(default_factory=Counter)
    outages: list[str] = field(default_factory=list)
    _lost: Counter[str] = field(default_factory=Counter)
    _persisted: bool = False

    def __post_init__(self) -> None:
        self.sandbox = self.new_sandbox()

    def new_sandbox(self) -> Sandbox:
        """Return a sandbox that nothing passed through yet, with all that this run may spend."""
        budget = Budget.of(self.effort, self.most_requests, questions=self.asks_questions)
        return Sandbox(self.target, budget, self.read_only)

    @contextmanager
    def step(self, case: str) -> Iterator[None]:
        """Send everything inside as one case: the unit that is recorded and replayed."""
        before = self.requests
        try:
            with self.target.step(case):
                yield
        finally:
            self.cases.append((case, self.exchanges[before:]))

    def request(self, method: str, suffix: str = "", body: JSON = None, situation: Situation | None = None) -> Request:
        """Return a GET or PUT of the audience, or of what stands below it; `situation` is what is wrong with it."""
        audience = UNKNOWN_ID if situation == "id_unknown" else self.target.audience_id
        key = {"key_empty": "", "key_wrong": WRONG_KEY}.get(situation or "", self.target.key)
        headers = [("X-Api-Key", key)] if situation != "key_missing" else []
        if method == "PUT":
            headers.append(("Content-Type", "application/json"))
        content = encode(body) if method == "PUT" else b""
        return Request(method, f"/v2/audiences/{audience}{suffix}", tuple(headers), content)

    def _once(self, request: Request) -> Exchange:
        response = self.sandbox.send(request)
        self.requests += 1
        self.exchanges.append(Exchange(request, response, self.requests))
        self.stamped = self.stamped or response.header(STAMP) is not None
        self.writes += request.method == "PUT" and response.succeeded
        return self.exchanges[-1]

    def ask(self, request: Request) -> Exchange:
        """Send a request and return its exchange.

        A response that may not be the API's (judge/responses.py) and no response at all are tried again, then compared
        with controls: a GET of the audience that must succeed, and for an update that met an outage also an update
        that changes nothing. If they succeed, a response that stays is returned to be judged like any other. What
        stayed several times is how this target answers, and is no longer tried again.
        Raises InconclusiveError if a control fails, if no response comes at all, or if the limit is reached. Once a
        control has failed, the next request is sent only after another one succeeded; after LOST that failed in a row
        nothing is sent any more.
        """
        try:
            for method in dict.fromkeys(("GET", request.method)):
                self._wait_if_lost(method)
            return self._tried(request)
        except NotOursError:
            raise
        except InconclusiveError as error:
            self.outages.append(str(error))
            raise

    def _tried(self, request: Request) -> Exchange:
        """Send a request until a response counts, or stays though the controls succeed."""
        good_key = request.header("X-Api-Key") == self.target.key
        trouble, last = "", None
        if request.method == "PUT" and audience_of(request) == UNKNOWN_ID and not self.sandbox.nobody:
            self.ask(self.request("GET", situation="id_unknown"))
        for attempt in range(TRIES):
            if attempt:
                self.target.wait(pause(last, attempt))
                self._see_whether_it_arrived(request)
            try:
                last = self._once(request)
            except NoAnswerError as error:
                last, trouble = None, str(error)
                continue
            doubtful = maybe_gateway(last.response, good_key=good_key) or unlike_api(last.response)
            if not doubtful or self.stayed[request.method, last.response.status] >= TRIES:
                return last
            trouble = describe(last.response)
            if self.sandbox.warned and not good_key:
                break
        if last is None:
            self._see_whether_it_arrived(request)
        self._controlled(request, last, trouble)
        if last is None:
            raise InconclusiveError(f"{trouble}, {TRIES} times, though the control GET was answered")
        if self.sandbox.warned and not good_key and (last.response.status != 403 or unlike_api(last.response)):
            raise InconclusiveError(f"{trouble}, which may be a warning of something in between: not asked again")
        self.stayed[request.method, last.response.status] += about_request(last.response)
        return last

    def _controlled(self, request: Request, last: Exchange | None, trouble: str) -> None:
        """Raise InconclusiveError if a control fails after a request that got no response that counts."""
        if request != self.request("GET"):
            failed = self._control("GET")
            if not failed and request.method == "PUT" and last is not None and not about_request(last.response):
                failed = self._control("PUT")
            if failed:
                raise InconclusiveError(f"{trouble}; then {failed}")
        elif last is None or not _sound(last):  # it is a control itself
            self._lost["GET"] += 1
            raise InconclusiveError(f"the audience cannot be read: {trouble}, {TRIES} times")

    def _see_whether_it_arrived(self, request: Request) -> None:
        """Look for what an update without a response did: if it is there, it does not arrive any more."""
        if request in self.sandbox.unanswered:
            sent, before = request.json.fields, self.state.audience or {}
            with suppress(NoAnswerError, NotAskedError):
                shown = self._once(self.request("GET")).response.json.fields
                told = [name for name in sent if name in before and differs(name, sent[name], before[name])]
                if told and all(name in shown and not differs(name, sent[name], shown[name]) for name in sent):
                    self.sandbox.unanswered.remove(request)

    def _control(self, method: str) -> str:
        """GET the audience, or update its name to what it is, or was; return what is wrong, "" if nothing is."""
        body: JSON = None
        if method == "PUT":
            backup = self.sandbox.backup
            name = (self.state.audience or (backup.wanted if backup else {})).get("name")
            if not self.writes or not isinstance(name, str):
                return ""  # there is no update that is known to change nothing
            body = {"name": name}
        request, failed = self.request(method, body=body), ""
        try:
            answer = self._once(request)
            if not _sound(answer):
                failed = f"the control {method} was answered {describe(answer.response)}"
        except NoAnswerError as error:
            failed = f"the control {method} got no answer: {error}"
        self._lost[method] = self._lost[method] + 1 if failed else 0
        return failed

    def _wait_if_lost(self, method: str) -> None:
        """Give a target that was lost the time to come back. Raises NotAskedError while it does not."""
        lost = self._lost[method]
        if lost >= LOST:
            raise NotAskedError(f"not asked: {self.outages[0]}; {LOST} controls in a row failed")
        if lost:
            self.target.wait(pause(None, TRIES - 1 + lost))  # the pauses go on growing
            failed = self._control(method)
            if failed:
                raise NotAskedError(f"not asked: {failed}")

    def insist(self) -> None:
        """Ask again in full, whatever failed: what follows puts the audience back.

        A target that was lost is given PERSISTENCE controls to come back, once.
        """
        if any(self._lost.values()) and not self._persisted:
            self._persisted = True
            for controls in range(1, PERSISTENCE + 1):
                self.target.wait(pause(None, TRIES - 1 + controls))
                if not (self._control("GET") or self._control("PUT")):
                    self._persisted = False
                    break
        self._lost.clear()


def _sound(exchange: Exchange) -> bool:
    return exchange.response.succeeded and not maybe_gateway(exchange.response, good_key=True)


def pause(last: Exchange | None, attempt: int) -> float:
    """Return the seconds to wait before try number `attempt` (from 1), after the `last` exchange, if there was one.

    A Retry-After (RFC 9110, section 10.2.3) is honoured up to LONGEST_WAIT; a date is read by the server's own clock.
    """
    if last is not None and (asked := last.response.header("retry-after")) is not None:
        if re.fullmatch("[0-9]{1,9}", asked):
            return min(float(asked), LONGEST_WAIT)
        until, now = _moment(asked), _moment(last.response.header("date") or "") or datetime.now(UTC)
        if until is not None:
            return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
    return min(0.5 * 2.0 ** (attempt - 1), LONGEST_WAIT)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
