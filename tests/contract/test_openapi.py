"""Facts about schemas/openapi.json and its bundle: valid, the same, and in step with the contract."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from trackly_contract.contract import contract, document, schemas
from trackly_contract.core import ABSENT, same, value_at
from trackly_contract.core.files import data_root
from trackly_contract.core.http import DEFAULT_BASE_URL

SPLIT = "openapi.json"
BUNDLED = "openapi.bundled.json"
FILES = ["audience.json", "update.json", "filter.json", "filter-in-answers.json", "vocabulary.json", "error.json"]
AUDIENCE = "/v2/audiences/{id}"
SIZE = "/v2/audiences/{id}/size"
OPERATIONS = {
    ("getAudience", AUDIENCE, "get"): {"200", "401", "404"},
    ("updateAudience", AUDIENCE, "put"): {"200", "400", "401", "404"},
    ("getAudienceSize", SIZE, "get"): {"200", "401", "404"},
}


def response(name: str, path: str, method: str, status: str) -> dict[str, Any]:
    found: dict[str, Any] = document(name)["paths"][path][method]["responses"][status]
    if "$ref" in found:
        found = value_at(document(name), found["$ref"].removeprefix("#"))
    return found


def content(holder: dict[str, Any]) -> dict[str, Any]:
    assert list(holder["content"]) == ["application/json"]
    found: dict[str, Any] = holder["content"]["application/json"]
    return found


def examples(name: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example with the schema it belongs to, and a name for it."""
    holders = {"request": document(name)["paths"][AUDIENCE]["put"]["requestBody"]}
    for (_, path, method), statuses in OPERATIONS.items():
        holders |= {f"{method} {path} {status}": response(name, path, method, status) for status in sorted(statuses)}
    for label, holder in holders.items():
        for example, found in content(holder)["examples"].items():
            yield f"{label} {example}", content(holder)["schema"], found["value"]


def within_bundle(reference: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({"components": document(BUNDLED)["components"], **reference})


# Two spellings of one description, compared with a resolver that the bundler knows nothing of ------------


def follow(reference: str, file: str) -> tuple[Any, str]:
    """Return what a reference from a file on leads to, without the keywords of a file, and the file it is in."""
    name, _, fragment = reference.partition("#")
    node = value_at(document(name or file), fragment)
    if isinstance(node, dict) and "$id" in node:
        node = {key: value for key, value in node.items() if key not in ("$schema", "$id", "$defs")}
    return node, name or file


def unwrapped(node: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference where the split document has it; the bundle has it in an allOf of its own."""
    if len(node.get("allOf", [])) != 1:
        return node
    rest = {key: value for key, value in node.items() if key != "allOf"}
    return {**rest, **node["allOf"][0]}


def different(
    one: Any, here: str, other: Any, there: str, seen: set[tuple[str, str, str, str]], path: str = ""
) -> Iterator[str]:
    """Yield each path where two documents, each read from its own file on, do not say the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        other = unwrapped(other) if "$ref" in one and "$ref" not in other else other
        if one.keys() != other.keys():
            yield f"{path}: {sorted(one)} and {sorted(other)}"
            return
        for key in one.keys() - {"$ref"}:
            yield from different(one[key], here, other[key], there, seen, f"{path}/{key}")
        pair = (one.get("$ref", ""), here, other.get("$ref", ""), there)
        if "$ref" in one and pair not in seen:
            seen.add(pair)
            yield from different(*follow(*pair[:2]), *follow(*pair[2:]), seen, f"{path} -> {pair[0]}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from different(left, here, right, there, seen, f"{path}/{index}")
    elif not same(one, other):
        yield f"{path}: {one!r} and {other!r}"


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


# Valid -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SPLIT, BUNDLED])
def test_a_document_is_valid(name: str) -> None:
    validate(document(name), base_uri=(data_root() / "schemas" / name).as_uri(), cls=OpenAPIV31SpecValidator)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_split_document_refers_to_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(document(name))


def test_the_bundle_refers_to_nothing_outside_itself() -> None:
    text = json.dumps(document(BUNDLED))
    assert text.count('"$ref": "') == text.count('"$ref": "#/components/') > 20
    assert not any(f'"{keyword}"' in text for keyword in ("$id", "$schema", "$defs"))


def test_in_the_bundle_nothing_stands_beside_a_reference() -> None:
    def references(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict) and "$ref" in node:
            yield node
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from references(value)

    assert [found for found in references(document(BUNDLED)) if len(found) > 1] == []


# In step with the contract -----------------------------------------------------------------------------


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
    assert content(document(SPLIT)["paths"][AUDIENCE]["put"]["requestBody"])["schema"] == {"$ref": "update.json"}
    for method in ("get", "put"):
        assert content(response(SPLIT, AUDIENCE, method, "200"))["schema"] == {"$ref": "audience.json"}
    for (_, path, method), statuses in OPERATIONS.items():
        for status in statuses - {"200"}:
            assert content(response(SPLIT, path, method, status))["schema"] == {"$ref": "error.json"}
    assert list(document(SPLIT)["components"]["schemas"]) == ["AudienceSize"]


def test_each_operation_names_its_page() -> None:
    pages = {"getAudience": "get-audience", "updateAudience": "update-audience", "getAudienceSize": "get-audience-size"}
    paths = document(SPLIT)["paths"]
    for name, path, method in OPERATIONS:
        assert paths[path][method]["externalDocs"]["url"] == contract().pages[pages[name]].url
    assert "Not part of the two pages" in paths[SIZE]["get"]["description"]
    assert paths[SIZE]["get"]["tags"] == ["neighbours"]


@pytest.mark.parametrize("status", [400, 401, 404])
def test_every_documented_code_stands_at_its_status(status: int) -> None:
    codes = {rule.code for rule in contract().rules.values() if rule.status == status}
    rejected = response(SPLIT, AUDIENCE, "put", str(status))
    listed = rejected["description"].partition("Documented code")[2]
    assert set(listed.split("`")[1::2]) == set(content(rejected)["examples"]) == codes, "run `make docs`"
    for code, example in content(rejected)["examples"].items():
        assert example["value"]["code"] == code
        assert schemas().failures("error.json", example["value"]) == []


def test_the_documented_examples_are_those_of_the_vectors_and_what_the_schema_files_allow() -> None:
    read = contract().requests["read.success/documented-example"]
    update = contract().requests["update.success/documented-example"]
    found = {name: value for name, _, value in examples(SPLIT)}
    assert same(found["request documented"], update.body)
    assert schemas().decide(found["request documented"]).accepted
    for method, vector in (("get", read), ("put", update)):
        example = found[f"{method} {AUDIENCE} 200 documented"]
        assert same(example, vector.echo)
        assert schemas().failures("audience.json", example) == []


@pytest.mark.parametrize(("schema", "value"), [pytest.param(s, v, id=n) for n, s, v in examples(BUNDLED)])
def test_the_bundle_allows_its_examples(schema: dict[str, Any], value: Any) -> None:
    assert [error.message for error in within_bundle(schema).iter_errors(value)] == []


def test_the_bundle_decides_the_vectors_as_the_files_do() -> None:
    judge = within_bundle({"$ref": "#/components/schemas/Update"})
    for vector in contract().requests.values():
        if vector.body is not ABSENT:
            assert judge.is_valid(vector.body) == schemas().decide(vector.body).accepted, vector.id
