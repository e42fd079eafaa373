"""Two tables of a run: what it saw of each operator of each condition type, and of each error code in each place.

Does not judge: a cell folds findings and responses that others judged, and names the exchange that is its evidence.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trackly_contract.contract import Outcome, Rule, contract, parts_of, summed_up
from trackly_contract.core import Verdict, worst
from trackly_contract.generate import POSITIONS
from trackly_contract.judge import Seen, Success
from trackly_contract.report.report import Report

# Error codes by place ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """The gravest verdict of several looks (None if there was none), how many looks had it, and the first of them."""

    verdict: Verdict | None
    cases: int
    grave: int
    exchange: int


def _cell(looks: Sequence[tuple[Verdict, int]]) -> Cell:
    verdict = worst(verdict for verdict, _ in looks)
    grave = [number for found, number in looks if found is verdict]
    return Cell(verdict, len(looks), len(grave), grave[0] if grave else 0)


def place_of(case: str) -> str | None:
    """Return the place in a filter that the id of a case names, None if it names none."""
    named = case.partition("@")[2]
    return next((position for position in POSITIONS if named.startswith(position)), None)


def codes_by_place(report: Report) -> Iterator[tuple[Rule, list[Cell]]]:
    """Yield the rule of each error code of a refused body, by the place where the fault stood; the last is outside."""
    asked: dict[str, int] = {}
    for finding in report.session.findings:
        asked.setdefault(finding.case, finding.exchange.number)
    for result in report.results:
        if result.rule.status == 400 and result.rule.code is not None:
            looks: dict[str | None, list[tuple[Verdict, int]]] = defaultdict(list)
            for case, number in asked.items():
                if case.startswith(f"{result.rule.id}/"):
                    verdict = worst(finding.verdict for finding in result.findings if finding.case == case)
                    looks[place_of(case)].append((verdict or Verdict.INCONCLUSIVE, number))
            yield result.rule, [_cell(looks[place]) for place in (*POSITIONS, None)]


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


def operators() -> list[str]:
    """Return every operator that any page states or suggests, documented ones first."""
    vocabulary = contract().vocabulary
    tokens = [token for kind in vocabulary.words("condition_type") for token in vocabulary.of(f"{kind}.operator")]
    return list(dict.fromkeys(token.token for token in sorted(tokens, key=lambda token: token.candidate)))


def operators_by_type(report: Report) -> Iterator[tuple[str, list[OperatorCell], Cell]]:
    """Yield each condition type with what the run saw of each operator, and of a made-up one that must be refused."""
    vocabulary, seen = contract().vocabulary, _seen(report.session)
    trials = {(trial.kind, trial.token): trial.outcome for trial in summed_up(report.session.vocabulary)}
    by_rule = {result.rule.id: result for result in report.results}
    for kind in vocabulary.words("condition_type"):
        candidate = {token.token: token.candidate for token in vocabulary.of(f"{kind}.operator")}
        known = {word: Known.CANDIDATE if unstated else Known.DOCUMENTED for word, unstated in candidate.items()}
        cells = [
            _operator_cell(known.get(word, Known.UNNAMED), trials.get((f"{kind}.operator", word)), seen[kind, word])
            for word in operators()
        ]
        found = by_rule[f"filter.{kind}.operator"].findings
        yield kind, cells, _cell([(finding.verdict, finding.exchange.number) for finding in found])


def _operator_cell(known: Known, outcome: Outcome | None, seen: Mapping[Saw, int]) -> OperatorCell:
    if outcome is not None and known is not Known.DOCUMENTED:
        refused = outcome is not Outcome.ACCEPTED and Saw.REFUSED in seen
        return OperatorCell(known, Saw(outcome), seen.get(Saw.REFUSED if refused else Saw.ACCEPTED, 0))
    told = (Saw.ACCEPTED, Saw.BROKEN) if known is Known.DOCUMENTED else (Saw.ACCEPTED,)
    saw = next((each for each in told if each in seen), Saw.NOTHING)
    return OperatorCell(known, saw, seen.get(saw, 0))


def _seen(session: Seen) -> Mapping[tuple[str, str], Mapping[Saw, int]]:
    """Return by type and operator the first update that was accepted, refused, or refused and so broke its rule.

    A body that must be refused says nothing of its operators.
    """
    rules = contract().rules
    found = [(finding, finding.exchange.number) for finding in session.findings]
    to_be_refused = {number for finding, number in found if rules[finding.rule].code is not None}
    broken = {number for f, number in found if isinstance(f.expected, Success) and f.verdict is Verdict.BROKEN}
    seen: dict[tuple[str, str], dict[Saw, int]] = defaultdict(dict)
    for exchange in session.exchanges:
        response, number = exchange.response, exchange.number
        says = {
            Saw.ACCEPTED: response.succeeded,
            Saw.REFUSED: response.status // 100 == 4,
            Saw.BROKEN: number in broken,
        }
        for part in parts_of(exchange.request.json.fields.get("filter")) if number not in to_be_refused else ():
            pair = str(part.fields.get("condition_type")), str(part.fields.get("operator"))
            for saw in (saw for saw, said in says.items() if said):
                seen[pair].setdefault(saw, number)
    return seen
