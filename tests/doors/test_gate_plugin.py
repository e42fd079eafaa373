"""The gate in a client's own pytest: what passes, what fails with which text, alone and under pytest-xdist."""

import re

import pytest

from tests.support.client_project import Project
from trackly_contract.gate import network_faults, possible_responses

RESPONSES = len(possible_responses())
READS = sum(scenario.operation == "read" for scenario in possible_responses().values())


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    return Project(pytester)


CLIENTS_TESTS = """
import gc, socket, urllib.request, weakref
import httpx

def test_documented(client, trackly_api):
    assert client.update(trackly_api.audience_id, name="New")["name"] == "New"
    assert (trackly_api.before["name"], trackly_api.after["name"]) == ("High-Value Clickers", "New")

@pytest.mark.trackly_allow("filter.time.unit")
def test_allowed_by_a_marker(weeks):
    with pytest.raises(ApiError):
        weeks()

@pytest.mark.trackly_allow
def test_any_allowed_by_a_marker(weeks):
    with pytest.raises(ApiError):
        weeks()

def test_violation_of_a_test_that_fails(weeks):
    weeks()

def test_allowed_inside(weeks, trackly_api):
    with trackly_api.allow("filter.time.unit"), pytest.raises(ApiError):
        weeks()

def test_given_the_transport(trackly_api):
    Client(trackly_api.api_key, transport=trackly_api.transport).read(trackly_api.audience_id)

def test_of_the_server(trackly_server):
    url = f"{trackly_server.base_url}/v2/audiences/{trackly_server.audience_id}"
    request = urllib.request.Request(url, headers={"X-Api-Key": trackly_server.api_key})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200

def test_violation(weeks):
    with pytest.raises(ApiError):
        weeks()

@pytest.mark.trackly_allow("filter.time.unit")
def test_allowed_and_never_sent(client, trackly_api):
    client.read(trackly_api.audience_id)

@pytest.fixture
def sending_at_its_end(unknown_key):
    yield
    unknown_key()

def test_violation_of_a_fixture(sending_at_its_end, client, trackly_api):
    client.read(trackly_api.audience_id)

def test_violation_before_other_fixtures_end(unknown_key):
    unknown_key()

@pytest.fixture
def skipping(unknown_key):
    unknown_key()
    pytest.skip("not today")

def test_violation_before_a_skip_of_a_fixture(skipping):
    pass

def test_violation_before_a_skip(unknown_key):
    unknown_key()
    pytest.skip("not today")

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def given(self, request):
        self.request = request

    def test_violation_before_a_skip_of_a_case(self):
        self.request.getfixturevalue("unknown_key")()
        self.skipTest("not today")

    def test_violation_before_a_failure_of_a_case(self):
        self.request.getfixturevalue("unknown_key")()
        self.fail("mine")

def test_gate_asked_for_late(request):
    request.getfixturevalue("unknown_key")()

@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_violation_of_an_async_client(trackly_api):
    async with httpx.AsyncClient(headers={"X-Api-Key": trackly_api.api_key}) as http:
        url = f"{trackly_api.base_url}/v2/audiences/{trackly_api.audience_id}"
        assert (await http.put(url, json={"name": "New"})).status_code == 200
        assert (await http.put(url, json={"title": "New"})).status_code == 200
    assert trackly_api.after["name"] == "New"

def test_violation_at_the_server(trackly_server):
    client = Client(trackly_server.api_key, trackly_server.base_url)
    with client.http:
        client.update(trackly_server.audience_id, title="x")

def test_nothing_sent(trackly_api):
    pass

def test_nothing_sent_to_the_server(trackly_server):
    pass

class Own(httpx.BaseTransport):
    def handle_request(self, request):
        with socket.create_connection((request.url.host, 443), timeout=5):
            return httpx.Response(200)

def test_past_the_gate(trackly_api):
    with pytest.raises((ApiError, OSError)):
        Client(trackly_api.api_key, transport=Own()).read(trackly_api.audience_id)

@pytest.mark.trackly_operation("read")
def test_never_given(client, trackly_response):
    client.read(trackly_response.audience_id)

@pytest.mark.trackly_operation("read")
def test_forced_by_hand(client, trackly_api, trackly_response):
    trackly_api.force(trackly_response.scenario)
    try:
        client.read(trackly_response.audience_id)
    except ApiError:
        pass

@pytest.mark.trackly_operation("read")
def test_trips(client, trackly_response):
    with trackly_response.handled(ApiError):
        client.read(trackly_response.audience_id)["cached_size"] + 1

def test_handles(client, trackly_response):
    with trackly_response.handled(ApiError):
        if trackly_response.operation == "read":
            client.read(trackly_response.audience_id)
        else:
            client.update(trackly_response.audience_id, name="New")

@pytest.mark.trackly_operation("read")
def test_handles_network_faults(client, trackly_network_fault):
    with trackly_network_fault.handled(ApiError):
        client.read(trackly_network_fault.audience_id)

def test_scenario_without_a_client(trackly_response):
    raise ZeroDivisionError

def test_network_fault_without_a_client(trackly_network_fault):
    raise ZeroDivisionError

def test_carrier(client, trackly_api):
    condition = {"condition_type": "carrier", "operator": "eq", "value": "x"}
    client.update(trackly_api.audience_id, filter={"operator": "AND", "conditions": [condition]})

def test_sandbox(trackly_api):
    Client(trackly_api.api_key, "https://sandbox.example/api").read(trackly_api.audience_id)

KEPT = []

def test_outlived(client, trackly_api):
    client.read(trackly_api.audience_id)
    KEPT.append(weakref.ref(trackly_api))

def test_outlived_by_none():
    gc.collect()
    assert KEPT[0]() is None

def test_own():
    assert True
"""

