"""The templates of the Markdown pages in docs/.

A name in a template that its page does not give is an error. Does not escape: each page has filters for foreign text.
"""

from pathlib import Path

import jinja2


def templates() -> jinja2.Environment:
    """Return the templates in this folder, for text that is not HTML."""
    return jinja2.Environment(  # noqa: S701  # not HTML
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
