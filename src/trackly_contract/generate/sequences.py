"""A walk: accepted updates in a row, each differing from the last in one respect that a server may overlook.

Promises: documented tokens and plain values alone; every filter matches nobody; all sixteen subsets of the four
members but the empty one are met by a run that also sends each member alone; the same walk every time.
Refuses: to judge: followed.py compares what each answer shows with what it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackly_contract.contract import GUARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackly_contract.core import JSON

TELLING = "Zoë's “café” cafe\u0301 \U0001f4f1 שלום مرحبا\u200f 日本 <b>&amp;</b> 100% \\ \"quoted\" O'Hara; --"
"""A text that shows encodings, normalisation, escaping and stripped marks at once; 255 bytes hold it twice."""


@dataclass(frozen=True)
class Step:
    """One update of a walk; `count_first` asks for the size before, so that a cleared cache is seen."""

    id: str
    body: dict[str, JSON]
    count_first: bool = False
    read_after: bool = False


def _time(value: int = 30, unit: str = "days", operator: str = "within") -> dict[str, JSON]:
    return {"condition_type": "time", "field": "last_sent_at", "operator": operator, "value": value, "unit": unit}


def _filter(
    value: int = 30, unit: str = "days", operator: str = "within", group: str = "OR", more: bool = False
) -> dict[str, JSON]:
    """Return a filter whose one interesting condition stands deep inside."""
    deep: dict[str, JSON] = {"operator": group, "conditions": [GUARD, _time(value, unit, operator)]}
    if more:
        deep["groups"] = [{"operator": "AND", "conditions": [_time()]}]
    nested = {"operator": "OR", "conditions": [GUARD, {**GUARD, "value": 5}, _time(7)], "groups": [deep]}
    return {"operator": "AND", "conditions": [GUARD, {**GUARD, "field": "send_count", "value": 1}], "groups": [nested]}


def update_sequence(lists: Sequence[int]) -> list[Step]:
    """Return the walk for a target whose audience came with these sending lists."""
    one, all_of_them = list(lists[:1]), list(lists)
    name = "trackly-contract: walk"
    return [
        Step("name+description", {"name": TELLING, "description": f"{TELLING}\n\t{TELLING}\n\tend."}, read_after=True),
        Step("filter", {"filter": _filter()}, count_first=True),
        Step("filter, one value", {"filter": _filter(31)}, count_first=True),
        Step("filter, one unit", {"filter": _filter(31, "hours")}, count_first=True),
        Step("filter, one operator", {"filter": _filter(31, "hours", "after")}, count_first=True),
        Step("filter, one group operator", {"filter": _filter(31, "hours", "after", "AND")}, count_first=True),
        Step("filter, one group more", {"filter": _filter(31, "hours", "after", "AND", more=True)}, count_first=True),
        Step("name", {"name": f"{name} 1"}, count_first=True),
        Step("name again", {"name": f"{name} 2"}, read_after=True),
        Step("name+source_lists", {"name": f"{name} 3", "source_lists": one}),
        Step("description+source_lists", {"description": name, "source_lists": all_of_them}, read_after=True),
        Step("source_lists+filter", {"source_lists": one, "filter": _filter(1)}, count_first=True, read_after=True),
        Step("description+filter", {"description": f"{name} 5", "filter": _filter(2)}, count_first=True),
        Step("name+filter", {"name": "n" * 255, "filter": _filter(3)}, count_first=True, read_after=True),
        Step("name+description+source_lists", {"name": name, "description": name, "source_lists": all_of_them}),
        Step("name+source_lists+filter", {"name": TELLING, "source_lists": one, "filter": _filter(5)}),
        Step("description+source_lists+filter", {"description": TELLING, "source_lists": [], "filter": _filter(6)}),
        Step("name+description+filter", {"name": "n", "description": "d", "filter": _filter(8)}, read_after=True),
        Step(
            "name+description+source_lists+filter",
            {"name": name, "description": TELLING, "source_lists": all_of_them, "filter": _filter(9)},
            read_after=True,
        ),
    ]
