"""Waivers: broken rules that somebody accepts until a date, with a reason, in a file that people review.

A waived rule is noted and stays visible with its reason and its last day. Does not waive anything but a broken rule.
"""

import datetime as dt  # msgspec reads the types of fields
from collections.abc import Mapping
from pathlib import Path

import msgspec

from trackly_contract.contract import ContractError, Entry, Rule, read_entries


class WaiverError(ValueError):
    """A file of waivers cannot be used; the text names file and entry, and says what to do."""


class Waiver(Entry, frozen=True):
    """A rule that may be broken until the end of a day."""

    rule: str
    reason: str
    expires: dt.date

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "reason", self.reason.strip())
        if not self.reason:
            raise ValueError("field 'reason': it is empty; say why the rule is waived")

    @property
    def text(self) -> str:
        """The waiver in a few words."""
        return f"waived until {self.expires.isoformat()}: {self.reason}"


def load_waivers(path: Path, rules: Mapping[str, Rule], today: dt.date) -> dict[str, Waiver]:
    """Read a file of waivers, and return them by rule.

    Raises WaiverError if the file cannot be read or holds anything but waivers, and for an entry whose rule is
    unknown, cannot be broken or is waived twice, or that expired before `today`.
    """
    try:
        found = read_entries(path, "waiver", Waiver, "rule")
    except ContractError as error:
        raise WaiverError(f"{error}; each waiver is an entry [[waiver]] with rule, reason, expires") from None
    for number, waiver in enumerate(found.values(), 1):
        if trouble := _trouble(waiver, rules.get(waiver.rule), today):
            raise WaiverError(f"{path}: waiver {number} ({waiver.rule}): {trouble}")
    return found


def _trouble(waiver: Waiver, rule: Rule | None, today: dt.date) -> str | None:
    if rule is None:
        return "there is no rule of that name; docs/rules.md lists them"
    if rule.untested is not None:
        return "no request can find out whether this rule holds, so it is never broken; remove the entry"
    if not rule.breakable:
        return f"this rule is {rule.basis}, so it is noted at most and never broken; remove the entry"
    if waiver.expires < today:
        day = waiver.expires.isoformat()
        return f"it expired on {day}; check the rule again, then remove the entry or give it another day"
    return None
