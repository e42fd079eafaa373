"""The pytest plugin: the options of a conformance run, its exit code and its reports.

Silent in any other pytest run. A bug of the suite is never drift. Does not mix conformance tests with others in one
run, and does not spread them over processes.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Every pytest of whoever has this package installed loads this module. What is slow to import, libraries above all, is
# imported where a conformance run needs it; tests/doors/test_start.py holds the line.
from trackly_contract import contract, generate, options
from trackly_contract import judge as judging
from trackly_contract import report as reporting
from trackly_contract import run as running
from trackly_contract.core import (
    Ending,
    ExitCode,
    InconclusiveError,
    RunVerdict,
    SkippedError,
    Verdict,
    guard_output,
    logged_without,
    one_line,
    output_failure,
    redacted,
    short,
    suite_folder,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from trackly_contract.judge import Finding
    from trackly_contract.report import Report, Waiver
    from trackly_contract.run import LiveSession, Target

pytest_plugins = ("trackly_contract.gate_plugin",)

MOST_SHOWN = 3  # differences shown by one failing test; the report has them all
FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # the codes of pytest that a verdict replaces


@dataclass
class Run:
    """What the plugin keeps of one conformance run; `looked`: a test ran to its end; `told`: the verdict was shown."""

    pytest_session: pytest.Session
    session: running.Session
    script: running.Script
    stack: ExitStack
    started_at: str
    last_live: running.LastLive
    waivers: dict[str, Waiver]
    ending: Ending
    ended: set[str] = field(default_factory=set)
    looked: bool = False
    reasons: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    misfit: bool = False
    report: Report | None = None
    folder: Path | None = None
    told: bool = False

    @property
    def live(self) -> LiveSession | None:
        """The session, if it changes an audience that somebody needs."""
        return self.session if isinstance(self.session, running.LiveSession) else None


@dataclass(eq=False)
class Given:
    """A plugin that hands a run its target, in place of the one that options name, and keeps the run."""

    target: Target | None
    run: Run | None = None


RUN = pytest.StashKey[Run]()
NARROWED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a conformance run."""
    options.add(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Guard the output of a conformance run before pytest lays its hands on it."""
    named = early_config.known_args_namespace.file_or_dir or early_config.getini("testpaths")
    if _names_the_suite(early_config, named):
        guard_output()
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that ties a test to the rule it is about; keep the suite in one process."""
    config.addinivalue_line("markers", "trackly_rule(id): the rule of the contract that a test is about")
    option = config.option
    # With pytest-xdist the controller collects nothing, so the arguments have to tell.
    spread = getattr(option, "numprocesses", None) or getattr(option, "tx", None)
    if not spread or not _names_the_suite(config, config.args):
        return
    if option.trackly_target == "live":
        raise pytest.UsageError(
            "the conformance suite changes one audience step by step, so on a live API it runs in one process: "
            "run it without -n and --tx"
        )
    option.numprocesses, option.tx, option.dist = None, [], "no"  # offline a run takes a second


def _names_the_suite(config: pytest.Config, arguments: Iterable[str]) -> bool:
    suite = suite_folder()
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in arguments]
    return any(path == suite or suite in path.parents for path in named)


def pytest_collection(session: pytest.Session) -> None:
    """End a conformance run as a failure of the suite where the contract is wrong or lacks a vector that is sent."""
    if not _names_the_suite(session.config, session.config.args):
        return
    try:
        missing = contract.missing_vectors(contract.contract())
        if not missing:
            generate.plan()
    except contract.ContractError as error:
        missing = [str(error)]
    if missing:
        pytest.exit("\n".join(missing), returncode=ExitCode.SUITE_FAILED)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that some cases are left out: such a run is no recording, and says nothing of unused ones."""
    for item in items[:1]:
        item.config.stash[NARROWED] = True


def _rules_of(item: pytest.Item) -> list[str]:
    return [mark.args[0] for mark in item.iter_markers("trackly_rule")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Open the target, once it is known that the conformance suite and nothing else is to run."""
    suite = suite_folder()
    ours = [item for item in session.items if suite in item.path.parents]
    uncollected = session.testsfailed > 0 and _names_the_suite(session.config, session.config.args)
    if not (ours or uncollected) or options.lists(session.config):
        return
    if len(ours) != len(session.items):
        raise pytest.UsageError(
            "the conformance suite runs by itself (its exit code is a verdict): "
            "name tests/conformance, or other tests, not both"
        )
    session.items.sort(key=options.place)  # whatever order they were collected or shuffled into
    run = session.config.stash[RUN] = _given(session.config).run = _opened(session)
    run.ending.suite_failures += ["collecting its tests"] * uncollected
    for item in ours:
        item.user_properties += [("trackly_rule", rule) for rule in _rules_of(item)]


