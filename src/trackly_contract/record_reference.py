"""Records cassettes/reference: the suite against the reference server over real HTTP on loopback.

Promises: the recordings say in their ledger that they come from the reference server; they replace the old ones
only when every run has finished and conformed.
Refuses: to record anything else (a live API: `make record`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from trackly_contract import cassettes
from trackly_contract.recorder import merge
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import run_suite
from trackly_contract.serve import running
from trackly_contract.swap import swap
from trackly_contract.targets import recorded, served_target

if TYPE_CHECKING:
    from trackly_contract.cases import Effort

EFFORTS: tuple[Effort, ...] = ("quick", "standard")


def record(folder: Path) -> None:
    """Record every effort of EFFORTS into `folder`, a case that several share only once.

    Raises SystemExit if a run does not conform: then nothing is replaced.
    """
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / "reference"
        for effort in EFFORTS:
            with running(ReferenceServer()) as base_url:
                target = served_target(base_url, AUDIENCE_ID, REFERENCE_KEY)
                target = recorded(target, Path(temporary) / effort)
                code, _ = run_suite(target, effort, arguments=("-q", "--no-header"))
            if code != 0:
                raise SystemExit(f"the reference server does not conform at {effort} (exit {code}): nothing recorded")
            merge(Path(temporary) / effort, merged)
        swap(merged, folder)


if __name__ == "__main__":
    record(cassettes.folder("reference"))
    sys.stdout.write(f"recorded into {cassettes.folder('reference')}\n")
