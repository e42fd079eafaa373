"""The updates of a run, as two files have them: `contracts/plan.json` and the frozen corpus, `contracts/corpus.json`.

Both are made in a checkout (tests/maintain). What is here fits their bodies to a target: its lists, its tokens.
"""

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    ContractError,
    RequestVector,
    contract,
    guarded,
    matches_nobody,
    parts_of,
)
from trackly_contract.core import JSON, data_root

T = TypeVar("T")

Effort = Literal["quick", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = ("quick", "standard", "thorough")

UNKNOWN_ID = "f" * 24
"""An id of the documented form that no audience has."""

WRONG_KEY = "trk_" + "z" * 32
"""A key of the documented form that no server accepts."""

VECTOR_LISTS = (101, 102)
"""The ids of sending lists in vectors. What is sent has those of the target in their place."""

POSITIONS = tuple(map("-".join, itertools.product(("top", "nested"), ("and", "or"), ("first", "later"))))
"""Where in a filter an error stands: in the top group or below, its operator, first of its list or later."""


def candidate_types() -> list[str]:
    """Return the condition types for which no reference page states an operator."""
    return [token.token for token in contract().vocabulary.of("condition_type") if token.candidate]


def candidate_condition(kind: str) -> dict[str, JSON]:
    """Return a copy of the condition that the vectors of a candidate type are written with."""
    vector = contract().requests[f"filter.{kind}.value/twin"]
    condition: dict[str, JSON] = copy.deepcopy(vector.body["filter"]["conditions"][0])
    return condition


def with_lists(body: dict[str, JSON], lists: Sequence[int]) -> dict[str, JSON]:
    """Return the body of a vector with existing sending lists in the place of its own, as far as there are any."""
    known = dict(zip(VECTOR_LISTS, lists, strict=False))
    if "source_lists" not in body:
        return body
    return {**body, "source_lists": [known.get(entry, entry) for entry in body["source_lists"]]}


def accepted(area: str) -> list[RequestVector]:
    """Return the accepted vectors of the rules of one area (`filter`, `update`) about what is accepted."""
    rules = {rule.id for rule in contract().rules.values() if rule.accepts and rule.id.startswith(f"{area}.")}
    return [vector for vector in contract().requests.values() if vector.rule in rules and not vector.refused]


def to_reject() -> list[RequestVector]:
    """Return the vectors of updates with an error in the body, in the order of the rules and of their vectors."""
    vectors = (vector for rule in contract().rules.values() if rule.code for vector in contract().of_rule(rule.id))
    return [vector for vector in vectors if vector.refused and vector.situation is None]


def together(vectors: Sequence[RequestVector], last: Sequence[dict[str, JSON]] = CONTRADICTION) -> dict[str, JSON]:
    """Return one filter with those of all vectors as groups. It matches nobody; `last` as in `guarded`."""
    return guarded(groups=[vector.body["filter"] for vector in vectors], last=last)


def alone(vector: RequestVector, last: Sequence[dict[str, JSON]] = CONTRADICTION) -> dict[str, JSON]:
    """Return the filter of one accepted vector, which then matches nobody; `last` as in `guarded`.

    Where its top group cannot hold further conditions (OR, or groups alone), it stands one level deeper.
    """
    found: dict[str, JSON] = vector.body["filter"]
    if found["operator"] == "AND" and found.get("conditions"):
        return {**found, "conditions": [GUARD, *found["conditions"], *last]}
    return together([vector], last)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that a target accepts where the documentation has only candidates.

    `operators` and `fields` map a condition type to its token; a type that is missing has none.
    """

    operators: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def adapt(self, condition: dict[str, JSON]) -> dict[str, JSON]:
        """Return a condition with its candidate tokens replaced by those that the target accepts."""
        kind = str(condition.get("condition_type"))
        accepted = {"operator": self.operators.get(kind), "field": self.fields.get(kind)}
        wrong = {key for key in accepted if str(condition.get(key, "zz_")).startswith("zz_")}
        return condition | {key: token for key, token in accepted.items() if token is not None and key not in wrong}


# The plan ----------------------------------------------------------------------------------------------


class RejectionCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rejected vector with its error at one position, in a body that has no other error.

    The id is that of the vector, then after `@` the position and after `+` other tokens, or after `&` another field
    of the body. `too_wide`: a window is a hundred years wide, and whether it may be that wide is open. `unguarded`:
    the error stands where no condition can keep a filter that is accepted by mistake from matching somebody.
    """

    id: str
    vector_id: str = msgspec.field(name="vector")
    planned: dict[str, Any] = msgspec.field(name="body")
    too_wide: bool = False
    unguarded: bool = False

    @property
    def vector(self) -> RequestVector:
        """The rejected vector: its rule, its code."""
        return contract().requests[self.vector_id]

    @property
    def condition_type(self) -> str | None:
        """The condition type whose candidate tokens the case needs, None if it needs none."""
        types = [part.fields.get("condition_type") for part in parts_of(self.planned.get("filter"))]
        return next((kind for kind in candidate_types() if kind in types), None)

    def known_lists(self) -> int:
        """Return how many existing sending lists the body needs."""
        return sum(entry in VECTOR_LISTS for entry in self.vector.body.get("source_lists", ()))

    def body(self, tokens: Tokens | None = None, lists: Sequence[int] = VECTOR_LISTS) -> dict[str, JSON]:
        """Return the body for a target with these tokens and these existing sending lists."""
        body, tokens = with_lists(copy.deepcopy(self.planned), lists), tokens or Tokens()
        if not lists and "source_lists" not in self.vector.body:
            body.pop("source_lists", None)
        for part in parts_of(body.get("filter")):
            part.fields.update(tokens.adapt(part.fields))
        return body


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One update of a sequence. `count_first` counts the size before it, so that a cleared cache is seen."""

    id: str
    planned: dict[str, Any] = msgspec.field(name="body")
    count_first: bool = False
    read_after: bool = False

    def body(self, lists: Sequence[int]) -> dict[str, JSON]:
        """Return the body for an audience that came with these sending lists; two in the plan stand for all of them."""
        body = copy.deepcopy(self.planned)
        if body.get("source_lists"):
            body["source_lists"] = list(lists if len(body["source_lists"]) > 1 else lists[:1])
        return body


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `make docs` planned: rejected updates in the order of the rules, accepted filters, updates in a row."""

    rejected: dict[Effort, tuple[RejectionCase, ...]]
    filters: tuple[RequestVector, ...]
    sequence: tuple[Step, ...]


@cache
def plan(path: Path | None = None) -> Plan:
    """Read a plan (default: the project's own), once.

    Raises ContractError as `corpus` does, and for a plan that is not of the contract's vectors.
    """
    path = path or data_root() / "contracts" / "plan.json"
    found = _read(path, Plan, "docs")
    differ = {case.vector_id for case in found.rejected["thorough"]} ^ {vector.id for vector in to_reject()}
    if differ:
        raise ContractError(f"{path}: not planned from the vectors: {', '.join(sorted(differ))}; run `make docs`")
    cases = itertools.chain(*found.rejected.values())
    entries: list[RejectionCase | Step] = [case for case in cases if not case.unguarded]
    for entry in (*entries, *found.sequence):
        _check_nobody(path, entry.id, entry.planned)
    return found


def rejection_cases(effort: Effort) -> Sequence[RejectionCase]:
    """Return the rejected updates of an effort, in the order of the rules, but last those that nothing guards."""
    return sorted(plan().rejected[effort], key=lambda case: case.unguarded)


# The frozen corpus -------------------------------------------------------------------------------------


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
    path = path or data_root() / "contracts" / "corpus.json"
    found = _read(path, Corpus, "corpus")
    for entry in (*found.accepted, *found.rejected):
        _check_nobody(path, entry.id, entry.body, entry.twin)
    return found


def _read(path: Path, kind: type[T], target: str) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ContractError(f"{path}: {error}; `make {target}` makes it anew") from None


def _check_nobody(path: Path, name: str, *bodies: dict[str, JSON]) -> None:
    if not all(matches_nobody(body["filter"]) for body in bodies if "filter" in body):
        raise ContractError(f"{path}: entry {name!r}: the filter could match somebody")
