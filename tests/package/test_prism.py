"""Prism, which knows nothing of this project, mocks the API from the bundle, and finds what breaks it as a proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.package.prism import BUNDLE, prism
from trackly_contract.contract import contract
from trackly_contract.exchange import Response
from trackly_contract.jsonvalue import ABSENT, encode, same
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.schemas import document, schemas
from trackly_contract.serve import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.exchange import Request

AUDIENCE = f"/v2/audiences/{AUDIENCE_ID}"
KEY = {"X-Api-Key": REFERENCE_KEY}
READ = contract().requests["read.success/documented-example"]
UPDATE = contract().requests["update.success/documented-example"]
WITH_BODY = [vector for vector in contract().requests.values() if vector.body is not ABSENT]


def asked(base_url: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, trust_env=False, timeout=30)


# The mock --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with prism(tmp_path_factory.mktemp("mock"), "mock", str(BUNDLE)) as base_url, asked(base_url) as client:
        yield client


def test_the_mock_answers_a_read_with_the_documented_example(mock: httpx.Client) -> None:
    answer = mock.get(AUDIENCE, headers=KEY)
    assert answer.status_code == 200
    assert same(answer.json(), READ.echo)


def test_the_mock_answers_the_documented_update_with_the_documented_example(mock: httpx.Client) -> None:
    answer = mock.put(AUDIENCE, headers=KEY, json=UPDATE.body)
    assert answer.status_code == 200
    assert same(answer.json(), UPDATE.echo)


def test_the_mock_refuses_a_request_without_key_as_documented(mock: httpx.Client) -> None:
    answer = mock.get(AUDIENCE)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_client_can_have_every_documented_refusal_of_the_mock_by_its_name(mock: httpx.Client) -> None:
    answers = document(BUNDLE.name)["components"]["responses"].values()
    names = [name for answer in answers for name in answer["content"]["application/json"]["examples"]]
    refused = {rule.code: rule.status for rule in contract().rules.values() if rule.code}
    assert set(names) == set(refused)
    for code, status in refused.items():
        prefer = {"Prefer": f"code={status}, example={code}"}
        answer = mock.put(AUDIENCE, headers=KEY | prefer, json=UPDATE.body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


# The proxy -------------------------------------------------------------------------------------------------


class Wrong(ReferenceServer):
    """Has another type in one member of every audience, while that is named."""

    member = ""

    def answer(self, request: Request) -> Response:
        """Answer, and put a list in the place of the member."""
        right = super().answer(request)
        if right.status != 200 or not self.member:
            return right
        return Response(200, right.headers, encode({**json.loads(right.body), self.member: []}))


@pytest.fixture(scope="module")
def server() -> Wrong:
    return Wrong()


@pytest.fixture(scope="module")
def proxy(server: Wrong, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("proxy")
    with running(server) as upstream, prism(folder, "proxy", str(BUNDLE), upstream) as base_url:  # noqa: SIM117
        with asked(base_url) as client:
            yield client


def violations(answer: httpx.Response) -> list[dict[str, Any]]:
    """What Prism found wrong, in the request or in the answer."""
    found: list[dict[str, Any]] = json.loads(answer.headers.get("sl-violations", "[]"))
    return found


def test_the_proxy_finds_nothing_wrong_with_a_read(proxy: httpx.Client) -> None:
    answer = proxy.get(AUDIENCE, headers=KEY)
    assert (answer.status_code, violations(answer)) == (200, [])


def test_the_proxy_finds_nothing_wrong_with_a_count(proxy: httpx.Client) -> None:
    answer = proxy.get(f"{AUDIENCE}/size", headers=KEY)
    assert (answer.status_code, violations(answer)) == (200, [])


def test_the_proxy_finds_nothing_wrong_with_an_audience_that_is_not_there(proxy: httpx.Client) -> None:
    answer = proxy.get(f"/v2/audiences/{'0' * 24}", headers=KEY)
    assert (answer.status_code, violations(answer)) == (404, [])


def test_the_proxy_finds_nothing_wrong_with_an_accepted_update_or_its_answer(proxy: httpx.Client) -> None:
    for vector in WITH_BODY:
        if schemas().decide(vector.body).accepted:
            answer = proxy.put(AUDIENCE, headers=KEY, json=vector.body)
            assert (vector.id, violations(answer)) == (vector.id, [])


def test_the_proxy_finds_nothing_wrong_with_a_refusal(proxy: httpx.Client) -> None:
    for vector in WITH_BODY:
        answer = proxy.put(AUDIENCE, headers=KEY, json=vector.body)
        found = [each for each in violations(answer) if each["location"][0] == "response"]
        assert (vector.id, found) == (vector.id, [])


@pytest.mark.parametrize("member", READ.echo if isinstance(READ.echo, dict) else [])
def test_the_proxy_finds_a_member_of_another_type(proxy: httpx.Client, server: Wrong, member: str) -> None:
    server.member = member
    try:
        answer = proxy.get(AUDIENCE, headers=KEY)
    finally:
        server.member = ""
    found = [each["location"] for each in violations(answer)]
    # An empty list is a list of lists: of this member only what it holds can be wrong.
    assert (["response", "body", member] in found) is (member != "source_lists")
