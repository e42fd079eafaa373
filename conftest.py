"""Nothing of the conformance suite stands here, on purpose.

Options and fixtures of a conformance run live in `trackly_contract.plugin` (an entry point, so that they are there
from a wheel too), the suite's own steps in `tests/conformance/conftest.py`.
"""

# Tests of the plugin run pytest on small projects; pytest takes the plugin for that from this file alone.
pytest_plugins = ["pytester"]
