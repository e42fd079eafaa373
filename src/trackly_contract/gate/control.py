"""The control interface: how a test in any language arranges, forces and inspects a served gate, below `/control`."""

from dataclasses import asdict
from typing import Any, TypeAlias

from trackly_contract import __version__
from trackly_contract.core import JSON, NotJSONError, parse
from trackly_contract.gate.coverage import Coverage
from trackly_contract.gate.gate import Gate, JudgedRequest, NotSentError
from trackly_contract.gate.scenarios import OPERATIONS, every_scenario
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

_KNOWN = frozenset(endpoint.removesuffix("/ID") for endpoint in ENDPOINTS)

Reply: TypeAlias = tuple[int, JSON]


class Control:
    """The control interface of one gate; what was covered and what failed before a reset still counts here."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._coverage = Coverage()
        self._failures: list[str] = []
        self._requests = 0
        self._allowing: list[str] = []
        self._allowing_from = 0

    @property
    def requests(self) -> int:
        """How many requests arrived."""
        return self._requests + self.gate.requests

    @property
    def coverage(self) -> Coverage:
        """What was covered."""
        return self._coverage.of(self.gate)

    @property
    def failures(self) -> list[str]:
        """The texts of all violations that were not allowed; equal ones once."""
        return list(dict.fromkeys([*self._failures, *self.gate.failures()]))

    def respond(self, method: str, path: str, body: bytes) -> Reply:
        """Return status and JSON for a request below `/control`; raises nothing."""
        name, _, argument = path.removeprefix(CONTROL).strip("/").partition("/")
        if f"{method} {CONTROL}/{name}".rstrip("/") not in _KNOWN:
            return 404, {"error": f"there is no {method} {path}", "endpoints": ENDPOINTS}
        try:
            value = parse(body) if method == "PUT" else None
            reply: Reply = getattr(self, f"_do_{name or 'root'}")(method, argument, value)
        except NotJSONError as error:
            return 400, {"error": f"the body is no JSON: {error}"}
        except NotSentError as error:
            return 409, {"error": str(error)}
        except (LookupError, ValueError, TypeError) as error:
            return 400, {"error": str(error.args[0] if error.args else error)}
        return reply

    def _do_root(self, *_: object) -> Reply:
        gate = self.gate
        given = {"base_url": gate.base_url, "api_key": gate.api_key, "audience_id": gate.audience_id}
        return 200, {"version": __version__, **given, "endpoints": ENDPOINTS}

    def _do_scenarios(self, *_: object) -> Reply:
        keys = ("name", "operation", "status", "code", "description")
        return 200, [{key: getattr(scenario, key) for key in keys} for scenario in every_scenario().values()]

    def _do_audiences(self, method: str, audience_id: str, fields: JSON) -> Reply:
        audiences = self.gate.server.store.audiences
        if method == "PUT":
            if not audience_id or not isinstance(fields, dict):
                raise ValueError("PUT /control/audiences/ID expects an object with fields of the audience")
            self.gate.arrange(audience_id, **{name: value for name, value in fields.items() if name != "id"})
        if method == "DELETE":
            self.gate.remove(audience_id)
        elif audience_id and audience_id not in audiences:
            text = f"there is no audience {audience_id!r}; PUT {CONTROL}/audiences/{audience_id} makes one"
            return 404, {"error": text}
        return 200, audiences.get(audience_id, audiences)

    def _do_lists(self, method: str, _: str, ids: JSON) -> Reply:
        if method == "PUT":
            self.gate.server.store.lists = set(_array(ids, int, "PUT /control/lists expects an array of integers"))
        return 200, sorted(self.gate.lists)

    def _do_keys(self, method: str, _: str, keys: JSON) -> Reply:
        if method == "PUT":
            self.gate.server.store.keys = set(_array(keys, str, "PUT /control/keys expects an array of strings"))
        return 200, sorted(self.gate.keys)

    def _do_choices(self, method: str, _: str, choices: JSON) -> Reply:
        if method == "PUT":
            if not isinstance(choices, dict):
                raise TypeError("PUT /control/choices expects an object; GET /control/choices shows it")
            self.gate.choose(**choices)
        return 200, asdict(self.gate.server.choices)

    def _do_next(self, method: str, _: str, wanted: JSON) -> Reply:
        if method == "DELETE":
            self.gate.release()
            return 200, {}
        if not isinstance(wanted, dict) or set(wanted) - {"scenario", "times", "operation"} or "scenario" not in wanted:
            raise ValueError('PUT /control/next expects {"scenario": NAME}, and may have "times" and "operation"')
        times, operation = wanted.get("times", 1), wanted.get("operation")
        if times is not None and type(times) is not int:
            raise ValueError(f"times is {times!r}: a number of requests, or null for all of them")
        if operation not in (*OPERATIONS, None):
            raise ValueError(f"operation is {operation!r}: read, update, or null for both")
        self.gate.force(str(wanted["scenario"]), times=times, operation=operation)
        return 200, wanted

    def _do_allowed(self, method: str, _: str, names: JSON) -> Reply:
        if method == "DELETE":
            ended, self._allowing = self._allowing, []
            self.gate.stop_allowing()
            self.gate.require_sent(ended, after=self._allowing_from)
            return 200, []
        allowed = _array(names, str, "PUT /control/allowed expects an array of names")
        if not self._allowing:
            self._allowing_from = self.gate.requests
        self._allowing += allowed
        self.gate.start_allowing(*allowed)
        return 200, self._allowing

    def _do_requests(self, *_: object) -> Reply:
        return 200, [_shown(judged) for judged in list(self.gate.sent)]

    def _do_judgement(self, *_: object) -> Reply:
        violations = self.gate.failures()
        status, verdict = (409, "failed") if violations else (200, "passed")
        judgement = {"verdict": verdict, "requests": self.gate.requests, "violations": violations}
        return status, {**judgement, "coverage": self.coverage.described()}

    def _do_reset(self, *_: object) -> Reply:
        self._coverage, self._failures, self._requests = self.coverage, self.failures, self.requests
        self.gate.reset()
        self._allowing.clear()
        return 200, {}


def _array(value: JSON, kind: type, expected: str) -> list[Any]:
    """Return an array of `kind` without empty strings. Raises ValueError, saying what was expected."""
    if not isinstance(value, list) or any(type(entry) is not kind or entry == "" for entry in value):
        raise ValueError(expected)
    return value


def _shown(judged: JudgedRequest) -> JSON:
    """Return a request and its response as JSON, without any header: one of them is the key."""
    return {
        "number": judged.number,
        "method": judged.request.method,
        "path": judged.request.path,
        "operation": judged.operation,
        "body": judged.request.body.decode("utf-8", "replace"),
        "status": judged.response.status if judged.response is not None else None,
        "response": judged.response_name,
        "forced": judged.scenario is not None,
        "connection": judged.connection,
        "violations": [
            {
                "name": violation.name,
                "severity": violation.severity,
                "position": violation.place,
                "actual": violation.got,
                "expected": violation.instead,
                "allowed": violation in judged.allowed,
                "text": request_text(violation, judged.request),
            }
            for violation in judged.violations
        ],
        "before": judged.before,
        "after": judged.after,
    }
