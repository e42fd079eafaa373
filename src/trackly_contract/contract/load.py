"""Reads data files against their types, and `contracts/` as one contract whose parts refer to one another.

Does not know any rule by name.
"""

import re
import tomllib
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from trackly_contract.contract.model import (
    AnswerVector,
    Assumption,
    Entry,
    Mentioned,
    Page,
    Question,
    RequestVector,
    Rule,
)
from trackly_contract.contract.vocabulary import LIST_OPERATORS, Observed, Outcome, TokenFile, Vocabulary
from trackly_contract.core import data_root, parse, short

T = TypeVar("T")
E = TypeVar("E", bound=Entry)

LARGEST = 256 * 1024
"""Bytes of a TOML file that is read."""

MOST_DOTS = 30
"""Dots in a line of TOML that is read: tomllib takes minutes for keys of thousands of parts."""

AREAS = ("read", "update", "audience", "error", "filter")
"""The order in which rules are reported: what a whole operation does, then its responses, then single errors."""

LABELS = ("id", "token", "rule", "question", "text", "word")
"""Fields of entries that tell them apart: the first that an entry has names it in an error."""

HOMES = {"page": "sources.toml", "rule": "rules/", "rules": "rules/", "twin": "vectors/"}
"""What holds the entries that a field refers to."""


class ContractError(ValueError):
    """A data file is wrong; the text names file, entry and field, and what is wrong with it."""


