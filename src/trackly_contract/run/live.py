"""A session on a live audience: one run at a time, and the audience is restored whatever stops the run."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from types import FrameType
from typing import Any

from trackly_contract.core import JSON, Exchange, InconclusiveError, Request, encode
from trackly_contract.generate import Effort
from trackly_contract.run.following import own_content
from trackly_contract.run.journal import locked
from trackly_contract.run.sandbox import Stage
from trackly_contract.run.session import Session
from trackly_contract.run.targets import Target

CAUGHT = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that ask a process to stop; Windows has no SIGHUP."""

PATIENCE = 3
"""Signals it takes to stop even the restore."""


class Stopped(KeyboardInterrupt):
    """A signal stopped the run; the text names it."""


@dataclass
class Interrupts:
    """The signals that arrived during one run, by name; those that are ignored (nohup) stay ignored.

    The first one stops the run as Ctrl-C does. While `held`, each is acknowledged in the terminal, and the third one
    stops what is held.
    """

    seen: list[str] = field(default_factory=list)
    _holds: int = 0
    _raised: bool = False
    _ignored: bool = False
    _before: dict[signal.Signals, Any] = field(default_factory=dict)
    _terminal: FileIO | None = None

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals inside, in the main thread; elsewhere do nothing."""
        with ExitStack() as stack:
            # pytest puts files in the place of 1 and 2 while a test runs, so the terminal is kept from before.
            with suppress(OSError):
                self._terminal = stack.enter_context(FileIO(os.dup(2), "w"))
            for number in CAUGHT if threading.current_thread() is threading.main_thread() else ():
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self._before[number] = signal.signal(number, self._arrived)
            try:
                yield
            finally:
                if not self._ignored:
                    self.release()

    def ignore(self) -> None:
        """Let no signal keep the last words of a run from being said, nor change how it ends, until `release`."""
        self._ignored = True
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def release(self) -> None:
        """Handle signals as before the run."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop_if_asked(self) -> None:
        """Raise Stopped for a signal that was held, unless more is being held."""
        if self.seen and not self._holds and not self._raised:
            self._raised = True
            raise Stopped(self.seen[0])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no signal stop what happens inside, but the third."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def say(self, line: str) -> None:
        """Write a line to the terminal at once, whatever pytest does with its output."""
        if self._terminal is not None:
            with suppress(OSError, ValueError):  # the terminal may be what has gone
                self._terminal.write(f"\ntrackly-contract: {line}\n".encode())

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        self.seen.append(name)
        left = PATIENCE - len(self.seen)
        if (left > 0 and self._holds) or (self._raised and not self._holds):
            self.say(
                f"{name}: the run stops once the audience is put back as it was. To stop that halfway, send "
                f"{max(left, 1)} more: the audience then stays changed, until you run `trackly-contract restore`"
            )
            return
        self._raised = True
        raise Stopped(name if left > 0 else f"{name}, after {', '.join(self.seen[:-1])}")


@dataclass
class LiveSession(Session):
    """A session whose target has a backup; `trouble` says why the audience could not be restored."""

    interrupts: Interrupts = field(default_factory=Interrupts)
    trouble: str = ""

    def _once(self, request: Request) -> Exchange:
        """Send a request and wait for its response: an update left alone may be applied after the restore."""
        try:
            with self.interrupts.held():
                return super()._once(request)
        finally:
            self.interrupts.stop_if_asked()

    def restore(self, now: JSON = None) -> list[str]:
        """Restore the audience as `Session.restore` does, and keep in `trouble` what stood in the way."""
        with self.interrupts.held():
            self.trouble = "it was stopped halfway"
            try:
                left = super().restore(now)
            except InconclusiveError as error:
                self.trouble = str(error)
                raise
            self.trouble = "; ".join(left)
            return left

    def restore_at_last(self) -> None:
        """Restore the audience if nothing tried to: a signal may come just before the fixtures are torn down."""
        if self.sandbox.backup is not None and not self.trouble and not self.sandbox.unsettled:
            with suppress(InconclusiveError):
                self.notes.extend(f"not put back: {line}" for line in self.restore())

    def left_behind(self) -> str:
        """Return what people have to know and do if the audience is not as it was, or may change, "" if it is."""
        journal, unsettled = self.target.journal, self.sandbox.unsettled
        restored = self.sandbox.stage is Stage.CLOSED  # though its file may have to stay, which a note says
        if journal is None or (self.sandbox.backup is None and (restored or not journal.holds())):
            return ""
        backup, kept, by_hand = self.sandbox.backup, f"What it was is kept in {journal.path}.", ""
        if backup is not None:
            body = encode(own_content(backup.wanted)).decode("ascii")
            by_hand = f". By hand: PUT {self.target.base_url}/v2/audiences/{self.target.audience_id} {body}"
        if unsettled and not self.trouble:
            return (
                f"LOOK AT THE AUDIENCE: {'; '.join(unsettled)}. Everything else is as it was. {kept} "
                "`trackly-contract restore` shows what differs; with --ours it puts the audience back as it was, with "
                "--theirs it leaves what others changed, and forgets the backup"
            )
        why = "; ".join(dict.fromkeys(filter(None, (self.trouble, *unsettled))))
        return (
            f"THE AUDIENCE IS NOT AS IT WAS{': ' if why else ''}{why}. {kept} Run `trackly-contract restore` with the "
            "same TRACKLY_ variables as soon as the API answers; until then no schedule and no journey may use this "
            f"audience{by_hand}"
        )


@contextmanager
def opened(target: Target, effort: Effort, what: str, **options: Any) -> Iterator[LiveSession]:
    """Open a session on a target that has a backup; `what` tells others what is run, `options` are those of a session.

    Raises LockedError if another run is using the audience.
    """
    session = LiveSession(target, effort, **options)
    with ExitStack() as stack:
        if target.journal is not None and not session.read_only:
            note = stack.enter_context(locked(target.journal, what))
            session.notes += [note] if note else []
        stack.enter_context(session.interrupts.caught())
        yield session
