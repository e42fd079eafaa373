"""A session: one run's conversation with one target, judged as it happens and kept. Restores the audience at the end.

Does not know what stands behind its target, and does not tell a network fault from a response (conversation.py).
"""

from contextlib import suppress
from dataclasses import dataclass, field

from trackly_contract.contract import UPDATE_FIELDS, RequestVector, as_request, matches_nobody
from trackly_contract.core import JSON, InconclusiveError, Verdict, encode, is_redacted, require_whole, show
from trackly_contract.judge import WINDOW, BrokenError, Finding, Rejected, Rejection, differs, is_of, judge
from trackly_contract.run.following import LOOKS, Following, Sent, own_content, shows_another
from trackly_contract.run.journal import Backup
from trackly_contract.run.original import is_leftover, unfit
from trackly_contract.run.sandbox import NEVER_GIVEN, Sandbox, Stage

LATE = 10.0
"""Seconds that the end of a run waits for an update without a response."""


@dataclass
class Session(Following):
    """What a run sends, sees and finds."""

    allow_lossy: bool = False
    reported: set[str] = field(default_factory=set)

    def of(self, rule: str) -> list[Finding]:
        """Return every look at one rule so far."""
        return [finding for finding in self.findings if finding.rule == rule]

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
            exchange = self.put(body, risky=True)
        else:
            exchange = self.ask(self.request(vector.method, body=body, situation=vector.situation))
        judged = judge(exchange, expectation, self.target.audience_id, case)
        self.findings += [*judged.findings, *self.state.follow(judged)]
        if vector.method == "PUT":
            self.since.append(Sent(case, exchange.request, expectation))
            if exchange.response.succeeded:
                self.settle()

    def read_what_is_unguarded(self, case: str) -> None:
        """Look whether a rejected filter that nothing guards was stored all the same, and replace it then."""
        self.read(case)
        if not matches_nobody(as_request(self.sandbox.shown.get("filter"))):
            self.settle()

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

    def back_up(self, audience: dict[str, JSON]) -> dict[str, JSON]:
        """Keep what the audience is, in memory and on disk, before the first change, and announce the plan.

        `audience` is what a look showed; returns what a second one did.

        Raises InconclusiveError, having changed nothing, if it is not certain that this is the audience and that it
        can be put back, or if whoever was asked said no.
        """
        before = self._whole(self._agreed(self._whole(audience)))
        if is_leftover(before):
            raise InconclusiveError(
                "an interrupted run left this audience changed: run `trackly-contract restore --from FILE` with the "
                "backup that was kept, or repair it; nothing is changed"
            )
        reasons = unfit(before)
        if reasons and not self.allow_lossy:
            raise InconclusiveError(
                "nothing is changed, for the audience may not come back as it is: use another, or say "
                f"--trackly-allow-lossy-restore ({'; '.join(reasons)})"
            )
        self.sandbox.back_up(before)
        try:
            self.sandbox.announce(self.sandbox.plan(self.effort, reasons, questions=self.asks_questions))
        except InconclusiveError:
            self.sandbox.close()
            raise
        return before

    def _whole(self, audience: dict[str, JSON]) -> dict[str, JSON]:
        if any(exchange.response.redacted for exchange in self.exchanges):
            require_whole(audience, UPDATE_FIELDS)
        return audience

    def _agreed(self, audience: dict[str, JSON]) -> dict[str, JSON]:
        """Look again until two looks in a row agree that this is the audience; return what they show."""
        for _ in range(LOOKS):
            again = self.read("untouched")
            if not isinstance(again, dict) or not is_of(again, self.target.audience_id):
                raise InconclusiveError("GET shows no audience of the id that was asked for, so nothing is changed")
            fields = [(name, audience.get(name), again.get(name)) for name in (*UPDATE_FIELDS, "status")]
            if not any(differs(*values) for values in fields):
                return again
            audience = again
        raise InconclusiveError(f"the audience was another at each of {LOOKS + 1} looks, so nothing is changed")

    def recover(self, backup: Backup, *, ours: bool = False) -> list[str]:
        """Put back what an interrupted run left, after a look; return what could not be put back.

        What somebody else changed since stays, but with `ours`. Raises InconclusiveError if the target cannot be
        reached, shows another audience, or whoever was asked said no; the backup then stays.
        """
        self.sandbox = Sandbox(self.target, self.sandbox.budget, stage=Stage.BACKED_UP, backup=backup)
        try:
            now = self._announced(backup, ours=ours)
        except BaseException:
            self.sandbox.backup = None  # so that nothing is put back at the end of the run either
            raise
        return self.restore(now)

    def _announced(self, backup: Backup, *, ours: bool) -> JSON:
        """Look at what an interrupted run left, and announce what is put back; return what the look showed."""
        if ours:
            backup.know(self._shown())
            self.sandbox.theirs({})
            self.sandbox.stopped = ""
        now = self._shown()
        late = [body for body in backup.unanswered if any(differs(name, body[name], now.get(name)) for name in body)]
        self.sandbox.unanswered = [self.request("PUT", body=body) for body in late]
        lines = backup.differences(now)
        name = show(backup.audience.get("name"), 200)
        told = f"an interrupted run left audience {name} at {self.target.base_url} changed:"
        if lines:
            self.sandbox.announce("\n  ".join((told, *lines, "what this suite changed is put back, the rest stays")))
        else:
            self.sandbox.enter(Stage.ANNOUNCED)
        return now

    def restore(self, now: JSON = None) -> list[str]:
        """Put back what this run changed, and leave what somebody else did: lists first, then the filter.

        `now` is what the audience was just seen as, None if it has to be looked at. Returns what could not be put back;
        what nothing can bring back (a size where no endpoint counts one) is noted.
        Raises InconclusiveError if the target cannot be reached; the backup then stays.
        """
        sandbox, backup = self.sandbox, self.sandbox.backup
        if backup is None:
            return []
        if sandbox.stage is Stage.OPEN:
            with suppress(InconclusiveError):
                now = self.read("restore")  # while what it shows can still be explained
        left: list[str] = ["it was not looked at"]
        sandbox.enter(Stage.RESTORING)
        try:
            self.insist()
            try:
                left = self._put_back(backup, now)
            except InconclusiveError:  # lost while it is put back: insist once more
                self.insist()
                left = self._put_back(backup)
            if sandbox.outstanding:
                self.target.wait(LATE)
                left = self._put_back(backup)
        finally:
            self.notes += filter(None, [sandbox.close(keep=bool(left or sandbox.unsettled))])
        return left

    def _put_back(self, backup: Backup, seen: JSON = None) -> list[str]:
        """Send what is not as it was, twice if need be, each time after a look; return what is not as it was then.

        `seen` is what the first look showed, if it was taken already.
        """
        for look in range(LOOKS):
            now = seen if look == 0 and isinstance(seen, dict) else self._shown()
            mine, others = backup.sorted(now)
            self.sandbox.edited(others)
            # One look may be stale: what this run put there last is written over even if it does not show.
            mine += [name for name in backup.touched if name not in (*mine, *others)]
            if not mine or look == LOOKS - 1:
                break
            self._write_back(backup, mine)
        url = f"PUT /v2/audiences/{self.target.audience_id}"
        own = own_content(backup.wanted)
        return [
            f"{name}: the API kept {show(now.get(name), 120)}; send {url} "
            f"{encode({name: own.get(name)}).decode('ascii')}"
            for name in mine
        ]

    def _shown(self) -> dict[str, JSON]:
        """Return the audience as a GET shows it. Raises InconclusiveError if it shows none of this id."""
        now = self.read("restore")
        if not isinstance(now, dict) or shows_another(now, self.target.audience_id):
            raise InconclusiveError("GET shows no audience of this id, so nothing is put back")
        return now

    def _write_back(self, backup: Backup, mine: list[str]) -> None:
        # What somebody else put there, and the key was taken out of, is not known.
        known = {name for name in mine if not is_redacted(backup.theirs.get(name))}
        content = {name: value for name, value in own_content(backup.wanted).items() if name in known}
        if "description" in mine and self.sandbox.never_given:
            content["description"] = ""
            self.note(NEVER_GIVEN.format("is now").strip())
        lists = content.pop("source_lists", None)
        if lists is not None:
            accepted = self._written_back({"source_lists": lists})
            shown = (self.state.audience or {}).get("source_lists", lists)
            if not accepted or differs("source_lists", lists, shown):
                content.pop("filter", None)  # on other lists it could match people that it never matched
        if content:
            self._written_back(content)
        if backup.audience.get("cached_size") is not None:
            self._count_again()

    def _count_again(self) -> None:
        counted = False
        with suppress(InconclusiveError):  # a size endpoint that does not respond keeps nothing from being restored
            counted = self.count()
        if not counted:
            self.note("the cached size was cleared: as its endpoint does not answer, it is counted when needed")

    def _written_back(self, body: dict[str, JSON]) -> bool:
        """Send a part of what was, and return whether it is accepted; where no answer came, a read shows it.

        Raises InconclusiveError if the target is gone.
        """
        try:
            return self.update(body, "restore", ["update.optional"] if len(body) == 1 else []).response.succeeded
        except InconclusiveError:
            if any(self._lost.values()):
                raise
            self.read("restore")
            return True
