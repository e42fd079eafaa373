"""`make proof`: runs the suite on every mutant and variant and writes docs/proof.md; `--check` compares its digest."""

import sys

import click

from tests.proof.document import Proof, path
from tests.proof.inputs import digest
from tests.proof.measure import jobs, run_all


@click.command()
@click.option("--check", is_flag=True, help="Measure nothing; fail if the document is of other inputs.")
def main(*, check: bool) -> None:
    """Measure what the suite catches and how often it raises a false alarm, and write docs/proof.md."""
    if check:
        if not path().exists() or digest() not in path().read_text("utf-8"):
            click.echo(f"{path()} was made from other inputs than today's: run `make proof`", err=True)
            sys.exit(1)
        return
    todo = jobs()
    with click.progressbar(length=len(todo), label="runs", show_pos=True) as bar:
        outcomes = run_all(todo, lambda: bar.update(1))
    path().write_text(Proof(outcomes).document(), "utf-8")
    click.echo(f"{path()} written")


if __name__ == "__main__":
    main()
