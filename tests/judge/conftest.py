"""What these tests share."""

import os

os.environ.pop("GITHUB_ACTIONS", None)  # a run under test must not write annotations
