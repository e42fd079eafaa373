"""Recording: what a run got replaces the old cassettes at its end, if the run was whole.

Does not write to disk what is not anonymized yet, or holds the key.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from http.client import responses
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from vcr.request import Request as RecordedRequest
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from trackly_contract import __version__
from trackly_contract.core import Request, Response, redacted, redacted_body, replace_folder
from trackly_contract.run import cassettes
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer
from trackly_contract.run.cassettes import CassetteError, Manifest, Player
from trackly_contract.run.client import Client

RECOVERY = "recover"
"""The step that restores what an earlier run left: a replay has nothing to restore, so it is not recorded."""

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers of responses that are recorded; all others may carry what is nobody's business."""


class Recorder:
    """Keeps what a run gets from one target, and replaces the recordings in a folder with it."""

    def __init__(self, folder: Path, client: Client, origin: Literal["live", "reference"], audience_id: str) -> None:
        """Take the folder that the recordings shall replace. Raises CassetteError if nothing can be written there."""
        self.folder, self.client, self.origin, self.audience_id = folder, client, origin, audience_id
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=".recording-", dir=folder.parent))
        except OSError as error:
            raise CassetteError(f"{folder.parent}: nothing can be recorded here ({error})") from None
        self._cases: dict[str, list[tuple[Request, Response | None]]] = {}
        self._keep = False

    @contextmanager
    def recording(self, case: str) -> Iterator[None]:
        """Record everything that the client sends inside as the cassette of `case`.

        Raises CassetteError if there is one already: cases have one cassette each.
        """
        name = cassettes.turn(case, self._cases)
        if name in self._cases:
            raise CassetteError(f"{case} is recorded twice in one run: cases have one cassette each")
        heard = self._cases[name] = []
        self.client.listener = lambda request, response: heard.append((request, response))
        try:
            yield
        finally:
            self.client.listener = None

    def finish(self, effort: str, notes: list[str], missing: str = "", *, stamped: bool = False) -> str:
        """Put the new recordings in the place of the old, and note what is new; return what failed, "" if nothing did.

        `missing` says why the run was no whole one, "" if it was. The old recordings stay if something is missing, if
        a case cannot be played, or if the responses of an API bear the stamp of the reference server.
        """
        given_up = [case for case, heard in self._cases.items() if _gives_up(heard)]
        if stamped and self.origin == "live":
            missing = "the answers bear the reference server's stamp"
        elif given_up and not missing:
            missing = f"a request of {given_up[0]} got no answer, so that case could not be played"
        if missing:
            notes.append(f"nothing recorded: {missing}; recordings that were there before are as they were")
            return ""
        manifest = Manifest(self.origin, cassettes.today(), __version__, AUDIENCE, (effort,))
        try:
            self._write()
            cassettes.write_manifest(self._temporary, manifest)
            told = [*self._beside_the_old(manifest)]
            self._keep = True
            replace_folder(self._temporary, self.folder)
            self._keep = False
        except (CassetteError, OSError) as error:
            notes.append(f"nothing recorded: {error}")
            if self._keep:
                notes[-1] += (
                    f"; nothing is lost, the new recordings are in {self._temporary}: put that folder in the place of "
                    f"{self.folder}, or {manifest.again}"
                )
            return "writing the recordings"
        count = len(list(self.folder.glob("*.yaml")))
        notes += [f"recorded {count} cases into {self.folder}: read what they hold before you commit them", *told]
        return ""

    def _write(self) -> None:
        """Write the cassettes, anonymized and without the key."""
        self._cases.pop(RECOVERY, None)
        cases = {case: [(q, r) for q, r in heard if r is not None] for case, heard in self._cases.items()}
        every = [(case.removesuffix(cassettes.AGAIN), *exchange) for case, found in cases.items() for exchange in found]
        anonymizer = Anonymizer(self.audience_id, every)
        keys = sorted({request.header("X-Api-Key") or "" for _, request, _ in every})

        def parts(message: Request | Response) -> tuple[bytes, dict[str, list[str]]]:
            headers: dict[str, list[str]] = {}
            for name, value in message.headers:
                if name.lower() in KEPT_HEADERS:
                    headers.setdefault(name.lower(), []).append(reduce(redacted, keys, value))
            # The key is taken out last, of request and response alike: what is equal in both stays so.
            return reduce(redacted_body, keys, anonymizer.body(message)), headers

        for case, exchanges in cases.items():
            recorded: dict[str, list[Any]] = {"requests": [], "responses": []}
            for request, response in exchanges:
                body, headers = parts(request)
                uri = cassettes.HOST + anonymizer.path(request.path)
                recorded["requests"].append(RecordedRequest(request.method, uri, body or None, headers))
                body, headers = parts(response)
                # The words beside the status could be anything, and are not even sent by every version of HTTP.
                status = {"code": response.status, "message": responses.get(response.status, "")}
                recorded["responses"].append({"status": status, "headers": headers, "body": {"string": body}})
            text: str = serialize(recorded, yamlserializer)
            (self._temporary / cassettes.file_of(case)).write_bytes(text.encode("utf-8"))

    def _beside_the_old(self, manifest: Manifest) -> Iterator[str]:
        """Compare with the old recordings, and take over their other efforts where they agree."""
        if not self.folder.exists():
            return
        try:
            old = Player(self.folder).manifest
        except CassetteError as error:
            yield f"the recordings that stood there could not be read, and are replaced: {error}"
            return
        yield cassettes.compared(self.folder, self._temporary, manifest.efforts[0])
        for effort in old.efforts if old.target == manifest.target else ():
            if effort not in manifest.efforts:
                stays = cassettes.adopt(self.folder, self._temporary, effort)
                fate = "agree and stay" if stays else "were answered otherwise and are gone: record them again"
                yield f"the recordings of {effort} of {old.day(effort)} {fate}"

    def abandon(self) -> None:
        """Throw the new recordings away, unless they could not be put where they belong; the old stay as they are."""
        if not self._keep:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _gives_up(heard: list[tuple[Request, Response | None]]) -> bool:
    """Whether a request got no response and was not sent again at once."""
    ended = [*heard, (None, None)]
    return any(response is None and request != after for (request, response), (after, _) in pairwise(ended))
