"""The issues that a report opens and closes, whatever a server responded."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.report import WrongFileError, read_issues
from trackly_contract.report.issues import LONGEST_TITLE, MARK, Issue
from trackly_contract.report.issues import plan_issues as plan
from trackly_contract.report.report import SCHEMA_VERSION

RULE, OTHER = "filter.time.unit", "filter.time.field"
WAIVER: dict[str, Any] = {"waiver": {"reason": "asked the vendor", "expires": "2026-12-31"}}


def rule(verdict: str, name: str = RULE, got: str = "200", **members: Any) -> dict[str, Any]:
    """Return a rule of a report.json; one with a verdict has one difference as its evidence."""
    known = verdict in ("held", "noted", "broken")
    evidence = {"verdict": verdict, "case": f"{name}/weeks", "expected": "400", "got": got, "exchange": 1}
    before = {"last_live": "never asked"} if verdict in ("noted", "broken") else {}
    return {
        "id": name,
        "verdict": verdict,
        "basis": "stated",
        "statement": "a time unit other than days, hours, minutes is refused",
        "source": ["update-audience, Error Codes"],
        "looks": 1 if known else 0,
        "reason": "" if known else "no answer",
        "evidence": [{**evidence, **before}] if known else [],
        **members,
    }


def report(*rules: dict[str, Any], answer: Any = None, **members: Any) -> dict[str, Any]:
    """Return a report.json with these rules."""
    exchange = {"number": 1, "method": "PUT", "path": "/v2/audiences/{id}", "sent": {"name": "x"}, "status": 200}
    versions = {"schema_version": SCHEMA_VERSION, "tool_version": "0.1.0", "started_at": "2026-11-22T03:17:00+00:00"}
    target = {"target": "live", "stamped": False, "base_url": "https://api.example/api", "evidence": "asked there"}
    run = {"effort": "quick", "read_only": False, "complete": True, "requests": 1, "writes": 1}
    found = {"verdict": "drift", "headline": "the API has drifted", "rules": list(rules)}
    nothing: dict[str, Any] = {name: [] for name in ("suite_failures", "vocabulary", "answers", "notes")}
    return versions | target | run | found | nothing | {"exchanges": [{**exchange, "answer": answer}]} | members


def issue(number: int, state: str, name: str = RULE) -> Issue:
    """Return an issue about a rule: open, or closed for a reason."""
    title = f"{MARK} {name}: in somebody's words"
    return Issue(number, title, "OPEN") if state == "open" else Issue(number, title, "CLOSED", state)


OPEN, COMPLETED, NOT_PLANNED = issue(7, "open"), issue(3, "COMPLETED"), issue(5, "NOT_PLANNED")
OPENED = [f"open   {RULE}"]


@pytest.mark.parametrize(
    ("found", "known", "lines"),
    [
        (rule("broken"), [], OPENED),
        (rule("broken"), [OPEN], []),
        (rule("broken"), [COMPLETED], OPENED),
        (rule("broken"), [NOT_PLANNED], []),
        (rule("broken"), [COMPLETED, NOT_PLANNED], []),
        (rule("broken"), [COMPLETED, OPEN], []),
        (rule("broken"), [OPEN, COMPLETED], []),
        (rule("broken"), [issue(9, "COMPLETED"), NOT_PLANNED], OPENED),
        (rule("broken"), [issue(9, "open", OTHER)], OPENED),
        (rule("held"), [OPEN, COMPLETED, issue(9, "open")], [f"close  {RULE} (issue {n})" for n in (7, 9)]),
        (rule("noted"), [OPEN], [f"close  {RULE} (issue 7)"]),
        (rule("noted", **WAIVER), [OPEN], []),
        (rule("inconclusive"), [OPEN], []),
        (rule("skipped"), [OPEN], []),
        (rule("held", OTHER), [OPEN], []),
    ],
)
def test_a_rule_opens_and_closes_issues(found: dict[str, Any], known: list[Issue], lines: list[str]) -> None:
    assert [action.line for action in plan(report(found), known)] == lines


def test_every_broken_rule_has_an_issue_of_its_own() -> None:
    actions = plan(report(rule("broken"), rule("broken", OTHER)), [])
    assert [action.file for action in actions] == [f"open/{RULE}.md", f"open/{OTHER}.md"]


def opened(found: dict[str, Any]) -> tuple[str, str]:
    """Return title and text of the issue that a report opens."""
    title, _, text = plan(found, [])[0].text.partition("\n\n")
    return title, text


def listed(folder: Path, title: str) -> Path:
    """Return a file as `gh issue list` prints it: an open issue of this title, and one of somebody else."""
    mine = {"number": 7, "title": title, "state": "OPEN", "stateReason": ""}
    other = {"number": 8, "title": "x", "state": "CLOSED", "stateReason": "NOT_PLANNED"}
    (folder / "known.json").write_text(json.dumps([mine, other]))
    return folder / "known.json"


def test_the_title_names_the_rule_and_is_read_again(tmp_path: Path) -> None:
    title, _ = opened(report(rule("broken", statement="x" * LONGEST_TITLE)))
    assert title.startswith(f"{MARK} {RULE}: ")
    assert len(title) <= LONGEST_TITLE
    found = [Issue(7, title, "OPEN", ""), Issue(8, "x", "CLOSED", "NOT_PLANNED")]
    assert read_issues(listed(tmp_path, title)) == found


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        (f"{MARK} {RULE}", RULE),
        (f"{MARK} {RULE}: somebody's own words", RULE),
        (f"{MARK} {RULE}.more", f"{RULE}.more"),
        (f"{MARK} filter", ""),
        (f"Re: {MARK} {RULE}", ""),
        (RULE, ""),
    ],
)
def test_a_title_is_of_the_rule_that_it_begins_with(title: str, rule: str) -> None:
    assert Issue(7, title, "OPEN").rule == rule


@pytest.mark.parametrize("text", ["", "{}x", "null", '[{"number": 1}]', "[5]", '{"message": "Bad credentials"}'])
def test_a_file_that_is_not_a_list_of_issues_is_rejected_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(WrongFileError, match=r"known\.json"):
        read_issues(tmp_path / "known.json")


HOSTILE = "```\n@everyone #1 <img src=x>\r\n::error::x ``````` ![](http://x.example)\x1b[31m\u202e"


def test_nothing_of_a_response_leaves_its_code_block() -> None:
    title, text = opened(report(rule("broken", got=HOSTILE), answer={"x": HOSTILE}))
    head, fence, rest = re.split(r"^(`{3,})text$", text, maxsplit=1, flags=re.MULTILINE)
    inside, tail = rest.split(f"\n{fence}\n")
    assert "everyone" not in head + tail + title
    assert inside.count("@everyone") == 2
    assert len(fence) > max(len(ticks) for ticks in re.findall("`+", inside))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_response_of_the_reference_server_is_called_one() -> None:
    assert "this says nothing of the API" in opened(report(rule("broken"), stamped=True))[1]


# The command -------------------------------------------------------------------------------------------


def ran(folder: Path, *arguments: object, content: Any) -> tuple[int, str]:
    (folder / "report.json").write_text(json.dumps(content))
    given = ["issues", folder / "report.json", "--into", folder / "plan", *arguments]
    done = CliRunner().invoke(main, [str(argument) for argument in given])
    return done.exit_code, done.output


def test_the_command_writes_a_file_for_each_issue_and_none_over_another(tmp_path: Path) -> None:
    found = report(rule("broken"), rule("held", OTHER))
    known = listed(tmp_path, f"{MARK} {OTHER}")
    assert ran(tmp_path, "--known", known, content=found) == (0, f"open   {RULE}\nclose  {OTHER} (issue 7)\n")
    title, text = opened(found)
    assert (tmp_path / "plan" / "open" / f"{RULE}.md").read_text("utf-8") == f"{title}\n\n{text}"
    assert (tmp_path / "plan" / "close" / "7.md").read_text("utf-8").startswith(f"The rule `{OTHER}` is held, asked at")
    code, output = ran(tmp_path, content=found)
    assert (code, "is there already" in output) == (2, True)


def test_a_file_that_is_not_a_report_is_a_usage_error(tmp_path: Path) -> None:
    code, _ = ran(tmp_path, content={})
    assert (code, (tmp_path / "plan").exists()) == (2, False)


def test_a_run_with_nothing_to_do_says_so(tmp_path: Path) -> None:
    assert ran(tmp_path, content=report(rule("held"))) == (0, "no issue to open, none to close\n")
