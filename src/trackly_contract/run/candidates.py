"""Finds a condition that a target accepts of each type whose tokens no reference page states.

Every condition that is tried matches nobody, and breaks no rule, however it is answered. Does not try an operator of a
list or of no value: the vectors' conditions would differ from their twins by two edits.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from trackly_contract.contract import Outcome, Trial, as_answered, code_of, filter_differences, guarded, words_of
from trackly_contract.core import JSON, InconclusiveError, show
from trackly_contract.generate import Tokens, candidate_condition, candidate_types
from trackly_contract.judge import about_request, describe
from trackly_contract.run.session import Session

MOST_TRIALS = 24
"""Trials of one type. With documented codes every field and operator is tried within 11; with others as many pairs."""

MOST_OUTAGES = 3
"""Trials of one type that may get no answer, or one that refuses not the update but the moment: 429, 5xx."""

Pair = tuple[str | None, str]
"""The tokens of one condition: its field, None if that is no token, and its operator."""


class Found(NamedTuple):
    """What an update did: whether its conditions are stored as sent, and what was said."""

    worked: bool
    said: str
    code: str | None = None
    outage: bool = False


def find_tokens(session: Session, lists: Sequence[int]) -> Tokens:
    """Return the tokens that the target accepts, a type without any left out; writes every trial down.

    An accepted trial also has the audience draw on `lists`, if there are any: its own.
    All types are tried in one update first, each alone only if that is refused. Raises InconclusiveError if the target
    is gone.
    """
    heads = {kind: (words_of(kind)[0][0], words_of(kind)[1][0]) for kind in candidate_types()}
    answer = _tried(session, heads, lists)
    if answer.worked:
        for kind, pair in heads.items():
            _write(session, kind, pair, answer)
        return _tokens(heads)
    alone = {kind: _alone(session, kind, lists) for kind in heads}
    return _tokens({kind: pair for kind, pair in alone.items() if pair is not None})


def _tokens(pairs: Mapping[str, Pair]) -> Tokens:
    fields = {kind: field for kind, (field, _) in pairs.items() if field is not None}
    return Tokens({kind: operator for kind, (_, operator) in pairs.items()}, fields)


def _alone(session: Session, kind: str, lists: Sequence[int]) -> Pair | None:
    """Try the pairs of one type until one works, those near the head of both lists first.

    A token that the answer names at fault is not tried again.
    """
    (fields, operators), tried, outages = words_of(kind), list[Pair](), 0
    for _ in range(MOST_TRIALS):
        left = [pair for pair in product(fields, operators) if pair not in tried]
        if not left or outages == MOST_OUTAGES:
            break
        field, operator = pair = min(left, key=lambda pair: fields.index(pair[0]) + operators.index(pair[1]))
        tried.append(pair)
        answer = _tried(session, {kind: pair}, lists)
        _write(session, kind, pair, answer)
        outages += answer.outage
        if answer.worked:
            return pair
        if answer.code == code_of("condition_type"):
            break
        if answer.code == code_of(f"{kind}.field") and field is not None:
            fields.remove(field)
        elif answer.code == code_of(f"{kind}.operator"):
            operators.remove(operator)
    return None


def _write(session: Session, kind: str, pair: Pair, answer: Found) -> None:
    """Write down what an answer says of each token: one that it names is refused, of the others it says nothing."""
    field, operator = pair
    tokens = {"condition_type": kind, f"{kind}.operator": operator}
    if field is not None:
        tokens[f"{kind}.field"] = field
    blamed = [name for name in tokens if code_of(name) == answer.code]
    outcome = Outcome.ACCEPTED if answer.worked else Outcome.REFUSED if blamed else Outcome.UNDECIDED
    session.vocabulary += [Trial(name, tokens[name], outcome, answer.said) for name in blamed or tokens]


def _tried(session: Session, pairs: Mapping[str, Pair], lists: Sequence[int]) -> Found:
    """Send one condition of each type, as the vectors have it but with these tokens."""
    tokens = _tokens(pairs)
    conditions: list[JSON] = [tokens.adapt(candidate_condition(kind)) for kind in pairs]
    # With a name, so that the cache is seen to be cleared by a filter that is not sent alone.
    sent = guarded(*conditions)
    body: dict[str, JSON] = {"name": "trackly-contract: candidates", "filter": sent}
    body |= {"source_lists": [*lists]} if lists else {}
    # What no page says is accepted may be stored in any way, or not at all: then what stands behind it moves.
    places = [f"/filter/conditions/{index}" for index in range(1, len(sent["conditions"]))]
    try:
        response = session.update(body, "candidates", open_at=places).response
    except InconclusiveError as error:
        session.read("candidates")  # this update got no response; where nothing gets one, that is said of the whole run
        return Found(worked=False, said=str(error), outage=True)
    if not response.succeeded:
        sound = about_request(response)
        return Found(False, describe(response), response.code if sound else None, not sound)
    differing = filter_differences(as_answered(sent), response.json.fields.get("filter"))
    place, stored = next(((place, stored) for place, _, stored, grave in differing if grave), ("", None))
    if any(f"/filter{place}/".startswith(f"{start}/") for start in places[: len(conditions)]):
        return Found(False, f"{response.status}, but stored as /filter{place}: {show(stored, 120)}")
    return Found(True, str(response.status))
