"""Facts about the secrets of a recording: none is in what is read, and what is no secret stays as it was recorded."""

import hashlib
from typing import Any

import pytest

from tests.support.recordings import ADDRESS, PATH, asked, broken, get, har, har_entry, line, lines, put, read, watched
from trackly_contract.core import Exchange, Headers, Request, Response, encode
from trackly_contract.judge.recorded.record import Recorded, Unreadable
from trackly_contract.judge.recorded.secrets import MOST_KNOWN

SECRET = hashlib.sha256(b"a secret").hexdigest()[:28]
AUDIENCE: dict[str, Any] = asked(get())[0].response.json.fields
ID = PATH.rpartition("/")[2]


def exchange(sent: Headers = (), received: Headers = (), echo: str = SECRET, path: str = PATH) -> Exchange:
    """A read whose response shows a text in its name, and in a header."""
    body = encode({**AUDIENCE, "name": f"a {echo} z"})
    return Exchange(Request("GET", path, sent), Response(200, (*received, ("X-Echo", echo)), body))


def found(*exchanges: Exchange) -> list[Exchange]:
    """What is read of exchanges, as JSON lines and as a HAR."""
    in_lines, in_har = read(lines(map(line, exchanges))), read(har(map(har_entry, exchanges)))
    assert [item.exchange for item in in_lines if isinstance(item, Recorded)] == [
        item.exchange for item in in_har if isinstance(item, Recorded)
    ]
    return [item.exchange for item in in_lines if isinstance(item, Recorded)]


SENT = [
    ("X-Api-Key", SECRET),
    ("x-api-key", SECRET),
    ("Authorization", f"Bearer {SECRET}"),
    ("Authorization", SECRET),
    ("X-Auth-Token", SECRET),
    ("Cookie", f"theme=dark; session={SECRET}; a=b"),
]


@pytest.mark.parametrize("header", SENT)
def test_what_a_request_carries_is_in_nothing_that_is_read(header: tuple[str, str]) -> None:
    (one,) = found(exchange((header,)))
    assert one.response.json.fields["name"] == "a [key] z"
    assert one.response.header("X-Echo") == "[key]"
    assert one.response.redacted
    assert SECRET not in repr((one.request, one.response))


def test_what_a_response_sets_as_a_cookie_is_a_secret_and_its_path_is_none() -> None:
    (one,) = found(exchange((), (("Set-Cookie", f"session={SECRET}; Domain=app.tracklysms.com; HttpOnly"),)))
    assert one.response.json.fields["name"] == "a [key] z"
    assert one.response.header("Set-Cookie") == "session=[key]; Domain=app.tracklysms.com; HttpOnly"


def test_a_secret_of_one_exchange_is_none_of_a_later_one() -> None:
    _, later = found(exchange((SENT[0],), echo="b"), exchange(echo=SECRET))
    assert later.response.json.fields["name"] == "a [key] z"


def test_of_very_many_secrets_the_last_and_its_own_are_looked_for() -> None:
    secrets = [hashlib.sha256(bytes([number])).hexdigest() for number in range(3 * MOST_KNOWN)]
    exchanges = [exchange((("X-Api-Key", secret),), echo=secret) for secret in secrets]
    for one in found(*exchanges, exchange(echo=secrets[-MOST_KNOWN + 1])):
        assert "[key]" in one.response.json.fields["name"]


def test_a_request_shows_its_key_neither_in_its_path_nor_in_its_body_nor_behind_it() -> None:
    request = Request("PUT", f"/v2/audiences/{SECRET}", (SENT[0],), encode({"name": SECRET}))
    given = line(Exchange(request, Response(400, (), b"{}")))
    (item,) = read(lines([{**given, "url": f"https://{SECRET}.invalid/api{request.path}?{SECRET}=1"}]))
    assert isinstance(item, Recorded)
    assert (item.exchange.request.path, item.exchange.request.body) == ("/v2/audiences/[key]", b'{"name":"[key]"}')
    assert (item.address, item.query) == ("https://[key].invalid/api", "[key]=1")


def test_why_a_record_cannot_be_judged_shows_no_secret() -> None:
    content = {"encoding": "base64", "text": "H4sI"}
    response = {"status": 200, "headers": [{"name": "content-encoding", "value": "gzip"}], "content": content}
    entry = har_entry(exchange((SENT[0],)), response=response, _error=f"no route to {SECRET}")
    (item,) = read(har([{**entry, "response": {**response, "_error": f"no route for {SECRET}"}}]))
    assert isinstance(item, Recorded)
    assert "no route for [key]" in item.missing
    _, broken_off = read(lines([line(exchange((SENT[0],))), f'{{"{SECRET}": 1, "{SECRET}": 2}}\n'.encode()]))
    assert isinstance(broken_off, Unreadable)
    assert "[key]" in broken_off.reason


NO_SECRETS = [
    "dark-mode",
    "2026-11-30T10:15:00.000Z",
    "1764460800123",
    ID,
    "created_at",
    "cached_size_updated_at:desc",
    "condition_type",
    "invalid_time_unit",
]


@pytest.mark.parametrize("value", NO_SECRETS)
def test_a_cookie_that_is_no_secret_is_left_in_bodies(value: str) -> None:
    given = exchange((("Cookie", f"a={value}"),), echo=value)
    (one,) = found(given)
    assert one.response == given.response


def test_cookies_that_hold_words_of_the_documentation_break_no_rule() -> None:
    cookies = ("Cookie", "; ".join(f"c{number}={value}" for number, value in enumerate(NO_SECRETS)))
    exchanges = [
        Exchange(
            Request(each.request.method, each.request.path, (*each.request.headers, cookies), each.request.body), r
        )
        for each in asked(get(), put({"name": "Clickers"}), get())
        for r in [each.response]
    ]
    traffic = watched(read(lines(map(line, exchanges))))
    assert (traffic.judged, broken(traffic), list(traffic.addresses)) == (3, set(), [ADDRESS])
