"""What is known of a rule, by how it is known: documented, observed, assumed, unknown.

The four never mix: what the reference server does is not observed, whatever it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trackly_contract.contract import contract
from trackly_contract.core import Verdict, one_line, short
from trackly_contract.report.report import RuleResult

How = Literal["documented", "observed", "assumed", "unknown"]

HOW_SYMBOLS: dict[How, str] = {"documented": "§", "observed": "◉", "assumed": "≈", "unknown": "?"}
"""What stands before each kind, so that no colour is needed."""

_BASIS = {
    "stated": "a reference page says it",
    "shown": "an example of a reference page shows it",
    "inferred": "no reference page says it; it was read between the lines, or a guide suggests it",
    "observed": "no page says it; a live recording shows it",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Facts of one kind: `title` in few words, `facts` one sentence each; `quoted`: the sources stand under it."""

    how: How
    title: str
    facts: Sequence[str]
    quoted: bool = False

    @property
    def symbol(self) -> str:
        """The symbol of the kind."""
        return HOW_SYMBOLS[self.how]


def known_of(
    result: RuleResult, *, stand_in: bool, who: str, where: str, answered: Mapping[str, Sequence[str]]
) -> list[Knowledge]:
    """Return what is known of a rule; `where` says where and when this run got its answers, `who` gave them.

    `answered` is what the API itself said to open questions, by their ids.
    """
    rule, open_questions = result.rule, contract().open_questions(result.rule.id)
    basis: How = "documented" if rule.breakable else "assumed"
    observed = _observed(result, stand_in=stand_in, who=who, where=where)
    contested = [one_line(rule.contested)] if rule.contested else []
    guesses = [entry.text for entry in contract().assumptions if rule.id in entry.rules]
    said = [f"{asked.asks} {one_line(text)}" for asked in open_questions for text in answered.get(asked.id, ())]
    unanswered = [question.asks for question in open_questions if question.id not in answered]
    beside = [
        Knowledge("unknown", "pages disagree", contested),
        Knowledge("assumed", "by the reference server, where the documentation is silent", guesses),
        Knowledge("observed", "on the API, where the documentation is silent", said),
        Knowledge("unknown", "open questions", unanswered),
    ]
    first = Knowledge(basis, rule.basis, [_BASIS[rule.basis]], quoted=True)
    return [first, observed, *(known for known in beside if known.facts)]


def _observed(result: RuleResult, *, stand_in: bool, who: str, where: str) -> Knowledge:
    if not result.findings:
        return Knowledge("unknown", "not observed", [short(result.reason) or "no answer of this run shows it"])
    counts = [(verdict, result.counted[verdict]) for verdict in Verdict if result.counted[verdict]]
    said = ", ".join(f"{verdict} in {count} {'answer' if count == 1 else 'answers'}" for verdict, count in counts)
    if stand_in:
        fact = f"the API was not asked. The stand-in was: {said}; {where}"
        return Knowledge("unknown", "never observed on the API by this run", [fact])
    return Knowledge("observed", f"on {who}", [f"{said}; {where}"])
