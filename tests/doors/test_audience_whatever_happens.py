"""Whatever happens, the audience is as it was, or as somebody else left it, or the run says loudly that it is not.

Hypothesis makes up what happens to runs and restores, each a process that asks over real sockets: edits by others,
network faults, updates that arrive late, replicas that lag, a disk that fails, and kills. A model of a few lines says
what may stand in the end.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.integrity.mutants import mutants
from tests.support.happening import FAULTS, Event, Happening, Model
from tests.support.processes import Ran
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, CONTENT
from trackly_contract.reference import AUDIENCE_ID

EDITS: dict[str, list[Any]] = {
    "name": ["Spring campaign", "Autumn campaign"],
    "description": ["Everybody who clicked in spring", "In autumn"],
    "source_lists": [[102]],
    "filter": [
        {"operator": "AND", "conditions": [{**SEVEN, "value": value}], "groups": []}
        for SEVEN in [{"conditionType": "count", "field": "click_count", "operator": "gte"}]
        for value in (7, 8)
    ],
}
"""What somebody else makes of each field: values that the suite never sends."""

UNCOUNTED = {"cached_size": None, "cached_size_updated_at": None}
ALARMS = ("LOOK AT THE AUDIENCE", "THE AUDIENCE IS NOT AS IT WAS", "the backup", "not put back")
IN_VAIN = "cannot be removed"
"""What is said where a backup is kept: that somebody must look, or that the disk does not let it go."""

KILLED = -9


MUTANTS = {mutant.id: mutant for mutant in mutants()}
DRIFTING = (
    "update not stored",
    "description emptied when not sent",
    "source_lists emptied when not sent",
    "refused update half applied",
    "nested groups lost",
    "cache kept when the filter changes",
)
MOST = 3
"""Processes of one example, and what a person does in the end."""

EDITED = st.fixed_dictionaries({}, optional={n: st.sampled_from(v) for n, v in EDITS.items()}).filter(bool)


def events(last: int) -> st.SearchStrategy[list[Event]]:
    """Draw what happens to a process that sends about so many requests."""
    at = st.integers(1, last)
    few = st.sampled_from([1, 2, 6, 9])
    once = st.builds(Event, at, st.sampled_from(["archived", "deleted", "frozen", "killed", "killed before"]))
    one = (
        st.builds(Event, at, st.just("edited"), EDITED)
        | st.builds(Event, at, st.sampled_from([*FAULTS]), times=few)
        | st.builds(Event, at, st.just("late"), times=st.sampled_from([99, 20, 3]))
        | st.builds(Event, at, st.sampled_from(["another", "lags"]), times=st.integers(1, 2))
        | once
    )
    return st.lists(one, min_size=1, max_size=3)


class Whatever(RuleBasedStateMachine):
    """Runs and restores of one audience, and what happens meanwhile; the server may drift as well."""

    stand: ClassVar[Stand]

    def __init__(self) -> None:
        super().__init__()
        self.stand.fresh()
        self.model = Model(self.stand.content)
        self.happening = Happening(self.stand, self.model, self.edit)
        self.drifts = False
        self.ran = 0

    @property
    def there(self) -> bool:
        """Whether the audience exists."""
        return AUDIENCE_ID in self.stand.server.store.audiences

    def edit(self, fields: dict[str, Any]) -> None:
        """Let somebody else edit the audience; what was before there is a backup is what it was."""
        if self.there:
            self.stand.server.store.audiences[AUDIENCE_ID] |= fields | (UNCOUNTED if "filter" in fields else {})
            for name in fields.keys() & {*CONTENT}:
                if self.stand.journal.holds():
                    self.model.edit(name, fields[name])
                else:
                    self.model.base[name] = fields[name]

    def work(self, happens: list[Event], command: Callable[..., Ran], *choice: str) -> Ran:
        """Run or restore, and compare what is left with the model."""
        self.ran += 1
        self.happening.begin(happens)
        ran = command(*choice)
        self.happening.end()
        kept = self.stand.journal.holds()
        found = f"{ran.code}, backup kept: {kept}\n{self.stand.server.store.audiences}\n{self.model}\n{ran.text}"
        assert ran.code in self._codes(happens), found
        assert "Traceback" not in ran.text, found
        put_back = not kept or IN_VAIN in ran.text
        if not put_back and ran.code != KILLED:
            assert ran.code != 0, found
            assert any(text in ran.text for text in ALARMS), found
        if self.there and put_back:
            content = self.stand.content
            assert self.model.allows(content), found
            if not choice and not self.drifts:
                assert all(content[name] == self.model.base[name] for name in self.model.seen), found
        if not kept and self.there:
            self.model.renew(self.stand.content)
        return ran

    def _codes(self, happens: list[Event]) -> set[int]:
        killed = any(event.what.startswith("killed") for event in happens)
        # What stays three times, though reading goes well, is how an API answers.
        stays = sum(event.what in ("lags", "another", *FAULTS) for event in happens) > 1
        return {0, 10} | ({KILLED} if killed else set()) | ({1} if stays or self.drifts else set())

    @initialize(mutant=st.just("") | st.just("") | st.sampled_from(DRIFTING))
    def begin(self, mutant: str) -> None:
        if mutant:
            self.stand.server = MUTANTS[mutant].make()
            self.drifts = self.model.blind = True

    @precondition(lambda self: self.ran < MOST)
    @rule(happens=events(58))
    def run(self, happens: list[Event]) -> None:
        self.work(happens, self.stand.run)

    @precondition(lambda self: 0 < self.ran < MOST and self.stand.journal.holds())
    @rule(choice=st.sampled_from(["", "--theirs", "--ours"]), happens=events(9))
    def restore(self, choice: str, happens: list[Event]) -> None:
        base = {**self.model.base}
        if choice == "--ours":
            self.model.give_up()
        ran = self.work(happens, self.stand.restore, *filter(None, [choice]))
        if choice == "--ours" and ran.code == 0 and not happens:
            assert self.stand.content == base, ran.text

    @precondition(lambda self: 0 < self.ran < MOST)
    @rule(fields=EDITED)
    def somebody_edits(self, fields: dict[str, Any]) -> None:
        self.edit(fields)

    def teardown(self) -> None:
        """Let a person do what the last run said."""
        if self.stand.journal.holds() and self.work([], self.stand.restore).code != 0 and self.there:
            assert self.drifts or self.model.allows(self.stand.content), (self.stand.content, self.model)
            assert self.drifts or self.work([], self.stand.restore, "--theirs").code == 0


few = settings(
    max_examples=14,
    stateful_step_count=4,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.generate, Phase.shrink],
)


def made(stand: Stand) -> type[Whatever]:
    return type("Whatever", (Whatever,), {"stand": stand})


def test_whatever_happens_the_audience_is_not_lost(stand: Stand) -> None:
    run_state_machine_as_test(made(stand), settings=few)


FILTER = {"filter": EDITS["filter"][0]}
NAME = {"name": "Spring campaign"}
FOUND = {
    "deleted, and another run": [[Event(24, "deleted")], []],
    "edited while it is found out whose an edit was": [[Event(23, "edited", NAME), Event(27, "edited", FILTER)]],
    "a filter edited, which clears the cache": [[Event(16, "edited", FILTER)]],
    "a filter edited after the size was counted": [[Event(21, "edited", FILTER)]],
    "the same filter saved again": [[Event(20, "edited", {"filter": AS_IT_WAS["filter"]})]],
    "another shown once after an edit": [[Event(10, "edited", NAME), Event(12, "another")]],
    "an update arrives between another and its look": [[Event(20, "late", times=10)]],
    "an update arrives while it is found out whose an edit was": [
        [Event(19, "late", times=60), Event(41, "edited", NAME)]
    ],
    "a filter arrives after the size was counted": [[Event(22, "late", times=10)]],
}
"""What happened to runs, one after the other, in sequences that once lost something, or were called drift."""


@pytest.mark.parametrize("runs", FOUND.values(), ids=FOUND)
def test_what_was_found_once_stays_mended(stand: Stand, runs: list[list[Event]]) -> None:
    whatever = made(stand)()
    for happens in runs:
        whatever.run(happens)
    whatever.teardown()
