"""Facts about targets: where requests go, what must be set for a live one, and what is asked before a write."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from trackly_contract.core import InconclusiveError, Request
from trackly_contract.core.http import DEFAULT_BASE_URL
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run import CassetteError, UnusableSettingError, blocked, cassettes, closing, live_target
from trackly_contract.run.manifest import Manifest, write_manifest
from trackly_contract.run.targets import CEILINGS, recorded, reference_target, replay_target, served_target

if TYPE_CHECKING:
    from pathlib import Path

KEY = "trk_0123456789abcdef"
LEDGER = Manifest("reference", "2026-11-21", "0.1.0", AUDIENCE_ID, ("quick", "standard"))


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID", "TRACKLY_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKLY_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKLY_API_KEY", KEY)
    monkeypatch.setenv("TRACKLY_AUDIENCE_ID", AUDIENCE_ID)


# Live ----------------------------------------------------------------------------------------------


def test_without_variables_a_live_target_names_both() -> None:
    with pytest.raises(UnusableSettingError, match=r"TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID.*Nothing was sent"):
        live_target()


@pytest.mark.parametrize(
    ("given", "missing"), [("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID"), ("TRACKLY_AUDIENCE_ID", "TRACKLY_API_KEY")]
)
def test_the_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, given: str, missing: str) -> None:
    monkeypatch.setenv(given, "x")
    with pytest.raises(UnusableSettingError, match=f"needs {missing}: "):
        live_target()


def test_an_empty_variable_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKLY_API_KEY", "")
    monkeypatch.setenv("TRACKLY_AUDIENCE_ID", AUDIENCE_ID)
    with pytest.raises(UnusableSettingError, match="needs TRACKLY_API_KEY: "):
        live_target()


@pytest.mark.usefixtures("both")
def test_a_live_target_goes_to_the_documented_url_by_default() -> None:
    with closing(live_target()) as target:
        assert target.client.base_url == DEFAULT_BASE_URL == "https://app.tracklysms.com/api"


@pytest.mark.usefixtures("both")
def test_a_live_target_goes_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKLY_BASE_URL", "http://127.0.0.1:9/api/")
    with closing(live_target()) as target:
        assert target.client.base_url == "http://127.0.0.1:9/api"


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("name", "value"),
    [("TRACKLY_BASE_URL", "http://x.example"), ("TRACKLY_API_KEY", "a b"), ("TRACKLY_AUDIENCE_ID", "a/b")],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingError, match=name):
        live_target()


@pytest.mark.usefixtures("both")
def test_a_live_target_has_a_journal_in_the_state_folder(tmp_path: Path) -> None:
    with closing(live_target()) as target:
        assert target.journal is not None
        assert target.journal.path.parent == tmp_path / "state"


@pytest.mark.usefixtures("both")
def test_nothing_is_written_by_making_a_live_target(tmp_path: Path) -> None:
    with closing(live_target()):
        assert not (tmp_path / "state").exists()


@pytest.mark.usefixtures("both")
def test_a_target_that_is_only_read_needs_no_journal() -> None:
    with closing(live_target(read_only=True)) as target:
        assert target.journal is None


@pytest.mark.usefixtures("both")
def test_whoever_says_no_has_nothing_changed() -> None:
    with (
        closing(live_target(show_plan=lambda _plan: False)) as target,
        pytest.raises(InconclusiveError, match="nothing was changed"),
    ):
        target.confirm("quick", {"name": "Sandbox"})


def planned(most_requests: int | None = None) -> str:
    plans: list[str] = []
    with closing(live_target(show_plan=lambda plan: not plans.append(plan))) as target:  # type: ignore[func-returns-value]
        target.confirm("quick", {"name": "Sand\x1b[31mbox"}, most_requests)
    return plans[0]


@pytest.mark.usefixtures("both")
def test_the_plan_names_audience_place_and_numbers() -> None:
    plan = planned()
    assert all(word in plan for word in ("box", DEFAULT_BASE_URL, "effort quick", "60 requests", "12 accepted writes"))
    assert "no schedule and no journey" in plan


@pytest.mark.usefixtures("both")
def test_the_plan_says_what_was_allowed() -> None:
    assert "20 requests in all" in planned(20)


@pytest.mark.usefixtures("both")
def test_the_plan_obeys_no_code_in_the_name_of_an_audience() -> None:
    assert "\x1b" not in planned()


@pytest.mark.usefixtures("both")
def test_the_key_is_in_no_text_of_a_target() -> None:
    with closing(live_target()) as target:
        assert KEY not in f"{target.evidence} {target.base_url}"


@pytest.mark.usefixtures("both")
def test_the_key_is_not_in_what_a_target_shows_of_itself() -> None:
    with closing(live_target()) as target:
        assert KEY not in repr(target)


def test_the_ceilings_are_the_documented_ones() -> None:
    assert (CEILINGS["quick"], CEILINGS["standard"], CEILINGS["thorough"][0]) == ((60, 12), (250, 40), 1500)


# Reference and replay ------------------------------------------------------------------------------


def test_the_reference_target_answers_without_a_network() -> None:
    with blocked(), closing(reference_target()) as target:
        path = f"/v2/audiences/{target.audience_id}"
        assert target.client.send(Request("GET", path, (("X-Api-Key", target.key),))).status == 200


def test_the_reference_target_says_that_it_is_a_stand_in() -> None:
    with closing(reference_target()) as target:
        assert "nothing of the API itself" in target.evidence


def test_two_reference_targets_share_nothing() -> None:
    with closing(reference_target()) as one, closing(reference_target()) as other:
        path, key = f"/v2/audiences/{AUDIENCE_ID}", (("X-Api-Key", REFERENCE_KEY),)
        one.client.send(Request("PUT", path, key, b'{"name": "Renamed"}'))
        assert b"Renamed" not in other.client.send(Request("GET", path, key)).body


def test_a_served_target_is_on_loopback_only() -> None:
    with pytest.raises(UnusableSettingError):
        served_target("http://app.tracklysms.com/api", AUDIENCE_ID, REFERENCE_KEY)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / "cassettes" / name)
    return tmp_path / "cassettes"


def manifest(folder: Path, **changes: object) -> None:
    folder.mkdir(parents=True)
    write_manifest(folder, Manifest(**{**asdict(LEDGER), **changes}))


def test_without_recordings_replay_says_so(folder: Path) -> None:
    with pytest.raises(CassetteError, match="no ledger"):
        replay_target("quick")
    assert not folder.exists()


def test_replay_plays_the_recordings_of_the_reference_server(folder: Path) -> None:
    manifest(folder / "reference")
    with closing(replay_target("quick")) as target:
        assert target.offline
        assert "nothing of the API itself" in target.evidence


def test_live_recordings_come_first(folder: Path) -> None:
    manifest(folder / "reference")
    manifest(folder / "live", target="live", recorded="2026-11-22")
    with closing(replay_target("quick")) as target:
        assert target.evidence == "recorded from the live API on 2026-11-22"


def test_an_effort_that_was_not_recorded_live_is_played_from_the_reference_server_and_that_is_said(
    folder: Path,
) -> None:
    manifest(folder / "reference")
    manifest(folder / "live", target="live", efforts=("standard",))
    with closing(replay_target("quick")) as target:
        assert "a stand-in (live recordings are of standard alone)" in target.evidence
        assert "nothing of the API itself" in target.evidence


def test_an_effort_that_was_not_recorded_is_told_with_one_that_was(folder: Path) -> None:
    manifest(folder / "reference")
    with pytest.raises(
        CassetteError, match=r"recorded for quick, standard, not for thorough.*--trackly-effort=standard"
    ):
        replay_target("thorough")


def test_recordings_that_were_not_finished_are_thrown_away(folder: Path) -> None:
    with closing(recorded(reference_target(), cassettes.cassette_folder("reference"))):
        assert list(folder.iterdir())
    assert list(folder.iterdir()) == []
