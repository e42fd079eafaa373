"""Plans which issues of a tracker a report opens (one for each broken rule) and closes (the rule holds again).

The same report opens nothing twice. What a server responded is code in an issue, so it links, mentions and commands
nothing. Does not talk to a tracker, and does not open again what somebody closed as not planned.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from trackly_contract.core import NotJSONError, Verdict, one_line, parse, short
from trackly_contract.report.compare import Described, WrongFileError

MARK = "[trackly-contract]"
_TITLE = re.compile(rf"{re.escape(MARK)} ([a-z]+(?:\.[a-z_]+)+)(?![a-z._])")

LONGEST_TITLE = 200
LONGEST_BODY = 4000
MOST_SHOWN = 3
"""Differences shown of one rule; the report has them all."""


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
    """Read what `gh issue list --json number,title,state,stateReason` printed.

    Raises WrongFileError if the file cannot be read or is something else.
    """
    try:
        return msgspec.convert(parse(path.read_bytes()), list[Issue])
    except OSError as error:
        raise WrongFileError(f"{path}: cannot be read ({error.strerror})") from None
    except (NotJSONError, msgspec.ValidationError):
        raise WrongFileError(f"{path}: not what `gh issue list --json number,title,state,stateReason` prints") from None


def plan_issues(report: Described, known: Sequence[Issue]) -> list[Action]:
    """Return what a report (from `compare.load_report`) opens and closes, beside the issues that there are.

    Of several issues of one rule the newest says whether it is opened again. A rule that is waived or could not be
    checked opens and closes nothing.
    """
    newest = {issue.rule: issue for issue in sorted(known, key=lambda issue: issue.number)}
    rules = {rule["id"]: rule for rule in report["rules"]}
    actions = []
    for name, rule in rules.items():
        issue = newest.get(name)
        settled = issue is not None and (issue.state == "OPEN" or issue.state_reason == "NOT_PLANNED")
        if rule["verdict"] == Verdict.BROKEN and not settled:
            title = short(f"{MARK} {name}: {rule['statement']}", LONGEST_TITLE)
            actions.append(Action(f"open/{name}.md", f"{title}\n\n{_text(report, rule)}\n", f"open   {name}"))
    for issue in known:
        rule = rules.get(issue.rule, {})
        if issue.state == "OPEN" and rule.get("verdict") in (Verdict.HELD, Verdict.NOTED) and "waiver" not in rule:
            text = f"The rule {_code(issue.rule)} is {rule['verdict']}, {_asked(report)}.\n"
            line = f"close  {issue.rule} (issue {issue.number})"
            actions.append(Action(f"close/{issue.number}.md", text, line))
    return actions


def write_issues(actions: Sequence[Action], folder: Path) -> None:
    """Write `open/RULE.md` (title, empty line, text) and `close/NUMBER.md` into `folder`.

    Raises FileExistsError if the folder is there: what an earlier plan left would be done once more.
    """
    for name in ("open", "close"):
        (folder / name).mkdir(parents=True)
    for action in actions:
        (folder / action.file).write_text(action.text, "utf-8")


def _asked(report: Described) -> str:
    where = f"{_code(report['base_url'])} on {report['started_at']}"
    return f"asked at {where} (effort {report['effort']}, trackly-contract {_code(report['tool_version'])})"


def _text(report: Described, rule: Described) -> str:
    exchanges = {exchange["number"]: exchange for exchange in report["exchanges"]}
    differences = [found for found in rule["evidence"] if found["verdict"] == Verdict.BROKEN]
    parts = [f"{one_line(rule['statement'])}. That is broken, {_asked(report)}."]
    if report["stamped"]:
        parts.append("The reference server answered: this says nothing of the API.")
    parts.append(f"Basis: {rule['basis']}, in {'; '.join(map(_code, rule['source']))}.")
    parts += [_fenced(list(_facts(found, exchanges.get(found["exchange"])))) for found in differences[:MOST_SHOWN]]
    if len(differences) > MOST_SHOWN:
        parts.append(f"And {len(differences) - MOST_SHOWN} more like it; the report has them all.")
    parts.append("This issue is closed when the rule holds again. Closed as *not planned*, it stays closed.")
    return "\n\n".join(parts)


def _facts(found: Described, exchange: Described | None) -> Iterator[str]:
    yield f"case       {short(found['case'])}"
    if exchange is not None:
        yield f"sent       {exchange['method']} {short(exchange['path'])}  {_body(exchange['sent'])}"
    yield f"expected   {short(found['expected'])}"
    yield f"got        {short(found['got'])}"
    if "last_live" in found:
        yield f"last live  {short(found['last_live'])}"
    if exchange is not None:
        yield f"answer     {exchange['status']}  {_body(exchange['answer'])}"


def _body(value: Any) -> str:
    return "" if value is None else short(json.dumps(value, ensure_ascii=True), LONGEST_BODY)


def _fenced(lines: list[str]) -> str:
    """Return lines as a code block that no line of them can end."""
    longest = max((len(ticks) for line in lines for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _code(text: str) -> str:
    return f"`{short(text).replace('`', chr(39))}`"
