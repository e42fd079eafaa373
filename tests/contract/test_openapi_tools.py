"""Redocly, Prism and Schemathesis, which know nothing of this project, agree with the OpenAPI documents.

Schemathesis does not check that wrong bodies are rejected, since the schema also fails what the documentation leaves
open (`x-open`), nor that right ones are accepted, since which sending lists exist is not in a schema.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

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

from tests.support.processes import environment, finished
from tests.support.programs import TOOLS, tool
from trackly_contract.contract import contract, document, schemas
from trackly_contract.core import ABSENT, JSON, Request, Response, encode, same, value_at
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

SECONDS = 180
BUNDLE = data_root() / "schemas" / "openapi.bundled.json"
AUDIENCE = f"/v2/audiences/{AUDIENCE_ID}"
KEY = {"X-Api-Key": REFERENCE_KEY}
READ = contract().requests["read.success/documented-example"]
UPDATE = contract().requests["update.success/documented-example"]
WITH_BODY = [vector for vector in contract().requests.values() if vector.body is not ABSENT]
SEEN_TO_BE_REJECTED = [v for v in WITH_BODY if v.code and not schemas().decide(v.body).accepted]
"""Vectors that a schema alone sees to be rejected: it cannot know which sending lists exist."""


def asked(base_url: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, trust_env=False, timeout=30)


# Redocly ---------------------------------------------------------------------------------------------------


def problems(what: str) -> set[str]:
    """Return the rules that Redocly finds broken in a file, or in what its configuration names so."""
    ran = subprocess.run(
        [tool("redocly"), "lint", what, f"--config={TOOLS / 'redocly.yaml'}", "--format=json"],
        cwd=data_root(),
        env=environment(REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true"),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.stdout, ran.stderr
    return {problem["ruleId"] for problem in json.loads(ran.stdout)["problems"]}


@pytest.mark.parametrize("name", ["bundled", "split"])
def test_redocly_finds_nothing(name: str) -> None:
    assert problems(name) == set()


@pytest.mark.parametrize(
    ("path", "key", "value", "rule"),
    [
        ("/components/schemas/Audience/properties/id", "type", "integer", "no-invalid-media-type-examples"),
        ("/paths/~1v2~1audiences~1{id}/get", "operationId", "updateAudience", "operation-operationId-unique"),
        ("/paths/~1v2~1audiences~1{id}/get/responses/404", "$ref", "#/none", "no-unresolved-refs"),
    ],
)
def test_redocly_finds_an_error(tmp_path: Path, path: str, key: str, value: str, rule: str) -> None:
    whole = document(BUNDLE.name)
    value_at(whole, path)[key] = value
    (tmp_path / "slipped.json").write_text(json.dumps(whole))
    assert rule in problems(str(tmp_path / "slipped.json"))


# Prism as a mock -------------------------------------------------------------------------------------------


@contextmanager
def prism(folder: Path, *arguments: str) -> Iterator[httpx.Client]:
    """Run `prism *arguments` on loopback, its output in `folder`; yields a client once it listens."""
    log = folder / "prism.log"
    command = [tool("prism"), arguments[0], "--port", "0", "--host", "127.0.0.1", *arguments[1:]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment(NO_COLOR="1"))
    try:
        until, found = time.monotonic() + SECONDS, None
        while found is None and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text("utf-8", "replace"))
        assert found is not None, f"Prism does not listen:\n{log.read_text('utf-8', 'replace')}"
        with asked(found[1]) as client:
            yield client
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with prism(tmp_path_factory.mktemp("mock"), "mock", str(BUNDLE)) as client:
        yield client


def test_the_mock_responds_with_the_documented_examples(mock: httpx.Client) -> None:
    for response, vector in (
        (mock.get(AUDIENCE, headers=KEY), READ),
        (mock.put(AUDIENCE, headers=KEY, json=UPDATE.body), UPDATE),
    ):
        assert response.status_code == 200
        assert same(response.json(), vector.echo)


def test_the_mock_rejects_a_request_without_key_as_documented(mock: httpx.Client) -> None:
    response = mock.get(AUDIENCE)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_a_client_can_have_every_documented_error_of_the_mock_by_its_name(mock: httpx.Client) -> None:
    for code, status in {rule.code: rule.status for rule in contract().rules.values() if rule.code}.items():
        prefer = {"Prefer": f"code={status}, example={code}"}
        response = mock.put(AUDIENCE, headers=KEY | prefer, json=UPDATE.body)
        assert (response.status_code, response.json()["code"]) == (status, code)


def test_the_mock_rejects_what_the_documentation_rejects_with_the_first_code(mock: httpx.Client) -> None:
    for vector in SEEN_TO_BE_REJECTED:
        response = mock.put(AUDIENCE, headers=KEY, json=vector.body)
        assert (vector.id, response.status_code, response.json()["code"]) == (vector.id, 400, "name_too_long")


# Prism as a proxy ------------------------------------------------------------------------------------------


class Wrong(ReferenceServer):
    """Has other fields in every audience, while some are given."""

    wrong: Mapping[str, JSON] = MappingProxyType({})

    def answer(self, request: Request) -> Response:
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
    with running(server) as upstream, prism(folder, "proxy", str(BUNDLE), upstream) as client:
        yield client


def violations(response: httpx.Response) -> list[list[str]]:
    """Return where Prism found something wrong, in the request or in the response."""
    return [each["location"] for each in json.loads(response.headers.get("sl-violations", "[]"))]


@pytest.mark.parametrize(
    ("path", "status"), [(AUDIENCE, 200), (f"{AUDIENCE}/size", 200), (f"/v2/audiences/{'0' * 24}", 404)]
)
def test_the_proxy_finds_nothing_wrong_with_a_read(proxy: httpx.Client, path: str, status: int) -> None:
    response = proxy.get(path, headers=KEY)
    assert (response.status_code, violations(response)) == (status, [])


def test_the_proxy_finds_only_what_the_documentation_rejects(proxy: httpx.Client) -> None:
    for vector in WITH_BODY:
        found = {location[0] for location in violations(proxy.put(AUDIENCE, headers=KEY, json=vector.body))}
        assert (vector.id, found) == (vector.id, {"request"} if vector in SEEN_TO_BE_REJECTED else set())


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        *(({field: []}, [field]) for field in READ.echo or () if field != "source_lists"),
        ({"source_lists": ["101"]}, ["source_lists", "0"]),
        ({"filter": {"operator": "AND", "groups": [{"operator": "XOR"}]}}, ["filter", "groups", "0", "operator"]),
    ],
)
def test_the_proxy_finds_a_field_of_another_type(
    proxy: httpx.Client, server: Wrong, wrong: dict[str, JSON], path: list[str]
) -> None:
    server.wrong = wrong
    try:
        found = violations(proxy.get(AUDIENCE, headers=KEY))
    finally:
        server.wrong = {}
    assert ["response", "body", *path] in found


# Schemathesis ----------------------------------------------------------------------------------------------

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    (path, method.upper())
    for path, item in document(BUNDLE.name)["paths"].items()
    for method in ("get", "put")
    if method in item
]
bounded = settings(
    max_examples=100,  # what Hypothesis draws depends on what is imported: of 25 requests none may lack the key
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),  # how its strategies draw is not ours to judge
)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(ReferenceServer()) as url, asked(url) as opened:
        yield opened


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_response_is_as_the_document_says(
    client: httpx.Client, path: str, method: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_dict(document(BUNDLE.name))[path][method]
    statuses: set[int] = set()

    @bounded
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from(["known", "known", "unknown", "no key"]))
    def ask(case: Any, who: str) -> None:
        if who != "unknown":
            case.path_parameters = {"id": AUDIENCE_ID}
        response = case.call(base_url=str(client.base_url), headers=KEY if who != "no key" else {"X-Api-Key": ""})
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    # Of a GET nothing can be wrong but its key.
    wanted = {200, 401} if mode is GenerationMode.POSITIVE else {400, 401} if method == "PUT" else {401}
    assert wanted <= statuses <= {200, 400, 401, 404}


class Undocumented(ReferenceServer):
    """Rejects with a status that the document lacks."""

    def answer(self, request: Request) -> Response:
        right = super().answer(request)
        return Response(402, right.headers, right.body) if right.status == 400 else right


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [(ReferenceServer, 0, "No issues found"), (Undocumented, 1, "Undocumented status code")],
)
def test_its_command_line_finds_a_status_that_the_document_lacks_and_nothing_else(
    make: type[ReferenceServer], code: int, says: str, tmp_path: Path
) -> None:
    with running(make()) as base_url:
        ran = finished(
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", str(BUNDLE)),
            *(f"--url={base_url}", f"--header=X-Api-Key: {REFERENCE_KEY}", "--no-color", "--checks=all"),
            "--exclude-checks=negative_data_rejection,positive_data_acceptance",
            *("--max-examples=10", "--seed=1", "--no-shrink"),
            cwd=tmp_path,
        )
    assert (ran.returncode, says in ran.stdout) == (code, True), ran.stdout + ran.stderr
    assert re.search(r"[1-9]\d* generated", ran.stdout), ran.stdout


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json", "text/plain", "", "?"])
def test_an_update_is_understood_whatever_its_media_type(client: httpx.Client, media_type: str) -> None:
    response = client.put(AUDIENCE, headers={**KEY, "Content-Type": media_type}, content=b'{"name": "x"}')
    assert (response.status_code, response.json()["name"]) == (200, "x")
