"""Proxies and certificates that cannot be used: they end what goes over https, with 4, and nothing else."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, Ran
from tests.support.recordings import CONVERSATION, asked, line, lines
from tests.support.warm import Stand, Warm
from tests.support.way import AS_IT_WAS
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY

PROXY = "http://zzuser:zzpassword@127.0.0.1:9"
CANNOT_BEGIN = 4

UNUSABLE = {
    "SOCKS": ({"ALL_PROXY": PROXY.replace("http", "socks5")}, "ALL_PROXY names a SOCKS proxy"),
    "SOCKS of another version": ({"ALL_PROXY": PROXY.replace("http", "socks4")}, "ALL_PROXY must name a proxy"),
    "no port": ({"HTTPS_PROXY": f"{PROXY}x"}, "HTTPS_PROXY must name a proxy, such as http://proxy.example:3128"),
    "an open bracket": ({"https_proxy": "http://zzuser:zzpassword@[::1"}, "https_proxy must name a proxy"),
    "no host": ({"HTTPS_PROXY": "http://zzuser:zzpassword@"}, "HTTPS_PROXY must name a proxy"),
    "a path": ({"HTTPS_PROXY": "/zzuser/zzpassword"}, "HTTPS_PROXY must name a proxy"),
    "the lower case counts": ({"HTTPS_PROXY": PROXY, "https_proxy": "ftp://zz"}, "https_proxy must name a proxy"),
    "a URL past the proxy": ({"HTTPS_PROXY": PROXY, "NO_PROXY": "a.example,http://["}, "NO_PROXY must name hosts"),
    "blanks past the proxy": ({"ALL_PROXY": PROXY, "no_proxy": "a.example b.example"}, "no_proxy must name hosts"),
    "no such file": ({"SSL_CERT_FILE": "/nowhere/zz.pem"}, "SSL_CERT_FILE must name a file of certificates"),
    "a folder as file": ({"SSL_CERT_FILE": "/"}, "SSL_CERT_FILE must name a file of certificates"),
    "garbage": ({"SSL_CERT_FILE": str(CHECKOUT / "README.md")}, "in PEM (there is none): correct it, or unset it"),
    "no such folder": ({"SSL_CERT_DIR": "/nowhere"}, "SSL_CERT_DIR must name a folder of certificates"),
    "a file as folder": ({"SSL_CERT_DIR": str(CHECKOUT / "README.md")}, "SSL_CERT_DIR must name a folder"),
    "a folder of garbage": ({"SSL_CERT_DIR": str(CHECKOUT / "docs")}, "`openssl rehash` has named (there is none)"),
    "no such log": ({"SSLKEYLOGFILE": "/nowhere/keys"}, "SSLKEYLOGFILE must name a file that can be written"),
    "a folder as log": ({"SSLKEYLOGFILE": "/"}, "SSLKEYLOGFILE must name a file that can be written (Is a directory)"),
}

HOSTILE = {
    "ALL_PROXY": "socks5://zzuser:zzpassword@127.0.0.1:9",
    "HTTPS_PROXY": "http://zzuser:zzpassword@[::1",
    "HTTP_PROXY": "ftp://[",
    "NO_PROXY": "http://[",
    "SSL_CERT_FILE": "/nowhere/zz.pem",
    "SSL_CERT_DIR": "/nowhere",
    "SSLKEYLOGFILE": "/nowhere/keys",
}
"""All of them at once, for what must read none."""

HTTPS = {
    "TRACKLY_BASE_URL": "https://127.0.0.1:9/api",
    "TRACKLY_API_KEY": REFERENCE_KEY,
    "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
}


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment of this machine say nothing of proxies and certificates."""
    for name in HOSTILE:
        for spelling in (name, name.lower()):
            monkeypatch.delenv(spelling, raising=False)


