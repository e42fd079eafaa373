"""Facts about the writer that takes the key out: no decoder finds it again, and ordinary texts stay as they are."""

import base64
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
    JSON,
    InconclusiveError,
    encode,
    holds,
    keyless,
    logged_without,
    redacted,
    redacted_body,
    without,
)
from trackly_contract.core.files import data_root
from trackly_contract.reference import REFERENCE_KEY, documented_audience

KEY = "trk_Ab3dEfGhIjKlMnOpQrStUvWxYz012345"
ODD = "a\"b\\c&d<e>f'g/h%i+"
AMBIGUOUS = "%25&amp;\\u005c\\\\x5c"

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


def decoded(text: str) -> set[str]:
    """Return a text and all that any decoder makes of it, some after others, in small letters."""
    found, new = set[str](), {text}
    for _ in range(4):
        found |= new
        new = {decode(one) for one in new for decode in (unquote, html.unescape, unescaped)} - found
    return {one.casefold() for one in found} | {one.casefold() for one in pieces_of_base64(text)}


def shows(text: str, secret: str) -> bool:
    return any(secret.casefold() in one for one in decoded(text))


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
}
"""Ways to spell one character. An escape is spelt so that no later character can be taken for a part of it."""

WHOLES: dict[str, Callable[[str], str]] = {
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in JSON": lambda key: json.dumps(json.dumps(key))[3:-3],
    "Python": lambda key: repr(key)[1:-1],
    "Python bytes": lambda key: repr(key.encode())[2:-1],
    "URL": quote,
    "URL in a URL": lambda key: quote(quote(key, safe=""), safe=""),
    "HTML": html.escape,
    "JSON in HTML": lambda key: html.escape(json.dumps(key)[1:-1]),
    "HTML in HTML": lambda key: html.escape(html.escape(key)),
    "JSON in a URL": lambda key: quote(json.dumps(key)[1:-1], safe="\\"),
}

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=60)
surroundings = st.text(max_size=20) | st.text('\\%&#;ux025"aTt_+/=\n', max_size=10)


@st.composite
def spelt(draw: st.DrawFn, key: str) -> list[str]:
    """Spell a key character by character: one way for all of them, or a way for each."""
    ways = st.sampled_from(list(CHARACTERS.values()))
    chosen = [draw(ways)] * len(key) if draw(st.booleans()) else [draw(ways) for _ in key]
    return [way(char) for way, char in zip(chosen, key, strict=True)]


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


# The property ----------------------------------------------------------------------------------------


@smallest
@given(st.data(), keys, surroundings, surroundings)
def test_no_decoder_finds_the_key_again(drawing: st.DataObject, key: str, before: str, after: str) -> None:
    text = drawing.draw(spelt(key).map("".join) | based(key) | st.sampled_from([way(key) for way in WHOLES.values()]))
    assert not shows(redacted(f"{before}{text}{after}", key), key)


@smallest
@given(st.data(), keys, surroundings)
def test_no_decoder_finds_what_a_cut_left_over(drawing: st.DataObject, key: str, before: str) -> None:
    characters = drawing.draw(spelt(key))
    kept = drawing.draw(st.integers(8, len(key) - 1))
    assert not shows(redacted(f"{before}{''.join(characters[:kept])}", key), key[:kept])


@smallest
@given(st.data(), keys, surroundings)
def test_no_decoder_finds_what_follows_a_cut(drawing: st.DataObject, key: str, after: str) -> None:
    characters = drawing.draw(spelt(key))
    gone = drawing.draw(st.integers(1, len(key) - 8))
    cut = characters[gone - 1][drawing.draw(st.integers(1, len(characters[gone - 1]))) :]
    text = f"x ... {cut}{''.join(characters[gone:])}{after}"
    assert not shows(redacted(text, key), key[gone:])


@some
@given(st.data(), keys)
def test_what_was_taken_out_leaves_nothing_more_to_take_out(drawing: st.DataObject, key: str) -> None:
    text = redacted("".join(drawing.draw(st.lists(surroundings | spelt(key).map("".join), max_size=5))), key)
    assert redacted(text, key) == text


# Each spelling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, ODD, AMBIGUOUS])
@pytest.mark.parametrize("way", CHARACTERS.values(), ids=CHARACTERS.keys())
def test_a_key_is_found_however_its_characters_are_spelt(key: str, way: Callable[[str], str]) -> None:
    assert redacted(f"<a {''.join(map(way, key))} z>", key) == "<a [key] z>"


@pytest.mark.parametrize("key", [KEY, ODD, AMBIGUOUS])
@pytest.mark.parametrize("way", WHOLES.values(), ids=WHOLES.keys())
def test_a_key_is_found_however_it_is_spelt(key: str, way: Callable[[str], str]) -> None:
    assert redacted(f"<a {way(key)} z>", key) == "<a [key] z>"


@pytest.mark.parametrize("encoder", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"user:"])
@pytest.mark.parametrize("key", [KEY, KEY.swapcase(), ODD, ">>>???~~~>>>???~~~", "abcdefgh"])
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


@pytest.mark.parametrize("length", range(8, len(KEY)))
def test_a_beginning_is_taken_out_anywhere(length: int) -> None:
    assert redacted(f"is {KEY[:length]}, cut", KEY) == "is [key], cut"


@pytest.mark.parametrize("length", range(8, len(KEY)))
def test_an_end_is_taken_out_after_a_cut(length: int) -> None:
    assert redacted(f"x ... {KEY[-length:]} z", KEY) == "x ... [key] z"
    assert redacted(f"x ... {html.escape(ODD[-8:])} z", ODD) == "x ... [key] z"


