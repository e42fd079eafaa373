"""The members of report.json in words: docs/report.md, from schemas/report.json.

Promises: every member of the schema stands in a table, with its type, its values and what it says.
Refuses: a member that the schema does not describe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.maintain import markdown
from trackly_contract.contract import document as schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = ("rule", "evidence", "exchange", "trial", "answer", "left", "client_fault")
"""What a report is made of, in the order of the document; `waiver` stands within a rule."""

Row = tuple[str, str, str]


def rows(part: dict[str, Any]) -> list[Row]:
    """Return the members of an object: name, type or values, what it says.

    Raises LookupError for a member that is not described.
    """
    return list(_rows(part, ""))


def _rows(part: dict[str, Any], within: str) -> Iterator[Row]:
    for name, member in part["properties"].items():
        if "description" not in member:
            raise LookupError(f"schemas/report.json: {within}{name} has no description")
        told = "" if name in part["required"] else "may be absent; "
        yield f"`{within}{name}`", _kind(member), f"{told}{member['description']}".replace("|", "\\|")
        if "properties" in member:
            yield from _rows(member, f"{within}{name}.")


def _kind(member: dict[str, Any]) -> str:
    if "$ref" in member:
        return _named(member["$ref"])
    if "items" in member:
        item = member["items"]
        return f"list of {_named(item['$ref'])}" if "$ref" in item else f"list of {item['type']}"
    if "const" in member:
        return f"`{member['const']}`"
    if "enum" in member:
        return ", ".join(f"`{value}`" for value in member["enum"])
    kinds = member.get("type", "any JSON")
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
