"""Facts about asking the open questions: nobody is ever matched, the same behaviour gives the same words."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.contract import GUARD, NOBODY, as_answered, contract
from trackly_contract.generate import CANDIDATE_TYPES, Tokens
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Choices, ReferenceServer, documented_store
from trackly_contract.run import Session, ask_all, questions
from trackly_contract.run.targets import QUESTIONS, embedded_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.contract import Probe, Question
    from trackly_contract.contract.model import Answer
    from trackly_contract.core import Request, Response

TOKENS = Tokens({kind: "gte" if kind == "revenue" else "eq" for kind in CANDIDATE_TYPES}, {})
ASKED = [question for question in contract().questions.values() if not question.cannot]
PROBES = [(question, probe) for question in ASKED for probe in question.probes]


def session(server: ReferenceServer, answer: Callable[[Request], Response] | None = None) -> Session:
    return Session(embedded_target(answer or server.answer, AUDIENCE_ID, REFERENCE_KEY), "quick")


def told(server: ReferenceServer | None = None) -> dict[tuple[str, str], Answer]:
    server = server or ReferenceServer()
    lists = server.store.audiences[AUDIENCE_ID]["source_lists"]
    return {(a.question, a.probe): a for a in ask_all(session(server), TOKENS, lists)}


@pytest.fixture(scope="module")
def ours() -> dict[tuple[str, str], Answer]:
    return told()


# Safe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "probe"), PROBES, ids=lambda one: getattr(one, "says", getattr(one, "id", "")))
def test_a_probe_that_sends_a_filter_sends_it_guarded(question: Question, probe: Probe) -> None:
    assert question.probes
    if probe.condition is None and probe.group is None:
        assert "filter" not in f"{probe.raw}{probe.body}"
    else:
        content = questions._Asking(session(ReferenceServer()), TOKENS, [101]).content(probe)
        assert content is not None
        found = json.loads(content)["filter"]
        assert list(json.loads(content)) == ["filter"]
        assert found["operator"] == "AND"
        assert found["conditions"][0] == GUARD


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


def test_every_filter_that_is_ever_stored_is_guarded() -> None:
    server = Watched()
    told(server)
    assert len(server.stored) > 50
    guard = as_answered(NOBODY)["conditions"][0]
    for stored in server.stored:
        assert (stored["operator"], stored["conditions"][0]) == ("AND", guard)


def test_at_the_end_the_filter_is_the_one_that_matches_nobody() -> None:
    server = Watched()
    told(server)
    assert server.stored[-1] == as_answered(NOBODY)


def test_the_lists_are_those_that_were_there() -> None:
    server = Watched()
    told(server)
    assert server.store.audiences[AUDIENCE_ID]["source_lists"] == [101, 102]


def test_all_questions_together_take_no_more_than_is_said() -> None:
    server = Watched()
    told(server)
    assert server.requests <= QUESTIONS


# Answers -----------------------------------------------------------------------------------------------


def test_every_question_that_can_be_asked_is_answered(ours: dict[tuple[str, str], Answer]) -> None:
    assert {question for question, _ in ours} == {question.id for question in ASKED}
    assert [answer for answer in ours.values() if not answer.said] == []
    assert {(question.id, probe.says) for question, probe in PROBES} <= set(ours)


def test_no_question_is_asked_twice_in_the_same_words(ours: dict[tuple[str, str], Answer]) -> None:
    server = ReferenceServer()
    found = ask_all(session(server), TOKENS, [101, 102])
    assert len(found) == len(ours)


def test_the_same_server_gives_the_same_words_whatever_the_audience_held(ours: dict[tuple[str, str], Answer]) -> None:
    store = documented_store()
    store.audiences[AUDIENCE_ID] |= {
        "name": "Somebody's own",
        "description": None,
        "source_lists": [103, 102],
        "filter": {"operator": "OR", "conditions": [], "groups": []},
        "cached_size": None,
        "cached_size_updated_at": None,
    }
    assert told(ReferenceServer(store)) == ours


@pytest.mark.parametrize(
    ("question", "probe", "said"),
    [
        ("key-form", "a key of three letters", "401 unauthorized"),
        ("empty-update", "{}", "200, nothing changed"),
        ("json-dialect", "a name twice", '200, /name is "trackly-contract: two"'),
        ("unknown-key", "an unknown member", "200, nothing changed"),
        ("name-shape", "an empty name", "200, stored as sent"),
        ("name-unit", "What is counted?", "code points"),
        ("list-shape", "an id twice", "200, stored as sent"),
        ("operator-missing", "no operator", "400 invalid_group_operator"),
        ("value-range", "count 0", "200, stored as sent"),
        ("lists-and-cache", "no lists in place of those that it had", "the cached size stays"),
        ("order-of-members", "Which member of the body is looked at first?", "name > source_lists > filter"),
    ],
)
def test_what_came_of_a_probe_is_said(
    ours: dict[tuple[str, str], Answer], question: str, probe: str, said: str
) -> None:
    assert ours[question, probe].said == said


OTHERWISE: list[tuple[Choices, str, str, str]] = [
    (Choices(understands_camel_case=True), "camel-case", "conditionType alone", "200, stored as sent"),
    (
        Choices(keeps_unknown_keys=True),
        "unknown-key",
        "an unknown key of a group",
        "200, stored as sent",
    ),
    (Choices(missing_group_operator="missing_operator"), "operator-missing", "no operator", "400 missing_operator"),
    (
        Choices(source_lists_keep_cache=False),
        "lists-and-cache",
        "no lists in place of those that it had",
        "the cached size is cleared",
    ),
    (
        Choices(identical_filter_keeps_cache=False),
        "same-filter-and-cache",
        "the filter that is stored already",
        "the cached size is cleared",
    ),
    (Choices(missing_condition_type="missing_type"), "condition-type-missing", "none", "400 missing_type"),
    (Choices(undocumented="invalid_body"), "body-shape", "an array", "400 invalid_body"),
]


@pytest.mark.parametrize(("choices", "question", "probe", "said"), OTHERWISE, ids=[case[1] for case in OTHERWISE])
def test_another_choice_of_a_server_is_another_answer(
    choices: Choices, question: str, probe: str, said: str, ours: dict[tuple[str, str], Answer]
) -> None:
    found = told(ReferenceServer(documented_store(), choices))
    assert found[question, probe].said == said != ours[question, probe].said


class Trims(ReferenceServer):
    """Cuts blanks around a name off."""

    def faults(self, body: Any) -> Any:
        if isinstance(body.get("name"), str):
            body["name"] = body["name"].strip()
        return super().faults(body)


def test_what_is_stored_otherwise_is_shown() -> None:
    said = told(Trims())["name-shape", "blanks around it"].said
    assert said == (
        '200, stored otherwise: /name: sent "  trackly-contract: padded  ", shows "trackly-contract: padded"'
    )


def test_ids_of_lists_are_nobodys_business() -> None:
    class Once(ReferenceServer):
        def faults(self, body: Any) -> Any:
            if isinstance(body.get("source_lists"), list):
                body["source_lists"] = list(dict.fromkeys(map(str, body["source_lists"])))
                body["source_lists"] = [int(one) if one.isdecimal() else one for one in body["source_lists"]]
            return super().faults(body)

    said = told(Once())["list-shape", "an id twice"].said
    assert said == '200, stored otherwise: /source_lists/1: sent "@list", shows (absent)'


# What cannot be asked ----------------------------------------------------------------------------------


def test_without_lists_what_needs_one_says_so() -> None:
    found = {(a.question, a.probe): a for a in ask_all(session(ReferenceServer()), TOKENS, [])}
    assert found["list-shape", "an id twice"].why_not == "the audience has no sending list"
    assert [a.why_not for a in found.values() if a.question == "lists-and-cache"] == [
        "not asked: the audience has no sending list"
    ]


def test_a_type_that_no_token_works_of_is_left_out() -> None:
    found = ask_all(session(ReferenceServer()), Tokens({"carrier": "eq"}, {}), [101])
    orders = [answer.probe for answer in found if answer.question == "order-in-a-condition"]
    assert orders == [f"Which part of a {kind} condition is looked at first?" for kind in ("time", "count", "carrier")]


def test_a_budget_that_is_spent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "QUESTIONS", 20)
    server = Watched()
    found = ask_all(session(server), TOKENS, [101])
    assert server.requests == 21  # and the filter that matches nobody
    assert {answer.why_not for answer in found if not answer.said} == {"not asked: 20 requests for questions are spent"}
    assert {answer.question for answer in found} == {question.id for question in ASKED}


def test_a_target_that_is_gone_stops_nothing() -> None:
    server = ReferenceServer()
    asked = 0

    def answer(request: Request) -> Response:
        nonlocal asked
        asked += 1
        gone = dataclasses.replace(server.answer(request), status=503, body=b"down")
        return server.answer(request) if asked < 30 else gone

    one = session(server, answer)
    found = ask_all(one, TOKENS, [101])
    assert len([answer for answer in found if answer.said]) > 10
    assert "503" in found[-1].why_not
    assert [note for note in one.notes if note.startswith("after the questions: ")] != []


def test_a_server_that_refuses_what_matches_nobody_is_asked_nothing() -> None:
    class Closed(ReferenceServer):
        def faults(self, body: Any) -> Any:
            yield from super().faults({**body, "name": 7})

    found = ask_all(session(Closed()), TOKENS, [101])
    assert {answer.said for answer in found} == {""}
    assert all("an update that matches nobody was answered 400" in answer.why_not for answer in found)
