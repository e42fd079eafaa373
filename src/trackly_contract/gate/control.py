"""The control interface: how a test in any language arranges, forces and inspects a served gate, below `/control`."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec

from trackly_contract import __version__
from trackly_contract.contract import Entry
from trackly_contract.core import JSON, parse
from trackly_contract.gate.coverage import Coverage
from trackly_contract.gate.gate import Gate, JudgedRequest, NotSentError, Violations
from trackly_contract.gate.scenarios import Operation, every_scenario
from trackly_contract.judge import request_text

CONTROL = "/control"

ENDPOINTS = {
    "GET /control": "this list, and what a client needs: base_url, api_key, audience_id",
    "GET /control/scenarios": "every scenario that can be forced: name, operation, status, code, description",
    "GET /control/audiences": "all audiences by id",
    "GET /control/audiences/ID": "one audience as it is now",
    "PUT /control/audiences/ID": "make or change an audience: {any of its nine fields}",
    "DELETE /control/audiences/ID": "remove it: its id is unknown from then on",
    "GET /control/lists": "ids of the sending lists that exist",
    "PUT /control/lists": "say which sending lists exist: [101, 102, 103]",
    "GET /control/keys": "API keys that are accepted",
    "PUT /control/keys": "say which keys are accepted: [KEY, ...]",
    "GET /control/choices": "what the reference server does where the documentation is silent",
    "PUT /control/choices": "change that: {CHOICE: value}",
    "PUT /control/next": 'force: {"scenario": NAME, "times": 1, "operation": "read" | "update"}; times null: always',
    "DELETE /control/next": "force nothing any more",
    "PUT /control/allowed": "allow violations by name: [NAME, ...]; [] allows any",
    "DELETE /control/allowed": "allow nothing any more; 409 if one that was named was never sent",
    "GET /control/requests": "every request: what was sent, violations, response, the audience before and after",
    "GET /control/judgement": "passed, or the violations; 409 where there are any, so that curl --fail fails",
    "POST /control/reset": "forget everything, as if just started",
}

Reply: TypeAlias = tuple[int, JSON]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class Next(Entry, frozen=True):
    """What to force; a number is a status."""

    scenario: str | int
    times: int | None = 1
    operation: Operation | None = None


class Seen(NamedTuple):
    """How many requests a gate had, which violations that fail a test, what they covered, and what it did not judge."""

    requests: int
    failures: Violations
    coverage: Coverage
    unjudged: Counter[str]


def _read(body: bytes, kind: Any) -> Any:
    return msgspec.convert(parse(body), kind)


class Control:
    """The control interface of one gate."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._before_reset = Seen(0, {}, Coverage(), Counter())

    def seen(self) -> Seen:
        """Return what the gate saw, also before each reset."""
        requests, failures, coverage, unjudged = self._before_reset
        gate = self.gate
        return Seen(requests + gate.requests, failures | gate.failures, coverage.of(gate), unjudged + gate.unjudged)

    def respond(self, method: str, path: str, body: bytes) -> Reply:
        """Return status and JSON for a request below `/control`; raises nothing."""
        name, _, audience_id = path.removeprefix(CONTROL).strip("/").partition("/")
        endpoint = f"{method} {CONTROL}/{name}{'/ID' if audience_id else ''}".rstrip("/")
        if endpoint not in ENDPOINTS:
            return 404, {"error": f"there is no {method} {path}", "endpoints": ENDPOINTS}
        try:
            reply: Reply = getattr(self, f"_do_{name or 'root'}")(method, audience_id, body)
        except NotSentError as error:
            return 409, {"error": str(error)}
        except (LookupError, ValueError, TypeError) as error:
            return 400, {"error": f"{error.args[0] if error.args else error}; {endpoint}: {ENDPOINTS[endpoint]}"}
        return reply

    def _do_root(self, *_: object) -> Reply:
        given = {name: getattr(self.gate, name) for name in ("base_url", "api_key", "audience_id")}
        return 200, {"version": __version__, **given, "endpoints": ENDPOINTS}

    def _do_scenarios(self, *_: object) -> Reply:
        keys = ("name", "operation", "status", "code", "description")
        return 200, [{key: getattr(scenario, key) for key in keys} for scenario in every_scenario().values()]

    def _do_audiences(self, method: str, audience_id: str, body: bytes) -> Reply:
        audiences = self.gate.server.store.audiences
        if method == "PUT":
            fields = _read(body, dict[str, Any])
            self.gate.arrange(audience_id, **{name: value for name, value in fields.items() if name != "id"})
        if method == "DELETE":
            self.gate.remove(audience_id)
        elif audience_id and audience_id not in audiences:
            text = f"there is no audience {audience_id!r}; PUT {CONTROL}/audiences/{audience_id} makes one"
            return 404, {"error": text}
        return 200, audiences.get(audience_id, audiences)

    def _do_lists(self, method: str, _: str, body: bytes) -> Reply:
        if method == "PUT":
            self.gate.server.store.lists = _read(body, set[int])
        return 200, sorted(self.gate.lists)

    def _do_keys(self, method: str, _: str, body: bytes) -> Reply:
        if method == "PUT":
            self.gate.server.store.keys = _read(body, set[Name])
        return 200, sorted(self.gate.keys)

    def _do_choices(self, method: str, _: str, body: bytes) -> Reply:
        return 200, asdict(self.gate.choose(**_read(body, dict[str, Any]) if method == "PUT" else {}))

    def _do_next(self, method: str, _: str, body: bytes) -> Reply:
        if method == "DELETE":
            self.gate.release()
            return 200, {}
        wanted = _read(body, Next)
        self.gate.force(str(wanted.scenario), times=wanted.times, operation=wanted.operation)
        return 200, parse(body)

    def _do_allowed(self, method: str, _: str, body: bytes) -> Reply:
        if method == "DELETE":
            ended, self.gate.allowances = self.gate.allowances, []
            self.gate.require_sent(ended)
        else:
            self.gate.start_allowing(*_read(body, list[Name]))
        return 200, [name for _, names in self.gate.allowances for name in names]

    def _do_requests(self, *_: object) -> Reply:
        return 200, [_shown(judged) for judged in list(self.gate.sent)]

    def _do_judgement(self, *_: object) -> Reply:
        status, verdict = (409, "failed") if self.gate.failures else (200, "passed")
        judgement = {"verdict": verdict, "requests": self.gate.requests, "violations": [*self.gate.failures]}
        judgement |= {"not_judged": dict(self.gate.unjudged)}
        return status, {**judgement, "coverage": self.seen().coverage.described()}

    def _do_reset(self, *_: object) -> Reply:
        self._before_reset = self.seen()
        self.gate.reset()
        return 200, {}


def _shown(judged: JudgedRequest) -> JSON:
    """Return a request and its response as JSON, without any header: one of them is the key."""
    request, response = judged.request, judged.response
    return {
        **{key: getattr(judged, key) for key in ("number", "operation", "connection", "before", "after")},
        "method": request.method,
        "path": request.path,
        "body": request.body.decode("utf-8", "replace"),
        "status": response.status if response is not None else None,
        "response": judged.response_name,
        "forced": judged.scenario is not None,
        "violations": [
            {
                "name": violation.name,
                "severity": violation.severity,
                "position": violation.place,
                "actual": violation.got,
                "expected": violation.instead,
                "allowed": violation in judged.allowed,
                "text": request_text(violation, request),
            }
            for violation in judged.violations
        ],
    }
