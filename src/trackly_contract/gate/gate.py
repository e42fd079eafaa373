"""A mock API for one test of a client: judges every request, and responds as the reference server or as it is forced.

Does not listen anywhere: httpx_routes.py and http.py bring requests to it.
"""

import re
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

from trackly_contract import reference
from trackly_contract.contract import as_answered
from trackly_contract.core import DEFAULT_BASE_URL, JSON, Request, Response, encode, parse
from trackly_contract.gate.scenarios import Connection, Operation, Scenario, every_scenario, scenarios_named
from trackly_contract.judge import OPERATIONS, RequestFault, fails, judge_request, request_text
from trackly_contract.reference import Audience, Choices

MOST_KEPT = 10_000  # requests: the last, and in `failed` the first of those that fail a test
_PATH = re.compile(r"/v2/audiences/([^/]+)(/size)?")


class NotSentError(AssertionError):
    """A test allowed a violation, and its client never sent it."""


@dataclass(frozen=True, slots=True)
class JudgedRequest:
    """One request of a client, what is wrong with it, and the response to it.

    `operation` is `read`, `update` or `size`, "" for any other request. `allowed` are the violations that the test
    allowed. `scenario` is the forced one that was given, None for the reference server's own response. `before` and
    `after` are the audience that the path names.
    """

    number: int
    request: Request
    query: str = field(repr=False)  # some clients put a key into it
    operation: str
    violations: list[RequestFault]
    allowed: list[RequestFault]
    response: Response | None
    scenario: Scenario | None
    before: Audience | None
    after: Audience | None

    @property
    def connection(self) -> Connection:
        """What happened to the connection."""
        return self.scenario.connection if self.scenario is not None else Connection.WHOLE

    @property
    def failures(self) -> list[RequestFault]:
        """The violations that fail a test."""
        return [violation for violation in fails(self.violations) if violation not in self.allowed]

    @property
    def response_name(self) -> str:
        """The name of the scenario that was given, forced or not; "" for a response that is none."""
        if self.scenario is not None:
            return self.scenario.name
        assert self.response is not None
        name = f"{self.operation}-{self.response.status}-{self.response.code or 'as-documented'}"
        return name if name in every_scenario() else ""


