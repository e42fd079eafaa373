"""Follows audiences over time: what an update must change, what it must leave, what a read must show.

Each difference is named by the rule it breaks, and by that alone. What the documentation leaves open (the cache after
new source_lists or an identical filter, a recount by somebody else) is noted at most. Does not judge a response's own
shape (responses.py).
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Literal

from trackly_contract.contract import UPDATE_FIELDS, as_answered, filter_differences
from trackly_contract.core import JSON, Exchange, Verdict, same
from trackly_contract.judge.findings import Actual, Cache, Expected, Finding, Value, Words, differs, held

_COMPARED = (*UPDATE_FIELDS, "id", "status", "created_at")
_CACHE = ("cached_size", "cached_size_updated_at")
_EMPTY = Cache(None, None)

Kind = Literal["read", "updated", "adopted", "rejected", "counted"]

MOST = 1_000
"""Audiences that are followed at a time; of the one that was longest not seen nothing is known any more."""

MOST_REJECTED = 50
"""Rejected updates that are remembered until a read."""

CLOCK = 0.001
"""Seconds by which a recorded time may be cut off."""


_Difference = tuple[str, JSON, JSON, bool]
"""Where two values differ, both sides, and whether no page leaves it open."""


def _difference(name: str, one: JSON, other: JSON, open_at: Collection[str] = ()) -> _Difference | None:
    """Return the gravest difference of one field, the first of several, None if it is the same.

    At the positions `open_at`, and below them, a difference is not grave.
    """
    if name == "filter":
        below = tuple(f"{position}/" for position in open_at)
        found = (
            (f"/filter{path}", left, right, grave and not f"/filter{path}/".startswith(below))
            for path, left, right, grave in filter_differences(as_answered(one), other)
        )
        return max(found, key=itemgetter(3), default=None)
    if same(one, other) or (name == "created_at" and _instant(one) == _instant(other)):
        return None
    # Open: the order of source_lists, and whether a description that was never given is null or empty.
    lists = name == "source_lists" and isinstance(one, list) and isinstance(other, list)
    reordered = lists and sorted(map(repr, one)) == sorted(map(repr, other))
    never_given = name == "description" and not one and not other
    return f"/{name}", one, other, not (reordered or never_given)


def _instant(stamp: JSON) -> str:
    """Return a timestamp to the second, without its zone: zone and fraction are contested."""
    return str(stamp)[:19]


def _cache(audience: dict[str, JSON]) -> Cache:
    return Cache(audience.get("cached_size"), audience.get("cached_size_updated_at"))


def _same_cache(one: Cache, other: Cache) -> bool:
    return same([one.size, _instant(one.updated_at)], [other.size, _instant(other.updated_at)])


@dataclass(frozen=True, slots=True)
class Judged:
    """One exchange, what it shows by itself, and what it means for its audience.

    `kind`: `read`; `updated`, accepted as documented; `adopted`, accepted, and nobody knows whether it should be, or
    what it changed; `rejected`; `counted`; None for nothing. `audience` is what a success carried, None if it carried
    none. `open_at` are positions in the stored audience of which nobody says how they look.
    """

    exchange: Exchange
    case: str
    kind: Kind | None
    findings: Sequence[Finding] = ()
    audience: JSON = None
    open_at: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, JSON]:
        """The object that an update sent, empty for anything else."""
        body = self.exchange.request.json.strict
        return body if isinstance(body, dict) else {}


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

    def follow(self, judged: Judged) -> list[Finding]:
        """Judge a response by what was known before, and follow it. What it lacks or misshapes is not judged."""
        broken = [finding.rule.split(".") for finding in judged.findings if finding.verdict is Verdict.BROKEN]
        misshapen = {rule[1] for rule in broken if rule[0] == "audience"}
        if misshapen:
            shown = {name: value for name, value in judged.audience.items() if name not in misshapen}
            judged = replace(judged, audience=shown)
        found: list[Finding] = []
        match judged.kind:
            case "read":
                found += self._read(judged)
                self.audience = judged.audience
                self.unconfirmed = self.counted = False
                self.rejected.clear()
                self.touched.clear()
            case "updated":
                found += self._updated(judged)
                self._change(judged.body, judged.audience)
            case "rejected":
                self.rejected.append(judged.body)
            case "counted":
                self.counted = True
            case "adopted":
                self.adopted(judged.audience)
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

    def _updated(self, judged: Judged) -> Iterator[Finding]:
        before, after, sent = self.audience, judged.audience, judged.body
        for name in UPDATE_FIELDS:
            if name in sent and name in after:
                difference = _difference(name, sent[name], after[name], judged.open_at)
                yield self._compared(f"update.{name}", judged, difference)
        if before is None:
            return
        for name in _COMPARED:
            if name not in sent and name in before and name in after:
                difference = _difference(name, before[name], after[name])
                from_rejected = difference is not None and self._from_rejected(name, after)
                rule = "update.refused.unchanged" if from_rejected else "update.partial"
                yield self._compared(rule, judged, difference)
        yield from self._cache_after(judged, before)

    def _read(self, judged: Judged) -> list[Finding]:
        before, after = self.audience, judged.audience
        if before is None:
            return []
        found: list[Finding] = []
        for name in _COMPARED:
            difference = _difference(name, before[name], after[name]) if name in before and name in after else None
            if difference is None:
                continue
            rule = "update.refused.unchanged"
            if not self._from_rejected(name, after) and not self._only_rejected:
                # Where nothing is unconfirmed, nobody of this run changed it.
                rule, difference = "update.stored", (*difference[:3], difference[3] and self.unconfirmed)
            found.append(self._compared(rule, judged, difference))
        found += self._cache_read(judged, before)
        broken = {finding.rule for finding in found if finding.verdict is Verdict.BROKEN}
        for rule, looked in (("update.stored", self.unconfirmed), ("update.refused.unchanged", self.rejected)):
            if looked and rule not in broken:
                found.append(held(rule, judged.exchange, judged.case))
        return found

    @property
    def _only_rejected(self) -> bool:
        """Whether updates were rejected since the last read, and none was accepted."""
        return bool(self.rejected) and not self.unconfirmed

    def _from_rejected(self, name: str, audience: dict[str, JSON]) -> bool:
        """Whether a field shows what a rejected update sent."""
        return any(name in body and _difference(name, body[name], audience[name]) is None for body in self.rejected)

    def _compared(self, rule: str, judged: Judged, difference: _Difference | None) -> Finding:
        if difference is None:
            return held(rule, judged.exchange, judged.case)
        at, expected, actual, grave = difference
        return self._differs(rule, judged, Value(expected), Value(actual), at=at, grave=grave)

    def _differs(
        self, rule: str, judged: Judged, expected: Expected, actual: Actual, *, at: str = "", grave: bool = True
    ) -> Finding:
        if self.shared and rule.removeprefix("update.") not in UPDATE_FIELDS:
            grave = False  # the rule compares two responses: another writer may explain it
        return differs(rule, judged.exchange, expected, actual, at=at, case=judged.case, grave=grave)

    def _cache_after(self, judged: Judged, before: dict[str, JSON]) -> Iterator[Finding]:
        sent, after = judged.body, judged.audience
        if not all(name in after for name in _CACHE) or ("filter" in sent and "filter" not in before):
            return  # whether the filter changed cannot be told
        old, new = _cache(before), _cache(after)
        kept = _same_cache(old, new)
        changed = _difference("filter", sent["filter"], before.get("filter")) if "filter" in sent else None
        if changed is not None and changed[3]:
            # With nothing cached before, null says nothing of clearing.
            if new != _EMPTY:
                yield self._differs("update.cache.cleared", judged, _EMPTY, new)
            elif old != _EMPTY:
                yield held("update.cache.cleared", judged.exchange, judged.case)
        elif "filter" in sent or "source_lists" in sent:
            rule, what = ("cleared", "an identical filter") if "filter" in sent else ("kept", "source_lists alone")
            if not kept:
                yield self._differs(f"update.cache.{rule}", judged, Words(f"{what}: open"), new, grave=False)
        elif kept and old != _EMPTY:
            self.kept.update(sent.keys())
            yield held("update.cache.kept", judged.exchange, judged.case)
        elif old != _EMPTY:
            grave = None in (new.size, new.updated_at) or self._renews(sent, old, new)
            yield self._differs("update.cache.kept", judged, old, new, grave=grave)

    def _renews(self, sent: dict[str, JSON], old: Cache, new: Cache) -> bool:
        """Whether it is the update that filled the cache again, and not a count by somebody else in between.

        A count changes the time; and it does not come with each of three updates of a field and never without one.
        """
        self.renewed.update(sent.keys())
        same_time = new.updated_at == old.updated_at
        return same_time or any(self.renewed[name] >= 3 and not self.kept[name] for name in sent)

    def _cache_read(self, judged: Judged, before: dict[str, JSON]) -> Iterator[Finding]:
        if not all(name in before and name in judged.audience for name in _CACHE):
            return
        old, new = _cache(before), _cache(judged.audience)
        missing = None in (new.size, new.updated_at)
        if self.counted and missing:
            yield self._differs("update.cache.recounted", judged, Words("both filled by the count"), new)
        elif self.counted:
            yield held("update.cache.recounted", judged.exchange, judged.case)
        elif _same_cache(old, new):
            return
        elif old == _EMPTY:
            # The old pair again was never cleared; another one was counted by somebody else. Zero is what every filter
            # of the suite counts, and a second count within the second has the same time too.
            never = self.stale_cache is not None and _same_cache(self.stale_cache, new) and new.size != 0
            yield self._differs("update.cache.cleared", judged, old, new, grave=never or missing)
        elif missing and self._only_rejected:
            yield self._differs("update.refused.unchanged", judged, old, new)
        else:
            # Only an update of name or description alone is documented to keep it; between reads, it was somebody else.
            grave = missing and self.unconfirmed and self.touched <= {"name", "description"}
            yield self._differs("update.cache.kept", judged, old, new, grave=grave)


# Every audience of a recording -----------------------------------------------------------------------

Key = tuple[str, str]
"""Address and id of an audience."""


@dataclass
class _Followed:
    state: AudienceState
    waiting: Judged | None = None
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

    def follow(self, key: Key, judged: Judged, began: float | None, ended: float | None) -> None:
        """Take the next judged of an audience; it is judged when the one after it is known, or at the end.

        `began` and `ended` are seconds since 1970, None where nobody wrote them down.
        """
        audience = self._held.setdefault(key, _Followed(AudienceState(shared=self._shared)))
        self._held.move_to_end(key)
        audience.seen = audience.seen or judged.audience is not None
        busy = audience.busy_until
        overlaps = busy is not None and began is not None and began < busy - CLOCK
        audience.blind = audience.blind or overlaps  # of two that overlap neither is compared
        self._apply(audience)
        audience.waiting, audience.blind = judged, overlaps
        audience.busy_until = max((moment for moment in (busy, began, ended) if moment is not None), default=None)
        if len(self._held) > MOST:
            self._apply(self._held.popitem(last=False)[1])

    def finish(self) -> None:
        """Judge the events that still wait."""
        for audience in self._held.values():
            self._apply(audience)

    def _apply(self, audience: _Followed) -> None:
        judged, audience.waiting = audience.waiting, None
        if judged is not None and audience.blind:
            self.overlapping += 1
            audience.state.adopted(None)
        elif judged is not None:
            self._say(audience.state.follow(judged))
            del audience.state.rejected[:-MOST_REJECTED]
