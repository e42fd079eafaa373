"""The text of a difference: everything needed to write to the vendor, and nothing else.

Promises: at most one screen; no stack trace; control characters of an answer never reach a terminal.
Refuses: to judge.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackly_contract.jsonvalue import NotJSONError, parse, show

if TYPE_CHECKING:
    from trackly_contract.exchange import Exchange, Request
    from trackly_contract.rule import Rule
    from trackly_contract.verdict import Finding

WIDTH = 90


def printable(text: str) -> str:
    """Return the text with control characters spelt out, so that a terminal shows them and obeys none."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", lambda m: repr(m[0])[1:-1], text)


def path_of(request: Request) -> str:
    """Return the path as the documentation writes it, without the id."""
    return re.sub(r"(/v2/audiences/)[^/]+", r"\g<1>{id}", request.path)


def sent(exchange: Exchange, limit: int = 400) -> str:
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

    `again` is the command that asks once more; `last_live` what a live recording says of the same request.
    """
    head = finding.case if finding.case.startswith(rule.id) else rule.id
    source = rule.sources[-1] if rule.code else rule.sources[0]
    lines = [
        f"{head:<{WIDTH - 20}} {finding.verdict} · {rule.basis}",
        f"  {rule.statement}",
        f"  docs       {source.page}, {source.section}",
    ]
    if finding.exchange is not None:
        lines.append(f"  sent       {sent(finding.exchange)}")
    lines += [
        f"  expected   {finding.expected}",
        f"  got        {finding.got}",
        f"  last live  {last_live}",
    ]
    if again:
        lines.append(f"  again      {again}")
    return printable("\n".join(lines))
