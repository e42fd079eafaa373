"""Follows one audience: what an update must change, what it must leave, what a read must show.

Each difference is named by the rule it breaks, and by that alone. What the documentation leaves open (the cache after
new source_lists or an identical filter, a recount by somebody else) is noted at most. Does not judge a response's own
shape (responses.py).
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from trackly_contract.contract import as_answered, filter_differences
from trackly_contract.core import JSON, Exchange, Verdict, same
from trackly_contract.judge.findings import Cache, Finding, Value, Words, differs, held

BODY_FIELDS = ("name", "description", "source_lists", "filter")
_FIXED = ("id", "status", "created_at")
_CACHE = ("cached_size", "cached_size_updated_at")
_EMPTY = Cache(None, None)

Kind = Literal["read", "updated", "adopted", "rejected", "counted", "unknown"]

BETWEEN = frozenset({"update.partial", "update.stored", "update.refused.unchanged"})
"""Rules that compare a response with an earlier one, beside those of the cache: another writer may explain them."""


def _cache(audience: dict[str, JSON]) -> Cache:
    return Cache(audience.get("cached_size"), audience.get("cached_size_updated_at"))


class _Difference(NamedTuple):
    """Where two values differ, both sides, and whether the documentation leaves it open."""

    at: str
    expected: JSON
    actual: JSON
    grave: bool


def _difference(name: str, one: JSON, other: JSON, open_at: Collection[str] = ()) -> _Difference | None:
    """Return the gravest difference of one field, None if it is the same.

    At the positions `open_at`, and below them, a difference is not grave.
    """
    if name == "filter":
        worst: _Difference | None = None
        for place, left, right, grave in filter_differences(as_answered(one), other):
            at = f"/filter{place}"
            found = _Difference(at, left, right, grave and not any(f"{at}/".startswith(f"{p}/") for p in open_at))
            if worst is None or (found.grave and not worst.grave):
                worst = found
            if found.grave:
                break
        return worst
    if same(one, other) or (name == "created_at" and _instant(one) == _instant(other)):
        return None
    # Open: the order of source_lists, and whether a description that was never given is null or empty.
    reordered = name == "source_lists" and _sorted(one) is not None and _sorted(one) == _sorted(other)
    never_given = name == "description" and {one or None, other or None} == {None}
    return _Difference(f"/{name}", one, other, not (reordered or never_given))


def _sorted(lists: JSON) -> list[int] | None:
    whole = isinstance(lists, list) and all(type(entry) is int for entry in lists)
    return sorted(lists) if whole else None


def _instant(stamp: JSON) -> str:
    """Return a timestamp to the second, without its zone: zone and fraction are contested."""
    return str(stamp)[:19]


@dataclass(frozen=True, slots=True)
class Event:
    """What one exchange means for its audience.

    `kind`: `read`; `updated`, accepted as documented; `adopted`, accepted, and nobody knows whether it should be;
    `rejected`; `counted`; `unknown`, what was changed cannot be seen. `body` is what an update sent, `audience` what
    a success showed. `open_at` as in `AudienceState.updated`.
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

    `shared`: others change the audience too, so a difference between two responses is noted at most.
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

    # What happens ------------------------------------------------------------------------------------

    def follow(self, event: Event) -> list[Finding]:
        """Judge an event by what was known before, and follow it."""
        match event.kind:
            case "read":
                return self.read(event.exchange, event.audience, event.case)
            case "updated":
                return self.updated(event.exchange, event.body, event.audience, event.case, event.open_at)
            case "rejected":
                self.was_rejected(event.body)
            case "counted":
                self.was_counted()
            case _:
                self.adopted(event.audience)
        return []

    def updated(
        self,
        exchange: Exchange,
        body: dict[str, JSON],
        audience: dict[str, JSON],
        case: str = "",
        open_at: Collection[str] = (),
    ) -> list[Finding]:
        """Judge an accepted update by what was known before, and follow it.

        `body` is what was sent, `audience` what the response carried; fields that the response lacks are left to the
        rules about its shape. `open_at` are positions in the stored audience of which nobody says how they look.
        """
        before = self.audience
        found = [
            self._compared(exchange, f"update.{name}", _difference(name, body[name], audience[name], open_at), case)
            for name in BODY_FIELDS
            if name in body and name in audience
        ]
        if before is not None:
            for name in (*BODY_FIELDS, *_FIXED):
                if name not in body and name in before and name in audience:
                    difference = _difference(name, before[name], audience[name])
                    found.append(self._compared(exchange, self._blamed(name, audience), difference, case))
            found.extend(self._cache_after(exchange, body, before, audience, case))
        self.touched.update(body)
        self._follow(audience)
        return found

    def adopted(self, audience: JSON) -> None:
        """Follow a success without judging it; what is not a whole audience leaves the state unknown."""
        whole = isinstance(audience, dict) and all(name in audience for name in BODY_FIELDS)
        self.touched.update(BODY_FIELDS)
        self._follow(audience if whole else None)

    def was_rejected(self, body: dict[str, JSON]) -> None:
        """Remember that an update was rejected: the next read must show nothing of it."""
        self.rejected.append(body)

    def was_counted(self) -> None:
        """Remember that the size was counted: the next read must show it."""
        self.counted = True

    def read(self, exchange: Exchange, audience: dict[str, JSON], case: str = "") -> list[Finding]:
        """Judge what a GET shows by what the last responses said, and follow it."""
        found: list[Finding] = []
        if self.audience is not None:
            for name in (*BODY_FIELDS, *_FIXED):
                if name in self.audience and name in audience:
                    difference = _difference(name, self.audience[name], audience[name])
                    if difference is not None:
                        found.append(self._changed(exchange, name, difference, audience, case))
            found.extend(self._cache_read(exchange, audience, case))
            broken = {finding.rule for finding in found if finding.verdict is Verdict.BROKEN}
            if self.unconfirmed and "update.stored" not in broken:
                found.append(held("update.stored", exchange, case))
            if self.rejected and "update.refused.unchanged" not in broken:
                found.append(held("update.refused.unchanged", exchange, case))
        self.audience = audience
        self.unconfirmed = self.counted = False
        self.rejected.clear()
        self.touched.clear()
        return found

    # How it is judged --------------------------------------------------------------------------------

    def _follow(self, audience: dict[str, JSON] | None) -> None:
        if self.audience is not None and _cache(self.audience) != _EMPTY:
            self.stale_cache = _cache(self.audience)
        self.audience = audience
        self.unconfirmed = True
        self.counted = False

    def _differs(
        self,
        rule: str,
        exchange: Exchange,
        expected: Value | Cache | Words,
        actual: Value | Cache,
        *,
        case: str,
        grave: bool = True,
        at: str = "",
    ) -> Finding:
        between = rule in BETWEEN or rule.startswith("update.cache.")
        return differs(
            rule, exchange, expected, actual, at=at, case=case, grave=grave and not (self.shared and between)
        )

    def _from_rejected(self, name: str, audience: dict[str, JSON]) -> bool:
        """Whether a field shows what a rejected update sent."""
        return any(name in body and _difference(name, body[name], audience[name]) is None for body in self.rejected)

    def _blamed(self, name: str, audience: dict[str, JSON]) -> str:
        """Return the rule that a field breaks which an update did not send, and which changed all the same."""
        changed = self.audience is not None and _difference(name, self.audience.get(name), audience[name]) is not None
        return "update.refused.unchanged" if changed and self._from_rejected(name, audience) else "update.partial"

    def _compared(self, exchange: Exchange, rule: str, difference: _Difference | None, case: str) -> Finding:
        if difference is None:
            return held(rule, exchange, case)
        at, expected, actual, grave = difference
        return self._differs(rule, exchange, Value(expected), Value(actual), at=at, case=case, grave=grave)

    def _cache_after(
        self,
        exchange: Exchange,
        body: dict[str, JSON],
        before: dict[str, JSON],
        after: dict[str, JSON],
        case: str,
    ) -> Iterator[Finding]:
        if not all(name in after for name in _CACHE) or ("filter" in body and "filter" not in before):
            return  # whether the filter changed cannot be told
        old, new = _cache(before), _cache(after)
        kept = _same_cache(old, new)
        changed = _difference("filter", body["filter"], before.get("filter")) if "filter" in body else None
        if changed is not None and changed.grave:
            # With nothing cached before, null says nothing of clearing.
            if new != _EMPTY:
                yield self._differs("update.cache.cleared", exchange, _EMPTY, new, case=case)
            elif old != _EMPTY:
                yield held("update.cache.cleared", exchange, case)
        elif "filter" in body or "source_lists" in body:
            rule, what = ("cleared", "an identical filter") if "filter" in body else ("kept", "source_lists alone")
            expected = Words(f"{what}: open")
            if not kept:
                yield self._differs(f"update.cache.{rule}", exchange, expected, new, case=case, grave=False)
        elif kept and old != _EMPTY:
            self.kept.update(body.keys())
            yield held("update.cache.kept", exchange, case)
        elif old != _EMPTY:
            grave = None in (new.size, new.updated_at) or self._renews(body, old, new)
            yield self._differs("update.cache.kept", exchange, old, new, case=case, grave=grave)

    def _renews(self, body: dict[str, JSON], old: Cache, new: Cache) -> bool:
        """Whether it is the update that filled the cache again, and not a count by somebody else in between.

        A count changes the time; and it does not come with each of three updates of a field and never without one.
        """
        self.renewed.update(body.keys())
        same_time = new.updated_at == old.updated_at
        return same_time or any(self.renewed[name] >= 3 and not self.kept[name] for name in body)

    def _changed(
        self, exchange: Exchange, name: str, difference: _Difference, audience: dict[str, JSON], case: str
    ) -> Finding:
        if self._from_rejected(name, audience) or (self.rejected and not self.unconfirmed):
            return self._compared(exchange, "update.refused.unchanged", difference, case)
        # Where nothing is unconfirmed, nobody of this run changed it.
        return self._compared(
            exchange, "update.stored", difference._replace(grave=difference.grave and self.unconfirmed), case
        )

    def _cache_read(self, exchange: Exchange, audience: dict[str, JSON], case: str) -> Iterator[Finding]:
        known = self.audience or {}
        if not all(name in known and name in audience for name in _CACHE):
            return
        old, new = _cache(known), _cache(audience)
        missing = None in (new.size, new.updated_at)

        def other(rule: str, *, grave: bool) -> Finding:
            return self._differs(rule, exchange, old, new, case=case, grave=grave)

        if self.counted:
            filled = Words("both filled by the count")
            rule = "update.cache.recounted"
            yield self._differs(rule, exchange, filled, new, case=case) if missing else held(rule, exchange, case)
        elif _same_cache(old, new):
            return
        elif old == _EMPTY:
            # The old pair again was never cleared; another one was counted by somebody else. Zero is what every filter
            # of the suite counts, and a second count within the second has the same time too.
            never = self.stale_cache is not None and _same_cache(self.stale_cache, new) and new.size != 0
            yield other("update.cache.cleared", grave=never or missing)
        elif not missing:
            yield other("update.cache.kept", grave=False)
        elif self.rejected and not self.unconfirmed:
            yield other("update.refused.unchanged", grave=True)
        else:
            # Only an update of name or description alone is documented to keep it; between reads, it was somebody else.
            yield other("update.cache.kept", grave=self.unconfirmed and self.touched <= {"name", "description"})


def _same_cache(one: Cache, other: Cache) -> bool:
    return same([one.size, _instant(one.updated_at)], [other.size, _instant(other.updated_at)])
