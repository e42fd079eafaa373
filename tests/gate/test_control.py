"""The control interface of a gate, beside the API."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.gate.requests import PATH, WEEKS, Seen, read, update
from trackly_contract.gate import Control, Gate, every_scenario
from trackly_contract.gate.control import ENDPOINTS

Send = Callable[..., Seen]


@pytest.fixture
def control(gate: Gate) -> Send:
    """Return a function that sends JSON, or bytes as they are, to a path below /control."""
    interface = Control(gate)

    def send(method: str, path: str = "", value: Any = None) -> Seen:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Seen(*interface.respond(method, f"/control{path}", body))

    return send


def test_it_says_what_a_client_needs(control: Send, gate: Gate) -> None:
    said = control("GET").json
    assert (said["base_url"], said["api_key"], said["audience_id"]) == (gate.base_url, gate.api_key, gate.audience_id)
    assert said["endpoints"] == ENDPOINTS


@pytest.mark.parametrize("endpoint", ["PUT /nexxt", "PATCH /next", "GET /next", "GET /Scenarios", "PUT /audiences"])
def test_an_unknown_endpoint_is_an_error_with_those_that_exist(control: Send, endpoint: str) -> None:
    method, path = endpoint.split(" ")
    said = {"error": f"there is no {method} /control{path}", "endpoints": ENDPOINTS}
    assert control(method, path, {}) == (404, said)


def test_every_endpoint_exists_and_all_scenarios_are_listed(control: Send) -> None:
    for method, _, path in (endpoint.partition(" /control") for endpoint in ENDPOINTS):
        assert f"there is no {method} " not in str(control(method, path.replace("ID", "abc"), {}).json)
    listed = control("GET", "/scenarios").json
    assert [entry["name"] for entry in listed] == list(every_scenario())
    assert set(listed[0]) == {"name", "operation", "status", "code", "description"}


def test_an_audience_is_arranged_inspected_and_removed(control: Send, gate: Gate) -> None:
    assert control("PUT", "/audiences/abc", {"name": "Second", "id": "ignored"}).json["name"] == "Second"
    assert read(gate, "/v2/audiences/abc").json == control("GET", "/audiences/abc").json
    assert set(control("GET", "/audiences").json) == {"abc", gate.audience_id}
    assert set(control("DELETE", "/audiences/abc").json) == {gate.audience_id}
    said = "there is no audience 'abc'; PUT /control/audiences/abc makes one"
    assert control("GET", "/audiences/abc") == (404, {"error": said})


def test_lists_keys_and_choices_are_arranged_and_shown(control: Send, gate: Gate) -> None:
    for path, value in (("/lists", [7]), ("/keys", ["another"])):
        assert control("PUT", path, value) == control("GET", path) == (200, value)
    assert control("PUT", "/choices", {"keeps_unknown_keys": True}) == control("GET", "/choices")
    assert (gate.lists, gate.keys, gate.server.choices.keeps_unknown_keys) == ({7}, {"another"}, True)
    control("POST", "/reset")
    assert control("GET", "/choices").json["keeps_unknown_keys"] is False


def test_a_scenario_is_forced_and_released(control: Send, gate: Gate) -> None:
    control("PUT", "/next", {"scenario": "404", "times": None, "operation": "read"})
    assert [read(gate).status for _ in range(3)] == [404, 404, 404]
    control("DELETE", "/next")
    assert read(gate).status == 200


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("/next", {"scenario": "nope"}, "there is no scenario 'nope'"),
        ("/next", {"scenario": "404", "times": 0}, "times=0"),
        ("/next", {"scenario": "404", "times": "1"}, "Expected `int | null`, got `str` - at `$.times`"),
        ("/next", {"scenario": "404", "operation": "size"}, "Invalid enum value 'size' - at `$.operation`"),
        ("/next", {"scenario": "404", "x": 1}, "unknown field `x`; PUT /control/next: force: "),
        ("/next", {}, "missing required field `scenario`"),
        ("/next", [], "Expected `object`, got `array`; PUT /control/next: force: {"),
        ("/next", b"{", "Expecting property name"),
        ("/choices", {"colour": "red"}, "there is no choice 'colour'"),
        ("/lists", ["a"], "Expected `int`, got `str`"),
        ("/keys", [""], "Expected `str` of length >= 1"),
        ("/allowed", "x", "Expected `array`, got `str`; PUT /control/allowed: allow violations by name: [NAME, ...]"),
        ("/audiences/abc", {"title": "x"}, "an audience has no 'title'"),
        ("/audiences/abc", {"audience_id": "x"}, "audience_id"),
    ],
)
def test_a_mistake_is_an_error_that_says_what_to_send(control: Send, path: str, value: Any, said: str) -> None:
    status, error = control("PUT", path, value)
    assert status == 400
    assert said in error["error"]


def test_the_judgement_is_a_status_that_curl_understands(control: Send, gate: Gate) -> None:
    read(gate)
    passed = control("GET", "/judgement")
    assert (passed.status, passed.json["verdict"], passed.json["violations"]) == (200, "passed", [])
    update(gate, WEEKS)
    failed = control("GET", "/judgement")
    assert (failed.status, failed.json["verdict"], failed.json["requests"]) == (409, "failed", 2)
    assert failed.json["violations"][0].startswith("filter.time.unit ")
    assert failed.json["coverage"]["responses"]["covered"] == 1
    assert control("POST", "/reset").status == 200
    assert control("GET", "/requests").json == []
    again = control("GET", "/judgement")
    assert (again.status, again.json["coverage"]["responses"]["covered"]) == (200, 1)


def test_a_violation_is_allowed_until_that_ends_and_has_to_be_sent(control: Send, gate: Gate) -> None:
    assert control("PUT", "/allowed", ["filter.time.unit"]) == (200, ["filter.time.unit"])
    update(gate, WEEKS)
    assert control("DELETE", "/allowed") == (200, [])
    assert control("GET", "/judgement").status == 200
    for name in ("filter.time.unit", "camel-case"):
        control("PUT", "/allowed", [name])
    update(gate, WEEKS)
    said = "allowed, but never sent: camel-case; what was allowed and sent: filter.time.unit"
    assert control("DELETE", "/allowed") == (409, {"error": said})
    update(gate, WEEKS)
    assert control("GET", "/judgement").status == 409


def test_requests_are_shown_without_the_key(control: Send, gate: Gate) -> None:
    update(gate, {**WEEKS, "name": gate.api_key})
    (shown,) = control("GET", "/requests").json
    (violation,) = shown.pop("violations")
    assert shown.pop("before") == shown.pop("after") == gate.after
    assert json.loads(shown.pop("body")) == {**WEEKS, "name": "[key]"}
    request = {"number": 1, "method": "PUT", "path": PATH, "operation": "update", "connection": "whole"}
    assert shown == request | {"status": 400, "response": "update-400-invalid_time_unit", "forced": False}
    text = violation.pop("text")
    assert text.startswith("filter.time.unit ")
    assert gate.api_key not in text
    named = {"name": "filter.time.unit", "severity": "refused", "position": "/filter/conditions/0/unit"}
    assert violation == named | {"actual": '"weeks"', "expected": "one of days, hours, minutes", "allowed": False}
