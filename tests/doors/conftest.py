"""Runs pytest and the command line as a user would: in processes of their own, over real sockets."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import PYTEST, Ran, finished, reported
from tests.support.warm import Stand, Warm, standing, warmed
from tests.support.way import Way, way

collect_ignore_glob = [] if os.name == "posix" else ["*"]
"""What is tested here is asked by forks, struck by signals, and typed at terminals of POSIX."""

# A background job of a script is born with SIGINT ignored, one of nohup with SIGHUP, and so would be every process that
# these tests interrupt. A handler is not inherited by programs that are started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
os.environ.pop("GITHUB_ACTIONS", None)  # what runs under test is told to nobody's job


@pytest.fixture
def start_pytest(tmp_path: Path) -> Callable[..., Ran]:
    """Start `pytest --trackly-report=... *arguments` in the checkout, which takes seconds."""

    def run(*arguments: str, **variables: str) -> Ran:
        folder = tmp_path / "report"
        variables = {"TRACKLY_STATE_DIR": str(tmp_path / "state"), **variables}
        done = finished(*PYTEST, f"--trackly-report={folder}", *arguments, **variables)
        return Ran(done.returncode, done.stdout + done.stderr, reported(folder))

    return run


@pytest.fixture
def run_pytest(warm: Warm, tmp_path: Path) -> Callable[..., Ran]:
    """Run the same in a fork of a Python that is warm already."""

    def run(*arguments: str, **variables: str) -> Ran:
        options = "-p", "no:cacheprovider", f"--trackly-report={tmp_path / 'report'}"
        variables = {"TRACKLY_STATE_DIR": str(tmp_path / "state"), **variables}
        ran = warm.work("pytest", *options, *arguments, output=tmp_path / "output.txt", **variables)
        return Ran(ran.code, ran.text, reported(tmp_path / "report"))

    return run


@pytest.fixture
def serve() -> Iterator[Callable[..., Way]]:
    """Serve a server on loopback until the test ends; without one, the reference server."""
    with ExitStack() as stack:
        yield lambda server=None, stamped=True: stack.enter_context(way(server, stamped=stamped))


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Keep a warm Python."""
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
