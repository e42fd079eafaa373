"""The pytest plugin: the options of a conformance run, its exit code and its reports.

Silent in any other pytest run: the network block and the exit codes hold for a conformance run only. A difference of
the API fails with its own text and never with a stack trace; a bug of the suite is never drift. Does not mix
conformance tests with others in one run, and does not spread them over processes.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Every pytest of whoever has this package installed loads this module. What is slow to import, libraries above all, is
# imported where a conformance run needs it; tests/doors/test_start.py holds the line.
from trackly_contract import contract, options
from trackly_contract import judge as judging
from trackly_contract import report as reporting
from trackly_contract import run as running
from trackly_contract.core import (
    ExitCode,
    InconclusiveError,
    RunVerdict,
    SkippedError,
    logged_without,
    one_line,
    redacted,
    short,
    suite_folder,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from trackly_contract.report import Report, Waiver
    from trackly_contract.run import LiveSession, Target

pytest_plugins = ("trackly_contract.gate_plugin",)

GIVEN = "trackly-given-target"
"""Name of a plugin object whose `target` a run uses instead of the one its options name."""

MOST_SHOWN = 3
"""Differences shown by one failing test; the report has them all."""


@dataclass
class Run:
    """What the plugin keeps of one conformance run.

    `live` is the session again where it changes an audience that somebody needs; `left` says what is not put back.
    """

    script: running.Script
    stack: ExitStack
    started_at: str
    last_live: running.LastLive
    waivers: dict[str, Waiver] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    suite_failures: list[str] = field(default_factory=list)
    misfit: bool = False
    report: Report | None = None
    live: LiveSession | None = None
    left: str = ""

    @property
    def session(self) -> running.Session:
        """What the run sends its requests through."""
        return self.script.session


RUN = pytest.StashKey[Run]()
NARROWED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a conformance run."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that ties a test to the rule it is about; refuse to spread the suite over processes."""
    config.addinivalue_line("markers", "trackly_rule(id): the rule of the contract that a test is about")
    # With pytest-xdist the controller collects nothing, so the arguments have to tell.
    spread = getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None)
    if spread and _names_the_suite(config):
        _run_in_one_process(config)


def _run_in_one_process(config: pytest.Config) -> None:
    """Leave `-n` without effect where it does no harm: a run is one sequence of steps, and takes a second offline."""
    option = config.option
    if option.trackly_target == "live":
        raise pytest.UsageError(
            "the conformance suite changes one audience step by step, so on a live API it runs in one process: "
            "run it without -n and --tx"
        )
    option.numprocesses, option.tx, option.dist = None, [], "no"


def _names_the_suite(config: pytest.Config) -> bool:
    suite = suite_folder()
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path == suite or suite in path.parents for path in named)


def pytest_collection(session: pytest.Session) -> None:
    """End a conformance run as a failure of the suite where the contract is wrong or lacks a vector that is sent."""
    if not _names_the_suite(session.config):
        return
    try:
        missing = contract.missing_vectors(contract.contract())
    except contract.ContractError as error:
        missing = [str(error)]
    if missing:
        pytest.exit("\n".join(missing), returncode=ExitCode.SUITE_FAILED)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that some cases are left out: such a run is no recording, and says nothing of unused ones."""
    for item in items[:1]:
        item.config.stash[NARROWED] = True


def _rules(item: pytest.Item) -> list[str]:
    return [mark.args[0] for mark in item.iter_markers("trackly_rule")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Open the target, once it is known that the conformance suite and nothing else is to run."""
    suite = suite_folder()
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

    option = config.option
    stack = ExitStack()
    now = datetime.now(UTC)
    try:
        waived = (
            reporting.load_waivers(Path(option.trackly_waivers), contract.contract().rules, now.date())
            if option.trackly_waivers
            else {}
        )
        target = stack.enter_context(closing(_target(config)))
        live = None
        if target.journal is not None:
            what = f"check, {option.trackly_effort}"
            live = stack.enter_context(
                running.opened(target, option.trackly_effort, what, read_only=option.trackly_read_only)
            )
    except (running.UnusableSettingError, running.CassetteError, running.LockedError, reporting.WaiverError) as error:
        stack.close()
        raise pytest.UsageError(str(error)) from None
    stack.enter_context(logged_without(target.key))
    if target.client.offline:
        stack.enter_context(running.blocked())
    session = live or running.Session(target, option.trackly_effort, read_only=option.trackly_read_only)
    session.most_requests = option.trackly_max_requests
    session.asks_questions = option.trackly_questions
    last_live = running.LastLive(session)
    seen = live.interrupts.seen if live is not None else []
    reporting.ignore_broken_pipe(config, lambda: seen.append("the end of its output"))
    return Run(running.Script(session), stack, now.isoformat(timespec="seconds"), last_live, waived, live=live)


