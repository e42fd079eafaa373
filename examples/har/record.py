"""Uses a page in a browser, with responses made up here, and records what it sends: record.py PAGE HAR.

BROWSER names a Chromium; without it Playwright takes its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

CONSOLE = "https://console.example/"
KEY = "trk_" + "0" * 32
"""It belongs to nobody."""

AUDIENCE = {
    "id": "664f1a2b3c4d5e6f7a8b9c0d",
    "name": "Winter",
    "description": "Everybody who clicked",
    "source_lists": [101],
    "filter": {
        "operator": "AND",
        "conditions": [{"conditionType": "time", "field": "last_clicked_at", "operator": "exists"}],
        "groups": [],
    },
    "cached_size": 120,
    "cached_size_updated_at": "2025-11-15T08:30:00",
    "status": "active",
    "created_at": "2025-10-01T14:22:00",
}


def respond(route: Route) -> None:
    """Respond as mocks do: accept everything."""
    update = route.request.post_data_json or {}
    route.fulfill(json={**AUDIENCE, **update}, headers={"Access-Control-Allow-Origin": "*"})


def use(context: BrowserContext, page_file: Path) -> str:
    """Rename an audience on the page and return what the page says of it."""
    context.set_default_timeout(20_000)
    context.route(CONSOLE, lambda route: route.fulfill(path=page_file, content_type="text/html"))
    context.route("https://app.tracklysms.com/**", respond)
    page = context.new_page()
    page.goto(CONSOLE)
    for field, text in (("API key", KEY), ("Audience", AUDIENCE["id"]), ("New name", "Summer")):
        page.get_by_label(field).fill(str(text))
    page.get_by_role("button").click()
    page.wait_for_function("document.querySelector('output').value")
    return page.locator("output").inner_text()


def main(page_file: str, har: str) -> None:
    """Record a HAR. Raises AssertionError where the page does not say that it renamed the audience."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("BROWSER"), args=["--no-sandbox"])
        context = browser.new_context(record_har_path=har, record_har_url_filter="https://app.tracklysms.com/**")
        said = use(context, Path(page_file))
        context.close()
        browser.close()
    assert said == "Winter is now Summer", said


if __name__ == "__main__":
    main(*sys.argv[1:])
