"""`trackly-contract serve`: for a command, and until Ctrl-C; what is reported, and the exit code."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.support.processes import COMMAND, environment, finished
from trackly_contract.gate import possible_responses

SERVE = (*COMMAND, "serve")
RESPONSES = len(possible_responses())
CLIENT = """
import os, sys, urllib.request
url = os.environ["TRACKLY_BASE_URL"] + "/v2/audiences/" + os.environ["TRACKLY_AUDIENCE_ID"]
def send(method, body=None, url=url, **more):
    headers = {"X-Api-Key": os.environ["TRACKLY_API_KEY"], **more}
    urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=20).read()
def reset():
    send("POST", url=os.environ["TRACKLY_CONTROL_URL"] + "/reset")
"""
NO_TYPE = """send('PUT', b'{"name": "x"}')"""
"""An update without its content type: a violation, and accepted."""


def python(script: str, *options: str, then: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return finished(*SERVE, *options, sys.executable, "-c", CLIENT + script, *then)


def test_a_command_without_violations_passes_and_has_its_own_options() -> None:
    ran = python("reset(); send('GET'); print(sys.argv[1:])", then=("--port", "x"))
    assert (ran.returncode, ran.stdout) == (0, "['--port', 'x']\n")
    gate, responses, requests = [line for line in ran.stderr.splitlines() if "missing" not in line][1:]
    assert gate == "trackly gate        1 request, no violations"
    assert responses == f"responses received  1 of {RESPONSES} ({100 / RESPONSES:.1f} %)"
    assert requests.startswith("requests sent       1 of ")


def test_a_violation_fails_a_command_that_ended_well_also_before_a_reset() -> None:
    ran = python(f"{NO_TYPE}; reset(); send('GET')")
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    assert lines[1].split() == ["content-type", "undocumented"]
    assert "  instead    application/json" in lines
    assert "If this is intended, allow it: --allow content-type" in lines
    assert "trackly gate        2 requests, 1 violation" in lines


LITTLE = f"FAILED responses: {100 / RESPONSES:.1f} % is below the required 50 %"
UNKNOWN = "--allow: no rule or question is called filter.time.units"


@pytest.mark.parametrize(
    ("script", "options", "code", "said"),
    [
        (NO_TYPE, ["--allow", "content-type"], 0, "1 request, no violations"),
        ("send('GET'); reset()", [], 0, "1 request, no violations"),
        ("send('PUT', b'{}'); sys.exit(7)", [], 7, "1 violation"),
        ("", [], 1, "FAILED no request arrived: give the client TRACKLY_BASE_URL as its base URL"),
        ("send('GET')", ["--fail-under", "responses:50"], 1, LITTLE),
        ("print('ran')", ["--allow", "filter.time.units"], 2, UNKNOWN),
        ("print('ran')", ["--allow-host", "http://gate:8377"], 2, "must be a name alone, without http:// and port"),
        (
            "send('GET', Host='gate:1')",
            ["--allow-host", "other", "--allow-host", "Gate"],
            0,
            "1 request, no violations",
        ),
    ],
)
def test_the_exit_code_and_what_is_reported(script: str, options: list[str], code: int, said: str) -> None:
    ran = python(script, *options)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert said in ran.stderr


PREFLIGHT = """send("OPTIONS", Origin="http://localhost:3000", **{"Access-Control-Request-Method": "PUT"})"""


def test_what_was_not_judged_is_reported_also_before_a_reset() -> None:
    ran = python(
        f"""
for question in ('send("GET", Host="evil.example")', 'reset()', {PREFLIGHT!r}, {PREFLIGHT!r}):
    try: eval(question)
    except urllib.error.HTTPError as error: print(error.code)
"""
    )
    assert (ran.returncode, ran.stdout.split()) == (1, ["403", "405", "405"])
    assert [line for line in ran.stderr.splitlines() if line.startswith("not judged ")] == [
        "not judged          1 x Host is not this machine (403): docs/gate.md, Web pages and other hosts",
        "not judged          2 x a browser sent a preflight (405): the documentation says nothing of CORS",
    ]
    assert "FAILED no request arrived" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--prot", "8377"], 2, "No such option"),
        (["no-such-program"], 4, "'no-such-program' cannot be started"),
        (["--port", "TAKEN"], 4, "choose another with --port"),
    ],
)
def test_what_cannot_be_served_is_an_error(arguments: list[str], code: int, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = finished(*SERVE, *(argument.replace("TAKEN", str(taken.getsockname()[1])) for argument in arguments))
    assert ran.returncode == code
    assert said in ran.stderr


@pytest.mark.parametrize(("excepted", "then"), [("example.org", "example.org,127.0.0.1"), ("*", "*")])
def test_a_proxy_of_the_environment_does_not_stand_between(
    monkeypatch: pytest.MonkeyPatch, excepted: str, then: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", excepted)
    ran = python("send('GET'); print(os.environ['no_proxy'])")
    assert (ran.returncode, ran.stdout) == (0, f"{then}\n")


def test_without_a_command_it_serves_until_ctrl_c() -> None:
    process = subprocess.Popen(
        [*SERVE, "--port", "0"],
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[3].rstrip(",")
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
