"""A session: one run's conversation with one target, judged as it happens and kept. Restores the audience at the end.

Does not know what stands behind its target, and does not tell a network fault from a response (conversation.py).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from trackly_contract.contract import NOBODY, UPDATE_FIELDS, RequestVector, as_request
from trackly_contract.core import JSON, Exchange, InconclusiveError, Request, Verdict, encode, keyless, same, show
from trackly_contract.generate import Effort
from trackly_contract.judge import WINDOW, Accepted, BrokenError, Finding, Rejected, Rejection, judge
from trackly_contract.run.conversation import Conversation, NotAskedError

RESTORING = 5
"""Requests that the end may take: a filter that matches nobody, the lists, the rest, the size, a last look."""

BACKING_UP = 2
"""Requests that it takes to know that it could be put back: the rehearsal, and a look."""


@dataclass
class Session(Conversation):
    """What a run sends, sees and finds."""

    effort: Effort
    asks_questions: bool = False
    reported: set[str] = field(default_factory=set)
    sent_to_be_rejected: list[tuple[str, Request]] = field(default_factory=list)

    def of(self, rule: str) -> list[Finding]:
        """Return every look at one rule so far."""
        return [finding for finding in self.findings if finding.rule == rule]

    def _judged(self, exchange: Exchange, expectation: Accepted | Rejected, case: str) -> JSON:
        """Judge a response, follow the audience, and return what the response shows of it."""
        judged = judge(exchange, expectation, self.target.audience_id, case)
        self.findings += [*judged.findings, *self.state.follow(judged)]
        return judged.audience

    def read(self, case: str = "") -> JSON:
        """GET the audience, judge what it shows, and return it (None if the response carries none)."""
        exchange = self.ask(self.request("GET"))
        if exchange.response.status == 404 and not any(e.response.succeeded for e in self.exchanges):
            raise InconclusiveError("no audience of this key has the id (404): look at TRACKLY_AUDIENCE_ID and the key")
        return self._judged(exchange, Accepted(("read.success",)), case)

    def update(
        self, body: dict[str, JSON], case: str, rules: Sequence[str] = (), open_at: Sequence[str] = ()
    ) -> Exchange:
        """PUT a body that the documentation accepts, and judge the response.

        Each of `rules` held if the update succeeds, and is broken if it does not. `open_at` are positions in the
        stored audience of which nobody says how they look.
        """
        exchange = self._put(body)
        self._judged(exchange, Accepted(tuple(rules), open_at=tuple(open_at)), case)
        return exchange

    def _put(self, body: dict[str, JSON], *, risky: bool = False) -> Exchange:
        """PUT a body; with no response to a `risky` one, which could match somebody, a safe filter replaces it."""
        try:
            return self.ask(self.request("PUT", body=body))
        except NotAskedError:
            raise
        except InconclusiveError:
            self.state.adopted(None)  # whether it was applied is not known, so nobody is to blame for it
            if risky:
                with suppress(InconclusiveError):
                    self.settle()
            raise

    def reject(
        self, vector: RequestVector, body: JSON, case: str, *, too_wide: bool = False, certain: bool = True
    ) -> None:
        """Send a body that is rejected as a vector says, and judge the response.

        A success is followed by a filter that matches nobody at once. A window that is `too_wide` may be what is
        rejected; with `certain` False a token may be, and then a difference says nothing.
        """
        error = (vector.rule, Rejection(vector.status, str(vector.code)))
        expectation = Rejected((error,), WINDOW if too_wide else "", certain)
        if vector.situation is None:
            exchange = self._put(body, risky=True)
        else:
            exchange = self.ask(self.request(vector.method, body=body, situation=vector.situation))
        self._judged(exchange, expectation, case)
        if vector.method == "PUT":
            self.sent_to_be_rejected.append((case, exchange.request))
            if exchange.response.succeeded:
                self.settle()

    def confirm_unchanged(self) -> None:
        """Read the audience after a batch of rejections; if it changed, find a rejected update that changes it.

        The last is tried again alone, then twice as many each time: what all of them do costs few requests.
        """
        changes = self._changes("refused-unchanged")
        culprit: list[Finding] = []
        suspects, size = self.sent_to_be_rejected[::-1] if changes else [], 1
        while suspects and not culprit:
            culprit = self._culprit(suspects[:size])
            suspects, size = suspects[size:], size * 2
        self.findings += culprit or changes

    def _changes(self, case: str) -> list[Finding]:
        """Read the audience; return the findings that a rejected update changed it, and keep all others."""
        before = len(self.findings)
        self.read(case)
        found = self.findings[before:]
        changes = [f for f in found if f.rule == "update.refused.unchanged" and f.verdict is Verdict.BROKEN]
        self.findings[before:] = [finding for finding in found if finding not in changes]
        return changes

    def _culprit(self, suspects: Sequence[tuple[str, Request]]) -> list[Finding]:
        """Send rejected updates again; if they change the audience, return what one of them alone shows."""
        # Other texts than any body carries, and a size: what was half applied once would else be there already.
        self.settle({"name": "trackly-contract", "description": "trackly-contract"})
        self.count()
        self.read()
        for _, request in suspects:
            response = self.ask(request).response
            if response.succeeded:
                self.state.adopted(response.json.strict)
                self.settle()
            else:
                self.state.rejected.append(request.json.fields)
        changes = self._changes(suspects[0][0])
        if not changes or len(suspects) == 1:
            return changes
        half = len(suspects) // 2
        return self._culprit(suspects[:half]) or self._culprit(suspects[half:])

    def require(self, rule: str, case: str | None = None) -> None:
        """Raise what the findings on a rule amount to; with `case`, only those of that case.

        Raises BrokenError with the findings that break it, InconclusiveError if nobody looked.
        """
        found = [finding for finding in self.of(rule) if case is None or finding.case == case]
        broken = [finding for finding in found if finding.verdict is Verdict.BROKEN]
        if broken:
            self.reported.add(rule)
            raise BrokenError(broken)
        if not found:
            which = f"the answer to {case} does not show which fault was meant"
            raise InconclusiveError(which if case else f"no answer of this run shows whether {rule} holds")

    def require_nothing_unreported(self) -> None:
        """Raise BrokenError for what a later response broke of a rule whose own test had passed."""
        broken = [f for f in self.findings if f.verdict is Verdict.BROKEN and f.rule not in self.reported]
        if broken:
            raise BrokenError(broken)

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
            self.state.adopted(exchange.response.json.strict)

    def count(self) -> bool:
        """GET the size of the audience, which fills its cache; return whether the target could."""
        succeeded = self.ask(self.request("GET", "/size")).response.succeeded
        self.state.counted = self.state.counted or succeeded
        return succeeded

    def back_up(self, audience: dict[str, JSON]) -> None:
        """Keep what the audience is, in memory and in the journal, before the first change.

        Raises InconclusiveError, having changed nothing, if too few requests are left to put it back, or if
        whoever was asked said no.
        """
        if self.most_requests is not None and self.most_requests - self.requests < BACKING_UP + RESTORING:
            raise InconclusiveError(f"{self.most_requests} requests do not suffice to put it back: nothing is changed")
        if self.target.journal is not None:
            audience = keyless(audience, UPDATE_FIELDS, self.target.key)
        self.target.confirm(self.effort, audience, self.most_requests, questions=self.asks_questions)
        if self.target.journal is not None:
            self.target.journal.write(self.target.base_url, audience)
        self.backup = audience
        self.kept_aside = RESTORING

    def discard_backup(self) -> None:
        """Forget the backup: nothing was changed, so nothing is to be restored."""
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
        content, shown = own_content(before), self.state.audience or {}
        lists = content.pop("source_lists", None)
        if isinstance(lists, list):
            accepted = self._written_back({"source_lists": lists}, ("update.optional",))
            shown = self.state.audience or {}
            if not accepted or not same(shown.get("source_lists", lists), lists):
                content.pop("filter", None)  # on other lists it could match people that it never matched
        if before.get("description", "") is None and shown.get("description"):
            content["description"] = ""  # nobody says that null may be sent
        self._written_back(content)
        counted = before.get("cached_size") is None
        with suppress(InconclusiveError):  # a size endpoint that does not respond keeps nothing from being restored
            counted = counted or self.count()
        if not counted:
            self.notes.append("the cached size was cleared: as its endpoint does not answer, it is counted when needed")
        after = self.read("restore") or {}
        if before.get("description", "") is None and after.get("description") == "":
            self.notes.append('the description of the audience was null, and is "" now: nobody says how to send null')
            before = {**before, "description": ""}
        left = [
            f"{name}: the API kept {show(after.get(name), 120)}; send PUT /v2/audiences/{self.target.audience_id} "
            f"{encode({name: as_request(before.get(name))}).decode('ascii')}"
            for name in UPDATE_FIELDS
            if not same(before.get(name), after.get(name))
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


def own_content(audience: dict[str, JSON]) -> dict[str, JSON]:
    """Return the body that writes an audience back as it is: the members that a body may carry, as it spells them.

    A null is left out, for the documentation does not say what it does.
    """
    return {name: as_request(audience[name]) for name in UPDATE_FIELDS if audience.get(name) is not None}
