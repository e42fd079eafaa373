"""What these tests share."""

from __future__ import annotations

import pytest

from trackly_contract.gate import Gate


@pytest.fixture
def gate() -> Gate:
    return Gate()
