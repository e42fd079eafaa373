"""What a network fault is: what happens, when, and what a run should make of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.support.way import Strike, Way
from trackly_contract.core import ExitCode, RunVerdict
from trackly_contract.reference import ReferenceServer


class Does(Enum):
    """What the suite does about a fault."""

    NOTHING = "takes the answer"
    ASKS_AGAIN = "asks again, and gets its answer"
    LEAVES_OUT = "asks again, and leaves it out with what builds on it: a control succeeds"
    HEEDS = "sends no wrong key any more: a control succeeds"
    INSISTS = "asks again, waits, and insists until all is put back"
    COMES_BACK = "gives up what it asks meanwhile, waits, and goes on once a control succeeds"
    GIVES_UP = "asks again, waits for a control that succeeds, and gives up"
    STOPS = "stops changing the audience, and leaves what somebody else did"
    JUDGES = "asks again, and judges what stays: a control succeeds"


class Audience(Enum):
    """What the audience is when the run has ended."""

    UNTOUCHED = "never changed"
    AS_IT_WAS = "as it was"
    MAY_CHANGE = "as it was, unless the update still arrives: that is said, and the backup kept"
    THEIRS = "as somebody else left it, which is said, and the backup kept; `restore` asks whose it shall be"
    LEFT = "changed, and said loudly; `restore`, or the next run, puts it back"


@dataclass(frozen=True)
class When:
    """At which requests a fault strikes; `said` is for people."""

    said: str
    holds: Callable[[Way], bool]


@dataclass(frozen=True)
class Fault:
    """One fault.

    `what` is a clause for the document; `says` is part of what the run prints, `broken` the rules that it names;
    `patience` is how many seconds a response may take; `tls` names a throwaway certificate, whose authority is
    `trusted` or not; `base_url` is asked in place of the way, which is `down` or not; `waits` are those that the fault
    asks for; `edits` is what somebody else puts into the audience; `server` makes what is asked.
    """

    id: str
    what: str
    when: When
    strike: Strike
    does: Does
    audience: Audience = Audience.AS_IT_WAS
    says: str = ""
    broken: frozenset[str] = frozenset()
    patience: float = 5.0
    tls: str = ""
    trusted: bool = False
    base_url: str = ""
    down: bool = False
    waits: tuple[float, ...] = ()
    edits: dict[str, Any] = field(default_factory=dict, hash=False)
    server: Callable[[], ReferenceServer] = ReferenceServer

    @property
    def verdict(self) -> RunVerdict:
        """What the run says."""
        if self.does is Does.JUDGES:
            return RunVerdict.DRIFT
        conforms = self.does in (Does.NOTHING, Does.ASKS_AGAIN, Does.INSISTS) and self.audience is Audience.AS_IT_WAS
        return RunVerdict.CONFORMS if conforms else RunVerdict.INCONCLUSIVE

    @property
    def code(self) -> ExitCode:
        """What the run ends with."""
        return ExitCode[self.verdict.name]

    def struck(self, way: Way) -> Strike | None:
        """Return what to do in place of the response to the request that has just come."""
        return self.strike if self.when.holds(way) else None
