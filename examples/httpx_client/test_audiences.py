"""Tests of the client against the gate: no request leaves this machine."""

import importlib
import os

import pytest

client = importlib.import_module(os.environ.get("CLIENT", "audiences"))

RECENTLY = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 7, "unit": "days"}


@pytest.fixture
def audiences(trackly_api):
    return client.Audiences(trackly_api.api_key)


def test_a_renamed_audience_keeps_its_filter(audiences, trackly_api):
    audiences.rename(trackly_api.audience_id, "Clickers")
    assert trackly_api.after == trackly_api.before | {"name": "Clickers"}


def test_a_narrowed_audience_keeps_its_conditions_in_a_group(audiences, trackly_api):
    audiences.narrow(trackly_api.audience_id, RECENTLY)
    after = trackly_api.after["filter"]
    assert len(after["conditions"]) == 1
    assert after["groups"] == [trackly_api.before["filter"]]


def test_a_rejection_says_why(audiences, trackly_api):
    with trackly_api.allow("update.name.too_long"), pytest.raises(client.RejectedError) as rejected:
        audiences.rename(trackly_api.audience_id, "n" * 256)
    assert rejected.value.code == "name_too_long"


def test_a_narrowed_audience_keeps_a_long_name(audiences, trackly_api):
    trackly_api.force("update-200-longest-name")
    assert len(audiences.narrow(trackly_api.audience_id, RECENTLY).name) == 255


def ask(audiences, operation, audience_id):
    if operation == "read":
        audiences.read(audience_id)
    else:
        audiences.rename(audience_id, "Clickers")


def test_it_handles_every_response(audiences, trackly_response):
    with trackly_response.handled(client.TracklyError):
        ask(audiences, trackly_response.operation, trackly_response.audience_id)


def test_it_handles_every_network_fault(audiences, trackly_network_fault):
    with trackly_network_fault.handled(client.TracklyError):
        ask(audiences, trackly_network_fault.operation, trackly_network_fault.audience_id)
