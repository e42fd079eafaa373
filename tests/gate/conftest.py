"""What these tests share."""

import pytest

from trackly_contract.gate import Gate


@pytest.fixture
def gate() -> Gate:
    return Gate()
