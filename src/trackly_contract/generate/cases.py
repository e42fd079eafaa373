"""Cases: the refused vectors, each put in a place of a filter.

Promises: a placed body carries the vector's one fault and no other; whatever could be accepted by mistake
stands beside a condition that no contact meets, wherever the place allows it; the same effort gives the same cases.
Refuses: to say what a body is answered: that is the vector's, to the letter. What is accepted is in accepted.py.
"""

from __future__ import annotations

import copy
import itertools
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trackly_contract.contract import GUARD, IMPOSSIBLE_AGE, IMPOSSIBLE_COUNT, contract
from trackly_contract.core import differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackly_contract.contract import Contract, RequestVector
    from trackly_contract.core import JSON

Effort = Literal["quick", "standard", "thorough"]
Companion = Literal["name", "description", "source_lists", "filter"]
EFFORTS: tuple[Effort, ...] = ("quick", "standard", "thorough")

UNKNOWN_ID = "f" * 24
"""An id of the documented form that no audience has."""

WRONG_KEY = "trk_" + "z" * 32
"""A key of the documented form that opens nothing."""

VECTOR_LISTS = (101, 102)
"""The list ids that vectors are written with; a case puts the target's own in their stead."""

CANDIDATE_TYPES = ("custom_field", "carrier", "timezone", "revenue")
"""Condition types of which no reference page states an operator."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a filter a fault stands.

    `nested`: its group is not the filter itself; `operator`: that of its group; `later`: it is not the first of
    its list.
    """

    nested: bool
    operator: Literal["AND", "OR"]
    later: bool

    @property
    def id(self) -> str:
        """A name for people: `nested-or-later`."""
        level = "nested" if self.nested else "top"
        return f"{level}-{self.operator.lower()}-{'later' if self.later else 'first'}"


