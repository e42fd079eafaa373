"""The options of a conformance run, for pytest, and the order of its tests.

Imports nothing that a client's own pytest does not need.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

# Typed a second time: the modules that have them import half a dozen libraries. A test holds them in step.
EFFORTS = ("quick", "standard", "thorough")
TARGETS = ("reference", "replay", "live")


LISTINGS = ("collectonly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""Options of pytest, as it names them inside, that list tests or fixtures and run none."""


def lists(config: pytest.Config) -> bool:
    """Return whether pytest was asked for a list, and not to run tests."""
    return any(config.getoption(name, False) for name in LISTINGS)


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
    group.addoption(
        "--trackly-allow-lossy-restore",
        action="store_true",
        help="change an audience too that may not come back as it is; the plan says what may be lost",
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


def of_session(option: argparse.Namespace) -> dict[str, Any]:
    """Return the options of a run that its session takes."""
    return {
        "read_only": option.trackly_read_only,
        "asks_questions": option.trackly_questions,
        "most_requests": option.trackly_max_requests,
        "allow_lossy": option.trackly_allow_lossy_restore,
    }


def place(item: pytest.Item) -> tuple[str, int, tuple[int, ...]]:
    """Return where a test stands in the suite: its file, its function, its parameters."""
    indices = getattr(getattr(item, "callspec", None), "indices", {})
    return str(item.path), item.location[1] or 0, tuple(indices.values())
