"""Facts about coverage: what counts as met and sent, how it adds up, what is required of it."""

from __future__ import annotations

from typing import Any

import pytest

from trackly_contract.core import Request, encode
from trackly_contract.gate import Coverage, Gate, required
from trackly_contract.gate.coverage import kinds_of, possible_requests

PATH = f"/v2/audiences/{Gate().audience_id}"
HEADERS = (("X-Api-Key", Gate().api_key), ("Content-Type", "application/json"))
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}
WITHIN = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "hours"}
NESTED = {"operator": "OR", "conditions": [WITHIN], "groups": [{"operator": "AND", "conditions": [COUNT]}]}


def read(gate: Gate) -> None:
    gate.answer(Request("GET", PATH, HEADERS[:1]))


def put(gate: Gate, body: Any) -> None:
    gate.answer(Request("PUT", PATH, HEADERS, body if isinstance(body, bytes) else encode(body)))


def kinds(body: Any) -> set[str]:
    gate = Gate()
    put(gate, body)
    return set(kinds_of(gate.last))


def test_a_read_is_a_kind_of_request() -> None:
    gate = Gate()
    read(gate)
    assert list(kinds_of(gate.last)) == ["read"]


def test_an_update_is_a_kind_for_each_member_and_each_word_of_its_filter() -> None:
    assert kinds({"name": "x", "filter": NESTED}) == {
        "update name",
        "update filter",
        "filter nested",
        "group operator OR",
        "group operator AND",
        "condition_type time",
        "condition_type count",
        "time field signup_date",
        "time operator within",
        "time unit hours",
        "count field click_count",
        "count operator gte",
    }


def test_every_kind_that_is_sent_without_fault_is_a_possible_one() -> None:
    assert kinds({"name": "x", "description": "y", "source_lists": [101], "filter": NESTED}) <= set(possible_requests())


@pytest.mark.parametrize("body", [{"name": "x", "colour": 1}, b"{", [1]])
def test_a_request_at_fault_counts_for_nothing(body: Any) -> None:
    assert kinds(body) == set()


def test_an_honest_answer_is_met_as_much_as_a_forced_one() -> None:
    gate = Gate()
    read(gate)
    gate.remove()
    gate.force("null-cache", operation="update")
    put(gate, {"name": "x"})
    gate.arrange()
    gate.force("archived", operation="read")
    read(gate)
    met = Coverage().of(gate).answers
    assert met >= {"read-200-as-documented", "read-200-archived"}
    assert "update-200-null-cache" not in met


def test_an_answer_that_is_forced_and_never_given_is_not_met() -> None:
    gate = Gate()
    gate.force("404")
    assert Coverage().of(gate).answers == set()


def test_shares_add_up() -> None:
    one = Coverage(frozenset({"read-200-archived"}), frozenset({"read"}))
    two = Coverage(frozenset({"read-200-archived", "read-404-not_found"}), frozenset())
    assert (one | two).answers == {"read-200-archived", "read-404-not_found"}
    assert (one | two).requests == {"read"}
    assert Coverage.from_json((one | two).to_json()) == one | two


def test_a_fault_of_the_way_is_met_and_counts_in_no_share() -> None:
    gate = Gate()
    gate.force("429", operation="read")
    read(gate)
    assert Coverage().of(gate).percent("answers") == 0


def test_the_lines_name_what_is_missing() -> None:
    lines = Coverage(frozenset({"read-200-as-documented"}), frozenset(possible_requests())).lines()
    assert lines[0] == "answers met    1 of 72 (1.4 %)"
    assert lines[1].startswith("  missing      read-200-null-cache, ")
    assert lines[1].endswith(" and 67 more")
    assert lines[2] == f"requests sent  {len(possible_requests())} of {len(possible_requests())} (100.0 %)"
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("text", "share", "percent"), [("90", "", 90), ("answers:99.5", "answers", 99.5), ("requests:0", "requests", 0)]
)
def test_what_is_required_is_read(text: str, share: str, percent: float) -> None:
    assert required(text) == (share, percent)


@pytest.mark.parametrize("text", ["", "x", "101", "-1", "codes:90", "answers:", "nan"])
def test_what_is_no_share_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="give a percentage, as 90, answers:90 or requests:40"):
        required(text)


def test_both_shares_are_held_against_a_number_alone() -> None:
    covered = Coverage(requests=frozenset(possible_requests()))
    assert covered.below([("", 50.0)]) == ["FAILED answers: 0.0 % is below the 50 % that is required"]
    assert covered.below([("requests", 100.0)]) == []


def test_a_request_that_is_refused_counts_for_nothing_though_it_is_meant() -> None:
    gate = Gate()
    with gate.meant("update.name.too_long"):
        put(gate, {"name": "n" * 256, "filter": NESTED})
    assert Coverage().of(gate).requests == set()
    assert Coverage().of(gate).answers == {"update-400-name_too_long"}


def test_nothing_is_kept_but_what_is_possible() -> None:
    gate = Gate()
    with gate.meant():
        put(gate, b'{"name": "x", "\\ud800": 1}')
    gate.force("429", operation="read")
    read(gate)
    assert Coverage().of(gate) == Coverage(frozenset({"update-200-as-documented"}), frozenset({"update name", "read"}))
