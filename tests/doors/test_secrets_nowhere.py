"""The key is in nothing that a run leaves or prints, wherever and however the answers spell it."""

import base64
import html
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.core.test_redact import pieces_of_base64, unescaped
from tests.doors.conftest import CHECKOUT, SECONDS, environment
from tests.doors.test_record_and_replay import ELSEWHERE
from trackly_contract.core import Request
from trackly_contract.core.http import STAMP
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_store
from trackly_contract.run import UnusableSettingError, live_target

KEY = "trk_Ab3dEfGhIjKlMnOpQrStUvWxYz012345"

SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.swapcase,
    lambda key: "".join(f"%{ord(char):02x}" for char in key),
    lambda key: "".join(f"\\u{ord(char):04X}" for char in key),
    lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    lambda key: "".join(f"&#{ord(char)};" for char in key),
    lambda key: "".join(f"&#x{ord(char):x};" for char in key),
    lambda key: base64.b64encode(key.encode()).decode(),
    lambda key: base64.b64encode(b"u:" + key.encode() + b"...").decode(),
    lambda key: base64.urlsafe_b64encode(b"?" + key.encode()).decode().rstrip("="),
    lambda key: key[:20],
    lambda key: f"{'x' * 70}{key}{'x' * 500}",
]


WRITTEN = ("report/report.json", "report/report.md", "report/report.html", "junit.xml", "log.txt")
"""Files in which answers are told, beside the cassettes; from each of them the key has to be taken out."""


def decodings(text: str) -> Iterator[str]:
    """Yield a text, and what the decoders make of it one after the other, three times."""
    yield text
    yield from pieces_of_base64(text)
    for _ in range(3):
        for decode in (unescaped, html.unescape, unquote):
            text = decode(text)
            yield text


def shows(text: str) -> bool:
    return any(KEY[:12].casefold() in one.casefold() for one in decodings(text))


def escaped(spelt: str) -> str:
    """Spell a JSON text so that its escapes are those of the answer itself, where it can be read so."""
    return json.dumps(spelt)[1:-1]


class Api:
    """Stands for a live API that plants the key in its answers, each time spelt another way.

    In the content of the audience only once the suite sends refused updates: a run that sees it before changes nothing.
    """

    def __init__(self, folder: Path, spot: str) -> None:
        store = documented_store()
        store.keys = {KEY}
        self.server, self.folder, self.spot = ReferenceServer(store), folder, spot
        self.turn = count()
        self.asked: list[Request] = []
        self.seen: dict[Path, bytes] = {}

    def spelt(self) -> str:
        return SPELLINGS[next(self.turn) % len(SPELLINGS)](KEY)

    def answer(self, request: Request) -> tuple[int, str, dict[str, str], bytes]:
        """Return status, words beside it, headers and body."""
        self.look_at_the_files()
        self.asked.append(request)
        answer = self.server.answer(request)
        headers = {name: value for name, value in answer.headers if name != STAMP}
        body: Any = json.loads(answer.body)
        if self.spot == "own content":
            body |= {"description": f"use {self.spelt()}"}
        if self.spot != "answers":
            return answer.status, "OK", headers, json.dumps(body).encode()
        headers |= {"X-Echo": self.spelt(), "Allow": self.spelt(), "Content-Type": f"text/plain; a={self.spelt()}"}
        headers |= {"Retry-After": "0"}
        if b"weeks" in request.body:
            return 302, self.spelt(), {**headers, "Location": f"/?key={self.spelt()}"}, self.page()
        if b"XOR" in request.body:
            return 400, self.spelt(), headers, self.page()
        if answer.status >= 400:
            body |= {"error": f"not with {self.spelt()}", "code": self.spelt(), self.spelt(): [self.spelt()]}
        else:
            body |= {self.spelt(): {self.spelt(): self.spelt()}}
        if "filter" in body and any(b"weeks" in asked.body for asked in self.asked):
            body |= {"name": self.spelt(), "description": f"{self.spelt()} {'y' * 600} {self.spelt()}"}
            body |= {"cached_size": self.spelt(), "source_lists": [self.spelt()]}
            body["filter"]["groups"] = [{"operator": self.spelt(), "conditions": [{"value": [self.spelt()]}]}]
        return answer.status, self.spelt(), headers, self.raw(body)

    def page(self) -> bytes:
        spelt = self.spelt()
        return f"<h1>{spelt}</h1><a href='/?{quote(spelt)}'>{html.escape(spelt)}</a>\xff".encode("latin-1")

    def raw(self, body: Any) -> bytes:
        """Return the body as JSON, every other time with each character of the key escaped by JSON itself."""
        text = json.dumps(body)
        if next(self.turn) % 2:
            text = text.replace(KEY, "".join(f"\\u{ord(char):04x}" for char in KEY))
        return text.encode()

    def look_at_the_files(self) -> None:
        """Keep what every file holds that a run has now: some are gone at its end."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.seen[path] = path.read_bytes()


@contextmanager
def served(api: Api) -> Iterator[str]:
    """Serve it on loopback, down to the words beside a status; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path.removeprefix("/api"), tuple(self.headers.items()), sent)
            status, words, headers, body = api.answer(request)
            if api.spot == "broken head" and b"weeks" in sent:
                self.wfile.write(f"HTTP/1.1 200 OK\r\nno header {api.spelt()}\r\n\r\n".encode())
                self.close_connection = True
                return
            self.send_response(status, words)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET  # noqa: N815  # the name is the library's

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}/api"
        http.shutdown()
        thread.join()


