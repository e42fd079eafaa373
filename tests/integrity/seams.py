"""Reference servers that differ from it at one seam, by a function: what mutants and variants are made of.

Does not touch the reference server itself: it has no hooks for this.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from trackly_contract.contract import contract
from trackly_contract.core import JSON, Request, Response, encode, parse
from trackly_contract.reference import ReferenceServer
from trackly_contract.reference.filter import Fault

Body: TypeAlias = dict[str, JSON]
Edit: TypeAlias = Callable[[Body], Any]
Change: TypeAlias = Callable[[Request, Response], Response]

Step: TypeAlias = Callable[[Body, Body, Body], Body]
"""Makes what is stored from the audience before, the audience as it should be, and what was sent."""


Made: TypeAlias = tuple[str, Callable[[], ReferenceServer]]
"""The rules that a server breaks, with blanks between them, and what makes a fresh one."""

CODES = {str(rule.code): rule.id for rule in contract().rules.values() if rule.status == 400}
"""The rule of each code of a rejected body."""


# Requests ----------------------------------------------------------------------------------------------


def finding(change: Callable[[Body, list[Fault]], Iterable[Fault]]) -> type[ReferenceServer]:
    """Find other faults in a body than there are."""

    class Finding(ReferenceServer):
        def faults(self, body: Body) -> Iterator[Fault]:
            return iter(change(body, list(super().faults(body))))

    return Finding


def storing(change: Step) -> type[ReferenceServer]:
    """Store something else than what was sent."""

    class Storing(ReferenceServer):
        def apply(self, audience: Body, body: Body) -> Body:
            return change(audience, super().apply(audience, body), body)

    return Storing


def storing_field(name: str, change: Callable[[Any], Any]) -> type[ReferenceServer]:
    """Store what `change` makes of one field that was sent."""
    return storing(lambda _, after, sent: after | {name: change(after[name])} if name in sent else after)


def taking_keys(methods: str, good: Callable[[Any], bool]) -> type[ReferenceServer]:
    """Accept other keys too, for these methods; `good` gets None where there is no key."""

    class Taking(ReferenceServer):
        def authorise(self, request: Request) -> Response | None:
            taken = request.method in methods.split() and good(request.header("X-Api-Key"))
            return None if taken else super().authorise(request)

    return Taking


# Responses ---------------------------------------------------------------------------------------------


def behind(change: Change, methods: str = "GET PUT") -> type[ReferenceServer]:
    """Let the responses to these methods pass through `change`."""

    class Behind(ReferenceServer):
        def answer(self, request: Request) -> Response:
            response = super().answer(request)
            return change(request, response) if request.method in methods.split() else response

    return Behind


def changing_errors(change: Callable[[Response, Body], Response], *statuses: int) -> Change:
    """Change errors, of the given statuses only if there are any; `change` gets the body read too."""

    def changed(_: Request, response: Response) -> Response:
        wanted = response.status in statuses if statuses else not response.succeeded
        return change(response, parse(response.body)) if wanted else response

    return changed


def errors(change: Edit, *statuses: int, status: int | None = None, methods: str = "GET PUT") -> type[ReferenceServer]:
    """Change the body of errors, and perhaps their status."""

    def changed(response: Response, body: Body) -> Response:
        return replace(response, status=status or response.status, body=encode(change(body)))

    return behind(changing_errors(changed, *statuses), methods)


def audiences(change: Edit, methods: str = "GET PUT") -> type[ReferenceServer]:
    """Change audiences in responses; the response to counting stays as it is."""

    def changed(request: Request, response: Response) -> Response:
        counted = request.path.endswith("/size")
        known = response.succeeded and not counted
        return replace(response, body=encode(change(parse(response.body)))) if known else response

    return behind(changed, methods)


def with_status(status: int, method: str) -> type[ReferenceServer]:
    """Answer one method with another success status; the response to counting stays as it is."""

    def changed(request: Request, response: Response) -> Response:
        known = response.succeeded and not request.path.endswith("/size")
        return replace(response, status=status) if known else response

    return behind(changed, method)


def each_time(change: Callable[[Body, int], Body]) -> type[ReferenceServer]:
    """Print an audience otherwise each time; `change` gets the number of the time too, from 1."""

    class EachTime(ReferenceServer):
        times = 0

        def render(self, audience: Body) -> Body:
            self.times += 1
            return change(super().render(audience), self.times)

    return EachTime


# Edits -------------------------------------------------------------------------------------------------


def field(name: str, change: Callable[[Any], Any]) -> Edit:
    """Change one field."""
    return lambda found: {**found, name: change(found[name])}


def without(*keys: str) -> Edit:
    return lambda found: {key: value for key, value in found.items() if key not in keys}


def in_groups(change: Callable[[Body, int], Body]) -> Edit:
    """Change every group of a filter, the innermost first; `change` gets the depth too, 1 at the top."""

    def walk(group: Body, depth: int) -> Body:
        nested = {"groups": [walk(entry, depth + 1) for entry in group["groups"]]} if "groups" in group else {}
        return change({**group, **nested}, depth)

    return lambda definition: walk(definition, 1)


def in_order(change: Callable[[list[Body]], Any]) -> Edit:
    """Change the list of conditions of every group."""
    return in_groups(lambda g, _: {**g, "conditions": change(g["conditions"])} if "conditions" in g else g)


def in_conditions(change: Edit) -> Edit:
    return in_order(lambda conditions: [change(condition) for condition in conditions])


def in_filter(change: Edit) -> Edit:
    """Change every condition of the filter in a body or an audience."""
    return field("filter", in_conditions(change))


def throughout(objects: Edit = dict, others: Callable[[JSON], JSON] = lambda value: value) -> Callable[[JSON], JSON]:
    """Change all objects within, the innermost first, and all that is neither object nor array."""

    def walk(value: JSON) -> JSON:
        if isinstance(value, dict):
            return objects({key: walk(member) for key, member in value.items()})
        return [walk(entry) for entry in value] if isinstance(value, list) else others(value)

    return walk


def camel(key: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), key)


# Spots: places where something goes wrong ----------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """A place in a body: the groups from the top down to it, and the condition or list id, if it is in one.

    `nth` counts the group among its siblings, `index` the condition among its; -1 for the group itself.
    """

    body: Body
    path: tuple[Body, ...] = ()
    nth: int = 0
    index: int = -1
    condition: Body | None = None
    place: str = ""

    @property
    def depth(self) -> int:
        return len(self.path)

    @property
    def group(self) -> Body:
        return self.path[-1] if self.path else {}

    @property
    def nested(self) -> list[Body]:
        return self.group.get("groups") or []

    @property
    def count(self) -> int:
        return len(self.group.get("conditions") or [])

    @property
    def with_number(self) -> bool:
        return type((self.condition or {}).get("value")) is int

    @property
    def siblings(self) -> int:
        return len(self.path[-2].get("groups") or []) if self.depth > 1 else 0

    def has(self, **members: JSON) -> bool:
        """Whether the condition has these keys with these values."""
        return all((self.condition or {}).get(key) == value for key, value in members.items())

    def under(self, operator: str) -> bool:
        return self.group.get("operator") == operator


Where: TypeAlias = Callable[[Spot], bool]


def spot_at(body: Body, place: str) -> Spot:
    first, *rest = place.split("/")[1:]
    if first != "filter":
        return Spot(body, index=int(rest[0]) if rest else -1, place=place)
    path, nth = [body["filter"]], 0
    while rest[:1] == ["groups"] and len(rest) > 1:
        nth = int(rest[1])
        path.append(path[-1]["groups"][nth])
        rest = rest[2:]
    if rest[:1] == ["conditions"] and len(rest) > 1:
        index = int(rest[1])
        return Spot(body, tuple(path), nth, index, path[-1]["conditions"][index], place)
    return Spot(body, tuple(path), nth, place=place)


def spots(body: Body) -> Iterator[Spot]:
    """Yield the body, then every group and every condition of its accepted filter."""
    yield Spot(body)
    waiting: list[tuple[tuple[Body, ...], int]] = [((body["filter"],), 0)] if "filter" in body else []
    while waiting:
        path, nth = waiting.pop()
        yield Spot(body, path, nth)
        for index, condition in enumerate(path[-1].get("conditions") or []):
            yield Spot(body, path, nth, index, condition)
        waiting += [((*path, group), index) for index, group in enumerate(path[-1].get("groups") or [])]


def blind(code: str, where: Where = lambda _: True) -> type[ReferenceServer]:
    """Accept a fault where it stands at such a spot."""
    return finding(lambda body, found: [f for f in found if f.code != code or not where(spot_at(body, f.path))])


def rejecting(code: str, where: Where) -> type[ReferenceServer]:
    """Reject what is right where there is such a spot in it."""
    return finding(lambda body, found: found or [Fault(code, "/filter") for _ in filter(where, spots(body))][:1])
