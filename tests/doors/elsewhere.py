"""A pytest plugin for runs of these tests: CASSETTES names the folder `cassettes` of the run, TODAY its date.

Without CASSETTES the run uses the folder of the checkout.
"""

import os
from datetime import date
from pathlib import Path
from unittest.mock import patch

from trackly_contract.run import cassettes

if "CASSETTES" in os.environ:
    patch.object(cassettes, "data_root", lambda: Path(os.environ["CASSETTES"]).parent).start()
if "TODAY" in os.environ:
    patch.object(cassettes, "today", lambda: date.fromisoformat(os.environ["TODAY"])).start()
