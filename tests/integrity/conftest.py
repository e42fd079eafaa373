"""Makes the hundreds of whole runs in these tests quicker."""

import gc
import os
from collections.abc import Iterator

import pytest

os.environ.pop("GITHUB_ACTIONS", None)  # what runs under test is told to nobody's job


@pytest.fixture(scope="session", autouse=True)
def _few_objects() -> Iterator[None]:
    """Keep the garbage collector off what is there already: pytest calls it at the end of every run of the suite."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
