"""Drawing from strategies in tests: the same examples each time, and what stands in a filter."""

import copy
from collections.abc import Iterator, Sequence
from typing import TypeVar

from hypothesis import Phase, Verbosity, given, settings
from hypothesis import strategies as st

from trackly_contract.contract import contract, parts_of, schemas
from trackly_contract.core import JSON, same
from trackly_contract.generate import RejectedBody
from trackly_contract.generate.cases import CorpusEntry
from trackly_contract.reference import ReferenceServer

T = TypeVar("T")

EVERYTHING = contract().vocabulary
DOCUMENTED = EVERYTHING.documented()
SHALLOW = 4

some = settings(max_examples=50, deadline=None)
smallest = settings(max_examples=200, derandomize=True, database=None, deadline=None)

searching = settings(
    smallest, max_examples=500, phases=[Phase.generate], verbosity=Verbosity.quiet
)  # the first that is found, not shrunk


def any_json(keys: st.SearchStrategy[str], words: Sequence[str] = ("",)) -> st.SearchStrategy[JSON]:
    """Return JSON of any shape with such keys; its texts have lone surrogates, or are one of `words`."""
    numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    leaves = st.none() | st.booleans() | numbers | st.text(st.characters(codec=None), max_size=5)
    return st.recursive(
        leaves | st.sampled_from(words),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=20,
    )


def drawn(strategy: st.SearchStrategy[T], examples: int) -> list[T]:
    """Return the first examples of a strategy, the same ones each time; health checks are on."""
    found: list[T] = []

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found


def assert_accepted(body: dict[str, JSON]) -> None:
    decision = schemas().decide(body)
    assert (decision.faults, decision.questions) == ((), ())
    assert list(ReferenceServer().faults(body)) == []


def edited(body: JSON, twin: JSON, path: str) -> bool:
    """Whether body and twin differ at `path` alone: by a value, or by one that only one of them has."""
    *above, last = path.split("/")[1:]
    body, twin = copy.deepcopy((body, twin))
    holder, model = body, twin
    for step in above:
        holder, model = (side[int(step)] if isinstance(side, list) else side[step] for side in (holder, model))
    for side in (holder, model) if len(holder) == len(model) else (max(holder, model, key=len),):
        del side[int(last) if isinstance(side, list) else last]
    return same(body, twin)


def assert_rejected(found: RejectedBody | CorpusEntry) -> None:
    """Both judges name the one code, at its path, and nothing else; the twin is accepted and differs there alone."""
    lists = found.code == "source_list_not_found"  # only a server knows its lists
    # Of an empty group the path is that of its first condition, or of the missing conditions.
    empty = found.code == "empty_filter_group"
    path = found.path.removesuffix("/0").removesuffix("/conditions") if empty else found.path
    decision = schemas().decide(found.body)
    assert [(fault.stands_for, fault.place) for fault in decision.faults] == ([] if lists else [(found.code, path)])
    assert decision.questions == ()
    assert [(fault.code, fault.path) for fault in ReferenceServer().faults(found.body)] == [(found.code, path)]
    assert_accepted(found.twin)
    assert edited(found.body, found.twin, found.path)


def conditions_of(found: JSON) -> list[dict[str, JSON]]:
    return [part.fields for part in parts_of(found) if not part.is_group]


def tokens_of(found: JSON) -> Iterator[tuple[str, str]]:
    for part in parts_of(found):
        if part.is_group:
            yield "group.operator", part.fields["operator"]
            continue
        kind = part.fields["condition_type"]
        yield "condition_type", kind
        yield from ((f"{kind}.{key}", part.fields[key]) for key in ("operator", "unit") if key in part.fields)
        if kind in ("time", "count", "revenue") and "field" in part.fields:
            yield f"{kind}.field", part.fields["field"]
