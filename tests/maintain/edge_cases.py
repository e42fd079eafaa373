"""The atlas of edge cases: docs/edge-cases.md, what is documented, observed, assumed and unknown, in one page.

Promises: what a live API was never asked says so; what it did is told as it was answered (contracts/answers.toml) or
recorded (cassettes/live); what the reference server does is told as assumed, never as the API's; the same sources give
the same bytes.
Refuses: to ask anybody but the reference server, in this process.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.maintain import generated, markdown
from tests.maintain.recorded_verdicts import verdicts
from trackly_contract.contract import GUARD, contract, read_toml
from trackly_contract.core import NotJSONError, Verdict, parse, show
from trackly_contract.core.files import data_root
from trackly_contract.generate import CANDIDATE_TYPES, Tokens
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.report import observations
from trackly_contract.run import Session, ask_all
from trackly_contract.run.live_history import RecordingError
from trackly_contract.run.questions import body_text
from trackly_contract.run.targets import embedded_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.maintain.recorded_verdicts import Recorded
    from trackly_contract.contract import Observation, Probe, Question
    from trackly_contract.report.observations import Kept

GUARDED = "GUARD"
"""Stands for the condition that nobody meets."""

NOT_SEEN = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)
"""Verdicts that say nothing of what an API does."""


@dataclass(frozen=True)
class Side:
    """One side of a contradiction: where it stands, and what it says, in our words."""

    page: str
    says: str


@dataclass(frozen=True)
class Contradiction:
    """Two pages that say different things; `shown_by` is what would tell who is right, empty if nothing here does."""

    id: str
    subject: str
    one: Side
    other: Side
    shown_by: dict[str, str]

    def taken(self, given: Sequence[Kept], recorded: Mapping[str, Recorded]) -> str:
        """Return which side an API took, where it was asked; in words, empty where it was not."""
        told = []
        found = recorded.get(self.shown_by.get("rule", ""))
        if found is not None and found.verdict not in NOT_SEEN:
            did = self.one.says if found.verdict is Verdict.HELD else f"{found.verdict}: {found.said}"
            told.append(f"{did}, as recorded on {found.date}")
        for answer in given:
            if answer.about == (self.shown_by.get("question"), self.shown_by.get("probe")):
                sides = {self.shown_by["one_is"]: self.one.says, self.shown_by["other_is"]: self.other.says}
                side = next((says for begin, says in sides.items() if answer.said.startswith(begin)), "neither")
                told.append(f"{side} ({answer.said}) at {answer.base_url} on {answer.date}")
        return "; ".join(told)

    def why_unknown(self, recorded: Mapping[str, Recorded]) -> str:
        """Return why it is not known which side an API takes."""
        found = recorded.get(self.shown_by.get("rule", ""))
        return f"not found out on {found.date}: {found.said}" if found is not None else "not asked"


def contradictions() -> list[Contradiction]:
    """Return the register, in its order."""
    found = read_toml(data_root() / "contracts" / "contradictions.toml", "contradictions")["contradiction"]
    return [
        Contradiction(
            entry["id"], entry["subject"], Side(**entry["one"]), Side(**entry["other"]), entry.get("shown_by", {})
        )
        for entry in found
    ]


def assumed() -> list[Observation]:
    """Return what the reference server answers to every question."""
    server = ReferenceServer()
    session = Session(embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY), "quick")
    operators = {kind: "gte" if kind == "revenue" else "eq" for kind in CANDIDATE_TYPES}
    lists = server.store.audiences[AUDIENCE_ID]["source_lists"]
    return ask_all(session, Tokens(operators, {}), lists)


def asked(probe: Probe) -> str:
    """Return a probe as one line: method, path, what is odd about its headers, its body."""
    body = body_text(probe, GUARDED)
    method = probe.method or ("GET" if body is None else "PUT")
    ident = {None: "{id}", "@ID": "{ID}", "@id/": "{id}/"}.get(probe.id, probe.id)
    headers = dict(probe.headers)
    if probe.key is not None:
        headers = {"X-Api-Key": probe.key, **headers}
    told = [f"{name}: {value}" if value else f"no {name}" for name, value in headers.items()]
    return "  ".join(filter(None, [f"{method} /v2/audiences/{ident}", *told, _line(body)]))


def _line(body: str | None) -> str:
    if body is None:
        return ""
    try:
        parse(body.encode("utf-8"))
    except NotJSONError:
        return show(body, 400)[1:-1] if GUARDED not in body else body
    return body


@dataclass(frozen=True)
class Row:
    """One probe of a question: what is asked, what a live API answered, what the reference server does."""

    says: str
    request: str
    observed: str
    assumed: str


def rows(question: Question, ours: Sequence[Observation], live: Sequence[Kept]) -> list[Row]:
    """Return the rows of a question; of a search, one for each thing that it found."""
    requests = {probe.says: asked(probe) for probe in question.probes if not probe.find}
    found = []
    for answer in ours:
        if answer.question == question.id:
            seen = [entry for entry in live if entry.about == (question.id, answer.probe)]
            told = "; ".join(f"{entry.said} (at {entry.base_url} on {entry.date})" for entry in seen)
            found.append(Row(answer.probe, requests.get(answer.probe, ""), told, answer.said or answer.why_not))
    return found


def document() -> str:
    """Return docs/edge-cases.md."""
    templates = markdown.templates()
    templates.filters["cell"] = _cell
    templates.filters["code"] = _code
    source, live, recorded, ours = contract(), observations.kept_answers(), verdicts(), assumed()
    values: dict[str, Any] = {
        "questions": source.questions.values(),
        "pages": source.pages,
        "rows": {question.id: rows(question, ours, live) for question in source.questions.values()},
        "contradictions": contradictions(),
        "live": live,
        "recorded": recorded,
        "rules": source.rules,
        "guard": show(GUARD, 400),
    }
    return templates.get_template("edge-cases.md.jinja").render(values)


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
    except RecordingError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
