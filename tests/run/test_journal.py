"""Facts about the backup on disk: written whole before the first change, and never over another."""

import os
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.core import UnwritableError
from trackly_contract.run.journal import Journal, state_folder

BASE = "https://app.tracklysms.com/api"
AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
AUDIENCE: dict[str, Any] = {"id": AUDIENCE_ID, "name": "Zoë \ud83d", "source_lists": [], "filter": {"groups": []}}

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and folders of POSIX")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.of(BASE, AUDIENCE_ID, tmp_path / "state")


def test_what_was_written_is_read_by_another_run_until_it_is_removed(journal: Journal, tmp_path: Path) -> None:
    assert journal.read() is None
    for _ in range(2):
        journal.write(BASE, AUDIENCE)
        assert Journal.of(BASE, AUDIENCE_ID, tmp_path / "state").read() == AUDIENCE
        assert list(journal.path.parent.iterdir()) == [journal.path]
        journal.remove()
        assert journal.read() is None
    journal.remove()


def test_it_is_never_written_over_another(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    with pytest.raises(FileExistsError, match="run `trackly-contract restore`"):
        journal.write(BASE, {"name": "changed by a run"})
    assert journal.read() == AUDIENCE


def test_what_a_killed_run_wrote_half_is_no_backup(journal: Journal) -> None:
    journal.path.parent.mkdir(parents=True)
    journal.path.with_name(f".{journal.path.name}.new").write_text('{"base_url": "htt', "utf-8")
    assert journal.read() is None


@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_disk_that_fails_leaves_no_half_of_a_file(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    synced: list[int] = []

    def full(file: int) -> None:
        synced.append(file)
        if which == "file" or len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableError, match=r"journal\.json: cannot be written \(No space left on device\)"):
        journal.write(BASE, AUDIENCE)
    assert journal.read() == (None if which == "file" else AUDIENCE)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"audience": 7}', b'{"audience": null}', b'{"audience": []}', b"\xff\xfe"],
)
def test_a_file_that_cannot_be_read_is_named(journal: Journal, content: bytes) -> None:
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read") as caught:
        journal.read()
    assert str(journal.path) in str(caught.value)


def test_each_audience_and_base_url_has_its_own_file_that_shows_neither(journal: Journal) -> None:
    others = [(BASE, "664f1a2b3c4d5e6f7a8b9c0e"), ("https://other.example/api", AUDIENCE_ID)]
    folder = journal.path.parent
    paths = {journal.path, *(Journal.of(base, audience, folder).path for base, audience in others)}
    assert len(paths) == 3
    assert not any(word in path.name for path in paths for word in (AUDIENCE_ID, "trackly"))


@posix
def test_the_folder_is_nobody_elses(journal: Journal) -> None:
    journal.write(BASE, AUDIENCE)
    assert journal.path.parent.stat().st_mode & 0o077 == 0


@posix
@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("TRACKLY_STATE_DIR", ""),
        ("XDG_STATE_HOME", "trackly-contract"),
        ("HOME", ".local/state/trackly-contract"),
    ],
)
def test_the_state_folder_is_the_one_that_is_set_or_one_of_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, expected: str
) -> None:
    for name in ("TRACKLY_STATE_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert state_folder() == tmp_path / expected
