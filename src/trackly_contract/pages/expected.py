"""What the contract holds of a documentation page, put together from `contracts/` and `schemas/`.

Promises: every fact comes from where the contract itself has it (a rule, a schema, a vector, the vocabulary), so that a
change there shows here; a rule's quotation says only where the page states it, never what.
Refuses: to read pages, and to keep a copy of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import KINDS, code_of, contract, document
from trackly_contract.core import show
from trackly_contract.pages.facts import BODY, ERRORS, PATH, REQUEST, RESPONSE, marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trackly_contract.contract import Contract, Rule
    from trackly_contract.core import JSON
    from trackly_contract.pages.facts import Mark

_SECTIONS = {"body": BODY, "response": RESPONSE}


@dataclass
class HeldRow:
    """A row that the page has by the contract; `expected` marks must stand there, `allowed` ones may."""

    place: str
    stated: dict[str, str]
    rules: tuple[str, ...]
    expected: set[Mark] = field(default_factory=set)
    allowed: set[Mark] = field(default_factory=set)
    quotes: tuple[tuple[str, str], ...] = ()
    """Quotations of rules from this row, each with its rule."""


@dataclass
class Held:
    """What the contract holds of one page."""

    page: str
    title: str
    method: str
    path: str
    command: dict[str, str]
    request: JSON
    answer: JSON
    rows: dict[str, HeldRow]
    quotes: tuple[tuple[str, str, str], ...]
    """Quotations from outside the rows: section, quotation, rule."""
    rules: tuple[Rule, ...]
    codes: frozenset[str]
    members: tuple[str, ...]
    """Names that a condition of a filter has: an error code may be about one that is missing."""

    @property
    def operation(self) -> str:
        """The operation as people write it."""
        return f"{self.method} {self.path}"

    @cached_property
    def of_request(self) -> tuple[str, ...]:
        """The rules that the request line touches."""
        return tuple(rule.id for rule in self.rules if self.operation in rule.statement)

    @cached_property
    def of_key(self) -> tuple[str, ...]:
        """The rules that the header with the key touches."""
        return tuple(rule.id for rule in self.rules if rule.status == 401)

    def at(self, place: str) -> tuple[str, ...]:
        """Return the rules that a place of the page touches."""
        sources = ((rule.id, source) for rule in self.rules for source in rule.sources)
        return tuple(dict.fromkeys(name for name, s in sources if s.page == self.page and s.section == place))

    def of_member(self, place: str, pointer: str) -> tuple[str, ...]:
        """Return the rules that a member of an example touches; `pointer` leads to it."""
        steps = pointer.split("/")[1:]
        example = self.request if place == REQUEST else self.answer
        prefix = "body" if place == REQUEST else "response"
        last = next((step for step in reversed(steps) if not step.isdigit()), "")
        codes = set()
        if "conditions" in steps[:-1]:
            condition = _followed(example, steps[: len(steps) - 1])
            kind = _kind_of(condition)
            codes = {code_of(f"{kind}.{last}"), f"missing_{kind}_{last}", f"missing_{kind}_value" * (last == "unit")}
            codes |= {code_of("condition_type")} if last in ("condition_type", "conditionType") else set()
        elif last == "operator":
            codes = {code_of("group.operator")}
        found = [rule.id for rule in self.rules if rule.field == f"{prefix}.{steps[0] if steps else ''}"]
        found += [rule.id for rule in self.rules if rule.code in codes]
        shown = f'"{last}": {show(_followed(example, steps))}'
        found += [
            rule.id
            for rule in self.rules
            if (last != last.lower() and re.search(rf"\b{re.escape(last)}\b", rule.statement))
            or any(s.page == self.page and s.section == place and shown in s.quote for s in rule.sources)
        ]
        return tuple(dict.fromkeys(found)) or self.of_request


def _followed(value: JSON, steps: Iterable[str]) -> JSON:
    for step in steps:
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _kind_of(condition: JSON) -> str:
    if not isinstance(condition, dict):
        return ""
    return str(condition.get("condition_type", condition.get("conditionType", "")))


# Out of the schemas ------------------------------------------------------------------------------------


def _nodes(value: JSON) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            yield found
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)


def _of_code(code: str, held: Contract) -> set[Mark]:
    """Return what the schemas say of the fault with this code: limits, tokens, members that are missing."""
    found: set[Mark] = set()
    for node in _nodes([document("update.json"), document("filter.json"), held.vocabulary.schema()]):
        keywords = [name for name, stands_for in node.get("x-error", {}).items() if stands_for == code]
        for value in (node[name] for name in keywords if name in node):
            if isinstance(value, int) and not isinstance(value, bool):
                found.add(("number", str(value)))
        if "required" in keywords:
            found |= {("member", name) for name in node["required"]}
        if "enum" in keywords:
            found |= {("listed", str(word)) for word in node["enum"]}
    return found


def _counted(place: str, held: Contract) -> set[Mark]:
    """Return how many tokens there are of the kind that the row of an error code is about."""
    kinds = [kind for kind in KINDS if f"{ERRORS}, {code_of(kind)}" == place]
    return {("number", str(len(held.vocabulary.words(kind)))) for kind in kinds}


def _of_property(schema: dict[str, Any]) -> set[Mark]:
    """Return the limits and the values of one member: keywords that stand for a documented code or rule."""
    limits = schema.get("x-error", {})
    found = {("number", str(schema[name])) for name in limits if isinstance(schema.get(name), int)}
    return found | {("listed", str(word)) for word in schema.get("enum", ())}


def _type(schema: dict[str, Any], examples: Iterable[JSON]) -> str:
    """Return the type of a member in the words of the pages; `examples` are documented values of it."""
    if "$ref" in schema:
        name, _, fragment = schema["$ref"].partition("#")
        target = document(name)
        return _type(_followed(target, fragment.split("/")[1:]) if fragment else _entered(target), examples)
    if "enum" in schema:
        return "string"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "array":
        return f"array of {_type(schema['items'], ())}s"
    return "datetime" if kind == "string" and "pattern" in schema and any(map(_is_time, examples)) else str(kind)


def _entered(schema: dict[str, Any]) -> dict[str, Any]:
    found = _followed(schema, schema["$ref"].split("/")[1:]) if schema.get("$ref", "").startswith("#") else schema
    assert isinstance(found, dict)
    return found


def _is_time(value: JSON) -> bool:
    try:
        return isinstance(value, str) and "T" in value and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


# A page ------------------------------------------------------------------------------------------------


class _Builder:
    """Puts together what the contract holds of one page."""

    def __init__(self, page: str, method: str, path: str, operation: dict[str, Any], openapi: dict[str, Any]) -> None:
        self.contract = contract()
        self.page, self.method, self.path = page, method, path
        self.operation, self.openapi = operation, openapi
        self.rules = tuple(r for r in self.contract.rules.values() if any(s.page == page for s in r.sources))
        self.mentioned = [(entry.section, entry.word) for entry in self.contract.mentioned if entry.page == page]
        success = next(rule for rule in self.rules if rule.field == f"{method.casefold()}.path.id")
        vector = self.contract.requests[f"{success.id}/documented-example"]
        self.request, self.answer = vector.body, vector.echo
        answers = [v.echo for v in self.contract.requests.values() if v.id.endswith("/documented-example")]
        self.examples = [answer for answer in answers if isinstance(answer, dict)]
        self.parameters = [self._parameter(entry) for entry in openapi["paths"][path].get("parameters", [])]

    def _parameter(self, entry: dict[str, Any]) -> dict[str, Any]:
        found = _followed(self.openapi, entry["$ref"].split("/")[1:]) if "$ref" in entry else entry
        assert isinstance(found, dict)
        return found

    def held(self) -> Held:
        rows = {row.place: row for row in [*self._fields(), *self._codes()]}
        for row in rows.values():
            self._marked(row)
        quotes = tuple(
            (source.section, source.quote, rule.id)
            for rule in self.rules
            for source in rule.sources
            if source.page == self.page and source.section not in rows and not source.section.startswith("example")
        )
        return Held(
            page=self.page,
            title=self.contract.pages[self.page].title,
            method=self.method,
            path=self.path,
            command=self._command(),
            request=self.request,
            answer=self.answer,
            rows=rows,
            quotes=quotes,
            rules=self.rules,
            codes=frozenset(rule.code for rule in self.rules if rule.code),
            members=tuple(document("filter.json")["$defs"]["condition"]["properties"]),
        )

    def _fields(self) -> Iterator[HeldRow]:
        update, audience = document("update.json"), document("audience.json")
        for rule in self.rules:
            area, _, name = (rule.field or "").rpartition(".")
            if area in _SECTIONS:
                schema = update if area == "body" else audience
                entry = schema["properties"][name]
                stated = {"type": _type(entry, [answer.get(name) for answer in self.examples])}
                stated |= {"required": _yes(name in schema.get("required", []))} if area == "body" else {}
                row = HeldRow(f"{_SECTIONS[area]}, {name}", stated, (rule.id,), allowed=_of_property(entry))
                row.expected |= {("null", "null")} if "null" in rule.statement else set()
                yield row
            elif area == f"{self.method.casefold()}.path":
                found = next(parameter for parameter in self.parameters if parameter["name"] == name)
                stated = {"type": _type(found["schema"], ()), "required": _yes(found["required"])}
                yield HeldRow(f"{PATH}, {name}", stated, (rule.id,))

    def _codes(self) -> Iterator[HeldRow]:
        for rule in self.rules:
            if rule.code is not None:
                held = _of_code(rule.code, self.contract)
                row = HeldRow(f"{ERRORS}, {rule.code}", {"status": str(rule.status)}, (rule.id,), allowed=held)
                row.expected |= {mark for mark in held if mark[0] == "member"}
                yield row

    def _marked(self, row: HeldRow) -> None:
        """Add what the quotations from a row say about what stands there."""
        sources = [
            (source.quote, rule.id)
            for rule in self.rules
            for source in rule.sources
            if (source.page, source.section) == (self.page, row.place)
        ]
        row.quotes = tuple(sources)
        row.rules = tuple(dict.fromkeys([*row.rules, *(rule for _, rule in sources)]))
        quoted = {mark for quote, _ in sources for mark in marks(quote)}
        quoted |= {mark for section, word in self.mentioned if section == row.place for mark in marks(word)}
        for kind in {kind for kind, _ in quoted}:
            # The value is the schema's: the quotation says that it stands here.
            known = {mark for mark in row.allowed if mark[0] == kind}
            known = known or (_counted(row.place, self.contract) if kind == "number" else known)
            row.expected |= known or {mark for mark in quoted if mark[0] == kind}
        row.allowed |= row.expected

    def _command(self) -> dict[str, str]:
        path = self.path
        for parameter in self.parameters:
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        stated = {"method": self.method, "host": self.openapi["servers"][0]["url"], "path": path}
        keys = [word for section, word in self.mentioned if section == REQUEST]
        for name in (name for needed in self.openapi["security"] for name in needed):
            scheme = self.openapi["components"]["securitySchemes"][name]
            stated[f"{scheme['in']} {scheme['name']}"] = keys[0] if keys else ""
        for content in self.operation.get("requestBody", {}).get("content", {}):
            stated["header Content-Type"] = content
        return stated


def _yes(value: object) -> str:
    return "yes" if value else "no"


@cache
def held_pages() -> tuple[Held, ...]:
    """Return what the contract holds of each page that documents one of its operations, put together once.

    An operation and its page find each other by the address that `schemas/openapi.json` and `contracts/sources.toml`
    both have. Raises ContractError if `contracts/` is wrong.
    """
    openapi = document("openapi.json")
    pages = {page.url: page.id for page in contract().pages.values()}
    found = []
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "audiences" in operation.get("tags", []):
                page = pages[operation["externalDocs"]["url"]]
                found.append(_Builder(page, method.upper(), path, operation, openapi).held())
    return tuple(found)


def same_path(stated: str, path: str) -> bool:
    """Whether a stated path is `path` with whatever stands for its parameters."""
    pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path))
    return re.fullmatch(pattern, stated.rstrip("/")) is not None
