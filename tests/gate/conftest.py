"""What these tests share."""

from collections.abc import Iterator

import httpx
import pytest

from tests.gate.requests import asking
from trackly_contract.gate import Control, Gate, running


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(gate: Gate) -> Iterator[httpx.Client]:
    """A client of a gate."""
    with running(Control(gate)) as url, asking(url) as opened:
        yield opened
