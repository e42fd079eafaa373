"""What ends a run does not depend on what is around it: a terminal, a disk, HOME or a locale that is broken.

The audience is put back first. The exit code stays that of the verdict; 0 becomes 10 where a file is missing that was
asked for. What cannot be said on standard output is said on standard error.
"""

from pathlib import Path

import pytest

from tests.faults.surroundings import BROKEN, CANNOT, CLOSED, FULL, Case
from tests.integrity.mutants import mutants
from tests.support.processes import CHECKOUT, COMMAND, PYTEST, Ran, finished, reported
from tests.support.recordings import CONVERSATION, TIME, asked, filtered, line, lines, put
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, answering, puts_back
from trackly_contract.core import ExitCode, suite_folder

LOUD = "THE AUDIENCE IS NOT AS IT WAS"

IN_DRIFT = ("standard output is full", "the JUnit file is full", "the report cannot be written")


def _run(stand: Stand, folder: Path, case: Case) -> Ran:
    """Run on a live audience with what is broken; the report goes into a folder, that of temporary files is another."""
    temporary = f"import tempfile\ntempfile.tempdir = {str(folder)!r}\n"
    (stand.folder / "broken.py").write_text(temporary + case.plugin, "utf-8")
    options = ("-p", "broken", f"--trackly-report={folder / 'report'}")
    return stand.run(*options, *case.arguments, **case.variables)


@pytest.mark.parametrize("name", BROKEN)
def test_a_live_run_ends_as_its_verdict_says_and_is_put_back(stand: Stand, tmp_path: Path, name: str) -> None:
    ended = _run(stand, tmp_path, BROKEN[name])
    assert (ended.code, stand.content, stand.left()) == (BROKEN[name].code, AS_IT_WAS, []), ended.text
    assert BROKEN[name].says in ended.text
    assert "Traceback" not in ended.text
    assert list(tmp_path.rglob("*.new")) == []
    reported(tmp_path / "report")  # there is none, or a whole one


@pytest.mark.parametrize("name", IN_DRIFT)
def test_drift_stays_drift(stand: Stand, tmp_path: Path, name: str) -> None:
    stand.server = next(mutant.make() for mutant in mutants() if mutant.id == "invalid_time_unit accepted")
    ended = _run(stand, tmp_path, BROKEN[name])
    assert (ended.code, stand.content, stand.left()) == (ExitCode.DRIFT, AS_IT_WAS, []), ended.text


def test_a_report_that_cannot_be_written_is_whole_elsewhere_and_says_so(stand: Stand, tmp_path: Path) -> None:
    ended = _run(stand, tmp_path, BROKEN["the report cannot be written"])
    (elsewhere,) = tmp_path.glob("trackly-contract-*")
    why = f"/dev/null/x/report.json: cannot be written (Not a directory); the report is in {elsewhere} instead"
    assert f"unwritten  {why}\nreport     {elsewhere / 'report.html'}\n" in ended.text
    assert sorted(path.name for path in elsewhere.iterdir()) == ["report.html", "report.json", "report.md"]
    assert why in reported(elsewhere)["notes"]


def test_a_bug_in_writing_the_report_is_no_drift(stand: Stand, tmp_path: Path) -> None:
    bug = "from trackly_contract.report import files\nfiles.templates = lambda: 1 / 0\n"
    ended = _run(stand, tmp_path, Case(plugin=bug))
    assert (ended.code, stand.content, stand.left()) == (ExitCode.SUITE_FAILED, AS_IT_WAS, []), ended.text
    assert "suite      failed in the end of the run (ZeroDivisionError(" in ended.text
    assert "conforms" not in ended.text


@pytest.mark.parametrize("stdout", [FULL, CLOSED], ids=["full", "closed"])
def test_an_audience_that_cannot_be_put_back_is_told_on_standard_error(stand: Stand, stdout: str) -> None:
    stand.strike = lambda way: answering(503) if any(map(puts_back, way.asked)) else None
    ended = stand.run(STDOUT=stdout)
    assert (ended.code, stand.left(), LOUD in ended.text) == (10, ["journal.jsonl"], True), ended.text


