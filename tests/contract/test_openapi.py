"""Facts about schemas/openapi.json and its bundle: valid, the same, and in step with the contract."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from trackly_contract.contract import contract, document, schemas
from trackly_contract.core import ABSENT, same
from trackly_contract.core.files import data_root
from trackly_contract.core.http import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SPLIT = "openapi.json"
BUNDLED = "openapi.bundled.json"
AUDIENCE = "/v2/audiences/{id}"
SIZE = "/v2/audiences/{id}/size"
OPERATIONS = {
    ("getAudience", AUDIENCE, "get"): {"200", "401", "404"},
    ("updateAudience", AUDIENCE, "put"): {"200", "400", "401", "404"},
    ("getAudienceSize", SIZE, "get"): {"200", "401", "404"},
}


def operation(name: str, path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = document(name)["paths"][path][method]
    return found


def answer(name: str, path: str, method: str, status: str) -> dict[str, Any]:
    found: dict[str, Any] = operation(name, path, method)["responses"][status]
    if "$ref" in found:
        found = document(name)["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def content(holder: dict[str, Any]) -> dict[str, Any]:
    assert list(holder["content"]) == ["application/json"]
    found: dict[str, Any] = holder["content"]["application/json"]
    return found


def examples(name: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example with the schema it belongs to, and a name for it."""
    body = content(operation(name, AUDIENCE, "put")["requestBody"])
    for label, example in body["examples"].items():
        yield f"request {label}", body["schema"], example["value"]
    for (_, path, method), statuses in OPERATIONS.items():
        for status in sorted(statuses):
            held = content(answer(name, path, method, status))
            for label, example in held["examples"].items():
                yield f"{method} {path} {status} {label}", held["schema"], example["value"]


