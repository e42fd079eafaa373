"""The scenarios of the mock API: every response that the API may give, and network faults that a client may meet."""

import difflib
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Literal, TypeAlias, get_args

from msgspec import structs

from trackly_contract.contract import Entry, contract, parts_of, read_data
from trackly_contract.core import JSON, data_root

Operation: TypeAlias = Literal["read", "update"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)

Connection: TypeAlias = Literal["whole", "timeout", "disconnected", "truncated"]
Fields: TypeAlias = dict[str, JSON]


class Scenario(Entry, frozen=True, eq=False):
    """One response to one operation, or one network fault.

    `based_on` is the id of a rule or of a question, "" for a network fault. A `status` of 0 is no response. `audience`
    are fields that the audience has before the request, as responses show them; `extra` fields that the response has
    in addition. `code` makes it an error. `body` and `headers` are those of a network fault: text, or JSON to encode.
    """

    name: str
    description: str
    status: int = 200
    based_on: str = ""
    code: str = ""
    audience: Fields = {}  # noqa: RUF012  # msgspec copies it, and the next ones
    extra: Fields = {}  # noqa: RUF012
    headers: dict[str, str] = {}  # noqa: RUF012
    body: str | Fields | None = None
    connection: Connection = "whole"
    operation: Operation = "read"

    @property
    def success(self) -> bool:
        """Whether it is a success: the audience, in some form."""
        return not self.code and self.body is None and self.connection == "whole"

    @property
    def short_name(self) -> str:
        """Its name without the operation."""
        return self.name.removeprefix(f"{self.operation}-")

    @property
    def names(self) -> set[str]:
        """Every name that it has: whole, without the operation, also without the status; its code, its status."""
        short = self.short_name
        return {self.name, short, short.removeprefix(f"{self.status}-"), self.code, str(self.status)} - {"", "0"}

    def shown(self, fields: Fields) -> Fields:
        """Return what the response shows in place of these fields, which may change."""
        return _CHANGES.get(self.short_name, dict)(fields) | self.extra


def _without_empty_groups(audience: Fields) -> Fields:
    for part in parts_of(audience["filter"]):
        if part.is_group and part.fields.get("groups") == []:
            del part.fields["groups"]
    return audience


def _with_extra_fields_in_the_filter(audience: Fields) -> Fields:
    condition = next((part.fields for part in parts_of(audience["filter"]) if part.path == "/conditions/0"), {})
    condition |= {"label": "Clicked", "position": 1}
    return audience


def _with_timestamps_that_end(ending: str, audience: Fields) -> Fields:
    stamps = ("cached_size_updated_at", "created_at")
    return audience | {name: f"{audience[name]}{ending}" for name in stamps if audience[name] is not None}


_CHANGES: dict[str, Callable[[Fields], Fields]] = {
    "200-groups-absent": _without_empty_groups,
    "200-time-zone": partial(_with_timestamps_that_end, "Z"),
    "200-time-fraction": partial(_with_timestamps_that_end, ".123456+00:00"),
    "200-extra-fields-in-filter": _with_extra_fields_in_the_filter,
    "200-reversed": lambda audience: dict(reversed(audience.items())),
}
"""What a success changes of the fields that it shows, where no value of contracts/scenarios.json can say it."""


def _of_operation(operation: Operation, listed: Scenario) -> Scenario:
    """Return a scenario as listed in contracts/scenarios.json: `based_on` `key` is `read.key` or `update.key`."""
    own = f"{operation}.{listed.based_on}"
    based_on = own if own in contract().rules else listed.based_on
    return structs.replace(listed, name=f"{operation}-{listed.name}", based_on=based_on, operation=operation)


def _documented_errors(operation: Operation) -> Iterator[Scenario]:
    for rule in contract().rules.values():
        # Only updates have bodies that can be rejected; each operation has rules of its own for the other errors.
        own = operation == "update" if rule.status == 400 else rule.id.startswith(f"{operation}.")
        if own and rule.status is not None and rule.code is not None:
            yield Scenario(f"{rule.status}-{rule.code}", rule.statement, rule.status, rule.id, rule.code)


@cache
def every_scenario() -> dict[str, Scenario]:
    """Return the possible responses, then the network faults, by name."""
    listed = read_data(data_root() / "contracts" / "scenarios.json", dict[str, list[Scenario]])
    found: list[Scenario] = []
    for operation in OPERATIONS:
        entries = [*listed["success"], *_documented_errors(operation), *listed["error"]]
        found += [_of_operation(operation, entry) for entry in entries]
    found += [_of_operation(operation, entry) for operation in OPERATIONS for entry in listed["network_fault"]]
    return {scenario.name: scenario for scenario in found}


def possible_responses() -> dict[str, Scenario]:
    """Return every response that the API may give to the two operations, by name, such as `read-200-null-cache`."""
    return {name: scenario for name, scenario in every_scenario().items() if scenario.based_on}


def network_faults() -> dict[str, Scenario]:
    """Return the network faults, by name, such as `update-timeout`."""
    return {name: scenario for name, scenario in every_scenario().items() if not scenario.based_on}


def scenarios_named(name: str, operation: Operation | None = None) -> list[Scenario]:
    """Return the scenarios with a name: for each operation, or for `operation` alone, the first that has it.

    Raises LookupError, with similar names, where there is none.
    """
    everything = every_scenario().values()
    found = [each for each in everything if name in each.names and operation in (None, each.operation)]
    if not found:
        known = {each for scenario in everything for each in scenario.names}
        near = ", ".join(difflib.get_close_matches(name, sorted(known))) or "read-200-null-cache, ..."
        raise LookupError(f"there is no scenario {name!r}; similar names: {near}. docs/gate.md lists them all")
    first = {scenario.operation: scenario for scenario in reversed(found)}
    return [first[each] for each in OPERATIONS if each in first]
