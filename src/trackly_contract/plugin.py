"""The pytest plugin: the options of a conformance run, its exit code and its reports.

Promises: silent in any other pytest run; the network block and the exit codes hold for a conformance run only;
a difference of the API fails with its own text and never with a stack trace; a bug of the suite is never drift.
Refuses: to mix conformance tests with others in one run, and to spread them over processes.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import data
from trackly_contract.cases import EFFORTS
from trackly_contract.cassettes import CassetteError, Ledger
from trackly_contract.client import UnusableSettingError
from trackly_contract.contract import contract
from trackly_contract.failure import failure_text, one_line, redacted, short
from trackly_contract.offline import blocked
from trackly_contract.targets import (
    TARGETS,
    Target,
    closing,
    live_target,
    recorded,
    reference_target,
    replay_target,
)
from trackly_contract.verdict import BrokenError, ExitCode, InconclusiveError, RunVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Generator

    from trackly_contract.report import Report
    from trackly_contract.session import Session

GIVEN = "trackly-given-target"
"""Name of a plugin object whose `target` a run uses instead of the one its options name."""

MOST_SHOWN = 3
"""Differences shown by one failing test; the report has them all."""


@dataclass
class Run:
    """What the plugin keeps of one conformance run."""

    session: Session
    stack: ExitStack
    started_at: str
    asked: dict[str, str] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    suite_failures: list[str] = field(default_factory=list)
    report: Report | None = None


RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a conformance run."""
    group = parser.getgroup("trackly", "conformance of the Trackly SMS audiences API")
    group.addoption(
        "--trackly-target",
        choices=TARGETS,
        default="reference",
        help="where requests go: the embedded reference server (default), recordings, or the API that "
        "TRACKLY_BASE_URL, TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID name",
    )
    group.addoption(
        "--trackly-effort",
        choices=EFFORTS,
        default="standard",
        help="quick: every rule with the fewest requests; standard (default); thorough: long",
    )
    group.addoption(
        "--trackly-read-only",
        action="store_true",
        help="send GET of the audience only: nothing is changed, and less is found out",
    )
    group.addoption("--trackly-report", metavar="DIR", help="write report.json, report.md and report.html into DIR")
    group.addoption("--trackly-yes", action="store_true", help="do not ask before the first write (implied in CI)")
    group.addoption(
        "--trackly-record",
        action="store_true",
        help="with --trackly-target=live: record into cassettes/live",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that ties a test to the rule it is about; refuse to spread the suite over processes."""
    config.addinivalue_line("markers", "trackly_rule(id): the rule of the contract that a test is about")
    if getattr(config.option, "numprocesses", None):
        # With pytest-xdist the controller collects nothing, so the arguments have to tell.
        suite = data.suite()
        named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
        if any(path == suite or suite in path.parents for path in named):
            raise pytest.UsageError("the conformance suite changes one audience step by step: run it without -n")


def _rules(item: pytest.Item) -> list[str]:
    return [mark.args[0] for mark in item.iter_markers("trackly_rule")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Open the target, once it is known that the conformance suite and nothing else is to run."""
    suite = data.suite()
    ours = [item for item in session.items if suite in item.path.parents]
    if not ours or session.config.option.collectonly:
        return
    if len(ours) != len(session.items):
        raise pytest.UsageError(
            "the conformance suite runs by itself (its exit code is a verdict): "
            "name tests/conformance, or other tests, not both"
        )
    run = _opened(session.config)
    session.config.stash[RUN] = run
    for item in ours:
        for rule in _rules(item):
            item.user_properties.append(("trackly_rule", rule))


def _opened(config: pytest.Config) -> Run:
    from trackly_contract.session import Session  # noqa: PLC0415  # a client's own pytest never needs it

    option = config.option
    stack = ExitStack()
    try:
        target = stack.enter_context(closing(_target(config)))
    except (UnusableSettingError, CassetteError) as error:
        raise pytest.UsageError(str(error)) from None
    if target.offline:
        stack.enter_context(blocked())
    session = Session(target, option.trackly_effort, read_only=option.trackly_read_only)
    return Run(session, stack, datetime.now(UTC).isoformat(timespec="seconds"))


def _target(config: pytest.Config) -> Target:
    given = config.pluginmanager.get_plugin(GIVEN)
    if given is not None and given.target is not None:
        target: Target = given.target
        return target
    option = config.option
    if option.trackly_record and option.trackly_target != "live":
        raise UnusableSettingError("--trackly-record goes with --trackly-target=live only")
    if option.trackly_target == "replay":
        return replay_target(option.trackly_effort)
    if option.trackly_target == "live":
        target = live_target(read_only=option.trackly_read_only, yes=option.trackly_yes)
        return recorded(target, "live") if option.trackly_record else target
    return reference_target()


@pytest.fixture(scope="session")
def trackly_session(pytestconfig: pytest.Config) -> Session:
    """Return the session of a conformance run: what the suite sends its requests through."""
    return pytestconfig.stash[RUN].session


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what a test says of the API into a result, and anything else into a failure of the suite."""
    report = yield
    run = item.config.stash.get(RUN, None)
    if run is None:
        return report
    rules = _rules(item)
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None:
        if call.when == "call":
            run.ended.update(dict.fromkeys(rules, True))
        return report
    if isinstance(error, InconclusiveError):
        report.outcome = "skipped"
        text = redacted(one_line(f"inconclusive: {error}"), run.session.target.key)
        report.longrepr = (str(item.path), 0, text)
        report.__dict__["trackly"] = "inconclusive"
        run.reasons.update(dict.fromkeys(rules, str(error)))
        run.ended.update(dict.fromkeys(rules, True))
    elif isinstance(error, BrokenError):
        report.outcome = "failed"
        report.longrepr = redacted(_broken_text(item, error), run.session.target.key)
        run.ended.update(dict.fromkeys(rules, True))
    elif isinstance(error, pytest.skip.Exception):
        run.reasons.update(dict.fromkeys(rules, f"skipped: {error.msg}"))
    else:
        run.suite_failures.append(item.nodeid)
    return report


def _broken_text(item: pytest.Item, error: BrokenError) -> str:
    rules = contract().rules
    session = item.config.stash[RUN].session
    again = f'pytest --trackly-target={session.target.name} --trackly-effort={session.effort} "{item.nodeid}"'
    texts = [failure_text(found, rules[found.rule], again) for found in error.findings[:MOST_SHOWN]]
    if len(error.findings) > MOST_SHOWN:
        texts.append(f"  and {len(error.findings) - MOST_SHOWN} more like it; the report has them all")
    return "\n\n".join(texts)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Give what could not be found out a name of its own."""
    if report.__dict__.get("trackly") == "inconclusive":
        return "inconclusive", "I", "INCONCLUSIVE"
    return None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fold the run into its report and its exit code."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    from trackly_contract import report as reports  # noqa: PLC0415  # a client's own pytest never needs it
    from trackly_contract import report_files  # noqa: PLC0415

    def folded() -> Report:
        return reports.build(
            run.session,
            started_at=run.started_at,
            looked_for=frozenset(run.ended),
            reasons=run.reasons,
            suite_failures=tuple(run.suite_failures),
        )

    run.report = folded()
    _finish_recording(run, exitstatus)
    run.stack.close()
    folder = session.config.option.trackly_report
    if folder:
        try:
            report_files.write(run.report, Path(folder))
        except Exception as error:  # noqa: BLE001  # whatever keeps a report from being written is no drift
            run.suite_failures.append(f"writing the report into {folder} ({error})")
            run.report = folded()
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = _exit_code(run, run.report)


def _exit_code(run: Run, report: Report) -> int:
    if run.suite_failures:
        return ExitCode.SUITE_FAILED
    return {
        RunVerdict.DRIFT: ExitCode.DRIFT,
        RunVerdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        RunVerdict.CONFORMS: ExitCode.CONFORMS,
    }[report.verdict]


def _finish_recording(run: Run, exitstatus: int) -> None:
    target = run.session.target
    if target.recorder is None:
        return
    finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not run.suite_failures
    if target.name == "live" and run.session.stamped:
        run.session.notes.append("nothing recorded: the answers bear the reference server's stamp")
        return
    if not finished or run.report is None or not run.report.complete:
        run.session.notes.append("nothing recorded: the run was not finished")
        return
    from trackly_contract import __version__  # noqa: PLC0415

    target.recorder.finish(
        Ledger(
            "live" if target.name == "live" else "reference",
            datetime.now(UTC).date().isoformat(),
            __version__,
            target.audience_id,
            (run.session.effort,),
        )
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say the verdict in a few lines."""
    run = config.stash.get(RUN, None)
    if run is None or run.report is None:
        return
    report, session = run.report, run.session
    counts = report.counts()
    key = session.target.key

    def write(line: str) -> None:
        terminalreporter.write_line(redacted(one_line(line), key))

    terminalreporter.write_sep("=", "trackly-contract")
    write(f"verdict    {report.verdict.value}: {report.headline()}")
    stand_in = session.stamped and "stand-in" not in session.target.evidence
    write(
        f"evidence   {session.target.evidence}{', a stand-in: this says nothing of the API itself' if stand_in else ''}"
    )
    told = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    write(f"rules      {len(report.results)}: {told}")
    write(f"requests   {session.requests}, of which accepted writes {session.writes} (effort {session.effort})")
    for verdict in (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE):
        for result in report.results:
            if result.verdict is verdict:
                worst = [f.got for f in result.differences if f.verdict is verdict]
                write(f"  {verdict.value:<12} {result.rule.id}: {short(worst[0] if worst else result.reason, 160)}")
    for note in session.notes:
        write(f"note       {note}")
    if run.suite_failures:
        write(f"suite      failed in {', '.join(run.suite_failures[:3])}: a bug here, not drift")
    if config.option.trackly_report:
        write(f"report     {Path(config.option.trackly_report) / 'report.html'}")
