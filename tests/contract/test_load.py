"""Facts about reading contracts/: the project's own loads, and a slip in a copy is told with file, entry and field."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.contract import ContractError, contract
from trackly_contract.contract.load import load_contract
from trackly_contract.core.files import data_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's contract, to be broken."""
    return shutil.copytree(data_root() / "contracts", tmp_path / "contracts")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def slip(folder: Path) -> str:
    with pytest.raises(ContractError) as caught:
        load_contract(folder)
    return str(caught.value)


def vectors(folder: Path, name: str) -> tuple[Path, dict[str, Any]]:
    path = folder / "vectors" / name
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return path, found


def rewrite(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")


# The project's own ---------------------------------------------------------------------------------


def test_an_untouched_copy_is_read_as_the_original(folder: Path) -> None:
    assert load_contract(folder) == contract()


def test_the_contract_is_read_once() -> None:
    assert contract() is contract()


def test_every_vector_stands_under_a_rule() -> None:
    read = contract()
    assert {vector.rule for vector in read.requests.values()} <= set(read.rules)
    assert {vector.rule for vector in read.answers.values()} <= set(read.rules)


def test_a_refused_vector_expects_the_status_and_code_of_its_rule() -> None:
    read = contract()
    unlike = {
        vector.id
        for vector in read.refused()
        if read.rules[vector.rule].code is not None
        and (vector.status, vector.code) != (read.rules[vector.rule].status, read.rules[vector.rule].code)
    }
    assert unlike == set()


def test_the_twin_of_a_refused_vector_is_accepted() -> None:
    read = contract()
    assert [v.id for v in read.refused() if v.twin is None or read.requests[v.twin].refused] == []


def test_the_twin_of_a_broken_answer_is_not_broken() -> None:
    read = contract()
    broken = [vector for vector in read.answers.values() if vector.verdict == "broken"]
    assert [v.id for v in broken if v.twin is None or read.answers[v.twin].verdict == "broken"] == []


def test_every_refusing_rule_has_a_vector() -> None:
    read = contract()
    refusing = [rule.id for rule in read.rules.values() if rule.code is not None]
    assert [rule for rule in refusing if not any(v.refused for v in read.of_rule(rule))] == []


def test_every_token_names_a_page_that_is_known() -> None:
    read = contract()
    assert {token.page for token in read.vocabulary.tokens} <= set(read.pages)


def test_a_token_that_is_stated_comes_from_a_reference_page() -> None:
    read = contract()
    assert [t.token for t in read.vocabulary.tokens if not t.candidate and read.pages[t.page].kind == "guide"] == []


# Slips ---------------------------------------------------------------------------------------------


def test_an_unknown_key_of_a_rule_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", 'id = "read.flat"', 'id = "read.flat"\nseverity = "high"')
    text = slip(folder)
    assert "read.toml" in text
    assert "'read.flat'" in text
    assert "'severity' was unexpected" in text


def test_a_missing_field_of_a_rule_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", 'basis = "shown"\n', "")
    text = slip(folder)
    assert "read.toml" in text
    assert "'read.flat'" in text
    assert "'basis' is a required property" in text


def test_a_basis_that_does_not_exist_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", 'basis = "shown"', 'basis = "guessed"')
    text = slip(folder)
    assert "read.toml: rule 'read.flat', field basis: 'guessed'" in text


def test_a_quotation_of_nine_words_is_named(folder: Path) -> None:
    edit(
        folder / "rules" / "read.toml", "API key is missing or invalid", "one two three four five six seven eight nine"
    )
    text = slip(folder)
    assert "read.toml: rule 'read.key', field source.0.quote" in text


def test_a_quotation_of_eight_words_is_fine(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", "API key is missing or invalid", "one two three four five six seven eight")
    assert load_contract(folder).rules["read.key"].sources[0].quote.endswith("eight")


def test_a_page_that_is_not_in_the_sources_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", 'page = "get-audience"', 'page = "no-such-page"')
    assert "read.toml: rule 'read.success', field source: no page 'no-such-page'" in slip(folder)


def test_a_rule_stated_by_a_guide_alone_is_named(folder: Path) -> None:
    guide = 'page = "creating-audiences"'
    edit(folder / "rules" / "error.toml", '{ page = "error-codes", section = "error body", quote = \'"error"\' }',
         f"{{ {guide}, section = \"error body\", quote = 'x' }}")  # fmt: skip
    text = slip(folder)
    assert "error.toml: rule 'error.text', field basis: a guide alone makes no rule stated" in text


def test_a_rule_stated_by_a_guide_and_a_reference_page_is_fine(folder: Path) -> None:
    more = '{ page = "creating-audiences", section = "error body", quote = \'x\' },\n'
    edit(folder / "rules" / "error.toml", '  { page = "error-codes", section = "error body", quote = \'"error"\'',
         more + '  { page = "error-codes", section = "error body", quote = \'"error"\'')  # fmt: skip
    assert len(load_contract(folder).rules["error.text"].sources) == 2


def test_a_code_without_a_status_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", "status = 404\n", "")
    text = slip(folder)
    assert "'read.unknown_id'" in text
    assert "'status'" in text


def test_a_vector_of_a_rule_that_does_not_exist_is_named(folder: Path) -> None:
    path, content = vectors(folder, "read.json")
    content["vectors"][0]["id"] = "read.nothing/documented-example"
    rewrite(path, content)
    assert "read.json: vectors 'read.nothing/documented-example'" in slip(folder)


def test_a_twin_that_does_not_exist_is_named(folder: Path) -> None:
    path, content = vectors(folder, "update.json")
    named = next(vector for vector in content["vectors"] if "twin" in vector)
    named["twin"] = "update.name/no-such-vector"
    rewrite(path, content)
    text = slip(folder)
    assert f"{named['id']!r}, field twin: no vector 'update.name/no-such-vector'" in text


def test_a_refused_vector_without_a_twin_is_named(folder: Path) -> None:
    path, content = vectors(folder, "update.json")
    named = next(vector for vector in content["vectors"] if "twin" in vector)
    del named["twin"]
    rewrite(path, content)
    text = slip(folder)
    assert f"update.json: vectors {named['id']!r}" in text
    assert "'twin'" in text


def test_a_code_under_a_status_of_success_is_named(folder: Path) -> None:
    path, content = vectors(folder, "update.json")
    named = next(vector for vector in content["vectors"] if "twin" in vector)
    named["expect"]["status"] = 200
    rewrite(path, content)
    assert f"update.json: vectors {named['id']!r}, field expect" in slip(folder)


def test_a_rule_that_is_there_twice_is_named(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", 'id = "read.flat"', 'id = "read.success"')
    assert "read.toml: the id 'read.success' is taken already" in slip(folder)


def test_a_vector_that_is_there_twice_is_named(folder: Path) -> None:
    path, content = vectors(folder, "read.json")
    content["vectors"].append(content["vectors"][0])
    rewrite(path, content)
    assert f"read.json: the id {content['vectors'][0]['id']!r} is taken already" in slip(folder)


def test_a_request_and_an_answer_of_one_name_are_named(folder: Path) -> None:
    path, content = vectors(folder, "read.json")
    _, answers = vectors(folder, "answers.json")
    answer = next(v for v in answers["vectors"] if v["verdict"] == "held" and v["id"].startswith("audience."))
    content["vectors"].append({**content["vectors"][0], "id": answer["id"]})
    rewrite(path, content)
    assert f"the id {answer['id']!r} is taken already" in slip(folder)


@pytest.mark.parametrize(("name", "table"), [("sources", "source"), ("questions", "question")])
def test_an_entry_that_is_there_twice_is_named(folder: Path, name: str, table: str) -> None:
    path = folder / f"{name}.toml"
    text = path.read_text("utf-8")
    first = text.split(f"[[{table}]]")[1]
    path.write_text(f"{text}\n[[{table}]]{first}", "utf-8")
    told = slip(folder)
    assert f"{name}.toml" in told
    assert "taken already" in told


def test_a_token_that_is_there_twice_is_named(folder: Path) -> None:
    path = folder / "vocabulary.toml"
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n[[token]]{text.split('[[token]]')[1]}", "utf-8")
    told = slip(folder)
    assert "vocabulary.toml" in told
    assert "taken already" in told


def test_a_token_of_a_page_that_is_not_in_the_sources_is_named(folder: Path) -> None:
    edit(folder / "vocabulary.toml", 'page = "update-audience"', 'page = "no-such-page"')
    assert "vocabulary.toml: token 'AND', field page: no page 'no-such-page'" in slip(folder)


def test_a_token_of_a_kind_that_does_not_exist_is_named(folder: Path) -> None:
    edit(folder / "vocabulary.toml", 'kind = "group.operator"\ntoken', 'kind = "group.colour"\ntoken')
    assert "vocabulary.toml: token 'AND', field kind: 'group.colour'" in slip(folder)


def test_a_list_of_a_kind_that_does_not_exist_is_named(folder: Path) -> None:
    edit(folder / "vocabulary.toml", 'kind = "time.unit"', 'kind = "time.colour"')
    assert "vocabulary.toml: list number 2, field kind: 'time.colour'" in slip(folder)


def test_an_operator_that_does_not_say_what_it_needs_is_named(folder: Path) -> None:
    edit(folder / "vocabulary.toml", 'needs = ["value", "unit"]\n', "")
    text = slip(folder)
    assert "vocabulary.toml: token 'within'" in text
    assert "'needs'" in text


@pytest.mark.parametrize("name", ["sources.toml", "vocabulary.toml", "questions.toml", "rules/read.toml"])
def test_broken_toml_is_told_with_its_file(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(path.read_text("utf-8") + "\n[[", "utf-8")
    text = slip(folder)
    assert str(path) in text
    assert "not TOML" in text


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b"[NaN", b'{"vectors": [], "vectors": []}'])
def test_broken_json_is_told_with_its_file(folder: Path, content: bytes) -> None:
    path = folder / "vectors" / "read.json"
    path.write_bytes(content)
    text = slip(folder)
    assert str(path) in text
    assert "not JSON" in text


def test_toml_that_is_not_utf8_is_told_with_its_file(folder: Path) -> None:
    (folder / "sources.toml").write_bytes(b'x = "\xff"')
    assert "sources.toml: not TOML" in slip(folder)


@pytest.mark.parametrize("content", ["[]", "7", "null", '{"vectors": []}', '{"vectors": [7]}', '{"vectors": {}}'])
def test_json_of_another_shape_is_told_with_its_file(folder: Path, content: str) -> None:
    (folder / "vectors" / "read.json").write_text(content, "utf-8")
    assert "read.json" in slip(folder)


def test_a_body_with_a_key_twice_is_told(folder: Path) -> None:
    edit(folder / "vectors" / "update.json", '{"name": "Renamed"}', '{"name": "x", "name": "Renamed"}')
    text = slip(folder)
    assert "update.json" in text
    assert "'name' appears twice" in text


@pytest.mark.parametrize("name", ["sources.toml", "vocabulary.toml", "questions.toml"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in slip(folder)
