"""Facts about the issues that a report opens and closes, whatever a server answered."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from trackly_contract.cli import main
from trackly_contract.report import load_report
from trackly_contract.report.issues import LONGEST_TITLE, MARK, Known, NotIssuesError, Plan
from trackly_contract.report.issues import plan_issues as plan
from trackly_contract.report.issues import read_issues as read

if TYPE_CHECKING:
    from pathlib import Path

RULE = "filter.time.unit"
OPEN = Known(7, RULE, is_open=True, not_planned=False)
COMPLETED = Known(3, RULE, is_open=False, not_planned=False)
NOT_PLANNED = Known(5, RULE, is_open=False, not_planned=True)


def rule(verdict: str, name: str = RULE, got: str = "200", exchange: int | None = 1) -> dict[str, Any]:
    known = verdict in ("held", "noted", "broken")
    evidence = {"verdict": verdict, "case": f"{name}/weeks", "expected": "400", "got": got, "exchange": exchange}
    told = {"last_live": "never asked"} if verdict in ("noted", "broken") else {}
    return {
        "id": name,
        "verdict": verdict,
        "basis": "stated",
        "statement": "a time unit other than days, hours, minutes is refused",
        "source": ["update-audience, Error Codes"],
        "looks": 1 if known else 0,
        "reason": "" if known else "no answer",
        "evidence": [{**evidence, **told}] if known else [],
    }


def report(*rules: dict[str, Any], answer: Any = None, stamped: bool = False) -> dict[str, Any]:
    exchange = {"number": 1, "method": "PUT", "path": "/v2/audiences/{id}", "sent": {"name": "x"}, "status": 200}
    return {
        "schema_version": "1.0",
        "tool_version": "0.1.0",
        "verdict": "drift",
        "headline": "the API has drifted",
        "complete": True,
        "target": "live",
        "evidence": "asked at https://api.example/api",
        "stamped": stamped,
        "base_url": "https://api.example/api",
        "effort": "quick",
        "read_only": False,
        "started_at": "2026-11-22T03:17:00+00:00",
        "requests": 1,
        "writes": 1,
        "suite_failures": [],
        "rules": list(rules),
        "vocabulary": [],
        "answers": [],
        "notes": [],
        "exchanges": [{**exchange, "answer": answer}],
    }


def done(found: Plan) -> tuple[list[str], list[int]]:
    return [issue.rule for issue in found.opened], [issue.number for issue in found.closed]


@pytest.mark.parametrize(
    ("known", "opened"),
    [
        ([], True),
        ([OPEN], False),
        ([COMPLETED], True),
        ([NOT_PLANNED], False),
        ([COMPLETED, NOT_PLANNED], False),
        ([COMPLETED, OPEN], False),
        ([OPEN, COMPLETED], False),
        ([Known(9, RULE, is_open=False, not_planned=False), NOT_PLANNED], True),
        ([Known(9, "filter.time.field", is_open=True, not_planned=False)], True),
    ],
)
def test_a_broken_rule_is_opened_unless_its_newest_issue_stands(known: list[Known], *, opened: bool) -> None:
    assert done(plan(report(rule("broken")), known)) == ([RULE] if opened else [], [])


@pytest.mark.parametrize("verdict", ["held", "noted"])
def test_a_rule_that_holds_closes_each_open_issue_of_it(verdict: str) -> None:
    other = Known(9, RULE, is_open=True, not_planned=False)
    assert done(plan(report(rule(verdict)), [OPEN, COMPLETED, other])) == ([], [7, 9])


@pytest.mark.parametrize("verdict", ["inconclusive", "skipped"])
def test_a_rule_that_could_not_be_found_out_opens_and_closes_nothing(verdict: str) -> None:
    assert done(plan(report(rule(verdict)), [OPEN])) == ([], [])


def test_a_waived_rule_opens_and_closes_nothing() -> None:
    waived = {**rule("noted"), "waiver": {"reason": "asked the vendor", "expires": "2026-12-31"}}
    assert done(plan(report(waived), [OPEN])) == ([], [])


def test_a_rule_that_is_gone_from_the_contract_closes_nothing() -> None:
    assert done(plan(report(rule("held", "filter.time.field")), [OPEN])) == ([], [])


def test_every_broken_rule_has_an_issue_of_its_own() -> None:
    names = [RULE, "filter.time.field"]
    assert done(plan(report(*(rule("broken", name) for name in names)), []))[0] == names


def test_the_title_names_the_rule_and_is_read_again(tmp_path: Path) -> None:
    title = plan(report(rule("broken")), []).opened[0].title
    listed = tmp_path / "known.json"
    listed.write_text(json.dumps([{"number": 7, "title": title, "state": "OPEN", "stateReason": ""}]))
    assert title.startswith(f"{MARK} {RULE}: ")
    assert len(title) <= LONGEST_TITLE
    assert read(listed) == [OPEN]


@pytest.mark.parametrize(
    ("title", "rule_of_it"),
    [
        (f"{MARK} {RULE}", RULE),
        (f"{MARK} {RULE}: somebody's own words", RULE),
        (f"{MARK} {RULE}.more", f"{RULE}.more"),
        (f"{MARK} filter", None),
        (f"Re: {MARK} {RULE}", None),
        (RULE, None),
    ],
)
def test_a_title_is_of_the_rule_that_it_begins_with(tmp_path: Path, title: str, rule_of_it: str | None) -> None:
    listed = tmp_path / "known.json"
    listed.write_text(json.dumps([{"number": 7, "title": title, "state": "OPEN", "stateReason": None}]))
    assert [known.rule for known in read(listed)] == ([rule_of_it] if rule_of_it else [])


@pytest.mark.parametrize(
    "text", ["", "{}x", "5", "null", "{}", '[{"number": 1}]', "[5]", '{"message": "Bad credentials"}']
)
def test_what_is_no_list_of_issues_is_refused_by_name(tmp_path: Path, text: str) -> None:
    listed = tmp_path / "known.json"
    listed.write_text(text)
    with pytest.raises(NotIssuesError, match=r"known\.json"):
        read(listed)


HOSTILE = "```\n@everyone #1 <img src=x>\r\n::error::x ``````` ![](http://x.example)\x1b[31m\u202e"


def test_nothing_of_an_answer_leaves_its_code_block() -> None:
    opened = plan(report(rule("broken", got=HOSTILE), answer={"x": HOSTILE}), []).opened[0]
    head, fence, rest = re.split(r"^(`{3,})text$", opened.text, maxsplit=1, flags=re.MULTILINE)
    inside, tail = rest.split(f"\n{fence}\n")
    assert "everyone" not in head + tail + opened.title
    assert inside.count("@everyone") == 2
    assert len(fence) > max(len(ticks) for ticks in re.findall("`+", inside))
    assert "\x1b" not in opened.text
    assert "\u202e" not in opened.text


def test_an_answer_of_the_reference_server_is_called_one() -> None:
    assert "this says nothing of the API" in plan(report(rule("broken"), stamped=True), []).opened[0].text


def invoked(tmp_path: Path, *arguments: str, content: Any = None) -> Any:
    (tmp_path / "report.json").write_text(json.dumps(content or report(rule("broken"))))
    load_report(tmp_path / "report.json")
    given = ["issues", str(tmp_path / "report.json"), "--into", str(tmp_path / "plan"), *arguments]
    return CliRunner().invoke(main, given)


def test_the_command_line_writes_a_file_for_each_issue(tmp_path: Path) -> None:
    ran = invoked(tmp_path)
    assert (ran.exit_code, ran.output) == (0, f"open   {RULE}\n")
    written = (tmp_path / "plan" / "open" / f"{RULE}.md").read_text("utf-8").splitlines()
    assert written[:2] == [plan(report(rule("broken")), []).opened[0].title, ""]


def test_the_command_line_writes_what_to_say_where_an_issue_is_closed(tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text(
        json.dumps([{"number": 7, "title": f"{MARK} {RULE}", "state": "OPEN", "stateReason": ""}])
    )
    ran = invoked(tmp_path, "--known", str(tmp_path / "known.json"), content=report(rule("held")))
    assert (ran.exit_code, ran.output) == (0, f"close  {RULE} (issue 7)\n")
    assert (tmp_path / "plan" / "close" / "7.md").read_text("utf-8").startswith(f"The rule `{RULE}` is held")


def test_a_plan_is_not_written_over_another(tmp_path: Path) -> None:
    invoked(tmp_path)
    ran = invoked(tmp_path)
    assert (ran.exit_code, "is there already" in ran.output) == (2, True)


def test_a_file_that_is_no_report_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    ran = CliRunner().invoke(main, ["issues", str(tmp_path / "other.json"), "--into", str(tmp_path / "plan")])
    assert (ran.exit_code, (tmp_path / "plan").exists()) == (2, False)


def test_a_run_with_nothing_to_do_says_so(tmp_path: Path) -> None:
    ran = invoked(tmp_path, content=report(rule("held")))
    assert ran.output == "no issue to open, none to close\n"
