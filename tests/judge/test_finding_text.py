"""Facts about the text of a difference: its layout to the letter, and what no answer can do to it."""

from dataclasses import replace

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import ABSENT, Exchange, Request, Response, Verdict, encode, one_line, printable
from trackly_contract.judge import (
    Cache,
    Finding,
    Rejection,
    Success,
    Value,
    Whole,
    Words,
    actual_text,
    expected_text,
    failure_text,
    path_of,
    sent,
)
from trackly_contract.judge.findings import Actual, Expected

KEY = "trk_0123456789abcdefghij"
PATH = "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"
WEEKS = {"filter": {"operator": "AND", "conditions": [{"condition_type": "time", "unit": "weeks"}]}}


def exchange(body: bytes = encode(WEEKS), key: str | None = KEY) -> Exchange:
    headers = () if key is None else (("X-Api-Key", key),)
    return Exchange(Request("PUT", PATH, headers, body), Response(200, (), b"{}"), 7)


def broken(expected: str = "", actual: str = "", case: str = "filter.time.unit/weeks") -> Finding:
    """Return a broken finding: an error that was accepted, unless words say otherwise."""
    wanted = Words(expected) if expected else Rejection(400, "invalid_time_unit")
    came = Words(actual) if actual else Whole()
    return Finding("filter.time.unit", Verdict.BROKEN, exchange(), wanted, came, "", case)


def text(finding: Finding, again: str = "", last_live: str = "never asked") -> str:
    return failure_text(finding, contract().rules[finding.rule], again, last_live)


def test_the_text_of_a_broken_rule_to_the_letter() -> None:
    said = text(
        broken(),
        again='pytest --trackly-target=live "tests/conformance/test_3_refusing.py::test_a_fault[weeks]"',
        last_live="400 invalid_time_unit on 2026-11-21        -> the API changed",
    )
    assert said == (
        "filter.time.unit/weeks                                          broken · stated\n"
        "  a time unit other than days, hours, minutes is refused\n"
        "  docs       update-audience, Error Codes, invalid_time_unit\n"
        '  sent       PUT /v2/audiences/{id}  {"filter": {"operator": "AND", "conditions": '
        '[{"condition_type": "time", "unit": "weeks"}]}}\n'
        "  expected   400 invalid_time_unit\n"
        "  got        200\n"
        "  last live  400 invalid_time_unit on 2026-11-21        -> the API changed\n"
        '  again      pytest --trackly-target=live "tests/conformance/test_3_refusing.py::test_a_fault[weeks]"'
    )


def test_a_case_of_another_rule_and_what_nobody_knows_are_left_out() -> None:
    head, _, *facts = text(broken("a", "b", "update.name.longest/only"), last_live="").splitlines()
    assert head.startswith("filter.time.unit ")
    assert [fact.split()[0] for fact in facts] == ["docs", "sent", "expected", "got"]


@pytest.mark.parametrize(
    ("hostile", "spelt"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\r", r"\r"),
        ("\x07\x08\x00\x7f", r"\x07\x08\x00\x7f"),
        ("\u202e\u2066\u200f\u061c", r"\u202e\u2066\u200f\u061c"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_obeys_is_spelt_out(hostile: str, spelt: str) -> None:
    assert printable(f"a{hostile}b") == f"a{spelt}b"
    said = text(broken(expected=hostile, actual=hostile, case=f"filter.time.unit/{hostile}"))
    assert spelt in said
    assert hostile not in said


def test_a_response_adds_no_line_and_other_characters_stay() -> None:
    assert printable("é ß 漢 🙂 \n\t") == "é ß 漢 🙂 \n\t"
    said = text(broken(expected="a\nverdict conforms", actual="b\n  last live  200\tc"))
    assert len(said.splitlines()) == len(text(broken()).splitlines()) == 7
    assert r"b\n  last live  200\tc" in said
    assert one_line("a\r\nb") == r"a\r\nb"


def test_a_long_body_is_cut_and_the_text_stays_on_one_screen() -> None:
    finding = broken(expected="e" * 100_000, actual="g" * 100_000)
    said = text(replace(finding, exchange=exchange(encode({"name": "n" * 100_000}))))
    assert len(said) < 2_000
    assert f"{'g' * 100} ... {'g' * 100}" in said


@pytest.mark.parametrize(
    ("expected", "actual", "at", "texts"),
    [
        (Success(), Whole(), "", ("accepted: 2xx", "200")),
        (Rejection(404, "not_found"), Whole("; maybe"), "", ("404 not_found", "200; maybe")),
        (Value("a"), Value(ABSENT), "/name", ('/name: "a"', "/name: (absent)")),
        (Words("a string"), Value(7, "7 is no string"), "/name", ("a string", "/name: 7 is no string")),
        (Cache(None, None), Cache(1, "t"), "", ("both null", 'cached_size 1, cached_size_updated_at "t"')),
        (None, None, "", ("", "")),
    ],
)
def test_what_was_expected_and_what_came_as_text(
    expected: Expected | None, actual: Actual | None, at: str, texts: tuple[str, str]
) -> None:
    finding = Finding("update.name", Verdict.BROKEN, exchange(), expected, actual, at)
    assert (expected_text(finding), actual_text(finding)) == texts


@pytest.mark.parametrize(
    ("body", "key", "shown"),
    [
        (b"", None, "  (no key)"),
        (b"", "", "  (empty key)"),
        (b"", KEY, ""),
        (b'{"a\x1b', KEY, "  b'{\"a\\x1b'"),
    ],
)
def test_a_request_in_one_line_shows_a_missing_key_and_a_body_that_is_not_json(
    body: bytes, key: str | None, shown: str
) -> None:
    assert sent(exchange(body, key).request) == f"PUT /v2/audiences/{{id}}{shown}"
    assert path_of(Request("GET", f"{PATH}/size")) == "/v2/audiences/{id}/size"
