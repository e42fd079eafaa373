"""Facts about the journal: written whole before the first change, never over another, never without a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.run.journal import Journal, state_folder

BASE = "https://app.tracklysms.com/api"
AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
AUDIENCE: dict[str, Any] = {"id": AUDIENCE_ID, "name": "Zoë \ud83d", "source_lists": [], "filter": {"groups": []}}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.of(BASE, AUDIENCE_ID, tmp_path / "state")


def test_nothing_is_to_be_put_back_where_there_is_no_journal(journal: Journal) -> None:
    assert journal.read() is None


def test_what_was_written_is_read(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    assert journal.read() == AUDIENCE


def test_another_run_reads_what_was_written(journal: Journal, tmp_path: Path) -> None:
    journal.write(BASE, AUDIENCE)
    assert Journal.of(BASE, AUDIENCE_ID, tmp_path / "state").read() == AUDIENCE


def test_a_journal_is_never_written_over_another(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    with pytest.raises(FileExistsError, match="run `trackly-contract restore`"):
        journal.write(BASE, {"name": "changed by a run"})
    assert journal.read() == AUDIENCE


def test_nothing_is_to_be_put_back_after_removal(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    journal.remove()
    assert journal.read() is None


def test_removing_twice_is_fine(journal: Journal) -> None:
    journal.remove()
    journal.remove()


def test_after_removal_it_can_be_written_again(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    journal.remove()
    journal.write(BASE, AUDIENCE)
    assert journal.read() == AUDIENCE


def test_no_other_file_is_left_behind(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    assert list(journal.path.parent.iterdir()) == [journal.path]


def test_a_half_written_file_of_a_killed_run_is_no_journal(journal: Journal) -> None:
    journal.path.parent.mkdir(parents=True)
    journal.path.with_suffix(".tmp").write_text('{"base_url": "htt', "utf-8")
    assert journal.read() is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"audience": 7}', b'{"audience": null}', b'{"audience": []}', b"\xff\xfe"],
)
def test_a_journal_that_cannot_be_read_is_named(journal: Journal, content: bytes) -> None:
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read") as caught:
        journal.read()
    assert str(journal.path) in str(caught.value)


@pytest.mark.parametrize(
    ("base", "audience"), [(BASE, "664f1a2b3c4d5e6f7a8b9c0e"), ("https://other.example/api", AUDIENCE_ID)]
)
def test_two_audiences_have_two_journals(journal: Journal, tmp_path: Path, base: str, audience: str) -> None:
    assert Journal.of(base, audience, tmp_path / "state").path != journal.path


def test_the_name_of_the_file_shows_neither_url_nor_id(journal: Journal) -> None:
    assert AUDIENCE_ID not in journal.path.name
    assert "trackly" not in journal.path.name


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_the_folder_is_nobody_elses(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    assert journal.path.parent.stat().st_mode & 0o077 == 0


def test_the_state_folder_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACKLY_STATE_DIR", str(tmp_path))
    assert state_folder() == tmp_path


@pytest.mark.skipif(os.name != "posix", reason="the folder of POSIX systems")
def test_the_state_folder_is_one_of_the_users_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRACKLY_STATE_DIR", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert state_folder() == tmp_path / ".local" / "state" / "trackly-contract"


@pytest.mark.skipif(os.name != "posix", reason="the folder of POSIX systems")
def test_an_xdg_folder_is_honoured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRACKLY_STATE_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "trackly-contract"
