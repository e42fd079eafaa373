"""Runs in processes of their own, in a moment: forks of one Python that has imported everything.

A fork does what the same command does that is started by hand, except that it waits for nothing before another try,
and that its hash seed is that of all forks of one Python. A stand is a reference server over real sockets in this
process, which can strike a fork at any request.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tests.support.processes import CHECKOUT, SECONDS, environment
from trackly_contract.core import Request, Response
from trackly_contract.gate.http import running
from trackly_contract.reference import (
    AUDIENCE_ID,
    REFERENCE_KEY,
    ReferenceServer,
    documented_audience,
    documented_store,
)
from trackly_contract.run.journal import Journal

FORKING = """
import contextlib, gc, io, json, os, signal, sys
import pytest
from trackly_contract import cli, suite
from trackly_contract.run import conversation

conversation.pause = conversation.pause_when_lost = lambda *_: 0.0

with contextlib.redirect_stdout(io.StringIO()):
    suite.run_suite(None, "quick", ["-q"])

def work(job):
    signal.alarm(job["seconds"])
    os.environ.clear()
    os.environ.update(job["variables"])
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    os.chdir(job["folder"])
    output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        if job["command"] == "restore":
            cli.main(["restore"])
        if job["command"] == "suite":
            return suite.run_suite(None, "quick", job["arguments"])[0]
        # What is imported already cannot be rewritten, which a Python that begins with pytest never has to say.
        return pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *job["arguments"]])
    except SystemExit as done:
        return done.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

gc.collect()
gc.freeze()  # what is there now is shared with every fork, and looked through by none
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = work(json.loads(line))
        finally:
            os._exit(code)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""

Command: TypeAlias = Literal["pytest", "suite", "restore"]

CONTENT = ("name", "description", "source_lists", "filter")
AS_IT_WAS = {name: documented_audience()[name] for name in CONTENT}


@dataclass(frozen=True)
class Ended:
    """A process that ended: its exit code (negative if a signal killed it), and everything it printed."""

    code: int
    text: str


class Warm:
    """A Python that has imported everything; its forks do the work, one at a time."""

    def __init__(self, forking: subprocess.Popen[str]) -> None:
        self._forking = forking
        self._pid: Future[int] = Future()

    def work(self, command: Command, *arguments: str, output: Path, **variables: str) -> Ended:
        """Do a command in the checkout to its end, with its output in a file.

        `pytest` takes pytest's arguments, `suite` those of `run_suite` at quick, `restore` none.
        """
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        self._pid = Future()
        job = {
            "command": command,
            "arguments": arguments,
            "output": str(output),
            "folder": str(CHECKOUT),
            "variables": environment(**variables),
            "seconds": SECONDS,
        }
        self._forking.stdin.write(json.dumps(job) + "\n")
        self._forking.stdin.flush()
        self._pid.set_result(int(self._forking.stdout.readline()))
        return Ended(int(self._forking.stdout.readline()), output.read_text("utf-8"))

    def strike(self, signal: int) -> None:
        """Send a signal to the fork that is working; for the hooks of a server."""
        os.kill(self._pid.result(SECONDS), signal)


@contextmanager
def warmed() -> Iterator[Warm]:
    """Keep a Python that has imported everything, until the end."""
    command = [sys.executable, "-c", FORKING]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        yield Warm(one)
        assert one.stdin is not None
        one.stdin.close()


class Hooked(ReferenceServer):
    """The reference server; `before` may answer in its place, `after` is called once a request was answered.

    Both are told the number of the request, from 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fresh()

    def fresh(self) -> None:
        self.store = documented_store()
        self.number = 0
        self.before: Callable[[int, Request], Response | None] = lambda _number, _request: None
        self.after: Callable[[int, Request], None] = lambda _number, _request: None

    def answer(self, request: Request) -> Response:
        self.number += 1
        number = self.number
        response = self.before(number, request) or super().answer(request)
        self.after(number, request)
        return response

    def unavailable(self) -> Response:
        """Out of order, and says that there is no need to wait before the next try."""
        answer = self.undocumented(503, "out of order")
        return replace(answer, headers=(*answer.headers, ("Retry-After", "0")))

    @property
    def content(self) -> dict[str, Any]:
        return {name: self.store.audiences[AUDIENCE_ID][name] for name in CONTENT}


def left_in(state: Path) -> list[str]:
    """The kinds of files in a state folder that say something: journal, owner; the empty lock file stays."""
    return sorted({path.name.partition(".")[2] for path in state.glob("*")} - {"lock"})


class Stand:
    """A served audience, and processes that change it and put it back; they import what is in `folder`."""

    def __init__(self, folder: Path, base_url: str, server: Hooked, warm: Warm) -> None:
        self.server = server
        self.folder = folder
        self.state = folder / "state"
        self.journal = Journal.of(base_url, AUDIENCE_ID, self.state)
        self.variables = {
            "TRACKLY_BASE_URL": base_url,
            "TRACKLY_API_KEY": REFERENCE_KEY,
            "TRACKLY_AUDIENCE_ID": AUDIENCE_ID,
            "TRACKLY_STATE_DIR": str(self.state),
        }
        self._warm = warm

    def fresh(self) -> None:
        """Begin anew: the audience as it was, no journal, no lock."""
        self.server.fresh()
        for path in self.state.glob("*"):
            path.unlink()

    def run(self, *arguments: str) -> Ended:
        """Run the suite at quick on the live target, to its end."""
        return self._work("suite", "--trackly-target=live", "-q", *arguments)

    def restore(self) -> Ended:
        """Run `trackly-contract restore` to its end."""
        return self._work("restore")

    def strike(self, signal: int) -> None:
        """Send a signal to the process that is working; for the hooks of the server."""
        self._warm.strike(signal)

    def left(self) -> list[str]:
        """What is left in the state folder."""
        return left_in(self.state)

    def _work(self, command: Command, *arguments: str) -> Ended:
        variables = {**self.variables, "PYTHONPATH": str(self.folder)}
        return self._warm.work(command, *arguments, output=self.folder / "output.txt", **variables)


@contextmanager
def standing(folder: Path, warm: Warm | None = None) -> Iterator[Stand]:
    """Serve an audience, and keep a Python that has imported everything (the one given), until the end."""
    server = Hooked()
    with nullcontext(warm) if warm is not None else warmed() as forking, running(server) as base_url:
        yield Stand(folder, base_url, server, forking)
