"""What a page says is sent: its request line, and curl commands read as a shell reads them.

Promises: every option that changes a request is kept by name, known or not; what no shell could read is None.
Refuses: to run anything, and to judge.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trackly_contract.pages.page import tidy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Command:
    """An example request: what a curl command sends, by what it is about (`method`, `host`, `header X` ...)."""

    stated: dict[str, str]
    body: str | None = None


_METHODS = "GET|PUT|POST|PATCH|DELETE|DEL|HEAD|OPTIONS"
_VERSIONED = re.compile(r"/?v\d+/")
OF_A_COMMAND = re.compile(r"""(?:\S+ )?-(?:[XHd]|-request|-header|-data)\s+["'A-Z{]""")
"""What is left of a command that lost its first word."""
_SEGMENT = re.compile(r"[\w{}.:~-]+(?:/[\w{}.:~-]*)*")
_REQUEST = re.compile(rf"({_METHODS})\s*((?:https?://[^\s/]+)?/\S*)", re.IGNORECASE)


def request_lines(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return each method with a path that the lines show, in one line or a segment a line.

    The method is empty where a path with a version stands without one.
    """
    found, at = list[tuple[str, str]](), 0
    while at < len(lines):
        line, path, used = lines[at], "", 1
        if whole := _REQUEST.fullmatch(line):
            found.append((whole[1].upper(), whole[2]))
        elif re.fullmatch(r"[A-Za-z]{2,8}", line):
            path, used = _path(lines, at + 1)
            method = line
        elif _of_path(line):
            path, used = _path(lines, at)
            method = ""
        if _VERSIONED.match(path) or (path.startswith("/") and re.fullmatch(_METHODS, line)):
            found.append((method, path))
            at += used
        at += 1
    return found


def _path(lines: Sequence[str], at: int) -> tuple[str, int]:
    """Return the path whose segments begin at a line, and how many lines it has."""
    parts = list(takewhile(_of_path, lines[at : at + 40]))
    ends = (n for n in range(1, len(parts)) if not parts[n - 1].endswith("/") and not parts[n].startswith("/"))
    end = next(ends, len(parts))
    return "".join(parts[:end]), end


def _of_path(line: str) -> bool:
    return line == "/" or bool(_SEGMENT.fullmatch(line.removeprefix("/")))


_VALUED = {"-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url"}
_BODY_OPTIONS = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_SILENT = ("-s", "--silent", "-i", "--include", "-v", "--verbose", "-L", "--location", "-S", "--fail", "-f", "-sS")


def command(text: str) -> Command | None:
    """Return what a curl command sends, or None if it is no command that a shell could read."""
    try:
        words = shlex.split(text.replace("\\\n", " ").strip().removeprefix("$ "))
    except ValueError:
        return None
    sent = Command({})
    rest = iter(words[1:])
    for word in rest:
        option, _, joined = word.partition("=") if word.startswith("--") else (word, "", "")
        if word[:2] in ("-X", "-H", "-d") and len(word) > 2:
            option, joined = word[:2], word[2:]
        if option in _VALUED or option in _BODY_OPTIONS:
            value = joined or next(rest, "")
            _take(sent, _VALUED.get(option, "body"), value)
        elif not word.startswith("-") and "/" in word and "path" not in sent.stated:
            _take(sent, "url", word)
        elif not word.startswith("-"):
            sent.stated["argument"] = tidy(f"{sent.stated.get('argument', '')} {word}")
        elif option not in _SILENT:
            sent.stated[f"option {option}"] = joined or "yes"
    sent.stated.setdefault("method", "GET" if sent.body is None else "POST")
    return sent


def _take(sent: Command, what: str, value: str) -> None:
    if what == "body":
        sent.body = value
    elif what == "header":
        name, _, content = value.partition(":")
        sent.stated[f"header {name.strip()}"] = content.strip()
    elif what == "method":
        sent.stated["method"] = value
    else:
        sent.stated |= url_facts(value)


def url_facts(url: str) -> dict[str, str]:
    """Return the parts of a URL by what they are about: `host` (with what stands before the version) and `path`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {"host": url, "path": ""}
    before, path = "", parts.path
    if found := re.match(r"(.*?)(/v\d+(?:/.*|$))", parts.path):
        before, path = found[1], found[2]
    stated = {"host": f"{parts.scheme}://{parts.netloc}{before}", "path": path}
    return stated | ({"query": parts.query} if parts.query else {})
