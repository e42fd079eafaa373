"""The frozen corpus: generated bodies, kept in `contracts/corpus.json`, so that every run replays the same ones.

An accepted body has documented tokens only; a rejected one has one error and its accepted twin; every filter among
them matches nobody. `make corpus` makes the file again (tests/maintain/corpus.py).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from trackly_contract.contract import ContractError, Entry, by_key, contract, matches_nobody, read_data
from trackly_contract.core import data_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trackly_contract.core import JSON

_Body = Annotated[dict[str, Any], Meta(min_length=1)]
_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

FILE = "contracts/corpus.json"


class Accepted(Entry, frozen=True):
    """A body that every target accepts, whose filter, if it has one, matches nobody."""

    id: Annotated[str, Meta(pattern=r"^[a-z_]+(\+[a-z_]+)*/[0-9]+$")]
    body: _Body


class Refused(Entry, frozen=True):
    """A body with one fault: its code, the place of the edit (JSON Pointer), its accepted twin.

    `candidates` are the `(kind, token)` pairs in it that no reference page states: a target that refuses one of
    them refuses body and twin for that. Empty: both are of documented tokens alone.
    """

    id: Annotated[str, Meta(pattern="^[a-z_]+/[0-9]+$")]
    code: str
    place: Annotated[str, Meta(pattern="^(/[a-z_0-9]+)+$")]
    body: _Body
    twin: _Body
    candidates: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> bool:
        """Whether body and twin are of documented tokens alone, save the faulty one."""
        return not self.candidates


class Corpus(Entry, frozen=True):
    """The frozen bodies, the version of Hypothesis that made them, and the digests of what they were made from."""

    hypothesis: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)+$")]
    inputs: Annotated[dict[str, _Digest], Meta(min_length=1)]
    accepted: Annotated[tuple[Accepted, ...], Meta(min_length=1)]
    refused: Annotated[tuple[Refused, ...], Meta(min_length=1)]

    def of_code(self, code: str) -> list[Refused]:
        """Return the refused bodies of one code."""
        return [entry for entry in self.refused if entry.code == code]


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
    found = read_data(path, Corpus)
    accepted = by_key(path, "accepted", found.accepted, lambda entry: entry.id)
    by_key(path, "refused", found.refused, lambda entry: entry.id, accepted)
    codes = {rule.code for rule in contract().rules.values() if rule.status == 400}
    entries: list[Accepted | Refused] = [*found.accepted, *found.refused]
    for entry in entries:
        for member in ("body", "twin"):
            if _unguarded(getattr(entry, member, {})):
                raise ContractError(f"{path}: entry {entry.id!r}, field {member}: the filter could match somebody")
        if isinstance(entry, Refused) and entry.code not in codes:
            raise ContractError(f"{path}: entry {entry.id!r}, field code: no rule has the code {entry.code!r}")
    return found


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
