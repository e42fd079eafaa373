"""Facts about reading contracts/: an error in a copy is named by file, entry and field; a hostile file ends soon."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.contract import ContractError, Entry, contract, missing_vectors, read_data, read_entries
from trackly_contract.contract.load import LARGEST, load_contract
from trackly_contract.core.files import data_root

NINE = "one two three four five six seven eight nine"
KEY = "API key is missing or invalid"
ERROR = '{ page = "error-codes", section = "error body", quote = \'"error"\' }'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's contract, to be broken."""
    return shutil.copytree(data_root() / "contracts", tmp_path / "contracts")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def error(folder: Path) -> str:
    with pytest.raises(ContractError) as caught:
        load_contract(folder)
    return str(caught.value).removeprefix(f"{folder}/")


def test_an_untouched_copy_is_read_as_the_original(folder: Path) -> None:
    assert load_contract(folder) == contract()


def test_the_contract_is_read_once() -> None:
    assert contract() is contract()


# Errors in TOML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("rules/read", 'basis = "shown"\n', "", "rule 2 (read.flat): Object missing required field `basis`"),
        ("rules/read", 'basis = "shown"', "colour = 1", "rule 2 (read.flat): Object contains unknown field `colour`"),
        ("rules/read", '"shown"', '"guessed"', "rule 2 (read.flat), field basis: Invalid enum value 'guessed'"),
        ("rules/read", KEY, NINE, "rule 3 (read.key), field source.0.quote: Expected `str` matching regex"),
        ("rules/read", "read.flat", "read.success", "rule 2 (read.success): it is there already"),
        ("sources", "https://", "http://", "source 1 (get-audience), field url: Expected `str` matching regex"),
        ("vocabulary", 'operator"\ntoken', '"\ntoken', "token 1 (AND), field kind: Invalid enum value 'group.'"),
        ("vocabulary", "time.unit", "time.x", "full 2: Invalid enum value 'time.x'"),
        ("questions", "[[question]]", "[[", "not TOML: "),
    ],
)
def test_an_error_in_toml_names_file_entry_and_field(folder: Path, name: str, old: str, new: str, said: str) -> None:
    edit(folder / f"{name}.toml", old, new)
    assert error(folder).startswith(f"{name}.toml: {said}")


def test_a_quotation_of_eight_words_is_fine(folder: Path) -> None:
    edit(folder / "rules" / "read.toml", KEY, NINE.removesuffix(" nine"))
    assert load_contract(folder).rules["read.key"].sources[0].quote.endswith("eight")


@pytest.mark.parametrize(("name", "table"), [("sources", "source"), ("questions", "question")])
def test_an_entry_that_is_there_twice_is_named(folder: Path, name: str, table: str) -> None:
    path = folder / f"{name}.toml"
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n[[{table}]]{text.split(f'[[{table}]]')[1]}", "utf-8")
    assert error(folder).startswith(f"{name}.toml: {table} ")
    assert "it is there already" in error(folder)


@pytest.mark.parametrize("name", ["sources", "vocabulary", "questions", "assumptions", "mentioned"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").unlink()
    assert error(folder) == f"{name}.toml: the file cannot be read (No such file or directory)"


# Errors in vectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "vectors 7 (read.success/documented-example): it is there already"), (7, "vectors 7: Expected `object`, g")],
)
def test_an_error_in_a_vector_names_file_and_entry(folder: Path, more: Any, said: str) -> None:
    path = folder / "vectors" / "read.json"
    vectors = json.loads(path.read_text("utf-8"))["vectors"]
    path.write_text(json.dumps({"vectors": [*vectors, more or vectors[0]]}), "utf-8")
    assert error(folder).startswith(f"vectors/read.json: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff", "not JSON: byte 0 is not UTF-8"),
        (b"[NaN", "not JSON"),
        (b'{"vectors": [], "vectors": []}', "not JSON: the key 'vectors' appears twice"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"vectors": {}}', "field vectors: Expected `array`, got `object`"),
        (b'{"vector": []}', "Object contains unknown field `vector`"),
    ],
)
def test_json_that_holds_no_vectors_is_named(folder: Path, content: bytes, said: str) -> None:
    (folder / "vectors" / "read.json").write_bytes(content)
    assert error(folder).startswith(f"vectors/read.json: {said}")


