"""Plans `contracts/plan.json`: the updates of a run beside those that contracts/vectors/ and the corpus have.

A rejected body has the one error of its vector, at a planned position of a filter. Whatever a server could accept by
mistake stands among conditions that no contact meets, wherever the position allows it. `make docs` writes the file.
"""

import copy
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    IMPOSSIBLE_COUNT,
    NOBODY,
    UPDATE_FIELDS,
    contract,
    guarded,
    matches_nobody,
)
from trackly_contract.core import JSON
from trackly_contract.generate import candidate_types
from trackly_contract.generate.cases import EFFORTS, VECTOR_LISTS, Effort
from trackly_contract.generate.strategies import Edit, edits

_COMPANIONS = ("description", "name", "source_lists", None)

IMPOSSIBLE_AGE = {"days": 36_500, "hours": 876_000, "minutes": 52_560_000}
"""A hundred years in each unit: nothing was clicked, sent or signed up before that."""

# Rejected updates --------------------------------------------------------------------------------------


def datable(edit: Edit) -> bool:
    """Whether the part can ask for a time a hundred years ago, in a unit of at least a minute."""
    known = edit.inside == "conditions" and "value" in edit.wrong and edit.wrong.get("unit") != "seconds"
    return known and edit.wrong.get("operator") == "before"


def harmless(edit: Edit) -> bool:
    """Whether the part matches nobody by any plain reading, even where a server accepts it.

    A count of IMPOSSIBLE_COUNT and more does, and an event before a time, which is then a hundred years back. What a
    server makes of an unknown operator, a missing value or a candidate token is unknown, and a negation of what nobody
    meets matches everybody.
    """
    conditions = [edit.wrong] if edit.inside == "conditions" else edit.wrong.get("conditions", [])
    unknown = any(condition.get("condition_type") in candidate_types() for condition in conditions)
    counts = [(condition.get("operator"), condition.get("value")) for condition in conditions]
    impossible = datable(edit) or (counts != [] and all(count == ("gte", IMPOSSIBLE_COUNT) for count in counts))
    return impossible and not unknown and edit.wrong.get("operator") not in ("NOT", "NAND", "NOR")


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
        """Whether conditions that no contact meets guard the position: all but those directly under OR at the top."""
        return self.nested or self.operator == "AND"


POSITIONS = tuple(itertools.starmap(Position, itertools.product((False, True), ("AND", "OR"), (False, True))))


@dataclass(frozen=True, slots=True)
class Case:
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
    def id(self) -> str:
        """The id of the vector, then the position after `@`, and other tokens after `+`."""
        vector = self.edit.vector.id
        if self.position is None:
            return f"{vector}&{self.companion}" if self.named else vector
        level = f"-{self.depth}" if self.position.nested else ""
        words = "".join(f"+{token}" for token in self.words.values())
        return f"{vector}@{self.position.id}{level}{words}"

    @property
    def too_wide(self) -> bool:
        """Whether a window, where nothing guards it, is a hundred years wide; whether it may be that wide is open."""
        return self.position is not None and not self.position.guarded and datable(self.edit)

    def as_sent(self, part: dict[str, JSON]) -> dict[str, JSON]:
        """Return a condition or group, with the error or its twin, as this case sends it."""
        part = {**part, **self.words}
        widest = IMPOSSIBLE_AGE.get(str(part.get("unit")), max(IMPOSSIBLE_AGE.values()))
        return {**part, "value": widest} if self.too_wide else part

    @property
    def wrong(self) -> dict[str, JSON]:
        """The condition or group with the error, as this case sends it."""
        return self.as_sent(self.edit.wrong)

    def body(self) -> dict[str, JSON]:
        """Return the body with the error."""
        body: dict[str, JSON] = copy.deepcopy(self.edit.vector.body)
        if self.position is not None:
            body["filter"] = self.filter_with(self.wrong)
        elif self.edit.inside == "groups" and self.edit.key == "operator":
            body["filter"] = {"operator": self.wrong["operator"], "groups": [NOBODY, NOBODY]}
        if self.companion == "source_lists":
            return {"source_lists": [VECTOR_LISTS[0]], **body}
        if self.companion == "filter":
            body["filter"] = guarded({**GUARD, "value": IMPOSSIBLE_COUNT + 1})  # another one than stands there
        elif self.companion is not None:
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
            fillers = [NOBODY, NOBODY]
            if not self.beside:
                group["conditions"] = [GUARD]
        group[self.edit.inside] = [*fillers[: self.index], part, *fillers[self.index :]]
        if self.edit.inside == "conditions" and self.beside:
            group["groups"] = [other]
        for _ in range(self.depth - 1):
            group = {"operator": "AND", "conditions": [GUARD], "groups": [other, group] if self.beside else [group]}
        if group["operator"] == "AND" and "conditions" in group:
            group["conditions"] = [*group["conditions"], *CONTRADICTION]
        return group

    def entry(self) -> dict[str, JSON]:
        """Return the case as it stands in the file."""
        body = self.body()
        unguarded = "filter" in body and not matches_nobody(body["filter"])
        flags = {name: True for name, found in (("too_wide", self.too_wide), ("unguarded", unguarded)) if found}
        return {"id": self.id, "vector": self.edit.vector.id, **flags, "body": body}


