"""Records a case from a reference server, and plays it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from trackly_contract.core import Exchange, Request, Response
from trackly_contract.generate import Effort
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import Session, TargetName, blocked, recording
from trackly_contract.run.anonymize import AUDIENCE
from trackly_contract.run.cassettes import HOST, Manifest, Player
from trackly_contract.run.client import Client
from trackly_contract.run.targets import embedded_target

MANIFEST = Manifest("reference", date(2026, 11, 21), "0.1.0", AUDIENCE_ID, ("quick",))
CASE = "filter.time.unit/weeks@top-and-first"
FILE = "filter.time.unit--weeks@top-and-first.yaml"
RENAMED = b'{"name": "Renamed"}'


def request(body: bytes = b"", audience: str = AUDIENCE_ID) -> Request:
    """GET the audience, or PUT a body."""
    headers = (("X-Api-Key", REFERENCE_KEY), ("Content-Type", "application/json"))
    return Request("PUT" if body else "GET", f"/v2/audiences/{audience}", headers, body)


def exchanges(*bodies: bytes, server: ReferenceServer | None = None) -> list[Exchange]:
    """A GET and a PUT of each body, with the responses of a server as a client has them."""
    server = server or ReferenceServer()
    with closing(Client(HOST, server.answer)) as client:
        return [Exchange(request(body), client.send(request(body))) for body in (b"", *bodies)]


def record(
    folder: Path,
    *cases: tuple[str, list[Exchange]],
    effort: Effort = "quick",
    origin: TargetName = "reference",
    missing: str = "",
    stamped: bool = False,
    failed: str = "",
) -> list[str]:
    """Record cases, and return the notes."""
    session = Session(replace(embedded_target(), name=origin, recording=folder), effort)
    session.cases, session.stamped = [*cases], stamped
    told = recording.record(session, missing)
    assert (told.startswith(failed), bool(told)) == (True, bool(failed))
    return session.notes


def taped(folder: Path, *bodies: bytes, case: str = CASE, effort: Effort = "quick") -> list[str]:
    """Record a GET and a PUT of each body as one case, and return the notes."""
    return record(folder, (case, exchanges(*bodies)), effort=effort)


def ask(client: Client, body: bytes = b"") -> Response:
    """Ask a player."""
    return client.send(request(body, AUDIENCE))


@contextmanager
def playing(folder: Path, case: str = CASE, player: Player | None = None) -> Iterator[Client]:
    player = player or Player(folder)
    with blocked(), player.playing(case), closing(Client(HOST, player.answer)) as client:
        yield client


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
