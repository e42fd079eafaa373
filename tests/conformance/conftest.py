"""What the conformance tests share: the run, whose steps they ask for by name (trackly_contract.run.steps).

Nothing here knows what stands behind the target.
"""

import pytest

from trackly_contract.run import Script, Session


@pytest.fixture(scope="session")
def script(trackly_script: Script) -> Script:
    return trackly_script


@pytest.fixture(scope="session")
def api(script: Script) -> Session:
    return script.session
