"""Values of HTTP: a request, a response, and the two together. Does not know how anything was sent.

Paths start at `/v2`, whatever host and prefix they were sent to.
"""

from dataclasses import dataclass, field
from functools import cached_property

from trackly_contract.core.json import Parsed, read_json

Headers = tuple[tuple[str, str], ...]

DEFAULT_BASE_URL = "https://app.tracklysms.com/api"

STAMP = "X-Trackly-Contract-Reference"
"""Name of the header that every response of the reference server carries; its value is the version of this package."""

LONGEST_KEPT = 65_536
"""Bytes of a body whose parsed form is kept; those of longer ones would add up over a run."""


class _Message:
    """What a request and a response have in common."""

    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name (any letter case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def json(self) -> Parsed:
        """The body as JSON; parsed once, unless it is so long that a run could not keep what it holds."""
        return self._parsed if len(self.body) <= LONGEST_KEPT else read_json(self.body)

    @cached_property
    def _parsed(self) -> Parsed:
        return read_json(self.body)


@dataclass(frozen=True)
class Request(_Message):
    """What a client sends.

    `path` starts with `/v2/` and carries no query; `body` is the bytes to send, empty for none.
    """

    method: str
    path: str
    headers: Headers = field(default=(), repr=False)  # the key is one of them
    body: bytes = b""


@dataclass(frozen=True)
class Response(_Message):
    """What a server answers: status code, headers in order, the decoded body bytes.

    `redacted`: a key was taken out of headers or body, so they are not what the server sent.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    redacted: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the status is one of the 2xx."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str | None:
        """The `code` of an error, as far as it is a text; None for a success and for a body without one."""
        code = None if self.succeeded else self.json.fields.get("code")
        return code if isinstance(code, str) else None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the response it got; `number` counts the run's requests from 1."""

    request: Request
    response: Response
    number: int = 0
