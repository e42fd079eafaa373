"""The updates beside the planned cases: what they hold, that both judges agree on them, and that nobody is matched."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.maintain.corpus import position_of, tokens_in
from tests.support.drawing import DOCUMENTED, assert_accepted, assert_rejected
from trackly_contract.contract import (
    GUARD,
    UPDATE_FIELDS,
    ContractError,
    RequestVector,
    contract,
    depth,
    matches_nobody,
    schemas,
)
from trackly_contract.core import JSON, data_root
from trackly_contract.generate import (
    accepted,
    alone,
    candidate_types,
    corpus,
    plan,
    rejection_codes,
    together,
)
from trackly_contract.generate.cases import CorpusEntry

EACH = [*accepted("filter"), *plan().filters]


def test_all_together_are_accepted_and_match_nobody() -> None:
    found = together(EACH)
    assert schemas().decide({"filter": found}).accepted
    assert matches_nobody(found)


@pytest.mark.parametrize("vector", EACH, ids=lambda vector: vector.id)
def test_one_alone_is_accepted_matches_nobody_and_is_deeper_only_where_its_top_group_holds_no_conditions(
    vector: RequestVector,
) -> None:
    found, own = alone(vector), vector.body["filter"]
    assert schemas().decide({"filter": found}).accepted
    assert matches_nobody(found)
    assert depth(found) == depth(own) + (own["operator"] == "OR" or not own.get("conditions"))


@pytest.mark.parametrize("make", [lambda vector, last: together([vector], last), alone])
def test_another_condition_can_stand_last(make: Callable[..., dict[str, JSON]]) -> None:
    sends = {**GUARD, "field": "send_count"}
    conditions = make(EACH[0], [sends])["conditions"]
    assert (conditions[0], conditions[-1]) == (GUARD, sends)


def test_every_documented_token_is_in_an_accepted_filter() -> None:
    written = str([vector.body for vector in accepted("filter")])
    assert [token.token for token in DOCUMENTED.tokens if f"'{token.token}'" not in written] == []


@pytest.mark.parametrize("lists", [[], [7], [101, 102], [1, 2, 3]])
def test_the_sequence_is_accepted_matches_nobody_and_names_existing_lists_alone(lists: list[int]) -> None:
    bodies = [step.body(lists) for step in plan().sequence]
    assert all(schemas().decide(body).accepted for body in bodies)
    assert all(matches_nobody(body["filter"]) for body in bodies if "filter" in body)
    assert {entry for body in bodies for entry in body.get("source_lists", ())} == set(lists)


def test_the_sequence_has_every_subset_of_several_fields_under_ids_of_their_own() -> None:
    steps = plan().sequence
    several = {chosen for size in (2, 3, 4) for chosen in combinations(UPDATE_FIELDS, size)}
    assert {tuple(step.planned) for step in steps} - {("name",), ("filter",)} == several
    assert len({step.id for step in steps}) == len(steps)


# The frozen corpus -----------------------------------------------------------------------------------

ACCEPTED, REJECTED = corpus().accepted, corpus().rejected
BODIES: list[dict[str, JSON]] = [entry.body for entry in (*ACCEPTED, *REJECTED)] + [entry.twin for entry in REJECTED]
KNOWN = {(token.kind, token.token) for token in DOCUMENTED.tokens}
CANDIDATES = {(token.kind, token.token) for token in contract().vocabulary.tokens} - KNOWN


@pytest.mark.parametrize("entry", ACCEPTED, ids=lambda entry: entry.id)
def test_an_accepted_body_is_accepted_by_both_judges_and_of_documented_tokens(entry: CorpusEntry) -> None:
    assert_accepted(entry.body)
    assert entry.id.partition("/")[0] == "+".join(name for name in UPDATE_FIELDS if name in entry.body)
    assert tokens_in(entry.body) <= KNOWN


@pytest.mark.parametrize("entry", REJECTED, ids=lambda entry: entry.id)
def test_a_rejected_body_has_one_error_by_both_judges_and_its_twin_none(entry: CorpusEntry) -> None:
    assert entry.id.partition("/")[0] == entry.code
    assert_rejected(entry)


def test_every_subset_of_the_fields_is_there_three_times() -> None:
    subsets = [{*chosen} for size in range(1, 5) for chosen in combinations(UPDATE_FIELDS, size)]
    assert [{*entry.body} for entry in ACCEPTED] == [chosen for chosen in subsets for _ in range(3)]


def test_every_documented_token_is_accepted_somewhere() -> None:
    assert set().union(*(tokens_in(entry.body) for entry in ACCEPTED)) == KNOWN


def test_many_scripts_are_there() -> None:
    texts = json.dumps([entry.body for entry in ACCEPTED], ensure_ascii=False)
    assert len([char for char in set(texts) if char > "\x7f"]) > 50
    assert any("\U0001f300" <= char <= "\U0001faff" for char in texts)


@pytest.mark.parametrize("code", rejection_codes())
def test_every_code_is_there_at_varied_positions(code: str) -> None:
    entries = [entry for entry in REJECTED if entry.code == code]
    assert len({json.dumps(entry.body) for entry in entries}) == len(entries) == 6, "run `make corpus`"
    depths, operators, later = (set(s) for s in zip(*(position_of(e.twin, e.path) for e in entries), strict=True))
    in_a_list = any(step.isdigit() for entry in entries for step in entry.path.split("/"))
    assert later == {False, True} or not in_a_list
    if depths != {0}:
        assert operators == {"AND", "OR"}
        unsafe_at_the_top = code in ("invalid_group_operator", "empty_filter_group")
        assert depths >= ({2, 3, 5} if unsafe_at_the_top else {1, 2, 3, 5})
        assert max(depth(entry.body["filter"]) for entry in entries) <= 6


def test_nobody_is_ever_matched_whatever_is_accepted() -> None:
    filters = [body["filter"] for body in BODIES if "filter" in body]
    assert len(filters) > 250
    assert all(map(matches_nobody, filters))


def test_candidates_are_those_of_the_vectors_and_named_where_they_are_used() -> None:
    in_vectors = set().union(*(tokens_in(vector.body) for vector in contract().requests.values()))
    for entry in REJECTED:
        used = tokens_in(entry.body) | tokens_in(entry.twin)
        assert set(entry.candidates) == used & CANDIDATES
        assert set(entry.candidates) <= in_vectors
    plain = {entry.code for entry in REJECTED if not entry.candidates}
    assert plain == {code for code in rejection_codes() if not any(kind in code for kind in candidate_types())}


def test_ids_are_unique_and_lists_those_of_the_documented_audience_or_unknown() -> None:
    assert len({entry.id for entry in (*ACCEPTED, *REJECTED)}) == len(ACCEPTED) + len(REJECTED)
    found = {entry for body in BODIES for entry in body.get("source_lists", ())}
    assert {101, 102} <= found
    assert all(entry >= 2_000_000_000 for entry in found - {101, 102})


ANYBODY = {"filter": {"operator": "OR", "conditions": [{"condition_type": "count", "operator": "gte", "value": 1}]}}


@pytest.mark.parametrize(
    ("part", "key", "value", "text"),
    [
        ("accepted", "body", [], r"Expected `object`, got `array` - at `\$\.accepted\[0\]\.body`"),
        ("refused", "place", 3, r"Expected `str`, got `int` - at `\$\.refused\[0\]\.place`"),
        ("refused", "plase", "/name", r"unknown field `plase` - at `\$\.refused\[0\]`"),
        ("accepted", "body", ANYBODY, "entry 'name/1': the filter could match somebody"),
        ("refused", "twin", ANYBODY, "entry 'name_too_long/1': the filter could match somebody"),
    ],
)
def test_a_slip_in_the_file_is_named(tmp_path: Path, part: str, key: str, value: Any, text: str) -> None:
    whole = json.loads((data_root() / "contracts" / "corpus.json").read_text("utf-8"))
    whole[part][0][key] = value
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(ContractError, match=f"corpus.json: .*{text}"):
        corpus(path)


def test_a_file_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "corpus.json"
    with pytest.raises(ContractError, match=r"corpus\.json: .*No such file.*; `make corpus` makes it"):
        corpus(path)
    path.write_bytes(b"{")
    with pytest.raises(ContractError, match=r"corpus\.json: .* `make corpus` makes it anew"):
        corpus(path)
