"""The templates of the Markdown pages in docs/.

A name in a template that its page does not give is an error. Does not escape: each page has filters for foreign text.
"""

from pathlib import Path

import jinja2


def templates(folder: Path = Path(__file__).parent / "templates") -> jinja2.Environment:
    """Return the templates in a folder, for text that is not HTML."""
    return jinja2.Environment(  # noqa: S701  # not HTML
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
