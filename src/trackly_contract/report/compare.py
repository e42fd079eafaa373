"""Two reports side by side: what changed from one run to the next, rule by rule.

Promises: whatever version wrote them, only files that fit `schemas/report.json` are compared; a difference between
the two runs themselves (target, effort, what they looked at) is said before any rule, for it may explain the rest;
no text of a file reaches a terminal as anything but text.
Refuses: to judge: a rule is what its report says it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from trackly_contract.contract import document
from trackly_contract.core import ExitCode, NotJSONError, Verdict, one_line, parse, short
from trackly_contract.report.report import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Described = dict[str, Any]
"""A report.json, read and checked."""

KNOWN = (Verdict.HELD, Verdict.NOTED, Verdict.BROKEN)
UNKNOWN = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+")
"""What differs between any two runs."""


class NotAReportError(ValueError):
    """A file is no report of a run; the text is one sentence that names the file."""


class Change(StrEnum):
    """What happened to a rule, the gravest first."""

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
    """One rule that is not as it was; `old` and `new` are verdicts, and what was got, None where there is no rule."""

    rule: str
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
    """Read a report.json.

    A later minor version may add members, which are passed over.
    Raises NotAReportError if the file cannot be read, is not JSON, or does not fit `schemas/report.json`.
    """
    try:
        content = parse(path.read_bytes())
    except OSError as error:
        raise NotAReportError(f"{path}: cannot be read ({error.strerror}); name the report.json of a run") from None
    except NotJSONError as error:
        raise NotAReportError(f"{path}: not JSON ({one_line(str(error))}); name the report.json of a run") from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None:
        raise NotAReportError(
            f"{path}: no report of a run (it has no schema_version); name the report.json that --trackly-report wrote"
        )
    major = SCHEMA_VERSION.partition(".")[0]
    if not isinstance(version, str) or not re.fullmatch(rf"{major}\.\d+", version):
        raise NotAReportError(
            f"{path}: schema_version {short(repr(version), 40)} cannot be read here, only {major}.x; "
            "compare with the version of trackly-contract that wrote it"
        )
    for slip in Draft202012Validator(document("report.json")).iter_errors(content):
        later = version != SCHEMA_VERSION
        if later and (slip.validator == "additionalProperties" or list(slip.path) == ["schema_version"]):
            continue
        raise NotAReportError(
            f"{path}: no report of a run: {short(slip.json_path, 80)}: {short(slip.message, 200)}; "
            "name the report.json that --trackly-report wrote"
        )
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
    def exit_code(self) -> int:
        """0 if nothing got worse, 1 if a rule is broken that was not, 10 if something is no longer known."""
        changes = {change.change for change in self.rules}
        newly = {c.rule for c in self.rules if c.change is Change.NEW and c.new == Verdict.BROKEN}
        if Change.WORSE in changes or newly:
            return ExitCode.DRIFT
        if Change.LOST in changes or self.new["suite_failures"]:
            return ExitCode.INCONCLUSIVE
        return ExitCode.CONFORMS

    def described(self) -> dict[str, Any]:
        """Return the comparison for machines."""
        return {
            "schema_version": "1.0",
            "exit_code": int(self.exit_code),
            "worse": self.exit_code == ExitCode.DRIFT,
            "old": _run(self.old),
            "new": _run(self.new),
            "runs": [{"what": c.what, "old": c.old, "new": c.new, "remark": c.remark} for c in self.runs],
            "rules": [
                {
                    "id": change.rule,
                    "change": change.change.name.lower(),
                    "old": change.old,
                    "new": change.new,
                    "got_before": list(change.got_before),
                    "got_now": list(change.got_now),
                }
                for change in self.rules
            ],
        }

    def text(self) -> str:
        """Return the comparison for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for name, report in (("old", self.old), ("new", self.new)):
            headline = short(report["headline"], 120)
            yield f"{name}  {report['verdict']}: {headline} ({report['started_at']}, {report['effort']})"
        if self.runs:
            yield ""
            yield "The runs differ:"
        for run in self.runs:
            remark = f"; {run.remark}" if run.remark else ""
            yield f"  {run.what:<12} {short(run.old, 120)} -> {short(run.new, 120)}{remark}"
        for change in Change:
            found = [rule for rule in self.rules if rule.change is change]
            if found:
                yield ""
                yield f"{change.value[0].upper()}{change.value[1:]} ({len(found)}):"
            for rule in found:
                yield from _rule_lines(rule)
        yield ""
        yield {
            ExitCode.CONFORMS: "Nothing got worse." if self.rules else "No rule changed.",
            ExitCode.DRIFT: "It got worse: a rule is broken that was not.",
        }.get(
            ExitCode(self.exit_code),
            "The suite itself failed in the new run, so nothing can be said of it."
            if self.new["suite_failures"]
            else "Nothing is newly broken, but something is not known any more.",
        )


