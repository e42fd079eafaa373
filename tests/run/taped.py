"""Records a case from the reference server over real HTTP on loopback, and plays it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from trackly_contract.core import Request, Response
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import blocked
from trackly_contract.run.anonymize import AUDIENCE
from trackly_contract.run.cassettes import Player
from trackly_contract.run.client import Client
from trackly_contract.run.manifest import Manifest
from trackly_contract.run.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PATH = f"/v2/audiences/{AUDIENCE_ID}"
PLAYED = f"/v2/audiences/{AUDIENCE}"
PLAYING = "https://recorded.invalid/api"
LEDGER = Manifest("reference", "2026-11-21", "0.1.0", AUDIENCE_ID, ("quick",))
NOWHERE = "http://127.0.0.1:9/api"
CASE = "filter.time.unit/weeks@top-and-first"
FILE = "filter.time.unit--weeks@top-and-first.yaml"
WIDE = b'{"name": "Zo\\u00eb \\ud83d", "filter": {"operator": "AND", "conditions": [{"value": 1}]}}'


def ask(client: Client, body: bytes = b"", path: str = "") -> Response:
    method = "PUT" if body else "GET"
    path = path or (PLAYED if client.base_url == PLAYING else PATH)
    return client.send(Request(method, path, (("X-Api-Key", REFERENCE_KEY),), body))


@contextmanager
def asking(base: str) -> Iterator[Client]:
    client = Client(base)
    try:
        yield client
    finally:
        client.close()


def taped(
    folder: Path, *bodies: bytes, case: str = CASE, server: ReferenceServer | None = None, effort: str = "quick"
) -> tuple[list[Response], list[str]]:
    """Record a GET and a PUT of each body as one case, and finish; return the answers, and what is said of them."""
    recorder = Recorder(folder)
    try:
        with running(server or ReferenceServer()) as base, asking(base) as client, recorder.recording(case, client):
            got = [ask(client), *(ask(client, body) for body in bodies)]
        return got, recorder.finish(replace(LEDGER, efforts=(effort,)))
    finally:
        recorder.abandon()


@contextmanager
def playing(folder: Path, case: str = CASE) -> Iterator[Client]:
    with blocked(), asking(PLAYING) as client, Player(folder).playing(case):
        yield client


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
