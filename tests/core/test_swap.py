"""Facts about swapping folders: cut off at any step, one of the two is there, whole."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.core import recover_folder, replace_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = ((Path, "mkdir"), (Path, "rename"), (shutil, "copyfile"), (shutil, "rmtree"))
OLD = {"a": b"old", "b": b"old"}
NEW = {"a": b"new", "c": b"new"}


class Killed(BaseException):
    """Stands for a process that ends here: nothing can catch it and go on."""


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killing(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> Iterator[int]:
    """Let the `at`-th step on the disk, counted from 0, end the process before or after it is done."""
    turn = itertools.count()
    for owner, name in STEPS:
        step: Callable[..., Any] = getattr(owner, name)

        def counted(*args: Any, step: Callable[..., Any] = step, **named: Any) -> Any:
            now = next(turn)
            if now == at and not after:
                raise Killed
            done = step(*args, **named)
            if now == at:
                raise Killed
            return done

        monkeypatch.setattr(owner, name, counted)
    return turn


def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many steps on the disk a swap takes."""
    folder, new = fill(tmp_path / "counted", OLD), fill(tmp_path / "counting", NEW)
    with monkeypatch.context() as patched:
        turn = killing(patched, -1, after=False)
        replace_folder(new, folder)
        return next(turn)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_swap_that_is_cut_off_at_any_step_leaves_the_old_or_the_new_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    found = []
    for at in range(steps(tmp_path, monkeypatch)):
        folder, new = fill(tmp_path / str(at) / "live", OLD), fill(tmp_path / str(at) / "made", NEW)
        with monkeypatch.context() as patched:
            killing(patched, at, after=after)
            with suppress(Killed):
                replace_folder(new, folder)
        found.append(content(recover_folder(folder)))
        assert sorted(path.name for path in folder.parent.iterdir() if path.name[:5] in (".old-", ".new-")) == []
    # First the old ones, then the new ones, and never anything else.
    turn = found.index(NEW)
    assert found == [OLD] * turn + [NEW] * (len(found) - turn)
    assert 0 < turn < len(found) - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_repair_that_is_cut_off_is_repaired_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    for at in range(4):
        folder = fill(tmp_path / str(at) / "live", OLD)
        fill(folder.with_name(".new-live"), NEW)
        with monkeypatch.context() as patched:
            killing(patched, at, after=after)
            with suppress(Killed):
                recover_folder(folder)
        assert content(recover_folder(folder)) == NEW


def test_a_swap_that_was_cut_off_does_not_disturb_the_next(tmp_path: Path) -> None:
    folder = fill(tmp_path / "live", OLD)
    fill(tmp_path / ".part-live", {"half": b""})
    fill(tmp_path / ".old-live", {"stale": b""})
    replace_folder(fill(tmp_path / "made", NEW), folder)
    assert content(folder) == NEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live", "made"]


def test_a_folder_that_was_only_moved_away_is_moved_back(tmp_path: Path) -> None:
    fill(tmp_path / ".old-live", OLD)
    assert content(recover_folder(tmp_path / "live")) == OLD


def test_what_was_half_copied_is_not_taken(tmp_path: Path) -> None:
    fill(tmp_path / ".part-live", {"a": b"new"})
    assert content(recover_folder(fill(tmp_path / "live", OLD))) == OLD


def test_where_nothing_was_cut_off_nothing_is_touched(tmp_path: Path) -> None:
    folder = fill(tmp_path / "live", OLD)
    before = folder.stat().st_mtime_ns
    assert recover_folder(folder) == folder
    assert (content(folder), folder.stat().st_mtime_ns) == (OLD, before)


def test_a_folder_that_never_was_stays_away(tmp_path: Path) -> None:
    assert not recover_folder(tmp_path / "live").exists()


def test_the_first_swap_makes_the_folder(tmp_path: Path) -> None:
    replace_folder(fill(tmp_path / "made", NEW), tmp_path / "cassettes" / "live")
    assert content(tmp_path / "cassettes" / "live") == NEW


def test_of_three_folders_the_new_one_is_taken(tmp_path: Path) -> None:
    folder = fill(tmp_path / "live", OLD)
    fill(tmp_path / ".old-live", {"stale": b""})
    fill(tmp_path / ".new-live", NEW)
    assert content(recover_folder(folder)) == NEW
