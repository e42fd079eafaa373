"""Facts about following an audience: each difference breaks one rule, and what the pages leave open is noted."""

import copy
from typing import Any

import pytest

from trackly_contract.contract import GUARD, as_answered
from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.judge import AudienceState, Finding, Judged, Kind

FILTER = {"operator": "AND", "conditions": [GUARD]}
STAMP, LATER = "2025-11-15T08:30:00", "2025-11-16T09:00:00"
BEFORE: dict[str, Any] = {
    "id": "664f1a2b3c4d5e6f7a8b9c0d",
    "name": "High-Value Clickers",
    "description": "Contacts who clicked",
    "source_lists": [101, 102],
    "filter": as_answered({"operator": "AND", "conditions": [{**GUARD, "value": 3}]}),
    "cached_size": 12480,
    "cached_size_updated_at": STAMP,
    "status": "active",
    "created_at": "2025-10-01T14:22:00",
}
CACHE = {"cached_size": 12480, "cached_size_updated_at": STAMP}
CLEARED = {"cached_size": None, "cached_size_updated_at": None}
RECOUNTED = {"cached_size": 9, "cached_size_updated_at": LATER}

BODIES: dict[str, dict[str, Any]] = {
    "name": {"name": "Renamed"},
    "description": {"description": "Redescribed"},
    "source_lists": {"source_lists": []},
    "filter": {"filter": FILTER},
}
IDENTICAL = {"filter": {"operator": "AND", "conditions": [{**GUARD, "value": 3}]}}


def answered(name: str = "", /, **more: Any) -> dict[str, Any]:
    """Return what a conforming API responds to the body of BODIES, with some fields otherwise."""
    after = {**copy.deepcopy(BEFORE), **BODIES.get(name, {})}
    if name == "filter":
        after |= {"filter": as_answered(FILTER), **CLEARED}
    return {**after, **more}


def known(**more: Any) -> AudienceState:
    return AudienceState(audience=answered(**more))


def follow(
    state: AudienceState, kind: Kind, body: Any = None, audience: Any = None, open_at: tuple[str, ...] = ()
) -> list[Finding]:
    request = Request("PUT", "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d", (), encode(body or {}))
    return state.follow(Judged(Exchange(request, Response(200)), "the case", kind, (), audience, open_at))


def read(state: AudienceState, audience: Any) -> set[tuple[str, Verdict]]:
    return unwell(follow(state, "read", audience=audience))


def updated(body: dict[str, Any], audience: dict[str, Any], state: AudienceState | None = None) -> list[Finding]:
    return follow(state or known(), "updated", body, audience)


def update(name: str, /, **more: Any) -> set[tuple[str, Verdict]]:
    """Return what an update does not hold whose response has some fields otherwise than documented."""
    return unwell(updated(BODIES[name], answered(name, **more)))


def after(name: str) -> AudienceState:
    """Return a state after an update as documented, which no read has confirmed yet."""
    state = known()
    updated(BODIES[name], answered(name), state)
    return state


def unwell(findings: list[Finding]) -> set[tuple[str, Verdict]]:
    return {(finding.rule, finding.verdict) for finding in findings if finding.verdict is not Verdict.HELD}


def held(findings: list[Finding]) -> list[str]:
    assert unwell(findings) == set()
    return [finding.rule for finding in findings]


def broken(rule: str) -> set[tuple[str, Verdict]]:
    return {(rule, Verdict.BROKEN)}


def noted(rule: str) -> set[tuple[str, Verdict]]:
    return {(rule, Verdict.NOTED)}


# Updates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODIES)
def test_an_update_as_documented_holds_in_its_own_rule_and_leaves_the_rest(name: str) -> None:
    assert {f"update.{name}", "update.partial"} <= set(held(updated(BODIES[name], answered(name))))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *((name, BEFORE[name]) for name in BODIES),
        ("name", "RENAMED"),
        ("name", "Renamed "),
        ("description", ""),
        ("source_lists", [101]),
    ],
    ids=str,
)
def test_a_field_that_is_not_taken_over_or_changed_on_its_way_breaks_its_rule_alone(name: str, kept: Any) -> None:
    assert update(name, **{name: kept}) == broken(f"update.{name}")


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        pytest.param({**FILTER, "operator": "OR"}, Verdict.BROKEN, id="operator"),
        pytest.param({"operator": "AND", "conditions": []}, Verdict.BROKEN, id="lost"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "value": "2000000000"}]}, Verdict.BROKEN, id="text"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "value": 2e9}]}, Verdict.NOTED, id="2e9"),
        pytest.param({"operator": "AND", "conditions": [{**GUARD, "label": 1}]}, Verdict.NOTED, id="new key"),
    ],
)
def test_a_filter_that_is_changed_on_its_way_is_weighed(kept: Any, verdict: Verdict) -> None:
    assert update("filter", filter=as_answered(kept)) == {("update.filter", verdict)}


