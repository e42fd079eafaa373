"""Targets: where a run's requests go. The reference server, recordings of an API, or an API itself.

Promises: nothing is sent to a live API unless both variables are set, and nothing changed there before the plan was
shown and somebody, or a CI job, said yes; offline targets open no connection.
Refuses: to tell the suite which of them it faces.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from trackly_contract.core import DEFAULT_BASE_URL, InconclusiveError, holds, show
from trackly_contract.run import cassettes
from trackly_contract.run.client import (
    Client,
    UnusableSettingError,
    checked_audience_id,
    checked_base_url,
    checked_key,
    embedded,
)
from trackly_contract.run.journal import Journal
from trackly_contract.run.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trackly_contract.core import JSON, Request, Response
    from trackly_contract.generate import Effort

TargetName = Literal["reference", "replay", "live"]
TARGETS: tuple[TargetName, ...] = ("reference", "replay", "live")

CEILINGS: dict[Effort, tuple[int, int]] = {"quick": (60, 12), "standard": (250, 40), "thorough": (1500, 400)}
"""Requests and accepted writes that a run needs at most on a conforming API, retries and candidates not counted."""

QUESTIONS = 450
"""Requests that all open questions together may take."""


@dataclass
class Target:
    """One place to send requests to, and what a run needs to know of it.

    `name` is for reports alone; `step` wraps all requests of one case; `offline` says that no connection is
    ever opened; `evidence` tells people what the answers are worth.
    """

    name: TargetName
    client: Client
    base_url: str
    audience_id: str
    key: str = field(repr=False)
    offline: bool
    evidence: str
    step: Callable[[str], AbstractContextManager[None]] = field(default=lambda _case: nullcontext())
    wait: Callable[[float], None] = time.sleep
    journal: Journal | None = None
    show_plan: Callable[[str], bool] | None = None
    recorder: Recorder | None = None
    player: cassettes.Player | None = None

    def confirm(
        self, effort: Effort, audience: dict[str, JSON], most_requests: int | None = None, *, questions: bool = False
    ) -> None:
        """Show what a run will do before its first write, and ask, where somebody can answer.

        `questions`: the open questions are asked too.

        Raises InconclusiveError if the answer is no.
        """
        requests, writes = CEILINGS[effort]
        most = f"{requests:,} requests (retries and the search for unstated operators on top)"
        if most_requests is not None:
            most = f"{most_requests:,} requests in all"
        more = f"  the open questions take at most {QUESTIONS} requests more\n" if questions else ""
        plan = (
            f"trackly-contract is about to change audience {show(audience.get('name'), 200)} at {self.base_url}:\n"
            f"  effort {effort}: at most {most} and {writes} accepted writes, then everything is put back\n"
            f"{more}"
            "  no schedule and no journey may use this audience while it runs"
        )
        if self.show_plan is not None and not self.show_plan(plan):
            raise InconclusiveError("not confirmed: nothing was changed")


def _no_wait(_seconds: float) -> None:
    """Offline targets answer at once or never."""


def embedded_target(answer: Callable[[Request], Response], audience_id: str, key: str) -> Target:
    """Return a target that hands every request to `answer` in this process."""
    return Target(
        name="reference",
        client=Client("http://reference.invalid/api", embedded(answer, "/api")),
        base_url="embedded reference server",
        audience_id=audience_id,
        key=key,
        offline=True,
        evidence="the reference server, a stand-in: this says nothing of the API itself",
        wait=_no_wait,
    )


def reference_target() -> Target:
    """Return the embedded reference server, freshly made, with the audience of the documentation's examples."""
    from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer  # noqa: PLC0415

    return embedded_target(ReferenceServer().answer, AUDIENCE_ID, REFERENCE_KEY)


