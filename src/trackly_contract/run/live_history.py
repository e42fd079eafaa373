"""The last live recording, beside a run: finds what was answered to the same request of the same step.

Reads responses of a live API only; a recording that cannot be read is reported and stops nothing. Does not say that the
API changed where the reference server answers this run.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from trackly_contract.contract import Rule
from trackly_contract.core import ABSENT, STAMP, Exchange, Request, Verdict
from trackly_contract.judge import Baseline, Finding, Reading, Words, before, differs, move, path_of
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import CassetteError, Player, file_of
from trackly_contract.run.session import Session

Key = tuple[str, str, bytes]


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


class Recordings:
    """What one folder of live cassettes holds, by step and request; `date` is the newest day."""

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises CassetteError if it holds what is no live recording, or cannot be read."""
        player = Player(folder)
        manifest = player.manifest
        if manifest.target != "live":
            path = folder / "manifest.json"
            raise CassetteError(f"{path}: recorded from {manifest.target!r}, which is not the live API")
        self.date = str(manifest.recorded)
        self._found: dict[tuple[str, Key], list[tuple[Exchange, str]]] = defaultdict(list)
        for name, file in manifest.files.items():
            day = max((manifest.day(effort) for effort in file.efforts), default=manifest.recorded)
            for exchange in player.exchanges(name):
                if exchange.response.header(STAMP) is not None:
                    raise CassetteError(
                        f"{folder / name}: its answers bear the reference server's stamp, so it is no live recording"
                    )
                self._found[name, key_of(exchange.request)].append((exchange, str(day)))

    def find(self, step: str, key: Key, turn: int) -> tuple[Exchange, str] | None:
        """Return what was recorded of the `turn`-th such request of a step (from 0), and the day.

        It is the last such request where fewer were recorded, and None where there was none.
        """
        found = self._found.get((file_of(step), key), [])
        return found[min(turn, len(found) - 1)] if found else None


class LastLive:
    """The last live recording beside one run; it is read when it is first asked for."""

    def __init__(self, session: Session) -> None:
        """Take the session whose exchanges are compared with the live cassettes of this project."""
        self.folder = cassettes.cassette_folder("live")
        self.session = session
        self.trouble = ""
        self._found: dict[int, tuple[Exchange, str] | None] = {}
        self._turns: Counter[tuple[str, Key]] = Counter()
        self._moved: dict[int, Baseline] = {}

    @property
    def of_reference(self) -> bool:
        """Whether this run is answered by the reference server: then nothing is said to have changed."""
        return self.session.stamped or self.session.target.of_reference

    @cached_property
    def recordings(self) -> Recordings | None:
        """The recordings; None if there are none, or none that can be used (`trouble` says why)."""
        try:
            return Recordings(self.folder) if self.folder.is_dir() else None
        except CassetteError as error:
            self.trouble = " ".join(str(error).split())
            return None

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day; None if that is not recorded."""
        if self.recordings is None or exchange is None:
            return None
        for step, exchanges in self.session.cases:
            for asked in exchanges:
                if asked.number not in self._found:
                    key = key_of(asked.request)
                    self._found[asked.number] = self.recordings.find(step, key, self._turns[step, key])
                    self._turns[step, key] += 1
        return self._found.get(exchange.number)

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference."""
        if id(finding) in self._moved:
            return self._moved[id(finding)]
        then = self.recorded(finding.exchange)
        if then is not None:
            found = before(finding, *then)
        elif self.recordings is not None:
            found = Baseline(f"never asked, nor in the recording of {self.recordings.date}", Reading.NEW)
        elif self.trouble:
            found = Baseline("not known, for the recording cannot be used (a note of this run says why)")
        else:
            found = Baseline(reading=Reading.NEW)
        return replace(found, reading=None) if self.of_reference else found

    def moves(self, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[list[Finding], list[str]]:
        """Return what changed since the recording though a rule held, as noted findings; and why it is not used."""
        if self.of_reference:
            return [], []
        if self.recordings is None:
            return [], [f"the last live recording is not used: {self.trouble}"] if self.trouble else []
        beside: dict[int, list[Finding]] = defaultdict(list)
        for finding in findings:
            if finding.exchange is not None:
                beside[finding.exchange.number].append(finding)
        found: list[Finding] = []
        for exchange in self.session.exchanges:
            then, here = self.recorded(exchange), beside[exchange.number]
            rejecting = next((f.rule for f in here if rules[f.rule].code is not None), None)
            moved = move(exchange, then[0], rejecting) if then is not None else None
            of_rule = [f for f in here if moved is not None and f.rule == moved.rule]
            if then is not None and moved is not None and any(f.verdict is Verdict.HELD for f in of_rule):
                date = then[1]
                expected, actual = Words(f"as on {date}: {moved.then}"), Words(moved.now)
                found.append(differs(moved.rule, exchange, expected, actual, case=of_rule[0].case, grave=False))
                self._moved[id(found[-1])] = Baseline(f"{moved.then} on {date}", Reading.MOVED, recorded=True)
        return found, []
