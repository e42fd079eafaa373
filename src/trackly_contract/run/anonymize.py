"""Anonymizing: what a recording holds instead of somebody's audience (docs/adr/0007-what-a-recording-keeps.md).

Equal values are replaced alike and different ones differently, by values of the same type and shape, so a replay is
judged like the run. Does not replace what the suite itself sends.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from trackly_contract.contract import contract
from trackly_contract.core import ABSENT, JSON, Exchange, Request, Response, encode, same

AUDIENCE = "a" * 24
"""The id under which every recording is played; it has the documented form."""

SHOWN = frozenset({"untouched", "rehearsal"})
"""Steps of the suite whose responses show the audience as somebody made it."""

SENT_BACK = ("rehearsal", "restore-")
"""How steps of the suite begin that send the audience's own content back."""

SHORTEST = 8
"""Characters of a text that is looked for inside others; a shorter one would be found by chance."""

_LISTS = frozenset({"source_lists", "listId", "list_id"})
_SIZES = frozenset({"cached_size", "size"})
_TEXTS = frozenset({"name", "description", "field", "value"})
_TOKENS = frozenset({"id", "audience_id", "code", "status", "operator", "unit", "conditionType", "condition_type"})
_PLAIN_TYPES = ("time", "count", "revenue")  # compared, for a server may give what has no hash
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?")


class Anonymizer:
    """Replaces values in the requests and responses of one recording."""

    def __init__(self, audience_id: str, exchanges: Iterable[tuple[str, Exchange]]) -> None:
        """Learn from all that was recorded, in order: the case and the exchange."""
        self.audience_id = audience_id
        bodies = [(case, e.request.json.strict, e.response.json.strict) for case, e in exchanges]
        leaves = [leaf for _, _, received in bodies for leaf in _leaves(received)]
        times = sorted({found[1] for key, leaf in leaves if (found := _time_at(key, leaf)) is not None})
        sizes = dict.fromkeys(leaf for key, leaf in leaves if key in _SIZES and type(leaf) is int and leaf > 0)
        lists = dict.fromkeys(leaf for key, leaf in leaves if key in _LISTS and type(leaf) is int)
        requests = [vector.body for vector in contract().requests.values()]
        printed = {leaf for body in requests for key, leaf in _leaves(body) if key in _LISTS and type(leaf) is int}
        free = (number for number in count(1001) if number not in printed)
        first = datetime(2000, 1, 1, tzinfo=UTC)
        self._times = {time: (first + timedelta(minutes=turn)).isoformat()[:19] for turn, time in enumerate(times)}
        self._sizes = {size: 1000 * turn for turn, size in enumerate(sizes, 1)}
        self._lists = dict(zip((entry for entry in lists if entry not in printed), free, strict=False))
        self._texts: dict[str, str] = {}
        own = dict.fromkeys(text for case, _, received in bodies if case in SHOWN for text in _written(received))
        others = {leaf for case, sent, _ in bodies if not case.startswith(SENT_BACK) for _, leaf in _leaves(sent)}
        taken = {*own, *others}
        for text in own:
            if text not in others:
                masks = (_masked(text, number) for number in range(26 * 26))
                self._texts[text] = next((mask for mask in masks if mask not in taken), text)
                taken.add(self._texts[text])
        known = {**self._texts, audience_id: AUDIENCE}
        self._inside = sorted(((t, m) for t, m in known.items() if len(t) >= SHORTEST), key=lambda pair: -len(pair[0]))

    def path(self, path: str) -> str:
        """Return a path with the audience's id replaced."""
        return "/".join(AUDIENCE if step == self.audience_id else step for step in path.split("/"))

    def body(self, message: Request | Response) -> bytes:
        """Return the body of a request or a response, anonymized."""
        value, body = message.json.strict, message.body
        if value is not ABSENT:
            changed = _mapped(value, self._leaf)
            # A body in which nothing is replaced keeps its bytes: blanks and escapes too are what the API did.
            return body if same(value, changed) else encode(changed)
        for text, mask in self._inside:
            for spelling, other in zip(_spellings(text), _spellings(mask), strict=True):
                body = body.replace(spelling, other)
        return body

    def _leaf(self, key: str, leaf: JSON) -> JSON:
        if type(leaf) is int:
            known = self._lists if key in _LISTS else self._sizes if key in _SIZES else {}
            return known.get(leaf, leaf)
        if not isinstance(leaf, str):
            return leaf
        if key in _TEXTS:
            return self._texts.get(leaf, leaf)
        time = _time_at(key, leaf)
        if time is not None and time[1] in self._times:
            zeros = re.sub("[0-9]", "0", time[2] or "")
            return f"{self._times[time[1]]}{zeros}{time[3] or ''}"
        if leaf == self.audience_id:
            return AUDIENCE
        for text, mask in self._inside:
            if key not in _TOKENS or text == self.audience_id:
                leaf = leaf.replace(text, mask)
        return leaf


def _leaves(value: JSON) -> list[tuple[str, JSON]]:
    """Return every leaf with the key it stands under; an item of a list stands under the key of the list."""
    found: list[tuple[str, JSON]] = []
    _mapped(value, lambda key, leaf: found.append((key, leaf)))
    return found


def _mapped(value: JSON, leaf: Callable[[str, JSON], JSON], key: str = "") -> JSON:
    if isinstance(value, dict):
        return {name: _mapped(member, leaf, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_mapped(entry, leaf, key) for entry in value]
    return leaf(key, value)


def _written(value: JSON) -> Iterator[str]:
    """Yield the texts of a response that somebody wrote: name, description, values and custom fields of the filter."""
    for entry in value if isinstance(value, list) else ():
        yield from _written(entry)
    if isinstance(value, dict):
        kind = value.get("conditionType", value.get("condition_type", "time"))
        own = {"name": True, "description": True, "value": kind not in _PLAIN_TYPES, "field": kind == "custom_field"}
        for name, member in value.items():
            if own.get(name):
                yield from (leaf for _, leaf in _leaves(member) if isinstance(leaf, str) and leaf)
            yield from _written(member)


def _time_at(key: str, value: JSON) -> re.Match[str] | None:
    """Return the parts of a time under a key that holds one; what is no time stays as it is."""
    if key.endswith(("_at", "At")) and isinstance(value, str) and (found := _TIME.fullmatch(value)):
        with suppress(ValueError):
            datetime.fromisoformat(found[1])
            return found
    return None


def _masked(text: str, number: int) -> str:
    """Return a text of the same shape: as many characters, as many bytes, blanks and punctuation where they were."""
    digits = [number % 26, number // 26 % 26]
    turn = count()

    def letter(match: re.Match[str]) -> str:
        digit = digits[next(turn) % 2] if number >= 26 else digits[0]
        width = len(match[0].encode("utf-8", "surrogatepass"))
        return chr({1: 0x61, 2: 0x3B1, 3: 0x3042, 4: 0x20000}[width] + (digit + 23 * (width == 1)) % 26)

    return re.sub(r"\w", letter, text)


def _spellings(text: str) -> list[bytes]:
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return [form.encode("utf-8", "surrogatepass") for form in forms]
