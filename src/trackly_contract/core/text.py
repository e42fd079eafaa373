"""Text for people and terminals: printable, in one line, short.

Control characters never reach a terminal, and no text of a response can add a line or a CI command.
"""

import re

CUT = " ... "
"""What stands in the place of a middle that was cut out."""

WIDTH = 80
"""Columns of the first line of a difference, where the name of its case is no longer than most."""

LONGEST = 400
"""Characters that are shown of one fact."""

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u061c\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff\ud800-\udfff]"
)
"""Control characters, blanks that are none, what reorders or hides text, and halves of characters."""

_COMMAND = re.compile(r"#(?=\[|vso\[|teamcity\[)")
"""What makes a command to a CI service of the rest of a line, wherever it stands; `::` does at its begin alone."""


def shortened(text: str, limit: int) -> str:
    """Return the text, at most `limit` characters of it: cut in the middle where it is longer."""
    kept = limit - len(CUT)
    return text if len(text) <= limit else f"{text[: kept * 2 // 3]}{CUT}{text[kept * 2 // 3 - kept :]}"


def printable(text: str) -> str:
    """Return the text with unseen characters spelt out, so that a terminal shows them and obeys none."""
    return _UNSEEN.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return the text printable and in one line: no answer can add a line to what is said of it."""
    return _COMMAND.sub(r"\\x23", printable(text).replace("\n", "\\n").replace("\t", "\\t"))


def short(text: str, limit: int = LONGEST) -> str:
    """Return the text in one printable line of at most `limit` characters, cut in the middle where it is longer."""
    return shortened(one_line(text), limit)