def read_data(path: Path, kind: type[T]) -> T:
    """Return the content of a JSON file (`*.json`) or else a TOML file as a value of a type.

    Raises ContractError, naming file, entry and field, if it cannot be read or does not fit the type. That holds for
    a hostile file too, within seconds.
    """
    form = "JSON" if path.suffix == ".json" else "TOML"
    try:
        with path.open("rb") as file:
            content = parse(file.read()) if form == "JSON" else _toml(file.read(LARGEST + 1))
    except OSError as error:
        raise ContractError(f"{path}: the file cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        why = "arrays or tables nest too deep" if isinstance(error, RecursionError) else short(str(error))
        raise ContractError(f"{path}: not {form}: {why}") from None
    try:
        # A date must be a date of TOML: a text that looks like one is an error.
        return msgspec.convert(content, kind, builtin_types=(date,))
    except msgspec.ValidationError as error:
        what, found, at = str(error).rpartition(" - at `$")
        what, where = (what, _where(content, at)) if found else (at, "")
        if what.startswith("Expected `date`"):
            what += "; write a date without quotes and without a time, as 2026-12-31"
        raise ContractError(f"{path}: {where}{short(what)}") from None


def _toml(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise ValueError(f"the file is larger than {LARGEST:,} bytes")
    text = content.decode("utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} has more than {MOST_DOTS} dots; split it")
    return tomllib.loads(text)


def _where(content: Any, at: str) -> str:
    """Return where msgspec found an error, for people: `.rule[1].source` is `rule 2 (read.flat), field source: `."""
    table, *steps = re.findall(r"[^.\[\]`]+", at)
    if not steps or not steps[0].isdecimal():
        return f"field {'.'.join([table, *steps])}: "
    names = ".".join(steps[1:])
    return f"{_entry(table, int(steps[0]), content[table][int(steps[0])])}{f', field {names}' if names else ''}: "


def _entry(table: str, index: int, entry: Any) -> str:
    """Return what an entry is called for people: `rule 2 (read.flat)`."""
    labels = [entry.get(name) if isinstance(entry, dict) else getattr(entry, name, None) for name in LABELS]
    label = next((f" ({short(label, 80)})" for label in labels if isinstance(label, str)), "")
    return f"{table} {index + 1}{label}"


def read_entries(path: Path, table: str, kind: type[E], **known: Container[str]) -> list[E]:
    """Return the entries of a file that holds one array of them, named `table`.

    Raises as `read_data` does, and for an entry whose field refers to something that is not `known`.
    """
    whole = msgspec.defstruct("Whole", [(table, list[kind])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    entries: list[E] = getattr(read_data(path, whole), table)
    _refer(path, table, entries, **known)
    return entries


def by_key(path: Path, table: str, entries: Iterable[E], key: Callable[[E], T], taken: Container[T] = ()) -> dict[T, E]:
    """Return entries by their key.

    Raises ContractError, naming file and entry, for a key that an earlier entry has or that is `taken` elsewhere.
    """
    found: dict[T, E] = {}
    for index, entry in enumerate(entries):
        if key(entry) in taken or found.setdefault(key(entry), entry) is not entry:
            raise ContractError(f"{path}: {_entry(table, index, entry)}: it is there already; keep one entry")
    return found


@dataclass(frozen=True)
class Contract:
    """Everything `contracts/` says, each part by id and in the order of its files.

    `observed` is what live runs found out about tokens, empty where nobody wrote it down: it only says what to try
    first.
    """

    rules: dict[str, Rule]
    requests: dict[str, RequestVector]
    answers: dict[str, AnswerVector]
    pages: dict[str, Page]
    questions: dict[str, Question]
    assumptions: Sequence[Assumption]
    mentioned: Sequence[Mentioned]
    vocabulary: Vocabulary
    observed: Sequence[Observed] = ()

    def refused(self) -> Iterable[RequestVector]:
        """Yield the vectors that are rejected, in the order of the files."""
        return (vector for vector in self.requests.values() if vector.refused)

    def of_rule(self, rule: str) -> list[RequestVector]:
        """Return the request vectors of one rule."""
        return [vector for vector in self.requests.values() if vector.rule == rule]

    def answering(self, question: Question) -> list[str]:
        """Return the rules that answer a question: with one of them it is no longer open."""
        return [rule for rule in question.answered_by if rule in self.rules]

    def open_questions(self, rule: str) -> list[Question]:
        """Return the questions that the documentation leaves open beside a rule."""
        return [found for found in self.questions.values() if rule in found.rules and not self.answering(found)]


def missing_vectors(source: Contract) -> list[str]:
    """Return one sentence for each rule that lacks the vectors which the suite sends: without them it cannot run."""
    shown = {vector.rule for vector in (*source.requests.values(), *source.answers.values())}
    rejected = {(vector.rule, vector.status, vector.code) for vector in source.requests.values()}
    missing = []
    for rule in source.rules.values():
        add = f"{rule.file}: rule {rule.id}: add to contracts/vectors/ a vector with an id that begins with {rule.id}/"
        if rule.code is not None and (rule.id, rule.status, rule.code) not in rejected:
            missing.append(f"{add}, status {rule.status}, code {rule.code}, and an accepted twin")
        elif rule.untested is None and rule.id not in shown:
            missing.append(f"{add}, or say in the field untested why no request can find it out")
    return missing


def load_contract(folder: Path) -> Contract:
    """Read a contract from `folder`.

    Raises ContractError, naming file, entry and field, for anything that its types do not allow, for an id used twice,
    and for a reference to a rule, page or twin that is not there.
    """
    pages = _by_id(folder / "sources.toml", "source", Page)
    rules: dict[str, Rule] = {}
    for path in sorted((folder / "rules").glob("*.toml"), key=lambda path: [*AREAS, path.stem].index(path.stem)):
        found = _by_id(path, "rule", Rule, taken=rules)
        for rule in found.values():
            _refer(path, f"rule {rule.id}, source", rule.sources, page=pages)
            if not rule.id.startswith(f"{path.stem}."):
                raise ContractError(f"{path}: rule {rule.id}, field id: in this file each begins with {path.stem}.")
            if rule.breakable and all(pages[source.page].kind == "guide" for source in rule.sources):
                raise ContractError(f"{path}: rule {rule.id}, field basis: a guide alone makes no rule {rule.basis}")
        rules |= found
    vectors = folder / "vectors"
    answers = _by_id(vectors / "answers.json", "answers", AnswerVector, rule=rules)
    requests: dict[str, RequestVector] = {}
    for path in sorted({*vectors.glob("*.json")} - {vectors / "answers.json"}):
        requests |= _by_id(path, "vectors", RequestVector, taken={*answers, *requests}, rule=rules)
    _refer(vectors, "answers", answers.values(), twin=answers)
    _refer(vectors, "vectors", requests.values(), twin=requests)
    questions = _by_id(folder / "questions.toml", "question", Question, page=pages, rules=rules)
    assumptions = read_entries(folder / "assumptions.toml", "assumption", Assumption, rules=rules)
    mentioned = read_entries(folder / "mentioned.toml", "mentioned", Mentioned, page=pages)
    words = read_data(folder / "vocabulary.toml", TokenFile)
    by_key(folder / "vocabulary.toml", "token", words.token, attrgetter("kind", "token"))
    _refer(folder / "vocabulary.toml", "token", words.token, page=pages)
    vocabulary = Vocabulary(words.token, words.full)
    path = folder / "observed.toml"
    observed = read_entries(path, "observed", Observed) if path.exists() else []
    by_key(path, "observed", observed, lambda entry: entry.key)
    return Contract(rules, requests, answers, pages, questions, assumptions, mentioned, vocabulary, observed)


def _by_id(path: Path, table: str, kind: type[E], taken: Container[str] = (), **known: Container[str]) -> dict[str, E]:
    return by_key(path, table, read_entries(path, table, kind, **known), attrgetter("id"), taken)


def _refer(path: Path, table: str, entries: Iterable[Entry], **known: Container[str]) -> None:
    """Raise ContractError for an entry that refers, in a field, to something that is not known."""
    for index, entry in enumerate(entries):
        for field, names in known.items():
            value = getattr(entry, field)
            for name in value if isinstance(value, tuple) else [value]:
                if name is not None and name not in names:
                    where = f"{path}: {_entry(table, index, entry)}, field {field}"
                    raise ContractError(f"{where}: there is no {name!r} in {HOMES[field]}")


@cache
def contract() -> Contract:
    """Return the project's own contract, read once."""
    return load_contract(data_root() / "contracts")


def in_order(kind: str, tokens: Iterable[str], observed: Iterable[Observed]) -> list[str]:
    """Return the tokens of one kind in the order of trying: what was accepted somewhere first, what was rejected last.

    None is left out, for what was rejected once may be accepted today.
    """
    seen = {(entry.token, entry.outcome) for entry in observed if entry.kind == kind}

    def rank(token: str) -> int:
        return 0 if (token, Outcome.ACCEPTED) in seen else 2 if (token, Outcome.REFUSED) in seen else 1

    return sorted(tokens, key=rank)


def words_of(kind: str) -> tuple[list[str | None], list[str]]:
    """Return the fields and the operators to try for one type, in order; one whose field is no token has None."""
    known, vocabulary = contract().observed, contract().vocabulary
    scalar = [
        token.token for token in vocabulary.of(f"{kind}.operator") if token.needs and token.token not in LIST_OPERATORS
    ]
    fields = in_order(f"{kind}.field", vocabulary.words(f"{kind}.field"), known)
    return [*fields] or [None], in_order(f"{kind}.operator", scalar, known)
