"""The plan of a run is shown before its first write, and asked about where somebody can answer; a limit is kept."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, PYTEST, SECONDS, Ran, environment
from tests.support.way import AS_IT_WAS, Way
from trackly_contract.core import Request, Response
from trackly_contract.reference import ReferenceServer

LIVE = ("--trackly-target=live", "--trackly-effort=quick")
PLAN = "is about to change audience"


@pytest.fixture
def served(serve: Callable[..., Way]) -> Way:
    return serve()


def puts(served: Way) -> int:
    return sum(request.method == "PUT" for request in served.asked)


# In CI -------------------------------------------------------------------------------------------


def test_without_a_terminal_the_plan_is_shown_before_the_first_write(
    run_pytest: Callable[..., Ran], served: Way
) -> None:
    ran = run_pytest(*LIVE, "-v", **served.variables)
    assert ran.code == 0, ran.text
    plan = ran.text[ran.text.index(PLAN) :]
    assert '"High-Value Clickers" at http://127.0.0.1' in plan.splitlines()[0]
    assert "60 requests" in plan.splitlines()[1]
    assert "12 accepted writes" in plan.splitlines()[1]
    assert "PASSED" in plan
    assert not re.search(r"test_2_updating.*PASSED", ran.text[: ran.text.index(PLAN)])


def test_a_run_that_only_reads_needs_no_plan_and_says_what_it_did_not_find_out(
    run_pytest: Callable[..., Ran], served: Way
) -> None:
    ran = run_pytest(*LIVE, "--trackly-read-only", **served.variables)
    assert (ran.code, ran.report["complete"], PLAN in ran.text) == (0, False, False), ran.text
    assert {request.method for request in served.asked} == {"GET"}
    assert not any(request.path.endswith("/size") for request in served.asked)
    (note,) = (note for note in ran.report["notes"] if note.startswith("read-only: "))
    assert re.match(r"read-only: \d+ rules need an update", note)
    assert note.partition(" need an update")[0] in ran.text


# At a terminal -----------------------------------------------------------------------------------


def at_a_terminal(
    served: Way, tmp_path: Path, answer: str | None, *arguments: str, **variables: str
) -> tuple[int, str]:
    """Run pytest on a terminal of its own; return its exit code and what it showed.

    When it asks, `answer` is typed; None takes the terminal away.
    """
    ours, theirs = os.openpty()
    given = environment(TRACKLY_STATE_DIR=str(tmp_path), **served.variables, **variables)
    with subprocess.Popen(
        [*PYTEST, *LIVE, *arguments], cwd=CHECKOUT, env=given, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
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
            if b"Go on? [y/N]" in shown and answer is None:
                break
            if b"Go on? [y/N]" in shown and not typed:
                os.write(ours, f"{answer}\n".encode())
                typed = True
        os.close(ours)
        return process.wait(SECONDS), shown.decode()


@pytest.mark.parametrize("answer", ["", "n", "yess"])
def test_anything_but_yes_changes_nothing(served: Way, tmp_path: Path, answer: str) -> None:
    code, shown = at_a_terminal(served, tmp_path, answer)
    assert (code, puts(served)) == (10, 0), shown
    assert "not confirmed: nothing was changed" in shown


def test_a_terminal_that_goes_away_is_no_yes(served: Way, tmp_path: Path) -> None:
    code, shown = at_a_terminal(served, tmp_path, None)
    assert (code, puts(served)) == (10, 0), shown


@pytest.mark.parametrize("answer", ["y", " Yes "])
def test_yes_goes_on(served: Way, tmp_path: Path, answer: str) -> None:
    code, shown = at_a_terminal(served, tmp_path, answer)
    assert (code, served.content) == (0, AS_IT_WAS), shown
    assert puts(served) > 10


class Vague(ReferenceServer):
    """Refuses what it always did, each time with another code of its own."""

    requests = 0

    def answer(self, request: Request) -> Response:
        self.requests += 1
        answer = super().answer(request)
        return self.error(400, f"refused_{self.requests}_{'x' * 70}", "no") if answer.status == 400 else answer


@pytest.mark.parametrize(("make", "code"), [(ReferenceServer, 0), (Vague, 1)], ids=["conforming", "drifted"])
def test_after_a_yes_nobody_is_asked_and_the_end_fits_eighty_columns_without_colours(
    serve: Callable[..., Way], tmp_path: Path, make: type[ReferenceServer], code: int
) -> None:
    ended, shown = at_a_terminal(serve(make()), tmp_path, "", "--trackly-yes", COLUMNS="80", NO_COLOR="1")
    assert (ended, "Go on?" in shown) == (code, False), shown
    assert "\x1b[" not in shown.replace("\x1b[?25", "")
    _, plan, rest = shown.partition("trackly-contract is about to change")
    _, title, end = rest.partition("= trackly-contract =")
    assert (bool(plan), bool(title)) == (True, True), shown
    lines = end.splitlines()[1:]
    assert lines[0].startswith("verdict    ")
    assert [line for line in lines if line.startswith(("FAILED", "____"))] == []
    assert max(map(len, [*rest.splitlines()[:5], *lines])) <= 80, shown
    assert len(lines) < 24


# Fewer requests than it takes --------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 8, 9, 30])
def test_a_limit_is_kept_and_the_audience_put_back(run_pytest: Callable[..., Ran], served: Way, most: int) -> None:
    ran = run_pytest(*LIVE, f"--trackly-max-requests={most}", **served.variables)
    assert ran.code == 10, ran.text
    assert f"{most} requests" in ran.text
    assert len(served.asked) <= most
    assert served.content == AS_IT_WAS


def test_a_limit_that_suffices_is_never_felt(run_pytest: Callable[..., Ran], served: Way) -> None:
    ran = run_pytest(*LIVE, "--trackly-max-requests=60", **served.variables)
    assert ran.code == 0, ran.text
