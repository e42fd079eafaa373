"""Facts about what a report says beside a rule: how it is known."""

import dataclasses
import re
from datetime import date
from html import unescape
from typing import Any

import msgspec
import pytest

from trackly_contract.contract import Rule, contract
from trackly_contract.contract.model import Assumption
from trackly_contract.core import Exchange, Request, Response, Verdict
from trackly_contract.judge import Finding, Seen, Source
from trackly_contract.judge.findings import Whole
from trackly_contract.reference import DEFAULT_CHOICES
from trackly_contract.report import Report, observations
from trackly_contract.report.files import templates
from trackly_contract.report.observations import Answered
from trackly_contract.report.report import RuleResult
from trackly_contract.report.view import View

RULE = contract().rules["filter.time.unit"]


def seen(verdict: Verdict = Verdict.HELD) -> Finding:
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), Response(400), 7)
    return Finding(RULE.id, verdict, exchange, None, Whole(), "", "case")


def known(*findings: Finding, rule: Rule = RULE, of_reference: bool = False) -> list[str]:
    """What the page says of a rule after a run on 2026-01-02, a text for each way of knowing."""
    result = RuleResult(rule, Verdict.HELD, findings, "" if findings else "not part of this run")
    target = Source("live", "https://x", "asked there", "", "", of_reference=of_reference)
    view = View(Report(Seen(target, "quick"), (result,), True, "2026-01-02T"))
    parts: Any = templates().get_template("report_parts.html.jinja").make_module({"view": view})
    entries = str(parts.knowledge(result)).split('<li class="')[1:]
    return [" ".join(unescape(re.sub("^[^>]*>|<[^>]*>", "", entry)).split()) for entry in entries]


NEVER = "? unknown never observed on the API by this run: the API was not asked. The reference server was: held in "
BOTH = "◉ observed on the API: held in 1 answer, broken in 1 answer; at https://x on 2026-01-02"
SILENT = "where the documentation is silent"


def test_what_is_known_says_how() -> None:
    assert known(seen(), of_reference=True)[1] == f"{NEVER}1 answer."
    assert known(seen())[2] == f"≈ assumed by the reference server, {SILENT}: letter case counts."
    assert known(seen(), seen(Verdict.BROKEN))[1] == f"{BOTH}."
    assert known()[1] == "? unknown not observed: not part of this run."


def test_an_open_question_that_the_api_answered_is_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    question = contract().open_questions(RULE.id)[0]
    kept = Answered(question.id, "a probe", "400", "https://y", date(2026, 1, 1))
    monkeypatch.setattr(observations, "kept_answers", lambda: (kept,))
    (told,) = (text for text in known(seen()) if question.asks in text)
    assert told == f"◉ observed on the API, {SILENT}: {question.asks} a probe: 400 (at https://y on 2026-01-01)."


def test_a_rule_that_no_reference_page_makes_is_not_called_documented() -> None:
    inferred = msgspec.structs.replace(RULE, basis="inferred")
    assert known(seen(), rule=inferred)[0].startswith("≈ assumed inferred: no reference page says it")


def test_every_choice_of_the_reference_server_is_an_assumption_with_its_default() -> None:
    told = {entry.choice: entry.default for entry in contract().assumptions if entry.choice}
    assert told == dataclasses.asdict(DEFAULT_CHOICES)


LISTING = [entry for entry in contract().assumptions if entry.text.startswith(("the operators are", "the fields are"))]


@pytest.mark.parametrize("listing", LISTING, ids=lambda listing: listing.rules[0])
def test_an_assumption_lists_the_tokens_that_the_reference_server_takes(listing: Assumption) -> None:
    words = listing.text.partition(" are ")[2].partition(", and no other")[0].split(", ")
    for rule in listing.rules:
        assert set(words) == set(contract().vocabulary.words(rule.removeprefix("filter.")))
