"""What a served gate answers to another host name, and to web pages of other sites."""

import httpx
import pytest

from tests.gate.test_http import AUDIENCE, raw
from trackly_contract.gate import Control, Gate, running

PREFLIGHT = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8377",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.1.2.3:80",
        "[::1]",
        "[::1]:8377",
        "gate",
        "Gate:1",
    ],
)
def test_a_host_that_is_this_machine_or_allowed_is_served(gated: httpx.Client, gate: Gate, host: str) -> None:
    gate.hosts.add("gate")
    assert gated.get(AUDIENCE, headers={"Host": host}).status_code == 200
    assert (gate.requests, gate.unjudged) == (1, {})


@pytest.mark.parametrize("path", [f"/api{AUDIENCE}", "/control", "/control/reset", "/"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8377",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "[::]",
        "x@127.0.0.1",
        "127.0.0.1@evil.example",
        "[::1].evil.example",
        "127.0.0.1, evil.example",
        "localhost:x",
        "",
    ],
)
def test_another_host_gets_a_403_and_is_not_judged(gated: httpx.Client, gate: Gate, host: str, path: str) -> None:
    response = gated.post(gate.base_url.removesuffix("/api") + path, headers={"Host": host})
    assert response.status_code == 403
    assert "trackly-contract serve --allow-host NAME" in response.json()["error"]
    assert (gate.requests, gate.failures, list(gate.unjudged.values())) == (0, {}, [1])


def test_a_request_without_a_host_gets_a_403(gate: Gate) -> None:
    with running(Control(gate)) as base:
        assert raw(base, f"GET /api{AUDIENCE} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.0 403")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "OWN"}, 200),
        ({"Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Mode": "cors"}, 200),  # as Node's fetch sends it
        ({"Content-Type": "application/x-www-form-urlencoded"}, 200),  # as curl -d sends it
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
    ids=str,
)
def test_a_page_of_another_site_cannot_reset_a_judgement(
    gated: httpx.Client, gate: Gate, headers: dict[str, str], status: int
) -> None:
    gated.put(AUDIENCE)
    here = gate.base_url.removesuffix("/api")
    sent = {name: value.replace("OWN", here) for name, value in headers.items()}
    assert (
        gated.post(f"{here}/control/reset", content=b"x" if "Content-Type" in sent else b"", headers=sent).status_code
        == status
    )
    assert (bool(gate.failures), gate.unjudged.total()) == ((False, 0) if status == 200 else (True, 1))


def test_a_preflight_is_neither_allowed_nor_a_violation(gated: httpx.Client, gate: Gate) -> None:
    response = gated.options(AUDIENCE, headers=PREFLIGHT)
    assert response.status_code == 405
    assert "the documentation does not say" in response.json()["error"]
    assert [name for name in response.headers if name.startswith("access-control")] == []
    assert (gate.requests, gate.failures, gate.unjudged.total()) == (0, {}, 1)


@pytest.mark.parametrize("missing", PREFLIGHT)
def test_options_that_are_no_preflight_are_judged(gated: httpx.Client, gate: Gate, missing: str) -> None:
    gated.options(AUDIENCE, headers={name: value for name, value in PREFLIGHT.items() if name != missing})
    assert [violation.name for violation in gate.last.failures] == ["method"]


def test_a_client_behind_a_page_is_judged_whatever_its_origin(gated: httpx.Client, gate: Gate) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Sec-Fetch-Site": "same-origin",
    }  # as a development server passes it on
    assert gated.get(AUDIENCE, headers=headers).status_code == 200
    assert gate.requests == 1


def test_the_judgement_counts_what_was_not_judged(gated: httpx.Client, gate: Gate) -> None:
    here = gate.base_url.removesuffix("/api")
    gated.get(AUDIENCE, headers={"Host": "evil.example"})
    gated.post(f"{here}/control/reset", headers={"Origin": "null"})
    for _ in range(2):
        gated.options(AUDIENCE, headers=PREFLIGHT)
    said = gated.get(f"{here}/control/judgement").json()["not_judged"]
    assert [(number, reason[:20]) for reason, number in said.items()] == [
        (1, "Host is not this mac"),
        (1, "/control was asked b"),
        (2, "a browser sent a pre"),
    ]
    gated.post(f"{here}/control/reset")
    assert gated.get(f"{here}/control/judgement").json()["not_judged"] == {}
