"""Facts about the neutral structure: text, Markdown and HTML give the same blocks, and words of note are found."""

from __future__ import annotations

import pytest

from trackly_contract.pages.facts import facts_of, marks
from trackly_contract.pages.html import from_html
from trackly_contract.pages.page import Code, Heading, Lines, Table, from_text
from trackly_contract.pages.request import command, request_lines, url_facts

TABLE = Table(("HTTP Status", "Error Code"), (("404", "not_found"), ("401", "a|b")))


def test_a_table_is_the_same_in_markdown_and_in_html() -> None:
    markdown = "| HTTP Status | Error Code |\n|:--|--:|\n| 404 | `not_found` |\n| 401 | a\\|b |\n"
    html = (
        "<html><body><table><thead><tr><th>HTTP Status</th><th>Error&nbsp;Code</th></tr></thead>"
        "<tr><td>404<td><code>not_found</code></tr><tr><td>401</td><td>a|b</td></tr></table></body></html>"
    )
    assert from_text(markdown).blocks == from_html(html).blocks == (TABLE,)


def test_headings_code_and_text_are_the_same_in_text_and_in_html() -> None:
    text = 'Body Parameters\n\nname\nstring\n{"a": [1,\n2]}\nSent.'
    html = (
        "<html><body><h2>Body <b>Parameters</b></h2><div>name</div><div><span>string</span></div>"
        '<pre><code><span>{"a": [1,\n</span><span>2]}</span>\n</code></pre><p>Sent.</p></body></html>'
    )
    expected = (Heading("Body Parameters"), Lines(("name", "string")), Code('{"a": [1,\n2]}'), Lines(("Sent.",)))
    assert from_text(text).blocks == from_html(html).blocks == expected


def test_scripts_styles_and_navigation_are_not_text() -> None:
    html = "<html><head><title>x</title><body><nav>GET</nav><script>a<b</script><style>c</style><p>d</p></body></html>"
    assert from_html(html).blocks == (Lines(("d",)),)


def test_html_without_its_end_is_cut() -> None:
    assert from_html("<html><body><p>x").cut == "before its closing tags"
    assert from_html("<html><body><pre>x").cut == "inside a block of code"
    assert from_html("<html><body><table><tr><td>x").cut == "inside a table"
    assert from_html("<html><body><p>x</p><a href=").cut == "inside a tag or a comment"
    assert from_html("<div>a fragment</div>").cut == ""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("```json\n{", "inside a block of code"),
        ("curl -X GET 'x", "inside a command"),
        ("curl -X GET \\", "inside a command"),
        ('{\n"a": 1', "inside JSON"),
        ('<ParamField body="a">\nx', "inside a ParamField"),
    ],
)
def test_text_without_its_end_is_cut(text: str, where: str) -> None:
    assert from_text(text).cut == where


def test_a_bracket_too_few_in_an_example_does_not_swallow_the_page() -> None:
    blocks = from_text('{\n  "a": [1\n}\nSent.\n\nError Codes\n\n404').blocks
    assert blocks[1:] == (Lines(("Sent.",)), Heading("Error Codes"), Lines(("404",)))


def test_marks_of_markdown_are_taken_out_and_types_stay() -> None:
    text = "- [Name](https://x.example) of **`a_b`**, array<integer>, a&amp;b<br/>c\\_d"
    assert from_text(text).blocks == (Lines(("- Name of a_b, array<integer>, a&b c_d",)),)


def test_front_matter_states_the_operation() -> None:
    text = '---\ntitle: "Update"\napi: "PUT /v2/audiences/{id}"\n---\n\nText'
    assert facts_of(from_text(text)).request_lines == [("PUT", "/v2/audiences/{id}")]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["PUT", "/", "v2", "/", "audiences", "/", "{id}", "Send"], [("PUT", "/v2/audiences/{id}")]),
        (["PUT", "/v2/audiences/", "{id}"], [("PUT", "/v2/audiences/{id}")]),
        (["put /v2/audiences/{id}"], [("PUT", "/v2/audiences/{id}")]),
        (["GET", "List audiences", "DEL", "Delete"], []),
        (["Skip to", "/", "v2", "/", "audiences"], [("", "/v2/audiences")]),
        (["PUX", "/", "v2", "/", "audiences"], [("PUX", "/v2/audiences")]),
        (["PUT", "v2", "/", "audiences"], [("PUT", "v2/audiences")]),
    ],
)
def test_request_lines_are_read_in_one_line_and_in_many(lines: list[str], found: list[tuple[str, str]]) -> None:
    assert request_lines(lines) == found


