"""Variants in what is asked of a body: tokens, values, names, lists, and the order of checks.

Every fault that a table of the documentation names is still rejected with its code.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

from tests.integrity.seams import Body, Edit, each_time, field, finding, in_filter, in_groups, spots, storing
from tests.integrity.variants import Variant
from trackly_contract.contract import depth
from trackly_contract.core import NotJSONError, Response, encode, parse
from trackly_contract.reference import Choices, ReferenceServer
from trackly_contract.reference.filter import CUSTOM_FIELD_OPERATORS, JUDGES, REVENUE_FIELDS, Fault, Judge

Test = Callable[[Body], bool]

OF_ANOTHER_SHAPE = (TypeError, AttributeError, KeyError)
"""What a body of another shape raises here: it is left to the reference server."""


def chosen(**choices: Any) -> Callable[[], ReferenceServer]:
    """Make a reference server with other choices."""
    return lambda: ReferenceServer(choices=Choices(**choices))


def reading(change: Edit) -> type[ReferenceServer]:
    """Make a server that takes an update for what `change` makes of it."""

    class Reading(ReferenceServer):
        def update(self, audience: Body, body: bytes) -> Response:
            with suppress(NotJSONError, *OF_ANOTHER_SHAPE):
                sent = parse(body, duplicate_keys=True)
                body = encode(change(sent)) if isinstance(sent, dict) else body
            return super().update(audience, body)

    return Reading


def rejecting(code: str, wrong: Test, *, first: bool = False) -> type[ReferenceServer]:
    """Make a server that also rejects an update of which `wrong` is true; `first`: before anything else."""

    def change(body: Body, known: list[Fault]) -> list[Fault]:
        own = [Fault(code, "/")] if _safely(wrong, body) else []
        return [*own, *known] if first else [*known, *own]

    return finding(change)


def _safely(wrong: Test, body: Body) -> bool:
    with suppress(*OF_ANOTHER_SHAPE):
        return wrong(body)
    return False


def _any(wrong: Test) -> Test:
    """Whether it is true of any condition."""
    return lambda body: any(_safely(wrong, spot.condition) for spot in spots(body) if spot.condition is not None)


KNOWN_KEYS = {"condition_type", "field", "operator", "value", "unit"}
BODY_KEYS = {"name", "description", "source_lists", "filter"}
UNNEEDED = ("exists", "not_exists")
STRICT = {"time": int, "count": int, "custom_field": (str, int, float, bool), "carrier": str, "timezone": str}


def _wrong_type(condition: Body) -> bool:
    value, kinds = condition.get("value"), STRICT.get(condition["condition_type"], (int, float))
    needed = condition.get("operator") not in UNNEEDED and "value" in condition
    return needed and (not isinstance(value, kinds) or (kinds is int and isinstance(value, bool)))  # type: ignore[arg-type]


def _digits(condition: Body) -> Body:
    value = condition.get("value")
    return {**condition, "value": int(value)} if isinstance(value, str) and value.isdigit() else condition


def _without_unneeded(condition: Body) -> Body:
    unneeded = ["unit"] if condition.get("condition_type") != "time" else []
    unneeded += ["value", "unit"] if condition.get("operator") in UNNEEDED else []
    return {key: value for key, value in condition.items() if key not in unneeded}


def _plain_case(condition: Body) -> Body:
    with suppress(AttributeError):
        return {k: v.strip().lower() if k in KNOWN_KEYS - {"value"} else v for k, v in condition.items()}
    return condition


def _upper_operator(group: Body, _: int) -> Body:
    operator = str(group.get("operator")).upper()
    return {**group, "operator": operator} if operator in ("AND", "OR") else group


def _too_wide(condition: Body) -> bool:
    ten_years: dict[Any, int] = {"days": 3_650, "hours": 87_600, "minutes": 5_256_000}
    limit = ten_years.get(condition.get("unit"), 3_650)
    return condition["condition_type"] == "time" and bool(condition["value"] > limit)


def _sizes(key: str, body: Body) -> list[int]:
    """Return how many conditions, or nested groups, each group has."""
    return [len(spot.group.get(key) or []) for spot in spots(body) if spot.path and spot.condition is None]


def of_requests() -> Iterator[Variant]:  # noqa: PLR0915  # a table
    """Yield servers that take, reject or read otherwise what the documentation leaves open in a body."""

    def change(name: str, because: str, changed: Edit) -> Variant:
        return Variant(name, f"open: {because}", reading(changed))

    def refuse(name: str, because: str, wrong: Test, code: str = "invalid_request") -> Variant:
        return Variant(name, f"open: {because}", rejecting(code, wrong))

    def choose(name: str, because: str, **choices: Any) -> Variant:
        return Variant(name, f"open: {because}", chosen(**choices))

    long, shape = "name_too_long", "name-shape"
    yield change("padded name trimmed", shape, field("name", str.strip))
    yield refuse("empty name refused", shape, lambda body: body["name"].strip() == "", "missing_name")
    yield change("empty name ignored", shape, lambda b: {k: v for k, v in b.items() if k != "name" or v})
    yield refuse("255 bytes of name", "name-unit", lambda b: len(b["name"].encode()) > 255, long)
    yield refuse("255 UTF-16 units of name", "name-unit", lambda b: len(b["name"].encode("utf-16-le")) > 510, long)
    yield refuse("description of 500", "description-shape, its length", lambda b: len(b["description"]) > 500)
    yield change("padded description trimmed", "description-shape", field("description", str.strip))
    yield change("nulls ignored", "name-shape, null", lambda b: {k: v for k, v in b.items() if v is not None})
    nothing = {"description": "", "source_lists": []}
    cleared: Edit = lambda b: {k: nothing.get(k) if v is None and k in nothing else v for k, v in b.items()}  # noqa: E731
    yield change("null clears", "description-shape, null", cleared)
    yield refuse("empty update refused", "empty-update", lambda body: not body, "missing_body")
    yield refuse("unknown keys refused", "unknown-key", lambda body: bool(set(body) - BODY_KEYS), "unknown_field")
    yield refuse("unknown keys of conditions refused", "unknown-key", _any(lambda c: bool(set(c) - KNOWN_KEYS)))
    yield choose("unknown keys stored", "unknown-key", keeps_unknown_keys=True)
    yield Variant("status may be written", "open: unknown-key, read-only keys", storing(_with_status))
    yield choose("conditionType read too", "unknown-key, camelCase", understands_camel_case=True)
    lists = "list-shape"
    yield refuse("repeated lists refused", lists, lambda b: len(set(b["source_lists"])) < len(b["source_lists"]))
    yield change("repeated lists once", lists, field("source_lists", lambda ids: list(dict.fromkeys(ids))))
    yield change("lists sorted", "list-shape, their order", field("source_lists", sorted))
    either = frozenset({"source_lists"})
    yield Variant(
        "lists in another order each time", "open: list-shape, their order", each_time(_in_another_order), left=either
    )
    numbers = field("source_lists", lambda ids: [int(e) if isinstance(e, str) and e.isdigit() else e for e in ids])
    yield change("lists as texts taken", lists, numbers)
    yield choose("101.0 is no list", lists, whole_floats_are_ids=False)
    yield refuse("NUL refused", "characters", lambda body: "\\u0000" in encode(body).decode())
    yield refuse("surrogates refused", "characters", lambda body: "\\udc00" in encode(body).decode())
    yield choose("other code for what no table names", "body-shape", undocumented="bad_request")
    yield choose("a body of 10 kB at most", "body-shape, its size", largest_body=10_000)
    yield refuse("types of values checked", "value-shape", _any(_wrong_type), "invalid_value")
    yield change("numbers in texts read", "value-shape", in_filter(_digits))
    yield refuse("zero refused", "value-range", _any(lambda c: c["value"] == 0), "invalid_value")
    falsy = in_filter(lambda c: {k: v for k, v in c.items() if k != "value" or v not in (0, "", [])})
    yield change("falsy values are missing", "value-empty", falsy)
    because = "open: value-range, very large values"
    yield Variant("windows of ten years at most", because, rejecting("invalid_value", _any(_too_wide)))
    many = rejecting("invalid_value", _any(lambda c: c["condition_type"] == "count" and c["value"] > 10**6))
    yield Variant("counts of a million at most", because, many, expects="inconclusive")
    because = "member-not-needed"
    yield change("unneeded value and unit dropped", because, in_filter(_without_unneeded))
    yield refuse("unneeded value and unit refused", because, _any(lambda c: _without_unneeded(c) != c))
    elsewhere = _any(lambda c: c["condition_type"] in ("carrier", "timezone") and "field" in c)
    yield refuse("field of carrier and timezone refused", "field-elsewhere", elsewhere)
    for code in ("missing_operator", "invalid_filter"):
        yield choose(f"no operator: {code}", "operator-missing", missing_group_operator=code)
        yield choose(f"no type: {code}", "condition-type-missing", missing_condition_type=code)
    yield choose("no token: own code", "token-missing", missing_field_or_operator="missing_field")
    yield choose("null in conditions is no absence", "token-shape, null", null_is_missing=False)
    refused = rejecting("null_not_allowed", _any(lambda c: None in c.values()), first=True)
    yield Variant("null in conditions refused", "open: token-shape, null", refused)
    yield change("lower-case group operators taken", "token-case", field("filter", in_groups(_upper_operator)))
    yield change("tokens of any case and padding taken", "token-case", in_filter(_plain_case))
    yield refuse("groups twenty deep at most", "depth", lambda body: depth(body["filter"]) > 20, "too_deep")
    size, conditions = "filter-shape, its size", partial(_sizes, "conditions")
    yield refuse(
        "fifty conditions a group", size, lambda body: max(conditions(body), default=0) > 50, "too_many_conditions"
    )
    yield refuse(
        "ten groups a group", size, lambda body: max(_sizes("groups", body), default=0) > 10, "too_many_groups"
    )
    # To send every token in small filters takes more updates than were announced.
    few = refuse("ten conditions in all", size, lambda body: sum(conditions(body)) > 10, "too_many_conditions")
    yield replace(few, expects="inconclusive")


def _with_status(_: Body, after: Body, sent: Body) -> Body:
    status = sent.get("status")
    return {**after, "status": status} if status in ("active", "archived") else after


def _in_another_order(audience: Body, now: int) -> Body:
    return {**audience, "source_lists": audience["source_lists"][:: (-1) ** now]}


# The order of checks -----------------------------------------------------------------------------------

ORDERS: dict[str, Callable[[Fault], Any]] = {
    "deepest first": lambda fault: -fault.path.count("/"),
    "codes by the alphabet": lambda fault: fault.code,
    "missing before invalid": lambda fault: not fault.code.startswith("missing"),
    "conditions before groups' own": lambda fault: "group" in fault.code,
}


def ordered(key: Callable[[Fault], Any]) -> type[ReferenceServer]:
    """Make a server that checks in another order."""
    return finding(lambda _, found: sorted(found, key=key))


def _by_field(order: Sequence[str]) -> Callable[[Fault], int]:
    return lambda fault: next((i for i, name in enumerate(order) if fault.path.startswith(f"/{name}")), 9)


def of_order() -> Iterator[Variant]:
    """Yield servers that look at things in another order: no body of the suite has two faults."""
    because = "silent: what is looked at first"
    yield Variant("last first", because, finding(lambda _, found: found[::-1]))
    for name, key in ORDERS.items():
        yield Variant(name, because, ordered(key))
    for fields in list(permutations(("name", "source_lists", "filter")))[1:]:
        yield Variant(" before ".join(fields), because, ordered(_by_field(fields)))


# Tokens ------------------------------------------------------------------------------------------------


def judging(kind: str, operators: Sequence[str], fields: Sequence[str] = (), *, value_first: bool = False) -> Judge:
    """Make a judge of one condition type that knows these operators and fields alone."""

    def judge(condition: Body, _choices: Choices) -> Iterator[Fault]:
        found = []
        if fields and condition.get("field") not in fields:
            found.append(Fault(f"invalid_{kind}_field", "/field"))
        if kind == "custom_field" and not condition.get("field"):
            found.append(Fault("missing_custom_field_name", "/field"))
        if condition.get("operator") not in operators:
            found.append(Fault(f"invalid_{kind}_operator", "/operator"))
        if condition.get("value") is None:
            found.insert(0 if value_first else len(found), Fault(f"missing_{kind}_value", "/value"))
        yield from found

    return judge


def also(kind: str, code: str, wrong: Test, *, first: bool = False) -> dict[str, Judge]:
    """Make the judge of one condition type look at one thing more, before or after all else."""

    def judge(condition: Body, choices: Choices) -> Iterator[Fault]:
        own = [Fault(code, "/")] if _safely(wrong, condition) else []
        known = JUDGES[kind](condition, choices)
        yield from (*own, *known) if first else (*known, *own)

    return {kind: judge}


def knowing(*without: str, **types: Judge) -> type[ReferenceServer]:
    """Make a server with other judges of condition types, and `without` some."""

    class Knowing(ReferenceServer):
        judges = {kind: judge for kind, judge in {**JUDGES, **types}.items() if kind not in without}  # noqa: RUF012

    return Knowing


OTHER_WORDS = (("equals", "is"), ("=", "==", "!="), ("EQ", "IN", "GTE"))
KINDS = ("custom_field", "carrier", "timezone", "revenue")
WORKING = (
    *(("custom_field", word) for word in ("ne", "contains", "lte")),
    *(("carrier", "ne"), ("timezone", "ne")),
    *(("revenue", word) for word in ("gt", "eq", "ne")),
)


def _words(words: Sequence[str], *kinds: str, **more: Any) -> dict[str, Judge]:
    fields = {"revenue": tuple(REVENUE_FIELDS)}
    return {kind: judging(kind, words, fields.get(kind, ()), **more) for kind in kinds or KINDS}


def of_tokens() -> Iterator[Variant]:
    """Yield servers with other tokens where the documentation has candidates only, or lists nobody saw whole."""
    nowhere, read = "candidate: operators of {} are on no page", "candidate: the token is read from code names"
    of_all, guide = nowhere.format("all"), "candidate: fields of a guide"

    def cannot(name: str, why: str, server: type[ReferenceServer]) -> Variant:
        return Variant(name, why, server, expects="inconclusive")

    for kind in KINDS:
        because = nowhere.format(kind)
        for words in OTHER_WORDS:
            yield cannot(f"{kind} knows {' '.join(words)} only", because, knowing(**_words(words, kind)))
        yield cannot(f"{kind} knows in and not_in only", because, knowing(**_words(("in", "not_in"), kind)))
        lists = also(kind, "invalid_value", lambda c: not isinstance(c["value"], list))
        yield Variant(f"values of {kind} are lists", "open: value-shape", knowing(**lists))
        yield cannot(f"no type {kind}", read, knowing(kind))
        renamed = f"{kind}_filter"
        yield cannot(f"{kind} is called {renamed}", read, knowing(kind, **{renamed: JUDGES[kind]}))
    for words in OTHER_WORDS:
        yield cannot(f"all know {' '.join(words)} only", of_all, knowing(**_words(words)))
    # The one rule that needs a working operator is the one about a missing value; here that is looked at first.
    value_first = knowing(**_words(("equals",), value_first=True))
    yield Variant("all know equals only, value first", of_all, value_first)
    yield cannot("four types are called otherwise", "candidate: tokens are read from code names", knowing(*KINDS))
    for kind, word in WORKING:
        yield Variant(f"{kind} knows {word} only", nowhere.format(kind), knowing(**_words((word,), kind)))
    yield Variant("all know ne only", of_all, knowing(**_words(("ne",))))
    yield from of_values()
    for name in sorted(REVENUE_FIELDS - {"revenue_total"}):
        judge = judging("revenue", ("gte", "eq"), (name,))
        yield Variant(f"revenue has {name} only", guide, knowing(revenue=judge))
    other = knowing(revenue=judging("revenue", ("gte",), ("total_revenue", "revenue.total")))
    yield cannot("revenue has no field of the guides", guide, other)
    judges = also("revenue", "invalid_revenue_operator", lambda c: c["field"] != "has_revenue", first=True)
    yield cannot("revenue operators depend on the field", "candidate: operators of revenue", knowing(**judges))
    judge = judging("count", ("gte",), ("click_count", "send_count"))
    yield Variant("count knows the shown operator only", "candidate: gt, eq, conversion_count", knowing(count=judge))
    judge = judging("count", ("gte", "between", "in", "exists"), ("click_count", "send_count", "open_count"))
    yield Variant("count knows more", "open: token-unlisted", knowing(count=judge))
    more = judging("custom_field", (*CUSTOM_FIELD_OPERATORS, "starts_with", "regex"))
    yield Variant("custom_field knows more", "open: token-unlisted", knowing(custom_field=more))
    types = {name: judging(name, ("eq",)) for name in ("on_dnc", "line_type", "signup_method", "list")}
    yield Variant("ten types", "open: token-unlisted", knowing(**types))


UNKNOWN_VALUES: dict[str, Test] = {
    "timezone": lambda c: c["value"] not in ("America/New_York", "America/Chicago"),
    "carrier": lambda c: c["value"] not in ("Verizon", "AT&T", "T-Mobile"),
    "custom_field": lambda c: c["field"] != "state",
    "revenue": lambda c: not isinstance(c["value"], bool),
}


def of_values() -> Iterator[Variant]:
    """Yield servers that check the values of candidate types, and reject the suite's own with a code on no page.

    Where that is looked at last, a rejection of the fault that was meant still shows; looked at first, it hides it.
    """
    because = "open: value-shape, whether values are checked"
    for kind, wrong in UNKNOWN_VALUES.items():
        yield Variant(f"values of {kind} checked last", because, knowing(**also(kind, "invalid_value", wrong)))
        known = knowing(**also(kind, "invalid_value", wrong, first=True))
        yield Variant(f"values of {kind} checked first", because, known, expects="inconclusive")
    for kind in ("carrier", "timezone"):
        known = knowing(**also(kind, f"missing_{kind}_field", lambda c: "field" not in c, first=True))
        yield Variant(f"{kind} needs a field", "open: field-elsewhere", known, expects="inconclusive")
    prefix = also("custom_field", "unknown_field", lambda c: not c["field"].startswith("custom_fields."), first=True)
    yield Variant("custom_fields. before names", because, knowing(**prefix), expects="inconclusive")