def within_bundle(reference: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({"components": document(BUNDLED)["components"], **reference})


# Two spellings of one description, compared with a resolver that the bundler knows nothing of ------------


class Reader:
    """Follows references from the OpenAPI document on."""

    def __init__(self, name: str) -> None:
        self.name = name

    def follow(self, reference: str, file: str) -> tuple[Any, str]:
        name, _, fragment = reference.partition("#")
        file = name or file
        node: Any = document(file)
        for step in filter(None, fragment.split("/")):
            node = node[step]
        if isinstance(node, dict) and node.keys() & {"$id"}:
            node = {key: value for key, value in node.items() if key not in ("$schema", "$id", "$defs")}
        return node, file


def unwrapped(node: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference where the split document has it; the bundle has it in an allOf of its own."""
    if len(node.get("allOf", [])) != 1:
        return node
    rest = {key: value for key, value in node.items() if key != "allOf"}
    return {**rest, **node["allOf"][0]}


def different(
    one: Any, here: str, other: Any, there: str, seen: set[tuple[str, str, str, str]], place: str = ""
) -> Iterator[str]:
    """Yield each place where two documents, each read from its own file on, do not say the same."""
    reader = Reader(SPLIT)
    if isinstance(one, dict) and isinstance(other, dict):
        if "$ref" in one and "$ref" not in other:
            other = unwrapped(other)
        if one.keys() != other.keys():
            yield f"{place}: {sorted(one)} and {sorted(other)}"
            return
        for key in one:
            if key == "$ref":
                pair = (one[key], here, other[key], there)
                if pair not in seen:
                    seen.add(pair)
                    left, left_file = reader.follow(one[key], here)
                    right, right_file = reader.follow(other[key], there)
                    yield from different(left, left_file, right, right_file, seen, f"{place} -> {one[key]}")
            else:
                yield from different(one[key], here, other[key], there, seen, f"{place}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from different(left, here, right, there, seen, f"{place}/{index}")
    elif not same(one, other):
        yield f"{place}: {one!r} and {other!r}"


def test_the_split_document_is_valid_with_its_files() -> None:
    path = data_root() / "schemas" / SPLIT
    validate(document(SPLIT), base_uri=path.as_uri(), cls=OpenAPIV31SpecValidator)


FILES = ["audience.json", "update.json", "filter.json", "filter-in-answers.json", "vocabulary.json", "error.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_split_document_refers_to_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(document(name))


def test_the_bundled_document_is_valid() -> None:
    validate(document(BUNDLED), cls=OpenAPIV31SpecValidator)


def test_the_bundle_refers_to_nothing_outside_itself() -> None:
    text = json.dumps(document(BUNDLED))
    assert text.count('"$ref": "') == text.count('"$ref": "#/components/') > 20
    assert '"$id"' not in text
    assert '"$schema"' not in text
    assert '"$defs"' not in text


def test_in_the_bundle_nothing_stands_beside_a_reference() -> None:
    def references(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict) and "$ref" in node:
            yield node
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from references(value)

    assert [found for found in references(document(BUNDLED)) if len(found) > 1] == []


def test_both_documents_describe_the_same() -> None:
    split, bundled = document(SPLIT), document(BUNDLED)
    assert bundled["info"].pop("description").endswith(split["info"].pop("description"))
    more = bundled["components"]["schemas"]
    assert split["components"]["schemas"].items() <= more.items()
    bundled["components"]["schemas"] = split["components"]["schemas"]
    seen: set[tuple[str, str, str, str]] = set()
    assert list(different(split, SPLIT, bundled, BUNDLED, seen)) == []
    reached = {pair[2].rpartition("/")[2] for pair in seen if pair[2].startswith("#/components/schemas/")}
    assert reached == set(more), "a schema of the bundle that nothing refers to"


@pytest.mark.parametrize("name", [SPLIT, BUNDLED])
def test_the_operations_are_the_documented_ones(name: str) -> None:
    whole = document(name)
    found = {
        (operation["operationId"], path, method): set(operation["responses"])
        for path, item in whole["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert found == OPERATIONS
    assert whole["openapi"].startswith("3.1.")
    assert [server["url"] for server in whole["servers"]] == [DEFAULT_BASE_URL]
    assert whole["components"]["securitySchemes"] == {"apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}
    assert whole["security"] == [{"apiKey": []}]


def test_bodies_are_described_by_the_schema_files_alone() -> None:
    assert content(operation(SPLIT, AUDIENCE, "put")["requestBody"])["schema"] == {"$ref": "update.json"}
    for method in ("get", "put"):
        assert content(answer(SPLIT, AUDIENCE, method, "200"))["schema"] == {"$ref": "audience.json"}
    for (_, path, method), statuses in OPERATIONS.items():
        for status in statuses - {"200"}:
            assert content(answer(SPLIT, path, method, status))["schema"] == {"$ref": "error.json"}
    assert list(document(SPLIT)["components"]["schemas"]) == ["AudienceSize"]


def test_each_operation_names_its_page() -> None:
    pages = {"getAudience": "get-audience", "updateAudience": "update-audience", "getAudienceSize": "get-audience-size"}
    for name, path, method in OPERATIONS:
        assert operation(SPLIT, path, method)["externalDocs"]["url"] == contract().pages[pages[name]].url
    size = operation(SPLIT, SIZE, "get")
    assert "Not part of the two pages" in size["description"]
    assert size["tags"] == ["neighbours"]


@pytest.mark.parametrize("status", [400, 401, 404])
def test_every_documented_code_stands_at_its_status(status: int) -> None:
    codes = {rule.code for rule in contract().rules.values() if rule.status == status}
    refusal = answer(SPLIT, AUDIENCE, "put", str(status))
    assert set(refusal["content"]["application/json"]["examples"]) == codes
    listed = refusal["description"].partition("Documented code")[2]
    assert sorted(listed.split("`")[1::2]) == sorted(filter(None, codes))
    for code, example in refusal["content"]["application/json"]["examples"].items():
        assert example["value"]["code"] == code
        assert schemas().error_failures(example["value"]) == []


def test_the_documented_examples_are_those_of_the_vectors() -> None:
    read = contract().requests["read.success/documented-example"]
    update = contract().requests["update.success/documented-example"]
    found = {name: value for name, _, value in examples(SPLIT)}
    assert same(found[f"get {AUDIENCE} 200 documented"], read.echo)
    assert same(found["request documented"], update.body)
    assert same(found[f"put {AUDIENCE} 200 documented"], update.echo)


def test_the_documented_examples_are_what_the_schema_files_allow() -> None:
    found = {name: value for name, _, value in examples(SPLIT)}
    for method in ("get", "put"):
        assert schemas().audience_failures(found[f"{method} {AUDIENCE} 200 documented"]) == []
    assert schemas().decide(found["request documented"]).accepted


@pytest.mark.parametrize(("schema", "value"), [pytest.param(s, v, id=n) for n, s, v in examples(BUNDLED)])
def test_the_bundle_allows_its_examples(schema: dict[str, Any], value: Any) -> None:
    assert [error.message for error in within_bundle(schema).iter_errors(value)] == []


def test_the_bundle_decides_the_vectors_as_the_files_do() -> None:
    judge = within_bundle({"$ref": "#/components/schemas/Update"})
    for vector in contract().requests.values():
        if vector.body is not ABSENT:
            in_files = schemas().decide(vector.body)
            assert judge.is_valid(vector.body) == in_files.accepted, vector.id


@pytest.mark.parametrize(("path", "method"), [(path, method) for _, path, method in OPERATIONS])
def test_schemathesis_makes_cases_from_the_bundle(path: str, method: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.contract.schemathesis_cases", path, method],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    made = json.loads(ran.stdout)
    assert made
    assert all(case["path"].startswith("/v2/audiences/") for case in made)
    if method == "put":
        judge = within_bundle({"$ref": "#/components/schemas/Update"})
        assert all(judge.is_valid(case["body"]) for case in made)
