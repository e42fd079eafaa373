"""What these tests share."""

from __future__ import annotations

import os

os.environ.pop("GITHUB_ACTIONS", None)  # a run under test must not write annotations
