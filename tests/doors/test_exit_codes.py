"""What a run ends with: 0 conforms, 1 drift, 10 could not be found out, 3 a bug of ours, 4 cannot be run.

One run for each code is started by hand; the others are forks of a warm Python.
"""

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrity.mutants import mutants
from tests.support.processes import CHECKOUT, PYTEST, SECONDS, Ran, environment
from tests.support.way import AS_IT_WAS, Way
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY

QUICK = ("--trackly-effort=quick", "-q")
LIVE = ("--trackly-target=live", *QUICK)
USAGE = pytest.ExitCode.USAGE_ERROR
GIVEN = {"TRACKLY_API_KEY": REFERENCE_KEY, "TRACKLY_AUDIENCE_ID": AUDIENCE_ID}


def test_the_reference_server_conforms(start_pytest: Callable[..., Ran]) -> None:
    ran = start_pytest("--trackly-effort=quick")
    assert ran.code == 0, ran.text
    assert (ran.report["verdict"], ran.report["complete"], ran.report["target"]) == ("conforms", True, "reference")


def test_a_conforming_server_over_http_exits_0_and_is_put_back(
    run_pytest: Callable[..., Ran], serve: Callable[..., Way]
) -> None:
    served = serve()
    ran = run_pytest(*LIVE, **served.variables)
    assert (ran.code, served.content) == (0, AS_IT_WAS), ran.text


def test_a_drifted_server_over_http_exits_1_names_the_rule_and_is_put_back(
    start_pytest: Callable[..., Ran], serve: Callable[..., Way]
) -> None:
    served = serve(next(mutant.make() for mutant in mutants() if mutant.id == "invalid_time_unit accepted"))
    ran = start_pytest(*LIVE, **served.variables)
    assert (ran.code, served.content) == (1, AS_IT_WAS), ran.text
    assert "filter.time.unit/weeks" in ran.text
    assert "expected   400 invalid_time_unit" in ran.text
    assert "Traceback" not in ran.text


def test_nobody_there_exits_10(start_pytest: Callable[..., Ran], serve: Callable[..., Way]) -> None:
    served = serve()
    served.down()
    ran = start_pytest(*LIVE, **served.variables)
    assert (ran.code, ran.report["verdict"]) == (10, "inconclusive"), ran.text


def test_a_bug_of_the_suite_exits_3_and_is_not_called_drift(start_pytest: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "with_a_bug.py").write_text(
        textwrap.dedent(
            """
            from trackly_contract.run import Session

            def require(self, rule, case=None):
                raise KeyError(rule)

            Session.require = require
            """
        )
    )
    ran = start_pytest(*QUICK, "-p", "with_a_bug", PYTHONPATH=str(tmp_path))
    assert (ran.code, ran.report["verdict"]) == (3, "inconclusive"), ran.text
    assert "drift:" not in ran.text
    assert "a bug here, not drift" in ran.text


def test_live_without_variables_is_refused_and_says_what_to_set(start_pytest: Callable[..., Ran]) -> None:
    ran = start_pytest("--trackly-target=live")
    assert ran.code == USAGE
    assert "TRACKLY_API_KEY must be " in ran.text
    assert "Nothing was sent" in ran.text


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (["--trackly-target=live"], {**GIVEN, "TRACKLY_API_KEY": "zzone\nzzother"}, "line break"),
        (["--trackly-target=live"], {**GIVEN, "TRACKLY_BASE_URL": "http://192.0.2.1/api"}, "https"),
        (["tests/conformance", "tests/core/test_json.py"], {}, "the conformance suite runs by itself"),
        (["--trackly-record"], {}, "--trackly-target=live"),
        *(
            ([f"--trackly-max-requests={most}"], {}, "is no number of requests: give 1 or more")
            for most in ["0", "-1", "x"]
        ),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused(
    run_pytest: Callable[..., Ran], arguments: list[str], variables: dict[str, str], says: str
) -> None:
    ran = run_pytest(*arguments, **variables)
    assert ran.code == USAGE
    assert says in ran.text
    assert "zzo" not in ran.text


def test_offline_a_run_may_be_spread_and_stays_in_one_process(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--trackly-effort=quick", "-n", "2")
    assert ran.code == 0, ran.text
    assert (ran.report["verdict"], ran.report["complete"]) == ("conforms", True)


def test_a_narrowed_run_says_so(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest(*QUICK, "-k", "filter.time.unit")
    assert (ran.code, ran.report["complete"]) == (0, False), ran.text
    assert "as far as this run looked" in ran.text


def test_the_live_recorder_refuses_the_reference_server(
    run_pytest: Callable[..., Ran], serve: Callable[..., Way], tmp_path: Path
) -> None:
    folder = tmp_path / "cassettes"
    ran = run_pytest(
        *LIVE, "--trackly-record", "-p", "tests.doors.elsewhere", CASSETTES=str(folder), **serve().variables
    )
    assert ran.code == 0, ran.text
    assert "nothing recorded: the answers bear the reference server's stamp" in ran.text
    assert list(folder.iterdir()) == []


def test_a_reader_that_goes_away_is_no_drift() -> None:
    with subprocess.Popen(
        [*PYTEST, "-v"], cwd=CHECKOUT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any("PASSED" in line for line in process.stdout)
        process.stdout.close()
        assert process.wait(SECONDS) == 0
