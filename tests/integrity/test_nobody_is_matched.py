"""Nobody is ever matched: over everything that a run sends, at every effort, judged over a made population.

A filter that the documentation accepts matches nobody as it is, with any one condition or group of it lost, and where
any one condition type, field or operator of it means everybody. The audience's own filter is somebody's, and stands
before the first filter is sent and after the restore.
"""

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest

from tests.run.hooked import Server, always, serving, session
from tests.support.population import anybody, harm, losses
from tests.support.runs import run_server
from trackly_contract.contract import CONTRADICTION, GUARD, NOBODY, as_request, contract, matches_nobody
from trackly_contract.core import Request, Response, data_root, parse, same
from trackly_contract.generate import (
    Effort,
    RejectionCase,
    Tokens,
    accepted,
    alone,
    candidate_types,
    corpus,
    plan,
    rejection_cases,
    together,
)
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer, documented_audience
from trackly_contract.reference.filter import Fault
from trackly_contract.run import ask_all, find_tokens
from trackly_contract.run.questions import GUARDS, body_text
from trackly_contract.run.searches import SIZES, factors

OWN = documented_audience()

TOKENS = Tokens(dict.fromkeys(candidate_types(), "ne"), {"revenue": "avg_revenue"})
"""Tokens of a target that accepts none of those in the vectors; a negation of what nobody meets."""


@dataclass(frozen=True)
class Write:
    """One PUT: its body, the audience that stood before and after, and whether it was accepted."""

    body: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    accepted: bool


class Watched(ReferenceServer):
    """The reference server, which keeps every write of the good key."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[Write] = []

    def answer(self, request: Request) -> Response:
        before = copy.deepcopy(self.store.audiences[AUDIENCE_ID])
        response = super().answer(request)
        if request.method == "PUT" and request.header("X-Api-Key") == REFERENCE_KEY and AUDIENCE_ID in request.path:
            after = copy.deepcopy(self.store.audiences[AUDIENCE_ID])
            self.writes.append(Write(parse(request.body), before, after, response.succeeded))
        return response


class Lenient(Watched):
    """Takes whatever it can store, and everything sent to be refused with it."""

    def faults(self, body: Any) -> Iterator[Any]:
        # What has no groups as a list cannot be stored by this server.
        return iter([fault for fault in super().faults(body) if fault.code == "undocumented"])


@cache
def writes(effort: Effort, server: type[Watched] = Watched) -> list[Write]:
    """Return every write of one run."""
    watched = server()
    run_server(watched, effort)
    return watched.writes


def is_own(audience: dict[str, Any]) -> bool:
    return same(audience["filter"], OWN["filter"])


def filters_of(bodies: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the filters of bodies that are not the audience's own, each once."""
    found = [body["filter"] for body in bodies if isinstance(body, dict) and "filter" in body]
    texts = {json.dumps(one): one for one in found if not same(one, as_request(OWN["filter"]))}
    return [*texts.values()]


# What is sent ------------------------------------------------------------------------------------------


def asked_of(server: Server, ask: Any) -> list[Any]:
    """Return the bodies that a server gets while `ask` does with a session what it does."""
    one = session(server)
    one.read()
    ask(one)
    return [request.json.value for request in server.asked]


def of_a_run(effort: Effort) -> list[Any]:
    return [write.body for write in writes(effort)]


def of_candidates() -> list[Any]:
    """Return the bodies of every trial that there can be."""
    refusing = serving(**{kind: always("undocumented") for kind in candidate_types()})
    return [body for server in (Server(), refusing) for body in asked_of(server, lambda one: find_tokens(one, []))]


def of_questions() -> list[Any]:
    """Return the bodies of every probe, and those that lead from one question to the next."""
    texts = [body_text(probe, *GUARDS) for asked in contract().questions.values() for probe in asked.probes]
    filters = [json.loads(text) for text in texts if text is not None and '"filter"' in text]
    return filters + asked_of(Server(), lambda one: ask_all(one, TOKENS, [101, 102]))


