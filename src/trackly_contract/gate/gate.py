"""A mock API for one test of a client: judges every request, and responds as the reference server or as it is forced.

Does not listen anywhere: httpx_routes.py and http.py bring requests to it.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import repeat
from typing import Any

import msgspec

from trackly_contract import __version__, reference
from trackly_contract.contract import as_answered
from trackly_contract.core import (
    DEFAULT_BASE_URL,
    JSON,
    STAMP,
    Request,
    Response,
    encode,
    one_line,
    parse,
    redacted,
    redacted_message,
    secrets_in,
)
from trackly_contract.gate.scenarios import Connection, Operation, Scenario, every_scenario, scenarios_named
from trackly_contract.judge import RequestFault, fails, judge_request, operation_of, request_text
from trackly_contract.reference import Audience, Choices

MOST_KEPT = 10_000  # requests, the last; violations that fail a test, the first
MOST_SHOWN = 10  # violations; a gate knows them all

Violations = dict[str, str]  # their texts, each with the name to allow it by
Allowance = tuple[int, tuple[str, ...]]  # after which request a test allows violations, and their names: none, any


class NotSentError(AssertionError):
    """A test allowed a violation, and its client never sent it."""


@dataclass(frozen=True, slots=True)
class JudgedRequest:
    """One request of a client, what is wrong with it, and the response to it."""

    number: int
    request: Request
    operation: str  # read, update or size; "" for any other request
    violations: list[RequestFault]
    allowed: list[RequestFault]  # those of the violations that the test allowed
    response: Response | None
    scenario: Scenario | None  # the forced one that was given, None for the reference server's own response
    before: Audience | None  # that the path names
    after: Audience | None

    @property
    def connection(self) -> Connection:
        """What happened to the connection."""
        return self.scenario.connection if self.scenario is not None else "whole"

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


def shown(violations: Violations, allowing: str, between: str) -> str:
    """Return the first violations for people; `allowing` says how to allow names with `between` between them."""
    if not violations:
        return ""
    more = [f"  and {len(violations) - MOST_SHOWN} more"] if len(violations) > MOST_SHOWN else []
    names = between.join([one_line(name) for name in dict.fromkeys(violations.values())][:MOST_SHOWN])
    allow = f"If this is intended, allow it: {allowing.format(names)}"
    return "\n\n".join([*[*violations][:MOST_SHOWN], *more, allow])


class Gate:
    """A mock API that a test arranges and inspects; `always_allowed` are names of violations that fail no test."""

    def __init__(self, always_allowed: Iterable[str] = ()) -> None:
        self.always_allowed = frozenset(always_allowed)
        self.base_url = DEFAULT_BASE_URL  # where a client reaches it
        self.transport: Any = None  # an httpx transport that reaches it
        self.hosts: set[str] = set()  # names, beside those of loopback, by which clients reach it over HTTP
        self.audience_id, self.api_key = reference.AUDIENCE_ID, reference.REFERENCE_KEY  # that exist from the beginning
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Start again: the documented audience, nothing forced, allowed or sent."""
        with self._lock:
            self.server = reference.ReferenceServer()
            self.requests = 0
            self.sent: deque[JudgedRequest] = deque(maxlen=MOST_KEPT)
            self.failures: Violations = {}  # those that fail a test
            self.unjudged: Counter[str] = Counter()  # requests that were not taken for the client's, by the reason
            self._first: dict[str, Audience] = {}  # audiences before the first request
            self._forced: dict[str, Iterator[Scenario]] = {}  # by operation
            self.escaped: list[str] = []  # what to do about each request that went past `transport`
            self.allowances: list[Allowance] = []
            self._allowed_sent: dict[str, int] = {}  # by name the last request with a violation that was allowed

    def __repr__(self) -> str:
        return f"<gate at {self.base_url}, {self.requests} requests>"  # short: tracebacks of pytest show it

    def arrange(self, audience_id: str = reference.AUDIENCE_ID, **fields: JSON) -> Audience:
        """Change an audience, or make one like the documented one, and return it.

        A filter may be written as in requests or as in responses. Raises ValueError for a field that no audience has.
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
        self.server.store.audiences.pop(audience_id, None)

    def choose(self, **choices: Any) -> Choices:
        """Change what the reference server does where the documentation is silent; return all choices as they are.

        Raises ValueError for an unknown choice, or one of another type.
        """
        now = asdict(self.server.choices)
        unknown = sorted(set(choices) - set(now))
        if unknown:
            raise ValueError(f"there is no choice {unknown[0]!r}; there are {', '.join(now)}")
        self.server.choices = msgspec.convert(now | choices, Choices)
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

        A name that both operations have is forced upon each. Raises LookupError for an unknown one, ValueError for
        `times` below 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times={times}: a scenario is forced at least once; None forces it until release()")
        scenarios = [name] if isinstance(name, Scenario) else scenarios_named(name, operation)
        for each in scenarios:
            self._forced[each.operation] = repeat(each) if times is None else repeat(each, times)

    def release(self) -> None:
        """Force nothing any more."""
        self._forced.clear()

    @contextmanager
    def allow(self, *names: str) -> Iterator[None]:
        """Allow violations in the requests inside; without names, any.

        Names are ids of rules (`filter.time.unit`) and of questions (`camel-case`, `token-unlisted:between`).
        Raises NotSentError at the end for a name that no request inside violated.
        """
        allowance = self.start_allowing(*names)
        try:
            yield
        finally:
            with suppress(ValueError):  # the test may have called reset since
                self.allowances.remove(allowance)
        self.require_sent([allowance])

    def start_allowing(self, *names: str) -> Allowance:
        """Allow violations from now on, as `allow` does inside."""
        self.allowances.append((self.requests, names))
        return self.allowances[-1]

    def require_sent(self, allowances: list[Allowance]) -> None:
        """Raise NotSentError unless requests after the first of these allowances had all their violations."""
        after = min((number for number, _ in allowances), default=0)
        seen = {name for name, number in list(self._allowed_sent.items()) if number > after}
        missing = sorted({name for _, names in allowances for name in names} - seen)
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
        """The audience as it was before the first request. Raises KeyError where there was none."""
        return dict((self._first if self.requests else self.server.store.audiences)[self.audience_id])

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

    def respond(self, request: Request, query: str = "") -> JudgedRequest:
        """Judge a request and respond to it. Raises nothing; the result says what is given over which connection.

        A key that stands elsewhere than in a header is taken out of the request first.
        """
        keys = secrets_in(request.headers)
        request, query = redacted_message(request, *keys), redacted(query, *keys)
        with self._lock:
            store = self.server.store
            if not self.requests:
                self._first = dict(store.audiences)
            self.requests += 1
            operation, audience_id = operation_of(request)
            violations = judge_request(request, query=query, keys=store.keys, lists=store.lists, ids=store.audiences)
            names = self.always_allowed.union(*(names for _, names in self.allowances))
            any_name = any(not names for _, names in self.allowances)
            allowed = [violation for violation in violations if any_name or names & violation.names]
            scenario = next(self._forced.get(operation, iter(())), None)
            if scenario is not None and scenario.success and audience_id in store.audiences:
                store.audiences[audience_id] = store.audiences[audience_id] | deepcopy(scenario.audience)
            before = store.audiences.get(audience_id)
            response, scenario = self._given(request, scenario)
            after = store.audiences.get(audience_id)
            judged = JudgedRequest(
                self.requests, request, operation, violations, allowed, response, scenario, before, after
            )
            self.sent.append(judged)
            for violation in judged.failures if len(self.failures) < MOST_KEPT else []:
                self.failures[request_text(violation, request)] = max(violation.names, key=len)
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
        if any(audience[name] != value for name, value in scenario.audience.items()):
            return response, None  # the update itself set another value
        return self.server.respond(scenario.status, scenario.shown(audience)), scenario

    def _failing(self, request: Request, scenario: Scenario) -> Response | None:
        if scenario.connection == "truncated":
            return self.server.answer(request)
        if scenario.connection != "whole":
            return None
        if scenario.body is None:
            error = {"error": f"{scenario.code}: forced by the test", "code": scenario.code}
            return self.server.respond(scenario.status, scenario.shown(error))
        body = scenario.body.encode() if isinstance(scenario.body, str) else encode(scenario.body)
        return Response(scenario.status, (*scenario.headers.items(), (STAMP, __version__)), body)
