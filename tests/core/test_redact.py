"""Facts about taking secrets out: no decoder finds a piece again, and ordinary texts stay as they are."""

import base64
import hashlib
import html
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from html.entities import codepoint2name
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.drawing import smallest, some
from trackly_contract.contract import UPDATE_FIELDS
from trackly_contract.core import (
    InconclusiveError,
    Request,
    Response,
    logged_without,
    parse,
    redacted,
    redacted_message,
    require_whole,
    secrets_in,
)
from trackly_contract.core.files import data_root
from trackly_contract.core.redact import LEAST_DIFFERENT, RUN, redacted_body
from trackly_contract.reference import REFERENCE_KEY, documented_audience

KEY = "trk_Ab3dEfGhIjKlMnOpQrStUvWxYz012345"
REPEATING = "abcdabceabcfabcg"
ODD = "a-b~c.dE_fGh/i+jkLm=n0P/q"
"""With every character of a token (RFC 6750, b64token) that is no letter or digit."""

TOKEN = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(60))
"""As long as that of a session can be."""

# The decoders ----------------------------------------------------------------------------------------


def unescaped(text: str) -> str:
    """Undo what JSON and Python put before and instead of characters, once."""

    def char(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else match[3]

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\\\"'/]))", char, text)


def pieces_of_base64(text: str) -> Iterator[str]:
    """Decode every piece of base64, from each of the places where four characters could begin to be three."""
    joined = re.sub(r"\s+|\\r|\\n", "", text).replace("-", "+").replace("_", "/")
    for piece in re.findall(r"[A-Za-z0-9+/]{8,}", joined):
        for skipped in range(4):
            whole = piece[skipped:]
            yield base64.b64decode(whole[: len(whole) // 4 * 4]).decode("latin-1")
            padded = whole + "=" * (-len(whole) % 4)
            if len(whole) % 4 != 1:
                yield base64.b64decode(padded).decode("latin-1")


def pieces_of_hex(text: str) -> Iterator[str]:
    """Decode every piece of hexadecimal digits, from each of both places."""
    for piece in re.findall(r"[0-9a-fA-F]{16,}", re.sub(r"[\s:-]", "", text)):
        for skipped in range(2):
            whole = piece[skipped:]
            yield bytes.fromhex(whole[: len(whole) // 2 * 2]).decode("latin-1")


def joined(text: str) -> str:
    """Return a text in small letters without what may stand between two characters of a secret."""
    return re.sub(r"[\s\0_+/=:-]", "", text).casefold()


def decoded(text: str) -> set[str]:
    """Return what any decoder makes of a text, some after others, without what may stand in between."""
    found, new = set[str](), {text}
    for _ in range(4):
        found |= new
        new = {decode(one) for one in new for decode in (unquote, html.unescape, unescaped)} - found
    return set(map(joined, [*found, *pieces_of_base64(text), *pieces_of_hex(text)]))


def shows(text: str, secret: str) -> bool:
    """Whether any decoder finds a run of RUN characters of a secret in a text."""
    whole = joined(secret)
    pieces = {whole[at : at + RUN] for at in range(max(len(whole) - RUN, 0) + 1)}
    return any(piece in one for one in decoded(text) for piece in pieces if len(set(piece)) >= LEAST_DIFFERENT)


# The spellings ---------------------------------------------------------------------------------------

NAMES = {chr(code): f"&{name};" for code, name in codepoint2name.items()} | {"_": "&lowbar;", "/": "&sol;"}


def hexadecimal(form: str, char: str, *, upper: bool = False) -> str:
    code = form.format(ord(char))
    return re.sub("[a-f]", lambda digit: digit[0].upper(), code) if upper else code


CHARACTERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "lower": str.lower,
    "swapped": str.swapcase,
    "percent": partial(hexadecimal, "%{:02x}"),
    "percent in capitals": partial(hexadecimal, "%{:02x}", upper=True),
    "percent of JavaScript": partial(hexadecimal, "%u{:04x}"),
    "percent twice": partial(hexadecimal, "%25{:02x}"),
    "JSON": partial(hexadecimal, "\\u{:04x}"),
    "JSON in capitals": partial(hexadecimal, "\\u{:04x}", upper=True),
    "JSON in JSON": partial(hexadecimal, "\\\\u{:04x}"),
    "Python": partial(hexadecimal, "\\x{:02x}"),
    "decimal": lambda char: f"&#{ord(char)};",
    "decimal with zeros": lambda char: f"&#00{ord(char)};",
    "hex": partial(hexadecimal, "&#x{:x};"),
    "hex in capitals": partial(hexadecimal, "&#X{:02x};", upper=True),
    "named": lambda char: NAMES.get(char, char),
    "named in HTML": lambda char: html.escape(NAMES.get(char, char)),
    "percent in JSON": partial(hexadecimal, "\\u0025{:02x}"),
    "HTML in JSON": lambda char: f"\\u0026#{ord(char)};",
    "HTML in a URL": lambda char: quote(f"&#{ord(char)};"),
    "percent in HTML": partial(hexadecimal, "&#37;{:02x}"),
    "an escape whose characters are escaped": lambda char: "".join(f"%{ord(one):02x}" for one in f"\\u{ord(char):04x}"),
    "hyphens": lambda char: f"{char}-",
    "blanks": lambda char: f"{char} ",
    "line ends": lambda char: f"{char}\r\n\t",
    "escaped line ends": lambda char: f"{char}\\n",
    "soft hyphens": lambda char: f"{char}\xad",
    "NULs": lambda char: f"{char}\0",
}
"""Ways to spell one character. An escape is spelt so that no later character can be taken for a part of it."""

WHOLES: dict[str, Callable[[str], str]] = {
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in JSON": lambda key: json.dumps(json.dumps(key))[3:-3],
    "Python": lambda key: repr(key)[1:-1],
    "Python bytes of UTF-16": lambda key: repr(key.encode("utf-16-be"))[2:-1],
    "URL": quote,
    "URL in a URL": lambda key: quote(quote(key, safe=""), safe=""),
    "HTML": html.escape,
    "hex": lambda key: key.encode().hex(),
    "hex in capitals": lambda key: key.encode().hex().upper(),
    "hex of capitals": lambda key: key.upper().encode().hex(),
    "hex with colons": lambda key: key.encode().hex(":"),
    "hex in groups": lambda key: key.encode().hex(" ", 4),
    "hex of UTF-16": lambda key: key.encode("utf-16-be").hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "base64 of small letters": lambda key: base64.b64encode(key.lower().encode()).decode(),
    "base64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16-le")).decode(),
    "base64 in a URL": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
}

keys = st.text(st.sampled_from("abcdefXYZ0123456789-._~+/="), min_size=20, max_size=60).filter(
    lambda key: len(joined(key)) >= RUN + 4 and len(set(joined(key))) >= 2 * LEAST_DIFFERENT
)
"""Longer than RUN by what an escape that begins before a key can take from it."""

surroundings = st.text(max_size=20) | st.text('\\%&#;ux025"aTt_+/=\n', max_size=10)


@st.composite
def spelt(draw: st.DrawFn, key: str) -> str:
    """Spell a key character by character: one way for all of them, or a way for each."""
    ways = st.sampled_from(list(CHARACTERS.values()))
    chosen = [draw(ways)] * len(key) if draw(st.booleans()) else [draw(ways) for _ in key]
    return "".join(way(char) for way, char in zip(chosen, key, strict=True))


@st.composite
def based(draw: st.DrawFn, key: str) -> str:
    """Put a key into longer base64, in one of both alphabets, with or without padding and line ends."""
    text = draw(st.sampled_from([key, key.lower(), key.upper(), key.swapcase()])).encode()
    whole = draw(st.binary(max_size=7)) + text + draw(st.binary(max_size=7))
    encoded = draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))(whole).decode()
    if draw(st.booleans()):
        encoded = encoded.rstrip("=")
    width, end = draw(st.integers(20, 76)), draw(st.sampled_from(["", "\n", "\r\n", "\\n", "\\r\\n"]))
    return end.join(encoded[at : at + width] for at in range(0, len(encoded), width))


