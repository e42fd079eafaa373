"""The ledger of a folder of cassettes: what was recorded, when, how much, and what each file must look like.

Promises: a cassette that is missing, empty, cut off, edited, or from elsewhere is an error that names the file and the
next step; recordings of several efforts share a folder only while they agree to the byte.
Refuses: to read what a cassette holds (cassettes.py), to mend anything.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

OLD = 90
"""Days after which a recording says little of the API of today."""

MOST_NAMED = 3
"""Files or cases that are named one by one; of more only the number is told."""


class CassetteError(Exception):
    """A cassette does not fit the run; the text names the file, what differs and what to do."""


@dataclass(frozen=True)
class Run:
    """One effort of a recording: the day it was recorded, and of how many cases."""

    recorded: str
    cases: int


@dataclass(frozen=True)
class File:
    """One cassette: the digest of its bytes, and the efforts that ask its case."""

    sha256: str
    efforts: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a set of cassettes is.

    The `target` it was recorded from, the newest day (`recorded`, ISO 8601), by which version of this project, under
    which audience id it is played, for which efforts; then each effort (`runs`) and each cassette (`files`).
    """

    target: str
    recorded: str
    tool_version: str
    audience_id: str
    efforts: tuple[str, ...]
    runs: Mapping[str, Run] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)

    def of(self, effort: str) -> set[str]:
        """Return the names of the cassettes that an effort asks."""
        return {name for name, file in self.files.items() if effort in file.efforts}

    def day(self, effort: str) -> str:
        """Return the day on which an effort was recorded."""
        return self.runs[effort].recorded if effort in self.runs else self.recorded

    @property
    def again(self) -> str:
        """The words for recording again."""
        return f"record again ({'make record' if self.target == 'live' else 'make cassettes'})"


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into a folder of cassettes, with the digests and numbers of what is there.

    A cassette that `ledger.files` does not know counts for all of its efforts.
    """
    files = {
        path.name: File(
            _digest(path), manifest.files[path.name].efforts if path.name in manifest.files else manifest.efforts
        )
        for path in sorted(folder.glob("*.yaml"))
    }
    counted = replace(manifest, files=files)
    runs = {effort: Run(manifest.day(effort), len(counted.of(effort))) for effort in manifest.efforts}
    text = json.dumps(asdict(replace(counted, runs=runs)), indent=2) + "\n"
    (folder / "manifest.json").write_bytes(text.encode("ascii"))


def read_manifest(folder: Path) -> Manifest:
    """Read the ledger of a folder. Raises CassetteError if there is none that can be read."""
    path = folder / "manifest.json"
    try:
        return _manifest(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise CassetteError(f"{path}: no ledger that can be read (there is none); record again") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CassetteError(
            f"{path}: no ledger that can be read ({error}); put it back from version control, or record again"
        ) from None


def _manifest(entry: Any) -> Manifest:
    runs = {effort: Run(**run) for effort, run in entry.get("runs", {}).items()}
    files = {name: File(**{**file, "efforts": tuple(file["efforts"])}) for name, file in entry.get("files", {}).items()}
    manifest = Manifest(**{**entry, "efforts": tuple(entry["efforts"]), "runs": runs, "files": files})
    if manifest.target not in ("live", "reference"):
        raise ValueError(f"target is {manifest.target!r}")
    for day in (manifest.recorded, *(run.recorded for run in runs.values())):
        date.fromisoformat(day)
    for effort, run in runs.items():
        if run.cases != len(manifest.of(effort)):
            raise ValueError(f"it says {run.cases} cases of {effort} and names {len(manifest.of(effort))}")
    return manifest


def check(folder: Path, manifest: Manifest) -> None:
    """Raise CassetteError, naming the files, unless all cassettes are there as they were recorded, and no others."""
    found = []
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path}: missing")
        elif not path.read_bytes().strip():
            found.append(f"{path}: empty")
        elif _digest(path) != file.sha256:
            found.append(f"{path}: not as it was recorded (edited by hand, cut off, or changed by a merge)")
    strangers = sorted(path for path in folder.glob("*.yaml") if path.name not in manifest.files)
    found += [f"{path}: not of this recording, the ledger does not know it" for path in strangers]
    if found:
        more = [f"and {len(found) - MOST_NAMED} more files"] if len(found) > MOST_NAMED else []
        raise CassetteError(
            "\n  ".join(
                [
                    f"the recordings of {manifest.recorded} are damaged, so nothing is played:",
                    *found[:MOST_NAMED],
                    *more,
                    f"put the folder back from version control (git restore {folder}), or {manifest.again}",
                ]
            )
        )


def adopt(old: Path, new: Path, effort: str) -> bool:
    """Let one more effort, recorded in the folder `old`, live in the folder `new`; return whether that is sound.

    It is where both answer every case that they share alike, to the byte; otherwise nothing is done.
    Raises CassetteError if a ledger cannot be read.
    """
    theirs, ours = read_manifest(old), read_manifest(new)
    names = theirs.of(effort)
    if any((new / name).exists() and (new / name).read_bytes() != (old / name).read_bytes() for name in names):
        return False
    files = dict(ours.files)
    for name in names:
        shutil.copyfile(old / name, new / name)
        others = files[name].efforts if name in files else ()
        files[name] = File("", tuple(dict.fromkeys((*others, effort))))
    write_manifest(
        new,
        replace(
            ours,
            recorded=max(ours.recorded, theirs.day(effort)),
            efforts=tuple(dict.fromkeys((*ours.efforts, effort))),
            runs={**ours.runs, effort: Run(theirs.day(effort), len(names))},
            files=files,
        ),
    )
    return True


def _named(count: str, names: Iterable[str]) -> str:
    known = sorted(name.removesuffix(".yaml").replace("--", "/") for name in names)
    shown = ", ".join(known[:MOST_NAMED]) + (", ..." if len(known) > MOST_NAMED else "")
    return f"{len(known)} {count} ({shown})" if known else ""


def compared(old: Path, new: Path, effort: str) -> str:
    """Return in one line which cases of an effort are new, changed or vanished beside the recordings in `old`.

    Raises CassetteError if either ledger cannot be read.
    """
    before, after = read_manifest(old), read_manifest(new)
    asked = after.of(effort)
    known = before.of(effort) if effort in before.efforts else set(before.files)
    changed = {name for name in asked & known if before.files[name].sha256 != after.files[name].sha256}
    vanished = known - asked if effort in before.efforts else set()
    told = [_named("new", asked - known), _named("changed", changed), _named("vanished", vanished)]
    same = len(asked & known) - len(changed)
    parts = [f"{same} the same", *filter(None, told)]
    return f"beside the recordings of {before.day(effort)}: {', '.join(parts)}"


def days_old(manifest: Manifest, effort: str, day: date) -> int:
    """Return how many days before `day` an effort was recorded; 0 for a date that is still to come."""
    return max((day - date.fromisoformat(manifest.day(effort))).days, 0)
