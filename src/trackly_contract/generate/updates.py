"""The updates of a run beside its planned cases: accepted ones in one or in a row, and those of the frozen corpus.

Every filter matches nobody.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from trackly_contract.contract import (
    GUARD,
    IMPOSSIBLE_COUNT,
    ContractError,
    RequestVector,
    contract,
    matches_nobody,
)
from trackly_contract.core import JSON, data_root

CORPUS_FILE = "contracts/corpus.json"

PLAIN_VALUES = {"days": 30, "hours": 720, "minutes": 43_200, "": IMPOSSIBLE_COUNT}
"""A month in each unit, since how far back a window may reach is open (value-range), and a count that nobody has."""

TELLING = "Zoë's “café” cafe\u0301 \U0001f4f1 שלום مرحبا\u200f 日本 <b>&amp;</b> 100% \\ \"quoted\" O'Hara; --"
"""A text that shows encodings, normalization, escaping and stripped marks at once; 255 bytes hold it twice."""


def accepted(area: str) -> list[RequestVector]:
    """Return the accepted vectors of the rules of one area (`filter`, `update`) about what is accepted."""
    rules = {rule.id for rule in contract().rules.values() if rule.accepts and rule.id.startswith(f"{area}.")}
    return [vector for vector in contract().requests.values() if vector.rule in rules and not vector.refused]


def documented_conditions() -> list[RequestVector]:
    """Return accepted bodies of one condition each: every documented field with every operator and unit."""
    vocabulary = contract().vocabulary.documented()
    found: list[RequestVector] = []
    for kind in vocabulary.words("condition_type"):
        fields, operators = vocabulary.words(f"{kind}.field"), vocabulary.of(f"{kind}.operator")
        for field, operator in itertools.product(fields, operators):
            for unit in vocabulary.words(f"{kind}.unit") if "unit" in operator.needs else [""]:
                condition: dict[str, JSON] = {"condition_type": kind, "field": field, "operator": operator.token}
                condition |= {"value": PLAIN_VALUES[unit]} if operator.needs else {}
                condition |= {"unit": unit} if unit else {}
                name = "-".join(filter(None, (field, operator.token, unit))).replace("_", "-")
                body = {"filter": {"operator": "AND", "conditions": [condition]}}
                found.append(RequestVector(f"filter.{kind}.known/{name}", "PUT", 200, body))
    return found


def together(vectors: Sequence[RequestVector]) -> dict[str, JSON]:
    """Return one filter with those of all vectors as groups. It matches nobody."""
    return {"operator": "AND", "conditions": [GUARD], "groups": [vector.body["filter"] for vector in vectors]}


def alone(vector: RequestVector) -> dict[str, JSON]:
    """Return the filter of one accepted vector, with a guard where it could match anyone, and no deeper than it is.

    Raises ValueError for an OR group that could match someone: it cannot be guarded without another level.
    """
    found: dict[str, JSON] = vector.body["filter"]
    if matches_nobody(found):
        return found
    if found["operator"] != "AND":
        raise ValueError(f"vector {vector.id}: an OR group that could match someone cannot be sent alone")
    return {**found, "conditions": [GUARD, *found.get("conditions", [])]}


def candidate_condition(kind: str) -> dict[str, JSON]:
    """Return a copy of the condition that the vectors of a candidate type are written with."""
    vector = contract().requests[f"filter.{kind}.value/twin"]
    condition: dict[str, JSON] = copy.deepcopy(vector.body["filter"]["conditions"][0])
    return condition


@dataclass(frozen=True)
class Step:
    """One update of a sequence. `count_first` counts the size before it, so that a cleared cache is seen."""

    body: dict[str, JSON]
    about: str = ""
    count_first: bool = False
    read_after: bool = False

    @property
    def id(self) -> str:
        """The fields of the body, and what differs from the step before where that is less."""
        return "+".join(self.body) + self.about


def _filter(
    value: int = 30, unit: str = "days", operator: str = "within", group: str = "OR", *, more: bool = False
) -> dict[str, JSON]:
    """Return a filter with one telling condition deep inside."""
    plain = {"condition_type": "time", "field": "last_sent_at", "operator": "within", "value": 30, "unit": "days"}
    telling = {**plain, "operator": operator, "value": value, "unit": unit}
    deep: dict[str, JSON] = {"operator": group, "conditions": [GUARD, telling]}
    if more:
        deep["groups"] = [{"operator": "AND", "conditions": [plain]}]
    nested = {"operator": "OR", "conditions": [GUARD, {**GUARD, "value": 5}, {**plain, "value": 7}], "groups": [deep]}
    return {"operator": "AND", "conditions": [GUARD, {**GUARD, "field": "send_count", "value": 1}], "groups": [nested]}


def update_sequence(lists: Sequence[int]) -> list[Step]:
    """Return updates in a row for an audience that came with these sending lists; always the same ones.

    A run that also sends each field alone meets all fifteen subsets of the four fields.
    """
    one, every = list(lists[:1]), list(lists)
    name = "trackly-contract: walk"
    return [
        Step({"name": TELLING, "description": f"{TELLING}\n\t{TELLING}\n\tend."}, read_after=True),
        Step({"filter": _filter()}, count_first=True),
        Step({"filter": _filter(31)}, ", one value", count_first=True),
        Step({"filter": _filter(31, "hours")}, ", one unit", count_first=True),
        Step({"filter": _filter(31, "hours", "after")}, ", one operator", count_first=True),
        Step({"filter": _filter(31, "hours", "after", "AND")}, ", one group operator", count_first=True),
        Step({"filter": _filter(31, "hours", "after", "AND", more=True)}, ", one group more", count_first=True),
        Step({"name": f"{name} 1"}, count_first=True),
        Step({"name": f"{name} 2"}, " again", read_after=True),
        Step({"name": f"{name} 3", "source_lists": one}),
        Step({"description": name, "source_lists": every}, read_after=True),
        Step({"source_lists": one, "filter": _filter(1)}, count_first=True, read_after=True),
        Step({"description": f"{name} 5", "filter": _filter(2)}, count_first=True),
        Step({"name": "n" * 255, "filter": _filter(3)}, count_first=True, read_after=True),
        Step({"name": name, "description": name, "source_lists": every}),
        Step({"name": TELLING, "source_lists": one, "filter": _filter(5)}),
        Step({"description": TELLING, "source_lists": [], "filter": _filter(6)}),
        Step({"name": "n", "description": "d", "filter": _filter(8)}, read_after=True),
        Step({"name": name, "description": TELLING, "source_lists": every, "filter": _filter(9)}, read_after=True),
    ]


class CorpusEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generated body that every target accepts, or one with an error: its code, the path to it, an accepted twin.

    `candidates` are the `(kind, token)` pairs in both that no reference page states: a target may reject both for one.
    """

    id: str
    body: dict[str, Any]
    code: str = ""
    path: str = msgspec.field(default="", name="place")
    twin: dict[str, Any] = {}
    candidates: tuple[tuple[str, str], ...] = ()


class Corpus(msgspec.Struct, frozen=True):
    """The frozen bodies, made by `make corpus`: every run sends the same ones. Accepted ones hold no candidates."""

    accepted: tuple[CorpusEntry, ...]
    rejected: tuple[CorpusEntry, ...] = msgspec.field(name="refused")


@cache
def corpus(path: Path | None = None) -> Corpus:
    """Read a corpus (default: the project's own), once.

    Raises ContractError for a file that is missing or of another form, and for a filter that could match somebody.
    """
    path = path or data_root() / CORPUS_FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Corpus)
    except FileNotFoundError:
        raise ContractError(f"{path}: the file is not there; `make corpus` makes it") from None
    except msgspec.DecodeError as error:
        raise ContractError(f"{path}: {error}; `make corpus` makes it anew") from None
    for entry in (*found.accepted, *found.rejected):
        if not all(matches_nobody(body["filter"]) for body in (entry.body, entry.twin) if "filter" in body):
            raise ContractError(f"{path}: entry {entry.id!r}: the filter could match somebody")
    return found
