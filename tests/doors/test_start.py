"""What the plugin costs a pytest that does not use it: no library is imported, and few modules of ours."""

from pathlib import Path
from typing import get_args

import pytest

from tests.support.processes import PYTEST, finished
from trackly_contract import options
from trackly_contract.generate import cases
from trackly_contract.run import targets

HEAVY = {
    *("asyncio", "click", "httpx", "hypothesis", "jinja2", "jsonschema", "referencing", "respx", "vcr"),
    *("waitress", "yaml"),
}
TELLS = """
import sys

def test_tells():
    print(*sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a client's pytest that loads this plugin, and no other of those that happen to be installed."""
    folder: Path = tmp_path_factory.mktemp("client")
    (folder / "test_theirs.py").write_text(TELLS)
    return set(finished(*PYTEST, "-q", "-s", cwd=folder).stdout.split())


def test_the_plugin_imports_no_library(loaded: set[str]) -> None:
    assert "trackly_contract.plugin" in loaded
    assert loaded & HEAVY == set()


def test_the_plugin_imports_no_file_of_a_room_but_those_of_core(loaded: set[str]) -> None:
    ours = {tuple(name.split(".")) for name in loaded if name.startswith("trackly_contract.")}
    assert {name[1] for name in ours if len(name) > 2} == {"core"}


def test_the_options_name_the_efforts_and_targets_that_there_are() -> None:
    assert (cases.EFFORTS, get_args(targets.TargetName)) == (options.EFFORTS, options.TARGETS)
