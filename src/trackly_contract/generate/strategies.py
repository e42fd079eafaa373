"""Hypothesis strategies for the filter language: what the documentation accepts, and bodies with exactly one error.

What can be wrong is read from the rejected vectors, so that a new rule has its strategy at once.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from trackly_contract.contract import (
    CONTRADICTION,
    DEEPEST,
    GUARD,
    KINDS,
    LIST_OPERATORS,
    NOBODY,
    UPDATE_FIELDS,
    RequestVector,
    Vocabulary,
    contract,
    depth,
    guarded,
)
from trackly_contract.core import JSON, differences
from trackly_contract.generate.cases import to_reject

Object = dict[str, "JSON"]
"""A condition, a filter or a body as a request spells it."""

_Part = tuple[Object, Object, str]
"""A part of a body with an error, its accepted twin, the JSON Pointer to the edit."""

LARGEST = 2_147_483_647
WIDEST = {"days": 3_650, "hours": 87_600, "minutes": 5_256_000}
"""Ten years in each unit: how far back a window may reach is open (value-range)."""

_GROUP_OPERATORS = st.sampled_from(("AND", "OR"))
_TELLING = ("a", "Zoë", "e\u0301", "שלום", "مرحبا", "日本", "\U0001f4f1", "\U0001f469\u200d\U0001f4bb", "ﬁ", "ß", "İ")


class EmptyVocabularyError(ValueError):
    """The vocabulary has no token where one is needed; the text names the kind."""


def _needed(vocabulary: Vocabulary, kind: str) -> list[str]:
    if not (found := vocabulary.words(kind)):
        raise EmptyVocabularyError(f"the vocabulary has no suitable {kind}: give one with `vocabulary=`")
    return found


def texts(max_size: int = 40) -> SearchStrategy[str]:
    """Return texts of 1 to `max_size` characters of any script, emoji among them, never blank at either end."""
    plain = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=max_size)
    return st.sampled_from(_TELLING) | plain.map(str.strip).filter(bool)


def _field_values(lists: Sequence[int]) -> dict[str, SearchStrategy[JSON]]:
    """Return accepted values of each field of a body but the filter."""
    # However the 255 characters of a name are counted: code points, UTF-16 or bytes.
    short = texts(60).filter(lambda name: len(name.splitlines()) == 1 and len(name.encode("utf-8")) <= 255)
    existing = st.lists(st.sampled_from(list(lists)), unique=True) if lists else st.just([])
    return {"name": short | st.integers(1, 255).map("n".__mul__), "description": texts(200), "source_lists": existing}


def _values(kind: str, field: str | None, operator: str, unit: str | None) -> SearchStrategy[JSON]:
    if kind == "revenue" and field == "has_revenue":
        return st.booleans()
    if kind in ("time", "count", "revenue"):
        most = WIDEST.get(str(unit), min(WIDEST.values())) if kind == "time" else LARGEST
        return st.integers(1, 60) | st.integers(1, most)
    return st.lists(texts(), min_size=1, max_size=4) if operator in LIST_OPERATORS else texts()


def _conditions(kind: str, vocabulary: Vocabulary) -> SearchStrategy[Object]:
    fields = _needed(vocabulary, f"{kind}.field") if f"{kind}.field" in KINDS else []
    _needed(vocabulary, f"{kind}.operator")
    operators = vocabulary.of(f"{kind}.operator")
    units = _needed(vocabulary, "time.unit") if any("unit" in operator.needs for operator in operators) else []

    @st.composite
    def made(draw: DrawFn) -> Object:
        condition: Object = {"condition_type": kind}
        if fields or kind == "custom_field":
            condition["field"] = draw(st.sampled_from(fields) if fields else texts())
        operator = draw(st.sampled_from(operators))
        condition["operator"] = operator.token
        unit = draw(st.sampled_from(units)) if "unit" in operator.needs else None
        if "value" in operator.needs:
            condition["value"] = draw(_values(kind, condition.get("field"), operator.token, unit))
        return condition if unit is None else {**condition, "unit": unit}

    return made()


def conditions(kind: str | None = None, *, vocabulary: Vocabulary | None = None) -> SearchStrategy[Object]:
    """Return conditions of one type (`time`, `count`, ...) or of all types, as requests spell them.

    `vocabulary` holds the tokens (default: the contract's own, candidates included). Raises EmptyVocabularyError for a
    type or another token that it lacks.
    """
    vocabulary = vocabulary or contract().vocabulary
    known = _needed(vocabulary, "condition_type")
    if kind is not None and kind not in known:
        raise EmptyVocabularyError(f"the vocabulary has no condition_type {kind}, only {', '.join(known)}")
    return st.one_of([_conditions(name, vocabulary) for name in ([kind] if kind else known)])


@st.composite
def _nested(
    draw: DrawFn, inner: tuple[Object, ...], max_depth: int, siblings: SearchStrategy[Object]
) -> tuple[tuple[Object, ...], str]:
    """Put each of several groups into the same groups, up to `max_depth` deep, each with few siblings.

    Returns the outermost groups and the JSON Pointer from each to the group that was put in.
    """
    few = st.integers(1, min(4, max_depth))
    # Beyond the greatest depth, so that the greatest is drawn often.
    many = st.integers(1, max_depth + max_depth // 4).map(lambda level: min(level, max_depth))
    levels = draw(few | many) - 1
    # Where there are many levels, most have nothing but the nested group.
    bare = st.integers(0, 3).map(lambda turn: turn < 3) if levels > 7 else st.just(False)
    beside = st.fixed_dictionaries({}, optional={"conditions": st.lists(siblings, max_size=2)})
    others = st.lists(siblings.map(lambda one: {"operator": "AND", "conditions": [one]}), max_size=1)
    path = ""
    for _ in range(levels):
        outer: Object = {"operator": draw(_GROUP_OPERATORS)}
        before, after = list[Object](), list[Object]()
        if not draw(bare):
            outer |= draw(beside)
            before, after = draw(st.tuples(others, others))
        inner = tuple({**outer, "groups": [*before, group, *after]} for group in inner)
        path = f"/groups/{len(before)}{path}"
    return inner, path


def _checked_depth(max_depth: int) -> None:
    if not 1 <= max_depth <= DEEPEST:
        raise ValueError(f"max_depth is {max_depth}: filters are decided from 1 to {DEEPEST} groups deep")


def filters(
    *, vocabulary: Vocabulary | None = None, nobody: bool = False, max_depth: int = DEEPEST
) -> SearchStrategy[Object]:
    """Return filters as requests spell them, up to `max_depth` groups deep.

    `vocabulary` and what is raised as in `conditions`. With `nobody=True` a filter matches no contact, whatever else
    is in it, even where a server loses or misreads one condition or group of it: it holds documented conditions that
    nobody meets, whatever the vocabulary.
    """
    _checked_depth(max_depth)
    vocabulary = vocabulary or contract().vocabulary
    parts = conditions(vocabulary=vocabulary)
    return _guarded(parts, max_depth) if nobody else _filters(parts, max_depth)


@st.composite
def _filters(draw: DrawFn, parts: SearchStrategy[Object], max_depth: int) -> Object:
    leaf: Object = {"operator": draw(_GROUP_OPERATORS), "conditions": draw(st.lists(parts, min_size=1, max_size=4))}
    if draw(st.booleans()):
        leaf["groups"] = []
    (found,), _ = draw(_nested((leaf,), max_depth, parts))
    return found


@st.composite
def _guarded(draw: DrawFn, parts: SearchStrategy[Object], max_depth: int) -> Object:
    """Return a filter that matches nobody: the guards alone, around others in one group, above them, or below OR."""
    shape = draw(st.integers(0, 3 if max_depth > 1 else 1))
    if shape == 0:
        return guarded()
    found = draw(_filters(parts, max_depth - (shape > 1)))
    if shape == 2:
        return guarded(groups=[found])
    found = {**found, "operator": "AND", "conditions": [GUARD, *found.get("conditions", []), *CONTRADICTION]}
    return found if shape == 1 else {"operator": "OR", "groups": draw(st.permutations([found, NOBODY]))}


def update_bodies(
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    nobody: bool = False,
    max_depth: int = DEEPEST,
    fields: Iterable[str] = (),
) -> SearchStrategy[Object]:
    """Return bodies of updates: one or more of name, description, source_lists and filter.

    `lists` are the sending lists that exist. `fields` are the ones to give (default: any). Other parameters and what
    is raised as in `filters`. With `nobody=True` only `filter` matches nobody: a body without one leaves the filter
    of the audience as it is. Raises ValueError for an unknown field.
    """
    found = filters(vocabulary=vocabulary, nobody=nobody, max_depth=max_depth)
    values = {**_field_values(lists), "filter": found}
    wanted = set(fields)
    if wanted - set(UPDATE_FIELDS):
        raise ValueError(f"fields is {sorted(wanted)}: name one or more of {', '.join(UPDATE_FIELDS)}")
    if wanted:
        return st.fixed_dictionaries({name: values[name] for name in UPDATE_FIELDS if name in wanted})
    return st.fixed_dictionaries({}, optional=values).filter(bool)


@dataclass(frozen=True, slots=True)
class Edit:
    """How a rejected vector differs from its twin.

    `wrong` and `right` are the part with the error and its twin: a condition or a group, which a filter has in the
    list `inside` of a group, or the whole body (`inside` is None). `path` leads from the part to the edit.
    """

    vector: RequestVector
    wrong: Object
    right: Object
    inside: Literal["conditions", "groups"] | None
    path: str

    @property
    def key(self) -> str:
        """The key of the part that is edited, or that holds what is edited."""
        return self.path.split("/")[1]

    @property
    def condition_type(self) -> str | None:
        """The type of the condition that is edited, None outside of conditions."""
        return self.right["condition_type"] if self.inside == "conditions" else None


def edits() -> list[Edit]:
    """Return the edits of all rules that reject bodies of updates, in the order of the rules and of their vectors."""
    return [_edit_of(vector) for vector in to_reject()]


def _edit_of(vector: RequestVector) -> Edit:
    wrong, right = vector.body, contract().requests[str(vector.twin)].body
    path, _, _ = next(iter(differences(wrong, right)))
    field, *steps = path.split("/")[1:]
    if field != "filter":
        return Edit(vector, wrong, right, None, path)
    wrong, right = wrong["filter"], right["filter"]
    if len(steps) < 3 or steps[0] != "conditions":
        return Edit(vector, wrong, right, "groups", path.removeprefix("/filter"))
    wrong, right = (group["conditions"][int(steps[1])] for group in (wrong, right))
    return Edit(vector, wrong, right, "conditions", "/" + "/".join(steps[2:]))


@dataclass(frozen=True)
class RejectedBody:
    """A body with exactly one error: its code, the JSON Pointer to the edit, the accepted twin."""

    body: Object
    code: str
    path: str
    twin: Object


def rejection_codes() -> list[str]:
    """Return the codes that the body of an update can be rejected with, in the order of the rules."""
    return list(dict.fromkeys(str(vector.code) for vector in to_reject()))


def rejected_bodies(
    code: str,
    *,
    vocabulary: Vocabulary | None = None,
    lists: Sequence[int] = (101, 102, 103),
    max_depth: int = DEEPEST,
) -> SearchStrategy[RejectedBody]:
    """Return bodies of updates with exactly one error, of `code`, beside any other fields, with their accepted twins.

    Parameters as in `update_bodies`. Raises ValueError for a code that no body is rejected with, and
    EmptyVocabularyError for a vocabulary without a token that the error needs.
    """
    _checked_depth(max_depth)
    vocabulary = vocabulary or contract().vocabulary
    found = [edit for edit in edits() if edit.vector.code == code]
    if not found:
        raise ValueError(f"{code!r} is no code that a body is rejected with; there are {', '.join(rejection_codes())}")
    siblings = conditions(vocabulary=vocabulary)
    parts = [
        _of_filter(_edited(edit, vocabulary), siblings, max_depth) if edit.inside else _of_field(edit, lists)
        for edit in found
    ]
    return _rejected(code, st.one_of(parts), _field_values(lists))


@st.composite
def _rejected(
    draw: DrawFn, code: str, parts: SearchStrategy[_Part], values: dict[str, SearchStrategy[JSON]]
) -> RejectedBody:
    """Put other fields into a body with an error and into its twin."""
    wrong, right, path = draw(parts)
    free = {name: values[name] for name in values if name not in right}
    others = draw(st.fixed_dictionaries({}, optional=free))
    return RejectedBody({**others, **wrong}, code, path, {**others, **right})


def _of_field(edit: Edit, lists: Sequence[int]) -> SearchStrategy[_Part]:
    """Return bodies with an error outside the filter: a wrong entry in a list of existing ones, or the vector's own."""
    wrong, right = edit.wrong.get(edit.key), edit.right.get(edit.key, [])
    unknown = [entry for entry in wrong if entry not in right] if isinstance(wrong, list) else []
    if not unknown:
        return st.just((edit.wrong, edit.right, edit.path)).map(copy.deepcopy)

    def with_entry(known: list[int], entry: int, index: int) -> _Part:
        ids = [*known[:index], entry, *known[index:]]
        return {edit.key: ids}, {edit.key: known}, f"/{edit.key}/{min(index, len(known))}"

    existing = _field_values(lists)["source_lists"]
    return st.builds(with_entry, existing, st.sampled_from(unknown), st.integers(0, len(lists)))


@st.composite
def _of_filter(draw: DrawFn, parts: SearchStrategy[_Part], siblings: SearchStrategy[Object], max_depth: int) -> _Part:
    """Put a condition or group with an error anywhere into a filter."""
    wrong, right, path = draw(parts)
    if "condition_type" in right:
        operator, before, after = draw(st.tuples(_GROUP_OPERATORS, *[st.lists(siblings, max_size=2)] * 2))
        wrong, right = ({"operator": operator, "conditions": [*before, one, *after]} for one in (wrong, right))
        path = f"/conditions/{len(before)}{path}"
    (wrong, right), above = draw(_nested((wrong, right), max(1, max_depth + 1 - depth(right)), siblings))
    return {"filter": wrong}, {"filter": right}, f"/filter{above}{path}"


def _edited(edit: Edit, vocabulary: Vocabulary) -> SearchStrategy[_Part]:
    """Return accepted parts with a token replaced or a key removed as in the edit; other edits as in the vector."""
    kind, key = edit.condition_type, edit.key
    replaced = key in edit.wrong and (key if key == "condition_type" else f"{kind or 'group'}.{key}") in KINDS
    if kind is not None and (replaced or key not in edit.wrong):
        parts = _editable(kind, key, vocabulary)
    elif replaced:
        listed = st.lists(conditions(vocabulary=vocabulary), min_size=1, max_size=3)
        parts = st.fixed_dictionaries({"operator": _GROUP_OPERATORS, "conditions": listed})
    else:
        return st.just((edit.wrong, edit.right, edit.path)).map(copy.deepcopy)
    if not replaced:
        return parts.map(lambda part: ({name: part[name] for name in part if name != key}, part, edit.path))
    implausible = st.text("abcxyz_0", max_size=8).map("zz_".__add__)
    words = st.one_of(st.just("zz_no_such_token"), st.just(edit.wrong[key]), implausible)
    return st.builds(lambda part, word: ({**part, key: word}, part, edit.path), parts, words)


def _editable(kind: str, key: str, vocabulary: Vocabulary) -> SearchStrategy[Object]:
    """Return accepted conditions that have one error, and nothing open, once `key` is wrong or missing."""
    fitting = vocabulary
    if key in ("operator", "value", "unit"):
        # What values fit an unknown operator is open, save the plainest.
        needed, lists = ("value", LIST_OPERATORS) if key == "operator" else (key, ())
        operators = vocabulary.of(f"{kind}.operator")
        fitting = vocabulary.without((o.kind, o.token) for o in operators if needed not in o.needs or o.token in lists)
    elif key == "field":
        fitting = vocabulary.without([("revenue.field", "has_revenue")])  # its value is a boolean
    return conditions(kind, vocabulary=fitting)
