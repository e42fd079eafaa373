"""`python -m tests.faults.document` writes docs/faults.md from the table of faults; `--check` compares it.

Every number is read from where it counts.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.faults.surroundings import BROKEN
from tests.faults.table import FAULTS, every_fault
from tests.maintain import generated, markdown
from trackly_contract.judge.responses import NOT_ABOUT_THE_REQUEST
from trackly_contract.run import client, conversation, following


def _pauses(seconds: Iterable[float]) -> str:
    *first, last = (f"{one:g}" for one in seconds)
    return f"{', '.join(first)} and {last}"


def document() -> str:
    """Return docs/faults.md."""
    template = markdown.templates(Path(__file__).parent).get_template("faults.md.jinja")
    return template.render(
        groups=FAULTS,
        surroundings=BROKEN,
        count=len(every_fault()),
        tries=conversation.TRIES,
        looks=following.LOOKS,
        pauses=_pauses(conversation.pause(None, attempt) for attempt in range(1, conversation.TRIES)),
        longest_wait=f"{conversation.LONGEST_WAIT:g}",
        habit=conversation.TRIES,
        lost=conversation.LOST,
        lost_pauses=_pauses(
            conversation.pause(None, conversation.TRIES - 1 + lost) for lost in range(1, conversation.LOST)
        ),
        not_about=", ".join(map(str, sorted(NOT_ABOUT_THE_REQUEST))),
        persistence=conversation.PERSISTENCE,
        longest_answer=f"{client.LONGEST_ANSWER:g}",
        largest_answer=f"{client.LARGEST_ANSWER:,}",
    )


FILES = {"docs/faults.md": document}

if __name__ == "__main__":
    sys.exit(generated.main(files=FILES))
