"""What a real browser lets a web page of another site do to a served gate: nothing that counts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Page, sync_playwright

from tests.gate.requests import PATH, WEEKS, update
from tests.support.programs import program
from trackly_contract.gate import Control, Gate, running
from trackly_contract.reference import REFERENCE_KEY

EVIL = "evil.example"
ATTACKS = """async ([control, url, key]) => {
    const reset = `${control}/reset`, ended = [];
    const attempt = async (...request) => {
        try { ended.push((await fetch(...request)).type) } catch { ended.push("blocked") }
    };
    await attempt(reset, {method: "POST", mode: "no-cors"});
    await attempt(reset, {method: "POST", mode: "no-cors", referrerPolicy: "no-referrer"});
    await attempt(reset, {method: "POST", mode: "no-cors", body: "{}", headers: {"Content-Type": "text/plain"}});
    await attempt(`${control}/next`, {method: "DELETE"});
    await attempt(`${control}/keys`);
    await attempt(url, {method: "PUT", body: "{}", headers: {"X-Api-Key": key, "Content-Type": "application/json"}});
    const frame = Object.assign(document.createElement("iframe"), {name: "frame"});
    const form = Object.assign(document.createElement("form"), {action: reset, method: "post", target: "frame"});
    document.body.append(frame, form);
    await new Promise(done => { frame.onload = done; setTimeout(done, 10_000); form.submit(); });
    return ended;
}"""


class Empty(BaseHTTPRequestHandler):
    """Responds with a page that holds nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def page_of_another_site() -> Iterator[Page]:
    """Yield a page of `evil.example`, a name that its owner has pointed at this machine."""
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    path = program("chromium", "chromium-browser", "google-chrome")
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as site, sync_playwright() as playwright:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        with playwright.chromium.launch(executable_path=path, args=["--no-sandbox", rules]) as browser:
            page = browser.new_page()
            page.set_default_timeout(30_000)
            page.goto(f"http://{EVIL}:{site.server_port}/")
            yield page
        site.shutdown()
        thread.join(10)


def test_a_page_of_another_site_changes_reads_and_spoils_nothing(gate: Gate) -> None:
    gate.force("404", times=None)
    update(gate, WEEKS)
    with running(Control(gate)) as base_url, page_of_another_site() as page:
        here = base_url.removesuffix("/api")
        ended = page.evaluate(ATTACKS, [f"{here}/control", f"{base_url}{PATH}", REFERENCE_KEY])
        assert ended == ["opaque", "opaque", "opaque", "blocked", "blocked", "blocked"]
        assert (gate.requests, len(gate.failures), sorted(gate.unjudged.values())) == (1, 1, [1, 6])
        rebound = page.goto(f"{here.replace('127.0.0.1', EVIL)}/control/keys")
        assert rebound is not None
        assert (rebound.status, REFERENCE_KEY in rebound.text()) == (403, False)
        own = page.goto(f"{here}/control/keys")
        assert own is not None
        assert own.json() == [REFERENCE_KEY]
        assert page.evaluate("fetch('/control/reset', {method: 'POST'}).then(response => response.status)") == 200
    assert (gate.requests, gate.failures) == (0, {})
