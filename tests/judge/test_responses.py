"""Facts about judging one answer by itself: which rule a difference breaks, and what is only noted."""

import copy
from typing import Any

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.judge import FIELDS, Finding, describe, judge_audience, judge_rejection
from trackly_contract.judge.findings import Rejection
from trackly_contract.judge.responses import CONTESTED_401

AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
EXAMPLE: dict[str, Any] = {
    "id": AUDIENCE_ID,
    "name": "High-Value Clickers",
    "description": "Contacts who clicked at least 3 times in the last 30 days",
    "source_lists": [101, 102],
    "filter": {
        "operator": "AND",
        "conditions": [{"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}],
        "groups": [],
    },
    "cached_size": 12480,
    "cached_size_updated_at": "2025-11-15T08:30:00",
    "status": "active",
    "created_at": "2025-10-01T14:22:00",
}
REFUSAL = {"error": "unit must be days, hours, or minutes", "code": "invalid_time_unit"}


def exchange(answer: Any, status: int = 200, method: str = "GET") -> Exchange:
    body = answer if isinstance(answer, bytes) else encode(answer)
    return Exchange(Request(method, f"/v2/audiences/{AUDIENCE_ID}"), Response(status, (), body))


def said(findings: Any, *verdicts: Verdict) -> set[str]:
    return {finding.rule for finding in findings if finding.verdict in verdicts}


def success(answer: Any, status: int = 200, method: str = "GET") -> tuple[Finding, ...]:
    return judge_audience(exchange(answer, status, method), AUDIENCE_ID).findings


def refusal(answer: Any, status: int = 400, expected: int = 400, code: str = "invalid_time_unit") -> list[Finding]:
    return judge_rejection(exchange(answer, status, "PUT"), "filter.time.unit", Rejection(expected, code), "the case")


def changed(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(EXAMPLE), **members}


def with_condition(**members: Any) -> dict[str, Any]:
    found = copy.deepcopy(EXAMPLE)
    found["filter"]["conditions"][0].update(members)
    return found


# Successes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_documented_example_holds_in_every_rule(method: str) -> None:
    findings = success(EXAMPLE, method=method)
    assert {finding.verdict for finding in findings} == {Verdict.HELD}


def test_every_rule_about_an_audience_is_looked_at() -> None:
    judged = {rule.id for rule in contract().rules.values() if rule.id.startswith("audience.") and not rule.untested}
    assert judged | {"read.success", "read.flat"} == said(success(EXAMPLE), Verdict.HELD)


@pytest.mark.parametrize("field", FIELDS)
def test_a_member_that_is_absent_breaks_its_rule_alone(field: str) -> None:
    answer = {name: value for name, value in EXAMPLE.items() if name != field}
    assert said(success(answer), Verdict.BROKEN) == {f"audience.{field}"}


@pytest.mark.parametrize("field", [f for f in FIELDS if not f.startswith("cached_size") and f != "description"])
def test_a_member_that_is_null_breaks_its_rule_alone(field: str) -> None:
    assert said(success(changed(**{field: None})), Verdict.BROKEN) == {f"audience.{field}"}


@pytest.mark.parametrize("field", ["cached_size", "cached_size_updated_at", "description"])
def test_null_where_a_page_or_nobody_says_otherwise_breaks_nothing(field: str) -> None:
    assert said(success(changed(**{field: None})), Verdict.BROKEN) == set()


@pytest.mark.parametrize("field", FIELDS)
def test_a_member_of_another_type_breaks_its_rule_alone(field: str) -> None:
    assert said(success(changed(**{field: {"a": 1}})), Verdict.BROKEN) == {f"audience.{field}"}


def test_the_id_of_another_audience_breaks_its_rule_alone() -> None:
    assert said(success(changed(id="f" * 24)), Verdict.BROKEN) == {"audience.id"}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wrapped_audience_breaks_flat_alone(method: str) -> None:
    rule = "read.flat" if method == "GET" else "update.flat"
    assert said(success({"success": True, "data": EXAMPLE}, method=method), Verdict.BROKEN) == {rule}


def test_a_wrapped_audience_is_carried() -> None:
    assert judge_audience(exchange({"data": EXAMPLE}), AUDIENCE_ID).audience == EXAMPLE


def test_a_slip_inside_a_wrapping_is_named_too() -> None:
    found = said(success({"data": changed(status="gone")}), Verdict.BROKEN)
    assert found == {"read.flat", "audience.status"}


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"null", b"[]", b"7", b"{}", b'{"success": true}', b'{"a": 1, "a": 1}', b"\xff", b"[" * 10_000],
)
def test_a_success_without_an_audience_breaks_success_alone(answer: bytes) -> None:
    assert said(success(answer), Verdict.BROKEN) == {"read.success"}


def test_a_success_without_an_audience_carries_none() -> None:
    assert judge_audience(exchange([EXAMPLE]), AUDIENCE_ID).audience is None


