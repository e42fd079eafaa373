"""A pytest plugin for runs of these tests: cassettes stand in the folder that CASSETTES names, and it is the day TODAY.

Without CASSETTES they stand where they always do.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from trackly_contract.core import recover_folder
from trackly_contract.run import cassettes, manifest

if "CASSETTES" in os.environ:
    cassettes.cassette_folder = lambda name: recover_folder(Path(os.environ["CASSETTES"]) / name)
if "TODAY" in os.environ:
    manifest.today = lambda: date.fromisoformat(os.environ["TODAY"])
