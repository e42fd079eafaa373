"""The fixtures of the gate, for the tests of a client.

`trackly_api` reaches unmodified httpx clients, `trackly_server` any client over HTTP; `trackly_answer` and
`trackly_fault` run a test once for every answer that the API may give, and for every fault of the way.

Promises: silent, and next to no cost, in a run that uses none of them; a test fails where its client sent a request
that the API would refuse or that no page knows, unless it says that this is meant.
Refuses: to touch the conformance suite, or requests to other hosts.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract import gate as gates
from trackly_contract.core import one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from trackly_contract.gate import Gateway

GATE: pytest.StashKey[gates.Gate] = pytest.StashKey()
GATEWAY: pytest.StashKey[Gateway] = pytest.StashKey()
SERVED: pytest.StashKey[bool] = pytest.StashKey()
SURVIVALS: pytest.StashKey[list[gates.Survival]] = pytest.StashKey()
TOLD: pytest.StashKey[tuple[int, int]] = pytest.StashKey()
"""How many requests, and how many that went past the gate, a test had when it ended with a report that it failed."""

COVERED: pytest.StashKey[gates.Coverage] = pytest.StashKey()
FROM_WORKERS = "trackly_coverage"


def _share(text: str) -> tuple[str, float]:

    try:
        return gates.required(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings of the gate."""
    group = parser.getgroup("trackly")
    group.addoption(
        "--trackly-fail-under",
        action="append",
        type=_share,
        default=[],
        metavar="[answers:|requests:]PERCENT",
        help="fail unless the tests of a client met that share of the possible answers, and sent that share of the "
        "kinds of requests (both, without a prefix)",
    )
    parser.addini(
        "trackly_meant",
        "faults of requests that are meant in every test: ids of rules or questions, as token-unlisted:between",
        type="linelist",
    )
    parser.addini("trackly_base_urls", "base URLs that trackly_api answers, beside the two of the API", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers. Raises pytest.UsageError for a setting that is none."""
    for url in config.getini("trackly_base_urls"):
        if not re.fullmatch(r"https?://[^/\s]+\S*", url):
            raise pytest.UsageError(
                f"trackly_base_urls: {url!r} is no base URL: write it like https://host.example/api"
            )
    config.addinivalue_line("markers", "trackly_meant(name, ...): faults of requests that a test sends on purpose")
    config.addinivalue_line(
        "markers", "trackly_operation(name): of trackly_answer and trackly_fault, those to 'read' or 'update' alone"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for every possible answer, or fault."""
    wanted = {"trackly_answer", "trackly_fault"} & set(metafunc.fixturenames)
    if not wanted:
        return

    marks = [mark.args for mark in metafunc.definition.iter_markers("trackly_operation")]
    operations = {name for arguments in marks for name in arguments} or set(gates.OPERATIONS)
    if not operations <= set(gates.OPERATIONS):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: trackly_operation is 'read' or 'update'")
    for fixture in sorted(wanted):
        every = gates.possible_answers() if fixture == "trackly_answer" else gates.possible_faults()
        chosen = [name for name, answer in every.items() if answer.operation in operations]
        metafunc.parametrize(fixture, chosen, indirect=True)


@pytest.fixture
def trackly_gate(request: pytest.FixtureRequest) -> Iterator[gates.Gate]:
    """Return the stand-in API of a test, reached by nobody yet: `trackly_api` and `trackly_server` share it."""
    gate = gates.Gate(meant_always=frozenset(request.config.getini("trackly_meant")))
    names = _marked(request.node)
    if names is not None:
        gate.mean(*names)
    stash = request.node.stash
    stash[GATE], stash[SURVIVALS], stash[TOLD] = gate, [], (0, 0)
    yield gate
    _keep(request.config, gate)
    text = _at_fault(gate, stash[TOLD][0]) or _escaped(stash.get(GATEWAY, None), stash[TOLD][1])
    for key in (GATE, GATEWAY, SERVED, SURVIVALS):
        if key in stash:
            del stash[key]  # pytest keeps the items of a run to its end
    if text:
        pytest.fail(text, pytrace=False)


def _marked(item: Any) -> list[str] | None:
    """Return the names that a test's markers say are meant; none for any; None without a marker."""
    marks = list(item.iter_markers("trackly_meant"))
    return [name for mark in marks for name in mark.args] if marks else None


@pytest.fixture
def trackly_api(trackly_gate: gates.Gate, request: pytest.FixtureRequest) -> Iterator[gates.Gate]:
    """Return the stand-in API, with httpx clients, sync and async, routed to it; `transport` is for others of httpx."""
    with gates.routed(trackly_gate, [*request.config.getini("trackly_base_urls"), *gates.HOSTS]) as gateway:
        request.node.stash[GATEWAY] = gateway
        trackly_gate.transport = gateway.transport
        yield trackly_gate


@pytest.fixture
def trackly_server(trackly_gate: gates.Gate, request: pytest.FixtureRequest) -> Iterator[gates.Gate]:
    """Return the stand-in API over HTTP on loopback; a client is given its `base_url` and `api_key`."""
    request.node.stash[SERVED] = True
    with gates.running_gate(gates.Control(trackly_gate)):
        yield trackly_gate


def _survival(request: pytest.FixtureRequest, gate: gates.Gate) -> gates.Survival:
    if not {"trackly_api", "trackly_server"} & set(request.fixturenames):
        # Nothing stands between the client of such a test and the real API.
        pytest.fail(
            f"{request.fixturename} says what is answered, and nothing leads the client there: let the test ask for "
            "trackly_api or trackly_server too",
            pytrace=False,
        )

    survival = gates.Survival({**gates.possible_answers(), **gates.possible_faults()}[request.param], gate)
    request.node.stash[SURVIVALS].append(survival)
    return survival


@pytest.fixture
def trackly_answer(request: pytest.FixtureRequest, trackly_gate: gates.Gate) -> gates.Survival:
    """Return one of the answers that the API may give; the test runs once for each."""
    return _survival(request, trackly_gate)


@pytest.fixture
def trackly_fault(request: pytest.FixtureRequest, trackly_gate: gates.Gate) -> gates.Survival:
    """Return one of the faults of the way; the test runs once for each."""
    return _survival(request, trackly_gate)


def _in_our_words(error: BaseException) -> BaseException:
    """Return what a test raised as a failure, or as a skip, with the text of the gate and without a stack trace."""
    if isinstance(error, gates.NotSentError | gates.NotSurvivedError):
        return pytest.fail.Exception(str(error), pytrace=False)
    return pytest.skip.Exception(str(error)) if isinstance(error, gates.NotApplicableError) else error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge what the client of a test sent, when the test has ended."""
    try:
        result = yield
        if GATE in item.stash:  # a test may ask for it while it runs
            item.stash[GATE].sent_all(_marked(item) or [])
    except BaseException as error:
        if GATE not in item.stash:
            raise
        raised = _in_our_words(error)
        if raised is error:
            raise
        raise raised from None
    if GATE in item.stash:
        gate = item.stash[GATE]
        text = _at_fault(gate) or _not_reached(item, gate) or _never_given(item, gate)
        if text:
            pytest.fail(text, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a test was failed for, and note it: what is hidden by a skip, or comes later, fails its teardown."""
    report = yield
    gate = item.stash.get(GATE, None)
    if gate is not None and call.when == "call" and (report.failed or hasattr(report, "wasxfail")):
        gateway = item.stash.get(GATEWAY, None)
        item.stash[TOLD] = (gate.requests, len(gateway.escaped) if gateway is not None else 0)
        texts = gate.failures()
        if texts and texts[0] not in report.longreprtext:
            report.sections.append(("requests at fault", "\n\n".join(texts)))
    return report


def _at_fault(gate: gates.Gate, after: int = 0) -> str:
    """Return what is wrong with the requests of a test after that number, and how it may say that this is meant."""
    texts = gate.failures(after)
    shown = texts[:MOST_SHOWN]
    if not shown:
        return ""
    more = [f"  and {len(texts) - MOST_SHOWN} more"] if len(texts) > MOST_SHOWN else []
    names = dict.fromkeys(
        max(fault.names, key=len) for sent in gate.at_fault if sent.number > after for fault in sent.failures
    )
    listed = ", ".join(f'"{one_line(name)}"' for name in list(names)[:MOST_SHOWN])
    return "\n\n".join([*shown, *more, f"Meant? Then say so: @pytest.mark.trackly_meant({listed})"])


def _not_reached(item: pytest.Item, gate: gates.Gate) -> str:
    """Return why a test that asked for trackly_api or trackly_server may have tested nothing."""
    gateway = item.stash.get(GATEWAY, None)
    escaped = _escaped(gateway)
    if escaped or gate.requests:
        return escaped
    if gateway is not None:
        return (
            "no request reached trackly_api: the test sent none, or its client has a transport of its own (give it "
            "trackly_api.transport), or is no httpx client (use the fixture trackly_server)"
        )
    if SERVED in item.stash:
        return (
            "no request reached trackly_server: the test sent none, or its client has another base URL than "
            "trackly_server.base_url"
        )
    return ""


def _escaped(gateway: Gateway | None, after: int = 0) -> str:
    """Return what to do about the first request that went past the gate, after so many."""
    if gateway is None or not gateway.escaped[after:]:
        return ""

    return gates.escape_text(gateway.escaped[after])


def _never_given(item: pytest.Item, gate: gates.Gate) -> str:
    """Return which answer a test asked for and never gave its client."""
    given = {id(sent.answer) for sent in list(gate.sent)}
    for survival in item.stash[SURVIVALS]:
        if id(survival.answer) not in given:
            return f"{survival.name}: never given. Send the request inside survived(...), which has it answered so"
    return ""


MOST_SHOWN = 5
"""Faults that one failing test shows."""


def _keep(config: pytest.Config, gate: gates.Gate) -> None:

    config.stash[COVERED] = config.stash.get(COVERED, gates.Coverage()).of(gate)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a worker of pytest-xdist covered."""
    kept = getattr(node, "workeroutput", {}).get(FROM_WORKERS)
    if kept is not None:
        config = node.config
        config.stash[COVERED] = config.stash.get(COVERED, gates.Coverage()) | gates.Coverage.from_json(kept)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Hand coverage to the controller, or hold it against what is required."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        if COVERED in config.stash:
            output[FROM_WORKERS] = config.stash[COVERED].to_json()  # before pytest-xdist sends it
        return (yield)
    yield
    if session.exitstatus == pytest.ExitCode.OK and _too_little(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_RUN_NO_TEST = ("collectonly", "setupplan", "setuponly", "showfixtures", "show_fixtures_per_test")


def _too_little(config: pytest.Config) -> list[str]:
    """Return what is said of each share that is below what is required."""
    wanted = config.getoption("--trackly-fail-under")
    if not wanted or any(config.getoption(name, False) for name in _RUN_NO_TEST):
        return []

    return config.stash.get(COVERED, gates.Coverage()).below(wanted)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the tests of a client covered, if any used the gate."""
    covered = config.stash.get(COVERED, None)
    failed = _too_little(config)
    if covered is None and not failed:
        return
    terminalreporter.section("trackly gate")
    for line in covered.lines() if covered is not None else ["no test used the gate"]:
        terminalreporter.write_line(line)
    for line in failed:
        terminalreporter.write_line(line, red=True)
