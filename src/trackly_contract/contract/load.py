"""The contract as data: reads `contracts/`, checks every file against its schema, and joins the parts.

Promises: a slip in a data file is an error that names the file, the entry and the field.
Refuses: to judge an API, and to know any rule by name.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from trackly_contract.contract.model import AnswerVector, Probe, Question, RequestVector, Rule, Source, Token
from trackly_contract.contract.vocabulary import Observed, Outcome, Vocabulary
from trackly_contract.core import ABSENT, NotJSONError, data_root, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class ContractError(ValueError):
    """A data file of the contract is wrong; the text names file, entry and field."""


@dataclass(frozen=True)
class Page:
    """A documentation page: a reference page can make a rule stated or shown, a guide only inferred."""

    id: str
    title: str
    url: str
    kind: str
    read: str


@dataclass(frozen=True)
class Contract:
    """Everything `contracts/` says, each part by id and in the order of its files.

    `observed` is what live runs found out of tokens, none where nobody wrote it down: it only says what to try first.
    """

    rules: dict[str, Rule]
    requests: dict[str, RequestVector]
    answers: dict[str, AnswerVector]
    pages: dict[str, Page]
    questions: dict[str, Question]
    vocabulary: Vocabulary
    observed: tuple[Observed, ...] = ()

    def refused(self) -> Iterable[RequestVector]:
        """Yield the vectors that are refused, in the order of the files."""
        return (vector for vector in self.requests.values() if vector.refused)

    def of_rule(self, rule: str) -> list[RequestVector]:
        """Return the request vectors of one rule."""
        return [vector for vector in self.requests.values() if vector.rule == rule]


def _where(entry: Any, path: Iterable[str | int]) -> str:
    """Name an entry of a data file by its id where it has one, and the field within it."""
    names = list(path)
    if len(names) >= 2 and isinstance(names[1], int) and isinstance(entry, dict):
        found = entry.get(names[0], [])[names[1]]
        label = (found.get("id") or found.get("token")) if isinstance(found, dict) else None
        head = f"{names[0]} {label!r}" if label else f"{names[0]} number {names[1] + 1}"
        field = ".".join(str(name) for name in names[2:])
        return f"{head}, field {field}" if field else head
    return ".".join(str(name) for name in names) or "the whole file"


def _checked(path: Path, content: Any, schema_name: str) -> Any:
    schema = json.loads((data_root() / "schemas" / "meta" / f"{schema_name}.json").read_text("utf-8"))
    error = next(iter(sorted(Draft202012Validator(schema).iter_errors(content), key=lambda e: e.path)), None)
    if error is not None:
        while error.context:
            error = max(error.context, key=lambda e: len(e.path))
        raise ContractError(f"{path}: {_where(content, error.absolute_path)}: {error.message}")
    return content


def read_toml(path: Path, schema_name: str) -> Any:
    """Return what a file of the contract says, dates as texts. Raises ContractError if it does not fit its schema."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: not TOML: {error}") from None
    except FileNotFoundError:
        raise ContractError(f"{path}: the file is not there") from None
    except OSError as error:
        raise ContractError(f"{path}: the file cannot be read ({error.strerror})") from None
    # A date becomes its text: a schema of JSON knows no other.
    return _checked(path, json.loads(json.dumps(content, default=str)), schema_name)


def read_json(path: Path, schema_name: str) -> Any:
    """Return what a JSON file of the contract says. Raises ContractError if it does not fit its schema."""
    try:
        content = parse(path.read_bytes())
    except NotJSONError as error:
        raise ContractError(f"{path}: not JSON: {error}") from None
    return _checked(path, content, schema_name)


_TAKEN = "{path}: the id {key!r} is taken already; ids are unique and never used again"


def _add(into: dict[str, Any], key: str, value: Any, path: Path) -> None:
    if key in into:
        raise ContractError(_TAKEN.format(path=path, key=key))
    into[key] = value


def _rule(entry: dict[str, Any], path: Path, pages: dict[str, Page]) -> Rule:
    sources = tuple(Source(**source) for source in entry["source"])
    for source in sources:
        if source.page not in pages:
            raise ContractError(f"{path}: rule {entry['id']!r}, field source: no page {source.page!r} in sources.toml")
    if entry["basis"] in ("stated", "shown") and all(pages[s.page].kind == "guide" for s in sources):
        raise ContractError(f"{path}: rule {entry['id']!r}, field basis: a guide alone makes no rule {entry['basis']}")
    return Rule(sources=sources, **{key: value for key, value in entry.items() if key != "source"})


def _vector(entry: dict[str, Any]) -> RequestVector:
    expect = entry["expect"]
    return RequestVector(
        id=entry["id"],
        method=entry["method"],
        status=expect["status"],
        body=entry.get("body", ABSENT),
        situation=entry.get("situation"),
        then=entry.get("then"),
        code=expect.get("code"),
        echo=expect.get("echo"),
        twin=entry.get("twin"),
    )


AREAS = ("read", "update", "audience", "error", "filter")
"""The order in which rules are told: what a whole operation does, then its answers, then single faults."""


def _reading_order(path: Path) -> tuple[int, str]:
    return (AREAS.index(path.stem) if path.stem in AREAS else len(AREAS), path.name)


