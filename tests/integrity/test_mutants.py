"""The suite can say no: every mutant is called drift and its rule is named, the plain ones at the least effort."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

import pytest

from tests.integrity.mutants import Mutant, all_mutants, mutants
from tests.support.runs import broken_rules, run_server, run_target
from trackly_contract.contract import contract
from trackly_contract.core import Request, Response, RunVerdict
from trackly_contract.generate import Effort
from trackly_contract.reference import ReferenceServer

T = TypeVar("T")
EVERY = 9
"""Of the servers that take more effort, one in so many of each kind is run; `make proof` runs all."""


def one_in_so_many(found: Iterable[T], kind: Callable[[T], str]) -> list[T]:
    """Return a sample of each kind."""
    kinds: dict[str, list[T]] = {}
    for one in found:
        kinds.setdefault(kind(one), []).append(one)
    return [one for alike in kinds.values() for one in alike[::EVERY]]


NEEDLES = [mutant for mutant in all_mutants() if not mutant.plain]
RUNS = [(mutant, "quick") for mutant in mutants()]
RUNS += [(mutant, "standard") for mutant in one_in_so_many(NEEDLES, lambda mutant: mutant.family)]


@pytest.mark.parametrize(("mutant", "effort"), [pytest.param(*run, id=run[0].id) for run in RUNS])
def test_a_broken_rule_is_drift_and_is_named(mutant: Mutant, effort: Effort) -> None:
    code, report = run_server(mutant.make(), effort)
    broken = broken_rules(report)
    assert (code, report.verdict) == (1, RunVerdict.DRIFT), report.headline()
    assert set(mutant.rules) & set(broken[:3]), broken


def test_the_reference_server_itself_conforms() -> None:
    code, report = run_server(ReferenceServer())
    assert (code, report.verdict, report.complete) == (0, RunVerdict.CONFORMS, True)


@cache
def _standard() -> list[tuple[Request, Response]]:
    """What a run at `standard` sends, each with the response of the reference server."""
    _, report = run_target(None, "standard")
    server = ReferenceServer()
    return [(exchange.request, server.answer(exchange.request)) for exchange in report.session.exchanges]


@pytest.mark.parametrize("mutant", NEEDLES, ids=lambda mutant: mutant.id)
def test_a_mutant_answers_otherwise_than_the_reference_server_to_what_the_documentation_decides(mutant: Mutant) -> None:
    server = mutant.make()
    assert any(server.answer(request) != response for request, response in _standard())


def test_two_reference_servers_answer_alike() -> None:
    server = ReferenceServer()
    assert [request for request, response in _standard() if server.answer(request) != response] == []


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
