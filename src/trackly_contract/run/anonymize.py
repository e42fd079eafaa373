"""Stand-ins: what a recording keeps instead of somebody's audience, and of what differs each time.

Promises: equal values get equal stand-ins and different ones different ones, in requests and answers alike; a stand-in
has the type and the shape of what it stands for, times keep their order and zone; so a replay is judged like the run.
What the suite itself sends is never replaced.
Refuses: to hide what it cannot find without guessing (docs/adr/0007-what-a-recording-keeps.md).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from trackly_contract.contract import contract
from trackly_contract.core import JSON, NotJSONError, encode, parse, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

AUDIENCE = "a" * 24
"""The id under which every recording is played; it has the documented form."""

SHOWN = frozenset({"untouched", "rehearsal"})
"""Steps of the suite whose answers show the audience as somebody made it."""

OWN_CONTENT_STEPS = frozenset({"rehearsal", "restore-quick", "restore-standard", "restore-thorough"})
"""Steps of the suite that send the audience's own content back."""

LEAST_TELLING = 8
"""Characters of a text that is looked for inside others; what is shorter would be found by chance."""

FIRST_LIST = 1001
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
SIZE = 1000

_LISTS = frozenset({"source_lists", "listId", "list_id"})
_SIZES = frozenset({"cached_size", "size"})
_TEXTS = frozenset({"name", "description", "field", "value"})
_TOKENS = frozenset({"id", "audience_id", "code", "status", "operator", "unit", "conditionType", "condition_type"})
_PLAIN_TYPES = frozenset({"time", "count", "revenue"})
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?")


class Kept(NamedTuple):
    """What a recording would hold of one exchange: the case, the path from `/v2` on, and both bodies."""

    case: str
    path: str
    sent: bytes
    answered: bytes


def _parsed(body: bytes) -> JSON:
    try:
        return parse(body)
    except NotJSONError:
        return None


