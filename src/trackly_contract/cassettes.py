"""Cassettes: what an API answered, kept by vcrpy, one file a case, beside a dated ledger.

Promises: a recording matches on method, path and the body as typed JSON; an unmatched request and a recording
left over are errors that name the file and show the difference; new recordings replace old ones only when the
run that made them is finished, and nothing of them is on disk before they hold stand-ins (standins.py) and no key.
Refuses: a missing, empty, edited or foreign cassette (ledger.py): it is never silently recorded or skipped.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import responses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vcr
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from trackly_contract import data
from trackly_contract.jsonvalue import ABSENT, JSON, NotJSONError, differences, parse, show
from trackly_contract.ledger import CassetteError, Ledger, adopt, check, compared, read_ledger, write_ledger
from trackly_contract.secrets import redacted, redacted_body
from trackly_contract.standins import AUDIENCE, Kept, StandIns
from trackly_contract.swap import settled, swap

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

__all__ = [
    "CassetteError",
    "Ledger",
    "Player",
    "Recorder",
    "folder",
    "match_json_body",
    "match_path",
    "merge",
    "swap",
    "write_ledger",
]

Asked = list[tuple[tuple[str, str, bytes], int]]
"""Requests in the order in which they were sent, each with the number of those that were answered before it."""

PATH = "/v2/audiences/"
"""Where paths begin to be the API's own; what stands before depends on the base URL."""

RECOVERY = "recover"
"""The step that puts back what an earlier run left: a replay has nothing to put back, so it is not recorded."""

RESTORE = "restore-"
"""How the step begins that may come twice: what cannot be put back is tried again at the very end."""

AGAIN = "~"
"""What stands between a case and the number of its turn."""

KEPT_HEADERS = frozenset({"content-type", "retry-after", "allow", "x-trackly-contract-reference"})
"""Headers of answers that are recorded; all others may carry what is nobody's business."""


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


def _recorded_answer(response: dict[str, Any]) -> dict[str, Any]:
    headers = {name: values for name, values in response["headers"].items() if name.lower() in KEPT_HEADERS}
    code = response["status"]["code"]
    # The words beside the status could be anything, and are not even sent by every version of HTTP.
    return {
        "status": {"code": code, "message": responses.get(code, "")},
        "headers": headers,
        "body": {"string": response["body"]["string"] or b""},
    }


def _recorded_request(request: Any, keys: set[str]) -> Any:
    keys |= {str(value) for name, value in request.headers.items() if name.lower() == "x-api-key" and value}
    request.headers = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
    request.uri = f"https://recorded.invalid/api{_path(request.path)}"
    return request


def _path(path: str) -> str:
    return path[max(path.rfind(PATH), 0) :]


class _Nowhere:
    """Keeps a new cassette off the disk, where what it holds of somebody's audience could be found."""

    @staticmethod
    def load_cassette(cassette_path: str, serializer: Any) -> Any:  # noqa: ARG004  # vcrpy names its arguments
        raise CassetteNotFoundError(cassette_path)

    @staticmethod
    def save_cassette(cassette_path: str, cassette_dict: Any, serializer: Any) -> None:
        """Leave it to Recorder.finish."""


def _library(mode: str, keys: set[str]) -> Any:
    """Return a vcrpy that puts the keys of all requests into `keys`: what it keeps in memory may hold them yet."""
    library = vcr.VCR(
        record_mode=mode,
        match_on=["method", "path", "json body"],
        before_record_request=lambda request: _recorded_request(request, keys),
        before_record_response=_recorded_answer,
        decode_compressed_response=True,
    )
    library.register_matcher("json body", match_json_body)
    library.register_matcher("path", match_path)
    return library


def _turn(case: str, done: Container[str]) -> str:
    """Return the name under which a case goes now: its own, but a restore that was done has another for the next."""
    again = f"{case}{AGAIN}2"
    return again if case.startswith(RESTORE) and case in done else case


