"""Facts about the base URL that the HTTP client accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackly_contract.run import UnusableSettingError
from trackly_contract.run.client import Client, checked_base_url

KEY = "trk_0123456789abcdef"


def rejected(url: str) -> str:
    with pytest.raises(UnusableSettingError, match="TRACKLY_BASE_URL") as caught:
        checked_base_url(url)
    return str(caught.value)


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
def test_a_base_url_that_can_be_used_is_returned_without_a_slash_at_the_end(url: str) -> None:
    assert [checked_base_url(url), checked_base_url(f"{url}/")] == [url, url]


@pytest.mark.parametrize(
    "url",
    [
        "http://app.tracklysms.com/api",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://192.168.0.1",
    ],
)
def test_plain_http_is_for_loopback_only_and_why_is_said(url: str) -> None:
    assert "would send the key in the open; use https" in rejected(url)


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
        "https://x.example:0/api",
        "https://1.2.3.999/api",
        "https://x.example/a b",
        "https://x.example/api\n",
        "https://x.exa\tmple/api",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_base_url_is_reported_with_an_example(url: str) -> None:
    assert "it must look like https://app.tracklysms.com/api" in rejected(url)


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
@pytest.mark.parametrize("end", ["@app.tracklysms.com/api", "@app.tracklysms.com/api?a=1", "@localhost/"])
def test_a_password_in_a_base_url_is_rejected_and_not_shown(scheme: str, end: str) -> None:
    assert "s3cret" not in rejected(f"{scheme}://user:s3cret{end}")


def test_a_key_in_the_query_of_a_base_url_is_not_shown() -> None:
    assert KEY not in rejected(f"https://app.tracklysms.com/api?key={KEY}")


@given(st.text(max_size=30) | st.text(max_size=12).map("http://127.0.0.1{}".format))
def test_any_base_url_is_used_or_reported(url: str) -> None:
    try:
        checked_base_url(url)
    except UnusableSettingError:
        return
    Client(checked_base_url(url)).close()
