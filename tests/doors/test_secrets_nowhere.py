"""No piece of the key is in anything that a run leaves or prints, wherever and however the answers spell it."""

import base64
import html
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.core.test_redact import joined, pieces_of_base64, pieces_of_hex, unescaped
from tests.support.processes import COMMAND, PYTEST, finished
from tests.support.way import Strike, Way, Wire, framed, way
from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, Store
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
    lambda key: key[4:],
    lambda key: f"*{key[1:]}",
    lambda key: f"{key[:16]}...{key[-14:]}",
    lambda key: "-".join(key[at : at + 4] for at in range(0, len(key), 4)),
    lambda key: key.encode().hex(),
    lambda key: key.encode().hex(":").upper(),
    lambda key: repr(key.encode("utf-16-le")),
    lambda key: f"{'x' * 70}{key}{'x' * 500}",
]


WRITTEN = ("report/report.json", "report/report.md", "report/report.html", "junit.xml", "log.txt")
"""Files in which answers are told, beside the cassettes; from each of them the key has to be taken out."""


PIECES = [joined(KEY)[at : at + 12] for at in range(len(joined(KEY)) - 11)]


def decodings(text: str) -> Iterator[str]:
    """Yield a text, and what the decoders make of it one after the other, three times."""
    yield text
    yield from pieces_of_base64(text)
    yield from pieces_of_hex(text)
    for _ in range(3):
        for decode in (unescaped, html.unescape, unquote):
            text = decode(text)
            yield text


def shows(text: str) -> bool:
    return any(piece in one for one in map(joined, decodings(text)) for piece in PIECES)


