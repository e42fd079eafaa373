"""A replay is judged like the run it was recorded from, though it holds nothing of somebody's audience."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integrity.mutants import Mutant, mutants
from tests.support.runs import run_target
from tests.support.way import Strike, Way, answering, undisturbed, way
from trackly_contract.generate import Effort
from trackly_contract.reference import REFERENCE_KEY, Audience, ReferenceServer
from trackly_contract.reference.server import Store, ticking
from trackly_contract.report import Report
from trackly_contract.run import cassettes, live_target
from trackly_contract.run.targets import recorded, replay_target

ID = "5f0e6d7c8b9a0f1e2d3c4b5a"

SECRETS = ("Joë", "Jo\\u00eb", "VIP", "anna@example.org", "favourite_pet", "Berlin", "8822", "4711", ID, "98765")
"""What stands in somebody's audience, and in no recording of it."""


def somebodys(**changes: Any) -> Audience:
    """Return an audience with content of its own in every member."""
    return {
        "id": ID,
        "name": "Joë's VIP guests, Berlin",
        "description": "ask anna@example.org\nbefore you change this",
        "source_lists": [8822, 4711],
        "filter": {
            "operator": "AND",
            "conditions": [
                {"conditionType": "custom_field", "field": "favourite_pet", "operator": "eq", "value": "a cat, Berlin"},
                {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3},
            ],
            "groups": [],
        },
        "cached_size": 98765,
        "cached_size_updated_at": "2026-11-15T08:30:00",
        "status": "active",
        "created_at": "2026-10-01T14:22:00",
        **changes,
    }


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of live recordings, apart from the project's own."""
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / "cassettes" / name)
    monkeypatch.setenv("TRACKLY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TRACKLY_API_KEY", REFERENCE_KEY)
    monkeypatch.setenv("TRACKLY_AUDIENCE_ID", ID)
    return tmp_path / "cassettes" / "live"


Recorder = Callable[..., Report]


@pytest.fixture
def record(live: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Run the suite on a server of somebody's audience as if it were the live API, and record it."""

    def record(
        effort: Effort = "quick",
        server: ReferenceServer | None = None,
        start: datetime = datetime(2026, 11, 20, 10, 30, 45, tzinfo=UTC),
        strike: Callable[[Way], Strike | None] = undisturbed,
        **changes: Any,
    ) -> Report:
        server = server or ReferenceServer()
        server.store = Store({ID: somebodys(**changes)}, {102, 8822, 4711, 9001}, clock=ticking(start))
        with way(server) as over:
            over.strike = strike
            monkeypatch.setenv("TRACKLY_BASE_URL", over.base_url)
            _, report = run_target(recorded(live_target(), live), effort)
        assert any(note.startswith("recorded ") for note in report.notes), report.notes
        return report

    return record


def replayed(effort: Effort = "quick") -> Report:
    return run_target(replay_target(effort), effort)[1]


def said(report: Report) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return what a report says of each rule: its verdict, and every look in its order."""
    return [
        (result.rule.id, result.verdict.value, [(f.case, f.verdict.value) for f in result.findings])
        for result in report.results
    ]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("effort", ["quick", "standard"])
def test_a_replay_says_what_the_run_said(record: Recorder, effort: Effort) -> None:
    before = record(effort)
    assert said(replayed(effort)) == said(before)


MOVED = [mutant for mutant in mutants() if not mutant.rules[0].startswith("filter.")]


@pytest.mark.parametrize("mutant", MOVED[::10], ids=lambda mutant: mutant.id)
def test_a_replay_finds_the_drift_that_the_run_found(mutant: Mutant, record: Recorder) -> None:
    before = record(server=mutant.make())
    assert said(replayed()) == said(before)


OWN: dict[str, dict[str, Any]] = {
    "a name that the suite sends too": {"name": "trackly-contract: candidates"},
    "a list that the documentation prints": {"source_lists": [102, 8822]},
    "no list": {"source_lists": []},
    "no description": {"description": None},
    "a blank at an end": {"name": "VIP guests "},
    "a name of blanks": {"name": "  "},
    "more than 255 bytes": {"name": "é" * 200},
    "nothing cached": {"cached_size": None, "cached_size_updated_at": None},
    "nobody counted": {"cached_size": 0},
    "times with zone and fraction": {"created_at": "2026-10-01T14:22:00.123+02:00"},
    "a time that is none": {"created_at": "2026-02-30T14:22:00"},
}


@pytest.mark.parametrize("changes", OWN.values(), ids=OWN.keys())
def test_a_replay_says_the_same_whatever_the_audience_holds(changes: dict[str, Any], record: Recorder) -> None:
    before = record(**changes)
    assert said(replayed()) == said(before)


def test_nothing_of_somebodys_audience_is_recorded(live: Path, record: Recorder) -> None:
    record("standard")
    written = b"\n".join(text for name, text in content(live).items() if name != "manifest.json").decode("utf-8")
    assert [secret for secret in (*SECRETS, REFERENCE_KEY, "2026-11-20T", "127.0.0.1") if secret in written] == []


def test_the_same_audience_on_another_day_is_recorded_to_the_byte_alike(live: Path, record: Recorder) -> None:
    record()
    before = content(live)
    # Another id, other lists, another size, other texts of the same shape, other times.
    lists: dict[str, Any] = {"source_lists": [4711, 9001], "cached_size": 123, "name": "Noé's top donors, London"}
    days: dict[str, Any] = {"cached_size_updated_at": "2026-12-15T08:30:00", "created_at": "2026-10-02T14:22:00"}
    record(start=datetime(2026, 12, 24, 10, 30, 45, tzinfo=UTC), **lists, **days)
    assert {name for name, _ in set(content(live).items()) ^ set(before.items())} <= {"manifest.json"}


BUSY = answering(503, b"<h1>busy</h1>", ("Retry-After", "0"))


def test_answers_that_were_asked_for_again_are_replayed(record: Recorder) -> None:
    before = record(strike=lambda over: BUSY if len(over.asked) % 7 == 0 else None)
    after = replayed()
    assert said(after) == said(before)
    assert after.session.requests == before.session.requests
