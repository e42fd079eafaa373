"""The templates of the Markdown pages in docs/.

Promises: a name that a template has and its page does not give is an error, never a blank.
Refuses: to escape; what is not ours to write goes through a filter of its page.
"""

from __future__ import annotations

from pathlib import Path

import jinja2


def templates() -> jinja2.Environment:
    """Return the templates of the package, for text that is no HTML."""
    return jinja2.Environment(  # noqa: S701  # no HTML
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
