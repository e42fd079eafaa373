"""The mock API of one test: arranged, forced, inspected, and judging what it is sent."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.gate.requests import KEY, PATH, TIME, WEEKS, read, update
from trackly_contract.core import Request, encode
from trackly_contract.gate import Gate, NotSentError
from trackly_contract.gate import gate as gates


def names(gate: Gate) -> list[str]:
    """The names of the violations of the last request that fail a test."""
    return [violation.name for violation in gate.last.failures]


def test_an_update_shows_before_and_after(gate: Gate) -> None:
    assert gate.after["name"] == "High-Value Clickers"
    gate.arrange(name="Arranged")
    assert gate.before["name"] == "Arranged"
    update(gate, {"name": "Renamed"})
    update(gate, {"name": "Renamed twice"})
    assert (gate.before["name"], gate.after["name"]) == ("Arranged", "Renamed twice")
    assert gate.last.before == gate.before | {"name": "Renamed"}
    assert (gate.body(0), gate.body()) == ({"name": "Renamed"}, {"name": "Renamed twice"})


def test_what_a_test_does_to_what_it_got_changes_nothing(gate: Gate) -> None:
    for audience in (gate.after, gate.audience(), gate.arrange()):
        audience["name"] = "mine"
    assert gate.after["name"] == "High-Value Clickers"
    for each in (gate, Gate()):
        each.force("nested-filter", operation="read")
        assert read(each).json["filter"]["conditions"]
        each.after["filter"]["conditions"].clear()


def test_a_second_audience_can_be_arranged_and_removed(gate: Gate) -> None:
    gate.arrange("abc", name="Second", cached_size=None)
    assert read(gate, "/v2/audiences/abc").json["name"] == "Second"
    gate.remove("abc")
    assert read(gate, "/v2/audiences/abc").status == 404


def test_a_filter_is_arranged_as_in_requests_or_as_in_responses(gate: Gate) -> None:
    one = gate.arrange(filter={"operator": "OR", "conditions": [{"condition_type": "count"}]})["filter"]
    two = gate.arrange(filter={"operator": "OR", "conditions": [{"conditionType": "count"}], "groups": []})["filter"]
    assert one == two == {"operator": "OR", "conditions": [{"conditionType": "count"}], "groups": []}


def test_lists_keys_and_choices_are_arranged(gate: Gate) -> None:
    gate.lists.add(7)
    assert update(gate, {"source_lists": [7]}).status == 200
    no_operator = {"filter": {"conditions": [TIME]}}
    assert update(gate, no_operator).json["code"] == "invalid_group_operator"
    gate.choose(missing_group_operator="invalid_filter")
    assert update(gate, no_operator).json["code"] == "invalid_filter"
    gate.keys.clear()
    assert read(gate).status == 401


@pytest.mark.parametrize(
    ("mistake", "error", "text"),
    [
        (lambda gate: gate.arrange(title="x"), ValueError, "an audience has no 'title'; it has id, name"),
        (lambda gate: gate.choose(colour="red"), ValueError, "no choice 'colour'; there are null_is_missing, "),
        (lambda gate: gate.choose(largest_body=True), ValueError, "got `bool` - at `[$].largest_body`"),
        (lambda gate: gate.force("404", times=0), ValueError, "times=0"),
        (lambda gate: gate.force("404", times=-1), ValueError, "times=-1"),
        (lambda gate: gate.audience("x"), LookupError, "no audience 'x'; arrange"),
        (lambda gate: gate.last, LookupError, "no request was sent yet"),
    ],
)
def test_a_mistake_of_a_test_is_an_error(
    gate: Gate, mistake: Callable[[Gate], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        mistake(gate)


def test_a_reset_forgets_everything(gate: Gate) -> None:
    gate.force("404", times=None)
    gate.start_allowing()
    update(gate, {"name": "x"})
    gate.lists.clear()
    gate.reset()
    assert (gate.requests, list(gate.sent), gate.failures) == (0, [], {})
    assert update(gate, {"source_lists": [101], "colour": 1}).status == 200
    assert gate.before["name"] == "High-Value Clickers"
    assert names(gate) == ["unknown-key"]


def test_of_very_many_requests_the_last_and_all_failures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MOST_KEPT", 3)
    gate = Gate()
    update(gate, {"colour": 1})
    for _ in range(4):
        read(gate)
    assert ([judged.number for judged in gate.sent], gate.requests) == ([3, 4, 5], 5)
    assert [text.split()[0] for text in gate.failures] == ["unknown-key"]


def test_requests_of_many_threads_are_judged_one_at_a_time(gate: Gate) -> None:
    threads = [threading.Thread(target=lambda: [update(gate, {"name": "x"}) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [judged.number for judged in gate.sent] == list(range(1, 81))


@pytest.mark.parametrize(
    ("name", "times", "statuses"),
    [("404", 1, [404, 200, 200]), ("429", 2, [429, 429, 200]), ("unavailable", None, [503, 503, 503])],
)
def test_a_scenario_is_forced_so_many_times(gate: Gate, name: str, times: int | None, statuses: list[int]) -> None:
    gate.force(name, times=times, operation="read")
    assert [read(gate).status for _ in range(3)] == statuses
    gate.release()
    assert read(gate).status == 200


def test_each_operation_has_its_own_forced_scenario(gate: Gate) -> None:
    gate.force("invalid_time_unit")
    assert read(gate).status == 200
    status, error = update(gate, {"name": "x"})
    assert (status, error["code"]) == (400, "invalid_time_unit")
    assert gate.after == gate.before


def test_the_size_is_never_forced(gate: Gate) -> None:
    gate.force("429", times=None)
    assert read(gate, f"{PATH}/size").status == 200


@pytest.mark.parametrize(
    ("name", "body", "given"),
    [
        pytest.param("all-lists", {"source_lists": [101]}, "update-200-as-documented", id="the update sets it"),
        pytest.param("null-cache", WEEKS, "update-400-invalid_time_unit", id="the update is rejected"),
    ],
)
def test_a_success_is_not_given_where_the_update_rules_it_out(gate: Gate, name: str, body: Any, given: str) -> None:
    gate.force(name, operation="update")
    update(gate, body)
    assert (gate.last.scenario, gate.last.response_name) == (None, given)


def test_a_rejected_request_fails_with_its_text_and_equal_ones_once(gate: Gate) -> None:
    update(gate, WEEKS)
    update(gate, WEEKS)
    (text,) = gate.failures
    assert text.startswith("filter.time.unit ")
    assert "refused · 400 invalid_time_unit" in text


def test_a_key_outside_of_its_header_is_kept_nowhere(gate: Gate) -> None:
    key = "a-key-of-this-test-0123456789"
    gate.keys.add(key)
    headers = (("X-Api-Key", key), ("Content-Type", "application/json"))
    judged = gate.respond(Request("PUT", PATH, headers, encode({"name": key, key: 1})), f"{key}=1")
    assert judged.request.header("X-Api-Key") == key
    assert gate.body() == {"name": "[key]", "[key]": 1}
    assert gate.after["name"] == "[key]"
    assert not [text for text in (*gate.failures, *gate.failures.values(), repr(judged)) if key in text]


def test_what_the_documentation_leaves_open_fails_nothing(gate: Gate) -> None:
    update(gate, {"name": ""})
    assert gate.failures == {}
    assert [violation.name for violation in gate.last.violations] == ["name-shape"]


def test_neither_a_query_nor_all_that_was_sent_is_in_a_traceback(gate: Gate) -> None:
    gate.respond(Request("GET", "/v2/audiences/x", (KEY,)), "api_key=not-a-real-one")
    assert "not-a-real-one" not in repr(gate.last) + "".join(gate.failures)
    assert repr(gate) == "<gate at https://app.tracklysms.com/api, 1 requests>"


@pytest.mark.parametrize("allowed", [["filter.time.unit"], ["filter.time.unit", "unknown-key"], []])
def test_a_violation_is_allowed_inside_and_no_longer(gate: Gate, allowed: list[str]) -> None:
    with gate.allow(*allowed):
        update(gate, {**WEEKS, "colour": 1})
        assert names(gate) == (["unknown-key"] if allowed == ["filter.time.unit"] else [])
    update(gate, WEEKS)
    assert names(gate) == ["filter.time.unit"]


def test_an_allowed_violation_that_is_never_sent_is_an_error(gate: Gate) -> None:
    said = r"allowed, but never sent: camel-case; what was allowed and sent: filter\.time\.unit"
    with pytest.raises(NotSentError, match=said), gate.allow("filter.time.unit", "camel-case"):
        update(gate, WEEKS)

    with pytest.raises(NotSentError), gate.allow("filter.time.unit"):
        read(gate)  # what was sent before does not count
    with pytest.raises(ZeroDivisionError), gate.allow("camel-case"):
        raise ZeroDivisionError


def test_a_word_can_be_allowed_without_the_others_of_its_kind() -> None:
    gate = Gate(["token-unlisted:between"])
    for operator in ("between", "beyond"):
        update(gate, {"filter": {"operator": "AND", "conditions": [{**TIME, "operator": operator}]}})
    assert [[violation.word for violation in judged.failures] for judged in gate.sent] == [[], ["beyond"]]


def test_what_is_allowed_inside_ends_there_whatever_the_test_does_inside(gate: Gate) -> None:
    with gate.allow("unknown-key"):
        gate.start_allowing("camel-case")
        update(gate, {"colour": 1})
    update(gate, {"colour": 1})
    assert names(gate) == ["unknown-key"]

    with gate.allow():
        gate.reset()
    update(gate, {"colour": 1})
    assert names(gate) == ["unknown-key"]