def test_of_several_differences_of_a_filter_the_gravest_is_named() -> None:
    kept = as_answered({"operator": "AND", "conditions": [{**GUARD, "label": 1, "value": 3}]})
    (found,) = (f for f in updated(BODIES["filter"], answered("filter", filter=kept)) if f.rule == "update.filter")
    assert (found.verdict, found.at) == (Verdict.BROKEN, "/filter/conditions/0/value")


def test_what_nobody_says_of_a_position_is_noted_there_and_below() -> None:
    kept = as_answered({"operator": "AND", "conditions": [{**GUARD, "value": 3}]})
    shown, open_at = answered("filter", filter=kept), ("/filter/conditions/0",)
    assert unwell(follow(known(), "updated", BODIES["filter"], shown, open_at)) == noted("update.filter")


@pytest.mark.parametrize(
    ("name", "was", "shown"),
    [("source_lists", [1, 2], [2, 1]), ("description", None, ""), ("description", "", None)],
)
def test_the_order_of_lists_and_an_empty_description_are_noted(name: str, was: Any, shown: Any) -> None:
    findings = updated(BODIES["name"], answered("name", **{name: shown}), known(**{name: was}))
    assert unwell(findings) == noted("update.partial")


@pytest.mark.parametrize(
    "more",
    [
        {"description": ""},
        {"source_lists": []},
        {"filter": as_answered(FILTER)},
        {"status": "archived"},
        {"created_at": LATER},
    ],
    ids=str,
)
def test_what_was_not_sent_and_changes_breaks_partial_alone(more: dict[str, Any]) -> None:
    assert update("name", **more) == broken("update.partial")


@pytest.mark.parametrize("more", [{"updated_at": LATER}, {"created_at": "2025-10-01T14:22:00.5Z"}], ids=str)
def test_a_new_key_and_another_form_of_a_time_are_not_compared(more: dict[str, Any]) -> None:
    assert update("name", **more) == set()


def test_a_field_that_the_response_lacks_is_left_to_other_rules() -> None:
    answer = {key: value for key, value in answered().items() if key not in ("name", "cached_size")}
    assert unwell(updated(BODIES["name"], answer)) == set()


def test_without_an_earlier_response_only_what_was_sent_is_judged() -> None:
    assert held(updated(BODIES["name"], answered("name"), AudienceState())) == ["update.name"]


# The cache -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cache",
    [
        CACHE,
        {**CACHE, "cached_size": None},
        {**CACHE, "cached_size_updated_at": None},
        {"cached_size": 0, "cached_size_updated_at": LATER},
    ],
    ids=str,
)
def test_a_cache_that_is_not_cleared_breaks_its_rule_alone(cache: dict[str, Any]) -> None:
    assert update("filter", **cache) == broken("update.cache.cleared")


def test_a_cache_that_was_empty_shows_nothing_of_clearing() -> None:
    assert "update.cache.cleared" not in held(updated(BODIES["filter"], answered("filter"), known(**CLEARED)))


@pytest.mark.parametrize("name", ["name", "description"])
@pytest.mark.parametrize("cache", [CLEARED, {"cached_size": None}, {"cached_size_updated_at": None}], ids=str)
def test_a_cache_cleared_by_name_or_description_breaks_its_rule_alone(name: str, cache: dict[str, Any]) -> None:
    assert update(name, **cache) == broken("update.cache.kept")


def test_a_cache_kept_by_a_name_holds() -> None:
    assert "update.cache.kept" in held(updated(BODIES["name"], answered("name")))


@pytest.mark.parametrize(
    ("name", "cache"), [("name", RECOUNTED), ("source_lists", CLEARED), ("source_lists", RECOUNTED)]
)
def test_a_recount_by_somebody_else_and_whatever_new_lists_do_are_noted(name: str, cache: dict[str, Any]) -> None:
    assert update(name, **cache) == noted("update.cache.kept")


def test_a_cache_cleared_by_an_identical_filter_is_noted() -> None:
    assert unwell(updated(IDENTICAL, answered(**CLEARED))) == noted("update.cache.cleared")


