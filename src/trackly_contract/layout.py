"""JSON over lines as people write it: what fits stays on one line, what does not is broken up.

Promises: the text reads back as the same value; the outermost object or array is always broken up.
Refuses: to write what is not JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.jsonvalue import JSON

WIDTH = 96


def _unknown(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no JSON")


def laid_out(
    value: JSON, *, ascii_only: bool = False, default: Callable[[object], object] = _unknown, width: int = WIDTH
) -> str:
    """Return `value` as JSON over lines of at most `width` characters, where its texts allow it."""

    def line(part: JSON) -> str:
        return json.dumps(part, ensure_ascii=ascii_only, default=default)

    def laid(part: JSON, indent: int, before: int, *, outermost: bool = False) -> str:
        if not isinstance(part, (dict, list)) or not part:
            return line(part)
        if not outermost:
            one = line(part)
            if indent + before + len(one) < width:
                return one
        blanks = " " * (indent + 2)
        if isinstance(part, list):
            inner = [laid(entry, indent + 2, 0) for entry in part]
            return f"[\n{blanks}" + f",\n{blanks}".join(inner) + f"\n{' ' * indent}]"
        names = {name: line(name) for name in part}
        inner = [f"{names[name]}: {laid(entry, indent + 2, len(names[name]) + 2)}" for name, entry in part.items()]
        return f"{{\n{blanks}" + f",\n{blanks}".join(inner) + f"\n{' ' * indent}}}"

    return laid(value, 0, 0, outermost=True)
