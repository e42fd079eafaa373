"""The types of the contract's entries: a data file is checked against them as it is read (load.py)."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from trackly_contract.core import ABSENT

Basis = Literal["stated", "shown", "inferred", "observed"]
Situation = Literal["key_missing", "key_empty", "key_wrong", "id_unknown"]
Kind = Literal[
    "group.operator",
    "condition_type",
    "time.field",
    "time.operator",
    "time.unit",
    "count.field",
    "count.operator",
    "custom_field.operator",
    "carrier.operator",
    "timezone.operator",
    "revenue.field",
    "revenue.operator",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The lists of tokens that the filter language has."""

Text = Annotated[str, Meta(min_length=1)]
Reason = Annotated[str, Meta(min_length=10)]
RuleId = Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z_]+)+$")]
VectorId = Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z_]+)+/[a-z0-9-]+$")]
RuleIds = Annotated[tuple[RuleId, ...], Meta(min_length=1)]

UPDATE_FIELDS = ("name", "description", "source_lists", "filter")
"""The fields of the body of an update (update-audience, body parameters)."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a data file. Immutable; a field that its type does not name is an error."""


class Page(Entry, frozen=True):
    """A documentation page: a reference page can make a rule stated or shown, a guide only inferred."""

    id: Annotated[str, Meta(pattern="^[a-z-]+$")]
    title: str
    url: Annotated[str, Meta(pattern="^https://")]
    kind: Literal["reference", "guide"]
    read: Literal["whole", "part"]


class Source(Entry, frozen=True):
    """One position of one page: its id in sources.toml, the section, and a quotation of at most eight words."""

    page: str
    section: Annotated[str, Meta(min_length=3)]
    quote: Annotated[str, Meta(pattern=r"^\S+( \S+){0,7}$")]


class Impact(Entry, frozen=True):
    """What a difference does to clients: whether they break, and in words which."""

    breaks: Literal["yes", "perhaps", "no"]
    client: Text


class Rule(Entry, frozen=True):
    """One claim of the documentation.

    `status` and `code` are those of the rejection the rule is about, None for other rules; `accepts`: it is about
    bodies that are accepted, and its vectors are such bodies; `needs_state`: only a server can decide it, for no body
    alone shows it; `field` names the row of a documentation table it stands for; `contested` says why a difference is
    noted at most; `untested` says why no request can find it out; `impact` is that of the broken rule, for a rejection
    that of a request that is accepted.
    """

    id: RuleId
    statement: Reason
    basis: Basis
    sources: Annotated[tuple[Source, ...], Meta(min_length=1)] = msgspec.field(name="source")
    status: Literal[400, 401, 404] | None = None
    code: Annotated[str, Meta(pattern="^[a-z_]+$")] | None = None
    accepts: bool = False
    needs_state: bool = False
    field: Annotated[str, Meta(pattern=r"^(get\.path|put\.path|body|response)\.[a-z_]+$")] | None = None
    contested: Reason | None = None
    untested: Reason | None = None
    impact: Impact | None = None

    @property
    def breakable(self) -> bool:
        """Whether a difference can break the rule: a reference page states or shows it, and none denies it."""
        return self.basis in ("stated", "shown")

    @property
    def file(self) -> str:
        """The file that holds the rule: the first part of its id names it."""
        return f"contracts/rules/{self.id.partition('.')[0]}.toml"


class _Vector(Entry, frozen=True):
    id: VectorId

    @property
    def rule(self) -> str:
        """The id of the rule that this vector belongs to."""
        return self.id.partition("/")[0]


class RequestVector(_Vector, frozen=True):
    """A literal request and its response: sent to the documented audience in its documented state.

    `then` is what is asked next: `echo`, fields of a response, each whole, is then about that response. `twin` is the
    accepted vector that is one edit away.
    """

    method: Literal["GET", "PUT"]
    status: Literal[200, 400, 401, 404]
    body: Any = ABSENT
    situation: Situation | None = None
    then: Literal["read", "size"] | None = None
    code: Text | None = None
    echo: dict[str, Any] | None = None
    twin: VectorId | None = None

    @property
    def refused(self) -> bool:
        """Whether the documentation says that the request is rejected."""
        return self.code is not None


class AnswerVector(_Vector, frozen=True):
    """A literal response and its verdict under its rule; a broken one names its twin that is held."""

    status: int
    answer: Any
    verdict: Literal["held", "noted", "broken"]
    method: Literal["GET", "PUT"] = "GET"
    twin: VectorId | None = None


class Token(Entry, frozen=True):
    """One word of the filter language; `needs` are the fields an operator requires beside its field."""

    kind: Kind
    token: Text
    basis: Basis
    page: str
    needs: tuple[Literal["value", "unit"], ...] = ()
    note: str = ""

    @property
    def candidate(self) -> bool:
        """Whether no reference page states the token: then no target fails because of it."""
        return self.basis not in ("stated", "shown")


class Mentioned(Entry, frozen=True):
    """A word that a documentation page prints and that nothing else of the contract holds."""

    page: str
    section: Annotated[str, Meta(min_length=3)]
    word: Annotated[str, Meta(pattern=r"^\S+$")]
    note: Annotated[str, Meta(min_length=5)]


class Probe(Entry, frozen=True):
    """One request that asks a question, or with `find` a search of several requests; `of` says what it is about.

    At most one of the four texts of JSON is the body of the request (run/questions.py). `key` and `id` stand in place
    of the run's own, `headers` beside the usual ones or, where empty, without them.
    """

    says: Text
    method: Literal["PATCH"] | None = None
    key: str | None = None
    id: str | None = None
    headers: dict[str, str] = {}
    raw: str | None = None
    body: str | None = None
    condition: str | None = None
    group: str | None = None
    find: Literal["", "limit", "unit", "order", "cache"] = ""
    of: str = ""


class Question(Entry, frozen=True):
    """Something the documentation leaves open: the `page` that does, and `why` it matters to authors of clients.

    It is asked by `probes`; if by none, `cannot` says why. It stands beside `rules`; as soon as there is one of the
    rules `answered_by`, it is no longer open.
    """

    id: Annotated[str, Meta(pattern="^[a-z]+(-[a-z]+)*$")]
    asks: Annotated[str, Meta(pattern=r"\?$")]
    page: str
    why: Annotated[str, Meta(pattern=r"\.$")]
    rules: RuleIds
    probes: tuple[Probe, ...] = msgspec.field(name="probe", default=())
    cannot: str = ""
    answered_by: tuple[RuleId, ...] = ()


class Assumption(Entry, frozen=True):
    """What the reference server does where the documentation is silent; `choice` is the field of its Choices."""

    rules: RuleIds
    text: Text
    choice: str = ""
    default: Any = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target made of one probe of a question; `said` is empty if it could not be asked: `why_not` says why."""

    question: str
    probe: str
    said: str
    why_not: str = ""