class Gate:
    """A mock API that a test arranges and inspects.

    `always_allowed` are names of violations that fail no test. `base_url` is where a client reaches it, `transport` an
    httpx transport that does so. `audience_id` is an audience that exists from the beginning, `api_key` a key that is
    accepted and belongs to nobody. `sent` are the requests, `failed` those that fail a test.
    """

    def __init__(self, always_allowed: Iterable[str] = ()) -> None:
        self.always_allowed = frozenset(always_allowed)
        self.base_url = DEFAULT_BASE_URL
        self.transport: Any = None
        self.audience_id, self.api_key = reference.AUDIENCE_ID, reference.REFERENCE_KEY
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Start again: the documented audience, nothing forced, allowed or sent."""
        with self._lock:
            self.server = reference.ReferenceServer()
            self.requests = 0
            self.sent: deque[JudgedRequest] = deque(maxlen=MOST_KEPT)
            self.failed: list[JudgedRequest] = []
            self._first: dict[str, Audience] | None = None  # audiences before the first request
            self._forced: dict[str, Iterator[Scenario]] = {}  # by operation
            self._allowed: list[frozenset[str] | None] = []  # names of violations, None for any
            self._allowed_sent: dict[str, int] = {}  # by name the last request with a violation that was allowed

    def __repr__(self) -> str:
        return f"<gate at {self.base_url}, {self.requests} requests>"  # short: tracebacks of pytest show it

    def arrange(self, audience_id: str = reference.AUDIENCE_ID, **fields: JSON) -> Audience:
        """Change an audience, or make one like the documented one, and return it.

        `fields` are any of the nine fields of an audience; a filter may be written as in requests or as in responses.
        Raises ValueError for a field that no audience has.
        """
        unknown = sorted(set(fields) - set(reference.AUDIENCE_KEYS))
        if unknown:
            raise ValueError(f"an audience has no {unknown[0]!r}; it has {', '.join(reference.AUDIENCE_KEYS)}")
        with self._lock:
            audiences = self.server.store.audiences
            before = audiences.get(audience_id) or reference.documented_audience()
            filtered = {"filter": as_answered(fields["filter"])} if "filter" in fields else {}
            audiences[audience_id] = {**before, **fields, **filtered, "id": audience_id}
            return dict(audiences[audience_id])

    def remove(self, audience_id: str = reference.AUDIENCE_ID) -> None:
        """Remove an audience: from then on its id is unknown."""
        with self._lock:
            self.server.store.audiences.pop(audience_id, None)

    def choose(self, **choices: Any) -> Choices:
        """Change what the reference server does where the documentation is silent; return all choices as they are.

        `choices` are fields of reference.Choices. Raises ValueError for an unknown one, or one of another type.
        """
        now = self.server.choices
        for name, value in choices.items():
            if name not in now.__dataclass_fields__:
                raise ValueError(f"there is no choice {name!r}; there are {', '.join(now.__dataclass_fields__)}")
            default = getattr(reference.DEFAULT_CHOICES, name)
            if type(value) is not type(default) and not (default is None and isinstance(value, str)):
                raise ValueError(f"the choice {name} is like {default!r}, and not {value!r}")
        with self._lock:
            self.server.choices = replace(now, **choices)
        return self.server.choices

    @property
    def lists(self) -> set[int]:
        """The ids of the sending lists that exist; a test may change the set."""
        return self.server.store.lists

    @property
    def keys(self) -> set[str]:
        """The API keys that are accepted; a test may change the set."""
        return self.server.store.keys

    def force(self, name: str | Scenario, *, times: int | None = 1, operation: Operation | None = None) -> None:
        """Force a scenario upon the next `times` requests of its operation; None: upon each until `release`.

        `name` is one that scenarios_named knows; if both operations have it, it is forced upon each. Raises LookupError
        for an unknown name, ValueError for `times` below 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times={times}: a scenario is forced at least once; None forces it until release()")
        scenarios = [name] if isinstance(name, Scenario) else scenarios_named(name, operation)
        with self._lock:
            for each in scenarios:
                self._forced[each.operation] = repeat(each) if times is None else repeat(each, times)

    def release(self) -> None:
        """Force nothing any more."""
        with self._lock:
            self._forced.clear()

    @contextmanager
    def allow(self, *names: str) -> Iterator[None]:
        """Allow violations in the requests inside; without names, any.

        Names are ids of rules (`filter.time.unit`) and of questions (`camel-case`, `token-unlisted:between`).
        Raises NotSentError at the end for a name that no request inside violated.
        """
        number = self.requests
        self.start_allowing(*names)
        try:
            yield
        finally:
            with suppress(ValueError):  # the test may have called stop_allowing or reset since
                self._allowed.remove(frozenset(names) or None)
        self.require_sent(names, after=number)

    def start_allowing(self, *names: str) -> None:
        """Allow violations from now on, as `allow` does inside."""
        self._allowed.append(frozenset(names) or None)

    def stop_allowing(self) -> None:
        """Allow no violation any more, except those of `always_allowed`."""
        self._allowed.clear()

    def require_sent(self, names: Collection[str], after: int = 0) -> None:
        """Raise NotSentError unless requests after that number had all these violations, and they were allowed."""
        with self._lock:
            seen = {name for name, number in self._allowed_sent.items() if number > after}
        missing = sorted(set(names) - seen)
        if missing:
            others = f"; what was allowed and sent: {', '.join(sorted(seen))}" if seen else ""
            raise NotSentError(f"allowed, but never sent: {', '.join(missing)}{others}")

    def audience(self, audience_id: str = reference.AUDIENCE_ID) -> Audience:
        """Return an audience as it is now. Raises LookupError where there is none."""
        found = self.server.store.audiences.get(audience_id)
        if found is None:
            raise LookupError(f"there is no audience {audience_id!r}; arrange({audience_id!r}) makes one")
        return dict(found)

    @property
    def before(self) -> Audience:
        """The audience as it was before the first request. Raises LookupError where there was none."""
        found = (self.server.store.audiences if self._first is None else self._first).get(self.audience_id)
        if found is None:
            raise LookupError(f"before the first request there was no audience {self.audience_id!r}")
        return dict(found)

    @property
    def after(self) -> Audience:
        """The audience as it is now."""
        return self.audience(self.audience_id)

    @property
    def last(self) -> JudgedRequest:
        """The last request. Raises LookupError where none was sent."""
        if not self.sent:
            raise LookupError("no request was sent yet")
        return self.sent[-1]

    def body(self, number: int = -1) -> JSON:
        """Return the JSON that a request carried, by its index in `sent`. Raises NotJSONError where it is none."""
        return parse(self.sent[number].request.body, duplicate_keys=True)

    def failures(self, after: int = 0) -> list[str]:
        """Return the texts of the violations that fail a test, of requests after that number; equal ones once."""
        late = [judged for judged in list(self.failed) if judged.number > after]
        return list(dict.fromkeys(request_text(each, judged.request) for judged in late for each in judged.failures))

    def respond(self, request: Request, query: str = "") -> JudgedRequest:
        """Judge a request and respond to it. Raises nothing; the result says what is given over which connection."""
        with self._lock:
            store = self.server.store
            self.requests += 1
            if self._first is None:
                self._first = dict(store.audiences)
            found = _PATH.fullmatch(request.path)
            audience_id = found[1] if found else ""
            operation = OPERATIONS.get((request.method, found[2] or ""), "") if found else ""
            violations = judge_request(request, query=query, keys=store.keys, lists=store.lists, ids=store.audiences)
            sets = (self.always_allowed, *self._allowed)
            allowed = [each for each in violations if any(names is None or names & each.names for names in sets)]
            scenario = next(self._forced.get(operation, iter(())), None)
            if scenario is not None and scenario.success and audience_id in store.audiences:
                store.audiences[audience_id] = store.audiences[audience_id] | scenario.fields
            before = store.audiences.get(audience_id)
            response, scenario = self._given(request, scenario)
            after = store.audiences.get(audience_id)
            judged = JudgedRequest(
                self.requests, request, query, operation, violations, allowed, response, scenario, before, after
            )
            self.sent.append(judged)
            if judged.failures and len(self.failed) < MOST_KEPT:
                self.failed.append(judged)
            self._allowed_sent |= {name: judged.number for each in allowed for name in each.names}
            return judged

    def _given(self, request: Request, scenario: Scenario | None) -> tuple[Response | None, Scenario | None]:
        """Return the response to a request, and the forced scenario if that is what the response shows."""
        if scenario is not None and not scenario.success:
            return self._failing(request, scenario), scenario
        response = self.server.answer(request)
        if scenario is None or not response.succeeded:
            return response, None
        audience = parse(response.body)
        if any(audience[name] != value for name, value in scenario.fields.items()):
            return response, None  # the update itself set another value
        return replace(response, status=scenario.status, body=encode(scenario.shown(audience))), scenario

    def _failing(self, request: Request, scenario: Scenario) -> Response | None:
        if scenario.connection is Connection.TRUNCATED:
            return self.server.answer(request)
        if scenario.connection is not Connection.WHOLE:
            return None
        if scenario.body is not None:
            stamp = self.server.respond(scenario.status, None).headers[1:]
            return Response(scenario.status, (*scenario.headers.items(), *stamp), scenario.body.encode())
        error = self.server.error(scenario.status, scenario.code, f"{scenario.code}: forced by the test")
        return replace(error, body=encode(scenario.shown(parse(error.body))))
