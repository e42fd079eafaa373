"""Facts about the stand-in API of a client's tests: arranged, forced, inspected, and judging what it is sent."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from trackly_contract.core import Request, Response, encode, parse
from trackly_contract.gate import Gate, NotSentError
from trackly_contract.gate import gate as gates
from trackly_contract.gate.gate import met

KEY = ("X-Api-Key", Gate().api_key)
JSON_HEADERS = (KEY, ("Content-Type", "application/json"))
TIME = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "weeks"}
WEEKS = {"filter": {"operator": "AND", "conditions": [TIME]}}


@pytest.fixture
def gate() -> Gate:
    return Gate()


def read(gate: Gate, audience_id: str | None = None, suffix: str = "") -> Response:
    path = f"/v2/audiences/{audience_id or gate.audience_id}{suffix}"
    response = gate.answer(Request("GET", path, (KEY,))).response
    assert response is not None
    return response


def put(gate: Gate, body: Any) -> Response:
    path = f"/v2/audiences/{gate.audience_id}"
    response = gate.answer(Request("PUT", path, JSON_HEADERS, encode(body))).response
    assert response is not None
    return response


def test_it_answers_as_the_documentation_shows(gate: Gate) -> None:
    audience = parse(read(gate).body)
    assert (audience["name"], audience["cached_size"]) == ("High-Value Clickers", 12480)


def test_an_update_shows_before_and_after(gate: Gate) -> None:
    put(gate, {"name": "Renamed"})
    put(gate, {"name": "Renamed twice"})
    assert gate.before["name"] == "High-Value Clickers"
    assert gate.after["name"] == "Renamed twice"
    assert gate.last.before is not None
    assert gate.last.before["name"] == "Renamed"


def test_before_is_what_a_test_arranged(gate: Gate) -> None:
    gate.arrange(name="Arranged")
    assert gate.before["name"] == "Arranged"
    put(gate, {"name": "Changed"})
    assert gate.before["name"] == "Arranged"


def test_there_is_no_before_of_what_was_removed(gate: Gate) -> None:
    gate.remove()
    read(gate)
    with pytest.raises(LookupError, match="before the first request there was no audience '664f"):
        _ = gate.before


def test_what_a_test_does_to_what_it_got_changes_nothing(gate: Gate) -> None:
    gate.after["name"] = "mine"
    gate.audience()["name"] = "mine"
    gate.arrange()["name"] = "mine"
    assert gate.after["name"] == "High-Value Clickers"


def test_a_second_audience_can_be_arranged_and_removed(gate: Gate) -> None:
    gate.arrange("abc", name="Second", cached_size=None)
    assert parse(read(gate, "abc").body)["name"] == "Second"
    gate.remove("abc")
    assert read(gate, "abc").status == 404


def test_a_filter_is_arranged_as_a_request_or_as_an_answer_has_it(gate: Gate) -> None:
    one = gate.arrange(filter={"operator": "OR", "conditions": [{"condition_type": "count"}]})["filter"]
    two = gate.arrange(filter={"operator": "OR", "conditions": [{"conditionType": "count"}], "groups": []})["filter"]
    assert one == two == {"operator": "OR", "conditions": [{"conditionType": "count"}], "groups": []}


def test_a_member_that_no_audience_has_cannot_be_arranged(gate: Gate) -> None:
    with pytest.raises(ValueError, match="an audience has no 'title'; it has id, name"):
        gate.arrange(title="x")


def test_lists_and_keys_are_arranged(gate: Gate) -> None:
    gate.lists.add(7)
    assert put(gate, {"source_lists": [7]}).status == 200
    gate.keys.clear()
    assert read(gate).status == 401


def test_an_open_question_can_be_answered_otherwise(gate: Gate) -> None:
    group = {"conditions": [{**TIME, "unit": "days"}]}
    assert parse(put(gate, {"filter": group}).body)["code"] == "invalid_group_operator"
    gate.choose(missing_group_operator="invalid_filter")
    assert parse(put(gate, {"filter": group}).body)["code"] == "invalid_filter"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"colour": "red"}, "there is no choice 'colour'; there are null_is_missing, "),
        ({"null_is_missing": "no"}, "the choice null_is_missing is like True, and not 'no'"),
        ({"largest_body": True}, "the choice largest_body is like 5000000, and not True"),
    ],
)
def test_a_choice_that_is_none_is_told(gate: Gate, choices: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        gate.choose(**choices)


def test_an_unknown_audience_is_said_with_how_to_make_it(gate: Gate) -> None:
    with pytest.raises(LookupError, match="no audience 'x'; arrange"):
        gate.audience("x")


# Forcing ---------------------------------------------------------------------------------------------


def test_a_forced_answer_is_given_once_and_then_honest_ones(gate: Gate) -> None:
    gate.force("404", operation="read")
    assert [read(gate).status, read(gate).status] == [404, 200]


def test_an_answer_can_be_forced_several_times(gate: Gate) -> None:
    gate.force("429", times=2, operation="read")
    assert [read(gate).status for _ in range(3)] == [429, 429, 200]


def test_an_answer_can_be_forced_until_it_is_released(gate: Gate) -> None:
    gate.force("unavailable", times=None)
    assert {read(gate).status for _ in range(5)} == {503}
    gate.release()
    assert read(gate).status == 200


def test_each_operation_waits_for_its_own_forced_answer(gate: Gate) -> None:
    gate.force("invalid_time_unit")
    assert read(gate).status == 200
    refused = put(gate, {"name": "x"})
    assert (refused.status, parse(refused.body)["code"]) == (400, "invalid_time_unit")


def test_a_forced_refusal_changes_nothing(gate: Gate) -> None:
    gate.force("name_too_long")
    put(gate, {"name": "x"})
    assert gate.after == gate.before


def test_the_size_is_never_forced(gate: Gate) -> None:
    gate.force("429", times=None)
    assert read(gate, suffix="/size").status == 200


def test_a_shape_that_an_update_itself_denies_is_not_given(gate: Gate) -> None:
    gate.force("all-lists", operation="update")
    put(gate, {"source_lists": [101]})
    assert gate.last.answer is None
    assert met(gate.last) == "update-200-as-documented"


def test_a_shape_is_not_given_to_a_request_that_is_refused(gate: Gate) -> None:
    gate.force("null-cache", operation="update")
    assert put(gate, WEEKS).status == 400
    assert gate.last.answer is None


@pytest.mark.parametrize("times", [0, -1])
def test_less_than_once_cannot_be_forced(gate: Gate, times: int) -> None:
    with pytest.raises(ValueError, match=f"times={times}"):
        gate.force("404", times=times)


# Judging ---------------------------------------------------------------------------------------------


def test_a_request_that_the_api_would_refuse_fails_with_its_text(gate: Gate) -> None:
    put(gate, WEEKS)
    (text,) = gate.failures()
    assert text.startswith("filter.time.unit ")
    assert "refused · 400 invalid_time_unit" in text


def test_equal_faults_are_told_once(gate: Gate) -> None:
    put(gate, WEEKS)
    put(gate, WEEKS)
    assert len(gate.failures()) == 1


def test_what_the_documentation_leaves_open_fails_nothing(gate: Gate) -> None:
    put(gate, {"name": ""})
    assert gate.failures() == []
    assert [fault.name for fault in gate.last.faults] == ["name-shape"]


def test_a_fault_that_is_meant_passes(gate: Gate) -> None:
    with gate.meant("filter.time.unit"):
        put(gate, WEEKS)
    assert gate.failures() == []


def test_only_the_fault_that_is_meant_passes(gate: Gate) -> None:
    with gate.meant("filter.time.unit"):
        put(gate, {**WEEKS, "colour": 1})
    assert [fault.name for fault in gate.last.failures] == ["unknown-key"]


def test_a_fault_is_meant_no_longer_than_it_was_said(gate: Gate) -> None:
    with gate.meant():
        put(gate, WEEKS)
    put(gate, WEEKS)
    assert len(gate.failures()) == 1


def test_a_fault_that_is_meant_and_never_sent_is_an_error(gate: Gate) -> None:
    with (
        pytest.raises(NotSentError, match=r"meant, and never sent: camel-case; it bore filter\.time\.unit"),
        gate.meant("filter.time.unit", "camel-case"),
    ):
        put(gate, WEEKS)


def test_a_fault_sent_before_does_not_count_as_sent(gate: Gate) -> None:
    with gate.meant("filter.time.unit"):
        put(gate, WEEKS)
    with pytest.raises(NotSentError), gate.meant("filter.time.unit"):
        read(gate)


def test_an_exception_inside_is_not_hidden_by_what_was_not_sent(gate: Gate) -> None:
    with pytest.raises(ZeroDivisionError), gate.meant("camel-case"):
        raise ZeroDivisionError


def test_a_word_can_be_meant_without_the_others_of_its_kind() -> None:
    gate = Gate(meant_always=frozenset({"token-unlisted:between"}))
    for operator in ("between", "beyond"):
        condition = {**TIME, "unit": "days", "operator": operator}
        put(gate, {"filter": {"operator": "AND", "conditions": [condition]}})
    assert [[fault.word for fault in sent.failures] for sent in gate.sent] == [[], ["beyond"]]


def test_the_body_of_a_request_can_be_read(gate: Gate) -> None:
    put(gate, {"name": "x"})
    assert gate.body() == {"name": "x"}


def test_nothing_was_sent_yet_is_said(gate: Gate) -> None:
    with pytest.raises(LookupError, match="no request was sent yet"):
        _ = gate.last


def test_a_reset_forgets_everything(gate: Gate) -> None:
    gate.force("404", times=None)
    gate.mean()
    put(gate, {"name": "x"})
    gate.lists.clear()
    gate.reset()
    assert (gate.requests, list(gate.sent), gate.failures()) == (0, [], [])
    assert put(gate, {"source_lists": [101]}).status == 200
    assert gate.before["name"] == "High-Value Clickers"


def test_of_very_many_requests_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MOST_KEPT", 3)
    few = Gate()
    for _ in range(5):
        read(few)
    assert [sent.number for sent in few.sent] == [3, 4, 5]
    assert few.requests == 5


def test_requests_of_many_threads_are_answered_one_at_a_time(gate: Gate) -> None:
    threads = [threading.Thread(target=lambda: [put(gate, {"name": "x"}) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [sent.number for sent in gate.sent] == list(range(1, 81))


def test_a_traceback_shows_where_it_is_and_not_all_that_was_sent(gate: Gate) -> None:
    read(gate)
    assert repr(gate) == "<gate at https://app.tracklysms.com/api, 1 requests>"


def test_a_fault_is_told_however_many_requests_come_after_it(gate: Gate) -> None:
    gate.sent = deque(maxlen=3)
    with gate.meant("update.name.too_long"):
        put(gate, {"name": "n" * 256})
        put(gate, {"colour": 1})
        for _ in range(4):
            read(gate)
    assert [text.split()[0] for text in gate.failures()] == ["unknown-key"]


def test_what_is_meant_inside_is_not_meant_after_it_though_the_test_means_more(gate: Gate) -> None:
    with gate.meant("unknown-key"):
        gate.mean("camel-case")
        put(gate, {"colour": 1})
    put(gate, {"colour": 1})
    assert len(gate.last.failures) == 1


def test_a_gate_may_be_reset_where_faults_are_meant(gate: Gate) -> None:
    with gate.meant():
        gate.reset()
    put(gate, {"colour": 1})
    assert len(gate.last.failures) == 1


def test_a_query_does_not_show(gate: Gate) -> None:
    gate.answer(Request("GET", "/v2/audiences/x", (KEY,)), "api_key=not-a-real-one")
    assert "not-a-real-one" not in repr(gate.last)
    assert "not-a-real-one" not in "".join(gate.failures())