class Runs:
    """Runs against one API, and all that they left and printed."""

    def __init__(self, folder: Path, api: Api, base_url: str) -> None:
        self.folder, self.api = folder, api
        (folder / "tmp").mkdir()
        (folder / "elsewhere.py").write_text(ELSEWHERE)
        self.variables = {
            "TRACKLY_BASE_URL": base_url,
            "TRACKLY_API_KEY": KEY,
            "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
            "TRACKLY_STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": str(folder),
            "CASSETTES": str(folder / "cassettes"),
        }
        self.printed: list[str] = []

    def run(self, *arguments: str, **variables: str) -> int:
        folder = self.folder
        options = ["--trackly-target=live", "--trackly-effort=quick", "-p", "elsewhere", "-p", "no:cacheprovider"]
        options += [f"--trackly-report={folder / 'report'}", f"--junitxml={folder / 'junit.xml'}"]
        return self._done("-m", "pytest", *options, *arguments, **variables)

    def restore(self) -> int:
        return self._done("-m", "trackly_contract.cli", "restore")

    def _done(self, *arguments: str, **variables: str) -> int:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=environment(**{**self.variables, **variables}),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        self.printed += [done.stdout.decode(), done.stderr.decode()]
        return done.returncode

    @property
    def text(self) -> str:
        return "".join(self.printed)

    def leaks(self) -> list[str]:
        """Return what shows the key: files, at any time of a run, and standard output and error."""
        self.api.look_at_the_files()
        found = [str(path) for path, last in self.api.seen.items() if shows(last.decode("utf-8", "replace"))]
        return found + [line for text in self.printed if shows(text) for line in text.splitlines() if shows(line)]


@pytest.fixture
def runs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runs]:
    api = Api(tmp_path, request.param)
    with served(api) as base_url:
        yield Runs(tmp_path, api, base_url)


@pytest.mark.parametrize("runs", ["answers"], indirect=True)
def test_the_key_is_in_no_file_and_on_no_screen(runs: Runs) -> None:
    logged = ("--log-level=DEBUG", "--log-cli-level=DEBUG", f"--log-file={runs.folder / 'log.txt'}")
    assert runs.run("--trackly-record", "-v", "--showlocals", *logged) == 1, runs.text
    assert runs.restore() == 10, runs.text
    assert runs.leaks() == []
    seen = {path.relative_to(runs.folder).as_posix() for path in runs.api.seen}
    assert {name.partition(".")[2] for name in seen if name.startswith("state/")} >= {"journal.json", "lock"}
    cassettes = [name for name in seen if name.startswith("cassettes/live/") and name.endswith(".yaml")]
    assert len(cassettes) > 40
    told = {name: (runs.folder / name).read_text("utf-8") for name in (*WRITTEN, *cassettes)}
    assert [name for name in WRITTEN if "[key]" not in told[name]] == []
    assert sum("[key]" in told[name] for name in cassettes) > 30


@pytest.mark.parametrize("runs", ["broken head"], indirect=True)
def test_an_answer_that_is_no_answer_does_not_show_it(runs: Runs) -> None:
    assert runs.run("-v") in (1, 10), runs.text
    assert "no header [key]" in runs.text
    assert runs.leaks() == []


@pytest.mark.parametrize("runs", ["own content"], indirect=True)
def test_an_audience_that_holds_it_is_not_changed_and_not_written_down(runs: Runs) -> None:
    assert runs.run() == 10, runs.text
    assert "the audience's own content holds the key" in runs.text
    assert {request.method for request in runs.api.asked} == {"GET"}
    assert not [path for path in runs.api.seen if "journal" in path.name]
    assert runs.leaks() == []


@pytest.mark.parametrize("runs", ["answers"], indirect=True)
def test_a_bug_of_the_suite_does_not_show_it(runs: Runs) -> None:
    (runs.folder / "fails.py").write_text(
        "from trackly_contract.run import Session\n\n\n"
        "def confirm_unchanged(self):\n"
        "    answers = [exchange.response for exchange in self.exchanges]\n"
        "    print(answers)\n"
        "    raise LookupError(answers[-1].body)\n\n\n"
        "Session.confirm_unchanged = confirm_unchanged\n"
    )
    assert runs.run("-p", "fails", "--showlocals") == 3, runs.text
    assert "LookupError" in runs.text
    assert runs.leaks() == []


SETTINGS = {
    "id": {"TRACKLY_AUDIENCE_ID": f"{KEY}."},
    "id and key mixed up": {"TRACKLY_AUDIENCE_ID": f"{KEY}.", "TRACKLY_API_KEY": AUDIENCE_ID},
    "key as the id": {"TRACKLY_AUDIENCE_ID": KEY},
    "key with a line end": {"TRACKLY_API_KEY": f"{KEY}\n"},
    "URL": {"TRACKLY_BASE_URL": KEY},
    "path of the URL": {"TRACKLY_BASE_URL": f"https://app.tracklysms.com/{quote(KEY.upper())}/api"},
}


@pytest.mark.parametrize("wrong", SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_that_cannot_be_used_does_not_show_it(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    for name, value in {"TRACKLY_API_KEY": KEY, "TRACKLY_AUDIENCE_ID": AUDIENCE_ID, **wrong}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingError) as told:
        live_target()
    assert not shows(str(told.value))
