"""The control interface: how a test in any language arranges, forces and inspects a served gate, below `/control`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from trackly_contract import __version__
from trackly_contract.core import JSON, NotJSONError, parse
from trackly_contract.gate.coverage import Coverage
from trackly_contract.gate.gate import Gate, JudgedRequest, NotSentError
from trackly_contract.gate.scenarios import OPERATIONS, every_scenario
from trackly_contract.judge import request_text

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/control"

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
"""Status and body."""


@dataclass
class Control:
    """The control interface of one gate."""

    gate: Gate
    coverage: Coverage = field(default_factory=Coverage)
    """What was covered before the last reset."""

    _failures: list[str] = field(init=False, default_factory=list)
    _requests: int = field(init=False, default=0)
    _allowed: list[str] = field(init=False, default_factory=list)
    _allowed_from: int = field(init=False, default=0)

    @property
    def requests(self) -> int:
        """How many requests arrived, also before a reset."""
        return self._requests + self.gate.requests

    def failures(self) -> list[str]:
        """Return the texts of all violations that were not allowed, also before a reset; equal ones once."""
        return list(dict.fromkeys([*self._failures, *self.gate.failures()]))

    def respond(self, method: str, path: str, body: bytes) -> Reply:
        """Return status and JSON for a request below `/control`; raises nothing."""
        name, _, argument = path.removeprefix(PREFIX).strip("/").partition("/")
        if f"{method} {PREFIX}/{name}".rstrip("/") not in _KNOWN:
            return 404, {"error": f"there is no {method} {path}", "endpoints": ENDPOINTS}
        handler: Callable[[str, JSON], Reply] = getattr(self, f"_{method.lower()}_{name or 'root'}")
        try:
            return handler(argument, parse(body) if method == "PUT" else None)
        except NotJSONError as error:
            return 400, {"error": f"the body is no JSON: {error}"}
        except (LookupError, ValueError, TypeError) as error:
            return 400, {"error": str(error.args[0] if error.args else error)}

    def _get_root(self, _: str, __: JSON) -> Reply:
        gate = self.gate
        given = {"base_url": gate.base_url, "api_key": gate.api_key, "audience_id": gate.audience_id}
        return 200, {"version": __version__, **given, "endpoints": ENDPOINTS}

    def _get_scenarios(self, _: str, __: JSON) -> Reply:
        keys = ("name", "operation", "status", "code", "description")
        return 200, [{key: getattr(scenario, key) for key in keys} for scenario in every_scenario().values()]

    def _get_audiences(self, audience_id: str, _: JSON) -> Reply:
        audiences = self.gate.server.store.audiences
        if not audience_id:
            return 200, audiences
        if audience_id not in audiences:
            text = f"there is no audience {audience_id!r}; PUT {PREFIX}/audiences/{audience_id} makes one"
            return 404, {"error": text}
        return 200, audiences[audience_id]

    def _put_audiences(self, audience_id: str, fields: JSON) -> Reply:
        if not audience_id or not isinstance(fields, dict):
            raise ValueError("PUT /control/audiences/ID expects an object with fields of the audience")
        return 200, self.gate.arrange(audience_id, **{name: value for name, value in fields.items() if name != "id"})

    def _delete_audiences(self, audience_id: str, _: JSON) -> Reply:
        self.gate.remove(audience_id)
        return 200, self.gate.server.store.audiences

    def _get_lists(self, _: str, __: JSON) -> Reply:
        return 200, sorted(self.gate.lists)

    def _put_lists(self, _: str, ids: JSON) -> Reply:
        self.gate.server.store.lists = set(_array(ids, int, "PUT /control/lists expects an array of integers"))
        return self._get_lists("", None)

    def _get_keys(self, _: str, __: JSON) -> Reply:
        return 200, sorted(self.gate.keys)

    def _put_keys(self, _: str, keys: JSON) -> Reply:
        self.gate.server.store.keys = set(_array(keys, str, "PUT /control/keys expects an array of strings"))
        return self._get_keys("", None)

    def _get_choices(self, _: str, __: JSON) -> Reply:
        return 200, asdict(self.gate.server.choices)

    def _put_choices(self, _: str, choices: JSON) -> Reply:
        if not isinstance(choices, dict):
            raise TypeError("PUT /control/choices expects an object; GET /control/choices shows it")
        return 200, asdict(self.gate.choose(**choices))

    def _put_next(self, _: str, wanted: JSON) -> Reply:
        if not isinstance(wanted, dict) or set(wanted) - {"scenario", "times", "operation"} or "scenario" not in wanted:
            raise ValueError('PUT /control/next expects {"scenario": NAME}, and may have "times" and "operation"')
        times, operation = wanted.get("times", 1), wanted.get("operation")
        if times is not None and type(times) is not int:
            raise ValueError(f"times is {times!r}: a number of requests, or null for all of them")
        if operation not in (*OPERATIONS, None):
            raise ValueError(f"operation is {operation!r}: read, update, or null for both")
        self.gate.force(str(wanted["scenario"]), times=times, operation=operation)
        return 200, wanted

    def _delete_next(self, _: str, __: JSON) -> Reply:
        self.gate.release()
        return 200, {}

    def _put_allowed(self, _: str, names: JSON) -> Reply:
        names = _array(names, str, "PUT /control/allowed expects an array of names")
        if not self._allowed:
            self._allowed_from = self.gate.requests
        self._allowed += names
        self.gate.start_allowing(*names)
        return 200, self._allowed

    def _delete_allowed(self, _: str, __: JSON) -> Reply:
        names, self._allowed = self._allowed, []
        self.gate.stop_allowing()
        try:
            self.gate.require_sent(names, after=self._allowed_from)
        except NotSentError as error:
            return 409, {"error": str(error)}
        return 200, []

    def _get_requests(self, _: str, __: JSON) -> Reply:
        return 200, [_shown(judged) for judged in list(self.gate.sent)]

    def _get_judgement(self, _: str, __: JSON) -> Reply:
        violations = self.gate.failures()
        judgement: JSON = {
            "verdict": "failed" if violations else "passed",
            "requests": self.gate.requests,
            "violations": violations,
            "coverage": self.coverage.of(self.gate).described(),
        }
        return 409 if violations else 200, judgement

    def _post_reset(self, _: str, __: JSON) -> Reply:
        # What was covered and what failed still counts at the end of `serve -- COMMAND`.
        self.coverage = self.coverage.of(self.gate)
        self._failures, self._requests = self.failures(), self.requests
        self.gate.reset()
        self._allowed.clear()
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
