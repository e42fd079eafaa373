"""Requests to a reference server in tests, and what its responses say."""

import json
from typing import Any

from trackly_contract.core import JSON, Request, Response, encode
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = (("X-Api-Key", REFERENCE_KEY),)


def get(server: ReferenceServer, path: str = PATH) -> Response:
    return server.answer(Request("GET", path, KEY))


def put(server: ReferenceServer, body: JSON) -> Response:
    """PUT bytes as they are, anything else as JSON."""
    return server.answer(Request("PUT", PATH, KEY, body if isinstance(body, bytes) else encode(body)))


def stored(server: ReferenceServer) -> dict[str, Any]:
    audience: dict[str, Any] = json.loads(get(server).body)
    return audience


def error_of(response: Response) -> tuple[int, str]:
    """Return status and code of an error, which has a text and says where the documentation is silent."""
    error = json.loads(response.body)
    assert list(error) == ["error", "code"]
    assert error["error"]
    assert error["code"] != "undocumented" or "the documentation is silent" in error["error"]
    return response.status, error["code"]


def rejection(body: JSON, server: ReferenceServer | None = None) -> tuple[int, str]:
    """Return status and code that a body is rejected with, having checked that nothing changed."""
    server = server or ReferenceServer()
    before = get(server)
    found = error_of(put(server, body))
    assert get(server) == before
    return found
