"""The gate in a client's own pytest: what passes, what fails with which text, alone and under pytest-xdist."""

from __future__ import annotations

import pytest

from tests.support.client_project import Project
from trackly_contract.gate import network_faults, possible_responses

RESPONSES = len(possible_responses())
READS = sum(scenario.operation == "read" for scenario in possible_responses().values())

BAD = "client.update(trackly_api.audience_id, title=1)"
UNKNOWN_KEY = "unknown-key                         undocumented"
WEEKS = "filter.time.unit                    refused · 400 invalid_time_unit"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    return Project(pytester)


HANDLES = """
def test_handles(client, trackly_response):
    with trackly_response.handled(ApiError):
        if trackly_response.operation == "read":
            client.read(trackly_response.audience_id)
        else:
            client.update(trackly_response.audience_id, name="New")
"""

TRIPS = """
@pytest.mark.trackly_operation("read")
def test_size(client, trackly_response):
    with trackly_response.handled(ApiError):
        client.read(trackly_response.audience_id)["cached_size"] + 1
"""

CARRIER = """
def test_carrier(client, trackly_api):
    condition = {"condition_type": "carrier", "operator": "eq", "value": "x"}
    client.update(trackly_api.audience_id, filter={"operator": "AND", "conditions": [condition]})
"""

PASSES = {
    "a client that keeps to the documentation": """
def test_rename(client, trackly_api):
    assert client.update(trackly_api.audience_id, name="New")["name"] == "New"
    assert (trackly_api.before["name"], trackly_api.after["name"]) == ("High-Value Clickers", "New")
""",
    "a violation that a marker allows": """
@pytest.mark.trackly_allow("filter.time.unit")
def test_marked(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""",
    "any violation where a marker allows any": """
@pytest.mark.trackly_allow
def test_marked_for_any(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""",
    "a violation that is allowed inside": """
def test_inside(client, trackly_api):
    with trackly_api.allow("filter.time.unit"), pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""",
    "a client that is given the transport": """
def test_given_ours(trackly_api):
    Client(trackly_api.api_key, transport=trackly_api.transport).read(trackly_api.audience_id)
""",
    "a client of the server": """
import urllib.request

def test_urllib(trackly_server):
    url = f"{trackly_server.base_url}/v2/audiences/{trackly_server.audience_id}"
    request = urllib.request.Request(url, headers={"X-Api-Key": trackly_server.api_key})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
""",
}


@pytest.mark.parametrize("tests", PASSES.values(), ids=PASSES)
def test_it_passes(project: Project, tests: str) -> None:
    ran = project.run(tests)
    assert (ran.code, ran.outcome) == (0, "1 passed"), ran.text