def of_searches() -> list[Any]:
    """Return the bodies of searches for limits, the least and the largest among them, and for orders."""
    sizes = [size.body(of) for size in SIZES.values() for of in (*range(size.least, size.least + 4), size.ceiling)]
    orders = [
        factor.body(dict(faults))
        for factor in factors(TOKENS).values()
        for parts in (*itertools.combinations(factor.wrong, 2), [*factor.wrong])
        for faults in itertools.product(*[[(part, code) for code in factor.wrong[part]] for part in parts[:3]])
    ]
    return sizes + orders


def of_the_culprit() -> list[Any]:
    """Return what is sent to find which of the accepted filters is refused: each half, down to each alone."""
    known = [*accepted("filter"), *plan().filters]
    halves = [known[start : start + size] for size in (2, 5, 17) for start in range(0, len(known), size)]
    return [{"filter": made} for made in (*map(alone, known), *map(together, halves))]


SOURCES: dict[str, Callable[[], list[Any]]] = {
    **{f"a run at {effort}": partial(of_a_run, effort) for effort in EFFORTS},
    "the sequence": lambda: [step.body([7, 8]) for step in plan().sequence],
    "the corpus": lambda: [body for one in (*corpus().accepted, *corpus().rejected) for body in (one.body, one.twin)],
    "other tokens": lambda: [case.body(TOKENS) for case in plan().rejected["thorough"] if not case.unguarded],
    "candidates": of_candidates,
    "questions": of_questions,
    "searches": of_searches,
    "the culprit": of_the_culprit,
}
"""Bodies by what sends them."""


@cache
def unguarded() -> dict[str, RejectionCase]:
    """Return the rejected updates that are known to hold no guards, by the text of their filter."""
    found = (case for effort in EFFORTS for case in rejection_cases(effort) if case.unguarded)
    return {json.dumps(case.body()["filter"]): case for case in found}


@pytest.mark.parametrize("source", SOURCES)
def test_a_filter_matches_nobody_with_any_one_part_lost_or_misread(source: str) -> None:
    found = [one for one in filters_of(SOURCES[source]()) if json.dumps(one) not in unguarded()]
    assert len(found) > 10
    assert {json.dumps(one): why for one in found if (why := harm(one))} == {}


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_guards_stand_first_and_last_in_every_filter_that_is_accepted(effort: Effort) -> None:
    found = filters_of(write.body for write in writes(effort) if write.accepted)
    roots = [one for one in found if one["operator"] == "AND"]
    assert all(one["conditions"][0] == GUARD for one in roots)
    assert all(one["conditions"][-2:] == [*CONTRADICTION] for one in roots)
    branches = [branch for one in found if one not in roots for branch in one["groups"]]
    assert roots
    assert all(map(matches_nobody, branches))
    assert [one for one in found if one not in roots and one.get("conditions")] == []


SENDS = {**GUARD, "field": "send_count"}
ONCE = {"operator": "AND", "conditions": [GUARD]}


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({**ONCE, "operator": "NOT"}, "as it is"),
        ({"operator": "AND", "conditions": []}, "as it is"),
        ({"operator": "OR", "conditions": [GUARD, *CONTRADICTION]}, "as it is"),
        (ONCE, f"without {json.dumps(GUARD)}"),
        ({"operator": "AND", "conditions": [*CONTRADICTION]}, f"without {json.dumps(CONTRADICTION[0])}"),
        ({"operator": "AND", "groups": [NOBODY]}, f"without {json.dumps(NOBODY)}"),
        ({"operator": "OR", "groups": [ONCE, NOBODY]}, f"without {json.dumps(GUARD)}"),
        ({"operator": "AND", "conditions": [GUARD, SENDS]}, "where condition_type count means everybody"),
    ],
)
def test_the_proof_sees_what_is_guarded_once_at_most(definition: dict[str, Any], why: str) -> None:
    assert harm(definition) == why


# Where the contradiction is refused --------------------------------------------------------------------


class WithoutSignupDate(Watched):
    """Refuses signup_date, which the documentation accepts."""

    def faults(self, body: Any) -> Iterator[Fault]:
        if "signup_date" in json.dumps(body.get("filter")):
            yield Fault("invalid_time_field", "/filter")
        yield from super().faults(body)


