"""Follows audiences over time: what an update must change, what it must leave, what a read must show.

Each difference is named by the rule it breaks, and by that alone. What the documentation leaves open (the cache after
new source_lists or an identical filter, a recount by somebody else) is noted at most. Does not judge a response's own
shape (responses.py).
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from trackly_contract.contract import UPDATE_FIELDS, as_answered, filter_differences
from trackly_contract.core import JSON, Exchange, Verdict, same
from trackly_contract.judge.findings import Actual, Cache, Expected, Finding, Value, Words, differs, held

_COMPARED = (*UPDATE_FIELDS, "id", "status", "created_at")
_CACHE = ("cached_size", "cached_size_updated_at")
_EMPTY = Cache(None, None)

Kind = Literal["read", "updated", "adopted", "rejected", "counted", "unknown"]

MOST = 1_000
"""Audiences that are followed at a time; of the one that was longest not seen nothing is known any more."""

MOST_REJECTED = 50
"""Rejected updates that are remembered until a read."""

CLOCK = 0.001
"""Seconds by which a recorded time may be cut off."""


class _Difference(NamedTuple):
    """Where two values differ, both sides, and whether no page leaves it open."""

    at: str
    expected: JSON
    actual: JSON
    grave: bool


def _difference(name: str, one: JSON, other: JSON, open_at: Collection[str] = ()) -> _Difference | None:
    """Return the gravest difference of one field, the first of several, None if it is the same.

    At the positions `open_at`, and below them, a difference is not grave.
    """
    if name == "filter":
        below = tuple(f"{position}/" for position in open_at)
        found = (
            _Difference(f"/filter{path}", left, right, grave and not f"/filter{path}/".startswith(below))
            for path, left, right, grave in filter_differences(as_answered(one), other)
        )
        return max(found, key=lambda difference: difference.grave, default=None)
    if same(one, other) or (name == "created_at" and _instant(one) == _instant(other)):
        return None
    # Open: the order of source_lists, and whether a description that was never given is null or empty.
    lists = name == "source_lists" and isinstance(one, list) and isinstance(other, list)
    reordered = lists and sorted(map(repr, one)) == sorted(map(repr, other))
    never_given = name == "description" and not one and not other
    return _Difference(f"/{name}", one, other, not (reordered or never_given))


def _instant(stamp: JSON) -> str:
    """Return a timestamp to the second, without its zone: zone and fraction are contested."""
    return str(stamp)[:19]


def _cache(audience: dict[str, JSON]) -> Cache:
    return Cache(audience.get("cached_size"), audience.get("cached_size_updated_at"))


def _same_cache(one: Cache, other: Cache) -> bool:
    return same([one.size, _instant(one.updated_at)], [other.size, _instant(other.updated_at)])


@dataclass(frozen=True, slots=True)
class Event:
    """What one exchange means for its audience.

    `kind`: `read`; `updated`, accepted as documented; `adopted`, accepted, and nobody knows whether it should be;
    `rejected`; `counted`; `unknown`, what was changed cannot be seen. `body` is what an update sent, `audience` what
    a success showed, without fields that cannot be compared. `open_at` are positions in the stored audience of which
    nobody says how they look.
    """

    kind: Kind
    exchange: Exchange
    case: str = ""
    body: dict[str, JSON] = field(default_factory=dict)
    audience: JSON = None
    open_at: tuple[str, ...] = ()


@dataclass
class AudienceState:
    """The audience as the last response showed it, and what happened since a read last confirmed it.

    `shared`: others change the audience too, so a difference between two responses is noted at most. `counted`: its
    size was counted, and the next read must show it. `rejected` are bodies that no read may show anything of.
    """

    shared: bool = False
    audience: dict[str, JSON] | None = None
    unconfirmed: bool = False
    touched: set[str] = field(default_factory=set)
    renewed: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    counted: bool = False
    stale_cache: Cache | None = None
    rejected: list[dict[str, JSON]] = field(default_factory=list)

    def follow(self, event: Event) -> list[Finding]:
        """Judge an event by what was known before, and follow it. Fields that a response lacks are not judged."""
        found: list[Finding] = []
        match event.kind:
            case "read":
                found += self._read(event)
                self.audience = event.audience
                self.unconfirmed = self.counted = False
                self.rejected.clear()
                self.touched.clear()
            case "updated":
                found += self._updated(event)
                self._change(event.body, event.audience)
            case "rejected":
                self.rejected.append(event.body)
            case "counted":
                self.counted = True
            case _:
                self.adopted(event.audience)
        return found

    def adopted(self, audience: JSON) -> None:
        """Follow a success without judging it; what is not a whole audience leaves the state unknown."""
        whole = isinstance(audience, dict) and all(name in audience for name in UPDATE_FIELDS)
        self._change(UPDATE_FIELDS, audience if whole else None)

    def _change(self, names: Iterable[str], audience: dict[str, JSON] | None) -> None:
        if self.audience is not None and _cache(self.audience) != _EMPTY:
            self.stale_cache = _cache(self.audience)
        self.touched.update(names)
        self.audience = audience
        self.unconfirmed = True
        self.counted = False

    def _updated(self, event: Event) -> Iterator[Finding]:
        before, after, sent = self.audience, event.audience, event.body
        for name in UPDATE_FIELDS:
            if name in sent and name in after:
                difference = _difference(name, sent[name], after[name], event.open_at)
                yield self._compared(f"update.{name}", event, difference)
        if before is None:
            return
        for name in _COMPARED:
            if name not in sent and name in before and name in after:
                difference = _difference(name, before[name], after[name])
                from_rejected = difference is not None and self._from_rejected(name, after)
                rule = "update.refused.unchanged" if from_rejected else "update.partial"
                yield self._compared(rule, event, difference)
        yield from self._cache_after(event, before)

    def _read(self, event: Event) -> list[Finding]:
        before, after = self.audience, event.audience
        if before is None:
            return []
        found: list[Finding] = []
        for name in _COMPARED:
            difference = _difference(name, before[name], after[name]) if name in before and name in after else None
            if difference is None:
                continue
            if self._from_rejected(name, after) or self._only_rejected:
                found.append(self._compared("update.refused.unchanged", event, difference))
            else:
                # Where nothing is unconfirmed, nobody of this run changed it.
                difference = difference._replace(grave=difference.grave and self.unconfirmed)
                found.append(self._compared("update.stored", event, difference))
        found += self._cache_read(event, before)
        broken = {finding.rule for finding in found if finding.verdict is Verdict.BROKEN}
        if self.unconfirmed and "update.stored" not in broken:
            found.append(held("update.stored", event.exchange, event.case))
        if self.rejected and "update.refused.unchanged" not in broken:
            found.append(held("update.refused.unchanged", event.exchange, event.case))
        return found

    @property
    def _only_rejected(self) -> bool:
        """Whether updates were rejected since the last read, and none was accepted."""
        return bool(self.rejected) and not self.unconfirmed

    def _from_rejected(self, name: str, audience: dict[str, JSON]) -> bool:
        """Whether a field shows what a rejected update sent."""
        return any(name in body and _difference(name, body[name], audience[name]) is None for body in self.rejected)

    def _compared(self, rule: str, event: Event, difference: _Difference | None) -> Finding:
        if difference is None:
            return held(rule, event.exchange, event.case)
        at, expected, actual, grave = difference
        return self._differs(rule, event, Value(expected), Value(actual), at=at, grave=grave)

    def _differs(
        self, rule: str, event: Event, expected: Expected, actual: Actual, *, at: str = "", grave: bool = True
    ) -> Finding:
        if self.shared and rule.removeprefix("update.") not in UPDATE_FIELDS:
            grave = False  # the rule compares two responses: another writer may explain it
        return differs(rule, event.exchange, expected, actual, at=at, case=event.case, grave=grave)

    def _cache_after(self, event: Event, before: dict[str, JSON]) -> Iterator[Finding]:
        sent, after = event.body, event.audience
        if not all(name in after for name in _CACHE) or ("filter" in sent and "filter" not in before):
            return  # whether the filter changed cannot be told
        old, new = _cache(before), _cache(after)
        kept = _same_cache(old, new)
        changed = _difference("filter", sent["filter"], before.get("filter")) if "filter" in sent else None
        if changed is not None and changed.grave:
            # With nothing cached before, null says nothing of clearing.
            if new != _EMPTY:
                yield self._differs("update.cache.cleared", event, _EMPTY, new)
            elif old != _EMPTY:
                yield held("update.cache.cleared", event.exchange, event.case)
        elif "filter" in sent or "source_lists" in sent:
            rule, what = ("cleared", "an identical filter") if "filter" in sent else ("kept", "source_lists alone")
            if not kept:
                yield self._differs(f"update.cache.{rule}", event, Words(f"{what}: open"), new, grave=False)
        elif kept and old != _EMPTY:
            self.kept.update(sent.keys())
            yield held("update.cache.kept", event.exchange, event.case)
        elif old != _EMPTY:
            grave = None in (new.size, new.updated_at) or self._renews(sent, old, new)
            yield self._differs("update.cache.kept", event, old, new, grave=grave)

    def _renews(self, sent: dict[str, JSON], old: Cache, new: Cache) -> bool:
        """Whether it is the update that filled the cache again, and not a count by somebody else in between.

        A count changes the time; and it does not come with each of three updates of a field and never without one.
        """
        self.renewed.update(sent.keys())
        same_time = new.updated_at == old.updated_at
        return same_time or any(self.renewed[name] >= 3 and not self.kept[name] for name in sent)

    def _cache_read(self, event: Event, before: dict[str, JSON]) -> Iterator[Finding]:
        if not all(name in before and name in event.audience for name in _CACHE):
            return
        old, new = _cache(before), _cache(event.audience)
        missing = None in (new.size, new.updated_at)
        if self.counted and missing:
            yield self._differs("update.cache.recounted", event, Words("both filled by the count"), new)
        elif self.counted:
            yield held("update.cache.recounted", event.exchange, event.case)
        elif _same_cache(old, new):
            return
        elif old == _EMPTY:
            # The old pair again was never cleared; another one was counted by somebody else. Zero is what every filter
            # of the suite counts, and a second count within the second has the same time too.
            never = self.stale_cache is not None and _same_cache(self.stale_cache, new) and new.size != 0
            yield self._differs("update.cache.cleared", event, old, new, grave=never or missing)
        elif missing and self._only_rejected:
            yield self._differs("update.refused.unchanged", event, old, new)
        else:
            # Only an update of name or description alone is documented to keep it; between reads, it was somebody else.
            grave = missing and self.unconfirmed and self.touched <= {"name", "description"}
            yield self._differs("update.cache.kept", event, old, new, grave=grave)


# Every audience of a recording -----------------------------------------------------------------------

Key = tuple[str, str]
"""Address and id of an audience."""


@dataclass
class _Followed:
    state: AudienceState
    waiting: Event | None = None
    blind: bool = False
    busy_until: float | None = None
    seen: bool = False


class Audiences:
    """All audiences of a recording, each in the order of its exchanges as far as that is known.

    What is found of them goes to `say`. Responses that overlapped in time are not compared with one another. With
    `shared` others change the audiences too: what another writer may explain is noted.
    """

    def __init__(self, say: Callable[[Iterable[Finding]], None], *, shared: bool = False) -> None:
        self._say = say
        self._shared = shared
        self._held: OrderedDict[Key, _Followed] = OrderedDict()
        self.overlapping = 0

    def knows(self, key: Key) -> bool:
        """Whether a response has shown the audience before."""
        return key in self._held and self._held[key].seen

    def follow(self, key: Key, event: Event, began: float | None, ended: float | None) -> None:
        """Take the next event of an audience; it is judged when the one after it is known, or at the end.

        `began` and `ended` are seconds since 1970, None where nobody wrote them down.
        """
        audience = self._held.setdefault(key, _Followed(AudienceState(shared=self._shared)))
        self._held.move_to_end(key)
        audience.seen = audience.seen or event.audience is not None
        busy = audience.busy_until
        overlaps = busy is not None and began is not None and began < busy - CLOCK
        audience.blind = audience.blind or overlaps  # of two that overlap neither is compared
        self._apply(audience)
        audience.waiting, audience.blind = event, overlaps
        audience.busy_until = max((moment for moment in (busy, began, ended) if moment is not None), default=None)
        if len(self._held) > MOST:
            self._apply(self._held.popitem(last=False)[1])

    def finish(self) -> None:
        """Judge the events that still wait."""
        for audience in self._held.values():
            self._apply(audience)

    def _apply(self, audience: _Followed) -> None:
        event, audience.waiting = audience.waiting, None
        if event is not None and audience.blind:
            self.overlapping += 1
            audience.state.adopted(None)
        elif event is not None:
            self._say(audience.state.follow(event))
            del audience.state.rejected[:-MOST_REJECTED]