def _opened(pytest_session: pytest.Session) -> Run:
    config = pytest_session.config
    option, stack, now = config.option, ExitStack(), datetime.now(UTC)
    file, effort = option.trackly_waivers, option.trackly_effort
    try:
        waived = reporting.load_waivers(Path(file), contract.contract().rules, now.date()) if file else {}
        target = stack.enter_context(closing(_target(config)))
        how = options.of_session(option)
        session = running.Session(target, effort, **how)
        if target.journal is not None:
            session = stack.enter_context(running.opened(target, effort, f"check, {effort}", **how))
    except (running.UnusableSettingError, running.CassetteError, running.LockedError, reporting.WaiverError) as error:
        stack.close()
        raise pytest.UsageError(str(error)) from None
    stack.enter_context(logged_without(target.key))
    if target.client.offline:
        stack.enter_context(running.blocked())
    started, last_live = now.isoformat(timespec="seconds"), running.LastLive(session)
    ending = Ending(session.interrupts.seen if isinstance(session, running.LiveSession) else [])
    return Run(pytest_session, session, running.Script(session), stack, started, last_live, waived, ending)


def _given(config: pytest.Config) -> Given:
    return next((plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Given)), Given(None))


def _target(config: pytest.Config) -> Target:
    given, option = _given(config), config.option
    if given.target is not None:
        return given.target
    if option.trackly_record and option.trackly_target != "live":
        raise running.UnusableSettingError("--trackly-record goes with --trackly-target=live only")
    if option.trackly_questions and (option.trackly_record or option.trackly_target == "replay"):
        raise running.UnusableSettingError("--trackly-questions asks a server; recordings hold no answers")
    if option.trackly_questions and option.trackly_read_only:
        raise running.UnusableSettingError("--trackly-questions changes the audience: leave out --trackly-read-only")
    if option.trackly_target == "replay":
        return running.replay_target(option.trackly_effort)
    if option.trackly_target == "live":
        target = running.live_target()
        target.show_plan = lambda plan: reporting.show_plan(config, plan)
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
    if run is None:
        return (yield)
    excinfo = call.excinfo
    if excinfo is not None and excinfo.errisinstance((judging.BrokenError, InconclusiveError, SkippedError)):
        excinfo.traceback = excinfo.traceback[:0]  # nobody sees it, and to look up its lines takes long
    report = yield
    stopped = run.ending.stopped
    if run.live is not None and not stopped and isinstance(output_failure(), BrokenPipeError):
        stopped.append("the end of its output")
    if stopped:
        item.session.shouldstop = f"stopped by {stopped[0]}"
    skipped = ""
    if excinfo is not None:
        skipped = _tell(run, item, excinfo.value, report)
    elif call.when == "call":
        run.looked = True
        run.ended.update(_rules_of(item))
    if skipped:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, skipped)
    elif report.longrepr is not None:  # a traceback shows what the program itself holds: the variable, the request
        report.longrepr = redacted(report.longreprtext, run.session.target.key)
    return report


def _tell(run: Run, item: pytest.Item, error: BaseException, report: pytest.TestReport) -> str:
    """Keep what an exception of a test says of its rules, and return why the test counts as skipped, "" if not."""
    rules = _rules_of(item)
    if isinstance(error, SkippedError | pytest.skip.Exception):
        run.reasons = {**dict.fromkeys(rules, (Verdict.SKIPPED, str(error))), **run.reasons}
        return f"Skipped: {error}"
    if isinstance(error, InconclusiveError):
        run.reasons.update(dict.fromkeys(rules, (Verdict.INCONCLUSIVE, str(error))))
        run.ended.update(rules)
        report.__dict__["trackly"] = "inconclusive"
        return one_line(f"inconclusive: {error}")
    if isinstance(error, judging.BrokenError):
        run.looked = True
        run.ended.update(rules)
        findings = [found for found in error.findings if found.rule not in run.waivers]
        if not findings:
            report.__dict__["trackly"] = "waived"
            waiver = run.waivers[error.findings[0].rule]
            return one_line(f"{waiver.text} ({waiver.rule})")
        report.longrepr = _broken_text(run, item, findings)
        return ""
    if isinstance(error, running.CassetteError):
        report.longrepr = str(error)
        run.misfit = True
    run.ending.suite_failures.append(item.nodeid)
    return ""


