"""Values of the contract: rules, vectors, tokens, and where each was read.

Promises: immutable; ids as they stand in `contracts/`.
Refuses: to read files (contract.py) and to judge (judge.py, followed.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackly_contract.core import JSON

Basis = Literal["stated", "shown", "inferred", "observed"]
Situation = Literal["key_missing", "key_empty", "key_wrong", "id_unknown"]


@dataclass(frozen=True, slots=True)
class Source:
    """One place of one page: its id in sources.toml, the section, and a quotation of at most eight words."""

    page: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One claim of the documentation.

    `status` and `code` are those of the refusal the rule is about, None for other rules; `field` names the
    row of a documentation table it stands for; `contested` says why a difference is noted at most; `untested`
    says why no request can find it out.
    """

    id: str
    statement: str
    basis: Basis
    sources: tuple[Source, ...]
    status: int | None = None
    code: str | None = None
    field: str | None = None
    contested: str | None = None
    untested: str | None = None

    @property
    def breakable(self) -> bool:
        """Whether a difference can break the rule: a reference page states or shows it, and none denies it."""
        return self.basis in ("stated", "shown")


@dataclass(frozen=True, slots=True)
class RequestVector:
    """A literal request and what it is answered: sent to the documented audience in its documented state."""

    id: str
    method: str
    status: int
    body: JSON = None
    situation: Situation | None = None
    then: Literal["read", "size"] | None = None
    code: str | None = None
    echo: JSON = None
    twin: str | None = None

    @property
    def rule(self) -> str:
        """The id of the rule that this vector belongs to."""
        return self.id.partition("/")[0]

    @property
    def refused(self) -> bool:
        """Whether the documentation says that the request is refused."""
        return self.code is not None


@dataclass(frozen=True, slots=True)
class AnswerVector:
    """A literal answer and what it is worth under its rule: `held`, `noted` or `broken`."""

    id: str
    method: str
    status: int
    answer: JSON
    verdict: Literal["held", "noted", "broken"]
    twin: str | None = None

    @property
    def rule(self) -> str:
        """The id of the rule that this vector belongs to."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the filter language; `needs` are the members an operator wants beside its field."""

    kind: str
    token: str
    basis: Basis
    page: str
    needs: tuple[str, ...] = ()
    note: str = ""

    @property
    def candidate(self) -> bool:
        """Whether no reference page states the token: then no target fails over it."""
        return self.basis not in ("stated", "shown")


@dataclass(frozen=True, slots=True)
class Probe:
    """One request that asks a question, or with `find` a search of several requests; `of` says what it is about.

    At most one of the four texts of JSON is the body of the request (run/questions.py). `key` and `id` stand in place
    of the run's own, `headers` beside the usual ones or, where empty, without them.
    """

    says: str
    method: str | None = None
    key: str | None = None
    id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str | None = None
    body: str | None = None
    condition: str | None = None
    group: str | None = None
    find: Literal["", "limit", "unit", "order", "cache"] = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something the documentation leaves open: the `page` that does, and `why` it matters to who writes a client.

    It is asked by `probes`; if by none, `cannot` says why.
    """

    id: str
    asks: str
    page: str
    why: str
    probes: tuple[Probe, ...] = ()
    cannot: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target made of one probe of a question; `said` is empty if it could not be asked: `why_not` says why."""

    question: str
    probe: str
    said: str
    why_not: str = ""
