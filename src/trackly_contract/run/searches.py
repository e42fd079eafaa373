"""Searches that answer an open question with several updates: for a limit, or for the order of checks.

Every body matches nobody, should it be accepted. Sends nothing larger than a ceiling, so that no server is loaded only
to learn its limit. Does not judge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from trackly_contract.contract import GUARD, NOBODY, contract, guarded
from trackly_contract.core import ABSENT, JSON
from trackly_contract.generate import Tokens, candidate_condition, candidate_types

Body = dict[str, JSON]
"""The body of an update, or a part of one."""

Ask = Callable[[Body], str]
"""Sends the body of an update; returns ACCEPTED, the code of the error, or in words what else came of it."""

ACCEPTED = "accepted"

# Limits ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """Something whose size may be limited: what is counted, an update of a given size, the largest and the least."""

    unit: str
    ceiling: int
    body: Callable[[int], Body]
    least: int = 1


def find_limit(size: Size, ask: Ask) -> tuple[str, int]:
    """Find the largest size that is accepted: ask for the ceiling first, then for the least, then between them.

    Returns the limit in words, and as a number: 0 where not even the least is accepted, and where the ceiling is.
    """
    why = ask(size.body(size.ceiling))
    if why == ACCEPTED:
        return f"{size.ceiling} {size.unit} are accepted, and more were not asked for", 0
    largest, rejected, next_size = size.least - 1, size.ceiling, size.least
    while rejected - largest > 1:
        said = ask(size.body(next_size))
        if said == ACCEPTED:
            largest = next_size
        else:
            rejected, why = next_size, said
        next_size = (largest + rejected) // 2
    if largest < size.least:
        return f"{size.least} {size.unit} were not accepted: {why}", 0
    return f"{largest} {size.unit} are accepted, {rejected} are not: {why}", largest


def _nested(levels: int) -> Body:
    groups: list[JSON] = []
    for _ in range(levels - 1):
        groups = [{**_and(GUARD), "groups": groups} if groups else _and(GUARD)]
    return guarded(groups=groups)


_PICTURES = "pictures (each 1 code point, 2 UTF-16 units, 4 bytes)"
_ACCENTS = "letters with a combining accent (each 1 grapheme, 2 code points)"
SIZES = {
    "name": Size("plain letters", 300, lambda n: {"name": "x" * n}),
    "name of pictures": Size(_PICTURES, 300, lambda n: {"name": "\N{MOBILE PHONE}" * n}),
    "name of accents": Size(_ACCENTS, 300, lambda n: {"name": "e\u0301" * n}),
    "description": Size("plain letters", 20_000, lambda n: {"description": "x" * n}),
    "depth": Size("groups inside one another", 100, lambda n: {"filter": _nested(n)}),
    # Fewer conditions than these three could match somebody where one is lost.
    "conditions": Size("conditions", 1000, lambda n: {"filter": guarded(*[GUARD] * (n - 3))}, least=3),
    "groups": Size("nested groups", 500, lambda n: {"filter": guarded(groups=[_and(GUARD)] * n)}),
}


def counted_in(letters: int, pictures: int, accents: int) -> str:
    """Return what the characters of a name are counted in, from the limits of three kinds of names.

    Empty if they do not agree on one unit, or if one of them has no limit.
    """
    units = {
        (letters, letters): "graphemes",
        (letters, letters // 2): "code points",
        (letters // 2, letters // 2): "UTF-16 units",
        (letters // 4, letters // 3): "bytes of UTF-8",
    }
    return units.get((pictures, accents), "") if pictures and accents else ""


# Orders ----------------------------------------------------------------------------------------------

BY_CODE = "the code decides, wherever the faults stand"
NO_ORDER = "there is no consistent order"
UNKNOWN = "the parts were not told apart"


@dataclass(frozen=True)
class Factor:
    """One thing that could decide which error is reported: parts of a body, and the update that their values make.

    `sound` has a value of each part, `wrong` others by the code of their error.
    """

    sound: Mapping[str, JSON]
    wrong: Mapping[str, Mapping[str, JSON]]
    update: Callable[[Body], Body]

    @property
    def codes(self) -> dict[str, str]:
        """The parts in the order of the documentation, each with a code that no other part has."""
        codes: dict[str, str] = {}
        for part, values in self.wrong.items():
            codes[part] = next(code for code in values if code not in codes.values())
        return codes

    def body(self, wrong: Mapping[str, str]) -> Body:
        """Return an update in which some parts are wrong, each so that its error has the given code."""
        values = {**self.sound, **{part: self.wrong[part][code] for part, code in wrong.items()}}
        return self.update({part: value for part, value in values.items() if value is not ABSENT})


def find_order(factor: Factor, ask: Ask) -> str:
    """Find the order of a factor by elimination, and verify it with every pair; return it, or why there is none.

    All parts are wrong at first, and the one that is reported is corrected, until one is left. Then each pair is sent
    alone; where each can have the code of the other, so that part and code can be told apart, twice.
    """
    codes, left, order = factor.codes, factor.codes, list[str]()
    while len(left) > 1:
        answer = ask(factor.body(left))
        reported = next((part for part, code in left.items() if code == answer), None)
        if reported is None:
            break
        order.append(reported)
        del left[reported]
    said: dict[tuple[str, str], list[str]] = {}
    for one, other in combinations(codes, 2):
        turns = [{one: codes[one], other: codes[other]}, {one: codes[other], other: codes[one]}]
        possible = [turn for turn in turns if all(code in factor.wrong[part] for part, code in turn.items())]
        said[one, other] = [ask(factor.body(turn)) for turn in possible]
    disagree = said
    if len(left) == 1:
        order += left
        # The earlier part is reported: first with its own code, then with that of the later part.
        expected = {pair: [codes[part] for part in sorted(pair, key=order.index)] for pair in said}
        disagree = {pair: got for pair, got in said.items() if got != expected[pair][: len(got)]}
    if not disagree:
        return " > ".join(order)
    known = {*codes.values()}
    if not any(known.intersection(got) for got in said.values()):
        why = UNKNOWN
    else:
        why = BY_CODE if all(got[1:] == got[:1] and got[0] in known for got in said.values()) else NO_ORDER
    pairs = [f"{one} with {other}: {', '.join(got)}" for (one, other), got in disagree.items()]
    return f"{why} ({'; '.join(pairs[:3])})"


# Factors ---------------------------------------------------------------------------------------------

NO_FIELD, NO_OPERATOR, NO_TYPE = "zz_no_such_field", "zz_no_such_operator", "zz_no_such_type"

_WITHIN = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 30, "unit": "days"}

WRONG: dict[str, Body] = {
    "invalid_count_field": {"condition_type": "count", "field": NO_FIELD, "operator": "gte", "value": 1},
    "invalid_time_unit": {**_WITHIN, "unit": "weeks"},
    "missing_count_value": {"condition_type": "count", "field": "click_count", "operator": "gte"},
    "invalid_condition_type": {"condition_type": NO_TYPE, "field": "click_count", "operator": "gte", "value": 1},
    "invalid_time_field": {**_WITHIN, "field": NO_FIELD},
}
"""A condition with one error, by its code."""

POSITIONS = (
    "the first condition",
    "a later condition",
    "the first nested group",
    "a group two deep in the first",
    "a later nested group",
)
"""Where an error may be, from left to right."""


def factors(tokens: Tokens) -> dict[str, Factor]:
    """Return all factors by id. `tokens` are those that the target accepts where the documentation names candidates.

    A candidate type is left out if no token of it works: its parts could not be told apart from the token.
    """
    vectors = contract().requests
    in_body: dict[str, Body] = {
        "name": {"name_too_long": vectors["update.name.too_long/256"].body["name"]},
        "source_lists": {"source_list_not_found": vectors["update.source_lists.unknown/only"].body["source_lists"]},
        "filter": {"invalid_condition_type": guarded({"condition_type": NO_TYPE})},
    }
    operator = {"invalid_group_operator": NO_OPERATOR}
    in_group: dict[str, Body] = {
        "operator": operator,
        "conditions": {"invalid_count_field": [WRONG["invalid_count_field"]]},
        "groups": {"invalid_time_unit": _and(WRONG["invalid_time_unit"])},
    }
    emptied: dict[str, Body] = {"operator": operator, "emptiness": {"empty_filter_group": []}}
    sound: dict[str, Body] = {"time": _WITHIN, "count": GUARD}
    sound |= {kind: tokens.adapt(candidate_condition(kind)) for kind in candidate_types() if kind in tokens.operators}
    return {
        "body": Factor({"name": ABSENT, "source_lists": ABSENT, "filter": NOBODY}, in_body, dict),
        "group": Factor({"operator": "AND", "conditions": [GUARD], "groups": _and(GUARD)}, in_group, _nested_group),
        "empty group": Factor({"operator": "AND", "emptiness": [GUARD]}, emptied, _nested_group),
        **{kind: _condition(kind, condition) for kind, condition in sound.items()},
        "position": Factor(dict.fromkeys(POSITIONS, GUARD), dict.fromkeys(POSITIONS, WRONG), _in_positions),
    }


def _condition(kind: str, sound: Mapping[str, JSON]) -> Factor:
    no_field = {"missing_custom_field_name": ABSENT} if kind == "custom_field" else {f"invalid_{kind}_field": NO_FIELD}
    wrong = {
        "field": no_field,
        "operator": {f"invalid_{kind}_operator": NO_OPERATOR},
        "value": {f"missing_{kind}_value": ABSENT},
        "unit": {"invalid_time_unit": "weeks"},
    }
    parts = [name for name in wrong if name in sound]
    return Factor(
        {name: sound[name] for name in parts},
        {name: wrong[name] for name in parts},
        lambda values: {"filter": guarded({"condition_type": kind, **values})},
    )


def _and(*conditions: JSON) -> Body:
    return {"operator": "AND", "conditions": [*conditions]}


def _group(operator: JSON, conditions: JSON, *groups: JSON) -> Body:
    return {"operator": operator, "conditions": conditions, "groups": [*groups]}


def _nested_group(values: Body) -> Body:
    return {"filter": guarded(groups=[_group(*values.values())])}


def _in_positions(values: Body) -> Body:
    first, later, nested, deeper, another = values.values()
    return {"filter": guarded(first, later, groups=[_group("AND", [nested], _and(deeper)), _and(another)])}
