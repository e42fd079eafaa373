"""Generated files: fresh, named when stale, never written by `--check`."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.maintain import generated
from trackly_contract.contract import contract, document
from trackly_contract.core.files import data_root

NAMES = [
    "contracts/plan.json",
    "schemas/vocabulary.json",
    "schemas/openapi.json",
    "schemas/openapi.bundled.json",
    "docs/rules.md",
    "docs/report.md",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that passes for a checkout, its generated files fresh."""
    (tmp_path / "pyproject.toml").touch()
    assert generated.write(tmp_path) == NAMES
    return tmp_path


def test_the_generated_files_of_this_checkout_are_fresh() -> None:
    assert generated.stale(data_root()) == [], "run `make docs` and commit what it writes"


def test_the_module_says_so_too() -> None:
    command = [sys.executable, "-m", "tests.maintain.generated", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["changed", "missing", "crlf"])
def test_a_stale_file_is_named(checkout: Path, capsys: pytest.CaptureFixture[str], name: str, how: str) -> None:
    path = checkout / name
    if how == "missing":
        path.unlink()
    else:
        old, new = (b"time", b"tome") if how == "changed" else (b"\n", b"\r\n")
        path.write_bytes(path.read_bytes().replace(old, new, 1))
    before = path.read_bytes() if path.exists() else None
    assert generated.main(["--check"], checkout) == 1
    said = capsys.readouterr().err
    assert said == f"{name} is stale: run `make docs` and commit what it writes\n"
    assert (path.read_bytes() if path.exists() else None) == before
    assert generated.main([], checkout) == 0
    assert capsys.readouterr().out == f"{name} written\n"
    assert generated.main(["--check"], checkout) == 0


def test_fresh_files_are_left_alone(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generated.main([], checkout) == 0
    assert generated.main(["--check"], checkout) == 0
    assert capsys.readouterr() == ("", "")


def test_nothing_is_written_outside_a_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generated.main([], tmp_path) == 2
    assert "no checkout" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_vocabulary_is_the_one_that_the_schemas_use() -> None:
    assert json.loads(generated.vocabulary()) == contract().vocabulary.schema()


@pytest.mark.parametrize(
    "reference", ["update.json#/properties/name", "filter.json#/$defs/group/properties", "filter.json#group"]
)
def test_a_reference_that_cannot_be_bundled_is_an_error(reference: str) -> None:
    def read(name: str) -> dict[str, Any]:
        whole = document(name)
        if name == "openapi.json":
            whole["components"]["schemas"]["AudienceSize"] = {"$ref": reference}
        return whole

    with pytest.raises(LookupError, match="only a whole file or a member of its"):
        generated.bundled(read)


def test_two_schemas_of_one_name_are_an_error() -> None:
    def read(name: str) -> dict[str, Any]:
        whole = document("error.json" if name == "audience-size.json" else name)
        if name == "openapi.json":
            whole["components"]["responses"]["notFound"]["content"] = {
                "application/json": {"schema": {"$ref": "audience-size.json"}}
            }
        return whole

    with pytest.raises(LookupError, match="AudienceSize would stand for both"):
        generated.bundled(read)


def test_the_table_has_every_rule_code_token_and_question() -> None:
    text = generated.rules()
    lines = text.splitlines()
    assert "Generated from contracts/" in lines[0]
    for rule in contract().rules.values():
        assert sum(line.startswith(f"| `{rule.id}` |") for line in lines) == 1
    codes = {rule.code for rule in contract().rules.values() if rule.code}
    assert {line.split("`")[1] for line in lines if line.startswith(("| 400 |", "| 401 |", "| 404 |"))} == codes
    for name in [*contract().questions, *(token.token for token in contract().vocabulary.tokens)]:
        assert f"| `{name}` |" in text


def test_every_row_has_the_cells_of_its_table() -> None:
    cells = 0
    for line in generated.rules().splitlines():
        here = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not (cells and here) or here == cells, line
        cells = here


def test_a_cell_holds_what_markdown_would_take_for_its_own() -> None:
    first = next(iter(contract().rules.values()))
    odd = msgspec.structs.replace(first, statement="a|b <c> [d] *e*\nf")
    text = generated.rules(replace(contract(), rules={first.id: odd}))
    assert r"| a\|b \<c> \[d\] \*e\* f |" in text


def test_an_area_without_a_heading_is_an_error() -> None:
    first = next(iter(contract().rules.values()))
    with pytest.raises(LookupError, match=r"rules of zz: give the area a heading in generated\.AREAS"):
        generated.rules(replace(contract(), rules={"zz.new": msgspec.structs.replace(first, id="zz.new")}))
