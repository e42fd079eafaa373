"""Accepted filters put together, so that one update asks about many of them.

Promises: whatever is put together matches nobody, and nothing in it is open or only a candidate, save
`candidate_condition`.
Refuses: to judge; a refusal of the whole is split by the suite to find what it is about.
"""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING

from trackly_contract.contract import GUARD, IMPOSSIBLE_COUNT, RequestVector, contract, matches_nobody
from trackly_contract.core import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackly_contract.contract import Contract
    from trackly_contract.core import JSON

PLAIN_WINDOW = {"days": 30, "hours": 720, "minutes": 43_200}
"""A month in each unit: how far back a window may reach is open (value-range)."""


def accepted_filters(source: Contract | None = None) -> list[RequestVector]:
    """Return the accepted vectors whose filter is of documented tokens only, in the order of the files."""
    source = source or contract()
    wanted = ("filter.operator.known", "filter.nested", "filter.time.known", "filter.count.known")
    return [vector for vector in source.requests.values() if vector.rule in wanted and vector.body is not ABSENT]


def documented_conditions(source: Contract | None = None) -> list[RequestVector]:
    """Return accepted bodies of one condition each: every documented field with every operator and unit."""
    vocabulary = (source or contract()).vocabulary
    found: list[RequestVector] = []
    for kind in ("time", "count"):
        known = {
            part: [t for t in vocabulary.of(f"{kind}.{part}") if not t.candidate] for part in ("field", "operator")
        }
        for field, operator in itertools.product(known["field"], known["operator"]):
            for unit in vocabulary.words("time.unit") if "unit" in operator.needs else [""]:
                value = {"value": PLAIN_WINDOW[unit] if unit else IMPOSSIBLE_COUNT} if operator.needs else {}
                condition = {"condition_type": kind, "field": field.token, "operator": operator.token, **value}
                condition |= {"unit": unit} if unit else {}
                name = "-".join(filter(None, (field.token, operator.token, unit))).replace("_", "-")
                body = {"filter": {"operator": "AND", "conditions": [condition]}}
                found.append(RequestVector(f"filter.{kind}.known/{name}", "PUT", 200, body))
    return found


def together(vectors: Sequence[RequestVector]) -> dict[str, JSON]:
    """Return one filter that holds those of all vectors as groups, and matches nobody."""
    return {
        "operator": "AND",
        "conditions": [GUARD],
        "groups": [vector.body["filter"] for vector in vectors],
    }


def alone(vector: RequestVector) -> dict[str, JSON]:
    """Return the filter of one accepted vector, guarded where it could match anyone, and no deeper than it is.

    Raises ValueError for an OR group that could match someone: it cannot be guarded without another level.
    """
    found: dict[str, JSON] = vector.body["filter"]
    if matches_nobody(found):
        return found
    if found["operator"] != "AND":
        raise ValueError(f"vector {vector.id}: an OR group that could match someone cannot be sent alone")
    return {**found, "conditions": [GUARD, *found.get("conditions", [])]}


def candidate_condition(kind: str, source: Contract | None = None) -> dict[str, JSON]:
    """Return a copy of the literal condition that the vectors of a candidate type are written with."""
    source = source or contract()
    vector = source.requests[f"filter.{kind}.value/twin"]
    condition: dict[str, JSON] = copy.deepcopy(vector.body["filter"]["conditions"][0])
    return condition
