"""Asks what the documentation leaves open, and says what the target did, in the same words whatever the audience held.

Every filter that is stored on the way matches nobody. Does not judge: an observation never breaks a rule.
"""

import json
from collections.abc import Sequence

from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    NOBODY,
    UPDATE_FIELDS,
    Observation,
    Probe,
    as_answered,
    contract,
)
from trackly_contract.core import JSON, InconclusiveError, Request, Response, differences, same, show
from trackly_contract.generate import Tokens
from trackly_contract.judge import FIELDS, describe
from trackly_contract.run.sandbox import QUESTIONS
from trackly_contract.run.searches import ACCEPTED, SIZES, counted_in, factors, find_limit, find_order
from trackly_contract.run.session import Session

LIST = "@list"
"""Stands in the body of a probe for the first of the audience's sending lists."""

OURS: dict[str, JSON] = {"name": "trackly-contract: questions", "description": "trackly-contract", "filter": NOBODY}
"""What the audience is before each question, so that each finds the same."""

GUARDS = (json.dumps(GUARD), json.dumps(CONTRADICTION)[1:-1])
"""What stands before and behind the condition or group of a probe, so that nobody is matched."""


def ask_all(session: Session, tokens: Tokens, lists: Sequence[int]) -> list[Observation]:
    """Ask every question that can be asked, and leave a filter that matches nobody in place.

    `tokens` are those that the target accepts where the documentation names candidates, `lists` sending lists that
    exist. If the target stops responding, raises nothing: an observation says what was not asked.
    """
    session.state.adopted(None)  # what the probes do is not followed, so nothing may be expected of it
    asking = _Asking(session, tokens, lists)
    found: list[Observation] = []
    for question in contract().questions.values():
        try:
            if question.probes:
                asking.begin()
            found.extend(Observation(question.id, probe.says, *asking.asked(probe)) for probe in question.probes)
        except InconclusiveError as error:
            found.append(Observation(question.id, question.asks, "", str(error)))
    try:
        session.settle()
    except InconclusiveError as error:
        session.notes.append(f"after the questions: {error}")
    return found


def body_text(probe: Probe, first: str, last: str) -> str | None:
    """Return the text of a probe's body, its condition or group between `first` and `last`; None if it has no body."""
    if probe.condition is not None:
        return f'{{"filter": {{"operator": "AND", "conditions": [{first}, {probe.condition}, {last}]}}}}'
    if probe.group is not None:
        return f'{{"filter": {{"operator": "AND", "conditions": [{first}, {last}], "groups": [{probe.group}]}}}}'
    return probe.body if probe.raw is None else probe.raw


