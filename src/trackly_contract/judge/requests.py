"""Judges one request of a client by itself: what the API would refuse of it, and what no page knows.

Promises: names each fault once, with its place, what stands there, and what to send instead; a fault that the
documentation refuses is named by its rule, anything else by the question that it touches.
Refuses: to judge answers (judge.py), and to call a fault what the documentation leaves open: that is told, and
worth no failure.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from trackly_contract.contract import KINDS, MOST_FAILURES, Failure, Schemas, code_of, contract, schemas, snake_case
from trackly_contract.core import JSON, NotJSONError, Request, parse, show

OPERATIONS = {("GET", ""): "read", ("PUT", ""): "update", ("GET", "/size"): "size"}
"""The operations that are judged, by method and what follows the id; `size` is a neighbour of the two pages."""

BODY_KEYS = ("name", "description", "source_lists", "filter")
GROUP_KEYS = ("operator", "conditions", "groups")
CONDITION_KEYS = ("condition_type", "field", "operator", "value", "unit")
READ_ONLY = frozenset({"id", "cached_size", "cached_size_updated_at", "created_at"})

BESIDE_THE_QUESTIONS = {
    "operation": "the operations judged here are GET and PUT /v2/audiences/{id}, and GET /v2/audiences/{id}/size",
    "query": "no page names a query parameter of these operations",
    "body-of-a-read": "no page names a body of a GET",
}
"""Faults that no rule and no question is about."""

_PATH = re.compile(r"/v2/audiences/([^/?#]+)(/size)?")
_ID = re.compile(r"[0-9a-f]{24}")
_TYPES = {
    "body-shape": (dict, "an object"),
    "name-shape": (str, "a string"),
    "description-shape": (str, "a string"),
    "token-shape": (str, "a string"),
}
"""What the pages say a member is: a value of another type is no open question of the client's."""

_NEEDED = frozenset({"operator-missing", "condition-type-missing", "token-missing"})
"""Members that the pages have in every group or condition; open is only which code their absence has."""


class Severity(StrEnum):
    """What a fault is worth: refused and undocumented ones fail a gate, open ones are told."""

    REFUSED = "refused"
    UNDOCUMENTED = "undocumented"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One thing that is wrong with a request, or that the documentation does not say.

    `name` is the id of the rule that refuses it, else of the question it touches (contracts/questions.toml) or a
    name of BESIDE_THE_QUESTIONS. `place` is a JSON Pointer into the body, or `header NAME`, `path`, `method`,
    `query`. `got` and `instead` are short texts for people. `status` and `code` are those of the refusal, None
    where no page says that it is refused. `word` is the token or key that no page states, "" for other faults.
    """

    name: str
    severity: Severity
    place: str
    got: str
    instead: str
    status: int | None = None
    code: str | None = None
    word: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What a test may call it when it says that it is meant: `token-unlisted`, or `token-unlisted:between`."""
        return frozenset({self.name, f"{self.name}:{self.word}"} if self.word else {self.name})


def fails(faults: Collection[RequestFault]) -> list[RequestFault]:
    """Return the faults that fail a gate: those which the documentation refuses or does not know."""
    return [fault for fault in faults if fault.severity is not Severity.OPEN]


def judge_request(
    request: Request,
    *,
    query: str = "",
    keys: Collection[str] | None = None,
    lists: Collection[int] | None = None,
    ids: Collection[str] | None = None,
) -> list[RequestFault]:
    """Return what is wrong with a request, the gravest first; nothing where it is as the documentation has it.

    `query` is what follows the `?`. `keys`, `lists` and `ids` are the API keys, sending lists and audiences that
    exist; with None (recorded traffic) nobody knows, and nothing is said of them.
    Sources: get-audience, update-audience: header, path, body and error tables.
    """
    found = dict.fromkeys(_found(request, query, keys, lists, ids))
    return sorted(found, key=lambda fault: list(Severity).index(fault.severity))


