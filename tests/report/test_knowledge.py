"""Facts about what a report says beside a rule: how it is known, what a difference means, and what to do."""

import dataclasses
from typing import Any

import msgspec
import pytest

from trackly_contract.contract import Rule, contract
from trackly_contract.contract.model import Assumption
from trackly_contract.core import Exchange, Request, Response, RunVerdict, Verdict
from trackly_contract.judge import Baseline, Finding, Reading
from trackly_contract.judge.findings import Expected, Success, Whole
from trackly_contract.reference import DEFAULT_CHOICES
from trackly_contract.report.advice import impact, since, steps
from trackly_contract.report.knowledge import Knowledge, known_of
from trackly_contract.report.report import RuleResult

RULE = contract().rules["filter.time.unit"]


def seen(
    verdict: Verdict = Verdict.HELD, rule: str = RULE.id, status: int = 400, expected: Expected | None = None
) -> Finding:
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), Response(status), 7)
    return Finding(rule, verdict, exchange, expected, Whole(), "", "case")


def result(*findings: Finding, reason: str = "") -> RuleResult:
    return RuleResult(RULE, findings[0].verdict if findings else Verdict.SKIPPED, findings, reason)


# Known ---------------------------------------------------------------------------------------------


def test_every_choice_of_the_reference_server_is_an_assumption_with_its_default() -> None:
    told = {entry.choice: entry.default for entry in contract().assumptions if entry.choice}
    assert told == dataclasses.asdict(DEFAULT_CHOICES)


NEVER = "the API was not asked. The stand-in was: held in 1 answer; the reference server"
BOTH = "held in 1 answer, broken in 1 answer; at https://x on 2026-01-02"


def known(result: RuleResult, **changes: Any) -> list[Knowledge]:
    given: dict[str, Any] = {"stand_in": False, "who": "the API", "where": "", "answered": {}}
    return known_of(result, **given | changes)


@pytest.mark.parametrize(
    ("found", "how", "facts"),
    [
        (known(result(seen()), stand_in=True, where="the reference server")[1], "unknown", [NEVER]),
        (known(result(seen(), seen(Verdict.BROKEN)), where="at https://x on 2026-01-02")[1], "observed", [BOTH]),
        (known(result(reason="not part of this run"))[1], "unknown", ["not part of this run"]),
        (known(result(seen()))[2], "assumed", ["letter case counts"]),
    ],
    ids=["of the reference server", "of the API", "not checked", "assumed by the reference server"],
)
def test_what_is_known_says_how(found: Knowledge, how: str, facts: list[str]) -> None:
    assert (found.how, found.facts) == (how, facts)


def test_an_open_question_that_the_api_answered_is_observed() -> None:
    question = contract().open_questions(RULE.id)[0]
    found = known(result(seen()), answered={question.id: ["a probe: 400 (at x on y)"]})
    (told,) = (k for k in found if k.how == "observed" and "silent" in k.title)
    assert told.facts == [f"{question.asks} a probe: 400 (at x on y)"]
    assert all(question.asks not in k.facts for k in found if k.how == "unknown")


def test_a_rule_that_no_reference_page_makes_is_not_called_documented() -> None:
    inferred = msgspec.structs.replace(RULE, basis="inferred")
    assert known(dataclasses.replace(result(seen()), rule=inferred))[0].how == "assumed"


LISTING = [entry for entry in contract().assumptions if entry.text.startswith(("the operators are", "the fields are"))]


@pytest.mark.parametrize("listing", LISTING, ids=lambda listing: listing.rules[0])
def test_an_assumption_lists_the_tokens_that_the_reference_server_takes(listing: Assumption) -> None:
    words = listing.text.partition(" are ")[2].partition(", and no other")[0].split(", ")
    for rule in listing.rules:
        assert set(words) == set(contract().vocabulary.words(rule.removeprefix("filter.")))


# What it means -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule for rule in contract().rules.values() if rule.breakable], ids=lambda r: r.id)
def test_every_rule_that_can_be_broken_says_which_clients_meet_it(rule: Rule) -> None:
    told = impact(seen(Verdict.BROKEN, rule.id, expected=Success() if rule.accepts else None), rule)
    assert told.client != "a client that relies on this rule", f"{rule.file}: rule {rule.id}: add a field impact"


@pytest.mark.parametrize(
    ("finding", "breaks"),
    [
        (seen(Verdict.BROKEN, status=200), "perhaps"),
        (seen(Verdict.BROKEN, status=422), "yes"),
        (seen(Verdict.BROKEN, "filter.time.known", expected=Success()), "yes"),
        (seen(Verdict.BROKEN, "audience.cached_size", 200), "yes"),
        (seen(Verdict.BROKEN, "update.cache.kept", 200), "perhaps"),
        (seen(Verdict.BROKEN, "read.key", 200), "perhaps"),
        (seen(Verdict.NOTED, "error.text"), "no"),
    ],
)
def test_whether_a_client_breaks(finding: Finding, breaks: str) -> None:
    assert impact(finding, contract().rules[finding.rule]).breaks == breaks


def test_a_waiver_helps_no_client() -> None:
    finding = seen(Verdict.NOTED, status=422)
    assert impact(finding, RULE, waived=True).breaks == "yes"


@pytest.mark.parametrize(
    ("before", "known", "words"),
    [
        (
            Baseline("400 on 2026-01-01", Reading.NEW, recorded=True),
            True,
            "between the last live recording (400 on 2026-01-01)",
        ),
        (Baseline("200 on 2026-01-01", Reading.KNOWN, recorded=True), True, "since the last live recording or before"),
        (Baseline("x on 2026-01-01", Reading.MOVED, recorded=True), True, "the documentation allows both"),
        (Baseline("x on 2026-01-01", None, recorded=True), False, "cannot be told"),
        (Baseline(reading=Reading.NEW), False, "not known (no live recording has this request); seen on 2026-02-02"),
    ],
)
def test_since_when(before: Baseline, known: bool, words: str) -> None:
    told = since(before, day="2026-02-02", stand_in=False)
    assert (told.known, words in told.text) == (known, True), told.text


def test_for_the_reference_server_no_day_is_named() -> None:
    told = since(Baseline("400 on 2026-01-01", Reading.NEW, recorded=True), day="2026-02-02", stand_in=True)
    assert not told.known
    assert "2026" not in told.text


@pytest.mark.parametrize(
    ("verdict", "changes", "first"),
    [
        (RunVerdict.DRIFT, {}, "Read"),
        (RunVerdict.CONFORMS, {}, "Nothing"),
        (RunVerdict.INCONCLUSIVE, {}, "Nothing"),
        (RunVerdict.DRIFT, {"stand_in": True}, "Do"),
        (RunVerdict.INCONCLUSIVE, {"suite_failed": True}, "Report"),
        (RunVerdict.DRIFT, {"left": True}, "Put"),
    ],
)
def test_what_to_do_first(verdict: RunVerdict, changes: dict[str, bool], first: str) -> None:
    facts = {"stand_in": False, "suite_failed": False, "live": True, "left": False, **changes}
    assert steps(verdict, **facts)[0].split()[0] == first
