"""Facts about files that are no page of the two operations: each is refused in a sentence, none is called alike."""

from __future__ import annotations

import gzip
import re
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.pages.docs_pages import NAMES, filled
from trackly_contract.cli import main
from trackly_contract.pages import html as docs_html
from trackly_contract.pages.compare import compare
from trackly_contract.pages.file import LARGEST, NotAPageError
from trackly_contract.pages.page import MOST_LINES, TooMuchError

if TYPE_CHECKING:
    from pathlib import Path

LIST_PAGE = """# List audiences

```bash
curl -X GET "https://app.tracklysms.com/api/v2/audiences?page=1" -H "X-Api-Key: k"
```

```json
{"audiences": [], "pagination": {"page": 1}}
```

## Error Codes

| HTTP Status | Error Code | Description |
| --- | --- | --- |
| 401 | unauthorized | No |
"""
DELETE_PAGE = LIST_PAGE.replace("-X GET", "-X DELETE").replace("audiences?page=1", "audiences/664f1a2b3c4d5e6f7a8b9c0d")
SIZE_PAGE = LIST_PAGE.replace("audiences?page=1", "audiences/664f1a2b3c4d5e6f7a8b9c0d/size")
BLOG = """# Ten ways to write to people

They like to be asked first. Try

    curl -X GET "https://app.tracklysms.com/api/v2/audiences/664f1a2b3c4d5e6f7a8b9c0d"

and see.
"""

NO_PAGES = [
    ("nothing", b"", "empty; save the page"),
    ("blank", b" \n\t\n", "empty; save the page"),
    ("binary", b"\x7fELF\x00\x01", "binary, no page"),
    ("pdf", b"%PDF-1.7 ...", "PDF, no page"),
    ("gzip", gzip.compress(b"x"), "gzip, no page; save the page of the operation"),
    ("latin", "é".encode("latin-1"), "byte 0 is not UTF-8"),
    ("utf-16", b"\xff\xfea", "no UTF-16"),
    ("json", b'{"openapi": "3.1.0"}', "JSON, no page"),
    ("json-deep", b"[" * 100_000, "JSON, no page"),
    ("archive", b"From: <Saved by Blink>\nMIME-Version: 1.0\n\n<html></html>", "a web archive (MHTML)"),
    ("word", b"nonsense", "no page of an operation; name a saved page of GET /v2/audiences/{id} (Get Audience) or PUT"),
    ("blog", BLOG.encode(), "names GET /v2/audiences/{id} but has 0 of the 12 rows of its tables"),
    ("list", LIST_PAGE.encode(), "a page of another operation (GET /v2/audiences)"),
    ("delete", DELETE_PAGE.encode(), "a page of another operation (DELETE /v2/audiences/664f1a2b3c4d5e6f7a8b9c0d)"),
    ("size", SIZE_PAGE.encode(), "a page of another operation (GET /v2/audiences/664f1a2b3c4d5e6f7a8b9c0d/size)"),
    ("html", b"<!doctype html><html><body><h1>Hello</h1></body></html>", "no page of an operation"),
    ("login", b"<html><head><title>Sign in</title></head><body><form></form></body></html>", "no page of an operation"),
    ("lines", b"a\n" * (MOST_LINES + 1), f"it has more than {MOST_LINES} lines"),
    ("huge", b"a" * (LARGEST + 1), "larger than 4 MiB"),
    ("tag", b"<html><body><a " + b"x=1 " * 400_000, "a tag, a comment or a script has more than"),
    ("comment", b"<html><body>" + b"<!--" * 400_000, "a tag, a comment or a script has more than"),
    ("cells", b"<html><body><table>" + b"<tr><td>" * (MOST_LINES + 9000), f"it has more than {MOST_LINES} lines"),
]


