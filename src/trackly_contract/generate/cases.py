"""The rejected updates that a run sends at each effort: every rejected vector, at planned positions of a filter.

A body has the one error of its vector. Whatever a server could accept by mistake stands beside a condition that no
contact meets, wherever the position allows it. The same effort gives the same cases.
"""

import copy
import itertools
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from trackly_contract.contract import GUARD, IMPOSSIBLE_AGE, IMPOSSIBLE_COUNT, UPDATE_FIELDS, RequestVector, contract
from trackly_contract.core import JSON, differences

Effort = Literal["quick", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = ("quick", "standard", "thorough")

UNKNOWN_ID = "f" * 24
"""An id of the documented form that no audience has."""

WRONG_KEY = "trk_" + "z" * 32
"""A key of the documented form that no server accepts."""

VECTOR_LISTS = (101, 102)
"""The ids of sending lists in vectors. A case has those of the target in their place."""

_COMPANIONS = ("description", "name", "source_lists", None)


def candidate_types() -> list[str]:
    """Return the condition types for which no reference page states an operator."""
    return [token.token for token in contract().vocabulary.of("condition_type") if token.candidate]


def with_lists(body: dict[str, JSON], lists: Sequence[int]) -> dict[str, JSON]:
    """Return the body of a vector with existing sending lists in the place of its own, as far as there are any."""
    known = dict(zip(VECTOR_LISTS, lists, strict=False))
    return {
        name: [known.get(entry, entry) for entry in value] if name == "source_lists" else value
        for name, value in body.items()
    }


@dataclass(frozen=True, slots=True)
class Edit:
    """How a rejected vector differs from its twin.

    `wrong` and `right` are the part with the error and its twin: a condition or a group, which a filter has in the
    list `inside` of a group, or the whole body (`inside` is None). `path` leads from the part to the edit.
    """

    vector: RequestVector
    wrong: dict[str, JSON]
    right: dict[str, JSON]
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

    @property
    def datable(self) -> bool:
        """Whether the part can ask for a time a hundred years ago, in a unit of at least a minute."""
        known = self.inside == "conditions" and "value" in self.wrong and self.wrong.get("unit") != "seconds"
        return known and self.wrong.get("operator") == "before"

    @property
    def harmless(self) -> bool:
        """Whether the part matches nobody by any plain reading, even where a server accepts it.

        A count of IMPOSSIBLE_COUNT and more does, and an event before a time, which is then a hundred years back. What
        a server makes of an unknown operator, a missing value or a candidate token is unknown, and a negation of what
        nobody meets matches everybody.
        """
        conditions = [self.wrong] if self.inside == "conditions" else self.wrong.get("conditions", [])
        unknown = any(condition.get("condition_type") in candidate_types() for condition in conditions)
        counts = [(condition.get("operator"), condition.get("value")) for condition in conditions]
        impossible = self.datable or (counts != [] and all(count == ("gte", IMPOSSIBLE_COUNT) for count in counts))
        return impossible and not unknown and self.wrong.get("operator") not in ("NOT", "NAND", "NOR")


def edit_of(vector: RequestVector) -> Edit:
    """Return the edit of a rejected vector."""
    twin = contract().requests[str(vector.twin)]
    path, _, _ = next(iter(differences(vector.body, twin.body)))
    field, *steps = path.split("/")[1:]
    if field != "filter":
        return Edit(vector, vector.body, twin.body, None, path)
    wrong, right = vector.body["filter"], twin.body["filter"]
    if len(steps) < 3 or steps[0] != "conditions":
        return Edit(vector, wrong, right, "groups", path.removeprefix("/filter"))
    index, *within = steps[1:]
    wrong, right = (group["conditions"][int(index)] for group in (wrong, right))
    return Edit(vector, wrong, right, "conditions", "/" + "/".join(within))


def edits() -> list[Edit]:
    """Return the edits of all rules that reject bodies of updates, in the order of the rules and of their vectors."""
    vectors = (vector for rule in contract().rules.values() if rule.code for vector in contract().of_rule(rule.id))
    return [edit_of(vector) for vector in vectors if vector.refused and vector.situation is None]


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a filter an error stands: in the top group or below, its operator, first of its list or later."""

    nested: bool
    operator: Literal["AND", "OR"]
    later: bool

    @property
    def id(self) -> str:
        """A name for people: `nested-or-later`."""
        level = "nested" if self.nested else "top"
        return f"{level}-{self.operator.lower()}-{'later' if self.later else 'first'}"

    @property
    def guarded(self) -> bool:
        """Whether a condition that no contact meets guards the position: all but those directly under OR."""
        return self.nested or self.operator == "AND"


POSITIONS = tuple(itertools.starmap(Position, itertools.product((False, True), ("AND", "OR"), (False, True))))


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that a target accepts where the documentation has only candidates.

    `operators` and `fields` map a condition type to its token; a type that is missing has none.
    """

    operators: Mapping[str, str]
    fields: Mapping[str, str]

    def adapt(self, condition: dict[str, JSON]) -> dict[str, JSON]:
        """Return a condition with its candidate tokens replaced by those that the target accepts."""
        kind = str(condition.get("condition_type"))
        accepted = {"operator": self.operators.get(kind), "field": self.fields.get(kind)}
        wrong = {key for key in accepted if str(condition.get(key, "zz_")).startswith("zz_")}
        return condition | {key: token for key, token in accepted.items() if token is not None and key not in wrong}


@dataclass(frozen=True, slots=True)
class RejectionCase:
    """One rejected vector with its error at one position (None: the body as the vector has it).

    `depth` is that of the group with the error, `index` the error's in its list. `companion` is another field of the
    body, part of the id with `named`. `words` are documented tokens in place of the vector's. `beside`: the groups
    around the error have other groups too.
    """

    edit: Edit
    position: Position | None = None
    depth: int = 1
    index: int = 0
    companion: str | None = None
    named: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    beside: bool = False

    @property
    def vector(self) -> RequestVector:
        """The rejected vector: its rule, its code."""
        return self.edit.vector

    @property
    def id(self) -> str:
        """The id of the vector, then the position after `@`, and other tokens after `+`."""
        if self.position is None:
            return f"{self.vector.id}&{self.companion}" if self.named else self.vector.id
        level = f"-{self.depth}" if self.position.nested else ""
        words = "".join(f"+{token}" for token in self.words.values())
        return f"{self.vector.id}@{self.position.id}{level}{words}"

    @property
    def too_wide(self) -> bool:
        """Whether a window, where nothing guards it, is a hundred years wide; whether it may be that wide is open."""
        return self.position is not None and not self.position.guarded and self.edit.datable

    @property
    def wrong(self) -> dict[str, JSON]:
        """The condition or group with the error, as this case sends it."""
        part = {**self.edit.wrong, **self.words}
        widest = IMPOSSIBLE_AGE.get(str(part.get("unit")), max(IMPOSSIBLE_AGE.values()))
        return {**part, "value": widest} if self.too_wide else part

    @property
    def condition_type(self) -> str | None:
        """The condition type whose candidate tokens the case needs, None if it needs none."""
        kind = self.edit.condition_type
        return kind if kind in candidate_types() else None

    def known_lists(self) -> int:
        """Return how many existing sending lists the body needs."""
        return sum(entry in VECTOR_LISTS for entry in self.vector.body.get("source_lists", ()))

    def body(self, tokens: Tokens | None = None, lists: Sequence[int] = VECTOR_LISTS) -> dict[str, JSON]:
        """Return the body for a target with these tokens and these existing sending lists."""
        body = with_lists(copy.deepcopy(self.vector.body), lists)
        if self.position is not None:
            body["filter"] = copy.deepcopy(self.filter_with(tokens.adapt(self.wrong) if tokens else self.wrong))
        if self.companion == "source_lists":
            return {"source_lists": list(lists[:1]), **body} if lists else body
        if self.companion == "filter":
            return {**body, "filter": {"operator": "OR", "conditions": [GUARD]}}
        if self.companion is not None:
            return {self.companion: f"trackly-contract: refused together with {self.id}", **body}
        return body

    def filter_with(self, part: JSON) -> dict[str, JSON]:
        """Return a filter with `part` at the position of the case, otherwise of conditions that no contact meets."""
        if self.position is None or self.edit.inside is None:
            raise ValueError(f"case {self.id} has no position in a filter")
        other = {"operator": "AND", "conditions": [GUARD]}
        fillers: list[JSON] = [GUARD, {**GUARD, "field": "send_count"}][: max(self.index, 1)]
        group: dict[str, JSON] = {"operator": self.position.operator}
        if self.edit.inside == "groups":
            fillers = [{"operator": "AND", "conditions": [filler]} for filler in fillers]
            if not self.beside:
                group["conditions"] = [GUARD]
        group[self.edit.inside] = [*fillers[: self.index], part, *fillers[self.index :]]
        if self.edit.inside == "conditions" and self.beside:
            group["groups"] = [other]
        for _ in range(self.depth - 1):
            group = {"operator": "AND", "conditions": [GUARD], "groups": [other, group] if self.beside else [group]}
        return group


def rejection_cases(effort: Effort) -> list[RejectionCase]:
    """Return the rejected updates of an effort, in the order of the rules.

    quick: each rule once, at one of eight positions, so that every position is met; standard: each rule at each
    position, its vectors in turn; thorough: each vector at each position. Directly under OR at the top, where nothing
    guards it, only what is harmless stands.
    """
    cases: list[RejectionCase] = []
    met: Counter[Position] = Counter()
    for _, group in itertools.groupby(edits(), key=lambda edit: edit.vector.rule):
        of_rule = list(group)
        if of_rule[0].inside is None:
            cases += _outside_the_filter(of_rule, effort)
            continue
        cases += [_at(position, edit, effort) for edit, position in _chosen(of_rule, effort, met)]
        if effort != "quick" and of_rule[0].inside == "groups":
            cases.append(RejectionCase(of_rule[0]))  # the filter itself is the wrong group: no position within it
    if effort == "thorough":
        asked = {case.id for case in cases}
        cases += [case for case in _swept() if case.id not in asked]
    elif effort == "standard":
        cases += _with_words_not_met(cases)
    return cases


def _outside_the_filter(of_rule: list[Edit], effort: Effort) -> Iterator[RejectionCase]:
    """Yield the cases of errors in other fields: beside one field, and beyond `quick` the first beside each other."""
    for edit in of_rule[:1] if effort == "quick" else of_rule:
        turn = zlib.crc32(edit.vector.rule.encode()) % len(_COMPANIONS)
        free = [name for name in _COMPANIONS[turn:] + _COMPANIONS if name not in edit.wrong]
        yield RejectionCase(edit, companion=free[0])
        if effort != "quick" and edit is of_rule[0]:
            others = [name for name in UPDATE_FIELDS if name not in edit.wrong]
            yield from (RejectionCase(edit, companion=name, named=True) for name in others)


def _chosen(of_rule: list[Edit], effort: Effort, met: Counter[Position]) -> Iterator[tuple[Edit, Position]]:
    """Yield the edits of one rule with the positions that an effort puts them at."""
    if effort == "thorough":
        yield from ((edit, position) for edit in of_rule for position in POSITIONS if position.guarded or edit.harmless)
    elif effort == "standard":
        sent: Counter[str] = Counter()
        for position in POSITIONS:
            fitting = [edit for edit in of_rule if position.guarded or edit.harmless]
            if fitting:
                chosen = min(fitting, key=lambda edit: sent[edit.vector.id])
                sent[chosen.vector.id] += 1
                yield chosen, position
    else:
        # The one case of a rule has nothing open: a window stands where something guards it.
        anywhere = of_rule[0].harmless and not of_rule[0].datable
        chosen_position = min((p for p in POSITIONS if p.guarded or anywhere), key=lambda p: met[p])
        met[chosen_position] += 1
        yield of_rule[0], chosen_position


def _at(position: Position, edit: Edit, effort: Effort) -> RejectionCase:
    """Return the case of an edit at a position; nested ones alternate between depth 2 and 3."""
    # From rule and position alone: a case is the same body at every effort, and has one recording.
    turn = zlib.crc32(edit.vector.rule.encode()) + POSITIONS.index(position)
    words = _other_words(edit)
    deepest = effort != "quick" and position == POSITIONS[-1]
    return RejectionCase(
        edit,
        position,
        depth=5 if deepest else 2 + turn % 2 if position.nested else 1,
        index=1 + turn // 2 % 2 if position.later else 0,
        companion=_COMPANIONS[turn % len(_COMPANIONS)],
        words=words[turn % len(words)] if position.guarded else {},
        beside=turn // 4 % 2 == 1,
    )


def _other_words(edit: Edit) -> list[dict[str, str]]:
    """Return the documented tokens of the same needs that a condition may have beside its error, its own first."""
    vocabulary, kind = contract().vocabulary.documented(), edit.wrong.get("condition_type")
    if kind not in vocabulary.words("condition_type"):
        return [{}]
    choices: list[list[tuple[str, str]]] = []
    for key in ("field", "operator"):
        needs = {token.token: token.needs for token in vocabulary.of(f"{kind}.{key}")}
        if needs and key != edit.key:
            choices.append([(key, token) for token in needs if needs[token] == needs[edit.wrong[key]]])
    found = [{key: word for key, word in words if word != edit.wrong[key]} for words in itertools.product(*choices)]
    return sorted(found, key=bool)


def _swept(skip: int = 1) -> Iterator[RejectionCase]:
    """Yield every rejected part of a filter with every choice of words after the first `skip`, positions in turn."""
    guarded = [position for position in POSITIONS if position.guarded]
    by_vector = {edit.vector.id: edit for edit in edits() if edit.inside}
    in_order = [by_vector[name] for name in contract().requests if name in by_vector]
    swept = [(edit, words) for edit in in_order for words in _other_words(edit)[skip:]]
    for turn, (edit, words) in enumerate(swept):
        position = guarded[turn % len(guarded)]
        depth = (2, 3, 4, 6)[turn % 4] if position.nested else 1
        yield RejectionCase(edit, position, depth, index=1 + turn % 2 if position.later else 0, words=words)


def _words(case: RejectionCase) -> set[tuple[str, str, str]]:
    """Return the rule with each sound token of a case: what a server may overlook the error with."""
    rule, key = case.vector.rule, case.edit.key
    return {(rule, name, case.wrong[name]) for name in ("field", "operator") if name in case.wrong and name != key}


def _with_words_not_met(cases: list[RejectionCase]) -> list[RejectionCase]:
    """Return a few more cases, so that each rule on a condition is met with each documented field and operator."""
    swept, found = [*_swept(skip=0)], list[RejectionCase]()
    left = set().union(*map(_words, swept)) - set().union(*map(_words, cases))
    while left:
        found.append(max(swept, key=lambda case: len(_words(case) & left)))
        left -= _words(found[-1])
    return found
