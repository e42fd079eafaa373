"""A client with tests of its own, in a folder of its own, whose pytest is run."""

import os
import re
from unittest import mock

import pytest

from trackly_contract import gate

# pytester forgets the modules that a run imports; the face of the gate would then hold classes of two copies of one.
for _name in dir(gate):
    getattr(gate, _name)

CLIENT = """
import httpx

class ApiError(Exception):
    pass

class Client:
    def __init__(self, key, base_url="https://app.tracklysms.com/api", **options):
        self.http = httpx.Client(base_url=base_url, headers={"X-Api-Key": key}, trust_env=False, **options)

    def send(self, method, audience_id, **options):
        try:
            answer = self.http.request(method, f"/v2/audiences/{audience_id}", **options)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ApiError(str(error)) from error

    def read(self, audience_id):
        return self.send("GET", audience_id)

    def update(self, audience_id, **members):
        return self.send("PUT", audience_id, json=members)
"""

TESTS = """
import gc, socket, unittest, urllib.request, weakref
import httpx, pytest
from client import ApiError, Client

@pytest.fixture
def client(trackly_api):
    return Client(trackly_api.api_key)

@pytest.fixture
def unknown_key(client, trackly_api):
    return lambda: client.update(trackly_api.audience_id, title=1)

@pytest.fixture
def weeks(client, trackly_api):
    condition = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "weeks"}
    filter = {"operator": "AND", "conditions": [condition]}
    return lambda: client.update(trackly_api.audience_id, filter=filter)

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

def test_a_browser_asks_first(trackly_server):
    url = f"{trackly_server.base_url}/v2/audiences/{trackly_server.audience_id}"
    headers = {"Origin": "https://console.example", "Access-Control-Request-Method": "PUT"}
    assert httpx.options(url, headers=headers, trust_env=False).status_code == 405

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
"""


class Ran:
    """How a client's pytest ended, and what it said; `outcome` is its last line, such as `1 failed, 2 passed`."""

    def __init__(self, ran: pytest.RunResult) -> None:
        self.code, self.lines = int(ran.ret), [*ran.outlines, *ran.errlines]
        self.text = "\n".join(self.lines)
        self.outcome = re.sub(r" in [\d.]+s.*", "", self.lines[-1])

    def after(self, head: str) -> list[str]:
        """The lines after the section of that name."""
        return self.lines[next(index for index, line in enumerate(self.lines) if f"= {head} =" in line) + 1 :]


def in_a_process(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in a process of its own, which starts fast: with the plugins that it needs."""
    plugins = ["-p", "xdist", "-p", "anyio", "-p", "trackly_contract.plugin"]
    with mock.patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", COLUMNS="120"):
        return pytester.runpytest_subprocess("-q", *plugins, *arguments)


def run(pytester: pytest.Pytester, *arguments: str, tests: str = TESTS, ini: str = "") -> Ran:
    """Run some tests of the client: test_NAME, or those that other arguments choose."""
    pytester.makepyfile(client=CLIENT, test_client=tests)
    pytester.makeini(f"[pytest]\naddopts = -W error -p no:cacheprovider\n{ini}")
    arguments = tuple(f"test_client.py::{each}" if each.lower().startswith("test") else each for each in arguments)
    if "-n" in arguments:  # pytest-xdist starts processes, which need one of their own
        return Ran(in_a_process(pytester, *arguments))
    with mock.patch.dict(os.environ, COLUMNS="120"):
        return Ran(pytester.runpytest_inprocess("-q", *arguments))
