"""Facts about how a run ends: of several reasons the gravest counts."""

import pytest

from trackly_contract.core import Ending, ExitCode, RunVerdict

CONFORMS, DRIFT, INCONCLUSIVE = RunVerdict


@pytest.mark.parametrize(
    ("verdict", "ending", "other", "code"),
    [
        (CONFORMS, Ending(), 0, ExitCode.CONFORMS),
        (DRIFT, Ending(), 0, ExitCode.DRIFT),
        (INCONCLUSIVE, Ending(), 0, ExitCode.INCONCLUSIVE),
        (CONFORMS, Ending(left="x"), 0, ExitCode.INCONCLUSIVE),
        (CONFORMS, Ending(unwritten=["x"]), 0, ExitCode.INCONCLUSIVE),
        (DRIFT, Ending(left="x", unwritten=["x"]), 0, ExitCode.DRIFT),
        (CONFORMS, Ending(unwritten=["x"]), 5, 5),
        (DRIFT, Ending(suite_failures=["x"], unwritten=["x"]), 2, ExitCode.SUITE_FAILED),
        (DRIFT, Ending(["x"], suite_failures=["x"]), 3, ExitCode.STOPPED),
    ],
)
def test_the_exit_code_follows_from_the_facts(verdict: RunVerdict, ending: Ending, other: int, code: int) -> None:
    assert ending.exit_code(verdict, other) == code


@pytest.mark.parametrize(("error", "kept"), [(OSError("x"), "unwritten"), (KeyError("x"), "suite_failures")])
def test_what_fails_at_the_end_is_kept_for_the_exit_code(error: Exception, kept: str) -> None:
    ending = Ending()
    with ending.survived():
        raise error
    assert {name: len(value) for name, value in vars(ending).items() if value} == {kept: 1}
