"""Runs in processes of their own, in a moment: forks of one Python that has imported everything.

A fork does what the same command does that is started by hand, except that it waits for nothing before another try,
and that its hash seed is that of all forks of one Python. A stand is a reference server over real sockets in this
process, which can strike a fork at any request.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from tests.support.processes import CHECKOUT, SECONDS, Ran, environment
from tests.support.way import Strike, Way, Wire, framed
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer
from trackly_contract.run.journal import Journal

FORKING = """
import contextlib, gc, io, json, os, signal, sys
import pytest
from trackly_contract import cli, suite
from trackly_contract.run import conversation, following, session

conversation.pause = following.pause = lambda *_: 0.0
session.LATE = 0.0

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
    for number, name in enumerate(("stdout", "stderr"), 1):
        path = os.environ.pop(name.upper(), "")
        os.dup2(os.open(path, os.O_WRONLY) if path else output, number)
        if path == os.devnull:  # stands for a stream that is closed
            os.close(number)
            setattr(sys, name, None)
            setattr(sys, f"__{name}__", None)
    try:
        if job["command"] == "trackly-contract":
            cli.main(job["arguments"])
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

Command: TypeAlias = Literal["pytest", "suite", "trackly-contract"]


class Warm:
    """A Python that has imported everything; its forks do the work, one at a time."""

    def __init__(self, forking: subprocess.Popen[str]) -> None:
        self._forking = forking
        self._pid: Future[int] = Future()

    def work(self, command: Command, *arguments: str, output: Path, **variables: str) -> Ran:
        """Do a command in the checkout to its end, with its output in a file.

        `pytest` takes pytest's arguments, `suite` those of `run_suite` at quick, `trackly-contract` its own. The
        variables STDOUT and STDERR are paths of where to write in place of `output`; os.devnull there is a stream that
        is closed.
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
        return Ran(int(self._forking.stdout.readline()), output.read_bytes().decode("utf-8"))

    def signal(self, signal: int) -> None:
        """Send a signal to the fork that is working."""
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


class Stand(Way):
    """A served audience, and processes that change it and put it back; they import what is in `folder`."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        super().__init__(ReferenceServer(), None, stamped=True)
        self.folder, self.state = folder, folder / "state"
        self.journal = Journal.of(self.base_url, AUDIENCE_ID, self.state)
        self.variables |= {"TRACKLY_STATE_DIR": str(self.state), "PYTHONPATH": str(folder)}
        self._warm = warm

    def fresh(self) -> None:
        """Begin anew: the audience as it was, no journal, no lock, nothing wrong."""
        self.heal()
        self.server = ReferenceServer()
        self.forget()
        for path in self.state.glob("*"):
            path.unlink()

    def run(self, *arguments: str, **variables: str) -> Ran:
        """Run the suite at quick on the live target, to its end."""
        return self._work("suite", "--trackly-target=live", "-q", *arguments, **variables)

    def restore(self, *arguments: str, **variables: str) -> Ran:
        """Run `trackly-contract restore` to its end."""
        return self._work("trackly-contract", "restore", *arguments, **variables)

    def signal(self, signal: int) -> None:
        """Send a signal to the process that is working."""
        self._warm.signal(signal)

    def signalling(self, signal: int, *, applied: bool = True) -> Strike:
        """Send a signal to the process that asks: before it gets its response, or in place of it."""

        def strike(wire: Wire) -> None:
            response = wire.answer() if applied else None
            self.signal(signal)
            if response is not None:
                wire.send(framed(response))
            else:
                wire.end()

        return strike

    def left(self) -> list[str]:
        """The kinds of files in the state folder that say something: journal, owner; the empty lock file stays."""
        return left_in(self.state)

    def _work(self, command: Command, *arguments: str, **variables: str) -> Ran:
        output = self.folder / "output.txt"
        return self._warm.work(command, *arguments, output=output, **{**self.variables, **variables})


def left_in(state: Path) -> list[str]:
    return sorted({path.name.partition(".")[2] for path in state.glob("*")} - {"lock"})


@contextmanager
def standing(folder: Path, warm: Warm) -> Iterator[Stand]:
    """Serve an audience until the end; `warm` does the work."""
    stand = Stand(folder, warm)
    stand.up()
    try:
        yield stand
    finally:
        stand.close()
