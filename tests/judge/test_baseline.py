"""Facts about the second reading: what is known, what is new, what moved, and when nobody can tell."""

from typing import Any

import pytest

from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.core.json import value_at
from trackly_contract.judge import Baseline, Finding, Reading, before, move
from trackly_contract.judge.baseline import reading
from trackly_contract.judge.findings import Actual, Cache, Expected, Value, Whole, Words

PATH = "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"
AUDIENCE: dict[str, Any] = {
    "id": "664f1a2b3c4d5e6f7a8b9c0d",
    "name": "VIPs",
    "description": "",
    "cached_size": 12480,
    "cached_size_updated_at": "2025-11-20T10:30:45",
}
UNIT = {"error": "no such unit", "code": "invalid_time_unit"}


def answered(status: int, answer: Any, sent: Any = None, method: str = "PUT") -> Exchange:
    body = answer if isinstance(answer, bytes) else encode(answer)
    return Exchange(Request(method, PATH, (), encode(sent) if sent is not None else b""), Response(status, (), body), 1)


def audience(sent: Any = None, **changes: Any) -> Exchange:
    return answered(200, {**AUDIENCE, **changes}, sent)


def broken(
    now: Exchange,
    at: str = "",
    expected: Expected | None = None,
    actual: Actual | None = None,
    rule: str = "filter.time.unit",
) -> Finding:
    if actual is None:
        actual = Value(value_at(now.response.json.value, at)) if at else Whole()
    return Finding(rule, Verdict.BROKEN, now, expected, actual, at)


def test_a_refusal_that_is_now_an_acceptance_is_new() -> None:
    assert reading(broken(audience()), answered(400, UNIT)) is Reading.NEW


def test_an_acceptance_that_was_one_before_is_known() -> None:
    then = audience(name="another name", cached_size=None)
    assert reading(broken(audience()), then) is Reading.KNOWN


def test_an_accepted_fault_is_known_though_the_answer_has_a_new_member() -> None:
    assert reading(broken(audience(zz=1)), audience()) is Reading.KNOWN


def test_another_code_is_new() -> None:
    now = answered(400, {**UNIT, "code": "bad"})
    assert reading(broken(now), answered(400, UNIT)) is Reading.NEW


def test_the_same_wrong_code_is_known_whatever_its_text() -> None:
    now, then = (answered(400, {"error": text, "code": "bad"}) for text in ("a", "b"))
    assert reading(broken(now), then) is Reading.KNOWN


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        (b"<html>", b"<p>", Reading.KNOWN),
        (b"<html>", encode(AUDIENCE), Reading.NEW),
        (encode(AUDIENCE), b"<html>", Reading.NEW),
        (b"[]", b"[1]", Reading.KNOWN),
    ],
)
def test_what_is_no_object_is_known_only_where_it_was_none_before(now: bytes, then: bytes, said: Reading) -> None:
    assert reading(broken(answered(200, now)), answered(200, then)) is said


def test_a_member_of_another_type_is_new() -> None:
    finding = broken(audience(cached_size="12480"), "/cached_size")
    assert reading(finding, audience()) is Reading.NEW


def test_a_member_of_the_same_wrong_type_and_value_is_known() -> None:
    finding = broken(audience(name=7), "/name")
    assert reading(finding, audience(name=7, cached_size=None)) is Reading.KNOWN


def test_a_member_that_may_be_null_and_was_says_nothing() -> None:
    finding = broken(audience(cached_size="12480"), "/cached_size")
    assert reading(finding, audience(cached_size=None)) is None


def test_another_value_of_what_the_suite_sent_is_new() -> None:
    sent = {"name": "A"}
    finding = broken(audience(sent, name="a"), "/name", Value("A"), rule="update.name")
    assert reading(finding, audience(sent, name="A")) is Reading.NEW


def test_another_value_of_the_audience_s_own_says_nothing() -> None:
    finding = broken(audience({"description": "x"}, name="b"), "/name", Value("B"), rule="update.partial")
    assert reading(finding, audience({"description": "x"}, name="of another audience")) is None


def test_a_value_that_was_as_promised_is_new() -> None:
    finding = broken(audience(name="b"), "/name", Value("B"), rule="update.stored")
    assert reading(finding, audience(name="B")) is Reading.NEW


def test_a_place_deep_in_the_filter_is_looked_up() -> None:
    def filtered(value: Any) -> Exchange:
        return audience({"filter": {}}, filter={"conditions": [{"value": value}]})

    finding = broken(filtered("30"), "/filter/conditions/0/value", Value(30))
    assert (reading(finding, filtered(30)), reading(finding, filtered("30"))) == (Reading.NEW, Reading.KNOWN)


