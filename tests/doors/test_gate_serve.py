"""`trackly-contract serve`: for a command, and until Ctrl-C; what is said, and the exit code."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass

import pytest

from tests.support.processes import environment

READ = """
import os, urllib.request
url = os.environ["TRACKLY_BASE_URL"] + "/v2/audiences/" + os.environ["TRACKLY_AUDIENCE_ID"]
def send(method, body=None, **headers):
    headers = {"X-Api-Key": os.environ["TRACKLY_API_KEY"], **headers}
    urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=20).read()
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def serve(*arguments: str) -> Ran:
    ran = subprocess.run(
        [sys.executable, "-m", "trackly_contract.cli", "serve", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def python(script: str, *options: str) -> Ran:
    return serve(*options, sys.executable, "-c", READ + script)


def test_a_command_that_sends_no_fault_passes() -> None:
    ran = python("send('GET'); print('done')")
    assert (ran.code, ran.out) == (0, "done\n")
    assert "trackly gate   1 request, no faults" in ran.err
    assert "answers met    1 of 72 (1.4 %)" in ran.err


def test_a_fault_fails_a_command_that_ended_well() -> None:
    ran = python("send('PUT', b'{\"name\": \"x\"}')")
    assert ran.code == 1
    assert ran.err.splitlines()[1].split() == ["content-type", "undocumented"]
    assert "  instead    application/json" in ran.err.splitlines()


def test_a_fault_that_is_meant_passes() -> None:
    assert python("send('PUT', b'{\"name\": \"x\"}')", "--meant", "content-type").code == 0


def test_the_exit_code_of_the_command_comes_first() -> None:
    assert python("send('PUT', b'{}'); raise SystemExit(7)").code == 7


def test_a_command_that_sends_nothing_fails() -> None:
    ran = serve(sys.executable, "-c", "pass")
    assert ran.code == 1
    assert "FAILED no request came: give the client TRACKLY_BASE_URL as its base URL" in ran.err


def test_options_after_the_command_are_the_commands_own() -> None:
    assert serve(sys.executable, "-c", READ + "import sys; send('GET'); print(sys.argv[1:])", "--port", "x").out == (
        "['--port', 'x']\n"
    )


def test_a_mistyped_option_is_no_command() -> None:
    ran = serve("--prot", "8377")
    assert ran.code == 2
    assert "No such option" in ran.err
    assert "--port" in ran.err


def test_too_little_coverage_fails() -> None:
    ran = python("send('GET')", "--fail-under", "answers:50")
    assert ran.code == 1
    assert "FAILED answers: 1.4 % is below the 50 % that is required" in ran.err


def test_a_command_that_is_not_there_is_told() -> None:
    ran = serve("no-such-program")
    assert ran.code == 1
    assert "'no-such-program' cannot be started" in ran.err


def test_a_proxy_of_the_environment_does_not_stand_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    ran = python("send('GET'); print(os.environ['no_proxy'])")
    assert (ran.code, ran.out) == (0, "example.org,127.0.0.1\n")


def test_a_command_reaches_the_control_interface() -> None:
    ran = python("print(urllib.request.urlopen(os.environ['TRACKLY_CONTROL_URL']).status); send('GET')")
    assert (ran.code, ran.out) == (0, "200\n")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = serve("--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "choose another with --port" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a POSIX signal here")
def test_without_a_command_it_serves_until_ctrl_c_and_says_how_much_came() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trackly_contract.cli", "serve", "--port", "0"],
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[3]
        exports = [process.stdout.readline().strip() for _ in range(4)]
        assert exports[0] == f"export TRACKLY_BASE_URL={base_url}"
        assert exports[3] == f"export TRACKLY_CONTROL_URL={base_url.removesuffix('/api')}/control"
        with urllib.request.urlopen(base_url.removesuffix("/api") + "/control", timeout=20) as answer:  # noqa: S310
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    finally:
        process.kill()
        process.wait()


CONTROL = """
def reset():
    url = os.environ["TRACKLY_CONTROL_URL"] + "/reset"
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=20).read()
"""


def test_what_was_at_fault_before_a_reset_still_fails_the_command() -> None:
    ran = python(CONTROL + "send('PUT', b'{\"name\": \"x\"}'); reset(); send('GET')")
    assert ran.code == 1
    assert "trackly gate   2 requests, 1 fault" in ran.err


def test_a_command_whose_last_word_is_a_reset_has_sent_something() -> None:
    assert python(CONTROL + "send('GET'); reset()").code == 0


def test_a_name_that_no_fault_can_have_is_an_error_before_anything_runs() -> None:
    ran = python("print('ran')", "--meant", "filter.time.units")
    assert (ran.code, ran.out) == (2, "")
    assert "--meant: no rule or question is called filter.time.units" in ran.err


def test_a_fault_comes_with_how_to_let_it_pass() -> None:
    ran = python("send('PUT', b'{\"name\": \"x\"}')")
    assert "Meant? Then say so: --meant content-type\n" in ran.err
