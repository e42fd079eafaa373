"""Facts about judging one response by itself: which rule a difference breaks, and what is only noted."""

import copy
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.judge import FIELDS, Accepted, Finding, Judged, Rejected, Rejection, describe, judge
from trackly_contract.judge.responses import CONTESTED_401
from trackly_contract.reference import AUDIENCE_ID, documented_audience

EXAMPLE: dict[str, Any] = documented_audience()
GROUP: dict[str, Any] = {"operator": "AND", "conditions": [], "groups": []}
REJECTION = {"error": "unit must be days, hours, or minutes", "code": "invalid_time_unit"}
BROKEN, NOTED = Verdict.BROKEN, Verdict.NOTED


def exchange(answer: Any, status: int = 200, method: str = "GET") -> Exchange:
    body = answer if isinstance(answer, bytes) else encode(answer)
    return Exchange(Request(method, f"/v2/audiences/{AUDIENCE_ID}"), Response(status, (), body))


def unwell(findings: Iterable[Finding]) -> dict[str, Verdict]:
    return {finding.rule: finding.verdict for finding in findings if finding.verdict is not Verdict.HELD}


def accepted(asked: Exchange, *rules: str) -> Judged:
    return judge(asked, Accepted(rules), AUDIENCE_ID, "the case")


def success(answer: Any, status: int = 200, method: str = "GET") -> dict[str, Verdict]:
    """Return the verdicts on a response to a request that succeeds, less those that held."""
    return unwell(accepted(exchange(answer, status, method)).findings)


def rejected(
    answer: Any, status: int = 400, expected: int = 400, code: str = "invalid_time_unit", remark: str = ""
) -> list[Finding]:
    expectation = Rejected((("filter.time.unit", Rejection(expected, code)),), remark)
    return [*judge(exchange(answer, status, "PUT"), expectation, AUDIENCE_ID, "the case").findings]


def changed(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(EXAMPLE), **fields}


def nested(levels: int) -> dict[str, Any]:
    group = GROUP
    for _ in range(levels):
        group = {**GROUP, "groups": [group]}
    return changed(filter=group)


# Successes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_documented_example_holds_in_every_rule_about_it(method: str) -> None:
    operation = "read" if method == "GET" else "update"
    judged = {rule.id for rule in contract().rules.values() if rule.id.startswith("audience.") and not rule.untested}
    found = accepted(exchange(dict(reversed(EXAMPLE.items())), 200, method)).findings
    assert unwell(found) == {}
    assert {finding.rule for finding in found} == judged | {f"{operation}.success", f"{operation}.flat"}


MAY_BE_NULL = {"cached_size": {}, "cached_size_updated_at": {}, "description": {"audience.description": NOTED}}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_absent_null_or_of_another_type_breaks_its_rule_alone(field: str) -> None:
    broken = {f"audience.{field}": BROKEN}
    assert success({name: value for name, value in EXAMPLE.items() if name != field}) == broken
    assert success(changed(**{field: 7.5})) == broken
    assert success(changed(**{field: None})) == MAY_BE_NULL.get(field, broken)


def with_group(**fields: Any) -> dict[str, Any]:
    return changed(filter={**GROUP, **fields})


def with_condition(**fields: Any) -> dict[str, Any]:
    return with_group(conditions=[{"conditionType": "count", "field": "click_count", **fields}])


NAMED: dict[str, tuple[Any, str, Verdict]] = {
    "another id": (changed(id="f" * 24), "audience.id", BROKEN),
    "no such day": (changed(created_at="2025-02-30T00:00:00"), "audience.created_at", BROKEN),
    "both spellings of a key": (with_condition(condition_type="count"), "audience.filter.keys", BROKEN),
    "snake case": (with_group(conditions=[{"condition_type": "count"}]), "audience.filter.keys", BROKEN),
    "a condition that is null": (with_group(conditions=[None]), "audience.filter.keys", BROKEN),
    "a group that is null": (with_group(groups=[None]), "audience.filter", BROKEN),
    "a new key": (changed(tags=[]), "read.success", NOTED),
    "success and message": (changed(success=True, message="ok"), "read.success", NOTED),
    "a zone": (changed(created_at="2025-10-01T14:22:00Z"), "audience.timestamps", NOTED),
    "an offset": (changed(created_at="2025-10-01T14:22:00+00:00"), "audience.timestamps", NOTED),
    "a fraction": (changed(cached_size_updated_at="2025-10-01T14:22:00.123"), "audience.timestamps", NOTED),
    "a new key of a condition": (with_condition(label="x"), "audience.filter", NOTED),
}
for wrong in ("XOR", "and", None, 1):
    NAMED[f"operator {wrong}"] = (with_group(operator=wrong), "audience.filter", BROKEN)
for part, wrong in product(("conditions", "groups"), list[Any]([None, {}, "x"])):
    NAMED[f"{part} {wrong}"] = (with_group(**{part: wrong}), "audience.filter", BROKEN)


@pytest.mark.parametrize(("answer", "rule", "verdict"), NAMED.values(), ids=NAMED.keys())
def test_a_difference_is_named_by_one_rule(answer: Any, rule: str, verdict: Verdict) -> None:
    assert success(answer) == {rule: verdict}


def test_a_key_of_a_condition_that_begins_with_a_capital_is_broken_and_a_new_one() -> None:
    assert success(with_condition(Field="x")) == {"audience.filter.keys": BROKEN, "audience.filter": NOTED}


