"""HTTP on loopback for clients in any language: a reference server, or a gate with its control interface.

Waitress does HTTP and rejects what is none, or a body beyond 1 GiB. Does not do TLS, nor listen on other addresses.
Does not take requests that web pages of other sites can make a browser send (docs/adr/0015-web-pages.md).
"""

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import responses
from ipaddress import ip_address
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress.channel import ClientDisconnected
from waitress.server import create_server

from trackly_contract.core import JSON, Request, Response, encode
from trackly_contract.gate.control import CONTROL, Control
from trackly_contract.gate.scenarios import Connection
from trackly_contract.reference import ReferenceServer

HOST = "127.0.0.1"
PREFIX = "/api"  # before `/v2` in a path, as at the live API
LONGEST_SILENCE = 120.0  # seconds that a forced timeout holds a connection whose client never leaves


class Rejection(NamedTuple):
    """Why a request is not taken for the client's: a line for the report, and what to do, for whoever sent it."""

    status: int
    reason: str
    error: str


OTHER_HOST = Rejection(
    403,
    "Host is not this machine (403): docs/gate.md, Web pages and other hosts",
    "the Host of this request is not this machine (localhost, 127.0.0.1, [::1]). If your client needs another name, "
    "allow it: trackly-contract serve --allow-host NAME, or trackly_server.hosts.add(NAME) in a test",
)
OTHER_SITE = Rejection(
    403,
    "/control was asked by a web page of another site (403)",
    "/control takes no request of a web page from another site: send it from a program, such as curl or your test",
)
PREFLIGHT = Rejection(
    405,
    "a browser sent a preflight (405): the documentation says nothing of CORS",
    "the documentation does not say whether the API takes requests of web pages from other sites (CORS), so the gate "
    "does not take them: send them from a program, or record them and use trackly-contract judge",
)

_QUIET = logging.getLogger("waitress.trackly_contract")
_QUIET.setLevel(logging.ERROR)  # a queue of requests is no news in a test


def wsgi_app(served: ReferenceServer | Control) -> WSGIApplication:
    """Return the WSGI application: the API below `/api`, and for a gate its control interface below `/control`.

    Runs under waitress, which says whether a client has left, and responds with 500 to what a server raises.
    """
    lock = threading.Lock()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        with lock:
            response, connection = _respond(served, environ)
        if connection == "timeout":
            until = time.monotonic() + LONGEST_SILENCE
            while not environ["waitress.client_disconnected"]() and time.monotonic() < until:
                time.sleep(0.02)
        if response is None:
            raise ClientDisconnected  # waitress closes the connection, and logs nothing
        length = ("Content-Length", str(len(response.body)))
        start_response(f"{response.status} {responses.get(response.status, 'Unknown')}", [*response.headers, length])
        if connection == "truncated":
            yield response.body[: len(response.body) // 2]
            raise ClientDisconnected
        if environ["REQUEST_METHOD"] != "HEAD":
            yield response.body

    return application


def _respond(served: ReferenceServer | Control, environ: WSGIEnvironment) -> tuple[Response | None, Connection]:
    path, method, body = environ["REQUEST_URI"], environ["REQUEST_METHOD"], environ["wsgi.input"].read(-1)
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]  # as proxies are sent it: scheme://authority/path
    path = path.partition("?")[0].partition("#")[0]
    control = served if isinstance(served, Control) else None
    below_control = control is not None and f"{path}/".startswith(f"{CONTROL}/")
    rejection = _rejection(environ, control.gate.hosts if control else set(), below_control=below_control)
    if rejection:
        if control:
            control.gate.unjudged[rejection.reason] += 1
        return _json(rejection.status, {"error": rejection.error}), "whole"
    if control and below_control:
        return _json(*control.respond(method, path, body)), "whole"
    below = path.removeprefix(PREFIX)
    if not path.startswith(f"{PREFIX}/"):
        below = f"http://{HOST}:{environ['SERVER_PORT']}{path}"  # no path of the API: reported in full
    names = {key: key.removeprefix("HTTP_") for key in environ if key.startswith(("HTTP_", "CONTENT_"))}
    headers = tuple((name.replace("_", "-").title(), environ[key]) for key, name in names.items())
    request = Request(method, below, headers, body)
    if isinstance(served, ReferenceServer):
        return served.answer(request), "whole"
    judged = served.gate.respond(request, environ["QUERY_STRING"])
    return judged.response, judged.connection


def _json(status: int, value: JSON) -> Response:
    return Response(status, (("Content-Type", "application/json"),), encode(value) + b"\n")


def _rejection(environ: WSGIEnvironment, hosts: set[str], *, below_control: bool) -> Rejection | None:
    """Return why a web page of another site may have sent a request, None where none can have."""
    host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
    if not _is_here(host, hosts):
        return OTHER_HOST  # as browsers send it once a page has pointed its own name at this machine
    if below_control:
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        own = origin in (None, f"http://{host}") and site in ("none", "same-origin")
        return None if own else OTHER_SITE
    asks_first = environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return PREFLIGHT if asks_first and origin is not None else None


def _is_here(host: str, hosts: set[str]) -> bool:
    """Return whether a Host header, with or without a port, is on loopback or one of `hosts`."""
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:[0-9]*)?", host.lower())
    name = match[1].strip("[]") if match else ""
    with suppress(ValueError):
        if ip_address(name).is_loopback:
            return True
    return name in {"localhost", *map(str.lower, hosts)}


@contextmanager
def running(served: ReferenceServer | Control, port: int = 0) -> Iterator[str]:
    """Serve in a background thread; yields the base URL, such as `http://127.0.0.1:49152/api`, which a gate has too.

    `port` 0 takes a free one. Raises OSError where the port is taken, before anything is started. On leaving,
    connections that are still open are closed; no thread, socket or file is left behind.
    """
    listener = socket.create_server((HOST, port))
    waitress: Any = create_server(
        wsgi_app(served),
        sockets=[listener],
        ident="trackly-contract-reference",
        asyncore_use_poll=True,
        channel_request_lookahead=1,  # by reading ahead waitress notices that a client has left
    )
    waitress.task_dispatcher.logger = waitress.task_dispatcher.queue_logger = _QUIET
    thread = threading.Thread(target=waitress.run, name="reference-server", daemon=True)
    thread.start()
    url = f"http://{HOST}:{listener.getsockname()[1]}{PREFIX}"
    if isinstance(served, Control):
        served.gate.base_url = url

    def close() -> None:
        for channel in list(waitress.active_channels.values()):
            if channel.request is not None:
                channel.request.close()  # the file of a body that is half sent
            channel.handle_close()  # ends a forced timeout too
        waitress.close()

    try:
        yield url
    finally:
        trigger = waitress.trigger
        with trigger.lock:  # else the thread may close the trigger before it is pulled
            trigger.thunks.append(close)  # called by the thread, which ends when nothing is open
            trigger.pull_trigger()
        thread.join()
        waitress.task_dispatcher.shutdown()
