"""Follows every audience of a recording in the order of its exchanges, as far as that order is known.

Responses that overlapped in time are not compared with one another; at most MOST audiences are held. Does not judge
what one response shows by itself (expectation.py).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trackly_contract.judge.findings import Finding
from trackly_contract.judge.state import AudienceState, Event

MOST = 1_000
"""Audiences that are followed at a time; of the one that was longest not seen nothing is known any more."""

MOST_REJECTED = 50
"""Rejected updates that are remembered until a read."""

CLOCK = 0.001
"""Seconds by which a recorded time may be cut off."""

Key = tuple[str, str]
"""Address and id of an audience."""


@dataclass
class _Audience:
    state: AudienceState
    waiting: Event | None = None
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
        """Whether a response has shown the audience before."""
        return key in self._held and self._held[key].seen

    def follow(self, key: Key, event: Event, began: float | None, ended: float | None) -> None:
        """Take the next event of an audience; it is judged when the one after it is known, or at the end.

        `began` and `ended` are seconds since 1970, None where nobody wrote them down.
        """
        audience = self._held.setdefault(key, _Audience(AudienceState(shared=self._shared)))
        self._held.move_to_end(key)
        audience.seen = audience.seen or event.audience is not None
        busy = audience.busy_until
        overlaps = busy is not None and began is not None and began < busy - CLOCK
        self._apply(audience, blind=overlaps)
        audience.waiting, audience.blind = event, overlaps
        audience.busy_until = max((moment for moment in (busy, began, ended) if moment is not None), default=None)
        if len(self._held) > MOST:
            self._apply(self._held.popitem(last=False)[1], blind=False)

    def finish(self) -> None:
        """Judge the events that still wait."""
        for audience in self._held.values():
            self._apply(audience, blind=False)

    def _apply(self, audience: _Audience, *, blind: bool) -> None:
        event, audience.waiting = audience.waiting, None
        if event is None:
            return
        if blind or audience.blind:
            self.overlapping += 1
            audience.state.adopted(None)
            return
        self._say(audience.state.follow(event))
        del audience.state.rejected[:-MOST_REJECTED]
