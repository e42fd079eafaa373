"""The sandbox: every request of a run passes through it, so that the audience is never lost.

Its stage says what may be sent: nothing is written before the audience is backed up on disk and the plan was announced,
nor after it was put back. It knows what this run left at each moment; whatever else is found, somebody else put there.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum

from trackly_contract.contract import UPDATE_FIELDS, as_request, matches_nobody, schemas
from trackly_contract.core import JSON, InconclusiveError, Request, Response, encode, same, show
from trackly_contract.generate import UNKNOWN_ID, Effort
from trackly_contract.judge import differs, is_of
from trackly_contract.run.client import NoAnswerError
from trackly_contract.run.journal import Backup, JournalError
from trackly_contract.run.targets import Target

CEILINGS: dict[Effort, tuple[int, int]] = {"quick": (60, 12), "standard": (250, 40), "thorough": (1500, 150)}
"""Requests and accepted writes that a run takes at most on a conforming API; twice that on any other."""

QUESTIONS = 450
"""Requests, and accepted writes, that all open questions together may take on top."""

RESTORING = 6
"""Requests that putting back may take: a look, a filter that matches nobody, the lists, the rest, the size, a look."""

WRITING_BACK = 3
"""Accepted writes among them: a filter that matches nobody, the lists, the rest."""

REHEARSING = 6
"""Requests that it takes to know that it could be put back: three parts of its own content, and a look at each."""

MOST_WRONG_KEYS: dict[Effort, int] = {"quick": 3, "standard": 10, "thorough": 10}
"""Different keys that are not the user's and that a run tries: more could look like an attack."""

GONE = (404, 410)
"""What a server says where no audience is, or none any more."""

MAY_STILL_ARRIVE = (202, 504)
"""What is said for an update that is still on its way: by the API itself, or by a gateway that waits no longer."""

WARNINGS = (403, 429)
"""What an API says before it shuts somebody out who tries keys."""

NEVER_GIVEN = '  the description of the audience was null, and {} "": nobody says how to send null'


class NotAskedError(InconclusiveError):
    """A request was not sent: its stage does not allow it, those that were allowed are spent, or the target is gone."""


class NotOursError(NotAskedError):
    """A request was not sent, for it is about what may be somebody else's: no outage, and nothing to wait for."""


class Stage(Enum):
    """How far a run has come with the audience."""

    UNSEEN = "not looked at"
    SEEN = "looked at"
    BACKED_UP = "backed up"
    ANNOUNCED = "announced"
    REHEARSING = "rehearsed"
    OPEN = "open for tests"
    RESTORING = "put back"
    CLOSED = "closed"


WRITING = (Stage.REHEARSING, Stage.OPEN, Stage.RESTORING)
"""The stages in which something is written."""

_FOLLOWS = {
    Stage.UNSEEN: {Stage.SEEN},
    Stage.SEEN: {Stage.BACKED_UP},
    Stage.BACKED_UP: {Stage.ANNOUNCED, Stage.CLOSED},
    Stage.ANNOUNCED: {Stage.REHEARSING, Stage.RESTORING},
    Stage.REHEARSING: {Stage.OPEN, Stage.RESTORING},
    Stage.OPEN: {Stage.RESTORING},
    Stage.RESTORING: {Stage.CLOSED},
    Stage.CLOSED: {Stage.RESTORING},
}
"""What may follow a stage. What an interrupted run left begins as backed up; what is closed with its backup kept may be
put back once more."""


@dataclass
class Budget:
    """The requests and accepted writes that a run may spend; `kept` of each are kept aside to put the audience back."""

    requests: int
    writes: int
    wrong_keys: int = MOST_WRONG_KEYS["quick"]
    kept: int = 0
    spent: int = 0
    written: int = 0

    @classmethod
    def of(cls, effort: Effort, most_requests: int | None, *, questions: bool) -> "Budget":
        """Return that of an effort: twice what a conforming API needs, or fewer requests where the user says so."""
        requests, writes = (2 * most + (QUESTIONS if questions else 0) for most in CEILINGS[effort])
        return cls(min(requests, most_requests or requests), writes, MOST_WRONG_KEYS[effort])

    def spend(self, writes: int) -> None:
        """Spend a request. Raises NotAskedError if it would take what is kept aside.

        `writes` are those that it may lead to: 0 for a GET, 1 for an update that is accepted, 2 for one that is not: if
        it is accepted by mistake, another replaces it at once.
        """
        kept = min(self.kept, WRITING_BACK)
        for left, kind, allowed, aside in (
            (self.requests - self.spent - max(writes, 1), "requests", self.requests, self.kept),
            (self.writes - self.written - writes if writes else kept, "accepted writes", self.writes, kept),
        ):
            if left < aside:
                told = f", {aside} of them to put the audience back" if aside else ""
                raise NotAskedError(f"not asked: {allowed:,} {kind} were allowed{told}")
        self.spent += 1


