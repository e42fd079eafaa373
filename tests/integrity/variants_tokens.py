"""Variants in what is asked of a body: tokens, values, names, lists, and the order of checks.

Promises: every fault that a table of the documentation names is still refused with its code.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

from tests.integrity.variants import Object, Variant
from trackly_contract.contract import depth
from trackly_contract.core import NotJSONError, encode, parse
from trackly_contract.reference import Choices, ReferenceServer
from trackly_contract.reference.filter import CUSTOM_FIELD_OPERATORS, JUDGES, REVENUE_FIELDS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trackly_contract.core import Response
    from trackly_contract.reference.filter import Judge


def chosen(**choices: Any) -> Callable[[], ReferenceServer]:
    """Make a reference server with other choices."""
    return lambda: ReferenceServer(choices=Choices(**choices))


def reading(change: Callable[[Object], Object]) -> type[ReferenceServer]:
    """Make a server that takes an update for what `change` makes of it."""

    class Reading(ReferenceServer):
        def update(self, audience: Object, body: bytes) -> Response:
            try:
                sent = parse(body, duplicate_keys=True)
            except NotJSONError:
                return super().update(audience, body)
            return super().update(audience, encode(change(sent)) if isinstance(sent, dict) else body)

    return Reading


def refusing(code: str, wrong: Callable[[Object], bool], *, first: bool = False) -> type[ReferenceServer]:
    """Make a server that also refuses an update of which `wrong` is true; `first`: before anything else."""

    class Refusing(ReferenceServer):
        def faults(self, body: Object) -> Iterator[Fault]:
            own = [Fault(code, "/")] if _safely(wrong, body) else []
            known = super().faults(body)
            yield from (*own, *known) if first else (*known, *own)

    return Refusing


def _safely(wrong: Callable[[Object], bool], body: Object) -> bool:
    try:
        return wrong(body)
    except (TypeError, AttributeError, KeyError):  # a body of another shape is judged by the server itself
        return False


def _groups(body: Object) -> Iterator[Object]:
    pending = [body["filter"]] if isinstance(body.get("filter"), dict) else []
    while pending:
        group = pending.pop()
        yield group
        pending.extend(entry for entry in group.get("groups") or [] if isinstance(entry, dict))


def _conditions(body: Object) -> list[Object]:
    return [entry for group in _groups(body) for entry in group.get("conditions") or [] if isinstance(entry, dict)]


def _in_conditions(change: Callable[[Object], Object]) -> Callable[[Object], Object]:
    def group(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        changed = dict(found)
        for key, inner in (("conditions", change), ("groups", group)):
            if isinstance(changed.get(key), list):
                changed[key] = [inner(entry) if isinstance(entry, dict) else entry for entry in changed[key]]
        return changed

    return lambda body: {**body, "filter": group(body["filter"])} if "filter" in body else body


def _member(name: str, change: Callable[[Any], Any], kind: type = str) -> Callable[[Object], Object]:
    return lambda body: {**body, name: change(body[name])} if isinstance(body.get(name), kind) else body


KNOWN_KEYS = {"condition_type", "field", "operator", "value", "unit"}
BODY_KEYS = {"name", "description", "source_lists", "filter"}
UNNEEDED = ("exists", "not_exists")
STRICT = {"time": int, "count": int, "custom_field": (str, int, float, bool), "carrier": str, "timezone": str}


def _wrong_type(condition: Object) -> bool:
    value, kinds = condition.get("value"), STRICT.get(condition["condition_type"], (int, float))
    needed = condition.get("operator") not in UNNEEDED and "value" in condition
    return needed and (not isinstance(value, kinds) or (kinds is int and isinstance(value, bool)))  # type: ignore[arg-type]


def _any(wrong: Callable[[Object], bool]) -> Callable[[Object], bool]:
    return lambda body: any(_safely(wrong, condition) for condition in _conditions(body))


def _digits(condition: Object) -> Object:
    value = condition.get("value")
    return {**condition, "value": int(value)} if isinstance(value, str) and value.isdigit() else condition


def _without_unneeded(condition: Object) -> Object:
    unneeded = ["unit"] if condition.get("condition_type") != "time" else []
    unneeded += ["value", "unit"] if condition.get("operator") in UNNEEDED else []
    return {key: value for key, value in condition.items() if key not in unneeded}


def _plain_case(condition: Object) -> Object:
    return {k: v.strip().lower() if k in KNOWN_KEYS - {"value"} else v for k, v in condition.items()}


def _or_same(change: Callable[[Object], Object]) -> Callable[[Object], Object]:
    def changed(found: Object) -> Object:
        try:
            return change(found)
        except AttributeError:
            return found

    return changed


def _upper_operators(body: Object) -> Object:
    for group in _groups(body):
        operator = group.get("operator")
        if isinstance(operator, str) and operator.upper() in ("AND", "OR"):
            group["operator"] = operator.upper()
    return body


def of_requests() -> Iterator[Variant]:  # noqa: PLR0915  # a table
    """Yield servers that take, refuse or read otherwise what the documentation leaves open in a body."""

    def change(name: str, because: str, changed: Callable[[Object], Object]) -> Variant:
        return Variant(name, because, reading(changed))

    def refuse(name: str, because: str, wrong: Callable[[Object], bool], code: str = "invalid_request") -> Variant:
        return Variant(name, because, refusing(code, wrong))

    shape, empty = "open: name-shape", "open: value-empty"
    yield change("padded name trimmed", shape, _member("name", str.strip))
    yield refuse("empty name refused", shape, lambda body: body["name"].strip() == "", "missing_name")
    yield change("empty name ignored", shape, lambda b: {k: v for k, v in b.items() if k != "name" or v})
    yield refuse("255 bytes of name", "open: name-unit", lambda b: len(b["name"].encode()) > 255, "name_too_long")
    yield refuse(
        "255 UTF-16 units of name",
        "open: name-unit",
        lambda b: len(b["name"].encode("utf-16-le")) > 510,
        "name_too_long",
    )
    yield refuse("description of 500", "open: description-shape, its length", lambda b: len(b["description"]) > 500)
    yield change("padded description trimmed", "open: description-shape", _member("description", str.strip))
    yield change("nulls ignored", "open: name-shape, null", lambda b: {k: v for k, v in b.items() if v is not None})
    nothing = {"description": "", "source_lists": []}
    cleared = lambda b: {k: nothing.get(k) if v is None and k in nothing else v for k, v in b.items()}  # noqa: E731
    yield change("null clears", "open: description-shape, null", cleared)
    yield refuse("empty update refused", "open: empty-update", lambda body: not body, "missing_body")
    yield refuse("unknown keys refused", "open: unknown-key", lambda body: bool(set(body) - BODY_KEYS), "unknown_field")
    yield refuse("unknown keys of conditions refused", "open: unknown-key", _any(lambda c: bool(set(c) - KNOWN_KEYS)))
    yield Variant("unknown keys stored", "open: unknown-key", chosen(keeps_unknown_keys=True))
    yield Variant("status may be written", "open: unknown-key, read-only keys", WritableStatus)
    yield Variant("conditionType read too", "open: unknown-key, camelCase", chosen(understands_camel_case=True))
    lists = "open: list-shape"
    yield refuse("repeated lists refused", lists, lambda b: len(set(b["source_lists"])) < len(b["source_lists"]))
    yield change("repeated lists once", lists, _member("source_lists", lambda ids: list(dict.fromkeys(ids)), list))
    yield change("lists sorted", "open: list-shape, their order", _member("source_lists", sorted, list))
    either = frozenset({"source_lists"})
    yield Variant("lists in another order each time", "open: list-shape, their order", AnyOrder, left=either)
    texts = _member("source_lists", lambda i: [int(e) if isinstance(e, str) and e.isdigit() else e for e in i], list)
    yield change("lists as texts taken", lists, texts)
    yield Variant("101.0 is no list", lists, chosen(whole_floats_are_ids=False))
    yield refuse("NUL refused", "open: characters", lambda body: "\\u0000" in encode(body).decode())
    yield refuse("surrogates refused", "open: characters", lambda body: "\\udc00" in encode(body).decode())
    yield Variant("other code for what no table names", "open: body-shape", chosen(undocumented="bad_request"))
    yield Variant("a body of 10 kB at most", "open: body-shape, its size", chosen(largest_body=10_000))
    yield refuse("types of values checked", "open: value-shape", _any(_wrong_type), "invalid_value")
    yield change("numbers in texts read", "open: value-shape", _in_conditions(_digits))
    yield refuse("zero refused", "open: value-range", _any(lambda c: c["value"] == 0), "invalid_value")
    falsy = _in_conditions(lambda c: {k: v for k, v in c.items() if k != "value" or v not in (0, "", [])})
    yield change("falsy values are missing", empty, falsy)
    ten_years: dict[Any, int] = {"days": 3_650, "hours": 87_600, "minutes": 5_256_000}
    wide = _any(lambda c: c["condition_type"] == "time" and c["value"] > ten_years.get(c.get("unit"), 3_650))
    many = _any(lambda c: c["condition_type"] == "count" and c["value"] > 10**6)
    because = "open: value-range, very large values"
    yield Variant("windows of ten years at most", because, refusing("invalid_value", wide))
    yield Variant("counts of a million at most", because, refusing("invalid_value", many), expects="inconclusive")
    yield change("unneeded value and unit dropped", "open: member-not-needed", _in_conditions(_without_unneeded))
    unneeded = _any(lambda c: _without_unneeded(c) != c)
    yield refuse("unneeded value and unit refused", "open: member-not-needed", unneeded)
    field = _any(lambda c: c["condition_type"] in ("carrier", "timezone") and "field" in c)
    yield refuse("field of carrier and timezone refused", "open: field-elsewhere", field)
    for code in ("missing_operator", "invalid_filter"):
        yield Variant(f"no operator: {code}", "open: operator-missing", chosen(missing_group_operator=code))
        yield Variant(f"no type: {code}", "open: condition-type-missing", chosen(missing_condition_type=code))
    yield Variant("no token: own code", "open: token-missing", chosen(missing_field_or_operator="missing_field"))
    yield Variant("null in conditions is no absence", "open: token-shape, null", chosen(null_is_missing=False))
    nulls = _any(lambda c: None in c.values())
    refused = refusing("null_not_allowed", nulls, first=True)
    yield Variant("null in conditions refused", "open: token-shape, null", refused)
    lower = reading(_or_same(_upper_operators))
    yield Variant("lower-case group operators taken", "open: token-case", lower)
    yield change("tokens of any case and padding taken", "open: token-case", _in_conditions(_or_same(_plain_case)))
    yield refuse("groups twenty deep at most", "open: depth", lambda body: depth(body["filter"]) > 20, "too_deep")
    many = lambda body: any(len(group.get("conditions") or []) > 50 for group in _groups(body))  # noqa: E731
    yield refuse("fifty conditions a group", "open: filter-shape, its size", many, "too_many_conditions")
    many = lambda body: any(len(group.get("groups") or []) > 10 for group in _groups(body))  # noqa: E731
    yield refuse("ten groups a group", "open: filter-shape, its size", many, "too_many_groups")
    many = lambda body: len(_conditions(body)) > 10  # noqa: E731
    yield refuse("ten conditions in all", "open: filter-shape, its size", many, "too_many_conditions")


class WritableStatus(ReferenceServer):
    """Takes a status that is sent."""

    def apply(self, audience: Object, body: Object) -> Object:
        status = body.get("status")
        changed = super().apply(audience, body)
        return {**changed, "status": status} if status in ("active", "archived") else changed


class AnyOrder(ReferenceServer):
    """Prints source_lists as the set that they are, in another order each time."""

    answers = 0

    def render(self, audience: Object) -> Object:
        self.answers += 1
        return {**super().render(audience), "source_lists": audience["source_lists"][:: (-1) ** self.answers]}


def _members(order: Sequence[str]) -> Callable[[Fault], Any]:
    return lambda fault: next((i for i, name in enumerate(order) if fault.path.startswith(f"/{name}")), 9)


ORDERS: dict[str, Callable[[list[Fault]], list[Fault]]] = {
    "last first": lambda found: found[::-1],
    "deepest first": lambda found: sorted(found, key=lambda fault: -fault.path.count("/")),
    "codes by the alphabet": lambda found: sorted(found, key=lambda fault: fault.code),
    "missing before invalid": lambda found: sorted(found, key=lambda fault: not fault.code.startswith("missing")),
    "conditions before groups' own": lambda found: sorted(found, key=lambda fault: "group" in fault.code),
}


def ordered(order: Callable[[list[Fault]], list[Fault]]) -> type[ReferenceServer]:
    """Make a server that checks in another order."""

    class Ordered(ReferenceServer):
        def faults(self, body: Object) -> Iterator[Fault]:
            yield from order(list(super().faults(body)))

    return Ordered


def of_order() -> Iterator[Variant]:
    """Yield servers that look at things in another order: no body of the suite has two faults."""
    because = "silent: what is looked at first"
    for name, order in ORDERS.items():
        yield Variant(name, because, ordered(order))
    for members in list(permutations(("name", "source_lists", "filter")))[1:]:
        key = _members(members)
        by_member = ordered(lambda found, key=key: sorted(found, key=key))  # type: ignore[misc]
        yield Variant(" before ".join(members), because, by_member)


def judging(kind: str, operators: Sequence[str], fields: Sequence[str] = (), *, value_first: bool = False) -> Judge:
    """Make a judge of one condition type that knows these operators and fields alone."""

    def judge(condition: Object, _choices: Choices) -> Iterator[Fault]:
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


def also(kind: str, code: str, wrong: Callable[[Object], bool], *, first: bool = False) -> Judge:
    """Make the judge of one condition type look at one thing more, before or after all else."""

    def judge(condition: Object, choices: Choices) -> Iterator[Fault]:
        own = [Fault(code, "/")] if _safely(wrong, condition) else []
        known = JUDGES[kind](condition, choices)
        yield from (*own, *known) if first else (*known, *own)

    return judge


def knowing(*without: str, **types: Judge) -> type[ReferenceServer]:
    """Make a server with other judges of condition types, and `without` some."""

    class Knowing(ReferenceServer):
        judges = {kind: judge for kind, judge in {**JUDGES, **types}.items() if kind not in without}  # noqa: RUF012

    return Knowing


OTHER_WORDS = (("equals", "is"), ("=", "==", "!="), ("EQ", "IN", "GTE"))
KINDS = ("custom_field", "carrier", "timezone", "revenue")
WORKING = (
    ("custom_field", "ne"),
    ("custom_field", "contains"),
    ("custom_field", "lte"),
    ("carrier", "ne"),
    ("timezone", "ne"),
    ("revenue", "gt"),
    ("revenue", "eq"),
    ("revenue", "ne"),
)


def _words(words: Sequence[str], **more: Any) -> dict[str, Judge]:
    fields = {"revenue": tuple(REVENUE_FIELDS)}
    return {kind: judging(kind, words, fields.get(kind, ()), **more) for kind in KINDS}


def of_tokens() -> Iterator[Variant]:
    """Yield servers with other tokens where the documentation has candidates only, or lists nobody saw whole."""
    because = "candidate: operators of {} are on no page"

    def cannot(name: str, why: str, server: type[ReferenceServer]) -> Variant:
        return Variant(name, why, server, expects="inconclusive")

    for kind in KINDS:
        for words in OTHER_WORDS:
            name = f"{kind} knows {' '.join(words)} only"
            yield cannot(name, because.format(kind), knowing(**{kind: _words(words)[kind]}))
        lists = also(kind, "invalid_value", lambda c: not isinstance(c["value"], list))
        only_lists = judging(kind, ("in", "not_in"), tuple(REVENUE_FIELDS) if kind == "revenue" else ())
        yield cannot(f"{kind} knows in and not_in only", because.format(kind), knowing(**{kind: only_lists}))
        yield Variant(f"values of {kind} are lists", "open: value-shape", knowing(**{kind: lists}))
        yield cannot(f"no type {kind}", "candidate: the token is read from code names", knowing(kind))
        renamed = f"{kind}_filter"
        other = knowing(kind, **{renamed: JUDGES[kind]})
        yield cannot(f"{kind} is called {renamed}", "candidate: the token is read from code names", other)
    for words in OTHER_WORDS:
        yield cannot(f"all know {' '.join(words)} only", because.format("all"), knowing(**_words(words)))
    # The one rule that needs a working operator is the one about a missing value; here that is looked at first.
    judges = _words(("equals",), value_first=True)
    yield Variant("all know equals only, value first", because.format("all"), knowing(**judges))
    yield cannot("four types are called otherwise", "candidate: tokens are read from code names", knowing(*KINDS))
    for kind, word in WORKING:
        yield Variant(f"{kind} knows {word} only", because.format(kind), knowing(**{kind: _words((word,))[kind]}))
    yield Variant("all know ne only", because.format("all"), knowing(**_words(("ne",))))
    yield from of_values()
    for field in sorted(REVENUE_FIELDS - {"revenue_total"}):
        judge = judging("revenue", ("gte", "eq"), (field,))
        yield Variant(f"revenue has {field} only", "candidate: fields of a guide", knowing(revenue=judge))
    other = knowing(revenue=judging("revenue", ("gte",), ("total_revenue", "revenue.total")))
    yield cannot("revenue has no field of the guides", "candidate: fields of a guide", other)
    judge = also("revenue", "invalid_revenue_operator", lambda c: c["field"] != "has_revenue", first=True)
    yield cannot("revenue operators depend on the field", "candidate: operators of revenue", knowing(revenue=judge))
    judge = judging("count", ("gte",), ("click_count", "send_count"))
    yield Variant("count knows the shown operator only", "candidate: gt, eq, conversion_count", knowing(count=judge))
    judge = judging("count", ("gte", "between", "in", "exists"), ("click_count", "send_count", "open_count"))
    yield Variant("count knows more", "open: token-unlisted", knowing(count=judge))
    more = judging("custom_field", (*CUSTOM_FIELD_OPERATORS, "starts_with", "regex"))
    yield Variant("custom_field knows more", "open: token-unlisted", knowing(custom_field=more))
    types = {name: judging(name, ("eq",)) for name in ("on_dnc", "line_type", "signup_method", "list")}
    yield Variant("ten types", "open: token-unlisted", knowing(**types))


def of_values() -> Iterator[Variant]:
    """Yield servers that check the values of candidate types, and refuse the suite's own with a code on no page.

    Where that is looked at last, a refusal for the fault that was meant still shows; looked at first, it hides it.
    """
    because = "open: value-shape, whether values are checked"
    for kind, wrong in (
        ("timezone", lambda c: c["value"] not in ("America/New_York", "America/Chicago")),
        ("carrier", lambda c: c["value"] not in ("Verizon", "AT&T", "T-Mobile")),
        ("custom_field", lambda c: c["field"] != "state"),
        ("revenue", lambda c: not isinstance(c["value"], bool)),
    ):
        known = knowing(**{kind: also(kind, "invalid_value", wrong)})
        yield Variant(f"values of {kind} checked last", because, known)
        known = knowing(**{kind: also(kind, "invalid_value", wrong, first=True)})
        yield Variant(f"values of {kind} checked first", because, known, expects="inconclusive")
    for kind in ("carrier", "timezone"):
        known = knowing(**{kind: also(kind, f"missing_{kind}_field", lambda c: "field" not in c, first=True)})
        yield Variant(f"{kind} needs a field", "open: field-elsewhere", known, expects="inconclusive")
    prefix = also("custom_field", "unknown_field", lambda c: not c["field"].startswith("custom_fields."), first=True)
    yield Variant("custom_fields. before names", because, knowing(custom_field=prefix), expects="inconclusive")
