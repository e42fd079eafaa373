"""Questions: nobody is ever matched, and the same behaviour gives the same words.

What is said of the reference server is in docs/edge-cases.md, which tests/maintain compares.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    NOBODY,
    Observation,
    Probe,
    as_answered,
    as_request,
    contract,
    matches_nobody,
)
from trackly_contract.core import Request, Response
from trackly_contract.generate import Tokens, candidate_types
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Choices, ReferenceServer, Store
from trackly_contract.run import Session, ask_all, questions
from trackly_contract.run.sandbox import QUESTIONS, Stage
from trackly_contract.run.targets import embedded_target

Observations = dict[tuple[str, str], Observation]

TOKENS = Tokens({kind: "gte" if kind == "revenue" else "eq" for kind in candidate_types()}, {})
ASKED = {question.id for question in contract().questions.values() if not question.cannot}
PROBES = {(question.id, probe.says): probe for question in contract().questions.values() for probe in question.probes}
NO_LISTS = "no lists in place of those that it had"


def session(answer: Callable[[Request], Response]) -> Session:
    asked = Session(embedded_target(answer, AUDIENCE_ID, REFERENCE_KEY), "quick", asks_questions=True)
    asked.sandbox.stage = Stage.OPEN
    return asked


def observed(server: ReferenceServer, tokens: Tokens = TOKENS, lists: Sequence[int] = (101, 102)) -> Observations:
    return {(one.question, one.probe): one for one in ask_all(session(server.answer), tokens, lists)}


class Watched(ReferenceServer):
    """Remembers every filter that was ever stored, and how many requests came."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Any] = []
        self.requests = 0

    def answer(self, request: Request) -> Response:
        self.requests += 1
        response = super().answer(request)
        if request.method == "PUT" and response.succeeded:
            self.stored.append(json.loads(json.dumps(self.store.audiences[AUDIENCE_ID]["filter"])))
        return response


@pytest.fixture(scope="module")
def watched() -> tuple[Watched, Observations]:
    """The reference server after all questions, and what they found."""
    server = Watched()
    return server, observed(server)


@pytest.fixture(scope="module")
def ours(watched: tuple[Watched, Observations]) -> Observations:
    return watched[1]


# Safe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", PROBES.values(), ids=[" ".join(names) for names in PROBES])
def test_a_probe_that_sends_a_filter_sends_it_guarded(probe: Probe) -> None:
    text = questions.body_text(probe, *questions.GUARDS) or ""
    if probe.condition is None and probe.group is None:
        assert "filter" not in text
    else:
        body = json.loads(text)
        assert list(body) == ["filter"]
        assert (body["filter"]["conditions"][0], body["filter"]["conditions"][-2:]) == (GUARD, [*CONTRADICTION])
        assert matches_nobody(body["filter"])


def test_every_filter_that_is_ever_stored_matches_nobody(watched: tuple[Watched, Observations]) -> None:
    server, stored = watched[0], watched[0].stored
    assert len(stored) > 50
    assert all(matches_nobody(as_request(one)) for one in stored)
    assert stored[-1] == as_answered(NOBODY)
    assert server.store.audiences[AUDIENCE_ID]["source_lists"] == [101, 102]
    assert server.requests <= QUESTIONS


# Observations ------------------------------------------------------------------------------------------


def test_every_probe_of_every_question_is_observed_once(ours: Observations) -> None:
    found = ask_all(session(ReferenceServer().answer), TOKENS, [101, 102])
    assert [(one.question, one.probe) for one in found] == [*PROBES]
    assert {(one.question, one.probe): one for one in found} == ours
    assert [one for one in found if not one.said] == []


def test_the_same_server_gives_the_same_words_whatever_the_audience_held(ours: Observations) -> None:
    store = Store()
    store.audiences[AUDIENCE_ID] |= {
        "name": "Somebody's own",
        "description": None,
        "source_lists": [103, 102],
        "filter": {"operator": "OR", "conditions": [], "groups": []},
        "cached_size": None,
        "cached_size_updated_at": None,
    }
    assert observed(ReferenceServer(store), lists=[103, 102]) == ours


