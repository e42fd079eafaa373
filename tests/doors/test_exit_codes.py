"""What a run ends with: 0 conforms, 1 drift, 10 could not be found out, 3 a bug of ours, 4 cannot be run.

One run for each code is started by hand; the others are forks of a warm Python.
"""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrity.mutants import mutants
from tests.support.processes import CHECKOUT, SECONDS, Ran, Served, environment
from trackly_contract.core import Request, Response
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

LIVE = ("--trackly-target=live", "--trackly-effort=quick", "-q")


def _mutant(name: str) -> ReferenceServer:
    server = next(mutant.make() for mutant in mutants() if mutant.id == name)
    assert isinstance(server, ReferenceServer)
    return server


def test_the_reference_server_conforms(start_pytest: Callable[..., Ran]) -> None:
    ran = start_pytest("--trackly-effort=quick")
    assert ran.code == 0, ran.text
    assert ran.report is not None
    assert (ran.report["verdict"], ran.report["complete"], ran.report["target"]) == ("conforms", True, "reference")


def test_a_conforming_server_over_http_exits_0_and_is_put_back(
    run_pytest: Callable[..., Ran], serve: Callable[[ReferenceServer], Served]
) -> None:
    served = serve(ReferenceServer())
    before = dict(next(iter(served.server.store.audiences.values())))
    ran = run_pytest(*LIVE, **served.variables)
    after = dict(next(iter(served.server.store.audiences.values())))
    assert ran.code == 0, ran.text
    recounted = after.pop("cached_size_updated_at") != before.pop("cached_size_updated_at")
    assert (after, recounted) == (before, True)


def test_a_drifted_server_over_http_exits_1_names_the_rule_and_is_put_back(
    start_pytest: Callable[..., Ran], serve: Callable[[ReferenceServer], Served]
) -> None:
    served = serve(_mutant("invalid_time_unit accepted"))
    before = dict(next(iter(served.server.store.audiences.values())))
    ran = start_pytest(*LIVE, **served.variables)
    after = dict(next(iter(served.server.store.audiences.values())))
    assert ran.code == 1, ran.text
    assert "filter.time.unit/weeks" in ran.text
    assert "expected   400 invalid_time_unit" in ran.text
    assert "Traceback" not in ran.text
    assert {**after, "cached_size_updated_at": ""} == {**before, "cached_size_updated_at": ""}


def test_nobody_there_exits_10(start_pytest: Callable[..., Ran]) -> None:
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    variables = {
        "TRACKLY_BASE_URL": f"http://127.0.0.1:{port}/api",
        "TRACKLY_API_KEY": REFERENCE_KEY,
        "TRACKLY_AUDIENCE_ID": "f" * 24,
    }
    ran = start_pytest(*LIVE, **variables)
    assert ran.code == 10, ran.text
    assert ran.report is not None
    assert ran.report["verdict"] == "inconclusive"


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
    ran = start_pytest("--trackly-effort=quick", "-q", "-p", "with_a_bug", PYTHONPATH=str(tmp_path))
    assert ran.code == 3, ran.text
    assert ran.report is not None
    assert ran.report["verdict"] == "inconclusive"
    assert "drift:" not in ran.text
    assert "a bug here, not drift" in ran.text


def test_live_without_variables_is_refused_and_says_what_to_set(start_pytest: Callable[..., Ran]) -> None:
    ran = start_pytest("--trackly-target=live")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID" in ran.text
    assert "Nothing was sent" in ran.text


def test_a_key_with_a_line_break_is_refused_and_not_shown(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--trackly-target=live", TRACKLY_API_KEY="one-part\nother-part", TRACKLY_AUDIENCE_ID="f" * 24)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "line break" in ran.text
    assert "part" not in ran.text.replace("apart", "")


def test_plain_http_beyond_loopback_is_refused(run_pytest: Callable[..., Ran]) -> None:
    variables = {"TRACKLY_API_KEY": REFERENCE_KEY, "TRACKLY_AUDIENCE_ID": "f" * 24}
    ran = run_pytest("--trackly-target=live", TRACKLY_BASE_URL="http://192.0.2.1/api", **variables)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "https" in ran.text


def test_a_mixed_run_is_refused(run_pytest: Callable[..., Ran]) -> None:
    assert run_pytest("tests/conformance", "tests/core/test_json.py").code == pytest.ExitCode.USAGE_ERROR


def test_offline_a_run_may_be_spread_and_stays_in_one_process(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--trackly-effort=quick", "-n", "2")
    assert ran.code == 0, ran.text
    assert ran.report is not None
    assert (ran.report["verdict"], ran.report["complete"]) == ("conforms", True)


def test_a_narrowed_run_says_so(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--trackly-effort=quick", "-q", "-k", "filter.time.unit")
    assert ran.code == 0, ran.text
    assert ran.report is not None
    assert ran.report["complete"] is False
    assert "as far as this run looked" in ran.text


class OnlyReads(ReferenceServer):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    def answer(self, request: Request) -> Response:
        self.asked.append((request.method, request.path.rpartition("/")[2]))
        return super().answer(request)


def test_read_only_sends_get_of_the_audience_alone(
    run_pytest: Callable[..., Ran], serve: Callable[[ReferenceServer], Served]
) -> None:
    server = OnlyReads()
    served = serve(server)
    ran = run_pytest(*LIVE, "--trackly-read-only", **served.variables)
    assert ran.code == 0, ran.text
    assert ran.report is not None
    assert ran.report["complete"] is False
    assert {method for method, _ in server.asked} == {"GET"}
    assert "size" not in {last for _, last in server.asked}


def test_recording_anything_but_a_live_run_is_refused(run_pytest: Callable[..., Ran]) -> None:
    ran = run_pytest("--trackly-record")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "--trackly-target=live" in ran.text


def test_the_live_recorder_refuses_the_reference_server(
    run_pytest: Callable[..., Ran], serve: Callable[[ReferenceServer], Served], tmp_path: Path
) -> None:
    served = serve(ReferenceServer())
    folder = tmp_path / "cassettes"
    ran = run_pytest(
        *LIVE, "--trackly-record", "-p", "tests.doors.elsewhere", CASSETTES=str(folder), **served.variables
    )
    assert ran.code == 0, ran.text
    assert "nothing recorded: the answers bear the reference server's stamp" in ran.text
    assert list(folder.iterdir()) == []


def test_a_reader_that_goes_away_is_no_drift() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any("PASSED" in line for line in process.stdout)
        process.stdout.close()
        assert process.wait(SECONDS) == 0
