"""A sample of the proof: mutants of every family at `standard`, each called drift within the ceiling of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integrity.mutants_all import all_mutants
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run import run_suite
from trackly_contract.targets import embedded_target
from trackly_contract.verdict import RunVerdict, Verdict

if TYPE_CHECKING:
    from tests.integrity.mutants import Mutant

EVERY = 9
"""One mutant in so many of a family, but at least one of each family."""


def _sample() -> list[Mutant]:
    families: dict[str, list[Mutant]] = {}
    for mutant in all_mutants():
        if not mutant.plain:
            families.setdefault(mutant.family, []).append(mutant)
    return [mutant for found in families.values() for mutant in found[::EVERY]]


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.id) for mutant in _sample()])
def test_a_fault_in_one_place_is_drift_and_is_named(mutant: Mutant) -> None:
    target = embedded_target(mutant.make().answer, AUDIENCE_ID, REFERENCE_KEY)
    code, report = run_suite(target, "standard", ["-q", "--no-summary", "--tb=no"])
    assert report is not None
    broken = [result.rule.id for result in report.results if result.verdict is Verdict.BROKEN]
    assert (code, report.verdict) == (1, RunVerdict.DRIFT), report.headline()
    assert set(mutant.rules) & set(broken[:3]), broken
