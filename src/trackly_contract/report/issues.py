"""Plans which issues of a tracker a report opens (one for each broken rule) and closes (the rule holds again).

What a server responded is code in an issue, so it links, mentions and commands nothing. Does not talk to a tracker.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from trackly_contract.core import NotJSONError, Verdict, one_line, parse, short
from trackly_contract.report.compare import Described, WrongFileError
from trackly_contract.report.snippets import TEMPLATES

MARK = "[trackly-contract]"
_TITLE = re.compile(rf"{re.escape(MARK)} ([a-z]+(?:\.[a-z_]+)+)(?![a-z._])")

LONGEST_TITLE = 200
LONGEST_BODY = 4000


class Issue(msgspec.Struct, frozen=True, rename="camel"):
    """An issue that the tracker has, as `gh issue list` prints it."""

    number: int
    title: str
    state: Literal["OPEN", "CLOSED"]
    state_reason: str | None = None

    @property
    def rule(self) -> str:
        """The rule that the title begins with, empty for an issue about something else."""
        named = _TITLE.match(self.title)
        return named[1] if named else ""


class Action(NamedTuple):
    """One issue to open or to close: the file to write, what it holds in Markdown, and a line for people."""

    file: str
    text: str
    line: str


def read_issues(path: Path) -> list[Issue]:
    """Read what `gh issue list --json number,title,state,stateReason` printed; WrongFileError if it is not that."""
    try:
        return msgspec.convert(parse(path.read_bytes()), list[Issue])
    except (OSError, NotJSONError, msgspec.ValidationError) as error:
        what = "not what `gh issue list --json number,title,state,stateReason` prints"
        raise WrongFileError(f"{path}: {what} ({short(str(error))})") from None


def plan_issues(report: Described, known: Sequence[Issue]) -> list[Action]:
    """Return what a report (from `compare.load_report`) opens and closes, beside the issues that there are.

    Of several issues of one rule the newest says whether it is opened again: not what was closed as not planned. A rule
    that is waived or could not be checked opens and closes nothing.
    """
    newest = {issue.rule: issue for issue in sorted(known, key=lambda issue: issue.number)}
    rules = {rule["id"]: rule for rule in report["rules"]}
    actions = []
    for name, rule in rules.items():
        issue = newest.get(name)
        settled = issue is not None and (issue.state == "OPEN" or issue.state_reason == "NOT_PLANNED")
        if rule["verdict"] == Verdict.BROKEN and not settled:
            title = short(f"{MARK} {name}: {rule['statement']}", LONGEST_TITLE)
            text = f"{title}\n\n{_text(report, rule)}"
            actions.append(Action(f"open/{name}.md", text, f"open   {name}"))
    for issue in known:
        rule = rules.get(issue.rule, {})
        if issue.state == "OPEN" and rule.get("verdict") in (Verdict.HELD, Verdict.NOTED) and "waiver" not in rule:
            line = f"close  {issue.rule} (issue {issue.number})"
            actions.append(Action(f"close/{issue.number}.md", _text(report, rule), line))
    return actions


def write_issues(actions: Sequence[Action], folder: Path) -> None:
    """Write `open/RULE.md` (title, empty line, text) and `close/NUMBER.md` into `folder`.

    Raises FileExistsError if the folder is there: what an earlier plan left would be done once more.
    """
    for name in ("open", "close"):
        (folder / name).mkdir(parents=True)
    for action in actions:
        (folder / action.file).write_text(action.text, "utf-8")


def _text(report: Described, rule: Described) -> str:
    """Return in Markdown what a report says of a rule that is broken, or holds again."""
    exchanges = {exchange["number"]: exchange for exchange in report["exchanges"]}
    differences = [found for found in rule["evidence"] if found["verdict"] == Verdict.BROKEN]
    shown = [(found, exchanges.get(found["exchange"])) for found in differences]
    calls = {"code": _code, "fenced": _fenced, "one_line": one_line, "short": short, "body": _body}
    return TEMPLATES.get_template("issue.md.jinja").render(report=report, rule=rule, shown=shown, **calls) + "\n"


def _body(value: Any) -> str:
    return "" if value is None else short(json.dumps(value, ensure_ascii=True), LONGEST_BODY)


def _fenced(text: str) -> str:
    """Return a text as a code block that no line of it can end."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _code(text: str) -> str:
    return f"`{short(text).replace('`', chr(39))}`"
