"""Takes the secrets of a recording out of its exchanges as they are read: keys, tokens and cookies of their headers.

Does not know secrets of later exchanges, nor those of other hosts.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache

from trackly_contract.contract import KINDS, contract
from trackly_contract.core import Exchange, redacted, redacted_message, secrets_in
from trackly_contract.judge.recorded.record import Item, Recorded, Unreadable
from trackly_contract.judge.requests import CONDITION_KEYS
from trackly_contract.judge.responses import FIELDS

MOST_KNOWN = 10
"""Secrets of earlier exchanges that are looked for; those of an exchange itself are in any case."""

LEAST_COOKIE = 12
"""Characters of a cookie's value that may be a secret."""

_COOKIE = re.compile(r"[^=;]+=([^;]+)")
_DATE_NUMBER_OR_ID = re.compile(r"[-\d\s:.,TZ+]*|[0-9a-f]{24}")


class Secrets:
    """The secrets of one recording, as far as it was read."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def taken_out(self, item: Item) -> Item:
        """Return a record without secrets: those of its own headers, and the last that records before it had."""
        if isinstance(item, Unreadable):
            return replace(item, reason=redacted(item.reason, *self._known))
        if not isinstance(item, Recorded):
            return item
        own = dict.fromkeys(_secrets(item.exchange))
        known = (*own, *(secret for secret in self._known if secret not in own))
        self._known = dict.fromkeys(known[: max(MOST_KNOWN, len(own))])
        request, response = item.exchange.request, item.exchange.response
        return replace(
            item,
            exchange=replace(
                item.exchange,
                request=redacted_message(request, *known),
                response=redacted_message(response, *known),
            ),
            address=redacted(item.address, *known),
            query=redacted(item.query, *known),
            missing=redacted(item.missing, *known),
        )


def _secrets(exchange: Exchange) -> Iterator[str]:
    yield from secrets_in(exchange.request.headers)
    for name, value in exchange.request.headers:
        if name.lower() == "cookie":
            yield from filter(_is_secret, _COOKIE.findall(value))
    for name, value in exchange.response.headers:
        if name.lower() == "set-cookie":
            yield from filter(_is_secret, _COOKIE.findall(value)[:1])  # Path, Domain and others follow


@lru_cache(maxsize=256)
def _is_secret(cookie: str) -> bool:
    """Whether the value of a cookie is none of those that a body may hold too: a date, an id, a documented word."""
    if len(cookie) < LEAST_COOKIE or _DATE_NUMBER_OR_ID.fullmatch(cookie):
        return False
    return redacted(_documented_words(), cookie) == _documented_words()


@cache
def _documented_words() -> str:
    tokens = (word for kind in KINDS for word in contract().vocabulary.words(kind))
    codes = (rule.code for rule in contract().rules.values() if rule.code)
    return ",".join([*FIELDS, *CONDITION_KEYS, *tokens, *codes])
