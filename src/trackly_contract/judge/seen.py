"""What a run or a recording saw, as a report needs to know it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trackly_contract.contract import Observation, Rule, Trial
from trackly_contract.core import Exchange
from trackly_contract.judge.baseline import Baseline
from trackly_contract.judge.findings import Finding


@dataclass(frozen=True)
class Source:
    """Where responses came from.

    `name` is `reference`, `replay`, `live` or `traffic`; `evidence` says what the responses are worth; `audience_id`
    and `key`, which must not show, are empty for recorded traffic.
    """

    name: str
    base_url: str
    evidence: str
    audience_id: str = ""
    key: str = field(default="", repr=False)


@dataclass
class Seen:
    """A run of the suite, or recorded traffic; `stamped`: a response bears the stamp of the reference server."""

    target: Source
    stamped: bool
    requests: int
    writes: int
    findings: list[Finding]
    exchanges: list[Exchange]
    notes: list[str]
    effort: str = "recorded"
    read_only: bool = False
    vocabulary: list[Trial] = field(default_factory=list)
    answers: list[Observation] = field(default_factory=list)


class LiveRecording(Protocol):
    """The last live recording beside a run (run/live_history.py)."""

    def before(self, finding: Finding) -> Baseline:
        """Return what it says of a difference."""

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day."""

    def moves(self, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[list[Finding], list[str]]:
        """Return what changed since the recording though a rule held, as noted findings; and notes."""
