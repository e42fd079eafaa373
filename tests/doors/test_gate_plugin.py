"""The gate in a client's own pytest: what fails, what passes, what is said, alone and under pytest-xdist."""

from __future__ import annotations

import pytest

from tests.support.client_project import Project
from trackly_contract.gate import possible_answers, possible_faults


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    return Project(pytester)


def test_a_client_that_keeps_to_the_documentation_passes(project: Project) -> None:
    ran = project.run("""
def test_rename(client, trackly_api):
    assert client.update(trackly_api.audience_id, name="New")["name"] == "New"
    assert (trackly_api.before["name"], trackly_api.after["name"]) == ("High-Value Clickers", "New")
""")
    assert ran.code == 0
    assert "1 passed" in ran.text


def test_a_request_that_the_api_would_refuse_fails_its_test_with_what_to_change(project: Project) -> None:
    ran = project.run("""
def test_weeks(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""")
    assert ran.code == 1
    shown = ran.after("FAILURES")
    assert shown[1].split() == ["filter.time.unit", "refused", "·", "400", "invalid_time_unit"]
    assert "  instead    one of days, hours, minutes" in shown
    assert 'Meant? Then say so: @pytest.mark.trackly_meant("filter.time.unit")' in shown
    assert "FAILED test_client.py::test_weeks - Failed: filter.time.unit" in ran.text
    assert "Traceback" not in ran.text


def test_a_fault_passes_where_the_test_says_that_it_is_meant(project: Project) -> None:
    ran = project.run("""
@pytest.mark.trackly_meant("filter.time.unit")
def test_marked(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)

@pytest.mark.trackly_meant
def test_marked_for_any(client, trackly_api):
    with pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)

def test_inside(client, trackly_api):
    with trackly_api.meant("filter.time.unit"), pytest.raises(ApiError):
        client.bad_update(trackly_api.audience_id)
""")
    assert ran.code == 0
    assert "3 passed" in ran.text


def test_a_fault_that_is_meant_and_never_sent_fails(project: Project) -> None:
    ran = project.run("""
@pytest.mark.trackly_meant("filter.time.unit")
def test_marked(client, trackly_api):
    client.read(trackly_api.audience_id)
""")
    assert ran.code == 1
    assert ran.after("FAILURES")[1] == "meant, and never sent: filter.time.unit"


def test_a_fault_can_be_meant_in_the_whole_project(project: Project) -> None:
    tests = """
def test_carrier(client, trackly_api):
    condition = {"condition_type": "carrier", "operator": "eq", "value": "x"}
    client.update(trackly_api.audience_id, filter={"operator": "AND", "conditions": [condition]})
"""
    assert project.run(tests).code == 1
    ran = project.run(tests, ini="trackly_meant =\n    token-unlisted:carrier\n    token-unlisted:eq\n")
    assert ran.code == 0, ran.text


def test_a_test_that_fails_by_itself_shows_the_requests_at_fault_too(project: Project) -> None:
    ran = project.run("""
def test_weeks(client, trackly_api):
    client.bad_update(trackly_api.audience_id)
""")
    assert ran.code == 1
    assert "ApiError" in ran.text
    assert "requests at fault" in ran.text
    assert "one of days, hours, minutes" in ran.text


def test_a_test_that_reaches_nothing_fails(project: Project) -> None:
    ran = project.run("def test_nothing(trackly_api):\n    pass\n")
    assert ran.code == 1
    assert ran.after("FAILURES")[1].startswith("no request reached trackly_api: the test sent none, or")


def test_a_client_with_a_transport_of_its_own_is_told(project: Project) -> None:
    ran = project.run("""
import socket, httpx

class Own(httpx.BaseTransport):
    def handle_request(self, request):
        with socket.create_connection((request.url.host, 443), timeout=5):
            return httpx.Response(200)

def test_own(trackly_api):
    with pytest.raises((ApiError, OSError)):
        Client(trackly_api.api_key, transport=Own()).read(trackly_api.audience_id)

def test_given_ours(trackly_api):
    Client(trackly_api.api_key, transport=trackly_api.transport).read(trackly_api.audience_id)
""")
    assert ran.code == 1
    assert "1 failed, 1 passed" in ran.text
    assert "went past trackly_api and was stopped" in ran.after("FAILURES")[1]


def test_an_async_test_of_an_async_client_is_judged_too(project: Project) -> None:
    ran = project.run("""
import httpx

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_rename(trackly_api):
    async with httpx.AsyncClient(headers={"X-Api-Key": trackly_api.api_key}) as http:
        url = f"{trackly_api.base_url}/v2/audiences/{trackly_api.audience_id}"
        assert (await http.put(url, json={"name": "New"})).status_code == 200
        assert (await http.put(url, json={"title": "New"})).status_code == 200
    assert trackly_api.after["name"] == "New"
""")
    assert ran.code == 1
    assert ran.after("FAILURES")[1].split() == ["unknown-key", "undocumented"]