UNKNOWN_KEY = "unknown-key                         undocumented"
NEEDS_A_CLIENT = "needs a client that reaches the gate: ask for trackly_api or trackly_server too"


@pytest.mark.parametrize(
    ("test", "outcome", "line"),
    [
        ("test_documented", "1 passed", ""),
        ("test_allowed_by_a_marker", "1 passed", ""),
        ("test_any_allowed_by_a_marker", "1 passed", ""),
        ("test_allowed_inside", "1 passed", ""),
        ("test_given_the_transport", "1 passed", ""),
        ("test_of_the_server", "1 passed", ""),
        ("test_forced_by_hand", f"{READS} passed", ""),
        ("test_handles_network_faults", f"{len(network_faults()) // 2} passed", ""),
        ("test_violation", "1 failed", "filter.time.unit                    refused · 400 invalid_time_unit"),
        ("test_allowed_and_never_sent", "1 failed", "allowed, but never sent: filter.time.unit"),
        ("test_violation_of_a_fixture", "1 passed, 1 error", UNKNOWN_KEY),
        ("test_violation_before_other_fixtures_end", "1 failed", UNKNOWN_KEY),
        ("test_violation_before_a_skip_of_a_fixture", "1 skipped, 1 error", UNKNOWN_KEY),
        ("test_violation_before_a_skip", "1 skipped, 1 error", UNKNOWN_KEY),
        ("TestCase::test_violation_before_a_skip_of_a_case", "1 skipped, 1 error", UNKNOWN_KEY),
        ("test_gate_asked_for_late", "1 failed", UNKNOWN_KEY),
        ("test_violation_of_an_async_client", "1 failed", UNKNOWN_KEY),
        ("test_violation_at_the_server", "1 failed", UNKNOWN_KEY),
        ("test_nothing_sent", "1 failed", "no request reached trackly_api: the test sent none, or its client has a"),
        ("test_nothing_sent_to_the_server", "1 failed", "no request reached trackly_server: the test sent none, or"),
        ("test_past_the_gate", "1 failed", "a request to app.tracklysms.com went past trackly_api and was stopped"),
        ("test_never_given", f"{READS} failed", "read-200-as-documented: never given. Send the request inside handled"),
        ("test_trips", f"1 failed, {READS - 1} passed", f"{'read-200-null-cache':<60} not handled"),
        ("test_scenario_without_a_client", f"{RESPONSES} errors", f"trackly_response {NEEDS_A_CLIENT}"),
        (
            "test_network_fault_without_a_client",
            f"{len(network_faults())} errors",
            f"trackly_network_fault {NEEDS_A_CLIENT}",
        ),
    ],
)
def test_a_test_of_a_client(project: Project, test: str, outcome: str, line: str) -> None:
    ran = project.run(CLIENTS_TESTS, f"test_client.py::{test}")
    assert (ran.code, ran.outcome) == (int(bool(line)), outcome), ran.text
    if line:
        assert ran.after("ERRORS" if "error" in outcome else "FAILURES")[1].startswith(line)
    assert not any(text in ran.text for text in ("Traceback", "The above exception", "ZeroDivisionError"))


