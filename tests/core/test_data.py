"""Facts about where the data is found: a checkout's own files first, a package's copies else, a clear word else."""

from pathlib import Path

import pytest

import trackly_contract
from trackly_contract.core.files import data_root, suite_folder


def filled(folder: Path) -> Path:
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "sources.toml").touch()
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package's folder in a made checkout, without any data yet."""
    made = tmp_path / "checkout" / "src" / "trackly_contract"
    made.mkdir(parents=True)
    return made


def test_a_checkout_is_its_own_data(package: Path) -> None:
    checkout = filled(package.parent.parent)
    assert data_root(package) == checkout


def test_a_package_carries_its_data(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "trackly_contract"
    filled(package / "data")
    assert data_root(package) == package / "data"


def test_a_checkout_wins_over_copies_in_its_package(package: Path) -> None:
    filled(package / "data")
    checkout = filled(package.parent.parent)
    assert data_root(package) == checkout


def test_copies_are_found_under_src_where_there_is_no_checkout(package: Path) -> None:
    filled(package / "data")
    assert data_root(package) == package / "data"


def test_a_foreign_folder_above_an_installed_package_is_not_taken(tmp_path: Path) -> None:
    filled(tmp_path)
    package = tmp_path / "site-packages" / "trackly_contract"
    filled(package / "data")
    assert data_root(package) == package / "data"


def test_neither_is_told_with_both_places(package: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install trackly-contract again") as caught:
        data_root(package)
    assert str(package / "data" / "contracts") in str(caught.value)
    assert str(package.parent.parent / "contracts") in str(caught.value)


@pytest.mark.parametrize("name", ["schemas", "contracts"])
def test_the_data_in_use_is_whole(name: str) -> None:
    assert (data_root() / name).is_dir()


def test_the_suite_is_found() -> None:
    assert list(suite_folder().glob("test_*.py"))


def test_the_package_in_use_knows_its_version() -> None:
    assert trackly_contract.__version__
