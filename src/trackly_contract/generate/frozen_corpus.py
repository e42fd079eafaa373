"""The frozen corpus: generated bodies in `contracts/corpus.json`, so that every run sends the same ones.

Accepted bodies have only documented tokens; rejected ones have one error and an accepted twin. `make corpus` makes the
file (tests/maintain/corpus.py).
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from trackly_contract.contract import ContractError, matches_nobody
from trackly_contract.core import data_root

FILE = "contracts/corpus.json"


class CorpusEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body that every target accepts, or one with an error: its code, the JSON Pointer to it, an accepted twin.

    `candidates` are the `(kind, token)` pairs in both that no reference page states: a target may reject both for one.
    """

    id: str
    body: dict[str, Any]
    code: str = ""
    path: str = msgspec.field(default="", name="place")
    twin: dict[str, Any] = {}
    candidates: tuple[tuple[str, str], ...] = ()


class Corpus(msgspec.Struct, frozen=True):
    """The frozen bodies."""

    accepted: tuple[CorpusEntry, ...]
    rejected: tuple[CorpusEntry, ...] = msgspec.field(name="refused")


@cache
def corpus(path: Path | None = None) -> Corpus:
    """Read a corpus (default: the project's own), once.

    Raises ContractError for a file that is missing or of another form, and for a filter that could match somebody.
    """
    path = path or data_root() / FILE
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
