"""What the contract expects on a documentation page, put together from `contracts/` and `schemas/`; no copy of one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from trackly_contract.contract import KINDS, Rule, code_of, contract, document
from trackly_contract.core import JSON, show, value_at
from trackly_contract.pages import facts
from trackly_contract.pages.facts import LISTED, MEMBER, NULL, NUMBER, REQUEST, Mark, Rules, marks, yes


@dataclass
class ExpectedRow:
    """A row of a table: the marks in `expected` must be in its description, those in `allowed` may."""

    stated: dict[str, str]
    expected: set[Mark]
    allowed: set[Mark]
    quotes: tuple[tuple[str, str], ...]
    """Quotations from the row, each with the id of its rule."""
    rules: Rules


class ExpectedPage:
    """What the contract expects on the page of one operation."""

    def __init__(self, method: str, path: str, operation: dict[str, Any]) -> None:
        openapi, held = document("openapi.json"), contract()
        source = next(page for page in held.pages.values() if page.url == operation["externalDocs"]["url"])
        self.page, self.title = source.id, source.title
        self.method, self.path, self.operation = method, path, f"{method} {path}"
        self.rules = [rule for rule in held.rules.values() if any(s.page == self.page for s in rule.sources)]
        self.of_request = self._ids(lambda rule: self.operation in rule.statement)
        success = next(rule for rule in self.rules if rule.field == f"{method.casefold()}.path.id")
        example = held.requests[f"{success.id}/documented-example"]
        self.request, self.response = example.body, example.echo
        self._mentioned = [(entry.section, entry.word) for entry in held.mentioned if entry.page == self.page]
        parameters = [_resolved(entry, openapi) for entry in openapi["paths"][path].get("parameters", [])]
        self._parameters = {parameter["name"]: parameter for parameter in parameters}
        self.rows: dict[str, ExpectedRow] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.code is not None):
            self._add_row(rule)
        self.quotes = [
            (source.section, source.quote, rule.id)
            for rule in self.rules
            for source in rule.sources
            if source.page == self.page and source.section not in self.rows and not source.section.startswith("example")
        ]
        """Quotations from outside the rows: section, quotation, id of the rule."""
        for name, parameter in self._parameters.items():
            path = path.replace(f"{{{name}}}", str(parameter["example"]))
        self.command = {"method": method, "host": openapi["servers"][0]["url"], "path": path}
        for name in (name for needed in openapi["security"] for name in needed):
            scheme = openapi["components"]["securitySchemes"][name]
            self.command[f"{scheme['in']} {scheme['name']}"] = dict(self._mentioned).get(REQUEST, "")
        for content in operation.get("requestBody", {}).get("content", {}):
            self.command["header Content-Type"] = content

    def _ids(self, concerns: Callable[[Rule], object]) -> Rules:
        return tuple(rule.id for rule in self.rules if concerns(rule))

    def _quotes(self, position: str) -> tuple[tuple[str, str], ...]:
        here = (self.page, position)
        return tuple((s.quote, rule.id) for rule in self.rules for s in rule.sources if (s.page, s.section) == here)

    def _add_row(self, rule: Rule) -> None:
        """Add the row of a rule, if it has one, with what the schemas and the quotations from it say."""
        area, _, name = (rule.field or "").rpartition(".")
        needed: set[Mark] = {(NULL, "null")} if "null" in rule.statement else set()
        if rule.code is not None:
            position, stated = f"{facts.ERRORS}, {rule.code}", {"status": str(rule.status)}
            schemas = document("update.json"), document("filter.json"), contract().vocabulary.schema()
            allowed = {mark for schema in _nodes(schemas) for mark in _limits(schema, rule.code)}
            needed = {mark for mark in allowed if mark[0] == MEMBER}
        elif area == f"{self.method.casefold()}.path":
            parameter = self._parameters[name]
            position, allowed = f"{facts.PATH}, {name}", set()
            stated = {"type": _type(parameter["schema"]), "required": yes(parameter["required"])}
        elif area in ("body", "response"):
            schema = document("update.json" if area == "body" else "audience.json")
            member = schema["properties"][name]
            position, allowed = f"{facts.BODY if area == 'body' else facts.RESPONSE}, {name}", _limits(member)
            required = {"required": yes(name in schema.get("required", []))} if area == "body" else {}
            stated = {"type": _type(member)} | required
        else:
            return
        quotes = self._quotes(position)
        texts = [quote for quote, _ in quotes] + [word for place, word in self._mentioned if place == position]
        quoted = {mark for text in texts for mark in marks(text)}
        vocabulary = contract().vocabulary
        counts = {(NUMBER, str(len(vocabulary.words(kind)))) for kind in KINDS if code_of(kind) == rule.code}
        for kind in {kind for kind, _ in quoted}:
            # A quotation says that a limit is here. The limit itself is that of the schema.
            groups = ({mark for mark in found if mark[0] == kind} for found in (allowed, counts, quoted))
            needed |= next(filter(None, groups))
        rules = tuple(dict.fromkeys([rule.id, *(name for _, name in quotes)]))
        self.rows[position] = ExpectedRow(stated, needed, allowed | needed, quotes, rules)

    def names(self, method: str, path: str) -> bool:
        """Whether a method and a path, its parameters filled in, are those of the page."""
        pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, path.rstrip("/")) is not None

    def of_option(self, about: str) -> Rules:
        """Return the ids of the rules that the method, the URL or a header of a request concerns."""
        return self._ids(lambda rule: rule.status == 401) if about.startswith("header") else self.of_request

    def at(self, position: str) -> Rules:
        """Return the ids of the rules that a position of the page concerns."""
        return tuple(dict.fromkeys(rule for _, rule in self._quotes(position)))

    def of_member(self, place: str, pointer: str) -> Rules:
        """Return the ids of the rules that a member of an example concerns."""
        example, area = (self.request, "body") if place == REQUEST else (self.response, "response")
        steps = pointer.split("/")[1:]
        last = next((step for step in reversed(steps) if not step.isdigit()), "")
        codes = {code_of("group.operator")} if last == "operator" else set()
        if "conditions" in steps[:-1]:
            condition = value_at(example, pointer.rpartition("/")[0])
            fields = condition if isinstance(condition, dict) else {}
            kind = fields.get("condition_type", fields.get("conditionType"))
            codes = {code_of(f"{kind}.{last}"), f"missing_{kind}_{last}", f"missing_{kind}_value" * (last == "unit")}
            codes |= {code_of("condition_type")} if last in ("condition_type", "conditionType") else set()
        shown = f'"{last}": {show(value_at(example, pointer))}'
        found = self._ids(lambda rule: rule.field == f"{area}.{''.join(steps[:1])}")
        found += self._ids(lambda rule: rule.code in codes)
        found += self._ids(lambda rule: last != last.lower() and re.search(rf"\b{re.escape(last)}\b", rule.statement))
        found += tuple(rule for quote, rule in self._quotes(place) if shown in quote)
        return tuple(dict.fromkeys(found)) or self.of_request


@cache
def expected_pages() -> tuple[ExpectedPage, ...]:
    """Return what the contract expects on each page that documents one of its operations."""
    paths = document("openapi.json")["paths"].items()
    operations = [(m, path, found) for path, item in paths for m, found in item.items() if m != "parameters"]
    return tuple(ExpectedPage(m.upper(), path, found) for m, path, found in operations if "audiences" in found["tags"])


# Schemas -----------------------------------------------------------------------------------------------


def _resolved(schema: dict[str, Any], inside: JSON = None) -> dict[str, Any]:
    while "$ref" in schema:
        name, _, fragment = schema["$ref"].partition("#")
        inside = document(name) if name else inside
        schema = value_at(inside, fragment)
    return schema


def _nodes(value: JSON) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _nodes(inner)


def _limits(schema: dict[str, Any], code: str | None = None) -> set[Mark]:
    """Return the limits, members and tokens of a schema: of the keywords that stand for a code, or of all."""
    keywords = {name for name, stands_for in schema.get("x-error", {}).items() if code in (None, stands_for)}
    keywords |= set() if code else {"enum"}
    found = {(NUMBER, str(schema[name])) for name in keywords if type(schema.get(name)) is int}
    found |= {(MEMBER, name) for name in schema.get("required", ()) if "required" in keywords}
    return found | {(LISTED, str(word)) for word in schema.get("enum", ()) if "enum" in keywords}


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a member in the words of the pages."""
    schema = _resolved(schema)
    if "enum" in schema:
        return "string"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next(str(kind) for kind in kinds if kind != "null")
    if kind == "array":
        return f"array of {_type(schema['items'])}s"
    pattern = schema.get("pattern", "")
    return "datetime" if pattern and re.match(pattern, "2025-10-01T14:22:00") and not re.match(pattern, "a") else kind
