"""The frozen corpus is fresh, says of its bodies what both judges say, covers what it should, and matches nobody."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.maintain.corpus import place_of
from trackly_contract.contract import ContractError, contract, depth, matches_nobody, schemas
from trackly_contract.contract.load import load_contract
from trackly_contract.core import differences
from trackly_contract.core.files import data_root
from trackly_contract.generate import corpus
from trackly_contract.generate.frozen_corpus import Accepted, Refused, load_corpus, tokens_of
from trackly_contract.generate.invalid import CODES
from trackly_contract.reference import ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trackly_contract.core import JSON

MEMBERS = ("name", "description", "source_lists", "filter")
DOCUMENTED = {(token.kind, token.token) for token in contract().vocabulary.tokens if not token.candidate}
CANDIDATES = {(token.kind, token.token) for token in contract().vocabulary.tokens if token.candidate}
IN_VECTORS = {
    token
    for vector in contract().requests.values()
    if isinstance(vector.body, dict) and "filter" in vector.body
    for token in tokens_of(vector.body["filter"])
}


def tokens_in(body: dict[str, JSON]) -> set[tuple[str, str]]:
    return set(tokens_of(body["filter"])) if "filter" in body else set()


def bodies() -> Iterator[dict[str, JSON]]:
    for accepted in corpus().accepted:
        yield accepted.body
    for refused in corpus().refused:
        yield refused.body
        yield refused.twin


def name_of(entry: Accepted | Refused) -> str:
    return entry.id


@pytest.mark.parametrize("entry", corpus().accepted, ids=name_of)
def test_an_accepted_body_is_accepted_by_both_judges_and_of_documented_tokens(entry: Accepted) -> None:
    assert schemas().decide(entry.body).accepted
    assert list(ReferenceServer().faults(entry.body)) == []
    assert entry.id.partition("/")[0] == "+".join(name for name in MEMBERS if name in entry.body)
    known = {(kind, token) for kind, token in tokens_in(entry.body)}
    assert known <= DOCUMENTED


@pytest.mark.parametrize("entry", corpus().refused, ids=name_of)
def test_a_refused_body_is_refused_by_both_judges_for_its_one_code_and_its_twin_is_not(entry: Refused) -> None:
    assert entry.id.partition("/")[0] == entry.code
    decision = schemas().decide(entry.body)
    lists = entry.code == "source_list_not_found"  # only a server knows its lists
    assert decision.codes == (frozenset() if lists else {entry.code})
    assert decision.questions == ()
    assert [fault.code for fault in ReferenceServer().faults(entry.body)] == [entry.code]
    assert schemas().decide(entry.twin).accepted
    assert list(ReferenceServer().faults(entry.twin)) == []
    places = [place for place, _, _ in differences(entry.body, entry.twin)]
    if lists:  # what stands behind the unknown list moves up
        assert all(place.startswith("/source_lists/") for place in places)
        ids_left = [*entry.body["source_lists"]]
        del ids_left[int(entry.place.rpartition("/")[2])]
        assert {**entry.body, "source_lists": ids_left} == entry.twin
    else:
        assert places == [entry.place]


def test_every_subset_of_the_members_is_there_three_times() -> None:
    subsets = [chosen for size in range(1, 5) for chosen in combinations(MEMBERS, size)]
    assert [tuple(entry.body) for entry in corpus().accepted] == [chosen for chosen in subsets for _ in range(3)]


def test_every_documented_token_is_accepted_somewhere() -> None:
    assert set().union(*(tokens_in(entry.body) for entry in corpus().accepted)) == DOCUMENTED


def test_many_scripts_are_there() -> None:
    texts = json.dumps([entry.body for entry in corpus().accepted], ensure_ascii=False)
    assert len([char for char in set(texts) if char > "\x7f"]) > 50
    assert any("\U0001f300" <= char <= "\U0001faff" for char in texts)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_there_in_varied_places(code: str) -> None:
    entries = corpus().of_code(code)
    assert len(entries) == 6
    assert len({json.dumps(entry.body) for entry in entries}) == 6
    depths, operators, later = (set(seen) for seen in zip(*(place_of(e.twin, e.place) for e in entries), strict=True))
    if code == "name_too_long":
        return
    assert later == {False, True}
    if code == "source_list_not_found":
        return
    assert operators == {"AND", "OR"}
    unsafe_at_the_top = code in ("invalid_group_operator", "empty_filter_group")
    assert {2, 3, 5} <= depths
    assert (1 in depths) != unsafe_at_the_top
    assert max(depth(entry.body["filter"]) for entry in entries) <= 6


def test_nobody_is_ever_matched_whatever_is_accepted() -> None:
    guarded = [body["filter"] for body in bodies() if "filter" in body]
    assert len(guarded) > 250
    assert all(map(matches_nobody, guarded))


def test_what_is_called_plain_is_of_documented_tokens_alone_and_the_rest_of_those_of_the_vectors() -> None:
    for entry in corpus().refused:
        used = tokens_in(entry.body) | tokens_in(entry.twin)
        assert set(entry.candidates) == used & CANDIDATES
        assert set(entry.candidates) <= IN_VECTORS
        assert entry.plain == (tokens_in(entry.twin) <= DOCUMENTED)
    plain = {entry.code for entry in corpus().refused if entry.plain}
    kinds = ("custom_field", "carrier", "timezone", "revenue")
    assert plain == {code for code in CODES if not any(kind in code for kind in kinds)}


def test_lists_are_those_of_the_documented_audience_or_unknown() -> None:
    found = {entry for body in bodies() for entry in body.get("source_lists", ())}
    assert {101, 102} <= found
    assert all(entry >= 2_000_000_000 for entry in found - {101, 102})


# Its file ------------------------------------------------------------------------------------------


ANY: dict[str, Any] = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1}


def content() -> Any:
    return json.loads((data_root() / "contracts" / "corpus.json").read_text("utf-8"))


def set_in(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(whole: Any) -> None:
        for step in path[:-1]:
            whole = whole[step]
        whole[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (set_in("hypothesis", value=6), "field hypothesis: Expected `str`, got `int`"),
        (set_in("inputs", value={}), "field inputs: Expected `object` of length >= 1"),
        (set_in("accepted", 0, "body", value=[]), r"accepted 1 \(name/1\), field body: Expected `object`, got `array`"),
        (
            set_in("refused", 3, "place", value="filter"),
            r"refused 4 \(name_too_long/4\), field place: Expected `str` matching",
        ),
        (set_in("refused", 3, "code", value="no_such"), "entry 'name_too_long/4', field code: no rule has the code"),
        (set_in("accepted", 1, "id", value="name/1"), r"accepted 2 \(name/1\): it is there already"),
        (
            set_in("accepted", 0, "body", value={"filter": {"operator": "AND", "conditions": [ANY]}}),
            "entry 'name/1', field body: the filter could match somebody",
        ),
        (
            set_in("refused", 0, "twin", value={"filter": {"operator": "OR", "conditions": [ANY]}}),
            "entry 'name_too_long/1', field twin: the filter could match somebody",
        ),
    ],
)
def test_a_slip_in_the_file_is_named(tmp_path: Path, change: Callable[[Any], None], text: str) -> None:
    whole = content()
    change(whole)
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(ContractError, match=f"corpus.json: {text}"):
        load_corpus(path)


def test_a_file_that_is_no_json_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "corpus.json"
    with pytest.raises(ContractError, match=r"corpus\.json: the file is not there; `make corpus` makes it"):
        load_corpus(path)
    path.write_bytes(b"{")
    with pytest.raises(ContractError, match=r"corpus\.json: not JSON"):
        load_corpus(path)


def test_the_contract_does_not_take_it_for_one_of_its_files() -> None:
    assert load_contract().requests.keys() == contract().requests.keys()
    assert not any(name.startswith("corpus") for name in contract().requests)
