"""Writes docs/edge-cases.md: what is documented, observed, assumed and unknown of each edge case, on one page.

What a live API did comes from contracts/answers.toml and cassettes/live. What the reference server does is shown as
assumed, never as the API's. The same sources give the same bytes. Sends requests to the reference server only.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO

import msgspec

from tests.maintain import generated, markdown
from trackly_contract.contract import CONTRADICTION, GUARD, Entry, Observation, Probe, Question, contract, read_entries
from trackly_contract.core import NotJSONError, Verdict, parse, short, show
from trackly_contract.core.files import data_root
from trackly_contract.generate import Effort, RejectionCase, Tokens, candidate_types, rejection_cases
from trackly_contract.generate.cases import EFFORTS
from trackly_contract.judge.finding_text import actual_text
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report import observations
from trackly_contract.report.observations import Answered
from trackly_contract.report.report import RuleResult
from trackly_contract.run import Session, ask_all, cassettes
from trackly_contract.run.cassettes import CassetteError, read_manifest
from trackly_contract.run.live_history import live_recordings
from trackly_contract.run.questions import body_text
from trackly_contract.run.sandbox import Stage
from trackly_contract.run.targets import embedded_target, replay_target
from trackly_contract.suite import run_suite

GUARDED = ("GUARD", "CONTRADICTION")
"""Stand for the conditions that nobody meets: the first, and those that stand last."""

NOT_SEEN = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)
"""Verdicts that say nothing of what an API does."""

# The last live recording -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a live API did about one rule, and the day; `said` is what came, or why it was not found out."""

    verdict: Verdict
    said: str
    date: str


def recorded_verdicts() -> dict[str, Recorded]:
    """Return the verdicts of today's suite on the newest live recording, none if there is no recording.

    Raises CassetteError if there is one that is damaged, was not recorded from a live API, or does not fit the suite.
    """
    folder = cassettes.cassette_folder("live")
    if not (folder / "manifest.json").is_file():
        return {}
    live_recordings(folder)
    manifest = read_manifest(folder)
    # Of several that were recorded on one day the one with the fewest requests: each asks every rule.
    effort = max(
        (effort for effort in EFFORTS if effort in manifest.efforts),
        key=lambda effort: (manifest.day(effort), -EFFORTS.index(effort)),
    )
    with redirect_stdout(StringIO()):
        _, report = run_suite(replay_target(effort), effort, ("-q", "--no-summary", "--tb=no"))
    if report is None or report.suite_failures:
        raise CassetteError(f"{folder}: today's suite asks something else; record again (make record)")
    return {
        result.rule.id: Recorded(result.verdict, _said(result), str(manifest.day(effort)))
        for result in report.results
        if result.rule.untested is None
    }


def _said(result: RuleResult) -> str:
    worst = next((actual_text(found) for found in result.differences if found.verdict is result.verdict), result.reason)
    return short(worst, 160)


# Contradictions ----------------------------------------------------------------------------------------


class Side(Entry, frozen=True):
    """One side of a contradiction: the page, and what it says, in our words."""

    page: str
    says: str


class Contradiction(Entry, frozen=True):
    """Two pages that say different things; `shown_by` is what would show who is right, empty if nothing here does."""

    id: str
    subject: str
    one: Side
    other: Side
    shown_by: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.shown_by) not in (set(), {"rule"}, {"question", "probe", "one_is", "other_is"}):
            raise ValueError("field 'shown_by': name a rule, or a question, its probe, one_is and other_is")

    def taken(self, kept: Sequence[Answered], recorded: Mapping[str, Recorded]) -> str:
        """Return in words which side an API took, empty if it was not asked."""
        taken = []
        found = recorded.get(self.shown_by.get("rule", ""))
        if found is not None and found.verdict not in NOT_SEEN:
            did = self.one.says if found.verdict is Verdict.HELD else f"{found.verdict}: {found.said}"
            taken.append(f"{did}, as recorded on {found.date}")
        for entry in kept:
            if (entry.question, entry.probe) == (self.shown_by.get("question"), self.shown_by.get("probe")):
                sides = {self.shown_by["one_is"]: self.one.says, self.shown_by["other_is"]: self.other.says}
                side = next((says for begin, says in sides.items() if entry.said.startswith(begin)), "neither")
                taken.append(f"{side} ({entry.said}) at {entry.base_url} on {entry.date}")
        return "; ".join(taken)

    def why_unknown(self, recorded: Mapping[str, Recorded]) -> str:
        """Return why it is not known which side an API takes."""
        found = recorded.get(self.shown_by.get("rule", ""))
        return f"not found out on {found.date}: {found.said}" if found is not None else "not asked"