def _target(config: pytest.Config) -> Target:

    given = config.pluginmanager.get_plugin(GIVEN)
    if given is not None and given.target is not None:
        target: Target = given.target
        return target
    option = config.option
    if option.trackly_record and option.trackly_target != "live":
        raise running.UnusableSettingError("--trackly-record goes with --trackly-target=live only")
    if option.trackly_questions and (option.trackly_record or option.trackly_target == "replay"):
        raise running.UnusableSettingError("--trackly-questions asks a server; recordings hold no answers")
    if option.trackly_questions and option.trackly_read_only:
        raise running.UnusableSettingError("--trackly-questions changes the audience: leave out --trackly-read-only")
    if option.trackly_target == "replay":
        return running.replay_target(option.trackly_effort)
    if option.trackly_target == "live":
        target = running.live_target(read_only=option.trackly_read_only)
        target.show_plan = lambda plan: reporting.show_plan(config, plan, target.key)
        return running.recorded(target) if option.trackly_record else target
    return running.embedded_target()


@pytest.fixture(scope="session")
def trackly_script(pytestconfig: pytest.Config) -> running.Script:
    """Return the steps of a conformance run, of which each test asks for those that it needs."""
    return pytestconfig.stash[RUN].script


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what a test says of the API into a result, and anything else into a failure of the suite."""
    run = item.config.stash.get(RUN, None)
    said = (judging.BrokenError, InconclusiveError, SkippedError) if run is not None else ()
    if call.excinfo is not None and call.excinfo.errisinstance(said):
        call.excinfo.traceback = call.excinfo.traceback[:0]  # nobody sees it, and to look up its lines takes long
    report = yield
    if run is None:
        return report
    if run.live is not None and run.live.interrupts.seen:
        item.session.shouldstop = f"stopped by {run.live.interrupts.seen[0]}"
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None:
        if call.when == "call":
            run.ended.update(_rules(item))
    else:
        _tell(run, item, error, report)
    key = run.session.target.key
    report.sections = [(name, redacted(text, key)) for name, text in report.sections]
    if isinstance(report.longrepr, tuple):
        path, line, text = report.longrepr
        report.longrepr = (path, line, redacted(text, key))
    elif report.longrepr is not None:
        report.longrepr = redacted(report.longreprtext, key)
    return report


def _tell(run: Run, item: pytest.Item, error: BaseException, report: pytest.TestReport) -> None:
    """Keep what an exception of a test says of its rules, and have the report say it in our words."""
    rules = _rules(item)
    if isinstance(error, SkippedError | pytest.skip.Exception):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: {error}")
        run.reasons.update(dict.fromkeys(rules, f"skipped: {error}"))
    elif isinstance(error, InconclusiveError):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, one_line(f"inconclusive: {error}"))
        report.__dict__["trackly"] = "inconclusive"
        run.reasons.update(dict.fromkeys(rules, str(error)))
        run.ended.update(rules)
    elif isinstance(error, judging.BrokenError) and all(found.rule in run.waivers for found in error.findings):
        waiver = run.waivers[error.findings[0].rule]
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, one_line(f"{waiver.text} ({waiver.rule})"))
        report.__dict__["trackly"] = "waived"
        run.ended.update(rules)
    elif isinstance(error, judging.BrokenError):
        report.outcome = "failed"
        report.longrepr = _broken_text(item, error)
        run.ended.update(rules)
    else:
        if isinstance(error, running.CassetteError):
            report.longrepr = str(error)
            run.misfit = True
        run.suite_failures.append(item.nodeid)


def _broken_text(item: pytest.Item, error: judging.BrokenError) -> str:

    rules = contract.contract().rules
    run = item.config.stash[RUN]
    session = run.session
    again = f'pytest --trackly-target={session.target.name} --trackly-effort={session.effort} "{item.nodeid}"'
    findings = [found for found in error.findings if found.rule not in run.waivers]
    texts = [
        judging.failure_text(found, rules[found.rule], again, short(run.last_live.before(found).text))
        for found in findings[:MOST_SHOWN]
    ]
    if len(findings) > MOST_SHOWN:
        texts.append(f"  and {len(findings) - MOST_SHOWN} more like it; the report has them all")
    return "\n\n".join(texts)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Give what could not be found out, and what was waived, a name of its own."""
    if report.__dict__.get("trackly") == "inconclusive":
        return "inconclusive", "I", "INCONCLUSIVE"
    if report.__dict__.get("trackly") == "waived":
        return "waived", "W", "WAIVED"
    return None


