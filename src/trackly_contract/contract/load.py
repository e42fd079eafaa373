"""Reads data files against their types, and `contracts/` as one contract.

Does not know any rule by name. What entries refer to is checked by tests/integrity/test_contract_complete.py.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
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
from trackly_contract.contract.vocabulary import LIST_OPERATORS, Observed, Outcome, Vocabulary
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
    table, *steps = re.findall(r"[^.\[\]`]+", at) or [""]
    if not steps or not steps[0].isdecimal():
        return f"field {'.'.join([table, *steps])}: "
    names = ".".join(steps[1:])
    try:
        return f"{_entry(table, int(steps[0]), content[table][int(steps[0])])}{f', field {names}' if names else ''}: "
    except (LookupError, TypeError, ValueError):  # the file has a key that looks like the end of msgspec's sentence
        return ""


def _entry(table: str, index: int, entry: Any) -> str:
    """Return what an entry is called for people: `rule 2 (read.flat)`."""
    labels = [entry.get(name) if isinstance(entry, dict) else getattr(entry, name, None) for name in LABELS]
    label = next((f" ({short(label, 80)})" for label in labels if isinstance(label, str)), "")
    return f"{table} {index + 1}{label}"


def read_entries(path: Path, table: str, kind: type[E], *key: str) -> dict[Any, E]:
    """Return the entries of a file that holds one array of them, named `table`, by the fields that tell them apart.

    Raises ContractError as `read_data` does, and for an entry that is there twice.
    """
    whole = msgspec.defstruct("Whole", [(table, list[kind])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    found: dict[Any, E] = {}
    for index, entry in enumerate(getattr(read_data(path, whole), table)):
        if found.setdefault(attrgetter(*key)(entry), entry) is not entry:
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

    Raises ContractError, naming file, entry and field, for anything that its types do not allow, and for an id used
    twice in a file.
    """
    rules: dict[str, Rule] = {}
    for path in sorted((folder / "rules").glob("*.toml"), key=lambda path: [*AREAS, path.stem].index(path.stem)):
        rules |= read_entries(path, "rule", Rule, "id")
    vectors = folder / "vectors"
    requests: dict[str, RequestVector] = {}
    for path in sorted({*vectors.glob("*.json")} - {vectors / "answers.json"}):
        requests |= read_entries(path, "vectors", RequestVector, "id")
    mentioned = read_entries(folder / "mentioned.toml", "mentioned", Mentioned, "page", "section", "word")
    observed = folder / "observed.toml"
    return Contract(
        rules=rules,
        requests=requests,
        answers=read_entries(vectors / "answers.json", "answers", AnswerVector, "id"),
        pages=read_entries(folder / "sources.toml", "source", Page, "id"),
        questions=read_entries(folder / "questions.toml", "question", Question, "id"),
        assumptions=[*read_entries(folder / "assumptions.toml", "assumption", Assumption, "text").values()],
        mentioned=[*mentioned.values()],
        vocabulary=read_data(folder / "vocabulary.toml", Vocabulary),
        observed=[*read_entries(observed, "observed", Observed, "key").values()] if observed.exists() else [],
    )


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
    operators = [t.token for t in vocabulary.of(f"{kind}.operator") if t.needs and t.token not in LIST_OPERATORS]
    fields = in_order(f"{kind}.field", vocabulary.words(f"{kind}.field"), known)
    return [*fields] or [None], in_order(f"{kind}.operator", operators, known)