@pytest.mark.parametrize("status", [301, 400, 401, 404, 418, 500])
def test_another_status_breaks_success_alone(status: int) -> None:
    assert said(success(EXAMPLE, status), Verdict.BROKEN) == {"read.success"}


@pytest.mark.parametrize("status", [201, 202, 299])
def test_another_2xx_with_the_whole_object_is_noted(status: int) -> None:
    findings = success(EXAMPLE, status, "PUT")
    assert (said(findings, Verdict.NOTED), said(findings, Verdict.BROKEN)) == ({"update.success"}, set())


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        pytest.param(changed(tags=[]), "read.success", id="a new key"),
        pytest.param(changed(success=True, message="ok"), "read.success", id="success and message"),
        pytest.param(changed(description=None), "audience.description", id="description null"),
        pytest.param(changed(created_at="2025-10-01T14:22:00Z"), "audience.timestamps", id="a zone"),
        pytest.param(changed(created_at="2025-10-01T14:22:00+00:00"), "audience.timestamps", id="an offset"),
        pytest.param(changed(cached_size_updated_at="2025-10-01T14:22:00.123"), "audience.timestamps", id="a fraction"),
        pytest.param(
            changed(filter={"operator": "OR", "conditions": []}), "audience.filter.groups", id="groups absent"
        ),
        pytest.param(with_condition(label="x"), "audience.filter", id="a new key of a condition"),
    ],
)
def test_what_is_contested_or_new_is_noted_under_one_rule(answer: Any, rule: str) -> None:
    findings = success(answer)
    assert (said(findings, Verdict.NOTED), said(findings, Verdict.BROKEN)) == ({rule}, set())


def test_groups_absent_in_a_nested_group_are_noted_with_their_place() -> None:
    nested = {**EXAMPLE["filter"], "groups": [{"operator": "OR", "conditions": []}]}
    noted = [f for f in success(changed(filter=nested)) if f.verdict is Verdict.NOTED]
    assert [(f.rule, f.at) for f in noted] == [("audience.filter.groups", "/filter/groups/0")]


@pytest.mark.parametrize("answer", [with_condition(condition_type="count"), with_condition(Field="x")])
def test_a_key_that_is_no_camel_case_breaks_the_keys_alone(answer: Any) -> None:
    findings = success(answer)
    assert said(findings, Verdict.BROKEN) == {"audience.filter.keys"}


def test_snake_case_for_camel_case_breaks_the_keys_alone() -> None:
    answer = copy.deepcopy(EXAMPLE)
    condition = answer["filter"]["conditions"][0]
    condition["condition_type"] = condition.pop("conditionType")
    assert said(success(answer), Verdict.BROKEN) == {"audience.filter.keys"}


@pytest.mark.parametrize("operator", ["XOR", "and", None, 1])
def test_another_operator_of_a_group_breaks_the_filter_alone(operator: Any) -> None:
    answer = changed(filter={**EXAMPLE["filter"], "operator": operator})
    assert said(success(answer), Verdict.BROKEN) == {"audience.filter"}


@pytest.mark.parametrize("part", ["conditions", "groups"])
@pytest.mark.parametrize("value", [None, {}, [None], "x"])
def test_a_list_of_a_group_that_is_none_breaks_one_rule(part: str, value: Any) -> None:
    broken = said(success(changed(filter={**EXAMPLE["filter"], part: value})), Verdict.BROKEN)
    assert len(broken) == 1
    assert broken <= {"audience.filter", "audience.filter.keys"}


def test_the_order_of_keys_is_nothing() -> None:
    answer = dict(reversed(EXAMPLE.items()))
    assert said(success(answer), Verdict.BROKEN, Verdict.NOTED) == set()


def test_a_filter_a_hundred_groups_deep_is_judged() -> None:
    group: Any = EXAMPLE["filter"]
    for _ in range(99):
        group = {"operator": "AND", "conditions": [], "groups": [group]}
    assert said(success(changed(filter=group)), Verdict.BROKEN) == set()


def test_a_filter_as_deep_as_can_be_read_is_no_crash() -> None:
    group: Any = {"operator": "AND", "conditions": [], "groups": []}
    for _ in range(148):
        group = {"operator": "AND", "conditions": [], "groups": [group]}
    assert success(changed(filter=group))


def test_a_finding_carries_its_case_and_its_exchange() -> None:
    asked = exchange(changed(status="gone"))
    findings = judge_audience(asked, AUDIENCE_ID, "the case").findings
    assert {(finding.case, finding.exchange) for finding in findings} == {("the case", asked)}


# Refusals ------------------------------------------------------------------------------------------


