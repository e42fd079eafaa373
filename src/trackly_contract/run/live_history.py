"""The last live recording, beside a run: finds what was answered to the same request of the same step.

Reads responses of a live API only; a recording that cannot be read is reported and stops nothing. Does not say that the
API changed where the reference server answers this run.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from trackly_contract.contract import Rule
from trackly_contract.core import ABSENT, STAMP, Exchange, Request, Verdict
from trackly_contract.judge import (
    Baseline,
    Finding,
    Move,
    NotTrafficError,
    Reading,
    Recorded,
    Words,
    before,
    differs,
    move,
    path_of,
    read_traffic,
)
from trackly_contract.run import cassettes
from trackly_contract.run.session import Session

Key = tuple[str, str, bytes]

MOST_NOTES = 3
"""Moves that no rule is about, told one by one; of more only the number."""


class RecordingError(Exception):
    """The last live recording cannot be used; the text names the file and says why."""


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


def read_cassette(path: Path) -> list[Exchange]:
    """Return what one cassette holds, in order. Raises RecordingError if it cannot be read, or is stamped."""
    try:
        with path.open("rb") as stream:
            items = list(read_traffic(stream, str(path)))
    except (OSError, NotTrafficError) as error:
        raise RecordingError(f"{path}: not a recording that can be read ({error})") from None
    found = [item.exchange for item in items if isinstance(item, Recorded)]
    if len(found) != len(items):
        raise RecordingError(f"{path}: not a recording that can be read (an interaction is none of this API)")
    if any(exchange.response.header(STAMP) is not None for exchange in found):
        raise RecordingError(f"{path}: its answers bear the reference server's stamp, so it is no live recording")
    return found


class Recordings:
    """What one folder of cassettes holds, by step and request."""

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises RecordingError if it holds what is no live recording, or cannot be read."""
        try:
            manifest = cassettes.Player(folder).manifest
        except cassettes.CassetteError as error:
            raise RecordingError(" ".join(str(error).split())) from None
        if manifest.target != "live":
            raise RecordingError(
                f"{folder / 'manifest.json'}: recorded from {manifest.target!r}, which is not the live API"
            )
        self.date = manifest.recorded
        self._answers: dict[str, dict[Key, list[Exchange]]] = {}
        self._days: dict[str, str] = {}
        for name, file in manifest.files.items():
            step = name.removesuffix(".yaml")
            self._days[step] = max((manifest.day(effort) for effort in file.efforts), default=manifest.recorded)
            by_key = self._answers.setdefault(step, {})
            for exchange in read_cassette(folder / name):
                by_key.setdefault(key_of(exchange.request), []).append(exchange)

    def find(self, step: str, key: Key, turn: int) -> tuple[Exchange, str] | None:
        """Return what was recorded of the `turn`-th such request of a step (from 0), and the day.

        It is the last such request where fewer were recorded, and None where there was none.
        """
        step = step.replace("/", "--")
        found = self._answers.get(step, {}).get(key)
        return (found[min(turn, len(found) - 1)], self._days[step]) if found else None


class LastLive:
    """The last live recording beside one run; it is read when it is first asked for."""

    def __init__(self, folder: Path, session: Session) -> None:
        """Take the folder of live cassettes, and the session whose exchanges are compared with them."""
        self.folder = folder
        self.session = session
        self.trouble = ""
        self._asked: list[tuple[str, Key, int]] = []
        self._turns: Counter[tuple[str, Key]] = Counter()
        self._moved: dict[int, Baseline] = {}

    @property
    def stand_in(self) -> bool:
        """Whether this run is answered by something that is not the API: then nothing is said to have changed."""
        target = self.session.target
        return self.session.stamped or target.name == "reference" or "stand-in" in target.evidence

    @cached_property
    def recordings(self) -> Recordings | None:
        """The recordings; None if there are none, or none that can be used (`trouble` says why)."""
        if self.folder.is_dir():
            try:
                return Recordings(self.folder)
            except RecordingError as error:
                self.trouble = str(error)
        return None

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day; None if that is not recorded."""
        if self.recordings is None or exchange is None:
            return None
        for number in range(len(self._asked), len(self.session.exchanges)):
            step, key = self.session.steps[number], key_of(self.session.exchanges[number].request)
            self._asked.append((step, key, self._turns[step, key]))
            self._turns[step, key] += 1
        return self.recordings.find(*self._asked[exchange.number - 1])

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference."""
        if id(finding) in self._moved:
            return self._moved[id(finding)]
        then = self.recorded(finding.exchange)
        recordings = self.recordings
        found = Baseline(reading=Reading.NEW)
        if recordings is not None:
            found = Baseline(f"never asked, nor in the recording of {recordings.date}", Reading.NEW)
            if then is not None:
                found = before(finding, *then)
        elif self.trouble:
            found = Baseline("not known, for the recording cannot be used (a note of this run says why)")
        return replace(found, reading=None) if self.stand_in else found

    def moves(self, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[list[Finding], list[str]]:
        """Return what changed since the recording though a rule held, as noted findings; and what no rule is about."""
        recordings = None if self.stand_in else self.recordings
        if recordings is None:
            return [], [f"the last live recording is not used: {self.trouble}"] if self.trouble else []
        beside: dict[int, list[Finding]] = {}
        for finding in findings:
            beside.setdefault(finding.exchange.number if finding.exchange is not None else 0, []).append(finding)
        found: list[Finding] = []
        loose: list[str] = []
        for exchange in self.session.exchanges:
            then = self.recorded(exchange)
            here = beside.get(exchange.number, [])
            rejecting = next((f.rule for f in here if rules[f.rule].code is not None), None)
            moved = move(exchange, then[0], rejecting) if then is not None else None
            if then is None or moved is None:
                continue
            recorded, date = then
            if any(finding.rule == moved.rule and finding.verdict is Verdict.HELD for finding in here):
                case = next(finding.case for finding in here if finding.rule == moved.rule)
                found.append(self._noted(exchange, moved, date, case))
            elif not here and _answered(exchange) and _answered(recorded):
                step = self.session.steps[exchange.number - 1]
                loose.append(f"{step}: {moved.now}, on {date} {moved.then}: something moved")
        notes = loose[:MOST_NOTES]
        if len(loose) > MOST_NOTES:
            notes.append(f"and {len(loose) - MOST_NOTES} more answers that no rule is about moved")
        return found, notes

    def _noted(self, exchange: Exchange, moved: Move, date: str, case: str) -> Finding:
        expected, actual = Words(f"as on {date}: {moved.then}"), Words(moved.now)
        finding = differs(moved.rule, exchange, expected, actual, case=case, grave=False)
        self._moved[id(finding)] = Baseline(f"{moved.then} on {date}", Reading.MOVED, recorded=True)
        return finding


def last_live(session: Session) -> LastLive:
    """Return the last live recording of this project, beside a run."""
    return LastLive(cassettes.cassette_folder("live"), session)


def _answered(exchange: Exchange) -> bool:
    """Whether an answer is one of the API, and not of the way to it."""
    status = exchange.response.status
    return status < 500 and status != 429 and not 300 <= status < 400
