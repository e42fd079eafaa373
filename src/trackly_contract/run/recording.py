"""Recording: what a run got replaces the old cassettes at its end, if the run was whole.

Does not write to disk what is not anonymized yet, or holds the key.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import reduce
from http.client import responses
from pathlib import Path
from typing import Any, Literal

from vcr.request import Request as RecordedRequest
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from trackly_contract import __version__
from trackly_contract.core import Exchange, Request, Response, redacted, redacted_body, replace_folder
from trackly_contract.run import cassettes
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer
from trackly_contract.run.cassettes import CassetteError, Manifest, Player

RECOVERY = "recover"
"""The step that restores what an earlier run left: a replay has nothing to restore, so it is not recorded."""

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers that are recorded; all others may carry what is nobody's business."""

Cases = Iterable[tuple[str, list[Exchange]]]


class Recorder:
    """Replaces the recordings in a folder with what a run got from one target."""

    def __init__(self, folder: Path, origin: Literal["live", "reference"], audience_id: str) -> None:
        """Take the folder that the recordings shall replace. Raises CassetteError if nothing can be written there."""
        self.folder, self.origin, self.audience_id = folder, origin, audience_id
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=".recording-", dir=folder.parent))
        except OSError as error:
            raise CassetteError(f"{folder.parent}: nothing can be recorded here ({error})") from None
        self._keep = False

    def finish(self, effort: str, cases: Cases, notes: list[str], missing: str = "", *, stamped: bool = False) -> str:
        """Put the new recordings in the place of the old, and note that; return what failed, "" if nothing did.

        `cases` are the exchanges of each, in the order of the run; `missing` says why the run was no whole one, "" if
        it was. The old recordings stay if something is missing, or if the responses of an API bear the stamp of the
        reference server.
        """
        if stamped and self.origin == "live":
            missing = "the answers bear the reference server's stamp"
        if missing:
            notes.append(f"nothing recorded: {missing}; recordings that were there before are as they were")
            return ""
        manifest = Manifest(self.origin, cassettes.today(), __version__, AUDIENCE, (effort,))
        try:
            self._write(cases)
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

    def _write(self, cases: Cases) -> None:
        """Write the cassettes, anonymized and without the key."""
        kept = [(case, exchanges) for case, exchanges in cases if case != RECOVERY]
        every = [(case, exchange) for case, exchanges in kept for exchange in exchanges]
        anonymizer = Anonymizer(self.audience_id, every)
        keys = sorted({exchange.request.header("X-Api-Key") or "" for _, exchange in every})

        def parts(message: Request | Response) -> tuple[bytes, dict[str, list[str]]]:
            headers: dict[str, list[str]] = {}
            for name, value in message.headers:
                if name.lower() in KEPT_HEADERS:
                    headers.setdefault(name.lower(), []).append(reduce(redacted, keys, value))
            # The key is taken out last, of request and response alike: what is equal in both stays so.
            return reduce(redacted_body, keys, anonymizer.body(message)), headers

        written: set[str] = set()
        for case, exchanges in kept:
            recorded: dict[str, list[Any]] = {"requests": [], "responses": []}
            for exchange in exchanges:
                request, response = exchange.request, exchange.response
                body, headers = parts(request)
                uri = cassettes.HOST + anonymizer.path(request.path)
                recorded["requests"].append(RecordedRequest(request.method, uri, body or None, headers))
                body, headers = parts(response)
                # The words beside the status could be anything, and are not even sent by every version of HTTP.
                status = {"code": response.status, "message": responses.get(response.status, "")}
                recorded["responses"].append({"status": status, "headers": headers, "body": {"string": body}})
            text: str = serialize(recorded, yamlserializer)
            name = cassettes.turn(case, written)
            written.add(name)
            (self._temporary / cassettes.file_of(name)).write_bytes(text.encode("utf-8"))

    def _beside_the_old(self, manifest: Manifest) -> Iterator[str]:
        """Take over the other efforts of the old recordings where they agree."""
        if not self.folder.exists():
            return
        try:
            old = Player(self.folder).manifest
        except CassetteError as error:
            yield f"the recordings that stood there could not be read, and are replaced: {error}"
            return
        for effort in old.efforts if old.target == manifest.target else ():
            if effort not in manifest.efforts:
                stays = cassettes.adopt(self.folder, self._temporary, effort)
                fate = "agree and stay" if stays else "were answered otherwise and are gone: record them again"
                yield f"the recordings of {effort} of {old.day(effort)} {fate}"

    def abandon(self) -> None:
        """Throw the new recordings away, unless they could not be put where they belong; the old stay as they are."""
        if not self._keep:
            shutil.rmtree(self._temporary, ignore_errors=True)
