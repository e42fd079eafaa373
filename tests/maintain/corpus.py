"""Makes `contracts/corpus.json`: draws bodies with Hypothesis and keeps those that cover the most.

The same version of Hypothesis and the same vocabulary give the same bodies. `--check` says when the vocabulary has
changed since; that every body is still accepted or rejected as the file says is tested (tests/generate).
"""

import argparse
import hashlib
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import __version__

from tests.support.drawing import drawn, tokens_of
from trackly_contract.contract import UPDATE_FIELDS, ContractError, Vocabulary, contract, guarded
from trackly_contract.core import JSON, data_root
from trackly_contract.generate import (
    RejectedBody,
    candidate_types,
    corpus,
    rejected_bodies,
    rejection_codes,
    update_bodies,
)
from trackly_contract.generate.strategies import edits

_T = TypeVar("_T")
_Body = dict[str, "JSON"]

CORPUS_FILE = "contracts/corpus.json"

DEEPEST = 6
PER_SUBSET = 3
PER_CODE = 6

_WANTED = ((1, "AND", False), (2, "OR", True), (3, "AND", False), (5, "OR", False), (2, "AND", True), (3, "OR", True))
"""Positions of a code's errors: depth of the group, its operator, whether something stands before the error."""


def tokens_in(body: JSON) -> set[tuple[str, str]]:
    """Return the `(kind, token)` pairs in the filter of a body; none where there is no filter."""
    return {*tokens_of(body["filter"])} if isinstance(body, dict) and "filter" in body else set()


def _candidates(found: RejectedBody) -> list[tuple[str, str]]:
    candidates = {(token.kind, token.token) for token in contract().vocabulary.tokens if token.candidate}
    return sorted(candidates & (tokens_in(found.body) | tokens_in(found.twin)))


def _vocabulary(code: str | None = None) -> Vocabulary:
    """Return the documented tokens, and of a code's own condition type the candidates of the contract's vectors."""
    whole = contract().vocabulary
    known = set().union(*(tokens_in(vector.body) for vector in contract().requests.values()))
    types = {edit.condition_type for edit in edits() if edit.vector.code == code} & {*candidate_types()}
    wanted = {(kind, token) for kind, token in known if {kind.partition(".")[0], token} & types}
    return whole.without((t.kind, t.token) for t in whole.tokens if t.candidate and (t.kind, t.token) not in wanted)


def _accepted() -> Iterator[dict[str, Any]]:
    documented = _vocabulary()
    missing = {(token.kind, token.token) for token in documented.tokens}
    for size in range(1, len(UPDATE_FIELDS) + 1):
        for fields in combinations(UPDATE_FIELDS, size):
            made = update_bodies(vocabulary=documented, lists=(101, 102), nobody=True, max_depth=DEEPEST, fields=fields)
            pool = _distinct(drawn(made, 80), lambda one: one)
            for number in range(1, PER_SUBSET + 1):
                # What is still missing first; else in turn the first drawn, the plainest, and one in many scripts.
                scripts = number % 2 == 0
                body = max(pool, key=lambda one: (len(missing & tokens_in(one)), scripts and len(_scripts(one))))
                pool.remove(body)
                missing -= tokens_in(body)
                yield {"id": f"{'+'.join(fields)}/{number}", "body": body}
    if missing:
        raise ContractError(f"no accepted body has {sorted(missing)}: draw more")


def _scripts(body: _Body) -> set[str]:
    """Return the first words of the names of a body's letters and signs outside ASCII: CYRILLIC, COMBINING, ..."""
    outside = {char for char in json.dumps(body, ensure_ascii=False) if char > "\x7f"}
    return {unicodedata.name(char, "?").partition(" ")[0] for char in outside}


def _distinct(found: Iterable[_T], body: Callable[[_T], _Body]) -> list[_T]:
    """Return the first of all that have the same body."""
    first: dict[str, _T] = {}
    for one in found:
        first.setdefault(json.dumps(body(one)), one)
    return list(first.values())


def safe(found: RejectedBody) -> RejectedBody:
    """Return a rejected body that would match nobody if it were accepted, with a twin that does.

    Under AND at the top the guards stand around the other conditions; elsewhere the filter becomes a group below them.
    """
    if "filter" not in found.body:
        return found
    within = found.path.removeprefix("/filter")
    root_is_sound = within.count("/") > 1 and not found.code.startswith("empty")
    if root_is_sound and found.twin["filter"]["operator"] == "AND":
        _, kind, index, *rest = within.split("/")
        index = str(int(index) + 1) if kind == "conditions" else index
        path = "/".join(("/filter", kind, index, *rest))
        return RejectedBody(_beside(found.body), found.code, path, _beside(found.twin))
    return RejectedBody(_below(found.body), found.code, f"/filter/groups/0{within}", _below(found.twin))