def _file(case: str) -> str:
    return case.replace("/", "--") + ".yaml"


class Player:
    """Plays the cassettes of one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the folder. Raises CassetteError if its ledger cannot be read, or a cassette is not as it says."""
        self.folder = folder
        self.ledger = read_ledger(settled(folder))
        check(folder, self.ledger)
        self._played: set[str] = set()

    def unused(self, effort: str) -> list[str]:
        """Return the cassettes of an effort that no case has asked for."""
        return sorted(self.ledger.of(effort) - {_file(case) for case in self._played})

    @contextmanager
    def playing(self, case: str) -> Iterator[None]:
        """Answer everything sent inside from the cassette of `case`.

        Raises CassetteError if it is missing or no cassette, if a request is not in it, or if one is left over.
        """
        case = _turn(case, self._played)
        self._played.add(case)
        path = self.folder / _file(case)
        if not path.is_file() or not path.read_bytes().strip():
            raise CassetteError(
                f"{path}: no recording of {case}: the suite asks what it did not ask on {self.ledger.recorded}; "
                f"{self.ledger.again}"
            )
        with ExitStack() as stack:
            try:
                cassette = stack.enter_context(_library("none", set()).use_cassette(str(path)))
            except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise CassetteError(
                    f"{path}: not a cassette that can be played ({error}); {self.ledger.again}"
                ) from None
            try:
                yield
            except CannotOverwriteExistingCassetteException as error:
                raise CassetteError(f"{_unmatched(path, error)}: {self.ledger.again}") from None
            left = [r for i, (r, _) in enumerate(cassette.data) if not cassette.play_counts[i]]
        if left:
            names = ", ".join(f"{request.method} {request.path}" for request in left)
            raise CassetteError(
                f"{path}: recorded but never asked for: {names}\n"
                f"  the suite asks less than on {self.ledger.recorded}: {self.ledger.again}"
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
        self._cases: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
        self._keys: set[str] = set()
        self._keep = False
        self.unanswered: list[str] = []

    @property
    def answers(self) -> int:
        """How many answers were recorded, whether or not anybody could read them."""
        return sum(map(len, self._cases.values()))

    @contextmanager
    def recording(self, case: str) -> Iterator[None]:
        """Record everything sent inside as the cassette of `case`.

        Raises CassetteError if there is one already: cases have one cassette each.
        """
        name = _turn(case, self._cases)
        if name in self._cases:
            raise CassetteError(f"{case} is recorded twice in one run: cases have one cassette each")
        library = _library("all", self._keys)
        library.register_persister(_Nowhere)
        with library.use_cassette(str(self._temporary / _file(name))) as cassette:
            self._cases[name] = cassette.data
            asked = _watched(cassette)
            try:
                yield
            finally:
                if _never_answered(asked, len(cassette.data)):
                    self.unanswered.append(case)

    def finish(self, ledger: Ledger) -> list[str]:
        """Put the new recordings in the place of the old, and return what is to be said of them, a line each.

        Other efforts that were recorded before stay as long as they agree with the new one.
        Raises CassetteError if a case was recorded that cannot be played, or the folder cannot be replaced; the
        new recordings are kept then.
        """
        if self.unanswered:
            raise CassetteError(
                f"a request of {self.unanswered[0]} got no answer, so that case could not be played: record again"
            )
        self._write(ledger)
        told = self._beside_the_old(ledger)
        try:
            swap(self._temporary, self.folder)
        except OSError as error:
            self._keep = True
            raise CassetteError(
                f"{self.folder}: cannot be replaced ({error}); nothing is lost, the new recordings are in "
                f"{self._temporary}: put that folder in its place, or {ledger.again}"
            ) from error
        return told

    def _write(self, ledger: Ledger) -> None:
        cases = {case: entries for case, entries in self._cases.items() if case != RECOVERY}
        kept = [
            Kept(case.partition(AGAIN)[0], _path(request.path), _body(request), response["body"]["string"] or b"")
            for case, entries in cases.items()
            for request, response in entries
        ]
        stand_ins = StandIns(ledger.audience_id, kept)
        for case, entries in cases.items():
            requests, answers = [], []
            for request, response in entries:
                request.uri = f"https://recorded.invalid/api{stand_ins.path(_path(request.path))}"
                # The key is taken out last, of both alike: what is equal in a request and its answer stays so.
                request.body = self._without_keys(stand_ins.sent(_body(request))) or None
                answer = self._without_keys(stand_ins.answered(response["body"]["string"] or b""))
                headers = {name: [*map(self._text, values)] for name, values in response["headers"].items()}
                requests.append(request)
                answers.append({**response, "headers": headers, "body": {"string": answer}})
            text: str = serialize({"requests": requests, "responses": answers}, yamlserializer)
            (self._temporary / _file(case)).write_bytes(text.encode("utf-8"))
        write_ledger(self._temporary, replace(ledger, audience_id=AUDIENCE))

    def _without_keys(self, body: bytes) -> bytes:
        for key in sorted(self._keys):
            body = redacted_body(body, key)
        return body

    def _text(self, value: str) -> str:
        for key in sorted(self._keys):
            value = redacted(value, key)
        return value

    def _beside_the_old(self, ledger: Ledger) -> list[str]:
        count = len(list(self._temporary.glob("*.yaml")))
        told = [f"recorded {count} cases into {self.folder}: read what they hold before you commit them"]
        try:
            old = Player(self.folder).ledger if self.folder.exists() else None
        except CassetteError as error:
            return [*told, f"the recordings that stood there could not be read, and are replaced: {error}"]
        if old is None:
            return told
        told.extend(compared(self.folder, self._temporary, effort) for effort in ledger.efforts)
        for effort in old.efforts if old.target == ledger.target else ():
            if effort not in ledger.efforts:
                stays = adopt(self.folder, self._temporary, effort)
                fate = "agree and stay" if stays else "were answered otherwise and are gone: record them again"
                told.append(f"the recordings of {effort} of {old.day(effort)} {fate}")
        return told

    def abandon(self) -> None:
        """Throw the new recordings away, unless they could not be put where they belong; the old stay as they are."""
        if not self._keep:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _watched(cassette: Any) -> Asked:
    """Return a list that each request is put into as it is sent."""
    asked: Asked = []
    ask = cassette.can_play_response_for  # vcrpy calls it once for each request, before it is sent

    def watched(request: Any) -> Any:
        asked.append(((request.method, request.path, _body(request)), len(cassette.data)))
        return ask(request)

    cassette.can_play_response_for = watched
    return asked


def _never_answered(asked: Asked, answered: int) -> bool:
    """Whether a request got no answer and was not sent again at once: a replay would have none for it either."""
    following = [*asked[1:], (("", "", b""), answered)]
    pairs = zip(asked, following, strict=False)  # of nothing asked, nothing follows
    return any(done == before and again != request for (request, before), (again, done) in pairs)


def merge(new: Path, into: Path) -> None:
    """Copy the cassettes of one run into a folder of several runs, and join their ledgers.

    Raises CassetteError if a case that both have was recorded differently: one file could not serve both.
    """
    if not into.exists():
        shutil.copytree(new, into)
        return
    for effort in read_ledger(new).efforts:
        if not adopt(new, into, effort):
            both = [path for path in sorted(new.glob("*.yaml")) if (into / path.name).exists()]
            name = next(path.name for path in both if path.read_bytes() != (into / path.name).read_bytes())
            raise CassetteError(f"{name}: the same case was recorded differently by two efforts")


def folder(name: str) -> Path:
    """Return the folder of one set of cassettes, `reference` or `live`, mended if a swap of it was cut off."""
    return settled(data.root() / "cassettes" / name)