def spellings(key: str) -> st.SearchStrategy[str]:
    return spelt(key) | based(key) | st.sampled_from([way(key) for way in WHOLES.values()])


# The properties --------------------------------------------------------------------------------------


@smallest
@given(st.data(), keys, surroundings, surroundings)
def test_no_decoder_finds_the_key_again(drawing: st.DataObject, key: str, before: str, after: str) -> None:
    text = redacted(f"{before}{drawing.draw(spellings(key))}{after}", key)
    assert not any(joined(key) in one for one in decoded(text))


@smallest
@given(st.data(), keys)
def test_no_decoder_finds_a_piece_of_the_key_again(drawing: st.DataObject, key: str) -> None:
    begin = drawing.draw(st.integers(0, len(key) - RUN))
    end = drawing.draw(st.integers(begin + RUN, len(key)))
    assert not shows(redacted(f"<{drawing.draw(spellings(key[begin:end]))}>", key), key)


@some
@given(st.data(), keys)
def test_what_was_taken_out_leaves_nothing_more_to_take_out(drawing: st.DataObject, key: str) -> None:
    text = redacted("".join(drawing.draw(st.lists(surroundings | spellings(key), max_size=5))), key)
    assert redacted(text, key) == text


@some
@given(st.data(), keys)
def test_json_stays_json_of_the_same_shape(drawing: st.DataObject, key: str) -> None:
    texts = st.text(max_size=8) | spellings(key) | st.just(key)
    values = st.recursive(
        texts | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=6
    )
    value = drawing.draw(st.lists(values, max_size=4))
    body = json.dumps({"a": value}, ensure_ascii=drawing.draw(st.booleans())).encode("utf-8", "surrogatepass")
    found = redacted_body(body, key)
    if found != body:
        assert shape(parse(found)) == shape({"a": value})


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    return [shape(entry) for entry in value] if isinstance(value, list) else type(value)


