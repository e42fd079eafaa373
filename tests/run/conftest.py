"""What these tests share."""

import os
from pathlib import Path

import pytest

os.environ.pop("GITHUB_ACTIONS", None)  # a run under test must not write annotations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where a recording shall stand; nothing is there yet."""
    return tmp_path / "cassettes" / "reference"