FAILS = {
    "a violation, whatever the test says of the error": (
        """
def test_weeks(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""",
        "1 failed",
        WEEKS,
    ),
    "a violation that is allowed and never sent": (
        """
@pytest.mark.trackly_allow("filter.time.unit")
def test_marked(client, trackly_api):
    client.read(trackly_api.audience_id)
""",
        "1 failed",
        "allowed, but never sent: filter.time.unit",
    ),
    "a violation that a fixture sends at its end": (
        f"""
@pytest.fixture
def cleaned(client, trackly_api):
    yield
    {BAD}

def test_it(cleaned, client, trackly_api):
    client.read(trackly_api.audience_id)
""",
        "1 passed, 1 error",
        UNKNOWN_KEY,
    ),
    "a violation, once, though a fixture ends after it": (
        f"def test_it(client, trackly_api):\n    {BAD}\n",
        "1 failed",
        UNKNOWN_KEY,
    ),
    "a violation before a skip of a fixture": (
        f"""
@pytest.fixture
def skipping(client, trackly_api):
    {BAD}
    pytest.skip("not today")

def test_it(skipping):
    pass
""",
        "1 skipped, 1 error",
        UNKNOWN_KEY,
    ),
    "a violation before a skip": (
        f"""
def test_it(client, trackly_api):
    {BAD}
    pytest.skip("not today")
""",
        "1 skipped, 1 error",
        UNKNOWN_KEY,
    ),
    "a violation before a skip of a unittest case": (
        f"""
class TestCase(Case):
    def test_it(self):
        trackly_api, client = map(self.get, ("trackly_api", "client"))
        {BAD}
        self.skipTest("not today")
""",
        "1 skipped, 1 error",
        UNKNOWN_KEY,
    ),
    "a violation of a test that asks for the gate while it runs": (
        f"""
def test_it(request):
    client, trackly_api = map(request.getfixturevalue, ("client", "trackly_api"))
    {BAD}
""",
        "1 failed",
        UNKNOWN_KEY,
    ),
    "a violation of an async client": (
        """
import httpx

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_rename(trackly_api):
    async with httpx.AsyncClient(headers={"X-Api-Key": trackly_api.api_key}) as http:
        url = f"{trackly_api.base_url}/v2/audiences/{trackly_api.audience_id}"
        assert (await http.put(url, json={"name": "New"})).status_code == 200
        assert (await http.put(url, json={"title": "New"})).status_code == 200
    assert trackly_api.after["name"] == "New"
""",
        "1 failed",
        UNKNOWN_KEY,
    ),
    "a violation of a client of the server": (
        """
def test_judged(trackly_server):
    client = Client(trackly_server.api_key, trackly_server.base_url)
    with client.http, pytest.raises(ApiError):
        client.bad_update(trackly_server.audience_id)
""",
        "1 failed",
        WEEKS,
    ),
    "a test that reaches nothing": (
        "def test_nothing(trackly_api):\n    pass\n",
        "1 failed",
        "no request reached trackly_api: the test sent none, or its client has a transport",
    ),
    "a test whose client goes elsewhere than to the server": (
        "def test_nothing(trackly_server):\n    pass\n",
        "1 failed",
        "no request reached trackly_server: the test sent none, or its client has another",
    ),
    "a client that goes past the gate": (
        """
import socket, httpx

class Own(httpx.BaseTransport):
    def handle_request(self, request):
        with socket.create_connection((request.url.host, 443), timeout=5):
            return httpx.Response(200)

def test_own(trackly_api):
    with pytest.raises((ApiError, OSError)):
        Client(trackly_api.api_key, transport=Own()).read(trackly_api.audience_id)
""",
        "1 failed",
        "a request to app.tracklysms.com went past trackly_api and was stopped",
    ),
    "a scenario that is never given": (
        """
@pytest.mark.trackly_operation("read")
def test_it(client, trackly_response):
    client.read(trackly_response.audience_id)
""",
        f"{READS} failed",
        "read-200-as-documented: never given. Send the request inside handled(...), which forces it",
    ),
    "a client that trips over a response": (
        TRIPS,
        f"1 failed, {READS - 1} passed",
        "read-200-null-cache                                          not handled",
    ),
}


@pytest.mark.parametrize(("tests", "outcome", "line"), FAILS.values(), ids=FAILS)
def test_it_fails_with_a_text(project: Project, tests: str, outcome: str, line: str) -> None:
    ran = project.run(tests)
    assert (ran.code, ran.outcome) == (1, outcome), ran.text
    shown = ran.after("ERRORS" if "error" in outcome else "FAILURES")
    assert shown[1].startswith(line)
    assert "Traceback" not in ran.text
    assert "The above exception" not in ran.text


def test_a_failure_says_what_to_send_and_how_to_allow_it(project: Project) -> None:
    ran = project.run("def test_weeks(client, trackly_api):\n    client.bad_update(trackly_api.audience_id)\n")
    # The test fails by itself too: the violations are a section of their own.
    shown = ran.lines[next(index for index, line in enumerate(ran.lines) if "violations in requests" in line) :]
    assert "ApiError" in ran.text
    assert "  instead    one of days, hours, minutes" in shown
    ran = project.run(FAILS["a violation, whatever the test says of the error"][0])
    assert "  instead    one of days, hours, minutes" in ran.lines
    assert 'If this is intended, allow it: @pytest.mark.trackly_allow("filter.time.unit")' in ran.lines
    assert "FAILED test_client.py::test_weeks - Failed: filter.time.unit" in ran.text


