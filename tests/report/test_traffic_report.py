"""Facts about the report of recorded traffic: whose faults count, what never shows, what is never claimed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.recordings import CONVERSATION, TIME, asked, filtered, get, judged, put, watched
from trackly_contract.contract import document
from trackly_contract.core import Ending, Exchange, Response, RunVerdict, Verdict, encode
from trackly_contract.judge import Traffic
from trackly_contract.judge.recorded.record import Unreadable
from trackly_contract.report import Report, counted_verdict, fold, lines, write_report
from trackly_contract.report.files import as_json

AT = "2026-01-01T00:00:00+00:00"
AUDIENCE: dict[str, Any] = json.loads(asked(get())[0].response.body)
WEEKS = filtered({**TIME, "unit": "weeks"})


def unstamped(*exchanges: Exchange) -> list[Exchange]:
    return [replace(each, response=replace(each.response, headers=())) for each in exchanges]


def folded(traffic: Traffic, **more: Any) -> Report:
    return fold(traffic, ["a.har"], started_at=AT, **more)


def drift() -> Traffic:
    """An API that answers a status that no page has, to a client that sends what is documented."""
    return judged([Exchange(get(), Response(200, (), encode({**AUDIENCE, "status": "zz"})))])


def weeks() -> Traffic:
    """A client that sends what the API refuses, as documented."""
    return judged(unstamped(*asked(put(WEEKS))))


def test_a_report_of_traffic_fits_its_schema() -> None:
    for traffic in (drift(), weeks(), judged(asked(*CONVERSATION)), watched([Unreadable("x", "broken")])):
        errors = Draft202012Validator(document("report.json")).iter_errors(as_json(folded(traffic)))
        assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    ("traffic", "options", "code"),
    [
        (drift, {}, 1),
        (drift, {"side": "api"}, 1),
        (drift, {"side": "client"}, 0),
        (weeks, {}, 1),
        (weeks, {"side": "client"}, 1),
        (weeks, {"side": "api"}, 0),
        (weeks, {"allow": ["filter.time.unit"]}, 0),
        (weeks, {"allow": ["filter.time.value"]}, 1),
        (lambda: judged(asked(get())), {}, 0),
        (lambda: watched([]), {}, 10),
        (lambda: watched([None]), {}, 10),
        (lambda: judged(asked(get()), missing="gone"), {}, 10),
        (lambda: judged(asked(get()), missing="gone"), {"side": "client"}, 0),
    ],
)
def test_the_exit_code_is_of_the_side_that_counts(traffic: Any, options: dict[str, Any], code: int) -> None:
    assert Ending().exit_code(counted_verdict(folded(traffic(), **options))) == code


def test_an_unreadable_record_is_inconclusive_and_outweighed_by_what_is_broken() -> None:
    traffic, broken = judged(asked(get())), drift()
    for each in (traffic, broken):
        each.watch(Unreadable("x", "broken"))
    assert {counted_verdict(folded(traffic)), folded(traffic).verdict} == {RunVerdict.INCONCLUSIVE}
    assert counted_verdict(folded(broken)) is RunVerdict.DRIFT


def test_what_traffic_cannot_show_is_inconclusive_for_its_rule_and_not_for_the_run() -> None:
    refused = Response(400, (), encode({"error": "no", "code": "source_list_not_found"}))
    report = folded(judged([*asked(get()), Exchange(put({"source_lists": [9]}), refused)]))
    of_lists = next(found for found in report.results if found.rule.id == "update.source_lists.unknown")
    assert (of_lists.verdict, report.verdict, counted_verdict(report)) == (Verdict.INCONCLUSIVE, "conforms", "conforms")


@pytest.mark.parametrize(
    ("traffic", "options", "headline"),
    [
        (
            lambda: judged(asked(get())),
            {},
            "the reference server conforms to its documentation, as far as this traffic",
        ),
        (lambda: judged(unstamped(*asked(get()))), {}, "the recorded server conforms to its documentation, as far as "),
        (weeks, {}, "as far as this traffic shows; the client's requests have 1 fault"),
        (weeks, {"side": "api"}, "the recorded server conforms to its documentation, as far as this traffic shows"),
    ],
)
def test_the_headline_says_who_responded_and_counts_the_faults_that_count(
    traffic: Any, options: dict[str, Any], headline: str
) -> None:
    report = folded(traffic(), **options)
    assert headline in report.headline()
    assert ("fault" in report.headline()) == ("fault" in headline)
    assert not report.complete


def test_stamped_responses_never_read_as_the_api() -> None:
    assert any("this says nothing of the API" in line for line in lines(folded(judged(asked(get())))))


def test_of_more_faults_than_are_shown_the_number_is_given() -> None:
    faulty = [put({"name": 7}), put({"description": 7}), put({"source_lists": 7}), put({"filter": 7})]
    traffic = judged(unstamped(*asked(put(WEEKS), *faulty, put({"nmae": "x"}))))
    shown = list(lines(folded(traffic)))
    assert "  and 1 more; --report DIR has all of them\n" in shown


def test_a_fault_of_the_client_comes_with_how_to_let_it_pass() -> None:
    assert "If this is intended, allow it: --allow filter.time.unit\n" in list(lines(folded(weeks())))


def test_the_pages_claim_nothing_of_the_api_or_of_what_nobody_checked(tmp_path: Path) -> None:
    write_report(folded(drift()), tmp_path)
    texts = [path.read_text("utf-8") for path in tmp_path.iterdir()]
    assert not [text for text in texts if "never asked" in text or "no live recording" in text]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'id="matrix"' not in page
    assert "on the recorded server" in page
    assert "</span> on the API" not in page


def test_a_rule_that_traffic_does_not_show_says_so() -> None:
    rules = {found.rule.id: found.reason for found in folded(drift()).results}
    assert rules["update.name"] == "this traffic does not show it"


def test_looks_are_counted_though_few_are_kept() -> None:
    report = folded(judged([Exchange(get(), Response(200, (), encode({**AUDIENCE, "status": "zz"})))] * 50))
    rules = {rule["id"]: rule for rule in as_json(report)["rules"]}
    assert rules["audience.status"]["looks"] == 50
    assert len(rules["audience.status"]["evidence"]) == 3


def test_the_pages_show_what_the_client_sent_and_what_was_left_out(tmp_path: Path) -> None:
    traffic = weeks()
    traffic.watch(Unreadable("a.har entry 7", "cut <off>"))
    write_report(folded(traffic), tmp_path)
    described = json.loads((tmp_path / "report.json").read_text("utf-8"))
    (fault,) = described["client"]
    assert (fault["name"], fault["fails"], fault["exchange"]) == ("filter.time.unit", True, 1)
    assert described["exchanges"][0]["number"] == 1
    page, text = (tmp_path / "report.html").read_text("utf-8"), (tmp_path / "report.md").read_text("utf-8")
    assert 'id="client"' in page
    assert "cut &lt;off&gt;" in page
    assert "## What the client sent" in text
    assert "1 record, first a.har entry 7: cut <off>" in text


def test_no_text_of_a_recording_starts_a_line_of_its_own() -> None:
    answer = Response(200, (), encode({**AUDIENCE, "status": "a\n::error::b\x1b[2J"}))
    shown = "\n".join(lines(folded(judged([Exchange(get(), answer)]))))
    assert "\n::error" not in shown
    assert "\x1b" not in shown
