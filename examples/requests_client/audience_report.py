"""Names and sizes of audiences for a weekly mail, with requests; and it marks them as reported."""

from __future__ import annotations

from typing import Any

import requests

SECONDS = 10


class TracklyError(Exception):
    """The audience could not be read or changed."""


class Reporter:
    """Reports on audiences. `base_url` ends before `/v2`."""

    def __init__(self, base_url: str, key: str, seconds: float = SECONDS) -> None:
        self.base_url, self.key, self.seconds = base_url, key, seconds

    def line(self, audience_id: str) -> str:
        """Return one line of the report. Raises TracklyError."""
        audience = self._ask("GET", audience_id)
        size = audience["cached_size"]
        counted = "not counted yet" if size is None else f"{size:,} contacts"
        archived = ", archived" if audience["status"] == "archived" else ""
        return f"{audience['name']}: {counted}{archived}"

    def mark(self, audience_id: str, day: str) -> None:
        """Write the day of the report into the description. Raises TracklyError."""
        self._ask("PUT", audience_id, {"description": f"In the report of {day}"})

    def _ask(self, method: str, audience_id: str, update: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self.base_url}/v2/audiences/{audience_id}"
        headers = {"X-Api-Key": self.key}
        try:
            response = requests.request(method, url, headers=headers, json=update, timeout=self.seconds)
            body = response.json()
        except requests.RequestException as error:
            raise TracklyError(f"no response of the API: {type(error).__name__}") from error
        if not isinstance(body, dict) or not response.ok:
            code = body.get("code", "no code") if isinstance(body, dict) else "no object"
            raise TracklyError(f"{response.status_code} {code}")
        return body
