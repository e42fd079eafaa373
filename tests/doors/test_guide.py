"""Every `sh` block of docs/guide.md is run as it stands, in a copy of the checkout; one that is new here fails.

What a test has to put in the place of what people have, and nothing else:
- the live API is a server in this process, named by TRACKLY_BASE_URL; key and id stand where the guide has dots;
- every run asks with effort quick, a `standard` of the guide included;
- `.venv` holds commands of the Python that runs this test;
- `open` only looks whether the file is there; port 8377 is a free one.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doors.installed import tracked_copy
from tests.run.test_live_history import TakesAnyUnit
from tests.support.processes import CHECKOUT, SECONDS, environment, script
from tests.support.programs import program
from tests.support.way import AS_IT_WAS, Way, Wire, at_request, undisturbed
from trackly_contract.gate import possible_responses

GUIDE = (CHECKOUT / "docs" / "guide.md").read_text("utf-8")
RESPONSES = len(possible_responses())
ENDED = "exit code "
Block = tuple[str, int]


def blocks(text: str) -> dict[Block, str]:
    """Return the `sh` blocks of a guide, by heading and number below it."""
    found: dict[Block, str] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = section.partition("\n")
        for number, block in enumerate(re.findall(r"^```sh\n(.*?)^```$", rest, re.DOTALL | re.MULTILINE), 1):
            found[heading, number] = block
    return found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, whose commands are those of the Python that runs this test."""
    folder = tracked_copy(tmp_path_factory.mktemp("desk").resolve() / "checkout")
    shutil.rmtree(folder / "cassettes" / "live", ignore_errors=True)
    venv = folder / ".venv"
    script(venv / "bin" / "python", f'exec {shlex.quote(sys.executable)} "$@"')
    script(venv / "bin" / "pytest", 'exec .venv/bin/python -m pytest -p no:cacheprovider "$@"')
    script(venv / "bin" / "trackly-contract", 'exec .venv/bin/python -m trackly_contract.cli "$@"')
    script(folder / "bin" / "open", 'test -s "$1"')
    (venv / ".folder").write_text(f"{folder}\n", "utf-8")
    for path in (folder / "requirements.lock", venv / ".locked", venv / ".installed"):
        path.touch()
    return folder


class Desk:
    """A copy of the checkout, a server that stands for the API, and a shell."""

    def __init__(self, folder: Path, api: Way) -> None:
        self.folder, self.api = folder, api
        self.output = folder / "output.txt"
        self.variables = {
            **environment(),
            **dict.fromkeys(("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"), ""),
            "ARGS": "--trackly-effort=quick",
            "PYTEST_ADDOPTS": "--trackly-effort=quick",
            "PYTHONPATH": str(folder / "src"),
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "TRACKLY_STATE_DIR": str(folder / "state"),
            **api.variables,
        }

    def start(self, commands: str) -> subprocess.Popen[str]:
        """Start a shell with commands in a process group of its own; what it prints is in output.txt."""
        text = commands
        for name in ("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID"):
            text = text.replace(f"{name}=...", f"{name}={self.variables[name]}")
        text = text.replace("--trackly-effort=standard", "--trackly-effort=quick")
        with self.output.open("wb") as output:
            return subprocess.Popen(
                ["/bin/sh", "-e", "-c", text],
                cwd=self.folder,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    def run(self, commands: str) -> str:
        """Run commands to their end; return what they printed, and their exit code."""
        with self.start(commands) as shell:
            try:
                code = shell.wait(SECONDS)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)
        return f"{self.output.read_text('utf-8')}\n{ENDED}{code}"


@pytest.fixture
def desk(copied: Path, serve: Callable[..., Way]) -> Desk:
    return Desk(copied, serve(stamped=False))


# What is tried of each block -----------------------------------------------------------------------

BLOCKS = blocks(GUIDE)
LIVE, NIGHT = "Ask the live API", "Every night"


def ended(shown: str, code: int, *telling: str) -> None:
    assert shown.endswith(f"\n{ENDED}{code}"), shown[-3000:]
    for line in telling:
        assert line in shown, shown[-3000:]


def first_report(desk: Desk, text: str) -> None:
    program("make")
    ended(desk.run(text), 0, "verdict    conforms: the reference server conforms to its documentation")
    assert "conforms" in (desk.folder / "report" / "report.html").read_text("utf-8")


def look(desk: Desk, text: str) -> None:
    ended(desk.run(text), 0, "as far as this run looked", "accepted writes 0 ", " rules need an update")


def quick_run(desk: Desk, text: str) -> None:
    ended(desk.run(text), 0, "is about to change audience", "verdict    conforms: the API conforms")
    assert desk.api.content == AS_IT_WAS


