"""Waivers: broken rules that somebody accepts until a date, with a reason, in a file that people review.

A waived rule is noted and stays visible with its reason and its last day. Does not waive anything but a broken rule.
"""

import datetime as dt  # msgspec reads the types of fields
from collections.abc import Mapping
from pathlib import Path

import msgspec

from trackly_contract.contract import ContractError, Entry, Rule, read_entries
from trackly_contract.core import short


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

    Raises WaiverError if the file holds anything but waivers of rules that can be broken, each once and not expired.
    """
    try:
        waivers = read_entries(path, "waiver", Waiver, "rule")
    except ContractError as error:
        raise WaiverError(f"{error}; each waiver is an entry [[waiver]] with rule, reason, expires") from None
    for waiver in waivers.values():
        rule = rules.get(waiver.rule)
        if rule is None:
            name = short(waiver.rule, 80)
            raise WaiverError(f"{path}: the waiver of {name}: there is no rule of that name; see docs/rules.md")
        if rule.untested is not None or not rule.breakable:
            why = "no request can find it out" if rule.untested is not None else f"it is {rule.basis}"
            raise WaiverError(f"{path}: the waiver of {rule.id}: it is never broken, for {why}; remove the entry")
        if waiver.expires < today:
            then = "check the rule again, then remove the entry or give it another day"
            raise WaiverError(f"{path}: the waiver of {rule.id} expired on {waiver.expires}; {then}")
    return waivers