def test_a_rule_without_its_vectors_is_named_with_what_to_add(folder: Path) -> None:
    assert missing_vectors(contract()) == []
    path = folder / "vectors" / "read.json"
    content = json.loads(path.read_text("utf-8"))
    kept = [vector for vector in content["vectors"] if not vector["id"].startswith(("read.unknown_id", "read.key"))]
    path.write_text(json.dumps({"vectors": [*kept, {**kept[0], "id": "read.key/accepted"}]}), "utf-8")
    (folder / "vectors" / "answers.json").write_text('{"answers": []}', "utf-8")
    key, unknown, *others = missing_vectors(load_contract(folder))
    add = "add to contracts/vectors/ a vector with an id that begins with"
    assert key == (
        f"contracts/rules/read.toml: rule read.key: {add} read.key/, status 401, code unauthorized, "
        "and an accepted twin"
    )
    assert unknown.startswith("contracts/rules/read.toml: rule read.unknown_id: add")
    assert others[0] == (
        f"contracts/rules/audience.toml: rule audience.id: {add} audience.id/, "
        "or say in the field untested why no request can find it out"
    )
    assert not any("audience.source_lists.empty" in sentence for sentence in others)  # untested


# Hostile files -------------------------------------------------------------------------------------


class Word(Entry, frozen=True):
    """An entry of the files below."""

    word: str


DEEP = "a" + ".a" * 20_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"x = {'1' * 10_000}", "not TOML: Exceeds the limit (4300 digits)"),
        (f"x = 0x{'f' * 10_000}", "Object contains unknown field `x`"),
        (f"x = {'[' * 3_000}{']' * 3_000}", "not TOML: arrays or tables nest too deep"),
        (f"x = {'{a=' * 3_000}1{'}' * 3_000}", "not TOML: arrays or tables nest too deep"),
        (f"{DEEP} = 1", "not TOML: line 1 has more than 30 dots"),
        (f"[{DEEP}]", "not TOML: line 1 has more than 30 dots"),
        ("#" * (LARGEST + 1), "not TOML: the file is larger than 262,144 bytes"),
        ("[b" + ".b" * 30 + "]\n" + "".join(f"k{n}{'.a' * 30} = 1\n" for n in range(3_600)), "Object contains unknown"),
        (f"{'x' * 100_000} = 1", "Object contains unknown field `xxx"),
        ('"\\u001b[2J\\n" = 1', r"Object contains unknown field `\x1b[2J\n`"),
        ("[[words]]\nword = 'x'", "Object contains unknown field `words`"),
        ('"x` - at `$.word[9]" = 1', "Object contains unknown field `x"),
        ('"x` - at `$.word[9999999999999999999999].x" = 1', "Object contains unknown field `x"),
        ('"x - at `$" = 1', "field : Object contains unknown field `x"),
        ("word = 3", "field word: Expected `array`, got `int`"),
        ("word = [3]", "word 1: Expected `object`, got `int`"),
        ("", "Object missing required field `word`"),
    ],
    ids=range(17),
)
def test_a_hostile_file_ends_soon_in_one_error(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "words.toml"
    path.write_text(content, "utf-8")
    start = time.process_time()
    with pytest.raises(ContractError) as caught:
        read_entries(path, "word", Word, "word")
    assert str(caught.value).startswith(f"{path}: {said}")
    assert len(str(caught.value)) < len(str(path)) + 500
    assert time.process_time() - start < 2


def test_what_is_no_file_of_text_is_named(tmp_path: Path) -> None:
    loop, binary = tmp_path / "loop.toml", tmp_path / "binary.toml"
    loop.symlink_to(loop)
    binary.write_bytes(b'x = "\xff"')
    for path, why in ((tmp_path, "Is a directory"), (loop, "Too many levels of"), (binary, "not TOML: 'utf-8' codec")):
        with pytest.raises(ContractError, match=why):
            read_data(path, Word)
