"""Precedence: which of two faults a target answers with, found with few requests and verified with fresh pairs.

Promises: an order is claimed only where every pair of its parts was asked alone and agrees with it; where a pair does
not, the pairs that disagree are told; every body that is sent would match nobody if it were accepted.
Refuses: to judge: no page says what is looked at first. To mix factors: a body has faults of one factor alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import GUARD, NOBODY, contract
from trackly_contract.generate import CANDIDATE_TYPES, Tokens, candidate_condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trackly_contract.core import JSON

    Ask = Callable[[dict[str, JSON]], str]
    """Sends the body of an update; returns the code of its refusal, or in words what else came of it."""

    Body = Callable[[Mapping[str, str]], dict[str, JSON]]
    """Makes a body with one fault in each of some parts, given by the code that each should be refused with."""

NO_FIELD, NO_OPERATOR, NO_TYPE = "zz_no_such_field", "zz_no_such_operator", "zz_no_such_type"


class Claim(StrEnum):
    """What can be said of a factor."""

    ORDER = "the parts are looked at in one order"
    CODE = "the code decides, wherever the faults stand"
    NONE = "there is no consistent order"
    UNKNOWN = "the parts were not told apart"


@dataclass(frozen=True)
class Factor:
    """One thing that could decide: its parts, a code for each, and how a body with some of them faulty looks.

    `exchanged`: whether any part can have the code of any other, so that part and code can be told apart.
    """

    id: str
    asks: str
    codes: Mapping[str, str]
    body: Body
    exchanged: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts, in the order of the documentation."""
        return tuple(self.codes)


@dataclass(frozen=True)
class Pair:
    """Two parts that were faulty at once; `first` is the one that was answered, None if neither was, or now each."""

    one: str
    other: str
    first: str | None
    said: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """What was found of one factor: `parts` in the order found, the pairs that `disagree`, and what it cost."""

    factor: str
    claim: Claim
    parts: tuple[str, ...]
    pairs: tuple[Pair, ...]
    disagree: tuple[Pair, ...]
    requests: int

    @property
    def drawn(self) -> str:
        """The order on one line, or in words why there is none."""
        if self.claim is Claim.ORDER:
            return " > ".join(self.parts)
        told = "; ".join(f"{pair.one} with {pair.other}: {', '.join(pair.said)}" for pair in self.disagree[:3])
        return f"{self.claim}{f' ({told})' if told else ''}"


# Finding and verifying -------------------------------------------------------------------------------


def find_order(factor: Factor, ask: Ask) -> Order:
    """Find the order of a factor by elimination, and verify it with every pair.

    All parts are faulty at first, and the one that is answered is mended, until one is left. Then each pair is asked
    alone; where part and code can be told apart, twice, with their codes exchanged.
    """
    asked = 0

    def answer(faulty: Mapping[str, str]) -> str:
        nonlocal asked
        asked += 1
        return ask(factor.body(faulty))

    order = _by_elimination(factor, answer)
    pairs = tuple(_pair(factor, one, other, answer) for one, other in combinations(factor.parts, 2))
    if len(order) == len(factor.parts):
        places = {part: place for place, part in enumerate(order)}
        disagree = tuple(p for p in pairs if p.first is None or p.first != min(p.one, p.other, key=places.__getitem__))
    else:
        disagree = pairs
    claim = Claim.ORDER if not disagree else _why_not(factor, pairs)
    return Order(factor.id, claim, tuple(order), pairs, () if claim is Claim.ORDER else disagree, asked)


def _by_elimination(factor: Factor, answer: Callable[[Mapping[str, str]], str]) -> list[str]:
    """Return the parts in the order in which they are answered; fewer of them if an answer names none."""
    left, order = dict(factor.codes), list[str]()
    while len(left) > 1:
        said = answer(left)
        first = next((part for part, code in left.items() if code == said), None)
        if first is None:
            return order
        order.append(first)
        del left[first]
    return [*order, *left]


def _pair(factor: Factor, one: str, other: str, answer: Callable[[Mapping[str, str]], str]) -> Pair:
    codes = factor.codes[one], factor.codes[other]
    turns = [codes, codes[::-1]] if factor.exchanged else [codes]
    said, winners = list[str](), set[str | None]()
    for code, another in turns:
        said.append(answer({one: code, other: another}))
        winners.add({code: one, another: other}.get(said[-1]))
    first = winners.pop() if len(winners) == 1 else None
    return Pair(one, other, first, tuple(said))


def _why_not(factor: Factor, pairs: Sequence[Pair]) -> Claim:
    codes = set(factor.codes.values())
    if not any(said in codes for pair in pairs for said in pair.said):
        return Claim.UNKNOWN
    by_code = factor.exchanged and all(len(set(pair.said)) == 1 and set(pair.said) <= codes for pair in pairs)
    return Claim.CODE if by_code else Claim.NONE


# Factors ---------------------------------------------------------------------------------------------


def factors(tokens: Tokens | None = None) -> list[Factor]:
    """Return all factors. `tokens` are those that the target accepts where the documentation names candidates.

    A candidate type that no token of works is left out: its parts could not be told apart from the token.
    """
    found = [_members(), _group(), _empty_group()]
    known = tokens or Tokens({kind: candidate_condition(kind)["operator"] for kind in CANDIDATE_TYPES}, {})
    for kind, base in _conditions().items():
        if kind not in CANDIDATE_TYPES or kind in known.operators:
            found.append(_condition(kind, known.adapt(base)))
    return [*found, _place()]


