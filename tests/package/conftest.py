"""What tests of recordings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where a recording shall stand; nothing is there yet."""
    return tmp_path / "cassettes" / "reference"
