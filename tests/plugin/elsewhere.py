"""A pytest plugin for runs of these tests: cassettes stand in the folder that CASSETTES names, and it is the day TODAY.

Without CASSETTES they stand where they always do.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from trackly_contract import cassettes, ledger
from trackly_contract.swap import settled

if "CASSETTES" in os.environ:
    cassettes.folder = lambda name: settled(Path(os.environ["CASSETTES"]) / name)
if "TODAY" in os.environ:
    ledger.today = lambda: date.fromisoformat(os.environ["TODAY"])
