"""Cassettes of vcrpy, in YAML or JSON, and those that Schemathesis writes in the same manner.

Promises: nothing in a cassette is executed; where its YAML breaks off, the interactions before are read.
Refuses: a cassette longer than LARGEST or nested deeper than DEEPEST: YAML is read whole, by recursion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import yaml

from trackly_contract.core import NotJSONError, encode, parse
from trackly_contract.judge.recorded.record import Raw, RecordError, Unreadable, encoded, from_base64, headers, item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.judge.recorded.record import Item

LARGEST = 32 * 1024 * 1024
"""Bytes of a cassette; one is held in memory, several times over."""

DEEPEST = 50
"""Nesting of a cassette; those that vcrpy writes nest six deep. libyaml's recursion ends a process far beyond."""

LISTS = ("interactions", "http_interactions")
"""Where vcrpy and Schemathesis keep their exchanges."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(stream: BinaryIO, name: str) -> Iterator[Item]:
    """Yield every interaction; `name` is that of the file."""
    content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        yield Unreadable(name, f"a cassette longer than {LARGEST:,} bytes: split it, or record HAR or JSON lines")
        return
    found, broken = _parsed(content, name)
    interactions = next((found[key] for key in LISTS if isinstance(found, dict) and key in found), None)
    for number, interaction in enumerate(interactions if isinstance(interactions, list) else (), 1):
        where = f"{name} interaction {number}"
        try:
            yield item(_interaction(interaction), where)
        except RecordError as error:
            yield Unreadable(where, str(error))
    if broken is not None:
        yield broken
    elif not isinstance(interactions, list):
        yield Unreadable(name, "the cassette has no list of interactions")


def _parsed(content: bytes, name: str) -> tuple[Any, Unreadable | None]:
    """Return what a cassette holds, up to where it breaks; and where and why it does."""
    if content.lstrip().startswith(b"{"):
        try:
            return parse(content), None
        except NotJSONError as error:
            return None, Unreadable(name, str(error))
    try:
        return _loaded(content), None
    except (yaml.YAMLError, RecordError, ValueError, OverflowError) as error:
        mark, place = getattr(error, "problem_mark", None), getattr(error, "position", len(content))
        line = mark.line + 1 if mark is not None else content[:place].count(b"\n") + 1
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
    broken = Unreadable(f"{name} line {line}", f"not YAML of a cassette: {reason}; from here on nothing is read")
    lines = content.splitlines(keepends=True)
    last = next((place for place in range(min(line, len(lines)) - 1, 0, -1) if lines[place].startswith(b"- ")), 0)
    try:
        return _loaded(b"".join(lines[:last])), broken
    except (yaml.YAMLError, RecordError, ValueError, OverflowError):
        return None, broken


def _loaded(content: bytes) -> Any:
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RecordError(f"nested deeper than {DEEPEST}")
    return yaml.load(content, Loader=_Loader)  # noqa: S506  # it is the safe one, in C where there is one


def _interaction(found: Any) -> Raw:
    request, response = (found.get(part) if isinstance(found, dict) else None for part in ("request", "response"))
    if not isinstance(request, dict):
        raise RecordError("the interaction has no request")
    response = response if isinstance(response, dict) else {}
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code")
    sent = request.get("body")
    return Raw(
        method=request.get("method"),
        url=request.get("uri"),
        status=int(code) if isinstance(code, str) and code.isdecimal() else code,
        request_headers=headers(_as_texts(request.get("headers"))),
        request_body=b"" if sent is None else _body(sent),
        response_headers=headers(_as_texts(response.get("headers"))),
        response_body=_body(response["body"] if "body" in response else response.get("content")),
        started=found.get("recorded_at"),
        seconds=_seconds(response.get("elapsed")),
        written_at_end=True,
    )


def _as_texts(given: Any) -> Any:
    """Return headers with plain scalars of YAML as the texts that they were: `Content-Length: 72`, `NO`."""
    if not isinstance(given, dict):
        return given
    return {str(name): [_text(one) for one in _listed(value)] for name, value in given.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _seconds(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _body(value: Any) -> bytes | None:
    """Return a body: text, bytes, `{string: ...}`, `{base64_string: ...}`, or JSON that was laid out; None for none."""
    if isinstance(value, dict) and "base64_string" in value:
        return from_base64(value["base64_string"])
    if isinstance(value, dict) and "string" in value:
        value = value["string"]
        return b"" if value is None else _body(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return encoded(value)
    try:
        return None if value is None else encode(value)
    except (TypeError, ValueError):
        raise RecordError("a body is neither text nor bytes") from None
