"""The gate in a client's own pytest: what passes, what fails with which text, alone and under pytest-xdist."""

import re

import pytest

from tests.support.client_project import run
from trackly_contract.gate import network_faults, possible_responses

RESPONSES = len(possible_responses())
READS = sum(scenario.operation == "read" for scenario in possible_responses().values())
UNKNOWN_KEY = "unknown-key                         undocumented"
NEEDS_A_CLIENT = "needs a client that reaches the gate: ask for trackly_api or trackly_server too"


@pytest.mark.parametrize(
    ("test", "outcome", "line"),
    [
        ("test_documented", "1 passed", ""),
        ("test_allowed_by_a_marker", "1 passed", ""),
        ("test_any_allowed_by_a_marker", "1 passed", ""),
        ("test_allowed_inside", "1 passed", ""),
        ("test_given_the_transport", "1 passed", ""),
        ("test_of_the_server", "1 passed", ""),
        ("test_forced_by_hand", f"{READS} passed", ""),
        ("test_handles_network_faults", f"{len(network_faults()) // 2} passed", ""),
        ("test_violation", "1 failed", "filter.time.unit                    refused · 400 invalid_time_unit"),
        ("test_allowed_and_never_sent", "1 failed", "allowed, but never sent: filter.time.unit"),
        ("test_violation_of_a_fixture", "1 passed, 1 error", UNKNOWN_KEY),
        ("test_violation_before_a_skip_of_a_fixture", "1 skipped, 1 error", UNKNOWN_KEY),
        ("test_violation_before_a_skip", "1 skipped, 1 error", UNKNOWN_KEY),
        ("TestCase::test_violation_before_a_skip_of_a_case", "1 skipped, 1 error", UNKNOWN_KEY),
        ("test_gate_asked_for_late", "1 failed", UNKNOWN_KEY),
        ("test_violation_of_an_async_client", "1 failed", UNKNOWN_KEY),
        ("test_violation_at_the_server", "1 failed", UNKNOWN_KEY),
        ("test_nothing_sent", "1 failed", "no request reached trackly_api: the test sent none, or its client has"),
        ("test_nothing_sent_to_the_server", "1 failed", "no request reached trackly_server: the test sent none, or"),
        ("test_a_browser_asks_first", "1 failed", "no request reached trackly_server: 1 x a browser sent a preflight"),
        ("test_past_the_gate", "1 failed", "a request to app.tracklysms.com went past trackly_api and was stopped"),
        ("test_never_given", f"{READS} failed", "read-200-as-documented: never given. Send the request inside handled"),
        ("test_trips", f"1 failed, {READS - 1} passed", f"{'read-200-null-cache':<60} not handled"),
        ("test_scenario_without_a_client", f"{RESPONSES} errors", f"trackly_response {NEEDS_A_CLIENT}"),
        (
            "test_network_fault_without_a_client",
            f"{len(network_faults())} errors",
            f"trackly_network_fault {NEEDS_A_CLIENT}",
        ),
    ],
)
def test_a_test_of_a_client(pytester: pytest.Pytester, test: str, outcome: str, line: str) -> None:
    ran = run(pytester, test)
    assert (ran.code, ran.outcome) == (int(bool(line)), outcome), ran.text
    if line:
        assert ran.after("ERRORS" if "error" in outcome else "FAILURES")[1].startswith(line)
    assert not any(text in ran.text for text in ("Traceback", "The above exception", "ZeroDivisionError"))


def test_a_failure_says_what_to_send_and_how_to_allow_it(pytester: pytest.Pytester) -> None:
    text = run(pytester, "test_violation").text
    assert "\n  instead    one of days, hours, minutes\n" in text
    assert '\nIf this is intended, allow it: @pytest.mark.trackly_allow("filter.time.unit")\n' in text
    assert "\nFAILED test_client.py::test_violation - Failed: filter.time.unit" in text


