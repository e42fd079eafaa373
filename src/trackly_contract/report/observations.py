"""What live runs observed, kept in two files that people review and commit: contracts/answers.toml and observed.toml.

Of two entries about the same thing at the same base URL the newer day counts. Does not keep what the reference server
did, and does not change a file that it cannot read.
"""

import datetime as dt  # msgspec reads the types of fields
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, structs

from trackly_contract.contract import (
    KINDS,
    ContractError,
    Entry,
    Observation,
    Observed,
    by_key,
    contract,
    read_entries,
    read_observed,
    words_of,
)
from trackly_contract.core import UnwritableError, data_root, one_line, toml_entries, write_file
from trackly_contract.generate import candidate_types
from trackly_contract.report.compare import Described


class NothingToKeepError(ValueError):
    """A report holds nothing for the file, or the file cannot be written; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a live API did, where, and on which day: `about` a question and its probe, or a kind and its token.

    `outcome` (accepted, refused, undecided) and `effort` are those of a token, empty for a probe.
    """

    about: tuple[str, str]
    said: str
    base_url: str
    date: dt.date
    outcome: str = ""
    effort: str = ""

    @property
    def words(self) -> str:
        """What it is about, in words."""
        return ", ".join(self.about)

    @property
    def result(self) -> str:
        """What came of it, in words."""
        return f"{self.outcome} ({self.said})" if self.outcome else self.said

    def changed(self, result: str) -> str:
        """Return in words that another result came of it later, empty if it is the same."""
        return f"{self.words}: {result}; on {self.date} it was: {self.result}" if result != self.result else ""


_Text = Annotated[str, Meta(min_length=1)]


class _Answered(Entry, frozen=True):
    """An entry of contracts/answers.toml."""

    question: str
    probe: _Text
    said: _Text
    base_url: _Text
    date: dt.date


@dataclass(frozen=True)
class Kind:
    """One of the two files: its table of entries, whose first field is one of `subjects`; `in_report` fills it."""

    file_name: str
    table: str
    entry: type[Entry]
    subjects: Callable[[], Sequence[str]]
    in_report: str
    if_none: str
    header: str

    @property
    def file(self) -> Path | None:
        """The file of the checkout, None where there is no checkout."""
        root = data_root()
        return root / "contracts" / self.file_name if (root / "pyproject.toml").is_file() else None

    @property
    def fields(self) -> Sequence[str]:
        """The names of the fields, in the order of the file."""
        return self.entry.__struct_fields__

    def _kept(self, row: dict[str, Any], where: object) -> Kept:
        first, second, *others = self.fields
        if row[first] not in self.subjects():
            raise ContractError(f"{where}: there is no {first} {row[first]}")
        return Kept((row[first], row[second]), **{name: row[name] for name in others})

    def read(self, path: Path) -> list[Kept]:
        """Return the entries of a file, none if it is missing.

        Raises ContractError, naming file, entry and field, if it does not fit its type, or holds an entry twice.
        """
        rows = read_entries(path, self.table, self.entry) if path.exists() else []
        by_key(path, self.table, rows, attrgetter("base_url", *self.fields[:2]))
        return [self._kept(structs.asdict(row), path) for row in rows]

    def found(self, report: Described) -> list[Kept]:
        """Return the entries of a report, from `compare.load_report`. Raises NothingToKeepError if it holds none."""
        run = {
            "base_url": report["base_url"],
            "date": dt.date.fromisoformat(report["started_at"][:10]),
            "effort": report["effort"],
        }
        found = [self._kept({**row, **run}, "the report") for row in report[self.in_report] if row["said"]]
        if not found:
            raise NothingToKeepError(self.if_none)
        return found

    def toml(self, entries: Iterable[Kept], remark: str = "") -> str:
        """Return entries as TOML, under a comment that may carry one remark."""
        subjects, others = self.subjects(), self.fields[2:]
        in_order = sorted(entries, key=lambda entry: (entry.base_url, subjects.index(entry.about[0]), entry.about[1]))
        rows = [
            dict(zip(self.fields, (*entry.about, *(getattr(entry, name) for name in others)), strict=True))
            for entry in in_order
        ]
        return toml_entries(self.header, self.table, rows, remark)

    def printed(self, report: Described) -> str:
        """Return the entries of a report alone as TOML; a comment says so if it did not ask a live API."""
        return self.toml(self.found(report), _no_evidence(report))

    def keep(self, report: Described, path: Path) -> list[str]:
        """Merge the entries of a live run into a file, which is made if it is missing; return in words what changed.

        Raises NothingToKeepError if the run is not of a live API or holds no entry, or if the disk does not allow it;
        ContractError if the file holds something else: it stays as it is.
        """
        if trouble := _no_evidence(report):
            raise NothingToKeepError(f"{trouble}; `--output -` prints it all the same")
        entries, changes = {(entry.base_url, entry.about): entry for entry in self.read(path)}, list[str]()
        for entry in self.found(report):
            old = entries.get((entry.base_url, entry.about))
            if old is not None and old.date > entry.date:
                changes.append(f"kept: {entry.words}: the file has {old.date}, which is later than {entry.date}")
                continue
            if old is None:
                changes.append(f"new: {entry.words}: {entry.result}")
            elif changed := old.changed(entry.result):
                changes.append(f"changed: {changed}")
            entries[entry.base_url, entry.about] = entry
        try:
            write_file(path, self.toml(entries.values()))
        except UnwritableError as error:
            raise NothingToKeepError(str(error)) from None
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
    entry=_Answered,
    subjects=lambda: [*contract().questions],
    in_report="answers",
    if_none="no question was answered in this run: run it with --trackly-questions",
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
    if_none="no token was tried in this run: it was narrowed, read-only, or came to an early end",
    header="""\
# What live runs found out of tokens that no reference page states: written by `trackly-contract vocabulary`.
# It is read to try first what was accepted and last what was refused, and is never a reason to fail anyone.
# Written anew each time: comments of your own are not kept.
""",
)


@cache
def kept_answers() -> tuple[Kept, ...]:
    """Return the project's own answers to the open questions, read once."""
    return tuple(ANSWERS.read(data_root() / "contracts" / ANSWERS.file_name))


def changed_answers(now: Iterable[Observation], base_url: str) -> list[str]:
    """Return a line for each question that is answered otherwise than before at the same base URL."""
    known = {entry.about: entry for entry in kept_answers() if entry.base_url == base_url}
    asked = [one for one in now if one.said and (one.question, one.probe) in known]
    return [line for one in asked if (line := known[one.question, one.probe].changed(one.said))]


def order_of_trying() -> list[object]:
    """Return the order in which a run tries tokens, as the file of the checkout has it; empty without such a file."""
    try:
        tokens = read_observed(TOKENS.file) if TOKENS.file else None
        return [words_of(kind, observed=tokens) for kind in candidate_types()]
    except ContractError:
        return []