def test_a_command_is_read_as_a_shell_reads_it() -> None:
    sent = command(
        """$ curl --request=PUT 'https://a.example/api/v2/x?y=1' \\\n -H "A: b" -HC:d -k -s -d '{"e": "f"}'"""
    )
    assert sent is not None
    assert sent.body == '{"e": "f"}'
    assert sent.stated == {
        "method": "PUT",
        "host": "https://a.example/api",
        "path": "/v2/x",
        "query": "y=1",
        "header A": "b",
        "header C": "d",
        "option -k": "yes",
    }


def test_a_command_with_a_body_and_no_method_posts() -> None:
    sent = command("curl https://a.example/v2/x -d 1")
    assert sent is not None
    assert sent.stated["method"] == "POST"


def test_a_command_without_its_quotation_mark_is_none() -> None:
    assert command("curl 'https://a.example") is None


def test_a_url_without_a_version_is_all_path() -> None:
    assert url_facts("https://a.example/b") == {"host": "https://a.example", "path": "/b"}
    assert url_facts("https://[") == {"host": "https://[", "path": ""}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("At most 1,000 of them", {("number", "1000")}),
        ("one of the six", {("number", "6")}),
        ("v2, 3rd, x-4 or 2025-11-15", set()),
        ("null if new", {("null", "null")}),
        ("as source_lists or conditionType", {("name", "source_lists"), ("name", "conditionType")}),
        ("unit must be days or hours", {("listed", "days"), ("listed", "hours"), ("binding", "must")}),
        ("State: on, off, and idle.", {("listed", "on"), ("listed", "off"), ("listed", "idle")}),
        ("Joined by XOR", {("listed", "XOR")}),
        ("Never empty", {("binding", "never")}),
        ("is missing unit", {("member", "unit")}),
        ("unit is not valid", set()),
    ],
)
def test_words_of_note_are_found(text: str, found: set[tuple[str, str]]) -> None:
    assert marks(text, ["value", "unit"]) == found


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("integer[]", "array of integers"),
        ("array<integer>", "array of integers"),
        ("list of integers", "array of integers"),
        ("Array of  integers", "array of integers"),
        ("string | null", "string | null"),
    ],
)
def test_a_type_is_one_however_it_is_spelt(stated: str, name: str) -> None:
    text = f"## Response Fields\n\n| Name | Type |\n| --- | --- |\n| a | {stated.replace('|', chr(92) + '|')} |\n"
    assert facts_of(from_text(text)).rows[0].stated["type"] == name


def test_fields_in_a_table_are_read_as_those_in_components() -> None:
    table = "## Body Parameters\n\n| Field | Type | Required | About |\n|-|-|-|-|\n| `a` | string | Yes | At most 5 |\n"
    fields = '<ParamField body="a" type="string" required>\nAt most 5\n</ParamField>\n'
    one, other = (facts_of(from_text(text)).rows[0] for text in (table, fields))
    assert (one.place, one.stated, one.says) == (other.place, other.stated, other.says)


def test_flags_behind_a_type_are_read() -> None:
    text = "Body Parameters\n\na\nstringrequired\nText.\nb\nstring\noptional\nText.\nc\nobject\ndeprecated\nText."
    rows = facts_of(from_text(text)).rows
    assert [row.stated for row in rows] == [
        {"type": "string", "required": "yes"},
        {"type": "string", "required": "no"},
        {"type": "object", "required": "no", "deprecated": "yes"},
    ]


@pytest.mark.parametrize("line", ["name_too_longName", "4000name_too_long", "400 ", "40name_too_longName", "400"])
def test_a_row_of_an_error_table_that_cannot_be_read_is_kept(line: str) -> None:
    facts = facts_of(from_text(f"Error Codes\n\nStatus Code\n404not_foundNo\n{line}\nText."))
    assert [row.name for row in facts.rows] == ["not_found"]
    assert facts.odd == [("Error Codes", line.strip())]


def test_another_head_of_an_error_table_is_kept() -> None:
    facts = facts_of(from_text("Error Codes\n\nHTTP Reason\n404not_foundNo"))
    assert facts.odd == [("Error Codes, head", "HTTP Reason")]
    facts = facts_of(from_text("## Error Codes\n\n| Foo | Bar |\n|-|-|\n| 404 | not_found |\n"))
    assert (facts.odd, facts.rows[0].name) == ([("Error Codes, head", "Foo | Bar")], "not_found")


def test_prose_above_an_error_table_is_no_row_of_it() -> None:
    assert facts_of(from_text("Error Codes\n\nAll are JSON.\n\nStatus and code\n404not_foundNo\nSee below.")).odd == []


def test_what_is_left_of_a_command_is_kept() -> None:
    text = '  -H "X-Api-Key: k"\ncurx -X GET "https://a.example"'
    assert [place for place, _ in facts_of(from_text(text)).odd] == ["example request"] * 2