def _found(
    request: Request,
    query: str,
    keys: Collection[str] | None,
    lists: Collection[int] | None,
    ids: Collection[str] | None,
) -> Iterator[RequestFault]:
    path = _PATH.fullmatch(request.path)
    operation = OPERATIONS.get((request.method, path[2] or "")) if path is not None else None
    if path is None or operation is None:
        yield _unknown_operation(request, on_audience=path is not None)
        return
    rules = "update" if operation == "update" else "read"
    if query:
        # Names alone: the value of one may be a key.
        names = "&".join(f"{name}{equals}{value and '...'}" for name, equals, value in _parted(query))
        yield RequestFault("query", Severity.UNDOCUMENTED, "query", f"?{names}", "no query")
    yield from _key_faults(request, rules, keys)
    if ids is not None and path[1] not in ids:
        got, instead = show(path[1], 80), "the id of an audience that exists"
        yield RequestFault(f"{rules}.unknown_id", Severity.REFUSED, "path", got, instead, 404, "not_found")
    elif ids is None and not _ID.fullmatch(path[1]):
        yield RequestFault("id-form", Severity.OPEN, "path", show(path[1], 80), "24 digits 0-9a-f, as in every example")
    if operation == "update":
        yield from _update_faults(request, lists)
    elif request.body:
        yield RequestFault("body-of-a-read", Severity.UNDOCUMENTED, "body", _start(request.body), "no body")


def _parted(query: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in query.split("&")]


def _unknown_operation(request: Request, *, on_audience: bool) -> RequestFault:
    if on_audience:
        instead = "GET to read, PUT to change: PUT changes only the members that it sends"
        return RequestFault("method", Severity.UNDOCUMENTED, "method", request.method, instead)
    got = f"{request.method} {request.path}"
    return RequestFault("operation", Severity.UNDOCUMENTED, "path", got, "/v2/audiences/ID, without a slash at its end")


def _key_faults(request: Request, rules: str, keys: Collection[str] | None) -> Iterator[RequestFault]:
    key = request.header("X-Api-Key")
    got = ""
    if key is None:
        got = "no such header"
        if request.header("Authorization") is not None:
            got += ", but Authorization, which no page names"
    elif not key.strip():
        got = "an empty key"
    elif keys is not None and key not in keys:
        got = "a key that is not accepted"
    if got:
        place, instead = "header X-Api-Key", "the API key in X-Api-Key"
        yield RequestFault(f"{rules}.key", Severity.REFUSED, place, got, instead, 401, "unauthorized")


def _update_faults(request: Request, lists: Collection[int] | None) -> Iterator[RequestFault]:
    header = request.header("Content-Type")
    if header is None or header.partition(";")[0].strip().lower() != "application/json":
        got = "no such header" if header is None else show(header, 80)
        yield RequestFault("content-type", Severity.UNDOCUMENTED, "header Content-Type", got, "application/json")
    try:
        body = parse(request.body)
    except NotJSONError as error:
        try:
            parse(request.body, duplicate_keys=True)
        except NotJSONError:
            got = f"{_start(request.body)}: {error}" if request.body else "no body"
            yield RequestFault("body-shape", Severity.UNDOCUMENTED, "body", got, "a JSON object in UTF-8")
        else:
            yield RequestFault("json-dialect", Severity.UNDOCUMENTED, "body", str(error), "each key once in an object")
        return
    yield from body_faults(body, lists)


def body_faults(body: JSON, lists: Collection[int] | None = None) -> Iterator[RequestFault]:
    """Yield what is wrong with the body of an update; `lists` are the ids of the sending lists that exist.

    `body` is parsed JSON. Source: update-audience, Body Parameters and Error Codes.
    """
    decision = _documented().decide(body)
    questions, faults = decision.questions, decision.faults
    if len(questions) + len(faults) >= MOST_FAILURES or any(q.stands_for == "token-unlisted" for q in questions):
        # What a candidate needs is in the whole vocabulary alone; that it is one, in the documented part alone.
        faults = schemas().decide(body).faults
    for fault in faults:
        yield _refused(fault, body)
    sent = body.get("source_lists") if isinstance(body, dict) else None
    for index, entry in enumerate(sent if isinstance(sent, list) and lists is not None else ()):
        if type(entry) is int and entry not in (lists or ()):
            instead = "ids of sending lists that exist"
            code = "source_list_not_found"
            place = f"/source_lists/{index}"
            yield RequestFault("update.source_lists.unknown", Severity.REFUSED, place, show(entry), instead, 400, code)
    misspelt = {
        place
        for question in questions
        if question.stands_for == "unknown-key"
        for place, key, _ in _extra_keys(question.place, body)
        if snake_case(key) == "condition_type"
    }
    for question in questions:
        if question.stands_for == "unknown-key":
            for _, key, documented in _extra_keys(question.place, body):
                yield _unknown_key(f"{question.place}/{key}", key, documented)
        elif question.stands_for == "condition-type-missing" and question.place.rpartition("/")[0] in misspelt:
            pass  # conditionType is told already
        else:
            yield _open(question, body)


@cache
def _documented() -> Schemas:
    """Return the schemas with the tokens that a reference page states or shows, and no candidate."""
    return Schemas(contract().vocabulary.documented())


