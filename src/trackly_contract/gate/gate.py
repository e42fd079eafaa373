"""The gate: a stand-in API for one test of a client, which judges what it is sent and answers what it is told to.

Promises: answers as the reference server does, but for the answers that a test forces; every request is kept with its
faults, its answer, and the audience before and after it; a fault fails unless the test said that it is meant.
Refuses: to be reached (gate_httpx.py, gate_server.py do that), and to be the API: every answer carries the stamp.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import as_answered
from trackly_contract.core import DEFAULT_BASE_URL, JSON, NotJSONError, Request, Response, encode, parse
from trackly_contract.gate.scenarios import Answer, Connection, Operation, named, possible_answers
from trackly_contract.judge import OPERATIONS, RequestFault, fails, judge_request, request_text
from trackly_contract.reference import (
    AUDIENCE_ID,
    AUDIENCE_KEYS,
    DEFAULT_CHOICES,
    REFERENCE_KEY,
    Audience,
    Choices,
    ReferenceServer,
    documented_audience,
    documented_store,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MOST_KEPT = 10_000
"""Requests that a gate keeps; of more, the last. Of those at fault, the first besides: none goes unseen."""


class NotSentError(AssertionError):
    """A test said that a fault is meant, and its client never sent it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a client and what became of it.

    `response` is None where none was given; `answer` is the forced answer that was given, None for an honest one;
    `meant` are the faults that the test said are meant. `before` and `after` are the audience that the path names,
    None where there is none.
    """

    number: int
    request: Request
    query: str = field(repr=False)  # some clients put a key into it
    faults: tuple[RequestFault, ...]
    meant: tuple[RequestFault, ...]
    response: Response | None
    answer: Answer | None
    connection: Connection
    before: Audience | None
    after: Audience | None

    @property
    def failures(self) -> list[RequestFault]:
        """The faults that fail a test."""
        return [fault for fault in fails(self.faults) if fault not in self.meant]

    @property
    def operation(self) -> str:
        """`read`, `update` or `size`; "" for any other request."""
        return operation_of(self.request)


@dataclass
class _Forced:
    answer: Answer
    times: int | None


@dataclass(repr=False)
class Gate:
    """A stand-in API, arranged by a test and inspected by it.

    `base_url` is where a client reaches it; `meant_always` are names of faults that fail no test of the project.
    """

    base_url: str = DEFAULT_BASE_URL
    meant_always: frozenset[str] = frozenset()
    server: ReferenceServer = field(default_factory=lambda: ReferenceServer(documented_store()))
    sent: deque[Sent] = field(init=False, default_factory=lambda: deque(maxlen=MOST_KEPT))
    at_fault: list[Sent] = field(init=False, default_factory=list)
    """Requests with a fault that fails a test; of more than `sent` keeps, the first."""

    requests: int = field(init=False, default=0)
    transport: Any = field(init=False, default=None)
    """With trackly_api: an httpx transport that reaches the gate, for clients that bring one of their own."""

    _forced: dict[Operation, _Forced] = field(init=False, default_factory=dict)
    _meant: list[frozenset[str]] = field(init=False, default_factory=list)
    _bore: dict[str, int] = field(init=False, default_factory=dict)
    """Names of faults that were meant, with the number of the last request that bore each."""
    _first: dict[str, Audience] | None = field(init=False, default=None)
    _lock: threading.RLock = field(init=False, default_factory=threading.RLock)

    audience_id: str = field(init=False, default=AUDIENCE_ID)
    """The id of the audience that is there from the beginning."""

    api_key: str = field(init=False, default=REFERENCE_KEY)
    """A key that is accepted; it is nobody's."""

    def __repr__(self) -> str:
        # pytest shows it in each traceback of a test that was given it.
        return f"<gate at {self.base_url}, {self.requests} requests>"

    # Arranging ---------------------------------------------------------------------------------------

    def arrange(self, audience_id: str = AUDIENCE_ID, **members: JSON) -> Audience:
        """Change an audience, or make one like the documented one, and return it.

        `members` are any of the nine members of an audience; a filter may be written as requests or as answers have
        it. Raises ValueError for a member that no audience has.
        """
        unknown = sorted(set(members) - set(AUDIENCE_KEYS))
        if unknown:
            raise ValueError(f"an audience has no {unknown[0]!r}; it has {', '.join(AUDIENCE_KEYS)}")
        with self._lock:
            store = self.server.store
            before = store.audiences.get(audience_id) or documented_audience()
            filtered = {"filter": as_answered(members["filter"])} if "filter" in members else {}
            store.audiences[audience_id] = {**before, **members, **filtered, "id": audience_id}
            return dict(store.audiences[audience_id])

    def remove(self, audience_id: str = AUDIENCE_ID) -> None:
        """Remove an audience: from then on its id is unknown."""
        with self._lock:
            self.server.store.audiences.pop(audience_id, None)

    def choose(self, **choices: Any) -> Choices:
        """Have what the documentation leaves open answered otherwise, from now on; return all choices as they are.

        `choices` are fields of reference_choices.Choices. Raises ValueError for one that is none, or of another type.
        """
        now = self.server.choices
        for name, value in choices.items():
            if name not in now.__dataclass_fields__:
                raise ValueError(f"there is no choice {name!r}; there are {', '.join(now.__dataclass_fields__)}")
            default = getattr(DEFAULT_CHOICES, name)
            if type(value) is not type(default) and not (default is None and isinstance(value, str)):
                raise ValueError(f"the choice {name} is like {default!r}, and not {value!r}")
        with self._lock:
            self.server.choices = replace(now, **choices)
        return self.server.choices

    @property
    def lists(self) -> set[int]:
        """The ids of the sending lists that exist; change it at will."""
        return self.server.store.lists

    @property
    def keys(self) -> set[str]:
        """The API keys that are accepted; change it at will."""
        return self.server.store.keys

    def force(self, name: str | Answer, *, times: int | None = 1, operation: Operation | None = None) -> None:
        """Have the next `times` requests answered so; None: every one until `release`.

        `name` is one of possible_answers.named: `invalid_time_unit`, `null-cache`, `429`, `timeout`; of a name that
        both operations have, each operation answers so until it did `times` times. Raises LookupError for a name that
        there is not, ValueError for `times` below 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times={times}: an answer is forced once at least; None forces it until release()")
        answers = [name] if isinstance(name, Answer) else named(name, operation)
        with self._lock:
            for answer in answers:
                self._forced[answer.operation] = _Forced(answer, times)

    def release(self) -> None:
        """Answer honestly again."""
        with self._lock:
            self._forced.clear()

    @contextmanager
    def meant(self, *names: str) -> Iterator[None]:
        """Let faults pass that requests inside have on purpose; without names, any.

        Names are ids of rules (`filter.time.unit`) and of questions (`camel-case`, `token-unlisted:between`).
        Raises NotSentError at the end for a name that no request inside bore.
        """
        number, here = self.requests, frozenset(names) or _ANY
        self._meant.append(here)
        try:
            yield
        finally:
            if here in self._meant:  # the test may have called mean, mean_nothing or reset since
                self._meant.remove(here)
        self.sent_all(names, after=number)

    def mean(self, *names: str) -> None:
        """As `meant`, from now on."""
        self._meant.append(frozenset(names) or _ANY)

    def mean_nothing(self) -> None:
        """Let no fault pass any more, but for those of `meant_always`."""
        self._meant.clear()

    def reset(self) -> None:
        """Begin anew: the documented audience, nothing forced, meant or sent."""
        with self._lock:
            self.server = ReferenceServer(documented_store())
            self.release()
            self.mean_nothing()
            self.sent.clear()
            self.at_fault.clear()
            self._bore.clear()
            self.requests, self._first = 0, None

    def sent_all(self, names: Collection[str], after: int = 0) -> None:
        """Raise NotSentError unless requests after that number bore all these faults."""
        with self._lock:
            seen = {name for name, number in self._bore.items() if number > after}
        missing = sorted(set(names) - seen)
        if missing:
            told = f"; it bore {', '.join(sorted(seen))}" if seen else ""
            raise NotSentError(f"meant, and never sent: {', '.join(missing)}{told}")

    # Inspecting --------------------------------------------------------------------------------------

    def audience(self, audience_id: str = AUDIENCE_ID) -> Audience:
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
    def last(self) -> Sent:
        """The last request. Raises LookupError where none was sent."""
        if not self.sent:
            raise LookupError("no request was sent yet")
        return self.sent[-1]

    def body(self, number: int = -1) -> JSON:
        """Return the JSON that a request carried, by its place in `sent`. Raises NotJSONError where it is none."""
        return parse(self.sent[number].request.body, duplicate_keys=True)

    def failures(self, after: int = 0) -> list[str]:
        """Return the texts of the faults that fail a test, of requests after that number; equal ones once."""
        texts = [
            request_text(fault, sent.request)
            for sent in list(self.at_fault)
            if sent.number > after
            for fault in sent.failures
        ]
        return list(dict.fromkeys(texts))

    # Answering ---------------------------------------------------------------------------------------

    def answer(self, request: Request, query: str = "") -> Sent:
        """Answer a request; raises nothing. What is given, and over what connection, is in the result."""
        with self._lock:
            store = self.server.store
            self.requests += 1
            if self._first is None:
                self._first = dict(store.audiences)
            identifier = self.server.operations(request.path)[0]
            faults = judge_request(request, query=query, keys=store.keys, lists=store.lists, ids=store.audiences)
            answer = self._due(request)
            if answer is not None and answer.success and identifier in store.audiences:
                store.audiences[identifier] = store.audiences[identifier] | answer.arranged()
            before = store.audiences.get(identifier)
            response, answer = self._answered(request, answer)
            sent = Sent(
                self.requests,
                request,
                query,
                tuple(faults),
                tuple(fault for fault in faults if self._is_meant(fault)),
                response,
                answer,
                answer.connection if answer is not None else Connection.WHOLE,
                before,
                store.audiences.get(identifier),
            )
            self.sent.append(sent)
            if sent.failures and len(self.at_fault) < MOST_KEPT:
                self.at_fault.append(sent)
            self._bore |= {name: sent.number for fault in sent.meant for name in fault.names}
            return sent

    def _is_meant(self, fault: RequestFault) -> bool:
        return any(names is _ANY or names & fault.names for names in (self.meant_always, *self._meant))

    def _due(self, request: Request) -> Answer | None:
        """Return the answer that is forced upon this request, and count it."""
        operation = operation_of(request)
        forced = self._forced.get(operation) if operation in ("read", "update") else None  # type: ignore[call-overload]
        if forced is None:
            return None
        if forced.times is not None:
            forced.times -= 1
            if forced.times == 0:
                del self._forced[forced.answer.operation]
        answer: Answer = forced.answer
        return answer

    def _answered(self, request: Request, answer: Answer | None) -> tuple[Response | None, Answer | None]:
        """Return the response to a request, and the forced answer if it is the one that was given."""
        if answer is None or answer.success:
            return self._honest(request, answer)
        if answer.connection is Connection.TRUNCATED:
            return self.server.answer(request), answer
        if answer.connection is not Connection.WHOLE:
            return None, answer
        if answer.body is not None:
            stamp = self.server.respond(answer.status, None).headers[1:]
            return Response(answer.status, (*answer.headers, *stamp), answer.body), answer
        refusal = self.server.error(answer.status, answer.code, f"{answer.code}: forced by the test")
        if answer.more:
            refusal = replace(refusal, body=encode(parse(refusal.body) | dict(answer.more)))
        return refusal, answer

    def _honest(self, request: Request, answer: Answer | None) -> tuple[Response, Answer | None]:
        """Answer as the reference server does, a success in the forced shape."""
        response = self.server.answer(request)
        if answer is None or not response.succeeded:
            return response, None
        audience: dict[str, Any] = parse(response.body)
        arranged = answer.arranged()
        if any(audience[name] != value for name, value in arranged.items()):
            return response, None  # the update itself said otherwise
        return replace(response, status=answer.status, body=encode(answer.shaped(audience))), answer


_ANY = frozenset({"*"})


def operation_of(request: Request) -> str:
    """Return `read`, `update` or `size`; "" for any other request."""
    head, _, identifier = request.path.removesuffix("/size").rpartition("/")
    suffix = "/size" if request.path.endswith("/size") else ""
    if head != "/v2/audiences" or not identifier:
        return ""
    return OPERATIONS.get((request.method, suffix), "")


def met(sent: Sent) -> str:
    """Return the name of the possible answer that a request met, forced or not; "" for none of them."""
    if sent.answer is not None:
        return sent.answer.name
    if sent.response is None or sent.operation not in ("read", "update"):
        return ""
    if sent.response.succeeded:
        return f"{sent.operation}-200-as-documented"
    try:
        code = parse(sent.response.body).get("code")
    except NotJSONError:
        return ""
    name = f"{sent.operation}-{sent.response.status}-{code}"
    return name if name in possible_answers() else ""
