"""Facts about requests as programs: each is run against the reference server, and sends what was sent."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.programs import program
from trackly_contract.core import Request, encode, parse, same
from trackly_contract.gate.http import running
from trackly_contract.generate.cases import UNKNOWN_ID, WRONG_KEY
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report.snippets import snippets
from trackly_contract.report.view import View
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trackly_contract.core import Exchange, Response

LANGUAGES = ("curl", "Python", "JavaScript")
PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = ("X-Api-Key", REFERENCE_KEY)
TEXTS = [
    'it\'s "quoted" \\ and \\\\ back',
    "`tick` ${process.env.HOME} $HOME $(id) !! %s {0}",
    "'''triple''' \"\"\"both\"\"\" r'''",
    "line\nbreak\ttab\r\x00\x1b[2J\x85\u2028\u202e",
    "\U0001f4f1 é \ud83d",
    "</pre><script>alert(1)</script>&amp;",
    "\\u0027 \\",
]


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
    found = [{s.language: s.text for s in snippets(request, AUDIENCE_ID)} for request in requests]
    return [programs[language] for programs in found]


RUNNERS = {
    "curl": ("sh", 'for f in "$@"; do sh "$f" || exit 1; echo; done', ".sh"),
    "Python": (sys.executable, "import runpy, sys\nfor f in sys.argv[1:]: runpy.run_path(f)", ".py"),
    "JavaScript": ("node", "for (const f of process.argv.slice(2)) await import(f);", ".mjs"),
}


def ran(language: str, texts: Sequence[str], folder: Path) -> tuple[list[tuple[Request, Response]], str]:
    """Run programs of one language on a fresh reference server; return what it saw, and what they printed."""
    command, loop, suffix = RUNNERS[language]
    if language != "Python":
        program("node" if language == "JavaScript" else "curl")
    files = []
    for number, text in enumerate(texts):
        (folder / f"{number}{suffix}").write_text(text, "utf-8")
        files.append(str(folder / f"{number}{suffix}"))
    runner = folder / f"all{suffix}"
    runner.write_text(loop, "utf-8")
    server = Watched()
    with running(server) as base_url:
        variables = {
            "TRACKLY_BASE_URL": base_url,
            "TRACKLY_API_KEY": REFERENCE_KEY,
            "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
        }
        done = subprocess.run(
            [command, str(runner), *files],
            env={**os.environ, **variables, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
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
def told() -> list[Exchange]:
    """The exchanges that a report tells a rule with, none twice."""
    target = embedded_target(ReferenceServer().answer, AUDIENCE_ID, REFERENCE_KEY)
    _, report = run_suite(target, "quick", ["-q"])
    assert report is not None
    view = View(report)
    numbers = {example.shown.number for rule in view.rules if (example := view.example(rule)) is not None}
    return [exchange for exchange in report.session.exchanges if exchange.number in numbers]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_program_of_a_report_gets_the_answer_that_the_report_shows(
    told: list[Exchange], language: str, tmp_path: Path
) -> None:
    assert len(told) > 30
    seen, output = ran(language, texts_of(language, [exchange.request for exchange in told]), tmp_path)
    assert [response.status for _, response in seen] == [exchange.response.status for exchange in told]
    for (request, response), exchange in zip(seen, told, strict=True):
        assert alike(request, exchange.request), exchange.number
        assert str(response.status) in output
        assert response.body.decode() in output


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_arrives_as_it_was_whatever_it_holds(language: str, tmp_path: Path) -> None:
    bodies: list[Any] = [{"description": text} for text in TEXTS]
    bodies += [{text: [text] * 20} for text in TEXTS]
    bodies += [{"a": [1, 1.0, -0.0, 1e300, True, None, 2**70], "b" * 90: {"__proto__": {"x": 1}}}]
    headers = (KEY, ("Content-Type", "application/json"))
    requests = [Request("PUT", PATH, headers, encode(body)) for body in bodies]
    seen, _ = ran(language, texts_of(language, requests), tmp_path)
    assert [alike(request, sent) for (request, _), sent in zip(seen, requests, strict=True)] == [True] * len(bodies)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("headers", "key"),
    [((), None), ((("X-Api-Key", ""),), ""), ((("X-Api-Key", WRONG_KEY),), WRONG_KEY), ((KEY,), REFERENCE_KEY)],
)
def test_a_missing_an_empty_and_a_wrong_key_are_sent_as_such(
    language: str, headers: tuple[tuple[str, str], ...], key: str | None, tmp_path: Path
) -> None:
    seen, _ = ran(language, texts_of(language, [Request("GET", PATH, headers)]), tmp_path)
    assert [request.header("X-Api-Key") for request, _ in seen] == [key]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_key_and_the_audience_of_the_run_stand_in_no_program(told: list[Exchange], language: str) -> None:
    texts = texts_of(language, [exchange.request for exchange in told])
    assert not [text for text in texts if REFERENCE_KEY in text or AUDIENCE_ID in text]
    with_key = [text for text in texts if "TRACKLY_API_KEY" in text]
    assert len(with_key) >= len(texts) - 6  # without a key, an empty one, a wrong one: of GET and of PUT


def test_another_id_is_written_out() -> None:
    for text in (s.text for s in snippets(Request("GET", f"/v2/audiences/{UNKNOWN_ID}", (KEY,)), AUDIENCE_ID)):
        assert UNKNOWN_ID in text
        assert "TRACKLY_AUDIENCE_ID" not in text


@pytest.mark.parametrize(
    "path", ["/v2/audiences/a$(id)b", "/v2/audiences/a/b", "/v1/x", '/v2/audiences/"', "/v2/audiences/"]
)
def test_a_path_that_the_suite_does_not_ask_becomes_no_program(path: str) -> None:
    assert snippets(Request("GET", path, (KEY,)), AUDIENCE_ID) == ()


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"' + b"x" * 30_000 + b'"'])
def test_a_body_that_would_not_be_the_same_becomes_no_program(body: bytes) -> None:
    assert snippets(Request("PUT", PATH, (KEY,), body), AUDIENCE_ID) == ()


def test_programs_are_printable_ascii(told: list[Exchange]) -> None:
    requests = [e.request for e in told] + [Request("PUT", PATH, (KEY,), encode({text: text})) for text in TEXTS]
    for language in LANGUAGES:
        for text in texts_of(language, requests):
            assert text.isascii()
            assert text.replace("\n", "").isprintable()