def put_back(desk: Desk, text: str) -> None:
    shells: list[subprocess.Popen[str]] = []

    def kill(_wire: Wire) -> None:
        os.killpg(shells[0].pid, signal.SIGKILL)

    desk.api.strike = at_request(20, kill)
    with desk.start(BLOCKS[LIVE, 2]) as shell:
        shells.append(shell)
        shell.wait(SECONDS)
    desk.api.strike = undisturbed
    assert desk.api.content != AS_IT_WAS
    ended(desk.run(text), 0)
    assert desk.api.content == AS_IT_WAS


def nightly(desk: Desk, text: str) -> None:
    ended(desk.run(text), 0, "verdict    conforms: the API conforms")
    assert (desk.folder / "report" / "junit.xml").is_file()


def compared(desk: Desk, text: str) -> None:
    today = desk.folder / "report" / "report.json"
    if not today.is_file():  # where another process of these tests had the blocks before
        nightly(desk, BLOCKS[NIGHT, 1])
    shutil.copytree(today.parent, desk.folder / "yesterday", dirs_exist_ok=True)
    ended(desk.run(text), 0)
    report = json.loads(today.read_text("utf-8"))
    rule = next(rule for rule in report["rules"] if rule["id"] == "filter.time.unit")
    rule["verdict"] = rule["evidence"][0]["verdict"] = "broken"
    today.write_text(json.dumps({**report, "verdict": "drift"}), "utf-8")
    ended(desk.run(text), 1, "filter.time.unit")


def waived(desk: Desk, text: str) -> None:
    last = (datetime.now(UTC) + timedelta(days=2)).date()
    waiver = f'[[waiver]]\nrule = "filter.time.unit"\nreason = "asked the vendor"\nexpires = {last}\n'
    (desk.folder / "waivers.toml").write_text(waiver, "utf-8")
    desk.api.server = TakesAnyUnit()
    ended(desk.run(text), 0, "1 broken rule waived")


def mock_api(desk: Desk, text: str) -> None:
    program("curl")
    serve, ask = text.splitlines()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "--port 8377 " in serve
    with desk.start(f"exec {serve.replace('8377', str(port))}") as server:
        try:
            until = time.monotonic() + SECONDS
            while "stop it with" not in desk.output.read_text("utf-8"):
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            exports = [line for line in desk.output.read_text("utf-8").splitlines() if "export " in line]
            assert len(exports) == 4
            ended(desk.run("\n".join([*exports, ask])), 0, '"High-Value Clickers"')
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(SECONDS)


def gated(desk: Desk, text: str) -> None:
    mended, bug = text.splitlines()
    ended(desk.run(mended), 0, f"responses received  {RESPONSES} of {RESPONSES}")
    ended(desk.run(bug), 1, "camel-case ", "  instead    condition_type")


def served(desk: Desk, text: str) -> None:
    program("curl")
    ended(desk.run(text), 0, "no violations", f" of {RESPONSES} (")


def open_questions(desk: Desk, text: str) -> None:
    program("make")
    ended(desk.run(text), 0, "verdict    conforms: the API conforms", "review and commit it", "edge-cases.md written")
    day = json.loads((desk.folder / "report" / "report.json").read_text("utf-8"))["started_at"][:10]
    told = (desk.folder / "docs" / "edge-cases.md").read_text("utf-8")
    assert f"(at {desk.api.base_url} on {day})" in told
    assert (desk.folder / "contracts" / "observed.toml").is_file()
    for name in ("answers.toml", "observed.toml"):
        (desk.folder / "contracts" / name).unlink()


TRIED: dict[Block, Callable[[Desk, str], None]] = {
    ("From nothing to a first report", 1): first_report,
    (LIVE, 1): look,
    (LIVE, 2): quick_run,
    (LIVE, 3): put_back,
    (NIGHT, 1): nightly,
    (NIGHT, 2): compared,
    (NIGHT, 3): waived,
    ("A mock API for your client's tests", 1): mock_api,
    ("A gate before a release", 1): gated,
    ("A gate before a release", 2): served,
    ("Ask what is open", 1): open_questions,
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block[0]}, {block[1]}")
def test_the_commands_of_a_block_do_what_the_guide_says(block: Block, desk: Desk) -> None:
    assert block in TRIED, f"nobody tries this block: say in TRIED what comes of it\n{BLOCKS[block]}"
    TRIED[block](desk, BLOCKS[block])


def test_what_is_tried_stands_in_the_guide() -> None:
    assert [block for block in TRIED if block not in BLOCKS] == []


def test_every_fence_of_the_guide_is_a_block_that_is_tried() -> None:
    fences = re.findall(r"^ *(?:```+|~~~+)(.*)$", GUIDE, re.MULTILINE)
    assert fences == ["sh", ""] * len(BLOCKS)


def test_every_make_target_that_people_read_of_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`", GUIDE + (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")))
    assert len(named) > 4
    assert named <= targets