def rejected(effort: Effort) -> list[Case]:
    """Return the rejected updates of an effort, in the order of the rules.

    quick: each rule once, at one of eight positions, so that every position is met; standard: each rule at each
    position, its vectors in turn; thorough: each vector at each position. Directly under OR at the top, where nothing
    guards it, only what is harmless stands.
    """
    cases: list[Case] = []
    met: Counter[Position] = Counter()
    for _, group in itertools.groupby(edits(), key=lambda edit: edit.vector.rule):
        of_rule = list(group)
        if of_rule[0].inside is None:
            cases += _outside_the_filter(of_rule, effort)
            continue
        cases += [_at(position, edit, effort) for edit, position in _chosen(of_rule, effort, met)]
        if effort != "quick" and of_rule[0].inside == "groups":
            cases.append(Case(of_rule[0]))  # the filter itself is the wrong group: no position within it
    if effort == "thorough":
        asked = {case.id for case in cases}
        cases += [case for case in _swept() if case.id not in asked]
    elif effort == "standard":
        cases += _with_words_not_met(cases)
    return cases


def _outside_the_filter(of_rule: list[Edit], effort: Effort) -> Iterator[Case]:
    """Yield the cases of errors in other fields: beside one field, and beyond `quick` the first beside each other."""
    for edit in of_rule[:1] if effort == "quick" else of_rule:
        turn = zlib.crc32(edit.vector.rule.encode()) % len(_COMPANIONS)
        free = [name for name in _COMPANIONS[turn:] + _COMPANIONS if name not in edit.wrong]
        yield Case(edit, companion=free[0])
        if effort != "quick" and edit is of_rule[0]:
            others = [name for name in UPDATE_FIELDS if name not in edit.wrong]
            yield from (Case(edit, companion=name, named=True) for name in others)


def _chosen(of_rule: list[Edit], effort: Effort, met: Counter[Position]) -> Iterator[tuple[Edit, Position]]:
    """Yield the edits of one rule with the positions that an effort puts them at."""
    if effort == "thorough":
        for edit in of_rule:
            yield from ((edit, position) for position in POSITIONS if position.guarded or harmless(edit))
    elif effort == "standard":
        sent: Counter[str] = Counter()
        for position in POSITIONS:
            fitting = [edit for edit in of_rule if position.guarded or harmless(edit)]
            if fitting:
                chosen = min(fitting, key=lambda edit: sent[edit.vector.id])
                sent[chosen.vector.id] += 1
                yield chosen, position
    else:
        # The one case of a rule has nothing open: a window stands where something guards it.
        anywhere = harmless(of_rule[0]) and not datable(of_rule[0])
        chosen_position = min((p for p in POSITIONS if p.guarded or anywhere), key=lambda p: met[p])
        met[chosen_position] += 1
        yield of_rule[0], chosen_position


