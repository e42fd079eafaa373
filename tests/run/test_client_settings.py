"""Facts about the settings that the HTTP client accepts: base URL, key, audience id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.run import UnusableSettingError
from trackly_contract.run.client import Client, checked_audience_id, checked_base_url, checked_key

KEY = "trk_0123456789abcdef"


@pytest.mark.parametrize(
    "url",
    [
        "https://app.tracklysms.com/api",
        "https://app.tracklysms.com:8443/api",
        "http://127.0.0.1:8080/api",
        "http://localhost/api",
        "http://[::1]:80",
    ],
)
def test_a_base_url_that_can_be_used_is_returned(url: str) -> None:
    assert checked_base_url(url) == url


def test_a_slash_at_the_end_is_taken_off() -> None:
    assert checked_base_url("https://app.tracklysms.com/api/") == "https://app.tracklysms.com/api"


@pytest.mark.parametrize(
    "url",
    [
        "http://app.tracklysms.com/api",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://192.168.0.1",
        "http://localhost@example.com/",
    ],
)
def test_plain_http_is_for_loopback_only(url: str) -> None:
    with pytest.raises(UnusableSettingError):
        checked_base_url(url)


def test_why_plain_http_is_refused_is_said() -> None:
    with pytest.raises(UnusableSettingError, match="would send the key in the open; use https"):
        checked_base_url("http://app.tracklysms.com/api")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.tracklysms.com/api",
        "ftp://app.tracklysms.com",
        "https://",
        "https:///api",
        "https://x.example/api?a=1",
        "https://x.example/api#a",
        "http://[::1",
        "https://[x]/",
        "https://x.example:port/api",
        "https://x.example:99999/api",
        "https://x.example/a b",
        "https://x.example/api\n",
        "https://x.exa\tmple/api",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_base_url_is_told_with_an_example(url: str) -> None:
    with pytest.raises(UnusableSettingError, match="TRACKLY_BASE_URL"):
        checked_base_url(url)


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
@pytest.mark.parametrize("end", ["/api", "/api?a=1"])
def test_a_password_in_a_base_url_is_refused_and_not_shown(scheme: str, end: str) -> None:
    with pytest.raises(UnusableSettingError) as caught:
        checked_base_url(f"{scheme}://user:s3cret@app.tracklysms.com{end}")
    assert "s3cret" not in str(caught.value)


def test_a_key_in_the_query_of_a_base_url_is_not_shown() -> None:
    with pytest.raises(UnusableSettingError) as caught:
        checked_base_url(f"https://app.tracklysms.com/api?key={KEY}")
    assert KEY not in str(caught.value)


@given(st.text(max_size=30) | st.text(max_size=12).map("http://127.0.0.1{}".format))
def test_any_base_url_is_used_or_told(url: str) -> None:
    try:
        checked_base_url(url)
    except UnusableSettingError:
        return
    Client(checked_base_url(url)).close()


@pytest.mark.parametrize("key", ["", " ", "a b", "trk_\n", "trk_\r\nX: y", "schlüssel", "a\0b", "x" * 201, "\ttrk"])
def test_a_key_that_no_header_can_carry_is_told_and_not_shown(key: str) -> None:
    with pytest.raises(UnusableSettingError, match="TRACKLY_API_KEY") as caught:
        checked_key(key)
    assert len(key) < 4 or key not in str(caught.value)


@pytest.mark.parametrize("key", ["t", KEY, "x" * 200, "a!~b"])
def test_a_key_that_a_header_can_carry_is_returned(key: str) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize(
    "audience_id", ["", ".", "..", "a/b", "a%2Fb", "a?b", "a b", "é", "a\n", "x" * 65, "../../users", "a#"]
)
def test_an_id_that_is_no_step_of_a_path_is_told(audience_id: str) -> None:
    with pytest.raises(UnusableSettingError, match="TRACKLY_AUDIENCE_ID is"):
        checked_audience_id(audience_id)


@pytest.mark.parametrize("audience_id", ["664f1a2b3c4d5e6f7a8b9c0d", "7", "a-b_c"])
def test_an_id_that_is_a_step_of_a_path_is_returned(audience_id: str) -> None:
    assert checked_audience_id(audience_id) == audience_id
