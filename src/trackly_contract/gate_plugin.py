"""The pytest fixtures of the gate, for the tests of a client.

Does nothing, and loads nothing of the gate, in a run that uses none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import gate as gates
from trackly_contract import options

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from trackly_contract.gate import Coverage, Gate, ScenarioCase

COVERAGE: pytest.StashKey[Coverage] = pytest.StashKey()
FROM_WORKERS = "trackly_coverage"
NOT_REACHED = (
    "the test sent none, or its client has another way. One with an httpx transport of its own needs "
    "trackly_api.transport; one without httpx the fixture trackly_server, and its base_url"
)


@dataclass
class _Use:
    """How one test uses the gate."""

    gate: Gate
    fixture: str = ""  # by which requests reach the gate
    cases: list[ScenarioCase] = field(default_factory=list)

    def violations(self) -> str:
        """Return what is wrong with the requests and was not reported, and how the test may allow it."""
        return gates.shown(self.gate.failures, '@pytest.mark.trackly_allow("{}")', between='", "')

    def untested(self) -> str:
        """Return why the test may have tested nothing, or less than it asked for."""
        if self.gate.escaped:
            return self.gate.escaped[0]
        if not self.gate.requests:
            others = "; ".join(f"{number} x {reason}" for reason, number in self.gate.unjudged.items())
            return f"no request reached {self.fixture}: {others or NOT_REACHED}" if self.fixture else ""
        given = {judged.scenario for judged in list(self.gate.sent)}
        missed = [case.name for case in self.cases if case.scenario not in given]
        return f"{missed[0]}: never given. Send the request inside handled(...), which forces it" if missed else ""


USE: pytest.StashKey[_Use] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings of the gate."""
    parser.getgroup("trackly").addoption(
        "--trackly-fail-under",
        action="append",
        type=lambda text: gates.required(text),  # noqa: PLW0108  # loads the gate where it is asked for
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
    for fixture in sorted({"trackly_network_fault", "trackly_response"} & set(metafunc.fixturenames)):
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
    config = request.config
    gate = gates.Gate(config.getini("trackly_allow"))
    use = request.node.stash[USE] = _Use(gate)
    for mark in request.node.iter_markers("trackly_allow"):
        gate.start_allowing(*mark.args)
    yield gate
    config.stash[COVERAGE] = config.stash.get(COVERAGE, gates.Coverage()).of(gate)
    del request.node.stash[USE]  # pytest keeps the items of a run to its end
    text = use.violations() or "".join(gate.escaped[:1])
    if text:
        pytest.fail(text, pytrace=False)


@pytest.fixture
def trackly_api(trackly_gate: Gate, request: pytest.FixtureRequest) -> Iterator[Gate]:
    """Return the mock API, with httpx clients, sync and async, routed to it; `transport` is for others of httpx."""
    request.node.stash[USE].fixture = "trackly_api"
    with gates.routed(trackly_gate, [*request.config.getini("trackly_base_urls"), *gates.HOSTS]):
        yield trackly_gate


@pytest.fixture
def trackly_server(trackly_gate: Gate, request: pytest.FixtureRequest) -> Iterator[Gate]:
    """Return the mock API over HTTP on loopback; a client is given its `base_url` and `api_key`."""
    request.node.stash[USE].fixture = "trackly_server"
    with gates.running(gates.Control(trackly_gate)):
        yield trackly_gate


def _case(request: pytest.FixtureRequest, trackly_gate: Gate) -> ScenarioCase:
    """Return one of the responses that the API may give, or of the network faults; the test runs once for each."""
    if not {"trackly_api", "trackly_server"} & set(request.fixturenames):
        # Nothing stands between the client of such a test and the real API.
        needed = "needs a client that reaches the gate: ask for trackly_api or trackly_server too"
        pytest.fail(f"{request.fixturename} {needed}", pytrace=False)
    case = gates.ScenarioCase(gates.every_scenario()[request.param], trackly_gate)
    request.node.stash[USE].cases.append(case)
    return case


trackly_response = pytest.fixture(_case)
trackly_network_fault = pytest.fixture(_case)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge what the client of a test sent, when the test has ended."""
    try:
        result = yield
        use = item.stash.get(USE, None)  # a test may ask for it while it runs
        if use is not None:
            use.gate.require_sent(use.gate.allowances)
            text = use.violations() or use.untested()
            if text:
                pytest.fail(text, pytrace=False)
    except Exception as error:
        if USE in item.stash and isinstance(error, gates.NotSentError | gates.NotHandledError):
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        if USE in item.stash and isinstance(error, gates.NotApplicableError):
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
        texts = [*use.gate.failures]
        use.gate.failures.clear()
        use.gate.escaped.clear()
        if texts and texts[0] not in report.longreprtext:
            report.sections.append(("violations in requests", "\n\n".join(texts)))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist covered."""
    names = getattr(node, "workeroutput", {}).get(FROM_WORKERS)
    if names is not None:
        node.config.stash[COVERAGE] = gates.Coverage({*names, *node.config.stash.get(COVERAGE, ())})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Hand coverage to the controller, or compare it with what is required."""
    config, output = session.config, getattr(session.config, "workeroutput", None)
    if output is not None and COVERAGE in config.stash:
        output[FROM_WORKERS] = [*config.stash[COVERAGE]]  # before pytest-xdist sends it
    yield
    if output is None and session.exitstatus == pytest.ExitCode.OK and _too_little(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _too_little(config: pytest.Config) -> list[str]:
    """Return a line for each share that is below what is required."""
    wanted = config.getoption("--trackly-fail-under")
    if not wanted or options.lists(config) or config.getoption("setuponly", False):
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
