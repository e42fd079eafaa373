"""All mutants together, and what is known of them besides: who is right too in naming one.

Promises: ids are unique; a mutant that breaks nothing documented is not among them.
Refuses: to make mutants of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.integrity import mutants_servers as servers
from tests.integrity.mutants import Mutant, mutants
from tests.integrity.mutants_needles import needles
from tests.integrity.mutants_state import CACHED, accessed, databases, over_time

if TYPE_CHECKING:
    from collections.abc import Iterator


def new_mutants() -> Iterator[Mutant]:
    """Yield the mutants beyond those of the module mutants."""
    yield from needles()
    families = {
        "needle": over_time(),
        "rewrite": servers.rewritten(),
        "serializer": servers.serialized(),
        "framework": servers.framed(),
        "gateway": servers.gated(),
        "database": databases(),
        "cache": CACHED,
        "access": accessed(),
    }
    for family, found in families.items():
        for name, (rules, make) in found.items():
            yield Mutant(name, rules, make, family)


OPEN = frozenset({"GET wrapped in a list"})
"""No JSON object in answer to GET fails the control too, so that inconclusive is what has to be said of it."""

RIGHT_TOO = {
    # A part that is refused in nested groups alone is a nested group that is refused.
    "time conditions in a third place refused": "filter.nested",
    "send_count in nested groups refused": "filter.nested",
    "OR in nested groups refused": "filter.nested",
    "AND within OR refused": "filter.nested",
    # The audience's own content is refused, so nothing further can be asked.
    "time value of whole numbers refused": "update.success",
    "count without unit refused": "update.success",
    "keys in capitals": "read.success",
    "cached_size -1 after a filter": "audience.cached_size",
    "second GET after an update stale": "update.partial",
}
"""Rules that name a mutant as well as those its author thought of."""


def all_mutants() -> list[Mutant]:
    """Return every mutant, ids unique."""
    found = [*mutants(), *(mutant for mutant in new_mutants() if mutant.id not in OPEN)]
    assert len({mutant.id for mutant in found}) == len(found)
    return [replace(m, rules=(*m.rules, RIGHT_TOO[m.id])) if m.id in RIGHT_TOO else m for m in found]
