"""Writes docs/report.md: every field of report.json with its type, values and meaning, from schemas/report.json.

A field that the schema does not describe is an error.
"""

from collections.abc import Iterator
from typing import Any

from tests.maintain import markdown
from trackly_contract.contract import document as schema_of

PARTS = ("rule", "evidence", "exchange", "trial", "answer", "left", "client_fault")
"""Parts of a report in the order of the page; `waiver` is inside a rule."""

Row = tuple[str, str, str]


def rows(part: dict[str, Any], within: str = "") -> Iterator[Row]:
    """Yield the fields of an object: name, type or values, meaning.

    Raises LookupError for a field that is not described.
    """
    for name, field in part["properties"].items():
        if "description" not in field:
            raise LookupError(f"schemas/report.json: {within}{name} has no description")
        absent = "" if name in part["required"] else "may be absent; "
        yield f"`{within}{name}`", _kind(field), f"{absent}{field['description']}".replace("|", "\\|")
        if "properties" in field:
            yield from rows(field, f"{within}{name}.")


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return _named(field["$ref"])
    if "items" in field:
        item = field["items"]
        return f"list of {_named(item['$ref'])}" if "$ref" in item else f"list of {item['type']}"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kinds = field.get("type", "any JSON")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _named(reference: str) -> str:
    name = reference.rpartition("/")[2]
    if name in PARTS:
        return f"[{name}](#{name})"
    return ", ".join(f"`{value}`" for value in schema_of("report.json")["$defs"][name]["enum"])


def document() -> str:
    """Return docs/report.md."""
    schema = schema_of("report.json")
    version = schema["properties"]["schema_version"]["const"]
    return (
        markdown.templates()
        .get_template("report-members.md.jinja")
        .render(
            version=version,
            major=version.partition(".")[0],
            report=rows(schema),
            parts={name: rows(schema["$defs"][name]) for name in PARTS},
        )
    )