# Each spelling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, ODD])
@pytest.mark.parametrize("way", CHARACTERS.values(), ids=CHARACTERS.keys())
def test_a_key_is_found_however_its_characters_are_spelt(key: str, way: Callable[[str], str]) -> None:
    text = redacted(f"<a> {''.join(map(way, key))}<z>", key)
    assert re.fullmatch(r"<a> \[key\](?:[-\s\0\xad]|\\n)*<z>", text)


@pytest.mark.parametrize("key", [KEY, ODD])
@pytest.mark.parametrize("way", WHOLES.values(), ids=WHOLES.keys())
def test_a_key_is_found_however_it_is_spelt(key: str, way: Callable[[str], str]) -> None:
    text = redacted(f"<a> {way(key)}<z>", key)
    assert text.startswith("<a> ")
    assert "[key]" in text
    assert len(text) < len("<a> [key]<z>") + 16
    assert not shows(text, key)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_key_is_found_in_bodies_of_wide_characters(encoding: str) -> None:
    body = redacted_body(f"<p>{KEY}</p>".encode(encoding), KEY)
    assert b"[key]" in body
    assert not shows(body.decode("latin-1"), KEY)


@pytest.mark.parametrize("encoder", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"user:"])
@pytest.mark.parametrize("key", [KEY, KEY.swapcase(), ODD, "abcdefgh", ">>>?5?~~~>a>>???~~~c"])
def test_a_key_is_found_in_base64_at_any_offset(key: str, before: bytes, encoder: Callable[[bytes], bytes]) -> None:
    text = encoder(before + key.encode() + b" and more").decode()
    assert "[key]" in redacted(text, key)
    assert not shows(redacted(text, key), key)
    assert "[key]" in redacted(f"x={quote(text, safe='')}", key)


def test_base64_that_is_broken_into_lines_is_found() -> None:
    text = base64.encodebytes(b"x" * 50 + KEY.encode() + b"y" * 50).decode()
    assert text.count("\n") > 2
    for form in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n    ")):
        assert not shows(redacted(form, KEY), KEY)


@pytest.mark.parametrize("begin", range(len(KEY) - RUN))
def test_any_run_of_a_key_is_taken_out_and_what_is_shorter_stays(begin: int) -> None:
    for end in range(begin + RUN, len(KEY) + 1):
        assert redacted(f"<{KEY[begin:end]}>", KEY).replace("_", "") == "<[key]>"
    piece = f"<{KEY[begin : begin + RUN - 2]}>"
    assert redacted(piece, KEY) is piece


