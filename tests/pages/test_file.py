"""Facts about files that are no page of the two operations: each is refused in a sentence, none is called alike."""

import gzip
import re
import time
from pathlib import Path

import pytest

from tests.pages.docs_pages import NAMES, called, filled, saved, told
from trackly_contract.pages import compare_pages
from trackly_contract.pages.page import LARGEST, LARGEST_TEXT, MOST_NODES

OTHER = """```bash
curl -X {} "https://app.tracklysms.com/api/v2/audiences{}" -H "X-Api-Key: k"
```

## Error Codes

| HTTP Status | Error Code |
| --- | --- |
| 401 | unauthorized |
"""
BLOG = '# Ten ways\n\nTry\n\n    curl "https://app.tracklysms.com/api/v2/audiences/664f1a"\n\nand see.\n'
CUT = filled("update.md").partition("| 400 | `invalid_time_unit`")[0]
BREAKS = "names PUT /v2/audiences/{id} but has "
NONE = "no page of one of the two operations"
MANY = "\n\n".join(f"{method} /v2/audiences/{{id}}" for method in ("GET", "PUT", "POST", "DELETE"))
MORE = "more than 200000 tags and texts, or more than 200 tags open at once"
NO_PAGES: list[tuple[str, str | bytes, str]] = [
    ("nothing", "", "empty; save the page"),
    ("blank", " \n\t\n", "empty; save the page"),
    ("pdf", "%PDF-1.7 ...", "PDF, no page"),
    ("gzip", gzip.compress(b"x"), "gzip (curl unpacks it with --compressed), no page; save the page of the operation"),
    ("zip", b"PK\x03\x04", "a ZIP archive, no page"),
    ("archive", "From: <Saved by Blink>\nMIME-Version: 1.0\n\n<html></html>", "a web archive (MHTML), no page"),
    ("latin", "é".encode("latin-1"), "byte 0 is not UTF-8"),
    ("utf-16", b"\xff\xfea", "byte 2 is not UTF-16"),
    ("binary", b"\x7fELF\x00\x01", NONE),
    ("doctype", "<!doctype html><!-- x -->", NONE),
    ("json", '{"openapi": "3.1.0"}', NONE),
    ("json-deep", "[" * 100_000, NONE),
    ("word", "nonsense", NONE + "; name a saved page of GET /v2/audiences/{id} (Get Audience) or PUT"),
    ("blog", BLOG, "names GET /v2/audiences/{id} but has 0 of the 12 rows of its tables"),
    ("delete", OTHER.format("DELETE", "/664f1a"), NONE + " (but of DELETE /v2/audiences/664f1a)"),
    ("size", OTHER.format("GET", "/664f1a/size"), NONE + " (but of GET /v2/audiences/664f1a/size)"),
    ("several", f"{MANY}\n\n{filled('update.md')}", NONE + " (but of GET"),
    ("cut", CUT, BREAKS),
    ("text", "a" * (LARGEST_TEXT + 1), "text of more than 128 KiB"),
    ("huge", "<html>" + "a" * LARGEST, "larger than 4 MiB"),
    ("cells", "<html><body><table>" + "<tr><td>x" * (MOST_NODES + 9), MORE),
    ("tags", "<html><body>" + "<div>" * 300, MORE),
]


@pytest.mark.parametrize(("content", "said"), [pytest.param(c, s, id=name) for name, c, s in NO_PAGES])
def test_what_is_no_page_is_refused_in_one_line_that_names_the_file(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    path = saved(tmp_path, content)
    code, output = called(path)
    line = output.splitlines()[-1]
    assert (code, line[: len(f"Error: {path}: {said}")]) == (2, f"Error: {path}: {said}")
    assert re.search("save the page|name a saved page", line)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    code, output = called(tmp_path, tmp_path / "missing")
    assert (code, f"Error: {tmp_path}: cannot be read (Is a directory); name a saved page\n" in output) == (2, True)
    assert f"{tmp_path / 'missing'}: cannot be read (No such file or directory); name a saved page\n" in output


def test_of_several_files_the_pages_are_told_and_the_others_named(tmp_path: Path) -> None:
    good, bad = saved(tmp_path, filled("get.html"), "good"), saved(tmp_path, "", "bad")
    code, output = called(bad, good)
    assert (code, f"{good}: get-audience" in output, f"Error: {bad}: empty" in output) == (2, True, True)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_breaks_off_is_never_said_not_to_differ(tmp_path: Path, name: str) -> None:
    text = filled(name)
    table = [found.start() for found in re.finditer("401", text)][-1]
    for end in range(0, table, max(1, table // 60)):
        path = saved(tmp_path, text[:end])
        assert compare_pages([path])[0] == [], text[:end][-60:]


def test_a_page_in_utf_16_is_read(tmp_path: Path) -> None:
    assert told(tmp_path, filled("get.html").encode("utf-16")) == []


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>" + "<div>" * 300_000,
        "<html><body>" + "<" * 300_000,
        "<html><body>" + "<pre>" * 200_000,
        "<html><body><a " + "x=1 " * 400_000,
        "<html><body>" + "<!--" * 400_000,
        "[[" * 100_000,
        "[a](" * 60_000,
        "## A\n\n" + "<Aa " * 60_000,
        "must be " + "a, " * 80_000,
        "a_" * 120_000,
        "| a " * 60_000,
        "| a |\n|-|\n" + "| b\n" * 60_000,
        "## A\n\n" + "> " * 120_000,
        "{\n" * 100_000 + "x",
        "/\n" * 100_000,
        "curl '\n" * 30_000,
    ],
    ids=lambda text: repr(text[-8:]),
)
def test_hostile_text_takes_bounded_time_and_is_refused(tmp_path: Path, text: str) -> None:
    path = saved(tmp_path, text if text[0] == "<" else f"GET /v2/audiences/{{id}}\n\n{text}")
    begin = time.monotonic()
    assert compare_pages([path])[0] == []
    assert time.monotonic() - begin < 120
