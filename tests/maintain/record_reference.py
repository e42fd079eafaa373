"""Records cassettes/reference: the suite against the reference server over real HTTP on loopback.

The recordings replace the old ones only when every run has finished and conformed. Does not record a live API: that is
`make record`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.runs import served_target
from trackly_contract.core import replace_folder
from trackly_contract.gate.http import running
from trackly_contract.generate import Effort
from trackly_contract.reference import ReferenceServer
from trackly_contract.run import cassettes
from trackly_contract.run.targets import recorded
from trackly_contract.suite import run_suite

EFFORTS: tuple[Effort, ...] = ("standard", "quick")


def record(folder: Path) -> None:
    """Record every effort of EFFORTS into `folder`, a case that several share only once.

    Raises SystemExit if a run does not conform: then nothing is replaced.
    """
    with TemporaryDirectory() as temporary:
        new = Path(temporary) / "reference"
        for effort in EFFORTS:
            with running(ReferenceServer()) as base_url:
                code, _ = run_suite(recorded(served_target(base_url), new), effort, arguments=("-q", "--no-header"))
            if code != 0:
                raise SystemExit(f"the reference server does not conform at {effort} (exit {code}): nothing recorded")
        if set(cassettes.read_manifest(new).efforts) != set(EFFORTS):
            raise SystemExit("a case was recorded differently by another effort: nothing recorded")
        replace_folder(new, folder)


if __name__ == "__main__":
    record(cassettes.cassette_folder("reference"))
    sys.stdout.write(f"recorded into {cassettes.cassette_folder('reference')}\n")
