"""The suite can say no: every mutant is called drift and its rule is named, the plain ones at the least effort."""

import pytest

from tests.integrity.mutants import Mutant, all_mutants, mutants
from tests.support.runs import broken_rules, run_server
from trackly_contract.contract import contract
from trackly_contract.core import RunVerdict
from trackly_contract.generate import Effort
from trackly_contract.reference import ReferenceServer

EVERY = 9
"""Of the others one in so many of each family is run; `make proof` runs all."""


def sample() -> list[Mutant]:
    families: dict[str, list[Mutant]] = {}
    for mutant in all_mutants():
        if not mutant.plain:
            families.setdefault(mutant.family, []).append(mutant)
    return [mutant for found in families.values() for mutant in found[::EVERY]]


RUNS = [(mutant, "quick") for mutant in mutants()] + [(mutant, "standard") for mutant in sample()]


@pytest.mark.parametrize(("mutant", "effort"), [pytest.param(*run, id=run[0].id) for run in RUNS])
def test_a_broken_rule_is_drift_and_is_named(mutant: Mutant, effort: Effort) -> None:
    code, report = run_server(mutant.make(), effort)
    broken = broken_rules(report)
    assert (code, report.verdict) == (1, RunVerdict.DRIFT), report.headline()
    assert set(mutant.rules) & set(broken[:3]), broken


def test_the_reference_server_itself_conforms() -> None:
    code, report = run_server(ReferenceServer())
    assert (code, report.verdict, report.complete) == (0, RunVerdict.CONFORMS, True)


def test_every_rule_has_a_mutant() -> None:
    with_mutant = {rule for mutant in mutants() for rule in mutant.rules}
    rules = contract().rules.values()
    wanted = {rule.id for rule in rules if rule.untested is None and rule.contested is None and rule.breakable}
    assert wanted - with_mutant == set()


def test_each_mutant_has_an_id_of_its_own_and_rules_that_can_be_broken() -> None:
    rules = contract().rules
    assert len({mutant.id for mutant in all_mutants()}) == len(all_mutants())
    for mutant in all_mutants():
        assert mutant.rules
        assert all(rules[rule].breakable and rules[rule].untested is None for rule in mutant.rules), mutant.id
