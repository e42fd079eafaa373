"""The gate over real HTTP on loopback, for clients in any language, with the control interface beside it.

Promises: what serve.py promises; answers below `/api`, control below `/control`; a forced timeout holds the connection
until the client leaves, a forced disconnection closes it unanswered, a truncated answer breaks off in its middle.
Refuses: other addresses than 127.0.0.1.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from waitress.channel import ClientDisconnected

from trackly_contract.core import encode
from trackly_contract.gate.control import PREFIX as CONTROL
from trackly_contract.gate.control import Control
from trackly_contract.gate.http import PREFIX as API
from trackly_contract.gate.http import received, running_app, sent_path, status_line
from trackly_contract.gate.scenarios import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


LONGEST_SILENCE = 120.0
"""Seconds that a forced timeout holds a connection whose client never leaves."""

_LARGEST_BODY = 5_000_000
_LARGEST_JUDGED = 100_000_000
"""Bytes of a body that are judged: more than are accepted, as what is cut off is no JSON."""


def application_of(control: Control, closing: threading.Event) -> WSGIApplication:
    """Return a gate and its control interface as a WSGI application; `closing` ends what is held back."""
    gate = control.gate

    def controlled(environ: WSGIEnvironment, path: str) -> tuple[int, bytes]:
        body = environ["wsgi.input"].read(_LARGEST_BODY + 1)
        status, value = control.answer(environ["REQUEST_METHOD"], path, body)
        return status, encode(value) + b"\n"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = sent_path(environ)
        if path == CONTROL or path.startswith(f"{CONTROL}/"):
            status, body = controlled(environ, path)
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            start_response(status_line(status), headers)
            return [body]
        request = received(environ, max(_LARGEST_JUDGED, gate.server.choices.largest_body))
        if not path.startswith(f"{API}/"):
            request = replace(request, path=gate.base_url.removesuffix(API) + path)  # told in full
        sent = gate.answer(request, environ.get("QUERY_STRING", ""))
        if sent.connection is Connection.TIMEOUT:
            _hold(environ["waitress.client_disconnected"], closing)
        if sent.response is None:
            raise ClientDisconnected  # waitress closes the connection without a word
        body = sent.response.body
        start_response(status_line(sent.response.status), [*sent.response.headers, ("Content-Length", str(len(body)))])
        if request.method == "HEAD":
            return []
        return [body[: len(body) // 2]] if sent.connection is Connection.TRUNCATED else [body]

    return application


def _hold(gone: Callable[[], bool], closing: threading.Event) -> None:
    until = time.monotonic() + LONGEST_SILENCE
    while not (gone() or closing.is_set()) and time.monotonic() < until:
        closing.wait(0.02)


@contextmanager
def running_gate(control: Control, port: int = 0) -> Iterator[str]:
    """Serve a gate in a background thread; yields the base URL, which the gate then has too.

    Raises OSError where the port is taken, before anything is started.
    """
    closing = threading.Event()
    quiet = logging.getLogger("waitress")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # that an answer was cut short is no news where that was asked for
    try:
        with running_app(application_of(control, closing), port, notices_leaving=True) as url:
            control.gate.base_url = url
            try:
                yield url
            finally:
                closing.set()
    finally:
        quiet.setLevel(level)
