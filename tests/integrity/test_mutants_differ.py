"""Every mutant differs from the reference server on some request whose answer the documentation decides."""

import json
from functools import cache
from itertools import product
from typing import Any, TypeAlias

import pytest

from tests.integrity.mutants import Answering, Mutant, all_mutants
from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

Sequence: TypeAlias = tuple[Request, ...]
Condition: TypeAlias = dict[str, Any]
Group: TypeAlias = dict[str, Any]

PATH = f"/v2/audiences/{AUDIENCE_ID}"
UNKNOWN = "/v2/audiences/" + "0" * 24

CLICKS = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1_999_999_999}
SENDS = {"condition_type": "count", "field": "send_count", "operator": "gte", "value": 4}
STATE = {"condition_type": "custom_field", "field": "state", "operator": "eq", "value": "CA"}
CARRIER = {"condition_type": "carrier", "operator": "eq", "value": "Verizon"}
ZONE = {"condition_type": "timezone", "operator": "eq", "value": "America/New_York"}
REVENUE = {"condition_type": "revenue", "field": "revenue_total", "operator": "gt", "value": 50}


def _time(operator: str, field: str, unit: str = "days") -> Condition:
    asked = {"condition_type": "time", "field": field, "operator": operator}
    return asked if operator.endswith("exists") else {**asked, "value": 30, "unit": unit}


UNITS = ("days", "hours", "minutes")
TIMES = [
    *(_time(*found) for found in product(("within", "not_within"), ("last_clicked_at", "signup_date"), UNITS)),
    *(_time(*found) for found in product(("before", "after"), ("last_sent_at", "signup_date"), ("minutes",))),
    *(_time(*found) for found in product(("exists", "not_exists"), ("last_sent_at", "signup_date"))),
    _time("not_within", "last_sent_at", "minutes"),
]


def _without(condition: Condition, *keys: str) -> Condition:
    return {key: value for key, value in condition.items() if key not in keys}


def typical_conditions() -> list[Condition]:
    """Return conditions with one fault each, one for every code and more for those with several places."""
    timed = TIMES[0]
    return [
        {**timed, "unit": "zz_unit"},
        _without(timed, "value"),
        _without(timed, "unit"),
        *({**entry, key: f"zz_no_such_{key}"} for entry in (timed, CLICKS, REVENUE) for key in ("field", "operator")),
        *({**entry, "operator": "zz_no_such_operator"} for entry in (STATE, CARRIER, ZONE)),
        {**CLICKS, "condition_type": "zz_no_such_type"},
        *(_without(entry, "value") for entry in (CLICKS, STATE, CARRIER, ZONE, REVENUE)),
        _without(STATE, "field"),
    ]


def special_conditions() -> list[Condition]:
    """Return conditions with one fault each, on tokens of their own."""
    valued = [entry for entry in TIMES if "value" in entry]
    return [
        *({**TIMES[0], "unit": unit} for unit in ("weeks", "months", "seconds", "day")),
        *({**entry, "unit": "zz_unit"} for entry in valued),
        *(_without(entry, key) for entry in valued for key in ("value", "unit")),
        *({**entry, key: f"zz_no_such_{key}"} for entry in TIMES for key in ("field", "operator")),
        *({**SENDS, key: f"zz_no_such_{key}"} for key in ("field", "operator")),
        _without(SENDS, "value"),
    ]


def _all(*conditions: Condition, groups: tuple[Group, ...] = (), operator: str = "AND") -> Group:
    return {"operator": operator, "conditions": list(conditions)} | ({"groups": list(groups)} if groups else {})


def _any(*conditions: Condition, groups: tuple[Group, ...] = ()) -> Group:
    return _all(*conditions, groups=groups, operator="OR")


def _around(group: Group, times: int, operator: str = "AND") -> Group:
    for _ in range(times):
        group = _all(CLICKS, groups=(group,), operator=operator)
    return group


def placed(entry: Condition) -> list[Group]:
    """Return filters with the condition at every kind of place."""
    return [
        _all(entry),
        _any(CLICKS, entry),
        _all(CLICKS, SENDS, entry),
        _all(entry, SENDS),
        _all(entry, groups=(_all(CLICKS),)),
        _all(CLICKS, groups=(_all(SENDS), _any(entry))),
        *(_around(_all(entry), times, operator) for times in (1, 2, 3, 4) for operator in ("AND", "OR")),
    ]


def broken_groups() -> list[Group]:
    """Return groups with one fault each, none of them in a condition."""
    empty: list[Group] = [
        {"operator": "AND", "conditions": []},
        {"operator": "OR", "groups": []},
        {"operator": "AND", "conditions": [], "groups": []},
        {"operator": "AND"},
    ]
    wrong = [
        group | {"operator": token}
        for token in ("XOR", "NOT", "zz_no_such_operator")
        for group in (_all(CLICKS), _all(CLICKS, SENDS), {"operator": "", "groups": [_all(CLICKS)]})
    ]
    return [*empty, *wrong]


ACCEPTED: list[Group] = [
    *(_any(entry) for entry in TIMES),
    _all(CLICKS, TIMES[0], SENDS, CLICKS, STATE, CARRIER, ZONE, REVENUE),
    _all(CLICKS, SENDS, TIMES[0]),
    _all(CLICKS, SENDS, TIMES[0], groups=(_all(CLICKS), _all(CLICKS))),
    _all(CLICKS, groups=(_any(TIMES[0], SENDS), _all(SENDS))),
    {"operator": "OR", "groups": [_all(CLICKS, groups=(_any(SENDS, TIMES[1]),))]},
    {"operator": "OR", "conditions": [], "groups": [_all(CLICKS, SENDS)]},
    *(_around(_any(CLICKS, SENDS), times) for times in (1, 2, 3, 4)),
]