class _Asking:
    """Asks one session, and follows what the audience becomes."""

    def __init__(self, session: Session, tokens: Tokens, lists: Sequence[int]) -> None:
        self.session, self.lists = session, list(lists)
        self.factors = factors(tokens)
        self.most = session.requests + QUESTIONS
        self.now: dict[str, JSON] | None = None
        self.as_ours = False
        self.limits: dict[str, int] = {}

    def send(self, request: Request) -> Response:
        """Send a request. Raises InconclusiveError without a response that counts, or if too many were sent."""
        if self.session.requests >= self.most:
            raise InconclusiveError(f"not asked: {QUESTIONS} requests for questions are spent")
        response = self.session.ask(request).response
        if request.method != "GET" and response.succeeded:
            audience = response.json.strict
            whole = isinstance(audience, dict) and all(name in audience for name in UPDATE_FIELDS)
            self.now, self.as_ours = audience if whole else None, False
        return response

    def put(self, body: dict[str, JSON]) -> str:
        """Send an update; return ACCEPTED, the code of its error, or in words what else came of it."""
        response = self.send(self.session.request("PUT", body=body))
        return ACCEPTED if response.succeeded else response.code or describe(response)

    def begin(self) -> None:
        """Make the audience what it is before each question."""
        if not self.as_ours:
            response = self.send(self.session.request("PUT", body=OURS))
            if not response.succeeded:
                raise InconclusiveError(f"not asked: an update that matches nobody was answered {describe(response)}")
            self.as_ours = True

    def asked(self, probe: Probe) -> tuple[str, str]:
        """Return what came of a probe, or else why it does not fit this audience."""
        text, own = body_text(probe, *GUARDS), self.session.target.audience_id
        if not self.lists and (probe.of == "source_lists" or LIST in (text or "")):
            return "", "the audience has no sending list"
        if probe.id == "@ID" and own.upper() == own:
            return "", "the id of this audience has no letters"
        if probe.find == "order" and probe.of not in self.factors:
            return "", f"no token of a {probe.of} condition works"
        return (self.searched(probe) if probe.find else self.probed(probe, text)), ""

    def probed(self, probe: Probe, text: str | None) -> str:
        """Send a probe of one request; return in a few words what came of it."""
        own = self.session.target.audience_id
        if text is not None and self.lists:
            text = text.replace(f'"{LIST}"', str(self.lists[0]))
        ident = (probe.id or "@id").replace("@id", own).replace("@ID", own.upper())
        method = probe.method or ("GET" if text is None else "PUT")
        headers = {"X-Api-Key": self.session.target.key if probe.key is None else probe.key}
        if method != "GET":
            headers["Content-Type"] = "application/json"
        sent = tuple((name, value) for name, value in {**headers, **probe.headers}.items() if value)
        before = self.now
        request = Request(method, f"/v2/audiences/{ident}", sent, (text or "").encode())
        response = self.send(request)
        if method == "GET" or not response.succeeded:
            return describe(response)
        return f"{response.status}, {self.became(request.json.strict, before)}"

    def became(self, body: JSON, before: dict[str, JSON] | None) -> str:
        """Say what an accepted update did to the audience."""
        now, sent = self.now, body if isinstance(body, dict) else {}
        if now is None:
            return "without the audience"
        written: dict[str, JSON] = {name: sent[name] for name in UPDATE_FIELDS if name in sent}
        if "filter" in written:
            written["filter"] = as_answered(written["filter"])
        own = {name: now[name] for name in UPDATE_FIELDS}
        was = own if before is None else {name: before[name] for name in UPDATE_FIELDS}
        expected = was | written
        others = [*differences(self.anonymous(expected), self.anonymous(own))][:2]
        if before is not None and same(own, was) and not same(own, expected):
            said = "nothing changed"
        elif not others:
            said = "stored as sent" if written else "nothing changed"
        elif not sent:  # two values for one name, or no JSON that we could read
            said = "; ".join(f"{position} is {show(other, 60)}" for position, _, other in others)
        else:
            texts = [f"{position}: sent {show(one, 60)}, shows {show(other, 60)}" for position, one, other in others]
            said = f"stored otherwise: {'; '.join(texts)}"
        also = [name for name in sent if name not in FIELDS and name in now]
        return f"{said}; {', '.join(also)} is shown" if also else said

    def anonymous(self, content: dict[str, JSON]) -> dict[str, JSON]:
        """Return content without the ids of the audience's own lists: they are the owner's business."""
        lists = content["source_lists"]
        if not isinstance(lists, list):
            return content
        return {**content, "source_lists": [LIST if entry in self.lists else entry for entry in lists]}

    def searched(self, probe: Probe) -> str:
        """Return in words what a search of several requests found."""
        match probe.find:
            case "limit":
                said, self.limits[probe.of] = find_limit(SIZES[probe.of], self.put)
                return said
            case "unit":
                names = ("name", "name of pictures", "name of accents")
                return counted_in(*(self.limits[name] for name in names)) or "that cannot be told from these"
            case "order":
                return find_order(self.factors[probe.of], self.put)
            case _:  # the cache
                if probe.of == "filter":
                    return self.cache_after({"filter": NOBODY})
                said = self.cache_after({"source_lists": []})
                self.put({"source_lists": self.lists})
                return said

    def cache_after(self, body: dict[str, JSON]) -> str:
        """Say what an update does to the cached size."""
        counted = self.send(self.session.request("GET", "/size"))
        if not counted.succeeded:
            return f"no size could be counted: {describe(counted)}"
        said = self.put(body)
        if said != ACCEPTED or self.now is None:
            return said
        return "the cached size is cleared" if self.now.get("cached_size") is None else "the cached size stays"
