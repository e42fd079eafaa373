"""Finds a condition that a target accepts of each type whose tokens no reference page states.

Every condition that is tried would match nobody if it is accepted. However a candidate is answered or stored, that
breaks no rule. Does not call a token refused because a condition with it did not work. Does not try an operator without
one plain value: with a list, or with nothing, the vectors' conditions would differ from their twins by two edits.
"""

from collections.abc import Mapping
from itertools import product
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

Words = Mapping[str, str]
"""The tokens of one condition: its operator, and its field unless that is no token."""


class Found(NamedTuple):
    """What became of an update: whether its conditions are stored as sent, and what was said."""

    worked: bool
    said: str
    code: str | None = None
    outage: bool = False


def find_tokens(session: Session) -> Tokens:
    """Return the tokens that the target accepts, a type without any left out; writes every trial down.

    All types are tried in one update first, each alone only if that is refused. Raises InconclusiveError if the target
    is gone.
    """
    heads = {kind: words_of(kind) for kind in candidate_types()}
    found = {kind: _words(fields[0], operators[0]) for kind, (fields, operators) in heads.items()}
    answer = _tried(session, found)
    if answer.worked:
        for kind, words in found.items():
            _write(session, kind, words, answer)
    else:
        alone = {kind: _alone(session, kind) for kind in candidate_types()}
        found = {kind: words for kind, words in alone.items() if words is not None}
    return Tokens(
        {kind: words["operator"] for kind, words in found.items()},
        {kind: words["field"] for kind, words in found.items() if "field" in words},
    )


def _words(field: str | None, operator: str) -> Words:
    return {"operator": operator} if field is None else {"operator": operator, "field": field}


def _alone(session: Session, kind: str) -> Words | None:
    """Try the pairs of one type until one works, those near the head of both lists first.

    A token that the answer names at fault is not tried again.
    """
    (fields, operators), tried, outages = words_of(kind), list[tuple[str | None, str]](), 0
    while len(tried) < MOST_TRIALS and outages < MOST_OUTAGES:
        left = [pair for pair in product(fields, operators) if pair not in tried]
        if not left:
            break
        field, operator = min(left, key=lambda pair: fields.index(pair[0]) + operators.index(pair[1]))
        tried.append((field, operator))
        words = _words(field, operator)
        answer = _tried(session, {kind: words})
        _write(session, kind, words, answer)
        outages += answer.outage
        if answer.worked:
            return words
        if answer.code == code_of("condition_type"):
            break
        if answer.code == code_of(f"{kind}.field") and field is not None:
            fields.remove(field)
        elif answer.code == code_of(f"{kind}.operator"):
            operators.remove(operator)
    return None


def _write(session: Session, kind: str, words: Words, answer: Found) -> None:
    """Write down what an answer says of each token: one that it names is refused, of the others it says nothing."""
    tokens = {"condition_type": kind, **{f"{kind}.{key}": token for key, token in words.items()}}
    blamed = [name for name in tokens if code_of(name) == answer.code]
    outcome = Outcome.ACCEPTED if answer.worked else Outcome.REFUSED if blamed else Outcome.UNDECIDED
    session.vocabulary += [Trial(name, tokens[name], outcome, answer.said) for name in blamed or tokens]


def _tried(session: Session, words: Mapping[str, Words]) -> Found:
    """Send one condition of each type, as the vectors have it but with these tokens."""
    conditions: list[JSON] = [{**candidate_condition(kind), **tokens} for kind, tokens in words.items()]
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
