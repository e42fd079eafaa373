"""What every answer promises, looked at in all answers of the run, after the audience was put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackly_contract.contract import contract
from trackly_contract.verdict import InconclusiveError

if TYPE_CHECKING:
    from trackly_contract.session import Session

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


def test_the_audience_is_as_it_was_found(given_back: list[str]) -> None:
    if given_back:
        raise InconclusiveError("the audience is not as it was found: " + "; ".join(given_back))


@pytest.mark.parametrize("rule", _rules(*READING))
@pytest.mark.usefixtures("untouched")
def test_every_answer(api: Session, rule: str) -> None:
    api.require(rule)


@pytest.mark.parametrize("rule", _rules(*UPDATING))
@pytest.mark.usefixtures("given_back")
def test_every_update(api: Session, rule: str) -> None:
    api.require(rule)


@pytest.mark.usefixtures("untouched")
def test_nothing_broke_that_no_test_told(api: Session) -> None:
    api.require_nothing_untold()
