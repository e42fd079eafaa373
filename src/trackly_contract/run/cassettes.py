"""A folder of cassettes, as vcrpy writes them: what an API answered, one file a case, and a manifest of all files.

Does not skip or mend a cassette that is missing, edited or foreign.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec
import yaml
from msgspec.structs import replace
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from trackly_contract.core import ABSENT, Exchange, Request, Response, data_root, differences, recover_folder, show

HOST = "https://recorded.invalid/api"
"""The base URL under which requests are recorded, whatever it was."""

MOST_NAMED = 3
"""Damaged files that are named one by one; of more only the number is given."""


class CassetteError(Exception):
    """A cassette does not fit the run; the text names the file, what differs and what to do."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One effort of a recording: the day it was recorded, and of how many cases."""

    recorded: date
    cases: int


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cassette: the digest of its bytes, and the efforts that ask its case."""

    sha256: str
    efforts: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a folder of cassettes holds: `recorded` is the newest day, `audience_id` the id under which it is played."""

    target: Literal["live", "reference"]
    recorded: date
    tool_version: str
    audience_id: str
    efforts: tuple[str, ...]
    runs: dict[str, Run] = {}
    files: dict[str, File] = {}

    def of(self, effort: str) -> set[str]:
        """Return the names of the cassettes that an effort asks."""
        return {name for name, file in self.files.items() if effort in file.efforts}

    def day(self, effort: str) -> date:
        """Return the day on which an effort was recorded."""
        return self.runs[effort].recorded if effort in self.runs else self.recorded

    @property
    def again(self) -> str:
        """The words for recording again."""
        return f"record again ({'make record' if self.target == 'live' else 'make cassettes'})"


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def cassette_folder(name: str) -> Path:
    """Return the folder of one set of cassettes, `reference` or `live`, recovered if a replacement was cut off."""
    return recover_folder(data_root() / "cassettes" / name)


def file_of(case: str) -> str:
    """Return the name of the cassette of a case."""
    return case.replace("/", "--") + ".yaml"


def digest(path: Path) -> str:
    """Return what the manifest knows a cassette by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of what is in a folder; a cassette that `files` does not name counts for all efforts."""
    known = {name: file.efforts for name, file in manifest.files.items()}
    paths = sorted(folder.glob("*.yaml"))
    files = {path.name: File(digest(path), known.get(path.name, manifest.efforts)) for path in paths}
    counted = replace(manifest, files=files)
    runs = {effort: Run(manifest.day(effort), len(counted.of(effort))) for effort in manifest.efforts}
    content = msgspec.json.format(msgspec.json.encode(replace(counted, runs=runs)))
    (folder / "manifest.json").write_bytes(content + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder. Raises CassetteError if there is none that can be read."""
    path = folder / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, ValueError) as error:
        text = f"{path}: no manifest that can be read ({error}); put it back from version control, or record again"
        raise CassetteError(text) from None


def _check(folder: Path, manifest: Manifest) -> None:
    """Raise CassetteError, naming the files, unless all cassettes are there as they were recorded, and no others."""
    there = {path.name: digest(path) for path in folder.glob("*.yaml")}
    found = []
    for name in sorted({*there, *manifest.files}):
        if name not in there:
            found.append(f"{folder / name}: missing")
        elif name not in manifest.files:
            found.append(f"{folder / name}: not of this recording, the manifest does not know it")
        elif there[name] != manifest.files[name].sha256:
            found.append(f"{folder / name}: not as it was recorded (edited by hand, cut off, or changed by a merge)")
    wrong = [effort for effort, run in manifest.runs.items() if run.cases != len(manifest.of(effort))]
    found += [f"{folder / 'manifest.json'}: counts and names of the cases of {effort} differ" for effort in wrong]
    if len(found) > MOST_NAMED:
        found[MOST_NAMED:] = [f"and {len(found) - MOST_NAMED} more files"]
    if found:
        before = f"the recordings of {manifest.recorded} are damaged, so nothing is played:"
        after = f"put the folder back from version control (git restore {folder}), or {manifest.again}"
        raise CassetteError("\n  ".join([before, *found, after]))


def _difference(sent: Request, recorded: Request) -> str:
    """Return how a request differs from a recorded one, "" if it does not: bodies count as typed JSON."""
    if (sent.method, sent.path) != (recorded.method, recorded.path):
        return f"recorded: {recorded.method} {recorded.path}"
    if sent.body == recorded.body:
        return ""
    one, other = sent.json.strict, recorded.json.strict
    if one is ABSENT or other is ABSENT:
        return f"body: differs as bytes ({len(sent.body)} sent, {len(recorded.body)} recorded)"
    found = islice(differences(one, other), 5)
    lines = [f"{path or '/'}: sent {show(new, 80)}, recorded {show(old, 80)}" for path, new, old in found]
    return f"body: {'; '.join(lines)}" if lines else ""


class Player:
    """Plays the cassettes of one folder: answers requests, each once, in the order of the recording."""

    def __init__(self, folder: Path) -> None:
        """Open the folder. Raises CassetteError if its manifest cannot be read, or a cassette is not as it says."""
        self.folder = folder
        self.manifest = read_manifest(folder)
        _check(folder, self.manifest)
        self._asked: set[str] = set()
        self._path = folder
        self._left: list[Exchange] = []

    def exchanges(self, name: str) -> list[Exchange]:
        """Return what one cassette holds, in order. Raises FileNotFoundError, or CassetteError if it is none."""
        path = self.folder / name
        try:
            requests, responses = deserialize(path.read_text("utf-8"), yamlserializer)
            return [
                Exchange(
                    Request(request.method, request.uri.removeprefix(HOST), body=bytes(request.body or b"")),
                    Response(
                        response["status"]["code"],
                        tuple((name, value) for name, values in response["headers"].items() for value in values),
                        response["body"]["string"],
                    ),
                )
                for request, response in zip(requests, responses, strict=True)
            ]
        except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CassetteError(f"{path}: not a cassette that can be played ({error}); {self.manifest.again}") from None

    @contextmanager
    def playing(self, case: str) -> Iterator[None]:
        """Have all that is sent inside answered from the cassette of `case`; CassetteError if the two do not fit."""
        self._asked.add(file_of(case))
        self._path = path = self.folder / file_of(case)
        try:
            self._left = self.exchanges(path.name)
        except FileNotFoundError:
            raise CassetteError(f"{path}: no recording of {case}; {self.manifest.again}") from None
        yield
        if self._left:
            names = ", ".join(f"{left.request.method} {left.request.path}" for left in self._left)
            raise CassetteError(f"{path}: recorded but never asked for: {names}; {self.manifest.again}")

    def answer(self, request: Request) -> Response:
        """Return the recorded response to a request; CassetteError, with what differs, if there is none."""
        for place, left in enumerate(self._left):
            if not _difference(request, left.request):
                return self._left.pop(place).response
        alike = [_difference(request, left.request) for left in self._left if left.request.path == request.path]
        why = f"the suite asks something else than when this was recorded: {self.manifest.again}"
        lines = [f"{self._path}: no recording of {request.method} {request.path} is left", *alike[:1], why]
        raise CassetteError("\n  ".join(lines))

    def unused(self, effort: str) -> str:
        """Return in words which recordings a whole replay did not ask for, "" if it asked for all."""
        unused = sorted(self.manifest.of(effort) - self._asked)
        more = f" and {len(unused) - 1} more" if unused[1:] else ""
        return f"no case asked for {self.folder / unused[0]}{more}, so {self.manifest.again}" if unused else ""