def test_a_cache_kept_by_an_identical_filter_is_not_named_then_nor_at_the_next_read() -> None:
    state = known()
    assert unwell(updated(IDENTICAL, answered(), state)) == set()
    assert read(state, answered()) == set()


# Reads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODIES)
def test_a_read_that_shows_what_was_stored_holds(name: str) -> None:
    assert held(follow(after(name), "read", audience=answered(name))) == ["update.stored"]


@pytest.mark.parametrize("name", BODIES)
def test_a_read_that_shows_the_old_field_breaks_stored_alone(name: str) -> None:
    assert read(after(name), answered(name, **{name: BEFORE[name]})) == broken("update.stored")


@pytest.mark.parametrize(
    ("name", "cache", "found"),
    [
        ("filter", CACHE, broken("update.cache.cleared")),
        ("filter", {"cached_size": 12480}, broken("update.cache.cleared")),
        ("filter", RECOUNTED, noted("update.cache.cleared")),
        ("name", CLEARED, broken("update.cache.kept")),
        ("name", RECOUNTED, noted("update.cache.kept")),
        ("source_lists", CLEARED, noted("update.cache.kept")),
        ("source_lists", RECOUNTED, noted("update.cache.kept")),
    ],
    ids=str,
)
def test_the_cache_of_a_read_is_broken_where_nobody_else_can_have_changed_it(name: str, cache: Any, found: Any) -> None:
    assert read(after(name), answered(name, **cache)) == found


def test_a_first_read_and_a_second_of_the_same_say_nothing() -> None:
    state = AudienceState()
    assert follow(state, "read", audience=BEFORE) == []
    assert follow(state, "read", audience=answered()) == []


@pytest.mark.parametrize("more", [{"name": "x"}, CLEARED, RECOUNTED, {"filter": as_answered(FILTER)}], ids=str)
def test_what_somebody_else_changed_between_two_reads_is_noted_once(more: dict[str, Any]) -> None:
    state = known()
    assert {verdict for _, verdict in read(state, answered(**more))} == {Verdict.NOTED}
    assert follow(state, "read", audience=answered(**more)) == []


# Counting ------------------------------------------------------------------------------------------


def counted() -> AudienceState:
    state = after("filter")
    read(state, answered("filter"))
    follow(state, "counted")
    return state


@pytest.mark.parametrize("size", [9, 0])
def test_a_count_that_fills_the_cache_holds(size: int) -> None:
    shown = answered("filter", **{**RECOUNTED, "cached_size": size})
    assert held(follow(counted(), "read", audience=shown)) == ["update.cache.recounted"]


@pytest.mark.parametrize("cache", [{}, {"cached_size": 9}, {"cached_size_updated_at": LATER}], ids=str)
def test_a_count_that_leaves_the_cache_empty_breaks_its_rule_alone(cache: dict[str, Any]) -> None:
    assert read(counted(), answered("filter", **cache)) == broken("update.cache.recounted")


# Rejections ----------------------------------------------------------------------------------------


def test_a_rejected_update_that_changed_nothing_holds_and_is_forgotten_after_the_read() -> None:
    state = known()
    follow(state, "rejected", {"name": "Half"})
    assert held(follow(state, "read", audience=answered())) == ["update.refused.unchanged"]
    assert follow(state, "read", audience=answered()) == []


@pytest.mark.parametrize(
    "more", [{"name": "Half"}, {"filter": as_answered(FILTER)}, {"source_lists": []}, CLEARED], ids=str
)
def test_a_rejected_update_that_changed_something_breaks_its_rule_alone(more: dict[str, Any]) -> None:
    state = known()
    follow(state, "rejected", {"name": "Half", "filter": FILTER})
    assert read(state, answered(**more)) == broken("update.refused.unchanged")


@pytest.mark.parametrize("kind", ["read", "updated"])
def test_a_field_of_a_rejected_update_is_its_fault_though_another_was_accepted(kind: Kind) -> None:
    state = after("description")
    follow(state, "rejected", {"name": "Half"})
    found = follow(state, kind, BODIES["description"], answered("description", name="Half"))
    assert unwell(found) == broken("update.refused.unchanged")


# A success that nobody expected --------------------------------------------------------------------


def test_what_is_adopted_is_what_a_read_must_show() -> None:
    state = known()
    follow(state, "adopted", audience=answered("name"))
    assert read(state, answered("name")) == set()


def test_after_a_response_without_an_audience_a_read_is_not_judged() -> None:
    state = known()
    follow(state, "adopted")
    assert follow(state, "read", audience=answered("name")) == []
