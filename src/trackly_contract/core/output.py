"""Standard output and error that never change how a program ends.

What cannot be written, to a full disk or to nobody, is dropped; what cannot be encoded is escaped.
"""

import os
import select
import sys
from contextlib import suppress
from errno import EBADF
from io import FileIO, TextIOWrapper
from typing import Any


class _Stream(FileIO):
    """A stream of this process that drops what cannot be written; `failure` says why."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        rest = memoryview(data)
        try:
            while rest:
                written = super().write(rest)
                if written is None:  # whoever shares the stream made it non-blocking
                    select.select((), (self,), ())
                rest = rest[written or 0 :]
        except OSError as error:
            self.failure = self.failure or error
        return len(data)


def guard_output() -> None:
    """Guard standard output and error until this process ends. A stream that was closed leads nowhere from now on.

    Leaves alone what a program put in the place of a stream, and consoles of Windows, which are no files.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        console = os.name != "posix" and (stream is None or stream.isatty())
        if console or stream is not getattr(sys, f"__{name}__"):
            continue
        # The next file or connection would get the number of a closed stream, and all that is printed.
        where = number if stream is not None else os.open(os.devnull, os.O_RDWR)
        if name == "stdin":
            sys.stdin = stream or TextIOWrapper(FileIO(where))
            continue
        with suppress(AttributeError, OSError):
            stream.flush()
        options: Any = {option: getattr(stream, option, False) for option in ("line_buffering", "write_through")}
        raw, encoding = _Stream(where, "w", closefd=False), getattr(stream, "encoding", "utf-8")
        raw.failure = OSError(EBADF, os.strerror(EBADF)) if stream is None else None
        setattr(sys, name, TextIOWrapper(raw, encoding, "backslashreplace", **options))


def output_failure() -> OSError | None:
    """Return why not all of standard output was written, BrokenPipeError where nobody reads it; None if all was."""
    raw = getattr(sys.stdout, "buffer", None)
    if not isinstance(raw, _Stream):
        return None
    sys.stdout.flush()
    return raw.failure
