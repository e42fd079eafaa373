"""Writes docs/proof.md from what measure.py found: what the suite catches, and what it leaves in peace.

Promises: every figure comes from one run of `make proof`; the digest at the end names the inputs it was made from.
Refuses: to judge whether the figures are good enough (tests/integrity does).
"""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from typing import TYPE_CHECKING

from tests.integrity.mutants_all import all_mutants
from tests.integrity.variants import variants
from trackly_contract import data
from trackly_contract.cases import EFFORTS
from trackly_contract.contract import contract
from trackly_contract.targets import CEILINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.proof.measure import Outcome

FIRST = 3
"""How many of the rules that a run names count as named."""

UNRELATED = {"cli", "generated", "report", "report_files", "report_view", "failure", "record_reference", "serve"}
"""Modules that no verdict depends on."""


def path() -> Path:
    """Return the document."""
    return data.root() / "docs" / "proof.md"


def digest() -> str:
    """Return a digest of everything that a verdict depends on: contract, schemas, suite, package, mutants, variants."""
    root = data.root()
    files = [*root.glob("contracts/**/*.*"), *root.glob("schemas/*.json"), *root.glob("tests/conformance/*.py")]
    files += root.glob("tests/integrity/mutants*.py")
    files += root.glob("tests/integrity/variants*.py")
    files += [file for file in root.glob("src/trackly_contract/*.py") if file.stem not in UNRELATED]
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def _caught(outcome: Outcome) -> bool:
    return outcome.code == 1


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]


def _mutants(outcomes: Sequence[Outcome]) -> list[str]:
    known = {mutant.id: mutant for mutant in all_mutants()}
    lines = ["## What is caught", ""]
    rows = []
    for effort in EFFORTS:
        here = [o for o in outcomes if o.job.kind == "mutant" and o.job.effort == effort]
        caught = [o for o in here if _caught(o)]
        named = [o for o in caught if set(known[o.job.id].rules) & set(o.broken[:FIRST])]
        requests = [o.requests for o in here]
        seconds = statistics.median(o.seconds for o in here)
        share = f"{len(caught)} of {len(here)} ({100 * len(caught) / len(here):.1f} %)"
        rows.append((effort, share, f"{len(named)} of {len(caught)}", max(requests), f"{seconds:.2f}"))
    lines += _table(
        ("effort", "mutants caught", f"right rule among the first {FIRST}", "most requests", "median seconds"), rows
    )
    families = sorted({mutant.family for mutant in known.values()})
    counts: list[tuple[object, ...]] = []
    for family in families:
        ids = {mutant.id for mutant in known.values() if mutant.family == family}
        cells: list[object] = [family, len(ids)]
        for effort in EFFORTS:
            here = [o for o in outcomes if o.job.id in ids and o.job.effort == effort and o.job.kind == "mutant"]
            cells.append(sum(map(_caught, here)))
        counts.append(tuple(cells))
    lines += _table(("family", "mutants", *EFFORTS), counts)
    missed = [o for o in outcomes if o.job.kind == "mutant" and not _caught(o) and o.job.effort != "quick"]
    lines += ["Missed beyond `quick`:", ""]
    lines += [f"- {o.job.effort}: {o.job.id} ({o.verdict})" for o in missed] or ["- none"]
    return [*lines, ""]


def _variants(outcomes: Sequence[Outcome]) -> list[str]:
    lines = ["## What is left in peace", ""]
    rows = []
    for effort in EFFORTS:
        here = [o for o in outcomes if o.job.kind == "variant" and o.job.effort == effort]
        said = Counter(o.verdict for o in here)
        rows.append((effort, len(here), said["conforms"], said["inconclusive"], said["drift"]))
    lines += _table(("effort", "variants", "conforms", "inconclusive", "called drift (false alarms)"), rows)
    wrong = [o for o in outcomes if o.job.kind == "variant" and _caught(o)]
    lines += [f"- {o.job.effort}: {o.job.id}: {', '.join(o.broken[:FIRST])}" for o in wrong]
    return [*lines, ""]


def _matrix(outcomes: Sequence[Outcome]) -> list[str]:
    known = {mutant.id: mutant for mutant in all_mutants()}
    named: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.job.kind == "mutant" and outcome.job.effort == "standard":
            named.update(outcome.broken)
            alone.update(outcome.broken if len(outcome.broken) == 1 else ())
    meant = Counter(rule for mutant in known.values() for rule in mutant.rules)
    rows = [
        (f"`{rule.id}`", meant[rule.id], named[rule.id], alone[rule.id])
        for rule in contract().rules.values()
        if rule.untested is None
    ]
    needless = [rule for rule, *_ in rows if not named[rule.strip("`")]]
    lines = ["## Which rule catches what", "", "From the run at `standard`.", ""]
    lines += _table(("rule", "mutants made to break it", "mutants it names", "of these, it alone"), rows)
    return [*lines, f"Rules that name no mutant: {', '.join(needless) or 'none'}.", ""]


def document(outcomes: Sequence[Outcome]) -> str:
    """Return docs/proof.md."""
    ceilings = "; ".join(f"`{effort}` {most[0]} requests, {most[1]} writes" for effort, most in CEILINGS.items())
    lines = [
        "<!-- Generated by `make proof`; never typed. -->",
        "",
        "# Proof that the suite can say no",
        "",
        f"{len(all_mutants())} mutants are servers that break one documented rule each: the suite must say drift and",
        f"name the rule. {len(variants())} variants are servers that answer otherwise where the documentation is open:",
        "the suite must not say drift. Both are made from the reference server, most of the mutants without sight of",
        f"the suite. Ceilings on a conforming server: {ceilings}.",
        "Retries after a suspicious answer come on top.",
        "",
        *_mutants(outcomes),
        *_variants(outcomes),
        *_matrix(outcomes),
        f"Inputs: `{digest()}`",
    ]
    return "\n".join(lines) + "\n"