def _guarded(*conditions: JSON, groups: Sequence[JSON] = ()) -> dict[str, JSON]:
    nested = {"groups": [*groups]} if groups else {}
    return {"filter": {"operator": "AND", "conditions": [GUARD, *conditions], **nested}}


def _members() -> Factor:
    unknown = next(v for v in contract().requests.values() if v.rule == "update.source_lists.unknown" and v.code)
    longer = next(v for v in contract().requests.values() if v.rule == "update.name.too_long" and v.code)
    codes = {
        "name": str(longer.code),
        "source_lists": str(unknown.code),
        "filter": "invalid_condition_type",
    }

    def body(faulty: Mapping[str, str]) -> dict[str, JSON]:
        found: dict[str, JSON] = {"name": longer.body["name"]} if "name" in faulty else {}
        found |= {"source_lists": unknown.body["source_lists"]} if "source_lists" in faulty else {}
        sound: dict[str, JSON] = {"filter": NOBODY}
        return found | (_guarded({"condition_type": NO_TYPE}) if "filter" in faulty else sound)

    return Factor("members", "Which member of the body is looked at first?", codes, body)


_FAULTY: dict[str, dict[str, JSON]] = {
    "invalid_count_field": {"condition_type": "count", "field": NO_FIELD, "operator": "gte", "value": 1},
    "invalid_time_unit": {
        "condition_type": "time",
        "field": "signup_date",
        "operator": "within",
        "value": 30,
        "unit": "weeks",
    },
    "missing_count_value": {"condition_type": "count", "field": "click_count", "operator": "gte"},
    "invalid_condition_type": {"condition_type": NO_TYPE, "field": "click_count", "operator": "gte", "value": 1},
    "invalid_time_field": {
        "condition_type": "time",
        "field": NO_FIELD,
        "operator": "within",
        "value": 30,
        "unit": "days",
    },
}
"""By its code, a condition with one fault."""


def _group() -> Factor:
    codes = {
        "operator": "invalid_group_operator",
        "conditions": "invalid_count_field",
        "groups": "invalid_time_unit",
    }

    def body(faulty: Mapping[str, str]) -> dict[str, JSON]:
        condition = _FAULTY[codes["conditions"]] if "conditions" in faulty else GUARD
        nested = _FAULTY[codes["groups"]] if "groups" in faulty else GUARD
        group: dict[str, JSON] = {
            "operator": NO_OPERATOR if "operator" in faulty else "AND",
            "conditions": [condition],
            "groups": [{"operator": "AND", "conditions": [nested]}],
        }
        return _guarded(groups=[group])

    return Factor("group", "Which part of a group is looked at first?", codes, body)


def _empty_group() -> Factor:
    codes = {"operator": "invalid_group_operator", "emptiness": "empty_filter_group"}

    def body(faulty: Mapping[str, str]) -> dict[str, JSON]:
        group: dict[str, JSON] = {
            "operator": NO_OPERATOR if "operator" in faulty else "AND",
            "conditions": [] if "emptiness" in faulty else [GUARD],
            "groups": [],
        }
        return _guarded(groups=[group])

    return Factor("empty group", "Is the operator of a group looked at before whether it is empty?", codes, body)


def _conditions() -> dict[str, dict[str, JSON]]:
    """Return a sound condition of each type."""
    time = {**_FAULTY["invalid_time_unit"], "unit": "days"}
    return {"time": time, "count": dict(GUARD), **{kind: candidate_condition(kind) for kind in CANDIDATE_TYPES}}


def _condition(kind: str, sound: Mapping[str, Any]) -> Factor:
    named = {"custom_field": "missing_custom_field_name"}.get(kind, f"invalid_{kind}_field")
    every = {
        "field": named,
        "operator": f"invalid_{kind}_operator",
        "value": f"missing_{kind}_value",
        "unit": "invalid_time_unit",
    }
    codes = {part: code for part, code in every.items() if part in sound}

    def body(faulty: Mapping[str, str]) -> dict[str, JSON]:
        found = dict(sound)
        if "field" in faulty and kind == "custom_field":
            del found["field"]
        elif "field" in faulty:
            found["field"] = NO_FIELD
        if "operator" in faulty:
            found["operator"] = NO_OPERATOR
        if "value" in faulty:
            del found["value"]
        if "unit" in faulty:
            found["unit"] = "weeks"
        return _guarded(found)

    return Factor(kind, f"Which part of a {kind} condition is looked at first?", codes, body)


POSITIONS = (
    "the first condition",
    "a later condition",
    "the first nested group",
    "a group two deep in the first",
    "a later nested group",
)
"""Where a fault may stand, as they are read from left to right."""


def _place() -> Factor:
    codes = dict(zip(POSITIONS, _FAULTY, strict=True))

    def body(faulty: Mapping[str, str]) -> dict[str, JSON]:
        first, later, nested, deeper, another = (_FAULTY[faulty[p]] if p in faulty else GUARD for p in POSITIONS)
        within: dict[str, JSON] = {
            "operator": "AND",
            "conditions": [nested],
            "groups": [{"operator": "AND", "conditions": [deeper]}],
        }
        return _guarded(first, later, groups=[within, {"operator": "AND", "conditions": [another]}])

    asks = "Which of two faulty conditions is answered: the earlier or the later one, the outer or the inner one?"
    return Factor("place", asks, codes, body, exchanged=True)