class Api:
    """Stands for a live API that plants the key in its answers, each time spelt another way.

    In the content of the audience only once the suite sends refused updates: a run that sees it before changes nothing.
    """

    def __init__(self, folder: Path, spot: str) -> None:
        self.folder, self.spot = folder, spot
        self.turn = count()
        self.seen: dict[Path, bytes] = {}

    def spelt(self) -> str:
        return SPELLINGS[next(self.turn) % len(SPELLINGS)](KEY)

    def strike(self, _way: Way) -> Strike:
        self.look_at_the_files()
        return self.answer

    def answer(self, wire: Wire) -> None:
        """Answer down to the words beside a status."""
        honest = wire.answer()
        if self.spot == "broken head" and b"weeks" in wire.request.body:
            wire.send(f"HTTP/1.1 200 OK\r\nno header {self.spelt()}\r\n\r\n".encode())
            wire.end()
        elif self.spot == "own content":
            body = json.loads(honest.body) | {"description": f"use {self.spelt()}"}
            wire.send(framed(Response(honest.status, honest.headers, json.dumps(body).encode())))
        elif self.spot == "answers":
            wire.send(framed(self.planted(wire.way.asked, honest), words=self.spelt()))
        else:
            wire.send(framed(honest))

    def planted(self, asked: list[Request], honest: Response) -> Response:
        """Return a response that has the key wherever it can have it."""
        typed = f"text/plain; a={self.spelt()}"
        headers = (("X-Echo", self.spelt()), ("Allow", self.spelt()), ("Retry-After", "0"), ("Content-Type", typed))
        if b"weeks" in asked[-1].body:
            return Response(302, (*headers, ("Location", f"/?key={self.spelt()}")), self.page())
        if b"XOR" in asked[-1].body:
            return Response(400, headers, self.page())
        body: Any = json.loads(honest.body)
        if honest.status >= 400:
            body |= {"error": f"not with {self.spelt()}", "code": self.spelt(), self.spelt(): [self.spelt()]}
        else:
            body |= {self.spelt(): {self.spelt(): self.spelt()}}
        if "filter" in body and any(b"weeks" in request.body for request in asked):
            body |= {"name": self.spelt(), "description": f"{self.spelt()} {'y' * 600} {self.spelt()}"}
            body |= {"cached_size": self.spelt(), "source_lists": [self.spelt()]}
            body["filter"]["groups"] = [{"operator": self.spelt(), "conditions": [{"value": [self.spelt()]}]}]
        text = json.dumps(body)
        if next(self.turn) % 2:  # each character of the key is escaped by JSON itself
            text = text.replace(KEY, "".join(f"\\u{ord(char):04x}" for char in KEY))
        return Response(honest.status, headers, text.encode())

    def page(self) -> bytes:
        spelt = self.spelt()
        page = f"<h1>{spelt}</h1><a href='/?{quote(spelt)}'>{html.escape(spelt)}</a>\xff"
        return page.encode(("latin-1", "utf-16", "utf-32-be")[next(self.turn) % 3])

    def look_at_the_files(self) -> None:
        """Keep what every file holds that a run has now: some are gone at its end."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.seen[path] = path.read_bytes()


class Runs:
    """Runs against one API, and all that they left and printed."""

    def __init__(self, folder: Path, api: Api, over: Way) -> None:
        self.folder, self.api, self.over = folder, api, over
        (folder / "tmp").mkdir()
        self.variables = {
            **over.variables,
            "TRACKLY_API_KEY": KEY,
            "TRACKLY_STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": str(folder),
            "CASSETTES": str(folder / "cassettes"),
        }
        self.printed: list[str] = []

    def run(self, *arguments: str) -> int:
        options = ["--trackly-target=live", "--trackly-effort=quick", "-p", "tests.doors.elsewhere"]
        options += [f"--trackly-report={self.folder / 'report'}", f"--junitxml={self.folder / 'junit.xml'}"]
        return self.done(*PYTEST, *options, *arguments)

    def done(self, *command: str) -> int:
        done = finished(*command, **self.variables)
        self.printed += [done.stdout, done.stderr]
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
    store = Store()
    store.keys = {KEY}
    api = Api(tmp_path, request.param)
    with way(ReferenceServer(store)) as over:
        over.strike = api.strike
        yield Runs(tmp_path, api, over)


@pytest.mark.parametrize("runs", ["answers"], indirect=True)
def test_the_key_is_in_no_file_and_on_no_screen(runs: Runs) -> None:
    logged = ("--log-level=DEBUG", "--log-cli-level=DEBUG", f"--log-file={runs.folder / 'log.txt'}")
    assert runs.run("--trackly-record", "-v", "--showlocals", *logged) == 1, runs.text
    assert runs.done(*COMMAND, "restore") == 10, runs.text
    assert runs.leaks() == []
    seen = {path.relative_to(runs.folder).as_posix() for path in runs.api.seen}
    assert {name.partition(".")[2] for name in seen if name.startswith("state/")} >= {"journal.jsonl", "lock"}
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
    assert {request.method for request in runs.over.asked} == {"GET"}
    assert not [path for path in runs.api.seen if "journal" in path.name]
    assert runs.leaks() == []


@pytest.mark.parametrize("runs", ["answers"], indirect=True)
def test_a_bug_of_the_suite_does_not_show_it(runs: Runs) -> None:
    (runs.folder / "fails.py").write_text(
        "from trackly_contract.run import Session\n\n\n"
        "def require_nothing_unreported(self):\n"
        "    answers = [exchange.response for exchange in self.exchanges]\n"
        "    print(answers)\n"
        "    raise LookupError(answers[-1].body)\n\n\n"
        "Session.require_nothing_unreported = require_nothing_unreported\n"
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
    "folder of the state": {"TRACKLY_STATE_DIR": f"state/{KEY}"},
    "path of the URL": {"TRACKLY_BASE_URL": f"https://app.tracklysms.com/{quote(KEY.upper())}/api"},
}


@pytest.mark.parametrize("wrong", SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_that_cannot_be_used_does_not_show_it(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    for name, value in {"TRACKLY_API_KEY": KEY, "TRACKLY_AUDIENCE_ID": AUDIENCE_ID, **wrong}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingError) as told:
        live_target()
    assert not shows(str(told.value))
