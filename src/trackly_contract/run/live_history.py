"""The last live recording, beside a run: finds what was answered to the same request of the same step.

Promises: only answers of a live API are read, one whose answers bear the reference server's stamp is none; a
recording that cannot be read is said and stops nothing.
Refuses: to say that the API changed where a stand-in answers this run; to judge (second_reading.py).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from trackly_contract.core import ABSENT, STAMP, Exchange, Request, Response, Verdict
from trackly_contract.judge import Baseline, Finding, Move, Reading, Words, before, differs, move, path_of
from trackly_contract.run import cassettes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from trackly_contract.contract import Rule
    from trackly_contract.run.session import Session

Key = tuple[str, str, bytes]

MOST_NOTES = 3
"""Moves that no rule is about, told one by one; of more only the number."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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


def _bytes(value: Any) -> bytes:
    if isinstance(value, dict):  # vcrpy keeps a body under its encoding
        if "base64_string" in value:
            return base64.b64decode(value["base64_string"])
        value = value.get("string")
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value if isinstance(value, bytes) else b""


def _exchange(entry: dict[str, Any], number: int) -> Exchange:
    request, response = entry["request"], entry["response"]
    path = urlsplit(request["uri"]).path
    path = path[max(path.rfind("/v2/audiences/"), 0) :]
    headers = tuple(
        (str(name), str(value))
        for name, values in (response.get("headers") or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )
    return Exchange(
        Request(request["method"], path, (), _bytes(request.get("body"))),
        Response(int(response["status"]["code"]), headers, _bytes(response.get("body"))),
        number,
    )


def read_cassette(path: Path) -> list[Exchange]:
    """Return what one cassette holds, in order. Raises RecordingError if it cannot be read, or is stamped."""
    try:
        content = yaml.load(path.read_bytes(), _Loader)  # noqa: S506  # the loader is a safe one
        found = [_exchange(entry, number) for number, entry in enumerate(content["interactions"], 1)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise RecordingError(f"{path}: not a recording that can be read ({type(error).__name__})") from None
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
        """Take the folder of live cassettes, and note from now on which step sends what."""
        self.folder = folder
        self.session = session
        self.trouble = ""
        self._recordings: Recordings | None = None
        self._read = False
        self._asked: dict[int, tuple[str, Key, int]] = {}
        self._turns: Counter[tuple[str, Key]] = Counter()
        self._moved: dict[int, Baseline] = {}
        self._watch()

    def _watch(self) -> None:
        within = self.session.target.step

        @contextmanager
        def watched(case: str) -> Iterator[None]:
            first = len(self.session.exchanges)
            try:
                with within(case):
                    yield
            finally:
                for exchange in self.session.exchanges[first:]:
                    key = key_of(exchange.request)
                    self._asked[exchange.number] = (case, key, self._turns[case, key])
                    self._turns[case, key] += 1

        self.session.target.step = watched

    @property
    def stand_in(self) -> bool:
        """Whether this run is answered by something that is not the API: then nothing is said to have changed."""
        target = self.session.target
        return self.session.stamped or target.name == "reference" or "stand-in" in target.evidence

    def recordings(self) -> Recordings | None:
        """Return the recordings; None if there are none, or none that can be used (`trouble` says why)."""
        if not self._read:
            self._read = True
            if self.folder.is_dir():
                try:
                    self._recordings = Recordings(self.folder)
                except RecordingError as error:
                    self.trouble = str(error)
        return self._recordings

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day; None if that is not recorded."""
        recordings = self.recordings()
        asked = self._asked.get(exchange.number) if exchange is not None else None
        return recordings.find(*asked) if recordings is not None and asked is not None else None

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference."""
        if id(finding) in self._moved:
            return self._moved[id(finding)]
        then = self.recorded(finding.exchange)
        recordings = self.recordings()
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
        recordings = None if self.stand_in else self.recordings()
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
                step = self._asked[exchange.number][0]
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
