"""Follows audiences over time: what an update must change, what it must leave, what a read must show.

Each difference is named by the one rule that it breaks. Does not judge a response's own shape (responses.py).
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Literal

from trackly_contract.contract import UPDATE_FIELDS, as_answered, filter_differences
from trackly_contract.core import JSON, Exchange, Verdict, same
from trackly_contract.judge.findings import Cache, Difference, Finding, Look, Value, Words, as_findings

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


def _difference(name: str, one: JSON, other: JSON, open_at: Collection[str] = ()) -> Difference | None:
    """Return the gravest difference of one field, the first of several, None if it is the same.

    At the positions `open_at`, and below them, a difference is not grave.
    """
    if name == "filter":
        below = tuple(f"{position}/" for position in open_at)
        found = (
            (f"/filter{path}", Value(left), Value(right), grave and not f"/filter{path}/".startswith(below))
            for path, left, right, grave in filter_differences(as_answered(one), other)
        )
        return max(found, key=itemgetter(3), default=None)
    if same(one, other) or (name == "created_at" and _instant(one) == _instant(other)):
        return None
    # Open: the order of source_lists, and whether a description that was never given is null or empty.
    lists = name == "source_lists" and isinstance(one, list) and isinstance(other, list)
    reordered = lists and sorted(map(repr, one)) == sorted(map(repr, other))
    never_given = name == "description" and not one and not other
    return f"/{name}", Value(one), Value(other), not (reordered or never_given)


def differs(name: str, one: JSON, other: JSON) -> bool:
    """Whether two values of a field of UPDATE_FIELDS differ by more than the documentation leaves open."""
    difference = _difference(name, one, other)
    return difference is not None and difference[3]


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

    def copy(self) -> "AudienceState":
        """Return a state that can be followed on its own."""
        return replace(
            self,
            touched={*self.touched},
            renewed=Counter(self.renewed),
            kept=Counter(self.kept),
            rejected=[*self.rejected],
        )

    def follow(self, judged: Judged) -> list[Finding]:
        """Judge a response by what was known before, and follow it. What it lacks or misshapes is not judged."""
        broken = [finding.rule.split(".") for finding in judged.findings if finding.verdict is Verdict.BROKEN]
        misshapen = {rule[1] for rule in broken if rule[0] == "audience"}
        audience, sent, found = judged.audience, judged.exchange.request.json.fields, list[Finding]()
        if misshapen:
            audience = {name: value for name, value in audience.items() if name not in misshapen}
        match judged.kind:
            case "read":
                found += self._read(judged, audience)
                self.audience = audience
                self.unconfirmed = self.counted = False
                self.rejected.clear()
                self.touched.clear()
            case "updated":
                found += self._found(judged, self._updated(sent, audience, judged.open_at))
                self._change(sent, audience)
            case "rejected":
                self.rejected.append(sent)
            case "counted":
                self.counted = True
            case "adopted":
                self.adopted(audience)
        return found

    def _found(self, judged: Judged, looks: Iterable[Look]) -> list[Finding]:
        if self.shared:  # another writer may explain what differs between two responses
            alone = {f"update.{name}" for name in UPDATE_FIELDS}
            looks = [(rule, seen and (*seen[:3], seen[3] and rule in alone)) for rule, seen in looks]
        return as_findings(looks, judged.exchange, judged.case)

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

    def _updated(self, sent: dict[str, JSON], after: dict[str, JSON], open_at: Collection[str]) -> Iterator[Look]:
        before = self.audience
        for name in UPDATE_FIELDS:
            if name in sent and name in after:
                yield f"update.{name}", _difference(name, sent[name], after[name], open_at)
        if before is None:
            return
        for name in _COMPARED:
            if name not in sent and name in before and name in after:
                difference = _difference(name, before[name], after[name])
                from_rejected = difference is not None and self._from_rejected(name, after)
                yield "update.refused.unchanged" if from_rejected else "update.partial", difference
        yield from self._cache_after(sent, before, after)

    def _read(self, judged: Judged, after: dict[str, JSON]) -> list[Finding]:
        before = self.audience
        if before is None:
            return []
        looks: list[Look] = []
        for name in _COMPARED:
            difference = _difference(name, before[name], after[name]) if name in before and name in after else None
            if difference is None:
                continue
            if self._from_rejected(name, after) or self._only_rejected:
                looks.append(("update.refused.unchanged", difference))
            else:
                # Where nothing is unconfirmed, nobody of this run changed it.
                looks.append(("update.stored", (*difference[:3], difference[3] and self.unconfirmed)))
        found = self._found(judged, [*looks, *self._cache_read(before, after)])
        broken = {finding.rule for finding in found if finding.verdict is Verdict.BROKEN}
        looked = {"update.stored": self.unconfirmed, "update.refused.unchanged": bool(self.rejected)}
        return found + self._found(judged, [(rule, None) for rule in looked if looked[rule] and rule not in broken])

    @property
    def _only_rejected(self) -> bool:
        """Whether updates were rejected since the last read, and none was accepted."""
        return bool(self.rejected) and not self.unconfirmed

    def _from_rejected(self, name: str, audience: dict[str, JSON]) -> bool:
        """Whether a field shows what a rejected update sent."""
        return any(name in body and _difference(name, body[name], audience[name]) is None for body in self.rejected)

    def _cache_after(self, sent: dict[str, JSON], before: dict[str, JSON], after: dict[str, JSON]) -> Iterator[Look]:
        if not all(name in after for name in _CACHE) or ("filter" in sent and "filter" not in before):
            return  # whether the filter changed cannot be told
        old, new = _cache(before), _cache(after)
        kept = _same_cache(old, new)
        changed = _difference("filter", sent["filter"], before.get("filter")) if "filter" in sent else None
        if changed is not None and changed[3]:
            # With nothing cached before, null says nothing of clearing.
            if new != _EMPTY:
                yield "update.cache.cleared", ("", _EMPTY, new, True)
            elif old != _EMPTY:
                yield "update.cache.cleared", None
        elif "filter" in sent or "source_lists" in sent:
            rule, what = ("cleared", "an identical filter") if "filter" in sent else ("kept", "source_lists alone")
            if not kept:
                yield f"update.cache.{rule}", ("", Words(f"{what}: open"), new, False)
        elif kept and old != _EMPTY:
            self.kept.update(sent.keys())
            yield "update.cache.kept", None
        elif old != _EMPTY:
            if None not in (new.size, new.updated_at):
                self.renewed.update(sent.keys())
            # A count by somebody else in between changes the time; and it does not come with each of three updates of a
            # field and never without one.
            renews = any(self.renewed[name] >= 3 and not self.kept[name] for name in sent)
            same_time = new.updated_at == old.updated_at
            yield "update.cache.kept", ("", old, new, None in (new.size, new.updated_at) or same_time or renews)

    def _cache_read(self, before: dict[str, JSON], after: dict[str, JSON]) -> Iterator[Look]:
        if not all(name in before and name in after for name in _CACHE):
            return
        old, new = _cache(before), _cache(after)
        missing = None in (new.size, new.updated_at)
        if self.counted:
            filled = Words("both filled by the count")
            yield "update.cache.recounted", ("", filled, new, True) if missing else None
        elif _same_cache(old, new):
            return
        elif old == _EMPTY:
            # The old pair again was never cleared; another one was counted by somebody else. Zero is what every filter
            # of the suite counts, and a second count within the second has the same time too.
            never = self.stale_cache is not None and _same_cache(self.stale_cache, new) and new.size != 0
            yield "update.cache.cleared", ("", old, new, never or missing)
        elif missing and self._only_rejected:
            yield "update.refused.unchanged", ("", old, new, True)
        else:
            # Only an update of name or description alone is documented to keep it; between reads, it was somebody else.
            grave = missing and self.unconfirmed and self.touched <= {"name", "description"}
            yield "update.cache.kept", ("", old, new, grave)


# Every audience of a recording -----------------------------------------------------------------------

Key = tuple[str, str]
"""Address and id of an audience."""


@dataclass
class _Followed(AudienceState):
    waiting: Judged | None = None
    blind: bool = False
    busy_until: float | None = None
    seen: bool = False


@dataclass
class Audiences:
    """All audiences of a recording, each in the order of its exchanges as far as that is known.

    Responses that overlapped in time are not compared with one another; `overlapping` counts them. With `shared` others
    change the audiences too: what another writer may explain is noted.
    """

    shared: bool = False
    overlapping: int = 0
    _held: OrderedDict[Key, _Followed] = field(default_factory=OrderedDict)

    def knows(self, key: Key) -> bool:
        """Whether a response has shown the audience before."""
        return key in self._held and self._held[key].seen

    def follow(self, key: Key, judged: Judged, began: float | None, ended: float | None) -> list[Finding]:
        """Take the next response of an audience, and judge the one before it: an overlap concerns both.

        `began` and `ended` are seconds since 1970, None where nobody wrote them down.
        """
        audience = self._held.setdefault(key, _Followed(shared=self.shared))
        self._held.move_to_end(key)
        audience.seen = audience.seen or judged.audience is not None
        busy = audience.busy_until
        overlaps = busy is not None and began is not None and began < busy - CLOCK
        audience.blind = audience.blind or overlaps
        found = self._apply(audience)
        audience.waiting, audience.blind = judged, overlaps
        audience.busy_until = max((moment for moment in (busy, began, ended) if moment is not None), default=None)
        return found + self._apply(self._held.popitem(last=False)[1]) if len(self._held) > MOST else found

    def finish(self) -> list[Finding]:
        """Judge the responses that still wait for the next."""
        return [finding for audience in self._held.values() for finding in self._apply(audience)]

    def _apply(self, audience: _Followed) -> list[Finding]:
        judged, audience.waiting = audience.waiting, None
        if judged is None:
            return []
        if audience.blind:
            self.overlapping += 1
            audience.adopted(None)
            return []
        found = audience.follow(judged)
        del audience.rejected[:-MOST_REJECTED]
        return found
