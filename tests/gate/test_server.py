"""Facts about the gate over real HTTP: faults on real sockets, and the control interface beside the API."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from trackly_contract.gate import Control, Gate, possible_answers, possible_faults, running_gate
from trackly_contract.gate.control import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKS = {
    "filter": {
        "operator": "AND",
        "conditions": [
            {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "weeks"}
        ],
    }
}


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def client(gate: Gate) -> Iterator[httpx.Client]:
    with (
        running_gate(Control(gate)) as url,
        httpx.Client(base_url=url, headers={"X-Api-Key": gate.api_key}, trust_env=False, timeout=30) as opened,
    ):
        yield opened


def control(client: httpx.Client, method: str, path: str = "", value: Any = None) -> httpx.Response:
    url = str(client.base_url).removesuffix("/api/") + "/control" + path
    return client.request(method, url, json=value)


def read(client: httpx.Client, gate: Gate, **options: Any) -> httpx.Response:
    return client.get(f"/v2/audiences/{gate.audience_id}", **options)


def put(client: httpx.Client, gate: Gate, body: Any) -> httpx.Response:
    return client.put(f"/v2/audiences/{gate.audience_id}", json=body)


def test_it_answers_over_http_and_knows_its_address(client: httpx.Client, gate: Gate) -> None:
    assert read(client, gate).json()["name"] == "High-Value Clickers"
    assert str(client.base_url) == f"{gate.base_url}/"


def test_a_query_arrives(client: httpx.Client, gate: Gate) -> None:
    read(client, gate, params={"expand": "1"})
    assert gate.last.query == "expand=1"


@pytest.mark.parametrize("size", [200, 6_000_000])
def test_a_body_that_is_too_long_is_judged_whole(client: httpx.Client, gate: Gate, size: int) -> None:
    gate.choose(largest_body=min(size - 50, gate.server.choices.largest_body))
    assert put(client, gate, {"description": "n" * size}).status_code == 413
    assert gate.failures() == []


def test_a_path_outside_the_base_url_is_told_as_it_was_sent(client: httpx.Client, gate: Gate) -> None:
    url = gate.base_url.removesuffix("/api")
    assert client.get(f"{url}/v2/audiences/{gate.audience_id}").status_code == 404
    assert [fault.got for fault in gate.last.failures] == [f"GET {url}/v2/audiences/{gate.audience_id}"]


@pytest.mark.parametrize(
    "name", [name for name, fault in possible_faults().items() if name.startswith("read") and fault.status >= 400]
)
def test_a_fault_of_a_gateway_arrives_as_it_is(client: httpx.Client, gate: Gate, name: str) -> None:
    fault = possible_faults()[name]
    gate.force(name)
    answer = read(client, gate)
    assert (answer.status_code, answer.content) == (fault.status, fault.body)
    assert answer.headers.get("Retry-After") == dict(fault.headers).get("Retry-After")


def test_a_connection_is_closed_without_an_answer(client: httpx.Client, gate: Gate) -> None:
    gate.force("disconnected", operation="read")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        read(client, gate)
    assert read(client, gate).status_code == 200


def test_an_answer_breaks_off_in_its_middle(client: httpx.Client, gate: Gate) -> None:
    gate.force("truncated", operation="read")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        read(client, gate)


def test_an_answer_that_never_comes_ends_with_the_client(client: httpx.Client, gate: Gate) -> None:
    gate.force("timeout", operation="read")
    with pytest.raises(httpx.ReadTimeout):
        read(client, gate, timeout=0.2)
    assert read(client, gate).status_code == 200


def test_an_answer_that_never_comes_does_not_keep_the_server_from_closing(gate: Gate) -> None:
    gate.force("timeout", operation="read")
    waiting = threading.Event()

    def wait(url: str) -> None:
        waiting.set()
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{url}/v2/audiences/{gate.audience_id}", timeout=60, trust_env=False)

    with running_gate(Control(gate)) as url:
        thread = threading.Thread(target=wait, args=(url,), daemon=True)
        thread.start()
        assert waiting.wait(10)
        while not gate.requests:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    thread.join(10)
    assert not thread.is_alive()


def test_while_one_answer_is_held_back_others_are_given(client: httpx.Client, gate: Gate) -> None:
    gate.force("timeout", operation="update")

    def wait() -> None:
        with pytest.raises(httpx.ReadTimeout):
            client.put(f"/v2/audiences/{gate.audience_id}", json={"name": "x"}, timeout=1)

    thread = threading.Thread(target=wait)
    thread.start()
    assert [read(client, gate).status_code for _ in range(3)] == [200, 200, 200]
    thread.join(30)


def test_it_is_on_loopback_alone(client: httpx.Client) -> None:
    port = client.base_url.port
    assert port is not None
    other = socket.gethostbyname(socket.gethostname())
    if other.startswith("127."):
        other = "127.0.0.2"
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"), socket.create_connection((other, port), 2):
        pass


# The control interface ---------------------------------------------------------------------------------


def test_it_says_what_a_client_is_to_be_given(client: httpx.Client, gate: Gate) -> None:
    told = control(client, "GET").json()
    assert (told["base_url"], told["api_key"], told["audience_id"]) == (gate.base_url, gate.api_key, gate.audience_id)
    assert told["endpoints"] == ENDPOINTS


def test_every_endpoint_that_is_listed_is_there(client: httpx.Client) -> None:
    for endpoint in ENDPOINTS:
        methods, _, path = endpoint.rpartition(" ")
        for method in methods.split(", "):
            answer = control(client, method, path.removeprefix("/control").replace("ID", "abc"), {})
            assert '"endpoints"' not in answer.text or method + path == "GET/control", endpoint


def test_an_endpoint_that_is_not_there_is_told_with_those_that_are(client: httpx.Client) -> None:
    answer = control(client, "PUT", "/nexxt", {})
    assert answer.status_code == 404
    assert answer.json()["error"] == "there is no PUT /control/nexxt"
    assert "PUT /control/next" in answer.json()["endpoints"]


def test_all_answers_that_can_be_forced_are_listed(client: httpx.Client) -> None:
    names = {answer["name"] for answer in control(client, "GET", "/answers").json()}
    assert names == {*possible_answers(), *possible_faults()}


def test_an_audience_is_arranged_inspected_and_removed(client: httpx.Client, gate: Gate) -> None:
    assert control(client, "PUT", "/audiences/abc", {"name": "Second"}).json()["name"] == "Second"
    assert client.get("/v2/audiences/abc").json()["name"] == "Second"
    assert control(client, "GET", "/audiences/abc").json()["id"] == "abc"
    assert set(control(client, "GET", "/audiences").json()) == {"abc", gate.audience_id}
    control(client, "DELETE", "/audiences/abc")
    assert control(client, "GET", "/audiences/abc").status_code == 404


def test_lists_and_keys_are_arranged(client: httpx.Client, gate: Gate) -> None:
    assert control(client, "PUT", "/lists", [7]).json() == [7]
    assert put(client, gate, {"source_lists": [7]}).status_code == 200
    assert control(client, "PUT", "/keys", ["another"]).json() == ["another"]
    assert read(client, gate).status_code == 401


def test_choices_are_made_and_shown(client: httpx.Client, gate: Gate) -> None:
    assert control(client, "PUT", "/choices", {"keeps_unknown_keys": True}).json()["keeps_unknown_keys"] is True
    assert gate.server.choices.keeps_unknown_keys
    control(client, "POST", "/reset")
    assert control(client, "GET", "/choices").json()["keeps_unknown_keys"] is False


def test_an_answer_is_forced_and_released(client: httpx.Client, gate: Gate) -> None:
    control(client, "PUT", "/next", {"answer": "404", "times": None, "operation": "read"})
    assert [read(client, gate).status_code for _ in range(3)] == [404, 404, 404]
    control(client, "DELETE", "/next")
    assert read(client, gate).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "value", "said"),
    [
        ("PUT", "/next", {"answer": "nope"}, "there is no answer 'nope'"),
        ("PUT", "/next", {"answer": "404", "times": 0}, "times=0"),
        ("PUT", "/next", {"answer": "404", "times": "1"}, "times is '1'"),
        ("PUT", "/next", {"answer": "404", "operation": "size"}, "operation is 'size'"),
        ("PUT", "/next", {}, 'wants {"answer": NAME}'),
        ("PUT", "/next", [], 'wants {"answer": NAME}'),
        ("PUT", "/choices", {"colour": "red"}, "there is no choice 'colour'"),
        ("PUT", "/choices", [], "wants an object"),
        ("PUT", "/lists", ["a"], "wants an array of integers"),
        ("PUT", "/keys", [""], "wants an array of texts"),
        ("PUT", "/meant", "x", "wants an array of names"),
        ("PUT", "/audiences/abc", {"title": "x"}, "an audience has no 'title'"),
        ("PUT", "/audiences/abc", [], "wants an object"),
        ("PUT", "/audiences", {}, "PUT /control/audiences/ID"),
    ],
)
def test_a_slip_is_told_with_what_to_send(client: httpx.Client, method: str, path: str, value: Any, said: str) -> None:
    answer = control(client, method, path, value)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_body_that_is_no_json_is_told(client: httpx.Client) -> None:
    url = str(client.base_url).removesuffix("/api/") + "/control/next"
    answer = client.put(url, content=b"{")
    assert (answer.status_code, answer.json()["error"][:25]) == (400, "the body is no JSON: Expe")


def test_the_judgement_is_a_status_that_curl_understands(client: httpx.Client, gate: Gate) -> None:
    read(client, gate)
    passed = control(client, "GET", "/judgement")
    assert (passed.status_code, passed.json()["verdict"], passed.json()["faults"]) == (200, "passed", [])
    put(client, gate, WEEKS)
    failed = control(client, "GET", "/judgement")
    assert (failed.status_code, failed.json()["verdict"], failed.json()["requests"]) == (409, "failed", 2)
    assert failed.json()["faults"][0].startswith("filter.time.unit ")
    assert failed.json()["coverage"]["answers"]["met"] == 1


def test_a_fault_that_is_meant_passes(client: httpx.Client, gate: Gate) -> None:
    control(client, "PUT", "/meant", ["filter.time.unit"])
    put(client, gate, WEEKS)
    assert control(client, "DELETE", "/meant").status_code == 200
    assert control(client, "GET", "/judgement").status_code == 200
    put(client, gate, WEEKS)
    assert control(client, "GET", "/judgement").status_code == 409


def test_a_fault_that_is_meant_and_never_sent_is_told(client: httpx.Client) -> None:
    control(client, "PUT", "/meant", ["camel-case"])
    answer = control(client, "DELETE", "/meant")
    assert (answer.status_code, answer.json()["error"]) == (409, "meant, and never sent: camel-case")


def test_requests_are_shown_without_the_key(client: httpx.Client, gate: Gate) -> None:
    put(client, gate, {**WEEKS, "name": gate.api_key})
    answer = control(client, "GET", "/requests")
    (shown,) = answer.json()
    assert (shown["method"], shown["status"], shown["operation"]) == ("PUT", 400, "update")
    assert [fault["name"] for fault in shown["faults"]] == ["filter.time.unit"]
    assert shown["before"] == shown["after"]
    assert "X-Api-Key" not in answer.text


def test_a_reset_begins_anew_and_keeps_what_was_covered(client: httpx.Client, gate: Gate) -> None:
    read(client, gate)
    put(client, gate, WEEKS)
    control(client, "POST", "/reset")
    assert control(client, "GET", "/requests").json() == []
    judged = control(client, "GET", "/judgement")
    assert (judged.status_code, judged.json()["coverage"]["answers"]["met"]) == (200, 1)


def test_the_control_interface_is_no_part_of_the_api(client: httpx.Client, gate: Gate) -> None:
    assert client.get("/control").status_code == 404
    assert [fault.name for fault in gate.last.failures] == ["operation"]
    assert "X-Trackly-Contract-Reference" not in control(client, "GET").headers
