"""What every answer promises, looked at in all answers of the run, after the audience was put back."""

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import InconclusiveError
from trackly_contract.run import Script, Session

READING = ("audience.", "read.flat", "error.")
UPDATING = (
    "update.success",
    "update.flat",
    "update.stored",
    "update.partial",
    "update.name",
    "update.name.longest",
    "update.description",
    "update.source_lists",
    "update.filter",
    "update.cache.cleared",
    "update.cache.kept",
)


def _rules(*prefixes: str) -> list[object]:
    return [
        pytest.param(rule.id, id=rule.id, marks=pytest.mark.trackly_rule(rule.id))
        for rule in contract().rules.values()
        if rule.untested is None and any(rule.id == p or (p.endswith(".") and rule.id.startswith(p)) for p in prefixes)
    ]


def test_the_audience_is_as_it_was_found(script: Script) -> None:
    script.reach("restored")
    if script.left:
        raise InconclusiveError("the audience is not as it was found: " + "; ".join(script.left))


@pytest.mark.parametrize("rule", _rules(*READING))
def test_every_response(script: Script, api: Session, rule: str) -> None:
    script.reach("untouched")
    api.require(rule)


@pytest.mark.parametrize("rule", _rules(*UPDATING))
def test_every_update(script: Script, api: Session, rule: str) -> None:
    script.reach("restored")
    api.require(rule)


def test_no_unreported_breakage(script: Script, api: Session) -> None:
    script.reach("untouched")
    api.require_nothing_unreported()
