"""Drawing from strategies in tests: the same examples each time, and what stands in a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypothesis import Phase, Verbosity, given, settings

from trackly_contract.contract import contract, schemas
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis import strategies as st

    from trackly_contract.core import JSON

T = TypeVar("T")

EVERYTHING = contract().vocabulary
DOCUMENTED = EVERYTHING.documented()
SHALLOW = 4

some = settings(max_examples=50, deadline=None)
smallest = settings(max_examples=200, derandomize=True, database=None, deadline=None)

searching = settings(
    smallest, max_examples=500, phases=[Phase.generate], verbosity=Verbosity.quiet
)  # the first that is found, not shrunk


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


def groups_of(found: JSON) -> Iterator[dict[str, JSON]]:
    pending = [found]
    while pending:
        group = pending.pop()
        yield group
        pending.extend(group.get("groups", ()))


def conditions_of(found: JSON) -> Iterator[dict[str, JSON]]:
    for group in groups_of(found):
        yield from group.get("conditions", ())


def tokens_of(found: JSON) -> Iterator[tuple[str, str]]:
    for group in groups_of(found):
        yield "group.operator", group["operator"]
    for condition in conditions_of(found):
        kind = condition["condition_type"]
        yield "condition_type", kind
        yield from ((f"{kind}.{key}", condition[key]) for key in ("operator", "unit") if key in condition)
        if kind in ("time", "count", "revenue") and "field" in condition:
            yield f"{kind}.field", condition["field"]
