"""Coverage: what counts as received and sent, how it adds up, what is required of it."""

from argparse import ArgumentTypeError
from typing import Any

import pytest

from tests.gate.requests import COUNT, TIME, read, update
from trackly_contract.gate import Coverage, Gate, possible_responses, required
from trackly_contract.gate.coverage import kinds_of, possible_requests

NESTED = {"operator": "OR", "conditions": [TIME], "groups": [{"operator": "AND", "conditions": [COUNT]}]}


def covered(gate: Gate) -> set[str]:
    return set(Coverage().of(gate))


def test_an_update_is_a_kind_for_each_field_and_each_word_of_its_filter(gate: Gate) -> None:
    update(gate, {"name": "x", "filter": NESTED})
    kinds = set(kinds_of(gate.last))
    assert kinds == {
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
    assert kinds < set(possible_requests())


@pytest.mark.parametrize("body", [{"name": "x", "colour": 1}, b"{", [1]])
def test_a_request_that_fails_a_test_counts_for_nothing(gate: Gate, body: Any) -> None:
    update(gate, body)
    assert covered(gate) == set()


def test_a_rejected_request_counts_for_nothing_though_it_is_allowed(gate: Gate) -> None:
    with gate.allow("update.name.too_long"):
        update(gate, {"name": "n" * 256, "filter": NESTED})
    assert covered(gate) == {"update-400-name_too_long"}


@pytest.mark.parametrize("body", [b'{"name": "x", "\\ud800": 1}', {"name": "x", "colour": 1}, b"{"])
def test_nothing_is_kept_but_what_is_possible(gate: Gate, body: Any) -> None:
    with gate.allow():
        update(gate, body)
    assert covered(gate) == (set() if body == b"{" else {"update-200-as-documented", "update name"})


def test_a_response_counts_if_it_was_given_forced_or_not(gate: Gate) -> None:
    read(gate)
    gate.force("archived", operation="read")
    read(gate)
    gate.remove()
    gate.force("null-cache", operation="update")
    update(gate, {"name": "x"})
    gate.force("invalid_time_unit")
    gate.force("429", operation="read")
    read(gate)
    assert covered(gate) - {"read"} == {"read-200-as-documented", "read-200-archived"}


def test_no_response_has_the_name_of_a_kind_of_request() -> None:
    assert not set(possible_responses()) & set(possible_requests())


def test_the_lines_name_what_is_missing() -> None:
    kinds, responses = possible_requests(), len(possible_responses())
    first = "read-200-null-cache, read-200-zero-size, read-200-archived, read-200-all-lists"
    assert Coverage({"read-200-as-documented", *kinds}).lines() == [
        f"responses received  1 of {responses} ({100 / responses:.1f} %)",
        f"  missing           {first} and {responses - 5} more",
        f"requests sent       {len(kinds)} of {len(kinds)} (100.0 %)",
    ]


@pytest.mark.parametrize(
    ("text", "share", "percent"), [("90", "", 90), ("responses:99.5", "responses", 99.5), ("requests:0", "requests", 0)]
)
def test_what_is_required_is_read(text: str, share: str, percent: float) -> None:
    assert required(text) == (share, percent)


@pytest.mark.parametrize("text", ["", "x", "101", "-1", "codes:90", "responses:", "nan"])
def test_what_is_no_share_is_rejected_with_what_to_write(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="give a percentage, as 90, responses:90 or requests:40"):
        required(text)


def test_a_number_alone_is_required_of_both_shares() -> None:
    coverage = Coverage(possible_requests())
    assert coverage.below([("", 50.0)]) == ["FAILED responses: 0.0 % is below the required 50 %"]
    assert coverage.below([("requests", 100.0)]) == []
