"""Schemathesis, which knows nothing of this project, finds the reference server as `schemas/openapi.json` says.

Tolerated, since no page speaks of it: 405 for a method that the document lacks, 400 with the code `undocumented`
for what is no JSON object. Both are JSON with `error` and `code` all the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from trackly_contract.core.files import data_root
from trackly_contract.core.http import STAMP
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = json.loads((data_root() / "schemas" / "openapi.bundled.json").read_text("utf-8"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    (path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in ("get", "put") if method in item
]
AUDIENCE = f"/v2/audiences/{AUDIENCE_ID}"
KEY = {"X-Api-Key": REFERENCE_KEY}

bounded = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),  # how its strategies draw is not ours to judge
)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with running(ReferenceServer()) as url:
        yield url


@pytest.fixture(scope="module")
def client(base: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, trust_env=False, timeout=30) as opened:
        yield opened


def assert_told_as_json(response: httpx.Response) -> None:
    assert response.status_code < 500
    assert response.headers["Content-Type"] == "application/json"
    assert STAMP in response.headers
    answer = response.json()
    if response.status_code >= 400:
        assert {type(answer["error"]), type(answer["code"])} == {str}


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_the_document_says(base: str, path: str, method: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_dict(DOCUMENT)[path][method]
    statuses: set[int] = set()

    @bounded
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from(["known", "known", "unknown", "no key"]))
    def ask(case: Any, who: str) -> None:
        if who != "unknown":
            case.path_parameters = {"id": AUDIENCE_ID}
        headers = KEY if who != "no key" else {"X-Api-Key": ""}
        response = case.call(base_url=base, headers=headers)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    # Of a GET nothing can be wrong but its key.
    wanted = {200, 401} if mode is GenerationMode.POSITIVE else {400, 401} if method == "PUT" else {401}
    assert wanted <= statuses <= {200, 400, 401, 404}


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", [AUDIENCE, f"{AUDIENCE}/size", "/v2/audiences", "/v2", "/"])
def test_a_method_or_path_that_the_document_lacks_is_told_as_json(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, path, headers=KEY, content=b"{}")
    assert response.status_code == (405 if path.startswith(AUDIENCE) else 404)
    assert_told_as_json(response)


@bounded
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"", b"null", b"[]", b'"x"', b"{", b'{"name":}', b"NaN", b'{"name":"\xff"}', b"[" * 5000]),
    ),
    media_type=st.sampled_from(["application/json", "text/plain", "application/xml", "multipart/form-data", "", "?"]),
)
def test_what_is_no_json_object_is_refused_as_json(client: httpx.Client, body: bytes, media_type: str) -> None:
    response = client.put(AUDIENCE, headers={**KEY, "Content-Type": media_type}, content=body)
    assert (response.status_code, response.json()["code"]) == (400, "undocumented")
    assert_told_as_json(response)


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json", "text/plain", "", "?"])
def test_an_update_is_understood_whatever_it_is_called(client: httpx.Client, media_type: str) -> None:
    response = client.put(AUDIENCE, headers={**KEY, "Content-Type": media_type}, content=b'{"name": "x"}')
    assert (response.status_code, response.json()["name"]) == (200, "x")
    assert_told_as_json(response)


def test_a_body_that_is_too_long_is_refused_as_json(client: httpx.Client) -> None:
    response = client.put(AUDIENCE, headers=KEY, content=b" " * 5_000_001)
    assert (response.status_code, response.json()["code"]) == (413, "undocumented")
    assert_told_as_json(response)
