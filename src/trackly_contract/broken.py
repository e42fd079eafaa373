"""Hypothesis strategies for what is refused: for each error code of the table, bodies with exactly that one fault.

Promises: an example carries its code, the place of its fault and its accepted twin, which differs by one edit; the
fault stands at any depth, in any position, under AND or OR, beside other members; examples shrink to the smallest body.
Refuses: codes that no body of an update provokes (unauthorized, not_found).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from trackly_contract.contract import contract
from trackly_contract.schemas import DEEPEST
from trackly_contract.strategies import (
    Body,
    Condition,
    EmptyVocabularyError,
    Filter,
    conditions,
    depths,
    names,
    source_lists,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from trackly_contract.jsonvalue import JSON
    from trackly_contract.vocabulary import Vocabulary

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
    """How a fragment is broken: `member` of a condition or group is removed (None) or replaced."""

    kind: str | None
    member: str
    needs: str | None = None
    remove: bool = False


_EDITS: dict[str, tuple[_Edit, ...]] = {
    "invalid_group_operator": (_Edit(None, "operator"),),
    "empty_filter_group": (_Edit(None, "conditions", remove=True),),
    "invalid_condition_type": tuple(_Edit(kind, "condition_type") for kind in ("time", "count")),
    "invalid_time_field": (_Edit("time", "field"),),
    "invalid_time_operator": (_Edit("time", "operator"),),
    "invalid_time_unit": (_Edit("time", "unit", needs="unit"),),
    "missing_time_value": tuple(_Edit("time", member, needs=member, remove=True) for member in ("value", "unit")),
    "invalid_count_field": (_Edit("count", "field"),),
    "invalid_count_operator": (_Edit("count", "operator"),),
    "missing_count_value": (_Edit("count", "value", needs="value", remove=True),),
    "missing_custom_field_name": (_Edit("custom_field", "field", remove=True),),
    "invalid_revenue_field": (_Edit("revenue", "field"),),
}
for _kind in ("custom_field", "carrier", "timezone", "revenue"):
    _EDITS[f"invalid_{_kind}_operator"] = (_Edit(_kind, "operator"),)
    _EDITS[f"missing_{_kind}_value"] = (_Edit(_kind, "value", needs="value", remove=True),)

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


@st.composite
def _fragments(draw: DrawFn, code: str, vocabulary: Vocabulary) -> tuple[JSON, JSON, str]:
    """Draw a faulty condition or group, its accepted twin, and the member that differs."""
    edit = draw(st.sampled_from(_EDITS[code]))
    if edit.kind is None:
        parts = conditions(vocabulary=vocabulary)
        twin: dict[str, Any] = {"operator": draw(st.sampled_from(("AND", "OR")))}
        twin["conditions"] = draw(st.lists(parts, min_size=1, max_size=1 if edit.remove else 3))
    else:
        needed = conditions(edit.kind, vocabulary=vocabulary)
        if edit.member in ("field", "operator"):
            # What values fit an unknown token is open, so the value is the plainest: neither list nor boolean.
            needed = needed.filter(lambda found: not isinstance(found.get("value", ""), list | bool))
        if edit.member == "operator":
            needed = needed.filter(lambda found: "value" in found)
        elif edit.needs is not None:
            needed = needed.filter(lambda found: edit.needs in found)
        twin = draw(needed)
    faulty = copy.deepcopy(twin)
    if code == "empty_filter_group":
        if draw(st.booleans()):
            faulty["conditions"] = []
            return faulty, twin, "conditions/0"
        del faulty["conditions"]
        return faulty, twin, "conditions"
    if edit.remove:
        del faulty[edit.member]
    else:
        faulty[edit.member] = draw(_wrong(edit))
    return faulty, twin, edit.member


def _checked(code: str, vocabulary: Vocabulary) -> None:
    if code not in CODES:
        raise ValueError(f"{code!r} is no code that a body is refused with; there are {', '.join(CODES)}")
    for edit in _EDITS.get(code, ()):
        if edit.kind is not None and edit.needs is not None:
            tokens = vocabulary.of(f"{edit.kind}.operator")
            if not any(edit.needs in token.needs for token in tokens):
                raise EmptyVocabularyError(f"the vocabulary has no {edit.kind}.operator that needs a {edit.needs}")


@st.composite
def broken_filters(draw: DrawFn, code: str, *, vocabulary: Vocabulary | None = None, deepest: int = DEEPEST) -> Broken:
    """Return filters with exactly one fault, of `code`, anywhere in them.

    Raises ValueError for a code that no filter is refused with, EmptyVocabularyError for a vocabulary that lacks the
    token it takes.
    """
    if code not in _EDITS:
        raise ValueError(f"{code!r} is no code of a filter; there are {', '.join(FILTER_CODES)}")
    tokens = vocabulary or contract().vocabulary
    _checked(code, tokens)
    faulty, good, member = draw(_fragments(code, tokens))
    parts = conditions(vocabulary=tokens)
    is_group = "condition_type" not in good
    place = ""
    if is_group:
        broken, twin = faulty, good
    else:
        broken, twin, place = draw(_held(faulty, good, parts))
    for _ in range(draw(depths(deepest)) - 1):
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
    """Put a group into another, beside conditions and perhaps after another group."""
    found: Filter = {"operator": draw(st.sampled_from(("AND", "OR")))}
    beside = draw(st.lists(parts, max_size=1))
    if beside:
        found["conditions"] = beside
    first = [{"operator": "AND", "conditions": [draw(parts)]}] if draw(st.booleans()) else []
    index = len(first)
    return {**found, "groups": [*first, broken]}, {**found, "groups": [*first, twin]}, f"/groups/{index}{place}"


@st.composite
def broken_bodies(
    draw: DrawFn,
    code: str,
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    deepest: int = DEEPEST,
) -> Broken:
    """Return bodies of updates with exactly one fault, of `code`, beside any other members.

    `lists` are the sending lists that exist; other parameters and what is raised as in `broken_filters`.
    """
    tokens = vocabulary or contract().vocabulary
    _checked(code, tokens)
    if code == "name_too_long":
        twin_name = "n" * 255
        longer = st.one_of(st.integers(256, 400).map(lambda size: "n" * size), st.integers(256, 300).map("é".__mul__))
        fault: Body = {"name": draw(longer)}
        good: Body = {"name": twin_name}
        place = "/name"
    elif code == "source_list_not_found":
        known = draw(source_lists(lists))
        index = draw(st.integers(0, len(known)))
        ids = [*known[:index], draw(UNKNOWN_LISTS), *known[index:]]
        fault, good, place = {"source_lists": ids}, {"source_lists": known}, f"/source_lists/{index}"
    else:
        found = draw(broken_filters(code, vocabulary=tokens, deepest=deepest))
        fault, good, place = {"filter": found.body}, {"filter": found.twin}, f"/filter{found.place}"
    others: dict[str, SearchStrategy[JSON]] = {
        "name": names(),
        "description": texts(),
        "source_lists": source_lists(lists),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(set(others) - set(fault))), unique=True, max_size=2))
    beside = {name: draw(others[name]) for name in others if name in chosen}
    return Broken({**beside, **fault}, code, place, {**beside, **good})