def load_contract(folder: Path | None = None) -> Contract:
    """Read a contract from `folder` (default: the project's own `contracts/`).

    Raises ContractError, naming file, entry and field, for anything that its schemas do not allow, for an id
    used twice, and for a reference to a rule, page or twin that is not there.
    """
    folder = folder or data_root() / "contracts"
    pages: dict[str, Page] = {}
    for entry in read_toml(folder / "sources.toml", "sources").get("source", []):
        _add(pages, entry["id"], Page(**entry), folder / "sources.toml")
    rules: dict[str, Rule] = {}
    for path in sorted((folder / "rules").glob("*.toml"), key=_reading_order):
        for entry in read_toml(path, "rules")["rule"]:
            _add(rules, entry["id"], _rule(entry, path, pages), path)
    requests, answers = _vectors(folder / "vectors", rules)
    questions: dict[str, Question] = {}
    for entry in read_toml(folder / "questions.toml", "questions")["question"]:
        probes = tuple(Probe(**probe) for probe in entry.pop("probe", ()))
        question = Question(**entry, probes=probes)
        if question.page not in pages:
            raise ContractError(f"{folder / 'questions.toml'}: {question.id}: there is no source {question.page}")
        _add(questions, question.id, question, folder / "questions.toml")
    vocabulary = _vocabulary(folder / "vocabulary.toml", pages)
    observed = tuple(read_observed(folder / "observed.toml"))
    return Contract(rules, requests, answers, pages, questions, vocabulary, observed)


def _vectors(folder: Path, rules: dict[str, Rule]) -> tuple[dict[str, RequestVector], dict[str, AnswerVector]]:
    requests: dict[str, RequestVector] = {}
    answers: dict[str, AnswerVector] = {}
    for path in sorted(folder.glob("*.json")):
        for entry in read_json(path, "vectors")["vectors"]:
            if entry["id"].partition("/")[0] not in rules:
                raise ContractError(f"{path}: vectors {entry['id']!r}: no rule of that name in rules/")
            if entry["id"] in requests or entry["id"] in answers:
                raise ContractError(_TAKEN.format(path=path, key=entry["id"]))
            if "answer" in entry:
                _add(answers, entry["id"], AnswerVector(**{"method": "GET", **entry}), path)
            else:
                _add(requests, entry["id"], _vector(entry), path)
    twins = [(vector.id, vector.twin) for vector in requests.values()]
    twins += [(vector.id, vector.twin) for vector in answers.values()]
    for name, twin in twins:
        if twin is not None and twin not in requests and twin not in answers:
            raise ContractError(f"{folder}: {name!r}, field twin: no vector {twin!r}")
    return requests, answers


def _vocabulary(path: Path, pages: dict[str, Page]) -> Vocabulary:
    content = read_toml(path, "vocabulary")
    tokens: dict[str, Token] = {}
    for entry in content["token"]:
        if entry["page"] not in pages:
            raise ContractError(
                f"{path}: token {entry['token']!r}, field page: no page {entry['page']!r} in sources.toml"
            )
        token = Token(**{**entry, "needs": tuple(entry.get("needs", ()))})
        _add(tokens, f"{token.kind} {token.token}", token, path)
    return Vocabulary(tuple(tokens.values()), frozenset(entry["kind"] for entry in content["list"]))


def read_observed(path: Path) -> list[Observed]:
    """Read what live runs found out of tokens; nothing where there is no such file.

    Raises ContractError, naming file, entry and field, if it does not fit `schemas/meta/observed.json`, or tells of a
    token twice for one base URL.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, str, str], Observed] = {}
    content = read_toml(path, "observed")
    for number, entry in enumerate(content["observed"]):
        where = f"{path}: {_where(content, ('observed', number))}"
        try:
            day = date.fromisoformat(entry["date"])
        except ValueError:
            raise ContractError(f"{where}, field date: there is no day {entry['date']}") from None
        observed = Observed(**{**entry, "outcome": Outcome(entry["outcome"]), "date": day})
        if observed.key in found:
            raise ContractError(f"{where}: {observed.kind} at {observed.base_url} has this token twice; keep one entry")
        found[observed.key] = observed
    return list(found.values())


@cache
def contract() -> Contract:
    """Return the project's own contract, read once."""
    return load_contract()


LISTS = ("in", "not_in")
"""Operators whose value is a list."""


def in_order(kind: str, tokens: Iterable[str], observed: Sequence[Observed]) -> list[str]:
    """Return the tokens of one kind in the order of trying: what was accepted somewhere first, what was refused last.

    None is left out, for what was refused once may be accepted today.
    """
    seen: dict[str, set[Outcome]] = {}
    for entry in observed:
        if entry.kind == kind:
            seen.setdefault(entry.token, set()).add(entry.outcome)

    def rank(token: str) -> int:
        outcomes = seen.get(token, set())
        return 0 if Outcome.ACCEPTED in outcomes else 2 if Outcome.REFUSED in outcomes else 1

    return sorted(tokens, key=rank)


def words_of(
    kind: str, source: Contract | None = None, observed: Sequence[Observed] | None = None
) -> tuple[list[str | None], list[str]]:
    """Return the fields and the operators to try for one type, in order; `observed` replaces the contract's own."""
    source = source or contract()
    known = source.observed if observed is None else observed
    scalar = [t.token for t in source.vocabulary.of(f"{kind}.operator") if t.needs and t.token not in LISTS]
    fields = in_order(f"{kind}.field", source.vocabulary.words(f"{kind}.field"), known)
    return [*fields] or [None], in_order(f"{kind}.operator", scalar, known)
