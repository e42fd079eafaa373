"""Hypothesis strategies for what is refused: for each error code of the table, bodies with exactly that one fault.

Promises: an example carries its code, the place of its fault and its accepted twin, which differs by one edit; the
fault stands at any depth, in any position, under AND or OR, beside other members; examples shrink to the smallest body.
Refuses: codes that no body of an update provokes (unauthorized, not_found).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from trackly_contract.contract import DEEPEST, contract
from trackly_contract.generate.valid import (
    LISTY,
    Body,
    Condition,
    EmptyVocabularyError,
    Filter,
    checked_depth,
    conditions,
    depths,
    names,
    needed,
    source_lists,
    sparse,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from trackly_contract.contract import Vocabulary
    from trackly_contract.core import JSON

    _Fragment = tuple[dict[str, JSON], dict[str, JSON], str]

UNKNOWN_LISTS = st.integers(2_000_000_000, 2_147_483_647)
"""Ids that no sending list has."""


@dataclass(frozen=True)
class Broken:
    """A body (or filter) with one fault: its code, the place of the edit (JSON Pointer), its accepted twin."""

    body: dict[str, JSON]
    code: str
    place: str
    twin: dict[str, JSON]


@dataclass(frozen=True)
class _Edit:
    """How a fragment is broken: `member` of a condition of a type (None: of a group) is removed or replaced."""

    kind: str | None
    member: str
    remove: bool = False

    def fits(self, condition: Condition) -> bool:
        """Whether an accepted condition can be broken so, with no other fault and nothing left open."""
        if self.member not in condition:
            return False
        # What values fit an unknown token is open, save the plainest.
        value = condition.get("value")
        if self.member == "operator":
            return "value" in condition and not isinstance(value, list)
        return not (self.member == "field" and isinstance(value, bool))


_EDITS: dict[str, tuple[_Edit, ...]] = {
    "invalid_group_operator": (_Edit(None, "operator"),),
    "empty_filter_group": (_Edit(None, "conditions", remove=True),),
    "invalid_condition_type": tuple(_Edit(kind, "condition_type") for kind in ("time", "count")),
    "invalid_time_field": (_Edit("time", "field"),),
    "invalid_time_operator": (_Edit("time", "operator"),),
    "invalid_time_unit": (_Edit("time", "unit"),),
    "missing_time_value": tuple(_Edit("time", member, remove=True) for member in ("value", "unit")),
    "invalid_count_field": (_Edit("count", "field"),),
    "invalid_count_operator": (_Edit("count", "operator"),),
    "missing_count_value": (_Edit("count", "value", remove=True),),
    "missing_custom_field_name": (_Edit("custom_field", "field", remove=True),),
    "invalid_revenue_field": (_Edit("revenue", "field"),),
}
for _kind in ("custom_field", "carrier", "timezone", "revenue"):
    _EDITS[f"invalid_{_kind}_operator"] = (_Edit(_kind, "operator"),)
    _EDITS[f"missing_{_kind}_value"] = (_Edit(_kind, "value", remove=True),)

FILTER_CODES = tuple(_EDITS)
"""The 20 codes of a fault in a filter."""

CODES = ("name_too_long", "source_list_not_found", *FILTER_CODES)
"""The 22 codes that the body of an update can be refused with."""


def _implausible() -> SearchStrategy[str]:
    return st.one_of(st.just("zz_no_such_token"), st.text("abcxyz_0", max_size=8).map(lambda tail: f"zz_{tail}"))


def _wrong(edit: _Edit) -> SearchStrategy[str]:
    """Return tokens that are refused in place of a documented one."""
    if edit.member == "operator" and edit.kind is None:
        return st.one_of(_implausible(), st.sampled_from(("XOR", "NOT", "NAND", "NOR", "ANY", "ALL")))
    if edit.member == "unit":
        return st.one_of(_implausible(), st.sampled_from(("weeks", "months", "years", "seconds", "day", "d")))
    return _implausible()


def _group_fragments(edit: _Edit, vocabulary: Vocabulary) -> SearchStrategy[_Fragment]:
    parts = conditions(vocabulary=vocabulary)

    @st.composite
    def made(draw: DrawFn) -> _Fragment:
        twin: dict[str, Any] = {"operator": draw(st.sampled_from(("AND", "OR")))}
        twin["conditions"] = draw(st.lists(parts, min_size=1, max_size=1 if edit.remove else 3))
        if draw(st.booleans()):
            twin["groups"] = []
        if not edit.remove:
            return {**twin, edit.member: draw(_wrong(edit))}, twin, edit.member
        if draw(st.booleans()):
            return {**twin, "conditions": []}, twin, "conditions/0"
        return {key: value for key, value in twin.items() if key != "conditions"}, twin, "conditions"

    return made()


def _condition_fragments(kind: str, edit: _Edit, vocabulary: Vocabulary) -> SearchStrategy[_Fragment]:
    _checked(kind, edit, vocabulary)
    good = conditions(kind, vocabulary=vocabulary).filter(edit.fits)

    @st.composite
    def made(draw: DrawFn) -> _Fragment:
        twin = draw(good)
        if edit.remove:
            return {key: value for key, value in twin.items() if key != edit.member}, twin, edit.member
        return {**twin, edit.member: draw(_wrong(edit))}, twin, edit.member

    return made()


def _checked(kind: str, edit: _Edit, vocabulary: Vocabulary) -> None:
    """Raise EmptyVocabularyError where no accepted condition of a type could be broken so."""
    if edit.member in ("value", "unit"):
        needed(vocabulary, f"{kind}.operator", needs=edit.member)
    elif edit.member == "operator" and set(needed(vocabulary, f"{kind}.operator", needs="value")) <= set(LISTY):
        raise EmptyVocabularyError(f"the vocabulary has no {kind}.operator that needs one plain value")
    elif edit.member == "field" and kind == "revenue" and set(needed(vocabulary, "revenue.field")) == {"has_revenue"}:
        raise EmptyVocabularyError("the vocabulary has no revenue.field besides has_revenue, whose value is no amount")


def _fragments(code: str, vocabulary: Vocabulary) -> SearchStrategy[_Fragment]:
    """Return faulty conditions or groups, each with its accepted twin and the member that differs."""
    return st.one_of(
        [
            _group_fragments(edit, vocabulary)
            if edit.kind is None
            else _condition_fragments(edit.kind, edit, vocabulary)
            for edit in _EDITS[code]
        ]
    )


def broken_filters(
    code: str, *, vocabulary: Vocabulary | None = None, deepest: int = DEEPEST
) -> SearchStrategy[Broken]:
    """Return filters with exactly one fault, of `code`, anywhere in them.

    Raises ValueError for a code that no filter is refused with, EmptyVocabularyError for a vocabulary that lacks the
    token it takes.
    """
    if code not in _EDITS:
        raise ValueError(f"{code!r} is no code of a filter; there are {', '.join(FILTER_CODES)}")
    checked_depth(deepest)
    tokens = vocabulary or contract().vocabulary
    return _broken_filters(code, _fragments(code, tokens), conditions(vocabulary=tokens), deepest)


@st.composite
def _broken_filters(
    draw: DrawFn,
    code: str,
    fragments: SearchStrategy[_Fragment],
    parts: SearchStrategy[Condition],
    deepest: int,
) -> Broken:
    broken, twin, member = draw(fragments)
    place = ""
    if "condition_type" in twin:
        broken, twin, place = draw(_held(broken, twin, parts))
    levels = draw(depths(deepest)) - 1
    for _ in range(levels):
        if draw(sparse(levels)):
            operator = draw(st.sampled_from(("AND", "OR")))
            broken, twin = ({"operator": operator, "groups": [one]} for one in (broken, twin))
            place = f"/groups/0{place}"
        else:
            broken, twin, place = draw(_wrapped(broken, twin, place, parts))
    return Broken(broken, code, f"{place}/{member}", twin)


@st.composite
def _held(draw: DrawFn, faulty: Condition, good: Condition, parts: SearchStrategy[Condition]) -> tuple[Any, Any, str]:
    """Put a condition into a group, among others."""
    before, after = draw(st.lists(parts, max_size=2)), draw(st.lists(parts, max_size=2))
    operator = draw(st.sampled_from(("AND", "OR")))
    make: Callable[[Condition], Filter] = lambda one: {  # noqa: E731  # the same group twice, once with the fault
        "operator": operator,
        "conditions": [*before, one, *after],
    }
    return make(faulty), make(good), f"/conditions/{len(before)}"


@st.composite
def _wrapped(
    draw: DrawFn, broken: Filter, twin: Filter, place: str, parts: SearchStrategy[Condition]
) -> tuple[Any, Any, str]:
    """Put a group into another, beside conditions and perhaps before or after another group."""
    found: Filter = {"operator": draw(st.sampled_from(("AND", "OR")))}
    beside = draw(st.lists(parts, max_size=1))
    if beside:
        found["conditions"] = beside
    where = draw(st.sampled_from(("alone", "later", "first")))
    other = [] if where == "alone" else [{"operator": "AND", "conditions": [draw(parts)]}]
    before, after = (other, []) if where == "later" else ([], other)
    return (
        {**found, "groups": [*before, broken, *after]},
        {**found, "groups": [*before, twin, *after]},
        f"/groups/{len(before)}{place}",
    )


def broken_bodies(
    code: str,
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    deepest: int = DEEPEST,
) -> SearchStrategy[Broken]:
    """Return bodies of updates with exactly one fault, of `code`, beside any other members.

    `lists` are the sending lists that exist; other parameters and what is raised as in `broken_filters`.
    """
    if code not in CODES:
        raise ValueError(f"{code!r} is no code that a body is refused with; there are {', '.join(CODES)}")
    checked_depth(deepest)
    if code == "name_too_long":
        return _with_others(_long_names(), lists)
    if code == "source_list_not_found":
        return _with_others(_unknown_lists(lists), lists)
    found = broken_filters(code, vocabulary=vocabulary, deepest=deepest)
    return _with_others(found.map(_as_body), lists)


def _as_body(found: Broken) -> Broken:
    return Broken({"filter": found.body}, found.code, f"/filter{found.place}", {"filter": found.twin})


def _long_names() -> SearchStrategy[Broken]:
    longer = st.one_of(st.integers(256, 400).map("n".__mul__), st.integers(256, 300).map("é".__mul__))
    return longer.map(lambda name: Broken({"name": name}, "name_too_long", "/name", {"name": "n" * 255}))


@st.composite
def _unknown_lists(draw: DrawFn, lists: Sequence[int]) -> Broken:
    known = draw(source_lists(lists))
    index = draw(st.integers(0, len(known)))
    ids = [*known[:index], draw(UNKNOWN_LISTS), *known[index:]]
    place = f"/source_lists/{index}"
    return Broken({"source_lists": ids}, "source_list_not_found", place, {"source_lists": known})


@st.composite
def _with_others(draw: DrawFn, faults: SearchStrategy[Broken], lists: Sequence[int]) -> Broken:
    """Put a body's fault beside other members of the body."""
    found = draw(faults)
    others: dict[str, SearchStrategy[JSON]] = {
        "name": names(),
        "description": texts(),
        "source_lists": source_lists(lists),
    }
    chosen = draw(st.lists(st.sampled_from([name for name in others if name not in found.body]), unique=True))
    beside: Body = {name: draw(others[name]) for name in others if name in chosen}
    return Broken({**beside, **found.body}, found.code, found.place, {**beside, **found.twin})