def _rule_lines(rule: RuleChange) -> Iterator[str]:
    yield f"  {rule.rule}: {rule.old or 'no such rule'} -> {rule.new or 'no such rule'}"
    for name, got in (("was", rule.got_before), ("now", rule.got_now)):
        if got:
            more = f" (and {len(got) - 1} more)" if len(got) > 1 else ""
            yield f"    {name}  {short(got[0], 200)}{more}"


def _run(report: Described) -> dict[str, Any]:
    names = ("verdict", "complete", "target", "stamped", "base_url", "effort", "read_only", "started_at")
    return {name: report[name] for name in ("tool_version", *names)}


def compare_reports(old: Described, new: Described) -> Comparison:
    """Compare two reports, both from `load`."""
    return Comparison(old, new, tuple(_runs(old, new)), tuple(_rules(old, new)))


def _runs(old: Described, new: Described) -> Iterator[RunChange]:
    remarks = {
        "target": "another server was asked: a difference need not be a change",
        "stamped": "one was answered by the reference server, a stand-in: a difference need not be a change",
        "base_url": "another address was asked: a difference need not be a change",
        "effort": "one of them asked more, so what it alone finds may have been so before",
        "read_only": "a read-only run finds out less",
        "complete": "a run that is not complete says nothing of the rules that it skipped",
        "tool_version": "the suite may ask something else",
    }
    for name, remark in remarks.items():
        if old[name] != new[name]:
            yield RunChange(name, _word(old[name]), _word(new[name]), remark)
    for name, report in (("old", old), ("new", new)):
        if report["suite_failures"]:
            number = len(report["suite_failures"])
            count = f"{number} {'failure' if number == 1 else 'failures'}"
            told = ("none", count) if name == "new" else (count, "none")
            yield RunChange("suite", *told, f"the suite itself failed in the {name} run: a bug, not drift")
    if old["started_at"] > new["started_at"]:
        yield RunChange("started_at", old["started_at"], new["started_at"], "the old one is the later: swapped?")
    for name in ("requests", "writes"):
        if old[name] != new[name]:
            yield RunChange(name, str(old[name]), str(new[name]))
    for name in sorted({trial["kind"] for report in (old, new) for trial in report["vocabulary"]}):
        before, now = (_tried(report, name) for report in (old, new))
        if before != now:
            yield RunChange(name, _tokens(before, now), _tokens(now, before), "no page states these tokens")


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _tried(report: Described, kind: str) -> set[str]:
    return {f"{t['token']}: {t['outcome']}" for t in report["vocabulary"] if t["kind"] == kind}


def _tokens(these: set[str], those: set[str]) -> str:
    return ", ".join(sorted(these - those)) or "not tried"


def _rules(old: Described, new: Described) -> Iterator[RuleChange]:
    before, now = ({rule["id"]: rule for rule in report["rules"]} for report in (old, new))
    for name, rule in now.items():
        if name not in before:
            yield RuleChange(name, Change.NEW, None, _verdict(rule), got_now=_got(rule))
            continue
        change = _change(before[name], rule)
        if change is not None:
            yield _changed(change, before[name], rule)
    for name, rule in before.items():
        if name not in now:
            yield RuleChange(name, Change.GONE, _verdict(rule), None, got_before=_got(rule))


def _changed(change: Change, old: Described, new: Described) -> RuleChange:
    if change is Change.BASIS:
        return RuleChange(new["id"], change, old["basis"], new["basis"])
    return RuleChange(new["id"], change, _verdict(old), _verdict(new), _got(old), _got(new))


def _change(old: Described, new: Described) -> Change | None:
    if old["verdict"] != new["verdict"]:
        return _turned(old["verdict"], new["verdict"], waived="waiver" in new)
    if ("waiver" in old) != ("waiver" in new):
        return Change.OTHER
    if _got(old) != _got(new):
        return Change.EVIDENCE
    return Change.BASIS if old["basis"] != new["basis"] else None


def _turned(was: str, now: str, *, waived: bool) -> Change:
    if now == Verdict.BROKEN:
        return Change.WORSE
    if was in KNOWN and now in UNKNOWN:
        return Change.LOST
    if was in UNKNOWN and now in KNOWN:
        return Change.FOUND
    return Change.MENDED if was == Verdict.BROKEN and not waived else Change.OTHER


def _verdict(rule: Described) -> str:
    return f"{rule['verdict']} (waived)" if "waiver" in rule else str(rule["verdict"])


def _got(rule: Described) -> tuple[str, ...]:
    """Return what a rule's differences came to, each once; the reason where it could not be found out."""
    if rule["verdict"] in UNKNOWN:
        return (rule["reason"],)
    differences = [e for e in rule["evidence"] if e["verdict"] in (Verdict.BROKEN, Verdict.NOTED)]
    return tuple(sorted({_TIME.sub("(a time)", f"{e['got']}; expected {e['expected']}") for e in differences}))
