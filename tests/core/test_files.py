"""Facts about files: where the data is found, and that what is replaced is the old or the new one, whole."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.core import UnwritableError, recover_folder, replace_folder, write_file, write_files
from trackly_contract.core.files import data_root

INSTALLED = "site-packages/trackly_contract"
IN_CHECKOUT = "checkout/src/trackly_contract"


@pytest.mark.parametrize(
    ("package", "filled", "root"),
    [
        pytest.param(IN_CHECKOUT, ["checkout"], "checkout", id="a checkout"),
        pytest.param(IN_CHECKOUT, ["checkout", f"{IN_CHECKOUT}/data"], "checkout", id="a checkout wins over copies"),
        pytest.param(IN_CHECKOUT, [f"{IN_CHECKOUT}/data"], f"{IN_CHECKOUT}/data", id="copies below src"),
        pytest.param(INSTALLED, [f"{INSTALLED}/data"], f"{INSTALLED}/data", id="a package"),
        pytest.param(INSTALLED, [".", f"{INSTALLED}/data"], f"{INSTALLED}/data", id="a foreign folder above a package"),
    ],
)
def test_the_data_is_that_of_a_checkout_or_else_the_packages_own(
    tmp_path: Path, package: str, filled: list[str], root: str
) -> None:
    for folder in filled:
        (tmp_path / folder / "contracts").mkdir(parents=True)
        (tmp_path / folder / "contracts" / "sources.toml").touch()
    assert data_root(tmp_path / package) == tmp_path / root


def test_data_that_is_nowhere_is_told_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install trackly-contract again") as caught:
        data_root(tmp_path / IN_CHECKOUT)
    assert str(tmp_path / IN_CHECKOUT / "data" / "contracts") in str(caught.value)
    assert str(tmp_path / "checkout" / "contracts") in str(caught.value)


# Folders that are replaced -------------------------------------------------------------------------

STEPS = ((Path, "mkdir"), (Path, "rename"), (shutil, "copyfile"), (shutil, "rmtree"))
OLD = {"a": b"old", "b": b"old"}
NEW = {"a": b"new", "c": b"new"}
STALE = {"stale": b""}


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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_off_at_any_step_the_old_folder_or_the_new_one_is_there_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    found = []
    for at in itertools.count():
        folder, new = fill(tmp_path / str(at) / "live", OLD), fill(tmp_path / str(at) / "made", NEW)
        with monkeypatch.context() as patched, suppress(Killed):
            turn = killing(patched, at, after=after)
            replace_folder(new, folder)
            if next(turn) <= at:
                break  # there are fewer steps
        found.append(content(recover_folder(folder)))
        assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".old-")] == []
    # First the old ones, then the new ones, and never anything else.
    turns = found.index(NEW)
    assert found == [OLD] * turns + [NEW] * (len(found) - turns)
    assert 0 < turns < len(found)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(2))
def test_a_recovery_that_is_cut_off_is_recovered_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    folder = tmp_path / "live"
    fill(tmp_path / ".old-live", OLD)
    with monkeypatch.context() as patched, suppress(Killed):
        killing(patched, at, after=after)
        recover_folder(folder)
    assert content(recover_folder(folder)) == OLD


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({".old-live": OLD}, {"live": OLD}),
        ({".part-live": NEW, "live": OLD}, {".part-live": NEW, "live": OLD}),
        ({".old-live": STALE, "live": NEW}, {"live": NEW}),
        ({"live": OLD}, {"live": OLD}),
        ({}, {}),
    ],
    ids=["only moved away", "half copied", "not yet removed", "nothing was cut off", "never was"],
)
def test_what_was_cut_off_is_finished_or_undone(
    tmp_path: Path, there: dict[str, dict[str, bytes]], expected: dict[str, dict[str, bytes]]
) -> None:
    for name, files in there.items():
        fill(tmp_path / name, files)
    assert recover_folder(tmp_path / "live") == tmp_path / "live"
    assert {path.name: content(path) for path in tmp_path.iterdir()} == expected


@pytest.mark.parametrize("there", [{}, {".part-live": STALE, ".old-live": STALE, "live": OLD}], ids=["none", "rests"])
def test_a_folder_is_made_or_replaced_whatever_an_earlier_one_left(
    tmp_path: Path, there: dict[str, dict[str, bytes]]
) -> None:
    for name, files in there.items():
        fill(tmp_path / "cassettes" / name, files)
    replace_folder(fill(tmp_path / "made", NEW), tmp_path / "cassettes" / "live")
    assert {path.name: content(path) for path in (tmp_path / "cassettes").iterdir()} == {"live": NEW}


# Files that are replaced ---------------------------------------------------------------------------


def test_files_are_replaced_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_files(tmp_path / "new", {"a": "old", "b": "old"})
    write_files(tmp_path / "new", {"a": "\ud800", "c": "new"})
    assert content(tmp_path / "new") == {"a": b"\\ud800", "b": b"old", "c": b"new"}


def test_of_files_that_cannot_all_be_written_none_is_replaced(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "old"})
    (tmp_path / ".b.new").mkdir()
    with pytest.raises(UnwritableError, match=f"{tmp_path / 'a'}: cannot be written .Is a directory"):
        write_files(tmp_path, {"a": "new", "b": "new"})
    (tmp_path / ".b.new").rmdir()
    assert content(tmp_path) == {"a": b"old"}


def test_a_single_file_is_not_written_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="there is no such folder"):
        write_file(tmp_path / "none" / "a", "new")
    assert list(tmp_path.iterdir()) == []
