"""A session: one run's conversation with one target, judged as it happens and kept. Restores the audience at the end.

Does not know what stands behind its target, and does not tell a network fault from a response (conversation.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from trackly_contract.contract import (
    NOBODY,
    UPDATE_FIELDS,
    Observation,
    RequestVector,
    Situation,
    Trial,
    as_request,
)
from trackly_contract.core import JSON, Exchange, InconclusiveError, Request, Verdict, encode, keyless, same, show
from trackly_contract.generate import Effort, RejectionCase, Tokens
from trackly_contract.judge import (
    Accepted,
    AudienceState,
    BrokenError,
    Event,
    Expectation,
    Finding,
    Kind,
    Rejected,
    Rejection,
    Seen,
    Source,
    describe,
    judge,
)
from trackly_contract.run.conversation import Conversation, NotAskedError

RESTORING = 5
"""Requests that the end may take: a filter that matches nobody, the lists, the rest, the size, a last look."""

BACKING_UP = 2
"""Requests that it takes to know that it could be put back: the rehearsal, and a look."""

Sent = tuple[str, dict[str, JSON], "Situation | None"]
"""An update that was sent to be rejected: its case, its body, and what is wrong with its key or id."""


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
    reported: set[str] = field(default_factory=set)
    sent_to_be_rejected: list[Sent] = field(default_factory=list)

    def seen(self) -> Seen:
        """Return what the run has seen so far, as a report needs to know it."""
        target = self.target
        where = target.name, target.base_url, target.evidence, target.audience_id, target.key, target.of_reference
        return Seen(
            Source(*where),
            self.stamped,
            self.requests,
            self.writes,
            [*self.findings],
            [*self.exchanges],
            [*self.notes],
            self.effort,
            self.read_only,
            [*self.vocabulary],
            [*self.answers],
        )

    @contextmanager
    def step(self, case: str) -> Iterator[None]:
        """Send everything inside as one case: the unit that is recorded and replayed."""
        self.now = case
        self.cases.append((case, []))
        try:
            with self.target.step(case):
                yield
        finally:
            self.now = ""

    def of(self, rule: str) -> list[Finding]:
        """Return every look at one rule so far."""
        return [finding for finding in self.findings if finding.rule == rule]

    # Asking and judging ----------------------------------------------------------------------------

    def _judged(self, exchange: Exchange, expectation: Expectation, case: str) -> tuple[list[Finding], JSON]:
        """Judge a response and follow the audience; return what was found, not kept yet, and the audience shown."""
        judged = judge(exchange, expectation, self.target.audience_id, case)
        followed = self.state.follow(judged.event) if judged.event is not None else []
        return [*judged.findings, *followed], judged.audience

    def _look(self, case: str) -> tuple[list[Finding], JSON]:
        exchange = self.ask(self._request("GET"))
        if exchange.response.status == 404 and not any(e.response.succeeded for e in self.exchanges):
            raise InconclusiveError(
                f"there is no audience with the id that was given ({describe(exchange.response)}): "
                "look at TRACKLY_AUDIENCE_ID, and whether the key is of the same account"
            )
        return self._judged(exchange, Accepted(), case)

    def read(self, case: str = "") -> JSON:
        """GET the audience, judge what it shows, and return it (None if the response carries none)."""
        found, audience = self._look(case)
        self.findings += found
        return audience

    def update(
        self, body: dict[str, JSON], case: str, rules: Sequence[str] = (), open_at: Sequence[str] = ()
    ) -> Exchange:
        """PUT a body that the documentation accepts, and judge the response.

        Each of `rules` held if the update succeeds, and is broken if it does not. `open_at` are positions in the
        stored audience of which nobody says how they look.
        """
        exchange = self._put(body)
        self.findings += self._judged(exchange, Accepted(tuple(rules), open_at=tuple(open_at)), case)[0]
        return exchange

    def _put(self, body: dict[str, JSON], *, risky: bool = False) -> Exchange:
        """PUT a body; with no response to a `risky` one, which could match somebody, a safe filter replaces it."""
        try:
            return self.ask(self._request("PUT", body=body))
        except NotAskedError:
            raise
        except InconclusiveError:
            self.state.adopted(None)  # whether it was applied is not known, so nobody is to blame for it
            if risky:
                with suppress(InconclusiveError):
                    self.settle()
            raise

    def _harmless_update(self) -> Request | None:
        """Return an update of the name to what it is, or was, where updates were accepted; None elsewhere."""
        name = (self.state.audience or self.backup or {}).get("name")
        known = self.backup is not None and self.writes > 0 and isinstance(name, str)
        return self._request("PUT", body={"name": name}) if known else None

    def reject(
        self, case: RejectionCase, tokens: Tokens | None = None, lists: Sequence[int] = (), *, certain: bool = True
    ) -> list[Finding]:
        """PUT a body that the documentation rejects, judge the response, and return what was found.

        `tokens` and `lists` are what the target accepts in place of the vector's. With `certain` False the body holds
        a token that the target may reject first: then a difference says nothing.
        """
        vector = case.vector
        remark = ", which may be about a window of a hundred years (open: value-range)" if case.too_wide else ""
        error = (vector.rule, Rejection(vector.status, str(vector.code)))
        return self.reject_body(case.body(tokens, lists), Rejected((error,), remark, certain), case.id)

    def reject_body(self, body: dict[str, JSON], expectation: Rejected, case: str) -> list[Finding]:
        """PUT a body that is rejected, judge the response, and return what was found.

        A success is followed by a filter that matches nobody at once.
        """
        return self._rejected(self._put(body, risky=True), expectation, (case, body, None))

    def deny(self, vector: RequestVector) -> None:
        """Send a request with a bad key or to an unknown id, and judge that it is rejected."""
        request = self._request(vector.method, body=vector.body, situation=vector.situation)
        exchange = self.ask(request, good_key=vector.situation == "id_unknown")
        expectation = Rejected(((vector.rule, Rejection(vector.status, str(vector.code))),))
        if vector.method == "PUT":
            self._rejected(exchange, expectation, (vector.id, vector.body, vector.situation))
        else:
            self.findings += judge(exchange, expectation, self.target.audience_id, vector.id).findings

    def _rejected(self, exchange: Exchange, expectation: Expectation, sent: Sent) -> list[Finding]:
        found, _ = self._judged(exchange, expectation, sent[0])
        self.findings += found
        self.sent_to_be_rejected.append(sent)
        if exchange.response.succeeded:
            self.settle()
        return found

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
        found, _ = self._look(case)
        changes = [f for f in found if f.rule == "update.refused.unchanged" and f.verdict is Verdict.BROKEN]
        self.findings += [finding for finding in found if finding not in changes]
        return changes

    def _culprit(self, suspects: Sequence[Sent]) -> list[Finding]:
        """Send rejected updates again; if they change the audience, return what one of them alone shows."""
        # Other texts than any body carries, and a size: what was half applied once would else be there already.
        self.settle({"name": "trackly-contract", "description": "trackly-contract"})
        self.count()
        self.read()
        for _, body, situation in suspects:
            request = self._request("PUT", body=body, situation=situation)
            exchange = self.ask(request, good_key=situation in (None, "id_unknown"))
            kind: Kind = "adopted" if exchange.response.succeeded else "rejected"
            self.state.follow(Event(kind, exchange, body=body, audience=exchange.response.json.strict))
            if exchange.response.succeeded:
                self.settle()
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
        exchange = self.ask(self._request("GET", "/size"))
        if exchange.response.succeeded:
            self.state.counted = True
        return exchange.response.succeeded

    # Backing up and restoring ------------------------------------------------------------------------

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
            audience = keyless(audience, UPDATE_FIELDS, self.target.key)
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
            self.notes.append(
                "the cached size of the audience was cleared, and its size endpoint does not answer: the API counts it "
                "again when somebody asks for the size"
            )
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
    content = {name: audience[name] for name in UPDATE_FIELDS if audience.get(name) is not None}
    if "filter" in content:
        content["filter"] = as_request(content["filter"])
    return content
