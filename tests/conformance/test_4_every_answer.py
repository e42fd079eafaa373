"""What every answer promises, looked at in all answers of the run, after the audience was put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import InconclusiveError

if TYPE_CHECKING:
    from trackly_contract.run import Session

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


def test_the_audience_is_as_it_was_found(restored: list[str]) -> None:
    if restored:
        raise InconclusiveError("the audience is not as it was found: " + "; ".join(restored))


@pytest.mark.parametrize("rule", _rules(*READING))
@pytest.mark.usefixtures("untouched")
def test_every_answer(api: Session, rule: str) -> None:
    api.require(rule)


@pytest.mark.parametrize("rule", _rules(*UPDATING))
@pytest.mark.usefixtures("restored")
def test_every_update(api: Session, rule: str) -> None:
    api.require(rule)


@pytest.mark.usefixtures("untouched")
def test_no_unreported_breakage(api: Session) -> None:
    api.require_nothing_untold()