def _value(body: JSON, place: str) -> JSON:
    """Return what stands at a place of the body; the place itself as text where it cannot be followed."""
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and name.isdecimal() and int(name) < len(body):
            body = body[int(name)]
        elif isinstance(body, dict) and name in body:
            body = body[name]
        else:
            return _MISSING
    return body


_MISSING = object()
_KIND_OF_CODE = {code_of(kind): kind for kind in KINDS}


def _refused(fault: Failure, body: JSON) -> RequestFault:
    rule = next(rule for rule in contract().rules.values() if rule.code == fault.stands_for)
    value = _value(body, fault.place)
    got = "not sent" if value is _MISSING else show(value, 120)
    code = fault.stands_for
    if code in _KIND_OF_CODE:
        instead = _words(_KIND_OF_CODE[code])
    elif code == "name_too_long":
        got, instead = f"{len(value)} characters", "255 characters or fewer"
    elif code == "empty_filter_group":
        instead = "at least one condition or one nested group"
    else:
        instead = f"a condition with its {fault.place.rpartition('/')[2]}"
    return RequestFault(rule.id, Severity.REFUSED, fault.place, got, instead, rule.status, code)


def _words(kind: str) -> str:
    """Return the tokens of a kind that a reference page states or shows, as a text."""
    words = contract().vocabulary.documented().words(kind)
    what = kind.replace(".", " ").replace("_", " ")
    if not words:
        return f"what you know of the API: no page that could be read states a {what}"
    listed = ", ".join(words)
    return f"one of {listed}" if kind in contract().vocabulary.full else f"{listed} (what the pages state or show)"


def _hint(kind: str, word: JSON) -> str:
    """Return what the vocabulary says of a candidate, "" for a word that it does not know."""
    found = next((token for token in contract().vocabulary.of(kind) if token.token == word), None)
    return f"; {word} is a candidate of {found.page}{f', {found.note}' if found.note else ''}" if found else ""


def _kind_at(body: JSON, place: str) -> str:
    """Return the kind of the token at a place: `time.operator`, `group.operator`, `condition_type`."""
    holder, _, name = place.rpartition("/")
    if name == "condition_type":
        return name
    condition = _value(body, holder)
    kind = condition.get("condition_type") if isinstance(condition, dict) else None
    return f"{kind}.{name}" if isinstance(kind, str) else f"group.{name}"


def _open(question: Failure, body: JSON) -> RequestFault:
    """Return an open question as a fault: undocumented where the pages say what to send, else open."""
    name, place = question.stands_for, question.place
    value = _value(body, place)
    got = "not sent" if value is _MISSING else show(value, 120)
    if name in {"token-unlisted", "token-case"}:
        kind = _kind_at(body, place)
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, _words(kind) + _hint(kind, value), word=str(value))
    if name == "filter-shape":
        listed = place.endswith(("/conditions", "/groups"))
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, "an array" if listed else "an object")
    if name == "list-shape" and not (isinstance(value, list) if place == "/source_lists" else type(value) is int):
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, "an array of integers")
    if name in _TYPES and not isinstance(value, _TYPES[name][0]):
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, _TYPES[name][1])
    if name in _NEEDED:
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, f"with {place.rpartition('/')[2]}")
    return RequestFault(name, Severity.OPEN, place, got, contract().questions[name].asks)


def _extra_keys(place: str, body: JSON) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield `(place of the object, key, documented keys)` for each key of an object that no page names."""
    holder = _value(body, place)
    documented: tuple[str, ...] = GROUP_KEYS
    if not place:
        documented = BODY_KEYS
    elif place.rpartition("/")[0].endswith("/conditions"):
        documented = CONDITION_KEYS
    for key in holder if isinstance(holder, dict) else ():
        if key not in documented:
            yield place, key, documented


def _unknown_key(place: str, key: str, documented: tuple[str, ...]) -> RequestFault:
    got, snake = show(key, 120), snake_case(key)
    if snake != key and snake in documented:
        return RequestFault("camel-case", Severity.UNDOCUMENTED, place, got, snake, word=key)
    instead = f"one of {', '.join(documented)}"
    if documented is BODY_KEYS and (key in READ_ONLY or key == "status"):
        name = "status-change" if key == "status" else "read-only-member"
        return RequestFault(name, Severity.UNDOCUMENTED, place, got, instead, word=key)
    return RequestFault("unknown-key", Severity.UNDOCUMENTED, place, got, instead, word=key)


def _start(body: bytes) -> str:
    return repr(body[:60])[1:] + ("..." if len(body) > 60 else "")
