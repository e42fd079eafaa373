"""PUT /v2/audiences/{id}: what the error table refuses, each body with exactly one fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackly_contract.core import InconclusiveError, Verdict
from trackly_contract.generate import RejectionCase, rejection_cases

if TYPE_CHECKING:
    from trackly_contract.generate import Tokens
    from trackly_contract.run import Session


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = rejection_cases(metafunc.config.option.trackly_effort)
        metafunc.parametrize(
            "case",
            [pytest.param(case, id=case.id, marks=pytest.mark.trackly_rule(case.vector.rule)) for case in cases],
        )


def test_a_fault_is_refused(api: Session, tokens: Tokens, known_lists: list[int], case: RejectionCase) -> None:
    lists = case.known_lists()
    if lists > len(known_lists):
        pytest.skip(f"the audience has {len(known_lists)} sending lists of its own, this body needs {lists}")
    with api.step(case.id):
        found = api.refuse(case, tokens, known_lists)
    broken = [finding for finding in found if finding.rule == case.vector.rule]
    without_token = case.condition_type is not None and case.condition_type not in tokens.operators
    if without_token and any(finding.verdict is Verdict.BROKEN for finding in broken):
        api.withdraw(broken)
        raise InconclusiveError(
            f"no candidate operator of {case.condition_type} is accepted here, so a refusal says nothing of the fault"
        )
    api.require(case.vector.rule, case.id)


@pytest.mark.trackly_rule("update.refused.unchanged")
@pytest.mark.usefixtures("tokens")
def test_refused_updates_changed_nothing(api: Session) -> None:
    if not api.state.refused:
        raise InconclusiveError("no update was refused in this run")
    with api.step("refused-unchanged"):
        api.confirm_unchanged()
    api.require("update.refused.unchanged")
