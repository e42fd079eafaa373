"""Facts about the baseline: what is known, what is new, what moved, and when nobody can tell."""

from typing import Any

import pytest

from trackly_contract import judge as judging
from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.core.json import value_at
from trackly_contract.judge import Baseline, Cache, Finding, Reading, Value, Whole, Words, before
from trackly_contract.judge.findings import Actual, Expected
from trackly_contract.reference import AUDIENCE_ID

PATH = f"/v2/audiences/{AUDIENCE_ID}"
AUDIENCE: dict[str, Any] = {
    "id": AUDIENCE_ID,
    "name": "VIPs",
    "description": "",
    "cached_size": 12480,
    "cached_size_updated_at": "2025-11-20T10:30:45",
}
DAY = "2026-11-21"
UNIT = {"error": "no such unit", "code": "invalid_time_unit"}
KNOWN: Reading = "known"
NEW: Reading = "new"


def answered(status: int, answer: Any, sent: Any = None) -> Exchange:
    body = answer if isinstance(answer, bytes) else encode(answer)
    return Exchange(Request("PUT", PATH, (), encode(sent) if sent is not None else b""), Response(status, (), body), 1)


def audience(sent: Any = None, **changes: Any) -> Exchange:
    return answered(200, {**AUDIENCE, **changes}, sent)


def rejected(**changes: Any) -> Exchange:
    return answered(400, {**UNIT, **changes})


def broken(
    now: Exchange, at: str = "", expected: Expected | None = None, actual: Actual | None = None, rule: str = "read.flat"
) -> Finding:
    if actual is None:
        actual = Value(value_at(now.response.json.value, at)) if at else Whole()
    return Finding(rule, Verdict.BROKEN, now, expected, actual, at)


def reading(finding: Finding, then: Exchange) -> Reading | None:
    return before(finding, then, DAY).reading


WHOLE = {
    "accepted now": (audience(), rejected(), NEW),
    "accepted both times": (audience(), audience(name="other", cached_size=None), KNOWN),
    "accepted both times, and a new field": (audience(zz=1), audience(), KNOWN),
    "another code": (rejected(code="bad"), rejected(), NEW),
    "the same wrong code": (rejected(code="bad"), rejected(code="bad", error="a"), KNOWN),
    "no JSON both times": (answered(200, b"<html>"), answered(200, b"<p>"), KNOWN),
    "no JSON now": (answered(200, b"<html>"), audience(), NEW),
    "no JSON then": (audience(), answered(200, b"<html>"), NEW),
    "an array both times": (answered(200, []), answered(200, [1]), KNOWN),
}


@pytest.mark.parametrize(("now", "then", "said"), WHOLE.values(), ids=WHOLE.keys())
def test_a_response_is_known_where_its_status_code_and_kind_are(now: Exchange, then: Exchange, said: Reading) -> None:
    assert reading(broken(now), then) is said


def filtered(value: Any) -> Exchange:
    return audience({"filter": {}}, filter={"conditions": [{"value": value}]})


A, B, DEEP = {"name": "A"}, {"description": "B"}, "/filter/conditions/0/value"
STAMPED = audience(created_at="2025-01-01T00:00:00Z")
FIELD = {
    "another type": (audience(cached_size="1"), "/cached_size", None, audience(), NEW),
    "null then, as it may be": (audience(cached_size="1"), "/cached_size", None, audience(cached_size=None), None),
    "the same value": (audience(name=7), "/name", None, audience(name=7, cached_size=None), KNOWN),
    "another value of what was sent": (audience(A, name="a"), "/name", Value("A"), audience(A, name="A"), NEW),
    "another value of what was not sent": (audience(B, name="b"), "/name", Value("x"), audience(B, name="y"), None),
    "as promised then": (audience(name="b"), "/name", Value("B"), audience(name="B"), NEW),
    "another value deep in the filter": (filtered("30"), DEEP, Value(30), filtered(30), NEW),
    "the same value deep in the filter": (filtered("30"), DEEP, Value(30), filtered("30"), KNOWN),
    "a time of the same form": (STAMPED, "/created_at", None, audience(created_at="2000-12-31T23:59:59Z"), KNOWN),
    "a time of another form": (STAMPED, "/created_at", None, audience(created_at="2025-01-01T00:00:00"), NEW),
    "another id both times": (audience(id="x"), "/id", Words("the id"), audience(id="y"), KNOWN),
    "the id that was asked for then": (audience(id="x"), "/id", Words("the id"), audience(), NEW),
}


