"""Facts about what a report says beside a rule: how it is known."""

import dataclasses

import msgspec
import pytest

from trackly_contract.contract import contract
from trackly_contract.contract.model import Assumption
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import Finding
from trackly_contract.judge.findings import Whole
from trackly_contract.reference import DEFAULT_CHOICES
from trackly_contract.report.knowledge import HOW_SYMBOLS, known_of
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


def test_what_the_reference_server_assumes_stands_beside_its_rule() -> None:
    known = known_of(result(seen()), stand_in=False, where="")
    assert [k.facts for k in known if k.how == "assumed"] == [("letter case counts",)]


LISTING = [entry for entry in contract().assumptions if entry.text.startswith(("the operators are", "the fields are"))]


@pytest.mark.parametrize("listing", LISTING, ids=lambda listing: listing.rules[0])
def test_an_assumption_lists_the_tokens_that_the_reference_server_takes(listing: Assumption) -> None:
    words = listing.text.partition(" are ")[2].partition(", and no other")[0].split(", ")
    for rule in listing.rules:
        assert set(words) == set(contract().vocabulary.words(rule.removeprefix("filter.")))


def test_what_the_reference_server_does_is_not_observed() -> None:
    known = known_of(result(seen()), stand_in=True, where="the reference server")
    assert [k.how for k in known if k.how == "observed"] == []
    assert known[1].how == "unknown"
    assert "the API was not asked" in known[1].facts[0]


def test_what_the_api_answered_is_observed_there_and_then() -> None:
    known = known_of(result(seen(), seen(Verdict.BROKEN)), stand_in=False, where="at https://x on 2026-01-02")
    assert known[1].how == "observed"
    assert known[1].facts == ("held in 1 answer, broken in 1 answer; at https://x on 2026-01-02",)


def test_what_was_not_checked_is_unknown_and_says_why() -> None:
    known = known_of(result(reason="not part of this run"), stand_in=False, where="")
    assert (known[1].how, known[1].facts) == ("unknown", ("not part of this run",))


def test_an_open_question_that_the_api_answered_is_observed() -> None:
    question = contract().open_questions(RULE.id)[0]
    known = known_of(result(seen()), stand_in=False, where="", answered={question.id: ["a probe: 400 (at x on y)"]})
    (told,) = (k for k in known if k.how == "observed" and "silent" in k.title)
    assert told.facts == (f"{question.asks} a probe: 400 (at x on y)",)
    assert all(question.asks not in k.facts for k in known if k.how == "unknown")


def test_a_rule_that_no_reference_page_makes_is_not_called_documented() -> None:
    inferred = msgspec.structs.replace(RULE, basis="inferred")
    known = known_of(dataclasses.replace(result(seen()), rule=inferred), stand_in=False, where="")
    assert known[0].how == "assumed"


def test_the_four_kinds_have_four_symbols() -> None:
    assert len(set(HOW_SYMBOLS.values())) == 4
