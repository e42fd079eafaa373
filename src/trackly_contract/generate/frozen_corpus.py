"""The frozen corpus: generated bodies, kept in `contracts/corpus.json`, so that every run replays the same ones.

An accepted body has documented tokens only; a rejected one has one error and its accepted twin; every filter among
them matches nobody. `make corpus` makes the file again (tests/maintain/corpus.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import ContractError, contract, matches_nobody, read_json
from trackly_contract.core import data_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trackly_contract.core import JSON

_Body = dict[str, "JSON"]

FILE = "contracts/corpus.json"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A body that every target accepts, whose filter, if it has one, matches nobody."""

    id: str
    body: _Body


@dataclass(frozen=True, slots=True)
class Refused:
    """A body with one fault: its code, the place of the edit (JSON Pointer), its accepted twin.

    `candidates` are the `(kind, token)` pairs in it that no reference page states: a target that refuses one of
    them refuses body and twin for that. Empty: both are of documented tokens alone.
    """

    id: str
    code: str
    place: str
    body: _Body
    twin: _Body
    candidates: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> bool:
        """Whether body and twin are of documented tokens alone, save the faulty one."""
        return not self.candidates


@dataclass(frozen=True, slots=True)
class Corpus:
    """The frozen bodies, the version of Hypothesis that made them, and the digests of what they were made from."""

    hypothesis: str
    inputs: dict[str, str]
    accepted: tuple[Accepted, ...]
    refused: tuple[Refused, ...]

    def of_code(self, code: str) -> list[Refused]:
        """Return the refused bodies of one code."""
        return [entry for entry in self.refused if entry.code == code]


def _where(entry: dict[str, Any]) -> str:
    return f"entry {entry['id']!r}"


def _unguarded(body: _Body) -> bool:
    return "filter" in body and not matches_nobody(body["filter"])


def load_corpus(path: Path | None = None) -> Corpus:
    """Read a corpus (default: the project's own).

    Raises ContractError, naming file, entry and field, for what its schema does not allow, for an id used twice, a
    code that no rule has, and a filter that could match somebody.
    """
    path = path or data_root() / FILE
    if not path.is_file():
        raise ContractError(f"{path}: the file is not there; `make corpus` makes it")
    content = read_json(path, "corpus")
    seen: set[str] = set()
    for entry in [*content["accepted"], *content["refused"]]:
        if entry["id"] in seen:
            raise ContractError(f"{path}: {_where(entry)}: the id is taken already")
        seen.add(entry["id"])
        for member in ("body", "twin"):
            if _unguarded(entry.get(member, {})):
                raise ContractError(f"{path}: {_where(entry)}, field {member}: the filter could match somebody")
    codes = {rule.code for rule in contract().rules.values() if rule.status == 400}
    for entry in content["refused"]:
        if entry["code"] not in codes:
            raise ContractError(f"{path}: {_where(entry)}, field code: no rule has the code {entry['code']!r}")
    return Corpus(
        content["hypothesis"],
        content["inputs"],
        tuple(Accepted(**entry) for entry in content["accepted"]),
        tuple(
            Refused(**{**entry, "candidates": tuple((kind, token) for kind, token in entry["candidates"])})
            for entry in content["refused"]
        ),
    )


@cache
def corpus() -> Corpus:
    """Return the project's own corpus, read once."""
    return load_corpus()


def tokens_of(group: JSON) -> Iterator[tuple[str, str]]:
    """Yield the `(kind, token)` pairs of a filter as sent, known or not."""
    yield "group.operator", group.get("operator", "")
    for condition in group.get("conditions", ()):
        kind = condition.get("condition_type", "")
        yield "condition_type", kind
        for member in ("field", "operator", "unit"):
            if member in condition:
                yield f"{kind}.{member}", condition[member]
    for nested in group.get("groups", ()):
        yield from tokens_of(nested)
