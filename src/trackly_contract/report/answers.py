"""Answers to the open questions, kept in a file that people review and commit: contracts/answers.toml.

Promises: each says where and on which day it was given; of one probe at one base URL the newer day counts; an answer
that differs from the one that stands is told.
Refuses: to keep what a stand-in said, and to touch a file that it cannot read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from trackly_contract.contract import ContractError, contract, read_toml
from trackly_contract.core import UnwritableError, data_root, toml_entries, write_file
from trackly_contract.report import observed
from trackly_contract.report.observed import NothingToKeepError, no_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from trackly_contract.contract import Observation as Answer
    from trackly_contract.report.compare import Described

HEADER = """\
# What a live API answered to the open questions: written by `trackly-contract answers`, from the report of a run with
# --trackly-questions. docs/edge-cases.md shows it; nobody fails over it.
# Written anew each time: comments of your own are not kept.
"""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: to which probe of which question, where, on which day."""

    question: str
    probe: str
    said: str
    base_url: str
    date: date

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about; of two with the same key the newer one counts."""
        return self.base_url, self.question, self.probe


def answers_file() -> Path | None:
    """Return contracts/answers.toml of the checkout, None where there is no checkout."""
    kept = observed.tokens_file()
    return kept.with_name("answers.toml") if kept is not None else None


def read_answers(path: Path) -> list[Given]:
    """Read answers; none where there is no such file.

    Raises ContractError, naming file, entry and field, if it does not fit `schemas/meta/answers.json`, tells of an
    unknown question, or holds an answer twice.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, str, str], Given] = {}
    for entry in read_toml(path, "answers")["answer"]:
        try:
            given = Given(**{**entry, "date": date.fromisoformat(entry["date"])})
        except ValueError:
            raise ContractError(f"{path}: {entry['question']}: there is no day {entry['date']}") from None
        if given.question not in contract().questions:
            raise ContractError(f"{path}: there is no question {given.question}")
        if given.key in found:
            raise ContractError(f"{path}: {given.question}, {given.probe}: two answers at {given.base_url}; keep one")
        found[given.key] = given
    return list(found.values())


@cache
def standing() -> tuple[Given, ...]:
    """Return the project's own answers, read once."""
    return tuple(read_answers(data_root() / "contracts" / "answers.toml"))


def moved_answers(now: Iterable[Answer], base_url: str, before: Sequence[Given] | None = None) -> list[str]:
    """Return what is answered otherwise than before at the same base URL, a line each."""
    known = {given.key: given for given in (standing() if before is None else before)}
    told = []
    for answer in now:
        given = known.get((base_url, answer.question, answer.probe))
        if given is not None and answer.said and answer.said != given.said:
            told.append(f"{answer.question}, {answer.probe}: {answer.said}; on {given.date} it was: {given.said}")
    return told


def of_report(report: Described) -> list[Given]:
    """Return the answers of a report, from `compare.load_report`. Raises NothingToKeepError if nothing was answered."""
    day = date.fromisoformat(report["started_at"][:10])
    told = [entry for entry in report.get("answers", []) if entry["said"]]
    if not told:
        raise NothingToKeepError("no question was answered in this run: run it with --trackly-questions")
    names = ("question", "probe", "said")
    return [Given(**{name: entry[name] for name in names}, base_url=report["base_url"], date=day) for entry in told]


def as_toml(entries: Iterable[Given], remark: str = "") -> str:
    """Return answers as TOML, in the order of the questions, under a comment that may carry one remark."""
    places = {question: place for place, question in enumerate(contract().questions)}
    by_place = sorted(entries, key=lambda given: (given.base_url, places.get(given.question, 0)))
    return toml_entries(HEADER, "answer", map(asdict, by_place), remark)


def answers_toml(report: Described) -> str:
    """Return the answers of a report alone, as TOML; a comment says so if it did not ask a live API."""
    return as_toml(of_report(report), no_evidence(report))


def keep_answers(report: Described, path: Path) -> list[str]:
    """Merge the answers of a report into a file, which is made where it is missing; return what is new or moved.

    Raises NothingToKeepError if the report is of a stand-in, if nothing was answered, or if the disk does not allow
    it; ContractError if the file is there and holds something else: it stays as it is.
    """
    trouble = no_evidence(report)
    if trouble:
        raise NothingToKeepError(f"{trouble}; `--output -` prints it all the same")
    entries = {given.key: given for given in read_answers(path)}
    told = []
    for given in of_report(report):
        before = entries.get(given.key)
        if before is not None and before.date > given.date:
            told.append(f"left: {given.question}, {given.probe}: answered on {before.date}, which is later")
            continue
        if before is None:
            told.append(f"new: {given.question}, {given.probe}: {given.said}")
        elif before.said != given.said:
            told.append(f"moved: {given.question}, {given.probe}: {given.said}; on {before.date} it was: {before.said}")
        entries[given.key] = given
    try:
        write_file(path, as_toml(entries.values()))
    except UnwritableError as error:
        raise NothingToKeepError(str(error)) from None
    return told
