"""What the contract expects on a documentation page, put together from `contracts/` and `schemas/`.

Does not read pages, and keeps no copy of one: a quotation of a rule says only where the page states it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import KINDS, code_of, contract, document, read_toml
from trackly_contract.core import data_root, show
from trackly_contract.pages.facts import BODY, ERRORS, PATH, REQUEST, RESPONSE, marks, yes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trackly_contract.contract import Rule
    from trackly_contract.core import JSON
    from trackly_contract.pages.facts import Mark

_A_TIME = "2025-10-01T14:22:00"


@dataclass
class ExpectedRow:
    """A row of a table: the marks in `expected` must be in its description, those in `allowed` may."""

    stated: dict[str, str]
    rules: tuple[str, ...]
    expected: set[Mark]
    allowed: set[Mark]
    quotes: tuple[tuple[str, str], ...]
    """Quotations from this row, each with the id of its rule."""


class ExpectedPage:
    """What the contract expects on the page of one operation."""

    def __init__(self, method: str, path: str, operation: dict[str, Any]) -> None:
        pages = {page.url: page for page in contract().pages.values()}
        source = pages[operation["externalDocs"]["url"]]
        self.page, self.title = source.id, source.title
        self.method, self.path, self.operation = method, path, f"{method} {path}"
        self.rules = [rule for rule in contract().rules.values() if any(s.page == self.page for s in rule.sources)]
        self.of_request = self._ids(lambda rule: self.operation in rule.statement)
        self.of_key = self._ids(lambda rule: rule.status == 401)
        success = next(rule for rule in self.rules if rule.field == f"{method.casefold()}.path.id")
        example = contract().requests[f"{success.id}/documented-example"]
        self.request, self.response = example.body, example.echo
        openapi = document("openapi.json")
        parameters = [_resolved(entry, openapi) for entry in openapi["paths"][path].get("parameters", [])]
        entries = read_toml(data_root() / "contracts" / "mentioned.toml", "mentioned")["mentioned"]
        mentioned = [(entry["section"], entry["word"]) for entry in entries if entry["page"] == self.page]
        self.rows: dict[str, ExpectedRow] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.code is not None):
            self._add_row(rule, parameters, mentioned)
        self.quotes = [
            (source.section, source.quote, rule.id)
            for rule in self.rules
            for source in rule.sources
            if source.page == self.page and source.section not in self.rows and not source.section.startswith("example")
        ]
        """Quotations from outside the rows: section, quotation, id of the rule."""
        for parameter in parameters:
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        self.command = {"method": method, "host": openapi["servers"][0]["url"], "path": path}
        for name in (name for needed in openapi["security"] for name in needed):
            scheme = openapi["components"]["securitySchemes"][name]
            self.command[f"{scheme['in']} {scheme['name']}"] = dict(mentioned).get(REQUEST, "")
        for content in operation.get("requestBody", {}).get("content", {}):
            self.command["header Content-Type"] = content

    def _ids(self, concerns: Callable[[Rule], bool]) -> tuple[str, ...]:
        return tuple(rule.id for rule in self.rules if concerns(rule))

    def _add_row(self, rule: Rule, parameters: list[dict[str, Any]], mentioned: list[tuple[str, str]]) -> None:
        """Add the row of a rule, if it has one."""
        area, _, name = (rule.field or "").rpartition(".")
        expected: set[Mark] = set()
        allowed: set[Mark] = set()
        if rule.code is not None:
            position, stated = f"{ERRORS}, {rule.code}", {"status": str(rule.status)}
            filters = document("filter.json"), contract().vocabulary.schema()
            allowed = {mark for node in _nodes([document("update.json"), *filters]) for mark in _limits(node, rule.code)}
            expected = {mark for mark in allowed if mark[0] == "member"}
        elif area in ("body", "response"):
            schema = document("update.json" if area == "body" else "audience.json")
            entry = schema["properties"][name]
            position, stated = f"{BODY if area == 'body' else RESPONSE}, {name}", {"type": _type(entry)}
            stated |= {"required": yes(name in schema.get("required", []))} if area == "body" else {}
            allowed = _limits(entry) | {("listed", str(word)) for word in entry.get("enum", ())}
            expected = {("null", "null")} if "null" in rule.statement else set()
        elif area == f"{self.method.casefold()}.path":
            entry = next(parameter for parameter in parameters if parameter["name"] == name)
            position = f"{PATH}, {name}"
            stated = {"type": _type(entry["schema"]), "required": yes(entry["required"])}
        else:
            return
        quotes = [
            (source.quote, rule.id)
            for rule in self.rules
            for source in rule.sources
            if (source.page, source.section) == (self.page, position)
        ]
        texts = [quote for quote, _ in quotes] + [word for section, word in mentioned if section == position]
        quoted = {mark for text in texts for mark in marks(text)}
        counts = {("number", str(len(contract().vocabulary.words(kind)))) for kind in KINDS if code_of(kind) == rule.code}
        for kind in {kind for kind, _ in quoted}:
            # A quotation says that a limit is here; the limit itself is the one of the schema.
            known = {mark for mark in allowed if mark[0] == kind} or (counts if kind == "number" else set())
            expected |= known or {mark for mark in quoted if mark[0] == kind}
        rules = tuple(dict.fromkeys([rule.id, *(name for _, name in quotes)]))
        self.rows[position] = ExpectedRow(stated, rules, expected, allowed | expected, tuple(quotes))

    def at(self, position: str) -> tuple[str, ...]:
        """Return the ids of the rules that a position of the page concerns."""
        return self._ids(lambda rule: any((s.page, s.section) == (self.page, position) for s in rule.sources))

    def of_member(self, place: str, pointer: str) -> tuple[str, ...]:
        """Return the ids of the rules that a member of an example concerns."""
        example, area = (self.request, "body") if place == REQUEST else (self.response, "response")
        steps = pointer.split("/")[1:]
        last = next((step for step in reversed(steps) if not step.isdigit()), "")
        codes = {code_of("group.operator")} if last == "operator" else set()
        if "conditions" in steps[:-1]:
            condition = _follow(example, steps[:-1])
            kind = condition.get("condition_type", condition.get("conditionType")) if isinstance(condition, dict) else ""
            codes = {code_of(f"{kind}.{last}"), f"missing_{kind}_{last}", f"missing_{kind}_value" * (last == "unit")}
            codes |= {code_of("condition_type")} if last in ("condition_type", "conditionType") else set()
        shown = f'"{last}": {show(_follow(example, steps))}'
        found = self._ids(lambda rule: rule.field == f"{area}.{steps[0] if steps else ''}")
        found += self._ids(lambda rule: rule.code in codes)
        found += self._ids(
            lambda rule: (last != last.lower() and re.search(rf"\b{re.escape(last)}\b", rule.statement) is not None)
            or any((s.page, s.section) == (self.page, place) and shown in s.quote for s in rule.sources)
        )
        return tuple(dict.fromkeys(found)) or self.of_request


@cache
def expected_pages() -> tuple[ExpectedPage, ...]:
    """Return what the contract expects on each page that documents one of its operations.

    An operation and its page have the same address in `schemas/openapi.json` and `contracts/sources.toml`. Raises
    ContractError if `contracts/` is wrong.
    """
    operations = (
        (method.upper(), path, operation)
        for path, item in document("openapi.json")["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    )
    return tuple(ExpectedPage(*found) for found in operations if "audiences" in found[2]["tags"])


def same_path(stated: str, path: str) -> bool:
    """Whether a stated path is `path`, whatever its parameters are."""
    pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path))
    return re.fullmatch(pattern, stated.rstrip("/")) is not None


# Schemas -----------------------------------------------------------------------------------------------


def _follow(value: JSON, steps: Iterable[str]) -> JSON:
    for step in steps:
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _resolved(schema: dict[str, Any], inside: JSON) -> dict[str, Any]:
    while "$ref" in schema:
        name, _, fragment = schema["$ref"].partition("#")
        inside = document(name) if name else inside
        schema = _follow(inside, fragment.split("/")[1:])
    return schema


def _nodes(value: JSON) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            yield found
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)


def _limits(schema: dict[str, Any], code: str | None = None) -> set[Mark]:
    """Return the limits, members and tokens in the keywords of a schema: in those that stand for a code, or in all."""
    keywords = {name for name, stands_for in schema.get("x-error", {}).items() if code in (None, stands_for)}
    keywords |= set() if code else {"enum"}
    found = {("number", str(schema[name])) for name in keywords if type(schema.get(name)) is int}
    found |= {("member", name) for name in schema.get("required", ()) if "required" in keywords}
    return found | {("listed", str(word)) for word in schema.get("enum", ()) if "enum" in keywords}


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a member in the words of the pages."""
    schema = _resolved(schema, schema)
    if "enum" in schema:
        return "string"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "array":
        return f"array of {_type(schema['items'])}s"
    of_times = "pattern" in schema and re.match(schema["pattern"], _A_TIME) and not re.match(schema["pattern"], "a name")
    return "datetime" if of_times else str(kind)
