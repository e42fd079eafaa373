"""A small client of the audiences API of Trackly SMS, with httpx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


class TracklyError(Exception):
    """The audience could not be read or changed."""


class RejectedError(TracklyError):
    """The API said no; `code` says why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


class UnavailableError(TracklyError):
    """No response of the API came: try again later."""


@dataclass(frozen=True)
class Audience:
    """What this client needs of an audience. `size` is None where nobody has counted yet."""

    id: str
    name: str
    size: int | None
    filter: dict[str, Any]


class Audiences:
    """Reads and changes audiences."""

    def __init__(self, key: str, base_url: str = "https://app.tracklysms.com/api") -> None:
        self._http = httpx.Client(base_url=base_url, headers={"X-Api-Key": key}, timeout=10)

    def read(self, audience_id: str) -> Audience:
        """Return an audience. Raises TracklyError."""
        return self._send("GET", audience_id)

    def rename(self, audience_id: str, name: str) -> Audience:
        """Give an audience another name. Raises TracklyError."""
        return self._send("PUT", audience_id, {"name": name})

    def narrow(self, audience_id: str, condition: dict[str, Any]) -> Audience:
        """Let only those stay in an audience who meet one more condition. Raises TracklyError."""
        before = self.read(audience_id).filter
        wanted = {"operator": "AND", "conditions": [condition], "groups": [as_sent(before)]}
        return self._send("PUT", audience_id, {"filter": wanted})

    def _send(self, method: str, audience_id: str, update: dict[str, Any] | None = None) -> Audience:
        try:
            response = self._http.request(method, f"/v2/audiences/{audience_id}", json=update)
            body = response.json()
        except httpx.HTTPError as error:
            raise UnavailableError(str(error)) from error
        except ValueError as error:
            raise UnavailableError(f"{response.status_code} without JSON") from error
        if response.is_success:
            return Audience(body["id"], body["name"], body["cached_size"], body["filter"])
        if "code" in body:
            raise RejectedError(response.status_code, body["code"])
        raise UnavailableError(f"{response.status_code} without a code")


def as_sent(group: dict[str, Any]) -> dict[str, Any]:
    """Return a filter of a response as updates need it: `condition_type`, and not `conditionType`."""
    conditions = group.get("conditions", [])
    return {
        "operator": group["operator"],
        "conditions": [{"condition_type" if k == "conditionType" else k: v for k, v in c.items()} for c in conditions],
        "groups": [as_sent(inner) for inner in group.get("groups", [])],
    }
