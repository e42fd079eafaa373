"""Follows one audience through a run: what an update must change, what it must leave, what a read must show.

Promises: each difference is named by the rule it breaks, and by that alone; what the documentation leaves open
(the cache after new source_lists or an identical filter, a recount by somebody else) is noted at most.
Refuses: to judge an answer's own shape (judge.py), to send anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import as_answered, filter_differences
from trackly_contract.core import JSON, Finding, Verdict, same, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.core import Exchange

BODY_FIELDS = ("name", "description", "source_lists", "filter")
_FIXED = ("id", "status", "created_at")
_CACHE = ("cached_size", "cached_size_updated_at")


def _cache(audience: dict[str, JSON]) -> tuple[JSON, JSON]:
    return audience.get("cached_size"), audience.get("cached_size_updated_at")


def _difference(name: str, one: JSON, other: JSON) -> tuple[str, str, bool] | None:
    """Return `(expected, got, grave)` for one member, None if it is the same."""
    if name == "filter":
        worst: tuple[str, str, bool] | None = None
        for place, left, right, grave in filter_differences(as_answered(one), other):
            if worst is None or (grave and not worst[2]):
                worst = (f"/filter{place}: {show(left, 120)}", f"/filter{place}: {show(right, 120)}", grave)
            if grave:
                break
        return worst
    if same(one, other) or (name == "created_at" and _instant(one) == _instant(other)):
        return None
    # Open: the order of source_lists, and whether a description that was never given is null or empty.
    reordered = name == "source_lists" and _sorted(one) is not None and _sorted(one) == _sorted(other)
    never_given = name == "description" and {one or None, other or None} == {None}
    return f"/{name}: {show(one, 120)}", f"/{name}: {show(other, 120)}", not (reordered or never_given)


def _sorted(lists: JSON) -> list[int] | None:
    whole = isinstance(lists, list) and all(type(entry) is int for entry in lists)
    return sorted(lists) if whole else None


def _instant(stamp: JSON) -> str:
    """Return a timestamp to the second, without its zone: zone and fraction are contested."""
    return str(stamp)[:19]


@dataclass
class AudienceState:
    """The audience as the last answer showed it, and what happened since a read last confirmed it."""

    audience: dict[str, JSON] | None = None
    unconfirmed: bool = False
    touched: set[str] = field(default_factory=set)
    renewed: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    counted: bool = False
    stale_cache: tuple[JSON, JSON] | None = None
    refused: list[dict[str, JSON]] = field(default_factory=list)

    def updated(
        self, exchange: Exchange, body: dict[str, JSON], audience: dict[str, JSON], case: str = ""
    ) -> list[Finding]:
        """Judge an accepted update by what was known before, and follow it.

        `body` is what was sent, `audience` what the answer carried; members that the answer lacks are left to
        the rules about its shape.
        """
        before = self.audience
        found = [
            self._compared(exchange, f"update.{name}", name, body[name], audience, case)
            for name in BODY_FIELDS
            if name in body and name in audience
        ]
        if before is not None:
            unsent = [
                self._compared(exchange, self._blamed(name, audience), name, before[name], audience, case)
                for name in (*BODY_FIELDS, *_FIXED)
                if name not in body and name in before and name in audience
            ]
            found.extend(unsent)
            found.extend(self._cache_after(exchange, body, before, audience, case))
        self.touched.update(body)
        self._follow(audience)
        return found

    def adopted(self, audience: dict[str, JSON] | None) -> None:
        """Follow an answer without judging it: an acceptance that nobody expected."""
        self.touched.update(BODY_FIELDS)
        self._follow(audience)

    def was_refused(self, body: dict[str, JSON]) -> None:
        """Remember that an update was refused: the next read must show nothing of it."""
        self.refused.append(body)

    def was_counted(self) -> None:
        """Remember that the size was counted: the next read must show it."""
        self.counted = True

    def _follow(self, audience: dict[str, JSON] | None) -> None:
        if self.audience is not None and _cache(self.audience) != (None, None):
            self.stale_cache = _cache(self.audience)
        self.audience = audience
        self.unconfirmed = True
        self.counted = False

    def _blamed(self, name: str, audience: dict[str, JSON]) -> str:
        """Return the rule that a member breaks which an update did not send, and which changed all the same."""
        refused = any(name in body and _difference(name, body[name], audience[name]) is None for body in self.refused)
        changed = self.audience is not None and _difference(name, self.audience.get(name), audience[name]) is not None
        return "update.refused.unchanged" if refused and changed else "update.partial"

    def _compared(
        self, exchange: Exchange, rule: str, name: str, expected: JSON, audience: dict[str, JSON], case: str
    ) -> Finding:
        difference = _difference(name, expected, audience[name])
        if difference is None:
            return Finding(rule, Verdict.HELD, exchange, case=case)
        wanted, got, grave = difference
        return Finding(rule, Verdict.BROKEN if grave else Verdict.NOTED, exchange, wanted, got, case)

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
        got = f"cached_size {show(new[0])}, cached_size_updated_at {show(new[1], 40)}"
        if "filter" in body:
            changed = _difference("filter", body["filter"], before.get("filter"))
            if changed is not None and changed[2]:
                cleared = new == (None, None)
                verdict = Verdict.HELD if cleared else Verdict.BROKEN
                # With nothing cached before, null says nothing of clearing.
                if not cleared or old != (None, None):
                    yield Finding("update.cache.cleared", verdict, exchange, "both null", got, case)
            elif not _same_cache(old, new):
                yield Finding("update.cache.cleared", Verdict.NOTED, exchange, "an identical filter: open", got, case)
        elif "source_lists" in body:
            if not _same_cache(old, new):
                yield Finding("update.cache.kept", Verdict.NOTED, exchange, "source_lists alone: open", got, case)
        elif old != (None, None):
            kept = _same_cache(old, new)
            expected = f"cached_size {show(old[0])}, cached_size_updated_at {show(old[1], 40)}"
            if kept:
                verdict = Verdict.HELD
                self.kept.update(body.keys())
            else:
                verdict = Verdict.BROKEN if None in new or self._renews(body, old, new) else Verdict.NOTED
            yield Finding("update.cache.kept", verdict, exchange, expected, got, case)

    def _renews(self, body: dict[str, JSON], old: tuple[JSON, JSON], new: tuple[JSON, JSON]) -> bool:
        """Whether it is the update that filled the cache anew, and not a count by somebody else in between.

        A count moves the time; and it does not come with each of three updates of a member and never without one.
        """
        self.renewed.update(body.keys())
        return new[1] == old[1] or any(self.renewed[name] >= 3 and not self.kept[name] for name in body)

    def read(self, exchange: Exchange, audience: dict[str, JSON], case: str = "") -> list[Finding]:
        """Judge what a GET shows by what the last answers said, and follow it."""
        found: list[Finding] = []
        if self.audience is not None:
            for name in (*BODY_FIELDS, *_FIXED):
                if name in self.audience and name in audience:
                    difference = _difference(name, self.audience[name], audience[name])
                    if difference is not None:
                        found.append(self._moved(exchange, name, difference, audience, case))
            found.extend(self._cache_read(exchange, audience, case))
            broken = {finding.rule for finding in found if finding.verdict is Verdict.BROKEN}
            if self.unconfirmed and "update.stored" not in broken:
                found.append(Finding("update.stored", Verdict.HELD, exchange, case=case))
            if self.refused and "update.refused.unchanged" not in broken:
                found.append(Finding("update.refused.unchanged", Verdict.HELD, exchange, case=case))
        self.audience = audience
        self.unconfirmed = self.counted = False
        self.refused.clear()
        self.touched.clear()
        return found

    def _moved(
        self,
        exchange: Exchange,
        name: str,
        difference: tuple[str, str, bool],
        audience: dict[str, JSON],
        case: str,
    ) -> Finding:
        expected, got, grave = difference
        verdict = Verdict.BROKEN if grave else Verdict.NOTED
        from_refused = any(
            name in body and _difference(name, body[name], audience[name]) is None for body in self.refused
        )
        if from_refused or (self.refused and not self.unconfirmed):
            return Finding("update.refused.unchanged", verdict, exchange, expected, got, case)
        if not self.unconfirmed:
            verdict = Verdict.NOTED  # nobody of this run changed it
        return Finding("update.stored", verdict, exchange, expected, got, case)

    def _cache_read(self, exchange: Exchange, audience: dict[str, JSON], case: str) -> Iterator[Finding]:
        known: dict[str, Any] = self.audience or {}
        if not all(name in known and name in audience for name in _CACHE):
            return
        old, new = _cache(known), _cache(audience)
        got = f"cached_size {show(new[0])}, cached_size_updated_at {show(new[1], 40)}"
        expected = f"cached_size {show(old[0])}, cached_size_updated_at {show(old[1], 40)}"

        def said(rule: str, verdict: Verdict) -> Finding:
            return Finding(rule, verdict, exchange, expected, got, case)

        if self.counted:
            filled = None not in new
            yield Finding(
                "update.cache.recounted",
                Verdict.HELD if filled else Verdict.BROKEN,
                exchange,
                "both filled by the count",
                got,
                case,
            )
        elif _same_cache(old, new):
            return
        elif old == (None, None):
            # The old pair again was never cleared; another one was counted by somebody else. Nought is what every
            # filter of the suite counts, and a second count within the second has the same time too.
            never = self.stale_cache is not None and _same_cache(self.stale_cache, new) and new[0] != 0
            yield said("update.cache.cleared", Verdict.BROKEN if never or None in new else Verdict.NOTED)
        elif None not in new:
            yield said("update.cache.kept", Verdict.NOTED)
        elif self.refused and not self.unconfirmed:
            yield said("update.refused.unchanged", Verdict.BROKEN)
        else:
            # Only an update of name or description alone is documented to keep it; between reads, it was somebody else.
            due = self.unconfirmed and self.touched <= {"name", "description"}
            yield said("update.cache.kept", Verdict.BROKEN if due else Verdict.NOTED)


def _same_cache(one: tuple[JSON, JSON], other: tuple[JSON, JSON]) -> bool:
    return same([one[0], _instant(one[1])], [other[0], _instant(other[1])])
