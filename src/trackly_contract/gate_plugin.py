"""The pytest fixtures of the gate, for the tests of a client.

`trackly_api` reaches unmodified httpx clients, `trackly_server` any client over HTTP; `trackly_response` and
`trackly_network_fault` run a test once for every response that the API may give, and for every network fault. A test
fails where its client violates the documentation, unless it allows that. Does nothing in a run that uses none of them.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import gate as gates
from trackly_contract.core import one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from trackly_contract.gate import Coverage, Gate, ScenarioCase

MOST_SHOWN = 5  # violations of one failing test
COVERAGE: pytest.StashKey[Coverage] = pytest.StashKey()
FROM_WORKERS = "trackly_coverage"


NOT_REACHED = {
    "trackly_api": "no request reached trackly_api: the test sent none, or its client has a transport of its own (give "
    "it trackly_api.transport), or is no httpx client (use the fixture trackly_server)",
    "trackly_server": "no request reached trackly_server: the test sent none, or its client has another base URL than "
    "trackly_server.base_url",
}
"""Why a test that asked for a fixture may have tested nothing."""


@dataclass
class _Use:
    """How one test uses the gate: what its markers allow, by which fixture, what went past it, for which scenarios."""

    gate: Gate
    allowed: list[str]
    fixture: str = ""
    escaped: list[str] = field(default_factory=list)
    cases: list[ScenarioCase] = field(default_factory=list)
    reported: tuple[int, int] = (0, 0)
    """How many requests it had, and how many that went past the gate, when it ended with a report that it failed."""

    def violations(self, after: int = 0) -> str:
        """Return what is wrong with the requests after that number, and how the test may allow it."""
        texts = self.gate.failures(after)
        if not texts:
            return ""
        more = [f"  and {len(texts) - MOST_SHOWN} more"] if len(texts) > MOST_SHOWN else []
        late = [judged for judged in self.gate.failed if judged.number > after]
        names = dict.fromkeys(max(violation.names, key=len) for judged in late for violation in judged.failures)
        listed = ", ".join(f'"{one_line(name)}"' for name in list(names)[:MOST_SHOWN])
        allowing = f"If this is intended, allow it: @pytest.mark.trackly_allow({listed})"
        return "\n\n".join([*texts[:MOST_SHOWN], *more, allowing])

    def untested(self) -> str:
        """Return why the test may have tested nothing, or less than it asked for."""
        if self.escaped or not self.gate.requests:
            return self.escaped[0] if self.escaped else NOT_REACHED.get(self.fixture, "")
        given = {judged.scenario for judged in list(self.gate.sent)}
        missed = [case.name for case in self.cases if case.scenario not in given]
        return f"{missed[0]}: never given. Send the request inside handled(...), which forces it" if missed else ""


USE: pytest.StashKey[_Use] = pytest.StashKey()


def _share(text: str) -> tuple[str, float]:
    try:
        return gates.required(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings of the gate."""
    parser.getgroup("trackly").addoption(
        "--trackly-fail-under",
        action="append",
        type=_share,
        default=[],
        metavar="[responses:|requests:]PERCENT",
        help="fail unless the tests received that share of the possible responses, and sent that share of the kinds of "
        "requests (both, without a prefix)",
    )
    parser.addini("trackly_allow", "violations that every test may send, as token-unlisted:between", type="linelist")
    parser.addini("trackly_base_urls", "base URLs that trackly_api serves, beside the two of the API", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers. Raises pytest.UsageError for a base URL that is none."""
    for url in config.getini("trackly_base_urls"):
        if not re.fullmatch(r"https?://(\[\S+\]|[^/\s:]+)(:\d+)?(/\S*)?", url):
            raise pytest.UsageError(f"trackly_base_urls: {url!r} is no base URL, such as https://host.example/api")
    config.addinivalue_line("markers", "trackly_allow(name, ...): violations that a test sends on purpose")
    config.addinivalue_line("markers", "trackly_operation(name): only the scenarios of 'read', or of 'update'")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for every possible response, or network fault."""
    for fixture in ("trackly_network_fault", "trackly_response"):
        if fixture not in metafunc.fixturenames:
            continue
        marks = metafunc.definition.iter_markers("trackly_operation")
        operations = {name for mark in marks for name in mark.args} or set(gates.OPERATIONS)
        if not operations <= set(gates.OPERATIONS):
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: trackly_operation is 'read' or 'update'")
        scenarios = gates.possible_responses() if fixture == "trackly_response" else gates.network_faults()
        chosen = [name for name, scenario in scenarios.items() if scenario.operation in operations]
        metafunc.parametrize(fixture, chosen, indirect=True)


@pytest.fixture
def trackly_gate(request: pytest.FixtureRequest) -> Iterator[Gate]:
    """Return the mock API of a test, which no client reaches yet: `trackly_api` and `trackly_server` share it."""
    config, stash = request.config, request.node.stash
    gate = gates.Gate(config.getini("trackly_allow"))
    marks = list(request.node.iter_markers("trackly_allow"))
    use = stash[USE] = _Use(gate, [name for mark in marks for name in mark.args])
    if marks:
        gate.start_allowing(*use.allowed)
    yield gate
    config.stash[COVERAGE] = config.stash.get(COVERAGE, gates.Coverage()).of(gate)
    del stash[USE]  # pytest keeps the items of a run to its end
    requests, escaped = use.reported
    text = use.violations(requests) or "".join(use.escaped[escaped : escaped + 1])
    if text:
        pytest.fail(text, pytrace=False)


@pytest.fixture
def trackly_api(trackly_gate: Gate, request: pytest.FixtureRequest) -> Iterator[Gate]:
    """Return the mock API, with httpx clients, sync and async, routed to it; `transport` is for others of httpx."""
    with gates.routed(trackly_gate, [*request.config.getini("trackly_base_urls"), *gates.HOSTS]) as gateway:
        use = request.node.stash[USE]
        use.fixture, use.escaped = "trackly_api", gateway.escaped
        yield trackly_gate


@pytest.fixture
def trackly_server(trackly_gate: Gate, request: pytest.FixtureRequest) -> Iterator[Gate]:
    """Return the mock API over HTTP on loopback; a client is given its `base_url` and `api_key`."""
    request.node.stash[USE].fixture = "trackly_server"
    with gates.running(gates.Control(trackly_gate)):
        yield trackly_gate


def _case(request: pytest.FixtureRequest, gate: Gate) -> ScenarioCase:
    if not {"trackly_api", "trackly_server"} & set(request.fixturenames):
        # Nothing stands between the client of such a test and the real API.
        pytest.fail(
            f"{request.fixturename} needs a client that reaches the gate: ask for trackly_api or trackly_server too",
            pytrace=False,
        )
    case = gates.ScenarioCase(gates.every_scenario()[request.param], gate)
    request.node.stash[USE].cases.append(case)
    return case


@pytest.fixture
def trackly_response(request: pytest.FixtureRequest, trackly_gate: Gate) -> ScenarioCase:
    """Return one of the responses that the API may give; the test runs once for each."""
    return _case(request, trackly_gate)


@pytest.fixture
def trackly_network_fault(request: pytest.FixtureRequest, trackly_gate: Gate) -> ScenarioCase:
    """Return one of the network faults; the test runs once for each."""
    return _case(request, trackly_gate)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge what the client of a test sent, when the test has ended."""
    try:
        result = yield
        use = item.stash.get(USE, None)  # a test may ask for it while it runs
        if use is not None:
            use.gate.require_sent(use.allowed)
            text = use.violations() or use.untested()
            if text:
                pytest.fail(text, pytrace=False)
    except BaseException as error:
        if USE not in item.stash:
            raise
        if isinstance(error, gates.NotSentError | gates.NotHandledError):
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        if isinstance(error, gates.NotApplicableError):
            raise pytest.skip.Exception(str(error)) from None
        raise
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what failed a test, and note that: what a skip hides, or what is sent later, fails its teardown."""
    report = yield
    use = item.stash.get(USE, None)
    if use is not None and call.when == "call" and (report.failed or hasattr(report, "wasxfail")):
        use.reported = (use.gate.requests, len(use.escaped))
        texts = use.gate.failures()
        if texts and texts[0] not in report.longreprtext:
            report.sections.append(("violations in requests", "\n\n".join(texts)))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist covered."""
    names = getattr(node, "workeroutput", {}).get(FROM_WORKERS)
    if names is not None:
        stash = node.config.stash
        stash[COVERAGE] = gates.Coverage(stash.get(COVERAGE, gates.Coverage()) | set(names))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Hand coverage to the controller, or compare it with what is required."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None and COVERAGE in config.stash:
        output[FROM_WORKERS] = [*config.stash[COVERAGE]]  # before pytest-xdist sends it
    yield
    if output is None and session.exitstatus == pytest.ExitCode.OK and _too_little(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _too_little(config: pytest.Config) -> list[str]:
    """Return a line for each share that is below what is required."""
    wanted = config.getoption("--trackly-fail-under")
    run_no_test = ("collectonly", "setupplan", "setuponly", "showfixtures", "show_fixtures_per_test")
    if not wanted or any(config.getoption(name, False) for name in run_no_test):
        return []
    return config.stash.get(COVERAGE, gates.Coverage()).below(wanted)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report what the tests of a client covered, if any used the gate."""
    covered, failed = config.stash.get(COVERAGE, None), _too_little(config)
    if covered is None and not failed:
        return
    terminalreporter.section("trackly gate")
    for line in covered.lines() if covered is not None else ["no test used the gate"]:
        terminalreporter.write_line(line)
    for line in failed:
        terminalreporter.write_line(line, red=True)
