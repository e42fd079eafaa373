"""Facts about the report of a run: report.json fits its schema, no key shows, and nothing claims more than was seen."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markupsafe import escape

from trackly_contract.contract import contract, document
from trackly_contract.core import JSON, ExitCode, Response, RunVerdict, Verdict
from trackly_contract.generate import POSITIONS, rejection_cases
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, ReferenceServer, documented_store
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.report import files as reports
from trackly_contract.report.matrix import place_of
from trackly_contract.report.view import LONGEST_SHOWN, View, body_text
from trackly_contract.run import Target
from trackly_contract.run.targets import embedded_target, replay_target
from trackly_contract.suite import run_suite

FILES = ("report.json", "report.md", "report.html")


class Drifting(ReferenceServer):
    """Takes any unit of time, and prints the size as a string."""

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), "cached_size": str(audience["cached_size"])}


class Unstamped(ReferenceServer):
    """Answers like an API: without the stamp."""

    def respond(self, status: int, value: JSON) -> Response:
        return dataclasses.replace(super().respond(status, value), headers=(("Content-Type", "application/json"),))


def target_of(server: ReferenceServer, key: str = REFERENCE_KEY, **changes: Any) -> Target:
    return dataclasses.replace(embedded_target(server.answer, AUDIENCE_ID, key), **changes)


def ran(target: Target, folder: Path, *arguments: str) -> tuple[int, Report]:
    code, report = run_suite(target, "quick", ["-q", f"--trackly-report={folder}", *arguments])
    assert report is not None
    return code, report


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text("utf-8") for name in FILES}


def loaded(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text("utf-8"))


def complaints(described: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(described)]


SCHEMA = document("report.json")


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Report, Path]:
    folder = tmp_path_factory.mktemp("conforming")
    return *ran(target_of(ReferenceServer()), folder), folder


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Report, Path]:
    folder = tmp_path_factory.mktemp("drifting")
    return *ran(target_of(Drifting()), folder), folder


def test_the_report_of_a_run_fits_its_schema(conforming: tuple[int, Report, Path]) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert complaints(loaded(conforming[2])) == []


def test_the_report_of_a_drifting_run_fits_its_schema(drifting: tuple[int, Report, Path]) -> None:
    assert complaints(loaded(drifting[2])) == []


@pytest.mark.parametrize("place", [(), ("rules", 0), ("rules", 0, "evidence", 0), ("exchanges", 0)])
def test_the_schema_notices_a_member_more_or_less(
    conforming: tuple[int, Report, Path], place: tuple[str | int, ...]
) -> None:
    for name in (None, *_at(loaded(conforming[2]), place)):
        described = loaded(conforming[2])
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


def test_every_rule_of_the_contract_is_told_once(conforming: tuple[int, Report, Path]) -> None:
    assert [rule["id"] for rule in loaded(conforming[2])["rules"]] == list(contract().rules)


def test_evidence_names_exchanges_that_are_there(drifting: tuple[int, Report, Path]) -> None:
    described = loaded(drifting[2])
    numbers = {exchange["number"] for exchange in described["exchanges"]}
    named = {evidence["exchange"] for rule in described["rules"] for evidence in rule["evidence"]}
    assert named <= numbers
    assert len(numbers) == described["requests"]


def test_a_run_on_the_reference_server_never_says_that_the_api_conforms(
    conforming: tuple[int, Report, Path],
) -> None:
    code, report, folder = conforming
    assert (code, report.verdict) == (ExitCode.CONFORMS, RunVerdict.CONFORMS)
    for name, text in texts(folder).items():
        assert "the api conforms" not in text.lower(), name
        assert "stand-in" in text, name
        assert "eference server conforms to its documentation" in text, name


def test_answers_with_the_stamp_are_the_reference_server_s_whatever_the_target_is_called(tmp_path: Path) -> None:
    target = target_of(ReferenceServer(), name="live", evidence="asked at https://127.0.0.1/api")
    ran(target, tmp_path)
    described = loaded(tmp_path)
    assert described["stamped"]
    assert complaints(described) == []
    for name in ("report.md", "report.html"):
        text = texts(tmp_path)[name]
        assert "the api conforms" not in text.lower(), name
        assert "This run did not ask the API." in text, name
        assert "it is a stand-in" in text, name


def test_a_run_on_an_api_says_so(tmp_path: Path) -> None:
    ran(target_of(Unstamped(), name="live", evidence="asked at https://127.0.0.1/api"), tmp_path)
    for name, text in texts(tmp_path).items():
        assert "he api conforms to its documentation" in text.lower(), name
        assert "stand-in" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL), name


def test_a_drifting_server_is_told_by_verdict_exit_code_and_rule(drifting: tuple[int, Report, Path]) -> None:
    code, report, folder = drifting
    assert (code, report.verdict) == (ExitCode.DRIFT, RunVerdict.DRIFT)
    broken = [rule["id"] for rule in loaded(folder)["rules"] if rule["verdict"] == "broken"]
    assert sorted(broken) == ["audience.cached_size", "filter.time.unit"]
    assert loaded(folder)["headline"] == "the reference server has drifted from its documentation"


def test_the_summary_tells_what_broke_before_all_rules(drifting: tuple[int, Report, Path]) -> None:
    text = texts(drifting[2])["report.md"]
    assert text.startswith("# ✗ drift: the reference server has drifted from its documentation\n")
    facts = ["This run did not ask the API", "## ✗ What broke (2)", "### `filter.time.unit` broken", "All "]
    assert [text.index(fact) for fact in facts] == sorted(text.index(fact) for fact in facts)
    assert "expected  400 invalid_time_unit\ngot       200\n" in text
    assert "(https://docs.tracklysms.com/api-reference/v2/audiences/update-audience), Error Codes" in text


def test_a_name_cannot_leave_its_block_of_the_summary(tmp_path: Path) -> None:
    class Hostile(ReferenceServer):
        def render(self, audience: Audience) -> dict[str, JSON]:
            return {**super().render(audience), "x\n```\n# The API conforms\n![](https://evil.example/)": 1}

    ran(target_of(Hostile()), tmp_path)
    lines = texts(tmp_path)["report.md"].splitlines()
    fenced = False
    for line in lines:
        fenced ^= line.startswith("```")
        assert fenced or "evil.example" not in line
        assert not line.startswith(("# The API", "!["))
    assert any("evil.example" in line for line in lines)


KEYS = ["trk_" + "abcdefghijklmnopqrstuvwxyz012345", 'trk_<b>&"quoted"\'\\back\\slash']


@pytest.mark.parametrize("key", KEYS)
def test_the_key_is_in_no_file(tmp_path: Path, key: str) -> None:
    class Echoing(Drifting):
        """Prints the key where answers, differences and cut texts can carry it away."""

        def render(self, audience: Audience) -> dict[str, JSON]:
            told = {**super().render(audience), f"echo {key}": [{key: key}], "created_at": f"{'x' * 45}{key}{'x' * 99}"}
            return told | {"cached_size": key}

        def error(self, status: int, code: str, text: str) -> Response:
            return super().error(status, code, f"{text} {key}")

    store = documented_store()
    store.keys = {key}
    store.audiences[AUDIENCE_ID]["name"] = f"{key} {'y' * 90}{key}"
    code, _ = ran(target_of(Echoing(store), key), tmp_path)
    assert code == ExitCode.DRIFT
    described = loaded(tmp_path)
    assert complaints(described) == []
    assert described["exchanges"][0]["answer"]["name"].startswith("[key] y")
    for name, text in texts(tmp_path).items():
        assert "[key]" in text, name
        for form in (key, json.dumps(key)[1:-1], str(escape(key)), str(escape(json.dumps(key)[1:-1]))):
            assert form[:12] not in text, name
            assert form[-12:] not in text, name


def test_a_replay_has_no_key_to_hide(tmp_path: Path) -> None:
    store = documented_store()
    key = replay_target("quick").key
    store.keys = {key}
    store.audiences[AUDIENCE_ID]["name"] = f"{key} on Monday"
    ran(target_of(ReferenceServer(store), key, name="replay"), tmp_path)
    assert loaded(tmp_path)["exchanges"][0]["answer"]["name"] == f"{key} on Monday"


def test_a_narrowed_run_claims_no_more_than_it_saw(tmp_path: Path) -> None:
    _, report = ran(target_of(ReferenceServer()), tmp_path, "-k", "audience.name")
    described = loaded(tmp_path)
    assert not described["complete"]
    assert described["headline"].endswith(", as far as this run looked")
    assert complaints(described) == []
    assert report.counts()[Verdict.SKIPPED] > 2
    assert "no: this run was narrowed" in texts(tmp_path)["report.html"]


def test_when_the_suite_failed_nothing_is_said_of_the_api(drifting: tuple[int, Report, Path], tmp_path: Path) -> None:
    failed = dataclasses.replace(drifting[1], suite_failures=("tests/test_x.py::test_<y>",), notes=("```\n# a",))
    reports.write_report(failed, tmp_path)
    described = loaded(tmp_path)
    assert described["verdict"] == "inconclusive"
    assert complaints(described) == []
    for name, text in texts(tmp_path).items():
        assert "the suite itself failed" in text.lower(), name
        assert "drifted" not in text, name
    assert "<li><code>tests/test_x.py::test_&lt;y&gt;</code></li>" in texts(tmp_path)["report.html"]
    assert "```text\n'''\\n# a\n```" in texts(tmp_path)["report.md"]


def test_equal_differences_are_told_once_with_every_place(drifting: tuple[int, Report, Path]) -> None:
    report = drifting[1]
    told = next(told for told in View(report).of(Verdict.BROKEN) if told.result.rule.id == "audience.cached_size")
    assert [difference.got.split(":")[1].split()[0] for difference in told.differences] == ["'12480'", "'None'", "'0'"]
    assert sum(len(difference.looks) for difference in told.differences) == len(told.result.differences)


def test_the_place_of_every_case_is_read_from_its_id() -> None:
    cases = rejection_cases("standard")
    assert {place_of(case.id) for case in cases} == {*POSITIONS, None}
    assert all(place_of(case.id) == case.position for case in cases)
    assert place_of("restore") is None


def test_a_long_body_is_cut_and_says_so() -> None:
    shown = body_text(b'"' + b"a" * 10_000 + b'"')
    assert len(shown) < LONGEST_SHOWN + 40
    assert shown.endswith(f"({10_002 - LONGEST_SHOWN} more characters)")
    assert body_text(b"") == ""
    assert body_text(b"\xff\x1b[2J") == "\ufffd\\x1b[2J"