TEXTS = [
    "Zoë at the café \U0001f389 \u200f\u05e9\u05dc\u05d5\u05dd & Ångström",
    'It\'s "5 < 6"\nline\ttwo \\ three',
    "é" * 120 + "!",
    "x" * 150,
    "x" * 255,
]


def put(body: Any, key: str | None = REFERENCE_KEY, path: str = PATH) -> Request:
    headers = () if key is None else (("X-Api-Key", key),)
    return Request("PUT", path, headers, json.dumps(body).encode())


def get(key: str | None = REFERENCE_KEY, path: str = PATH) -> Request:
    return Request("GET", path, () if key is None else (("X-Api-Key", key),))


SIZE = get(path=PATH + "/size")


def refused_bodies() -> list[Any]:
    """Return bodies with one fault each."""
    filters = [found for entry in typical_conditions() for found in placed(entry)]
    filters += [_all(entry) for entry in special_conditions()]
    for group in broken_groups():
        filters += [group, *(_all(CLICKS, groups=pair) for pair in ((_all(SENDS), group), (group, _all(SENDS))))]
        filters += [_around(group, times) for times in (1, 2, 3, 4)]
    known = {"name": "N", "description": "D", "source_lists": [103, 101]}
    beside = [{"filter": placed(entry)[0], **known} for entry in typical_conditions()]
    lists = [[999], [101, 2_000_000_001], [2_000_000_001, 101], [101, 999, 102], [101, 102, 999]]
    names = ["x" * 256, "ü" * 256, "nine char " * 27 + ".", "x" * 450, "x" * 700, "x" * 1001]
    return [
        *({"filter": found} for found in filters),
        *beside,
        *({"source_lists": ids, **more} for ids in lists for more in ({}, {"filter": ACCEPTED[0], "name": "N"})),
        *({"name": name, **more} for name in names for more in ({}, {"filter": ACCEPTED[0]}, {"description": "D"})),
    ]


def sequences() -> list[Sequence]:
    """Return requests in the orders in which faults show, the short ones first."""
    found: list[Sequence] = [(get(),), (get(), get(), SIZE, get())]
    found += [(get(key, path), put({"name": "N"}, key, path), get()) for key, path in _foreign()]
    plain = [
        *({"filter": definition} for definition in ACCEPTED),
        *({member: text} for member in ("name", "description") for text in TEXTS),
        *({"source_lists": ids} for ids in ([], [103, 101], [101, 103], [103, 102, 101], [103])),
        {"description": "long " * 300},
        {"name": "N", "description": "D"},
        {"name": "x" * 255, "description": "D", "source_lists": [103], "filter": ACCEPTED[-1]},
        {"filter": ACCEPTED[-1], "name": "N"},
        {"filter": ACCEPTED[-1], "source_lists": [103]},
    ]
    found += [(put(body), get(), get(), SIZE, get()) for body in plain]
    found += [(put(body), get()) for body in refused_bodies()]
    found.append((put({"name": "A"}), get(), put({"name": "B"}), get(), put({"description": "C"}), get()))
    found.append((put({"name": "A"}), put({"description": "B"}), get()))
    found += [
        (put({"filter": one}), SIZE, put({"filter": other}), get(), SIZE, put({"filter": one}), get())
        for one, other in _changes()
    ]
    return found


def _foreign() -> list[tuple[str | None, str]]:
    wrong = (None, "", "nobody", "trk_" + "1" * 32)
    return [*((key, PATH) for key in wrong), (REFERENCE_KEY, UNKNOWN)]


def _changes() -> list[tuple[Group, Group]]:
    """Return pairs of filters that differ in one thing."""
    one = _all(TIMES[0], groups=(_any(SENDS, TIMES[1]),))
    edits = ({"value": 31}, {"unit": "minutes"}, {"operator": "before"})
    return [
        *((one, one | {"conditions": [TIMES[0] | edit]}) for edit in edits),
        (one, one | {"groups": [_any(SENDS)]}),
        (one, one | {"operator": "OR"}),
        (one, _all(TIMES[0])),
    ]


@cache
def expected() -> list[tuple[Sequence, list[Response]]]:
    """Return every sequence with what the reference server answers."""
    return [(sequence, _answers(ReferenceServer(), sequence)) for sequence in sequences()]


def _answers(server: Answering, sequence: Sequence) -> list[Response]:
    return [server.answer(request) for request in sequence]


def differing(mutant: Mutant) -> int:
    """Return at which sequence the mutant first answers otherwise; -1 if it never does."""
    found = (i for i, (sequence, answers) in enumerate(expected()) if _answers(mutant.make(), sequence) != answers)
    return next(found, -1)


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.id) for mutant in all_mutants() if not mutant.plain])
def test_a_mutant_answers_otherwise_than_the_reference_server(mutant: Mutant) -> None:
    assert differing(mutant) >= 0


def test_two_fresh_reference_servers_answer_alike() -> None:
    assert differing(Mutant("none", (), ReferenceServer)) == -1