@contextmanager
def _torn_down(run: Run, exitstatus: int) -> Iterator[None]:
    """Put the audience back whatever goes wrong as the fixtures are torn down inside; keep what is not as it was."""
    with run.live.interrupts.held() if run.live is not None else nullcontext():
        try:
            try:
                yield
                run.script.finish()
            finally:
                if run.live is not None:
                    run.live.restore_at_last()
        except (InconclusiveError, running.Stopped):
            pass  # the session keeps why
        except Exception as error:  # noqa: BLE001  # out of here it would end the process with 1, which means drift
            run.suite_failures.append(f"the end of the run ({error!r})")
    if run.live is None:
        return
    run.left = run.live.left_behind()
    if run.left:
        run.session.notes.append(run.left)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:  # then pytest asks nobody for a summary
            run.live.interrupts.say(redacted(one_line(run.left), run.session.target.key))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Have everything torn down, then fold the run into its report and its exit code."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return (yield)
    with _torn_down(run, exitstatus):
        yield

    def folded() -> Report:
        report = reporting.build_report(
            run.session.seen(),
            started_at=run.started_at,
            looked_for=frozenset(run.ended),
            reasons=run.reasons,
            suite_failures=tuple(run.suite_failures),
            waivers=run.waivers,
            last_live=run.last_live,
        )
        return replace(report, left=run.left)

    if run.session.answers and run.session.target.name == "live" and not run.session.stamped:
        run.session.notes += reporting.changed_answers(run.session.answers, run.session.target.base_url)
    run.report = folded()
    told = len(run.session.notes) + len(run.suite_failures)
    _finish_recording(run, exitstatus, session.config)
    if len(run.session.notes) + len(run.suite_failures) > told:
        run.report = folded()
    run.stack.close()
    folder = session.config.option.trackly_report
    if folder:
        try:
            reporting.write_report(run.report, Path(folder))
        except Exception as error:  # noqa: BLE001  # whatever keeps a report from being written is no drift
            run.suite_failures.append(f"writing the report into {folder} ({error})")
            run.report = folded()
    if run.live is not None and run.live.interrupts.seen:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    elif exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = _exit_code(run, run.report)


def _exit_code(run: Run, report: Report) -> int:
    if run.suite_failures:
        return ExitCode.SUITE_FAILED
    return {
        RunVerdict.DRIFT: ExitCode.DRIFT,
        RunVerdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        RunVerdict.CONFORMS: ExitCode.CONFORMS,
    }[report.verdict]


def _finish_recording(run: Run, exitstatus: int, config: pytest.Config) -> None:
    stopped = run.live is not None and run.live.interrupts.seen
    missing = ""
    if stopped or run.suite_failures or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        missing = "the run was not finished"
    elif run.report is None or not run.report.complete or config.stash.get(NARROWED, False):
        missing = "the run did not ask everything"
    elif any("::" in argument for argument in config.args):
        missing = "the run asked only what was named"  # each rule may have been, and yet not each case
    elif run.session.outages:
        missing = f"not everything was answered ({short(run.session.outages[0], 160)})"

    session, target = run.session, run.session.target
    failed = running.record(session, missing) if target.recording is not None else ""
    unused = target.player.tell_unused(session.effort, session.notes) if target.player and not missing else ""
    run.misfit = run.misfit or bool(unused)
    run.suite_failures += [what for what in (unused, failed) if what]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None]:
    """Say the verdict in a few lines, below all that pytest and other plugins say: there it is still on the screen."""
    yield
    run = config.stash.get(RUN, None)
    if run is not None and run.report is not None:
        report = replace(run.report, suite_failures=tuple(run.suite_failures), left=run.left)
        reporting.summarize(terminalreporter, report, config.option.trackly_report, misfit=run.misfit)
