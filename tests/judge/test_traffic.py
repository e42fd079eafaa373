"""Facts about the judgement of traffic: what breaks a rule, and what a recording may not say."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.recordings import (
    ADDRESS,
    CONVERSATION,
    COUNT,
    JSON_KEY,
    KEY,
    PATH,
    TIME,
    asked,
    broken,
    filtered,
    get,
    judged,
    put,
    watched,
)
from trackly_contract.core import Exchange, Request, Response, Verdict, encode
from trackly_contract.judge import Traffic
from trackly_contract.judge.recorded.record import Recorded, Unreadable
from trackly_contract.judge.state import MOST
from trackly_contract.judge.traffic import MOST_ALIKE

AUDIENCE: dict[str, Any] = json.loads(asked(get())[0].response.body)
WEEKS = filtered({**TIME, "unit": "weeks"})
CARRIER = {"condition_type": "carrier", "operator": "eq", "value": "verizon"}


def said(status: int, body: Any) -> Response:
    content = body if isinstance(body, bytes) else encode(body)
    return Response(status, (("Content-Type", "application/json"),), content)


def refusal(status: int, code: Any) -> Response:
    return said(status, {"error": "no", "code": code})


def got(request: Request, response: Response) -> Traffic:
    return judged([Exchange(request, response)])


def noted(traffic: Traffic) -> set[str]:
    return {rule for rule, counts in traffic.findings.tally.items() if counts[Verdict.NOTED]}


def timed(*spans: tuple[float | None, float | None], exchanges: list[Exchange]) -> Traffic:
    found = zip(exchanges, spans, strict=True)
    return watched(
        Recorded(exchange, f"x {number}", ADDRESS, began=began, ended=ended)
        for number, (exchange, (began, ended)) in enumerate(found, 1)
    )


def test_a_conversation_with_a_conforming_server_breaks_nothing() -> None:
    traffic = judged(asked(*CONVERSATION))
    assert (broken(traffic), traffic.judged, traffic.writes, traffic.faults) == (set(), 6, 2, {})
    assert traffic.stamped
    assert {"update.stored", "update.cache.cleared", "update.cache.recounted", "filter.time.known"} <= set(
        traffic.findings.tally
    )


BOTH = {**WEEKS, "name": "x" * 256}
OPEN: tuple[Any, ...] = (filtered(CARRIER), {}, {"name": None}, {"zz": 1})


@pytest.mark.parametrize(
    ("request_sent", "response", "rules"),
    [
        (get(), said(200, {**AUDIENCE, "source_lists": "all"}), {"audience.source_lists"}),
        (put(WEEKS), said(200, AUDIENCE), {"filter.time.unit"}),
        (put(BOTH), said(200, AUDIENCE), {"filter.time.unit", "update.name.too_long"}),
        (put(BOTH), refusal(400, "invalid_time_unit"), set()),
        (put(BOTH), refusal(400, "name_too_long"), set()),
        (put(BOTH), refusal(400, "empty_filter_group"), {"update.name.too_long"}),
        (put(filtered(TIME)), refusal(400, "invalid_time_operator"), {"filter.time.known"}),
        (put({"name": "a"}), refusal(400, "zz"), {"update.success"}),
        (put({"name": "a"}), refusal(400, "source_list_not_found"), {"update.success"}),
        *((put(body), said(200, AUDIENCE), set()) for body in OPEN),
        *((put(body), refusal(400, code), set()) for body in OPEN for code in ("zz", "invalid_carrier_operator")),
        (put({}), said(200, {**AUDIENCE, "status": "zz"}), {"audience.status"}),
        (get(), refusal(404, "not_found"), set()),
        (get(), refusal(404, "gone"), {"read.unknown_id"}),
        (get(), said(404, {"error": "no"}), set()),
    ],
)
def test_what_one_response_breaks(request_sent: Request, response: Response, rules: set[str]) -> None:
    assert broken(got(request_sent, response)) == rules


def test_a_fault_that_is_refused_as_documented_held() -> None:
    traffic = got(put(WEEKS), refusal(400, "invalid_time_unit"))
    assert traffic.findings.tally["filter.time.unit"] == {Verdict.HELD: 1}


@pytest.mark.parametrize(
    "body", [filtered(*[COUNT] * 13), filtered({**COUNT, "value": 5_000}), {"description": "x" * 999}]
)
def test_a_limit_that_no_page_states_is_noted(body: Any) -> None:
    traffic = got(put(body), refusal(400, "too_much"))
    assert (broken(traffic), noted(traffic)) == (set(), {"update.success"})


def test_a_word_that_was_accepted_before_leaves_another_fault_to_be_judged() -> None:
    body = filtered(CARRIER, {**TIME, "unit": "weeks"})
    accepted = Exchange(put(filtered(CARRIER)), said(200, AUDIENCE))
    fault = Exchange(put(body), refusal(400, "zz"))
    assert broken(judged([fault])) == set()
    assert broken(judged([accepted, fault])) == {"filter.time.unit"}


def test_whether_a_list_exists_is_inconclusive_for_that_rule_alone() -> None:
    traffic = got(put({"source_lists": [9]}), refusal(400, "source_list_not_found"))
    assert (broken(traffic), list(traffic.unseen)) == (set(), ["update.source_lists.unknown"])
    assert traffic.not_judged == {}


def test_an_error_without_a_code_from_an_address_that_answers_is_broken() -> None:
    other = Request("GET", "/v2/audiences/" + "f" * 24, KEY)
    assert broken(judged([*asked(get()), Exchange(other, said(404, {"error": "no"}))])) == {"error.code"}


def test_an_audience_that_is_gone_is_noted() -> None:
    traffic = judged([*asked(get()), Exchange(get(), refusal(404, "not_found"))])
    assert (broken(traffic), noted(traffic)) == (set(), {"read.success"})


@pytest.mark.parametrize(
    ("code", "verdicts"), [("invalid_api_key", {"noted": 1}), ("zz", {"broken": 1}), ("unauthorized", None)]
)
def test_a_401_is_judged_by_its_code_and_does_not_show_that_the_key_was_bad(code: str, verdicts: Any) -> None:
    traffic = got(get(), refusal(401, code))
    assert (traffic.findings.tally.get("read.key"), list(traffic.unseen)) == (verdicts, ["read.key"])


def test_a_401_without_a_key_shows_the_rule() -> None:
    traffic = got(Request("GET", PATH), refusal(401, "unauthorized"))
    assert traffic.findings.tally["read.key"] == {Verdict.HELD: 1}
    assert [found.fault.name for found in traffic.faults.values()] == ["read.key"]


def test_a_key_that_the_recorder_took_out_is_no_fault() -> None:
    assert got(Request("GET", PATH), said(200, AUDIENCE)).faults == {}


@pytest.mark.parametrize("status", [301, 304, 403, 408, 429, 500, 502, 503])
def test_what_may_come_from_in_between_is_not_judged_and_is_named(status: int) -> None:
    for request in (get(), put({"name": "a"})):
        traffic = got(request, refusal(status, "zz"))
        assert (broken(traffic), traffic.judged) == (set(), 0)
        assert list(traffic.not_judged) == [f"answered {status} zz, which may come from something in between"]


def test_a_page_of_a_gateway_is_not_judged() -> None:
    assert list(got(get(), said(200, b"<html>")).not_judged) == [
        "answered 200, not JSON: '<html>', which may come from something in between"
    ]


def test_after_an_outage_nobody_knows_what_an_update_did() -> None:
    changed = said(200, {**AUDIENCE, "name": "b"})
    lost = Exchange(put({"name": "b"}), refusal(500, "zz"))
    assert broken(judged([*asked(get()), lost, Exchange(get(), changed)])) == set()


def test_a_body_that_was_not_recorded_is_inconclusive_for_its_exchange() -> None:
    exchanges = asked(get())
    traffic = judged(exchanges, missing="the body of the answer was not recorded")
    assert (traffic.judged, list(traffic.not_judged)) == (0, ["the body of the answer was not recorded"])


def test_what_an_update_does_not_store_is_broken() -> None:
    update, read = asked(put({"name": "a"}), get())
    other = said(200, {**json.loads(read.response.body), "name": "b"})
    assert broken(judged([update, replace(read, response=other)])) == {"update.stored"}


def test_where_others_write_too_only_what_one_response_shows_is_broken() -> None:
    update, read = asked(put({"name": "a"}), get())
    other = said(200, {**json.loads(read.response.body), "name": "b"})
    later = watched([Recorded(e, "x", ADDRESS) for e in (update, replace(read, response=other))], shared=True)
    at_once = watched([Recorded(replace(update, response=said(200, AUDIENCE)), "x", ADDRESS)], shared=True)
    assert (broken(later), noted(later), broken(at_once)) == (set(), {"update.stored"}, {"update.name"})


@pytest.mark.parametrize(
    ("spans", "rules"),
    [
        (((0.0, 1.0), (2.0, 3.0)), {"update.stored"}),
        (((None, None), (None, None)), {"update.stored"}),
        (((0.0, 1.0), (0.5, 3.0)), set()),
        (((5.0, 6.0), (2.0, 3.0)), set()),
        (((0.0, 1.0004), (1.0, 2.0)), {"update.stored"}),
    ],
)
def test_exchanges_that_overlapped_are_not_compared(spans: Any, rules: set[str]) -> None:
    update, read = asked(put({"name": "a"}), get())
    other = said(200, {**json.loads(read.response.body), "name": "b"})
    assert broken(timed(*spans, exchanges=[update, replace(read, response=other)])) == rules


def test_a_slow_answer_is_not_compared_with_what_was_changed_while_it_came() -> None:
    first, second, read = asked(put({"name": "a"}), put({"name": "b"}), get())
    spans = ((0.0, 1.0), (2.0, 5.0), (3.0, 3.5))
    assert broken(timed(*spans, exchanges=[first, read, second])) == set()


def test_two_addresses_are_two_audiences_though_the_id_is_the_same() -> None:
    update, read = asked(put({"name": "a"}), get())
    old = replace(read, response=said(200, AUDIENCE))
    items = [Recorded(update, "x", "https://one.invalid"), Recorded(old, "x", "https://two.invalid")]
    assert broken(watched(items)) == set()


def test_deleting_is_of_another_page_and_nothing_is_known_afterwards() -> None:
    update, read = asked(put({"name": "a"}), get())
    deleted = Exchange(Request("DELETE", PATH, KEY), said(200, {}))
    archived = said(200, {**json.loads(read.response.body), "status": "archived"})
    traffic = judged([update, deleted, replace(read, response=archived)])
    assert (broken(traffic), traffic.faults) == (set(), {})


def test_a_method_that_no_page_names_is_a_fault_of_the_client_and_not_of_the_api() -> None:
    traffic = got(Request("PATCH", PATH, JSON_KEY, b"{}"), refusal(405, "zz"))
    assert (broken(traffic), [found.fault.name for found in traffic.faults.values()]) == (set(), ["method"])


def test_faults_alike_are_counted_and_told_once() -> None:
    traffic = judged(asked(*[put(WEEKS)] * 5))
    assert [(found.fault.name, found.times, found.where) for found in traffic.faults.values()] == [
        ("filter.time.unit", 5, "x 1")
    ]


def test_findings_alike_are_counted_and_few_are_kept() -> None:
    traffic = judged([Exchange(get(), said(200, {**AUDIENCE, "status": "zz"}))] * 50)
    assert traffic.findings.tally["audience.status"][Verdict.BROKEN] == 50
    assert len([found for found in traffic.findings.kept if found.rule == "audience.status"]) == MOST_ALIKE


def test_records_of_all_kinds_are_counted() -> None:
    item = Recorded(asked(get())[0], "x", ADDRESS)
    traffic = watched([item, None, Unreadable("x", "broken"), Unreadable("y", "broken")])
    assert (traffic.records, traffic.exchanges, traffic.elsewhere) == (4, 1, 1)
    assert traffic.unreadable == {"broken": (2, "x")}


def test_of_many_audiences_only_the_latest_are_held() -> None:
    traffic = Traffic()
    for number in range(MOST + 20):
        request = Request("GET", f"/v2/audiences/{number:024x}", KEY)
        answer = said(200, {**AUDIENCE, "id": f"{number:024x}"})
        traffic.watch(Recorded(Exchange(request, answer), "x", ADDRESS))
    assert len(traffic.audiences._held) == MOST
    assert not broken(traffic)
