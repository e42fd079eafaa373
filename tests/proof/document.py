"""Makes docs/proof.md from what measure.py found: what the suite catches, and how often it raises a false alarm.

Every figure comes from one run of `make proof`; the digest at the end names the inputs it was made from. Whether the
figures are good enough is judged in tests/integrity; prose is in proof.md.jinja.
"""

import platform
import statistics
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.integrity.mutants import all_mutants
from tests.integrity.variants import variants
from tests.maintain import markdown
from tests.proof.inputs import digest
from tests.proof.measure import EVERY, Kind, Outcome
from tests.proof.schemathesis_runs import CASES
from trackly_contract.contract import contract
from trackly_contract.core.files import data_root
from trackly_contract.generate import Effort
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.run.sandbox import CEILINGS

FIRST = 3
"""How many of the rules that a run names count as named."""

RUNS: tuple[Effort | None, ...] = (*EFFORTS, None)

Row = tuple[object, ...]


def path() -> Path:
    """Return the document."""
    return data_root() / "docs" / "proof.md"


def _share(some: int, of_all: int) -> str:
    return f"{some} of {of_all} ({100 * some / of_all:.1f} %)" if of_all else "none run"


def _name(effort: Effort | None) -> str:
    return f"`{effort}`" if effort else "Schemathesis"


class Proof:
    """The outcomes of one proof, and the document they make."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = outcomes
        self.mutants = {mutant.id: mutant for mutant in all_mutants()}

    def of(self, kind: Kind, effort: Effort | None) -> list[Outcome]:
        """Return the outcomes of one kind of server at one effort, or of Schemathesis (None)."""
        return [outcome for outcome in self.outcomes if (outcome.job.kind, outcome.job.effort) == (kind, effort)]

    def caught_at(self, effort: Effort | None) -> set[str]:
        """Return the mutants that one run caught."""
        return {outcome.job.id for outcome in self.of("mutant", effort) if outcome.drift}

    def named(self, outcome: Outcome) -> bool:
        """Whether a rule that the mutant breaks is among the first that the run names."""
        return bool(set(self.mutants[outcome.job.id].rules) & set(outcome.broken[:FIRST]))

    def missed(self) -> list[Outcome]:
        """Return the runs that should have caught a mutant: at `quick` only those of plain ones."""
        return [
            outcome
            for effort in EFFORTS
            for outcome in self.of("mutant", effort)
            if not outcome.drift and (effort != "quick" or self.mutants[outcome.job.id].plain)
        ]

    def misnamed(self) -> list[Outcome]:
        """Return the runs that caught a mutant and named other rules first."""
        found = [outcome for effort in EFFORTS for outcome in self.of("mutant", effort) if outcome.drift]
        return [outcome for outcome in found if not self.named(outcome)]

    def false_alarms(self) -> list[Outcome]:
        """Return the runs that called a variant drift, or failed on one."""
        return [o for effort in EFFORTS for o in self.of("variant", effort) if o.code not in (0, 10)]

    def caught(self) -> list[Row]:
        """Return run, mutants caught, plain ones among them, and how many were named rightly."""
        rows: list[Row] = []
        for effort in RUNS:
            found = self.of("mutant", effort)
            caught = [outcome for outcome in found if outcome.drift]
            plain = [outcome for outcome in found if self.mutants[outcome.job.id].plain]
            named = _share(sum(map(self.named, caught)), len(caught)) if effort else "names operations, not rules"
            plainly = _share(sum(outcome.drift for outcome in plain), len(plain))
            rows.append((_name(effort), _share(len(caught), len(found)), plainly, named))
        return rows

    def cost(self) -> list[Row]:
        """Return run, requests and seconds on the conforming server and on mutants, and the ceiling."""
        rows: list[Row] = []
        for effort in RUNS:
            (conforming,) = self.of("reference", effort)
            found = self.of("mutant", effort)
            requests = sorted(outcome.requests for outcome in found)
            seconds = statistics.median(outcome.seconds for outcome in found)
            ceiling = CEILINGS[effort][0] if effort else None
            within = _share(sum(r <= ceiling for r in requests), len(requests)) if ceiling else ""
            middle = requests[len(requests) // 2]
            times = (f"{conforming.seconds:.2f}", f"{seconds:.2f}")
            rows.append((_name(effort), conforming.requests, ceiling or "", middle, requests[-1], within, *times))
        return rows

    def families(self) -> list[Row]:
        """Return family, its mutants, and how many of them each run caught."""
        families: dict[str, set[str]] = {}
        for mutant in self.mutants.values():
            families.setdefault(mutant.family, set()).add(mutant.id)
        caught = {effort: self.caught_at(effort) for effort in RUNS}
        return [(family, len(ids), *(len(ids & caught[e]) for e in RUNS)) for family, ids in sorted(families.items())]

    def peace(self) -> list[Row]:
        """Return run, variants, and what was said of them."""
        rows: list[Row] = []
        for effort in EFFORTS:
            said = Counter(outcome.verdict for outcome in self.of("variant", effort))
            wrong = said.total() - said["conforms"] - said["inconclusive"]
            rows.append((_name(effort), said.total(), said["conforms"], said["inconclusive"], wrong))
        beside = self.of("variant", None)
        alarms = sum(outcome.drift for outcome in beside)
        rows.append((f"Schemathesis, one variant in {EVERY}", len(beside), len(beside) - alarms, "", alarms))
        return rows

    def rules(self) -> dict[str, Any]:
        """Return what each rule names in the run at `standard`, and which rules no mutant needs."""
        named: Counter[str] = Counter()
        alone: Counter[str] = Counter()
        for outcome in self.of("mutant", "standard"):
            named.update(outcome.broken)
            alone.update(outcome.broken if len(outcome.broken) == 1 else ())
        meant = Counter(rule for mutant in self.mutants.values() for rule in mutant.rules)
        rules = [rule.id for rule in contract().rules.values() if rule.untested is None]
        return {
            "rows": [(f"`{rule}`", meant[rule], named[rule], alone[rule]) for rule in rules],
            "silent": [rule for rule in rules if not named[rule]],
            "needless": [rule for rule in rules if named[rule] and not alone[rule]],
            "untested": [rule.id for rule in contract().rules.values() if rule.untested is not None],
        }

    def matrix(self) -> list[Row]:
        """Return mutant, family, whether quick and Schemathesis caught it, and the rules that name it."""
        quick, beside = self.caught_at("quick"), self.caught_at(None)
        return [
            (
                outcome.job.id.replace("|", "\\|"),
                self.mutants[outcome.job.id].family,
                *("yes" if outcome.job.id in caught else "no" for caught in (quick, beside)),
                " ".join(f"`{rule}`" for rule in outcome.broken) or "none",
            )
            for outcome in self.of("mutant", "standard")
        ]

    def document(self) -> str:
        """Return docs/proof.md."""
        template = markdown.templates(Path(__file__).parent).get_template("proof.md.jinja")
        return template.render(
            proof=self,
            first=FIRST,
            every=EVERY,
            cases=CASES,
            plain=sum(mutant.plain for mutant in self.mutants.values()),
            variants=len(variants()),
            python=platform.python_version(),
            hypothesis=version("hypothesis"),
            schemathesis=version("schemathesis"),
            digest=digest(),
        )
