"""The scenarios: every documented error and every form of a success, none that the judge calls broken."""

import pytest

from tests.gate.requests import read, update
from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Verdict
from trackly_contract.gate import Gate, Scenario, every_scenario, network_faults, possible_responses
from trackly_contract.gate.scenarios import _CHANGES, scenarios_named
from trackly_contract.judge import Accepted, Expectation, Rejected, Rejection, judge

RESPONSES = [pytest.param(scenario, id=name) for name, scenario in possible_responses().items()]
FAULTS = [pytest.param(scenario, id=name) for name, scenario in network_faults().items()]


def meet(gate: Gate, scenario: Scenario) -> None:
    """Force a scenario, and send a request that leaves room for it."""
    gate.force(scenario)
    if scenario.operation == "read":
        read(gate)
    else:
        update(
            gate, {"name": "x"} if scenario.audience.keys() & {"description", "source_lists"} else {"description": "x"}
        )


@pytest.mark.parametrize("scenario", RESPONSES + FAULTS)
def test_a_scenario_that_is_forced_is_given_and_stamped(gate: Gate, scenario: Scenario) -> None:
    meet(gate, scenario)
    assert gate.last.scenario is scenario
    assert gate.last.response_name == scenario.name
    assert gate.last.connection is scenario.connection
    response = gate.last.response
    assert (response is None) == (scenario.connection in ("timeout", "disconnected"))
    if response is not None:
        assert response.status == scenario.status
        assert response.header("X-Trackly-Contract-Reference") is not None


@pytest.mark.parametrize("scenario", RESPONSES)
def test_no_response_is_one_that_the_judge_calls_broken(gate: Gate, scenario: Scenario) -> None:
    meet(gate, scenario)
    assert gate.last.response is not None
    exchange = Exchange(gate.last.request, gate.last.response)
    expectation: Expectation = Accepted()
    if not scenario.success:
        rule = contract().rules[scenario.based_on]
        assert rule.status is not None
        assert rule.code is not None
        expectation = Rejected(((rule.id, Rejection(rule.status, rule.code)),))
    verdicts = [finding.verdict for finding in judge(exchange, expectation, gate.audience_id).findings]
    assert verdicts
    assert Verdict.BROKEN not in verdicts


@pytest.mark.parametrize("scenario", FAULTS)
def test_a_network_fault_changes_nothing_unless_only_the_response_was_cut(gate: Gate, scenario: Scenario) -> None:
    meet(gate, scenario)
    cut = scenario.connection == "truncated" and scenario.operation == "update"
    assert (gate.last.before != gate.last.after) == cut


def test_a_scenario_holds_values_as_python_has_them() -> None:
    found = every_scenario()
    assert found["read-200-null-cache"].audience == {"cached_size": None, "cached_size_updated_at": None}
    assert found["update-404-extra-fields"].extra["details"] == {"id": None}
    assert found["read-server-error"].body == {"error": "Internal error"}
    assert found["read-unavailable"].headers == {"Retry-After": "1"}


def test_every_name_of_the_data_file_is_known() -> None:
    based_on = {scenario.based_on for scenario in possible_responses().values()}
    assert based_on <= {*contract().rules, *contract().questions}
    assert {f"read-{name}" for name in _CHANGES} <= set(possible_responses())


def test_every_documented_error_is_there_for_each_operation_that_may_give_it() -> None:
    documented = {(rule.status, rule.code) for rule in contract().rules.values() if rule.code}
    contested = {(401, "missing_api_key"), (401, "invalid_api_key")}
    for operation in ("read", "update"):
        found = {(s.status, s.code) for s in possible_responses().values() if s.code and s.operation == operation}
        assert found - contested == {error for error in documented if operation == "update" or error[0] != 400}
        assert found >= contested


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("null-cache", "cached_size", None),
        ("null-cache", "cached_size_updated_at", None),
        ("zero-size", "cached_size", 0),
        ("archived", "status", "archived"),
        ("all-lists", "source_lists", []),
        ("null-description", "description", None),
        ("longest-name", "name", "Åäö 漢字 😀 " + 246 * "n"),
        ("time-zone", "created_at", "2025-10-01T14:22:00Z"),
        ("time-fraction", "created_at", "2025-10-01T14:22:00.123456+00:00"),
        ("extra-fields", "success", True),
    ],
)
def test_a_success_shows_what_its_name_says(gate: Gate, name: str, field: str, value: object) -> None:
    gate.force(name)
    assert read(gate).json[field] == value


def test_groups_can_be_absent_at_every_depth_and_fields_in_another_order(gate: Gate) -> None:
    gate.arrange(filter={"operator": "AND", "conditions": [], "groups": [{"operator": "AND", "conditions": []}]})
    gate.force("groups-absent", operation="read")
    shown = {"operator": "AND", "conditions": [], "groups": [{"operator": "AND", "conditions": []}]}
    assert read(gate).json["filter"] == shown
    gate.force("reversed")
    assert next(iter(read(gate).json)) == "created_at"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("null-cache", ["read-200-null-cache", "update-200-null-cache"]),
        ("read-200-null-cache", ["read-200-null-cache"]),
        ("invalid_time_unit", ["update-400-invalid_time_unit"]),
        ("404", ["read-404-not_found", "update-404-not_found"]),
        ("429", ["read-rate-limited", "update-rate-limited"]),
        ("timeout", ["read-timeout", "update-timeout"]),
        ("200", ["read-200-as-documented", "update-200-as-documented"]),
    ],
)
def test_a_name_finds_the_scenario_of_each_operation(name: str, found: list[str]) -> None:
    assert [scenario.name for scenario in scenarios_named(name)] == found


def test_every_name_without_its_operation_finds_one_scenario_of_each_operation() -> None:
    for scenario in every_scenario().values():
        short = scenario.name.removeprefix(f"{scenario.operation}-")
        assert scenarios_named(short, scenario.operation) == [scenario]


@pytest.mark.parametrize(
    ("name", "similar"), [("invalid_time_units", "invalid_time_unit"), ("", "read-200-null-cache")]
)
def test_an_unknown_name_is_an_error_with_similar_ones(name: str, similar: str) -> None:
    with pytest.raises(LookupError, match=f"no scenario '{name}'; similar names: {similar}"):
        scenarios_named(name)
