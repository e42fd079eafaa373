"""The text of a finding and of a request's fault, on at most one screen. Nothing reads these texts back.

One line a fact, whatever a response holds; control characters never reach a terminal.
"""

import re

from trackly_contract.contract import Rule, contract
from trackly_contract.core import ABSENT, WIDTH, Request, Response, one_line, short, shortened, show
from trackly_contract.judge.findings import Actual, Cache, Expected, Finding, Rejection, Success, Value, Whole, Words
from trackly_contract.judge.requests import BESIDE_THE_QUESTIONS, RequestFault, Severity

LONGEST = 400
"""Characters that are shown of one fact."""


def path_of(request: Request) -> str:
    """Return the path as the documentation writes it, without the id."""
    return re.sub(r"(/v2/audiences/)[^/]+", r"\g<1>{id}", request.path)


def sent(request: Request, limit: int = LONGEST) -> str:
    """Return a request in one line: method, path, body."""
    line = f"{request.method} {path_of(request)}"
    if request.body:
        value = request.json.strict
        line += f"  {show(value, limit) if value is not ABSENT else repr(request.body[:limit])}"
    key = request.header("x-api-key")
    return line if key else f"{line}  ({'no' if key is None else 'empty'} key)"


def describe(response: Response) -> str:
    """Return a response as a few words: its status, and its code or the beginning of its body."""
    value = response.json.value
    if value is ABSENT:
        text = response.body[:80].decode("utf-8", "replace")
        return f"{response.status}, not JSON: {text!r}" if text else f"{response.status}, no body"
    code = response.json.fields.get("code")
    if isinstance(code, str):
        return f"{response.status} {shortened(code, 200)}"
    return f"{response.status}" if response.succeeded else f"{response.status} {show(value, 120)}"


def expected_text(finding: Finding) -> str:
    """Return what was expected, "" where the rule held."""
    return "both null" if finding.expected == Cache(None, None) else _text(finding, finding.expected)


def actual_text(finding: Finding) -> str:
    """Return what came, "" where the rule held."""
    return _text(finding, finding.actual)


def _text(finding: Finding, side: Expected | Actual | None) -> str:
    text, at = "", finding.at
    match side:
        case Success():
            text, at = "accepted: 2xx", ""
        case Rejection(status, code):
            text, at = f"{status} {code}", ""
        case Cache(size, updated_at):
            text = f"cached_size {show(size)}, cached_size_updated_at {show(updated_at, 40)}"
        case Whole(remark):
            text = f"{describe(finding.exchange.response)}{remark}"
        case Value(value, problem):
            text = problem or show(value, 120)
        case Words(words):
            text, at = words, at if side is finding.actual else ""
    return f"{at}: {text}" if at and text else text


def failure_text(finding: Finding, rule: Rule, again: str = "", last_live: str = "never asked") -> str:
    """Return the failure as people read it.

    `again` is the command that asks once more; `last_live` what a live recording says of the same request, empty where
    none was looked up.
    """
    head = finding.case if finding.case.partition("/")[0] == rule.id else rule.id
    source = rule.sources[-1] if rule.code else rule.sources[0]
    request = finding.exchange.request
    facts = {
        "docs": f"{source.page}, {source.section}",
        "sent": sent(request),
        "expected": short(expected_text(finding)),
        "got": short(actual_text(finding)),
        "last live": last_live,
        "again": again,
    }
    return fact_text(f"{one_line(head):<{WIDTH - 17}} {finding.verdict} · {rule.basis}", rule.statement, facts)


def about(name: str) -> tuple[str, str]:
    """Return what the documentation says, or leaves open, by the name of a fault; and where: page and section."""
    rule = contract().rules.get(name)
    if rule is not None:
        source = rule.sources[-1]
        return rule.statement, f"{source.page}, {source.section}"
    question = contract().questions.get(name)
    if question is not None:
        return f"the documentation does not say: {question.asks}", f"{question.page}; docs/edge-cases.md, {question.id}"
    return BESIDE_THE_QUESTIONS[name], "get-audience, update-audience"


def request_text(fault: RequestFault, request: Request, where: str = "") -> str:
    """Return a fault as people read it; `where` says which request of many it was: `tests/x.har entry 12`."""
    statement, docs = about(fault.name)
    said = f"{fault.severity} · {fault.status} {fault.code}" if fault.status else str(fault.severity)
    facts = {
        "docs": docs,
        "sent": sent(request),
        "in": where,
        "at": fault.place or "the whole body",
        "got": short(fault.got),
        "instead": short(fault.instead) if fault.severity is not Severity.OPEN else "",
    }
    return fact_text(f"{one_line(min(fault.names, key=len)):<{WIDTH - 45}} {said}", statement, facts)


def fact_text(first: str, statement: str, facts: dict[str, str]) -> str:
    """Return a text of one line for each fact."""
    lines = [first, f"  {statement}", *(f"  {name:<9}  {one_line(text)}" for name, text in facts.items() if text)]
    return "\n".join(lines)
