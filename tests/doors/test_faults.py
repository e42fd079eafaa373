"""Faults are not drift: each fault of the table is run over real sockets, and ends as the table says."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.certificates import authority, certificate
from tests.faults.document import FILES
from tests.faults.fault import Audience, Does, Fault
from tests.faults.table import FAULTS, every_fault
from tests.maintain import generated
from tests.support.warm import Stand, left_in
from tests.support.way import AS_IT_WAS, Way, way
from trackly_contract.core import ExitCode, Verdict
from trackly_contract.core.files import data_root
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.report import Report
from trackly_contract.run import Session, Target, opened
from trackly_contract.run.client import Client
from trackly_contract.run.conversation import LONGEST_WAIT
from trackly_contract.run.journal import Journal
from trackly_contract.run.sandbox import CEILINGS
from trackly_contract.suite import run_suite

LOUD = "THE AUDIENCE IS NOT AS IT WAS"
LOOK = "LOOK AT THE AUDIENCE"

MOST_REQUESTS = 2 * CEILINGS["quick"][0]
"""More than any fault makes of a quick run."""

MOST_WAITING = 600.0
"""Seconds: more than any fault makes a quick run wait in all."""


@dataclass(frozen=True)
class Ended:
    """A run that met a fault."""

    code: int
    report: Report
    text: str
    way: Way
    left: list[str]
    outages: list[str]


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy, and no certificates of this machine's own, stand between a run and its way."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name)


def _target(base_url: str, over: Way, folder: Path, patience: float = 5.0) -> Target:
    """Return a live target that waits by the clock of the way."""
    return Target(
        name="live",
        client=Client(base_url, longest_answer=patience),
        base_url=base_url,
        audience_id=AUDIENCE_ID,
        key=REFERENCE_KEY,
        evidence=f"asked at {base_url}",
        journal=Journal.of(base_url, AUDIENCE_ID, folder),
        wait=over.wait,
    )


def _restore(over: Way, folder: Path) -> None:
    """Put the audience back as `trackly-contract restore` does."""
    with closing(_target(over.base_url, over, folder)) as target, opened(target, "quick", "restore") as session:
        backup = Journal.of(over.base_url, AUDIENCE_ID, folder).read()
        assert backup is not None
        assert session.recover(backup) == []


def _run(
    fault: Fault, over: Way, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Ended:
    sessions: list[Session] = []

    @contextmanager
    def opening(*arguments: Any, **options: Any) -> Iterator[Session]:
        with opened(*arguments, **options) as session:
            sessions.append(session)
            yield session

    monkeypatch.setattr("trackly_contract.run.opened", opening)
    base_url = fault.base_url or over.base_url
    over.strike = fault.struck
    if fault.down:
        over.down()
    code, report = run_suite(_target(base_url, over, folder, fault.patience), "quick", ["-q", "--tb=short"])
    assert report is not None
    outages = [outage for session in sessions for outage in session.outages]
    return Ended(code, report, capfd.readouterr().out, over, left_in(folder), outages)


def _says(fault: Fault, ended: Ended) -> None:
    """No fault is drift or a bug of the suite unless the table says so, and what it was is said."""
    assert (ended.code, ended.report.verdict) == (fault.code, fault.verdict)
    assert {result.rule.id for result in ended.report.results if result.verdict is Verdict.BROKEN} == fault.broken
    assert fault.says in ended.text
    assert "Traceback" not in ended.text


def _does(fault: Fault, ended: Ended) -> None:
    outages, waits = ended.outages, ended.way.waits
    assert bool(waits) is (fault.does is not Does.NOTHING) or fault.does is Does.HEEDS
    assert tuple(waits) == (fault.waits or tuple(waits))
    if fault.does in (Does.NOTHING, Does.ASKS_AGAIN, Does.JUDGES):
        assert outages == []
    if fault.does in (Does.COMES_BACK, Does.INSISTS):
        assert outages != []
        assert ended.report.session.exchanges[-1].response.succeeded


def _is_bounded(ended: Ended) -> None:
    assert all(0 <= seconds <= LONGEST_WAIT for seconds in ended.way.waits)
    assert sum(ended.way.waits) <= MOST_WAITING
    assert len(ended.way.asked) <= MOST_REQUESTS


def _leaves(fault: Fault, ended: Ended, before: dict[str, Any], journal: Path) -> None:
    if fault.audience is Audience.LEFT:
        assert (ended.left, LOUD in ended.text, str(journal) in ended.text) == (["journal.jsonl"], True, True)
        return
    if fault.audience is Audience.MAY_CHANGE:
        assert (ended.left, "may still arrive" in ended.text, ended.way.content) == (["journal.jsonl"], True, before)
        return
    if fault.audience is Audience.THEIRS:
        assert (ended.left, LOUD in ended.text, LOOK in ended.text) == (["journal.jsonl"], False, True)
        assert ended.way.content == before | {name: fault.edits[name] for name in before if name in fault.edits}
        return
    assert (ended.left, LOUD in ended.text) == ([], False)
    assert ended.way.content == before
    assert (ended.report.session.writes == 0) is (fault.audience is Audience.UNTOUCHED)


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.id) for fault in every_fault()])
def test_a_fault_ends_as_the_table_says(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if fault.trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority()))
    with way(fault.server(), certificate(fault.tls) if fault.tls else None) as over:
        before = over.content
        ended = _run(fault, over, tmp_path, monkeypatch, capfd)
        _says(fault, ended)
        _does(fault, ended)
        _is_bounded(ended)
        _leaves(fault, ended, before, Journal.of(over.base_url, AUDIENCE_ID, tmp_path).path)
        if fault.audience is Audience.LEFT:
            over.heal()
            _restore(over, tmp_path)
            assert (over.content, left_in(tmp_path)) == (before, [])


def _named(name: str) -> Fault:
    return next(fault for fault in every_fault() if fault.id == name)


def test_the_next_run_puts_back_what_a_faultleft_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with way() as over:
        _run(_named("restart-ten-minutes"), over, tmp_path, monkeypatch, capfd)
        assert over.content != AS_IT_WAS
        over.heal()
        code, _ = run_suite(_target(over.base_url, over, tmp_path), "quick", ["-q"])
        assert (code, over.content, left_in(tmp_path)) == (ExitCode.CONFORMS, AS_IT_WAS, [])
        assert "the audience was put back first" in capfd.readouterr().out


# The table itself ------------------------------------------------------------------------------------


def test_there_are_enough_faults() -> None:
    assert len(every_fault()) >= 25


def test_each_fault_has_an_id_of_its_own() -> None:
    ids = [fault.id for fault in every_fault()]
    assert len(ids) == len(set(ids))


def test_a_fault_names_broken_rules_if_and_only_if_it_is_judged() -> None:
    assert [fault.id for fault in every_fault() if bool(fault.broken) is not (fault.does is Does.JUDGES)] == []


def test_what_is_judged_is_one_request_alone() -> None:
    judged = {fault for fault in every_fault() if fault.does is Does.JUDGES}
    assert judged <= set(FAULTS["One request alone"])


def test_the_document_is_fresh() -> None:
    assert generated.stale(data_root(), FILES) == []


# As a process of its own -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["portal", "refused", "dns", "reset-for-ever", "back-portal", "429-seconds", "one-500"]
)
def test_a_process_that_meets_a_fault_exits_with_the_code_of_the_table(stand: Stand, name: str) -> None:
    fault = _named(name)
    stand.strike = fault.struck
    if fault.down:
        stand.down()
    ended = stand.run(TRACKLY_BASE_URL=fault.base_url or stand.base_url)
    left = ["journal.jsonl"] if fault.audience is Audience.LEFT else []
    assert (ended.code, stand.left(), LOUD in ended.text) == (fault.code, left, bool(left)), ended.text
    assert fault.says in ended.text
    if left:
        stand.heal()
        assert stand.restore().code == ExitCode.CONFORMS
    assert (stand.content, stand.left()) == (AS_IT_WAS, [])
