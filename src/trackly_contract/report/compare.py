"""Compares two reports rule by rule, and says first how the two runs differ, for that may explain the rest.

Reads only files that fit `schemas/report.json`. Does not judge: the verdict of a rule is the one in its report.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from trackly_contract.contract import document
from trackly_contract.core import ExitCode, NotJSONError, Verdict, one_line, parse, short
from trackly_contract.report.report import SCHEMA_VERSION
from trackly_contract.report.snippets import TEMPLATES

Described = dict[str, Any]
"""A report.json, read and checked; or a comparison of two."""

UNKNOWN = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+")
"""What differs between any two runs."""


class WrongFileError(ValueError):
    """A file is not what a command needs; the text is one sentence."""


def load_report(path: Path) -> Described:
    """Read a report.json; fields that a later minor version added are ignored.

    Raises WrongFileError if the file cannot be read, is not JSON, or does not fit `schemas/report.json`.
    """
    major = f"{SCHEMA_VERSION.partition('.')[0]}."
    wanted = f"name a report.json that --trackly-report wrote, of version {major}x"
    try:
        content = parse(path.read_bytes())
    except (OSError, NotJSONError) as error:
        raise WrongFileError(f"{path}: no JSON that can be read ({one_line(str(error))}); {wanted}") from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    other_minor = isinstance(version, str) and version.startswith(major) and version != SCHEMA_VERSION
    for wrong in Draft202012Validator(document("report.json")).iter_errors(content):
        added = wrong.validator == "additionalProperties" or list(wrong.path) == ["schema_version"]
        if not (other_minor and added):
            why = f"{short(wrong.json_path, 80)}: {short(wrong.message, 200)}"
            raise WrongFileError(f"{path}: no report of a run: {why}; {wanted}")
    described: Described = content
    return described


_RUN = ("tool_version", "verdict", "complete", "target", "stamped", "base_url", "effort", "read_only", "started_at")


def compare_reports(old: Described, new: Described) -> Described:
    """Compare two reports, both from `load_report`.

    The `exit_code` is 0 if nothing got worse, 1 if a rule is broken that was not, 10 if something is no longer known.
    """
    rules = list(_rules(old, new))
    worse = any(rule["change"] == "worse" or (rule["change"], rule["new"]) == ("new", "broken") for rule in rules)
    lost = any(rule["change"] == "lost" for rule in rules) or bool(new["suite_failures"])
    return {
        "schema_version": "1.0",
        "exit_code": int(ExitCode.DRIFT if worse else ExitCode.INCONCLUSIVE if lost else ExitCode.CONFORMS),
        "worse": worse,
        "old": {name: old[name] for name in _RUN},
        "new": {name: new[name] for name in _RUN},
        "runs": _runs(old, new),
        "rules": rules,
    }


def comparison_text(comparison: Described, old: Described, new: Described) -> str:
    """Return a comparison for people; no text of a file reaches a terminal as anything but text."""
    template = TEMPLATES.get_template("comparison.txt.jinja")
    return template.render(comparison, reports={"old": old, "new": new}, short=short)


_ELSEWHERE = "a difference need not be a change"
_REMARKS = {
    "target": f"another server was asked: {_ELSEWHERE}",
    "stamped": f"one was answered by the reference server: {_ELSEWHERE}",
    "base_url": f"another address was asked: {_ELSEWHERE}",
    "effort": "one of them asked more, so what it alone finds may have been so before",
    "read_only": "a read-only run finds out less",
    "complete": "a run that is not complete says nothing of the rules that it skipped",
    "tool_version": "the suite may ask something else",
    "requests": "",
    "writes": "",
}


def _runs(old: Described, new: Described) -> list[Described]:
    """Return what differs about the runs themselves, and what to make of it."""
    rows = [(name, _word(old[name]), _word(new[name]), remark) for name, remark in _REMARKS.items()]
    failed, fails = (str(len(report["suite_failures"]) or "none") for report in (old, new))
    rows.append(("suite", failed, fails, "failures of the suite itself: a bug, not drift"))
    if old["started_at"] > new["started_at"]:
        rows.append(("started_at", old["started_at"], new["started_at"], "the old one is the later: swapped?"))
    before, now = ({(t["kind"], t["token"], t["outcome"]) for t in report["vocabulary"]} for report in (old, new))
    kinds, remark = sorted({kind for kind, _, _ in before ^ now}), "no page states these tokens"
    rows += [(kind, _tried(kind, before - now), _tried(kind, now - before), remark) for kind in kinds]
    return [dict(zip(("what", "old", "new", "remark"), row, strict=True)) for row in rows if row[1] != row[2]]


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _tried(kind: str, trials: set[tuple[str, str, str]]) -> str:
    return ", ".join(sorted(f"{token}: {outcome}" for of, token, outcome in trials if of == kind)) or "not tried"


_MISSING: Described = {"verdict": None, "evidence": [], "basis": None}
"""Stands for a rule that a report does not have."""


def _rules(old: Described, new: Described) -> Iterator[Described]:
    """Yield each rule that is not as it was; `old` and `new` are verdicts, None if there is no such rule."""
    before, now = ({rule["id"]: rule for rule in report["rules"]} for report in (old, new))
    for name in {**now, **before}:
        was, rule = before.get(name, _MISSING), now.get(name, _MISSING)
        change = _change(was, rule)
        told = {"id": name, "change": change, "old": _verdict(was), "new": _verdict(rule)}
        told |= {"got_before": _got(was), "got_now": _got(rule)}
        if change == "basis":
            told |= {"old": was["basis"], "new": rule["basis"], "got_before": [], "got_now": []}
        if change is not None:
            yield told


def _change(old: Described, new: Described) -> str | None:
    was, now, waived = old["verdict"], new["verdict"], "waiver" in new
    changes = {
        "new": old is _MISSING,
        "gone": new is _MISSING,
        "worse": now == Verdict.BROKEN and was != now,
        "lost": was not in UNKNOWN and now in UNKNOWN,
        "found": was in UNKNOWN and now not in UNKNOWN,
        "mended": was == Verdict.BROKEN and was != now and not waived,
        "other": was != now or ("waiver" in old) != waived,
        "evidence": _got(old) != _got(new),
        "basis": old["basis"] != new["basis"],
    }
    return next((change for change, applies in changes.items() if applies), None)


def _verdict(rule: Described) -> str | None:
    return f"{rule['verdict']} (waived)" if "waiver" in rule else rule["verdict"]


def _got(rule: Described) -> list[str]:
    """Return what a rule's differences came to, each once; the reason if the rule could not be checked."""
    if rule["verdict"] in UNKNOWN:
        return [rule["reason"]]
    differences = [e for e in rule["evidence"] if e["verdict"] in (Verdict.BROKEN, Verdict.NOTED)]
    return sorted({_TIME.sub("(a time)", f"{e['got']}; expected {e['expected']}") for e in differences})
