"""Interrupts: Ctrl-C, SIGTERM and SIGHUP stop a run in such a way that what it changed is put back first.

Promises: the first one stops the run like Ctrl-C does; while things are put back each is answered in the terminal,
and only the third one stops that too; afterwards every handler is the one that was there before.
Refuses: to touch a signal that is ignored (nohup) or handled outside Python, and to act outside the main thread.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

CAUGHT = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that mean to stop; Windows has no SIGHUP."""

PATIENCE = 3
"""Signals it takes to stop even the putting back."""


class Stopped(KeyboardInterrupt):
    """A signal stopped what was going on; the text names it."""


@dataclass
class Interrupts:
    """What arrived during one run, by name."""

    seen: list[str] = field(default_factory=list)
    _holds: int = 0
    _raised: bool = False
    _terminal: int | None = None

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals inside, in the main thread; elsewhere do nothing."""
        before = {}
        # pytest puts files in the place of 1 and 2 while a test runs, so the terminal is kept from before.
        with suppress(OSError):
            self._terminal = os.dup(2)
        try:
            if threading.current_thread() is threading.main_thread():
                for name in CAUGHT:
                    number = getattr(signal, name, None)
                    if number is None or signal.getsignal(number) in (None, signal.SIG_IGN):
                        continue
                    before[number] = signal.signal(number, self._arrived)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._terminal is not None:
                os.close(self._terminal)
                self._terminal = None

    def stop_if_asked(self) -> None:
        """Raise Stopped for a signal that was held, unless more is being held."""
        if self.seen and not self._holds and not self._raised:
            self._raised = True
            raise Stopped(self.seen[0])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing be stopped halfway inside, unless somebody insists."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def say(self, line: str) -> None:
        """Write a line to the terminal at once, whatever pytest does with its output."""
        if self._terminal is not None:
            with suppress(OSError):  # the terminal may be what has gone
                os.write(self._terminal, f"\ntrackly-contract: {line}\n".encode())

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        self.seen.append(name)
        left = PATIENCE - len(self.seen)
        if left > 0 and (self._holds or self._raised):
            self.say(
                f"{name}: the run stops once the audience is put back as it was. To stop that halfway, send "
                f"{left} more: the audience then stays changed, until you run `trackly-contract restore`"
            )
            return
        self._raised = True
        raise Stopped(name if left > 0 else f"{name}, after {', '.join(self.seen[:-1])}")
