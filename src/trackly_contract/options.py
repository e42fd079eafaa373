"""The options of a conformance run, for pytest. Imports nothing that a client's own pytest does not need."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Typed a second time: the modules that have them import half a dozen libraries. A test holds them in step.
EFFORTS = ("quick", "standard", "thorough")
TARGETS = ("reference", "replay", "live")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of requests: give 1 or more")
    return int(text)


def add(parser: pytest.Parser) -> None:
    """Add the options to pytest's own."""
    group = parser.getgroup("trackly", "conformance of the Trackly SMS audiences API")
    group.addoption(
        "--trackly-target",
        choices=TARGETS,
        default="reference",
        help="where requests go: the embedded reference server (default), recordings, or the API that "
        "TRACKLY_BASE_URL, TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID name",
    )
    group.addoption(
        "--trackly-effort",
        choices=EFFORTS,
        default="standard",
        help="quick: every rule with the fewest requests; standard (default); thorough: long",
    )
    group.addoption(
        "--trackly-read-only",
        action="store_true",
        help="send GET of the audience only: nothing is changed, and less is found out",
    )
    group.addoption("--trackly-report", metavar="DIR", help="write report.json, report.md and report.html into DIR")
    group.addoption(
        "--trackly-waivers",
        metavar="FILE",
        help="broken rules that FILE waives are noted: entries [[waiver]] with rule, reason and expires (a date)",
    )
    group.addoption("--trackly-yes", action="store_true", help="do not ask before the first write (implied in CI)")
    group.addoption(
        "--trackly-record", action="store_true", help="with --trackly-target=live: record into cassettes/live"
    )
    group.addoption(
        "--trackly-questions",
        action="store_true",
        help="also ask what the documentation leaves open (contracts/questions.toml); the answers are in the report",
    )
    group.addoption(
        "--trackly-max-requests",
        type=_positive,
        metavar="N",
        help="send at most N requests, with those kept aside that put the audience back; the rest is inconclusive",
    )