def test_a_time_is_compared_by_its_form() -> None:
    finding = broken(audience(created_at="2025-01-01T00:00:00Z"), "/created_at")
    assert reading(finding, audience(created_at="2000-12-31T23:59:59Z")) is Reading.KNOWN
    assert reading(finding, audience(created_at="2025-01-01T00:00:00")) is Reading.NEW


def test_an_id_is_compared_with_the_one_that_was_asked_for() -> None:
    finding = broken(audience(id="x"), "/id", Words("the id that was asked for"), rule="audience.id")
    assert (reading(finding, audience(id="y")), reading(finding, audience())) == (Reading.KNOWN, Reading.NEW)


@pytest.mark.parametrize(
    ("rule", "now", "then", "said"),
    [
        ("update.cache.cleared", 3, 4, Reading.KNOWN),
        ("update.cache.cleared", 3, None, Reading.NEW),
        ("update.cache.kept", None, 3, Reading.NEW),
        ("update.cache.kept", None, None, Reading.KNOWN),
        ("update.cache.kept", 3, 4, None),
    ],
)
def test_of_the_cache_only_whether_it_is_filled_is_compared(rule: str, now: Any, then: Any, said: Reading) -> None:
    finding = broken(audience(cached_size=now), actual=Cache(now, "x"), rule=rule)
    assert reading(finding, audience(cached_size=then)) is said


def test_a_wrapping_that_was_not_there_is_new() -> None:
    finding = broken(answered(200, {"data": AUDIENCE}), actual=Words("under 'data'"), rule="update.flat")
    assert reading(finding, audience()) is Reading.NEW
    assert reading(finding, answered(200, {"data": {}})) is Reading.KNOWN


def test_what_was_said_is_told_with_its_day_and_place() -> None:
    told = before(broken(audience(cached_size="1"), "/cached_size"), audience(), "2026-11-21")
    assert told.said == "200, /cached_size: 12480 on 2026-11-21"
    told = before(broken(audience()), answered(400, UNIT), "2026-11-21")
    assert told.text == "400 invalid_time_unit on 2026-11-21        -> the API changed"


def test_without_a_recording_nothing_is_said_to_have_changed() -> None:
    assert Baseline(reading=Reading.NEW).text == "never asked"


# What moved although it held --------------------------------------------------------------------------


def test_two_answers_that_differ_in_values_alone_did_not_move() -> None:
    then = audience(name="x", cached_size=None, cached_size_updated_at=None, id="z")
    assert move(audience(), then) is None


def test_a_new_member_of_an_audience_moved() -> None:
    moved = move(audience(zz_new=1), audience())
    assert moved is not None
    assert (moved.rule, moved.then, moved.now) == ("update.success", "no zz_new", "also zz_new")


def test_a_member_that_is_gone_moved() -> None:
    moved = move(audience(), audience(success=True))
    assert moved is not None
    assert (moved.then, moved.now) == ("also success", "no success")


def test_another_error_text_moved() -> None:
    moved = move(answered(400, {**UNIT, "error": "unit?"}), answered(400, UNIT))
    assert moved is not None
    assert (moved.rule, moved.then, moved.now) == ("error.text", 'error "no such unit"', 'error "unit?"')


def test_an_error_text_with_another_time_or_id_did_not_move() -> None:
    texts = [
        "at 2026-11-22T03:00:00Z of 664f1a2b3c4d5e6f7a8b9c0d",
        "at 2000-01-01T00:00:00Z of aaaaaaaaaaaaaaaaaaaaaaaa",
    ]
    one, other = (answered(400, {**UNIT, "error": text}) for text in texts)
    assert move(one, other) is None


def test_a_new_member_and_another_text_of_an_error_are_one_move() -> None:
    moved = move(answered(400, {**UNIT, "error": "unit?", "hint": 1}), answered(400, UNIT))
    assert moved is not None
    assert moved.now == 'also hint; error "unit?"'


def test_another_2xx_moved() -> None:
    moved = move(answered(201, AUDIENCE), audience())
    assert moved is not None
    assert (moved.rule, moved.then, moved.now) == ("update.success", "200", "201")


def test_another_code_is_told_under_the_refusal_it_belongs_to() -> None:
    now, then = (
        answered(401, {"error": "no", "code": code}, method="GET") for code in ("unauthorized", "invalid_api_key")
    )
    moved = move(now, then, "read.key")
    assert moved is not None
    assert (moved.rule, moved.now) == ("read.key", "401 unauthorized")
