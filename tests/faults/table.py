"""The faults that a way can have, one by one, in the order of docs/faults.md.

Promises: each is run over real sockets (test_faults.py).
Refuses: to hold an answer that the API itself must be asked about: that is drift or not, and no fault of the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.of_answers import BROKEN, GATEWAYS, OTHERS, PACE
from tests.faults.of_connections import CLOCKS, CONNECTIONS, ONE_REQUEST, PUTTING_BACK, RESTARTS, SLOW

if TYPE_CHECKING:
    from tests.faults.fault import Fault

FAULTS: dict[str, tuple[Fault, ...]] = {
    "Too many requests": PACE,
    "Gateways": GATEWAYS,
    "Somebody else answers": OTHERS,
    "Connections": CONNECTIONS,
    "Slow and endless": SLOW,
    "Broken answers": BROKEN,
    "Restarts": RESTARTS,
    "While the audience is put back": PUTTING_BACK,
    "One request alone": ONE_REQUEST,
    "Clocks": CLOCKS,
}


def every_fault() -> list[Fault]:
    """Return all faults, in the order of the document."""
    return [fault for faults in FAULTS.values() for fault in faults]
