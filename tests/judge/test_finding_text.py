"""Facts about the text of a difference: its layout to the letter, and what no answer can do to it."""

import json

import pytest
from markupsafe import escape

from trackly_contract.contract import contract
from trackly_contract.core import ABSENT, Exchange, Request, Response, Verdict, encode, one_line, printable, redacted
from trackly_contract.judge import Finding
from trackly_contract.judge.finding_text import actual_text, expected_text, failure_text, path_of, sent
from trackly_contract.judge.findings import Actual, Cache, Expected, Rejection, Success, Value, Whole, Words

KEY = "trk_0123456789abcdefghij"
PATH = "/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"
WEEKS = {"filter": {"operator": "AND", "conditions": [{"condition_type": "time", "unit": "weeks"}]}}


def exchange(body: bytes = encode(WEEKS), key: str | None = KEY) -> Exchange:
    headers = () if key is None else (("X-Api-Key", key),)
    return Exchange(Request("PUT", PATH, headers, body), Response(200, (), b"{}"), 7)


def broken(
    rule: str = "filter.time.unit",
    case: str = "filter.time.unit/weeks",
    expected: str = "",
    actual: str = "",
    seen: Exchange | None = None,
) -> Finding:
    """Return a broken finding: an error that was accepted, unless words say otherwise."""
    wanted = Words(expected) if expected else Rejection(400, "invalid_time_unit")
    return Finding(rule, Verdict.BROKEN, seen or exchange(), wanted, Words(actual) if actual else Whole(), "", case)


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


def test_without_a_command_and_a_recording_the_text_ends_with_never_asked() -> None:
    assert text(broken()).endswith("\n  got        200\n  last live  never asked")


def test_without_an_exchange_nothing_is_said_to_be_sent() -> None:
    finding = Finding("filter.time.unit", Verdict.BROKEN, None, Words("a"), Words("b"))
    assert "sent" not in text(finding)
    assert text(finding).startswith("filter.time.unit ")


def test_a_case_of_another_rule_does_not_stand_in_the_head() -> None:
    finding = broken(rule="update.source_lists", case="update.source_lists.unknown/only")
    assert text(finding).startswith("update.source_lists ")


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


def test_other_characters_stay_as_they_are() -> None:
    assert printable("é ß 漢 🙂 \n\t") == "é ß 漢 🙂 \n\t"


def test_an_answer_adds_no_line() -> None:
    said = text(broken(expected="a\nverdict conforms", actual="b\n  last live  200\tc"))
    assert len(said.splitlines()) == len(text(broken()).splitlines()) == 7
    assert r"b\n  last live  200\tc" in said
    assert one_line("a\r\nb") == r"a\r\nb"


def test_a_long_body_is_cut_and_the_text_stays_on_one_screen() -> None:
    seen = exchange(encode({"name": "n" * 100_000}))
    said = text(broken(seen=seen, expected="e" * 100_000, actual="g" * 100_000))
    assert len(said) < 2_000
    assert f"{'g' * 100} ... {'g' * 100}" in said


def test_the_key_of_the_request_does_not_show() -> None:
    said = text(broken(actual=f"401 for {KEY}", expected=f"/name: {KEY[:12]} ... {KEY[-10:]}", case=KEY))
    assert "401 for [key]" in said
    assert "/name: [key] ... [key]" in said
    assert KEY[:8] not in said


@pytest.mark.parametrize("spell", [str, repr, lambda key: json.dumps(key)[1:-1], escape])
def test_a_key_is_found_however_it_is_spelt(spell: object) -> None:
    key = "a\"b\\c&d<e>f'g"
    assert callable(spell)
    assert redacted(f"x {spell(key)} y", key).replace("'", "") == "x [key] y"


def test_what_is_too_short_for_a_key_is_left_alone() -> None:
    assert redacted("a abc abcdefg", "abcdefg") == "a abc abcdefg"
    assert redacted("abc", "") == "abc"


def test_the_end_of_a_key_is_taken_out_after_a_cut_only() -> None:
    assert redacted("value 2000000000", "trk_" + "0" * 32) == "value 2000000000"


def test_the_id_stands_in_no_path() -> None:
    assert path_of(Request("GET", f"{PATH}/size")) == "/v2/audiences/{id}/size"


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


@pytest.mark.parametrize(("key", "told"), [(None, "  (no key)"), ("", "  (empty key)"), (KEY, "")])
def test_a_request_without_a_good_key_says_so(key: str | None, told: str) -> None:
    assert sent(exchange(b"", key).request) == f"PUT /v2/audiences/{{id}}{told}"


def test_a_body_that_is_not_json_is_shown_as_bytes() -> None:
    assert sent(exchange(b'{"a\x1b').request) == "PUT /v2/audiences/{id}  b'{\"a\\x1b'"