@pytest.fixture
def command(warm: Warm, tmp_path: Path) -> Callable[..., Ran]:
    """Run a command of trackly-contract in a fork."""

    def run(*arguments: str, **variables: str) -> Ran:
        variables = {"TRACKLY_STATE_DIR": str(tmp_path / "state"), **variables}
        return warm.work("trackly-contract", *arguments, output=tmp_path / "output.txt", **variables)

    return run


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        *((("restore",), name) for name in UNUSABLE),
        *((("check", "--live"), name) for name in ("SOCKS", "an open bracket", "garbage", "a folder as log")),
    ],
    ids=str,
)
def test_what_https_cannot_use_is_named_before_anything_is_sent(
    command: Callable[..., Ran], arguments: tuple[str, ...], name: str
) -> None:
    variables, said = UNUSABLE[name]
    ran = command(*arguments, **HTTPS, **variables)
    assert ran.code == CANNOT_BEGIN, ran.text
    assert said in ran.text
    assert not [word for word in ("Traceback", "zz", REFERENCE_KEY) if word in ran.text]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "NO_PROXY"])
def test_what_https_does_not_need_is_not_read(command: Callable[..., Ran], name: str) -> None:
    ran = command(
        "check", "--live", "--effort=quick", "--read-only", "-k", "audience.status", **HTTPS, **{name: "ftp://["}
    )
    assert ran.code == 10, ran.text
    assert "Connection refused" in ran.text


@pytest.mark.parametrize("target", ["reference", "replay"])
def test_a_run_without_a_network_reads_none_of_it(command: Callable[..., Ran], target: str) -> None:
    ran = command("check", f"--target={target}", "--effort=quick", **HOSTILE)
    assert ran.code == 0, ran.text


def test_a_run_on_loopback_and_its_restore_read_none_of_it(stand: Stand) -> None:
    stand.variables.update(HOSTILE)
    try:
        ran, restored = stand.run(), stand.restore()
    finally:
        for name in HOSTILE:
            del stand.variables[name]
    assert (ran.code, restored.code, stand.content) == (0, 0, AS_IT_WAS), ran.text + restored.text


CLIENT = """
import os, urllib.request
url = f"{os.environ['TRACKLY_BASE_URL']}/v2/audiences/{os.environ['TRACKLY_AUDIENCE_ID']}"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(urllib.request.Request(url, headers={"X-Api-Key": os.environ["TRACKLY_API_KEY"]}), timeout=20).read()
"""

TESTS = """
import httpx

def test_httpx(trackly_api):
    http = httpx.Client(headers={"X-Api-Key": trackly_api.api_key}, trust_env=False, verify=False)
    assert http.get(f"https://app.tracklysms.com/api/v2/audiences/{trackly_api.audience_id}").status_code == 200

def test_http(trackly_server):
    http = httpx.Client(headers={"X-Api-Key": trackly_server.api_key}, trust_env=False, verify=False)
    assert http.get(f"{trackly_server.base_url}/v2/audiences/{trackly_server.audience_id}").status_code == 200
"""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("serve", "--", sys.executable, "client.py"), 0, "1 request, no violations"),
        (("judge", "traffic.jsonl"), 0, "judged 6 of 6"),
        (("docs", "update.md"), 1, "facts compared"),
    ],
    ids=["serve", "judge", "docs"],
)
def test_a_command_without_a_network_reads_none_of_it(
    command: Callable[..., Ran], tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "traffic.jsonl").write_bytes(lines(line(exchange) for exchange in asked(*CONVERSATION)))
    shutil.copy(CHECKOUT / "tests" / "pages" / "docs_pages" / "update.md", tmp_path)
    *others, file = arguments
    ran = command(*others, str(tmp_path / file), **HOSTILE)
    assert (ran.code, said in ran.text) == (code, True), ran.text


def test_the_fixtures_of_the_gate_read_none_of_it(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "test_client.py").write_text(TESTS)
    ran = warm.work(
        "pytest",
        f"--rootdir={tmp_path}",
        "-c",
        "/dev/null",
        str(tmp_path / "test_client.py"),
        output=tmp_path / "output.txt",
        **HOSTILE,
    )
    assert ran.code == 0, ran.text
    assert "2 passed" in ran.text
