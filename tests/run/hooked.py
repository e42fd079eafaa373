"""Reference servers that a test can answer for, or give other judges of condition types; and a session with one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from trackly_contract.core import Request, Response, Verdict
from trackly_contract.generate import Effort
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Choices, ReferenceServer
from trackly_contract.reference.filter import JUDGES, Fault, Judge
from trackly_contract.run import Session
from trackly_contract.run.sandbox import Stage
from trackly_contract.run.targets import embedded_target


class Server(ReferenceServer):
    """The reference server, but `hook` answers first where it wants to; keeps what it was asked."""

    def __init__(self, hook: Callable[["Server", Request, int], Response | None] = lambda *_: None) -> None:
        super().__init__()
        self.hook = hook
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return self.hook(self, request, len(self.asked)) or super().answer(request)

    def honest(self, request: Request) -> Response:
        return super().answer(request)

    @property
    def audience(self) -> dict[str, Any]:
        return self.store.audiences[AUDIENCE_ID]

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.asked if request.method == "PUT"]


def session(server: Server, effort: Effort = "quick") -> Session:
    """Return a session that may write, though nothing is backed up."""
    asked = new_session(server, effort=effort)
    asked.sandbox.stage = Stage.OPEN
    return asked


def new_session(server: Server, most: int | None = None, effort: Effort = "quick") -> Session:
    target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    return Session(target, effort, most_requests=most)


def open_up(asked: Session) -> Session:
    """Back the audience up, and skip the rehearsal."""
    asked.back_up(asked.read())
    asked.sandbox.enter(Stage.REHEARSING)
    asked.sandbox.enter(Stage.OPEN)
    return asked


def broken(asked: Session) -> set[str]:
    return {finding.rule for finding in asked.findings if finding.verdict is Verdict.BROKEN}


def serving(*without: str, **judges: Judge) -> Server:
    """Return a server with other judges of condition types, and `without` some."""
    server = Server()
    server.judges = {kind: judge for kind, judge in {**JUDGES, **judges}.items() if kind not in without}
    return server


def always(code: str) -> Judge:
    """Return a judge that finds one fault in every condition."""

    def judge(_condition: dict[str, Any], _choices: Choices) -> Iterator[Fault]:
        yield Fault(code, "/")

    return judge
