"""What a run found out of tokens, kept in a file that people review and commit: contracts/observed.toml.

Promises: the same entries give the same bytes; of a base URL and a token the newer day counts; a file is written whole
or stays as it was; what the texts of an answer hold cannot leave their place in it.
Refuses: to write down what a stand-in said, and to touch a file that it cannot read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from trackly_contract.contract import KINDS, Observed, Outcome, read_observed, words_of
from trackly_contract.core import UnwritableError, data_root, one_line, toml_entries, write_file
from trackly_contract.generate import CANDIDATE_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trackly_contract.report.compare import Described

HEADER = """\
# What live runs found out of tokens that no reference page states: written by `trackly-contract vocabulary`.
# It is read to try first what was accepted and last what was refused, and is never a reason to fail anyone.
# Written anew each time: comments of your own are not kept.
"""


class NothingToKeepError(ValueError):
    """A report holds nothing for the file, or the file cannot be written; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Entries, sorted; in words what is not as it was before; and whether candidates are tried in another order now."""

    entries: tuple[Observed, ...]
    changes: tuple[str, ...]
    reordered: bool


def tokens_file() -> Path | None:
    """Return contracts/observed.toml of the checkout, None where there is no checkout."""
    root = data_root()
    return root / "contracts" / "observed.toml" if (root / "pyproject.toml").is_file() else None


def no_evidence(report: Described) -> str:
    """Return why a run says nothing of what a live API accepts, empty if it does."""
    if report["target"] == "live" and not report["stamped"]:
        return ""
    why = "the answers bear the reference server's stamp" if report["stamped"] else report["evidence"]
    return f"this run did not ask a live API ({one_line(why)}), so it says nothing of what the API accepts"


def entries_of(report: Described) -> list[Observed]:
    """Return what a report, from `compare.load_report`, says of tokens.

    Raises NothingToKeepError if no token was tried.
    """
    if not report["vocabulary"]:
        raise NothingToKeepError("no token was tried in this run: it was narrowed, read-only, or came to an early end")
    day = date.fromisoformat(report["started_at"][:10])
    return [
        Observed(
            kind=trial["kind"],
            token=trial["token"],
            outcome=Outcome(trial["outcome"]),
            said=trial["said"],
            base_url=report["base_url"],
            date=day,
            effort=report["effort"],
        )
        for trial in report["vocabulary"]
    ]


def merged(standing: Sequence[Observed], found: Sequence[Observed]) -> Merged:
    """Put what was found beside what stands there; an entry of an earlier day than the one that stands is left out."""
    entries = {entry.key: entry for entry in standing}
    changes: list[str] = []
    for entry in found:
        before = entries.get(entry.key)
        name = f"{entry.kind} {entry.token}"
        if before is None:
            changes.append(f"new: {name} {entry.outcome} ({entry.said})")
        elif before.date > entry.date:
            changes.append(f"left: {name} {before.outcome} on {before.date}, which is after {entry.date}")
            continue
        elif before.outcome is not entry.outcome:
            was = f"{before.outcome} ({before.said}) on {before.date}"
            changes.append(f"changed: {name} was {was}, is {entry.outcome} ({entry.said}) on {entry.date}")
        entries[entry.key] = entry
    after = tuple(sorted(entries.values(), key=_place))
    reordered = any(words_of(kind, observed=standing) != words_of(kind, observed=after) for kind in CANDIDATE_TYPES)
    return Merged(after, tuple(changes), reordered)


def _place(entry: Observed) -> tuple[str, int, str]:
    return entry.base_url, KINDS.index(entry.kind), entry.token


def tokens_toml(report: Described) -> str:
    """Return what a run found out, alone, as TOML; a comment says so if it did not ask a live API.

    Raises NothingToKeepError if no token was tried.
    """
    return as_toml(sorted(entries_of(report), key=_place), no_evidence(report))


def as_toml(entries: Sequence[Observed], remark: str = "") -> str:
    """Return the entries as TOML, under a comment that may carry one remark."""
    return toml_entries(HEADER, "observed", map(_members, entries), remark)


def _members(entry: Observed) -> dict[str, str | date]:
    return {
        "kind": entry.kind,
        "token": entry.token,
        "outcome": entry.outcome.value,
        "said": entry.said,
        "base_url": entry.base_url,
        "date": entry.date,
        "effort": entry.effort,
    }


def keep_tokens(report: Described, path: Path) -> Merged:
    """Merge what a live run found out into a file, which is made where it is missing.

    Raises NothingToKeepError if the report is of a stand-in, if no token was tried, or if the disk does not allow it;
    ContractError if the file is there and is none of these: it stays as it is.
    """
    trouble = no_evidence(report)
    if trouble:
        raise NothingToKeepError(f"{trouble}; `--output -` prints it all the same")
    now = merged(read_observed(path), entries_of(report))
    try:
        write_file(path, as_toml(now.entries))
    except UnwritableError as error:
        raise NothingToKeepError(str(error)) from None
    return now
