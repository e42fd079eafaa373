"""What may happen to an audience while a process changes it: others, faults of the network, late updates, and kills."""

import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from signal import SIGKILL
from typing import Any

from tests.support.warm import Stand
from tests.support.way import Strike, Way, Wire, answering, framed, reset_applied, reset_before
from trackly_contract.contract import schemas
from trackly_contract.core import Request, Response, encode
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY

READ = Request("GET", f"/v2/audiences/{AUDIENCE_ID}", (("X-Api-Key", REFERENCE_KEY),))
HTML = ("Content-Type", "text/html")

FAULTS: dict[str, Strike] = {
    "reset before": reset_before,
    "reset after": reset_applied,
    "503": answering(503, b"<!doctype html>Down", HTML, ("Retry-After", "1")),
    "429": answering(429, b"{}", ("Content-Type", "application/json")),
    "portal": answering(200, b"<!doctype html>Welcome", HTML),
}


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happens at a request of a process, counted from 1, or at so many in a row.

    A `late` update is the first one from there on that is accepted: it gets no response, and arrives `times` requests
    later, or when the process has ended. A replica that `lags` shows the audience as it was so many times.
    """

    at: int
    what: str
    fields: Any = None
    times: int = 1


@dataclass
class Model:
    """What is known of the audience without the suite.

    `base` is what it was when no backup was kept; `others` are the values that others gave a field since, `last` those
    that must stay; `seen` are fields whose last value a response has shown. What others did before was `given_up` if a
    person said so; on a `blind` server, which stores what it likes, no field must stay.
    """

    base: dict[str, Any]
    others: dict[str, list[Any]] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    given_up: bool = False
    blind: bool = False

    def renew(self, content: dict[str, Any]) -> None:
        """No backup is kept any more."""
        self.base, self.given_up = content, False
        self.others.clear()
        self.last.clear()
        self.seen.clear()

    def edit(self, name: str, value: Any) -> None:
        """Somebody else gives a field another value."""
        others = self.others.setdefault(name, [])
        self.seen.discard(name)
        if not (self.given_up and value in others):  # else it looks like what is overwritten on purpose
            self.last[name] = value
        others.append(value)

    def give_up(self) -> None:
        """A person wants the original back, whatever others did."""
        self.given_up = True
        self.last.clear()
        self.seen.clear()

    def overwrite(self, fields: dict[str, Any]) -> None:
        """An update of the suite arrives late: nobody can know what it overwrites."""
        for name in fields:
            self.last.pop(name, None)
            self.seen.discard(name)

    def show(self, fields: dict[str, Any]) -> None:
        """A process is shown the audience."""
        if fields.get("id") == AUDIENCE_ID:
            self.seen |= {name for name, value in self.last.items() if fields.get(name) == value}

    def allows(self, content: dict[str, Any]) -> bool:
        """Whether each field is what it was, or what somebody made of it; an edit that was shown still stands."""
        kept = self.blind or all(content[name] == self.last[name] for name in self.seen)
        return kept and all(value in [self.base[name], *self.others.get(name, [])] for name, value in content.items())


class Happening:
    """Events of one process at a time; `edit` is called for what somebody else does, `model` is told the rest."""

    def __init__(self, stand: Stand, model: Model, edit: Callable[[dict[str, Any]], None]) -> None:
        self.stand, self.model, self.edit = stand, model, edit
        self.events: list[Event] = []
        self._late: list[tuple[float, Wire]] = []
        self._stale: dict[Event, Response] = {}
        self._spent = Counter[Event]()
        self._edited = set[str]()

    def begin(self, events: list[Event]) -> None:
        """Let these happen to the process that begins now."""
        self.events, self._stale, self._spent, self._edited = events, {}, Counter(), set()
        self.stand.forget()
        self.stand.strike = self._struck

    def end(self) -> None:
        """Let nothing go wrong any more, and all late updates arrive."""
        self.stand.heal()
        _freeze(self.stand, "-i")
        self._arrive(inf)

    def _arrive(self, number: float) -> None:
        for due, wire in [one for one in self._late if one[0] <= number]:
            self._late.remove((due, wire))
            wire.answer()
            self.model.overwrite(wire.request.json.fields)

    def _struck(self, way: Way) -> Strike:
        number = len(way.asked)
        self._arrive(number)
        strikes = [self._strike(event, way.asked[-1], number) for event in self.events]
        return next((strike for strike in reversed(strikes) if strike is not None), self._answered)

    def _strike(self, event: Event, request: Request, number: int) -> Strike | None:
        if event.what in ("late", "lags"):
            begins = number >= event.at and self._spent[event] < (event.times if event.what == "lags" else 1)
            return self._delayed(event, request, number) if begins else None
        if not event.at <= number < event.at + event.times:
            return None
        if event.what in FAULTS:
            return FAULTS[event.what]
        if event.what in ("killed", "killed before"):
            return self.stand.signalling(SIGKILL, applied=event.what == "killed")
        if event.what == "another":
            return another if is_read(request) else None
        self._change(event)
        return None

    def _change(self, event: Event) -> None:
        if event.what == "frozen":
            _freeze(self.stand, "+i")
        elif event.what == "deleted":
            self.stand.server.store.audiences.clear()
        elif event.what == "archived":
            self.edit({"status": "archived"})
        else:  # what changes twice, the second time just when it is sent again, is the API's doing
            self.edit({name: value for name, value in event.fields.items() if name not in self._edited})
            self._edited.update(event.fields)

    def _delayed(self, event: Event, request: Request, number: int) -> Strike | None:
        if event.what == "late" and is_accepted(request):
            self._spent[event] += 1
            return partial(self._lost, number + event.times)
        if event.what == "lags" and is_read(request):
            self._spent[event] += 1
            stale = self._stale.setdefault(event, self.stand.answer(READ))
            return lambda wire: wire.send(framed(stale))
        return None

    def _lost(self, due: float, wire: Wire) -> None:
        self._late.append((due, wire))
        wire.reset()

    def _answered(self, wire: Wire) -> None:
        response = wire.answer()
        wire.send(framed(response))
        self.model.show(response.json.fields)


def _freeze(stand: Stand, how: str) -> None:
    """Let the state folder be read-only, or not any more; where root may not do that, nothing happens."""
    subprocess.run(["chattr", how, *stand.state.glob("*.jsonl"), stand.state], check=False, capture_output=True)


def another(wire: Wire) -> None:
    """Show another audience."""
    honest = wire.answer()
    audience = {**honest.json.fields, "id": "664f1a2b3c4d5e6f7a8b9c0e", "name": "Somebody else's"}
    wire.send(framed(Response(honest.status, honest.headers, encode(audience))))


def is_read(request: Request) -> bool:
    """Whether a request reads the audience with the good key."""
    return (request.method, request.path, request.header("X-Api-Key")) == ("GET", READ.path, REFERENCE_KEY)


def is_accepted(request: Request) -> bool:
    """Whether a request updates the audience as documented."""
    good = (request.path, request.header("X-Api-Key")) == (READ.path, REFERENCE_KEY)
    return request.method == "PUT" and good and schemas().decide(request.json.value).accepted
