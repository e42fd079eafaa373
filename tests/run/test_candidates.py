"""Facts about candidates: which condition is found to work, in how many trials, and what is said of a token."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from tests.integrity.variants_tokens import judging
from tests.run.hooked import Server, always, broken, serving, session
from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    Observed,
    Outcome,
    Trial,
    contract,
    matches_nobody,
    summed_up,
)
from trackly_contract.contract.load import in_order, words_of
from trackly_contract.core import InconclusiveError, Request, Response, Verdict
from trackly_contract.generate import Tokens, candidate_condition, candidate_types
from trackly_contract.reference import AUDIENCE_ID, Choices
from trackly_contract.reference.filter import Fault, Judge
from trackly_contract.run import Session, find_tokens
from trackly_contract.run.candidates import MOST_OUTAGES, MOST_TRIALS

FIELDS, OPERATORS = (contract().vocabulary.words(f"revenue.{part}") for part in ("field", "operator"))
PAIRS = list(itertools.product(FIELDS, OPERATORS))
NAME = "trackly-contract: candidates"
LISTS = [101, 102]


def only(field: str, operator: str, *, operator_first: bool = False, codes: str = "invalid_revenue_") -> Judge:
    """Make a judge of revenue that knows one field and one operator, and names faults by `codes` and the member."""

    def judge(condition: dict[str, Any], _choices: Choices) -> Iterator[Fault]:
        wanted = {"field": field, "operator": operator}
        faults = [Fault(f"{codes}{name}", f"/{name}") for name, word in wanted.items() if condition.get(name) != word]
        yield from faults[::-1] if operator_first else faults

    return judge


def asked(server: Server) -> tuple[Session, Tokens]:
    found = session(server)
    found.read()
    return found, find_tokens(found, LISTS)


def tried(server: Server) -> list[list[dict[str, Any]]]:
    """Return the conditions of each trial, without the guards; a request that was sent again counts once."""
    bodies = [json.dumps(body["filter"]["conditions"][1:-2]) for body in server.bodies() if body.get("name") == NAME]
    return [json.loads(text) for text, _ in itertools.groupby(bodies)]


def alone(server: Server) -> Counter[str]:
    """Return how often each type was tried alone."""
    return Counter(conditions[0]["condition_type"] for conditions in tried(server) if len(conditions) == 1)


def outcomes(found: Session, kind: str) -> dict[str, tuple[str, str]]:
    return {t.token: (t.outcome.value, t.said) for t in summed_up(found.vocabulary) if t.kind == kind}


# One update for all -------------------------------------------------------------------------------------


def test_where_the_vectors_own_tokens_are_accepted_one_update_is_all() -> None:
    server = Server()
    found, tokens = asked(server)
    assert tried(server) == [[candidate_condition(kind) for kind in candidate_types()]]
    operators = {kind: candidate_condition(kind)["operator"] for kind in candidate_types()}
    assert tokens == Tokens(operators, {"revenue": candidate_condition("revenue")["field"]})
    assert {(trial.kind, trial.token) for trial in found.vocabulary} == {
        *(("condition_type", kind) for kind in candidate_types()),
        *((f"{kind}.operator", operators[kind]) for kind in candidate_types()),
        ("revenue.field", "revenue_total"),
    }
    assert {(trial.outcome, trial.said) for trial in found.vocabulary} == {(Outcome.ACCEPTED, "200")}


def test_an_accepted_trial_has_the_audience_draw_on_its_own_lists() -> None:
    server = Server()
    server.store.audiences[AUDIENCE_ID]["source_lists"] = []
    asked(server)
    assert server.audience["source_lists"] == LISTS
    find_tokens(session(server), [])
    assert "source_lists" not in server.bodies()[-1]


def test_each_type_is_tried_alone_once_the_update_of_all_is_refused() -> None:
    server = serving("carrier")
    _, tokens = asked(server)
    assert alone(server) == dict.fromkeys(candidate_types(), 1)
    assert set(tokens.operators) == {"custom_field", "timezone", "revenue"}


# What an answer says ------------------------------------------------------------------------------------


def test_an_operator_that_is_named_at_fault_is_refused_and_the_next_is_tried() -> None:
    found, tokens = asked(serving(carrier=judging("carrier", ("ne",))))
    assert outcomes(found, "carrier.operator") == {
        "eq": ("refused", "400 invalid_carrier_operator"),
        "ne": ("accepted", "200"),
    }
    assert tokens.operators["carrier"] == "ne"


def test_a_field_that_is_named_at_fault_is_refused_and_its_operator_is_not() -> None:
    found, tokens = asked(serving(revenue=judging("revenue", ("gte",), ("avg_revenue",))))
    assert outcomes(found, "revenue.field") == {
        "revenue_total": ("refused", "400 invalid_revenue_field"),
        "has_revenue": ("refused", "400 invalid_revenue_field"),
        "avg_revenue": ("accepted", "200"),
    }
    assert outcomes(found, "revenue.operator") == {"gte": ("accepted", "200")}
    assert tokens.fields == {"revenue": "avg_revenue"}


def test_a_type_that_is_named_at_fault_is_not_tried_again() -> None:
    server = serving("carrier")
    found, _ = asked(server)
    assert alone(server)["carrier"] == 1
    assert outcomes(found, "condition_type")["carrier"] == ("refused", "400 invalid_condition_type")
    assert outcomes(found, "carrier.operator") == {}


@pytest.mark.parametrize("code", ["missing_carrier_value", "invalid_timezone_operator", "undocumented"])
def test_a_code_that_names_none_of_the_tokens_refuses_none(code: str) -> None:
    found, tokens = asked(serving(carrier=always(code)))
    assert outcomes(found, "carrier.operator") == dict.fromkeys(("eq", "ne"), ("undecided", f"400 {code}"))
    assert outcomes(found, "condition_type")["carrier"] == ("undecided", f"400 {code}")
    assert "carrier" not in tokens.operators


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_about_the_moment_refuses_no_token_and_after_a_few_the_type_is_left(status: int) -> None:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        return server.error(status, "invalid_carrier_operator", "no") if NAME.encode() in request.body else None

    server = Server(hook)
    found, tokens = asked(server)
    assert {trial.outcome for trial in found.vocabulary} == {Outcome.UNDECIDED}
    assert {trial.said for trial in found.vocabulary} == {f"{status} invalid_carrier_operator"}
    assert tokens == Tokens({}, {})
    assert alone(server)["custom_field"] == alone(server)["revenue"] == MOST_OUTAGES


def test_a_trial_without_an_answer_refuses_no_token_and_costs_no_other_type_its_own() -> None:
    def silent(_server: Server, request: Request, _number: int) -> Response | None:
        if NAME.encode() in request.body and b"carrier" in request.body:
            raise httpx.ReadTimeout("no answer")
        return None

    found, tokens = asked(Server(silent))
    assert {outcome for outcome, _ in outcomes(found, "carrier.operator").values()} == {"undecided"}
    assert set(tokens.operators) == {"custom_field", "timezone", "revenue"}


def test_where_nothing_is_answered_any_more_that_is_raised() -> None:
    def gone(_server: Server, _request: Request, number: int) -> Response | None:
        if number > 1:
            raise httpx.ConnectError("gone")
        return None

    with pytest.raises(InconclusiveError):
        asked(Server(gone))


# How many trials ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator_first", [False, True])
@pytest.mark.parametrize(("field", "operator"), PAIRS)
def test_with_documented_codes_a_working_pair_is_found_by_naming_each_other_token_once(
    field: str, operator: str, operator_first: bool
) -> None:
    server = serving(revenue=only(field, operator, operator_first=operator_first))
    _, tokens = asked(server)
    assert (tokens.fields["revenue"], tokens.operators["revenue"]) == (field, operator)
    assert alone(server)["revenue"] <= 11


NEAR = [pair for pair in PAIRS if FIELDS.index(pair[0]) + OPERATORS.index(pair[1]) <= 5]


@pytest.mark.parametrize("pair", NEAR, ids="+".join)
def test_with_other_codes_pairs_near_the_head_of_both_lists_are_found(pair: tuple[str, str]) -> None:
    server = serving(revenue=only(*pair, codes="bad_"))
    found, tokens = asked(server)
    assert (tokens.fields["revenue"], tokens.operators["revenue"]) == pair
    assert Outcome.REFUSED not in {trial.outcome for trial in found.vocabulary}


def test_no_type_is_tried_more_often_than_the_ceiling_and_no_condition_twice() -> None:
    server = serving(**{kind: always("undocumented") for kind in candidate_types()})
    asked(server)
    assert alone(server) == {"custom_field": 7, "carrier": 2, "timezone": 2, "revenue": MOST_TRIALS}
    sent = [json.dumps(conditions) for conditions in tried(server)]
    assert len(sent) == len(set(sent))
    fields, operators = words_of("revenue")
    assert len(fields) + len(operators) - 1 <= MOST_TRIALS


# What may be sent ---------------------------------------------------------------------------------------

UNHELPFUL = {
    "no operator": {kind: judging(kind, ("equals",)) for kind in candidate_types()},
    "other codes": {kind: always("undocumented") for kind in candidate_types()},
    "no field": {"revenue": judging("revenue", OPERATORS, ("total_revenue",))},
}


@pytest.mark.parametrize("judges", UNHELPFUL.values(), ids=UNHELPFUL.keys())
def test_every_trial_would_match_nobody_if_it_were_accepted(judges: dict[str, Judge]) -> None:
    server = serving(**judges)
    asked(server)
    assert len(server.bodies()) > 5
    for body in server.bodies():
        assert body["filter"]["conditions"][0] == GUARD
        assert body["filter"]["conditions"][-2:] == [*CONTRADICTION]
        assert matches_nobody(body["filter"])


def test_an_operator_that_takes_a_list_or_no_value_is_not_tried() -> None:
    server = serving(**UNHELPFUL["no operator"])
    asked(server)
    operators = {condition["operator"] for conditions in tried(server) for condition in conditions}
    assert not operators & {"in", "not_in", "exists", "not_exists"}
    assert operators >= {"eq", "ne", "contains", "gt", "lte"}


# What is stored otherwise -------------------------------------------------------------------------------


class Storing(Server):
    """Accepts what it always did, and stores another filter."""

    def __init__(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        super().__init__()
        self.change = change

    def apply(self, audience: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        changed = super().apply(audience, body)
        if "filter" in body:
            conditions = self.change(changed["filter"]["conditions"])
            changed = {**changed, "filter": {**changed["filter"], "conditions": conditions}}
        return changed


def spelt_out(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**c, "operator": "equals"} if c["operator"] == "eq" else c for c in conditions]


def test_an_operator_that_is_stored_as_another_is_undecided_and_breaks_nothing() -> None:
    found, tokens = asked(Storing(spelt_out))
    outcome, said = outcomes(found, "carrier.operator")["eq"]
    assert outcome == "undecided"
    assert said == '200, but stored as /filter/conditions/1/operator: "equals"'
    assert tokens.operators == {"custom_field": "ne", "carrier": "ne", "timezone": "ne", "revenue": "gte"}
    assert broken(found) == set()
    assert Verdict.NOTED in {finding.verdict for finding in found.of("update.filter")}


def test_a_condition_that_is_dropped_was_not_accepted_and_breaks_nothing() -> None:
    found, tokens = asked(
        Storing(lambda conditions: [c for c in conditions if c["conditionType"] not in candidate_types()])
    )
    assert tokens == Tokens({}, {})
    assert broken(found) == set()


def test_a_guard_behind_the_candidates_that_is_stored_otherwise_refuses_no_token() -> None:
    server = Storing(lambda conditions: [*conditions[:-1], {**conditions[-1], "operator": "exists"}])
    found, _ = asked(server)
    assert {trial.outcome for trial in found.vocabulary} == {Outcome.ACCEPTED}


def test_a_documented_condition_that_is_stored_otherwise_breaks_its_rule() -> None:
    found, _ = asked(Storing(lambda conditions: [{**c, "value": 7} for c in conditions]))
    assert broken(found) == {"update.filter"}


# In which order -----------------------------------------------------------------------------------------


def seen(token: str, outcome: Outcome, kind: str = "carrier.operator", base_url: str = "https://a.example") -> Observed:
    return Observed(kind, token, outcome, "said", base_url, date(2026, 11, 22), "quick")


@pytest.mark.parametrize(
    ("observed", "order"),
    [
        ((), "eq in ne not_in"),
        ((seen("ne", Outcome.ACCEPTED),), "ne eq in not_in"),
        ((seen("eq", Outcome.REFUSED),), "in ne not_in eq"),
        ((seen("eq", Outcome.REFUSED), seen("not_in", Outcome.ACCEPTED)), "not_in in ne eq"),
        ((seen("in", Outcome.UNDECIDED),), "eq in ne not_in"),
        ((seen("ne", Outcome.ACCEPTED, "timezone.operator"),), "eq in ne not_in"),
        ((seen("ne", Outcome.REFUSED), seen("ne", Outcome.ACCEPTED, base_url="https://b.example")), "ne eq in not_in"),
        ((seen("no_such_token", Outcome.ACCEPTED),), "eq in ne not_in"),
    ],
)
def test_what_was_accepted_somewhere_comes_first_and_what_was_rejected_last(
    observed: tuple[Observed, ...], order: str
) -> None:
    assert in_order("carrier.operator", ["eq", "in", "ne", "not_in"], observed) == order.split()


def test_what_was_observed_decides_what_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = (seen("ne", Outcome.ACCEPTED), seen("avg_revenue", Outcome.ACCEPTED, "revenue.field"))
    known = dataclasses.replace(contract(), observed=accepted)
    monkeypatch.setattr("trackly_contract.contract.load.contract", lambda: known)
    server = Server()
    _, tokens = asked(server)
    assert len(tried(server)) == 1
    assert (tokens.operators["carrier"], tokens.fields["revenue"]) == ("ne", "avg_revenue")


# What is said -------------------------------------------------------------------------------------------


def test_of_several_trials_of_a_token_the_one_that_says_the_most_is_told() -> None:
    undecided, again = (Trial("revenue.operator", "gte", Outcome.UNDECIDED, said) for said in ("400 a", "400 b"))
    refused = Trial("revenue.operator", "gte", Outcome.REFUSED, "400 c")
    accepted = Trial("revenue.operator", "gte", Outcome.ACCEPTED, "200")
    other = Trial("carrier.operator", "gte", Outcome.REFUSED, "400 d")
    assert summed_up([undecided, again]) == [undecided]
    assert summed_up([undecided, other, refused]) == [refused, other]
    assert summed_up([refused, accepted, undecided]) == [accepted]
