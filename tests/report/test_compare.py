"""Two reports side by side: what changed, what got worse, and which files are not reports."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report.compare import Change, NotAReportError, compare_reports, load_report
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

RULE = "filter.time.unit"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report.json of a quick run that conforms, as text."""
    folder = tmp_path_factory.mktemp("report")
    target = embedded_target(ReferenceServer().answer, AUDIENCE_ID, REFERENCE_KEY)
    assert run_suite(target, "quick", ["-q", f"--trackly-report={folder}"])[0] == 0
    return (folder / "report.json").read_text("utf-8")


@pytest.fixture
def report(written: str) -> Any:
    return json.loads(written) | {"tool_version": "0.1.0"}


def turned(report: Any, verdict: str, got: str = "200", name: str = RULE, **members: Any) -> Any:
    """Return the report with another verdict of one rule."""
    changed = copy.deepcopy(report)
    rule = next(rule for rule in changed["rules"] if rule["id"] == name)
    rule["verdict"] = verdict
    if verdict in ("inconclusive", "skipped"):
        rule.update(reason="no answer", evidence=[], looks=0)
    else:
        evidence = {"verdict": verdict, "case": "c", "expected": "400", "got": got, "exchange": 1}
        rule.update(reason="", evidence=[evidence], looks=1)
    rule.update(members)
    return changed


def without(report: Any) -> Any:
    return {**report, "rules": [rule for rule in report["rules"] if rule["id"] != RULE]}


# Rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "change", "code"),
    [
        ("held", "broken", Change.WORSE, 1),
        ("noted", "broken", Change.WORSE, 1),
        ("inconclusive", "broken", Change.WORSE, 1),
        ("skipped", "broken", Change.WORSE, 1),
        ("held", "inconclusive", Change.LOST, 10),
        ("broken", "inconclusive", Change.LOST, 10),
        ("noted", "skipped", Change.LOST, 10),
        ("broken", "held", Change.MENDED, 0),
        ("broken", "noted", Change.MENDED, 0),
        ("inconclusive", "held", Change.FOUND, 0),
        ("held", "noted", Change.OTHER, 0),
        ("noted", "held", Change.OTHER, 0),
        ("skipped", "inconclusive", Change.OTHER, 0),
    ],
)
def test_a_rule_with_another_verdict_is_reported(report: Any, was: str, now: str, change: Change, code: int) -> None:
    found = compare_reports(turned(report, was), turned(report, now))
    assert [(c.id, c.change, c.old, c.new) for c in found.rules] == [(RULE, change, was, now)]
    assert found.exit_code == code


WAIVER = {"reason": "r", "expires": "2026-12-31"}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ({}, {}, None),
        ({"got": "at 2026-11-21T00:00:00"}, {"got": "at 2026-11-22T00:00:00"}, None),
        ({"got": "200"}, {"got": "400 bad"}, (Change.EVIDENCE, "broken", "broken")),
        ({}, {"basis": "shown"}, (Change.BASIS, "stated", "shown")),
        ({}, {"verdict": "noted", "waiver": WAIVER}, (Change.OTHER, "broken", "noted (waived)")),
        ({"verdict": "noted", "waiver": WAIVER}, {"verdict": "noted"}, (Change.OTHER, "noted (waived)", "noted")),
    ],
    ids=["the same", "another time", "other evidence", "another basis", "waived", "no longer waived"],
)
def test_a_rule_that_got_no_worse_is_compared(report: Any, old: Any, new: Any, change: Any) -> None:
    found = compare_reports(*(turned(report, **{"verdict": "broken", **members}) for members in (old, new)))
    assert [(c.change, c.old, c.new) for c in found.rules] == ([change] if change else [])
    assert found.exit_code == 0


def test_a_rule_that_is_new_or_gone_is_worse_only_if_it_is_new_and_broken(report: Any) -> None:
    pairs = (without(report), report), (report, without(report)), (without(report), turned(report, "broken"))
    found = [compare_reports(old, new) for old, new in pairs]
    assert [rule.change for one in found for rule in one.rules] == [Change.NEW, Change.GONE, Change.NEW]
    assert [one.exit_code for one in found] == [0, 0, 1]


def test_the_most_severe_change_comes_first_and_decides(report: Any) -> None:
    now = turned(turned(turned(report, "noted"), "broken", name="audience.name"), "skipped", name="audience.status")
    found = compare_reports(report, now)
    heads = [line for line in found.text().splitlines() if line.endswith("(1):")]
    assert heads == ["Broken now (1):", "Not known any more (1):", "Another verdict (1):"]
    assert found.exit_code == 1


def test_other_evidence_is_shown_and_no_text_of_a_file_is_a_command_to_a_terminal(report: Any) -> None:
    got = "200", "\x1b[2J\nverdict conforms"
    text = compare_reports(*(turned({**report, "headline": "a\x1b[2J"}, "broken", one) for one in got)).text()
    assert "\x1b" not in text
    assert "\n    was  200; expected 400\n    now  \\x1b[2J\\nverdict conforms; expected 400\n" in text


# Runs --------------------------------------------------------------------------------------------------


def trial(outcome: str) -> dict[str, Any]:
    return {"vocabulary": [{"kind": "carrier.operator", "token": "eq", "outcome": outcome, "said": "4"}]}


EMBEDDED, ELSEWHERE = "embedded reference server", "https://elsewhere.example"


