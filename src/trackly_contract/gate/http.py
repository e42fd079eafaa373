"""The reference server over real HTTP on loopback, for clients in any language.

Promises: binds 127.0.0.1 and nothing else; the base URL is `http://127.0.0.1:PORT/api`; the server sees
method, path, headers and body as they were sent, the path with its percent signs; one request at a time is
answered; `running` leaves no thread, socket or file behind.
Refuses: TLS, other addresses, other prefixes. What is no HTTP, or a body beyond 1 GiB, is refused by waitress
itself, in plain text and without the stamp.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from waitress import wasyncore
from waitress.server import create_server

from trackly_contract.core import Headers, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from trackly_contract.reference import ReferenceServer

HOST = "127.0.0.1"
PREFIX = "/api"
"""What stands before `/v2` in a path; the live API has the same prefix."""


def sent_path(environ: WSGIEnvironment) -> str:
    """Return the path as it was sent, with its percent signs and without query."""
    sent = environ.get("REQUEST_URI") or quote(environ.get("PATH_INFO", ""), encoding="latin-1", errors="replace")
    if not sent.startswith("/"):
        # The absolute form that proxies are sent: scheme://authority/path
        sent = "/" + sent.partition("://")[2].partition("/")[2]
    path: str = sent.partition("?")[0].partition("#")[0]
    return path


def _headers(environ: WSGIEnvironment) -> Headers:
    names = {key: key.removeprefix("HTTP_") for key in environ if key.startswith("HTTP_")}
    names |= {key: key for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if key in environ}
    return tuple((name.replace("_", "-").title(), environ[key]) for key, name in names.items())


def received(environ: WSGIEnvironment, largest_body: int) -> Request:
    """Return what was sent: the path from `/v2` on; `/`, where nothing is served, for one without prefix.

    Of a body that is too long no more is read than shows that it is.
    """
    path = sent_path(environ)
    body = environ["wsgi.input"].read(largest_body + 1)
    below = path.removeprefix(PREFIX) if path.startswith(f"{PREFIX}/") else "/"
    return Request(environ["REQUEST_METHOD"], below, _headers(environ), body)


def status_line(status: int) -> str:
    """Return a status with its reason phrase, as WSGI wants it."""
    return f"{status} {responses.get(status, 'Unknown')}"


def wsgi_app(server: ReferenceServer) -> WSGIApplication:
    """Return `server` as a WSGI application below the prefix `/api`.

    A lock keeps requests apart. What an overridden method of the server raises goes through to the WSGI server,
    which answers 500.
    """
    lock = threading.Lock()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = received(environ, server.choices.largest_body)
        with lock:
            response = server.answer(request)
        length = ("Content-Length", str(len(response.body)))
        start_response(status_line(response.status), [*response.headers, length])
        return [] if request.method == "HEAD" else [response.body]

    return application


def _close(waitress: Any, channels: dict[int, Any]) -> None:
    """Close what waitress holds: workers, then connections with their spool files, then the sockets."""
    connections = list(waitress.active_channels.values())
    unfinished = [request for channel in connections for request in (channel.request, *channel.requests)]
    waitress.task_dispatcher.shutdown()
    for channel in connections:
        channel.handle_close()
    for request in filter(None, unfinished):
        request.close()
    waitress.close()
    wasyncore.close_all(channels)


@contextmanager
def running_app(application: WSGIApplication, port: int = 0, *, notices_leaving: bool = False) -> Iterator[str]:
    """Serve an application in a background thread; yields the base URL, such as `http://127.0.0.1:49152/api`.

    With `notices_leaving` the application can ask whether the client has gone (`waitress.client_disconnected`).
    `port` 0 takes a free one. Raises OSError where the port is taken, before anything is started. On leaving,
    connections that are still open are closed.
    """
    listener = socket.create_server((HOST, port))
    channels: dict[int, Any] = {}
    waitress: Any = create_server(
        application,
        map=channels,
        sockets=[listener],
        ident="trackly-contract-reference",
        channel_request_lookahead=int(notices_leaving),
    )
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=channels, count=1)

    thread = threading.Thread(target=loop, name="reference-server", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}{PREFIX}"
    finally:
        stopping.set()
        waitress.pull_trigger()
        thread.join()
        _close(waitress, channels)


@contextmanager
def running(server: ReferenceServer, port: int = 0) -> Iterator[str]:
    """Serve a reference server in a background thread; as `running_app`."""
    with running_app(wsgi_app(server), port) as url:
        yield url


def serve_forever(serving: AbstractContextManager[str], announce: Callable[[str], object] = print) -> None:
    """Serve until Ctrl-C; `announce` is called once with the base URL, when requests can come.

    `serving` is what `running` or `running_app` returns, not yet entered. Raises OSError where the port is taken.
    """
    with suppress(KeyboardInterrupt), serving as url:
        announce(url)
        forever = threading.Event()
        while not forever.wait(1):  # a wait without end cannot be interrupted everywhere
            pass
