"""Tests of the report against the gate, over HTTP on this machine: requests is no httpx client."""

import importlib
import os

import pytest

client = importlib.import_module(os.environ.get("CLIENT", "audience_report"))


@pytest.fixture
def reporter(trackly_server):
    return client.Reporter(trackly_server.base_url, trackly_server.api_key, seconds=2)


def test_a_line_has_name_and_size(reporter, trackly_server):
    trackly_server.arrange(name="Summer", cached_size=12480)
    assert reporter.line(trackly_server.audience_id) == "Summer: 12,480 contacts"


def test_the_day_is_written_into_the_description_alone(reporter, trackly_server):
    reporter.mark(trackly_server.audience_id, "2026-03-02")
    assert trackly_server.body() == {"description": "In the report of 2026-03-02"}


def test_an_audience_that_is_gone_is_an_error_of_its_own(reporter, trackly_server):
    trackly_server.force("404")
    with pytest.raises(client.TracklyError, match="404 not_found"):
        reporter.line(trackly_server.audience_id)


def ask(reporter, operation, audience_id):
    if operation == "read":
        reporter.line(audience_id)
    else:
        reporter.mark(audience_id, "2026-03-02")


def test_it_handles_every_response(reporter, trackly_response):
    with trackly_response.handled(client.TracklyError):
        ask(reporter, trackly_response.operation, trackly_response.audience_id)


def test_it_handles_every_network_fault(reporter, trackly_network_fault):
    with trackly_network_fault.handled(client.TracklyError):
        ask(reporter, trackly_network_fault.operation, trackly_network_fault.audience_id)
