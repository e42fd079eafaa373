"""Two tables of a run: what became of each operator of each condition type, and of each error code in each place.

Promises: a cell names the exchange that is its evidence; what a page states, what was only tried, and what nobody named
are three kinds of cells; an operator is called refused only where no accepted update of the run holds it.
Refuses: to judge: cells fold findings and answers that others judged.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trackly_contract.contract import Outcome, contract, parts_of, summed_up
from trackly_contract.core import Exchange, Verdict
from trackly_contract.generate import POSITIONS, Position
from trackly_contract.judge import Seen, Success
from trackly_contract.report.report import RuleResult

_GRAVEST_FIRST = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE, Verdict.HELD)
_PLACED = re.compile(r"(?P<level>top|nested)-(?P<operator>and|or)-(?P<turn>first|later)(?:-\d+)?(?:\+[a-z_]+)*")

TYPES = ("time", "count", "custom_field", "carrier", "timezone", "revenue")

Pair = tuple[str, str]
"""A condition type and an operator."""

LARGEST = 50_000
"""Bytes of a body whose conditions are looked at; no body of the suite has as many."""


def gravest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict to show for several, None for none."""
    seen = set(verdicts)
    return next((verdict for verdict in _GRAVEST_FIRST if verdict in seen), None)


# Error codes by place ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One error code in one place: the gravest verdict (None if it was not asked there), of how many cases."""

    verdict: Verdict | None
    cases: int
    grave: int
    exchange: int


@dataclass(frozen=True, slots=True)
class Row:
    """One error code in every place; the last cell stands for faults outside the filter."""

    code: str
    rule: str
    cells: tuple[Cell, ...]


def place_of(case: str) -> Position | None:
    """Return the place in a filter that the id of a case names, None if it names none."""
    found = _PLACED.fullmatch(case.rpartition("@")[2])
    if found is None:
        return None
    level, operator, later = found["level"] == "nested", found["operator"].upper(), found["turn"] == "later"
    return next(p for p in POSITIONS if (p.nested, p.operator, p.later) == (level, operator, later))


def codes_by_place(results: Sequence[RuleResult], session: Seen) -> list[Row]:
    """Return each error code of a refused body, by the place where its fault stood."""
    asked: dict[str, dict[str, int]] = {}
    for finding in session.findings:
        owner, _, vector = finding.case.partition("/")
        number = finding.exchange.number if finding.exchange else 0
        if vector:
            asked.setdefault(owner, {}).setdefault(finding.case, number)
    return [
        Row(rule.code, rule.id, tuple(_cell(result, asked.get(rule.id, {}), place) for place in (*POSITIONS, None)))
        for result in results
        if (rule := result.rule).status == 400 and rule.code is not None
    ]


def _cell(result: RuleResult, asked: dict[str, int], place: Position | None) -> Cell:
    here = [case for case in asked if place_of(case) == place]
    if not here:
        return Cell(None, 0, 0, 0)
    said = {
        case: gravest(f.verdict for f in result.findings if f.case == case) or Verdict.INCONCLUSIVE for case in here
    }
    verdict = gravest(said.values())
    grave = [case for case in here if said[case] is verdict]
    return Cell(verdict, len(here), len(grave), asked[grave[0]])


# Operators by condition type -----------------------------------------------------------------------


class Known(StrEnum):
    """Where it is known from that a condition type has an operator."""

    DOCUMENTED = "documented"
    CANDIDATE = "no page states it"
    UNNAMED = "unknown: no page names it"


class Saw(StrEnum):
    """What a run saw of an operator; broken: documented, and refused."""

    ACCEPTED = "accepted"
    BROKEN = "broken: refused"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    NOTHING = "not asked"


SAW_SYMBOLS = {Saw.ACCEPTED: "✓", Saw.BROKEN: "✗", Saw.REFUSED: "-", Saw.UNDECIDED: "?", Saw.NOTHING: "·"}


