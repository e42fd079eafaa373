"""Targets: where the requests of a run go. Does not tell the suite which of them it faces.

A live API is not changed before the plan was shown and somebody, or a CI job, said yes.
"""

import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn
from unittest.mock import patch

from trackly_contract import reference
from trackly_contract.core import DEFAULT_BASE_URL, Request, Response, redacted
from trackly_contract.generate import Effort
from trackly_contract.judge import Source
from trackly_contract.run import cassettes
from trackly_contract.run.client import Client, UnusableSettingError, checked_base_url
from trackly_contract.run.journal import Journal

TargetName = Literal["reference", "replay", "live"]

NOT_THE_API = "this says nothing of the API itself"


@dataclass
class Target(Source):
    """One place to send requests to, and what a run needs to know of it.

    `show_plan` gets what the run will do before its first write, and says whether it may; `recording` is the folder of
    cassettes that the run shall replace.
    """

    name: TargetName
    client: Client
    wait: Callable[[float], None] = time.sleep
    journal: Journal | None = None
    show_plan: Callable[[str], bool] | None = None
    recording: Path | None = None
    player: cassettes.Player | None = None

    def step(self, case: str) -> AbstractContextManager[None]:
        """Return what wraps all requests of one case: its replay, or nothing."""
        return self.player.playing(case) if self.player is not None else nullcontext()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def embedded_target(
    answer: Callable[[Request], Response] | None = None,
    audience_id: str = reference.AUDIENCE_ID,
    key: str = reference.REFERENCE_KEY,
) -> Target:
    """Return a reference server in this process: what `answer` makes of each request, or a server freshly made."""
    client = Client("http://reference.invalid/api", answer or reference.ReferenceServer().answer)
    where, evidence = "embedded reference server", f"the reference server: {NOT_THE_API}"
    return Target("reference", where, evidence, audience_id, key, client, wait=lambda _: None, of_reference=True)


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
        evidence = f"recorded on {manifest.recorded} from the reference server: {NOT_THE_API}"
    days = max((cassettes.today() - manifest.day(effort)).days, 0)
    return Target(
        name="replay",
        client=Client(cassettes.HOST, player.answer),
        base_url=f"recordings of {manifest.recorded}",
        audience_id=manifest.audience_id,
        key="none",  # shorter than any that is taken out of texts: nothing secret is sent
        evidence=f"{evidence}; {days} day{'' if days == 1 else 's'} old",
        wait=lambda _: None,
        player=player,
        of_reference=manifest.target != "live",
    )


def live_target() -> Target:
    """Return the API that the environment names.

    Raises UnusableSettingError, without showing the key, if a variable is missing or cannot be used.
    """
    key, audience_id = (os.environ.get(name, "") for name in ("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID"))
    wrong = []
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):  # what a header can carry
        wrong.append("TRACKLY_API_KEY must be a key of the account, in ASCII, without blank or line break")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", audience_id):  # one step of a path
        wrong.append("TRACKLY_AUDIENCE_ID must be the id of a sandbox audience that no schedule and no journey uses")
    if wrong:
        raise UnusableSettingError(f"{'; '.join(wrong)}. Nothing was sent.")
    for name in ("TRACKLY_BASE_URL", "TRACKLY_AUDIENCE_ID", "TRACKLY_STATE_DIR"):
        given = os.environ.get(name, "")
        if redacted(given, key) != given:
            raise UnusableSettingError(f"{name} holds the key: take it out, for that is shown and written down")
    base_url = checked_base_url(os.environ.get("TRACKLY_BASE_URL") or DEFAULT_BASE_URL)
    return Target(
        name="live",
        client=Client(base_url),
        base_url=base_url,
        audience_id=audience_id,
        key=key,
        evidence=f"asked at {base_url}",
        journal=Journal.of(base_url, audience_id),
    )


def recorded(target: Target, folder: Path | None = None) -> Target:
    """Return the target; what a run gets from it replaces the recordings in `folder`, or those of the live API.

    Raises CassetteError if nothing can be written there.
    """
    target.recording = folder or cassettes.cassette_folder("live")
    beside = target.recording.parent
    try:
        beside.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=beside).close()
    except OSError as error:
        raise cassettes.CassetteError(f"{beside}: nothing can be recorded here ({error})") from None
    return target


class NetworkBlockedError(RuntimeError):
    """Something tried to open a connection in a run that is offline."""


def _block(*args: Any, **_kwargs: Any) -> NoReturn:
    where = next((arg for arg in args if isinstance(arg, tuple | str)), "somewhere")
    raise NetworkBlockedError(f"this run is offline, yet a connection to {where!r} was tried")


@contextmanager
def blocked() -> Iterator[None]:
    """Reject every connection and name look-up inside, for runs of an offline target; loopback too."""
    methods = ("connect", "connect_ex", "sendto", "sendmsg")
    functions = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
    with ExitStack() as stack:
        for owner, names in ((socket.socket, methods), (socket, functions)):
            for name in names:
                stack.enter_context(patch.object(owner, name, _block, create=True))  # Windows has no sendmsg
        yield
