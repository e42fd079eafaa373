"""Facts about what stands on disk: a backup is whole and never overwritten; one run at a time holds the lock."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.run import LockedError
from trackly_contract.run.journal import Backup, Journal, JournalError, locked, state_folder

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
        journal.write(Backup(BASE, AUDIENCE_ID, AUDIENCE))
        assert Journal.of(BASE, AUDIENCE_ID, tmp_path / "state").read() == Backup(BASE, AUDIENCE_ID, AUDIENCE)
        assert list(journal.path.parent.iterdir()) == [journal.path]
        journal.remove()
        assert journal.read() is None
    journal.remove()


def test_it_is_never_written_over_another(journal: Journal) -> None:
    journal.write(Backup(BASE, AUDIENCE_ID, AUDIENCE))
    with pytest.raises(JournalError, match="run `trackly-contract restore`"):
        journal.write(Backup(BASE, AUDIENCE_ID, {"name": "changed by a run"}))
    assert journal.read() == Backup(BASE, AUDIENCE_ID, AUDIENCE)


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
    with pytest.raises(JournalError, match=r"journal\.jsonl: cannot be written \(No space left on device\)"):
        journal.write(Backup(BASE, AUDIENCE_ID, AUDIENCE))
    assert journal.read() == (None if which == "file" else Backup(BASE, AUDIENCE_ID, AUDIENCE))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"audience": 7}', b'{"audience": null}', b'{"audience": []}', b"\xff\xfe"],
)
def test_a_file_that_cannot_be_read_is_named(journal: Journal, content: bytes) -> None:
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(content)
    with pytest.raises(JournalError, match="cannot be read") as caught:
        journal.read()
    assert str(journal.path) in str(caught.value)


def test_each_audience_and_base_url_has_its_own_file_that_shows_neither(journal: Journal) -> None:
    others = [(BASE, "664f1a2b3c4d5e6f7a8b9c0e"), ("https://other.example/api", AUDIENCE_ID)]
    folder = journal.path.parent
    paths = {journal.path, *(Journal.of(base, audience, folder).path for base, audience in others)}
    assert len(paths) == 3
    assert not any(word in path.name for path in paths for word in (AUDIENCE_ID, "trackly"))


@posix
def test_the_folder_is_nobody_elses(journal: Journal, tmp_path: Path) -> None:
    journal.write(Backup(BASE, AUDIENCE_ID, AUDIENCE))
    other = Journal.of(BASE, AUDIENCE_ID, tmp_path / "other")
    with locked(other, "check, quick"):
        assert {one.path.parent.stat().st_mode & 0o077 for one in (journal, other)} == {0}


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


# The lock ------------------------------------------------------------------------------------------


@pytest.fixture
def owner(journal: Journal) -> Path:
    """Return where the owner of the lock is named."""
    journal.path.parent.mkdir(parents=True, mode=0o700)
    return journal.path.with_name(journal.path.name.replace(".journal.jsonl", ".owner.json"))


def refusal(journal: Journal) -> str:
    with pytest.raises(LockedError) as caught, locked(journal, "check, quick"):
        pass
    return str(caught.value)


def test_the_owner_is_named_beside_the_lock_while_it_is_held(journal: Journal, owner: Path) -> None:
    with locked(journal, "check, standard"):
        entry = json.loads(owner.read_text("utf-8"))
    assert (entry["what"], entry["pid"], entry["host"]) == ("check, standard", os.getpid(), socket.gethostname())
    assert entry["started"].endswith("+00:00")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, OSError])
def test_the_lock_is_free_after_however_the_run_ended(
    journal: Journal, owner: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), locked(journal, "check, standard"):
        raise error
    assert not owner.exists()
    with locked(journal, "check, quick") as note:
        assert note == ""


def test_a_second_run_is_rejected_with_the_owner_of_the_lock_and_the_next_step(journal: Journal, owner: Path) -> None:
    with locked(journal, "check, standard"):
        before = owner.read_bytes()
        text = refusal(journal)
        assert owner.read_bytes() == before
        owner.unlink()
        assert "another run is using this audience (it has just begun)" in refusal(journal)
    assert text.startswith(f"{owner}: another run is using this audience (check, standard: process {os.getpid()} on ")
    assert "so nothing was sent. Wait until it has ended" in text


def test_what_a_killed_run_left_is_taken_over_on_its_host_and_never_on_another(journal: Journal, owner: Path) -> None:
    def left(host: str) -> str:
        entry = {"what": "check, thorough", "pid": 4711, "host": host, "started": "2026-11-21T10:00:00+00:00"}
        owner.write_text(json.dumps(entry), "utf-8")
        return f"(check, thorough: process 4711 on {host}, since 2026-11-21T10:00:00+00:00"

    said = left(socket.gethostname())
    with locked(journal, "restore") as note:
        assert note == f"the lock of a run that was cut off was taken over {said})"
    said = left("ci-7")
    before, text = owner.read_bytes(), refusal(journal)
    assert f"{said}; whether it still runs cannot be seen from {socket.gethostname()}), so nothing was sent" in text
    assert "When it is sure to be over, remove the file and run `trackly-contract restore`" in text
    assert owner.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"7", b"{}", b'{"what": "x", "more": 1}'])
def test_an_owner_that_cannot_be_read_is_reported_and_stays(journal: Journal, owner: Path, content: bytes) -> None:
    owner.write_bytes(content)
    text = refusal(journal)
    assert text.startswith(f"{owner}: another run may be using this audience (its owner file cannot be read: ")
    assert "When it is sure to be over, remove the file" in text
    assert owner.read_bytes() == content


@pytest.mark.parametrize("broken", ["the folder is a file", "the lock is a folder", "the owner is a folder"])
def test_a_lock_that_cannot_be_written_is_reported(journal: Journal, owner: Path, broken: str) -> None:
    if broken == "the folder is a file":
        owner.parent.rmdir()
        owner.parent.write_text("a file")
    else:
        name = owner.name.replace(".owner.json", ".lock") if "lock is" in broken else f".{owner.name}.new"
        owner.with_name(name).mkdir()
    text = refusal(journal)
    assert "cannot be written" in text
    assert "set TRACKLY_STATE_DIR to a folder of your own" in text