@dataclass(frozen=True, slots=True)
class OperatorCell:
    """One operator of one condition type, and the exchange that shows it (0 if there is none)."""

    known: Known
    saw: Saw
    exchange: int


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One condition type: its operators in the order of `operators()`, and a made-up one, which must be refused."""

    name: str
    cells: tuple[OperatorCell, ...]
    invented: Cell
    rule: str


def operators() -> list[str]:
    """Return every operator that any page states or suggests, documented ones first."""
    vocabulary = contract().vocabulary
    tokens = [token for kind in TYPES for token in vocabulary.of(f"{kind}.operator")]
    return list(dict.fromkeys(token.token for token in sorted(tokens, key=lambda token: token.candidate)))


def operators_by_type(results: Sequence[RuleResult], session: Seen) -> list[TypeRow]:
    """Return what the run saw of each operator of each condition type."""
    seen = _seen(session)
    trials = {(trial.kind, trial.token): trial.outcome for trial in summed_up(session.vocabulary)}
    by_rule = {result.rule.id: result for result in results}
    rows = []
    for kind in TYPES:
        tokens = {token.token: token for token in contract().vocabulary.of(f"{kind}.operator")}
        cells = []
        for operator in operators():
            token = tokens.get(operator)
            known = Known.UNNAMED if token is None else Known.CANDIDATE if token.candidate else Known.DOCUMENTED
            cells.append(_operator_cell(known, trials.get((f"{kind}.operator", operator)), seen, (kind, operator)))
        rule = f"filter.{kind}.operator"
        rows.append(TypeRow(kind, tuple(cells), _invented(by_rule[rule]), rule))
    return rows


@dataclass(frozen=True, slots=True)
class _Seen:
    """By condition type and operator, the number of the first update that was accepted, refused, wrongly refused."""

    accepted: dict[Pair, int]
    refused: dict[Pair, int]
    wrongly: dict[Pair, int]


def _operator_cell(known: Known, outcome: Outcome | None, seen: _Seen, pair: Pair) -> OperatorCell:
    accepted, refused = seen.accepted.get(pair, 0), seen.refused.get(pair, 0)
    if outcome is not None and known is not Known.DOCUMENTED:
        saw = {Outcome.ACCEPTED: Saw.ACCEPTED, Outcome.REFUSED: Saw.REFUSED}.get(outcome, Saw.UNDECIDED)
        return OperatorCell(known, saw, accepted if saw is Saw.ACCEPTED else refused or accepted)
    if accepted:
        return OperatorCell(known, Saw.ACCEPTED, accepted)
    if known is Known.DOCUMENTED and pair in seen.wrongly:
        return OperatorCell(known, Saw.BROKEN, seen.wrongly[pair])
    return OperatorCell(known, Saw.NOTHING, 0)


def _invented(result: RuleResult) -> Cell:
    looks = [finding for finding in result.findings if finding.exchange is not None]
    verdict = gravest(finding.verdict for finding in looks)
    grave = [finding for finding in looks if finding.verdict is verdict]
    number = grave[0].exchange.number if grave and grave[0].exchange else 0
    return Cell(verdict, len(looks), len(grave), number)


def _seen(session: Seen) -> _Seen:
    """Fold the updates of a run; a body that must be refused says nothing of its operators."""
    to_be_refused, wrongly = set[int](), set[int]()
    rules = contract().rules
    for finding in session.findings:
        number = finding.exchange.number if finding.exchange else 0
        if rules[finding.rule].code is not None:
            to_be_refused.add(number)
        elif isinstance(finding.expected, Success) and finding.verdict is Verdict.BROKEN:
            wrongly.add(number)
    seen = _Seen({}, {}, {})
    for exchange in session.exchanges:
        status, number = exchange.response.status, exchange.number
        if exchange.request.method != "PUT" or number in to_be_refused:
            continue
        folds = [seen.accepted] if exchange.response.succeeded else [seen.refused] if status in range(400, 500) else []
        folds += [seen.wrongly] if number in wrongly else []
        for pair in _pairs(exchange) if folds else ():
            for fold in folds:
                fold.setdefault(pair, number)
    return seen


def _pairs(exchange: Exchange) -> Iterator[Pair]:
    """Yield the condition type and operator of each condition in a body, none twice."""
    if len(exchange.request.body) > LARGEST:
        return
    for part in parts_of(exchange.request.json.fields.get("filter")):
        kind, operator = part.fields.get("condition_type"), part.fields.get("operator")
        if isinstance(kind, str) and isinstance(operator, str):
            yield kind, operator
