"""Hypothesis strategies for the filter language: what the documentation accepts, and what it refuses.

Promises: every example of `conditions`, `filters` and `update_bodies` is decided and accepted by the schemas (unless
`open=True`: then accepted or open, never refused), nested up to depth 100, and with `nobody=True` matches no contact;
every operator, field and unit of the vocabulary is reached.
Refuses: to fall silent: a vocabulary without a needed token raises at once instead of giving an empty strategy.
Bodies with a fault are made in broken.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from trackly_contract.contract import DEEPEST, IMPOSSIBLE_COUNT, contract, depth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from trackly_contract.contract import Vocabulary
    from trackly_contract.core import JSON

Condition = dict[str, "JSON"]
Filter = dict[str, "JSON"]
Body = dict[str, "JSON"]

TYPES = ("time", "count", "custom_field", "carrier", "timezone", "revenue")
TYPES_WITH_FIELDS = ("time", "count", "revenue")
"""Types whose field is a token; that of a custom field is any text, the others have none."""
MEMBERS = ("name", "description", "source_lists", "filter")
LARGEST = 2_147_483_647
WIDEST = {"days": 3_650, "hours": 87_600, "minutes": 5_256_000}
"""Ten years in each unit: how far back a window may reach is open (value-range)."""
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
_LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
_GROUP_OPERATORS = st.sampled_from(("AND", "OR"))


class EmptyVocabularyError(ValueError):
    """The vocabulary has no token where one is needed; the text names the kind."""


def needed(vocabulary: Vocabulary, kind: str, *, needs: str | None = None) -> list[str]:
    """Return the tokens of a kind, with `needs` those operators that need this member.

    Raises EmptyVocabularyError if there is none.
    """
    found = [token.token for token in vocabulary.of(kind) if needs is None or needs in token.needs]
    if not found:
        what = f"{kind} that needs a {needs}" if needs else kind
        raise EmptyVocabularyError(f"the vocabulary has no {what}: give one with `vocabulary=`")
    return found


def texts(most: int = 40) -> SearchStrategy[str]:
    """Return texts of 1 to `most` characters that are not blank at either end, of any script, emoji among them."""
    plain = st.text(_LETTERS, min_size=1, max_size=most).map(str.strip).filter(bool)
    return st.one_of(st.sampled_from(("a", *(t for t in _TELLING if len(t) <= most))), plain)


def names() -> SearchStrategy[str]:
    """Return names that are accepted however their 255 characters are counted (code points, UTF-16 or bytes)."""
    short = texts(60).filter(lambda name: len(name.splitlines()) == 1 and len(name.encode("utf-8")) <= 255)
    return st.one_of(short, st.integers(1, 255).map(lambda size: "n" * size))


def _amounts() -> SearchStrategy[int]:
    return st.one_of(st.integers(1, 60), st.integers(1, LARGEST))


def _values(kind: str, field: str | None, operator: str, unit: str | None) -> SearchStrategy[JSON]:
    if kind == "time":
        return st.one_of(st.integers(1, 60), st.integers(1, WIDEST.get(str(unit), min(WIDEST.values()))))
    if kind == "count":
        return _amounts()
    if kind == "revenue":
        return st.booleans() if field == "has_revenue" else _amounts()
    if operator in LISTY:
        return st.lists(texts(), min_size=1, max_size=4)
    return texts()


def _conditions(kind: str, vocabulary: Vocabulary) -> SearchStrategy[Condition]:
    fields = needed(vocabulary, f"{kind}.field") if kind in TYPES_WITH_FIELDS else None
    needed(vocabulary, f"{kind}.operator")
    operators = {token.token: token.needs for token in vocabulary.of(f"{kind}.operator")}
    wants_unit = any("unit" in needs for needs in operators.values())
    units = needed(vocabulary, "time.unit") if wants_unit else []

    @st.composite
    def made(draw: DrawFn) -> Condition:
        condition: Condition = {"condition_type": kind}
        field = draw(st.sampled_from(fields)) if fields else None
        if kind == "custom_field":
            field = draw(texts())
        if field is not None:
            condition["field"] = field
        operator = condition["operator"] = draw(st.sampled_from(list(operators)))
        unit = draw(st.sampled_from(units)) if "unit" in operators[operator] else None
        if "value" in operators[operator]:
            condition["value"] = draw(_values(kind, field, operator, unit))
        if unit is not None:
            condition["unit"] = unit
        return condition

    return made()


def _impossible(vocabulary: Vocabulary) -> SearchStrategy[Condition]:
    """Return conditions of documented tokens that no contact meets: counts beyond what anybody reaches.

    A window beyond anybody's age would do as well, but how far back a window may reach is open.
    """
    fields = [field for field in ("click_count", "send_count") if field in vocabulary.words("count.field")]
    if not fields or "gte" not in vocabulary.words("count.operator"):
        raise EmptyVocabularyError(
            "the vocabulary has no condition that matches nobody: neither click_count nor send_count with gte"
        )
    return st.builds(
        lambda field, value: {"condition_type": "count", "field": field, "operator": "gte", "value": value},
        st.sampled_from(fields),
        st.integers(IMPOSSIBLE_COUNT, LARGEST),
    )


def conditions(
    kind: str | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # the word of the project for what nobody documents
) -> SearchStrategy[Condition]:
    """Return conditions as requests spell them, of one type (`time`, `count`, ...) or of all the vocabulary has.

    `vocabulary` holds the tokens (default: the contract's own, candidates included); `nobody=True` gives only
    conditions that no contact meets; `open=True` adds what the documentation leaves open.
    Raises ValueError for an unknown type, EmptyVocabularyError for a vocabulary without a needed token.
    """
    if kind is not None and kind not in TYPES:
        raise ValueError(f"{kind!r} is no condition type; there are {', '.join(TYPES)}")
    tokens = vocabulary or contract().vocabulary
    if nobody:
        if kind not in (None, "count"):
            raise ValueError(f"no decided condition of type {kind} matches nobody for certain; those of type count do")
        return _impossible(tokens)
    known = needed(tokens, "condition_type")
    if kind is not None and kind not in known:
        raise EmptyVocabularyError(f"the vocabulary has no condition_type {kind}: give one with `vocabulary=`")
    decided = st.one_of([_conditions(name, tokens) for name in TYPES if name in ((kind,) if kind else known)])
    return st.one_of(decided, _opened(decided)) if open else decided


_ODD: tuple[JSON, ...] = (
    None,
    0,
    -1,
    1.0,
    0.5,
    True,
    "",
    " ",
    "\0",
    "\ud800",
    [],
    {},
    10**30,
    "é" * 300,
    [[]],
    {"$gt": ""},
)


def _odd_for(condition: Condition, member: str) -> list[JSON]:
    """Return values that no page speaks of; a text is none where the unit is needed, for there it is refused."""
    if member == "unit" and condition["condition_type"] == "time":
        return [value for value in _ODD if not isinstance(value, str)]
    return list(_ODD)


@st.composite
def _opened(draw: DrawFn, decided: SearchStrategy[Condition]) -> Condition:
    """Give one member of a decided condition a value that no page speaks of, or another member beside it."""
    condition = dict(draw(decided))
    beside = ("field", "value", "unit", "unknown_key", "conditionType")
    member = draw(st.sampled_from([*condition, *(name for name in beside if name not in condition)]))
    condition[member] = draw(st.sampled_from(_odd_for(condition, member)))
    return condition


@st.composite
def _groups_around(draw: DrawFn, inner: Filter, levels: int, siblings: SearchStrategy[Condition]) -> Filter:
    """Wrap a group in `levels` groups of documented operators, each with few siblings; pure JSON, no recursion."""
    for _ in range(levels):
        operator = draw(_GROUP_OPERATORS)
        beside: list[Condition] = [] if draw(sparse(levels)) else draw(st.lists(siblings, max_size=2))
        absent = not beside and draw(st.booleans())
        inner = {"operator": operator, **({} if absent else {"conditions": beside}), "groups": [inner]}
    return inner


def depths(deepest: int) -> SearchStrategy[int]:
    """Return nesting depths, mostly small, up to `deepest` and now and then exactly that; they shrink to 1."""
    few, any_depth = st.integers(1, min(4, deepest)), st.integers(1, deepest)
    return st.integers(0, 19).flatmap(lambda turn: few if turn < 10 else any_depth if turn < 18 else st.just(deepest))


def sparse(levels: int) -> SearchStrategy[bool]:
    """Return whether a level has nothing beside the nested group: most have not, where there are many levels."""
    return st.integers(0, 3).map(lambda turn: turn < 3) if levels > 7 else st.just(False)


def checked_depth(deepest: int) -> None:
    """Raise ValueError for a depth that no decided filter has."""
    if not 1 <= deepest <= DEEPEST:
        raise ValueError(f"deepest is {deepest}: filters are decided from 1 to {DEEPEST} groups deep")


def filters(
    *,
    vocabulary: Vocabulary | None = None,
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # as in conditions
    deepest: int = DEEPEST,
) -> SearchStrategy[Filter]:
    """Return filters as requests spell them, nested up to `deepest` groups.

    Parameters and what is raised as in `conditions`; with `nobody=True` the filter matches no contact, whatever
    else stands in it.
    """
    checked_depth(deepest)
    parts = conditions(vocabulary=vocabulary, open=open)
    if not nobody:
        return _filters(parts, deepest)
    return _guarded(parts, _impossible(vocabulary or contract().vocabulary), deepest)


@st.composite
def _filters(draw: DrawFn, parts: SearchStrategy[Condition], deepest: int) -> Filter:
    leaf: Filter = {"operator": draw(_GROUP_OPERATORS), "conditions": draw(st.lists(parts, min_size=1, max_size=4))}
    if deepest > 1 and draw(st.booleans()):
        small = st.fixed_dictionaries(
            {"operator": _GROUP_OPERATORS, "conditions": st.lists(parts, min_size=1, max_size=2)}
        )
        leaf["groups"] = draw(st.lists(small, max_size=2))
    levels = draw(depths(deepest - depth(leaf) + 1)) - 1
    found: Filter = draw(_groups_around(leaf, levels, parts))
    return found


@st.composite
def _guarded(
    draw: DrawFn, parts: SearchStrategy[Condition], impossible: SearchStrategy[Condition], deepest: int
) -> Filter:
    """Return a filter that matches nobody: impossible parts alone, or others beside or below one under AND."""
    guard = draw(impossible)
    outside = draw(st.integers(0, min(2, deepest - 1)))
    if outside == 0 and draw(st.booleans()):
        return {"operator": draw(_GROUP_OPERATORS), "conditions": [guard, *draw(st.lists(impossible, max_size=2))]}
    found = draw(_filters(parts, deepest - outside))
    if outside == 0:
        beside = [*found.get("conditions", ())]
        beside.insert(draw(st.integers(0, len(beside))), guard)
        return {**found, "operator": "AND", "conditions": beside}
    shut = {"operator": "AND", "conditions": [guard], "groups": [found]}
    if outside == 1:
        return shut
    return {"operator": "OR", "conditions": [draw(impossible)], "groups": [shut]}


def source_lists(lists: Sequence[int]) -> SearchStrategy[list[int]]:
    """Return arrays of distinct sending lists that exist, `[]` (all lists) among them."""
    return st.lists(st.sampled_from(list(lists)), unique=True, max_size=len(lists)) if lists else st.just([])


def update_bodies(
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    nobody: bool = False,
    open: bool = False,  # noqa: A002  # as in conditions
    deepest: int = DEEPEST,
    members: Iterable[str] | None = None,
) -> SearchStrategy[Body]:
    """Return bodies of updates: any non-empty subset of name, description, source_lists and filter.

    `lists` are the sending lists that exist; `members` is the one subset to give (default: all in turn); other
    parameters and what is raised as in `filters`. With `nobody=True` only `filter` is made to match nobody: a body
    without one leaves whatever filter stands.
    """
    values: dict[str, SearchStrategy[JSON]] = {
        "name": names(),
        "description": texts(200),
        "source_lists": source_lists(lists),
        "filter": filters(vocabulary=vocabulary, nobody=nobody, open=open, deepest=deepest),
    }
    wanted = None if members is None else set(members)
    if wanted is not None and (not wanted or wanted - set(values)):
        raise ValueError(f"members is {sorted(wanted)}: name one or more of {', '.join(values)}")
    subsets = (
        st.lists(st.sampled_from(MEMBERS), min_size=1, unique=True).map(set) if wanted is None else st.just(wanted)
    )
    # Only a filter that is there and sound keeps its promise to match nobody.
    odd_members = [*(name for name in MEMBERS if name != "filter" or not nobody), "status", "id", "unknown_key"]
    return _bodies(values, subsets, odd_members if open else [])


@st.composite
def _bodies(
    draw: DrawFn,
    values: dict[str, SearchStrategy[JSON]],
    subsets: SearchStrategy[set[str]],
    odd_members: list[str],
) -> Body:
    chosen = draw(subsets)
    body: Body = {name: draw(values[name]) for name in MEMBERS if name in chosen}
    if draw(st.booleans()) and odd_members:
        member = draw(st.sampled_from(odd_members))
        odd: list[Any] = [None, "", 0, [], {}, True, "\0", "\ud800"]
        body[member] = draw(st.sampled_from(odd))
    return body
