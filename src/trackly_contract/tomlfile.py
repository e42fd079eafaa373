"""Files of entries that a command writes and people review: TOML, one table an entry.

Promises: the same entries give the same bytes; a file is written whole or stays as it was; what the texts of an answer
hold cannot leave their place in it.
Refuses: to know what the entries mean, and to read (contract.py).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from trackly_contract.failure import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class UnwritableError(ValueError):
    """A file cannot be written; the text names it and says why."""


def as_toml(header: str, table: str, entries: Iterable[Mapping[str, str | date]], remark: str = "") -> str:
    """Return entries of one table as TOML, under a header of comments that may carry one remark more."""
    parts = [header + (f"# Beware: {one_line(remark)}.\n" if remark else "")]
    for entry in entries:
        members = (f"{name} = {_value(value)}\n" for name, value in entry.items())
        parts.append(f"[[{table}]]\n{''.join(members)}")
    return "\n".join(parts)


def _value(value: str | date) -> str:
    if isinstance(value, date):
        return value.isoformat()
    # Without unseen characters and halves of characters, a string of JSON is one of TOML too.
    return json.dumps(one_line(value), ensure_ascii=False)


def write(path: Path, text: str) -> None:
    """Put a text in the place of a file. Raises UnwritableError: then the file is as it was."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UnwritableError(f"{path}: cannot be written ({error.strerror})") from None
