"""Runs pytest and the command line as a user would: in processes of their own, over real sockets."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, SECONDS, Ran, Served, environment, written
from tests.support.warm import Stand, Warm, standing, warmed
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background job of a script is born with it ignored, and so would be every process that these tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.pop("GITHUB_ACTIONS", None)  # what runs under test is told to nobody's job

__all__ = ["CHECKOUT", "SECONDS", "Ran", "Served", "environment"]


@pytest.fixture
def start_pytest(tmp_path: Path) -> Callable[..., Ran]:
    """Start `python -m pytest --trackly-report=... *arguments` in the checkout, which takes seconds."""

    def run(*arguments: str, **variables: str) -> Ran:
        folder = tmp_path / "report"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_options(folder), *arguments],
            cwd=CHECKOUT,
            env=environment(TRACKLY_STATE_DIR=str(tmp_path / "state"), **variables),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(done.returncode, done.stdout + done.stderr, written(folder))

    return run


@pytest.fixture
def run_pytest(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Ran]:
    """Run the same in a fork of a Python that is warm already; where there are no forks, start it."""
    if os.name != "posix":
        started: Callable[..., Ran] = request.getfixturevalue("start_pytest")
        return started
    warm: Warm = request.getfixturevalue("warm")

    def run(*arguments: str, **variables: str) -> Ran:
        folder = tmp_path / "report"
        variables = {"TRACKLY_STATE_DIR": str(tmp_path / "state"), **variables}
        ended = warm.work("pytest", *_options(folder), *arguments, output=tmp_path / "output.txt", **variables)
        return Ran(ended.code, ended.text, written(folder))

    return run


def _options(report: Path) -> tuple[str, ...]:
    return "-p", "no:cacheprovider", f"--trackly-report={report}"


@pytest.fixture
def serve() -> Iterator[Callable[[ReferenceServer], Served]]:
    """Serve a server on loopback until the test ends."""
    with ExitStack() as stack:

        def start(server: ReferenceServer) -> Served:
            base_url = stack.enter_context(running(server))
            return Served(
                server,
                {
                    "TRACKLY_BASE_URL": base_url,
                    "TRACKLY_API_KEY": REFERENCE_KEY,
                    "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
                },
            )

        yield start


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Keep a warm Python; POSIX only, as it forks."""
    with warmed() as warm:
        yield warm


@pytest.fixture(scope="session")
def one_stand(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Keep one stand for all tests of this process."""
    with standing(tmp_path_factory.mktemp("stand"), warm) as stand:
        yield stand


@pytest.fixture
def stand(one_stand: Stand) -> Stand:
    """Return a stand with nothing left of the tests before: the audience as it was, no journal, no lock."""
    one_stand.fresh()
    return one_stand