def test_a_failure_says_what_to_send_and_how_to_allow_it(project: Project) -> None:
    text = project.run(CLIENTS_TESTS, "test_client.py::test_violation").text
    assert "\n  instead    one of days, hours, minutes\n" in text
    assert '\nIf this is intended, allow it: @pytest.mark.trackly_allow("filter.time.unit")\n' in text
    assert "\nFAILED test_client.py::test_violation - Failed: filter.time.unit" in text


@pytest.mark.parametrize(
    ("test", "own"),
    [
        ("test_violation_of_a_test_that_fails", "client.ApiError"),
        ("TestCase::test_violation_before_a_failure_of_a_case", "AssertionError: mine"),
    ],
)
def test_a_test_that_fails_by_itself_shows_its_violations_once(project: Project, test: str, own: str) -> None:
    ran = project.run(CLIENTS_TESTS, f"test_client.py::{test}")
    assert (ran.code, ran.outcome) == (1, "1 failed")
    assert own in ran.text
    assert sum(line.startswith("  instead ") for line in ran.lines) == 1


def test_settings_allow_violations_and_name_base_urls(project: Project) -> None:
    tests = ("test_client.py::test_carrier", "test_client.py::test_sandbox")
    assert project.run(CLIENTS_TESTS, *tests).outcome == "2 failed"
    ini = "trackly_allow =\n    token-unlisted:carrier\n    token-unlisted:eq\n"
    ran = project.run(CLIENTS_TESTS, *tests, ini=f"{ini}trackly_base_urls =\n    https://sandbox.example/api\n")
    assert ran.outcome == "2 passed", ran.text


def test_no_gate_outlives_its_test(project: Project) -> None:
    assert project.run(CLIENTS_TESTS, "-k", "outlived").outcome.startswith("2 passed")


def test_each_response_is_a_test_of_its_name(project: Project) -> None:
    ran = project.run(CLIENTS_TESTS, "--collect-only", "test_client.py::test_handles")
    assert {f"test_client.py::test_handles[{name}]" for name in possible_responses()} <= set(ran.lines)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_coverage_is_of_all_tests_together(project: Project, workers: list[str]) -> None:
    ran = project.run(CLIENTS_TESTS, "test_client.py::test_handles", "--trackly-fail-under=responses:95", *workers)
    assert (ran.code, ran.outcome) == (0, f"{RESPONSES - 1} passed, 1 skipped"), ran.text
    assert ran.after("trackly gate")[0].startswith(f"responses received  {RESPONSES - 1} of {RESPONSES} (")


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_too_little_coverage_fails_the_run_and_says_so(project: Project, workers: list[str]) -> None:
    ran = project.run(
        CLIENTS_TESTS, "test_client.py::test_given_the_transport", "--trackly-fail-under=requests:50", *workers
    )
    assert ran.code == 1
    assert any(re.fullmatch(r"FAILED requests: [\d.]+ % is below the required 50 %", line) for line in ran.lines)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 0, ""),
        (["--trackly-fail-under=1"], 1, "no test used the gate"),
        (["--trackly-fail-under=1", "--collect-only"], 0, ""),
        (["--trackly-fail-under=1", "--setup-plan"], 0, ""),
        (["--trackly-fail-under=codes:90"], 4, "give a percentage, as 90, responses:90 or requests:40"),
    ],
)
def test_it_is_silent_where_no_test_uses_it_unless_coverage_is_required(
    project: Project, arguments: list[str], code: int, said: str
) -> None:
    ran = project.run("def test_own():\n    assert True\n", *arguments)
    assert ran.code == code
    assert (said in ran.text) if said else ("trackly" not in ran.text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("operation", "delete", "trackly_operation is 'read' or 'update'"),
        ("base_url", "sandbox.example/api", "'sandbox.example/api' is no base URL, such as https://host"),
        ("base_url", "ftp://sandbox.example", "'ftp://sandbox.example' is no base URL, such as"),
        ("base_url", "http://x:port", "'http://x:port' is no base URL, such as"),
    ],
)
def test_a_setting_that_is_none_is_an_error(project: Project, name: str, value: str, said: str) -> None:
    marked = f"@pytest.mark.trackly_operation('{value}')\ndef test_it(trackly_api, trackly_response):\n    pass\n"
    ran = project.run(marked) if name == "operation" else project.run("", ini=f"trackly_base_urls = {value}\n")
    assert ran.code > 1
    assert said in ran.text
