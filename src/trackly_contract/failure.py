"""The text of a difference: everything needed to write to the vendor, and nothing else.

Promises: at most one screen; no stack trace; one line a fact, whatever an answer holds; control characters of an
answer never reach a terminal; the key of the request does not show (secrets.py).
Refuses: to judge.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackly_contract.jsonvalue import NotJSONError, parse, show
from trackly_contract.secrets import CUT, redacted

if TYPE_CHECKING:
    from trackly_contract.exchange import Exchange, Request
    from trackly_contract.rule import Rule
    from trackly_contract.verdict import Finding

__all__ = ["failure_text", "one_line", "path_of", "printable", "redacted", "sent", "short"]

WIDTH = 80
"""Columns of the first line of a difference, where the name of its case is no longer than most."""

LONGEST = 400
"""Characters that are shown of one fact."""

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, those that reorder or hide text, and halves of characters."""

_COMMAND = re.compile(r"#(?=\[|vso\[|teamcity\[)")
"""What makes a command to a CI service of the rest of a line, wherever it stands; `::` does at its begin alone."""


def printable(text: str) -> str:
    """Return the text with unseen characters spelt out, so that a terminal shows them and obeys none."""
    return _UNSEEN.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return the text printable and in one line: no answer can add a line to what is said of it."""
    return _COMMAND.sub(r"\\x23", printable(text).replace("\n", "\\n").replace("\t", "\\t"))


def short(text: str, limit: int = LONGEST) -> str:
    """Return the text in one printable line of at most `limit` characters, cut in the middle where it is longer."""
    line = one_line(text)
    if len(line) <= limit:
        return line
    half = (limit - len(CUT)) // 2
    return f"{line[:half]}{CUT}{line[-half:]}"


def path_of(request: Request) -> str:
    """Return the path as the documentation writes it, without the id."""
    return re.sub(r"(/v2/audiences/)[^/]+", r"\g<1>{id}", request.path)


def sent(exchange: Exchange, limit: int = LONGEST) -> str:
    """Return the request of an exchange in one line: method, path, body."""
    request = exchange.request
    line = f"{request.method} {path_of(request)}"
    if request.body:
        try:
            line += f"  {show(parse(request.body), limit)}"
        except NotJSONError:
            line += f"  {request.body[:limit]!r}"
    key = request.header("x-api-key")
    if key is None:
        line += "  (no key)"
    elif not key:
        line += "  (empty key)"
    return line


def failure_text(finding: Finding, rule: Rule, again: str = "", last_live: str = "never asked") -> str:
    """Return the failure as people read it.

    `again` is the command that asks once more; `last_live` what a live recording says of the same request, empty where
    none was looked up.
    """
    head = finding.case if finding.case.partition("/")[0] == rule.id else rule.id
    source = rule.sources[-1] if rule.code else rule.sources[0]
    facts = [("docs", f"{source.page}, {source.section}")]
    if finding.exchange is not None:
        facts.append(("sent", sent(finding.exchange)))
    facts += [("expected", short(finding.expected)), ("got", short(finding.got))]
    if last_live:
        facts.append(("last live", last_live))
    if again:
        facts.append(("again", again))
    lines = [
        f"{one_line(head):<{WIDTH - 17}} {finding.verdict} · {rule.basis}",
        f"  {rule.statement}",
        *(f"  {name:<9}  {one_line(text)}" for name, text in facts),
    ]
    key = finding.exchange.request.header("x-api-key") if finding.exchange is not None else None
    return redacted("\n".join(lines), key or "")
