"""Any order of reads, counts, updates and refusals: session, reference server and a model by hand agree."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integrity.mutants import mutants
from trackly_contract.contract import as_request, contract, matches_nobody
from trackly_contract.core import JSON, Verdict, same
from trackly_contract.generate import RejectedBody, rejected_bodies, rejection_codes, update_bodies
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import Session
from trackly_contract.run.sandbox import Stage
from trackly_contract.run.targets import embedded_target

SHALLOW = 4
VECTORS = {vector.code: vector for vector in contract().requests.values() if vector.situation is None}


def shown(group: dict[str, Any]) -> dict[str, Any]:
    """Write a filter as an answer prints it: by hand, from the example of the documentation."""
    conditions = []
    for sent in group.get("conditions", []):
        condition = {"conditionType": sent["condition_type"]}
        condition.update({key: sent[key] for key in ("field", "operator", "value", "unit") if key in sent})
        conditions.append(condition)
    groups = [shown(nested) for nested in group.get("groups", [])]
    return {"operator": group["operator"], "conditions": conditions, "groups": groups}


class Conversation(RuleBasedStateMachine):
    """One audience, asked and changed in any order; `expected` is the model of what it must be."""

    make: Callable[[], ReferenceServer] = ReferenceServer
    named: ClassVar[set[str]] = set()
    """The rules that any session called broken."""
    modelled = True
    """Whether a read is compared with the model, or left to the session alone."""

    def __init__(self) -> None:
        super().__init__()
        target = embedded_target(type(self).make().answer, AUDIENCE_ID, REFERENCE_KEY)
        self.session = Session(target, "standard")
        self.session.sandbox.stage = Stage.OPEN
        self.expected: dict[str, JSON] = {}
        self.cached = True
        self.guarded = False

    @initialize()
    def first_read(self) -> None:
        audience = self.session.read()
        self.expected = {key: audience[key] for key in ("name", "description", "source_lists", "filter")}
        self.cached = audience["cached_size"] is not None

    @rule()
    def read(self) -> None:
        audience = self.session.read()
        if not self.modelled:
            return
        for key, value in self.expected.items():
            assert same(audience[key], value), key
        filled = [audience[key] is not None for key in ("cached_size", "cached_size_updated_at")]
        assert filled == [self.cached, self.cached]

    @rule()
    def count(self) -> None:
        assert self.session.count()
        self.cached = True

    def _update(self, body: dict[str, JSON]) -> None:
        sent = copy.deepcopy(body)
        exchange = self.session.update(body, "update", ["update.optional"])
        assert exchange.response.succeeded
        assert same(body, sent)
        wanted = {**body, "filter": shown(body["filter"])} if "filter" in body else body
        if not same(wanted.get("filter", self.expected["filter"]), self.expected["filter"]):
            self.cached = False
        self.expected = {key: wanted.get(key, value) for key, value in self.expected.items()}

    @rule(body=update_bodies(nobody=True, max_depth=SHALLOW))
    def update(self, body: dict[str, JSON]) -> None:
        self._update(body)
        self.guarded = self.guarded or "filter" in body

    @rule()
    def update_with_what_is_there(self) -> None:
        self._update({**self.expected, "filter": as_request(self.expected["filter"])})

    @rule(found=st.sampled_from(rejection_codes()).flatmap(lambda code: rejected_bodies(code, max_depth=SHALLOW)))
    def refused_update(self, found: RejectedBody) -> None:
        self.session.reject(VECTORS[found.code], found.body, "rejected")

    @invariant()
    def nothing_is_broken(self) -> None:
        broken = [finding for finding in self.session.findings if finding.verdict is Verdict.BROKEN]
        self.named.update(finding.rule for finding in broken)
        assert broken == [], [(finding.rule, finding.expected, finding.actual) for finding in broken]

    @precondition(lambda self: self.guarded)
    @invariant()
    def only_filters_that_match_nobody_stand(self) -> None:
        standing = self.session.state.audience
        assert standing is not None
        assert matches_nobody(as_request(standing["filter"]))

    def teardown(self) -> None:
        if self.expected:
            self.session.read()
            self.nothing_is_broken()


quick = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# A mutant is to be found, not explained: no shrinking. A hunt ends with its find, so many examples cost little; with
# few, what is drawn (it depends on the modules that happen to be loaded) can miss.
hunting = settings(quick, max_examples=400, derandomize=True, phases=[Phase.generate])


def test_any_order_of_requests_agrees_with_the_model() -> None:
    run_state_machine_as_test(Conversation, settings=quick)


MUTANTS = {mutant.id: mutant for mutant in mutants()}


def hunt(mutant: str, **members: Any) -> set[str]:
    """Find a broken server, and return the rules that any session called broken."""
    mutated: Any = type(
        "Mutated", (Conversation,), {"make": staticmethod(MUTANTS[mutant].make), "named": set(), **members}
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(mutated, settings=hunting)
    named: set[str] = mutated.named
    return named


@pytest.mark.parametrize(
    "mutant",
    [
        "update not stored",
        "refused update half applied",
        "cache kept when the filter changes",
        "cache cleared by a name",
        "size not cached",
        "description emptied when not sent",
        "nested groups lost",
    ],
)
def test_the_same_requests_find_a_broken_server_and_the_session_names_its_rule(mutant: str) -> None:
    assert hunt(mutant, modelled=False) & set(MUTANTS[mutant].rules)


@pytest.mark.parametrize("mutant", ["update not stored", "size not cached", "invalid_time_unit accepted"])
def test_the_model_finds_a_broken_server_without_the_session(mutant: str) -> None:
    hunt(mutant, nothing_is_broken=lambda _: None)
