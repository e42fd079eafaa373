"""Recording: what a run was answered, put in the place of the old cassettes at its end.

Promises: new recordings replace old ones only when the run that made them is finished; nothing of them is on disk
before they hold stand-ins (standins.py) and no key; what is recorded is what the run itself was told, no byte more.
Refuses: to record headers that are not listed, a case twice, or one that could not be played.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from http.client import responses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vcr.request import Request as RecordedRequest
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from trackly_contract.core import redacted, redacted_body, replace_folder
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer, Kept
from trackly_contract.run.cassettes import AGAIN, HOST, Player, file_of, own_path, turn
from trackly_contract.run.manifest import CassetteError, Manifest, adopt, compared, read_manifest, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trackly_contract.core import Request, Response
    from trackly_contract.run.client import Client

RECOVERY = "recover"
"""The step that puts back what an earlier run left: a replay has nothing to put back, so it is not recorded."""

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers of answers that are recorded; all others may carry what is nobody's business."""

KEY_HEADER = "X-Api-Key"


class Recorder:
    """Keeps what a run is answered, and puts it in the place of the old recordings at the end."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that the recordings shall replace. Raises CassetteError if nothing can be written there."""
        self.folder = folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=".recording-", dir=folder.parent))
        except OSError as error:
            raise CassetteError(f"{folder.parent}: nothing can be recorded here ({error})") from None
        self._cases: dict[str, list[tuple[Request, Response]]] = {}
        self._keep = False
        self.unanswered: list[str] = []

    @contextmanager
    def recording(self, case: str, *clients: Client) -> Iterator[None]:
        """Record everything that the clients send inside as the cassette of `case`.

        Raises CassetteError if there is one already: cases have one cassette each.
        """
        name = turn(case, self._cases)
        if name in self._cases:
            raise CassetteError(f"{case} is recorded twice in one run: cases have one cassette each")
        heard: list[tuple[Request, Response | None]] = []
        for client in clients:
            client.listener = lambda request, response: heard.append((request, response))
        try:
            yield
        finally:
            for client in clients:
                client.listener = None
            self._cases[name] = [(request, response) for request, response in heard if response is not None]
            if _never_answered(heard):
                self.unanswered.append(case)

    def finish(self, manifest: Manifest) -> list[str]:
        """Put the new recordings in the place of the old, and return what is to be said of them, a line each.

        Other efforts that were recorded before stay as long as they agree with the new one.
        Raises CassetteError if a case was recorded that cannot be played, or the folder cannot be replaced; the
        new recordings are kept then.
        """
        if self.unanswered:
            raise CassetteError(
                f"a request of {self.unanswered[0]} got no answer, so that case could not be played: record again"
            )
        self._write(manifest)
        told = self._beside_the_old(manifest)
        try:
            replace_folder(self._temporary, self.folder)
        except OSError as error:
            self._keep = True
            raise CassetteError(
                f"{self.folder}: cannot be replaced ({error}); nothing is lost, the new recordings are in "
                f"{self._temporary}: put that folder in its place, or {manifest.again}"
            ) from error
        return told

    def _write(self, manifest: Manifest) -> None:
        cases = {case: entries for case, entries in self._cases.items() if case != RECOVERY}
        kept = [
            Kept(case.partition(AGAIN)[0], own_path(request.path), request.body, response.body)
            for case, entries in cases.items()
            for request, response in entries
        ]
        anonymizer = Anonymizer(manifest.audience_id, kept)
        keys = sorted({request.header(KEY_HEADER) or "" for entries in cases.values() for request, _ in entries})
        for case, entries in cases.items():
            described = {
                "requests": [_described(request, anonymizer, keys) for request, _ in entries],
                "responses": [_answered(response, anonymizer, keys) for _, response in entries],
            }
            text: str = serialize(described, yamlserializer)
            (self._temporary / file_of(case)).write_bytes(text.encode("utf-8"))
        write_manifest(self._temporary, replace(manifest, audience_id=AUDIENCE))

    def _beside_the_old(self, manifest: Manifest) -> list[str]:
        count = len(list(self._temporary.glob("*.yaml")))
        told = [f"recorded {count} cases into {self.folder}: read what they hold before you commit them"]
        try:
            old = Player(self.folder).manifest if self.folder.exists() else None
        except CassetteError as error:
            return [*told, f"the recordings that stood there could not be read, and are replaced: {error}"]
        if old is None:
            return told
        told.extend(compared(self.folder, self._temporary, effort) for effort in manifest.efforts)
        for effort in old.efforts if old.target == manifest.target else ():
            if effort not in manifest.efforts:
                stays = adopt(self.folder, self._temporary, effort)
                fate = "agree and stay" if stays else "were answered otherwise and are gone: record them again"
                told.append(f"the recordings of {effort} of {old.day(effort)} {fate}")
        return told

    def abandon(self) -> None:
        """Throw the new recordings away, unless they could not be put where they belong; the old stay as they are."""
        if not self._keep:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _never_answered(heard: Sequence[tuple[Request, Response | None]]) -> bool:
    """Whether a request got no answer and was not sent again at once: a replay would have none for it either."""
    following = [request for request, _ in heard[1:]]
    return any(
        response is None and following[turn : turn + 1] != [request] for turn, (request, response) in enumerate(heard)
    )


def _keyless(body: bytes, keys: Iterable[str]) -> bytes:
    return reduce(redacted_body, keys, body)


def _described(request: Request, anonymizer: Anonymizer, keys: Iterable[str]) -> RecordedRequest:
    uri = f"{HOST}{anonymizer.path(own_path(request.path))}"
    # The key is taken out last, of request and answer alike: what is equal in both stays so.
    body = _keyless(anonymizer.sent(request.body), keys) or None
    return RecordedRequest(request.method, uri, body, _listed(request.headers, {"content-type"}))


def _answered(response: Response, anonymizer: Anonymizer, keys: Iterable[str]) -> dict[str, Any]:
    headers: dict[str, list[str]] = {}
    for name, value in response.headers:
        if name.lower() in KEPT_HEADERS:
            headers.setdefault(name, []).append(reduce(redacted, keys, value))
    # The words beside the status could be anything, and are not even sent by every version of HTTP.
    return {
        "status": {"code": response.status, "message": responses.get(response.status, "")},
        "headers": headers,
        "body": {"string": _keyless(anonymizer.answered(response.body), keys)},
    }


def _listed(headers: Iterable[tuple[str, str]], names: set[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers if name.lower() in names}


def merge(new: Path, into: Path) -> None:
    """Copy the cassettes of one run into a folder of several runs, and join their ledgers.

    Raises CassetteError if a case that both have was recorded differently: one file could not serve both.
    """
    if not into.exists():
        shutil.copytree(new, into)
        return
    for effort in read_manifest(new).efforts:
        if not adopt(new, into, effort):
            both = [path for path in sorted(new.glob("*.yaml")) if (into / path.name).exists()]
            name = next(path.name for path in both if path.read_bytes() != (into / path.name).read_bytes())
            raise CassetteError(f"{name}: the same case was recorded differently by two efforts")