PLACES = tuple(
    Place(nested, operator, later) for nested in (False, True) for operator in ("AND", "OR") for later in (False, True)
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a target was found to accept where the documentation names candidates only.

    `operators` and `fields` map a condition type to the token to use; a type that is absent has none.
    """

    operators: Mapping[str, str]
    fields: Mapping[str, str]

    def adapt(self, condition: dict[str, JSON]) -> dict[str, JSON]:
        """Return a condition with its candidate tokens replaced by those the target accepts."""
        kind = condition.get("condition_type")
        if kind not in CANDIDATE_TYPES:
            return condition
        adapted = dict(condition)
        if kind in self.operators and not str(condition.get("operator", "zz_")).startswith("zz_"):
            adapted["operator"] = self.operators[kind]
        if kind in self.fields and not str(condition.get("field", "zz_")).startswith("zz_"):
            adapted["field"] = self.fields[kind]
        return adapted


@dataclass(frozen=True, slots=True)
class RefusalCase:
    """One refused vector in one place (None: the body as the vector has it), with a companion member.

    `depth` is the depth of the group that holds the fault, `index` its position in its list; `words` are documented
    tokens that take the place of the vector's own; `beside`: the groups around it hold other groups too; `told`: the
    companion is part of the name, since the same vector is sent with several.
    """

    vector: RequestVector
    place: Place | None = None
    depth: int = 1
    companion: Companion | None = None
    words: tuple[tuple[str, str], ...] = ()
    index: int = 0
    beside: bool = False
    told: bool = False

    @property
    def id(self) -> str:
        """The name of the case: the vector's, the place behind an `@`, and other tokens behind a `+`."""
        if self.place is None:
            return f"{self.vector.id}&{self.companion}" if self.told else self.vector.id
        level = f"-{self.depth}" if self.place.nested else ""
        words = "".join(f"+{token}" for _, token in self.words)
        return f"{self.vector.id}@{self.place.id}{level}{words}"

    @property
    def fragment(self) -> dict[str, JSON]:
        """The faulty condition or group as this case sends it."""
        return {**fragment_of(self.vector)[0], **dict(self.words), **self._shield}

    @property
    def twin(self) -> dict[str, JSON]:
        """The accepted condition or group that differs from the faulty one by the vector's edit."""
        return {**twin_of(self.vector), **dict(self.words), **self._shield}

    @property
    def too_wide(self) -> bool:
        """Whether the body holds a window of a hundred years, of which nobody says whether it may be that wide."""
        return bool(self._shield)

    @property
    def _shield(self) -> dict[str, JSON]:
        """Directly under OR at the top nothing else shields a window: there it is so wide that nobody is in it."""
        if self.place is None or guarded(self.place):
            return {}
        fragment, kind = fragment_of(self.vector)
        if kind == "groups" or not _ages(fragment):
            return {}
        return {"value": IMPOSSIBLE_AGE.get(str(fragment.get("unit")), IMPOSSIBLE_AGE["minutes"])}

    @property
    def condition_type(self) -> str | None:
        """The condition type whose candidate tokens the vector uses, None if it uses none."""
        if self.place is None:
            return None
        fragment, kind = fragment_of(self.vector)
        named = fragment.get("condition_type") if kind == "conditions" else None
        return named if named in CANDIDATE_TYPES else None

    def known_lists(self) -> int:
        """Return how many existing sending lists the body needs."""
        return sum(entry in VECTOR_LISTS for entry in self.vector.body.get("source_lists", ()))

    def body(self, tokens: Tokens | None = None, lists: Sequence[int] = VECTOR_LISTS) -> dict[str, JSON]:
        """Return the body to send to a target with these tokens and these existing sending lists."""
        body: dict[str, JSON] = copy.deepcopy(self.vector.body)
        if "source_lists" in body:
            known = dict(zip(VECTOR_LISTS, lists, strict=False))
            body["source_lists"] = [known.get(entry, entry) for entry in body["source_lists"]]
        if self.place is not None:
            fragment, (_, kind) = self.fragment, fragment_of(self.vector)
            if kind == "conditions" and tokens is not None:
                fragment = tokens.adapt(fragment)
            body["filter"] = copy.deepcopy(placed(fragment, kind, self.place, self.depth, self.index, self.beside))
        if self.companion == "source_lists":
            body = {"source_lists": list(lists[:1]), **body} if lists else body
        elif self.companion == "filter":
            body = {**body, "filter": {"operator": "OR", "conditions": [GUARD]}}
        elif self.companion is not None:
            body = {self.companion: f"trackly-contract: refused together with {self.id}", **body}
        return body


def fragment_of(vector: RequestVector) -> tuple[dict[str, JSON], Literal["conditions", "groups"]]:
    """Return the faulty condition or group of a refused filter vector, and the list such parts stand in.

    The fault is where the vector differs from its twin (contracts/vectors: one edit).
    """
    twin = contract().requests[str(vector.twin)]
    place, _, _ = next(iter(differences(vector.body, twin.body)))
    steps = place.split("/")[1:]
    if steps[0] != "filter":
        raise LookupError(f"vector {vector.id}: its fault at {place} is not in the filter")
    group: dict[str, Any] = vector.body["filter"]
    if len(steps) > 3 and steps[1] == "conditions":
        return group["conditions"][int(steps[2])], "conditions"
    return group, "groups"


def twin_of(vector: RequestVector) -> dict[str, JSON]:
    """Return the accepted condition or group that stands in the twin where the vector has its faulty one."""
    fragment, kind = fragment_of(vector)
    twin: dict[str, Any] = contract().requests[str(vector.twin)].body["filter"]
    if kind == "groups":
        return twin
    found: dict[str, JSON] = twin["conditions"][vector.body["filter"]["conditions"].index(fragment)]
    return found


def placed(  # one parameter a respect in which places differ
    fragment: JSON, kind: Literal["conditions", "groups"], place: Place, depth: int, index: int, beside: bool = False
) -> dict[str, JSON]:
    """Return a filter that holds `fragment` in `place`, and otherwise only conditions that no contact meets.

    `beside`: each group on the way holds another group too, and the one around a faulty group no condition.
    """
    fillers: list[JSON] = [GUARD, {**GUARD, "field": "send_count"}][: max(index, 1)]
    if kind == "groups":
        fillers = [{"operator": "AND", "conditions": [filler]} for filler in fillers]
    holder: dict[str, JSON] = {"operator": place.operator}
    if kind == "groups" and not beside:
        holder["conditions"] = [GUARD]
    holder[kind] = [*fillers[:index], fragment, *fillers[index:]]
    other = {"operator": "AND", "conditions": [GUARD]}
    if kind == "conditions" and beside:
        holder["groups"] = [other]
    for _ in range(depth - 1):
        holder = {"operator": "AND", "conditions": [GUARD], "groups": [other, holder] if beside else [holder]}
    return holder


def guarded(place: Place) -> bool:
    """Whether a condition that no contact meets keeps all in this place from matching: all but directly under OR."""
    return place.nested or place.operator == "AND"


def _ages(condition: Mapping[str, JSON]) -> bool:
    """Whether a condition can ask for a time a hundred years ago, in whatever unit of a minute or more."""
    return condition.get("operator") == "before" and "value" in condition and condition.get("unit") != "seconds"


def _negates(vector: RequestVector) -> bool:
    """Whether a faulty group, read as it sounds, turns a condition that nobody meets into one that all meet."""
    fragment, kind = fragment_of(vector)
    return kind == "groups" and fragment.get("operator") in ("NOT", "NAND", "NOR")


def harmless(vector: RequestVector) -> bool:
    """Whether a faulty fragment would match no one by any plain reading, even if a server took it for good.

    Only then may it stand directly under OR at the top, where nothing shields it: a count of IMPOSSIBLE_COUNT and more
    is such a fragment, and an event before a time, which is then put a hundred years back. What a server makes of an
    unknown operator, of a missing value or of a candidate token nobody can say.
    """
    fragment, kind = fragment_of(vector)
    if _negates(vector):
        return False
    conditions = [fragment] if kind == "conditions" else fragment.get("conditions", [])
    return bool(conditions) and all(
        c.get("condition_type") not in CANDIDATE_TYPES
        and ((c.get("operator") == "gte" and c.get("value") == IMPOSSIBLE_COUNT) or (kind == "conditions" and _ages(c)))
        for c in conditions
    )


_COMPANIONS: tuple[Companion | None, ...] = ("description", "name", "source_lists", None)


def other_words(vector: RequestVector) -> list[tuple[tuple[str, str], ...]]:
    """Return the documented tokens that may stand in a faulty condition instead of the vector's, its own first.

    A field for a field, an operator for one with the same needs; never the member that is at fault.
    """
    fragment, kind = fragment_of(vector)
    named = fragment.get("condition_type")
    if kind == "groups" or named not in ("time", "count"):
        return [()]
    vocabulary, twin = contract().vocabulary, twin_of(vector)
    choices: list[list[tuple[str, str]]] = []
    for member in ("field", "operator"):
        if fragment.get(member) == twin.get(member):
            known = [token for token in vocabulary.of(f"{named}.{member}") if not token.candidate]
            needs = next(token.needs for token in known if token.token == fragment[member])
            choices.append([(member, token.token) for token in known if token.needs == needs])
    found = [
        tuple((member, token) for member, token in words if fragment[member] != token)
        for words in itertools.product(*choices)
    ]
    return sorted(found, key=bool)


def refusal_cases(effort: Effort, source: Contract | None = None) -> list[RefusalCase]:
    """Return the refused updates of an effort, in the order of the error table.

    quick: each code once, its place one of eight, so that every place is visited; standard: each code in each
    place, its vectors taking turns; thorough: each vector in each place. Nested places alternate between
    depths 2 and 3. Directly under OR at the top, where nothing shields it, only what is harmless stands.
    """
    source = source or contract()
    by_code: dict[str, list[RequestVector]] = {}
    for rule in source.rules.values():
        if rule.status == 400 and rule.code is not None:
            by_code[rule.code] = [vector for vector in source.of_rule(rule.id) if vector.refused]
    cases: list[RefusalCase] = []
    visited: Counter[Place] = Counter()
    for vectors in by_code.values():
        for vector, place in _chosen(vectors, effort, visited):
            # From rule and place alone: the same case is the same body at every effort, and has one recording.
            turn = zlib.crc32(vector.rule.encode()) + (PLACES.index(place) if place is not None else 0)
            taken = () if place is not None else tuple(vector.body)
            companion = next(c for c in _COMPANIONS[turn % 4 :] + _COMPANIONS if c not in taken)
            if place is None:
                cases.extend(_in_no_place(vector, companion, effort, first=vector is vectors[0]))
                continue
            words = other_words(vector)[turn % len(other_words(vector))] if guarded(place) else ()
            depth = 2 + turn % 2 if place.nested else 1
            if effort != "quick" and place == PLACES[-1]:
                depth = 5
            index = 1 + turn // 2 % 2 if place.later else 0
            cases.append(RefusalCase(vector, place, depth, companion, words, index, turn // 4 % 2 == 1))
        if effort != "quick" and vectors[0].code in ("invalid_group_operator", "empty_filter_group"):
            cases.append(RefusalCase(vectors[0]))  # the filter itself is the faulty group: no place within it
    if effort == "thorough":
        asked = {case.id for case in cases}
        cases.extend(case for case in _swept(source) if case.id not in asked)
    elif effort == "standard":
        cases.extend(_with_words_not_met(cases, source))
    return cases


def _words(case: RefusalCase) -> set[tuple[str, str, str]]:
    """Return the rule with each token of a condition that is not at fault: what a server may overlook it with."""
    if case.place is None or case.condition_type is not None or fragment_of(case.vector)[1] == "groups":
        return set()
    twin = case.twin
    return {
        (case.vector.rule, member, token)
        for member, token in case.fragment.items()
        if member in ("field", "operator") and token == twin.get(member)
    }


def _with_words_not_met(cases: list[RefusalCase], source: Contract) -> list[RefusalCase]:
    """Return a few more cases, so that each rule on a condition is met with each documented field and operator."""
    swept, found = _swept(source, since=0), list[RefusalCase]()
    left = set().union(*map(_words, swept)) - set().union(*map(_words, cases))
    while left:
        found.append(max(swept, key=lambda case: len(_words(case) & left)))
        left -= _words(found[-1])
    return found


def _in_no_place(
    vector: RequestVector, companion: Companion | None, effort: Effort, *, first: bool
) -> list[RefusalCase]:
    """Return the cases of a fault outside the filter: as it is, and beyond `quick` beside each other member."""
    cases = [RefusalCase(vector, companion=companion)]
    if effort != "quick" and first:
        members: tuple[Companion, ...] = ("name", "description", "source_lists", "filter")
        cases += [RefusalCase(vector, companion=m, told=True) for m in members if m not in vector.body]
    return cases


def _swept(source: Contract, since: int = 1) -> list[RefusalCase]:
    """Return each refused condition of a documented type with every choice of words, the places taking turns.

    `since` 0: its own words too.
    """
    shielding = [place for place in PLACES if guarded(place)]
    cases: list[RefusalCase] = []
    for vector in source.requests.values():
        if vector.refused and vector.status == 400 and "filter" in (vector.body or {}) and len(vector.body) == 1:
            for words in other_words(vector)[since:]:
                place = shielding[len(cases) % len(shielding)]
                depth = (2, 3, 4, 6)[len(cases) % 4] if place.nested else 1
                index = 1 + len(cases) % 2 if place.later else 0
                cases.append(RefusalCase(vector, place, depth, None, words, index))
    return cases


def _bearable(vector: RequestVector, place: Place) -> bool:
    """Whether a vector may stand in a place: where nothing shields it, only a harmless one."""
    return guarded(place) or harmless(vector)


def _turn(vectors: list[RequestVector], used: Counter[str], place: Place) -> RequestVector:
    """Return the vector sent least so far of those that may stand in a place."""
    chosen = min((vector for vector in vectors if _bearable(vector, place)), key=lambda vector: used[vector.id])
    used[chosen.id] += 1
    return chosen


def _chosen(
    vectors: list[RequestVector], effort: Effort, visited: Counter[Place]
) -> list[tuple[RequestVector, Place | None]]:
    if "filter" not in vectors[0].body:
        return [(vector, None) for vector in (vectors[:1] if effort == "quick" else vectors)]
    if effort == "thorough":
        return [(vector, place) for vector in vectors for place in PLACES if _bearable(vector, place)]
    if effort == "standard":
        used: Counter[str] = Counter()
        places = [place for place in PLACES if any(_bearable(vector, place) for vector in vectors)]
        return [(_turn(vectors, used, place), place) for place in places]
    # The one case of a code holds nothing open: a window that must be shielded is put where something shields it.
    allowed = [p for p in PLACES if guarded(p) or (harmless(vectors[0]) and not _ages(fragment_of(vectors[0])[0]))]
    place = min(allowed, key=lambda p: (visited[p], PLACES.index(p)))
    visited[place] += 1
    return [(vectors[0], place)]
