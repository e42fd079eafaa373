"""Waivers: broken rules that somebody has looked at, with a reason and a last day, in a file that is reviewed.

Promises: a slip in the file, an expired waiver, and one of a rule that cannot be broken are errors that name file
and entry; what is waived stays in sight, with its reason and its last day; a waiver that was not needed is said.
Refuses: to waive without a reason or an end, and to waive anything but a broken rule.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from trackly_contract.core import Verdict, data_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trackly_contract.contract import Rule


class WaiverError(ValueError):
    """A file of waivers cannot be used; the text names file and entry, and says what to do."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule that may be broken until the end of a day."""

    rule: str
    reason: str
    expires: date

    @property
    def text(self) -> str:
        """The waiver in a few words."""
        return f"waived until {self.expires.isoformat()}: {self.reason}"


def load_waivers(path: Path, rules: Mapping[str, Rule], today: date) -> dict[str, Waiver]:
    """Read a file of waivers, and return them by rule.

    Raises WaiverError if the file cannot be read or does not fit `schemas/meta/waivers.json`, and for an entry
    whose rule is unknown, cannot be broken or is waived twice, or that expired before `today`.
    """
    content = _content(path)
    found: dict[str, Waiver] = {}
    for number, entry in enumerate(content["waiver"], 1):
        waiver = Waiver(entry["rule"], entry["reason"].strip(), date.fromisoformat(entry["expires"]))
        trouble = _trouble(waiver, rules.get(waiver.rule), today)
        if trouble is None and waiver.rule in found:
            trouble = "it is waived twice; keep one entry"
        if trouble is not None:
            raise WaiverError(f"{path}: {_named(entry, number)}: {trouble}")
        found[waiver.rule] = waiver
    return found


def _content(path: Path) -> Any:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WaiverError(f"{path}: the file of waivers cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WaiverError(f"{path}: not TOML: {error}") from None
    entries = content.get("waiver")
    for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
        if isinstance(entry, dict) and "expires" in entry:
            entry["expires"] = _day(path, entry, number)
    schema = json.loads((data_root() / "schemas" / "meta" / "waivers.json").read_text("utf-8"))
    for slip in sorted(Draft202012Validator(schema).iter_errors(content), key=lambda e: list(map(str, e.path))):
        place = list(slip.absolute_path)
        if len(place) < 2:
            raise WaiverError(f"{path}: {slip.message}; each waiver is an entry [[waiver]] with rule, reason, expires")
        index = int(place[1])
        field = f", field {place[2]}" if len(place) > 2 else ""
        raise WaiverError(f"{path}: {_named(content['waiver'][index], index + 1)}{field}: {slip.message}")
    return content


def _day(path: Path, entry: dict[str, Any], number: int) -> str:
    day = entry["expires"]
    if not isinstance(day, date) or isinstance(day, datetime):
        raise WaiverError(
            f"{path}: {_named(entry, number)}, field expires: {day!r} is not a day; write a date without quotes and "
            "without a time, as expires = 2026-12-31"
        )
    return day.isoformat()


def _named(entry: Any, number: int) -> str:
    rule = entry.get("rule") if isinstance(entry, dict) else None
    return f"waiver {number} ({rule})" if isinstance(rule, str) else f"waiver {number}"


def _trouble(waiver: Waiver, rule: Rule | None, today: date) -> str | None:
    if rule is None:
        return "there is no rule of that name; docs/rules.md lists them"
    if rule.untested is not None:
        return "no request can find out whether this rule holds, so it is never broken; take the entry out"
    if not rule.breakable:
        return f"this rule is {rule.basis}, so it is noted at most and never broken; take the entry out"
    if waiver.expires < today:
        return (
            f"it expired on {waiver.expires.isoformat()}; look at the rule again, and take the entry out or give it "
            "another day"
        )
    return None


def not_needed(waivers: Mapping[str, Waiver], verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return what to say of waivers whose rules this run looked at and did not find broken.

    `verdicts` are those before anything was waived.
    """
    return [
        f"the waiver of {rule} was not needed: it is {verdicts[rule].value} here; take the entry out if that stays so"
        for rule in waivers
        if verdicts.get(rule) in (Verdict.HELD, Verdict.NOTED)
    ]
