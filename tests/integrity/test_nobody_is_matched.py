"""Nobody is ever matched: over everything that a run sends, at every effort, judged over a made population.

The audience's own filter is somebody's, and stands before the first filter is sent and after the restore.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.support.population import anybody
from tests.support.runs import run_server
from trackly_contract.contract import IMPOSSIBLE_AGE, IMPOSSIBLE_COUNT, NOBODY, as_request
from trackly_contract.core import Request, Response, parse, same
from trackly_contract.generate import Effort
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer, documented_audience

OWN = documented_audience()

NEGATING = ("NOT", "NAND", "NOR", "NONE")

OUT_OF_REACH = {IMPOSSIBLE_COUNT, *IMPOSSIBLE_AGE.values()}
"""Values that no number and no age reaches, whatever field they are compared with."""


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
        found = list(super().faults(body))
        # What has no group operator or no groups as a list cannot be stored by this server.
        return iter([fault for fault in found if fault.code in ("undocumented", "empty_filter_group")])


@cache
def writes(effort: Effort, server: type[Watched] = Watched) -> list[Write]:
    """Return every write of one run."""
    watched = server()
    run_server(watched, effort)
    return watched.writes


def somebody(definition: dict[str, Any]) -> bool:
    """Whether a filter, sound or not, could match anyone: a group that negates always could."""
    pending = [definition]
    while pending:
        group = pending.pop()
        if group.get("operator") in NEGATING and group is definition:
            return True
        pending.extend(group.get("groups", ()))
    return anybody(definition)


def is_own(audience: dict[str, Any]) -> bool:
    return same(audience["filter"], OWN["filter"])


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_filter_that_is_stored_is_the_audiences_own_or_matches_nobody(effort: Effort) -> None:
    stored = [write.after for write in writes(effort) if write.accepted]
    assert len(stored) > 5
    assert [audience for audience in stored if not is_own(audience) and anybody(as_request(audience["filter"]))] == []


@pytest.mark.parametrize("effort", EFFORTS)
def test_other_sending_lists_stand_only_while_the_filter_matches_nobody(effort: Effort) -> None:
    other = [write.after for write in writes(effort) if not same(write.after["source_lists"], OWN["source_lists"])]
    assert any(audience["source_lists"] == [] for audience in other)
    assert [audience for audience in other if anybody(as_request(audience["filter"]))] == []


@pytest.mark.parametrize("effort", EFFORTS)
def test_all_lists_are_never_named_in_a_body_that_would_be_harmful_if_it_were_accepted(effort: Effort) -> None:
    emptied = [write for write in writes(effort) if write.body.get("source_lists") == []]
    assert emptied
    for write in emptied:
        standing = write.body.get("filter") or as_request(write.before["filter"])
        assert not somebody(standing)


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_body_to_be_refused_would_match_nobody_wherever_its_fault_leaves_room(effort: Effort) -> None:
    refused = [write.body["filter"] for write in writes(effort) if not write.accepted and "filter" in write.body]
    harmful = [body for body in refused if somebody(body)]
    assert len(refused) > 15
    for body in harmful:  # the population meets what it does not understand
        conditions = body.get("conditions", [])
        empty = body == {"operator": body["operator"], "conditions": []}
        beyond = all(c.get("value") in OUT_OF_REACH and c["operator"] in ("gte", "before") for c in conditions)
        assert empty or (beyond and body.get("operator") == "OR" and not any(map(anybody, body.get("groups", [])))), (
            body
        )


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
