"""Writes a request as programs to copy: curl, Python (httpx) and JavaScript (fetch).

A program sends the request that was sent: method, path, key and the same JSON. Base URL, key and id of the audience are
read from the variables of the suite and are never in its text. A body stays inside its quotes, and is printable.
"""

import re

import jinja2

from trackly_contract.core import NotJSONError, Request, encode, laid_out, nesting, parse, printable
from trackly_contract.generate import WRONG_KEY

LONGEST_BODY = 20_000
"""Bytes of a body that is made into a program; no body of the suite has as many."""

DEEPEST = 40
"""Nesting of a body that is spread over lines: a deeper one is mostly blanks."""

SHORT = 80
"""Characters of a body that stays in one line."""

LANGUAGES = {"curl": "program.sh.jinja", "Python": "program.py.jinja", "JavaScript": "program.js.jinja"}

_PATH = re.compile(r"/v2/audiences/([A-Za-z0-9_-]{1,64})(/size)?")
TEMPLATES = jinja2.Environment(  # noqa: S701  # text, not HTML: a page escapes it
    loader=jinja2.PackageLoader("trackly_contract.report"), trim_blocks=True, undefined=jinja2.StrictUndefined
)


def snippets(request: Request, audience_id: str) -> dict[str, str]:
    """Return the request as programs by language, none if it is not one that the suite makes.

    `audience_id` is the audience of the run: it becomes a variable, every other id is written out.
    """
    path, body, key = _PATH.fullmatch(request.path), _body(request.body), request.header("x-api-key")
    if path is None or body is None or len(request.body) > LONGEST_BODY or not request.method.isalpha():
        return {}
    values = {
        "method": request.method,
        "other_id": None if path[1] == audience_id else path[1],
        "suffix": path[2] or "",
        "key": key,
        "own_key": key not in (None, "", WRONG_KEY),
        "body": body,
    }
    return {language: TEMPLATES.get_template(name).render(values) for language, name in LANGUAGES.items()}


def _body(body: bytes) -> str | None:
    """Return a body as printable ASCII, spread over lines unless it is short; None if that is no longer the same."""
    if not body:
        return ""
    try:
        value = parse(body)
    except NotJSONError:
        return None
    text = encode(value).decode("ascii")
    if len(text) > SHORT and nesting(body) <= DEEPEST:
        text = laid_out(value, ascii_only=True)
    return text if printable(text) == text else None
