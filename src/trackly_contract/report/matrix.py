"""Two tables of a run: what became of each operator of each condition type, and of each error code in each place.

A cell names the exchange that is its evidence. Does not judge: cells fold findings and responses that others judged. An
operator is called refused only where no accepted update of the run holds it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trackly_contract.contract import Outcome, contract, parts_of, summed_up
from trackly_contract.core import Exchange, Verdict
from trackly_contract.generate import POSITIONS
from trackly_contract.judge import Seen, Success
from trackly_contract.report.report import RuleResult

_GRAVEST_FIRST = (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE, Verdict.HELD)


Pair = tuple[str, str]
"""A condition type and an operator."""


def gravest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict to show for several, None for none."""
    seen = set(verdicts)
    return next((verdict for verdict in _GRAVEST_FIRST if verdict in seen), None)


@dataclass(frozen=True, slots=True)
class Cell:
    """The gravest verdict of several looks (None if there was none), how many looks had it, and the first of them."""

    verdict: Verdict | None
    cases: int
    grave: int
    exchange: int


def _cell(looks: Sequence[tuple[Verdict, int]]) -> Cell:
    verdict = gravest(verdict for verdict, _ in looks)
    grave = [number for found, number in looks if found is verdict]
    return Cell(verdict, len(looks), len(grave), grave[0] if grave else 0)


# Error codes by place ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One error code in every place; the last cell stands for faults outside the filter."""

    code: str
    rule: str
    cells: tuple[Cell, ...]


def place_of(case: str) -> str | None:
    """Return the place in a filter that the id of a case names, None if it names none."""
    named = case.partition("@")[2]
    return next((position for position in POSITIONS if named.startswith(position)), None)


def codes_by_place(results: Sequence[RuleResult], session: Seen) -> list[Row]:
    """Return each error code of a refused body, by the place where its fault stood."""
    asked: dict[str, int] = {}
    for finding in session.findings:
        asked.setdefault(finding.case, finding.exchange.number)
    rows = []
    for result in results:
        if result.rule.status == 400 and result.rule.code is not None:
            looks: dict[str | None, list[tuple[Verdict, int]]] = defaultdict(list)
            for case, number in asked.items():
                if case.startswith(f"{result.rule.id}/"):
                    verdict = gravest(finding.verdict for finding in result.findings if finding.case == case)
                    looks[place_of(case)].append((verdict or Verdict.INCONCLUSIVE, number))
            cells = tuple(_cell(looks[place]) for place in (*POSITIONS, None))
            rows.append(Row(result.rule.code, result.rule.id, cells))
    return rows


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
    tokens = [token for kind in vocabulary.words("condition_type") for token in vocabulary.of(f"{kind}.operator")]
    return list(dict.fromkeys(token.token for token in sorted(tokens, key=lambda token: token.candidate)))


def operators_by_type(results: Sequence[RuleResult], session: Seen) -> list[TypeRow]:
    """Return what the run saw of each operator of each condition type."""
    seen = _seen(session)
    trials = {(trial.kind, trial.token): trial.outcome for trial in summed_up(session.vocabulary)}
    by_rule = {result.rule.id: result for result in results}
    rows = []
    for kind in contract().vocabulary.words("condition_type"):
        tokens = {token.token: token for token in contract().vocabulary.of(f"{kind}.operator")}
        cells = []
        for operator in operators():
            token = tokens.get(operator)
            known = Known.UNNAMED if token is None else Known.CANDIDATE if token.candidate else Known.DOCUMENTED
            cells.append(_operator_cell(known, trials.get((f"{kind}.operator", operator)), seen[kind, operator]))
        rule = f"filter.{kind}.operator"
        looks = [(found.verdict, found.exchange.number) for found in by_rule[rule].findings if found.exchange]
        rows.append(TypeRow(kind, tuple(cells), _cell(looks), rule))
    return rows


def _operator_cell(known: Known, outcome: Outcome | None, seen: Mapping[Saw, int]) -> OperatorCell:
    if outcome is not None and known is not Known.DOCUMENTED:
        first = Saw.REFUSED if outcome is not Outcome.ACCEPTED and Saw.REFUSED in seen else Saw.ACCEPTED
        return OperatorCell(known, Saw(outcome), seen.get(first, 0))
    if Saw.ACCEPTED in seen:
        return OperatorCell(known, Saw.ACCEPTED, seen[Saw.ACCEPTED])
    if known is Known.DOCUMENTED and Saw.BROKEN in seen:
        return OperatorCell(known, Saw.BROKEN, seen[Saw.BROKEN])
    return OperatorCell(known, Saw.NOTHING, 0)


def _seen(session: Seen) -> Mapping[Pair, Mapping[Saw, int]]:
    """Return by type and operator the first update that was accepted, refused, or refused and so broke its rule.

    A body that must be refused says nothing of its operators.
    """
    to_be_refused, wrongly = set[int](), set[int]()
    rules = contract().rules
    for finding in session.findings:
        number = finding.exchange.number
        if rules[finding.rule].code is not None:
            to_be_refused.add(number)
        elif isinstance(finding.expected, Success) and finding.verdict is Verdict.BROKEN:
            wrongly.add(number)
    seen: dict[Pair, dict[Saw, int]] = defaultdict(dict)
    for exchange in session.exchanges:
        status, number = exchange.response.status, exchange.number
        for pair in _pairs(exchange) if number not in to_be_refused else ():
            if exchange.response.succeeded:
                seen[pair].setdefault(Saw.ACCEPTED, number)
            elif status // 100 == 4:
                seen[pair].setdefault(Saw.REFUSED, number)
            if number in wrongly:
                seen[pair].setdefault(Saw.BROKEN, number)
    return seen


def _pairs(exchange: Exchange) -> Iterator[Pair]:
    """Yield the condition type and operator of each condition in a body."""
    for part in parts_of(exchange.request.json.fields.get("filter")):
        kind, operator = part.fields.get("condition_type"), part.fields.get("operator")
        if isinstance(kind, str) and isinstance(operator, str):
            yield kind, operator
