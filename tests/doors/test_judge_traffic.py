"""Facts about `trackly-contract judge` as a process: exit codes, standard input, broken files, silence."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import CHECKOUT, environment
from tests.support.programs import missing, program
from tests.support.recordings import CONVERSATION, TIME, asked, filtered, get, har, har_entry, line, lines, put
from trackly_contract.gate.http import running
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from pathlib import Path

RUN = [sys.executable, "-m", "trackly_contract.cli", "judge"]
SECONDS = 60
CONFORMING = lines(line(exchange) for exchange in asked(*CONVERSATION))
WEEKS = lines(line(exchange) for exchange in asked(put(filtered({**TIME, "unit": "weeks"}))))


class Broken(ReferenceServer):
    """A server whose audiences have a status that no page has."""

    def answer(self, request: Any) -> Any:
        response = super().answer(request)
        object.__setattr__(response, "body", response.body.replace(b'"active"', b'"zz"'))
        return response


DRIFT = lines(line(exchange) for exchange in asked(get(), server=Broken()))


def ran(*arguments: str, text: bytes = b"") -> tuple[int, str]:
    done = subprocess.run(
        [*RUN, *arguments],
        input=text,
        capture_output=True,
        timeout=SECONDS,
        cwd=CHECKOUT,
        env=environment(),
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize(
    ("text", "arguments", "code", "says"),
    [
        (CONFORMING, [], 0, "judged 6 of 6; 0 to other addresses"),
        (DRIFT, [], 1, "audience.status"),
        (DRIFT, ["--side", "client"], 0, "only faults of the client count"),
        (WEEKS, [], 1, "instead    one of days, hours, minutes"),
        (WEEKS, ["--side", "api"], 0, "only faults of the api count"),
        (WEEKS, ["--allow", "filter.time.unit"], 0, "1 more that fails nothing"),
        (WEEKS, ["--allow", "zz"], 2, "--allow: no rule or question is called zz"),
        (b"", [], 10, "no exchange with the audiences API"),
        (b'{"log": {"entries": []}}', [], 10, "no exchange with the audiences API"),
        (CONFORMING + b"{zz\n", [], 10, "standard input line 7"),
        (DRIFT + b"{zz\n", [], 1, "standard input line 2"),
        (b"zz", [], 2, "standard input: neither a HAR file, nor a cassette, nor JSON lines"),
        (b"\x1f\x8bzz", [], 2, "gzip -dc FILE | trackly-contract judge -"),
        (har([]) + b"\xff" * 9, [], 10, "no exchange"),
        (b"{" * 500_000, [], 10, "arrays and objects nest deeper than 300"),
    ],
)
def test_the_exit_code_says_what_was_found(text: bytes, arguments: list[str], code: int, says: str) -> None:
    ended, shown = ran("-", *arguments, text=text)
    assert (ended, "Traceback" in shown) == (code, False), shown
    assert says in shown


def test_files_of_several_formats_are_judged_as_one(tmp_path: Path) -> None:
    whole = har(map(har_entry, asked(*CONVERSATION)))
    (tmp_path / "a.har").write_bytes(whole)
    (tmp_path / "b.txt").write_bytes(CONFORMING)
    (tmp_path / "cut.har").write_bytes(whole[:-900])
    code, shown = ran(*(str(tmp_path / name) for name in ("a.har", "b.txt", "cut.har")))
    assert code == 10
    assert "judged 17 of 18; 0 to other addresses; 1 could not be judged" in shown
    assert "cut.har entry 6: the file is cut off here" in shown


def test_a_file_that_is_not_there_is_named_and_the_others_are_judged(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_bytes(CONFORMING)
    code, shown = ran(str(tmp_path / "a.har"), str(tmp_path / "gone.har"), str(tmp_path))
    assert code == 10
    assert "gone.har: cannot be read (No such file or directory)" in shown
    assert "a folder; name the files in it" in shown


def test_where_no_file_can_be_read_that_is_a_mistake_of_the_call(tmp_path: Path) -> None:
    assert ran(str(tmp_path / "gone.har"))[0] == 2


def test_the_report_is_written_and_the_key_stands_nowhere(tmp_path: Path) -> None:
    code, shown = ran("-", "--report", str(tmp_path / "report"), text=WEEKS)
    written = [path.read_text("utf-8") for path in (tmp_path / "report").iterdir()]
    assert (code, len(written)) == (1, 3)
    assert not [text for text in (shown, *written) if REFERENCE_KEY in text]
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert (report["target"], report["base_url"], report["stamped"]) == ("traffic", "https://api.invalid/api", True)


def test_nothing_is_said_on_standard_error_where_nobody_sits() -> None:
    done = subprocess.run(
        [*RUN, "-"],
        input=CONFORMING,
        capture_output=True,
        timeout=SECONDS,
        cwd=CHECKOUT,
        env=environment(),
        check=False,
    )
    assert done.stderr == b""


def test_progress_is_told_where_somebody_sits() -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [*RUN, "-"],
            input=CONFORMING * 150,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            timeout=SECONDS,
            cwd=CHECKOUT,
            env=environment(),
            check=False,
        )
        assert done.returncode == 0
        os.set_blocking(ours, False)
        assert b"standard input: " in os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_reader_that_goes_away_does_not_change_the_exit_code() -> None:
    with subprocess.Popen(
        [*RUN, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, env=environment()
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        run.stdout = None
        run.communicate(CONFORMING, timeout=SECONDS)
    assert run.returncode == 0


def test_a_bug_of_ours_is_never_drift(tmp_path: Path) -> None:
    program = tmp_path / "buggy.py"
    program.write_text(
        "import sys\n"
        "from trackly_contract.judge import traffic as traffic_judge\n"
        "def judge_request(*_, **__):\n"
        "    raise KeyError('trk_secret')\n"
        "traffic_judge.judge_request = judge_request\n"
        "from trackly_contract.cli import main\n"
        "main(['judge', '-'])\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        input=CONFORMING,
        capture_output=True,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    assert done.returncode == 3
    assert b"KeyError in buggy.py, line 4" in done.stdout
    assert b"trk_secret" not in done.stdout + done.stderr


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
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        try:
            context = browser.new_context(record_har_path=str(path), record_har_content="embed")
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.goto(url)
            page.evaluate(ask, [url, REFERENCE_KEY])
            context.close()
        finally:
            browser.close()
    code, shown = ran(str(path), "--side", "api")
    assert code == 0, shown
    assert "judged 4 of " in shown
    report = tmp_path / "report"
    ran(str(path), "--side", "api", "--report", str(report))
    rules = {rule["id"]: rule["verdict"] for rule in json.loads((report / "report.json").read_text())["rules"]}
    assert {rules[rule] for rule in ("read.success", "update.name", "update.stored")} == {"held"}
