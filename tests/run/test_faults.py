"""Facts about faults of the way: which answers may be one, and how long to wait before the next try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.core import Exchange, Request, Response
from trackly_contract.judge.responses import about_request, maybe_gateway
from trackly_contract.run.conversation import LONGEST_WAIT, pause, pause_when_lost

NOW = "Sun, 22 Nov 2026 08:00:00 GMT"
SOON = "Sun, 22 Nov 2026 08:00:07 GMT"


def after(*headers: tuple[str, str], status: int = 429) -> Exchange:
    return Exchange(Request("GET", "/v2/audiences/x"), Response(status, headers, b"{}"))


@pytest.mark.parametrize("status", [301, 302, 307, 403, 429, 500, 502, 503, 504, 599])
def test_statuses_that_may_come_from_something_in_between(status: int) -> None:
    assert maybe_gateway(Response(status, (), b"{}"), good_key=False)


@pytest.mark.parametrize(("good_key", "expected"), [(True, True), (False, False)])
def test_401_is_suspicious_with_a_good_key_alone(good_key: bool, expected: bool) -> None:
    assert maybe_gateway(Response(401, (), b"{}"), good_key=good_key) is expected


@pytest.mark.parametrize("status", [200, 201, 400, 404, 409, 422])
def test_a_json_object_of_another_status_is_an_answer(status: int) -> None:
    assert not maybe_gateway(Response(status, (), b"{}"), good_key=True)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"\xff", b"{", b"NaN"])
def test_what_is_no_json_object_is_suspicious(body: bytes) -> None:
    assert maybe_gateway(Response(200, (), body), good_key=True)


def test_a_refusal_of_the_pace_is_an_outage() -> None:
    assert not about_request(Response(429))


def test_retry_after_in_seconds_is_honoured() -> None:
    assert pause(after(("Retry-After", "7")), 1) == 7


def test_retry_after_as_a_date_is_read_by_the_clock_of_the_server() -> None:
    assert pause(after(("Date", NOW), ("Retry-After", SOON)), 1) == 7


def test_retry_after_as_a_date_without_the_clock_of_the_server_is_read_by_our_own() -> None:
    assert pause(after(("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")), 1) == LONGEST_WAIT


def test_a_date_that_has_passed_asks_for_no_wait() -> None:
    assert pause(after(("Date", SOON), ("Retry-After", NOW)), 1) == 0


@pytest.mark.parametrize("form", ["Sunday, 22-Nov-26 08:00:07 GMT", "Sun Nov 22 08:00:07 2026", "22 Nov 2026 08:00:07"])
def test_older_forms_of_a_date_are_read(form: str) -> None:
    assert pause(after(("Date", NOW), ("Retry-After", form)), 1) == 7


@pytest.mark.parametrize("value", ["3600", "999999999", "Mon, 23 Nov 2026 08:00:00 GMT"])
def test_no_wait_is_longer_than_the_longest(value: str) -> None:
    assert pause(after(("Date", NOW), ("Retry-After", value)), 1) == LONGEST_WAIT


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "1e3", "Sun, 99 Nov 2026 08:00:00 GMT", "٣"])
def test_what_cannot_be_read_leaves_our_own_pause(value: str) -> None:
    assert [pause(after(("Date", NOW), ("Retry-After", value)), attempt) for attempt in (1, 2)] == [0.5, 1.0]


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_header_gives_a_bounded_wait(asked: str, date: str) -> None:
    assert 0 <= pause(after(("Retry-After", asked), ("Date", date)), 1) <= LONGEST_WAIT


def test_a_target_that_is_gone_is_given_more_time_each_time() -> None:
    assert [pause_when_lost(controls) for controls in (1, 2, 3, 40)] == [2, 4, 8, LONGEST_WAIT]
