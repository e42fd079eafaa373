"""Accepted bodies that a run sends: what they hold, and that nobody is matched."""

from itertools import combinations

import pytest

from trackly_contract.contract import GUARD, UPDATE_FIELDS, RequestVector, contract, depth, matches_nobody, schemas
from trackly_contract.generate import accepted, alone, documented_conditions, together, update_sequence

EACH = [*accepted("filter"), *documented_conditions()]


def test_all_together_are_accepted_and_match_nobody() -> None:
    found = together(EACH)
    assert schemas().decide({"filter": found}).accepted
    assert matches_nobody(found)


@pytest.mark.parametrize("vector", EACH, ids=lambda vector: vector.id)
def test_one_alone_is_accepted_matches_nobody_and_is_no_deeper_than_its_vector(vector: RequestVector) -> None:
    found = alone(vector)
    assert schemas().decide({"filter": found}).accepted
    assert matches_nobody(found)
    assert depth(found) == depth(vector.body["filter"])


def test_an_or_group_that_could_match_someone_is_not_sent_alone() -> None:
    likely = {"operator": "OR", "conditions": [{**GUARD, "value": 1}]}
    vector = RequestVector("filter.operator.known/likely", "PUT", 200, {"filter": likely})
    with pytest.raises(ValueError, match=r"filter\.operator\.known/likely"):
        alone(vector)


def test_every_documented_token_is_in_an_accepted_filter() -> None:
    written = str([vector.body for vector in accepted("filter")])
    documented = contract().vocabulary.documented().tokens
    assert [token.token for token in documented if f"'{token.token}'" not in written] == []


@pytest.mark.parametrize("lists", [[], [7], [101, 102], [1, 2, 3]])
def test_the_sequence_is_accepted_matches_nobody_and_names_existing_lists_alone(lists: list[int]) -> None:
    steps = update_sequence(lists)
    assert all(schemas().decide(step.body).accepted for step in steps)
    assert all(matches_nobody(step.body["filter"]) for step in steps if "filter" in step.body)
    assert {entry for step in steps for entry in step.body.get("source_lists", ())} == set(lists)


def test_the_sequence_has_every_subset_of_several_fields_under_ids_of_their_own() -> None:
    steps = update_sequence([101, 102])
    several = {chosen for size in (2, 3, 4) for chosen in combinations(UPDATE_FIELDS, size)}
    assert {tuple(step.body) for step in steps} - {("name",), ("filter",)} == several
    assert len({step.id for step in steps}) == len(steps)
