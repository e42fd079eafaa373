"""Facts about what a report says beside a rule: how it is known."""

import dataclasses
from typing import Any

import msgspec
import pytest

from trackly_contract.contract import contract
from trackly_contract.contract.model import Assumption
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import Finding
from trackly_contract.judge.findings import Whole
from trackly_contract.reference import DEFAULT_CHOICES
from trackly_contract.report.knowledge import Knowledge, known_of
from trackly_contract.report.report import RuleResult

RULE = contract().rules["filter.time.unit"]


def seen(verdict: Verdict = Verdict.HELD) -> Finding:
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), Response(400), 7)
    return Finding(RULE.id, verdict, exchange, None, Whole(), "", "case")


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