@pytest.mark.parametrize(
    ("echo", "shown"),
    [
        (KEY[4:], "[key]"),
        (f"*{KEY[1:]}", "*[key]"),
        (f"{KEY[:20]}****", "[key]****"),
        (f"{KEY[:16]}...{KEY[-12:]}", "[key]...[key]"),
        ("-".join(KEY[at : at + 4] for at in range(0, 36, 4)), "[key]"),
    ],
    ids=["without its public prefix", "its first character masked", "cut", "its middle cut out", "hyphenated"],
)
def test_a_key_is_found_however_a_server_masks_it(echo: str, shown: str) -> None:
    assert redacted(f"a {echo} z", KEY) == f"a {shown} z"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (f"{KEY}{KEY} {KEY[:14]} ... {KEY[-14:]} {quote(KEY)}", KEY, "[key][key] [key] ... [key] [key]"),
        *(
            (f"x {before}{whole} z", REPEATING, f"x {shown} z")
            for before, shown in ((REPEATING[:13], "[key][key]"), (REPEATING[:6], f"{REPEATING[:6]}[key]"))
            for whole in (REPEATING, REPEATING.replace("c", "%63"))
        ),
        (f"a\n{KEY}\n  b", KEY, "a\n[key]\n  b"),
        (f"a {KEY[:9]}\n  {KEY[9:]}\n  b", KEY, "a [key]\n  b"),
        (f"{KEY} and {KEY[::-1]}", KEY, f"[key] and {KEY[::-1]}"),
    ],
)
def test_what_is_beside_a_key_stays(text: str, key: str, expected: str) -> None:
    assert redacted(text, key) == expected


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a abc abcdefg", ["abcdefg"]),
        ("abc", [""]),
        (f"{KEY[:7]} {KEY[8:18]}", [KEY]),
        (KEY[::-1], [KEY]),
        ("value 2000000000000000, 0000-00-00 00:00:00", [REFERENCE_KEY]),
        ("trackly_live_mode", ["trackly_live_Ab3dEfGhIjKl"]),
    ],
    ids=["too short", "empty", "two halves", "reversed", "zeros", "its public prefix"],
)
def test_what_is_no_key_stays(text: str, keys: list[str]) -> None:
    assert redacted(text, *keys) is text


def test_a_short_key_is_found_as_a_whole() -> None:
    assert redacted("a abcd1234, abcd123", "abcd1234") == "a [key], abcd123"


@pytest.mark.parametrize("way", [str, str.upper, WHOLES["hex"], WHOLES["base64"], WHOLES["URL"]])
def test_any_piece_of_a_long_token_is_found(way: Callable[[str], str]) -> None:
    for begin in range(0, len(TOKEN) - 16, 97):
        assert not shows(redacted(f"<{way(TOKEN[begin : begin + 16])}>", TOKEN), TOKEN[begin : begin + 16])


def test_several_keys_are_taken_out_at_once() -> None:
    assert redacted(f"a {KEY} b {ODD} c", KEY, "", ODD) == "a [key] b [key] c"


ORDINARY = ["README.md", "CHANGELOG.md", "docs/**/*.md", "contracts/**/*.*", "schemas/**/*.json", "cassettes/**/*.yaml"]


@pytest.mark.parametrize("pattern", ORDINARY)
def test_ordinary_texts_stay_as_they_are(pattern: str) -> None:
    found = [path.read_text("utf-8") for path in data_root().glob(pattern)]
    assert found
    for text in found:
        without_the_key = text.replace(REFERENCE_KEY, "")
        assert redacted(without_the_key, KEY, ODD, REFERENCE_KEY) is without_the_key


# Time ------------------------------------------------------------------------------------------------

LONG = 5
"""Seconds of work that nothing takes whose time grows with the length alone; with its square, minutes would not do."""

HOSTILE = {
    "backslashes": "\\",
    "percent": "%25",
    "HTML": "&amp;",
    "names without an end": "&aaaaaaaaaaaaaaaaa",
    "NULs in escapes": "%\0",
    "beginnings": KEY[:11],
    "spelt beginnings": "%74%72%6b",
    "base64": "dHJrX0",
    "zeros": "0",
    "keys": f"{KEY} ",
    "keys in escapes": "".join(way(char) for way, char in zip([*CHARACTERS.values()] * 2, KEY, strict=False)),
}


