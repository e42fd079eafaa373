"""A session: one run's conversation with one target, judged and kept.

Promises: every exchange is judged as it happens and every finding kept; the audience is given back as it was found.
Refuses: to know what stands behind its target, and to tell a fault of the way from an answer (conversation.py).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.contract import NOBODY, as_request, contract
from trackly_contract.core import (
    JSON,
    BrokenError,
    Finding,
    InconclusiveError,
    NotJSONError,
    Verdict,
    encode,
    keyless,
    parse,
    same,
    show,
)
from trackly_contract.judge import BODY_FIELDS, AudienceState, describe, judge_audience, judge_refusal
from trackly_contract.run.conversation import Conversation, NotAskedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trackly_contract.contract import Observation, RequestVector, Situation, Trial
    from trackly_contract.core import Exchange, Request
    from trackly_contract.generate import Effort, RefusalCase, Tokens

RESTORING = 5
"""Requests that the end may take: a filter that matches nobody, the lists, the rest, the size, a last look."""

BACKING_UP = 2
"""Requests that it takes to know that it could be put back: the rehearsal, and a look."""

DOCUMENTED_FILTERS = frozenset({"filter.operator.known", "filter.nested", "filter.time.known", "filter.count.known"})
"""Rules that a refused filter of documented tokens breaks."""


@dataclass
class Session(Conversation):
    """What a run sends, sees and finds."""

    effort: Effort
    read_only: bool = False
    state: AudienceState = field(default_factory=AudienceState)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    backup: dict[str, JSON] | None = None
    vocabulary: list[Trial] = field(default_factory=list)
    asks_questions: bool = False
    answers: list[Observation] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    sent_to_be_refused: list[tuple[str, dict[str, JSON], Situation | None]] = field(default_factory=list)

    @contextmanager
    def step(self, case: str) -> Iterator[None]:
        """Send everything inside as one case: the unit that is recorded and replayed."""
        with self.target.step(case):
            yield

    def of(self, rule: str) -> list[Finding]:
        """Return every look at one rule so far."""
        return [finding for finding in self.findings if finding.rule == rule]

    # Asking and judging ----------------------------------------------------------------------------

    def read(self, case: str = "") -> JSON:
        """GET the audience, judge what it shows, and return it (None if the answer carries none)."""
        exchange = self.ask(self._request("GET"))
        if exchange.response.status == 404 and not any(e.response.succeeded for e in self.exchanges):
            raise InconclusiveError(
                f"there is no audience with the id that was given ({describe(exchange.response)}): "
                "look at TRACKLY_AUDIENCE_ID, and whether the key is of the same account"
            )
        judged = judge_audience(exchange, self.target.audience_id, case)
        self.findings.extend(judged.findings)
        if judged.audience is not None:
            self.findings.extend(self.state.read(exchange, judged.well_formed(), case))
        return judged.audience

    def update(self, body: dict[str, JSON], case: str, rules: Sequence[str] = ()) -> Exchange:
        """PUT a body that the documentation accepts, and judge the answer.

        Each of `rules` held if the update succeeds, and is broken if it does not.
        """
        exchange = self._put(body)
        if exchange.response.succeeded:
            judged = judge_audience(exchange, self.target.audience_id, case)
            self.findings.extend(judged.findings)
            if judged.audience is not None:
                self.findings.extend(self.state.updated(exchange, body, judged.well_formed(), case))
            else:
                self.state.adopted(None)
            self.held(rules, exchange, case)
        else:
            self.state.was_refused(body)
            got = describe(exchange.response)
            self.findings.extend(Finding(rule, Verdict.BROKEN, exchange, "accepted: 2xx", got, case) for rule in rules)
        return exchange

    def _put(self, body: dict[str, JSON]) -> Exchange:
        try:
            return self.ask(self._request("PUT", body=body))
        except NotAskedError:
            raise
        except InconclusiveError:
            self.state.adopted(None)  # whether it was applied is not known, so nobody is to blame for it
            raise

    def _harmless_update(self) -> Request | None:
        """Return an update of the name to what it is, or was, where updates were accepted; None elsewhere."""
        name = (self.state.audience or self.backup or {}).get("name")
        known = self.backup is not None and self.writes > 0 and isinstance(name, str)
        return self._request("PUT", body={"name": name}) if known else None

    def attempt(self, body: dict[str, JSON], case: str) -> Exchange:
        """PUT a body of which the documentation does not say whether it is accepted; only follow the answer."""
        return self.update(body, case)

    def held(self, rules: Sequence[str], exchange: Exchange, case: str) -> None:
        """Say of several rules that one exchange shows them to hold."""
        self.findings.extend(Finding(rule, Verdict.HELD, exchange, case=case) for rule in rules)

    def broke(self, rule: str, expected: str, exchange: Exchange, case: str) -> None:
        """Say of a rule that one exchange breaks it."""
        self.findings.append(Finding(rule, Verdict.BROKEN, exchange, expected, describe(exchange.response), case))

    def refuses_documented_filters(self) -> bool:
        """Whether a filter of documented tokens was refused already, and named as what is broken."""
        return any(f.verdict is Verdict.BROKEN and f.rule in DOCUMENTED_FILTERS for f in self.findings)

    def refuse(self, case: RefusalCase, tokens: Tokens | None = None, lists: Sequence[int] = ()) -> list[Finding]:
        """PUT a body that the documentation refuses, judge the answer, and return what was found.

        `tokens` and `lists` are what the target accepts in place of the vector's.
        """
        vector = case.vector
        body = case.body(tokens, lists)
        return self.refuse_body(body, vector.rule, str(vector.code), case.id, too_wide=case.too_wide)

    def refuse_body(
        self, body: dict[str, JSON], rule: str, code: str, case: str, *, too_wide: bool = False
    ) -> list[Finding]:
        """PUT a body that is refused with 400 and `code` by `rule`, judge the answer, and return what was found.

        An acceptance is followed, and answered at once by a filter that matches nobody. `too_wide` as in
        `judge_refusal`.
        """
        try:
            exchange = self._put(body)
        except NotAskedError:
            raise
        except InconclusiveError:
            with suppress(InconclusiveError):
                self.settle()  # it may have been accepted, though no answer says so
            raise
        found = judge_refusal(exchange, rule, 400, code, case, too_wide=too_wide)
        self.findings.extend(found)
        self.sent_to_be_refused.append((case, body, None))
        self._after_refusal(exchange, body)
        return found

    def deny(self, vector: RequestVector) -> None:
        """Send a request with a bad key or to an unknown id, and judge that it is refused."""
        request = self._request(vector.method, body=vector.body, situation=vector.situation)
        exchange = self.ask(request, good_key=vector.situation == "id_unknown")
        found = judge_refusal(exchange, vector.rule, vector.status, str(vector.code), vector.id)
        self.findings.extend(found)
        if vector.method == "PUT":
            self.sent_to_be_refused.append((vector.id, vector.body, vector.situation))
            self._after_refusal(exchange, vector.body)

    def confirm_unchanged(self) -> None:
        """Read the audience after a batch of refusals; if it changed, find a refused update that changes it.

        The last is tried again alone, then twice as many each time: what all of them do costs few requests.
        """
        before = len(self.findings)
        self.read("refused-unchanged")
        moved = self._changes(self.findings[before:])
        if not moved:
            return
        suspects, size = self.sent_to_be_refused[::-1], 1
        while suspects and not self._culprit(suspects[:size]):
            suspects, size = suspects[size:], size * 2
        if suspects:
            self.withdraw(moved)

    @staticmethod
    def _changes(findings: Sequence[Finding]) -> list[Finding]:
        return [f for f in findings if f.rule == "update.refused.unchanged" and f.verdict is Verdict.BROKEN]

    def _culprit(self, suspects: Sequence[tuple[str, dict[str, JSON], Situation | None]]) -> bool:
        """Send refused updates again, and if they change the audience find one that does; keep what it shows."""
        # Other texts than any body carries, and a size: what was half applied once would else be there already.
        self.settle({"name": "trackly-contract", "description": "trackly-contract"})
        self.count()
        self.read()
        before = len(self.findings)
        for _, body, situation in suspects:
            request = self._request("PUT", body=body, situation=situation)
            self._after_refusal(self.ask(request, good_key=situation in (None, "id_unknown")), body)
        self.read(suspects[0][0])
        found = self._changes(self.findings[before:])
        if not found or len(suspects) == 1:
            return bool(found)
        self.withdraw(found)
        half = len(suspects) // 2
        return self._culprit(suspects[:half]) or self._culprit(suspects[half:])

    def withdraw(self, findings: Sequence[Finding]) -> None:
        """Take findings back that turned out to say nothing, or less than others do."""
        gone = {id(finding) for finding in findings}
        self.findings = [finding for finding in self.findings if id(finding) not in gone]

    def require(self, rule: str, case: str | None = None) -> None:
        """Raise what the findings on a rule amount to; with `case`, only those of that case.

        Raises BrokenError with the findings that break it, InconclusiveError if nobody looked.
        """
        found = [finding for finding in self.of(rule) if case is None or finding.case == case]
        broken = [finding for finding in found if finding.verdict is Verdict.BROKEN]
        if broken and contract().rules[rule].breakable:
            self.told.add(rule)
            raise BrokenError(broken)
        if not found and case is None:
            raise InconclusiveError(f"no answer of this run shows whether {rule} holds")
        if not found:
            raise InconclusiveError(f"the answer to {case} does not show which fault was meant")

    def require_nothing_untold(self) -> None:
        """Raise BrokenError for what a later answer broke of a rule whose own test had passed."""
        rules = contract().rules
        untold = [
            finding
            for finding in self.findings
            if finding.verdict is Verdict.BROKEN and finding.rule not in self.told and rules[finding.rule].breakable
        ]
        if untold:
            raise BrokenError(untold)

    def _after_refusal(self, exchange: Exchange, body: dict[str, JSON]) -> None:
        if not exchange.response.succeeded:
            self.state.was_refused(body)
            return
        self._adopt(exchange)
        self.settle()

    def settle(self, more: dict[str, JSON] | None = None) -> None:
        """Put a filter that matches nobody in place, whatever stands there, and `more` with it.

        No limit of requests keeps it from being sent.
        """
        self.kept_aside, aside = 0, self.kept_aside
        try:
            exchange = self._put({"filter": NOBODY, **(more or {})})
        finally:
            self.kept_aside = aside
        if exchange.response.succeeded:
            self._adopt(exchange)

    def _adopt(self, exchange: Exchange) -> None:
        try:
            answer = parse(exchange.response.body)
        except NotJSONError:
            answer = None
        complete = isinstance(answer, dict) and all(name in answer for name in BODY_FIELDS)
        self.state.adopted(answer if complete else None)

    def count(self) -> bool:
        """GET the size of the audience, which fills its cache; return whether the target could."""
        exchange = self.ask(self._request("GET", "/size"))
        if exchange.response.succeeded:
            self.state.was_counted()
        return exchange.response.succeeded

    # Borrowing and giving back ---------------------------------------------------------------------

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run changed the audience and did not put it back."""
        return self.target.journal is not None and self.target.journal.read() is not None

    def recover(self) -> None:
        """Put the audience back as it was before an interrupted run.

        Raises InconclusiveError if that cannot be done: then nothing may be changed.
        """
        assert self.target.journal is not None
        self.backup = self.target.journal.read()
        left = self.restore()
        if left:
            self.backup = None
            raise InconclusiveError(
                f"an earlier run left the audience changed, and it cannot be put back: {'; '.join(left)}"
            )
        self.notes.append("an earlier run was interrupted: the audience was put back first")

    def back_up(self, audience: dict[str, JSON]) -> None:
        """Keep what the audience is, in memory and in the journal, before the first change.

        Raises InconclusiveError, having changed nothing, if too few requests are left to put it back, or if
        whoever was asked said no.
        """
        if self.most_requests is not None and self.most_requests - self.requests < BACKING_UP + RESTORING:
            raise InconclusiveError(
                f"{self.most_requests} requests do not suffice to change an audience and put it back: "
                "nothing is changed"
            )
        if self.target.journal is not None:
            audience = keyless(audience, BODY_FIELDS, self.target.key)
        self.target.confirm(self.effort, audience, self.most_requests, questions=self.asks_questions)
        if self.target.journal is not None:
            self.target.journal.write(self.target.base_url, audience)
        self.backup = audience
        self.kept_aside = RESTORING

    def discard_backup(self) -> None:
        """Forget what was borrowed: nothing was changed, so nothing is to be put back."""
        self.backup = None
        if self.target.journal is not None:
            self.target.journal.remove()

    def restore(self) -> list[str]:
        """Put the audience back as it was found: lists first, while the filter still matches nobody.

        Returns what could not be put back, empty when everything is as it was. What nothing can bring back (a size
        where no endpoint counts one, a description that was null) is noted.
        Raises InconclusiveError if the target cannot be reached; the journal then stays.
        """
        before = self.backup
        if before is None:
            return []
        self.insist()
        kept = {"source_lists"}
        if isinstance(before.get("source_lists"), list):
            lists = {"source_lists": before["source_lists"]}
            accepted = self._written_back(lists, ("update.optional",))
            shown = {**lists, **(self.state.audience or {})}
            if not accepted or not same(shown["source_lists"], before["source_lists"]):
                kept.add("filter")  # on other lists it could match people that it never matched
        content = {k: v for k, v in own_content(before).items() if k not in kept}
        if before.get("description", "") is None and (self.state.audience or {}).get("description"):
            content["description"] = ""  # nobody says that null may be sent
        self._written_back(content)
        if before.get("cached_size") is not None and not self._counted_again():
            self.notes.append(
                "the cached size of the audience was cleared, and its size endpoint does not answer: the API counts it "
                "again when somebody asks for the size"
            )
        after = self.read("restore") or {}
        left = [
            f"{name}: the API kept {show(after.get(name), 120)}; send PUT /v2/audiences/{self.target.audience_id} "
            f"{encode({name: as_request(before.get(name))}).decode('ascii')}"
            for name in BODY_FIELDS
            if not same(before.get(name), after.get(name)) and not self._as_good_as_null(name, before, after)
        ]
        if not left:
            self.discard_backup()
        return left

    def _written_back(self, body: dict[str, JSON], rules: Sequence[str] = ()) -> bool:
        """Send a part of what was, and return whether it is accepted; where no answer came, a read shows it.

        Raises InconclusiveError if the target is gone.
        """
        try:
            return self.update(body, "restore", rules).response.succeeded
        except InconclusiveError:
            if any(self._lost.values()):
                raise
            self.read("restore")
            return True

    def _counted_again(self) -> bool:
        """Count the size; a size endpoint that does not answer keeps nothing from being put back."""
        with suppress(InconclusiveError):
            return self.count()
        return False

    def _as_good_as_null(self, name: str, before: dict[str, JSON], after: dict[str, JSON]) -> bool:
        if name != "description" or before.get(name, "") is not None or after.get(name) != "":
            return False
        self.notes.append('the description of the audience was null, and is "" now: nobody says how to send null')
        return True


def own_content(audience: dict[str, JSON]) -> dict[str, JSON]:
    """Return the body that writes an audience back as it is: the members that a body may carry, as it spells them.

    A null is left out, for the documentation does not say what it does.
    """
    content = {name: audience[name] for name in BODY_FIELDS if audience.get(name) is not None}
    if "filter" in content:
        content["filter"] = as_request(content["filter"])
    return content