def _broken_text(run: Run, item: pytest.Item, findings: list[Finding]) -> str:
    rules = contract.contract().rules
    again = f'pytest --trackly-target={run.session.target.name} --trackly-effort={run.session.effort} "{item.nodeid}"'
    texts = [
        judging.failure_text(found, rules[found.rule], again, short(run.last_live.before(found).text))
        for found in findings[:MOST_SHOWN]
    ]
    if len(findings) > MOST_SHOWN:
        texts.append(f"  and {len(findings) - MOST_SHOWN} more like it; the report has them all")
    return "\n\n".join(texts)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Give what could not be found out, and what was waived, a name of its own."""
    mark = report.__dict__.get("trackly")
    return (mark, mark[0].upper(), mark.upper()) if mark else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Put the audience back whatever goes wrong as everything is torn down, then fold the run into its report."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return (yield)
    live = run.live
    with live.interrupts.held() if live is not None else nullcontext():
        with run.ending.survived(), suppress(InconclusiveError, running.Stopped):  # the session keeps why
            try:
                with run.ending.survived():
                    yield
                run.script.finish()
            finally:
                if live is not None:
                    live.restore_at_last()
        if live is not None:
            run.ending.left = live.left_behind()
            live.interrupts.ignore()
            session.config.add_cleanup(live.interrupts.release)
        with run.ending.survived(), run.stack:
            _end(run, session.config, exitstatus)
        session.exitstatus = _exit_code(run, exitstatus)


def _end(run: Run, config: pytest.Config, exitstatus: int) -> None:
    """Finish the recording, and write the report."""
    seen, target = run.session, run.session.target
    if run.ending.left:
        seen.notes.append(run.ending.left)
    if seen.answers and target.name == "live" and not seen.stamped:
        seen.notes += reporting.changed_answers(seen.answers, target.base_url)
    _finish_recording(run, exitstatus, config)
    moved, notes = run.last_live.moves()
    seen.findings += moved
    seen.notes += notes
    run.stack.close()
    if config.option.trackly_report:
        report, run.folder = reporting.write_report(_folded(run), Path(config.option.trackly_report))
        run.ending.unwritten = [*report.unwritten]


def _exit_code(run: Run, status: int) -> int:
    """Fold the run into its report, and return how it ends where pytest by itself would end with `status`."""
    with run.ending.survived():
        run.report = _folded(run)
    verdict = run.report.verdict if run.report is not None else RunVerdict.INCONCLUSIVE
    return run.ending.exit_code(verdict, 0 if status in FINISHED else status)


def _folded(run: Run) -> Report:
    report = reporting.build_report(
        run.session,
        started_at=run.started_at,
        looked_for=frozenset(run.ended),
        reasons=run.reasons,
        suite_failures=tuple(run.ending.suite_failures),
        waivers=run.waivers,
        last_live=run.last_live,
    )
    return replace(report, looked=run.looked, left=run.ending.left, unwritten=tuple(run.ending.unwritten))


def _finish_recording(run: Run, exitstatus: int, config: pytest.Config) -> None:
    missing, session, target = "", run.session, run.session.target
    if run.ending.stopped or run.ending.suite_failures or exitstatus not in FINISHED:
        missing = "the run was not finished"
    elif not _folded(run).complete or config.stash.get(NARROWED, False):
        missing = "the run did not ask everything"
    elif any("::" in argument for argument in config.args):
        missing = "the run asked only what was named"  # each rule may have been, and yet not each case
    elif session.outages:
        missing = f"not everything was answered ({short(session.outages[0], 160)})"
    if target.recording is not None and (failed := running.record(session, missing)):
        run.ending.unwritten.append(failed)
    if target.player and not missing and (unused := target.player.unused(session.effort)):
        run.misfit = True
        run.ending.suite_failures.append(unused)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None]:
    """Say the verdict in a few lines, below all that pytest and other plugins say: there it is still on the screen."""
    yield
    run = config.stash.get(RUN, None)
    if run is not None and run.report is not None:
        with run.ending.survived():
            reporting.summarize(terminalreporter, run.report, run.folder, misfit=run.misfit)
            run.told = True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> Generator[None]:
    """Say on standard error what the terminal could not take, or what only went wrong as pytest ended."""
    run = config.stash.get(RUN, None)
    if run is None:
        return (yield)
    with run.ending.survived():
        yield
    with run.ending.survived():
        report = _folded(run)
        reporting.repeat(report, run.folder, told=run.told and report == run.report, misfit=run.misfit)
    run.pytest_session.exitstatus = _exit_code(run, run.pytest_session.exitstatus)
