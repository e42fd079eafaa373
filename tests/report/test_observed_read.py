"""Facts about how the contract reads the file of observed tokens: all of it, or an error that names the slip."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from trackly_contract.contract import KINDS, ContractError, Observed, Outcome
from trackly_contract.contract import load as contracts
from trackly_contract.core.files import data_root
from trackly_contract.generate import CANDIDATE_TYPES
from trackly_contract.report.observed import as_toml

if TYPE_CHECKING:
    from pathlib import Path

API = "https://a.example/api"
DAY = date(2026, 11, 22)
EQ = Observed("carrier.operator", "eq", Outcome.REFUSED, "400 invalid_carrier_operator", API, DAY, "quick")
NE = Observed("carrier.operator", "ne", Outcome.ACCEPTED, "200", API, DAY, "quick")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract without the parts that are not read first, and with an observed.toml that can be broken."""
    (tmp_path / "observed.toml").write_text(as_toml([EQ, NE]), "utf-8")
    for path in (data_root() / "contracts").iterdir():
        if path.name != "observed.toml":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def edit(folder: Path, old: str, new: str) -> str:
    path = folder / "observed.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ContractError) as caught:
        contracts.load_contract(folder)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def test_the_contract_knows_what_was_observed(folder: Path) -> None:
    assert contracts.load_contract(folder).observed == (EQ, NE)


def test_a_contract_without_observations_is_whole(folder: Path) -> None:
    (folder / "observed.toml").unlink()
    assert contracts.load_contract(folder).observed == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"refused"', '"maybe"', "observed 'eq', field outcome: 'maybe' is not one of"),
        ('kind = "carrier.operator"', 'kind = "time.unit"', "observed 'eq', field kind: 'time.unit' is not one of"),
        ("date = 2026-11-22", 'date = "2026-02-30"', "observed 'eq', field date: there is no day 2026-02-30"),
        ("date = 2026-11-22", "date = 2026-11-22T10:00:00", "observed 'eq', field date: '2026-11-22 10:00:00'"),
        ("date = 2026-11-22\n", "", "observed 'eq': 'date' is a required property"),
        ('effort = "quick"', 'effort = "quick"\nsure = true', "observed 'eq': Additional properties"),
        ('token = "eq"', 'token = ""', "observed number 1, field token: "),
        (
            'token = "ne"',
            'token = "eq"',
            "observed 'eq': carrier.operator at https://a.example/api has this token twice",
        ),
        ("[[observed]]", "[[seen]]", "the whole file: Additional properties"),
    ],
)
def test_a_slip_is_told_with_file_entry_and_field(folder: Path, old: str, new: str, said: str) -> None:
    assert said in edit(folder, old, new)


def test_the_lists_of_the_schema_are_those_of_which_tokens_are_tried() -> None:
    schema = json.loads((data_root() / "schemas" / "meta" / "observed.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    entry = schema["properties"]["observed"]["items"]["properties"]
    tried = [f"{kind}.{part}" for kind in CANDIDATE_TYPES for part in ("field", "operator")]
    assert sorted(entry["kind"]["enum"]) == sorted(["condition_type", *(name for name in tried if name in KINDS)])
    assert entry["outcome"]["enum"] == [outcome.value for outcome in Outcome]
