"""Decides by `schemas/` alone what the documentation says of a body: accepted, rejected with codes, or open.

Every keyword of a request schema that can fail stands for a documented code (`x-error`) or an open question
(`x-open`), and every one of a response schema for a rule (`x-rule`). Does not know state, existing lists or servers.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from trackly_contract.contract.filters import depth
from trackly_contract.contract.load import contract
from trackly_contract.contract.vocabulary import Vocabulary
from trackly_contract.core import JSON, data_root, escape, shortened, step

DEEPEST = 100
"""Groups nested deeper than this are open: no page names a limit, and judges are exact to this depth."""

MOST_FAILURES = 100
"""Failures of one body that are reported; a body can hold as many as it has bytes."""

LONGEST_TEXT = 1000
"""Characters of the text of one failure."""


def _required(_validator: Validator, names: list[str], instance: JSON, _schema: JSON) -> Iterator[ValidationError]:
    """Like the standard keyword, but the error's path leads to the field that is missing."""
    for name in names if isinstance(instance, dict) else ():
        if name not in instance:
            yield ValidationError(f"{name} is missing", path=[name])


def _pattern(_validator: Validator, pattern: str, instance: JSON, _schema: JSON) -> Iterator[ValidationError]:
    """Like the standard keyword, with `$` and digits as JSON Schema has them: the very end, and ASCII alone."""
    read = re.sub(r"\$\Z", r"\\Z", pattern).replace(r"\d", "[0-9]")
    if isinstance(instance, str) and not re.search(read, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


# An integer is written as one: neither 5.0 nor true is an integer.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_Judge: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"required": _required, "pattern": _pattern}, type_checker=_TYPES
)


def document(name: str) -> dict[str, Any]:
    """Return one file of `schemas/` as parsed JSON."""
    found: dict[str, Any] = json.loads((data_root() / "schemas" / name).read_text("utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Failure:
    """One keyword that failed: its path in the body, what it stands for, and a text for people.

    `wants` is what is to stand there instead, "" where the keyword does not say it in a few words.
    """

    place: str
    stands_for: str
    text: str
    wants: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the documentation says of a body: open if it leaves anything open, else rejected or accepted."""

    faults: tuple[Failure, ...]
    questions: tuple[Failure, ...]

    @property
    def accepted(self) -> bool:
        """Whether the documentation says that the body is accepted."""
        return not self.faults and not self.questions


class Schemas:
    """The schemas with one vocabulary: by default the contract's own, every candidate included."""

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        self.vocabulary = vocabulary or contract().vocabulary
        names = ("update.json", "filter.json", "audience.json", "filter-in-answers.json", "error.json")
        documents = {name: document(name) for name in names}
        documents["vocabulary.json"] = self.vocabulary.schema()
        for found in documents.values():
            del found["$schema"]  # behind a $ref it would bring the standard keywords and types back
        resources = [(found["$id"], DRAFT202012.create_resource(found)) for found in documents.values()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._validators = {name: _Judge(documents[name], registry=registry) for name in names}
        self._rules = {
            name: {field: found["x-rule"] for field, found in documents[name]["properties"].items()}
            for name in ("audience.json", "error.json")
        }

    def decide(self, body: JSON) -> Decision:
        """Return what the documentation says of the body of an update; of more than MOST_FAILURES errors, the first.

        `body` is parsed JSON. `source_list_not_found` is never decided here: only a server knows its lists.
        """
        questions = list(_open_places(body))
        if any(question.stands_for == "depth" for question in questions):
            return Decision((), tuple(questions))
        faults: list[Failure] = []
        for error in islice(self._validators["update.json"].iter_errors(body), MOST_FAILURES):
            mark, stands_for = _mark(error)
            (faults if mark == "x-error" else questions).append(_failure(error, stands_for))
        return Decision(tuple(faults), tuple(questions))

    def failures(self, name: str, answer: JSON) -> list[Failure]:
        """Return what a response breaks of a schema, at most MOST_FAILURES; `stands_for` is the id of the rule."""
        failures = []
        for error in islice(self._validators[name].iter_errors(answer), MOST_FAILURES):
            path = error.absolute_path
            of_field = self._rules[name][str(path[0])] if path else "audience.id"
            missing = error.validator == "required" and len(path) == 1
            failures.append(_failure(error, of_field if missing else error.schema.get("x-rule", of_field)))
        return failures


def _failure(error: ValidationError, stands_for: str) -> Failure:
    path = "".join(f"/{escape(str(step))}" for step in error.absolute_path)
    wants = {
        "type": f"JSON of the type {error.validator_value}",
        "required": f"with {path.rpartition('/')[2]}",
        "maxLength": f"{error.validator_value} characters or fewer",
    }
    return Failure(path, stands_for, shortened(error.message, LONGEST_TEXT), wants.get(str(error.validator), ""))


def _mark(error: ValidationError) -> tuple[str, str]:
    """Return what the failing keyword stands for: `x-error` with its code or `x-open` with its question.

    A documented token in another letter case, or padded, is a question even where its list is full.
    """
    schema: dict[str, Any] = error.schema  # type: ignore[assignment]  # a boolean schema never fails here
    keyword = str(error.validator)
    if keyword == "enum" and "x-error" in schema and isinstance(error.instance, str):
        plain = error.instance.strip().casefold()
        if plain in {str(word).casefold() for word in schema["enum"]}:
            return "x-open", "token-case"
    for mark in ("x-error", "x-open"):
        if keyword in schema.get(mark, {}):
            return mark, schema[mark][keyword]
    raise LookupError(f"schemas/: keyword {keyword} at {list(error.absolute_path)} has no x-error or x-open")


def _open_places(body: JSON) -> Iterator[Failure]:
    """Yield what is open and no schema can say: depth, odd characters, how a long name is counted."""
    if isinstance(body, dict):
        if depth(body.get("filter")) > DEEPEST:
            yield Failure("/filter", "depth", f"groups nest deeper than {DEEPEST}")
        name = body.get("name")
        if isinstance(name, str) and len(name) <= 255 < len(name.encode("utf-8", "surrogatepass")):
            yield Failure("/name", "name-unit", "255 characters or fewer, but more than 255 bytes")
    pending: list[tuple[str, JSON]] = [("", body)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((f"{path}/{step(key)}", member) for key, member in value.items())
            pending.extend((path, key) for key in value)
        elif isinstance(value, list):
            pending.extend((f"{path}/{index}", entry) for index, entry in enumerate(value))
        elif isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
            yield Failure(path, "characters", "NUL or a lone surrogate")


@cache
def schemas() -> Schemas:
    """Return the schemas with the contract's own vocabulary, built once."""
    return Schemas()
