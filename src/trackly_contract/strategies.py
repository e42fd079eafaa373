"""Hypothesis strategies for the filter language: what the documentation accepts, and what it refuses.

Promises: every example of `conditions`, `filters` and `update_bodies` is decided and accepted by the schemas (unless
`open=True`), nested up to depth 100, and with `nobody=True` matches no contact; every operator, field and unit of the
vocabulary is reached.
Refuses: to fall silent: a vocabulary without a needed token raises instead of giving an empty strategy.
Bodies with a fault are made in broken.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from trackly_contract.contract import contract
from trackly_contract.filters import GUARD, IMPOSSIBLE_AGE, IMPOSSIBLE_COUNT, depth
from trackly_contract.schemas import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from trackly_contract.jsonvalue import JSON
    from trackly_contract.rule import Token
    from trackly_contract.vocabulary import Vocabulary

Condition = dict[str, "JSON"]
Filter = dict[str, "JSON"]
Body = dict[str, "JSON"]

TYPES = ("time", "count", "custom_field", "carrier", "timezone", "revenue")
LARGEST = 2_147_483_647
LISTY = ("in", "not_in")

_TELLING = (
    "Zoë",
    "e\u0301",
    "שלום",
    "مرحبا",
    "日本",
    "\U0001f4f1",
    "\U0001f469\u200d\U0001f4bb",
    "ﬁ",
    "ß",
    "İ",
    "'\";--",
)
_LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\0")


class EmptyVocabularyError(ValueError):
    """The vocabulary has no token where one is needed; the text names the kind."""


def _words(vocabulary: Vocabulary, kind: str) -> list[Token]:
    found = vocabulary.of(kind)
    if not found:
        raise EmptyVocabularyError(f"the vocabulary has no {kind}: give one with `vocabulary=`")
    return found


def texts(most: int = 40) -> SearchStrategy[str]:
    """Return texts of 1 to `most` characters that are not blank at either end, of any script, emoji among them."""
    plain = st.text(_LETTERS, min_size=1, max_size=most).map(str.strip).filter(bool)
    return st.one_of(st.sampled_from(("a", *(t for t in _TELLING if len(t) <= most))), plain)


def names() -> SearchStrategy[str]:
    """Return names that are accepted however their 255 characters are counted (code points, UTF-16 or bytes)."""
    short = texts(60).filter(lambda name: len(name.encode("utf-8", "surrogatepass")) <= 255 and "\n" not in name)
    return st.one_of(short.filter(_one_line), st.integers(1, 255).map(lambda size: "n" * size))


def _one_line(text: str) -> bool:
    return len(text.splitlines()) == 1


def _amounts() -> SearchStrategy[int]:
    return st.one_of(st.integers(1, 60), st.integers(1, LARGEST))


def _values(kind: str, field: str | None, operator: str) -> SearchStrategy[JSON]:
    if kind in ("time", "count"):
        return _amounts()
    if kind == "revenue":
        return st.booleans() if field == "has_revenue" else _amounts()
    if operator in LISTY:
        return st.lists(texts(), min_size=1, max_size=4)
    return texts()


@st.composite
def _conditions(draw: DrawFn, kind: str, vocabulary: Vocabulary) -> Condition:
    condition: Condition = {"condition_type": kind}
    field = None
    if kind == "custom_field":
        field = draw(texts())
    elif kind in ("time", "count", "revenue"):
        field = draw(st.sampled_from(_words(vocabulary, f"{kind}.field"))).token
    if field is not None:
        condition["field"] = field
    operator = draw(st.sampled_from(_words(vocabulary, f"{kind}.operator")))
    condition["operator"] = operator.token
    if "value" in operator.needs:
        condition["value"] = draw(_values(kind, field, operator.token))
    if "unit" in operator.needs:
        condition["unit"] = draw(st.sampled_from(_words(vocabulary, "time.unit"))).token
    return condition


def _impossible() -> SearchStrategy[Condition]:
    """Return conditions of documented tokens that no contact meets."""
    counts = st.builds(
        lambda field, value: {"condition_type": "count", "field": field, "operator": "gte", "value": value},
        st.sampled_from(("click_count", "send_count")),
        st.integers(IMPOSSIBLE_COUNT, LARGEST),
    )
    times = st.builds(
        lambda unit, more: {
            "condition_type": "time",
            "field": "signup_date",
            "operator": "before",
            "value": IMPOSSIBLE_AGE[unit] + more,
            "unit": unit,
        },
        st.sampled_from(sorted(IMPOSSIBLE_AGE)),
        st.integers(0, 1000),
    )
    return st.one_of(counts, times)


def conditions(
    kind: str | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # the word of the project for what nobody documents
) -> SearchStrategy[Condition]:
    """Return conditions as requests spell them, of one type (`time`, `count`, ...) or of all six.

    `vocabulary` holds the tokens (default: the contract's own, candidates included); `nobody=True` gives only
    conditions that no contact meets; `open=True` adds what the documentation leaves open.
    Raises ValueError for an unknown type, EmptyVocabularyError for a vocabulary without a needed token.
    """
    if kind is not None and kind not in TYPES:
        raise ValueError(f"{kind!r} is no condition type; there are {', '.join(TYPES)}")
    tokens = vocabulary or contract().vocabulary
    if nobody:
        if kind not in (None, "time", "count"):
            raise ValueError(f"no condition of type {kind} is known to match nobody; there are time and count")
        impossible = _impossible()
        return impossible if kind is None else impossible.filter(lambda found: found["condition_type"] == kind)
    decided = st.one_of(*(_conditions(name, tokens) for name in ((kind,) if kind else TYPES)))
    return st.one_of(decided, _opened(decided)) if open else decided


@st.composite
def _opened(draw: DrawFn, decided: SearchStrategy[Condition]) -> Condition:
    """Give one member of a decided condition a value that no page speaks of, or another member beside it."""
    condition = dict(draw(decided))
    member = draw(st.sampled_from([*condition, "unit", "value", "unknown_key", "conditionType"]))
    odd: SearchStrategy[Any] = st.sampled_from(
        [None, 0, -1, 1.0, 0.5, True, "", " ", "\0", "\ud800", [], {}, 10**30, "é" * 300, [[]], {"$gt": ""}]
    )
    condition[member] = draw(odd)
    return condition


@st.composite
def groups_around(draw: DrawFn, inner: Filter, depth: int, siblings: SearchStrategy[Condition]) -> Filter:
    """Wrap a group in `depth - 1` groups of documented operators, each with few siblings; pure JSON, no recursion."""
    for _ in range(depth - 1):
        operator = draw(st.sampled_from(("AND", "OR")))
        beside: list[Condition] = draw(st.lists(siblings, max_size=1 if depth > 8 else 2))
        absent = not beside and draw(st.booleans())
        found: Filter = {"operator": operator, **({} if absent else {"conditions": beside}), "groups": [inner]}
        inner = found
    return inner


def depths(deepest: int) -> SearchStrategy[int]:
    """Return nesting depths, mostly small, up to `deepest`; they shrink to 1."""
    return st.one_of(st.integers(1, min(4, deepest)), st.integers(1, deepest))


@st.composite
def filters(
    draw: DrawFn,
    *,
    vocabulary: Vocabulary | None = None,
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # as in conditions
    deepest: int = DEEPEST,
) -> Filter:
    """Return filters as requests spell them, nested up to `deepest` groups.

    Parameters as in `conditions`; with `nobody=True` the filter matches no contact, whatever else stands in it.
    """
    parts = conditions(vocabulary=vocabulary, open=open)
    leaf: Filter = {"operator": draw(st.sampled_from(("AND", "OR")))}
    leaf["conditions"] = draw(st.lists(parts, min_size=1, max_size=4))
    if deepest > 2 and draw(st.booleans()):
        leaf["groups"] = draw(st.lists(_small_groups(parts), max_size=2))
    around = deepest - depth(leaf) - (1 if nobody else 0)
    found: Filter = draw(groups_around(leaf, draw(depths(around + 1)), parts))
    return draw(_guarded(found)) if nobody else found


@st.composite
def _small_groups(draw: DrawFn, parts: SearchStrategy[Condition]) -> Filter:
    operator = draw(st.sampled_from(("AND", "OR")))
    return {"operator": operator, "conditions": draw(st.lists(parts, min_size=1, max_size=2))}


@st.composite
def _guarded(draw: DrawFn, found: Filter) -> Filter:
    """Return a filter that holds `found` and matches nobody: AND with an impossible part, or OR of nothing else."""
    impossible = draw(st.one_of(st.just(dict(GUARD)), _impossible()))
    if draw(st.booleans()):
        return {"operator": "AND", "conditions": [impossible], "groups": [found]}
    shut = {"operator": "AND", "conditions": [dict(GUARD)], "groups": [found]}
    return {"operator": "OR", "conditions": [impossible], "groups": [shut]} if depth(found) + 2 <= DEEPEST else shut


def source_lists(lists: Sequence[int]) -> SearchStrategy[list[int]]:
    """Return arrays of distinct sending lists that exist, `[]` (all lists) among them."""
    return st.lists(st.sampled_from(list(lists)), unique=True, max_size=len(lists)) if lists else st.just([])


@st.composite
def update_bodies(
    draw: DrawFn,
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # as in conditions
    deepest: int = DEEPEST,
) -> Body:
    """Return bodies of updates: any non-empty subset of name, description, source_lists and filter.

    `lists` are the sending lists that exist; other parameters as in `filters`. With `nobody=True` only `filter` is
    made to match nobody: a body without one leaves whatever filter stands.
    """
    members: dict[str, SearchStrategy[JSON]] = {
        "name": names(),
        "description": texts(200),
        "source_lists": source_lists(lists),
        "filter": filters(vocabulary=vocabulary, nobody=nobody, open=open, deepest=deepest),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(members)), min_size=1, unique=True))
    body: Body = {name: draw(members[name]) for name in members if name in chosen}
    if open and draw(st.booleans()):
        odd: SearchStrategy[JSON] = st.sampled_from([None, "", 0, [], {}, True, "\0", "\ud800"])
        body[draw(st.sampled_from([*members, "status", "id", "unknown_key"]))] = draw(odd)
    return body