def test_a_case_that_fails_by_itself_shows_the_violations_once(project: Project) -> None:
    ran = project.run(f"""
class TestCase(Case):
    def test_it(self):
        trackly_api, client = map(self.get, ("trackly_api", "client"))
        {BAD}
        self.fail("mine")
""")
    assert (ran.code, ran.outcome) == (1, "1 failed")
    assert "AssertionError: mine" in ran.text
    assert ran.lines.count("  instead    one of name, description, source_lists, filter") == 1


def test_settings_allow_violations_and_name_base_urls(project: Project) -> None:
    tests = """
def test_sandbox(trackly_api):
    Client(trackly_api.api_key, "https://sandbox.example/api").read(trackly_api.audience_id)
"""
    assert project.run(CARRIER).code == 1
    ini = "trackly_allow =\n    token-unlisted:carrier\n    token-unlisted:eq\n"
    ran = project.run(CARRIER + tests, ini=f"{ini}trackly_base_urls =\n    https://sandbox.example/api\n")
    assert ran.code == 0, ran.text


@pytest.mark.parametrize("fixture", ["trackly_response", "trackly_network_fault"])
def test_a_scenario_that_nothing_leads_to_fails_before_the_client_reaches_the_api(
    project: Project, fixture: str
) -> None:
    ran = project.run(f"def test_it({fixture}):\n    raise ZeroDivisionError\n", "-x")
    assert ran.code == 1
    said = f"{fixture} needs a client that reaches the gate: ask for trackly_api or trackly_server too"
    assert said in ran.lines
    assert "ZeroDivisionError" not in ran.text


def test_each_response_is_a_test_of_its_name(project: Project) -> None:
    ran = project.run(HANDLES, "--collect-only")
    assert {f"test_client.py::test_handles[{name}]" for name in possible_responses()} <= set(ran.lines)


def test_a_client_handles_network_faults(project: Project) -> None:
    tests = HANDLES.replace("trackly_response", "trackly_network_fault")
    assert project.run(tests).outcome == f"{len(network_faults())} passed"


def test_a_scenario_may_be_forced_by_hand(project: Project) -> None:
    ran = project.run("""
@pytest.mark.trackly_operation("read")
def test_by_hand(client, trackly_api, trackly_response):
    trackly_api.force(trackly_response.scenario)
    try:
        client.read(trackly_response.audience_id)
    except ApiError:
        pass
""")
    assert ran.outcome == f"{READS} passed"


def test_no_gate_outlives_its_test(project: Project) -> None:
    ran = project.run("""
import gc, weakref

KEPT = []

def test_it(client, trackly_api):
    client.read(trackly_api.audience_id)
    KEPT.append(weakref.ref(trackly_api))

def test_after():
    gc.collect()
    assert KEPT[0]() is None
""")
    assert ran.outcome == "2 passed", ran.text


# Coverage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_coverage_is_of_all_tests_together(project: Project, workers: list[str]) -> None:
    ran = project.run(HANDLES, "--trackly-fail-under=responses:98", *workers)
    assert (ran.code, ran.outcome) == (0, f"{RESPONSES - 1} passed, 1 skipped"), ran.text
    assert ran.after("trackly gate")[0] == f"responses received  {RESPONSES - 1} of {RESPONSES} (98.6 %)"


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_too_little_coverage_fails_the_run_and_says_so(project: Project, workers: list[str]) -> None:
    read = "def test_read(client, trackly_api):\n    client.read(trackly_api.audience_id)\n"
    ran = project.run(read, "--trackly-fail-under=requests:50", *workers)
    assert ran.code == 1
    assert "FAILED requests: 4.0 % is below the required 50 %" in ran.lines


OWN = "def test_own():\n    assert True\n"


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
    ran = project.run(OWN, *arguments)
    assert ran.code == code
    assert (said in ran.text) if said else ("trackly" not in ran.text)


@pytest.mark.parametrize(
    ("tests", "ini", "said"),
    [
        (TRIPS.replace('"read"', '"delete"'), "", "trackly_operation is 'read' or 'update'"),
        (
            OWN,
            "trackly_base_urls =\n    sandbox.example/api\n",
            "'sandbox.example/api' is no base URL, such as https://",
        ),
    ],
)
def test_a_setting_that_is_none_is_an_error(project: Project, tests: str, ini: str, said: str) -> None:
    ran = project.run(tests, ini=ini)
    assert ran.code > 1
    assert said in ran.text
