"""Recording: what a run got replaces the old cassettes at its end, if the run was whole.

Does not write to disk what is not anonymized yet. The client took the key out of every response (client.py).
"""

import shutil
import tempfile
from http.client import responses
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace
from vcr.request import Request as RecordedRequest
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from trackly_contract import __version__
from trackly_contract.core import Request, Response, replace_folder
from trackly_contract.run import cassettes
from trackly_contract.run.anonymize import AUDIENCE, Anonymizer
from trackly_contract.run.cassettes import CassetteError, File, Manifest, Player, Run
from trackly_contract.run.session import Session

RECOVERY = "recover"
"""The step that restores what an earlier run left: a replay has nothing to restore, so it is not recorded."""

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers that are recorded; all others may carry what is nobody's business."""


def record(session: Session, missing: str = "") -> str:
    """Put what a run got in the place of the old recordings, and note that; return why not, "" if the disk allowed it.

    `missing` says why the run was no whole one, "" if it was. The old recordings stay if something is missing, or if
    the responses of an API bear the stamp of the reference server.
    """
    target, notes, folder = session.target, session.notes, session.target.recording
    assert folder is not None
    if session.stamped and target.name == "live":
        missing = "the answers bear the reference server's stamp"
    if missing:
        notes.append(f"nothing recorded: {missing}; recordings that were there before are as they were")
        return ""
    origin: Literal["live", "reference"] = "live" if target.name == "live" else "reference"
    manifest = Manifest(origin, cassettes.today(), __version__, AUDIENCE, (session.effort,))
    new, told = Path(tempfile.mkdtemp(prefix="trackly-recording-")), list[str]()
    try:
        _write(session, new)
        count = len(list(new.glob("*.yaml")))
        cassettes.write_manifest(new, _with_others(manifest, new, folder, told))
        replace_folder(new, folder)
    except OSError as error:
        there = f"if it has a manifest.json, put it in the place of {folder}; else {manifest.again}"
        return f"the recordings: {error}; what was recorded is in {new}: {there}"
    shutil.rmtree(new, ignore_errors=True)
    notes += [f"recorded {count} cases into {folder}: read what they hold before you commit them", *told]
    return ""


def _write(session: Session, folder: Path) -> None:
    """Write the cassettes, anonymized."""
    cases = [(case, exchanges) for case, exchanges in session.cases if case != RECOVERY]
    every = [(case, exchange) for case, exchanges in cases for exchange in exchanges]
    anonymizer = Anonymizer(session.target.audience_id, every)

    def parts(message: Request | Response) -> tuple[bytes, dict[str, list[str]]]:
        headers: dict[str, list[str]] = {}
        for name, value in message.headers:
            if name.lower() in KEPT_HEADERS:
                headers.setdefault(name.lower(), []).append(value)
        return anonymizer.body(message), headers

    for case, exchanges in cases:
        recorded: dict[str, list[Any]] = {"requests": [], "responses": []}
        for exchange in exchanges:
            request, response = exchange.request, exchange.response
            (sent, sent_headers), (body, headers) = parts(request), parts(response)
            uri = cassettes.HOST + anonymizer.path(request.path)
            recorded["requests"].append(RecordedRequest(request.method, uri, sent or None, sent_headers))
            # The words beside the status could be anything, and are not even sent by every version of HTTP.
            status = {"code": response.status, "message": responses.get(response.status, "")}
            recorded["responses"].append({"status": status, "headers": headers, "body": {"string": body}})
        text: str = serialize(recorded, yamlserializer)
        (folder / cassettes.file_of(case)).write_bytes(text.encode("utf-8"))


def _with_others(manifest: Manifest, new: Path, folder: Path, notes: list[str]) -> Manifest:
    """Take over the other efforts of the old recordings, where both have the same bytes for every case they share."""
    if not folder.exists():
        return manifest
    try:
        old = Player(folder).manifest
    except CassetteError as error:
        notes.append(f"the recordings that stood there could not be read, and are replaced: {error}")
        return manifest
    asked = {path.name: manifest.efforts for path in new.glob("*.yaml")}
    for effort in old.efforts:
        if effort in manifest.efforts or old.target != manifest.target:
            continue
        names, day = old.of(effort), old.day(effort)
        if any(cassettes.digest(new / name) != old.files[name].sha256 for name in names & asked.keys()):
            notes.append(f"the recordings of {effort} of {day} were answered otherwise and are gone: record them again")
            continue
        notes.append(f"the recordings of {effort} of {day} agree and stay")
        for name in names:
            shutil.copyfile(folder / name, new / name)
            asked[name] = (*asked.get(name, ()), effort)
        efforts, runs = (*manifest.efforts, effort), {**manifest.runs, effort: Run(day, len(names))}
        manifest = replace(manifest, recorded=max(manifest.recorded, day), efforts=efforts, runs=runs)
    return replace(manifest, files={name: File("", efforts) for name, efforts in asked.items()})
