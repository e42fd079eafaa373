"""A pytest plugin for runs of these tests: CASSETTES names the folder `cassettes` of the run, TODAY its date.

Without CASSETTES the run uses the folder of the checkout.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from trackly_contract.run import cassettes, manifest

if "CASSETTES" in os.environ:
    cassettes.data_root = lambda: Path(os.environ["CASSETTES"]).parent
if "TODAY" in os.environ:
    manifest.today = lambda: date.fromisoformat(os.environ["TODAY"])
