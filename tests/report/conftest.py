"""What these tests share: a report of a run that conforms, and one of a run that drifts."""

import os

import pytest

from tests.support.reports import HTML, Hostile, Ran, ran
from trackly_contract.reference import AUDIENCE_ID, ReferenceServer, documented_store

os.environ.pop("GITHUB_ACTIONS", None)  # a run under test must not write annotations


@pytest.fixture(scope="session")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(ReferenceServer(), tmp_path_factory.mktemp("conforming"))


@pytest.fixture(scope="session")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run on the server that takes any unit of time and shows markup wherever it can."""
    store = documented_store()
    store.audiences[AUDIENCE_ID]["name"] = HTML
    return ran(Hostile(store), tmp_path_factory.mktemp("drifted"))
