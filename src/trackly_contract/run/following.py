"""Follows the audience from response to response, and tells whose change a response shows.

What the API does wrong is there again when the same is sent again. What a replica shows that lags is gone when it is
looked at again. What somebody else did is neither: it is held against nobody, and the run stops changing the audience.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from trackly_contract.contract import NOBODY, UPDATE_FIELDS, as_request
from trackly_contract.core import JSON, Exchange, InconclusiveError, Request, Verdict
from trackly_contract.judge import Accepted, Cache, Finding, Judged, Rejected, differs, is_of, judge
from trackly_contract.run.conversation import Conversation, pause
from trackly_contract.run.sandbox import GONE, NotAskedError, Stage

LOOKS = 3
"""How often the audience is looked at before what it shows counts as a difference."""

CHANGES = ("update.stored", "update.partial", "update.refused.unchanged", "update.cache.kept")
"""Rules that a change by somebody else seems to break."""

Which = tuple[str, str]
"""A rule, and the field of the audience in which it seems broken."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An update that was sent since the audience was last seen as it should be, and what must come back for it."""

    case: str
    request: Request
    expectation: Accepted | Rejected


@dataclass
class Following(Conversation):
    """A conversation that knows what the audience must be.

    `since` are the updates that no look has confirmed yet; `proved` are differences that came again when the same was
    sent again; `changed` are fields that somebody else changed, each with what it was and what it is.
    """

    since: list[Sent] = field(default_factory=list)
    proved: set[Which] = field(default_factory=set)

    def read(self, case: str = "") -> JSON:
        """GET the audience, judge what it shows, and return it (None if the response carries none).

        What is not as it must be is looked at again until it was so LOOKS times, and then explained.
        Raises InconclusiveError if the audience is gone, or another one is shown.
        """
        shown = Counter[str]()
        while True:
            exchange = self.ask(self.request("GET"))
            judged = judge(exchange, Accepted(("read.success",)), self.target.audience_id, case)
            state = self.state.copy()
            found = state.follow(judged)
            what = "strange" if self._unproved(found) else ""
            if exchange.response.status in GONE:
                what = "gone"
            elif shows_another(judged.audience, self.target.audience_id):
                what = "another"
            shown[what] += 1
            if not what or shown[what] == LOOKS:
                break
            self.target.wait(pause(None, shown.total()))
        if what == "gone":
            self._gone(exchange)
        self.findings += judged.findings
        if what == "another":
            raise InconclusiveError(f"GET shows another audience, {LOOKS} times: nothing is concluded from it")
        if shown.total() > 1 and not what:
            self.note("a GET was once behind, and right when it was sent again: a replica may lag")
        self.state = state
        self._conclude(judged, found)
        return judged.audience

    def update(
        self, body: dict[str, JSON], case: str, rules: Sequence[str] = (), open_at: Sequence[str] = ()
    ) -> Exchange:
        """PUT a body that the documentation accepts, and judge the response.

        Each of `rules` held if the update succeeds, and is broken if it does not. `open_at` are positions in the
        stored audience of which nobody says how they look.
        """
        exchange = self.put(body)
        expectation = Accepted(tuple(rules), open_at=tuple(open_at))
        judged = judge(exchange, expectation, self.target.audience_id, case)
        self.findings += judged.findings
        self.since.append(Sent(case, exchange.request, expectation))
        found = self.state.follow(judged)
        if self._by_others(found):
            self._conclude(judged, found)
        else:
            self.findings += found
        return exchange

    def put(self, body: JSON, *, risky: bool = False) -> Exchange:
        """PUT a body; with no response to a `risky` one, which could match somebody, a safe filter replaces it."""
        try:
            exchange = self.ask(self.request("PUT", body=body))
        except NotAskedError:
            raise
        except (InconclusiveError, KeyboardInterrupt) as error:
            self.state.adopted(None)  # whether it was applied is not known, so nobody is to blame for it
            if risky and isinstance(error, InconclusiveError):
                with suppress(InconclusiveError):
                    self.settle()
            raise
        if risky and exchange.response.status // 100 in (3, 5):  # it may be stored all the same
            with suppress(InconclusiveError):
                self.settle()
        if exchange.response.status in GONE:
            self.read()  # to see whether it is there at all
        return exchange

    def settle(self, more: dict[str, JSON] | None = None) -> None:
        """Put a filter that matches nobody in place, whatever stands there, and `more` with it.

        Where that is refused, what the audience was. No limit of requests keeps it from being sent.
        """
        self.sandbox.replacing = True
        try:
            exchange = self.put({"filter": NOBODY, **(more or {})})
            if not exchange.response.succeeded and self.sandbox.backup is not None:
                exchange = self.put(own_content(self.sandbox.backup.wanted))
        finally:
            self.sandbox.replacing = False
        if exchange.response.succeeded:
            self.state.adopted(exchange.response.json.strict)

    def count(self) -> bool:
        """GET the size of the audience, which fills its cache; return whether the target could."""
        succeeded = self.ask(self.request("GET", "/size")).response.succeeded
        self.state.counted = self.state.counted or succeeded
        return succeeded

    def note(self, text: str) -> None:
        """Keep a note of the run, once."""
        self.notes += [text] if text not in self.notes else []

    def _gone(self, exchange: Exchange) -> None:
        """Raise InconclusiveError: no audience is there, or none any more."""
        if not any(e.response.succeeded for e in self.exchanges):
            raise InconclusiveError("no audience of this key has the id (404): look at TRACKLY_AUDIENCE_ID and the key")
        status = exchange.response.status
        self.sandbox.stopped = f"somebody else deleted the audience in mid-run (GET: {status}, {LOOKS} times)"
        raise InconclusiveError(self.sandbox.stopped)

    def _unproved(self, found: Sequence[Finding]) -> set[Which]:
        """Return the differences that would break a rule, and have not come again yet."""
        return {_which(one) for one in found if one.verdict is Verdict.BROKEN} - self.proved

    def _by_others(self, found: Sequence[Finding]) -> set[Which]:
        """Return the differences that somebody else may have made, or an update that arrived late: a filter clears.

        A cached size that is another number is the API's doing: nobody else writes one.
        """
        numbers = {_which(one) for one in found if isinstance(one.actual, Cache) and one.actual.size is not None}
        late = any("filter" in request.json.fields for request in self.sandbox.unanswered)
        filtered = late or any(one.rule in CHANGES and _which(one)[1] == "filter" for one in found)
        return {
            (rule, name)
            for rule, name in self._unproved(found) - numbers
            if rule in CHANGES or (filtered and rule.startswith("update.cache."))
        }

    def _conclude(self, judged: Judged, found: Sequence[Finding]) -> None:
        """Keep what a response shows: as the API's doing if it comes again, else as what somebody else did."""
        now = judged.audience if isinstance(judged.audience, dict) else {}
        strange = self._unproved(found)
        backup, sent = self.sandbox.backup, self.since
        wanted = self._by_others(found)
        self.proved |= strange - wanted
        before_proof = backup.theirs if backup is not None else {}
        others = self._others(now)
        archived = now.get("status") == "archived" and any(field == "status" for _, field in wanted)
        # What this run alone ever put there, nobody else did.
        before = backup.audience if backup is not None else {}
        doubtful = any(
            name == "status"
            or name not in now
            or name in others
            or not differs(name, before.get(name), now[name])
            or self._may_have_arrived(name, now)
            for _, name in wanted
        )
        culprit: list[Finding] = []
        if wanted and not archived:
            culprit = self._sent_again(sent, wanted)
        self.since = []
        if culprit or (wanted and not doubtful):
            self.proved |= wanted
            seen = backup.theirs if backup is not None else {}
            self.sandbox.ours({name: value for name, value in seen.items() if name not in before_proof} | others)
            named = {finding.rule for finding in culprit}
            self.findings += [f for f in found if f.rule not in named or f.verdict is not Verdict.BROKEN]
            self.findings += culprit
            return
        self.findings += [replace(f, verdict=Verdict.NOTED) if _which(f) in wanted else f for f in found]
        if others or archived:
            self.sandbox.edited(others, "archived" if archived else "")
        elif wanted:
            self.note("a change was seen once, and not again when the same was sent again: it is held against nobody")

    def _others(self, now: dict[str, JSON]) -> dict[str, JSON]:
        """Return what somebody else may have made of the audience; it is on disk before anything overwrites it."""
        backup = self.sandbox.backup
        if backup is None or not is_of(now, self.target.audience_id):
            return {}
        proved = {name for _, name in self.proved}
        others = {name: value for name, value in backup.sorted(now)[1].items() if name not in proved}
        self.sandbox.theirs({**backup.theirs, **others})
        return others

    def _may_have_arrived(self, name: str, now: dict[str, JSON]) -> bool:
        """Whether an update without a response would make a field what it is now."""
        late = [request.json.fields for request in self.sandbox.unanswered]
        return any(name in one and not differs(name, one[name], now.get(name)) for one in late)

    def _sent_again(self, sent: Sequence[Sent], wanted: set[Which]) -> list[Finding]:
        """Send updates again, the last alone first, then twice as many each time; return what shows a change again.

        What all of them do costs few requests so. Empty where none does, or where it could not be asked.
        """
        suspects, size = sent[::-1], 1
        with suppress(InconclusiveError):
            while suspects:
                if culprit := self._narrowed(suspects[:size], wanted):
                    return culprit
                suspects, size = suspects[size:], size * 2
        return []

    def _narrowed(self, suspects: Sequence[Sent], wanted: set[Which]) -> list[Finding]:
        """Send updates again; if they show a change again, return what the fewest of them show."""
        self._begin_anew()
        found = list[Finding]()
        for one in suspects:
            exchange = self.ask(one.request)
            found += self.state.follow(judge(exchange, one.expectation, self.target.audience_id, one.case))
            if isinstance(one.expectation, Rejected) and exchange.response.succeeded:
                self.settle()
        found += self._look(suspects[0].case)
        late = {name for _, name in wanted if self._may_have_arrived(name, self.state.audience or {})}
        found = [f for f in found if f.verdict is Verdict.BROKEN and _which(f) in wanted and _which(f)[1] not in late]
        if not found or len(suspects) == 1:
            return found
        half = len(suspects) // 2
        return self._narrowed(suspects[:half], wanted) or self._narrowed(suspects[half:], wanted) or found

    def _begin_anew(self) -> None:
        """Make the audience something that no suspect makes of it: what was half applied once would else be there."""
        backup = self.sandbox.backup
        if self.sandbox.stage is Stage.RESTORING:
            return  # each try to put back is one more
        if self.sandbox.stage is Stage.REHEARSING and backup is not None:
            self.put(own_content(backup.audience))
        else:
            self.settle(dict.fromkeys(("name", "description"), "trackly-contract: asked again"))
            self.count()
        self._look("")

    def _look(self, case: str) -> list[Finding]:
        """GET the audience, and return what it shows otherwise than it was."""
        judged = judge(self.ask(self.request("GET")), Accepted(()), self.target.audience_id, case)
        if isinstance(judged.audience, dict):
            self._others(judged.audience)
        return self.state.follow(judged)


def own_content(audience: dict[str, JSON]) -> dict[str, JSON]:
    """Return the body that writes an audience back as it is: the members that a body may carry, as it spells them.

    A null is left out, for the documentation does not say what it does.
    """
    return {n: _without_nulls(as_request(audience[n])) for n in UPDATE_FIELDS if audience.get(n) is not None}


def _without_nulls(value: JSON) -> JSON:
    """Return a filter without the nulls of its groups and conditions: a field that is null is one that is not there."""
    if not isinstance(value, dict):
        return value
    kept = {name: member for name, member in value.items() if member is not None}
    below = {n: [_without_nulls(e) for e in kept[n]] for n in ("conditions", "groups") if isinstance(kept.get(n), list)}
    return kept | below


def shows_another(audience: JSON, audience_id: str) -> bool:
    """Whether what a response shows is the audience of another id."""
    fields = audience if isinstance(audience, dict) else {}
    shown = {str(fields[name]) for name in ("id", "audience_id") if fields.get(name) is not None}
    return bool(shown) and audience_id not in shown


def _which(finding: Finding) -> Which:
    return finding.rule, finding.at.split("/")[1] if finding.at else ""
