"""A saved page as a file: what can be read as a page is, anything else is refused in a sentence.

Promises: time and memory are bounded, whatever the file holds; the text of a refusal says what to do instead.
Refuses: to fetch a page, and to guess at what is neither HTML, Markdown nor plain text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackly_contract.core import NotJSONError, parse
from trackly_contract.pages.html import from_html
from trackly_contract.pages.page import TooMuchError, from_text

if TYPE_CHECKING:
    from pathlib import Path

    from trackly_contract.pages.page import Page

LARGEST = 4 * 1024 * 1024
"""Bytes of a page; a documentation page with all its scripts has about one million."""

SAVE = "save the page of the operation as HTML, as text or as Markdown"

_PACKED = {b"\x1f\x8b": "gzip", b"PK": "a ZIP archive", b"%PDF": "PDF", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_SINGLE_BYTE = re.compile(rb"""charset\s*=\s*["']?(iso-8859-1|windows-1252|latin-?1|us-ascii)""", re.IGNORECASE)
_ARCHIVE = re.compile(r"^(?:MIME-Version:|Content-Type: multipart/related)", re.MULTILINE | re.IGNORECASE)
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*|<!--.{0,4000}?-->\s*){0,5}"
    r"<(?:!doctype|html|head|body|main|article|section|header|div|nav|table|pre|p|h[1-6]|meta|title|link)\b",
    re.IGNORECASE | re.DOTALL,
)


class NotAPageError(ValueError):
    """A file is no documentation page of the two operations; the text is one sentence that names the file."""


def decoded(content: bytes) -> str:
    """Return the text of a file.

    Raises NotAPageError, without the file's name, for what is no text.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise NotAPageError(f"no UTF-16 ({error.reason}); {SAVE} in UTF-8") from None
    for begin, name in _PACKED.items():
        if content.startswith(begin):
            raise NotAPageError(f"{name}, no page; {SAVE} (curl unpacks with --compressed)")
    if b"\0" in content:
        raise NotAPageError(f"binary, no page; {SAVE}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _SINGLE_BYTE.search(content[:2048]):
            return content.decode("cp1252", "replace")
        raise NotAPageError(f"byte {error.start} is not UTF-8; {SAVE} in UTF-8") from None


def page_of(content: bytes) -> Page:
    """Return the structure of a saved page.

    Raises NotAPageError, without the file's name, for what is empty, binary, JSON, an archive, or more than a page.
    """
    text = decoded(content)
    if not text.strip():
        raise NotAPageError(f"empty; {SAVE}")
    if _ARCHIVE.search(text[:2000]):
        raise NotAPageError(f"a web archive (MHTML); {SAVE}")
    if text.lstrip()[:1] in "{[" and _is_json(content):
        raise NotAPageError(f"JSON, no page; {SAVE}")
    try:
        return from_html(text) if _HTML.match(text) else from_text(text)
    except TooMuchError as error:
        raise NotAPageError(f"{error}, more than a page of the two; {SAVE}, alone") from None


def _is_json(content: bytes) -> bool:
    try:
        parse(content.removeprefix(b"\xef\xbb\xbf"), duplicate_keys=True)
    except NotJSONError as error:
        return "nest deeper" in str(error)
    return True


def content_of(path: Path) -> bytes:
    """Return the bytes of a file, at most LARGEST.

    Raises NotAPageError, without the file's name, if it cannot be read or is larger.
    """
    try:
        if not path.is_file():
            raise NotAPageError(f"{'no file' if path.exists() else 'there is no such file'}; name a saved page")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise NotAPageError(f"cannot be read ({error.strerror}); name a saved page") from None
    if len(content) > LARGEST:
        raise NotAPageError(f"larger than {LARGEST // 1024 // 1024} MiB, more than a page has; {SAVE} alone")
    return content
