"""Compares two reports rule by rule, and says first how the two runs differ, for that may explain the rest.

Reads only files that fit `schemas/report.json`. Does not judge: the verdict of a rule is the one in its report.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from trackly_contract.contract import document
from trackly_contract.core import ExitCode, NotJSONError, Verdict, one_line, parse, short
from trackly_contract.report.report import SCHEMA_VERSION

Described = dict[str, Any]
"""A report.json, read and checked."""

UNKNOWN = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+")
"""What differs between any two runs."""


class WrongFileError(ValueError):
    """A file is not what a command needs; the text is one sentence."""


class Change(StrEnum):
    """What happened to a rule, the most severe first."""

    WORSE = "broken now"
    LOST = "not known any more"
    MENDED = "no longer broken"
    FOUND = "known now"
    OTHER = "another verdict"
    EVIDENCE = "the same verdict, other evidence"
    BASIS = "another basis"
    NEW = "new rule"
    GONE = "gone rule"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not as it was; `old` and `new` are verdicts, None if there is no such rule."""

    id: str
    change: Change
    old: str | None
    new: str | None
    got_before: tuple[str, ...] = ()
    got_now: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunChange:
    """One thing about the runs themselves that differs, and what to make of it."""

    what: str
    old: str
    new: str
    remark: str = ""


def load_report(path: Path) -> Described:
    """Read a report.json; fields that a later minor version added are ignored.

    Raises WrongFileError if the file cannot be read, is not JSON, or does not fit `schemas/report.json`.
    """

    def not_a_report(why: str) -> WrongFileError:
        return WrongFileError(f"{path}: {why}; name the report.json that --trackly-report wrote")

    try:
        content = parse(path.read_bytes())
    except OSError as error:
        raise not_a_report(f"cannot be read ({error.strerror})") from None
    except NotJSONError as error:
        raise not_a_report(f"not JSON ({one_line(str(error))})") from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    major = SCHEMA_VERSION.partition(".")[0]
    if isinstance(version, str) and not version.startswith(f"{major}."):
        raise WrongFileError(
            f"{path}: schema_version {short(repr(version), 40)} cannot be read here, only {major}.x; "
            "compare with the version of trackly-contract that wrote it"
        )
    other_minor = isinstance(version, str) and version != SCHEMA_VERSION
    for wrong in Draft202012Validator(document("report.json")).iter_errors(content):
        added = wrong.validator == "additionalProperties" or list(wrong.path) == ["schema_version"]
        if not (other_minor and added):
            raise not_a_report(f"no report of a run: {short(wrong.json_path, 80)}: {short(wrong.message, 200)}")
    described: Described = content
    return described