def _at(position: Position, edit: Edit, effort: Effort) -> Case:
    """Return the case of an edit at a position; nested ones alternate between depth 2 and 3."""
    # From rule and position alone: a case is the same body at every effort, and has one recording.
    turn = zlib.crc32(edit.vector.rule.encode()) + POSITIONS.index(position)
    words = _other_words(edit)
    deepest = effort != "quick" and position == POSITIONS[-1]
    return Case(
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


def _swept(skip: int = 1) -> Iterator[Case]:
    """Yield every rejected part of a filter with every choice of words after the first `skip`, positions in turn."""
    guarded = [position for position in POSITIONS if position.guarded]
    by_vector = {edit.vector.id: edit for edit in edits() if edit.inside}
    in_order = [by_vector[name] for name in contract().requests if name in by_vector]
    swept = [(edit, words) for edit in in_order for words in _other_words(edit)[skip:]]
    for turn, (edit, words) in enumerate(swept):
        position = guarded[turn % len(guarded)]
        depth = (2, 3, 4, 6)[turn % 4] if position.nested else 1
        yield Case(edit, position, depth, index=1 + turn % 2 if position.later else 0, words=words)


def _words(case: Case) -> set[tuple[str, str, str]]:
    """Return the rule with each sound token of a case: what a server may overlook the error with."""
    wrong, rule = case.wrong, case.edit.vector.rule
    return {(rule, name, wrong[name]) for name in ("field", "operator") if name in wrong and name != case.edit.key}


def _with_words_not_met(cases: list[Case]) -> list[Case]:
    """Return a few more cases, so that each rule on a condition is met with each documented field and operator."""
    swept, found = [*_swept(skip=0)], list[Case]()
    left = set().union(*map(_words, swept)) - set().union(*map(_words, cases))
    while left:
        found.append(max(swept, key=lambda case: len(_words(case) & left)))
        left -= _words(found[-1])
    return found


# Accepted updates --------------------------------------------------------------------------------------

PLAIN_VALUES = {"days": 30, "hours": 720, "minutes": 43_200, "": IMPOSSIBLE_COUNT}
"""A month in each unit, since how far back a window may reach is open (value-range), and a count that nobody has."""

TELLING = "Zoë's “café” cafe\u0301 \U0001f4f1 שלום مرحبا\u200f 日本 <b>&amp;</b> 100% \\ \"quoted\" O'Hara; --"
"""A text that shows encodings, normalization, escaping and stripped marks at once; 255 bytes hold it twice."""


def filters() -> Iterator[dict[str, JSON]]:
    """Yield accepted bodies of one condition each: every documented field with every operator and unit."""
    vocabulary = contract().vocabulary.documented()
    for kind in vocabulary.words("condition_type"):
        fields, operators = vocabulary.words(f"{kind}.field"), vocabulary.of(f"{kind}.operator")
        for name, operator in itertools.product(fields, operators):
            for unit in vocabulary.words(f"{kind}.unit") if "unit" in operator.needs else [""]:
                condition: dict[str, JSON] = {"condition_type": kind, "field": name, "operator": operator.token}
                condition |= {"value": PLAIN_VALUES[unit]} if operator.needs else {}
                condition |= {"unit": unit} if unit else {}
                words = "-".join(filter(None, (name, operator.token, unit))).replace("_", "-")
                body = {"filter": {"operator": "AND", "conditions": [condition]}}
                yield {"id": f"filter.{kind}.known/{words}", "method": "PUT", "status": 200, "body": body}


def _filter(
    value: int = 30, unit: str = "days", operator: str = "within", group: str = "OR", *, more: bool = False
) -> dict[str, JSON]:
    """Return a filter with one telling condition deep inside."""
    plain = {"condition_type": "time", "field": "last_sent_at", "operator": "within", "value": 30, "unit": "days"}
    telling = {**plain, "operator": operator, "value": value, "unit": unit}
    deep: dict[str, JSON] = {"operator": group, "conditions": [GUARD, telling]}
    if more:
        deep["groups"] = [{"operator": "AND", "conditions": [plain]}]
    nested = {"operator": "OR", "conditions": [GUARD, {**GUARD, "value": 5}, {**plain, "value": 7}], "groups": [deep]}
    return guarded({**GUARD, "field": "send_count", "value": 1}, groups=[nested])


def sequence() -> Iterator[dict[str, JSON]]:
    """Yield updates in a row. A run that also sends each field alone meets all fifteen subsets of the four fields."""
    one, every = [VECTOR_LISTS[0]], [*VECTOR_LISTS]
    name = "trackly-contract: walk"

    def step(body: dict[str, JSON], about: str = "", **when: bool) -> dict[str, JSON]:
        return {"id": "+".join(body) + about, **when, "body": body}

    yield step({"name": TELLING, "description": f"{TELLING}\n\t{TELLING}\n\tend."}, read_after=True)
    yield step({"filter": _filter()}, count_first=True)
    yield step({"filter": _filter(31)}, ", one value", count_first=True)
    yield step({"filter": _filter(31, "hours")}, ", one unit", count_first=True)
    yield step({"filter": _filter(31, "hours", "after")}, ", one operator", count_first=True)
    yield step({"filter": _filter(31, "hours", "after", "AND")}, ", one group operator", count_first=True)
    yield step({"filter": _filter(31, "hours", "after", "AND", more=True)}, ", one group more", count_first=True)
    yield step({"name": f"{name} 1"}, count_first=True)
    yield step({"name": f"{name} 2"}, " again", read_after=True)
    yield step({"name": f"{name} 3", "source_lists": one})
    yield step({"description": name, "source_lists": every}, read_after=True)
    yield step({"source_lists": one, "filter": _filter(1)}, count_first=True, read_after=True)
    yield step({"description": f"{name} 5", "filter": _filter(2)}, count_first=True)
    yield step({"name": "n" * 255, "filter": _filter(3)}, count_first=True, read_after=True)
    yield step({"name": name, "description": name, "source_lists": every})
    yield step({"name": TELLING, "source_lists": one, "filter": _filter(5)})
    yield step({"description": TELLING, "source_lists": [], "filter": _filter(6)})
    yield step({"name": "n", "description": "d", "filter": _filter(8)}, read_after=True)
    yield step({"name": name, "description": TELLING, "source_lists": every, "filter": _filter(9)}, read_after=True)


# The file ----------------------------------------------------------------------------------------------


def _listed(entries: Iterable[dict[str, JSON]]) -> str:
    return "[\n" + ",\n".join(f"    {json.dumps(entry)}" for entry in entries) + "\n  ]"


def document() -> str:
    """Return `contracts/plan.json`, one entry a line."""
    by_effort = [f'"{effort}": {_listed(case.entry() for case in rejected(effort))}' for effort in EFFORTS]
    tables = {"rejected": f"{{{', '.join(by_effort)}}}", "filters": _listed(filters()), "sequence": _listed(sequence())}
    return "{\n" + ",\n".join(f'  "{name}": {table}' for name, table in tables.items()) + "\n}\n"
