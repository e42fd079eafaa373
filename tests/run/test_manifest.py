"""Facts about ledgers: dated, counted, and able to tell a cassette that is not as it was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.run import CassetteError, cassettes
from trackly_contract.run.manifest import (
    File,
    Manifest,
    Run,
    adopt,
    check,
    compared,
    days_old,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

LEDGER = Manifest("live", "2026-11-21", "0.1.0", "a" * 24, ("quick",))


def made(folder: Path, manifest: Manifest = LEDGER, more: str = "", **files: str) -> Path:
    """Return a folder with these cassettes and their ledger; `more` are names of further ones, a letter each."""
    files |= dict.fromkeys(more, "x")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text.encode())
    write_manifest(folder, manifest)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "live", one="1", two="2")


def problem(folder: Path) -> str:
    with pytest.raises(CassetteError) as caught:
        check(folder, read_manifest(folder))
    return str(caught.value)


def test_a_ledger_is_read_as_it_was_written(folder: Path) -> None:
    written = read_manifest(folder)
    write_manifest(folder, written)
    assert read_manifest(folder) == written
    assert replace(written, runs={}, files={}) == LEDGER


def test_a_ledger_says_of_each_effort_when_it_was_recorded_and_of_how_many_cases(folder: Path) -> None:
    assert read_manifest(folder).runs == {"quick": Run("2026-11-21", 2)}


def test_efforts_keep_their_order(folder: Path) -> None:
    write_manifest(folder, replace(LEDGER, efforts=("thorough", "quick")))
    assert read_manifest(folder).efforts == ("thorough", "quick")


def test_recordings_as_they_were_recorded_are_fine(folder: Path) -> None:
    check(folder, read_manifest(folder))


def test_a_missing_cassette_is_named(folder: Path) -> None:
    (folder / "one.yaml").unlink()
    assert f"{folder / 'one.yaml'}: missing" in problem(folder)


def test_an_empty_cassette_is_named(folder: Path) -> None:
    (folder / "one.yaml").write_bytes(b"\n")
    assert f"{folder / 'one.yaml'}: empty" in problem(folder)


@pytest.mark.parametrize("text", [b"1 ", b"2", b"1\r\n"])
def test_a_cassette_that_was_changed_is_named(folder: Path, text: bytes) -> None:
    (folder / "one.yaml").write_bytes(text)
    assert f"{folder / 'one.yaml'}: not as it was recorded" in problem(folder)


def test_a_foreign_cassette_is_named(folder: Path) -> None:
    (folder / "three.yaml").write_bytes(b"3")
    assert f"{folder / 'three.yaml'}: not of this recording" in problem(folder)


def test_the_error_says_what_to_do(folder: Path) -> None:
    (folder / "one.yaml").unlink()
    text = problem(folder)
    assert f"git restore {folder}" in text
    assert "record again (make record)" in text


def test_of_many_damaged_cassettes_three_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    folder = made(tmp_path / "live", more="abcde")
    for path in folder.glob("*.yaml"):
        path.unlink()
    text = problem(folder)
    assert (text.count("missing"), "and 2 more files" in text) == (3, True)


def test_recordings_of_the_reference_server_are_made_anew_by_another_command(tmp_path: Path) -> None:
    folder = made(tmp_path / "reference", replace(LEDGER, target="reference"), one="1")
    (folder / "one.yaml").unlink()
    assert "record again (make cassettes)" in problem(folder)


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"7", b"{}", b'{"target": "live"}', b"\xff", b'{"efforts": 7}', b"<<<<<<< HEAD"]
)
def test_a_ledger_that_is_none_is_an_error_with_its_file(folder: Path, content: bytes | None) -> None:
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_bytes(content)
    with pytest.raises(CassetteError, match=r"live/ledger\.json: no ledger that can be read.*record again"):
        cassettes.Player(folder)


EDITS: dict[str, dict[str, Any]] = {
    "an unknown target": {"target": "somewhere"},
    "a day that is none": {"recorded": "2026-02-30"},
    "no day": {"recorded": None},
    "another number of cases": {"runs": {"quick": {"recorded": "2026-11-21", "cases": 7}}},
    "a run without its day": {"runs": {"quick": {"cases": 2}}},
    "a file without a digest": {"files": {"one.yaml": {"efforts": ["quick"]}}},
    "a key that is none": {"comment": "edited"},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_ledger_that_contradicts_itself_is_an_error(folder: Path, edit: dict[str, Any]) -> None:
    entry = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**entry, **edit}))
    with pytest.raises(CassetteError, match=r"ledger\.json: no ledger that can be read"):
        read_manifest(folder)


def test_recordings_without_digests_are_not_played(folder: Path) -> None:
    entry = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in entry.items() if k not in ("runs", "files")}))
    with pytest.raises(CassetteError, match="the ledger does not know it"):
        cassettes.Player(folder)


# Several efforts -----------------------------------------------------------------------------------


def test_an_effort_that_agrees_is_adopted_with_its_own_day(folder: Path, tmp_path: Path) -> None:
    old = made(tmp_path / "old", replace(LEDGER, recorded="2026-10-01", efforts=("standard",)), one="1", three="3")
    assert adopt(old, folder, "standard")
    manifest = read_manifest(folder)
    check(folder, manifest)
    assert (manifest.efforts, manifest.recorded) == (("quick", "standard"), "2026-11-21")
    assert manifest.runs == {"quick": Run("2026-11-21", 2), "standard": Run("2026-10-01", 2)}
    assert manifest.files["one.yaml"].efforts == ("quick", "standard")


def test_an_effort_that_differs_in_one_byte_is_not_adopted(folder: Path, tmp_path: Path) -> None:
    old = made(tmp_path / "old", replace(LEDGER, efforts=("standard",)), one="1 ", three="3")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not adopt(old, folder, "standard")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_new_changed_and_vanished_cases_are_told(folder: Path, tmp_path: Path) -> None:
    new = made(tmp_path / "new", one="other", four="4")
    assert compared(folder, new, "quick") == (
        "beside the recordings of 2026-11-21: 0 the same, 1 new (four), 1 changed (one), 1 vanished (two)"
    )


def test_cases_are_named_as_the_suite_names_them(folder: Path, tmp_path: Path) -> None:
    new = made(tmp_path / "new")
    (new / "filter.time.unit--weeks@top-or-first.yaml").write_bytes(b"")
    write_manifest(new, LEDGER)
    assert "1 new (filter.time.unit/weeks@top-or-first)" in compared(folder, new, "quick")


def test_of_many_cases_three_are_named(folder: Path, tmp_path: Path) -> None:
    new = made(tmp_path / "new", one="1", two="2", more="abcde")
    assert compared(folder, new, "quick").endswith("2 the same, 5 new (a, b, c, ...)")


def test_an_effort_that_was_not_recorded_before_makes_nothing_vanish(folder: Path, tmp_path: Path) -> None:
    new = made(tmp_path / "new", replace(LEDGER, efforts=("standard",)), one="1")
    assert compared(folder, new, "standard").endswith(": 1 the same")


# Age -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "days"), [("2026-11-21", 0), ("2026-11-22", 1), ("2027-02-19", 90), ("2026-11-20", 0)])
def test_the_age_is_counted_in_days(folder: Path, day: str, days: int) -> None:
    assert days_old(read_manifest(folder), "quick", date.fromisoformat(day)) == days


def test_each_effort_has_its_own_age() -> None:
    manifest = replace(LEDGER, efforts=("quick", "standard"), runs={"standard": Run("2026-11-01", 1)})
    assert days_old(manifest, "standard", date(2026, 11, 21)) == 20


def test_a_file_counts_for_the_efforts_that_ask_it() -> None:
    manifest = replace(LEDGER, files={"one.yaml": File("", ("quick",)), "two.yaml": File("", ("standard",))})
    assert manifest.of("quick") == {"one.yaml"}