@pytest.mark.parametrize(("content", "said"), [pytest.param(c, s, id=name) for name, c, s in NO_PAGES])
def test_what_is_no_page_is_refused_in_one_line_that_names_the_file(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "page"
    path.write_bytes(content)
    done = CliRunner().invoke(main, ["docs", str(path)])
    assert done.exit_code == 2
    line = done.output.splitlines()[-1]
    assert line.startswith(f"Error: {path}: {said}")
    assert re.search("save the page|name a saved page", line)


@pytest.mark.parametrize(("make", "said"), [("missing", "there is no such file"), ("folder", "no file; name a saved")])
def test_what_is_no_file_is_refused(tmp_path: Path, make: str, said: str) -> None:
    path = tmp_path / "page"
    if make == "folder":
        path.mkdir()
    done = CliRunner().invoke(main, ["docs", str(path)])
    assert (done.exit_code, f"Error: {path}: {said}" in done.output) == (2, True)


def test_a_page_of_several_operations_is_refused(tmp_path: Path) -> None:
    many = "\n\n".join(f"{method} /v2/audiences/{{id}}" for method in ("GET", "PUT", "POST", "DELETE"))
    path = tmp_path / "page"
    path.write_text(f"{many}\n\n{filled('update.md')}", "utf-8")
    with pytest.raises(NotAPageError, match="a page of several operations"):
        compare(path)


def test_of_several_files_the_pages_are_told_and_the_others_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(filled("get.html"), "utf-8")
    bad.write_text("", "utf-8")
    done = CliRunner().invoke(main, ["docs", str(good), str(bad)])
    assert done.exit_code == 2
    assert f"{good}: get-audience" in done.output
    assert f"Error: {bad}: empty" in done.output


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_breaks_off_is_never_said_not_to_differ(tmp_path: Path, name: str) -> None:
    text = filled(name)
    table = [found.start() for found in re.finditer("401", text)][-1]
    path = tmp_path / "page"
    for end in range(0, table, max(1, table // 150)):
        path.write_text(text[:end], "utf-8")
        with pytest.raises(NotAPageError):
            compare(path)


def test_a_page_that_breaks_off_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text(filled("update.md").partition("| 400 | `invalid_time_unit`")[0], "utf-8")
    with pytest.raises(NotAPageError, match=r"breaks off after its last table or example, 17 rows .* are missing"):
        compare(path)


def test_a_page_in_an_older_charset_that_it_names_is_read(tmp_path: Path) -> None:
    text = (
        filled("get.html")
        .replace('charset="utf-8"', 'charset="iso-8859-1"')
        .replace("Nothing is", "Rien n\u2019est \u00e0")
    )
    (tmp_path / "page").write_bytes(text.encode("cp1252"))
    assert compare(tmp_path / "page").differences == ()


def test_html_that_takes_too_long_is_refused() -> None:
    ticks = iter([0.0, 1.0, docs_html.LONGEST + 2])
    with pytest.raises(TooMuchError, match="it takes more than 20 seconds"):
        docs_html.from_html("<p>x" * docs_html.PIECE, clock=lambda: next(ticks))


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>" + "<div>" * 300_000,
        "<html><body>" + "<table><tr><td>" * 100_000,
        "<html><body>" + "<" * 300_000,
        "<html><body>" + "<pre>" * 200_000,
        "[[" * 200_000,
        "[a](" * 200_000,
        "must be " + "a, " * 300_000,
        "a_" * 500_000,
        "| a " * 300_000,
        "{\n" * (MOST_LINES - 1) + "x",
        "/\n" * (MOST_LINES - 1),
        "curl '\n" * (MOST_LINES - 1),
    ],
    ids=lambda text: repr(text[-8:]),
)
def test_hostile_text_takes_bounded_time_and_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "page"
    path.write_text(f"GET /v2/audiences/{{id}}\n\n{text}" if text[0] != "<" else text, "utf-8")
    begin = time.monotonic()
    with pytest.raises(NotAPageError):
        compare(path)
    assert time.monotonic() - begin < 120
