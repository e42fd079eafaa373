"""Prism, which knows nothing of this project, mocks the API from the bundle, and finds what breaks it as a proxy."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.contract.prism import BUNDLE, prism
from trackly_contract.contract import contract, document, schemas
from trackly_contract.core import ABSENT, Response, encode, same
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trackly_contract.core import JSON, Request

AUDIENCE = f"/v2/audiences/{AUDIENCE_ID}"
KEY = {"X-Api-Key": REFERENCE_KEY}
READ = contract().requests["read.success/documented-example"]
UPDATE = contract().requests["update.success/documented-example"]
WITH_BODY = [vector for vector in contract().requests.values() if vector.body is not ABSENT]
SEEN_TO_BE_REFUSED = [v for v in WITH_BODY if v.code and not schemas().decide(v.body).accepted]
"""Vectors that a schema alone sees to be refused: which sending lists there are it cannot know."""


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


def test_the_mock_refuses_what_the_documentation_refuses_with_whichever_code_comes_first(mock: httpx.Client) -> None:
    for vector in SEEN_TO_BE_REFUSED:
        answer = mock.put(AUDIENCE, headers=KEY, json=vector.body)
        assert (vector.id, answer.status_code, answer.json()["code"]) == (vector.id, 400, "name_too_long")


# The proxy -------------------------------------------------------------------------------------------------


class Wrong(ReferenceServer):
    """Has other members in every audience, while some are given."""

    wrong: Mapping[str, JSON] = MappingProxyType({})

    def answer(self, request: Request) -> Response:
        """Answer, and put what is given in the place of what is right."""
        right = super().answer(request)
        if right.status != 200 or not self.wrong:
            return right
        return Response(200, right.headers, encode({**json.loads(right.body), **self.wrong}))


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


def test_the_proxy_finds_what_the_documentation_refuses(proxy: httpx.Client) -> None:
    for vector in SEEN_TO_BE_REFUSED:
        found = violations(proxy.put(AUDIENCE, headers=KEY, json=vector.body))
        assert (vector.id, {each["location"][0] for each in found}) == (vector.id, {"request"})


def test_the_proxy_finds_nothing_wrong_with_a_refusal(proxy: httpx.Client) -> None:
    for vector in WITH_BODY:
        answer = proxy.put(AUDIENCE, headers=KEY, json=vector.body)
        found = [each for each in violations(answer) if each["location"][0] == "response"]
        assert (vector.id, found) == (vector.id, [])


def found_wrong(proxy: httpx.Client, server: Wrong, wrong: dict[str, JSON]) -> list[list[str]]:
    """Where Prism finds an answer wrong that has these members."""
    server.wrong = wrong
    try:
        answer = proxy.get(AUDIENCE, headers=KEY)
    finally:
        server.wrong = {}
    return [each["location"] for each in violations(answer)]


@pytest.mark.parametrize("member", READ.echo if isinstance(READ.echo, dict) else [])
def test_the_proxy_finds_a_member_of_another_type(proxy: httpx.Client, server: Wrong, member: str) -> None:
    found = found_wrong(proxy, server, {member: []})
    # An empty list is a list of lists: of this member only what it holds can be wrong.
    assert (["response", "body", member] in found) is (member != "source_lists")


def test_the_proxy_looks_into_nested_groups(proxy: httpx.Client, server: Wrong) -> None:
    wrong: JSON = {"operator": "AND", "groups": [{"operator": "XOR"}]}
    assert found_wrong(proxy, server, {"filter": wrong}) == [["response", "body", "filter", "groups", "0", "operator"]]
