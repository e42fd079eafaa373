"""Writes a request as programs to copy: curl, Python (httpx) and JavaScript (fetch).

Base URL, key and id of the audience are variables, never in the text. A body stays inside its quotes, and is printable.
"""

import re

import jinja2

from trackly_contract.core import ABSENT, Request, encode, laid_out, nesting, printable
from trackly_contract.generate import WRONG_KEY
from trackly_contract.report.diff import LARGEST

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
    """Return a request of the suite as programs by language; the id of the run's audience becomes a variable."""
    path, body, key = _PATH.fullmatch(request.path), _body(request), request.header("x-api-key")
    if path is None or body is None or len(request.body) > LARGEST or not request.method.isalpha():
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


def _body(request: Request) -> str | None:
    """Return a body as printable ASCII, spread over lines unless it is short; None if that is no longer the same."""
    value = request.json.strict
    if value is ABSENT:
        return None if request.body else ""
    text = encode(value).decode("ascii")
    if len(text) > SHORT and nesting(request.body) <= DEEPEST:
        text = laid_out(value, ascii_only=True)
    return text if printable(text) == text else None
