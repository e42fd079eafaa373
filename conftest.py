"""Nothing stands here, on purpose.

Options and fixtures of a conformance run live in `trackly_contract.plugin` (an entry point, so that they are there
from a wheel too), the suite's own steps in `tests/conformance/conftest.py`.
"""
