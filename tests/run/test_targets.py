"""Facts about targets: where requests go, what must be set for a live one, and what is shown before a write."""

import asyncio
import socket
import urllib.request
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from trackly_contract.core import Request
from trackly_contract.reference import AUDIENCE_ID
from trackly_contract.run import CassetteError, UnusableSettingError, blocked, cassettes, live_target
from trackly_contract.run.cassettes import Manifest, Run, write_manifest
from trackly_contract.run.targets import NetworkBlockedError, embedded_target, recorded, replay_target

KEY = "trk_0123456789abcdef"
MANIFEST = Manifest("reference", date(2026, 11, 21), "0.1.0", AUDIENCE_ID, ("quick", "standard"))

Setting = Callable[..., None]


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setting:
    """Set key and audience id for a live target, and what a test adds; None unsets."""

    def set_variables(**given: str | None) -> None:
        for name, value in {"TRACKLY_API_KEY": KEY, "TRACKLY_AUDIENCE_ID": AUDIENCE_ID, **given}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    set_variables(TRACKLY_BASE_URL=None, TRACKLY_STATE_DIR=str(tmp_path / "state"))
    return set_variables


# Live ----------------------------------------------------------------------------------------------

UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"TRACKLY_API_KEY": None, "TRACKLY_AUDIENCE_ID": None}, "or line break; TRACKLY_AUDIENCE_ID must be "),
    ({"TRACKLY_API_KEY": ""}, "TRACKLY_API_KEY must be "),
    ({"TRACKLY_AUDIENCE_ID": None}, "TRACKLY_AUDIENCE_ID must be "),
    ({"TRACKLY_BASE_URL": f"https://x.example/{KEY}"}, "TRACKLY_BASE_URL holds the key"),
    ({"TRACKLY_AUDIENCE_ID": KEY}, "TRACKLY_AUDIENCE_ID holds the key"),
    ({"TRACKLY_BASE_URL": "http://x"}, "TRACKLY_BASE_URL is 'http://x'"),
    *(
        ({"TRACKLY_API_KEY": key}, "TRACKLY_API_KEY must be ")
        for key in (" ", "a b", "trk_\n", "trk_\r\nX: y", "schlüssel", "x" * 201, "\ttrk")
    ),
    *(
        ({"TRACKLY_AUDIENCE_ID": audience}, "TRACKLY_AUDIENCE_ID must be ")
        for audience in (".", "..", "a/b", "a%2Fb", "a?b", "a b", "é", "a\n", "x" * 65, "../../users", "a#")
    ),
]


@pytest.mark.parametrize(("given", "said"), UNUSABLE, ids=str)
def test_a_setting_that_is_missing_or_cannot_be_used_is_named_and_the_key_is_not_shown(
    setting: Setting, given: dict[str, Any], said: str
) -> None:
    setting(**given)
    with pytest.raises(UnusableSettingError) as caught:
        live_target()
    key = given.get("TRACKLY_API_KEY", KEY) or KEY
    assert said in str(caught.value)
    assert len(key) < 4 or key not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "audience_id"), [("t", "7"), (KEY, AUDIENCE_ID), ("x" * 200, "a-b_c"), ("a!~b", AUDIENCE_ID)]
)
def test_key_and_id_are_used_as_they_are(setting: Setting, key: str, audience_id: str) -> None:
    setting(TRACKLY_API_KEY=key, TRACKLY_AUDIENCE_ID=audience_id)
    with closing(live_target()) as target:
        assert (target.key, target.audience_id) == (key, audience_id)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "https://app.tracklysms.com/api"), ("http://127.0.0.1:9/api/", "http://127.0.0.1:9/api")],
)
def test_a_live_target_goes_where_it_is_told_or_to_the_documented_url_and_shows_no_key(
    setting: Setting, given: str | None, expected: str
) -> None:
    setting(TRACKLY_BASE_URL=given)
    with closing(live_target()) as target:
        assert target.client.base_url == target.base_url == expected
        assert KEY not in f"{target!r} {target.evidence} {target.base_url}"


@pytest.mark.usefixtures("setting")
def test_a_live_target_keeps_its_backup_in_the_state_folder(tmp_path: Path) -> None:
    with closing(live_target()) as target:
        assert target.journal is not None
        assert target.journal.path.parent == tmp_path / "state"
    assert not (tmp_path / "state").exists()


# Reference and replay ------------------------------------------------------------------------------


def test_two_embedded_targets_answer_without_a_network_and_share_nothing() -> None:
    with blocked(), closing(embedded_target()) as one, closing(embedded_target()) as other:
        path, key = f"/v2/audiences/{one.audience_id}", (("X-Api-Key", one.key),)
        one.client.send(Request("PUT", path, key, b'{"name": "Renamed"}'))
        names = [b"Renamed" in target.client.send(Request("GET", path, key)).body for target in (one, other)]
    assert names == [True, False]
    assert "nothing of the API itself" in one.evidence


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(cassettes, "data_root", lambda: tmp_path)
    monkeypatch.setattr(cassettes, "today", lambda: date(2026, 11, 23))
    return tmp_path / "cassettes"