def served_target(base_url: str, audience_id: str, key: str) -> Target:
    """Return a reference server that is reached over real HTTP on loopback."""
    return Target(
        name="reference",
        client=Client(checked_base_url(base_url)),
        base_url=base_url,
        audience_id=audience_id,
        key=key,
        offline=False,
        evidence="the reference server, a stand-in: this says nothing of the API itself",
        wait=_no_wait,
    )


def replay_target(effort: Effort) -> Target:
    """Return the recordings: live ones where there are any of this effort, else those made from the reference server.

    Raises CassetteError if there are none of this effort.
    """
    folders = [cassettes.cassette_folder(name) for name in ("live", "reference")]
    players = [cassettes.Player(folder) for folder in folders if (folder / "manifest.json").is_file()]
    players = players or [cassettes.Player(folders[1])]
    player = next((player for player in players if effort in player.manifest.efforts), players[0])
    manifest = player.manifest
    if effort not in manifest.efforts:
        raise cassettes.CassetteError(
            f"{player.folder}: recorded for {', '.join(manifest.efforts)}, not for {effort}; "
            f"use --trackly-effort={manifest.efforts[-1]} or record again"
        )
    evidence = f"recorded from the live API on {manifest.recorded}"
    if manifest.target != "live":
        only = f" (live recordings are of {', '.join(players[0].manifest.efforts)} alone)" if players[1:] else ""
        evidence = (
            f"recorded on {manifest.recorded} from the reference server, a stand-in{only}: "
            "this says nothing of the API itself"
        )
    return Target(
        name="replay",
        client=Client("https://recorded.invalid/api"),
        base_url=f"recordings of {manifest.recorded}",
        audience_id=manifest.audience_id,
        key="none",  # shorter than any that is taken out of texts: nothing secret is sent
        offline=True,
        evidence=evidence,
        step=player.playing,
        wait=_no_wait,
        player=player,
    )


def live_target(*, read_only: bool = False, show_plan: Callable[[str], bool] | None = None) -> Target:
    """Return the API that the environment names.

    `show_plan` is shown what the run will do before its first write, and says whether it may.
    Raises UnusableSettingError, saying what to set and why, if a variable is missing or cannot be used.
    """
    missing = [name for name in ("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID") if not os.environ.get(name)]
    if missing:
        raise UnusableSettingError(
            f"--trackly-target=live needs {' and '.join(missing)}: a key of the account, and the id of a sandbox "
            "audience that the run may change and will put back (no schedule or journey may use it). "
            "Nothing was sent."
        )
    key = checked_key(os.environ["TRACKLY_API_KEY"])
    for name in ("TRACKLY_BASE_URL", "TRACKLY_AUDIENCE_ID"):
        if holds(os.environ.get(name), key):
            raise UnusableSettingError(f"{name} holds the key: take it out, for that is shown and written down")
    base_url = checked_base_url(os.environ.get("TRACKLY_BASE_URL") or DEFAULT_BASE_URL)
    audience_id = checked_audience_id(os.environ["TRACKLY_AUDIENCE_ID"])
    return Target(
        name="live",
        client=Client(base_url),
        base_url=base_url,
        audience_id=audience_id,
        key=key,
        offline=False,
        evidence=f"asked at {base_url}",
        journal=None if read_only else Journal.of(base_url, audience_id),
        show_plan=show_plan,
    )


def recorded(target: Target, folder: Path) -> Target:
    """Return the target with a recorder around every case; the recordings replace those in `folder`.

    Raises CassetteError if nothing can be written there.
    """
    recorder = Recorder(folder)
    target.recorder = recorder
    target.step = lambda case: recorder.recording(case, target.client)
    return target


def recorded_live(target: Target) -> Target:
    """Return the target, recorded into `cassettes/live`. Raises CassetteError if nothing can be written there."""
    return recorded(target, cassettes.cassette_folder("live"))


@contextmanager
def closing(target: Target) -> Iterator[Target]:
    """Close the target's client at the end, and throw away recordings that were never finished."""
    try:
        yield target
    finally:
        target.client.close()
        if target.recorder is not None:
            target.recorder.abandon()
