"""Blocks the network for runs that need none, so that nothing can be sent by mistake.

Promises: while blocked, no socket connects and no name is looked up; afterwards everything is as before.
Refuses: to guess what is harmless: loopback is blocked too.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator


class NetworkBlockedError(RuntimeError):
    """Something tried to open a connection in a run that is offline."""


def _refuse(*args: Any, **_kwargs: Any) -> NoReturn:
    where = next((arg for arg in args if isinstance(arg, tuple | str)), "somewhere")
    raise NetworkBlockedError(f"this run is offline, yet a connection to {where!r} was tried")


@contextmanager
def blocked() -> Iterator[None]:
    """Refuse every connection and name look-up inside."""
    with (
        patch.object(socket.socket, "connect", _refuse),
        patch.object(socket.socket, "connect_ex", _refuse),
        patch.object(socket.socket, "sendto", _refuse),
        patch.object(socket.socket, "sendmsg", _refuse, create=True),
        patch.object(socket, "getaddrinfo", _refuse),
        patch.object(socket, "gethostbyname", _refuse),
        patch.object(socket, "gethostbyname_ex", _refuse),
        patch.object(socket, "gethostbyaddr", _refuse),
        patch.object(socket, "getnameinfo", _refuse),
    ):
        yield
