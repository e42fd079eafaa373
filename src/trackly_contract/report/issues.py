"""Which issues of a tracker a report opens and closes: one for each broken rule, closed when the rule holds again.

Promises: the title begins with the rule, and the same report opens nothing twice; what could not be found out, or is
waived, opens and closes nothing; what a server answered stands in an issue as code, so it links, mentions and commands
nothing.
Refuses: to talk to a tracker; to open anew what somebody closed as not planned.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackly_contract.core import NotJSONError, Verdict, one_line, parse, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trackly_contract.report.compare import Described

MARK = "[trackly-contract]"
_TITLE = re.compile(rf"{re.escape(MARK)} ([a-z]+(?:\.[a-z_]+)+)(?![a-z._])")

LONGEST_TITLE = 200
LONGEST_BODY = 4000
MOST_SHOWN = 3
"""Differences shown of one rule; the report has them all."""


class NotIssuesError(ValueError):
    """A file is no list of issues; the text is one sentence that names the file."""


@dataclass(frozen=True, slots=True)
class Known:
    """An issue that the tracker has: its number, the rule that its title names, and whether it is open."""

    number: int
    rule: str
    is_open: bool
    not_planned: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """An issue to open: the rule, and title and text in Markdown."""

    rule: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """An issue to close: its number, its rule, and what to say, in Markdown."""

    number: int
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done in the tracker."""

    opened: tuple[Opened, ...]
    closed: tuple[Closed, ...]

    def lines(self) -> Iterator[str]:
        """Yield the plan for people."""
        yield from (f"open   {issue.rule}" for issue in self.opened)
        yield from (f"close  {issue.rule} (issue {issue.number})" for issue in self.closed)

    def write(self, folder: Path) -> None:
        """Write `open/RULE.md` (title, empty line, text) and `close/NUMBER.md` into `folder`.

        Raises FileExistsError if the folder is there: what an earlier plan left would be done once more.
        """
        for name in ("open", "close"):
            (folder / name).mkdir(parents=True)
        for issue in self.opened:
            (folder / "open" / f"{issue.rule}.md").write_text(f"{issue.title}\n\n{issue.text}\n", "utf-8")
        for done in self.closed:
            (folder / "close" / f"{done.number}.md").write_text(f"{done.text}\n", "utf-8")


def read_issues(path: Path) -> list[Known]:
    """Read what `gh issue list --json number,title,state,stateReason` printed; foreign titles are passed over.

    Raises NotIssuesError if the file cannot be read or is something else.
    """
    try:
        content: Any = parse(path.read_bytes())
        entries = content if isinstance(content, list) else [content]
        found = [(entry["number"], entry["title"], entry["state"], entry.get("stateReason")) for entry in entries]
    except OSError as error:
        raise NotIssuesError(f"{path}: cannot be read ({error.strerror})") from None
    except (NotJSONError, TypeError, KeyError, AttributeError):
        raise NotIssuesError(f"{path}: not what `gh issue list --json number,title,state,stateReason` prints") from None
    return [
        Known(int(number), named[1], str(state).upper() == "OPEN", str(reason).upper() == "NOT_PLANNED")
        for number, title, state, reason in found
        if (named := _TITLE.match(str(title)))
    ]


def plan_issues(report: Described, known: Sequence[Known]) -> Plan:
    """Return what a report (from `compare.load_report`) opens and closes beside the issues that there are.

    Of several issues of one rule the newest says whether it is to be opened anew.
    """
    newest = {issue.rule: issue for issue in sorted(known, key=lambda issue: issue.number)}
    rules = {rule["id"]: rule for rule in report["rules"]}
    opened = [
        Opened(name, short(f"{MARK} {name}: {rule['statement']}", LONGEST_TITLE), _told(report, rule))
        for name, rule in rules.items()
        if rule["verdict"] == Verdict.BROKEN and _wanted(newest.get(name))
    ]
    closed = [
        Closed(issue.number, issue.rule, _mended(report, rules[issue.rule]))
        for issue in known
        if issue.is_open and _holds(rules.get(issue.rule))
    ]
    return Plan(tuple(opened), tuple(closed))


def _wanted(issue: Known | None) -> bool:
    return issue is None or not (issue.is_open or issue.not_planned)


def _holds(rule: Described | None) -> bool:
    return rule is not None and rule["verdict"] in (Verdict.HELD, Verdict.NOTED) and "waiver" not in rule


def _asked(report: Described) -> str:
    where = f"{_code(report['base_url'])} on {report['started_at']}"
    return f"asked at {where} (effort {report['effort']}, trackly-contract {_code(report['tool_version'])})"


def _told(report: Described, rule: Described) -> str:
    exchanges = {exchange["number"]: exchange for exchange in report["exchanges"]}
    differences = [found for found in rule["evidence"] if found["verdict"] == Verdict.BROKEN]
    lines = [f"{one_line(rule['statement'])}. That is broken, {_asked(report)}."]
    if report["stamped"]:
        lines += ["", "The reference server answered, a stand-in: this says nothing of the API."]
    lines += ["", f"Basis: {rule['basis']}, in {'; '.join(map(_code, rule['source']))}."]
    for found in differences[:MOST_SHOWN]:
        lines += ["", *_fenced(list(_facts(found, exchanges.get(found["exchange"]))))]
    if len(differences) > MOST_SHOWN:
        lines += ["", f"And {len(differences) - MOST_SHOWN} more like it; the report has them all."]
    lines += [
        "",
        "This issue is closed when the rule holds again. Closed as *not planned*, it stays closed.",
    ]
    return "\n".join(lines)


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


def _fenced(lines: list[str]) -> list[str]:
    """Return lines as a code block that no line of them can end."""
    longest = max((len(ticks) for line in lines for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


def _code(text: str) -> str:
    return f"`{short(text).replace('`', chr(39))}`"


def _mended(report: Described, rule: Described) -> str:
    return f"The rule {_code(rule['id'])} is {rule['verdict']}, {_asked(report)}."