def _leaves(value: JSON, key: str = "") -> Iterator[tuple[str, JSON]]:
    """Yield every leaf with the key it stands under; an item of a list stands under the key of the list."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, name)
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, key)
    else:
        yield key, value


def _somebodys(value: JSON) -> Iterator[str]:
    """Yield the texts of an answer that somebody wrote: name, description, values and custom fields of the filter."""
    if isinstance(value, list):
        for entry in value:
            yield from _somebodys(entry)
    if not isinstance(value, dict):
        return
    wrote = ["name", "description"]
    kind = value.get("conditionType", value.get("condition_type", "time"))
    if kind not in _PLAIN_TYPES:
        wrote.append("value")
    if kind == "custom_field":
        wrote.append("field")
    for name in wrote:
        yield from (leaf for _, leaf in _leaves(value.get(name)) if isinstance(leaf, str) and leaf)
    for member in value.values():
        yield from _somebodys(member)


def _time_at(key: str, value: JSON) -> re.Match[str] | None:
    """Return the parts of a time under a key that holds one; what is no such time keeps its fault."""
    found = _TIME.fullmatch(value) if key.endswith(("_at", "At")) and isinstance(value, str) else None
    if found is not None:
        try:
            datetime.fromisoformat(found[1])
        except ValueError:
            return None
    return found


def _masked(text: str, number: int) -> str:
    """Return a text of the same shape: as many characters, as many bytes, blanks and punctuation where they were."""
    digits = [number % 26, number // 26 % 26]
    turn = count()

    def letter(match: re.Match[str]) -> str:
        digit = digits[next(turn) % 2] if number >= 26 else digits[0]
        width = len(match[0].encode("utf-8", "surrogatepass"))
        return chr({1: 0x61, 2: 0x3B1, 3: 0x3042, 4: 0x20000}[width] + (digit + 23 * (width == 1)) % 26)

    return re.sub(r"\w", letter, text)


class Anonymizer:
    """The stand-ins of one recording."""

    def __init__(self, audience_id: str, kept: Iterable[Kept]) -> None:
        """Read all that was recorded, in the order in which it was."""
        kept = list(kept)
        self.audience_id = audience_id
        told = [leaf for entry in kept for leaf in _leaves(_parsed(entry.answered))]
        times = {found[1] for key, leaf in told if (found := _time_at(key, leaf)) is not None}
        sizes = dict.fromkeys(leaf for key, leaf in told if key in _SIZES and type(leaf) is int and leaf > 0)
        lists = dict.fromkeys(leaf for key, leaf in told if key in _LISTS and type(leaf) is int)
        self._times = {
            time: f"{FIRST_TIME + timedelta(minutes=turn):%Y-%m-%dT%H:%M:%S}" for turn, time in enumerate(sorted(times))
        }
        self._sizes = {size: SIZE * turn for turn, size in enumerate(sizes, 1)}
        self._lists = self._for_lists([entry for entry in lists if entry not in _literal_lists()])
        self._texts = self._for_texts(kept)
        self._found_inside = [(own, new) for own, new in self._texts.items() if len(own) >= LEAST_TELLING]
        self._found_inside.sort(key=lambda pair: -len(pair[0]))

    @staticmethod
    def _for_lists(lists: list[int]) -> dict[int, int]:
        free = (number for number in count(FIRST_LIST) if number not in _literal_lists())
        return dict(zip(lists, free, strict=False))

    @staticmethod
    def _for_texts(kept: list[Kept]) -> dict[str, str]:
        own = dict.fromkeys(
            text for entry in kept if entry.case in SHOWN for text in _somebodys(_parsed(entry.answered))
        )
        others = [_parsed(entry.sent) for entry in kept if entry.case not in OWN_CONTENT_STEPS]
        ours = {leaf for body in others for _, leaf in _leaves(body) if isinstance(leaf, str)}
        taken = {*own, *ours}
        found: dict[str, str] = {}
        for text in own:
            free = (mask for number in range(26 * 26) if (mask := _masked(text, number)) not in taken)
            mask = next(free, text)
            if text not in ours:
                found[text] = mask
                taken.add(mask)
        return found

    def path(self, path: str) -> str:
        """Return a path with the audience's id replaced."""
        return "/".join(AUDIENCE if step == self.audience_id else step for step in path.split("/"))

    def sent(self, body: bytes) -> bytes:
        """Return the body of a request with everything replaced that has a stand-in."""
        return self._in(body, self._in_request)

    def answered(self, body: bytes) -> bytes:
        """Return the body of an answer with everything replaced that has a stand-in."""
        return self._in(body, self._in_answer)

    def _in(self, body: bytes, leaf: Callable[[str, JSON], JSON]) -> bytes:
        try:
            value = parse(body) if body else None
        except NotJSONError:
            return self._in_bytes(body)
        changed = _mapped(value, leaf)
        # An answer that needs no stand-in keeps its bytes: blanks and escapes too are what the API did.
        return body if same(value, changed) else encode(changed)

    def _in_request(self, key: str, leaf: JSON) -> JSON:
        if type(leaf) is int and key in _LISTS:
            return self._lists.get(leaf, leaf)
        return self._texts.get(leaf, leaf) if isinstance(leaf, str) and key in _TEXTS else leaf

    def _in_answer(self, key: str, leaf: JSON) -> JSON:
        if type(leaf) is int and key in _SIZES:
            return self._sizes.get(leaf, leaf)
        if not isinstance(leaf, str) or key in _TEXTS:
            return self._in_request(key, leaf)
        time = _time_at(key, leaf)
        if time is not None:
            fraction = re.sub("[0-9]", "0", time[2] or "")
            return f"{self._times[time[1]]}{fraction}{time[3] or ''}"
        if leaf == self.audience_id:
            return AUDIENCE
        if len(self.audience_id) >= LEAST_TELLING:
            leaf = leaf.replace(self.audience_id, AUDIENCE)
        for own, new in self._found_inside if key not in _TOKENS else ():
            leaf = leaf.replace(own, new)
        return leaf

    def _in_bytes(self, body: bytes) -> bytes:
        """Replace in what is no JSON: the id and longer texts, as they are and as JSON spells them."""
        known = [*self._found_inside]
        if len(self.audience_id) >= LEAST_TELLING:
            known.append((self.audience_id, AUDIENCE))
        for own, new in known:
            for one, other in zip(_spellings(own), _spellings(new), strict=True):
                body = body.replace(one, other)
        return body


def _spellings(text: str) -> list[bytes]:
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return [form.encode("utf-8", "surrogatepass") for form in forms]


def _mapped(value: JSON, leaf: Callable[[str, JSON], JSON], key: str = "") -> JSON:
    if isinstance(value, dict):
        return {name: _mapped(member, leaf, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_mapped(entry, leaf, key) for entry in value]
    return leaf(key, value)


def _literal_lists() -> frozenset[int]:
    """Return the ids of sending lists that the suite itself writes: those of the vectors."""
    bodies = [vector.body for vector in contract().requests.values() if isinstance(vector.body, dict)]
    lists = [body.get("source_lists") for body in bodies]
    return frozenset(entry for found in lists if isinstance(found, list) for entry in found if type(entry) is int)
