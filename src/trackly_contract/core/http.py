"""Values of HTTP: a request, a response, and the two together.

Promises: immutable; bodies are the bytes that travelled; paths start at `/v2`, whatever host and
prefix they were sent to; header names compare without regard to case.
Refuses: to parse, to judge, to know how anything was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Headers = tuple[tuple[str, str], ...]

DEFAULT_BASE_URL = "https://app.tracklysms.com/api"

STAMP = "X-Trackly-Contract-Reference"
"""Name of the header that every response of the reference server carries; its value is the version of this package."""


def _header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends.

    `path` starts with `/v2/` and carries no query; `body` is the bytes to send, empty for none.
    """

    method: str
    path: str
    headers: Headers = field(default=(), repr=False)  # the key is one of them
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of that name (any letter case), or None."""
        return _header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answers: status code, headers in order, the decoded body bytes."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of that name (any letter case), or None."""
        return _header(self.headers, name)

    @property
    def succeeded(self) -> bool:
        """Whether the status is one of the 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the response it got; `number` counts the run's requests from 1."""

    request: Request
    response: Response
    number: int = 0
