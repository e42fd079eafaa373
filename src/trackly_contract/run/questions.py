"""Questions: asks what the documentation leaves open, and says in a few words what came of it.

Promises: whatever a target makes of a probe, a filter that is stored matches nobody; the same behaviour gives the same
words, whatever the audience held; no more than QUESTIONS requests are sent; nothing that is found breaks a rule.
Refuses: to judge: an answer is what one target did on one day.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trackly_contract.contract import GUARD, NOBODY, Answer, as_answered, contract
from trackly_contract.core import (
    ABSENT,
    JSON,
    InconclusiveError,
    NotJSONError,
    Request,
    differences,
    encode,
    parse,
    same,
    show,
)
from trackly_contract.judge import BODY_FIELDS, FIELDS, describe
from trackly_contract.run import limits, precedence
from trackly_contract.run.limits import ACCEPTED
from trackly_contract.run.targets import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trackly_contract.contract import Probe, Question
    from trackly_contract.core import Response
    from trackly_contract.generate import Tokens
    from trackly_contract.run.session import Session

CASE = "questions"

LIST = "@list"

OURS: dict[str, JSON] = {
    "name": "trackly-contract: questions",
    "description": "trackly-contract",
    "filter": NOBODY,
}
"""What the audience is before each question, so that each finds the same."""


class NotAskableError(Exception):
    """A probe does not fit this audience; the text says why."""


def ask_all(session: Session, tokens: Tokens, lists: Sequence[int]) -> list[Answer]:
    """Ask every question that can be asked, and leave a filter that matches nobody in place.

    `tokens` are those that the target accepts where the documentation names candidates, `lists` sending lists that
    exist. Raises nothing over a target that is gone: what was not asked says so.
    """
    session.state.adopted(None)  # what the probes do is not followed, so nothing may be expected of it
    asking = _Asking(session, tokens, lists)
    found: list[Answer] = []
    for question in contract().questions.values():
        if question.cannot:
            continue
        try:
            asking.begin()
            found += asking.answers(question)
        except InconclusiveError as error:
            found.append(Answer(question.id, question.asks, "", str(error)))
    try:
        session.settle()
    except InconclusiveError as error:
        session.notes.append(f"after the questions: {error}")
    return found


class _Asking:
    """Asks one session, and follows what becomes of the audience."""

    def __init__(self, session: Session, tokens: Tokens, lists: Sequence[int]) -> None:
        self.session, self.tokens, self.lists = session, tokens, list(lists)
        self.most = session.requests + QUESTIONS
        self.now: dict[str, JSON] | None = None
        self.as_ours = False

    # One request -----------------------------------------------------------------------------------

    def send(self, request: Request, *, good_key: bool = True) -> Response:
        """Send a request. Raises InconclusiveError if there is no answer that counts, or too many were sent."""
        if self.session.requests >= self.most:
            raise InconclusiveError(f"not asked: {QUESTIONS} requests for questions are spent")
        response = self.session.ask(request, good_key=good_key).response
        if request.method != "GET" and response.succeeded:
            self.now, self.as_ours = _shown(response), False
        return response

    def request(self, method: str = "GET", content: bytes = b"", suffix: str = "") -> Request:
        """Return a request with the run's own key and id."""
        headers = [("X-Api-Key", self.session.target.key)]
        headers += [("Content-Type", "application/json")] if content else []
        return Request(method, f"/v2/audiences/{self.session.target.audience_id}{suffix}", tuple(headers), content)

    def put(self, body: dict[str, JSON]) -> str:
        """Send an update; return ACCEPTED, or the code of its refusal, or in words what else came of it."""
        response = self.send(self.request("PUT", encode(body)))
        if response.succeeded:
            return ACCEPTED
        try:
            answer = parse(response.body)
        except NotJSONError:
            return describe(response)
        code = answer.get("code") if isinstance(answer, dict) else None
        return code if isinstance(code, str) else describe(response)

    def begin(self) -> None:
        """Make the audience what it is before each question."""
        if not self.as_ours:
            response = self.send(self.request("PUT", encode(OURS)))
            if not response.succeeded:
                raise InconclusiveError(f"not asked: an update that matches nobody was answered {describe(response)}")
            self.as_ours = True

    # One question ----------------------------------------------------------------------------------

    def answers(self, question: Question) -> Iterator[Answer]:
        """Yield what came of a question, probe by probe, or by its search."""
        if question.find:
            search: Callable[[], Iterator[tuple[str, str]]] = getattr(self, f"find_{question.find.replace('-', '_')}")
            yield from (Answer(question.id, says, said) for says, said in search())
            return
        for probe in question.probes:
            try:
                yield Answer(question.id, probe.says, self.probed(probe))
            except NotAskableError as error:
                yield Answer(question.id, probe.says, "", str(error))

    def probed(self, probe: Probe) -> str:
        """Send a probe; return in a few words what came of it. Raises NotAskableError if it does not fit."""
        content = self.content(probe)
        method = probe.method or ("GET" if content is None else "PUT")
        request = self.request(method, content or b"")
        target = self.session.target
        path = request.path
        if probe.id is not None:
            own = target.audience_id
            path = f"/v2/audiences/{probe.id.replace('@id', own).replace('@ID', own.upper())}"
            if path == request.path:
                raise NotAskableError("the id of this audience has no letters")
        headers = dict(request.headers)
        if method == "PUT":
            headers["Content-Type"] = "application/json"
        if probe.key is not None:
            headers["X-Api-Key"] = probe.key
        headers |= probe.headers
        sent = tuple((name, value) for name, value in headers.items() if value)
        before = self.now
        good_key = probe.key is None
        response = self.send(Request(method, path, sent, content or b""), good_key=good_key)
        if method == "GET" or not response.succeeded:
            return describe(response)
        return f"{response.status}, {self.became(content or b'', before)}"

    def content(self, probe: Probe) -> bytes | None:
        """Return the bytes of a probe's body, None if it has none."""
        if probe.raw is not None:
            return probe.raw.encode("utf-8")
        text = probe.body
        guard = json.dumps(GUARD)
        if probe.condition is not None:
            text = f'{{"filter": {{"operator": "AND", "conditions": [{guard}, {probe.condition}]}}}}'
        elif probe.group is not None:
            text = f'{{"filter": {{"operator": "AND", "conditions": [{guard}], "groups": [{probe.group}]}}}}'
        if text is None:
            return None
        if LIST in text and not self.lists:
            raise NotAskableError("the audience has no sending list")
        return text.replace(f'"{LIST}"', str(self.lists[0]) if self.lists else "").encode("ascii")

    def became(self, content: bytes, before: dict[str, JSON] | None) -> str:
        """Say what an accepted update did to the audience."""
        now = self.now
        if now is None:
            return "without the audience"
        try:
            body = parse(content)
        except NotJSONError:
            body = None
        sent = body if isinstance(body, dict) else {}
        meant: dict[str, JSON] = {name: sent[name] for name in BODY_FIELDS if name in sent}
        if "filter" in meant:
            meant["filter"] = as_answered(meant["filter"])
        also = [name for name in sent if name not in FIELDS and name in now]
        shown = f"; {', '.join(also)} is shown" if also else ""
        own = {name: now.get(name, ABSENT) for name in BODY_FIELDS}
        was = {name: (before or {}).get(name, ABSENT) for name in BODY_FIELDS}
        if before is not None and same(own, was) and not same(own, was | meant):
            return f"nothing changed{shown}"
        expected = was | meant if before is not None else own | meant
        others = [*differences(self.plain(expected), self.plain(own))]
        if not others:
            return f"{'stored as sent' if meant else 'nothing changed'}{shown}"
        if not sent:  # two values for one name, or no JSON that we could read
            return "; ".join(f"{place} is {show(other, 60)}" for place, _, other in others[:2])
        told = "; ".join(f"{place}: sent {show(one, 60)}, shows {show(other, 60)}" for place, one, other in others[:2])
        return f"stored otherwise: {told}{shown}"

    def plain(self, value: dict[str, JSON]) -> dict[str, JSON]:
        """Return content with the audience's own lists replaced: their ids are nobody's business."""
        found = dict(value)
        if isinstance(found.get("source_lists"), list):
            found["source_lists"] = [LIST if entry in self.lists else entry for entry in found["source_lists"]]
        return found

    # Searches --------------------------------------------------------------------------------------

    def _orders(self, *wanted: str) -> Iterator[tuple[str, str]]:
        for factor in precedence.factors(self.tokens):
            if factor.id in wanted:
                yield factor.asks, precedence.find_order(factor, self.put).drawn

    def find_members(self) -> Iterator[tuple[str, str]]:
        """Yield the order of the members of the body."""
        yield from self._orders("members")

    def find_group(self) -> Iterator[tuple[str, str]]:
        """Yield the order of the parts of a group."""
        yield from self._orders("group", "empty group")

    def find_condition(self) -> Iterator[tuple[str, str]]:
        """Yield the order of the parts of a condition, type by type."""
        yield from self._orders("time", "count", "custom_field", "carrier", "timezone", "revenue")

    def find_place(self) -> Iterator[tuple[str, str]]:
        """Yield the order of the places in a filter."""
        yield from self._orders("place")

    def _limits(self, *wanted: str) -> dict[str, limits.Limit]:
        return {size.id: limits.find_limit(size, self.put) for size in limits.sizes() if size.id in wanted}

    def find_name_unit(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of three kinds of names, and what follows from them."""
        found = self._limits("name", "name of pictures", "name of accents")
        yield from ((limit.size.asks, limit.said) for limit in found.values())
        unit = limits.counted_in(*found.values())
        yield "What is counted?", unit or "that cannot be told from these"

    def find_description(self) -> Iterator[tuple[str, str]]:
        """Yield the limit of a description."""
        yield from ((limit.size.asks, limit.said) for limit in self._limits("description").values())

    def find_depth(self) -> Iterator[tuple[str, str]]:
        """Yield the limit of nesting."""
        yield from ((limit.size.asks, limit.said) for limit in self._limits("depth").values())

    def find_group_size(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of the lists of a group."""
        yield from ((limit.size.asks, limit.said) for limit in self._limits("conditions", "groups").values())

    def _cache_after(self, body: dict[str, JSON]) -> str:
        counted = self.send(self.request("GET", suffix="/size"))
        if not counted.succeeded:
            return f"no size could be counted: {describe(counted)}"
        said = self.put(body)
        if said != ACCEPTED or self.now is None:
            return said
        return "the cached size is cleared" if self.now.get("cached_size") is None else "the cached size stays"

    def find_lists_and_cache(self) -> Iterator[tuple[str, str]]:
        """Yield what becomes of the cached size when the lists alone change; the lists are put back."""
        if not self.lists:
            raise InconclusiveError("not asked: the audience has no sending list")
        yield "no lists in place of those that it had", self._cache_after({"source_lists": []})
        self.put({"source_lists": [*self.lists]})

    def find_same_filter_and_cache(self) -> Iterator[tuple[str, str]]:
        """Yield what becomes of the cached size when the filter is sent that is stored already."""
        yield "the filter that is stored already", self._cache_after({"filter": NOBODY})


def _shown(response: Response) -> dict[str, Any] | None:
    try:
        answer = parse(response.body)
    except NotJSONError:
        return None
    return answer if isinstance(answer, dict) and all(name in answer for name in BODY_FIELDS) else None