def _beside(body: _Body) -> _Body:
    group = body["filter"]
    conditions = guarded(*group.get("conditions", ()))["conditions"]
    return {**body, "filter": {**group, "conditions": conditions}}


def _below(body: _Body) -> _Body:
    return {**body, "filter": guarded(groups=[body["filter"]])}


def position_of(twin: _Body, path: str) -> tuple[int, str, bool]:
    """Return where an error stands: depth of its group (0: in no filter), that group's operator, and whether later.

    The operator is that of the twin; later means that the error, or its group, is not the first of its list.
    """
    steps = path.removesuffix("/conditions/0").split("/")[1:]  # of an empty group, the first condition is missing
    indices = [int(step) for step in steps if step.isdigit()]
    if steps[0] != "filter":
        return 0, "", bool(indices and indices[-1])
    levels = steps.count("groups")
    group = twin["filter"]
    for index in indices[:levels]:
        group = group["groups"][index]
    return levels + 1, group["operator"], bool(indices and indices[-1])


def _rejected() -> Iterator[dict[str, Any]]:
    for code in rejection_codes():
        made = rejected_bodies(code, vocabulary=_vocabulary(code), lists=(101, 102), max_depth=DEEPEST - 1)
        pool = _distinct(map(safe, drawn(made, 400)), lambda one: one.body)
        for number, (depth, operator, later) in enumerate(_WANTED[:PER_CODE], 1):

            def fit(found: RejectedBody, wanted: tuple[int, str, bool] = (depth, operator, later)) -> int:
                got = position_of(found.twin, found.path)
                return sum(weight * (one == other) for weight, one, other in zip((4, 2, 1), got, wanted, strict=True))

            found = max(pool, key=fit)
            pool.remove(found)
            yield {
                "id": f"{code}/{number}",
                "code": code,
                "place": found.path,
                "body": found.body,
                "twin": found.twin,
                "candidates": _candidates(found),
            }


def inputs(root: Path | None = None) -> dict[str, str]:
    """Return the digest of what a corpus is made from, the vocabulary, line ends aside."""
    text = ((root or data_root()) / "contracts" / "vocabulary.toml").read_bytes().replace(b"\r\n", b"\n")
    return {"vocabulary.toml": hashlib.sha256(text).hexdigest()}


def made(root: Path | None = None) -> str:
    """Return `contracts/corpus.json` made anew, one entry a line."""

    def lines(entries: Iterator[dict[str, Any]]) -> str:
        return ",\n".join(f"    {json.dumps(entry, separators=(', ', ': '))}" for entry in entries)

    return (
        "{\n"
        f'  "hypothesis": {json.dumps(__version__)},\n'
        f'  "inputs": {json.dumps(inputs(root))},\n'
        f'  "accepted": [\n{lines(_accepted())}\n  ],\n'
        f'  "refused": [\n{lines(_rejected())}\n  ]\n'
        "}\n"
    )


def outdated(path: Path | None = None) -> list[str]:
    """Return which inputs have changed since the corpus was made."""
    corpus(path)
    frozen = json.loads((path or data_root() / CORPUS_FILE).read_text("utf-8")).get("inputs", {})
    return [name for name, digest in inputs().items() if frozen.get(name) != digest]


def main(arguments: Sequence[str] | None = None, root: Path | None = None) -> int:
    """Make the corpus anew, or with `--check` say whether it is of the present inputs; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.maintain.corpus", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the corpus is stale")
    options = parser.parse_args(arguments)
    root = root or data_root()
    path = root / CORPUS_FILE
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write(f"{root}: no checkout; the corpus is made in a checkout only\n")
        return 2
    if not options.check:
        path.write_bytes(made(root).encode("ascii"))
        found = corpus(path)
        sys.stdout.write(
            f"{CORPUS_FILE} written: {len(found.accepted)} accepted bodies, {len(found.rejected)} rejected ones\n"
        )
        return 0
    try:
        changed = outdated(path)
    except ContractError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if changed:
        sys.stderr.write(
            f"{CORPUS_FILE} is stale ({', '.join(changed)} changed): run `make corpus` and commit what it writes\n"
        )
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
