"""A run that was cut off: its journal stays, and the next run, or `trackly-contract restore`, puts all back."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.processes import SECONDS, Ran, Served, environment
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_audience
from trackly_contract.run.journal import Journal

CONTENT = ("name", "description", "source_lists", "filter")


def _cut_off(served: Served, state: Path) -> Journal:
    """Leave things as a killed run does: a journal on disk, another name in the audience."""
    base_url = served.variables["TRACKLY_BASE_URL"]
    journal = Journal.of(base_url, AUDIENCE_ID, state)
    journal.write(base_url, documented_audience())
    served.server.store.audiences[AUDIENCE_ID]["name"] = "left behind"
    return journal


def _content(served: Served) -> dict[str, object]:
    stored = served.server.store.audiences[AUDIENCE_ID]
    return {name: stored[name] for name in CONTENT}


AS_IT_WAS = {name: documented_audience()[name] for name in CONTENT}


def test_the_next_run_puts_the_audience_back_first(
    run_pytest: Callable[..., Ran], serve: Callable[[ReferenceServer], Served], tmp_path: Path
) -> None:
    served = serve(ReferenceServer())
    journal = _cut_off(served, tmp_path / "state")
    ran = run_pytest("--trackly-target=live", "--trackly-effort=quick", "-q", **served.variables)
    assert ran.code == 0, ran.text
    assert "the audience was put back first" in ran.text
    assert (_content(served), journal.read()) == (AS_IT_WAS, None)


def _restore(served: Served, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trackly_contract.cli", "restore"]
    variables = environment(TRACKLY_STATE_DIR=str(state), **served.variables)
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_restore_by_hand_puts_the_audience_back(serve: Callable[[ReferenceServer], Served], tmp_path: Path) -> None:
    served = serve(ReferenceServer())
    journal = _cut_off(served, tmp_path)
    done = _restore(served, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is as it was" in done.stdout
    assert (_content(served), journal.read()) == (AS_IT_WAS, None)


def test_restore_without_a_journal_changes_nothing(serve: Callable[[ReferenceServer], Served], tmp_path: Path) -> None:
    served = serve(ReferenceServer())
    done = _restore(served, tmp_path)
    assert (done.returncode, "nothing to put back" in done.stdout) == (0, True)
    assert _content(served) == AS_IT_WAS
