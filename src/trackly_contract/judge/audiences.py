"""Follows every audience of a recording in the order of its exchanges, as far as that order is known.

Promises: answers that overlapped in time are not compared with one another; at most MOST audiences are held.
Refuses: to judge what one answer shows by itself (traffic_judge.py).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trackly_contract.core import Finding, Verdict
from trackly_contract.judge.state import BODY_FIELDS, AudienceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trackly_contract.core import JSON, Exchange

MOST = 1_000
"""Audiences that are followed at a time; of the one that was longest not seen nothing is known any more."""

MOST_REFUSED = 50
"""Refused updates that are remembered until a read."""

CLOCK = 0.001
"""Seconds by which a recorded time may be cut off."""

BETWEEN = frozenset({"update.partial", "update.stored", "update.refused.unchanged"})
"""Rules that compare an answer with an earlier one, beside those of the cache: another writer may explain them."""

Key = tuple[str, str]
"""Address and id of an audience."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one exchange means for its audience.

    `kind`: read, updated (and judged), adopted (accepted, and nobody knows whether it should be), refused, counted,
    unknown (what was changed cannot be seen). Times are seconds since 1970, None where nobody wrote them down.
    """

    kind: str
    exchange: Exchange
    where: str
    body: dict[str, JSON] = field(default_factory=dict)
    audience: dict[str, JSON] | None = None
    began: float | None = None
    ended: float | None = None


@dataclass
class _Audience:
    state: AudienceState = field(default_factory=AudienceState)
    waiting: Step | None = None
    blind: bool = False
    busy_until: float | None = None
    seen: bool = False


class Audiences:
    """All audiences of a recording; what is found of them goes to `say`.

    With `shared` others change them too: what another writer may explain is noted.
    """

    def __init__(self, say: Callable[[Iterable[Finding]], None], *, shared: bool = False) -> None:
        self._say = say
        self._shared = shared
        self._held: OrderedDict[Key, _Audience] = OrderedDict()
        self.overlapping = 0

    def knows(self, key: Key) -> bool:
        """Whether an answer has shown the audience before."""
        return key in self._held and self._held[key].seen

    def follow(self, key: Key, step: Step) -> None:
        """Take the next step of an audience; it is judged when the one after it is known, or at the end."""
        audience = self._held.setdefault(key, _Audience())
        self._held.move_to_end(key)
        audience.seen = audience.seen or step.audience is not None
        busy = audience.busy_until
        overlaps = busy is not None and step.began is not None and step.began < busy - CLOCK
        self._apply(audience, blind=overlaps)
        audience.waiting, audience.blind = step, overlaps
        ends = [moment for moment in (busy, step.began, step.ended) if moment is not None]
        audience.busy_until = max(ends, default=None)
        if len(self._held) > MOST:
            self._apply(self._held.popitem(last=False)[1], blind=False)

    def finish(self) -> None:
        """Judge the steps that still wait."""
        for audience in self._held.values():
            self._apply(audience, blind=False)

    def _apply(self, audience: _Audience, *, blind: bool) -> None:
        step, audience.waiting = audience.waiting, None
        if step is None:
            return
        if blind or audience.blind:
            self.overlapping += 1
            audience.state.adopted(None)
            return
        state = audience.state
        found: list[Finding] = []
        if step.kind == "read" and step.audience is not None:
            found = state.read(step.exchange, step.audience, step.where)
        elif step.kind == "updated" and step.audience is not None:
            found = state.updated(step.exchange, step.body, step.audience, step.where)
        elif step.kind == "refused":
            state.was_refused(step.body)
            del state.refused[:-MOST_REFUSED]
        elif step.kind == "counted":
            state.was_counted()
        else:
            whole = step.audience is not None and all(name in step.audience for name in BODY_FIELDS)
            state.adopted(step.audience if whole else None)
        self._say(self._softened(finding) for finding in found)

    def _softened(self, finding: Finding) -> Finding:
        between = finding.rule in BETWEEN or finding.rule.startswith("update.cache.")
        if not (self._shared and between and finding.verdict is Verdict.BROKEN):
            return finding
        return replace(finding, verdict=Verdict.NOTED, got=f"{finding.got} (or somebody else changed it)")
