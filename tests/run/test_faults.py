"""Facts about network faults: which answers may be one, and how long to wait before the next try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.core import Exchange, Request, Response
from trackly_contract.judge.responses import maybe_gateway
from trackly_contract.run.conversation import LONGEST_WAIT, TRIES, pause

NOW = ("Date", "Sun, 22 Nov 2026 08:00:00 GMT")
SOON = "Sun, 22 Nov 2026 08:00:07 GMT"


def after(*headers: tuple[str, str]) -> Exchange:
    return Exchange(Request("GET", "/v2/audiences/x"), Response(429, headers, b"{}"))


ANSWERS = [
    *((status, b"{}", False, True) for status in (301, 302, 307, 403, 429, 500, 502, 503, 504, 599)),
    *((status, b"{}", True, False) for status in (200, 201, 400, 404, 409, 422)),
    *((200, body, True, True) for body in (b"", b"<html>", b"[]", b'"x"', b"\xff", b"{", b"NaN")),
    (401, b"{}", True, True),
    (401, b"{}", False, False),
]


@pytest.mark.parametrize(("status", "body", "good_key", "expected"), ANSWERS)
def test_what_may_come_from_something_in_between(status: int, body: bytes, good_key: bool, expected: bool) -> None:
    assert maybe_gateway(Response(status, (), body), good_key=good_key) is expected


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([("Retry-After", "7")], 7),
        ([NOW, ("Retry-After", SOON)], 7),
        ([NOW, ("Retry-After", "Sunday, 22-Nov-26 08:00:07 GMT")], 7),
        ([NOW, ("Retry-After", "Sun Nov 22 08:00:07 2026")], 7),
        ([NOW, ("Retry-After", "22 Nov 2026 08:00:07")], 7),
        ([("Date", SOON), ("Retry-After", NOW[1])], 0),
        ([("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")], LONGEST_WAIT),
        ([NOW, ("Retry-After", "Mon, 23 Nov 2026 08:00:00 GMT")], LONGEST_WAIT),
        ([NOW, ("Retry-After", "3600")], LONGEST_WAIT),
        ([NOW, ("Retry-After", "999999999")], LONGEST_WAIT),
    ],
)
def test_retry_after_is_honoured_up_to_the_longest_wait(headers: list[tuple[str, str]], wait: float) -> None:
    assert pause(after(*headers), 1) == wait


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "1e3", "Sun, 99 Nov 2026 08:00:00 GMT", "٣"])
def test_what_cannot_be_read_leaves_our_own_pause(value: str) -> None:
    assert [pause(after(NOW, ("Retry-After", value)), attempt) for attempt in (1, 2)] == [0.5, 1.0]


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_header_gives_a_bounded_wait(asked: str, date: str) -> None:
    assert 0 <= pause(after(("Retry-After", asked), ("Date", date)), 1) <= LONGEST_WAIT


def test_a_target_that_is_gone_is_given_more_time_each_time() -> None:
    assert [pause(None, TRIES - 1 + controls) for controls in (1, 2, 3, 40)] == [2, 4, 8, LONGEST_WAIT]