SAME_FILTER = "the filter that is stored already"
OTHERWISE: list[tuple[dict[str, Any], str, str, str]] = [
    ({"understands_camel_case": True}, "camel-case", "conditionType alone", "200, stored as sent"),
    ({"keeps_unknown_keys": True}, "unknown-key", "an unknown key of a group", "200, stored as sent"),
    ({"missing_group_operator": "missing_operator"}, "operator-missing", "no operator", "400 missing_operator"),
    ({"source_lists_keep_cache": False}, "lists-and-cache", NO_LISTS, "the cached size is cleared"),
    ({"identical_filter_keeps_cache": False}, "same-filter-and-cache", SAME_FILTER, "the cached size is cleared"),
    ({"missing_condition_type": "missing_type"}, "condition-type-missing", "none", "400 missing_type"),
    ({"undocumented": "invalid_body"}, "body-shape", "an array", "400 invalid_body"),
]


def test_another_choice_of_a_server_gives_other_words(ours: Observations) -> None:
    choices = {name: value for choice, *_ in OTHERWISE for name, value in choice.items()}
    found = observed(ReferenceServer(Store(), Choices(**choices)))
    for _, question, probe, said in OTHERWISE:
        assert found[question, probe].said == said != ours[question, probe].said


class Changes(ReferenceServer):
    """Trims names, ignores an empty one, and stores each sending list once."""

    def faults(self, body: Any) -> Any:
        if isinstance(body.get("name"), str):
            body["name"] = body["name"].strip()
            if not body["name"]:
                del body["name"]
        if isinstance(body.get("source_lists"), list):
            body["source_lists"] = list(dict.fromkeys(body["source_lists"]))
        return super().faults(body)


def test_what_is_stored_otherwise_is_shown_without_ids_of_lists() -> None:
    found = observed(Changes())
    assert found["name-shape", "an empty name"].said == "200, nothing changed"
    name = '/name: sent "  trackly-contract: padded  ", shows "trackly-contract: padded"'
    assert found["name-shape", "blanks around it"].said == f"200, stored otherwise: {name}"
    lists = '/source_lists/1: sent "@list", shows (absent)'
    assert found["list-shape", "an id twice"].said == f"200, stored otherwise: {lists}"


# What cannot be asked ----------------------------------------------------------------------------------


def test_what_does_not_fit_says_why_not_and_the_rest_is_asked() -> None:
    found = observed(ReferenceServer(), Tokens({"carrier": "eq"}, {}), [])
    why_not = {one.probe: one.why_not for one in found.values() if not one.said}
    no_list = dict.fromkeys(("an id twice", "sourceLists", NO_LISTS), "the audience has no sending list")
    assert why_not == no_list | {
        f"Which part of a {kind} condition is looked at first?": f"no token of a {kind} condition works"
        for kind in candidate_types()
        if kind != "carrier"
    }
    assert len(found) == len(PROBES)


def test_a_budget_that_is_spent_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "QUESTIONS", 20)
    server = Watched()
    found = observed(server).values()
    assert server.requests == 21  # and the filter that matches nobody
    assert {one.why_not for one in found if not one.said} == {"not asked: 20 requests for questions are spent"}
    assert {one.question for one in found} == ASKED


def test_a_target_that_is_gone_stops_nothing() -> None:
    server = Watched()

    def answer(request: Request) -> Response:
        response = server.answer(request)
        return response if server.requests < 30 else dataclasses.replace(response, status=503, body=b"down")

    one = session(answer)
    found = ask_all(one, TOKENS, [101])
    assert len([observation for observation in found if observation.said]) > 10
    assert "503" in found[-1].why_not
    assert [note for note in one.notes if note.startswith("after the questions: ")] != []


def test_a_server_that_rejects_what_matches_nobody_is_asked_nothing() -> None:
    class Closed(ReferenceServer):
        def faults(self, body: Any) -> Any:
            yield from super().faults({**body, "name": 7})

    found = observed(Closed()).values()
    assert {one.said for one in found} == {""}
    assert all("an update that matches nobody was answered 400" in one.why_not for one in found)
