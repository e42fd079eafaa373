"""What these tests share: a report of a run that conforms, and one of a run that drifts."""

import os

import pytest

from tests.support.reports import Hostile, Ran, ran
from trackly_contract.reference import ReferenceServer

os.environ.pop("GITHUB_ACTIONS", None)  # a run under test must not write annotations


@pytest.fixture(scope="session")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(ReferenceServer(), tmp_path_factory.mktemp("conforming"))


@pytest.fixture(scope="session")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(Hostile(), tmp_path_factory.mktemp("drifted"))
