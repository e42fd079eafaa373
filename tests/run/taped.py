"""Records a case from a reference server, and plays it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from trackly_contract.core import Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import blocked
from trackly_contract.run.anonymize import AUDIENCE
from trackly_contract.run.cassettes import HOST, Manifest, Player
from trackly_contract.run.client import Client
from trackly_contract.run.recording import Recorder

MANIFEST = Manifest("reference", date(2026, 11, 21), "0.1.0", AUDIENCE_ID, ("quick",))
CASE = "filter.time.unit/weeks@top-and-first"
FILE = "filter.time.unit--weeks@top-and-first.yaml"
RENAMED = b'{"name": "Renamed"}'


def ask(client: Client, body: bytes = b"") -> Response:
    """GET the audience, or PUT a body."""
    audience = AUDIENCE if client.base_url == HOST else AUDIENCE_ID
    headers = (("X-Api-Key", REFERENCE_KEY), ("Content-Type", "application/json"))
    return client.send(Request("PUT" if body else "GET", f"/v2/audiences/{audience}", headers, body))


@contextmanager
def taping(folder: Path, answer: Callable[[Request], Response] | None = None) -> Iterator[tuple[Recorder, Client]]:
    client = Client("http://reference.invalid/api", answer or ReferenceServer().answer)
    recorder = Recorder(folder, client, "reference", AUDIENCE_ID)
    try:
        yield recorder, client
    finally:
        recorder.abandon()
        client.close()


def taped(
    folder: Path, *bodies: bytes, case: str = CASE, server: ReferenceServer | None = None, effort: str = "quick"
) -> tuple[list[Response], list[str]]:
    """Record a GET and a PUT of each body as one case, and finish; return the responses and the notes."""
    notes: list[str] = []
    with taping(folder, (server or ReferenceServer()).answer) as (recorder, client):
        with recorder.recording(case):
            got = [ask(client), *(ask(client, body) for body in bodies)]
        assert recorder.finish(effort, notes) == ""
    return got, notes


@contextmanager
def playing(folder: Path, case: str = CASE, player: Player | None = None) -> Iterator[Client]:
    player = player or Player(folder)
    with blocked(), player.playing(case):
        yield Client(HOST, player.answer)


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