def contradictions() -> list[Contradiction]:
    """Return the register, in its order."""
    path = data_root() / "contracts" / "contradictions.toml"
    return [*read_entries(path, "contradiction", Contradiction, "id").values()]


# Questions ---------------------------------------------------------------------------------------------


def assumed() -> list[Observation]:
    """Return what the reference server does with every question."""
    server = ReferenceServer()
    session = Session(embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY), "quick", asks_questions=True)
    session.sandbox.stage = Stage.OPEN
    operators = {kind: "gte" if kind == "revenue" else "eq" for kind in candidate_types()}
    lists = server.store.audiences[AUDIENCE_ID]["source_lists"]
    return ask_all(session, Tokens(operators, {}), lists)


def asked(probe: Probe) -> str:
    """Return the request of a probe as one line: method, path, unusual headers, body; empty for a search."""
    if probe.find:
        return ""
    body = body_text(probe, *GUARDED)
    method = probe.method or ("GET" if body is None else "PUT")
    ident = {None: "{id}", "@ID": "{ID}", "@id/": "{id}/"}.get(probe.id, probe.id)
    key = {} if probe.key is None else {"X-Api-Key": probe.key}
    headers = [f"{name}: {value}" if value else f"no {name}" for name, value in {**key, **probe.headers}.items()]
    return "  ".join(filter(None, [f"{method} /v2/audiences/{ident}", *headers, _line(body or "")]))


def _line(body: str) -> str:
    try:
        parse(body.encode("utf-8"))
    except NotJSONError:
        return show(body, 400)[1:-1] if GUARDED[0] not in body else body
    return body


@dataclass(frozen=True)
class Row:
    """One probe of a question: what is asked, what a live API did, what the reference server does."""

    says: str
    request: str
    observed: str
    assumed: str


def rows(question: Question, ours: Sequence[Observation], live: Sequence[Answered]) -> list[Row]:
    """Return the rows of a question, one for each probe."""
    does = {(one.question, one.probe): one.said or one.why_not for one in ours}
    found = []
    for probe in question.probes:
        seen = [entry for entry in live if (entry.question, entry.probe) == (question.id, probe.says)]
        observed = "; ".join(f"{entry.said} (at {entry.base_url} on {entry.date})" for entry in seen)
        found.append(Row(probe.says, asked(probe), observed, does[question.id, probe.says]))
    return found


def unguarded() -> list[tuple[Effort, RejectionCase]]:
    """Return the rejected updates that nothing can guard, each with the least effort that sends it."""
    found: dict[str, tuple[Effort, RejectionCase]] = {}
    for effort in EFFORTS:
        for case in rejection_cases(effort):
            if case.unguarded:
                found.setdefault(case.id, (effort, case))
    return [*found.values()]


def document() -> str:
    """Return docs/edge-cases.md."""
    templates = markdown.templates()
    templates.filters |= {"cell": _cell, "code": _code, "json": json.dumps}
    source, live, ours = contract(), observations.kept_answers(), assumed()
    return templates.get_template("edge-cases.md.jinja").render(
        questions=source.questions.values(),
        pages=source.pages,
        rows={question.id: rows(question, ours, live) for question in source.questions.values()},
        contradictions=contradictions(),
        live=live,
        recorded=recorded_verdicts(),
        rules=source.rules,
        guard=show(GUARD, 400),
        contradiction=json.dumps(CONTRADICTION)[1:-1],
        unguarded=unguarded(),
    )


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`")


def _code(text: str) -> str:
    """Return text as code in a cell of a table, whatever it holds."""
    if not text:
        return ""
    plain = text.replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    return f"{fence}{' ' if fence == '``' else ''}{plain}{' ' if fence == '``' else ''}{fence}"


FILES = {"docs/edge-cases.md": document}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write docs/edge-cases.md, or with `--check` say whether it is stale; return the exit code."""
    try:
        return generated.main(arguments, files=FILES)
    except CassetteError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
