"""The suite can say no: every mutant is called drift, at the least effort, and its rule is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integrity.mutants import CODES, Answering, Mutant, mutants
from trackly_contract.contract import contract
from trackly_contract.core import RunVerdict, Verdict
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

if TYPE_CHECKING:
    from trackly_contract.report import Report


def _report(server: Answering) -> tuple[int, Report]:
    target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    code, report = run_suite(target, "quick", ["-q", "--no-summary", "--tb=no"])
    assert report is not None
    return code, report


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.id) for mutant in mutants()])
def test_a_broken_rule_is_drift_and_is_named(mutant: Mutant) -> None:
    code, report = _report(mutant.make())
    broken = [result.rule.id for result in report.results if result.verdict is Verdict.BROKEN]
    assert (code, report.verdict) == (1, RunVerdict.DRIFT), report.headline()
    assert set(mutant.rules) & set(broken[:3]), broken


def test_the_reference_server_itself_conforms() -> None:
    code, report = _report(ReferenceServer())
    assert (code, report.verdict, report.complete) == (0, RunVerdict.CONFORMS, True)


def test_every_code_and_every_state_rule_has_a_mutant() -> None:
    with_mutant = {rule for mutant in mutants() for rule in mutant.rules}
    rules = contract().rules.values()
    wanted = {rule.id for rule in rules if rule.untested is None and rule.contested is None and rule.breakable}
    assert wanted - with_mutant == set()
    assert {rule.code for rule in rules if rule.status == 400} == set(CODES)
