"""`make proof`: runs the suite on every mutant and variant and writes docs/proof.md; `--check` compares its digest.

It takes more than an hour. Until it is run, `--stale` has the document itself say that it is of other inputs.
"""

import re
import sys

import click

from tests.proof.document import Proof, path
from tests.proof.inputs import digest
from tests.proof.measure import jobs, run_all

MARK = (
    "**These figures are of an earlier state.** The suite, a mutant or a variant has changed since; the inputs now are"
)


@click.command()
@click.option(
    "--check", is_flag=True, help="Measure nothing; fail if the document is of other inputs, and says nothing."
)
@click.option("--stale", is_flag=True, help="Measure nothing; have the document say that it is of other inputs.")
def main(*, check: bool, stale: bool) -> None:
    """Measure what the suite catches and how often it raises a false alarm, and write docs/proof.md."""
    if stale:
        text = re.sub(rf"{re.escape(MARK)}.*\n\n", "", path().read_text("utf-8"))
        head, _, rest = text.partition("\n\n")
        title, _, rest = rest.partition("\n\n")
        path().write_text(f"{head}\n\n{title}\n\n{MARK} `{digest()}`.\n\n{rest}", "utf-8")
        return
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