def test_the_documented_refusal_holds_in_every_rule() -> None:
    findings = refusal(REFUSAL)
    assert said(findings, Verdict.HELD) == {"filter.time.unit", "error.code", "error.text"}
    assert len(findings) == 3


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_fault_that_is_accepted_breaks_its_rule_alone(status: int) -> None:
    assert [(f.rule, f.verdict) for f in refusal(EXAMPLE, status)] == [("filter.time.unit", Verdict.BROKEN)]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 500])
def test_another_status_breaks_the_rule_alone(status: int) -> None:
    assert said(refusal(REFUSAL, status), Verdict.BROKEN) == {"filter.time.unit"}


@pytest.mark.parametrize("code", ["invalid_time_value", "Invalid_Time_Unit", "", "undocumented"])
def test_another_code_breaks_the_rule_alone(code: str) -> None:
    assert said(refusal({**REFUSAL, "code": code}), Verdict.BROKEN) == {"filter.time.unit"}


@pytest.mark.parametrize("code", [None, 7, ["invalid_time_unit"], {}])
def test_a_code_that_is_no_text_breaks_the_code_alone(code: Any) -> None:
    assert said(refusal({**REFUSAL, "code": code}), Verdict.BROKEN) == {"error.code"}


def test_a_code_under_another_key_breaks_the_code_alone() -> None:
    assert said(refusal({"error": "x", "error_code": "invalid_time_unit"}), Verdict.BROKEN) == {"error.code"}


def test_a_code_inside_a_wrapping_breaks_the_code() -> None:
    assert "error.code" in said(refusal({"error": REFUSAL}), Verdict.BROKEN)


@pytest.mark.parametrize("text", [None, 7, {}])
def test_a_text_that_is_none_breaks_the_text_alone(text: Any) -> None:
    assert said(refusal({**REFUSAL, "error": text}), Verdict.BROKEN) == {"error.text"}


def test_a_missing_text_breaks_the_text_alone() -> None:
    assert said(refusal({"code": "invalid_time_unit"}), Verdict.BROKEN) == {"error.text"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[", b'{"code": "a", "code": "b"}'])
def test_a_refusal_that_is_no_json_breaks_the_code_alone(body: bytes) -> None:
    assert said(refusal(body), Verdict.BROKEN) == {"error.code"}


@pytest.mark.parametrize("body", [b"null", b"[]", b'"invalid_time_unit"'])
def test_a_refusal_that_is_no_object_breaks_the_code_alone(body: bytes) -> None:
    assert said(refusal(body), Verdict.BROKEN) == {"error.code"}


def test_without_a_code_nothing_is_said_of_the_rule() -> None:
    assert "filter.time.unit" not in {finding.rule for finding in refusal({"error": "x"})}


def test_no_json_with_another_status_breaks_both() -> None:
    assert said(refusal(b"<html>", 500), Verdict.BROKEN) == {"filter.time.unit", "error.code"}


@pytest.mark.parametrize("text", ["", "Something else entirely", "ü"])
def test_another_text_for_people_is_nothing(text: str) -> None:
    assert said(refusal({**REFUSAL, "error": text}), Verdict.BROKEN) == set()


def test_a_new_key_of_an_error_is_noted() -> None:
    findings = refusal({**REFUSAL, "message": "x", "success": False})
    assert (said(findings, Verdict.NOTED), said(findings, Verdict.BROKEN)) == ({"error.text"}, set())


@pytest.mark.parametrize("code", sorted(CONTESTED_401))
def test_a_contested_code_of_a_401_is_noted(code: str) -> None:
    findings = refusal({"error": "x", "code": code}, 401, 401, "unauthorized")
    assert (said(findings, Verdict.NOTED), said(findings, Verdict.BROKEN)) == ({"filter.time.unit"}, set())


@pytest.mark.parametrize("code", ["forbidden", "Unauthorized", "not_found"])
def test_any_other_code_of_a_401_is_broken(code: str) -> None:
    assert said(refusal({"error": "x", "code": code}, 401, 401, "unauthorized"), Verdict.BROKEN)


@pytest.mark.parametrize("code", sorted(CONTESTED_401))
def test_a_code_of_a_401_is_broken_elsewhere(code: str) -> None:
    assert said(refusal({"error": "x", "code": code}), Verdict.BROKEN) == {"filter.time.unit"}


# A few words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, encode(REFUSAL), "400 invalid_time_unit"),
        (200, encode(EXAMPLE), "200"),
        (502, b"<html>Bad Gateway</html>", "502, not JSON: '<html>Bad Gateway</html>'"),
        (204, b"", "204, no body"),
        (400, b'{"message": "no"}', '400 {"message": "no"}'),
    ],
)
def test_a_response_is_described_in_a_few_words(status: int, body: bytes, words: str) -> None:
    assert describe(Response(status, (), body)) == words


@pytest.mark.parametrize("body", [b"<" * 10_000, b'{"a": "' + b"x" * 10_000 + b'"}', b"\xff" * 1000])
def test_a_description_stays_short(body: bytes) -> None:
    assert len(describe(Response(400, (), body))) < 450
