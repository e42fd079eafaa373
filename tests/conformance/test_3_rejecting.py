"""PUT /v2/audiences/{id}: what the error table refuses, each body with exactly one fault."""

import pytest

from trackly_contract.core import InconclusiveError, SkippedError
from trackly_contract.generate import RejectionCase, rejection_cases
from trackly_contract.run import Script, Session


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = rejection_cases(metafunc.config.option.trackly_effort)
        metafunc.parametrize(
            "case",
            [pytest.param(case, id=case.id, marks=pytest.mark.trackly_rule(case.vector.rule)) for case in cases],
        )


def test_an_error_is_rejected(script: Script, api: Session, case: RejectionCase) -> None:
    script.reach("candidates tried")
    known, tokens = script.known_lists, script.tokens
    if case.known_lists() > len(known):
        raise SkippedError(
            f"the audience has {len(known)} sending lists of its own, this body needs {case.known_lists()}"
        )
    if case.unguarded and not known:
        raise InconclusiveError(
            "not sent: nothing would guard this filter if it were accepted, and the audience draws on all lists; "
            "give it a sending list"
        )
    without_token = case.condition_type is not None and case.condition_type not in tokens.operators
    with api.step(case.id):
        body = case.body(tokens, known)
        api.reject(case.vector, body, case.id, too_wide=case.too_wide, certain=not without_token)
    if case.unguarded and api.effort != "quick":  # at quick they are the last, and what follows looks
        with api.step(f"unguarded/{case.id}"):
            api.read_what_is_unguarded(case.id)
    if without_token and case.id not in {finding.case for finding in api.of(case.vector.rule)}:
        raise InconclusiveError(
            f"no candidate operator of {case.condition_type} is accepted here, so a refusal says nothing of the fault"
        )
    api.require(case.vector.rule, case.id)


@pytest.mark.trackly_rule("update.refused.unchanged")
def test_rejected_updates_changed_nothing(script: Script, api: Session) -> None:
    script.reach("candidates tried")
    if not api.state.rejected and not api.of("update.refused.unchanged"):
        raise InconclusiveError("no update was refused in this run")
    with api.step("refused-unchanged"):
        api.read("refused-unchanged")
    api.require("update.refused.unchanged")