@pytest.mark.parametrize(("now", "at", "expected", "then", "said"), FIELD.values(), ids=FIELD.keys())
def test_a_field_is_compared_as_far_as_it_is_not_the_audience_s_own(
    now: Exchange, at: str, expected: Expected | None, then: Exchange, said: Reading | None
) -> None:
    assert reading(broken(now, at, expected), then) is said


@pytest.mark.parametrize(
    ("rule", "now", "then", "said"),
    [
        ("update.cache.cleared", 3, 4, KNOWN),
        ("update.cache.cleared", 3, None, NEW),
        ("update.cache.kept", None, 3, NEW),
        ("update.cache.kept", None, None, KNOWN),
        ("update.cache.kept", 3, 4, None),
    ],
)
def test_of_the_cache_only_whether_it_is_filled_is_compared(rule: str, now: Any, then: Any, said: Reading) -> None:
    finding = broken(audience(cached_size=now), actual=Cache(now, "x"), rule=rule)
    assert reading(finding, audience(cached_size=then)) is said


def test_a_wrapping_that_was_not_there_is_new() -> None:
    finding = broken(answered(200, {"data": AUDIENCE}), actual=Words("under 'data'"), rule="update.flat")
    assert reading(finding, audience()) is NEW
    assert reading(finding, answered(200, {"data": {}})) is KNOWN


def test_what_was_said_is_told_with_its_day_and_position() -> None:
    told = before(broken(audience(cached_size="1"), "/cached_size"), audience(), "2026-11-21")
    assert told.said == "200, /cached_size: 12480 on 2026-11-21"
    told = before(broken(audience()), rejected(), "2026-11-21")
    assert told.text == "400 invalid_time_unit on 2026-11-21        -> the API changed"


def test_without_a_recording_nothing_is_said_to_have_changed() -> None:
    assert Baseline(reading=NEW).text == "never asked"


# What moved although it held --------------------------------------------------------------------------

DATED = "at 2026-11-22T03:00:00Z of 664f1a2b3c4d5e6f7a8b9c0d"
REDATED = "at 2000-01-01T00:00:00Z of aaaaaaaaaaaaaaaaaaaaaaaa"
THEN, NOW = 'error "no such unit"', 'error "unit?"'
UNAUTHORIZED, INVALID = (answered(401, {"error": "no", "code": code}) for code in ("unauthorized", "invalid_api_key"))
MOVED = {
    "values alone": (audience(), audience(name="x", cached_size=None, cached_size_updated_at=None, id="z"), None),
    "a new field": (audience(zz_new=1), audience(), ("update.success", "no zz_new", "also zz_new")),
    "another time or id in the text": (rejected(error=DATED), rejected(error=REDATED), None),
    "a new field and another text": (
        rejected(error="unit?", hint=1),
        rejected(),
        ("error.text", f"no hint; {THEN}", f"also hint; {NOW}"),
    ),
    "another 2xx": (answered(201, AUDIENCE), audience(), ("update.success", "200", "201")),
    "another code": (UNAUTHORIZED, INVALID, ("update.key", "401 invalid_api_key", "401 unauthorized")),
}


@pytest.mark.parametrize(("now", "then", "moved"), MOVED.values(), ids=MOVED.keys())
def test_what_moved_is_status_code_fields_and_text(now: Exchange, then: Exchange, moved: Any) -> None:
    here = judging.as_findings([(rule, None) for rule in ("update.success", "update.key", "error.text")], now)
    found = [
        (f.rule, judging.expected_text(f), judging.actual_text(f)) for f in judging.move(here, now, then, "2026-11-21")
    ]
    assert found == ([(moved[0], f"as on 2026-11-21: {moved[1]}", moved[2])] if moved else [])


def test_of_a_rule_that_did_not_hold_nothing_moved() -> None:
    now = audience(zz_new=1)
    assert judging.move([broken(now, rule="update.success")], now, audience(), DAY) == []
