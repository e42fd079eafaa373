"""Runs whose reports are looked at, of servers that conform and of servers that drift."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.runs import run_target
from trackly_contract.core import JSON, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, ReferenceServer
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.run import Target
from trackly_contract.run.targets import embedded_target

HOSTILE = "x\n::error::y\r##[error]z | `a` <script>alert(1)</script> %0A [b](https://evil.example)"


class TakesAnyUnit(ReferenceServer):
    """Takes any unit of time."""

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")


class Hostile(TakesAnyUnit):
    """Takes any unit of time, and shows commands and markup in place of a size, so that they stand in a difference."""

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), "cached_size": HOSTILE}


class Unstamped(ReferenceServer):
    """Responds like an API: without the stamp."""

    def respond(self, status: int, value: JSON) -> Response:
        return dataclasses.replace(super().respond(status, value), headers=(("Content-Type", "application/json"),))


class Ran(NamedTuple):
    """A run that is over: its exit code, its report, and the folder of its files."""

    code: int
    report: Report
    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / f"report.{name}").read_text("utf-8")


def target_of(server: ReferenceServer, key: str = REFERENCE_KEY, **changes: Any) -> Target:
    return dataclasses.replace(embedded_target(server.answer, AUDIENCE_ID, key), **changes)


def ran(target: Target | ReferenceServer, folder: Path, *arguments: str) -> Ran:
    target = target if isinstance(target, Target) else target_of(target)
    return Ran(*run_target(target, "quick", f"--trackly-report={folder}", *arguments), folder)