AAAA = "aaaabaaaacaaaad"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (f"{KEY}{KEY} {KEY[:10]} ... {KEY[-10:]} {quote(KEY)}", KEY, "[key][key] [key] ... [key] [key]"),
        *(
            (f"x {before}{whole} z", AAAA, "x [key] z")
            for before in ("aaaabaaa", "aaaaba")
            for whole in (AAAA, AAAA.replace("c", "%63"))
        ),
        (base64.b64encode(KEY.encode()).decode()[:14], KEY, "[key]"),
        (f"a\n{KEY}\n  b", KEY, "a\n[key]\n  b"),
        (f"a {KEY[:9]}\n  {KEY[9:]}\n  b", KEY, "a [key]\n  b"),
    ],
)
def test_what_is_beside_a_key_stays(text: str, key: str, expected: str) -> None:
    assert redacted(text, key) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a abc abcdefg", "abcdefg"),
        ("abc", ""),
        (f"{KEY[:7]} {KEY[8:]}", KEY),
        ("value 2000000000", REFERENCE_KEY),
        (base64.b64encode(b"0" * 12 + KEY.encode()).decode().swapcase(), KEY),
    ],
    ids=["too short", "none", "two halves", "an end without a cut", "base64 in another letter case"],
)
def test_what_is_no_key_stays(text: str, key: str) -> None:
    assert redacted(text, key) == text


ORDINARY = ["README.md", "CHANGELOG.md", "docs/**/*.md", "contracts/**/*.*", "schemas/**/*.json", "cassettes/**/*.yaml"]


@pytest.mark.parametrize("pattern", ORDINARY)
def test_ordinary_texts_stay_as_they_are(pattern: str) -> None:
    found = [path.read_text("utf-8") for path in data_root().glob(pattern)]
    assert found
    for text in found:
        without_the_key = text.replace(REFERENCE_KEY, "")
        assert [one for one in (KEY, ODD, REFERENCE_KEY) if redacted(without_the_key, one) != without_the_key] == []


# Time ------------------------------------------------------------------------------------------------

LONG = 60
"""Seconds that no machine takes where time grows with the length alone; with its square, hours would not do."""

HOSTILE = {
    "backslashes": "\\",
    "percent": "%25",
    "HTML": "&amp;",
    "beginnings": KEY[:7],
    "spelt beginnings": "%74%72%6b",
    "base64": "dHJrX0",
    "cuts": f" ... {KEY[-7:]}",
    "keys": f"{KEY} ",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_takes_long(unit: str) -> None:
    began = time.perf_counter()
    redacted(unit * (500_000 // len(unit)), KEY)
    assert time.perf_counter() - began < LONG


@pytest.mark.parametrize("key", ["\\u005c.%25&amp;" * 8, "\\." * 40, "\\" * 60, "%25" * 30, "&amp;" * 20])
def test_no_key_takes_long(key: str) -> None:
    text = f"{key[:-3]}!".replace("\\", "\\\\\\") + f"{key[:-1]}!" + key.replace("%", "%2525").replace("&", "&amp;amp;")
    began = time.perf_counter()
    redacted(text * 5, key)
    assert time.perf_counter() - began < LONG


# Values, bodies, logs ----------------------------------------------------------------------------------


def test_a_value_loses_the_key_in_texts_names_and_numbers() -> None:
    value: JSON = {"a": [KEY.upper(), 1, None, True, {quote(KEY): 1.5}], "b": "x"}
    assert without(value, KEY) == {"a": ["[key]", 1, None, True, {"[key]": 1.5}], "b": "x"}
    assert without([123456789012, 7], "123456789012") == ["[key]", 7]


@pytest.mark.parametrize("value", [KEY, {"a": {KEY: 1}}, [[f"x{KEY[:8]}"]], base64.b64encode(KEY.encode()).decode()])
def test_a_value_that_holds_the_key_is_told(value: JSON) -> None:
    assert holds(value, KEY)
    assert not holds(documented_audience(), KEY)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        *((body, body) for body in (b'{ "a" : 1.50, "a\\u0062": "\\u0041"}', b"<p>\xff", b"")),
        (f'{{"a": "{KEY}"}}'.encode(), b'{"a":"[key]"}'),
        (b"\xff<p>" + KEY.encode(), b"\xff<p>[key]"),
        (f'{{"a": "{"".join(map(CHARACTERS["JSON"], KEY))}", "a": 1}}'.encode(), b'{"a": "[key]", "a": 1}'),
    ],
)
def test_a_body_stays_what_it_is_and_loses_the_key_alone(body: bytes, expected: bytes) -> None:
    assert redacted_body(body, KEY) == expected


@pytest.mark.parametrize("name", UPDATE_FIELDS)
def test_an_audience_whose_own_content_holds_the_key_is_refused(name: str) -> None:
    audience = documented_audience() | {name: [{"x": f"a {quote(KEY).upper()}"}]}
    with pytest.raises(
        InconclusiveError, match=f"own content holds the key.* \\({name}\\).*nothing is changed"
    ) as told:
        keyless(audience, UPDATE_FIELDS, KEY)
    assert not shows(str(told.value), KEY[:8])


def test_of_an_audience_what_is_not_its_own_loses_the_key() -> None:
    audience = documented_audience()
    told = keyless({**audience, "echo": KEY, KEY: 1}, UPDATE_FIELDS, KEY)
    assert told == {**audience, "echo": "[key]", "[key]": 1}
    assert encode(keyless(audience, UPDATE_FIELDS, KEY)) == encode(audience)


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
