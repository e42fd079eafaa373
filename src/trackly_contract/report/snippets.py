"""Writes a request as programs to copy: curl, Python (httpx) and JavaScript (fetch).

A program sends the request that was sent: method, path, key and the same JSON. Base URL, key and id of the audience are
read from the variables of the suite and are never in its text. A body stays inside its quotes, and is printable.
"""

import json
import re
from dataclasses import dataclass

from trackly_contract.core import NotJSONError, Request, encode, laid_out, nesting, parse, printable
from trackly_contract.generate import WRONG_KEY

LONGEST_BODY = 20_000
"""Bytes of a body that is made into a program; no body of the suite has as many."""

DEEPEST = 40
"""Nesting of a body that is spread over lines: a deeper one is mostly blanks."""

_SHORT = 80
_PATH = re.compile(r"/v2/audiences/([A-Za-z0-9_-]{1,64})(/size)?")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One program: the name that people know its language by, and its text."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """A request in parts: `other_id` is None for the audience of the run, `key` None for the good one."""

    method: str
    other_id: str | None
    suffix: str
    has_key: bool
    key: str | None
    body: str

    def headers(self, good_key: str) -> str:
        """Return the headers as members of an object, the good key as an expression."""
        key = good_key if self.key is None else json.dumps(self.key)
        found = [f'"X-Api-Key": {key}'] if self.has_key else []
        return ", ".join([*found, *(['"Content-Type": "application/json"'] if self.body else [])])


def snippets(request: Request, audience_id: str) -> tuple[Snippet, ...]:
    """Return the request as programs, none if it is not one that the suite makes.

    `audience_id` is the audience of the run: it becomes a variable, every other id is written out.
    """
    path, body, key = _PATH.fullmatch(request.path), _body(request.body), request.header("x-api-key")
    if path is None or body is None or not request.method.isalpha():
        return ()
    other_id = None if path[1] == audience_id else path[1]
    written_key = key if key in ("", WRONG_KEY) else None
    parts = _Parts(request.method, other_id, path[2] or "", key is not None, written_key, body)
    languages = {"curl": _curl, "Python": _python, "JavaScript": _javascript}
    return tuple(Snippet(language, written(parts)) for language, written in languages.items())


def _body(body: bytes) -> str | None:
    """Return a body as printable ASCII, spread over lines unless it is short; None if that is no longer the same."""
    if not body:
        return ""
    if len(body) > LONGEST_BODY:
        return None
    try:
        value = parse(body)
    except NotJSONError:
        return None
    text = encode(value).decode("ascii")
    if len(text) > _SHORT and nesting(body) <= DEEPEST:
        text = laid_out(value, ascii_only=True)
    return text if printable(text) == text else None


def _curl(parts: _Parts) -> str:
    identifier = parts.other_id or "$TRACKLY_AUDIENCE_ID"
    method = "" if parts.method == "GET" else f" -X {parts.method}"
    lines = [f'curl -sS -i{method} "$TRACKLY_BASE_URL/v2/audiences/{identifier}{parts.suffix}"']
    if parts.key == "":
        lines.append("-H 'X-Api-Key;'")
    elif parts.has_key:
        lines.append(f'-H "X-Api-Key: {parts.key or "$TRACKLY_API_KEY"}"')
    if parts.body:
        # A quote becomes an escape of JSON, not one of a shell: that is a spelling of a key which redact.py knows.
        body = parts.body.replace("'", "\\u0027")
        lines += ["-H 'Content-Type: application/json'", f"--data-binary '{body}'"]
    return " \\\n  ".join(lines)


def _python(parts: _Parts) -> str:
    identifier = parts.other_id or "{os.environ['TRACKLY_AUDIENCE_ID']}"
    headers = parts.headers('os.environ["TRACKLY_API_KEY"]')
    raw = f"r'''{parts.body}'''" if "'''" not in parts.body else json.dumps(parts.body)
    lines = [
        "import os",
        "import httpx",
        "",
        "answer = httpx.request(",
        f'    "{parts.method}",',
        f"    f\"{{os.environ['TRACKLY_BASE_URL']}}/v2/audiences/{identifier}{parts.suffix}\",",
        *([f"    headers={{{headers}}},"] if headers else []),
        *([f"    content={raw},"] if parts.body else []),
        ")",
        "print(answer.status_code, answer.text)",
    ]
    return "\n".join(lines)


def _javascript(parts: _Parts) -> str:
    identifier = parts.other_id or "${TRACKLY_AUDIENCE_ID}"
    used = ["TRACKLY_BASE_URL"]
    used += ["TRACKLY_AUDIENCE_ID"] if parts.other_id is None else []
    used += ["TRACKLY_API_KEY"] if parts.has_key and parts.key is None else []
    headers = parts.headers("TRACKLY_API_KEY")
    plain = "`" not in parts.body and "${" not in parts.body
    body = f"String.raw`{parts.body}`" if plain else json.dumps(parts.body)
    lines = [
        f"const {{ {', '.join(used)} }} = process.env;",
        f"const answer = await fetch(`${{TRACKLY_BASE_URL}}/v2/audiences/{identifier}{parts.suffix}`, {{",
        f'  method: "{parts.method}",',
        f"  headers: {{ {headers} }}," if headers else "  headers: {},",
        *([f"  body: {body},"] if parts.body else []),
        '  redirect: "manual",',
        "});",
        "console.log(answer.status, await answer.text());",
    ]
    return "\n".join(lines)