def recordings(folder: Path, **changes: Any) -> None:
    folder.mkdir(parents=True)
    write_manifest(folder, replace(MANIFEST, **changes))


def test_without_recordings_replay_says_so(folder: Path) -> None:
    with pytest.raises(CassetteError, match=r"reference/manifest\.json: no manifest"):
        replay_target("quick")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("live", "evidence"),
    [
        (None, "recorded on 2026-11-21 from the reference server: this says nothing of the API itself; 2"),
        (("quick",), "recorded from the live API on 2026-11-22; 1 day old"),
        (
            ("standard",),
            "recorded on 2026-11-21 from the reference server: this says nothing of the API itself; 2",
        ),
    ],
)
def test_live_recordings_come_first_where_there_are_any_of_the_effort(
    folder: Path, live: tuple[str, ...] | None, evidence: str
) -> None:
    recordings(folder / "reference")
    if live is not None:
        recordings(folder / "live", target="live", recorded=date(2026, 11, 22), efforts=live)
    with closing(replay_target("quick")) as target:
        assert target.client.offline
        assert target.evidence.startswith(evidence)


@pytest.mark.parametrize(
    ("day", "age"),
    [("2026-11-24", "; 0 days old"), ("2026-11-22", "; 1 day old"), ("2026-08-25", "; 90 days old")],
)
def test_replay_says_how_old_the_recordings_of_the_effort_are(folder: Path, day: str, age: str) -> None:
    (folder / "live").mkdir(parents=True)
    today = date(2026, 11, 23)
    runs = {"quick": Run(date.fromisoformat(day), 0), "standard": Run(today, 0)}
    write_manifest(folder / "live", replace(MANIFEST, target="live", recorded=today, runs=runs))
    with closing(replay_target("quick")) as target:
        assert target.evidence.endswith(age)


def test_an_effort_that_was_not_recorded_is_reported_with_one_that_was(folder: Path) -> None:
    recordings(folder / "reference")
    expected = r"recorded for quick, standard, not for thorough.*--trackly-effort=standard"
    with pytest.raises(CassetteError, match=expected):
        replay_target("thorough")


def test_a_folder_that_cannot_be_recorded_into_is_an_error_at_once(folder: Path) -> None:
    folder.write_bytes(b"")
    with pytest.raises(CassetteError, match="nothing can be recorded here"):
        recorded(embedded_target())


# The network block ---------------------------------------------------------------------------------

LOOPBACK = ("127.0.0.1", 9)
METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")


def with_socket(
    act: Callable[[socket.socket], object], kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET
) -> Callable[[], object]:
    def made() -> object:
        with socket.socket(family, kind) as opened:
            return act(opened)

    return made


WAYS: dict[str, Callable[[], object]] = {
    "connect": with_socket(lambda s: s.connect(LOOPBACK)),
    "connect_ex": with_socket(lambda s: s.connect_ex(LOOPBACK)),
    "sendto": with_socket(lambda s: s.sendto(b"x", LOOPBACK), socket.SOCK_DGRAM),
    "sendmsg": with_socket(lambda s: s.sendmsg([b"x"], [], 0, LOOPBACK), socket.SOCK_DGRAM),
    "a local socket": with_socket(lambda s: s.connect("/run/none"), family=socket.AF_UNIX),
    "create_connection": lambda: socket.create_connection(LOOPBACK),
    "getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "gethostbyname": lambda: socket.gethostbyname("localhost"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("localhost"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
    "getnameinfo": lambda: socket.getnameinfo(LOOPBACK, 0),
    "httpx": lambda: httpx.get("http://127.0.0.1:9/", trust_env=False),
    "httpx by name": lambda: httpx.get("https://app.tracklysms.com/", trust_env=False),
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
    "an event loop": lambda: asyncio.run(asyncio.open_connection(*LOOPBACK)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_nothing_leaves_while_blocked_and_where_it_was_going_is_said(way: Callable[[], object]) -> None:
    with blocked(), pytest.raises(NetworkBlockedError, match=r"offline, yet a connection to .*(127|local|app|/run)"):
        way()


@pytest.mark.parametrize("error", [None, KeyError])
def test_afterwards_everything_is_as_before(error: type[Exception] | None) -> None:
    def names() -> list[Any]:
        return [getattr(socket.socket, name) for name in METHODS] + [getattr(socket, name) for name in FUNCTIONS]

    before = names()
    with pytest.raises(error) if error else nullcontext(), blocked():
        assert not set(names()) & set(before)
        with blocked():
            pass
        assert not set(names()) & set(before)
        if error:
            raise error
    assert names() == before


def test_a_pair_of_sockets_in_one_process_works_while_blocked() -> None:
    with blocked():
        left, right = socket.socketpair()
        with left, right:
            left.sendall(b"x")
            assert right.recv(1) == b"x"
