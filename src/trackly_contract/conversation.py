"""A conversation: requests to one target, counted and kept, with faults of the way told from answers.

Promises: an answer that may be a fault of the network or a gateway is asked for again and then held against a
control; every exchange is kept, retries and controls included.
Refuses: to judge what an answer says (session.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.client import NoAnswerError
from trackly_contract.exchange import Exchange, Request
from trackly_contract.faults import HABIT, TRIES, no_outage, pause, suspicious
from trackly_contract.jsonvalue import JSON, encode
from trackly_contract.judge import describe
from trackly_contract.verdict import InconclusiveError

if TYPE_CHECKING:
    from trackly_contract.rule import Situation
    from trackly_contract.targets import Target

UNKNOWN_ID = "f" * 24
"""An id of the documented form that no audience has."""

WRONG_KEY = "trk_" + "z" * 32
"""A key of the documented form that opens nothing."""

STAMP = "x-trackly-contract-reference"


@dataclass
class Conversation:
    """What is sent to a target, and what comes back."""

    target: Target
    exchanges: list[Exchange] = field(init=False, default_factory=list)
    writes: int = field(init=False, default=0)
    stamped: bool = field(init=False, default=False)
    stayed: Counter[tuple[str, int]] = field(init=False, default_factory=Counter)

    @property
    def requests(self) -> int:
        """How many requests were sent, retries and controls included."""
        return len(self.exchanges)

    def _request(self, method: str, suffix: str = "", body: JSON = None, situation: Situation | None = None) -> Request:
        audience = UNKNOWN_ID if situation == "id_unknown" else self.target.audience_id
        headers: list[tuple[str, str]] = []
        key = {"key_empty": "", "key_wrong": WRONG_KEY}.get(situation or "", self.target.key)
        if situation != "key_missing":
            headers.append(("X-Api-Key", key))
        content = b""
        if method == "PUT":
            headers.append(("Content-Type", "application/json"))
            content = encode(body)
        return Request(method, f"/v2/audiences/{audience}{suffix}", tuple(headers), content)

    def _once(self, request: Request) -> Exchange:
        response = self.target.client.send(request)
        exchange = Exchange(request, response, len(self.exchanges) + 1)
        self.exchanges.append(exchange)
        self.stamped = self.stamped or response.header(STAMP) is not None
        if request.method == "PUT" and response.succeeded:
            self.writes += 1
        return exchange

    def ask(self, request: Request, *, good_key: bool = True) -> Exchange:
        """Send a request and return its exchange.

        A suspicious answer (no JSON object, 3xx, 429, 5xx, or 401 and 403 with the good key) and no answer at
        all are tried again, then held against a control: a GET of the audience that must succeed. If the
        control succeeds, an answer that stays is returned to be judged like any other. A refusal without JSON that
        stayed several times is how this target refuses, and is no longer tried again.
        Raises InconclusiveError if the control fails, or if no answer comes at all.
        """
        trouble = "no answer"
        last: Exchange | None = None
        for attempt in range(TRIES):
            if attempt:
                self.target.wait(pause(last, attempt))
            try:
                last = self._once(request)
            except NoAnswerError as error:
                last, trouble = None, str(error)
                continue
            if not suspicious(last.response, good_key=good_key) or self.stayed[_habit(last)] >= HABIT:
                return last
            trouble = describe(last.response)
        control = self._request("GET")
        if request == control:
            raise InconclusiveError(f"the audience cannot be read: {trouble}, {TRIES} times")
        try:
            answer = self._once(control).response
        except NoAnswerError as error:
            raise InconclusiveError(f"{trouble}; then the control GET got no answer: {error}") from None
        if not answer.succeeded or suspicious(answer, good_key=True):
            raise InconclusiveError(f"{trouble}; then the control GET was answered {describe(answer)}")
        if last is None:
            raise InconclusiveError(f"{trouble}, {TRIES} times, though the control GET was answered")
        if no_outage(last.response):
            self.stayed[_habit(last)] += 1
        return last


def _habit(exchange: Exchange) -> tuple[str, int]:
    return exchange.request.method, exchange.response.status