@dataclass
class Sandbox:
    """One audience, from the first look to the last.

    `backup` is what it was before the first change, and what is known of it since; `unanswered` are updates that got no
    response and may still arrive; `stopped` says why nothing more is written, but to put it back; while `replacing`,
    a filter that matches nobody takes the place of one that was accepted by mistake, whatever it costs. `wrong_keys`
    were tried, `warned` says why no more are; a GET showed that `nobody` has these ids; `shown` is this audience as the
    last GET showed it, or, once a GET showed that `filters_kept` are those that are sent, any response.
    """

    target: Target
    budget: Budget
    read_only: bool = False
    stage: Stage = Stage.UNSEEN
    backup: Backup | None = None
    unanswered: list[Request] = field(default_factory=list)
    stopped: str = ""
    replacing: bool = False
    wrong_keys: set[str] = field(default_factory=set)
    warned: str = ""
    nobody: set[str] = field(default_factory=set)
    shown: dict[str, JSON] = field(default_factory=dict)
    filters_kept: bool = False

    def enter(self, stage: Stage) -> None:
        """Go on to a stage. Raises RuntimeError if it does not follow this one: a mistake of this program."""
        if stage not in _FOLLOWS[self.stage]:
            raise RuntimeError(f"the sandbox cannot go from {self.stage.name} to {stage.name}")
        self.stage = stage

    def send(self, request: Request) -> Response:
        """Send a request and return its response.

        Of another audience only the id is kept. Raises NotAskedError if it may not be sent, NoAnswerError if no
        response came.
        """
        self._respect_others(request)
        # To count the size fills its cache.
        if request.method != "GET" or request.path.endswith("/size"):
            self._may_write(request)
        accepted = request.method != "GET" and self._is_accepted(request)
        if self.stage is Stage.RESTORING or self.replacing:
            self.budget.spent += 1
        else:
            self.budget.spend(0 if request.method == "GET" else 1 if accepted else 2)
        if request.method == "GET":
            return self._learned(request, self.target.client.send(request))
        self._know(request.json.strict)
        try:
            response = self.target.client.send(request)
        except NoAnswerError as error:
            self._put(request)
            if accepted and not error.begun:
                self._may_still_arrive(request)
            raise
        if not 400 <= response.status < 500:
            self._put(request)
        if accepted and response.status in MAY_STILL_ARRIVE:
            self._may_still_arrive(request)
        if response.succeeded:
            self.budget.written += 1
            # What was not sent, somebody else may have put there.
            sent, shown = request.json.fields, response.json.fields
            if is_of(shown, self.target.audience_id):
                self._know({name: shown[name] for name in sent if name in shown})
                self.shown = {**self.shown, **shown} if self.filters_kept else self.shown
        return self._learned(request, response)

    def _put(self, request: Request) -> None:
        if self.backup is not None and audience_of(request) == self.target.audience_id:
            self.backup.last |= {name: value for name, value in request.json.fields.items() if name in UPDATE_FIELDS}

    def _may_still_arrive(self, request: Request) -> None:
        self.unanswered.append(request)
        with suppress(NotAskedError):
            self._write(unanswered={"body": request.json.strict, "at": time.time()})

    def _respect_others(self, request: Request) -> None:
        """Raise NotAskedError if a request might change an audience of somebody else, or look like an attack."""
        key, other = request.header("X-Api-Key"), audience_of(request)
        if request.method != "GET" and other not in (self.target.audience_id, *self.nobody):
            raise NotOursError("not asked: no GET showed that nobody has this id, so it may be somebody's")
        if key and key != self.target.key:
            self.wrong_keys.add(key)
            most = self.budget.wrong_keys
            if self.warned or len(self.wrong_keys) > most:
                raise NotOursError(f"not asked: {self.warned or f'{most} wrong keys are enough'}")

    def _learned(self, request: Request, response: Response) -> Response:
        """Return a response, of another audience no more than its id; learn whether to go on with ids and keys."""
        other, status = audience_of(request), response.status
        if request.header("X-Api-Key") != self.target.key:
            if status in WARNINGS and request.header("X-Api-Key"):
                self.warned = f"a wrong key was answered {status}, so no further one is tried"
        elif request.method == "GET" and other == self.target.audience_id:
            if request.path.endswith(other) and is_of(response.json.fields, other):  # and not its size
                self.shown = response.json.fields
            self.filters_kept = self.filters_kept or matches_nobody(as_request(self.shown.get("filter")))
        elif request.method == "GET":
            if status in GONE and other == UNKNOWN_ID:  # one that is more like a real one is only read
                self.nobody.add(other)
            elif is_of(response.json.fields, other):
                return replace(response, body=encode({"id": other}))
        return response

    def _may_write(self, request: Request) -> None:
        body, why = request.json.fields, ""
        if self.read_only:
            why = "this run is read-only"
        elif self.stage not in WRITING:
            why = f"the audience is {self.stage.value}, and nothing is written then"
        elif self.stage is Stage.OPEN and self.stopped and not self.replacing:
            why = self.stopped
        elif self.stage is Stage.OPEN and body.get("source_lists") == [] and not self._may_draw_on_all_lists():
            why = "the last look showed no filter that matches nobody, and with it the audience would draw on all lists"
        elif self.stage is Stage.REHEARSING and request.method == "PUT" and not self._restores(body):
            why = "it is not known yet whether the audience can be put back"
        if why:
            raise NotAskedError(f"not asked: {why}")

    def _may_draw_on_all_lists(self) -> bool:
        did = self.backup is None or self.backup.audience.get("source_lists") == []
        return did or matches_nobody(as_request(self.shown.get("filter")))

    def _restores(self, body: dict[str, JSON]) -> bool:
        """Whether a body holds nothing but what the audience was, or what somebody else made of it."""
        backup = self.backup
        return backup is not None and all(
            any(name in one and not differs(name, body[name], one[name]) for one in (backup.audience, backup.theirs))
            for name in body
        )

    def _know(self, body: JSON) -> None:
        """Write down what the audience may be from now on. Raises NotAskedError if the disk does not take it."""
        new = self.backup.know(body) if self.backup is not None else {}
        if new:
            self._write(ours=new)

    def _write(self, **entry: dict[str, JSON]) -> None:
        """Add to the journal. Raises NotAskedError if the disk does not take it."""
        if self.target.journal is not None:
            try:
                if not self.target.journal.path.exists() and self.backup is not None:  # somebody cleaned up
                    self.target.journal.write(self.backup)
                self.target.journal.add(**entry)
            except JournalError as error:
                if self.stage is not Stage.RESTORING and not self.replacing:
                    raise NotAskedError(f"not asked: {error}") from None

    def back_up(self, audience: dict[str, JSON]) -> None:
        """Keep the audience, in memory and on disk. Raises InconclusiveError if it cannot be put back, or not kept."""
        self.enter(Stage.SEEN)
        if self.budget.requests - self.budget.spent < REHEARSING + RESTORING:
            raise InconclusiveError(
                f"{self.budget.requests} requests do not suffice to put the audience back: nothing is changed"
            )
        backup = Backup(self.target.base_url, self.target.audience_id, audience)
        if self.target.journal is not None:
            try:
                self.target.journal.write(backup)
            except JournalError as error:
                raise InconclusiveError(str(error)) from None
        self.enter(Stage.BACKED_UP)
        self.backup = backup
        self.budget.kept = RESTORING

    def announce(self, plan: str) -> None:
        """Show what will be done. Raises InconclusiveError, with the backup as it was before, if somebody says no."""
        if self.target.show_plan is not None and not self.target.show_plan(plan):
            raise InconclusiveError("not confirmed: nothing was changed")
        self.enter(Stage.ANNOUNCED)

    def plan(self, effort: Effort, lossy: Sequence[str] = (), *, questions: bool = False) -> str:
        """Return in words what a run will do; `lossy` says what may not come back as it was."""
        name = show(self.backup.audience.get("name"), 200) if self.backup is not None else ""
        requests, writes = CEILINGS[effort]
        most = f"{requests:,} requests and {writes} accepted writes"
        if self.budget.requests <= requests:
            most = f"{self.budget.requests:,} requests"
        more = QUESTIONS if questions else 0
        twice = f"{self.budget.requests - more:,} requests and {self.budget.writes - more:,} accepted writes"
        lines = [
            f"trackly-contract is about to change audience {name} at {self.target.base_url}:",
            f"  effort {effort}: at most {most}",
            f"  where the API is not as documented, up to {twice}, to find out why",
            *([f"  the open questions take at most {QUESTIONS} of each more"] if questions else []),
            "  then everything is put back, and that is tried again where it fails, whatever it takes",
            *(f"  THIS MAY BE LOST: {reason}" for reason in lossy),
            *([NEVER_GIVEN.format("will be")] if self.never_given else []),
            "  no schedule and no journey may use this audience while it runs",
        ]
        return "\n".join(lines)

    def theirs(self, fields: dict[str, JSON]) -> None:
        """Write down what somebody else may have made of the audience: it is what is put back."""
        if self.backup is not None and not same(fields, self.backup.theirs):
            self.backup.theirs = fields
            self._write(theirs=fields)

    def ours(self, fields: dict[str, JSON]) -> None:
        """Write down that what was taken for somebody else's is the API's own doing."""
        if self.backup is not None:
            self.theirs({name: value for name, value in self.backup.theirs.items() if name not in fields})
            self._know(fields)

    def edited(self, fields: dict[str, JSON], how: str = "") -> None:
        """Somebody else changed the audience: nothing more is written, but to put back what this run changed."""
        if not fields and not how:
            return
        if self.backup is not None:
            self.theirs({**self.backup.theirs, **fields})
        told = how or f"changed it ({', '.join(fields)})"
        self.stopped = f"somebody else {told} in mid-run, so nothing more is written"

    @property
    def outstanding(self) -> list[Request]:
        """The updates without a response that would change the audience if they arrived now."""
        wanted = self.backup.wanted if self.backup is not None else {}
        return [
            request
            for request in dict.fromkeys(self.unanswered)
            if any(differs(name, value, wanted.get(name)) for name, value in request.json.fields.items())
        ]

    def _is_accepted(self, request: Request) -> bool:
        """Whether an update changes this audience as documented: with the good key, and a body that is accepted."""
        own = request.path.endswith(f"/{self.target.audience_id}") and request.header("X-Api-Key") == self.target.key
        return own and schemas().decide(request.json.strict).accepted

    @property
    def never_given(self) -> bool:
        """Whether the audience had no description."""
        return self.backup is not None and self.backup.audience.get("description", "") is None

    @property
    def unsettled(self) -> list[str]:
        """What somebody has to look at, in words: what others changed, and updates that may still arrive."""
        backup = self.backup
        if backup is None:
            return []
        edits = [
            f"somebody else changed its {name}: it was {show(backup.audience.get(name), 200)}, and is {show(now, 200)}"
            for name, now in backup.theirs.items()
        ]
        late = [
            f"an update got no response, and may still arrive: {encode(request.json.strict).decode('ascii')}"
            for request in self.outstanding
        ]
        gone = [self.stopped] if self.stopped and not edits else []
        lost = backup.lost(self.shown) if self.stage in (Stage.RESTORING, Stage.CLOSED) and not gone else []
        return [*edits, *gone, *lost, *late]

    def close(self, *, keep: bool = False) -> str:
        """Let nothing more be written. The backup goes unless it is kept; return a note if its file has to stay."""
        self.enter(Stage.CLOSED)
        return "" if keep else self.forget()

    def forget(self) -> str:
        """Let the backup go; return a note if its file has to stay, "" if not."""
        self.backup = None
        return self.target.journal.remove() if self.target.journal is not None else ""


def audience_of(request: Request) -> str:
    """Return the id of the audience that a request is about."""
    return request.path.removeprefix("/v2/audiences/").partition("/")[0]
