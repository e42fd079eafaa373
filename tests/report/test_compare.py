"""Facts about two reports side by side: what changed, what got worse, and which files are no reports."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report import compare as comparing
from trackly_contract.report.compare import Change, Comparison, NotAReportError, compare_reports, load_report
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

if TYPE_CHECKING:
    from pathlib import Path

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
    return json.loads(written)


def rule_of(report: Any, name: str = RULE) -> Any:
    return next(rule for rule in report["rules"] if rule["id"] == name)


def turned(report: Any, verdict: str, got: str = "200", name: str = RULE) -> Any:
    """Return the report with another verdict of one rule."""
    changed = copy.deepcopy(report)
    rule = rule_of(changed, name)
    rule["verdict"] = verdict
    if verdict in ("inconclusive", "skipped"):
        rule.update(reason="no answer", evidence=[], looks=0)
    else:
        evidence = {"verdict": verdict, "case": "c", "expected": "400", "got": got, "exchange": 1}
        rule.update(reason="", evidence=[evidence], looks=1)
    return changed


def changes(old: Any, new: Any) -> dict[str, Change]:
    return {change.rule: change.change for change in compare_reports(old, new).rules}


def test_a_report_and_itself_do_not_differ(report: Any) -> None:
    found = compare_reports(report, report)
    assert (found.runs, found.rules, found.exit_code) == ((), (), 0)
    assert found.text().endswith("\nNo rule changed.")


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
def test_a_rule_with_another_verdict_is_told(report: Any, was: str, now: str, change: Change, code: int) -> None:
    found = compare_reports(turned(report, was), turned(report, now))
    assert ({c.rule: c.change for c in found.rules}, found.exit_code) == ({RULE: change}, code)


def test_a_rule_that_stays_broken_got_no_worse(report: Any) -> None:
    found = compare_reports(turned(report, "broken"), turned(report, "broken"))
    assert (found.rules, found.exit_code) == ((), 0)


def test_a_newly_broken_rule_outweighs_one_that_is_not_known_any_more(report: Any) -> None:
    now = turned(turned(report, "broken"), "inconclusive", name="audience.name")
    assert compare_reports(report, now).exit_code == 1


def test_other_evidence_is_told_and_is_nothing_worse(report: Any) -> None:
    found = compare_reports(turned(report, "broken", "200"), turned(report, "broken", "400 bad"))
    change = found.rules[0]
    assert (change.change, change.got_before, change.got_now) == (
        Change.EVIDENCE,
        ("200; expected 400",),
        ("400 bad; expected 400",),
    )
    assert found.exit_code == 0
    assert "    was  200; expected 400\n    now  400 bad; expected 400" in found.text()


def test_another_time_is_no_other_evidence(report: Any) -> None:
    one, other = (turned(report, "broken", f"at {day}T00:00:00") for day in ("2026-11-21", "2026-11-22"))
    assert changes(one, other) == {}


def test_a_new_rule_and_a_gone_rule_are_told(report: Any) -> None:
    other = copy.deepcopy(report)
    other["rules"] = [rule for rule in other["rules"] if rule["id"] != RULE]
    assert (changes(other, report), changes(report, other)) == ({RULE: Change.NEW}, {RULE: Change.GONE})
    assert compare_reports(report, other).exit_code == compare_reports(other, report).exit_code == 0


def test_a_new_rule_that_is_broken_got_worse(report: Any) -> None:
    other = copy.deepcopy(report)
    other["rules"] = [rule for rule in other["rules"] if rule["id"] != RULE]
    assert compare_reports(other, turned(report, "broken")).exit_code == 1


def test_a_broken_rule_that_is_waived_now_is_not_called_mended(report: Any) -> None:
    now = turned(report, "noted")
    rule_of(now)["waiver"] = {"reason": "r", "expires": "2026-12-31"}
    found = compare_reports(turned(report, "broken"), now)
    assert (found.rules[0].change, found.rules[0].new) == (Change.OTHER, "noted (waived)")


def test_another_basis_is_told(report: Any) -> None:
    now = copy.deepcopy(report)
    rule_of(now)["basis"] = "shown"
    found = compare_reports(report, now)
    assert [(c.change, c.old, c.new) for c in found.rules] == [(Change.BASIS, "stated", "shown")]


def test_a_quick_and_a_standard_run_are_said_to_differ(report: Any) -> None:
    found = compare_reports(report, {**report, "effort": "standard", "requests": 241})
    assert [(c.what, c.old, c.new) for c in found.runs] == [
        ("effort", "quick", "standard"),
        ("requests", str(report["requests"]), "241"),
    ]
    assert "effort       quick -> standard; one of them asked more" in found.text()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"target": "live"}, ("target", "reference", "live")),
        ({"complete": False}, ("complete", "yes", "no")),
        ({"read_only": True}, ("read_only", "no", "yes")),
        (
            {"base_url": "https://elsewhere.example"},
            ("base_url", "embedded reference server", "https://elsewhere.example"),
        ),
        ({"tool_version": "9.9.9"}, ("tool_version", "0.1.0", "9.9.9")),
    ],
)
def test_what_the_runs_were_is_compared(report: Any, changed: dict[str, Any], told: tuple[str, str, str]) -> None:
    report["tool_version"] = "0.1.0"
    found = compare_reports(report, {**report, **changed})
    assert [(c.what, c.old, c.new) for c in found.runs] == [told]


def test_reports_in_the_wrong_order_are_noticed(report: Any) -> None:
    found = compare_reports(report, {**report, "started_at": "2001-01-01T00:00:00+00:00"})
    assert found.runs[0].remark == "the old one is the later: swapped?"


def test_tokens_that_are_refused_now_are_told(report: Any) -> None:
    old, new = (
        {**report, "vocabulary": [{"kind": "carrier.operator", "token": "eq", "outcome": word, "said": "4"}]}
        for word in ("accepted", "refused")
    )
    found = compare_reports(old, new)
    assert [(c.what, c.old, c.new) for c in found.runs] == [("carrier.operator", "eq: accepted", "eq: refused")]


def test_when_the_suite_failed_nothing_is_said_to_be_well(report: Any) -> None:
    found = compare_reports(report, {**report, "suite_failures": ["tests/x.py::y"]})
    assert found.exit_code == 10
    assert found.text().endswith("The suite itself failed in the new run, so nothing can be said of it.")


def test_no_text_of_a_file_reaches_a_terminal_as_a_command(report: Any) -> None:
    told = compare_reports(
        report, turned({**report, "headline": "a\x1b[2J"}, "broken", "\x1b[2J\nverdict conforms")
    ).text()
    assert "\x1b" not in told
    assert r"now  \x1b[2J\nverdict conforms; expected 400" in told


# Files --------------------------------------------------------------------------------------------------


def put(folder: Path, content: Any, name: str = "report.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_report_is_read_as_it_was_written(tmp_path: Path, report: Any) -> None:
    assert load_report(put(tmp_path, report)) == report


def test_a_report_of_another_version_of_the_suite_is_read(tmp_path: Path, report: Any) -> None:
    assert load_report(put(tmp_path, {**report, "tool_version": "7.0.0"}))["tool_version"] == "7.0.0"


def test_members_of_a_later_minor_version_are_passed_over(tmp_path: Path, report: Any) -> None:
    later = {**report, "schema_version": "1.7", "zz_new": 1}
    rule_of(later)["zz_new"] = 1
    assert compare_reports(load_report(put(tmp_path, later)), report).rules == ()


def test_a_later_minor_version_must_fit_all_the_same(tmp_path: Path, report: Any) -> None:
    with pytest.raises(NotAReportError, match=r"\$\.effort: 'slow' is not one of"):
        load_report(put(tmp_path, {**report, "schema_version": "1.7", "effort": "slow"}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON ("),
        ('{"a": 1, "a": 2}', "not JSON (the key 'a' appears twice in one object)"),
        ("[]", "no report of a run (it has no schema_version)"),
        ('{"schema_version": "2.0"}', "schema_version '2.0' cannot be read here, only 1.x"),
        ('{"schema_version": 1.0}', "schema_version 1.0 cannot be read here, only 1.x"),
        ('{"schema_version": "1.0"}', "no report of a run: $: 'tool_version' is a required property"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(NotAReportError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


def test_a_member_too_many_of_this_version_is_refused(tmp_path: Path, report: Any) -> None:
    with pytest.raises(NotAReportError, match="zz_new"):
        load_report(put(tmp_path, {**report, "zz_new": 1}))


# The command --------------------------------------------------------------------------------------------


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
def test_the_command_tells_people_and_exits(tmp_path: Path, report: Any, now: str, code: int, last: str) -> None:
    new = report if now == "held" else turned(report, now)
    done = called(put(tmp_path, report, "old.json"), put(tmp_path, new, "new.json"))
    assert (done[0], done[1].splitlines()[-1]) == (code, last)


def test_the_command_tells_machines(tmp_path: Path, report: Any) -> None:
    old, new = put(tmp_path, report, "old.json"), put(tmp_path, turned(report, "broken"), "new.json")
    code, text = called("--json", old, new)
    told = json.loads(text)
    assert (code, told["exit_code"], told["worse"]) == (1, 1, True)
    assert told["rules"] == [
        {
            "id": RULE,
            "change": "worse",
            "old": "held",
            "new": "broken",
            "got_before": [],
            "got_now": ["200; expected 400"],
        }
    ]
    assert (told["old"]["effort"], told["runs"]) == ("quick", [])


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_bad_file_exits_2_and_is_named(tmp_path: Path, report: Any, content: str | None) -> None:
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content, "utf-8")
    code, text = called(put(tmp_path, report), bad)
    assert code == 2
    assert f"Error: {bad}: " in text
    assert "Traceback" not in text


def test_changes_are_told_gravest_first(report: Any) -> None:
    now = turned(turned(turned(report, "noted"), "broken", name="audience.name"), "skipped", name="audience.status")
    text = Comparison(report, now, (), tuple(comparing._rules(report, now))).text()
    heads = ["Broken now (1):", "Not known any more (1):", "Another verdict (1):"]
    assert [text.index(head) for head in heads] == sorted(text.index(head) for head in heads)
