"""A live session: an audience that somebody needs, used by one run at a time and put back whatever stops the run.

Promises: the lock is held and signals are caught while it is open; giving back is not stopped halfway by a signal or
two; what is not as it was is said, with the next step.
Refuses: to change how anything is asked or judged (session.py).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackly_contract.core import InconclusiveError
from trackly_contract.run.lock import locked
from trackly_contract.run.session import Session
from trackly_contract.run.signals import Interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.core import Exchange, Request
    from trackly_contract.generate import Effort
    from trackly_contract.run.targets import Target


@dataclass
class LiveSession(Session):
    """A session whose target has a journal; `trouble` says why the audience could not be given back."""

    interrupts: Interrupts = field(default_factory=Interrupts)
    trouble: str = ""

    def _once(self, request: Request) -> Exchange:
        """Send a request and wait for its answer: an update left alone may be applied after all was put back."""
        try:
            with self.interrupts.held():
                return super()._once(request)
        finally:
            self.interrupts.stop_if_asked()

    def restore(self) -> list[str]:
        """Put the audience back as `Session.give_back` does, and keep what stood in the way."""
        with self.interrupts.held():
            self.trouble = "it was stopped halfway"
            try:
                left = super().restore()
            except InconclusiveError as error:
                self.trouble = str(error)
                raise
            self.trouble = "; ".join(left)
            return left

    def restore_at_last(self) -> None:
        """Put the audience back if nothing tried to: a signal may come just before the sandbox is torn down."""
        if self.backup is not None and not self.trouble:
            with suppress(InconclusiveError):
                self.notes.extend(f"not put back: {line}" for line in self.restore())

    def left_behind(self) -> str:
        """Return what people have to know and do if the audience is not as it was, "" if it is."""
        journal = self.target.journal
        if journal is None or not journal.path.exists():
            return ""
        return (
            f"THE AUDIENCE IS NOT AS IT WAS{': ' if self.trouble else ''}{self.trouble}. What it was is kept in "
            f"{journal.path}. Run `trackly-contract restore` with the same TRACKLY_ variables as soon as the API "
            "answers; until then no schedule and no journey may use this audience"
        )


@contextmanager
def opened(target: Target, effort: Effort, what: str, *, read_only: bool = False) -> Iterator[LiveSession]:
    """Open a session on a target that has a journal; `what` is for whoever finds the lock.

    Raises LockedError if another run is using the audience.
    """
    assert target.journal is not None
    interrupts = Interrupts()
    with locked(target.journal, what) as told, interrupts.caught():
        session = LiveSession(target, effort, read_only, interrupts=interrupts)
        if told:
            session.notes.append(told)
        yield session
