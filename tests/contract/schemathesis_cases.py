"""Prints as JSON the few cases that Schemathesis makes for one operation of the bundle: PATH METHOD.

A program of its own: Hypothesis draws constants of whatever modules have been imported by then, so that within a
test run the cases, and whether any come at all, would depend on which tests ran before.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from trackly_contract.contract import document


def main(path: str, method: str) -> None:
    """Print a list of objects with "path" and "body" (null for a read)."""
    loaded = schemathesis.openapi.from_dict(document("openapi.bundled.json"))
    made: list[dict[str, Any]] = []

    @given(case=loaded[path][method.upper()].as_strategy())
    @settings(
        max_examples=5,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def collect(case: Any) -> None:
        made.append({"path": case.formatted_path, "body": case.body if method == "put" else None})

    collect()
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