# Nothing is run -----------------------------------------------------------------------------------


NOTHING = {
    "--collect-only": 0,
    "--fixtures": 0,
    "--fixtures-per-test": 0,
    "--setup-plan": 0,
    "-k zzz": pytest.ExitCode.NO_TESTS_COLLECTED,
    "--setup-only": ExitCode.INCONCLUSIVE,
    "--trackly-read-only -k weeks": ExitCode.INCONCLUSIVE,
    "-p broken": ExitCode.SUITE_FAILED,
}
"""How runs end in which no test is run; the last one cannot collect them."""


@pytest.mark.parametrize("arguments", NOTHING)
def test_conforms_is_not_said_where_no_test_is_run(stand: Stand, arguments: str) -> None:
    plugin = "def pytest_pycollect_makemodule():\n    raise KeyError('a bug')\n"
    (stand.folder / "broken.py").write_text(plugin, "utf-8")
    ended, code = stand.run(*arguments.split()), NOTHING[arguments]
    said = code in (ExitCode.INCONCLUSIVE, ExitCode.SUITE_FAILED)
    assert (ended.code, "verdict    inconclusive" in ended.text) == (code, said), ended.text
    assert "conforms" not in ended.text
    assert [request for request in stand.asked if request.method == "PUT"] == []


# What only a new process can show ------------------------------------------------------------------

STARTED = {
    "no assert, no docstring, ASCII": {"PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "HOME": ""},
    "no assert, Latin 1": {"PYTHONOPTIMIZE": "1", "PYTHONIOENCODING": "latin-1", "LANG": "", "HOME": "/dev/null"},
}


@pytest.mark.parametrize("name", STARTED)
def test_neither_python_nor_locale_nor_a_cache_changes_the_exit_code(name: str) -> None:
    ran = finished(*PYTEST[:3], *PYTEST[5:], "--trackly-effort=quick", "-o", "cache_dir=/dev/null/x", **STARTED[name])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "could not create cache path" in ran.stdout


CONFORMING = lines(line(exchange) for exchange in asked(*CONVERSATION))
REFUSED = lines(line(exchange) for exchange in asked(put(filtered({**TIME, "unit": "weeks"}))))

TYPED = {
    "exec $PYTEST <&- >&- 2>&-": (0, ""),
    "export PYTHONUNBUFFERED=1; exec $PYTEST >/dev/full": (0, CANNOT),
    "exec $PYTEST -p no:terminal": (0, "verdict    conforms"),
    "exec $PYTEST --trackly-target=live 2>/dev/full": (ExitCode.CANNOT_BEGIN, ""),
    "exec $COMMAND judge conforms >/dev/full": (0, f"{CANNOT}\nverdict    conforms"),
    "exec $COMMAND judge - <refused >/dev/full": (1, CANNOT),
    "exec $COMMAND judge refused <&- >&- 2>&-": (1, ""),
    "exec $COMMAND judge - <&- 2>/dev/full": (10, ""),
    "exec $COMMAND judge conforms --report /dev/null/x": (10, ""),
    "exec $COMMAND recipe nightly.sh >/dev/full": (2, CANNOT),
    "exec $COMMAND serve no-such-program 2>/dev/full": (ExitCode.CANNOT_BEGIN, ""),
}
"""Lines of shell, how they end, and what they say on standard error."""


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_ends_as_its_verdict_says(tmp_path: Path, typed: str) -> None:
    (tmp_path / "conforms").write_bytes(CONFORMING)
    (tmp_path / "refused").write_bytes(REFUSED)
    ours = {
        "PYTEST": [*PYTEST, f"--rootdir={CHECKOUT}", "--trackly-effort=quick", str(suite_folder())],
        "COMMAND": COMMAND,
    }
    variables = {name: " ".join(words) for name, words in ours.items()}
    ran = finished("sh", "-c", typed, cwd=tmp_path, TMPDIR=str(tmp_path), **variables)
    code, says = TYPED[typed]
    assert (ran.returncode, says in ran.stderr) == (code, True), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
