"""The text of a finding and of a violation: everything needed to write to the vendor, and nothing else.

At most one screen, one line a fact, whatever a response holds; control characters never reach a terminal, and the key
of the request does not show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackly_contract.contract import contract
from trackly_contract.core import WIDTH, Exchange, NotJSONError, Response, one_line, parse, redacted, short, show
from trackly_contract.judge.requests import BESIDE_THE_QUESTIONS, RequestFault, Severity

if TYPE_CHECKING:
    from trackly_contract.contract import Rule
    from trackly_contract.core import Finding, Request

LONGEST = 400
"""Characters that are shown of one fact."""


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


def about(fault: RequestFault) -> tuple[str, str]:
    """Return what the documentation says, or leaves open, of a fault; and where it does: page and section."""
    rule = contract().rules.get(fault.name)
    if rule is not None:
        source = rule.sources[-1]
        return rule.statement, f"{source.page}, {source.section}"
    question = contract().questions.get(fault.name)
    if question is not None:
        return f"the documentation does not say: {question.asks}", f"{question.page}; docs/edge-cases.md, {question.id}"
    return BESIDE_THE_QUESTIONS[fault.name], "get-audience, update-audience"


def request_text(fault: RequestFault, request: Request, where: str = "") -> str:
    """Return a fault as people read it; `where` says which request of many it was: `tests/x.har entry 12`."""
    statement, docs = about(fault)
    said = f"{fault.severity} · {fault.status} {fault.code}" if fault.status else str(fault.severity)
    facts = [("docs", docs), ("sent", sent(Exchange(request, Response(0))))]
    facts += [("in", where)] if where else []
    facts += [("at", fault.place or "the whole body"), ("got", short(fault.got))]
    facts += [("instead", short(fault.instead))] if fault.severity is not Severity.OPEN else []
    lines = [
        f"{one_line(min(fault.names, key=len)):<{WIDTH - 45}} {said}",
        f"  {statement}",
        *(f"  {name:<9}  {one_line(text)}" for name, text in facts),
    ]
    return redacted("\n".join(lines), request.header("x-api-key") or "")
