"""Writes files that are made from others: the vocabulary's schema, the bundled OpenAPI document, the Markdown pages,
the plan of what a run sends.

The same sources give the same bytes; `--check` writes nothing and names every stale file. Does not run outside a
checkout, where nobody would commit what it writes.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from tests.maintain import markdown, plan, report_members
from trackly_contract.contract import KINDS, Contract, Question, Rule, contract, document
from trackly_contract.core.files import data_root

AREAS = {
    "read": "Reading an audience",
    "update": "Updating an audience",
    "filter": "Filters",
    "audience": "An audience in an answer",
    "error": "Refusals",
}
"""Headings of the areas of rules (the first part of their ids), in the order of the page."""


def _written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def vocabulary() -> str:
    """Return `schemas/vocabulary.json`."""
    return _written(contract().vocabulary.schema())


# The OpenAPI documents ---------------------------------------------------------------------------------


def openapi() -> dict[str, Any]:
    """Return `schemas/openapi.json` with the codes of a rejected update as the rules have them.

    The text of an example is ours, kept where there is one already and else the statement of the rule.
    """
    whole = document("openapi.json")
    refused = whole["components"]["responses"]["refused"]
    codes = {rule.code: rule.statement for rule in contract().rules.values() if rule.code and rule.status == 400}
    named = ", ".join(f"`{code}`" for code in codes)
    refused["description"] = f"{refused['description'].partition(' Documented codes:')[0]} Documented codes: {named}."
    media = refused["content"]["application/json"]
    new = {code: {"value": {"error": statement, "code": code}} for code, statement in codes.items()}
    media["examples"] = {code: media["examples"].get(code, example) for code, example in new.items()}
    return whole


def component(file: str, definition: str | None) -> str:
    """Return the name in the bundle of a schema file, or of a definition in it: `FilterGroup`."""
    words = re.split(r"[-_.]", f"{PurePosixPath(file).stem}-{definition or ''}")
    return "".join(word[:1].upper() + word[1:] for word in words)


class _Bundle:
    """Collects the schemas that are referred to, each once, under its name; recursion stays a reference."""

    def __init__(self, read: Callable[[str], dict[str, Any]]) -> None:
        self.read = read
        self.waiting: list[tuple[str, str | None]] = []
        self.named: dict[str, tuple[str, str | None]] = {}

    def inside(self, node: Any, file: str | None) -> Any:
        """Return `node` with references to other files, or within `file`, turned into internal ones."""
        if isinstance(node, list):
            return [self.inside(entry, file) for entry in node]
        if not isinstance(node, dict):
            return node
        found = {
            key: self.reference(value, file) if key == "$ref" and isinstance(value, str) else self.inside(value, file)
            for key, value in node.items()
        }
        if len(found) > 1 and isinstance(node.get("$ref"), str):
            # Of a recursive schema with something beside its $ref Prism makes an invalid one, and then checks nothing.
            found["allOf"] = [*found.get("allOf", []), {"$ref": found.pop("$ref")}]
        return found

    def reference(self, reference: str, file: str | None) -> str:
        """Return the internal reference for one that stands in `file` (None: the OpenAPI document)."""
        name, _, fragment = reference.partition("#")
        target = name or file
        if target is None:
            return reference
        found = re.fullmatch(r"(?:/\$defs/([A-Za-z_]+))?", fragment)
        if found is None:
            raise LookupError(f"{file}: {reference}: only a whole file or a member of its $defs can be bundled")
        wanted = (target, found.group(1))
        label = component(*wanted)
        if self.named.setdefault(label, wanted) != wanted:
            raise LookupError(f"{label} would stand for both {self.named[label]} and {wanted}")
        if wanted not in self.waiting:
            self.waiting.append(wanted)
        return f"#/components/schemas/{label}"

    def schema(self, file: str, definition: str | None) -> dict[str, Any]:
        """Return one schema as it stands in the bundle."""
        whole = self.read(file)
        plain = whole["$defs"][definition] if definition else whole
        plain = {key: value for key, value in plain.items() if key not in ("$schema", "$id", "$defs")}
        bundled: dict[str, Any] = self.inside(plain, file)
        return bundled


def _source(name: str) -> dict[str, Any]:
    if name == "openapi.json":
        return openapi()
    return contract().vocabulary.schema() if name == "vocabulary.json" else document(name)


def bundled(read: Callable[[str], dict[str, Any]] = _source) -> str:
    """Return `schemas/openapi.bundled.json`: the OpenAPI document with every schema it refers to in itself.

    `read` gives a file of `schemas/` by name. Raises LookupError for a reference that cannot be bundled.
    """
    bundle = _Bundle(read)
    split = read("openapi.json")
    bundle.named |= {name: ("openapi.json", name) for name in split["components"].get("schemas", {})}
    whole = bundle.inside(split, None)
    schemas = whole["components"].setdefault("schemas", {})
    for wanted in bundle.waiting:  # grows while it is walked
        schemas[component(*wanted)] = bundle.schema(*wanted)
    whole["info"]["description"] = (
        "Generated from openapi.json and the schemas beside it; edit those and run `make docs`. "
        + whole["info"]["description"]
    )
    return _written(whole)


# The table of rules ------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return re.sub(r"([\\|<*\[\]])", r"\\\1", " ".join(text.split()))


def _sections(rule: Rule) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for source in rule.sources:
        sections.setdefault(source.page, []).append(source.section)
    return sections


def _asks(question: Question, source: Contract) -> str:
    answering = ", ".join(f"`{rule}`" for rule in source.answering(question))
    return _cell(question.asks) + (f"<br>*no longer open:* see {answering}" if answering else "")


def rules(source: Contract | None = None) -> str:
    """Return `docs/rules.md`: every rule, code, token and open question of the contract."""
    source = source or contract()
    areas: dict[str, list[Rule]] = {title: [] for title in AREAS.values()}
    codes: dict[tuple[int, str], list[str]] = {}
    for rule in source.rules.values():
        area = rule.id.partition(".")[0]
        if area not in AREAS:
            raise LookupError(f"rules of {area}: give the area a heading in generated.AREAS")
        areas[AREAS[area]].append(rule)
        if rule.status is not None and rule.code is not None:
            codes.setdefault((rule.status, rule.code), []).append(rule.id)
    templates = markdown.templates()
    templates.filters["cell"] = _cell
    templates.filters["asks"] = lambda question: _asks(question, source)
    templates.filters["link"] = lambda page: f"[{_cell(source.pages[page].title)}]({source.pages[page].url})"
    return templates.get_template("rules.md.jinja").render(
        source=source,
        areas=areas,
        sections=_sections,
        vectors=Counter(identifier.partition("/")[0] for identifier in (*source.requests, *source.answers)),
        codes=sorted(codes.items(), key=lambda entry: entry[0][0]),
        kinds=KINDS,
    )


# Writing and comparing ---------------------------------------------------------------------------------

Files: TypeAlias = "Mapping[str, Callable[[], str]]"
"""Generated files by their path in the checkout, and what makes each."""

FILES: Files = {
    "contracts/plan.json": plan.document,
    "schemas/vocabulary.json": vocabulary,
    "schemas/openapi.json": lambda: _written(openapi()),
    "schemas/openapi.bundled.json": bundled,
    "docs/rules.md": rules,
    "docs/report.md": report_members.document,
}
"""Those that are made from contracts/ and schemas/ alone."""


def stale(root: Path, files: Files = FILES) -> list[str]:
    """Return the generated files under `root` that are missing or differ from what would be written."""
    return [name for name, make in files.items() if not _same(root / name, make())]


def _same(path: Path, content: str) -> bool:
    return path.is_file() and path.read_bytes() == content.encode("utf-8")


def write(root: Path, files: Files = FILES) -> list[str]:
    """Write the stale files under `root` anew and return their names."""
    names = stale(root, files)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name]().encode("utf-8"))
    return names


def main(arguments: Sequence[str] | None = None, root: Path | None = None, files: Files = FILES) -> int:
    """Write the generated files, or with `--check` say which are stale; return the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    options = parser.parse_args(arguments)
    root = root or data_root()
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write(f"{root}: no checkout; generated files are written in a checkout only\n")
        return 2
    if options.check:
        names = stale(root, files)
        for name in names:
            sys.stderr.write(f"{name} is stale: run `make docs` and commit what it writes\n")
        return 1 if names else 0
    for name in write(root, files):
        sys.stdout.write(f"{name} written\n")
    for question in contract().questions.values():
        for rule in contract().answering(question)[:1]:
            why = f"it is no longer open, for there is the rule {rule}"
            sys.stdout.write(f"contracts/questions.toml: question {question.id}: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
