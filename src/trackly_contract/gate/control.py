"""The control interface of a served gate: how a test in any language arranges, forces and inspects.

Promises: JSON in, JSON out; every error says what to send instead; nothing here is part of the API, it stands beside
it, below `/control`.
Refuses: to answer requests of the API (gate.py).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from trackly_contract import __version__
from trackly_contract.core import JSON, NotJSONError, parse
from trackly_contract.gate.coverage import Coverage
from trackly_contract.gate.gate import Gate, NotSentError, Sent, met
from trackly_contract.gate.scenarios import possible_answers, possible_faults
from trackly_contract.judge import request_text

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/control"

ENDPOINTS = {
    "GET /control": "this list, and what a client is to be given: base_url, api_key, audience_id",
    "GET /control/answers": "every answer that can be forced: name, operation, status, what it is",
    "GET /control/audiences": "all audiences by id",
    "GET /control/audiences/ID": "one audience as it is now",
    "PUT /control/audiences/ID": "make or change an audience: {any of its nine members}",
    "DELETE /control/audiences/ID": "remove it: its id is unknown from then on",
    "GET, PUT /control/lists": "ids of the sending lists that exist: [101, 102, 103]",
    "GET, PUT /control/keys": "API keys that are accepted",
    "GET, PUT /control/choices": "how what the documentation leaves open is answered: {CHOICE: value}",
    "PUT /control/next": 'force answers: {"answer": NAME, "times": 1, "operation": "read" | "update"}; times null: all',
    "DELETE /control/next": "answer honestly again",
    "PUT /control/meant": "names of faults that are meant: [NAME, ...]; [] for any",
    "DELETE /control/meant": "no fault is meant any more; 409 if one that was named was never sent",
    "GET /control/requests": "every request: what was sent, its faults, its answer, the audience before and after",
    "GET /control/judgement": "passed, or the faults; 409 where there are any, so that curl --fail fails",
    "POST /control/reset": "forget everything, as if just started",
}


@dataclass
class Control:
    """The interface of one gate."""

    gate: Gate
    coverage: Coverage = field(default_factory=Coverage)
    _faults: list[str] = field(init=False, default_factory=list)
    _requests: int = field(init=False, default=0)
    _named: list[str] = field(init=False, default_factory=list)
    _meant_from: int = field(init=False, default=0)

    @property
    def requests(self) -> int:
        """How many requests came, those before a reset too."""
        return self._requests + self.gate.requests

    def failures(self) -> list[str]:
        """Return the texts of all faults that were not meant, those before a reset too; equal ones once."""
        return list(dict.fromkeys([*self._faults, *self.gate.failures()]))

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, JSON]:
        """Return status and JSON for a request below `/control`; raises nothing."""
        steps = path.removeprefix(PREFIX).strip("/").split("/")
        head, argument = steps[0], "/".join(steps[1:])
        handler: Callable[[str, JSON], tuple[int, JSON]] | None = getattr(
            self, f"{method.lower()}_{head or 'root'}", None
        )
        if handler is None or not re.fullmatch(r"[a-z]*", head):
            return 404, {"error": f"there is no {method} {path}", "endpoints": ENDPOINTS}
        try:
            value = parse(body) if method == "PUT" else None
            return handler(argument, value)
        except NotJSONError as error:
            return 400, {"error": f"the body is no JSON: {error}"}
        except (LookupError, ValueError, TypeError) as error:
            return 400, {"error": str(error.args[0] if error.args else error)}

    def get_root(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Say what is here."""
        gate = self.gate
        given = {"base_url": gate.base_url, "api_key": gate.api_key, "audience_id": gate.audience_id}
        return 200, {"version": __version__, **given, "endpoints": ENDPOINTS}

    def get_answers(self, _: str, __: JSON) -> tuple[int, JSON]:
        """List what can be forced."""
        everything = {**possible_answers(), **possible_faults()}
        keys = ("name", "operation", "status", "code", "says")
        return 200, [{key: getattr(answer, key) for key in keys} for answer in everything.values()]

    def get_audiences(self, audience_id: str, _: JSON) -> tuple[int, JSON]:
        """Show one audience, or all."""
        if not audience_id:
            return 200, self.gate.server.store.audiences
        found = self.gate.server.store.audiences.get(audience_id)
        if found is None:
            return 404, {
                "error": f"there is no audience {audience_id!r}; PUT {PREFIX}/audiences/{audience_id} makes one"
            }
        return 200, found

    def put_audiences(self, audience_id: str, members: JSON) -> tuple[int, JSON]:
        """Make or change an audience."""
        if not audience_id or not isinstance(members, dict):
            raise ValueError("PUT /control/audiences/ID wants an object of the audience's members")
        return 200, self.gate.arrange(audience_id, **{k: v for k, v in members.items() if k != "id"})

    def delete_audiences(self, audience_id: str, _: JSON) -> tuple[int, JSON]:
        """Remove an audience."""
        self.gate.remove(audience_id)
        return 200, self.gate.server.store.audiences

    def get_lists(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Show the lists."""
        return 200, sorted(self.gate.lists)

    def put_lists(self, _: str, ids: JSON) -> tuple[int, JSON]:
        """Say which lists exist."""
        if not isinstance(ids, list) or any(type(entry) is not int for entry in ids):
            raise ValueError("PUT /control/lists wants an array of integers")
        self.gate.server.store.lists = set(ids)
        return self.get_lists("", None)

    def get_keys(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Show the keys; they are nobody's."""
        return 200, sorted(self.gate.keys)

    def put_keys(self, _: str, keys: JSON) -> tuple[int, JSON]:
        """Say which keys are accepted."""
        if not isinstance(keys, list) or any(not isinstance(key, str) or not key for key in keys):
            raise ValueError("PUT /control/keys wants an array of texts")
        self.gate.server.store.keys = set(keys)
        return self.get_keys("", None)

    def get_choices(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Show how open questions are answered."""
        return 200, asdict(self.gate.server.choices)

    def put_choices(self, _: str, choices: JSON) -> tuple[int, JSON]:
        """Answer open questions otherwise."""
        if not isinstance(choices, dict):
            raise TypeError("PUT /control/choices wants an object: GET shows it")
        self.gate.choose(**choices)
        return self.get_choices("", None)

    def put_next(self, _: str, wanted: JSON) -> tuple[int, JSON]:
        """Force answers."""
        if not isinstance(wanted, dict) or set(wanted) - {"answer", "times", "operation"} or "answer" not in wanted:
            raise ValueError('PUT /control/next wants {"answer": NAME}, and may have "times" and "operation"')
        times, operation = wanted.get("times", 1), wanted.get("operation")
        if times is not None and type(times) is not int:
            raise ValueError(f"times is {times!r}: a number of requests, or null for all of them")
        if operation not in ("read", "update", None):
            raise ValueError(f"operation is {operation!r}: read, update, or null for both")
        self.gate.force(str(wanted["answer"]), times=times, operation=operation)
        return 200, wanted

    def delete_next(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Answer honestly again."""
        self.gate.release()
        return 200, {}

    def put_meant(self, _: str, names: JSON) -> tuple[int, JSON]:
        """Let faults pass that are meant."""
        if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
            raise ValueError("PUT /control/meant wants an array of names")
        if not self._named:
            self._meant_from = self.gate.requests
        self._named += names
        self.gate.mean(*names)
        return 200, self._named

    def delete_meant(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Let no fault pass any more."""
        named, self._named = self._named, []
        self.gate.mean_nothing()
        try:
            self.gate.sent_all(named, after=self._meant_from)
        except NotSentError as error:
            return 409, {"error": str(error)}
        return 200, []

    def get_requests(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Show every request that is kept."""
        return 200, [shown(sent) for sent in list(self.gate.sent)]

    def get_judgement(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Say whether a request had a fault."""
        faults = self.gate.failures()
        verdict = "failed" if faults else "passed"
        told: Any = {"verdict": verdict, "requests": self.gate.requests, "faults": faults}
        return 409 if faults else 200, told | {"coverage": self.coverage.of(self.gate).described()}

    def post_reset(self, _: str, __: JSON) -> tuple[int, JSON]:
        """Begin anew; what was met, sent and at fault stays counted, for the end of `serve COMMAND`."""
        self.coverage = self.coverage.of(self.gate)
        self._faults, self._requests = self.failures(), self.requests
        self.gate.reset()
        self._named.clear()
        return 200, {}


def shown(sent: Sent) -> dict[str, JSON]:
    """Return a request and what became of it as JSON, without any header: one of them is the key."""
    request, response = sent.request, sent.response
    return {
        "number": sent.number,
        "method": request.method,
        "path": request.path,
        "operation": sent.operation,
        "body": request.body.decode("utf-8", "replace"),
        "status": response.status if response is not None else None,
        "answer": met(sent),
        "forced": sent.answer is not None,
        "connection": sent.connection,
        "faults": [
            {
                "name": fault.name,
                "worth": fault.severity,
                "place": fault.place,
                "got": fault.got,
                "instead": fault.instead,
                "meant": fault in sent.meant,
                "text": request_text(fault, request),
            }
            for fault in sent.faults
        ],
        "before": sent.before,
        "after": sent.after,
    }
