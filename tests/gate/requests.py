"""Requests of a client to a gate that nothing serves, and a client of one that is served."""

from typing import Any, NamedTuple

import httpx

from trackly_contract.core import Request, encode
from trackly_contract.gate import Gate, JudgedRequest
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY

PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = ("X-Api-Key", REFERENCE_KEY)
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}
TIME = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "hours"}
WEEKS = {"filter": {"operator": "AND", "conditions": [{**TIME, "unit": "weeks"}]}}
"""An update that the API rejects: 400 invalid_time_unit."""


class Seen(NamedTuple):
    """What a client sees of a response: 0 and None if none came."""

    status: int
    json: Any


def read(gate: Gate, path: str = PATH) -> Seen:
    """Read an audience."""
    return _seen(gate.respond(Request("GET", path, (KEY,))))


def update(gate: Gate, body: Any) -> Seen:
    """Send an update; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else encode(body)
    return _seen(gate.respond(Request("PUT", PATH, (KEY, ("Content-Type", "application/json")), content)))


def _seen(judged: JudgedRequest) -> Seen:
    response = judged.response
    return Seen(0, None) if response is None else Seen(response.status, response.json.value)


def asking(base: str) -> httpx.Client:
    """Return a client with the key, of what is served at a base URL."""
    return httpx.Client(base_url=base, headers=[KEY], trust_env=False, timeout=30)
