"""Facts about following an audience: each difference breaks one rule, and what the pages leave open is noted."""

import copy
from typing import Any

import pytest

from trackly_contract.contract import GUARD, as_answered
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import AudienceState, Finding

OLD_FILTER = {
    "operator": "AND",
    "conditions": [{"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}],
    "groups": [],
}
NEW_FILTER = {"operator": "AND", "conditions": [GUARD]}
STAMP = "2025-11-15T08:30:00"
LATER = "2025-11-16T09:00:00"
BEFORE: dict[str, Any] = {
    "id": "664f1a2b3c4d5e6f7a8b9c0d",
    "name": "High-Value Clickers",
    "description": "Contacts who clicked",
    "source_lists": [101, 102],
    "filter": OLD_FILTER,
    "cached_size": 12480,
    "cached_size_updated_at": STAMP,
    "status": "active",
    "created_at": "2025-10-01T14:22:00",
}
CLEARED = {"cached_size": None, "cached_size_updated_at": None}
RECOUNTED = {"cached_size": 9, "cached_size_updated_at": LATER}
EXCHANGE = Exchange(Request("PUT", "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"), Response(200))

BODIES: dict[str, dict[str, Any]] = {
    "name": {"name": "Renamed"},
    "description": {"description": "Redescribed"},
    "source_lists": {"source_lists": []},
    "filter": {"filter": NEW_FILTER},
}


def answered(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what a conforming API answers to a body."""
    after = {**copy.deepcopy(BEFORE), **body}
    if "filter" in body:
        after |= {"filter": as_answered(body["filter"]), **CLEARED}
    return {**after, **more}


def known(**more: Any) -> AudienceState:
    return AudienceState(audience={**copy.deepcopy(BEFORE), **more})


def updated(body: dict[str, Any], audience: dict[str, Any], state: AudienceState | None = None) -> list[Finding]:
    return (state or known()).updated(EXCHANGE, body, audience, "the case")


def said(findings: list[Finding], *verdicts: Verdict) -> set[str]:
    return {finding.rule for finding in findings if finding.verdict in verdicts}


def unwell(findings: list[Finding]) -> set[tuple[str, Verdict]]:
    return {(finding.rule, finding.verdict) for finding in findings if finding.verdict is not Verdict.HELD}


# Updates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODIES)
def test_an_update_as_documented_holds(name: str) -> None:
    findings = updated(BODIES[name], answered(BODIES[name]))
    assert unwell(findings) == set()


@pytest.mark.parametrize("name", BODIES)
def test_an_update_of_one_member_says_its_rule_held(name: str) -> None:
    findings = updated(BODIES[name], answered(BODIES[name]))
    assert {f"update.{name}", "update.partial"} <= said(findings, Verdict.HELD)


@pytest.mark.parametrize("name", ["name", "description", "source_lists"])
def test_a_member_that_is_not_taken_over_breaks_its_rule_alone(name: str) -> None:
    assert unwell(updated(BODIES[name], answered({}))) == {(f"update.{name}", Verdict.BROKEN)}


@pytest.mark.parametrize(
    ("name", "kept"), [("name", "RENAMED"), ("name", "Renamed "), ("description", ""), ("source_lists", [101])]
)
def test_a_member_that_is_changed_on_its_way_breaks_its_rule_alone(name: str, kept: Any) -> None:
    findings = updated(BODIES[name], answered({**BODIES[name], name: kept}))
    assert unwell(findings) == {(f"update.{name}", Verdict.BROKEN)}


def test_a_filter_that_is_not_taken_over_breaks_its_rule_alone() -> None:
    assert unwell(updated(BODIES["filter"], answered({}, **CLEARED))) == {("update.filter", Verdict.BROKEN)}


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        pytest.param({**NEW_FILTER, "operator": "OR"}, Verdict.BROKEN, id="operator"),
        pytest.param({"operator": "AND", "conditions": []}, Verdict.BROKEN, id="lost"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "value": "2000000000"}]}, Verdict.BROKEN, id="text"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "value": 2e9}]}, Verdict.NOTED, id="2e9"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "label": 1}]}, Verdict.NOTED, id="new key"),
    ],
)
def test_a_filter_that_is_changed_on_its_way_is_weighed(kept: Any, verdict: Verdict) -> None:
    answer = answered(BODIES["filter"], filter=as_answered(kept))
    assert unwell(updated(BODIES["filter"], answer)) == {("update.filter", verdict)}


def test_a_filter_answered_without_groups_is_noted_once() -> None:
    kept = {key: value for key, value in as_answered(NEW_FILTER).items() if key != "groups"}
    assert unwell(updated(BODIES["filter"], answered(BODIES["filter"], filter=kept))) <= {
        ("update.filter", Verdict.NOTED)
    }


@pytest.mark.parametrize(
    "more",
    [
        {"description": ""},
        {"source_lists": []},
        {"filter": as_answered(NEW_FILTER)},
        {"status": "archived"},
        {"created_at": LATER},
    ],
    ids=str,
)
def test_what_was_not_sent_and_changes_breaks_partial_alone(more: dict[str, Any]) -> None:
    assert unwell(updated(BODIES["name"], answered(BODIES["name"], **more))) == {("update.partial", Verdict.BROKEN)}


def test_a_new_key_of_an_answer_is_nobodys_business_here() -> None:
    assert unwell(updated(BODIES["name"], answered(BODIES["name"], updated_at=LATER))) == set()


def test_a_member_that_the_answer_lacks_is_left_to_other_rules() -> None:
    answer = {key: value for key, value in answered({}).items() if key not in ("name", "cached_size")}
    assert unwell(updated(BODIES["name"], answer)) == set()


def test_without_an_earlier_answer_only_what_was_sent_is_judged() -> None:
    findings = updated(BODIES["name"], answered(BODIES["name"]), AudienceState())
    assert [(f.rule, f.verdict) for f in findings] == [("update.name", Verdict.HELD)]


# The cache -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cache",
    [
        {"cached_size": 12480, "cached_size_updated_at": STAMP},
        {"cached_size": None, "cached_size_updated_at": STAMP},
        {"cached_size": 12480, "cached_size_updated_at": None},
        {"cached_size": 0, "cached_size_updated_at": LATER},
    ],
    ids=str,
)
def test_a_cache_that_is_not_cleared_breaks_its_rule_alone(cache: dict[str, Any]) -> None:
    answer = answered(BODIES["filter"], **cache)
    assert unwell(updated(BODIES["filter"], answer)) == {("update.cache.cleared", Verdict.BROKEN)}


def test_a_cache_that_was_empty_shows_nothing_of_clearing() -> None:
    findings = updated(BODIES["filter"], answered(BODIES["filter"]), known(**CLEARED))
    assert "update.cache.cleared" not in {finding.rule for finding in findings}


@pytest.mark.parametrize("name", ["name", "description"])
@pytest.mark.parametrize("cache", [CLEARED, {"cached_size": None}, {"cached_size_updated_at": None}], ids=str)
def test_a_cache_cleared_by_name_or_description_breaks_its_rule_alone(name: str, cache: dict[str, Any]) -> None:
    assert unwell(updated(BODIES[name], answered(BODIES[name], **cache))) == {("update.cache.kept", Verdict.BROKEN)}


def test_a_cache_kept_by_a_name_holds() -> None:
    assert "update.cache.kept" in said(updated(BODIES["name"], answered(BODIES["name"])), Verdict.HELD)


def test_a_recount_by_somebody_else_is_noted() -> None:
    answer = answered(BODIES["name"], **RECOUNTED)
    assert unwell(updated(BODIES["name"], answer)) == {("update.cache.kept", Verdict.NOTED)}


@pytest.mark.parametrize("cache", [CLEARED, RECOUNTED], ids=str)
def test_what_new_source_lists_do_to_the_cache_is_noted(cache: dict[str, Any]) -> None:
    answer = answered(BODIES["source_lists"], **cache)
    assert unwell(updated(BODIES["source_lists"], answer)) == {("update.cache.kept", Verdict.NOTED)}


IDENTICAL = {"filter": {"operator": "AND", "conditions": [{**GUARD, "value": 3}]}}


def test_a_cache_cleared_by_an_identical_filter_is_noted() -> None:
    assert unwell(updated(IDENTICAL, answered({}, **CLEARED))) == {("update.cache.cleared", Verdict.NOTED)}


def test_a_cache_kept_by_an_identical_filter_is_nothing() -> None:
    assert unwell(updated(IDENTICAL, answered({}))) == set()


def test_a_cache_kept_by_an_identical_filter_is_nothing_after_a_read() -> None:
    state = known()
    updated(IDENTICAL, answered({}), state)
    assert unwell(state.read(EXCHANGE, answered({}))) == set()


# Reads ---------------------------------------------------------------------------------------------


def after(name: str) -> AudienceState:
    state = known()
    updated(BODIES[name], answered(BODIES[name]), state)
    return state


@pytest.mark.parametrize("name", BODIES)
def test_a_read_that_shows_what_was_answered_holds(name: str) -> None:
    findings = after(name).read(EXCHANGE, answered(BODIES[name]))
    assert [(f.rule, f.verdict) for f in findings] == [("update.stored", Verdict.HELD)]


@pytest.mark.parametrize("name", ["name", "description", "source_lists"])
def test_a_read_that_shows_the_old_member_breaks_stored_alone(name: str) -> None:
    assert unwell(after(name).read(EXCHANGE, answered({}))) == {("update.stored", Verdict.BROKEN)}


def test_a_read_that_shows_the_old_filter_breaks_stored_alone() -> None:
    assert unwell(after("filter").read(EXCHANGE, answered({}, **CLEARED))) == {("update.stored", Verdict.BROKEN)}


def test_a_read_that_shows_the_old_cache_breaks_cleared_alone() -> None:
    shown = answered(BODIES["filter"], cached_size=12480, cached_size_updated_at=STAMP)
    assert unwell(after("filter").read(EXCHANGE, shown)) == {("update.cache.cleared", Verdict.BROKEN)}


def test_a_read_that_shows_half_a_cache_breaks_cleared_alone() -> None:
    shown = answered(BODIES["filter"], cached_size=12480)
    assert unwell(after("filter").read(EXCHANGE, shown)) == {("update.cache.cleared", Verdict.BROKEN)}


def test_a_count_by_somebody_else_after_a_clearing_is_noted() -> None:
    shown = answered(BODIES["filter"], **RECOUNTED)
    assert unwell(after("filter").read(EXCHANGE, shown)) == {("update.cache.cleared", Verdict.NOTED)}


def test_a_read_that_shows_a_cleared_cache_after_a_name_breaks_kept_alone() -> None:
    shown = answered(BODIES["name"], **CLEARED)
    assert unwell(after("name").read(EXCHANGE, shown)) == {("update.cache.kept", Verdict.BROKEN)}


def test_a_read_that_shows_another_cache_after_a_name_is_noted() -> None:
    shown = answered(BODIES["name"], **RECOUNTED)
    assert unwell(after("name").read(EXCHANGE, shown)) == {("update.cache.kept", Verdict.NOTED)}


@pytest.mark.parametrize("cache", [CLEARED, RECOUNTED], ids=str)
def test_what_new_source_lists_do_to_the_cache_of_a_read_is_noted(cache: dict[str, Any]) -> None:
    shown = answered(BODIES["source_lists"], **cache)
    assert unwell(after("source_lists").read(EXCHANGE, shown)) == {("update.cache.kept", Verdict.NOTED)}


def test_a_first_read_says_nothing() -> None:
    assert AudienceState().read(EXCHANGE, BEFORE) == []


def test_a_second_read_of_the_same_says_nothing() -> None:
    assert known().read(EXCHANGE, copy.deepcopy(BEFORE)) == []


@pytest.mark.parametrize("more", [{"name": "x"}, CLEARED, RECOUNTED, {"filter": as_answered(NEW_FILTER)}], ids=str)
def test_what_somebody_else_changed_between_two_reads_is_noted(more: dict[str, Any]) -> None:
    assert said(known().read(EXCHANGE, {**BEFORE, **more}), Verdict.BROKEN) == set()


def test_what_is_read_is_what_is_known_next() -> None:
    state = known()
    state.read(EXCHANGE, {**BEFORE, "name": "x"})
    assert state.read(EXCHANGE, {**BEFORE, "name": "x"}) == []


# Counting ------------------------------------------------------------------------------------------


def counted() -> AudienceState:
    state = after("filter")
    state.read(EXCHANGE, answered(BODIES["filter"]))
    state.was_counted()
    return state


def test_a_count_that_fills_the_cache_holds() -> None:
    findings = counted().read(EXCHANGE, answered(BODIES["filter"], **RECOUNTED))
    assert [(f.rule, f.verdict) for f in findings] == [("update.cache.recounted", Verdict.HELD)]


@pytest.mark.parametrize("cache", [{}, {"cached_size": 9}, {"cached_size_updated_at": LATER}], ids=str)
def test_a_count_that_leaves_the_cache_empty_breaks_its_rule_alone(cache: dict[str, Any]) -> None:
    findings = counted().read(EXCHANGE, answered(BODIES["filter"], **cache))
    assert unwell(findings) == {("update.cache.recounted", Verdict.BROKEN)}


def test_a_count_of_nobody_fills_the_cache() -> None:
    shown = answered(BODIES["filter"], cached_size=0, cached_size_updated_at=LATER)
    assert unwell(counted().read(EXCHANGE, shown)) == set()


# Refusals ------------------------------------------------------------------------------------------


def refused(body: dict[str, Any]) -> AudienceState:
    state = known()
    state.was_rejected(body)
    return state


def test_a_refused_update_that_changed_nothing_holds() -> None:
    findings = refused({"name": "Half"}).read(EXCHANGE, copy.deepcopy(BEFORE))
    assert [(f.rule, f.verdict) for f in findings] == [("update.refused.unchanged", Verdict.HELD)]


@pytest.mark.parametrize(
    "more", [{"name": "Half"}, {"filter": as_answered(NEW_FILTER)}, {"source_lists": []}, CLEARED], ids=str
)
def test_a_refused_update_that_changed_something_breaks_its_rule_alone(more: dict[str, Any]) -> None:
    findings = refused({"name": "Half", "filter": NEW_FILTER}).read(EXCHANGE, {**BEFORE, **more})
    assert unwell(findings) == {("update.refused.unchanged", Verdict.BROKEN)}


def test_a_member_of_a_refused_update_after_an_accepted_one_is_blamed_on_the_refused() -> None:
    state = after("description")
    state.was_rejected({"name": "Half"})
    findings = state.read(EXCHANGE, answered(BODIES["description"], name="Half"))
    assert unwell(findings) == {("update.refused.unchanged", Verdict.BROKEN)}


def test_a_refusal_is_forgotten_after_the_read_that_looked_for_it() -> None:
    state = refused({"name": "Half"})
    state.read(EXCHANGE, copy.deepcopy(BEFORE))
    assert state.read(EXCHANGE, copy.deepcopy(BEFORE)) == []


# An acceptance that nobody expected ----------------------------------------------------------------


def test_what_is_adopted_is_what_a_read_must_show() -> None:
    state = known()
    state.adopted(answered(BODIES["name"]))
    assert unwell(state.read(EXCHANGE, answered(BODIES["name"]))) == set()


def test_after_an_answer_without_an_audience_a_read_is_not_judged() -> None:
    state = known()
    state.adopted(None)
    assert state.read(EXCHANGE, answered({"name": "anything"})) == []