@dataclass(frozen=True)
class Comparison:
    """Two runs and what differs between them."""

    old: Described
    new: Described
    runs: tuple[RunChange, ...]
    rules: tuple[RuleChange, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 if nothing got worse, 1 if a rule is broken that was not, 10 if something is no longer known."""
        changes = {change.change for change in self.rules}
        if Change.WORSE in changes or any(c.change is Change.NEW and c.new == Verdict.BROKEN for c in self.rules):
            return ExitCode.DRIFT
        if Change.LOST in changes or self.new["suite_failures"]:
            return ExitCode.INCONCLUSIVE
        return ExitCode.CONFORMS

    def described(self) -> dict[str, Any]:
        """Return the comparison for machines."""
        names = ("tool_version", "verdict", "complete", "target", "stamped", "base_url", "effort", "read_only")
        runs = ({name: report[name] for name in (*names, "started_at")} for report in (self.old, self.new))
        return {
            "schema_version": "1.0",
            "exit_code": int(self.exit_code),
            "worse": self.exit_code == ExitCode.DRIFT,
            **dict(zip(("old", "new"), runs, strict=True)),
            "runs": [asdict(change) for change in self.runs],
            "rules": [{**asdict(change), "change": change.change.name.lower()} for change in self.rules],
        }

    def lines(self) -> Iterator[str]:
        """Yield the comparison for people; no text of a file reaches a terminal as anything but text."""
        for name, report in (("old", self.old), ("new", self.new)):
            headline = short(report["headline"], 120)
            yield f"{name}  {report['verdict']}: {headline} ({report['started_at']}, {report['effort']})"
        if self.runs:
            yield from ("", "The runs differ:")
        for run in self.runs:
            remark = f"; {run.remark}" if run.remark else ""
            yield f"  {run.what:<12} {short(run.old, 120)} -> {short(run.new, 120)}{remark}"
        for change in Change:
            found = [rule for rule in self.rules if rule.change is change]
            if found:
                yield from ("", f"{change.value[0].upper()}{change.value[1:]} ({len(found)}):")
            for rule in found:
                yield f"  {rule.id}: {rule.old or 'no such rule'} -> {rule.new or 'no such rule'}"
                for name, got in (("was", rule.got_before), ("now", rule.got_now)):
                    more = f" (and {len(got) - 1} more)" if len(got) > 1 else ""
                    yield from (f"    {name}  {short(first, 200)}{more}" for first in got[:1])
        yield from ("", self._conclusion())

    def _conclusion(self) -> str:
        if self.exit_code == ExitCode.DRIFT:
            return "It got worse: a rule is broken that was not."
        if self.exit_code == ExitCode.CONFORMS:
            return "Nothing got worse." if self.rules else "No rule changed."
        if self.new["suite_failures"]:
            return "The suite itself failed in the new run, so nothing can be said of it."
        return "Nothing is newly broken, but something is not known any more."


def compare_reports(old: Described, new: Described) -> Comparison:
    """Compare two reports, both from `load_report`."""
    return Comparison(old, new, tuple(_runs(old, new)), tuple(_rules(old, new)))


_ELSEWHERE = "a difference need not be a change"
_REMARKS = {
    "target": f"another server was asked: {_ELSEWHERE}",
    "stamped": f"one was answered by the reference server: {_ELSEWHERE}",
    "base_url": f"another address was asked: {_ELSEWHERE}",
    "effort": "one of them asked more, so what it alone finds may have been so before",
    "read_only": "a read-only run finds out less",
    "complete": "a run that is not complete says nothing of the rules that it skipped",
    "tool_version": "the suite may ask something else",
}


def _runs(old: Described, new: Described) -> Iterator[RunChange]:
    for name, remark in _REMARKS.items():
        if old[name] != new[name]:
            yield RunChange(name, _word(old[name]), _word(new[name]), remark)
    for name, report in (("old", old), ("new", new)):
        if number := len(report["suite_failures"]):
            count = f"{number} {'failure' if number == 1 else 'failures'}"
            pair = ("none", count) if name == "new" else (count, "none")
            yield RunChange("suite", *pair, f"the suite itself failed in the {name} run: a bug, not drift")
    if old["started_at"] > new["started_at"]:
        yield RunChange("started_at", old["started_at"], new["started_at"], "the old one is the later: swapped?")
    for name in ("requests", "writes"):
        if old[name] != new[name]:
            yield RunChange(name, str(old[name]), str(new[name]))
    before, now = ({(t["kind"], t["token"], t["outcome"]) for t in report["vocabulary"]} for report in (old, new))
    for kind in sorted({kind for kind, _, _ in before ^ now}):
        yield RunChange(kind, _tried(kind, before - now), _tried(kind, now - before), "no page states these tokens")


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _tried(kind: str, trials: set[tuple[str, str, str]]) -> str:
    return ", ".join(sorted(f"{token}: {outcome}" for of, token, outcome in trials if of == kind)) or "not tried"


_MISSING: Described = {"verdict": None, "evidence": [], "basis": None}
"""Stands for a rule that a report does not have."""


def _rules(old: Described, new: Described) -> Iterator[RuleChange]:
    before, now = ({rule["id"]: rule for rule in report["rules"]} for report in (old, new))
    for name in {**now, **before}:
        was, rule = before.get(name, _MISSING), now.get(name, _MISSING)
        change = _change(was, rule)
        if change is Change.BASIS:
            yield RuleChange(name, change, was["basis"], rule["basis"])
        elif change is not None:
            yield RuleChange(name, change, _verdict(was), _verdict(rule), _got(was), _got(rule))


def _change(old: Described, new: Described) -> Change | None:
    was, now, waived = old["verdict"], new["verdict"], "waiver" in new
    changes = [
        (old is _MISSING, Change.NEW),
        (new is _MISSING, Change.GONE),
        (now == Verdict.BROKEN and was != now, Change.WORSE),
        (was not in UNKNOWN and now in UNKNOWN, Change.LOST),
        (was in UNKNOWN and now not in UNKNOWN, Change.FOUND),
        (was == Verdict.BROKEN and was != now and not waived, Change.MENDED),
        (was != now or ("waiver" in old) != waived, Change.OTHER),
        (_got(old) != _got(new), Change.EVIDENCE),
        (old["basis"] != new["basis"], Change.BASIS),
    ]
    return next((change for applies, change in changes if applies), None)


def _verdict(rule: Described) -> str | None:
    return f"{rule['verdict']} (waived)" if "waiver" in rule else rule["verdict"]


def _got(rule: Described) -> tuple[str, ...]:
    """Return what a rule's differences came to, each once; the reason if the rule could not be checked."""
    if rule["verdict"] in UNKNOWN:
        return (rule["reason"],)
    differences = [e for e in rule["evidence"] if e["verdict"] in (Verdict.BROKEN, Verdict.NOTED)]
    return tuple(sorted({_TIME.sub("(a time)", f"{e['got']}; expected {e['expected']}") for e in differences}))
