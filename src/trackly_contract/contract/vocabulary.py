"""The tokens of the filter language, their schema, and what a target did with tokens that were tried.

Only a list that a page states in full rejects every other token. In all other lists an unlisted token is open, apart
from the implausible (`zz_...`). Which candidate a target accepts is found out by a run, never assumed.
"""

import datetime as dt  # msgspec reads the types of fields
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from trackly_contract.contract.model import KINDS, Entry, Kind, Text, Token

NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "time.operator": ((), ("value", "unit")),
    "count.operator": (("value",),),
    "custom_field.operator": ((), ("value",)),
    "carrier.operator": (("value",),),
    "timezone.operator": (("value",),),
    "revenue.operator": (("value",),),
}
"""What operators of a type may need beside their field (update-audience, error table: missing_*_value)."""

SCHEMA_ID = "https://trackly-contract.example/schemas/vocabulary.json"

LIST_OPERATORS = ("in", "not_in")
"""Operators whose value is a list."""

_TRIED = r"^(condition_type|(custom_field|carrier|timezone)\.operator|revenue\.(field|operator))$"
"""Kinds with candidates that the suite tries."""


def code_of(kind: str) -> str:
    """Return the documented code for an unknown token of `kind` (update-audience, error table)."""
    return f"invalid_{kind.replace('.', '_')}"


class Outcome(StrEnum):
    """What a target did with a token, what says the most first.

    undecided: the condition did not work, and nothing says that this token is why.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Trial(Entry, frozen=True):
    """One token that a target was tried with; `said` is its response in a few words: `400 invalid_carrier_operator`."""

    kind: Annotated[str, Meta(pattern=_TRIED)]
    token: Text
    outcome: Outcome
    said: Text


class Observed(Trial, frozen=True):
    """What a run on a live API found out about one token: where, on which day, at which effort."""

    base_url: Text
    date: dt.date
    effort: Literal["quick", "standard", "thorough"]

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about; of two with the same key the newer one counts."""
        return self.base_url, self.kind, self.token

    @property
    def result(self) -> str:
        """What came of it, in words."""
        return f"{self.outcome} ({self.said})"


def summed_up(trials: Iterable[Trial]) -> list[Trial]:
    """Return one trial a token, the one that says the most (the first of several), in the order of first trying."""
    ranks, found = list(Outcome), dict[tuple[str, str], Trial]()
    for trial in trials:
        best = found.setdefault((trial.kind, trial.token), trial)
        found[trial.kind, trial.token] = min(best, trial, key=lambda trial: ranks.index(trial.outcome))
    return [*found.values()]


class Vocabulary(Entry, frozen=True):
    """Tokens in the order of trying, and the kinds whose list a page states in full: contracts/vocabulary.toml."""

    tokens: tuple[Token, ...] = field(name="token")
    full: frozenset[Kind]

    def of(self, kind: str) -> list[Token]:
        """Return the tokens of one kind, in order."""
        return [token for token in self.tokens if token.kind == kind]

    def words(self, kind: str) -> list[str]:
        """Return the tokens of one kind as text, in order."""
        return [token.token for token in self.of(kind)]

    def documented(self) -> "Vocabulary":
        """Return the vocabulary less its candidates: what a reference page states or shows."""
        return self.without((token.kind, token.token) for token in self.tokens if token.candidate)

    def without(self, refused: Iterable[tuple[str, str]]) -> "Vocabulary":
        """Return the vocabulary less some `(kind, token)` pairs."""
        gone = set(refused)
        return Vocabulary(tuple(t for t in self.tokens if (t.kind, t.token) not in gone), self.full)

    def schema(self) -> dict[str, Any]:
        """Return `vocabulary.json`: one definition per kind, and per need of its operators."""
        definitions: dict[str, Any] = {}
        for kind in KINDS:
            name, words, code = kind.replace(".", "_"), self.words(kind), code_of(kind)
            definition: dict[str, Any] = {"type": "string", "x-open": {"type": "token-shape"}}
            if kind in self.full:
                definition |= {"enum": words, "x-error": {"enum": code}}
            else:
                definition |= {
                    # No API would have such tokens: a list that is not known in full is tested with these alone.
                    "if": {"type": "string", "pattern": "^zz_"},
                    "then": {"not": {}, "x-error": {"not": code}},
                    "else": {"enum": words, "x-open": {"enum": "token-unlisted"}},
                }
            definitions[name] = definition
            # Always the same definitions, for schemas refer to them, however few tokens there are.
            for needs in NEEDS.get(kind, ()):
                words = [token.token for token in self.of(kind) if token.needs == needs]
                definitions[f"{name}_needing_{'_and_'.join(needs) or 'nothing'}"] = {"enum": words}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": SCHEMA_ID,
            "title": "Tokens of the filter language",
            "description": "Generated from contracts/vocabulary.toml; edit that and run `make docs`.",
            "$defs": definitions,
        }
