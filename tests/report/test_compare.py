"""Two reports side by side: what changed, what got worse, and which files are not reports."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.report.test_issues import OTHER, RULE, WAIVER, report, rule
from trackly_contract.cli import main
from trackly_contract.report.compare import WrongFileError, compare_reports, comparison_text, load_report


def told(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return comparison_text(compare_reports(old, new), old, new).split("\n")


# Rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "change", "code"),
    [
        ("held", "broken", "worse", 1),
        ("noted", "broken", "worse", 1),
        ("inconclusive", "broken", "worse", 1),
        ("skipped", "broken", "worse", 1),
        ("held", "inconclusive", "lost", 10),
        ("broken", "inconclusive", "lost", 10),
        ("noted", "skipped", "lost", 10),
        ("broken", "held", "mended", 0),
        ("broken", "noted", "mended", 0),
        ("inconclusive", "held", "found", 0),
        ("held", "noted", "other", 0),
        ("noted", "held", "other", 0),
        ("skipped", "inconclusive", "other", 0),
        (None, "held", "new", 0),
        (None, "broken", "new", 1),
        ("broken", None, "gone", 0),
    ],
)
def test_a_rule_with_another_verdict_is_reported(was: str | None, now: str | None, change: str, code: int) -> None:
    found = compare_reports(*(report(*([rule(verdict)] if verdict else [])) for verdict in (was, now)))
    assert [(c["id"], c["change"], c["old"], c["new"]) for c in found["rules"]] == [(RULE, change, was, now)]
    assert found["exit_code"] == code


WAIVED = rule("noted", **WAIVER)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (rule("broken"), rule("broken"), None),
        (rule("broken", got="2026-11-21T00:00:00"), rule("broken", got="2026-11-22T00:00:00"), None),
        (rule("broken"), rule("broken", got="400 bad"), ("evidence", "broken", "broken")),
        (rule("broken"), rule("broken", basis="shown"), ("basis", "stated", "shown")),
        (rule("broken"), WAIVED, ("other", "broken", "noted (waived)")),
        (WAIVED, rule("noted"), ("other", "noted (waived)", "noted")),
    ],
    ids=["the same", "another time", "other evidence", "another basis", "waived", "no longer waived"],
)
def test_a_rule_that_got_no_worse_is_compared(old: Any, new: Any, change: Any) -> None:
    found = compare_reports(report(old), report(new))
    assert [(c["change"], c["old"], c["new"]) for c in found["rules"]] == ([change] if change else [])
    assert found["exit_code"] == 0


def test_the_most_severe_change_comes_first_and_decides() -> None:
    verdicts = {"a.noted": "noted", RULE: "broken", OTHER: "skipped"}
    old, new = report(*(rule("held", name) for name in verdicts)), report(*(rule(verdicts[n], n) for n in verdicts))
    found, lines = compare_reports(old, new), told(old, new)
    heads = [line for line in lines if line.endswith("(1):")]
    assert heads == ["Broken now (1):", "Not known any more (1):", "Another verdict (1):"]
    assert found["exit_code"] == 1


def test_other_evidence_is_shown_and_no_text_of_a_file_is_a_command_to_a_terminal() -> None:
    got = "200", "\x1b[2J\nverdict conforms"
    text = "\n".join(told(*(report(rule("broken", got=one), headline="a\x1b[2J") for one in got)))
    assert "\x1b" not in text
    assert "\n    was  200; expected 400\n    now  \\x1b[2J\\nverdict conforms; expected 400\n" in text


# Runs --------------------------------------------------------------------------------------------------


def trial(outcome: str) -> dict[str, Any]:
    return {"vocabulary": [{"kind": "carrier.operator", "token": "eq", "outcome": outcome, "said": "4"}]}


HERE, ELSEWHERE = "https://api.example/api", "https://elsewhere.example"


@pytest.mark.parametrize(
    ("old", "new", "differs", "remark"),
    [
        ({}, {"target": "replay"}, ("target", "live", "replay"), "another server was asked"),
        ({}, {"complete": False}, ("complete", "yes", "no"), "says nothing of the rules that it skipped"),
        ({}, {"read_only": True}, ("read_only", "no", "yes"), "finds out less"),
        ({}, {"base_url": ELSEWHERE}, ("base_url", HERE, ELSEWHERE), "another address"),
        ({}, {"tool_version": "9.9.9"}, ("tool_version", "0.1.0", "9.9.9"), "may ask something else"),
        ({}, {"effort": "standard"}, ("effort", "quick", "standard"), "one of them asked more"),
        ({"requests": 7}, {"requests": 241}, ("requests", "7", "241"), ""),
        ({"started_at": "2"}, {"started_at": "1"}, ("started_at", "2", "1"), "the old one is the later: swapped?"),
        (trial("accepted"), trial("refused"), ("carrier.operator", "eq: accepted", "eq: refused"), "no page"),
        ({}, trial("refused"), ("carrier.operator", "not tried", "eq: refused"), "no page"),
        ({}, {"suite_failures": ["x::y"]}, ("suite", "none", "1"), "a bug, not drift"),
        ({"suite_failures": ["x", "y"]}, {}, ("suite", "2", "none"), "a bug, not drift"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_runs_are_compared_first(old: Any, new: Any, differs: Any, remark: str) -> None:
    (found,) = compare_reports(report(**old), report(**new))["runs"]
    assert (found["what"], found["old"], found["new"]) == differs
    assert remark in found["remark"]
    more = f"; {found['remark']}" if remark else ""
    expected = ["The runs differ:", f"  {differs[0]:<12} {differs[1]} -> {differs[2]}{more}"]
    assert told(report(**old), report(**new))[3:5] == expected


# Files -------------------------------------------------------------------------------------------------


def put(folder: Path, content: Any, name: str = "report.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize(
    ("more", "of_rule"),
    [({}, {}), ({"tool_version": "7.0.0"}, {}), ({"schema_version": "1.7", "zz_new": 1}, {"zz_new": 1})],
)
def test_a_report_of_this_major_version_is_read(tmp_path: Path, more: Any, of_rule: Any) -> None:
    later = report(rule("held", **of_rule), **more)
    assert load_report(put(tmp_path, later)) == later


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no JSON that can be read ("),
        ("{", "no JSON that can be read ("),
        ('{"a": 1, "a": 2}', "no JSON that can be read (the key 'a' appears twice in one object)"),
        ("[]", "no report of a run: $: [] is not of type 'object'"),
        ("{}", "no report of a run: $: 'schema_version' is a required property"),
        (
            report(rule("held"), schema_version="2.0"),
            "no report of a run: $.schema_version: '1.1' was expected; name a",
        ),
        ('{"schema_version": "1.0"}', "no report of a run: $: 'tool_version' is a required property"),
        (report(rule("held"), schema_version="1.7", effort="slow"), "no report of a run: $.effort: 'slow' is not one"),
        (report(rule("held"), schema_version=1.1), "no report of a run: $.schema_version: '1.1' was expected"),
        (report(rule("held"), zz_new=1), "no report of a run: $: Additional properties are not allowed ('zz_new'"),
    ],
)
def test_a_file_that_is_not_a_report_is_rejected(tmp_path: Path, content: Any, said: str) -> None:
    path = put(tmp_path, content, "bad.json") if content is not None else tmp_path / "bad.json"
    with pytest.raises(WrongFileError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)
    code, text = called(put(tmp_path, report(rule("held"))), path)
    assert (code, f"Error: {path}: " in text) == (2, True)


# The command -------------------------------------------------------------------------------------------


def called(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("now", "code", "last"),
    [
        (report(rule("held")), 0, "No rule changed."),
        (report(rule("noted")), 0, "Nothing got worse."),
        (report(rule("broken")), 1, "It got worse: a rule is broken that was not."),
        (report(rule("skipped")), 10, "Nothing is newly broken, but something is not known any more."),
        (
            report(rule("held"), suite_failures=["tests/x.py::y"]),
            10,
            "The suite itself failed in the new run, so nothing can be said of it.",
        ),
    ],
    ids=["the same", "noted", "broken", "skipped", "the suite failed"],
)
def test_the_command_says_it_to_people_and_exits(tmp_path: Path, now: Any, code: int, last: str) -> None:
    done = called(put(tmp_path, report(rule("held")), "old.json"), put(tmp_path, now, "new.json"))
    assert (done[0], done[1].splitlines()[-1]) == (code, last)
    assert ("The runs differ" in done[1]) is bool(now["suite_failures"])


def test_the_command_says_it_to_machines(tmp_path: Path) -> None:
    old, new = put(tmp_path, report(rule("held")), "old.json"), put(tmp_path, report(rule("broken")), "new.json")
    code, text = called("--json", old, new)
    found = json.loads(text)
    assert (code, found["exit_code"], found["worse"]) == (1, 1, True)
    changed = {"id": RULE, "change": "worse", "old": "held", "new": "broken"}
    assert found["rules"] == [{**changed, "got_before": [], "got_now": ["200; expected 400"]}]
    assert (found["old"]["effort"], found["runs"]) == ("quick", [])