def test_where_a_token_of_the_guards_is_refused_two_counts_stand_in_until_the_culprit_is_found() -> None:
    found = filters_of(write.body for write in writes("quick", WithoutSignupDate) if write.accepted)
    assert len(found) > 5
    for one in found:
        assert not anybody(one)
        assert [lost for lost, rest in losses(one) if anybody(rest)] == []
        assert not any(anybody(one, ("field", name)) for name in ("click_count", "send_count"))


# Lists, replacement, restore ---------------------------------------------------------------------------


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_filter_that_is_stored_is_the_audiences_own_or_matches_nobody(effort: Effort) -> None:
    stored = [write.after for write in writes(effort) if write.accepted]
    assert len(stored) > 5
    assert [audience for audience in stored if not is_own(audience) and anybody(as_request(audience["filter"]))] == []


class TakesNothing(Watched):
    """Takes an empty filter, and no other error."""

    def faults(self, body: Any) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault != Fault("empty_filter_group", "/filter"))


@pytest.mark.parametrize("takes_nothing", [False, True])
@pytest.mark.parametrize("effort", EFFORTS)
def test_all_sending_lists_stand_only_while_the_filter_matches_nobody(effort: Effort, takes_nothing: bool) -> None:
    found = writes(effort, TakesNothing) if takes_nothing else writes(effort)
    every = [write.after for write in found if write.after["source_lists"] == []]
    assert every
    assert [audience for audience in every if harm(as_request(audience["filter"]))] == []


@pytest.mark.parametrize("effort", EFFORTS)
def test_all_sending_lists_are_named_only_beside_a_filter_that_matches_nobody(effort: Effort) -> None:
    emptied = [write for write in writes(effort) if write.body.get("source_lists") == []]
    assert emptied
    beside = [write.body.get("filter") or as_request(write.before["filter"]) for write in emptied]
    assert [definition for definition in beside if harm(definition)] == []


@pytest.mark.parametrize("effort", EFFORTS)
def test_other_sending_lists_stand_only_while_the_filter_matches_nobody(effort: Effort) -> None:
    other = [write.after for write in writes(effort) if not same(write.after["source_lists"], OWN["source_lists"])]
    assert [audience for audience in other if anybody(as_request(audience["filter"]))] == []


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_restore_puts_the_lists_back_before_the_filter(effort: Effort) -> None:
    before, last = writes(effort)[-2:]
    assert not anybody(as_request(before.after["filter"]))
    assert same(before.after["source_lists"], OWN["source_lists"])
    assert "source_lists" not in last.body
    assert is_own(last.after)


@pytest.mark.parametrize("effort", EFFORTS)
def test_after_an_unexpected_acceptance_the_next_write_matches_nobody(effort: Effort) -> None:
    found = writes(effort, Lenient)
    taken = [n for n, write in enumerate(found) if write.accepted and list(ReferenceServer().faults(write.body))]
    assert len(taken) > 4  # as many as the ceiling of writes leaves room for
    assert [n for n in taken if not same(found[n + 1].body.get("filter"), NOBODY)] == []


# What nothing can guard --------------------------------------------------------------------------------


def test_what_holds_no_guards_has_its_error_in_or_directly_under_the_top_group() -> None:
    for case in unguarded().values():
        definition = case.planned["filter"]
        assert "@top-or" in case.id or (case.id == case.vector_id and not matches_nobody(definition))
        assert case.vector.code in ("invalid_group_operator", "empty_filter_group") or definition["operator"] == "OR"


def test_of_what_holds_no_guards_the_documentation_accepts_nothing() -> None:
    sent = {json.dumps(write.body.get("filter")): write for effort in EFFORTS for write in writes(effort)}
    assert set(unguarded()) <= set(sent)
    assert [text for text in unguarded() if sent[text].accepted] == []


def test_each_is_listed_in_the_documentation() -> None:
    page = (data_root() / "docs" / "edge-cases.md").read_text("utf-8").partition("## Rejected filters without guards")
    listed = [line.split(" | ")[1] for line in page[2].splitlines() if line.startswith("| ")][2:]
    assert listed == list(dict.fromkeys(case.id for case in unguarded().values()))
