"""Cassettes: what an API answered, kept by vcrpy, one file a case, beside a dated ledger.

Promises: a recording matches on method, path and the body as typed JSON; an unmatched request and a recording
left over are errors that name the file and show the difference; new recordings replace old ones only when the
run that made them is finished.
Refuses: a missing, empty or foreign cassette: it is never silently recorded or skipped.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vcr
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

from trackly_contract import data
from trackly_contract.jsonvalue import ABSENT, JSON, NotJSONError, differences, parse, show

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers of answers that are recorded; all others may carry what is nobody's business."""


class CassetteError(Exception):
    """A cassette does not fit the run; the text names the file, what differs and what to do."""


@dataclass(frozen=True)
class Ledger:
    """What a set of cassettes is.

    The `target` it was recorded from, the day (`recorded`, ISO 8601), by which version of this project, from which
    audience, for which efforts.
    """

    target: str
    recorded: str
    tool_version: str
    audience_id: str
    efforts: tuple[str, ...]


def _body(request: Any) -> bytes:
    return bytes(request.body or b"")


def _parsed(body: bytes) -> JSON:
    return parse(body) if body else ABSENT


def match_json_body(sent: Any, recorded: Any) -> None:
    """Compare two bodies as typed JSON; what is not JSON, as bytes. A vcrpy matcher: raises AssertionError."""
    one, other = _body(sent), _body(recorded)
    try:
        found = list(differences(_parsed(one), _parsed(other)))
    except NotJSONError:
        if one != other:
            raise AssertionError(f"bodies differ as bytes ({len(one)} sent, {len(other)} recorded)") from None
        return
    if found:
        lines = [f"{place or '/'}: sent {show(new, 80)}, recorded {show(old, 80)}" for place, new, old in found[:5]]
        raise AssertionError("; ".join(lines))


def match_path(sent: Any, recorded: Any) -> None:
    """Compare paths, whatever the host. A vcrpy matcher: raises AssertionError."""
    if sent.path != recorded.path:
        raise AssertionError(f"sent to {sent.path}, recorded at {recorded.path}")


def _recorded_answer(response: dict[str, Any], keys: set[bytes]) -> dict[str, Any]:
    kept = {name: value for name, value in response["headers"].items() if name.lower() in KEPT_HEADERS}
    body = response["body"]
    for key in keys:
        if isinstance(body.get("string"), bytes):
            body = {**body, "string": body["string"].replace(key, b"(the key)")}
    return {**response, "headers": kept, "body": body}


def _recorded_request(request: Any, keys: set[bytes]) -> Any:
    keys |= {str(value).encode() for name, value in request.headers.items() if name.lower() == "x-api-key" and value}
    request.headers = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
    request.uri = "https://recorded.invalid" + request.path
    return request


def _library(mode: str) -> Any:
    keys: set[bytes] = set()
    library = vcr.VCR(
        record_mode=mode,
        match_on=["method", "path", "json body"],
        before_record_request=lambda request: _recorded_request(request, keys),
        before_record_response=lambda response: _recorded_answer(response, keys),
        decode_compressed_response=True,
    )
    library.register_matcher("json body", match_json_body)
    library.register_matcher("path", match_path)
    return library


def _file(case: str) -> str:
    return case.replace("/", "--") + ".yaml"


class Player:
    """Plays the cassettes of one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the folder. Raises CassetteError if it has no ledger that can be read."""
        self.folder = folder
        try:
            entry = json.loads((folder / "ledger.json").read_text("utf-8"))
            self.ledger = Ledger(**{**entry, "efforts": tuple(entry["efforts"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CassetteError(
                f"{folder / 'ledger.json'}: no ledger that can be read ({error}); record again"
            ) from None

    @contextmanager
    def playing(self, case: str) -> Iterator[None]:
        """Answer everything sent inside from the cassette of `case`.

        Raises CassetteError if it is missing or no cassette, if a request is not in it, or if one is left over.
        """
        path = self.folder / _file(case)
        if not path.is_file() or not path.read_bytes().strip():
            raise CassetteError(f"{path}: no recording of {case}; record this effort again")
        with ExitStack() as stack:
            try:
                cassette = stack.enter_context(_library("none").use_cassette(str(path)))
            except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise CassetteError(f"{path}: not a cassette that can be played: {error}") from None
            try:
                yield
            except CannotOverwriteExistingCassetteException as error:
                raise CassetteError(_unmatched(path, error)) from None
            left = [r for i, (r, _) in enumerate(cassette.data) if not cassette.play_counts[i]]
        if left:
            names = ", ".join(f"{request.method} {request.path}" for request in left)
            raise CassetteError(f"{path}: recorded but never asked for: {names}; record again")


def _unmatched(path: Path, error: CannotOverwriteExistingCassetteException) -> str:
    sent = error.failed_request
    lines = [f"{path}: no recording of {sent.method} {sent.path}"]
    for _, _, failed in error.similar_requests[:1]:
        lines.extend(f"  {name}: {text}" for name, text in failed)
        if not failed:
            lines.append("  it was recorded, and has been played already")
    lines.append("  the suite asks something else than when this was recorded: record again")
    return "\n".join(lines)


class Recorder:
    """Records into a temporary folder, and swaps it in at the end."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that the recordings shall replace."""
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(prefix=".recording-", dir=folder.parent))

    @contextmanager
    def recording(self, case: str) -> Iterator[None]:
        """Record everything sent inside as the cassette of `case`."""
        path = self._temporary / _file(case)
        if path.exists():
            raise CassetteError(f"{case} is recorded twice in one run: cases have one cassette each")
        with _library("all").use_cassette(str(path)):
            yield
        if not path.exists():
            path.write_text("interactions: []\nversion: 1\n", "utf-8")

    def finish(self, ledger: Ledger) -> None:
        """Write the ledger and put the new recordings in the place of the old."""
        write_ledger(self._temporary, ledger)
        swap(self._temporary, self.folder)

    def abandon(self) -> None:
        """Throw the new recordings away and leave the old as they are."""
        shutil.rmtree(self._temporary, ignore_errors=True)


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Write `ledger.json` into a folder of cassettes."""
    text = json.dumps(asdict(ledger), indent=2) + "\n"
    (folder / "ledger.json").write_text(text, "utf-8")


def swap(new: Path, folder: Path) -> None:
    """Put the folder `new` in the place of `folder`, which keeps its old content until the last moment."""
    beside = folder.with_name(f".new-{folder.name}")
    old = folder.with_name(f".old-{folder.name}")
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(new, beside)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def merge(new: Path, into: Path) -> None:
    """Copy the cassettes of one run into a folder of several runs.

    Raises CassetteError if a case that both have was recorded differently: one file could not serve both.
    """
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(new.glob("*.yaml")):
        there = into / path.name
        if there.exists() and there.read_bytes() != path.read_bytes():
            raise CassetteError(f"{path.name}: the same case was recorded differently by two efforts")
        shutil.copyfile(path, there)


def folder(name: str) -> Path:
    """Return the folder of one set of cassettes: `reference` or `live`."""
    return data.root() / "cassettes" / name
