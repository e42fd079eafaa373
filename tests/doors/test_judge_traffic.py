"""`trackly-contract judge`: exit codes, standard input, broken files; as a process: progress, closed output."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from tests.core.test_redact import shows
from tests.support.processes import CHECKOUT, environment
from tests.support.programs import missing, program
from tests.support.recordings import CONVERSATION, TIME, asked, filtered, get, har, har_entry, line, lines, put
from trackly_contract.cli import main
from trackly_contract.core import Exchange, Response, encode
from trackly_contract.gate.http import running
from trackly_contract.judge import traffic as judging
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

CONFORMING = lines(line(exchange) for exchange in asked(*CONVERSATION))
WEEKS = lines(line(exchange) for exchange in asked(put(filtered({**TIME, "unit": "weeks"}))))


READ = line(asked(get())[0])
DRIFT = lines([{**READ, "response_body": READ["response_body"].replace("active", "zz")}])


def ran(*arguments: str, text: bytes = b"") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["judge", *arguments], input=text)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("text", "arguments", "code", "says"),
    [
        (CONFORMING, [], 0, "judged 6 of 6; 0 to other addresses"),
        (DRIFT, [], 1, "audience.status"),
        (DRIFT, ["--side", "client"], 0, "only faults of the client count"),
        (WEEKS, [], 1, "instead    one of days, hours, minutes"),
        (WEEKS, ["--allow", "filter.time.unit"], 0, "1 more that fails nothing"),
        (WEEKS, ["--allow", "zz"], 2, "--allow: no rule or question is called zz"),
        (b"", [], 10, "no exchange with the audiences API"),
        (CONFORMING + b"{zz\n", [], 10, "standard input line 7"),
        (DRIFT + b"{zz\n", [], 1, "standard input line 2"),
        (b"zz", [], 2, "standard input: neither a HAR file, nor a cassette, nor JSON lines"),
        (b"\x1f\x8bzz", [], 2, "gzip -dc FILE | trackly-contract judge -"),
        (har([]) + b"\xff" * 9, [], 10, "no exchange"),
    ],
)
def test_the_exit_code_says_what_was_found(text: bytes, arguments: list[str], code: int, says: str) -> None:
    ended, shown = ran("-", *arguments, text=text)
    assert ended == code, shown
    assert says in shown


def test_files_of_several_formats_are_judged_as_one(tmp_path: Path) -> None:
    whole = har(map(har_entry, asked(*CONVERSATION)))
    (tmp_path / "a.har").write_bytes(whole)
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbf" + CONFORMING)
    (tmp_path / "cut.har").write_bytes(whole[:-900])
    code, shown = ran(*(str(tmp_path / name) for name in ("a.har", "b.txt", "cut.har")))
    assert code == 10
    assert "judged 17 of 18; 0 to other addresses; 1 could not be judged" in shown
    assert "cut.har entry 6: the file is cut off here" in shown


def test_a_file_that_cannot_be_read_is_named_and_a_usage_error_if_there_is_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_bytes(CONFORMING)
    code, shown = ran(str(tmp_path / "a.har"), str(tmp_path / "gone.har"), str(tmp_path))
    assert (code, "gone.har: cannot be read (No such file or directory)" in shown) == (10, True)
    assert f"{tmp_path}: cannot be read (Is a directory)" in shown
    assert ran(str(tmp_path / "gone.har"))[0] == 2


def test_the_report_is_written_and_the_key_stands_nowhere(tmp_path: Path) -> None:
    code, shown = ran("-", "--report", str(tmp_path / "report"), text=WEEKS)
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "report").iterdir()}
    assert (code, sorted(written)) == (1, ["report.html", "report.json", "report.md"])
    assert not [text for text in (shown, *written.values()) if REFERENCE_KEY in text]
    report = json.loads(written["report.json"])
    assert (report["target"], report["base_url"], report["stamped"]) == ("traffic", "https://api.invalid/api", True)


SECRETS = {
    "X-Api-Key": "trk_{}",
    "Authorization": "Bearer {}",
    "X-Auth-Token": "{}",
    "Cookie": "lang=en; session={}",
    "Set-Cookie": "csrf={}; Path=/",
}
"""Headers of a recording that hold a secret."""


def secret_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:28]


def leaky() -> Iterator[Exchange]:
    """Yield exchanges whose bodies show every secret of their headers, as it is and encoded."""
    *sent, received = ((name, value.format(secret_of(name))) for name, value in SECRETS.items())
    headers, audience = (*sent, ("Content-Type", "application/json")), asked(get())[0].response.json.fields
    ways: list[Callable[[str], str]] = [
        str,
        lambda text: text.encode().hex(),
        lambda text: quote(f"{text[:14]}-{text[14:]}"),
    ]
    for echo in (way(secret_of(name)) for way in ways for name in SECRETS):
        bodies = [
            (400, encode({"error": echo, "code": echo})),
            (200, encode({**audience, "status": echo, "name": echo})),
            (503, echo.encode()),
        ]
        for request in (put({"name": echo}), put(filtered({**TIME, "unit": echo})), put({echo: 1})):
            for status, body in bodies:
                yield Exchange(replace(request, headers=headers), Response(status, (received,), body))


@pytest.mark.parametrize("written", [lambda: har(map(har_entry, leaky())), lambda: lines(map(line, leaky()))])
def test_no_secret_of_a_recording_shows(written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "traffic").write_bytes(written())
    code, shown = ran(str(tmp_path / "traffic"), "--report", str(tmp_path / "report"))
    assert code == 1
    texts = [shown, *(path.read_text("utf-8") for path in (tmp_path / "summary.md", *(tmp_path / "report").iterdir()))]
    assert [text for text in texts if "[key]" not in text.replace("&#91;", "[").replace("&#93;", "]")] == []
    assert [name for name in SECRETS for text in texts if shows(text, secret_of(name))] == []


def test_a_bug_of_ours_is_never_drift_and_shows_nothing_of_the_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: Any, **__: Any) -> None:
        raise KeyError("trk_secret")

    monkeypatch.setattr(judging, "judge_request", buggy)
    code, shown = ran("-", text=CONFORMING)
    assert (code, "KeyError in test_judge_traffic.py, line" in shown, "trk_secret" in shown) == (3, True, False)


def test_a_judgement_that_is_stopped_is_no_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "judge_request", stopped)
    assert ran("-", text=CONFORMING) == (2, "stopped\n")


def test_a_reader_that_goes_away_does_not_change_the_exit_code() -> None:
    gone, theirs = os.pipe()
    os.close(gone)
    try:
        run = [sys.executable, "-m", "trackly_contract.cli", "judge", "-"]
        done = subprocess.run(run, check=False, input=CONFORMING, stdout=theirs, cwd=CHECKOUT, env=environment())
        assert done.returncode == 0
    finally:
        os.close(theirs)


def test_a_har_that_chromium_records_is_judged(tmp_path: Path) -> None:
    browser_path = program("chromium", "chromium-browser", "google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = tmp_path / "page.har"
    ask = """async ([url, key]) => {
        const headers = {"X-Api-Key": key, "Content-Type": "application/json"};
        await (await fetch(url, {headers})).text();
        await (await fetch(url, {method: "PUT", headers, body: JSON.stringify({name: "Zoë"})})).text();
        await (await fetch(url, {headers})).text();
    }"""
    with running(ReferenceServer()) as base_url, sync_playwright() as playwright:
        url = f"{base_url}{get().path}"
        with playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"]) as browser:
            context = browser.new_context(record_har_path=str(path), record_har_content="embed")
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.goto(url)
            page.evaluate(ask, [url, REFERENCE_KEY])
            context.close()
    code, shown = ran(str(path), "--side", "api", "--report", str(tmp_path))
    assert (code, "judged 4 of " in shown) == (0, True), shown
    rules = {rule["id"]: rule["verdict"] for rule in json.loads((tmp_path / "report.json").read_text())["rules"]}
    assert {rules[rule] for rule in ("read.success", "update.name", "update.stored")} == {"held"}
