"""The plan of a run is shown before its first write, and asked about where somebody can answer; a limit is kept."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.conftest import CHECKOUT, SECONDS, Ran, Served, environment
from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_audience

LIVE = ("--trackly-target=live", "--trackly-effort=quick")
PLAN = "is about to change audience"


class Counting(ReferenceServer):
    """Counts what it is asked, and how often it was told to change something."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = self.puts = 0

    def answer(self, request: Request) -> Response:
        self.requests += 1
        self.puts += request.method == "PUT"
        return super().answer(request)

    @property
    def unchanged(self) -> bool:
        now, then = self.store.audiences[AUDIENCE_ID], documented_audience()
        return all(now[name] == then[name] for name in ("name", "description", "source_lists", "filter"))


@pytest.fixture
def served(serve: Callable[[ReferenceServer], Served]) -> tuple[Counting, dict[str, str]]:
    server = Counting()
    return server, serve(server).variables


Asked = tuple[Counting, dict[str, str]]


# In CI -------------------------------------------------------------------------------------------


def test_without_a_terminal_the_plan_is_shown_before_the_first_write(
    run_pytest: Callable[..., Ran], served: Asked
) -> None:
    ran = run_pytest(*LIVE, "-v", **served[1])
    assert ran.code == 0, ran.text
    plan = ran.text[ran.text.index(PLAN) :]
    assert '"High-Value Clickers" at http://127.0.0.1' in plan.splitlines()[0]
    assert "60 requests" in plan.splitlines()[1]
    assert "12 accepted writes" in plan.splitlines()[1]
    assert "PASSED" in plan
    assert not re.search(r"test_2_updating.*PASSED", ran.text[: ran.text.index(PLAN)])


def test_a_run_that_only_reads_needs_no_plan(run_pytest: Callable[..., Ran], served: Asked) -> None:
    ran = run_pytest(*LIVE, "--trackly-read-only", **served[1])
    assert PLAN not in ran.text
    assert served[0].puts == 0


def test_a_run_that_only_reads_says_what_it_did_not_find_out(run_pytest: Callable[..., Ran], served: Asked) -> None:
    ran = run_pytest(*LIVE, "--trackly-read-only", **served[1])
    assert "read-only: 44 rules need an update" in ran.text
    assert ran.report is not None
    assert any(note.startswith("read-only: 44 rules") for note in ran.report["notes"])


# At a terminal -----------------------------------------------------------------------------------


def at_a_terminal(served: Asked, tmp_path: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Run pytest on a terminal of its own, typing `answer` when it asks; return its exit code and what it showed."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *LIVE, *arguments]
    variables = environment(TRACKLY_STATE_DIR=str(tmp_path), **served[1])
    with subprocess.Popen(command, cwd=CHECKOUT, env=variables, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown, typed = b"", False
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # what Linux says when the other end is closed
                break
            if not more:
                break
            shown += more
            if b"Go on? [y/N]" in shown and not typed:
                os.write(ours, f"{answer}\n".encode())
                typed = True
        os.close(ours)
        return process.wait(SECONDS), shown.decode()


needs_a_terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")


@needs_a_terminal
@pytest.mark.parametrize("answer", ["", "n", "yess"])
def test_anything_but_yes_changes_nothing(served: Asked, tmp_path: Path, answer: str) -> None:
    code, shown = at_a_terminal(served, tmp_path, answer)
    assert (code, served[0].puts) == (10, 0), shown
    assert "not confirmed: nothing was changed" in shown


@needs_a_terminal
@pytest.mark.parametrize("answer", ["y", " Yes "])
def test_yes_goes_on(served: Asked, tmp_path: Path, answer: str) -> None:
    code, shown = at_a_terminal(served, tmp_path, answer)
    assert (code, served[0].unchanged) == (0, True), shown
    assert served[0].puts > 10


@needs_a_terminal
def test_nobody_is_asked_after_a_yes(served: Asked, tmp_path: Path) -> None:
    code, shown = at_a_terminal(served, tmp_path, "", "--trackly-yes")
    assert (code, PLAN in shown, "Go on?" in shown) == (0, True, False), shown


# Fewer requests than it takes --------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 8, 9, 30])
def test_a_limit_is_kept_and_the_audience_put_back(run_pytest: Callable[..., Ran], served: Asked, most: int) -> None:
    ran = run_pytest(*LIVE, f"--trackly-max-requests={most}", **served[1])
    assert ran.code == 10, ran.text
    assert f"{most} requests" in ran.text
    assert served[0].requests <= most
    assert served[0].unchanged


def test_a_limit_that_suffices_is_never_felt(run_pytest: Callable[..., Ran], served: Asked) -> None:
    ran = run_pytest(*LIVE, "--trackly-max-requests=60", **served[1])
    assert ran.code == 0, ran.text


@pytest.mark.parametrize("most", ["0", "-1", "many"])
def test_what_is_no_number_of_requests_is_refused(run_pytest: Callable[..., Ran], most: str) -> None:
    ran = run_pytest(f"--trackly-max-requests={most}")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "is no number of requests: give 1 or more" in ran.text