def test_another_base_url_is_a_setting(project: Project) -> None:
    tests = """
def test_sandbox(trackly_api):
    Client(trackly_api.api_key, "https://sandbox.example/api").read(trackly_api.audience_id)
"""
    ran = project.run(tests, ini="trackly_base_urls =\n    https://sandbox.example/api\n")
    assert ran.code == 0, ran.text


def test_a_server_is_reached_by_any_client(project: Project) -> None:
    ran = project.run("""
import urllib.request

def test_urllib(trackly_server):
    url = f"{trackly_server.base_url}/v2/audiences/{trackly_server.audience_id}"
    request = urllib.request.Request(url, headers={"X-Api-Key": trackly_server.api_key})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200

def test_judged(trackly_server):
    client = Client(trackly_server.api_key, trackly_server.base_url)
    with client.http, pytest.raises(ApiError):
        client.bad_update(trackly_server.audience_id)
""")
    assert ran.code == 1
    assert "1 failed, 1 passed" in ran.text
    assert "one of days, hours, minutes" in ran.text


SURVIVES = """
def test_survives(client, trackly_answer):
    with trackly_answer.survived(ApiError):
        if trackly_answer.operation == "read":
            client.read(trackly_answer.audience_id)
        else:
            client.update(trackly_answer.audience_id, name="New")
"""

READS = """
@pytest.mark.trackly_operation("read")
def test_size(client, trackly_answer):
    with trackly_answer.survived(ApiError):
        client.read(trackly_answer.audience_id)["cached_size"] + 1
"""


@pytest.mark.parametrize("fixture", ["trackly_answer", "trackly_fault"])
def test_an_answer_that_nothing_leads_to_is_refused_before_the_client_reaches_the_api(
    project: Project, fixture: str
) -> None:
    ran = project.run(f"def test_it({fixture}):\n    raise ZeroDivisionError\n", "-x")
    assert ran.code == 1
    told = f"{fixture} says what is answered, and nothing leads the client there: let the test ask for trackly_api "
    assert f"{told}or trackly_server too" in ran.lines
    assert "ZeroDivisionError" not in ran.text


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_client_that_is_ready_survives_every_answer(project: Project, arguments: tuple[str, ...]) -> None:
    ran = project.run(SURVIVES, *arguments, "--trackly-fail-under=answers:98")
    assert ran.code == 0, ran.text
    every = len(possible_answers())
    assert f"{every - 1} passed, 1 skipped" in ran.text
    assert ran.after("trackly gate")[0] == f"answers met    {every - 1} of {every} (98.6 %)"


def test_each_answer_is_a_test_of_its_name(project: Project) -> None:
    ran = project.run(SURVIVES, "--collect-only")
    for name in possible_answers():
        assert f"test_client.py::test_survives[{name}]" in ran.lines


def test_a_client_that_trips_over_an_answer_is_told_which_and_where(project: Project) -> None:
    ran = project.run(READS)
    assert ran.code == 1
    assert "FAILED test_client.py::test_size[read-200-null-cache]" in ran.text
    shown = ran.after("FAILURES")
    assert shown[1].split() == ["read-200-null-cache", "not", "survived"]
    assert any("TypeError: unsupported operand" in line for line in shown)
    assert "The above exception" not in ran.text
    reads = sum(answer.operation == "read" for answer in possible_answers().values())
    assert f"1 failed, {reads - 1} passed" in ran.text


def test_a_client_survives_the_faults_of_the_way(project: Project) -> None:
    ran = project.run("""
@pytest.mark.trackly_operation("read")
def test_survives(client, trackly_fault):
    with trackly_fault.survived(ApiError):
        client.read(trackly_fault.audience_id)
""")
    assert ran.code == 0, ran.text
    assert f"{len(possible_faults()) // 2} passed" in ran.text


def test_an_operation_that_there_is_not_is_an_error(project: Project) -> None:
    ran = project.run(READS.replace('"read"', '"delete"'))
    assert ran.code != 0
    assert "trackly_operation is 'read' or 'update'" in ran.text


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_too_little_coverage_fails_the_run_and_says_so(project: Project, arguments: tuple[str, ...]) -> None:
    ran = project.run(
        "def test_read(client, trackly_api):\n    client.read(trackly_api.audience_id)\n",
        *arguments,
        "--trackly-fail-under=requests:50",
    )
    assert ran.code == 1
    assert "FAILED requests: 4.0 % is below the 50 % that is required" in ran.lines


def test_a_share_that_is_none_is_refused(project: Project) -> None:
    ran = project.run("", "--trackly-fail-under=codes:90")
    assert ran.code == 4
    assert "give a percentage, as 90, answers:90 or requests:40" in ran.text


def test_it_is_silent_where_no_test_uses_it(project: Project) -> None:
    ran = project.run("def test_own():\n    assert True\n")
    assert ran.code == 0
    assert "trackly" not in ran.text


def test_it_is_required_and_nobody_uses_it(project: Project) -> None:
    ran = project.run("def test_own():\n    assert True\n", "--trackly-fail-under=1")
    assert ran.code == 1
    assert "no test used the gate" in ran.text
