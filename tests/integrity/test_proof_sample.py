"""A sample of the proof at `standard`: mutants of every family are called drift, variants of every kind are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integrity.mutants_all import all_mutants
from tests.integrity.variants import variants
from tests.proof.measure import Job, run

if TYPE_CHECKING:
    from tests.integrity.mutants import Mutant
    from tests.integrity.variants import Variant

EVERY = 9
"""One in so many of a family or kind, but at least one of each."""


def _sample() -> list[Mutant]:
    families: dict[str, list[Mutant]] = {}
    for mutant in all_mutants():
        if not mutant.plain:
            families.setdefault(mutant.family, []).append(mutant)
    return [mutant for found in families.values() for mutant in found[::EVERY]]


def _variants() -> list[Variant]:
    kinds: dict[str, list[Variant]] = {}
    for variant in variants():
        kinds.setdefault(variant.because.partition(":")[0], []).append(variant)
    return [variant for found in kinds.values() for variant in found[::EVERY]]


@pytest.mark.parametrize("mutant", _sample(), ids=lambda mutant: mutant.id)
def test_a_fault_in_one_place_is_drift_and_is_named(mutant: Mutant) -> None:
    outcome = run(Job("mutant", mutant.id, "standard"))
    assert (outcome.code, outcome.verdict) == (1, "drift")
    assert set(mutant.rules) & set(outcome.broken[:3]), outcome.broken


@pytest.mark.parametrize("variant", _variants(), ids=lambda variant: variant.id)
def test_what_the_documentation_leaves_open_is_no_drift(variant: Variant) -> None:
    outcome = run(Job("variant", variant.id, "standard"))
    assert (outcome.broken, outcome.verdict) == ((), variant.expects)
