"""What every answer promises, looked at in all answers of the run, after the audience was put back."""

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import InconclusiveError
from trackly_contract.run import Script, Session

ASKED_BEFORE = {"read.success", "update.optional", "update.cache.recounted", "update.refused.unchanged"}
"""Rules of single tests, in the other files; those on filters and those that reject are there too."""


def _rules(*, updates: bool) -> list[object]:
    return [
        pytest.param(rule.id, id=rule.id, marks=pytest.mark.trackly_rule(rule.id))
        for rule in contract().rules.values()
        if rule.code is None and rule.untested is None and rule.id not in ASKED_BEFORE
        if not rule.id.startswith("filter.") and rule.id.startswith("update.") is updates
    ]


def test_the_audience_is_as_it_was_found(script: Script) -> None:
    script.reach("restored")
    left = [*script.left, *script.session.sandbox.unsettled]
    if left:
        raise InconclusiveError("the audience is not as it was found: " + "; ".join(left))


@pytest.mark.parametrize("rule", _rules(updates=False))
def test_every_response(script: Script, api: Session, rule: str) -> None:
    script.reach("untouched")
    api.require(rule)


@pytest.mark.parametrize("rule", _rules(updates=True))
def test_every_update(script: Script, api: Session, rule: str) -> None:
    script.reach("restored")
    api.require(rule)


def test_no_unreported_breakage(script: Script, api: Session) -> None:
    script.reach("untouched")
    api.require_nothing_unreported()
