"""Facts about the sandbox: what each stage lets through, what the plan says, which audience is not written to."""

from typing import Any

import pytest

from tests.run.hooked import Server, new_session, open_up, session
from trackly_contract.contract import NOBODY, contract
from trackly_contract.core import InconclusiveError
from trackly_contract.reference import documented_audience
from trackly_contract.run.original import SENT_FIRST, is_leftover, unfit
from trackly_contract.run.sandbox import CEILINGS, WRITING, NotAskedError, Stage

RENAMED = {"name": "Renamed"}


@pytest.mark.parametrize("stage", Stage)
def test_an_update_is_sent_in_the_stages_of_writing_alone(stage: Stage) -> None:
    server = Server()
    asked = session(server)
    asked.sandbox.stage = stage
    if stage in WRITING and stage is not Stage.REHEARSING:
        asked.update(RENAMED, "")
    else:
        with pytest.raises(NotAskedError):
            asked.update(RENAMED, "")
    assert (server.bodies() == [RENAMED]) is (stage in WRITING and stage is not Stage.REHEARSING)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in WRITING])
def test_the_size_is_not_counted_before_or_after(stage: Stage) -> None:
    asked = session(Server())
    asked.sandbox.stage = stage
    with pytest.raises(NotAskedError):
        asked.count()


def test_the_rehearsal_sends_nothing_but_what_the_audience_was() -> None:
    server = Server()
    asked = new_session(server)
    asked.back_up(asked.read())
    asked.sandbox.enter(Stage.REHEARSING)
    with pytest.raises(NotAskedError, match="not known yet whether the audience can be put back"):
        asked.update(RENAMED, "")
    asked.update({"name": documented_audience()["name"]}, "")
    assert server.bodies() == [{"name": documented_audience()["name"]}]


@pytest.mark.parametrize("stage", [Stage.UNSEEN, Stage.SEEN, Stage.BACKED_UP, Stage.CLOSED])
def test_no_stage_is_left_out_on_the_way_to_the_tests(stage: Stage) -> None:
    asked = session(Server())
    asked.sandbox.stage = stage
    with pytest.raises(RuntimeError, match=f"cannot go from {stage.name} to OPEN"):
        asked.sandbox.enter(Stage.OPEN)


def test_after_the_restore_nothing_is_written() -> None:
    asked = open_up(new_session(Server()))
    asked.update({"filter": NOBODY}, "")
    assert asked.restore() == []
    with pytest.raises(NotAskedError, match="the audience is closed"):
        asked.update(RENAMED, "")


# The plan ------------------------------------------------------------------------------------------


def planned(*, questions: bool = False, most: int | None = None, **fields: Any) -> str:
    server = Server()
    server.audience.update(fields)
    asked = new_session(server, most)
    asked.asks_questions = questions
    asked.sandbox = asked.new_sandbox()
    plans: list[str] = []
    asked.target.show_plan = lambda plan: not plans.append(plan)  # type: ignore[func-returns-value]
    asked.back_up(asked.read())
    return plans[0]


@pytest.mark.parametrize(
    ("most", "questions", "said"),
    [
        (None, False, "60 requests and 12"),
        (20, False, "at most 20 requests\n"),
        (None, True, "at most 450 of each more"),
    ],
)
def test_the_plan_names_audience_place_and_numbers_and_obeys_no_code(
    most: int | None, questions: bool, said: str
) -> None:
    plan = planned(most=most, questions=questions, name="Sand\x1b[31mbox")
    words = ("box", "embedded reference server", "effort quick", "no schedule and no journey", said)
    assert [word for word in words if word not in plan] == []
    assert ("open questions" in plan, "\x1b" in plan) == (questions, False)
    assert ("up to 120 requests and 24 accepted writes" in plan) is (most is None)


def test_the_plan_says_that_a_description_that_was_never_given_will_be_empty() -> None:
    assert 'will be ""' in planned(description=None)


def test_whoever_says_no_has_nothing_changed() -> None:
    server = Server()
    asked = new_session(server)
    asked.target.show_plan = lambda _plan: False
    with pytest.raises(InconclusiveError, match="nothing was changed"):
        asked.back_up(asked.read())
    assert (server.bodies(), asked.sandbox.backup) == ([], None)


def test_the_ceilings_are_the_documented_ones() -> None:
    assert CEILINGS == {"quick": (60, 12), "standard": (250, 40), "thorough": (1500, 150)}


# Audiences that are not written to -----------------------------------------------------------------------


def test_the_documented_audience_can_be_written_back() -> None:
    assert unfit(documented_audience()) == []


@pytest.mark.parametrize("field", ["name", "source_lists", "filter"])
def test_a_null_that_nobody_knows_how_to_send_is_named(field: str) -> None:
    assert unfit({**documented_audience(), field: None}) == [f"its {field} is null, and no page says how to send that"]


@pytest.mark.parametrize("name", SENT_FIRST)
def test_what_a_run_sends_before_its_filter_is_recognized(name: str) -> None:
    assert is_leftover({**documented_audience(), **contract().requests[name].body})


def test_the_suites_own_filter_is_recognized_and_no_other() -> None:
    assert is_leftover({**documented_audience(), "filter": NOBODY})
    assert not is_leftover(documented_audience())
