"""The text of a difference: everything needed to write to the vendor, and nothing else.

Promises: at most one screen; no stack trace; one line a fact, whatever an answer holds; control characters of an
answer never reach a terminal; the key of the request does not show, whole or cut.
Refuses: to judge.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from typing import TYPE_CHECKING

from trackly_contract.jsonvalue import NotJSONError, parse, show

if TYPE_CHECKING:
    from trackly_contract.exchange import Exchange, Request
    from trackly_contract.rule import Rule
    from trackly_contract.verdict import Finding

WIDTH = 90

LONGEST = 400
"""Characters that are shown of one fact."""

LEAST_SECRET = 8
"""Characters of a key that are taken for a key; what is shorter opens nothing."""

CUT = " ... "
"""What `jsonvalue.show` puts in the place of a middle."""

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, those that reorder or hide text, and halves of characters."""


def printable(text: str) -> str:
    """Return the text with unseen characters spelt out, so that a terminal shows them and obeys none."""
    return _UNSEEN.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return the text printable and in one line: no answer can add a line to what is said of it."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def short(text: str, limit: int = LONGEST) -> str:
    """Return the text in one printable line of at most `limit` characters, cut in the middle where it is longer."""
    line = one_line(text)
    if len(line) <= limit:
        return line
    half = (limit - len(CUT)) // 2
    return f"{line[:half]}{CUT}{line[-half:]}"


@cache
def _spellings(secret: str) -> list[str]:
    in_python = secret.replace("\\", "\\\\")
    plain = {secret, json.dumps(secret)[1:-1], in_python, in_python.replace("'", "\\'")}
    in_html = {html.escape(form).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") for form in plain}
    return sorted(plain | in_html, key=len, reverse=True)


def redacted(text: str, secret: str) -> str:
    """Return the text with the secret, and what a cut left over of it, taken out.

    It is found as it is, and as JSON, Python and HTML spell it; its beginnings anywhere, its ends after a cut.
    Less than LEAST_SECRET characters are no secret.
    """
    if len(secret) < LEAST_SECRET:
        return text
    forms = _spellings(secret)
    for form in forms:
        text = text.replace(form, "[key]")
    if not any(piece in text for form in forms for piece in (form[:LEAST_SECRET], form[-LEAST_SECRET:])):
        return text
    for length in range(len(forms[0]) - 1, LEAST_SECRET - 1, -1):
        for form in (form for form in forms if len(form) > length):
            text = text.replace(form[:length], "[key]").replace(f"{CUT}{form[-length:]}", f"{CUT}[key]")
    return text


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

    `again` is the command that asks once more; `last_live` what a live recording says of the same request.
    """
    head = finding.case if finding.case.partition("/")[0] == rule.id else rule.id
    source = rule.sources[-1] if rule.code else rule.sources[0]
    facts = [("docs", f"{source.page}, {source.section}")]
    if finding.exchange is not None:
        facts.append(("sent", sent(finding.exchange)))
    facts += [("expected", short(finding.expected)), ("got", short(finding.got)), ("last live", last_live)]
    if again:
        facts.append(("again", again))
    lines = [
        f"{one_line(head):<{WIDTH - 20}} {finding.verdict} · {rule.basis}",
        f"  {rule.statement}",
        *(f"  {name:<9}  {one_line(text)}" for name, text in facts),
    ]
    key = finding.exchange.request.header("x-api-key") if finding.exchange is not None else None
    return redacted("\n".join(lines), key or "")
