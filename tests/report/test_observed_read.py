"""Facts about how the contract reads the file of observed tokens: all of it, or an error that names the slip."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

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
        ('"refused"', '"maybe"', "observed 1 (eq), field outcome: Invalid enum value 'maybe'"),
        (
            'kind = "carrier.operator"',
            'kind = "time.unit"',
            "observed 1 (eq), field kind: Expected `str` matching regex",
        ),
        (
            "date = 2026-11-22",
            'date = "2026-02-30"',
            "observed 1 (eq), field date: Expected `date`, got `str`; write a date without quotes",
        ),
        (
            "date = 2026-11-22",
            "date = 2026-11-22T10:00:00",
            "observed 1 (eq), field date: Expected `date`, got `datetime`",
        ),
        ("date = 2026-11-22\n", "", "observed 1 (eq): Object missing required field `date`"),
        ('effort = "quick"', 'effort = "quick"\nsure = true', "observed 1 (eq): Object contains unknown field `sure`"),
        ('token = "eq"', 'token = ""', "observed 1 (), field token: "),
        (
            'token = "ne"',
            'token = "eq"',
            "observed 2 (eq): it is there already",
        ),
        ("[[observed]]", "[[seen]]", "Object contains unknown field `seen`"),
    ],
)
def test_a_slip_is_told_with_file_entry_and_field(folder: Path, old: str, new: str, said: str) -> None:
    assert said in edit(folder, old, new)


def test_the_kinds_that_are_read_are_those_of_which_tokens_are_tried(folder: Path) -> None:
    tried = {f"{kind}.{part}" for kind in CANDIDATE_TYPES for part in ("field", "operator")} | {"condition_type"}
    for kind in KINDS:
        (folder / "observed.toml").write_text(as_toml([replace(EQ, kind=kind)]), "utf-8")
        with nullcontext() if kind in tried else pytest.raises(ContractError, match="field kind"):
            contracts.load_contract(folder)