@pytest.mark.parametrize(
    ("old", "new", "differs", "remark"),
    [
        ({}, {"target": "live"}, ("target", "reference", "live"), "another server was asked"),
        ({}, {"complete": False}, ("complete", "yes", "no"), "says nothing of the rules that it skipped"),
        ({}, {"read_only": True}, ("read_only", "no", "yes"), "finds out less"),
        ({}, {"base_url": ELSEWHERE}, ("base_url", EMBEDDED, ELSEWHERE), "another address"),
        ({}, {"tool_version": "9.9.9"}, ("tool_version", "0.1.0", "9.9.9"), "may ask something else"),
        ({}, {"effort": "standard"}, ("effort", "quick", "standard"), "one of them asked more"),
        ({"requests": 7}, {"requests": 241}, ("requests", "7", "241"), ""),
        ({"started_at": "2"}, {"started_at": "1"}, ("started_at", "2", "1"), "the old one is the later: swapped?"),
        (trial("accepted"), trial("refused"), ("carrier.operator", "eq: accepted", "eq: refused"), "no page"),
        ({"vocabulary": []}, trial("refused"), ("carrier.operator", "not tried", "eq: refused"), "no page"),
        ({}, {"suite_failures": ["x::y"]}, ("suite", "none", "1 failure"), "failed in the new run: a bug, not drift"),
        ({"suite_failures": ["x", "y"]}, {}, ("suite", "2 failures", "none"), "failed in the old run"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_runs_are_compared_first(report: Any, old: Any, new: Any, differs: Any, remark: str) -> None:
    found = compare_reports({**report, **old}, {**report, **new})
    assert [(c.what, c.old, c.new) for c in found.runs] == [differs]
    assert remark in found.runs[0].remark
    assert f"\n\nThe runs differ:\n  {differs[0]:<12} {differs[1]} -> {differs[2]}" in found.text()


def test_if_the_suite_failed_nothing_is_said_to_be_well(report: Any) -> None:
    found = compare_reports(report, {**report, "suite_failures": ["tests/x.py::y"]})
    assert found.exit_code == 10
    assert found.text().endswith("The suite itself failed in the new run, so nothing can be said of it.")


# Files -------------------------------------------------------------------------------------------------


def put(folder: Path, content: Any, name: str = "report.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize(
    ("more", "of_rule"),
    [({}, {}), ({"tool_version": "7.0.0"}, {}), ({"schema_version": "1.7", "zz_new": 1}, {"zz_new": 1})],
)
def test_a_report_of_this_major_version_is_read(tmp_path: Path, report: Any, more: Any, of_rule: Any) -> None:
    later = turned({**report, **more}, "held", **of_rule)
    assert load_report(put(tmp_path, later)) == later


@pytest.mark.parametrize(
    ("more", "said"),
    [({"schema_version": "1.7", "effort": "slow"}, "$.effort: 'slow' is not one of"), ({"zz_new": 1}, "zz_new")],
)
def test_a_report_that_does_not_fit_its_schema_is_rejected(tmp_path: Path, report: Any, more: Any, said: str) -> None:
    with pytest.raises(NotAReportError) as caught:
        load_report(put(tmp_path, {**report, **more}))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read ("),
        ("{", "not JSON ("),
        ('{"a": 1, "a": 2}', "not JSON (the key 'a' appears twice in one object)"),
        ("[]", "no report of a run (it has no schema_version)"),
        ('{"schema_version": "2.0"}', "schema_version '2.0' cannot be read here, only 1.x"),
        ('{"schema_version": 1.0}', "schema_version 1.0 cannot be read here, only 1.x"),
        ('{"schema_version": "1.0"}', "no report of a run: $: 'tool_version' is a required property"),
    ],
)
def test_a_file_that_is_not_a_report_is_rejected(tmp_path: Path, report: Any, content: str | None, said: str) -> None:
    path = put(tmp_path, content, "bad.json") if content is not None else tmp_path / "bad.json"
    with pytest.raises(NotAReportError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)
    code, text = called(put(tmp_path, report), path)
    assert (code, f"Error: {path}: " in text) == (2, True)


# The command -------------------------------------------------------------------------------------------


def called(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("now", "code", "last"),
    [
        ("held", 0, "No rule changed."),
        ("noted", 0, "Nothing got worse."),
        ("broken", 1, "It got worse: a rule is broken that was not."),
        ("inconclusive", 10, "Nothing is newly broken, but something is not known any more."),
    ],
)
def test_the_command_says_it_to_people_and_exits(tmp_path: Path, report: Any, now: str, code: int, last: str) -> None:
    new = report if now == "held" else turned(report, now)
    done = called(put(tmp_path, report, "old.json"), put(tmp_path, new, "new.json"))
    assert (done[0], done[1].splitlines()[-1]) == (code, last)
    assert "The runs differ" not in done[1]


def test_the_command_says_it_to_machines(tmp_path: Path, report: Any) -> None:
    old, new = put(tmp_path, report, "old.json"), put(tmp_path, turned(report, "broken"), "new.json")
    code, text = called("--json", old, new)
    found = json.loads(text)
    assert (code, found["exit_code"], found["worse"]) == (1, 1, True)
    rule = {"id": RULE, "change": "worse", "old": "held", "new": "broken"}
    assert found["rules"] == [{**rule, "got_before": [], "got_now": ["200; expected 400"]}]
    assert (found["old"]["effort"], found["runs"]) == ("quick", [])
