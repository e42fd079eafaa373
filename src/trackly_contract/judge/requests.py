"""Judges one request of a client by itself: what the API rejects of it, and what no page knows."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from trackly_contract.contract import (
    KINDS,
    MOST_FAILURES,
    UPDATE_FIELDS,
    Failure,
    Schemas,
    code_of,
    contract,
    schemas,
    snake_case,
)
from trackly_contract.core import ABSENT, JSON, Request, show, value_at
from trackly_contract.judge.findings import rule_of

OPERATIONS = {("GET", ""): "read", ("PUT", ""): "update", ("GET", "/size"): "size"}
"""The operations that are judged, by method and what follows the id; `size` is a neighbour of the two pages."""

GROUP_KEYS = ("operator", "conditions", "groups")
CONDITION_KEYS = ("condition_type", "field", "operator", "value", "unit")
OF_THE_RESPONSE = {
    "status": "status-change",
    **dict.fromkeys(("id", "cached_size", "cached_size_updated_at", "created_at"), "read-only-member"),
}
"""Questions about the fields of an audience that no update has."""

BESIDE_THE_QUESTIONS = {
    "operation": "the operations judged here are GET and PUT /v2/audiences/{id}, and GET /v2/audiences/{id}/size",
    "query": "no page names a query parameter of these operations",
    "body-of-a-read": "no page names a body of a GET",
}
"""Faults that no rule and no question is about."""

_PATH = re.compile(r"/v2/audiences/([^/?#]+)(/size)?")
_ID = re.compile(r"[0-9a-f]{24}")
_KIND_OF_CODE = {code_of(kind): kind for kind in KINDS}


class Severity(StrEnum):
    """What a fault is worth: refused and undocumented ones fail a gate, open ones are told. The gravest first."""

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


def _fault(name: str, place: str, got: str, instead: str, word: str = "") -> RequestFault:
    """Return a fault that a rule refuses, by its id, or else one that no page knows."""
    rule = contract().rules.get(name)
    if rule is not None:
        return RequestFault(name, Severity.REFUSED, place, got, instead, rule.status, rule.code)
    return RequestFault(name, Severity.UNDOCUMENTED, place, got, instead, word=word)


def operation_of(request: Request) -> tuple[str, str]:
    """Return the operation (read, update or size) and the id of its audience, "" for what is none of ours."""
    path = _PATH.fullmatch(request.path)
    return (OPERATIONS.get((request.method, path[2] or ""), ""), path[1]) if path else ("", "")


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
    operation, audience_id = operation_of(request)
    if not audience_id:
        got = f"{request.method} {request.path}"
        return [_fault("operation", "path", got, "/v2/audiences/ID, without a slash at its end")]
    if not operation:
        instead = "GET to read, PUT to change: PUT changes only the members that it sends"
        return [_fault("method", "method", request.method, instead)]
    rules = "update" if operation == "update" else "read"
    found: list[RequestFault] = []
    if query:
        # Names alone: the value of one may be a key.
        names = re.sub(r"=[^&]+", "=...", query)
        found.append(_fault("query", "query", f"?{names}", "no query"))
    trouble = _key_trouble(request, keys)
    if trouble:
        found.append(_fault(f"{rules}.key", "header X-Api-Key", trouble, "the API key in X-Api-Key"))
    shown = show(audience_id, 80)
    if ids is not None and audience_id not in ids:
        found.append(_fault(f"{rules}.unknown_id", "path", shown, "the id of an audience that exists"))
    elif ids is None and not _ID.fullmatch(audience_id):
        found.append(RequestFault("id-form", Severity.OPEN, "path", shown, "24 digits 0-9a-f, as in every example"))
    if operation == "update":
        found += _update_faults(request, lists)
    elif request.body:
        found.append(_fault("body-of-a-read", "body", show(request.body.decode("utf-8", "replace"), 60), "no body"))
    return sorted(dict.fromkeys(found), key=lambda fault: list(Severity).index(fault.severity))


def _key_trouble(request: Request, keys: Collection[str] | None) -> str:
    key = request.header("X-Api-Key")
    if key is None:
        return "no such header"
    if not key.strip():
        return "an empty key"
    return "a key that is not accepted" if keys is not None and key not in keys else ""


def _update_faults(request: Request, lists: Collection[int] | None) -> Iterator[RequestFault]:
    """Yield what is wrong with an update. Source: update-audience, Body Parameters and Error Codes."""
    header = request.header("Content-Type")
    if header is None or header.partition(";")[0].strip().lower() != "application/json":
        got = "no such header" if header is None else show(header, 80)
        yield _fault("content-type", "header Content-Type", got, "application/json")
    parsed = request.json
    if parsed.value is ABSENT:
        got = f"{show(request.body.decode('utf-8', 'replace'), 60)}: {parsed.error}" if request.body else "no body"
        yield _fault("body-shape", "body", got, "a JSON object in UTF-8")
    elif parsed.error:
        yield _fault("json-dialect", "body", parsed.error, "each key once in an object")
    else:
        yield from _body_faults(parsed.value, lists)


def _body_faults(body: JSON, lists: Collection[int] | None) -> Iterator[RequestFault]:
    decision = _documented().decide(body)
    questions, faults = decision.questions, decision.faults
    if len(questions) + len(faults) >= MOST_FAILURES or any(q.stands_for == "token-unlisted" for q in questions):
        # What a candidate needs is in the whole vocabulary alone; that it is one, in the documented part alone.
        faults = schemas().decide(body).faults
    for fault in faults:
        code, value = fault.stands_for, value_at(body, fault.place)
        got = f"{len(value)} characters" if code == "name_too_long" else show(value, 120)
        kind = _KIND_OF_CODE.get(code)
        instead = _words(kind) if kind else fault.wants or "at least one condition or one nested group"
        yield _fault(rule_of(code), fault.place, got, instead)
    sent = value_at(body, "/source_lists")
    for index, entry in enumerate(sent if isinstance(sent, list) else ()):
        if lists is not None and type(entry) is int and entry not in lists:
            place = f"/source_lists/{index}"
            yield _fault("update.source_lists.unknown", place, show(entry), "ids of sending lists that exist")
    for question in questions:
        name, place = question.stands_for, question.place
        if name == "unknown-key":
            yield from _unknown_keys(place, body)
        # A condition that has conditionType instead is said to have an unknown key.
        elif name != "condition-type-missing" or "condition_type" not in map(snake_case, _holder(place, body)):
            yield _open(question, body)


@cache
def _documented() -> Schemas:
    """Return the schemas with the tokens that a reference page states or shows, and no candidate."""
    return Schemas(contract().vocabulary.documented())


def _words(kind: str) -> str:
    """Return the tokens of a kind that a reference page states or shows, as a text."""
    listed = ", ".join(contract().vocabulary.documented().words(kind)) or "no token is known"
    return f"one of {listed}" if kind in contract().vocabulary.full else f"{listed} (what the pages state or show)"


def _holder(place: str, body: JSON) -> JSON:
    return value_at(body, place.rpartition("/")[0])


def _open(question: Failure, body: JSON) -> RequestFault:
    """Return an open question as a fault: undocumented where the pages say what to send, else open."""
    name, place = question.stands_for, question.place
    value = value_at(body, place)
    got = show(value, 120)
    if name in {"token-unlisted", "token-case"}:
        kind = place.rpartition("/")[2]
        if kind != "condition_type":
            of_type = _holder(place, body).get("condition_type")
            kind = f"{of_type if isinstance(of_type, str) else 'group'}.{kind}"
        found = next((token for token in contract().vocabulary.of(kind) if token.token == value), None)
        hint = f"; {value} is a candidate of {found.page}{f', {found.note}' if found.note else ''}" if found else ""
        return _fault(name, place, got, _words(kind) + hint, str(value))
    if question.wants and name != "value-shape":  # the types of a value are open themselves
        return _fault(name, place, got, question.wants)
    return RequestFault(name, Severity.OPEN, place, got, contract().questions[name].asks)


def _unknown_keys(place: str, body: JSON) -> Iterator[RequestFault]:
    """Yield the keys of the body, of a group or of a condition that no page names."""
    in_condition = place.rpartition("/")[0].endswith("/conditions")
    documented = CONDITION_KEYS if in_condition else GROUP_KEYS if place else UPDATE_FIELDS
    for key in value_at(body, place):
        if key in documented:
            continue
        name, instead = "unknown-key", f"one of {', '.join(documented)}"
        if snake_case(key) in documented:
            name, instead = "camel-case", snake_case(key)
        elif not place:
            name = OF_THE_RESPONSE.get(key, name)
        yield _fault(name, f"{place}/{key}", show(key, 120), instead, key)
