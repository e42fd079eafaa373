"""What live runs observed, kept in two files that people review and commit: contracts/answers.toml and observed.toml.

Of two entries about the same thing at the same base URL the newer day counts. Does not keep what the reference server
did, and does not change a file that it cannot read.
"""

import datetime as dt  # msgspec reads the types of fields
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, structs

from trackly_contract.contract import KINDS, ContractError, Entry, Observation, Observed, contract, read_entries
from trackly_contract.core import data_root, one_line, toml_entries, write_file
from trackly_contract.report.compare import Described, WrongFileError

_Text = Annotated[str, Meta(min_length=1)]


class Answered(Entry, frozen=True):
    """What a live API answered to one probe of a question: where, on which day."""

    question: str
    probe: _Text
    said: _Text
    base_url: _Text
    date: dt.date

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about; of two with the same key the newer one counts."""
        return self.base_url, self.question, self.probe

    @property
    def result(self) -> str:
        """What came of it, in words."""
        return self.said


Kept = TypeVar("Kept", Answered, Observed)


def _change(old: Answered | Observed, result: str) -> str:
    """Return in words that another result came later, empty if it is the same."""
    return f"{', '.join(old.key[1:])}: {result}; on {old.date} it was: {old.result}" if result != old.result else ""


@dataclass(frozen=True)
class Kind(Generic[Kept]):
    """One of the two files: its table of entries, whose first field is one of `subjects`; `in_report` fills it."""

    file_name: str
    table: str
    entry: type[Kept]
    subjects: Callable[[], Sequence[str]]
    in_report: str
    header: str

    @property
    def file(self) -> Path | None:
        """The file of the checkout, None where there is no checkout."""
        root = data_root()
        return root / "contracts" / self.file_name if (root / "pyproject.toml").is_file() else None

    def _known(self, entries: list[Kept], where: object) -> list[Kept]:
        for _, subject, _ in (entry.key for entry in entries):
            if subject not in self.subjects():
                raise ContractError(f"{where}: there is no {self.entry.__struct_fields__[0]} {subject}")
        return entries

    def read(self, path: Path) -> list[Kept]:
        """Return the entries of a file, none if it is missing; ContractError if it holds anything but such entries."""
        entries = read_entries(path, self.table, self.entry, "key").values() if path.exists() else ()
        return self._known(list(entries), path)

    def found(self, report: Described) -> list[Kept]:
        """Return the entries of a report, from `compare.load_report`. Raises WrongFileError if it holds none."""
        run = {**report, "date": dt.date.fromisoformat(report["started_at"][:10])}
        rows = [{**run, **row} for row in report[self.in_report] if row["said"]]
        if not rows:
            why = "the run was narrowed or read-only, came to an early end, or lacked --trackly-questions"
            raise WrongFileError(f"the report has nothing to keep under {self.in_report!r}: {why}")
        fields = self.entry.__struct_fields__
        return self._known([self.entry(**{name: row[name] for name in fields}) for row in rows], "the report")

    def toml(self, entries: Iterable[Kept], remark: str = "") -> str:
        """Return entries as TOML, under a comment that may carry one remark."""
        subjects = self.subjects()
        in_order = sorted(entries, key=lambda entry: (entry.key[0], subjects.index(entry.key[1]), entry.key[2]))
        return toml_entries(self.header, self.table, map(structs.asdict, in_order), remark)

    def printed(self, report: Described) -> str:
        """Return the entries of a report alone as TOML; a comment says so if it did not ask a live API."""
        return self.toml(self.found(report), _no_evidence(report))

    def keep(self, report: Described, path: Path) -> list[str]:
        """Merge the entries of a live run into a file, which is made if it is missing; return in words what changed.

        Raises WrongFileError if the run is not of a live API or holds no entry, UnwritableError if the disk does not
        allow it, ContractError if the file holds something else: it stays as it is.
        """
        if trouble := _no_evidence(report):
            raise WrongFileError(f"{trouble}; `--output -` prints it all the same")
        entries, changes = {entry.key: entry for entry in self.read(path)}, list[str]()
        for entry in self.found(report):
            old, about = entries.get(entry.key), ", ".join(entry.key[1:])
            if old is not None and old.date > entry.date:
                changes.append(f"kept: {about}: the file has {old.date}, which is later than {entry.date}")
                continue
            if old is None:
                changes.append(f"new: {about}: {entry.result}")
            elif change := _change(old, entry.result):
                changes.append(f"changed: {change}")
            entries[entry.key] = entry
        write_file(path, self.toml(entries.values()))
        return changes


def _no_evidence(report: Described) -> str:
    """Return why a run says nothing of what a live API accepts, empty if it does."""
    if report["target"] == "live" and not report["stamped"]:
        return ""
    why = "the answers bear the reference server's stamp" if report["stamped"] else report["evidence"]
    return f"this run did not ask a live API ({one_line(why)}), so it says nothing of what the API accepts"


ANSWERS = Kind(
    file_name="answers.toml",
    table="answer",
    entry=Answered,
    subjects=lambda: [*contract().questions],
    in_report="answers",
    header="""\
# What a live API answered to the open questions: written by `trackly-contract answers`, from the report of a run with
# --trackly-questions. docs/edge-cases.md shows it; nobody fails over it.
# Written anew each time: comments of your own are not kept.
""",
)
TOKENS = Kind(
    file_name="observed.toml",
    table="observed",
    entry=Observed,
    subjects=lambda: KINDS,
    in_report="vocabulary",
    header="""\
# What live runs found out of tokens that no reference page states: written by `trackly-contract vocabulary`.
# It is read to try first what was accepted and last what was refused, and is never a reason to fail anyone.
# Written anew each time: comments of your own are not kept.
""",
)


@cache
def kept_answers() -> Sequence[Answered]:
    """Return the project's own answers to the open questions, read once."""
    return ANSWERS.read(data_root() / "contracts" / ANSWERS.file_name)


def changed_answers(now: Iterable[Observation], base_url: str) -> list[str]:
    """Return a line for each question that is answered otherwise than before at the same base URL."""
    known = {entry.key: entry for entry in kept_answers()}
    asked = [(known.get((base_url, one.question, one.probe)), one.said) for one in now if one.said]
    return [change for old, said in asked if old is not None and (change := _change(old, said))]
