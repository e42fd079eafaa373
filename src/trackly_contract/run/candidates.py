"""Candidates: finds a condition that a target accepts of each type whose tokens no reference page states.

Promises: every condition that is tried would match nobody if it is accepted; all types are tried in one update first,
one type alone only if that is refused, and no type more than MOST_TRIALS times; what is written down of a token is
what the answer says of it; however a candidate is answered or stored, that breaks no rule.
Refuses: to call a token refused because a condition with it did not work; to try an operator without one plain value,
for the vectors' conditions have one: with a list, or with nothing, they would differ from their twins by two edits.
"""

from typing import NamedTuple

from trackly_contract.contract import (
    GUARD,
    Outcome,
    Trial,
    as_answered,
    code_of,
    filter_differences,
    words_of,
)
from trackly_contract.core import JSON, InconclusiveError, show
from trackly_contract.generate import Tokens, candidate_condition, candidate_types
from trackly_contract.judge import about_request, describe
from trackly_contract.run.session import Session

CASE = "candidates"
"""The name of everything that is sent here."""

MOST_TRIALS = 24
"""Trials of one type. With documented codes every field and operator is tried within 11; with others as many pairs."""

MOST_OUTAGES = 3
"""Trials of one type that may get no answer, or one that refuses not the update but the moment: 429, 5xx."""


class TokenPair(NamedTuple):
    """The tokens of one condition; a type whose field is no token has none."""

    field: str | None
    operator: str


class Found(NamedTuple):
    """What became of an update: whether its conditions are stored as sent, and what was said."""

    worked: bool
    said: str
    code: JSON = None
    outage: bool = False


def condition(kind: str, words: TokenPair) -> dict[str, JSON]:
    """Return the condition that the vectors of a type are written with, with these tokens in it."""
    found = {**candidate_condition(kind), "operator": words.operator}
    return found if words.field is None else {**found, "field": words.field}


class _Pairs:
    """The pairs of one type that are still worth a trial, those near the head of both lists first."""

    def __init__(self, kind: str) -> None:
        self.fields, self.operators = words_of(kind)
        self.tried: set[TokenPair] = set()

    def next(self) -> TokenPair | None:
        left = [
            (at + place, TokenPair(field, operator))
            for at, field in enumerate(self.fields)
            for place, operator in enumerate(self.operators)
            if TokenPair(field, operator) not in self.tried
        ]
        if not left:
            return None
        words = min(left, key=lambda pair: pair[0])[1]
        self.tried.add(words)
        return words


def find_tokens(session: Session) -> Tokens:
    """Return the tokens that the target accepts, a type without any left out; writes every trial down.

    Raises InconclusiveError if the target is gone.
    """
    first = {kind: words for kind in candidate_types() if (words := _Pairs(kind).next()) is not None}
    found = dict(first)
    answer = _tried(session, [condition(kind, words) for kind, words in first.items()])
    if answer.worked:
        for kind, words in first.items():
            _write(session, kind, words, answer)
    else:
        alone = {kind: _alone(session, kind) for kind in first}
        found = {kind: words for kind, words in alone.items() if words is not None}
    return Tokens(
        {kind: words.operator for kind, words in found.items()},
        {kind: words.field for kind, words in found.items() if words.field is not None},
    )


def _alone(session: Session, kind: str) -> TokenPair | None:
    """Try the pairs of one type until one works; a token that the answer names at fault is not tried again."""
    pairs, outages = _Pairs(kind), 0
    for _ in range(MOST_TRIALS):
        words = pairs.next()
        if words is None:
            break
        answer = _tried(session, [condition(kind, words)])
        _write(session, kind, words, answer)
        outages += answer.outage
        if answer.worked:
            return words
        if answer.code == code_of("condition_type") or outages == MOST_OUTAGES:
            break
        if answer.code == code_of(f"{kind}.field") and words.field is not None:
            pairs.fields.remove(words.field)
        elif answer.code == code_of(f"{kind}.operator"):
            pairs.operators.remove(words.operator)
    return None


def _write(session: Session, kind: str, words: TokenPair, answer: Found) -> None:
    """Write down what an answer says of each token: one that it names is refused, of the others it says nothing."""
    tokens = {"condition_type": kind, f"{kind}.operator": words.operator}
    if words.field is not None:
        tokens[f"{kind}.field"] = words.field
    blamed = {code_of(name): name for name in tokens}.get(str(answer.code))
    if answer.worked:
        session.vocabulary += [Trial(name, token, Outcome.ACCEPTED, answer.said) for name, token in tokens.items()]
    elif blamed is not None:
        session.vocabulary.append(Trial(blamed, tokens[blamed], Outcome.REFUSED, answer.said))
    else:
        session.vocabulary += [Trial(name, token, Outcome.UNDECIDED, answer.said) for name, token in tokens.items()]


def _tried(session: Session, conditions: list[dict[str, JSON]]) -> Found:
    # With a name, so that the cache is seen to be cleared by a filter that is not sent alone.
    sent: dict[str, JSON] = {"operator": "AND", "conditions": [GUARD, *conditions]}
    body = {"name": "trackly-contract: candidates", "filter": sent}
    # What no page says is accepted may be stored in any way. The guard is documented, and stands first.
    open_at = [f"/filter/conditions/{index}" for index in range(1, len(conditions) + 1)]
    try:
        exchange = session.update(body, CASE, open_at=open_at)
    except InconclusiveError as error:
        session.read(CASE)  # this update got no response; where nothing gets one, that is said of the whole run
        return Found(worked=False, said=str(error), outage=True)
    response = exchange.response
    if not response.succeeded:
        sound = about_request(response)
        return Found(False, describe(response), response.code if sound else None, not sound)
    differing = filter_differences(as_answered(sent), response.json.fields.get("filter"))
    place, stored = next(((place, stored) for place, _, stored, grave in differing if grave), ("", None))
    if any(f"/filter{place}/".startswith(f"{start}/") for start in open_at):
        return Found(False, f"{response.status}, but stored as /filter{place}: {show(stored, 120)}")
    return Found(True, str(response.status))
