"""A request as programs to copy: curl, Python (httpx) and JavaScript (fetch).

Promises: a program sends the request that was sent: method, path, key and the same JSON, spread over lines; base URL,
key and id of the audience come from the variables that the suite reads too, and stand in none of them as text;
whatever a body holds stays inside its quotes, and is printable.
Refuses: to send anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackly_contract.core import NotJSONError, encode, laid_out, nesting, parse, printable
from trackly_contract.generate import WRONG_KEY

if TYPE_CHECKING:
    from trackly_contract.core import Request

LONGEST_BODY = 20_000
"""Bytes of a body that is made into a program; no body of the suite has as many."""

DEEPEST = 40
"""Nesting of a body that is spread over lines: a deeper one is mostly blanks."""

_SHORT = 80
_STEP = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One program: the name that people know its language by, and its text."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """A request in parts: `identifier` is None for the audience of the run, `key` None for the good one."""

    method: str
    identifier: str | None
    suffix: str
    key: str | None
    keyless: bool
    body: str


def snippets(request: Request, audience_id: str) -> tuple[Snippet, ...]:
    """Return the request as programs, none if it is not one that the suite makes.

    `audience_id` is the audience of the run: it becomes a variable, every other id is written out.
    """
    parts = _parts(request, audience_id)
    if parts is None:
        return ()
    return (
        Snippet("curl", _curl(parts)),
        Snippet("Python", _python(parts)),
        Snippet("JavaScript", _javascript(parts)),
    )


def _parts(request: Request, audience_id: str) -> _Parts | None:
    match request.path.split("/"):
        case ["", "v2", "audiences", identifier, *rest] if _STEP.fullmatch(identifier) and rest in ([], ["size"]):
            suffix = "".join(f"/{step}" for step in rest)
        case _:
            return None
    body = _body(request.body)
    if body is None or not request.method.isalpha():
        return None
    key = request.header("x-api-key")
    return _Parts(
        method=request.method,
        identifier=None if identifier == audience_id else identifier,
        suffix=suffix,
        key=None if key not in ("", WRONG_KEY) else key,
        keyless=key is None,
        body=body,
    )


def _body(body: bytes) -> str | None:
    """Return a body as printable ASCII, spread over lines unless it is short; None if that is no longer the same."""
    if not body:
        return ""
    if len(body) > LONGEST_BODY:
        return None
    try:
        value: Any = parse(body)
    except NotJSONError:
        return None
    text = encode(value).decode("ascii")
    if len(text) > _SHORT and nesting(body) <= DEEPEST:
        text = laid_out(value, ascii_only=True)
    return text if printable(text) == text else None


def _curl(parts: _Parts) -> str:
    identifier = parts.identifier or "$TRACKLY_AUDIENCE_ID"
    method = "" if parts.method == "GET" else f" -X {parts.method}"
    lines = [f'curl -sS -i{method} "$TRACKLY_BASE_URL/v2/audiences/{identifier}{parts.suffix}"']
    if parts.key == "":
        lines.append("-H 'X-Api-Key;'")
    elif not parts.keyless:
        lines.append(f'-H "X-Api-Key: {parts.key or "$TRACKLY_API_KEY"}"')
    if parts.body:
        # A quote becomes an escape of JSON, not one of a shell: that is a spelling of a key which secrets.py knows.
        body = parts.body.replace("'", "\\u0027")
        lines += ["-H 'Content-Type: application/json'", f"--data-binary '{body}'"]
    return " \\\n  ".join(lines)


def _python(parts: _Parts) -> str:
    identifier = parts.identifier or "{os.environ['TRACKLY_AUDIENCE_ID']}"
    headers = _python_headers(parts)
    lines = [
        "import os",
        "import httpx",
        "",
        "answer = httpx.request(",
        f'    "{parts.method}",',
        f"    f\"{{os.environ['TRACKLY_BASE_URL']}}/v2/audiences/{identifier}{parts.suffix}\",",
    ]
    if headers:
        lines.append(f"    headers={{{headers}}},")
    if parts.body:
        raw = f"r'''{parts.body}'''"
        lines.append(f"    content={raw if chr(39) * 3 not in parts.body else json.dumps(parts.body)},")
    return "\n".join([*lines, ")", "print(answer.status_code, answer.text)"])


def _python_headers(parts: _Parts) -> str:
    key = json.dumps(parts.key) if parts.key is not None else 'os.environ["TRACKLY_API_KEY"]'
    found = [] if parts.keyless else [f'"X-Api-Key": {key}']
    return ", ".join([*found, *(['"Content-Type": "application/json"'] if parts.body else [])])


def _javascript(parts: _Parts) -> str:
    identifier = parts.identifier or "${TRACKLY_AUDIENCE_ID}"
    used = ["TRACKLY_BASE_URL"]
    used += ["TRACKLY_AUDIENCE_ID"] if parts.identifier is None else []
    used += ["TRACKLY_API_KEY"] if parts.key is None and not parts.keyless else []
    key = json.dumps(parts.key) if parts.key is not None else "TRACKLY_API_KEY"
    headers = [] if parts.keyless else [f'"X-Api-Key": {key}']
    headers += ['"Content-Type": "application/json"'] if parts.body else []
    lines = [
        f"const {{ {', '.join(used)} }} = process.env;",
        f"const answer = await fetch(`${{TRACKLY_BASE_URL}}/v2/audiences/{identifier}{parts.suffix}`, {{",
        f'  method: "{parts.method}",',
        f"  headers: {{ {', '.join(headers)} }}," if headers else "  headers: {},",
    ]
    if parts.body:
        plain = "`" not in parts.body and "${" not in parts.body
        lines.append(f"  body: {f'String.raw`{parts.body}`' if plain else json.dumps(parts.body)},")
    return "\n".join([*lines, '  redirect: "manual",', "});", "console.log(answer.status, await answer.text());"])
