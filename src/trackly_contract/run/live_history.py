"""The last live recording, beside a run: finds what was answered to the same request of the same step.

A recording that cannot be read is reported and stops nothing.
"""

import json
from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from trackly_contract.core import ABSENT, STAMP, Exchange, Request
from trackly_contract.judge import Baseline, Finding, before, move, path_of
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import CassetteError, Player, file_of
from trackly_contract.run.session import Session

Key = tuple[str, str, bytes]

Recordings = dict[tuple[str, Key], list[tuple[Exchange, str]]]
"""What was answered to a request of one cassette, in order, each with its day."""


def key_of(request: Request) -> Key:
    """Return what makes two requests the same: method, path without the id, body as typed JSON (else as bytes).

    Of sending lists only how many: a recording anonymizes those that the audience has (anonymize.py).
    """
    value, body = request.json.strict, request.body
    if value is not ABSENT:
        if isinstance(value, dict) and isinstance(value.get("source_lists"), list):
            value = {**value, "source_lists": len(value["source_lists"])}
        body = json.dumps(value, sort_keys=True).encode()
    return request.method, path_of(request), body


def live_recordings(folder: Path) -> Recordings:
    """Return what a folder of live cassettes holds. Raises CassetteError if that is no live recording."""
    player, found = Player(folder), defaultdict(list)
    manifest = player.manifest
    for name, file in manifest.files.items():
        day = max((manifest.day(effort) for effort in file.efforts), default=manifest.recorded)
        for exchange in player.exchanges(name):
            if manifest.target != "live" or exchange.response.header(STAMP) is not None:
                raise CassetteError(f"{folder / name}: recorded from the reference server, which is not the live API")
            found[name, key_of(exchange.request)].append((exchange, str(day)))
    return found


class LastLive:
    """The last live recording beside one run; it is read when it is first asked for.

    `trouble` says why it cannot be used, "" if it can.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.trouble = ""
        self._found: dict[int, tuple[Exchange, str] | None] = {}

    @property
    def of_reference(self) -> bool:
        """Whether this run is answered by the reference server: then nothing is said to have changed."""
        return self.session.stamped or self.session.target.of_reference

    @cached_property
    def _recordings(self) -> Recordings:
        folder = cassettes.cassette_folder("live")
        try:
            return live_recordings(folder) if folder.is_dir() else {}
        except CassetteError as error:
            self.trouble = " ".join(str(error).split())
            return {}

    def recorded(self, exchange: Exchange) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day; None if that is not recorded.

        Where a step asked the same less often than this run does, its last response stands for the rest.
        """
        for step, exchanges in self.session.cases if self._recordings else ():
            for asked in exchanges:
                if asked.number not in self._found:
                    left = self._recordings.get((file_of(step), key_of(asked.request)), [])
                    self._found[asked.number] = left[0] if left else None
                    if len(left) > 1:
                        left.pop(0)
        return self._found.get(exchange.number)

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference."""
        then = self.recorded(finding.exchange)
        if then is not None:
            found = before(finding, *then)
        elif self.trouble:
            found = Baseline("not known, for the recording cannot be used (a note of this run says why)")
        else:
            found = Baseline(reading="new")
        return replace(found, reading=None) if self.of_reference else found

    def moves(self) -> tuple[list[Finding], list[str]]:
        """Return what changed since the recording though a rule held, as noted findings; and why it is not used."""
        if self.of_reference:
            return [], []
        beside: dict[int, list[Finding]] = defaultdict(list)
        for finding in self.session.findings:
            beside[finding.exchange.number].append(finding)
        asked = ((exchange, self.recorded(exchange)) for exchange in self.session.exchanges)
        found = [move(beside[exchange.number], exchange, *then) for exchange, then in asked if then is not None]
        notes = [f"the last live recording is not used: {self.trouble}"] if self.trouble else []
        return [*chain(*found)], notes