@pytest.mark.parametrize("key", [KEY, REFERENCE_KEY, "ab" * 100, TOKEN])
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_takes_long(unit: str, key: str) -> None:
    began = time.process_time()
    redacted(unit * (500_000 // len(unit)), key)
    assert time.process_time() - began < LONG


# Bodies, messages, logs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'{{ "a": "{KEY}", "n": 1.50 }}'.encode(), b'{ "a": "[key]", "n": 1.50 }'),
        (f'{{"{KEY}": 1}}'.encode(), b'{"[key]": 1}'),
        (b"\xff<p>" + KEY.encode(), b"\xff<p>[key]"),
        (f'{{"a": "{"".join(map(CHARACTERS["JSON"], KEY))}", "a": 1}}'.encode(), b'{"a": "[key]", "a": 1}'),
        (f'{{"a": "\\\\{KEY}\\n\\"{KEY}"}}'.encode(), b'{"a": "\\\\[key]\\n\\"[key]"}'),
    ],
)
def test_a_body_stays_what_it_is_and_loses_the_key_alone(body: bytes, expected: bytes) -> None:
    assert redacted_body(body, KEY) == expected


@pytest.mark.parametrize("body", [b'{ "a" : 1.50, "a\\u0062": "\\u0041"}', b"<p>\xff", b""])
def test_a_body_without_a_key_is_the_same(body: bytes) -> None:
    assert redacted_body(body, KEY) is body


def test_a_number_that_is_a_piece_of_a_key_becomes_a_text() -> None:
    body = b'{"a": [1234567890123, -1], "b": "1234567890123", "c": 12345678901234}'
    assert redacted_body(body, "123456789012345") == b'{"a": ["[key]", -1], "b": "[key]", "c": "[key]"}'


def test_a_message_loses_the_key_in_path_headers_and_body_and_a_response_says_so() -> None:
    request = Request("GET", f"/v2/audiences/{KEY}", (("x-api-key", KEY), ("A", KEY)), KEY.encode())
    shown = Request("GET", "/v2/audiences/[key]", (("x-api-key", KEY), ("A", "[key]")), b"[key]")
    assert redacted_message(request, KEY) == shown
    assert redacted_message(Response(200, (("A", KEY),)), KEY) == Response(200, (("A", "[key]"),), redacted=True)
    assert redacted_message(Response(200, (), KEY.encode()), KEY) == Response(200, (), b"[key]", redacted=True)


def test_a_message_without_a_key_is_the_same() -> None:
    request, response = Request("GET", "/v2/audiences/a", (("X-Api-Key", "none"),)), Response(200, (), b"{}")
    assert redacted_message(request, KEY, "none") is request
    assert redacted_message(response, KEY, "none") is response


def test_keys_and_tokens_are_known_by_their_headers() -> None:
    headers = (("x-api-key", "a"), ("AUTHORIZATION", "Bearer b"), ("X-Auth-Token", "c"), ("Accept", "d"))
    assert secrets_in(headers) == ("a", "Bearer", "b", "c")


@pytest.mark.parametrize("name", UPDATE_FIELDS)
def test_an_audience_whose_own_content_held_a_key_is_refused(name: str) -> None:
    audience = documented_audience() | {name: [{"x": "a [key]"}]}
    with pytest.raises(InconclusiveError, match=f"own content holds the key.* \\({name}\\).*nothing is changed"):
        require_whole(audience, UPDATE_FIELDS)


def test_of_an_audience_what_is_not_its_own_may_have_held_a_key() -> None:
    require_whole({**documented_audience(), "echo": "[key]", "[key]": 1}, UPDATE_FIELDS)


def test_nothing_that_is_logged_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), logged_without(KEY):
        logging.getLogger("a.b").debug("headers %r", {"X": KEY.encode()})
        logging.getLogger("a.b").debug("it does not fit %d", KEY)
        try:
            [].index(KEY)  # type: ignore[arg-type]
        except ValueError:
            logging.getLogger("c").exception("failed")
    assert "headers {'X': b'[key]'}" in caplog.text
    assert "ValueError: '[key]' is not in list" in caplog.text
    assert not shows(caplog.text, KEY)


def test_afterwards_is_logged_as_before() -> None:
    before = logging.getLogRecordFactory()
    with logged_without(KEY):
        assert logging.getLogRecordFactory() is not before
    assert logging.getLogRecordFactory() is before
