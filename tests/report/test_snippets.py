"""Requests as programs: each is run against the reference server, and sends what was sent."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import program
from tests.support.reports import Ran
from trackly_contract.core import Exchange, Request, Response, encode, parse, same
from trackly_contract.gate.http import running
from trackly_contract.generate.cases import UNKNOWN_ID, WRONG_KEY
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report.snippets import snippets
from trackly_contract.report.view import View

PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY, JSON = ("X-Api-Key", REFERENCE_KEY), ("Content-Type", "application/json")
TEXTS = [
    'it\'s "quoted" \\ and \\\\ back',
    "`tick` ${process.env.HOME} $HOME $(id) !! %s {0}",
    "'''triple''' \"\"\"both\"\"\" r'''",
    "line\nbreak\ttab\r\x00\x1b[2J\x85\u2028\u202e",
    "\U0001f4f1 é \ud83d",
    "</pre><script>alert(1)</script>&amp;",
    "\\u0027 \\",
]
BODIES: list[Any] = [
    *({"description": text} for text in TEXTS),
    *({text: [text] * 20} for text in TEXTS),
    {"a": [1, 1.0, -0.0, 1e300, True, None, 2**70], "b" * 90: {"__proto__": {"x": 1}}},
]
ODD = [Request("PUT", PATH, (KEY, JSON), encode(body)) for body in BODIES]
NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
KEYS = [None, "", WRONG_KEY, REFERENCE_KEY]
KEYED = [Request("GET", PATH, () if key is None else (("X-Api-Key", key),)) for key in KEYS]
RUNNERS = {
    "curl": ("sh", 'for f in "$@"; do sh "$f" || exit 1; echo; done', ".sh"),
    "Python": (sys.executable, "import runpy, sys\nfor f in sys.argv[1:]: runpy.run_path(f)", ".py"),
    "JavaScript": ("node", "for (const f of process.argv.slice(2)) await import(f);", ".mjs"),
}


class Watched(ReferenceServer):
    """Keeps what it was sent and what it answered."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Request, Response]] = []

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        self.seen.append((request, response))
        return response


def texts_of(language: str, requests: Sequence[Request]) -> list[str]:
    return [snippets(request, AUDIENCE_ID)[language] for request in requests]


def ran(language: str, requests: Sequence[Request], folder: Path) -> tuple[list[tuple[Request, Response]], str]:
    """Run the programs of requests on a fresh reference server; return what it saw, and what they printed."""
    command, loop, suffix = RUNNERS[language]
    if language != "Python":
        program("node" if language == "JavaScript" else "curl")
    files = [folder / f"{number}{suffix}" for number in range(len(requests))]
    runner = folder / f"all{suffix}"
    for file, text in zip([*files, runner], [*texts_of(language, requests), loop], strict=True):
        file.write_text(text, "utf-8")
    server = Watched()
    with running(server) as base_url:
        variables = {"TRACKLY_API_KEY": REFERENCE_KEY, "TRACKLY_AUDIENCE_ID": AUDIENCE_ID}
        done = subprocess.run(
            [command, runner, *files],
            env={**os.environ, **variables, "TRACKLY_BASE_URL": base_url, **NO_PROXY},
            capture_output=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return server.seen, done.stdout.decode("utf-8", "replace")


def alike(one: Request, other: Request) -> bool:
    body, other_body = (parse(request.body) if request.body else None for request in (one, other))
    return (
        (one.method, one.path, one.header("X-Api-Key")) == (other.method, other.path, other.header("X-Api-Key"))
        and same(body, other_body)
        and (not one.body or one.header("Content-Type") == other.header("Content-Type") == "application/json")
    )


@pytest.fixture(scope="module")
def shown(conforming: Ran) -> list[Exchange]:
    """The exchanges that a report shows a rule with, none twice."""
    view = View(conforming.report)
    numbers = {example.number for result in view.report.results if (example := view.example(result)) is not None}
    return [exchange for exchange in view.session.exchanges if exchange.number in numbers]


@pytest.mark.parametrize("language", RUNNERS)
def test_every_program_gets_the_response_of_the_report(shown: list[Exchange], language: str, tmp_path: Path) -> None:
    assert len(shown) > 30
    seen, output = ran(language, [exchange.request for exchange in shown], tmp_path)
    assert [response.status for _, response in seen] == [exchange.response.status for exchange in shown]
    for (request, response), exchange in zip(seen, shown, strict=True):
        assert alike(request, exchange.request), exchange.number
        assert str(response.status) in output
        assert response.body.decode() in output


@pytest.mark.parametrize("language", RUNNERS)
def test_a_body_arrives_whatever_it_holds_and_a_key_as_it_was_sent(language: str, tmp_path: Path) -> None:
    seen, _ = ran(language, [*ODD, *KEYED], tmp_path)
    assert [alike(request, sent) for (request, _), sent in zip(seen, [*ODD, *KEYED], strict=True)] == [True] * len(seen)


@pytest.mark.parametrize("language", RUNNERS)
def test_a_program_is_printable_ascii_without_key_and_audience_of_the_run(shown: list[Exchange], language: str) -> None:
    texts = texts_of(language, [exchange.request for exchange in shown])
    assert not [text for text in texts if REFERENCE_KEY in text or AUDIENCE_ID in text]
    with_key = [text for text in texts if "TRACKLY_API_KEY" in text]
    assert len(with_key) >= len(texts) - 6  # without a key, an empty one, a wrong one: of GET and of PUT
    for text in [*texts, *texts_of(language, ODD)]:
        assert text.isascii()
        assert text.replace("\n", "").isprintable()


def test_another_id_is_written_out() -> None:
    for text in snippets(Request("GET", f"/v2/audiences/{UNKNOWN_ID}", (KEY,)), AUDIENCE_ID).values():
        assert UNKNOWN_ID in text
        assert "TRACKLY_AUDIENCE_ID" not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((path, b"") for path in ("a$(id)b", "a/b", '"', "", f"{AUDIENCE_ID}/", "../../v1/x")),
        *((AUDIENCE_ID, body) for body in (b"{", b"\xff", b'"' + b"x" * 30_000 + b'"')),
    ],
)
def test_a_request_that_the_suite_does_not_make_becomes_no_program(path: str, body: bytes) -> None:
    assert snippets(Request("PUT", f"/v2/audiences/{path}", (KEY,), body), AUDIENCE_ID) == {}
