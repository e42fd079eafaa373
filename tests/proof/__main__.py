"""`make proof`: runs the suite on every mutant and variant and writes docs/proof.md; `--check` compares its digest."""

from __future__ import annotations

import sys

import click

from tests.proof import document
from tests.proof.measure import jobs, run_all


def main() -> int:
    """Measure and write, or with `--check` say whether the document is of today's inputs."""
    if sys.argv[1:] == ["--check"]:
        written = document.path().read_text("utf-8") if document.path().exists() else ""
        if document.digest() in written:
            return 0
        sys.stderr.write(f"{document.path()} is not of today's inputs: run `make proof`\n")
        return 1
    todo = jobs()
    with click.progressbar(length=len(todo), label="runs") as bar:
        outcomes = run_all(todo, lambda _done, _all: bar.update(1))
    document.path().write_text(document.document(outcomes), "utf-8")
    sys.stdout.write(f"{document.path()} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
