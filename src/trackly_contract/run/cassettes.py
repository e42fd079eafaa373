"""Cassettes: what an API answered, played by vcrpy, one file a case, beside a dated ledger.

Promises: a recording matches on method, path and the body as typed JSON; an unmatched request and a recording
left over are errors that name the file and show the difference.
Refuses: to record (recorder.py); a missing, empty, edited or foreign cassette (ledger.py): it is never skipped.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import vcr
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

from trackly_contract.core import ABSENT, JSON, NotJSONError, data_root, differences, parse, recover_folder, show
from trackly_contract.run.manifest import CassetteError, check, read_manifest

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

__all__ = [
    "CassetteError",
    "Player",
    "cassette_folder",
    "match_json_body",
    "match_path",
]

HOST = "https://recorded.invalid/api"
"""Where recorded requests seem to have gone."""

PATH = "/v2/audiences/"
"""Where paths begin to be the API's own; what stands before depends on the base URL."""

RESTORE = "restore-"
"""How the step begins that may come twice: what cannot be put back is tried again at the very end."""

AGAIN = "~"
"""What stands between a case and the number of its turn."""


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


def _sent(request: Any) -> Any:
    request.uri = f"{HOST}{own_path(request.path)}"
    return request


def own_path(path: str) -> str:
    """Return what of a path is the API's own."""
    return path[max(path.rfind(PATH), 0) :]


def _library() -> Any:
    library = vcr.VCR(record_mode="none", match_on=["method", "path", "json body"], before_record_request=_sent)
    library.register_matcher("json body", match_json_body)
    library.register_matcher("path", match_path)
    return library


def turn(case: str, done: Container[str]) -> str:
    """Return the name under which a case goes now: its own, but a restore that was done has another for the next."""
    again = f"{case}{AGAIN}2"
    return again if case.startswith(RESTORE) and case in done else case


def file_of(case: str) -> str:
    """Return the name of the cassette of a case."""
    return case.replace("/", "--") + ".yaml"


class Player:
    """Plays the cassettes of one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the folder. Raises CassetteError if its ledger cannot be read, or a cassette is not as it says."""
        self.folder = folder
        self.manifest = read_manifest(recover_folder(folder))
        check(folder, self.manifest)
        self._played: set[str] = set()

    def unused(self, effort: str) -> list[str]:
        """Return the cassettes of an effort that no case has asked for."""
        return sorted(self.manifest.of(effort) - {file_of(case) for case in self._played})

    @contextmanager
    def playing(self, case: str) -> Iterator[None]:
        """Answer everything sent inside from the cassette of `case`.

        Raises CassetteError if it is missing or no cassette, if a request is not in it, or if one is left over.
        """
        case = turn(case, self._played)
        self._played.add(case)
        path = self.folder / file_of(case)
        if not path.is_file() or not path.read_bytes().strip():
            raise CassetteError(
                f"{path}: no recording of {case}: the suite asks what it did not ask on {self.manifest.recorded}; "
                f"{self.manifest.again}"
            )
        with ExitStack() as stack:
            try:
                cassette = stack.enter_context(_library().use_cassette(str(path)))
            except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise CassetteError(
                    f"{path}: not a cassette that can be played ({error}); {self.manifest.again}"
                ) from None
            try:
                yield
            except CannotOverwriteExistingCassetteException as error:
                raise CassetteError(f"{_unmatched(path, error)}: {self.manifest.again}") from None
            left = [r for i, (r, _) in enumerate(cassette.data) if not cassette.play_counts[i]]
        if left:
            names = ", ".join(f"{request.method} {request.path}" for request in left)
            raise CassetteError(
                f"{path}: recorded but never asked for: {names}\n"
                f"  the suite asks less than on {self.manifest.recorded}: {self.manifest.again}"
            )


_MATCHED = {"match_json_body": "body", "match_path": "path"}


def _unmatched(path: Path, error: CannotOverwriteExistingCassetteException) -> str:
    sent = error.failed_request
    lines = [f"{path}: no recording of {sent.method} {sent.path}"]
    for _, _, failed in error.similar_requests[:1]:
        lines.extend(f"  {_MATCHED.get(name, name)}: {text}" for name, text in failed)
        if not failed:
            lines.append("  it was recorded, and has been played already")
    lines.append("  the suite asks something else than when this was recorded")
    return "\n".join(lines)


def cassette_folder(name: str) -> Path:
    """Return the folder of one set of cassettes, `reference` or `live`, mended if a swap of it was cut off."""
    return recover_folder(data_root() / "cassettes" / name)
