"""Facts about the report of a run: report.json fits its schema, no key shows, and nothing claims more than was seen."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markupsafe import escape

from tests.support.reports import Hostile, Ran, Unstamped, ran, target_of
from trackly_contract.contract import contract, document
from trackly_contract.core import JSON, ExitCode, Response, RunVerdict, Verdict
from trackly_contract.generate import POSITIONS, rejection_cases
from trackly_contract.reference import AUDIENCE_ID, Audience, ReferenceServer, Store
from trackly_contract.report import github_lines, write_report
from trackly_contract.report.matrix import place_of
from trackly_contract.report.view import LONGEST_SHOWN, View, body_text
from trackly_contract.run.targets import replay_target

FORMS = ("json", "md", "html")
LIVE: dict[str, Any] = {"name": "live", "evidence": "asked at https://127.0.0.1/api", "of_reference": False}
SCHEMA = document("report.json")


def loaded(of: Ran) -> Any:
    return json.loads(of.text("json"))


def complaints(described: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(described)]


def test_a_report_fits_its_schema(conforming: Ran, drifted: Ran) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert complaints(loaded(conforming)) == []
    assert complaints(loaded(drifted)) == []


@pytest.mark.parametrize("place", [(), ("rules", 0), ("rules", 0, "evidence", 0), ("exchanges", 0)])
def test_the_schema_notices_a_member_more_or_less(conforming: Ran, place: tuple[str | int, ...]) -> None:
    for name in (None, *_at(loaded(conforming), place)):
        described = loaded(conforming)
        part = _at(described, place)
        if name is None:
            part["zz_new"] = 1
        else:
            del part[name]
        assert complaints(described), name


def _at(described: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        described = described[step]
    return described


def test_every_rule_of_the_contract_is_reported_once(conforming: Ran) -> None:
    assert [rule["id"] for rule in loaded(conforming)["rules"]] == list(contract().rules)


def test_evidence_names_exchanges_that_are_there(drifted: Ran) -> None:
    described = loaded(drifted)
    numbers = {exchange["number"] for exchange in described["exchanges"]}
    named = {evidence["exchange"] for rule in described["rules"] for evidence in rule["evidence"]}
    assert named <= numbers
    assert len(numbers) == described["requests"]


def test_a_run_on_the_reference_server_never_says_that_the_api_conforms(conforming: Ran) -> None:
    assert (conforming.code, conforming.report.verdict) == (ExitCode.CONFORMS, RunVerdict.CONFORMS)
    for form in FORMS:
        assert "the api conforms" not in conforming.text(form).lower(), form
        assert "says nothing of the API itself" in conforming.text(form), form
        assert "eference server conforms to its documentation" in conforming.text(form), form


def test_stamped_responses_are_the_reference_servers_whatever_the_target_is_called(tmp_path: Path) -> None:
    stamped = ran(target_of(ReferenceServer(), **LIVE), tmp_path)
    assert loaded(stamped)["stamped"]
    for form in ("md", "html"):
        assert "the api conforms" not in stamped.text(form).lower(), form
        assert "This run did not ask the API." in stamped.text(form), form
        assert "stamped by the reference server: this says nothing of the API itself" in stamped.text(form), form


def test_a_run_on_an_api_says_so(tmp_path: Path) -> None:
    live = ran(target_of(Unstamped(), **LIVE), tmp_path)
    for form in FORMS:
        text = re.sub(r"<style>.*?</style>", "", live.text(form), flags=re.DOTALL)
        assert "he api conforms to its documentation" in text.lower(), form
        assert "did not ask" not in text, form
        assert "says nothing of the API" not in text, form


def test_drift_is_reported_by_verdict_exit_code_and_rule(drifted: Ran) -> None:
    assert (drifted.code, drifted.report.verdict) == (ExitCode.DRIFT, RunVerdict.DRIFT)
    broken = [rule["id"] for rule in loaded(drifted)["rules"] if rule["verdict"] == "broken"]
    assert broken == ["audience.cached_size", "filter.time.unit"]
    assert loaded(drifted)["headline"] == "the reference server has drifted from its documentation"


def test_the_markdown_says_what_broke_before_all_rules(drifted: Ran) -> None:
    text = drifted.text("md")
    assert text.startswith("# ✗ drift: the reference server has drifted from its documentation\n")
    facts = ["This run did not ask the API", "## ✗ What broke (2)", "### `filter.time.unit` broken", "All "]
    assert [text.index(fact) for fact in facts] == sorted(text.index(fact) for fact in facts)
    assert "expected  400 invalid_time_unit\ngot       200\n" in text
    assert "(https://docs.tracklysms.com/api-reference/v2/audiences/update-audience), Error Codes" in text


KEYS = ["trk_" + "abcdefghijklmnopqrstuvwxyz012345", 'trk_<b>&"quoted"\'\\back\\slash']


@pytest.mark.parametrize("key", KEYS)
def test_the_key_is_in_no_file_and_nowhere_on_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    class Echoing(Hostile):
        """Prints the key where responses, differences and cut texts can carry it away."""

        def render(self, audience: Audience) -> dict[str, JSON]:
            told = {**super().render(audience), f"echo {key}": [{key: key}], "created_at": f"{'x' * 45}{key}{'x' * 99}"}
            return told | {"cached_size": key}

        def error(self, status: int, code: str, text: str) -> Response:
            return super().error(status, code, f"{text} {key}")

    store = Store()
    store.keys = {key}
    store.audiences[AUDIENCE_ID]["name"] = f"{key} {'y' * 90}{key}"
    echoed = ran(target_of(Echoing(store), key), tmp_path)
    assert complaints(loaded(echoed)) == []
    assert loaded(echoed)["exchanges"][0]["answer"]["name"].startswith("[key] y")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    commands = "\n".join(github_lines(echoed.report))
    for text in (*map(echoed.text, FORMS), commands, (tmp_path / "summary").read_text("utf-8")):
        assert "[key]" in text.replace("&#91;", "[").replace("&#93;", "]")
        for form in (key, json.dumps(key)[1:-1], str(escape(key)), str(escape(json.dumps(key)[1:-1]))):
            assert form[:12] not in text
            assert form[-12:] not in text


def test_a_replay_has_no_key_to_hide(tmp_path: Path) -> None:
    store = Store()
    key = replay_target("quick").key
    store.keys = {key}
    store.audiences[AUDIENCE_ID]["name"] = f"{key} on Monday"
    replayed = ran(target_of(ReferenceServer(store), key, name="replay"), tmp_path)
    assert loaded(replayed)["exchanges"][0]["answer"]["name"] == f"{key} on Monday"


def test_a_narrowed_run_claims_no_more_than_it_saw(tmp_path: Path) -> None:
    narrowed = ran(ReferenceServer(), tmp_path, "-k", "audience.name")
    described = loaded(narrowed)
    assert not described["complete"]
    assert described["headline"].endswith(", as far as this run looked")
    assert complaints(described) == []
    assert narrowed.report.counts()[Verdict.SKIPPED] > 2
    assert "no: this run was narrowed" in narrowed.text("html")


def test_if_the_suite_failed_nothing_is_said_of_the_api(drifted: Ran, tmp_path: Path) -> None:
    report = dataclasses.replace(drifted.report, suite_failures=("tests/test_x.py::test_<y>",), notes=("```\n# a",))
    write_report(report, tmp_path)
    failed = Ran(3, report, tmp_path)
    assert loaded(failed)["verdict"] == "inconclusive"
    assert complaints(loaded(failed)) == []
    for form in FORMS:
        assert "the suite itself failed" in failed.text(form).lower(), form
        assert "drifted" not in failed.text(form), form
    assert "<li><code>tests/test_x.py::test_&lt;y&gt;</code></li>" in failed.text("html")
    assert "```text\n'''\\n# a\n```" in failed.text("md")


def test_equal_differences_are_shown_once_with_every_exchange(drifted: Ran) -> None:
    (result,) = (each for each in drifted.report.results if each.rule.id == "filter.time.unit")
    found = (*result.findings, dataclasses.replace(result.findings[0], case="again"))
    report = dataclasses.replace(drifted.report, results=(dataclasses.replace(result, findings=found),))
    assert [difference.findings for difference in View(report).differences[result.rule.id]] == [found]


def test_the_position_of_every_case_is_read_from_its_id() -> None:
    cases = rejection_cases("standard")
    assert {place_of(case.id) for case in cases} == {*POSITIONS, None}
    assert all(f"@{place_of(case.id)}" in case.id for case in cases if "@" in case.id)
    assert place_of("restore") is None


def test_a_long_body_is_cut_and_says_so() -> None:
    shown = body_text(Response(200, (), b'"' + b"a" * 10_000 + b'"'))
    assert len(shown) < LONGEST_SHOWN + 40
    assert shown.endswith(f"({10_002 - LONGEST_SHOWN} more characters)")
    assert body_text(Response(200)) == ""
    assert body_text(Response(200, (), b"\xff\x1b[2J")) == "\ufffd\\x1b[2J"
