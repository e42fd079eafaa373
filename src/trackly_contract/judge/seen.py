"""What a run or a recording saw, as a report needs to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trackly_contract.contract import Observation, Rule, Trial
    from trackly_contract.core import Exchange, Finding
    from trackly_contract.judge.baseline import Baseline


class Place(Protocol):
    """Where responses came from."""

    @property
    def name(self) -> str:
        """`reference`, `replay`, `live` or `traffic`."""

    @property
    def evidence(self) -> str:
        """What the responses are worth, in words."""

    @property
    def base_url(self) -> str:
        """The base URL, or in words what stands for it."""

    @property
    def audience_id(self) -> str:
        """The id of the audience of the run, "" for a recording."""

    @property
    def key(self) -> str:
        """The key that must not show."""


class Seen(Protocol):
    """A run of the suite, or recorded traffic."""

    @property
    def target(self) -> Place:
        """Where the responses came from."""

    @property
    def effort(self) -> str:
        """How much was asked."""

    @property
    def read_only(self) -> bool:
        """Whether only GET of the audience was sent."""

    @property
    def stamped(self) -> bool:
        """Whether a response bears the stamp of the reference server."""

    @property
    def requests(self) -> int:
        """How many requests were sent."""

    @property
    def writes(self) -> int:
        """How many updates were accepted."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Everything that was found, in order."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The exchanges, in order."""

    @property
    def notes(self) -> Sequence[str]:
        """What people should know of the run."""

    @property
    def vocabulary(self) -> Sequence[Trial]:
        """Which tokens were tried."""

    @property
    def answers(self) -> Sequence[Observation]:
        """What came of the open questions."""


class LiveRecording(Protocol):
    """The last live recording beside a run."""

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference."""

    def recorded(self, exchange: Exchange | None) -> tuple[Exchange, str] | None:
        """Return what a live API answered when the same was asked, and the day."""

    def reread(self, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[list[Finding], list[str]]:
        """Return the findings, those noted that held while something moved; and notes."""
