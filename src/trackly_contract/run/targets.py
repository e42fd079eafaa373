"""Targets: where the requests of a run go, and the settings of the environment that name a live one.

Does not tell the suite which of them it faces. A live API gets no request unless key and audience are set, and no
change before the plan was shown and somebody, or a CI job, said yes.
"""

import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn
from unittest.mock import patch

from trackly_contract import reference
from trackly_contract.core import DEFAULT_BASE_URL, JSON, InconclusiveError, Request, Response, holds, show
from trackly_contract.generate import Effort
from trackly_contract.run import cassettes
from trackly_contract.run.client import Client, UnusableSettingError, checked_base_url
from trackly_contract.run.journal import Journal

TargetName = Literal["reference", "replay", "live"]

CEILINGS: dict[Effort, tuple[int, int]] = {"quick": (60, 12), "standard": (250, 40), "thorough": (1500, 400)}
"""Requests and accepted writes that a run needs at most on a conforming API, retries and candidates not counted."""

QUESTIONS = 450
"""Requests that all open questions together may take."""

NOT_THE_API = "this says nothing of the API itself"


@dataclass
class Target:
    """One place to send requests to, and what a run needs to know of it.

    `name` and `base_url` are for reports alone; `evidence` tells people what the responses are worth; `show_plan` gets
    what the run will do before its first write, and says whether it may; `recording` is the folder of cassettes that
    the run shall replace; `of_reference`: the reference server answers, or did when it was recorded.
    """

    name: TargetName
    client: Client
    base_url: str
    audience_id: str
    key: str = field(repr=False)
    evidence: str
    wait: Callable[[float], None] = time.sleep
    journal: Journal | None = None
    show_plan: Callable[[str], bool] | None = None
    recording: Path | None = None
    player: cassettes.Player | None = None
    of_reference: bool = False

    def step(self, case: str) -> AbstractContextManager[None]:
        """Return what wraps all requests of one case: its replay, or nothing."""
        return self.player.playing(case) if self.player is not None else nullcontext()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def confirm(
        self, effort: Effort, audience: dict[str, JSON], most_requests: int | None = None, *, questions: bool = False
    ) -> None:
        """Show what a run, with the open questions or without, will do before its first write, and ask for consent.

        Raises InconclusiveError if the plan is not confirmed.
        """
        requests, writes = CEILINGS[effort]
        most = f"{requests:,} requests (retries and the search for unstated operators on top)"
        if most_requests is not None:
            most = f"{most_requests:,} requests in all"
        plan = [
            f"trackly-contract is about to change audience {show(audience.get('name'), 200)} at {self.base_url}:",
            f"  effort {effort}: at most {most} and {writes} accepted writes, then everything is put back",
            "  no schedule and no journey may use this audience while it runs",
        ]
        if questions:
            plan.insert(2, f"  the open questions take at most {QUESTIONS} requests more")
        if self.show_plan is not None and not self.show_plan("\n".join(plan)):
            raise InconclusiveError("not confirmed: nothing was changed")


def _no_wait(_seconds: float) -> None:
    """Do not wait: reference servers and recordings answer at once or never."""


def embedded_target(
    answer: Callable[[Request], Response] | None = None,
    audience_id: str = reference.AUDIENCE_ID,
    key: str = reference.REFERENCE_KEY,
) -> Target:
    """Return a reference server in this process: what `answer` makes of each request, or a server freshly made."""
    client = Client("http://reference.invalid/api", answer or reference.ReferenceServer().answer)
    evidence = f"the reference server: {NOT_THE_API}"
    where = "embedded reference server"
    return Target("reference", client, where, audience_id, key, evidence, wait=_no_wait, of_reference=True)


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
        evidence = f"recorded on {manifest.recorded} from the reference server{only}: {NOT_THE_API}"
    days = max((cassettes.today() - manifest.day(effort)).days, 0)
    return Target(
        name="replay",
        client=Client(cassettes.HOST, player.answer),
        base_url=f"recordings of {manifest.recorded}",
        audience_id=manifest.audience_id,
        key="none",  # shorter than any that is taken out of texts: nothing secret is sent
        evidence=f"{evidence}; {days} day{'' if days == 1 else 's'} old",
        wait=_no_wait,
        player=player,
        of_reference=manifest.target != "live",
    )


def live_target(*, read_only: bool = False) -> Target:
    """Return the API that the environment names.

    Raises UnusableSettingError, without showing the key, if a variable is missing or cannot be used.
    """
    given = {name: os.environ.get(name, "") for name in ("TRACKLY_API_KEY", "TRACKLY_AUDIENCE_ID")}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise UnusableSettingError(
            f"--trackly-target=live needs {' and '.join(missing)}: a key of the account, and the id of a sandbox "
            "audience that the run may change and will put back (no schedule or journey may use it). "
            "Nothing was sent."
        )
    key, audience_id = given.values()
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):  # what a header can carry
        raise UnusableSettingError(
            "TRACKLY_API_KEY holds a blank, a line break or a character outside ASCII: "
            "copy the key again, without quotes or spaces"
        )
    for name in ("TRACKLY_BASE_URL", "TRACKLY_AUDIENCE_ID"):
        if holds(os.environ.get(name), key):
            raise UnusableSettingError(f"{name} holds the key: take it out, for that is shown and written down")
    base_url = checked_base_url(os.environ.get("TRACKLY_BASE_URL") or DEFAULT_BASE_URL)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", audience_id):  # one step of a path
        raise UnusableSettingError(
            "TRACKLY_AUDIENCE_ID is no id: an id has letters and digits only, like 664f1a2b3c4d5e6f7a8b9c0d"
        )
    return Target(
        name="live",
        client=Client(base_url),
        base_url=base_url,
        audience_id=audience_id,
        key=key,
        evidence=f"asked at {base_url}",
        journal=None if read_only else Journal.of(base_url, audience_id),
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