def test_groups_that_are_absent_are_noted_with_their_position() -> None:
    answer = with_group(groups=[{"operator": "OR", "conditions": []}])
    found = accepted(exchange(answer)).findings
    assert unwell(found) == {"audience.filter.groups": NOTED}
    assert [finding.at for finding in found if finding.verdict is NOTED] == ["/filter/groups/0"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wrapped_audience_breaks_flat_and_is_judged_inside(method: str) -> None:
    flat = "read.flat" if method == "GET" else "update.flat"
    assert success({"success": True, "data": EXAMPLE}, method=method) == {flat: BROKEN}
    assert success({"data": changed(status="gone")}, method=method) == {flat: BROKEN, "audience.status": BROKEN}
    assert accepted(exchange({"data": EXAMPLE})).audience == EXAMPLE


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"null", b"[{}]", b"7", b"{}", b'{"success": true}', b'{"a": 1, "a": 1}', b"\xff", b"[" * 10_000],
)
def test_a_success_without_an_audience_breaks_success_alone_and_carries_none(answer: bytes) -> None:
    assert success(answer) == {"read.success": BROKEN}
    assert accepted(exchange(answer)).audience is None


@pytest.mark.parametrize("status", [301, 400, 401, 404, 418, 500, 201, 202, 299])
def test_another_status_breaks_success_alone_and_another_2xx_is_noted(status: int) -> None:
    found = accepted(exchange(EXAMPLE, status), "read.success").findings
    assert unwell(found) == {"read.success": NOTED if status < 300 else BROKEN}


@pytest.mark.parametrize("levels", [99, 148])
def test_a_filter_as_deep_as_can_be_read_is_judged(levels: int) -> None:
    assert success(nested(levels)) == {}


def test_a_finding_carries_its_case_and_its_exchange() -> None:
    asked = exchange(changed(status="gone"))
    findings = accepted(asked).findings
    assert {(finding.case, finding.exchange) for finding in findings} == {("the case", asked)}


# Rejections ----------------------------------------------------------------------------------------

RULE = {"filter.time.unit": BROKEN}
CODE, TEXT = {"error.code": BROKEN}, {"error.text": BROKEN}


def coded(code: Any) -> dict[str, Any]:
    return {**REJECTION, "code": code}


@pytest.mark.parametrize("text", [REJECTION["error"], "", "Something else entirely", "ü"])
def test_the_documented_rejection_holds_in_every_rule_whatever_its_text(text: str) -> None:
    findings = rejected({**REJECTION, "error": text})
    assert unwell(findings) == {}
    assert sorted(finding.rule for finding in findings) == ["error.code", "error.text", "filter.time.unit"]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_error_that_is_accepted_is_named_by_its_rule_alone(status: int) -> None:
    assert [(f.rule, f.verdict) for f in rejected(EXAMPLE, status)] == [("filter.time.unit", BROKEN)]


NO_TEXT: tuple[Any, ...] = (None, 7, ["invalid_time_unit"], {})
DIFFERENCES: list[tuple[Any, int, dict[str, Verdict]]] = [
    *((REJECTION, status, RULE) for status in (401, 403, 404, 409, 422, 500)),
    *(
        (coded(code), 400, RULE)
        for code in ("invalid_time_value", "Invalid_Time_Unit", "", "x", *sorted(CONTESTED_401))
    ),
    *((coded(wrong), 400, CODE) for wrong in NO_TEXT),
    *((body, 400, CODE) for body in (b"", b"<html>", b"\xff", b"[", b'{"code": "a", "code": "b"}')),
    *((body, 400, CODE) for body in (b"null", b"[]", b'"invalid_time_unit"')),
    ({"error": "x", "error_code": "invalid_time_unit"}, 400, {**CODE, "error.text": NOTED}),
    ({"error": REJECTION}, 400, {**CODE, **TEXT}),
    *(({**REJECTION, "error": wrong}, 400, TEXT) for wrong in NO_TEXT),
    ({"code": "invalid_time_unit"}, 400, TEXT),
    (b"<html>", 500, {**RULE, **CODE}),
    ({**REJECTION, "message": "x", "success": False}, 400, {"error.text": NOTED}),
]


@pytest.mark.parametrize(("answer", "status", "found"), DIFFERENCES, ids=str)
def test_each_difference_of_a_rejection_is_named_by_its_rule(answer: Any, status: int, found: Any) -> None:
    assert unwell(rejected(answer, status)) == found


def test_without_a_code_nothing_is_said_of_the_rule() -> None:
    assert "filter.time.unit" not in {finding.rule for finding in rejected({"error": "x"})}


@pytest.mark.parametrize(
    ("code", "verdict"),
    [*((code, NOTED) for code in sorted(CONTESTED_401)), ("forbidden", BROKEN), ("Unauthorized", BROKEN)],
)
def test_of_a_401_a_contested_code_is_noted_and_any_other_broken(code: str, verdict: Verdict) -> None:
    assert unwell(rejected({"error": "x", "code": code}, 401, 401, "unauthorized")) == {"filter.time.unit": verdict}


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [(400, "too_old", NOTED), (400, "missing_time_value", BROKEN), (422, "too_old", BROKEN)],
)
def test_with_a_remark_a_400_with_a_code_of_no_table_is_noted(status: int, code: str, verdict: Verdict) -> None:
    assert unwell(rejected(coded(code), status, remark=", which may be x")) == {"filter.time.unit": verdict}


# A few words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, encode(REJECTION), "400 invalid_time_unit"),
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
