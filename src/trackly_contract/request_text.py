"""The text of a fault in a client's request: what was sent, what is wrong with it, what to send instead.

Promises: the layout of failure.py, at most one screen; the key of the request does not show; control characters of
a request never reach a terminal.
Refuses: to judge (judge_request.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackly_contract.contract import contract
from trackly_contract.exchange import Exchange, Response
from trackly_contract.failure import WIDTH, one_line, redacted, sent, short
from trackly_contract.judge_request import BESIDE_THE_QUESTIONS, RequestFault, Worth

if TYPE_CHECKING:
    from trackly_contract.exchange import Request


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
    said = f"{fault.worth} · {fault.status} {fault.code}" if fault.status else str(fault.worth)
    facts = [("docs", docs), ("sent", sent(Exchange(request, Response(0))))]
    facts += [("in", where)] if where else []
    facts += [("at", fault.place or "the whole body"), ("got", short(fault.got))]
    facts += [("instead", short(fault.instead))] if fault.worth is not Worth.OPEN else []
    lines = [
        f"{one_line(min(fault.names, key=len)):<{WIDTH - 45}} {said}",
        f"  {statement}",
        *(f"  {name:<9}  {one_line(text)}" for name, text in facts),
    ]
    return redacted("\n".join(lines), request.header("x-api-key") or "")