@pytest.mark.parametrize(
    ("test", "own"),
    [
        ("test_violation_of_a_test_that_fails", "client.ApiError"),
        ("TestCase::test_violation_before_a_failure_of_a_case", "AssertionError: mine"),
    ],
)
def test_a_test_that_fails_by_itself_shows_its_violations_once(pytester: pytest.Pytester, test: str, own: str) -> None:
    ran = run(pytester, test)
    assert (ran.code, ran.outcome) == (1, "1 failed")
    assert own in ran.text
    assert sum(line.startswith("  instead ") for line in ran.lines) == 1


def test_settings_allow_violations_and_name_base_urls(pytester: pytest.Pytester) -> None:
    tests = ("test_carrier", "test_sandbox")
    assert run(pytester, *tests).outcome == "2 failed"
    ini = "trackly_allow =\n    token-unlisted:carrier\n    token-unlisted:eq\n"
    ran = run(pytester, *tests, ini=f"{ini}trackly_base_urls =\n    https://sandbox.example/api\n")
    assert ran.outcome == "2 passed", ran.text


def test_no_gate_outlives_its_test(pytester: pytest.Pytester) -> None:
    assert run(pytester, "-k", "outlived").outcome.startswith("2 passed")


def test_each_response_is_a_test_of_its_name(pytester: pytest.Pytester) -> None:
    ran = run(pytester, "--collect-only", "test_handles")
    assert {f"test_client.py::test_handles[{name}]" for name in possible_responses()} <= set(ran.lines)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_coverage_is_of_all_tests_together(pytester: pytest.Pytester, workers: list[str]) -> None:
    ran = run(pytester, "test_handles", "--trackly-fail-under=responses:95", *workers)
    assert (ran.code, ran.outcome) == (0, f"{RESPONSES - 1} passed, 1 skipped"), ran.text
    assert ran.after("trackly gate")[0].startswith(f"responses received  {RESPONSES - 1} of {RESPONSES} (")


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_too_little_coverage_fails_the_run_and_says_so(pytester: pytest.Pytester, workers: list[str]) -> None:
    ran = run(pytester, "test_given_the_transport", "--trackly-fail-under=requests:50", *workers)
    assert ran.code == 1
    assert any(re.fullmatch(r"FAILED requests: [\d.]+ % is below the required 50 %", line) for line in ran.lines)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 0, ""),
        (["--trackly-fail-under=1"], 1, "no test used the gate"),
        (["--trackly-fail-under=1", "--collect-only"], 0, ""),
        (["--trackly-fail-under=1", "--setup-plan"], 0, ""),
        (["--trackly-fail-under=codes:90"], 4, "give a percentage, as 90, responses:90 or requests:40"),
    ],
)
def test_it_is_silent_where_no_test_uses_it_unless_coverage_is_required(
    pytester: pytest.Pytester, arguments: list[str], code: int, said: str
) -> None:
    ran = run(pytester, *arguments, tests="def test_own():\n    assert True\n")
    assert ran.code == code
    assert (said in ran.text) if said else ("trackly" not in ran.text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("operation", "delete", "trackly_operation is 'read' or 'update'"),
        ("base_url", "sandbox.example/api", "'sandbox.example/api' is no base URL, such as https://host"),
        ("base_url", "ftp://sandbox.example", "'ftp://sandbox.example' is no base URL, such as"),
        ("base_url", "http://x:port", "'http://x:port' is no base URL, such as"),
    ],
)
def test_a_setting_that_is_none_is_an_error(pytester: pytest.Pytester, name: str, value: str, said: str) -> None:
    marked = f"import pytest\n@pytest.mark.trackly_operation('{value}')\ndef test_it(trackly_response):\n    pass\n"
    ini = f"trackly_base_urls = {value}\n" if name == "base_url" else ""
    ran = run(pytester, tests="" if ini else marked, ini=ini)
    assert ran.code > 1
    assert said in ran.text
