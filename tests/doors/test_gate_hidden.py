"""What a test of a client could hide from the gate: by a skip, at its end, by asking late, by never asking."""

from __future__ import annotations

import re

import pytest

from tests.support.client_project import Project
from trackly_contract.gate import possible_answers

BAD = "client.update(trackly_api.audience_id, title=1)"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    return Project(pytester)


def test_a_fault_that_a_fixture_sends_at_its_end_fails(project: Project) -> None:
    ran = project.run(f"""
@pytest.fixture
def cleaned(client, trackly_api):
    yield
    {BAD}

def test_it(cleaned, client, trackly_api):
    client.read(trackly_api.audience_id)
""")
    assert ran.code == 1
    assert "1 passed, 1 error" in ran.text
    assert ran.after("ERRORS")[1].split() == ["unknown-key", "undocumented"]


def test_a_fault_is_told_once_though_a_fixture_ends_after_it(project: Project) -> None:
    ran = project.run(f"def test_it(client, trackly_api):\n    {BAD}\n")
    assert ran.code == 1
    assert re.fullmatch(r"1 failed in .*", ran.lines[-1])


@pytest.mark.parametrize("where", ["in_setup", "in_the_test", "in_a_case"])
def test_a_fault_is_not_hidden_by_a_skip(project: Project, where: str) -> None:
    ran = project.run(
        f"""
import unittest

@pytest.fixture
def in_setup(client, trackly_api):
    {BAD}
    pytest.skip("not today")

def test_in_setup(in_setup):
    pass

def test_in_the_test(client, trackly_api):
    {BAD}
    pytest.skip("not today")

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def given(self, request):
        self.request = request

    def test_in_a_case(self):
        trackly_api, client = map(self.request.getfixturevalue, ("trackly_api", "client"))
        {BAD}
        self.skipTest("not today")
""",
        "-k",
        where,
    )
    assert ran.code == 1
    assert "1 skipped, 2 deselected, 1 error" in ran.text
    assert ran.after("ERRORS")[1].split() == ["unknown-key", "undocumented"]


def test_a_test_that_asks_for_the_gate_while_it_runs_is_judged(project: Project) -> None:
    ran = project.run(f"""
def test_it(request):
    client, trackly_api = map(request.getfixturevalue, ("client", "trackly_api"))
    {BAD}
""")
    assert ran.code == 1
    assert ran.after("FAILURES")[1].split() == ["unknown-key", "undocumented"]


def test_a_test_that_never_gives_its_answer_fails(project: Project) -> None:
    ran = project.run("""
@pytest.mark.trackly_operation("read")
def test_it(client, trackly_answer):
    client.read(trackly_answer.audience_id)

@pytest.mark.trackly_operation("read")
def test_by_hand(client, trackly_api, trackly_answer):
    trackly_api.force(trackly_answer.answer)
    try:
        client.read(trackly_answer.audience_id)
    except ApiError:
        pass
""")
    assert ran.code == 1
    reads = sum(answer.operation == "read" for answer in possible_answers().values())
    assert f"{reads} failed, {reads} passed" in ran.text
    assert "read-200-null-cache: never given. Send the request inside survived(...), which has it answered so" in (
        ran.lines
    )


@pytest.mark.parametrize("argument", ["--collect-only", "--setup-plan", "--fixtures"])
def test_nothing_is_required_where_no_test_is_run(project: Project, argument: str) -> None:
    ran = project.run("def test_own():\n    assert True\n", argument, "--trackly-fail-under=1")
    assert ran.code == 0
    assert "trackly gate" not in ran.text


def test_a_base_url_that_is_none_is_refused(project: Project) -> None:
    ran = project.run("", ini="trackly_base_urls =\n    sandbox.example/api\n")
    assert ran.code == 4
    assert "'sandbox.example/api' is no base URL: write it like https://host.example/api" in ran.text


def test_no_gate_outlives_its_test(project: Project) -> None:
    ran = project.run("""
import gc, weakref

KEPT = []

def test_it(client, trackly_api):
    client.read(trackly_api.audience_id)
    KEPT.append(weakref.ref(trackly_api))

def test_after():
    gc.collect()
    assert KEPT[0]() is None
""")
    assert ran.code == 0, ran.text


def test_a_test_whose_client_goes_elsewhere_than_to_the_server_fails(project: Project) -> None:
    ran = project.run("def test_nothing(trackly_server):\n    pass\n")
    assert ran.code == 1
    assert ran.after("FAILURES")[1].startswith("no request reached trackly_server: the test sent none, or its client")


def test_a_case_that_fails_by_itself_shows_the_requests_at_fault_too(project: Project) -> None:
    ran = project.run(f"""
import unittest

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def given(self, client, trackly_api):
        self.given = client, trackly_api

    def test_it(self):
        client, trackly_api = self.given
        {BAD}
        self.fail("mine")
""")
    assert ran.code == 1
    assert "AssertionError: mine" in ran.text
    assert ran.after("FAILURES").count("  instead    one of name, description, source_lists, filter") == 1
